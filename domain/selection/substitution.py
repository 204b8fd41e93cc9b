"""Who takes a seat that was given up: the next of the reserve whose inclusion keeps every hard rule, or nobody (DR-31)."""

from __future__ import annotations

from collections.abc import Sequence

from domain.selection.problem import Problem, Substitution, TieUnresolved
from domain.selection.ranking import places, rank_problem
from domain.selection.shares import broken, check_all
from schemas.errors import Refused


def substitute(
    problem: Problem, selected: Sequence[str], removed: str, reserve: Sequence[str]
) -> Substitution | TieUnresolved:
    """The next of `reserve`, of the same group as `removed`, with whom the list keeps every hard rule; else a vacancy.

    `selected` is the list as it stands, with or without `removed`. Equals in line who would both do go to a person,
    unless the problem has a lot or a resolution for them. Raises Refused NOT_ON_LIST for someone not of the problem.
    """
    group_of = {one.id: one.group for one in problem.candidates}
    for one in (removed, *reserve):
        if one not in group_of:
            raise Refused("NOT_ON_LIST", nomination=one)
    staying = [one for one in selected if one != removed]
    place = places(rank_problem(problem))
    waiting = [
        one
        for one in reserve
        if one in place and one not in staying and one != removed and group_of[one] == group_of[removed]
    ]
    faults = {one: broken(check_all(problem, [*staying, one])) for one in waiting}
    able = [one for one in waiting if not faults[one]]
    if not able:
        return Substitution(out=removed, into="", passed_over=faults, rules=check_all(problem, staying))
    into = able[0]
    equals = [one for one in able if place[one] == place[into]]
    if len(equals) > 1 and not problem.lot_seed:
        return TieUnresolved(tied=tuple(sorted(equals)), seats_left=1)
    passed = {one: faults[one] for one in waiting[: waiting.index(into)]}
    return Substitution(
        out=removed, into=into, passed_over=passed, rules=check_all(problem, [*staying, into])
    )
