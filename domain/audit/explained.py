"""What an explanation is made of: places in the log, what each kind of step found, levels, and what ended it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Literal

from domain.audit.nearness import Nearness
from domain.selection import Optimality, RuleCheck
from schemas import events as e


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the log something stands: its position in the global order, its stream, and when."""

    position: int | None
    event: str  # stream@seq
    at: datetime


@dataclass(frozen=True, slots=True)
class Missed:
    """A predicate that was not met, and the attested value that it was judged by."""

    predicate: str
    asked: str
    value: int | bool | str | None


@dataclass(frozen=True, slots=True)
class EligibilityTold:
    result: str
    failed: tuple[Missed, ...]
    unknown: tuple[Missed, ...]
    waived: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody said of it: endorsed, returned, corrected, rejected."""

    what: str
    by: str
    role: str
    reason: str
    revision: int
    rank: int | None
    place: Place


@dataclass(frozen=True, slots=True)
class Reply:
    department: str
    outcome: str
    reason: str
    place: Place


@dataclass(frozen=True, slots=True)
class CongressTold:
    entitled: int
    present: int
    approve: int
    against: int
    abstain: int


@dataclass(frozen=True, slots=True)
class TrainingTold:
    attended: bool


@dataclass(frozen=True, slots=True)
class PassedTold:
    """On which fast track it passed a step by, and what that asks, as it was attested."""

    fast_track: str
    asked: str
    place: Place


@dataclass(frozen=True, slots=True)
class MarkTold:
    """One judge's mark; of a judge who is recused it is void."""

    judge: str
    score: Fraction | None
    vote: str | None
    parts: tuple[e.ComponentScore, ...]
    recused: bool


@dataclass(frozen=True, slots=True)
class ReviewTold:
    """A panel's marks and result; `sealed` until it has closed, and then nothing else is told."""

    sealed: bool
    component: str
    marks: tuple[MarkTold, ...] = ()
    result: e.PanelResult | None = None
    trimmed: tuple[Fraction, ...] = ()  # the values that were dropped, one instance each
    version: int = 0
    flag: str = ""  # TOO_FEW_TO_TRIM where the plain mean stands in for a trimmed one


@dataclass(frozen=True, slots=True)
class VoteTold:
    sealed: bool
    component: str
    votes: int = 0
    valid: int = 0
    zeroed: bool = False
    value: Fraction | None = None
    papers: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """One component of a combined score: `points` is what it gave."""

    component: str
    value: Fraction
    weight: Fraction
    points: Fraction


@dataclass(frozen=True, slots=True)
class At:
    """Somebody else at the line: the last who has a seat, or the first who has none."""

    nomination: str
    rank: int
    score: Fraction


@dataclass(frozen=True, slots=True)
class SelectionTold:
    """The choice as it was made, and as it comes out when it is taken again from the same past."""

    seats: int
    candidates: int
    rank: int
    score: Fraction
    parts: tuple[Part, ...]
    standing: Literal["selected", "reserve", "cut"]
    reserve_place: int
    last_in: At | None
    first_out: At | None
    rules: tuple[RuleCheck, ...]
    faults: tuple[str, ...]  # of the recorded list, checked again by its certificate: none, if it is right
    filled_by: Optimality
    optimality: Optimality
    agrees: bool
    near: Nearness | None
    full: Fraction | None  # the most that a score can be here, where only components on 100 are weighed


@dataclass(frozen=True, slots=True)
class PublicityTold:
    opens_at: datetime
    closes_at: datetime
    objections: tuple[tuple[str, str, str, str], ...]  # id, ground, outcome, postmark of what came by post


@dataclass(frozen=True, slots=True)
class DecisionTold:
    body: str
    confirmed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class ConferralTold:
    body: str
    titles: tuple[tuple[str, str], ...]  # title, certificate
    ordered: tuple[str, ...] = ()  # this one and its equals, as a person put them in order (DR-17)


Detail = (
    EligibilityTold
    | CongressTold
    | ReviewTold
    | VoteTold
    | SelectionTold
    | PublicityTold
    | TrainingTold
    | DecisionTold
    | ConferralTold
)


@dataclass(frozen=True, slots=True)
class Vacancy:
    """A seat that stayed vacant while it stood in reserve, and the limit of substitution that kept it so (DR-31)."""

    out: str
    limit: str
    place: Place


@dataclass(frozen=True, slots=True)
class StepTold:
    """A step that the nomination was in; `out` is why it left there."""

    step: str
    type: str
    opened_at: datetime
    closed_at: datetime | None = None
    place: Place | None = None  # of what decided it
    detail: Detail | None = None
    words: tuple[Word, ...] = ()
    replies: tuple[Reply, ...] = ()
    passed: PassedTold | None = None
    instead_of: str = ""  # whose seat it took from the reserve
    vacancies: tuple[Vacancy, ...] = ()
    out: str = ""


@dataclass(frozen=True, slots=True)
class LevelTold:
    round: str
    unit: str
    rank: str
    steps: tuple[StepTold, ...]
    entered: Place
    dropped: str  # why it was not taken into the pool
    recommended: Place | None


@dataclass(frozen=True, slots=True)
class Cut:
    """What ended it: the code of the rule, where, and the event that says so; `by` is who, if it was a person's act."""

    reason: str
    round: str
    step: str
    place: Place
    by: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    cycle: str
    nomination: str
    subject: str
    unit: str
    route: str
    channel: str
    status: str
    titles: tuple[str, ...]
    submitted: Place
    levels: tuple[LevelTold, ...]
    cut: Cut | None
