"""General solvers on the numbers of an instance. They run in a process of their own, since ortools and highspy each bring
a HiGHS under the same library name; the time is taken there.
"""

from __future__ import annotations

import gc
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from time import perf_counter
from typing import Any

import numpy as np

SECONDS_MAX = 60.0
"""A peer that has proven nothing by then counts with this time."""


@dataclass(frozen=True)
class Numbers:
    """Choose exactly `seats` of the greatest total score, with `least` to `most` of each class."""

    seats: int
    scores: np.ndarray[Any, np.dtype[np.int64]]
    member: np.ndarray[Any, np.dtype[np.bool_]]  # class × candidate
    least: tuple[int, ...]
    most: tuple[int, ...]


def by_cp_sat(one: Numbers) -> int | None:
    """The best total score that CP-SAT proves, on one thread as ours; None if it does not in time."""
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    taken = [model.new_bool_var("") for _ in one.scores]
    model.add(cp_model.LinearExpr.sum(taken) == one.seats)
    for has, low, high in zip(one.member, one.least, one.most, strict=True):
        inside = [taken[place] for place in np.flatnonzero(has)]
        model.add_linear_constraint(cp_model.LinearExpr.sum(inside), low, high)
    model.maximize(cp_model.LinearExpr.weighted_sum(taken, one.scores.tolist()))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = SECONDS_MAX
    status = solver.solve(model)
    return round(solver.objective_value) if status == cp_model.OPTIMAL else None


def by_milp(one: Numbers) -> int | None:
    """The best total score that scipy's milp (HiGHS) proves; None if it does not in time."""
    from scipy.optimize import Bounds, LinearConstraint, milp

    width = len(one.scores)
    matrix = np.vstack([np.ones(width), one.member.astype(float)])
    low, high = np.array([one.seats, *one.least], dtype=float), np.array([one.seats, *one.most], dtype=float)
    found = milp(
        -one.scores.astype(float),
        integrality=np.ones(width),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix, low, high),
        options={"mip_rel_gap": 0, "time_limit": SECONDS_MAX},
    )
    if found.status != 0:
        return None
    return int(one.scores @ np.rint(found.x).astype(np.int64))


PEERS: dict[str, Callable[[Numbers], int | None]] = {"ortools CP-SAT": by_cp_sat, "scipy milp": by_milp}


def run(peer: str, one: Numbers) -> tuple[float, int | None]:
    """Milliseconds, building of the model included, and the optimum."""
    gc.collect()
    began = perf_counter()
    found = PEERS[peer](one)
    return 1000 * (perf_counter() - began), found


@contextmanager
def serving() -> Iterator[Callable[[str, Numbers], tuple[float, int | None]]]:
    """`run` in another process."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asked, told = process.stdin, process.stdout

        def ask(peer: str, one: Numbers) -> tuple[float, int | None]:
            pickle.dump((peer, asdict(one)), asked)
            asked.flush()
            took, found = pickle.load(told)
            return took, found

        yield ask
        asked.close()


def main() -> None:
    """Answers one question after the other, from stdin to stdout, until there are no more."""
    while True:
        try:
            peer, said = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        pickle.dump(run(peer, Numbers(**said)), sys.stdout.buffer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
