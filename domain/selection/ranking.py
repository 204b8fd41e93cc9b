"""Places and cuts: ordered tie-breakers, shared places, and a tie across the cut that goes to a person (DR-07, DR-17).

No place is ever decided by an id or by the order of arrival.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from hashlib import sha256
from itertools import groupby
from math import ceil, lcm
from operator import itemgetter

from domain.selection.problem import Candidate, DifferentialUnmet, Problem, RankGroup, TieUnresolved


def differential(have: int, ratio: Fraction, seats: int) -> DifferentialUnmet | None:
    """None if there are at least ceil(ratio × seats) candidates (DR-07)."""
    needed = ceil(ratio * seats)
    return None if have >= needed else DifferentialUnmet(needed=needed, have=have)


def rank(candidates: Iterable[Candidate], resolution: Sequence[str] = ()) -> tuple[RankGroup, ...]:
    """Places by score, then each tie-breaker, then the order that a person gave; equals share a place (1-2-2-4).

    Ids within a place are listed alphabetically, which means nothing.
    """
    people = list(candidates)
    if len({len(candidate.tie_breakers) for candidate in people}) > 1:
        raise ValueError("every candidate needs the same tie-breakers")
    place_given = {one: -place for place, one in enumerate(resolution, 1)}
    columns = [whole_numbers([candidate.score for candidate in people])]
    columns += [whole_numbers(values) for values in zip(*(one.tie_breakers for one in people), strict=True)]
    columns.append([place_given.get(candidate.id, 0) for candidate in people])
    keyed = sorted(zip(zip(*columns, strict=True), (one.id for one in people), strict=True), reverse=True)
    groups, place = [], 1
    for _, equals in groupby(keyed, key=itemgetter(0)):
        ids = tuple(sorted(id for _, id in equals))
        groups.append(RankGroup(rank=place, ids=ids))
        place += len(ids)
    return tuple(groups)


def whole_numbers(values: Sequence[Fraction]) -> list[int]:
    """The values times their least common denominator, which keeps every difference."""
    ratios = [value.as_integer_ratio() for value in values]
    scale = lcm(*{denominator for _, denominator in ratios})
    return [numerator * (scale // denominator) for numerator, denominator in ratios]


def rank_problem(problem: Problem) -> tuple[RankGroup, ...]:
    """The places of those who may be chosen."""
    return rank(problem.eligible, problem.resolution)


def lot(seed: str, id_: str) -> str:
    """The draw of one candidate under a recorded seed: SHA-256 of both; the smallest comes first."""
    return sha256(f"{seed}\x1f{id_}".encode()).hexdigest()


def places(ranked: Iterable[RankGroup]) -> dict[str, int]:
    """Each id's place."""
    return {one: group.rank for group in ranked for one in group.ids}


def in_order(ranked: Iterable[RankGroup], seed: str) -> tuple[str, ...]:
    """All ids by place; equals in the order of their draw."""
    return tuple(
        one
        for group in ranked
        for one in (group.ids if len(group.ids) == 1 else sorted(group.ids, key=lambda id_: lot(seed, id_)))
    )


def cut(
    ranked: Iterable[RankGroup],
    seats: int,
    ceiling: int | None = None,
    lot_seed: str = "",
    group_of: Mapping[str, str] | None = None,
    group_seats: Mapping[str, int] | None = None,
) -> tuple[str, ...] | TieUnresolved:
    """The first `seats` by place, within the seats of each group.

    Where equals straddle the cut: all of them if `ceiling` allows, else by the recorded lot, else `TieUnresolved`.
    """
    group_of, room = group_of or {}, Counter(group_seats or {})
    chosen: list[str] = []
    for equals in ranked:
        open_to = [one for one in equals.ids if _has_room(one, group_of, room)]
        if len(chosen) >= seats:
            break
        crowded = _crowded(open_to, group_of, room)
        fits = len(chosen) + _places_for(open_to, group_of, room) <= max(seats, ceiling or 0)
        if not fits or crowded:
            left = (max(seats, ceiling or 0) if fits else seats) - len(chosen)
            if not lot_seed:
                return _tie(open_to, crowded if fits else open_to, left, group_of, room)
            open_to = _drawn(open_to, left, lot_seed, group_of, room)
        chosen.extend(open_to)
        if room:
            room.subtract(group_of[one] for one in open_to if group_of.get(one) in room)
    return tuple(chosen)


def _has_room(one: str, group_of: Mapping[str, str], room: Mapping[str, int]) -> bool:
    return room.get(group_of.get(one, ""), 1) > 0


def _places_for(open_to: list[str], group_of: Mapping[str, str], room: Mapping[str, int]) -> int:
    """How many of them their groups have seats for."""
    sizes = Counter(group_of.get(one, "") for one in open_to)
    return sum(min(size, room.get(group, size)) for group, size in sizes.items())


def _crowded(open_to: list[str], group_of: Mapping[str, str], room: Mapping[str, int]) -> list[str]:
    """Those of a group that has fewer seats left than there are equals."""
    sizes = Counter(group_of.get(one, "") for one in open_to)
    full = {group for group, size in sizes.items() if size > room.get(group, size)}
    return [one for one in open_to if group_of.get(one, "") in full]


def _tie(
    open_to: list[str], tied: list[str], left: int, group_of: Mapping[str, str], room: Mapping[str, int]
) -> TieUnresolved:
    certain = len(open_to) - len(tied)
    seats = min(left - certain, _places_for(tied, group_of, room))
    return TieUnresolved(tied=tuple(sorted(tied)), seats_left=seats)


def _drawn(
    open_to: list[str], left: int, seed: str, group_of: Mapping[str, str], room: Mapping[str, int]
) -> list[str]:
    drawn: list[str] = []
    still = dict(room)
    for one in sorted(open_to, key=lambda id_: lot(seed, id_)):
        if len(drawn) < left and _has_room(one, group_of, still):
            drawn.append(one)
            group = group_of.get(one, "")
            if group in still:
                still[group] -= 1
    return drawn
