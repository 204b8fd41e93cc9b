"""Whether anything is better than a known solution: branch and bound whose every bound is an exact fraction.

HiGHS only suggests where to branch and at what prices to bound; a branch is closed by exact numbers or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from domain.selection.highs import SolverFailed, best_integers, relax
from domain.selection.program import Counts, Program, Row, dot, part_of

BRANCHES_MAX = 600
CORE = 30
"""How many columns are first solved in whole numbers."""
_NEARLY_WHOLE = Fraction(1, 10**6)


@dataclass(frozen=True, slots=True)
class Improved:
    """The best solution found; `proven` if every branch was closed and so nothing is better."""

    solution: Counts
    proven: bool


@dataclass(frozen=True, slots=True)
class Solved:
    """The best solution that HiGHS finds, feasible in exact integers, and prices that bound it."""

    solution: Counts
    prices: tuple[Fraction, ...]


def solve(program: Program) -> Solved | None:
    """Solves the relaxed program, then in whole numbers only the columns that its prices leave in doubt; None if no
    solution is found. Raises SolverFailed.

    A column whose reduced value is above the gap between bound and solution is settled: taking it otherwise costs more.
    """
    relaxed = relax(program)
    if relaxed is None:
        found = best_integers(program)
        return None if found is None else Solved(found, (Fraction(0),) * len(program.rows))
    scale, _, reduced = program.reduce(relaxed.prices)
    bound = floor(program.bound(relaxed.prices) * scale)
    whole = tuple(round(count) for count in relaxed.x)
    if program.feasible(whole) and program.value(whole) * scale > bound - scale:
        return Solved(whole, relaxed.prices)
    losses = [abs(worth) for worth in reduced]
    liked = [most if worth > 0 else 0 for most, worth in zip(program.upper, reduced, strict=True)]
    in_doubt = sorted(range(len(losses)), key=losses.__getitem__)
    size = CORE
    while True:
        part = part_of(program, in_doubt[:size], liked)
        found = best_integers(part.program)
        if found is None and size >= len(in_doubt):
            return None
        size *= 8
        if found is not None:
            best = part.whole(found)
            gap = bound - program.value(best) * scale
            hopeful = sum(loss <= gap for loss in losses)
            if hopeful <= len(part.columns):
                return Solved(best, relaxed.prices)
            size = hopeful


@dataclass(frozen=True, slots=True)
class _Box:
    """The solutions between two corners."""

    low: Counts
    high: Counts

    def split(self, column: int, at: int) -> tuple[_Box, _Box]:
        """Those with at most `at` of the column, and those with more."""
        below = tuple(min(one, at) if place == column else one for place, one in enumerate(self.high))
        above = tuple(max(one, at + 1) if place == column else one for place, one in enumerate(self.low))
        return _Box(self.low, below), _Box(above, self.high)


def improve(program: Program, known: Counts, prices: Sequence[Fraction] = ()) -> Improved:
    """A solution better than `known`, or `known` itself; `prices` may close the question at once."""
    best, worth = known, program.value(known)
    if prices and floor(program.bound(prices)) <= worth:
        return Improved(best, proven=True)
    if prices:
        return _improve_in_doubt(program, known, prices)
    boxes = [_Box((0,) * len(program.upper), program.upper)]
    for _ in range(BRANCHES_MAX):
        if not boxes:
            return Improved(best, proven=True)
        box = boxes.pop()
        inside, base = _within(program, box)
        relaxed = relax(inside)
        if relaxed is None:
            if not _is_empty(inside):
                return Improved(best, proven=False)
            continue
        if base + floor(inside.bound(relaxed.prices)) <= worth:
            continue
        found = tuple(low + round(step) for low, step in zip(box.low, relaxed.x, strict=True))
        if program.feasible(found) and program.value(found) > worth:
            best, worth = found, program.value(found)
        column = _to_branch_on(inside.upper, relaxed.x)
        if column is not None:
            below = min(floor(relaxed.x[column] + _NEARLY_WHOLE), inside.upper[column] - 1)
            boxes.extend(box.split(column, box.low[column] + below))
        # A box of one point is its own answer: it was looked at above.
    return Improved(best, proven=not boxes)


def best(program: Program, known: Counts) -> Improved:
    """The same without prices: those at which the program is solved, and its solution if it is better, to begin with."""
    if program.value(known) == sum(
        most * max(value, 0) for most, value in zip(program.upper, program.values, strict=True)
    ):
        return Improved(known, proven=True)
    try:
        solved = solve(program)
    except SolverFailed:
        solved = None
    if solved is None:
        return improve(program, known)
    if program.value(solved.solution) > program.value(known):
        known = solved.solution
    return improve(program, known, solved.prices)


def in_doubt(program: Program, known: Counts, prices: Sequence[Fraction]) -> list[int]:
    """The columns that may differ from what the prices prefer in a solution as good as `known`, which has the others so."""
    scale, _, reduced = program.reduce(prices)
    gap = floor(program.bound(prices) * scale) - program.value(known) * scale
    return [column for column, worth in enumerate(reduced) if abs(worth) <= gap]


def _improve_in_doubt(program: Program, known: Counts, prices: Sequence[Fraction]) -> Improved:
    columns = in_doubt(program, known, prices)
    part = part_of(program, columns, known)
    found = improve(part.program, tuple(known[column] for column in columns))
    return Improved(part.whole(found.solution), found.proven)


def _within(program: Program, box: _Box) -> tuple[Program, int]:
    """The program of what is taken beyond the low corner, and what the low corner is worth."""
    upper = tuple(high - low for low, high in zip(box.low, box.high, strict=True))
    rows = tuple(
        Row(row.id, row.coefficients, row.bound - dot(row.coefficients, box.low), row.equal)
        for row in program.rows
    )
    return Program(program.values, upper, rows), program.value(box.low)


def _to_branch_on(upper: Counts, x: Sequence[Fraction]) -> int | None:
    """The column farthest from a whole number, of those that are not settled."""
    unsettled = [column for column, most in enumerate(upper) if most > 0]
    return max(unsettled, key=lambda column: abs(x[column] - round(x[column])), default=None)


def _is_empty(program: Program) -> bool:
    """Whether exact prices show that no solution exists: any would need slack that the bound forbids."""
    width, rows = len(program.values), []
    elastic = sum(2 if row.equal else 1 for row in program.rows)
    used = 0
    for row in program.rows:
        slack = [0] * elastic
        slack[used] = -1
        if row.equal:
            slack[used + 1] = 1
        used += 2 if row.equal else 1
        rows.append(Row(row.id, row.coefficients + tuple(slack), row.bound, row.equal))
    most = max(
        abs(row.bound)
        + sum(abs(one) * most for one, most in zip(row.coefficients, program.upper, strict=True))
        for row in program.rows
    )
    needed = Program((0,) * width + (-1,) * elastic, program.upper + (most,) * elastic, tuple(rows))
    relaxed = relax(needed)
    return relaxed is not None and needed.bound(relaxed.prices) < 0
