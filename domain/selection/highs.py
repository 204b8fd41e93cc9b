"""The door to HiGHS, the one place where numbers are doubles: it proposes solutions and prices, nothing here is believed.

Whatever comes back is recomputed in exact integers by the caller; prices are solved anew from the basis, in fractions.
HiGHS and numpy are imported where they are used: they take a quarter of a second, and most commands select nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from domain.selection.program import Counts, Program

if TYPE_CHECKING:
    import highspy

_OPTIONS: dict[str, bool | int | float | str] = {
    "output_flag": False,
    "threads": 1,
    "parallel": "off",
    "random_seed": 0,
    "mip_heuristic_run_feasibility_jump": False,  # half of a small program's time, and the relaxation is near already
    "mip_rel_gap": 0.0,
    "mip_abs_gap": 0.0,
    "mip_feasibility_tolerance": 1e-9,
    "dual_feasibility_tolerance": 1e-9,
}
_LARGEST_COST = 1e6
"""Smaller costs stay whole numbers, with which HiGHS is right more often; greater ones are scaled."""
_FEW = 200
"""Up to so many columns presolve costs more than it saves."""


class SolverFailed(RuntimeError):
    """HiGHS ended without an answer, or with one that exact integers refute."""


def best_integers(program: Program) -> Counts | None:
    """A solution that HiGHS takes for optimal, checked for feasibility in exact integers; None if there is none.

    Raises SolverFailed.
    """
    import highspy  # noqa: PLC0415 -- see above

    if not program.values:
        return () if program.feasible(()) else None
    solver = _load(program, integers=True)
    if len(program.values) <= _FEW:
        solver.setOptionValue("presolve", "off")
    solver.run()
    status = solver.getModelStatus()
    if status == highspy.HighsModelStatus.kInfeasible:
        return None
    if status != highspy.HighsModelStatus.kOptimal:
        raise SolverFailed(f"HiGHS ended with {status}")
    x = tuple(round(one) for one in solver.getSolution().col_value)
    if not program.feasible(x):
        raise SolverFailed("HiGHS gave a solution that breaks a row")
    return x


@dataclass(frozen=True, slots=True)
class Relaxation:
    """Where HiGHS sees the optimum of the relaxed program, and the exact prices of the rows at its basis."""

    x: tuple[Fraction, ...]
    prices: tuple[Fraction, ...]


def relax(program: Program) -> Relaxation | None:
    """The program without the demand for whole numbers; None if HiGHS finds no solution. Prices are 0 if there are none."""
    import highspy  # noqa: PLC0415 -- see above

    if not program.values:
        return Relaxation((), (Fraction(0),) * len(program.rows)) if program.feasible(()) else None
    solver = _load(program, integers=False)
    solver.setOptionValue("presolve", "off")  # few rows: the simplex method is done before presolve is
    solver.run()
    if solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        return None
    x = tuple(Fraction(one) for one in solver.getSolution().col_value)
    return Relaxation(x, _exact_prices(program, solver.getBasis()))


def _exact_prices(program: Program, basis: highspy.HighsBasis) -> tuple[Fraction, ...]:
    import highspy  # noqa: PLC0415 -- see above

    basic = highspy.HighsBasisStatus.kBasic
    tight = [place for place, status in enumerate(basis.row_status) if status != basic]
    columns = [place for place, status in enumerate(basis.col_status) if status == basic]
    solution = _solve(
        [[program.rows[row].coefficients[column] for row in tight] for column in columns],
        [program.values[column] for column in columns],
    )
    found = dict(zip(tight, solution or (), strict=True)) if solution else {}
    return tuple(
        price if row.equal else max(price, Fraction(0))
        for place, row in enumerate(program.rows)
        for price in [found.get(place, Fraction(0))]
    )


def _load(program: Program, integers: bool) -> highspy.Highs:
    import highspy  # noqa: PLC0415 -- see above
    import numpy as np  # noqa: PLC0415 -- see above

    solver = highspy.Highs()  # type: ignore[no-untyped-call]
    for name, value in _OPTIONS.items():
        solver.setOptionValue(name, value)
    model = highspy.HighsLp()
    width, height = len(program.values), len(program.rows)
    model.num_col_, model.num_row_ = width, height
    model.sense_ = highspy.ObjSense.kMaximize
    largest = max(map(abs, program.values))
    exact = largest <= _LARGEST_COST
    costs = program.values if exact else [_LARGEST_COST * (value / largest) for value in program.values]
    model.col_cost_ = np.array(costs, dtype=float)
    model.col_lower_ = np.zeros(width)
    model.col_upper_ = np.array(program.upper, dtype=float)
    bounds = [row.bound for row in program.rows]
    model.row_upper_ = np.array(bounds, dtype=float)
    model.row_lower_ = np.array(
        [row.bound if row.equal else -highspy.kHighsInf for row in program.rows], dtype=float
    )
    matrix = np.array([row.coefficients for row in program.rows], dtype=float).reshape(height, width)
    at_row, at_column = np.nonzero(matrix)
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = np.concatenate(([0], np.cumsum(np.count_nonzero(matrix, axis=1)))).astype(
        np.int32
    )
    model.a_matrix_.index_ = at_column.astype(np.int32)
    model.a_matrix_.value_ = matrix[at_row, at_column]
    if integers:
        model.integrality_ = [highspy.HighsVarType.kInteger] * width
    solver.passModel(model)
    return solver


def _solve(matrix: list[list[int]], right: list[int]) -> list[Fraction] | None:
    """Bareiss's elimination, in whole numbers; None for a system that is not square and regular."""
    size = len(right)
    if any(len(row) != size for row in matrix):
        return None
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    before = 1
    for step in range(size):
        pivot = next((place for place in range(step, size) if rows[place][step]), None)
        if pivot is None:
            return None
        rows[step], rows[pivot] = rows[pivot], rows[step]
        lead, first = rows[step][step], rows[step]
        for place in range(size):
            row = rows[place]
            factor = row[step]
            if place != step:
                rows[place] = [(lead * a - factor * b) // before for a, b in zip(row, first, strict=True)]
        before = lead
    return [Fraction(row[-1], before) for row in rows]
