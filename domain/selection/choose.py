"""The choice: as many seats as the rules allow, then the best total score, then the best places, the same for every order.

Where rules bind, HiGHS proposes and exact numbers decide; what still differs only between equals goes to the recorded lot
or to a person. An answer is certified before it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

from domain.selection.certificate import certify
from domain.selection.conflict import explain
from domain.selection.highs import SolverFailed
from domain.selection.problem import (
    DifferentialUnmet,
    Infeasible,
    Problem,
    RankGroup,
    Selected,
    TieUnresolved,
)
from domain.selection.program import Counts, Layout, Program, lay_out
from domain.selection.proof import Solved, improve, solve
from domain.selection.ranking import cut, differential, in_order, lot, places, rank_problem
from domain.selection.search import Equals, best_of_equals
from domain.selection.settling import first_of_equals
from domain.selection.shares import broken, check_all

Outcome = Selected | TieUnresolved | Infeasible | DifferentialUnmet
Prices = tuple[Fraction, ...]


def select(problem: Problem) -> Outcome:
    """Choose (DR-07, DR-17, DR-18, DR-25, DR-26). Raises SolverFailed if HiGHS ends without a usable answer."""
    if problem.differential is not None:
        unmet = differential(len(problem.candidates), problem.differential, problem.seats)
        if unmet:
            return unmet
    if problem.exact and problem.capacity() < problem.seats:
        return explain(problem, problem.seats)
    ranked = rank_problem(problem)
    best = _unconstrained(problem, ranked)
    if not problem.hard_rules and isinstance(best, TieUnresolved):
        return best
    if not isinstance(best, TieUnresolved) and not broken(check_all(problem, best)):
        return _selected(problem, ranked, best)
    return _constrained(problem, ranked)


def _unconstrained(problem: Problem, ranked: Sequence[RankGroup]) -> tuple[str, ...] | TieUnresolved:
    """The best list without share rules; if it keeps them all the same, nothing can be better."""
    return cut(
        ranked,
        problem.seats,
        lot_seed=problem.lot_seed,
        group_of={one.id: one.group for one in problem.eligible},
        group_seats={group.id: group.seats for group in problem.groups},
    )


def _constrained(problem: Problem, ranked: Sequence[RankGroup]) -> Outcome:
    layout, capacity = lay_out(problem, ranked=ranked), problem.capacity()
    filled = capacity
    filling_prices: Prices = ()
    program = layout.scoring(filled)
    solved = solve(program) if capacity else None
    if solved is None:
        most, filling_prices = _most_filled(lay_out(problem, by_place=False, ranked=ranked))
        needed = problem.seats if problem.exact else min(1, capacity)
        if most is None or most < needed:
            return explain(problem, problem.seats if problem.exact else capacity)
        filled, program = most, layout.scoring(most)
        solved = solve(program)
    if solved is None:
        raise SolverFailed("HiGHS no longer finds the list that it had found")
    equals, seen = _first(layout, program, solved)
    tie = _tie(layout, equals) if not problem.lot_seed else None
    if tie:
        return tie
    vacancy = explain(problem, capacity) if filled < capacity else None
    ids = layout.chosen(equals.first)
    return _selected(problem, ranked, ids, filling_prices, solved.prices, vacancy, layout, seen)


def _first(layout: Layout, program: Program, solved: Solved) -> tuple[Equals, bool]:
    """The list that comes first and its equals, and whether they were all seen; asked again from each list that is better.

    So the certificate, which asks the same of the list, finds nothing better either.
    """
    known, prices = solved.solution, solved.prices
    while True:
        seen = best_of_equals(program, prices, known, _preference(layout))
        if seen.proven:
            return seen, True
        asked = first_of_equals(layout, prices, seen.first)
        if program.value(asked.first) == program.value(known):
            return asked, False
        known = asked.first


def _most_filled(layout: Layout) -> tuple[int | None, Prices]:
    """How many seats the rules allow to be filled, and the prices that bound it; None if no list keeps the rules."""
    program = layout.filling()
    solved = solve(program)
    if solved is None:
        return None, ()
    return program.value(improve(program, solved.solution, solved.prices).solution), solved.prices


def _preference(layout: Layout) -> Callable[[Counts], tuple[tuple[int, ...], tuple[str, ...]]]:
    """Among lists of equal score and sum of places: the one with more of the better places, then the earlier lots."""
    seed, ranks = layout.problem.lot_seed, [column.rank for column in layout.columns]

    def key(x: Counts) -> tuple[tuple[int, ...], tuple[str, ...]]:
        profile = tuple(rank for rank, count in zip(ranks, x, strict=True) for _ in range(count))
        drawn = tuple(sorted(lot(seed, one) for one in layout.chosen(x))) if seed else ()
        return profile, drawn

    return key


def _tie(layout: Layout, equals: Equals) -> TieUnresolved | None:
    """Those whom equally good lists treat differently, or of whom a column takes only some."""
    tied: list[str] = []
    certain = 0
    for column, least, most in zip(layout.columns, equals.least, equals.most, strict=True):
        if least == len(column.ids):
            certain += least
        elif most:
            tied.extend(column.ids)
    if not tied:
        return None
    return TieUnresolved(tied=tuple(sorted(tied)), seats_left=sum(equals.first) - certain)


def _selected(
    problem: Problem,
    ranked: Sequence[RankGroup],
    ids: Sequence[str],
    filling_prices: Prices = (),
    prices: Prices = (),
    vacancy: Infeasible | None = None,
    layout: Layout | None = None,
    proven: bool = False,
) -> Selected:
    layout = layout or lay_out(problem, ranked=ranked)
    certificate = certify(
        problem,
        ids,
        layout.multipliers(filling_prices) if filling_prices else (),
        layout.multipliers(prices) if prices else (),
        layout=layout,
        proven=proven,
    )
    if not certificate.valid:
        raise SolverFailed(f"the list does not pass its certificate: {certificate.faults}")
    wanted = set(ids)
    order = in_order(ranked, problem.lot_seed)
    return Selected(
        selected=tuple(one for one in order if one in wanted),
        reserve=_reserve(ranked, [one for one in order if one not in wanted], problem.reserve),
        vacancies=problem.seats - len(ids),
        certificate=certificate,
        vacancy=vacancy,
    )


def _reserve(ranked: Sequence[RankGroup], rest: Sequence[str], length: int) -> tuple[str, ...]:
    """The next by place; equals at the end of the list all stay on it, since a reserve list cuts no tie."""
    if length >= len(rest) or not length:
        return tuple(rest[:length])
    place = places(ranked)
    last = place[rest[length - 1]]
    return tuple(one for one in rest if place[one] <= last)
