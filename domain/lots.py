r"""Drawing lots that anybody can draw again, with nothing but SHA-256 (DR-13).

Each person's number is SHA-256 of the seed, a line feed and their id, in UTF-8, as 64 hex digits; whoever has the
smallest number is drawn first. At a shell: `printf '%s\n%s' SEED ID | sha256sum`. Where so many of a kind are asked
for, the first of that kind are taken, kind by kind; the places left go to the first of all others.
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
    ordered = order(seed, pool)
    firsts = [
        lot for kind, least in kinds.items() for lot in [one for one in ordered if one.kind == kind][:least]
    ]
    others = [lot for lot in ordered if lot not in firsts]
    drawn = [*firsts, *others][:size]
    return tuple(lot.person for lot in ordered if lot in drawn)


def pool_hash(pool: Iterable[Lot]) -> str:
    """SHA-256 of the pool's canonical bytes, ordered by person."""
    lots = sorted(pool, key=lambda lot: lot.person)
    return payload_hash([lot.model_dump(mode="json") for lot in lots])
