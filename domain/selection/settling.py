"""Which list comes first of those with the best score, where they are too many to be looked at one by one.

What makes one list better than another is asked for in turn: the score, the places, the lots. Each answer is the most that
exact bounds allow and becomes a row, so nothing follows from which list a solver happens to find.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from math import gcd

from domain.selection.program import Counts, Layout, Program, Row, dot, part_of
from domain.selection.proof import Improved, best, in_doubt
from domain.selection.ranking import lot
from domain.selection.search import Equals


def best_in_turn(layout: Layout, prices: Sequence[Fraction], known: Counts) -> Improved:
    """Of the lists of the length of `known` one with the best total score, and of those with the least sum of places."""
    asked = _best(layout, prices, known)
    return Improved(asked.known, asked.proven)


def first_of_equals(layout: Layout, prices: Sequence[Fraction], known: Counts) -> Equals:
    """Of the lists that are as good as that the first, by places and by lot; without lots, those that nothing tells apart."""
    asked = _best(layout, prices, known)
    _by_place(asked, layout)
    if layout.problem.lot_seed:
        _by_lot(asked, layout)
        return Equals(asked.known, asked.known, asked.known, asked.proven)
    return _all_equal(asked)


@dataclass(slots=True)
class _Asked:
    """What the answers so far leave: `known` is a list that has it all, and others may differ from it in the open columns."""

    program: Program
    known: Counts
    open: list[int]
    proven: bool = True
    at_least: dict[int, int] = field(default_factory=dict)  # by open column

    def most(self, aim: Counts) -> int:
        """The most of the aim that such a list has; `known` is one of those."""
        floors = (Row("least", self.of((column,), -1), -count) for column, count in self.at_least.items())
        program = Program(aim, self.program.upper, (*self.program.rows, *floors))
        part = part_of(program, self.open, self.known)
        found = best(part.program, tuple(self.known[column] for column in self.open))
        self.known, self.proven = part.whole(found.solution), self.proven and found.proven
        return dot(aim, self.known)

    def keep(self, name: str, aim: Counts) -> None:
        """From here on, as much of the aim as there can be."""
        aim = self._apart(aim)
        row = Row(name, aim, self.most(aim), equal=True)
        self.program = replace(self.program, rows=(*self.program.rows, row))

    def _apart(self, aim: Counts) -> Counts:
        """What of an aim tells such lists apart, in numbers as small as can be: all take as many of the open columns."""
        least = min((aim[column] for column in self.open), default=0)
        more = {column: aim[column] - least for column in self.open}
        step = gcd(*more.values()) or 1
        return tuple(more.get(column, 0) // step for column in range(len(aim)))

    def has_no_more(self, column: int) -> bool:
        """Whether the column is open, and `known` has only as many of it as are certain."""
        return column in self.open and self.known[column] == self.at_least.get(column, 0)

    def settle(self, column: int) -> None:
        """From here on, the column is as in `known`."""
        self.open.remove(column)
        self.at_least.pop(column, None)

    def of(self, columns: Iterable[int], sign: int = 1) -> Counts:
        """The aim that is the number taken from these columns."""
        wanted = set(columns)
        return tuple(sign if column in wanted else 0 for column in range(len(self.known)))


def _best(layout: Layout, prices: Sequence[Fraction], known: Counts) -> _Asked:
    program = layout.scoring(sum(known))
    asked = _Asked(program, known, in_doubt(program, known, prices))
    for name, aim in layout.aims.items():
        asked.keep(name, aim)
        asked.open = in_doubt(program, asked.known, prices)
    return asked


def _by_place(asked: _Asked, layout: Layout) -> None:
    """As many of the best place as can be, of those lists as many of the next, and so on."""
    alike: dict[int, list[int]] = defaultdict(list)
    for column in sorted(asked.open):
        alike[layout.columns[column].rank].append(column)
    for columns in alike.values():
        if len(columns) == 1:
            asked.most(asked.of(columns))
            asked.settle(*columns)
        else:
            asked.keep("place", asked.of(columns))


def _by_lot(asked: _Asked, layout: Layout) -> None:
    """The first drawn who can be on such a list is on it, then the next; a column is in the order of its draw.

    Whoever can not is asked for together with those drawn next, as long as none of them can, as most can not.
    """
    seed = layout.problem.lot_seed
    drawn = sorted(
        (lot(seed, id_), column, number)
        for column in asked.open
        for number, id_ in enumerate(layout.columns[column].ids, 1)
    )
    together = 1
    for place, (_, column, number) in enumerate(drawn):
        while column in asked.open and asked.known[column] < number:
            without = (one for _, one, _ in drawn[place:] if asked.has_no_more(one))
            group = list(islice(dict.fromkeys(without), together))
            before = sum(asked.known[one] for one in group)
            if asked.most(asked.of(group)) > before:
                together = max(1, together // 2)
                continue
            together *= 2
            for one in group:
                asked.settle(one)
        if column in asked.open:
            asked.at_least[column] = number
            if number == layout.upper[column]:
                asked.settle(column)


def _all_equal(asked: _Asked) -> Equals:
    """Asks for a list that treats as many others as possible differently, until there is none."""
    first = least = most = asked.known
    while True:
        same = [column for column in asked.open if least[column] == most[column]]
        none = asked.of(column for column in same if not first[column])
        full = asked.of((column for column in same if first[column] == asked.program.upper[column]), -1)
        aim = tuple(map(sum, zip(none, full, strict=True)))
        if asked.most(aim) == dot(aim, first):
            return Equals(first, least, most, asked.proven)
        least, most = tuple(map(min, least, asked.known)), tuple(map(max, most, asked.known))
