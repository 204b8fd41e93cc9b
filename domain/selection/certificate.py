"""Checks a list against its problem by exact counting, and its optimality by bounds and search that trust no solver."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import floor

from domain.selection.problem import (
    Candidate,
    Certificate,
    Multiplier,
    Optimality,
    Problem,
    RuleCheck,
)
from domain.selection.program import Counts, Layout, Program, lay_out
from domain.selection.proof import Improved, improve
from domain.selection.search import best_of_equals
from domain.selection.settling import best_in_turn
from domain.selection.shares import check_all


def certify(
    problem: Problem,
    selected: Iterable[str],
    filled_multipliers: Iterable[Multiplier] = (),
    multipliers: Iterable[Multiplier] = (),
    layout: Layout | None = None,
    proven: bool = False,
) -> Certificate:
    """What holds of a list: seats, groups, every rule with its numbers, and whether anything better exists.

    The multipliers come from the solver's certificate and are only evidence: any prices give a valid bound, good ones a
    tight bound. `layout` is the problem's where it has been made already; `proven` says
    that an exhaustive search in exact numbers has found nothing better. Where neither bound nor search settles the question, the certificate says `solver` and no more.
    """
    ids = tuple(selected)
    checks = check_all(problem, ids)
    faults = _membership_faults(problem, ids) + _seat_faults(problem, ids) + _rule_faults(checks)
    score = _total(_members(problem, ids))
    filled_multipliers, multipliers = tuple(filled_multipliers), tuple(multipliers)
    filled_by = optimality = Optimality.NONE
    bound: Fraction | None = None
    if not faults:
        filled_by = _filled_by(problem, ids, filled_multipliers)
        optimality, bound = _optimality(layout or lay_out(problem), ids, multipliers, proven)
        faults = _optimality_faults(filled_by, optimality)
    return Certificate(
        valid=not faults,
        faults=faults,
        seats=problem.seats,
        filled=len(ids),
        rules=checks,
        score=score,
        score_bound=bound,
        filled_by=filled_by,
        optimality=optimality,
        filled_multipliers=filled_multipliers,
        multipliers=multipliers,
    )


def _total(members: Iterable[Candidate]) -> Fraction:
    """The sum of the scores, denominator by denominator, since a fraction added to another is slow."""
    by_denominator: dict[int, int] = {}
    for one in members:
        numerator, denominator = one.score.as_integer_ratio()
        by_denominator[denominator] = by_denominator.get(denominator, 0) + numerator
    return sum((Fraction(part, whole) for whole, part in by_denominator.items()), Fraction(0))


def _members(problem: Problem, ids: Sequence[str]) -> list[Candidate]:
    wanted = set(ids)
    return [one for one in problem.candidates if one.id in wanted]


def _membership_faults(problem: Problem, ids: Sequence[str]) -> tuple[str, ...]:
    eligible = {one.id for one in problem.eligible}
    twice = sorted(one for one, times in Counter(ids).items() if times > 1)
    strangers = sorted(set(ids) - eligible)
    return tuple(f"TWICE {one}" for one in twice) + tuple(f"NOT_ELIGIBLE {one}" for one in strangers)


def _seat_faults(problem: Problem, ids: Sequence[str]) -> tuple[str, ...]:
    faults = []
    if len(ids) > problem.seats:
        faults.append(f"SEATS {len(ids)} > {problem.seats}")
    if problem.exact and len(ids) < problem.seats:
        faults.append(f"SEATS {len(ids)} < {problem.seats}")
    taken = Counter(one.group for one in _members(problem, ids))
    faults.extend(
        f"GROUP {group.id} {taken[group.id]} > {group.seats}"
        for group in problem.groups
        if taken[group.id] > group.seats
    )
    return tuple(faults)


def _rule_faults(checks: Iterable[RuleCheck]) -> tuple[str, ...]:
    return tuple(
        f"RULE {one.rule} {one.op} {one.counted} / {one.base}, required {one.required}"
        for one in checks
        if one.hard and not one.met
    )


def _optimality_faults(filled_by: Optimality, optimality: Optimality) -> tuple[str, ...]:
    faults = []
    if filled_by is Optimality.NONE:
        faults.append("MORE_SEATS_CAN_BE_FILLED")
    elif optimality is Optimality.NONE:
        faults.append("A_BETTER_LIST_EXISTS")
    return tuple(faults)


def _filled_by(problem: Problem, ids: Sequence[str], multipliers: Iterable[Multiplier]) -> Optimality:
    if len(ids) == problem.capacity():
        return Optimality.UNCONSTRAINED
    layout = lay_out(problem, by_place=False)
    program, chosen, prices = layout.filling(), layout.counts_of(ids), layout.prices(multipliers)
    most = floor(program.bound(prices))
    return _settle(program, chosen, prices, most, lambda: improve(program, chosen, prices))


def _optimality(
    layout: Layout, ids: Sequence[str], multipliers: Iterable[Multiplier], proven: bool
) -> tuple[Optimality, Fraction]:
    program, chosen = layout.scoring(len(ids)), layout.counts_of(ids)
    relaxed = _best_without_rules(layout, len(ids))
    top = layout.total(relaxed)
    if program.value(chosen) == program.value(relaxed):
        return Optimality.UNCONSTRAINED, top
    prices = layout.prices(multipliers)
    most = floor(program.bound(prices))
    bound = min(top, layout.score_of(len(ids), most))
    if proven and most > program.value(chosen):
        return Optimality.SEARCH, bound
    return _settle(program, chosen, prices, most, lambda: best_in_turn(layout, prices, chosen)), bound


def _best_without_rules(layout: Layout, length: int) -> Counts:
    """Down the places, within the seats of each group: without share rules, no list of this length is better."""
    room = {group.id: group.seats for group in layout.problem.groups}
    counts, left = [], length
    for column in layout.columns:
        size = len(column.ids)
        count = min(size, left, room.get(column.group, size))
        counts.append(count)
        left -= count
        if column.group in room:
            room[column.group] -= count
    return tuple(counts)


def _settle(
    program: Program, known: Counts, prices: Sequence[Fraction], most: int, better: Callable[[], Improved]
) -> Optimality:
    """What shows that `known` is the best, or that it is not; at these prices nothing is worth more than `most`."""
    value = program.value(known)
    if most == value:
        return Optimality.DUAL
    seen = best_of_equals(program, prices, known, lambda _: 0)
    found = Improved(seen.first, seen.proven) if seen.proven else better()
    if program.value(found.solution) > value:
        return Optimality.NONE
    return Optimality.SEARCH if found.proven else Optimality.SOLVER
