"""Which solutions are equally good: an exhaustive search in exact integers that trusts no solver.

Given prices of the rows, every solution's value is the bound minus its losses: |reduced value| for each count that differs
from what the prices prefer, plus price × slack for each row. A solution as good as the best cannot lose more than the gap
between bound and value, so a column that would lose more is settled, and what is left is a small tree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import permutations
from math import floor
from operator import add
from typing import Any

from domain.selection.program import Counts, Program, dot

NODES_MAX = 40_000
OPEN_COLUMNS_MAX = 400
KEPT_MAX = 64


def best_of_equals(
    program: Program, prices: Sequence[Fraction], known: Counts, key: Callable[[Counts], Any]
) -> tuple[tuple[Counts, ...], bool]:
    """Of all solutions worth as much as the best one, `known`: those whose `key` is smallest, up to 64; and whether the
    search was exhaustive, so that nothing is better.

    Beyond the limit of nodes, at least every solution that differs by one exchange between equal places is seen.
    """
    tree = _Tree(program, prices, known, key)
    complete = tree.run()
    if not complete:
        for x in _exchanges(program, tree.solutions[0]):
            tree.keep(x, tree.gap)
    return tuple(tree.solutions), complete


def settle(program: Program, prices: Sequence[Fraction], known: Counts) -> tuple[Counts, bool]:
    """A solution at least as good as `known`, and whether the search was exhaustive, so that nothing is better."""
    tree = _Tree(program, prices, known, lambda _: 0)
    complete = tree.run()
    return tree.solutions[0], complete


def _exchanges(program: Program, x: Counts) -> Iterator[Counts]:
    """Feasible neighbours that take one from another column of equal value."""
    alike: dict[int, list[int]] = defaultdict(list)
    for column, value in enumerate(program.values):
        alike[value].append(column)
    for columns in alike.values():
        for out, into in permutations(columns, 2):
            if x[out] and x[into] < program.upper[into]:
                y = list(x)
                y[out] -= 1
                y[into] += 1
                if program.feasible(tuple(y)):
                    yield tuple(y)


@dataclass(slots=True)
class _Tree:
    program: Program
    prices: Sequence[Fraction]
    known: Counts
    key: Callable[[Counts], Any]

    scale: int = field(init=False)
    price: list[int] = field(init=False)
    reduced: list[int] = field(init=False)
    liked: list[int] = field(init=False)
    gap: int = field(init=False)
    open: list[int] = field(init=False)
    settled: list[int] = field(init=False)
    steps: list[list[tuple[int, list[int], int]]] = field(
        init=False
    )  # by depth: count, what it adds, its loss
    limits: list[tuple[int, bool, int]] = field(init=False)  # by row: bound, equal, price
    least: list[list[int]] = field(init=False)
    most: list[list[int]] = field(init=False)
    solutions: list[Counts] = field(init=False)
    best_key: Any = field(init=False)
    nodes: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        rows, upper = self.program.rows, self.program.upper
        columns = range(len(upper))
        self.scale, self.price, self.reduced = self.program.reduce(self.prices)
        self.liked = [upper[column] if self.reduced[column] > 0 else 0 for column in columns]
        self.gap = (
            floor(self.program.bound(self.prices) * self.scale) - self.program.value(self.known) * self.scale
        )
        hopeful = [column for column in columns if abs(self.reduced[column]) <= self.gap]
        self.open = sorted(hopeful, key=lambda column: -abs(self.reduced[column]))
        still_open = set(self.open)
        fixed = [0 if column in still_open else self.liked[column] for column in columns]
        self.settled = [dot(row.coefficients, fixed) for row in rows]
        self.liked = [self.liked[column] if column in still_open else fixed[column] for column in columns]
        self._reach()
        self.limits = [(row.bound, row.equal, price) for row, price in zip(rows, self.price, strict=True)]
        self.steps = [self._steps(column) for column in self.open]
        self.solutions, self.best_key = [self.known], self.key(self.known)

    def _reach(self) -> None:
        """For each depth, the least and most that the columns below it can add to each row."""
        rows = self.program.rows
        self.least, self.most = [[0] * len(rows)], [[0] * len(rows)]
        for column in reversed(self.open):
            steps = [row.coefficients[column] * self.program.upper[column] for row in rows]
            self.least.append([a + min(0, step) for a, step in zip(self.least[-1], steps, strict=True)])
            self.most.append([a + max(0, step) for a, step in zip(self.most[-1], steps, strict=True)])
        self.least.reverse()
        self.most.reverse()

    def _steps(self, column: int) -> list[tuple[int, list[int], int]]:
        """What each count of a column adds to the rows and loses, the one that the prices prefer first."""
        liked, rows = self.liked[column], self.program.rows
        steps = [
            (
                count,
                [row.coefficients[column] * count for row in rows],
                abs(self.reduced[column] * (count - liked)),
            )
            for count in range(self.program.upper[column] + 1)
        ]
        return sorted(steps, key=lambda step: abs(step[0] - liked))

    def run(self) -> bool:
        """Whether the whole tree was searched."""
        return len(self.open) <= OPEN_COLUMNS_MAX and self.visit(0, self.settled, 0)

    def visit(self, depth: int, activity: list[int], loss: int) -> bool:
        """False as soon as there have been too many nodes."""
        self.nodes += 1
        if self.nodes > NODES_MAX:
            return False
        slack = self._least_slack_loss(depth, activity)
        if slack is None or loss + slack > self.gap:
            return True
        if depth == len(self.open):
            self.keep(tuple(self.liked), loss + slack)
            return True
        column = self.open[depth]
        before = self.liked[column]
        for count, step, costs in self.steps[depth]:
            lost = loss + costs
            if lost > self.gap:
                break
            self.liked[column] = count
            added = list(map(add, activity, step)) if count else activity
            if not self.visit(depth + 1, added, lost):
                return False
        self.liked[column] = before
        return True

    def _least_slack_loss(self, depth: int, activity: list[int]) -> int | None:
        """What the rows lose at least below this node; None if a row cannot be kept."""
        loss = 0
        for now, least, most, (bound, equal, price) in zip(
            activity, self.least[depth], self.most[depth], self.limits, strict=True
        ):
            if now + least > bound:
                return None
            short = bound - now - most
            if short > 0:
                if equal:
                    return None
                loss += price * short
        return loss

    def keep(self, x: Counts, loss: int) -> None:
        key = self.key(x)
        if loss < self.gap or key < self.best_key:
            self.gap, self.solutions, self.best_key = loss, [x], key
        elif key == self.best_key and x not in self.solutions and len(self.solutions) < KEPT_MAX:
            self.solutions.append(x)
