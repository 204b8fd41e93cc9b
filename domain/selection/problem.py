"""What is to be chosen and what came of it, as frozen values that go into events: integers and text only, no floats.

An outcome that needs a person (`TieUnresolved`, `DifferentialUnmet`, `Infeasible`) is a value on which the round holds.
"""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Any, Self

from pydantic import Field, NonNegativeInt, PlainSerializer, model_validator

from schemas.ledger import Frozen
from schemas.values import Exact

Tags = Annotated[frozenset[str], PlainSerializer(sorted, return_type=list[str])]


class Record(Frozen):
    """A value with a JSON form of integers and text, from which it can be read back."""

    def to_record(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> Self:
        return cls.model_validate(record)


class Candidate(Record):
    """One who may be chosen. `unknown` names the tags of which nobody knows yet whether they apply (DR-26)."""

    id: str
    score: Exact
    tie_breakers: tuple[Exact, ...] = ()  # in order, more is better (DR-17)
    tags: Tags = frozenset()
    unknown: Tags = frozenset()
    group: str = ""
    line: str = ""  # whose seats these are beside the group: a substitute comes from the same (DR-31)

    @model_validator(mode="after")
    def _knows_what_it_does_not_know(self) -> Self:
        if self.tags & self.unknown:
            raise ValueError(
                f"{self.id}: a tag is either known or unknown: {sorted(self.tags & self.unknown)}"
            )
        return self


class Op(StrEnum):
    FLOOR = "floor"
    CAP = "cap"


class ShareRule(Record):
    """At least, or at most, `share` of a base are of a class: those with any tag in `of` and none in `exempt` (DR-25).

    The base is the list itself; with `base_tags`, those of the list with any of them (其中); with `base_number`, a
    fixed allocation. Basis points are `Fraction(points, 10_000)`. A soft rule is checked and reported, never enforced.
    """

    id: str
    op: Op
    share: Exact = Field(ge=Fraction(0), le=Fraction(1))
    of: Tags
    base_tags: Tags | None = None
    base_number: NonNegativeInt | None = None
    exempt: Tags = frozenset()
    hard: bool = True

    @model_validator(mode="after")
    def _has_one_base(self) -> Self:
        if self.base_tags is not None and self.base_number is not None:
            raise ValueError(f"{self.id}: a rule has one base")
        return self


class SeatGroup(Record):
    """Seats of one category or track; an `off_quota` track (单列) takes seats but is in no base of a share rule."""

    id: str
    seats: NonNegativeInt
    off_quota: bool = False


class Problem(Record):
    """Choose at most `seats` candidates, or exactly as many, under rules.

    `resolution` is the order that a person gave to those whom no rule could order; `lot_seed` the recorded seed of a
    draw, where the programme settles ties by lot.
    """

    candidates: tuple[Candidate, ...]
    seats: NonNegativeInt
    exact: bool = False
    rules: tuple[ShareRule, ...] = ()
    groups: tuple[SeatGroup, ...] = ()
    minimum_score: Exact | None = None
    differential: Exact | None = None
    reserve: NonNegativeInt = 0
    resolution: tuple[str, ...] = ()
    lot_seed: str = ""

    @model_validator(mode="after")
    def _is_coherent(self) -> Self:
        for what, ids in (
            ("candidate", [candidate.id for candidate in self.candidates]),
            ("rule", [rule.id for rule in self.rules]),
            ("group", [group.id for group in self.groups]),
            ("resolution", list(self.resolution)),
        ):
            if len(set(ids)) != len(ids):
                raise ValueError(f"a {what} id is there twice")
        strangers = (
            {candidate.group for candidate in self.candidates} - {group.id for group in self.groups} - {""}
        )
        if strangers:
            raise ValueError(f"no seats are declared for the groups {sorted(strangers)}")
        return self

    @property
    def hard_rules(self) -> tuple[ShareRule, ...]:
        return tuple(rule for rule in self.rules if rule.hard)

    @property
    def eligible(self) -> tuple[Candidate, ...]:
        """Those who reach the minimum score (DR-18)."""
        least = self.minimum_score
        return tuple(one for one in self.candidates if least is None or one.score >= least)

    def capacity(self) -> int:
        """How many could be chosen if there were no share rules."""
        groups = {group.id: group.seats for group in self.groups}
        sizes: dict[str, int] = {}
        for candidate in self.eligible:
            sizes[candidate.group] = sizes.get(candidate.group, 0) + 1
        return min(self.seats, sum(min(size, groups.get(group, size)) for group, size in sizes.items()))


# ---- outcomes ----


class RankGroup(Record):
    """Those who share a place; the next place is skipped accordingly (1-2-2-4)."""

    rank: int
    ids: tuple[str, ...]


class RuleCheck(Record):
    """A rule on a list: `counted` of `base`, where `required` is the least (floor) or most (cap) that it allows."""

    rule: str
    op: Op
    hard: bool
    counted: int
    base: int
    required: int
    applicable: bool
    met: bool


class Shortfall(Record):
    """By how many a rule misses: a floor needs `missing` more, a cap `missing` fewer."""

    rule: str
    op: Op
    missing: int
    counted: int
    required: int

    def sentence(self, language: str = "en") -> str:
        more = self.op is Op.FLOOR
        if language == "zh":
            need = "还差" if more else "须减少"
            return f"{self.rule} {need} {self.missing} 名（现 {self.counted}，要求 {self.required}）"
        need = "more" if more else "fewer"
        return f"{self.rule} needs {self.missing} {need} (has {self.counted}, required {self.required})"


class DifferentialUnmet(Record):
    """Too few candidates for the seats (差额, DR-07)."""

    needed: int
    have: int


class TieUnresolved(Record):
    """These are equal by every rule, and only `seats_left` of them can have a seat: a person decides (DR-17)."""

    tied: tuple[str, ...]
    seats_left: int


class Infeasible(Record):
    """`wanted` seats can't be filled: a minimal set of rules that exclude each other, and how much is missing (DR-26)."""

    wanted: int
    rules: tuple[str, ...]
    shortfalls: tuple[Shortfall, ...]

    def sentences(self, language: str = "en") -> tuple[str, ...]:
        return tuple(shortfall.sentence(language) for shortfall in self.shortfalls)


class Optimality(StrEnum):
    """What shows that no list has more seats, a better score or a lesser sum of places, from the easiest to check to the
    mere word of the solver. Of lists that are equal in these it says nothing.
    """

    UNCONSTRAINED = "unconstrained"  # the best even without the rules
    DUAL = "dual"  # a bound from the multipliers, in exact numbers, is reached
    SEARCH = "search"  # an exhaustive search in exact numbers found nothing better
    SOLVER = "solver"  # HiGHS says so
    NONE = "none"  # something better exists, or the list breaks a rule


class Multiplier(Record):
    """The exact price of a row (`seats`, `group:<id>`, `rule:<id>`) in the bound."""

    row: str
    value: Exact


class Certificate(Record):
    """An independent check of a list in exact numbers; `faults` is empty if it keeps every rule and is optimal."""

    valid: bool
    faults: tuple[str, ...]
    seats: int
    filled: int
    rules: tuple[RuleCheck, ...]
    score: Exact
    score_bound: Exact | None
    filled_by: Optimality  # what shows that no more seats can be filled
    optimality: Optimality
    filled_multipliers: tuple[Multiplier, ...] = ()
    multipliers: tuple[Multiplier, ...] = ()


class Selected(Record):
    """The chosen and the reserve, both in rank order. `vacancy` says which rules keep seats empty, if any do."""

    selected: tuple[str, ...]
    reserve: tuple[str, ...]
    vacancies: int
    certificate: Certificate
    vacancy: Infeasible | None = None


class Change(Record):
    """One of the list leaves for the sake of its composition, and who of the reserve comes instead, if anybody does."""

    out: str
    into: str


class Substitution(Record):
    """Who takes the seat of `out`: nobody if `into` is empty. `passed_over` broke the rules named; `also` are the fewest
    further changes without which no list keeps the rules; `rules` is the new list's composition, checked again.
    """

    out: str
    into: str
    passed_over: dict[str, tuple[str, ...]]
    rules: tuple[RuleCheck, ...]
    also: tuple[Change, ...] = ()
