"""Places of the intake (名额): who put forward too few, and those that one unit gives to others (DR-06).

A unit's places are numbered, and each is held by one nomination. Those that it gives away are held by nobody who is
nominated, ever: so somebody who submits meanwhile and was told the same number decides again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain, repeat

from schemas import names
from schemas.commands import RedistributeQuota
from schemas.errors import Refused
from schemas.events import BelowMinimum, QuotaRedistributed
from schemas.ledger import Claim
from schemas.programme import Programme
from schemas.units import UnitTree

Claims = Mapping[str, Mapping[int, str]]  # scope → number → holder


def below_minimum(
    programme: Programme, tree: UnitTree, nominated: Mapping[str, int]
) -> tuple[BelowMinimum, ...]:
    """The units that put forward fewer than is asked of them, by code: reported, and nobody lapses for it."""
    found = []
    for unit in tree.units:
        intake, have = programme.intake(unit.rank), nominated.get(unit.code, 0)
        minimum = unit.quota_min(intake) if intake else None
        if minimum and have < minimum and scopes(programme, tree, unit.code):
            found.append(BelowMinimum(unit=unit.code, minimum=minimum, nominations=have))
    return tuple(sorted(found, key=lambda one: one.unit))


def scopes(programme: Programme, tree: UnitTree, unit: str) -> tuple[str, ...]:
    """Where the unit's places are numbered: once for each route by which it has a way up."""
    return tuple(names.quota_scope(route, unit) for route in _routes(programme, tree, unit))


def _routes(programme: Programme, tree: UnitTree, unit: str) -> Iterator[str]:
    for route in programme.routes:
        try:
            tree.path(unit, route)
        except (KeyError, ValueError):
            continue
        yield route.id


def quota_of(programme: Programme, tree: UnitTree, unit: str) -> int:
    """How many places the unit had from the start. Raises Refused NOT_FOUND, NO_INTAKE_HERE, NO_QUOTA."""
    if unit not in tree.by_code:
        raise Refused("NOT_FOUND", what=unit)
    rank = tree.by_code[unit].rank
    intake = programme.intake(rank)
    if intake is None or not scopes(programme, tree, unit):
        raise Refused("NO_INTAKE_HERE", unit=unit, rank=rank)
    quota = tree.by_code[unit].quota(intake)
    if quota is None:
        raise Refused("NO_QUOTA", unit=unit)
    return quota


def must_go_no_other_way(programme: Programme, tree: UnitTree, giver: str, taker: str) -> None:
    """A place is one of each of the giver's routes. Raises Refused NO_WAY_UP for one that the taker alone has."""
    known = set(_routes(programme, tree, giver))
    for route in _routes(programme, tree, taker):
        if route not in known:
            raise Refused("NO_WAY_UP", unit=giver, route=route)


def must_be_free(moved: RedistributeQuota, most: int, claims: Claims) -> None:
    """On no route the unit uses what it would give; `most` is its highest number. Raises Refused QUOTA_IN_USE."""
    asked = sum(one.places for one in moved.to)
    for held in claims.values():
        free = len(_free(most, held))
        if free < asked:
            used = sum(not by.startswith(names.GIVEN_AWAY) for by in held.values())
            raise Refused("QUOTA_IN_USE", unit=moved.unit, quota=free + used, used=used, asked=asked)


def given_away(
    cycle: str, moved: RedistributeQuota | QuotaRedistributed, most: int, claims: Claims
) -> tuple[Claim, ...]:
    """The highest free numbers of the unit, on each of its routes, held by those who have the places now."""
    holders = [*chain.from_iterable(repeat(names.given_to(one.unit), one.places) for one in moved.to)]
    return tuple(
        Claim(cycle=cycle, scope=scope, number=number, holder=holder)
        for scope, held in claims.items()
        for number, holder in zip(_free(most, held), holders, strict=False)
    )


def _free(most: int, held: Mapping[int, str]) -> list[int]:
    return [number for number in range(most, 0, -1) if number not in held]
