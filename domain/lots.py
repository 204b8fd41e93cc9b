r"""Drawing lots that anybody can draw again, with nothing but SHA-256 (DR-13).

Each person's number is SHA-256 of the seed, a line feed and their id, in UTF-8, as 64 hex digits; whoever has the
smallest number is drawn first. At a shell: `printf '%s\n%s' SEED ID | sha256sum`. Where so many of a kind are asked
for, the first of that kind are taken, kind by kind; the places left go to the first of all others. Where a panel judges
in groups, one order serves all of them, group after group.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

from schemas.canonical import payload_hash
from schemas.events import Lot

ALGORITHM = "sha256-smallest-first/1"


def order(seed: str, pool: Iterable[Lot]) -> tuple[Lot, ...]:
    """The whole pool in the order in which it is drawn."""
    return tuple(sorted(pool, key=lambda lot: (number(seed, lot.person), lot.person)))


def number(seed: str, person: str) -> str:
    """A person's number under this seed."""
    return sha256(f"{seed}\n{person}".encode()).hexdigest()


def draw(seed: str, pool: Iterable[Lot], size: int, kinds: Mapping[str, int]) -> tuple[str, ...]:
    """`size` persons, or all that there are, with at least so many of each kind, in the order of the draw."""
    [drawn] = draw_groups(seed, pool, size, {"": kinds}).values()
    return drawn


def draw_groups(
    seed: str, pool: Iterable[Lot], size: int, groups: Mapping[str, Mapping[str, int]]
) -> dict[str, tuple[str, ...]]:
    """The same for each group, with the kinds that it asks for; nobody is drawn twice.

    First group after group takes what it asks for of each kind, then group after group fills its places: of those whose
    kind is called as it is, and of those whose kind is called as no group.
    """
    left = list(order(seed, pool))
    drawn: dict[str, list[Lot]] = {group: [] for group in groups}
    for group, kinds in groups.items():
        for kind, least in kinds.items():
            drawn[group] += _first([lot for lot in left if lot.kind == kind], least, left)
    for group in groups:
        fit = [lot for lot in left if lot.kind == group or lot.kind not in groups]
        drawn[group] += _first(fit, size - len(drawn[group]), left)
    return {group: tuple(lot.person for lot in order(seed, lots)) for group, lots in drawn.items()}


def _first(fit: list[Lot], number: int, left: list[Lot]) -> list[Lot]:
    """The first of those who fit, who are left no longer."""
    taken = fit[:number]
    for lot in taken:
        left.remove(lot)
    return taken


def pool_hash(pool: Iterable[Lot]) -> str:
    """SHA-256 of the pool's canonical bytes, ordered by person."""
    lots = sorted(pool, key=lambda lot: lot.person)
    return payload_hash([lot.model_dump(mode="json") for lot in lots])
