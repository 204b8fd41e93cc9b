"""A selection as an integer program: maximise Σ value·x under rows Σ coefficient·x ≤ bound, all in exact integers.

Candidates whom no rule can tell apart (same place, same group, same part in every rule) are one column with a count, and
columns stand in the order of places: neither ids nor the order of arrival reach a solver.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from math import lcm
from operator import itemgetter, mul

from domain.selection.problem import Candidate, Multiplier, Op, Problem, RankGroup, ShareRule
from domain.selection.ranking import lot, places, rank_problem, whole_numbers
from domain.selection.shares import counter, required

Counts = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """Σ coefficient·x ≤ bound, or = bound."""

    id: str
    coefficients: Counts
    bound: int
    equal: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """Maximise Σ values·x over integers 0 ≤ x ≤ upper that satisfy the rows."""

    values: Counts
    upper: Counts
    rows: tuple[Row, ...]

    def value(self, x: Counts) -> int:
        return dot(self.values, x)

    def feasible(self, x: Counts) -> bool:
        """Whether `x` keeps every bound and row, in exact integers."""
        if any(not 0 <= one <= most for one, most in zip(x, self.upper, strict=True)):
            return False
        return all(
            activity == row.bound if row.equal else activity <= row.bound
            for row in self.rows
            for activity in [dot(row.coefficients, x)]
        )

    def bound(self, prices: Sequence[Fraction]) -> Fraction:
        """No solution is worth more than this, whatever the prices of the rows (those of inequalities not negative)."""
        scale, whole, reduced = self.reduce(prices)
        paid = sum(price * row.bound for price, row in zip(whole, self.rows, strict=True))
        gained = sum(most * worth for most, worth in zip(self.upper, reduced, strict=True) if worth > 0)
        return Fraction(paid + gained, scale)

    def reduce(self, prices: Sequence[Fraction]) -> tuple[int, list[int], list[int]]:
        """A scale, the prices times that scale, and what each column is worth beyond the prices, times that scale."""
        if any(price < 0 and not row.equal for price, row in zip(prices, self.rows, strict=True)):
            raise ValueError("the price of an inequality is negative")
        scale = lcm(*(price.denominator for price in prices))
        whole = [int(price * scale) for price in prices]
        reduced = [value * scale for value in self.values]
        for price, row in zip(whole, self.rows, strict=True):
            if price:
                reduced = [worth - price * one for worth, one in zip(reduced, row.coefficients, strict=True)]
        return scale, whole, reduced


@dataclass(frozen=True, slots=True)
class Part:
    """A program in fewer columns, the others being settled."""

    program: Program
    columns: tuple[int, ...]
    settled: Counts  # of the whole, 0 in the part's columns

    def whole(self, x: Counts) -> Counts:
        """A solution of the part as one of the whole."""
        full = list(self.settled)
        for column, count in zip(self.columns, x, strict=True):
            full[column] = count
        return tuple(full)


def part_of(program: Program, columns: Sequence[int], liked: Sequence[int]) -> Part:
    """The program in these columns, the others as `liked`."""
    settled = list(liked)
    for column in columns:
        settled[column] = 0
    chosen = tuple(columns)
    taken = [column for column, count in enumerate(settled) if count]
    rows = tuple(
        Row(
            row.id,
            tuple(row.coefficients[column] for column in chosen),
            row.bound - sum(row.coefficients[column] * settled[column] for column in taken),
            row.equal,
        )
        for row in program.rows
    )
    values = tuple(program.values[column] for column in chosen)
    upper = tuple(program.upper[column] for column in chosen)
    return Part(Program(values, upper, rows), chosen, tuple(settled))


@dataclass(frozen=True, slots=True)
class Column:
    """Candidates whom no rule can tell apart, in the order of their draw."""

    rank: int
    group: str
    parts: tuple[tuple[int, int], ...]  # (counted, in the base) by hard rule
    ids: tuple[str, ...]
    score: Fraction


@dataclass(frozen=True)
class Layout:
    """A problem's columns and the rows of its rules; programs with several aims are made from it."""

    problem: Problem
    rules: tuple[ShareRule, ...]
    columns: tuple[Column, ...]
    made: dict[int, Program] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def upper(self) -> Counts:
        return tuple(len(column.ids) for column in self.columns)

    @property
    def row_ids(self) -> tuple[str, ...]:
        groups = (f"group:{group.id}" for group in self.problem.groups)
        return ("seats", *groups, *(f"rule:{rule.id}" for rule in self.rules))

    def rows(self, filled: int | None = None) -> tuple[Row, ...]:
        """Seats (exactly `filled` if given), groups, hard rules."""
        ones = (1,) * len(self.columns)
        seats = self.problem.seats if filled is None else filled
        rows = [Row("seats", ones, seats, equal=filled is not None)]
        for group in self.problem.groups:
            members = tuple(int(column.group == group.id) for column in self.columns)
            rows.append(Row(f"group:{group.id}", members, group.seats))
        rows.extend(
            self._rule_row(rule, parts, filled)
            for rule, parts in zip(self.rules, self._parts_by_rule, strict=True)
        )
        return tuple(rows)

    @cached_property
    def _parts_by_rule(self) -> tuple[tuple[tuple[int, int], ...], ...]:
        by_rule = tuple(zip(*(column.parts for column in self.columns), strict=True))
        return by_rule or ((),) * len(self.rules)

    def base_of(self, rule: ShareRule, filled: int | None) -> int | None:
        """The rule's base where it is known before the choice; then whole heads make a tighter row than a share does."""
        if rule.base_number is not None:
            return rule.base_number
        off_quota = any(group.off_quota for group in self.problem.groups)
        return None if off_quota or rule.base_tags is not None else filled

    def _rule_row(self, rule: ShareRule, parts: Sequence[tuple[int, int]], filled: int | None) -> Row:
        sign = -1 if rule.op is Op.FLOOR else 1
        known = self.base_of(rule, filled)
        num, den = (0, 1) if known is not None else rule.share.as_integer_ratio()
        worth = {pair: sign * (den * pair[0] - num * pair[1]) for pair in set(parts)}
        bound = 0 if known is None else sign * required(rule, known)
        return Row(f"rule:{rule.id}", tuple(map(worth.__getitem__, parts)), bound)

    def filling(self) -> Program:
        """Fill as many seats as the rules allow."""
        return Program((1,) * len(self.columns), self.upper, self.rows())

    def scoring(self, filled: int) -> Program:
        """Of all lists of `filled`: the greatest total score, then the least sum of places, in one exact integer."""
        if filled not in self.made:
            self.made[filled] = self._scoring(filled)
        return self.made[filled]

    def _scoring(self, filled: int) -> Program:
        scores, weight = self._scores, self._weight(filled)
        lowest, last = min(scores, default=0), self._last
        values = tuple(
            (score - lowest) * weight + last - column.rank
            for score, column in zip(scores, self.columns, strict=True)
        )
        return Program(values, self.upper, self.rows(filled))

    @property
    def aims(self) -> dict[str, Counts]:
        """What makes one list of a length better than another, the most important first, all of it to be the greatest."""
        return {"score": tuple(self._scores), "places": tuple(-column.rank for column in self.columns)}

    def score_of(self, filled: int, value: int) -> Fraction:
        """The total score within a value of `scoring(filled)`."""
        lowest = min(self._scores, default=0)
        return Fraction(value // self._weight(filled) + lowest * filled, self._scale)

    def total(self, x: Counts) -> Fraction:
        """The total score of a solution."""
        return Fraction(dot(self._scores, x), self._scale)

    @cached_property
    def _scale(self) -> int:
        return lcm(*{column.score.denominator for column in self.columns})

    @cached_property
    def _scores(self) -> list[int]:
        return whole_numbers([column.score for column in self.columns])

    @cached_property
    def _last(self) -> int:
        return max((column.rank for column in self.columns), default=0)

    def _weight(self, filled: int) -> int:
        return filled * self._last + 1

    def chosen(self, x: Counts) -> tuple[str, ...]:
        """The ids of a solution, in the order of places; of one column the first by lot."""
        return tuple(one for column, count in zip(self.columns, x, strict=True) for one in column.ids[:count])

    def counts_of(self, ids: Iterable[str]) -> Counts:
        """The solution that has exactly these ids."""
        wanted = set(ids)
        return tuple(len(wanted.intersection(column.ids)) for column in self.columns)

    def multipliers(self, prices: Sequence[Fraction]) -> tuple[Multiplier, ...]:
        """The prices that are not 0, by row, for the record."""
        pairs = zip(self.row_ids, prices, strict=True)
        return tuple(Multiplier(row=row, value=price) for row, price in pairs if price)

    def prices(self, multipliers: Iterable[Multiplier]) -> tuple[Fraction, ...]:
        """The prices in the order of the rows, from a record."""
        by_row = {multiplier.row: multiplier.value for multiplier in multipliers}
        return tuple(by_row.get(row, Fraction(0)) for row in self.row_ids)


def lay_out(
    problem: Problem,
    rules: tuple[ShareRule, ...] | None = None,
    by_place: bool = True,
    ranked: Sequence[RankGroup] | None = None,
) -> Layout:
    """The columns of those who may be chosen, under the hard rules that apply, or under the rules given.

    Without `by_place`, candidates of different places share a column: enough for counting, too little for scoring.
    """
    chosen_rules = problem.hard_rules if rules is None else rules
    applying = tuple(rule for rule in chosen_rules if rule.base_number != 0)
    off = {group.id for group in problem.groups if group.off_quota}
    place = places(rank_problem(problem) if ranked is None else ranked)
    counters = [counter(rule) for rule in applying]
    known: dict[tuple[frozenset[str], frozenset[str], str], tuple[tuple[int, int], ...]] = {}
    alike: dict[tuple[int, str, tuple[tuple[int, int], ...]], list[Candidate]] = defaultdict(list)
    for one in problem.eligible:
        kind = (one.tags, one.unknown, one.group)
        parts = known.get(kind)
        if parts is None:
            parts = tuple((0, 0) if one.group in off else count(one) for count in counters)
            known[kind] = parts
        alike[place[one.id] if by_place else 0, one.group, parts].append(one)
    columns = tuple(
        Column(rank, group, parts, _by_lot(members, problem.lot_seed), members[0].score)
        for (rank, group, parts), members in sorted(alike.items(), key=itemgetter(0))
    )
    return Layout(problem, applying, columns)


def dot(left: Sequence[int], right: Sequence[int]) -> int:
    return sum(map(mul, left, right))


def _by_lot(members: list[Candidate], seed: str) -> tuple[str, ...]:
    if len(members) == 1:
        return (members[0].id,)
    return tuple(sorted((member.id for member in members), key=lambda one: lot(seed, one)))
