"""Which solutions are equally good: an exhaustive search in exact integers that trusts no solver.

Given prices of the rows, every solution's value is the bound minus its losses: |reduced value| for each count that differs
from what the prices prefer, plus price × slack for each row. A solution as good as the best cannot lose more than the gap
between bound and value, so a column that would lose more is settled, and what is left is a small tree.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor
from operator import add
from typing import Any

from domain.selection.program import Counts, Program, dot

NODES_MAX = 40_000
OPEN_COLUMNS_MAX = 400


@dataclass(frozen=True, slots=True)
class Equals:
    """Solutions that nothing tells apart: the first of them found, and the least and the most that any has of each column."""

    first: Counts
    least: Counts
    most: Counts
    proven: bool
    """Whether exact numbers show that nothing is better, and that it is all of them."""


def best_of_equals(
    program: Program, prices: Sequence[Fraction], known: Counts, key: Callable[[Counts], Any]
) -> Equals:
    """Of all solutions at least as good as `known`, and as good as the best: those whose `key` is smallest."""
    tree = _Tree(program, prices, known, key)
    proven = tree.run()
    return Equals(tree.first, tree.lowest, tree.highest, proven)


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
    first: Counts = field(init=False)
    lowest: Counts = field(init=False)
    highest: Counts = field(init=False)
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
        self.first = self.lowest = self.highest = self.known
        self.best_key = self.key(self.known)

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
            self.gap, self.best_key = loss, key
            self.first = self.lowest = self.highest = x
        elif key == self.best_key:
            self.lowest, self.highest = tuple(map(min, self.lowest, x)), tuple(map(max, self.highest, x))
