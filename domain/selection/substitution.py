"""Who takes a seat that was given up: the next of the reserve with whom the list keeps every hard rule (DR-31)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction

from domain.selection.choose import select
from domain.selection.problem import (
    Candidate,
    Change,
    Op,
    Problem,
    Selected,
    ShareRule,
    Substitution,
    TieUnresolved,
)
from domain.selection.ranking import places, rank_problem
from domain.selection.shares import broken, check_all
from schemas.errors import Refused

_KEPT = "kept:"
_LINE = "line:"


def substitute(
    problem: Problem, selected: Sequence[str], removed: str, reserve: Sequence[str]
) -> Substitution | TieUnresolved:
    """The next of `reserve`, of the same group and line as `removed`, with whom the list keeps every hard rule.

    Where nobody is, the seat stays vacant if the rest keeps the rules. If it does not, as few of the rest as possible give
    way to others of the reserve, then as many seats as possible are filled, then the best score decides; where no list
    keeps the rules, the seat stays vacant and `rules` says what is broken.

    `selected` is the list as it stands, with or without `removed`. Equals who would both do go to a person, unless the
    problem has a lot or a resolution for them. Raises Refused NOT_ON_LIST for someone not of the problem.
    """
    known = {one.id: one for one in problem.candidates}
    for one in (removed, *reserve):
        if one not in known:
            raise Refused("NOT_ON_LIST", nomination=one)
    staying = [one for one in selected if one != removed]
    place = places(rank_problem(problem))
    able = [one for one in reserve if one in place and one not in staying and one != removed]
    waiting = [one for one in able if _seat_of(known[one]) == _seat_of(known[removed])]
    faults = {one: broken(check_all(problem, [*staying, one])) for one in waiting}
    fitting = [one for one in waiting if not faults[one]]
    if not fitting:
        return _without_one_fitting(problem, staying, removed, able, faults)
    into = fitting[0]
    equals = [one for one in fitting if place[one] == place[into]]
    if len(equals) > 1 and not problem.lot_seed:
        return TieUnresolved(tied=tuple(sorted(equals)), seats_left=1)
    passed = {one: faults[one] for one in waiting[: waiting.index(into)]}
    return Substitution(
        out=removed, into=into, passed_over=passed, rules=check_all(problem, [*staying, into])
    )


def _without_one_fitting(
    problem: Problem, staying: list[str], removed: str, able: list[str], faults: dict[str, tuple[str, ...]]
) -> Substitution | TieUnresolved:
    rules = check_all(problem, staying)
    found = _fewest_changes(problem, staying, removed, able) if broken(rules) and able else None
    if isinstance(found, TieUnresolved):
        return found
    if found is None:
        return Substitution(out=removed, into="", passed_over=faults, rules=rules)
    known = {one.id: one for one in problem.candidates}
    chosen = set(found.selected)
    coming = [one for one in found.selected if one not in staying]
    changes = []
    for out in [removed, *(one for one in staying if _on_quota(problem, known[one]) and one not in chosen)]:
        into = next((one for one in coming if _seat_of(known[one]) == _seat_of(known[out])), "")
        changes.append(Change(out=out, into=into))
        coming = [one for one in coming if one != into]
    gone = {change.out for change in changes}
    final = [
        *(one for one in staying if one not in gone),
        *(change.into for change in changes if change.into),
    ]
    return Substitution(
        out=removed,
        into=changes[0].into,
        passed_over={one: why for one, why in faults.items() if one not in final},
        rules=check_all(problem, final),
        also=tuple(changes[1:]),
    )


def _fewest_changes(
    problem: Problem, staying: Sequence[str], removed: str, able: Sequence[str]
) -> Selected | TieUnresolved | None:
    """The best list of those who stay and the reserve that takes the seats of as few as possible of those who stay."""
    known = {one.id: one for one in problem.candidates}
    here = [one for one in staying if _on_quota(problem, known[one])]
    seats = Counter(_seat_of(known[one]) for one in (*here, removed))
    lines = {seat: f"{_LINE}{place}" for place, seat in enumerate(sorted(seats))}
    people = [known[one] for one in (*here, *able) if _seat_of(known[one]) in lines]
    limits = tuple(_number(lines[seat], Op.CAP, most, len(here) + 1) for seat, most in sorted(seats.items()))
    for kept in range(len(here) - 1, -1, -1):
        again = problem.model_copy(
            update={
                "candidates": tuple(_marked(one, here, lines) for one in people if _on_quota(problem, one)),
                "seats": len(here) + 1,
                "exact": False,
                "differential": None,
                "minimum_score": None,
                "reserve": 0,
                "rules": (*problem.hard_rules, *limits, _number(_KEPT, Op.FLOOR, kept, len(here) + 1)),
            }
        )
        found = select(again)
        if isinstance(found, Selected | TieUnresolved):
            return found
    return None


def _seat_of(one: Candidate) -> tuple[str, str]:
    return one.group, one.line


def _on_quota(problem: Problem, one: Candidate) -> bool:
    return all(group.id != one.group or not group.off_quota for group in problem.groups)


def _marked(one: Candidate, here: Sequence[str], lines: Mapping[tuple[str, str], str]) -> Candidate:
    marks = {lines[_seat_of(one)]} | ({_KEPT} if one.id in here else set())
    return one.model_copy(update={"tags": one.tags | marks})


def _number(tag: str, op: Op, count: int, seats: int) -> ShareRule:
    return ShareRule(id=tag, op=op, share=Fraction(count, seats), of=frozenset({tag}), base_number=seats)
