"""Share rules that cannot hold together, found before anybody is selected (DR-25).

A rule's class is the set of values of its fact that it counts; only classes over the same fact and base are compared,
and floors of the list with those of the seats, as a list is never longer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from itertools import combinations
from typing import NamedTuple

from schemas.programme import Fact, Predicate, Selection, ShareRule

_FAR = 2**62
_WHOLE = ("list", "seats")
_GROUP_MAX = 12
"""Sets of floors are tried up to this size of a group; no programme has more over one fact."""


class Clash(NamedTuple):
    """Rules that cannot hold together: the code of the fault, the rules, and what they amount to."""

    code: str
    rules: tuple[str, ...]
    amount: str


class Interval(NamedTuple):
    """Whole numbers from `low` to `high`, both inside."""

    low: int
    high: int


Class = frozenset[object] | Interval


def clashes(selection: Selection, facts: dict[str, Fact]) -> Iterator[Clash]:
    """Every clash among the share rules of a selection."""
    groups: dict[tuple[str, str], list[_Classed]] = defaultdict(list)
    floors: dict[tuple[str, str], list[_Classed]] = defaultdict(list)
    for rule in selection.shares:
        if rule.severity == "report" or rule.exempt is not None:
            continue  # what only reports blocks nothing, and the exempt make another class
        members = class_of(rule.who, facts)
        if members is not None:
            groups[rule.who.fact, rule.base].append((rule, members))
            if rule.op == ">=":
                base = "" if rule.base in _WHOLE else rule.base
                floors[rule.who.fact, base].append((rule, members))
    for (fact, base), group in groups.items():
        yield from _floors_over_caps(group)
        if base == "list" and not selection.off_quota:
            yield from _caps_below_whole([pair for pair in group if pair[0].op == "<="], facts[fact])
    for group in floors.values():
        yield from _smallest_clash(group[:_GROUP_MAX], selection)


def class_of(predicate: Predicate, facts: dict[str, Fact]) -> Class | None:
    """The values that a predicate counts; None where they can't be compared."""
    fact, op, value = facts.get(predicate.fact), predicate.op, predicate.value
    if fact is None:
        return None
    if fact.type in {"boolean", "choice"}:
        return _named_values(
            frozenset((True, False)) if fact.type == "boolean" else frozenset(fact.of), op, value
        )
    return _interval(op, _ordinal(value))


def _named_values(domain: frozenset[object], op: str, value: object) -> Class | None:
    chosen = frozenset(value) if isinstance(value, tuple) else frozenset((value,))
    match op:
        case "==" | "in":
            return domain & chosen
        case "!=" | "not_in":
            return domain - chosen
        case _:
            return None


def _ordinal(value: object) -> int | None:
    if isinstance(value, str):
        try:
            return date.fromisoformat(value).toordinal()
        except ValueError:
            return None
    return value if type(value) is int else None


def _interval(op: str, value: int | None) -> Class | None:
    if value is None:
        return None
    bounds = {
        ">": (value + 1, _FAR),
        ">=": (value, _FAR),
        "<": (-_FAR, value - 1),
        "<=": (-_FAR, value),
        "==": (value, value),
    }
    return Interval(*bounds[op]) if op in bounds else None


def _within(inner: Class, outer: Class) -> bool:
    if isinstance(inner, Interval) and isinstance(outer, Interval):
        return outer.low <= inner.low and inner.high <= outer.high
    return isinstance(inner, frozenset) and isinstance(outer, frozenset) and inner <= outer


def _apart(one: Class, other: Class) -> bool:
    if isinstance(one, Interval) and isinstance(other, Interval):
        return one.high < other.low or other.high < one.low
    return isinstance(one, frozenset) and isinstance(other, frozenset) and not one & other


_Classed = tuple[ShareRule, Class]


def _floors_over_caps(group: Sequence[_Classed]) -> Iterator[Clash]:
    for floor, inner in group:
        for cap, outer in group:
            if floor.op == ">=" and cap.op == "<=" and _within(inner, outer) and floor.share > cap.share:
                yield Clash(
                    "floor_over_cap", (floor.id, cap.id), f"{percent(floor.share)} > {percent(cap.share)}"
                )


def _caps_below_whole(caps: Sequence[_Classed], fact: Fact) -> Iterator[Clash]:
    """The first, smallest set of caps that leaves no value of the fact out and allows fewer than everybody."""
    domain = frozenset((True, False)) if fact.type == "boolean" else frozenset(fact.of)
    if fact.type not in {"boolean", "choice"} or not domain:
        return
    for size in range(1, min(len(caps), _GROUP_MAX) + 1):
        for chosen in combinations(caps[:_GROUP_MAX], size):
            classes = [members for _, members in chosen if isinstance(members, frozenset)]
            total = sum((rule.share for rule, _ in chosen), Fraction(0))
            if total < 1 and frozenset[object]().union(*classes) >= domain:
                yield Clash("caps_below_whole", tuple(rule.id for rule, _ in chosen), percent(total))
                return


def _smallest_clash(floors: Sequence[_Classed], selection: Selection) -> Iterator[Clash]:
    """The first, smallest set of floors over classes that exclude each other and ask for more than there is."""
    for size in range(2, len(floors) + 1):
        for chosen in combinations(floors, size):
            if all(_apart(one[1], other[1]) for one, other in combinations(chosen, 2)):
                clash = _too_much([rule for rule, _ in chosen], selection)
                if clash:
                    yield clash
                    return


def _too_much(rules: list[ShareRule], selection: Selection) -> Clash | None:
    ids = tuple(rule.id for rule in rules)
    total = sum((rule.share for rule in rules), Fraction(0))
    if total > 1:
        return Clash("floors_exceed_whole", ids, percent(total))
    if rules[0].base not in _WHOLE:
        return None
    of_seats = any(rule.base == "seats" for rule in rules)
    whole = selection.on_quota_seats if of_seats else selection.seats
    sizes = [whole] if selection.exact and not selection.off_quota else range(1, whole + 1)
    if any(_needed(rules, size, whole) <= size for size in sizes):
        return None
    return Clash("floors_exceed_seats", ids, f"{_needed(rules, whole, whole)} > {whole}")


def _needed(rules: list[ShareRule], listed: int, seats: int) -> int:
    """How many the floors ask for together of a list of that length, each rounded up."""
    return sum(-((-rule.share * (seats if rule.base == "seats" else listed)) // 1) for rule in rules)


def percent(share: Fraction) -> str:
    """`35%`, or `200/3%` where it has no end."""
    return f"{share * 100}%"
