"""The programme language: what a selection is, declared as data; the engine holds no level, quota or period of its own.

A programme is YAML (`programmes/<id>/<edition>.yaml`) read into these frozen types by `schemas/loading.py`. A value
that no source states is written `{assumed: VALUE, why: …}` and listed in `assumptions`; `?` blocks opening.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BeforeValidator, Discriminator, Field, PositiveInt, Tag, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from schemas.ledger import Frozen
from schemas.values import Exact, Label, Share

Identifier = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
ProgrammeId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]
_DAY = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
IsoDate = Annotated[str, Field(pattern=_DAY)]
"""A date by its form alone: what was recorded stays readable."""
_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"


def _time_of_day(value: object) -> object:
    if not isinstance(value, str) or not re.fullmatch(_TIME, value):
        raise PydanticCustomError("time_form", "a time of day is text such as '09:00'")
    return value


TimeOfDay = Annotated[
    str, BeforeValidator(_time_of_day), WithJsonSchema({"type": "string", "pattern": _TIME})
]


def _day(value: object) -> object:
    try:
        if isinstance(value, str) and date.fromisoformat(value).isoformat() == value:
            return value
    except ValueError:
        pass
    raise PydanticCustomError("date_form", "a date is text such as 2026-01-31")


Day = Annotated[str, BeforeValidator(_day), WithJsonSchema({"type": "string", "pattern": _DAY})]
"""A date of a programme: a day that there is."""


class Rank(StrEnum):
    """Administrative rank; never the word 市, which is three of them."""

    ENTERPRISE = "enterprise"
    TOWNSHIP = "township"
    COUNTY = "county"
    PREFECTURE = "prefecture"
    PROVINCE = "province"
    NATION = "nation"
    INDUSTRY_UNION = "industry_union"


class SubjectType(StrEnum):
    PERSON = "person"
    TEAM = "team"
    WORK_TEAM = "work_team"
    ORGANISATION = "organisation"
    STUDIO = "studio"
    PROJECT = "project"
    WORK = "work"
    SITE = "site"
    EVENT = "event"


class Channel(StrEnum):
    """How a subject is put forward (DR-05)."""

    UNIT = "unit"
    SELF = "self"
    JOINT = "joint"
    ASSOCIATION = "association"  # a professional body, in the role of that name
    FEED = "feed"  # the engine's own: the winners of a feeder's cycles


class Every(StrEnum):
    """How often a programme runs; a batch or a single one is opened by hand."""

    YEAR = "1y"
    TWO_YEARS = "2y"
    THREE_YEARS = "3y"
    QUARTER = "quarter"
    MONTH = "month"
    BATCH = "batch"
    ONCE = "once"


ANCHOR_LAST_DAY = 28
"""The last day of a month that every month has."""


class Cadence(Frozen):
    """How often cycles open, since which year, and from which day on (`anchor`, a date whose day of the month counts).

    A cycle is named after the period it covers (`2020`, `2020-Q3`, `2020-09`): the one in which it opens, or the one
    before, as an appraisal of a quarter opens after its end (DR-38).
    """

    every: Every
    since: PositiveInt | None = None
    anchor: Day | None = None
    covers: Literal["current", "previous"] = "current"


class DayUnit(StrEnum):
    WORK_DAY = "work_day"
    NATURAL_DAY = "natural_day"


class Comparator(StrEnum):
    AT_LEAST = ">="
    MORE_THAN = ">"


class Period(Frozen):
    """A length of time in days; ends at 24:00 Asia/Shanghai of its last day, or when that `closes` (DR-08, DR-27)."""

    days: int = Field(gt=0, le=3660)
    unit: DayUnit
    count_first_day: bool = False
    roll_to_work_day: bool = False
    closes: TimeOfDay | None = None

    @model_validator(mode="after")
    def _has_time_on_its_last_day(self) -> Period:
        """It may open after the close of its only day, and would end before it opens."""
        if self.closes == "00:00" or (self.closes and self.count_first_day and self.days == 1):
            raise PydanticCustomError(
                "closes_form", "a close is after 00:00 of a day that begins after the opening"
            )
        return self

    @property
    def length(self) -> tuple[int, str]:
        """Days and the time of day at which the last ends: of two periods counted alike, the longer has more."""
        return self.days, self.closes or "24:00"


class Assumption(Frozen):
    """A value that no source states: where it stands, what it is, and why it was chosen."""

    path: str
    value: str
    why: str = ""


class Fact(Frozen):
    """One attested fact of a nomination that rules read (`years_in_craft`); free text belongs in the vault."""

    type: Literal["integer", "boolean", "choice", "date"]
    label: Label
    of: tuple[str, ...] = ()
    required: bool = False
    attested: Literal["submitter", "engine"] = "submitter"


ENGINE_FACTS = {"prior_award": "boolean", "award_count": "integer", "points": "integer"}
"""What the engine itself can attest, once intake is closed, and the type that the programme declares it with."""


class Predicate(Frozen):
    """A test on one fact; a missing fact is `unknown`, which is not a failure (DR-09). The operator is always written."""

    id: Identifier
    fact: Identifier
    op: Literal[">", ">=", "<", "<=", "==", "!=", "in", "not_in"]
    value: int | bool | str | tuple[str, ...]
    severity: Literal["hard", "report"] = "hard"


class History(Frozen):
    """A test on what the subject was given before, in this programme or elsewhere (DR-09; 鲁碧, S3).

    `holds` and `not_held` ask for any of `titles`; `count` and `consecutive` (editions in a row) for `number` or more;
    `best_rank` for a place of `number` or better. `within_years` counts back from the cut-off.
    """

    kind: Literal["holds", "not_held", "count", "consecutive", "best_rank"]
    titles: tuple[Identifier, ...] = Field(min_length=1)
    programme: ProgrammeId | None = None
    number: PositiveInt | None = None
    active: bool = False
    within_years: PositiveInt | None = None

    @model_validator(mode="after")
    def _has_its_number(self) -> History:
        if (self.number is None) == (self.kind in ("count", "consecutive", "best_rank")):
            raise PydanticCustomError(
                "history_number",
                "count, consecutive and best_rank have a number; holds and not_held have none",
            )
        return self


class Condition(Frozen):
    """What an eligibility check asks: a test on a fact or on history, or any or all of several (DR-09)."""

    id: Identifier
    fact: Identifier | None = None
    op: Literal[">", ">=", "<", "<=", "==", "!=", "in", "not_in"] | None = None
    value: int | bool | str | tuple[str, ...] | None = None
    history: History | None = None
    any_of: tuple[Condition, ...] = ()
    all_of: tuple[Condition, ...] = ()
    severity: Literal["hard", "report"] = "hard"

    @model_validator(mode="after")
    def _is_one_thing(self) -> Condition:
        forms = (self.fact is not None, self.history is not None, bool(self.any_of), bool(self.all_of))
        if sum(forms) != 1:
            raise PydanticCustomError(
                "condition_form", "a condition has one of: fact, history, any_of, all_of"
            )
        if (self.fact is None) != (self.op is None) or (self.fact is None) != (self.value is None):
            raise PydanticCustomError(
                "condition_operator", "a fact is tested with op and value, both written"
            )
        return self

    @property
    def parts(self) -> tuple[Condition, ...]:
        """Those that it is made of."""
        return self.any_of + self.all_of

    @property
    def reads_history(self) -> bool:
        return self.history is not None or any(part.reads_history for part in self.parts)


# ---- steps: what happens at one level, in order ----


class Intake(Frozen):
    """Nominations are put forward here: by each unit `quota` at most, and `quota_min` at least (DR-05, DR-06).

    Who puts forward fewer is reported when intake closes, and keeps what it put forward.
    """

    type: Literal["intake"] = "intake"
    id: Identifier
    channels: tuple[Channel, ...] = Field(min_length=1)
    period: Period
    quota: PositiveInt | None = None
    quota_min: PositiveInt | None = None
    sponsors_min: PositiveInt = 3


class Eligibility(Frozen):
    """Every member is checked; an unknown fact sends it back for completion, within a limit of rounds (DR-09, DR-20)."""

    type: Literal["eligibility"] = "eligibility"
    id: Identifier
    predicates: tuple[Condition, ...] = Field(min_length=1)
    correction: Period


class Endorsement(Frozen):
    """The round's unit approves, returns or rejects each member; `ranked` asks for a recommendation rank (DR-06).

    Each rank is given to one member. `returns_max` is how often one may be sent back here (DR-20).
    """

    type: Literal["endorsement"] = "endorsement"
    id: Identifier
    period: Period
    ranked: bool = False
    returns_max: PositiveInt | None = None


class Silence(StrEnum):
    """What no reply means (DR-11); `pending` keeps the subject waiting for a person."""

    PENDING = "pending"
    CONSENT = "consent"
    VETO = "veto"


class Department(Frozen):
    """Who is asked, about whom, and whether its objection is a veto or only advice (DR-11)."""

    id: Identifier
    applies_when: Predicate | None = None
    says: Literal["veto", "advisory"] = "veto"


class Clearance(Frozen):
    """Departments are asked about members; a bare id is a department with a veto over everybody (DR-11).

    With `valid_for`, an answer that is older at a conferral, of this stage or one above it, must be asked for again;
    so it must at the end of a summit that only recommends.
    """

    type: Literal["clearance"] = "clearance"
    id: Identifier
    departments: tuple[Identifier | Department, ...] = Field(min_length=1)
    period: Period
    silence: Silence = Silence.PENDING
    applies_when: Predicate | None = None
    valid_for: Period | None = None

    @property
    def asked(self) -> tuple[Department, ...]:
        """The departments, each in full."""
        return tuple(Department(id=one) if isinstance(one, str) else one for one in self.departments)


class Scale(Frozen):
    """What a judge may write: from `minimum` to `maximum` in steps of `step`, as exact decimals (DR-16)."""

    minimum: Exact
    maximum: Exact
    step: Exact

    @model_validator(mode="after")
    def _ascends(self) -> Scale:
        if not self.minimum < self.maximum or self.step <= 0:
            raise PydanticCustomError(
                "scale_form", "a scale runs from a minimum up to a larger maximum in positive steps"
            )
        return self


class Trim(Frozen):
    """Drop the `drop` highest and lowest scores by value, if `min_left` remain: by default, of five or more (DR-16).

    Of fewer, `otherwise` takes the plain mean, told as such, or stops the step until people decide.
    """

    drop: PositiveInt = 1
    min_left: PositiveInt = 3
    otherwise: Literal["mean", "stop"] = "mean"


class Threshold(Frozen):
    """A share of a base, compared exactly: 三分之二以上 is `>=` 2/3, 过半数 is `>` 1/2 (DR-15)."""

    share: Share
    comparator: Comparator
    base: Literal["present", "cast", "entitled"]


class Congress(Frozen):
    """The unit's workers' congress votes on each member; its officer records the count (职代会, DR-12).

    `without_quorum` says whether a session that too few attended is held again, or everybody is out.
    """

    type: Literal["congress"] = "congress"
    id: Identifier
    period: Period
    quorum: Share
    quorum_comparator: Comparator = Comparator.AT_LEAST
    threshold: Threshold
    without_quorum: Literal["rerun", "out"] = "rerun"


class Draw(Frozen):
    """The panel is drawn by lot from those who hold a grant in `pool_role`, or `pool_role:KIND` (DR-13).

    `kinds` is how many of each kind there are at least; whoever belongs to a member's unit may be left out.
    """

    pool_role: Identifier
    kinds: dict[Identifier, PositiveInt] = Field(default_factory=dict)
    exclude_same_unit: bool = True

    @property
    def roles(self) -> tuple[str, ...]:
        """The roles whose holders are in the pool."""
        return (self.pool_role, *(f"{self.pool_role}:{kind}" for kind in self.kinds))


class Criterion(Frozen):
    """One criterion of a rubric; its mean is the component `COMPONENT_ID`, by which ties may be broken."""

    id: Identifier
    label: Label
    share: Share


class Groups(Frozen):
    """Members are judged in groups by a choice fact, each by its own part of the panel (分组评审, DR-13).

    With `normalise` a group's results are brought to 0 … 100 within it, so that nobody loses by a severe one (DR-19).
    """

    fact: Identifier
    normalise: Literal["top", "share", "rank"] | None = None


class ExpertReview(Frozen):
    """A panel judges the members by score or by vote (DR-13 to DR-16). Its result is the component `component`.

    With `scorekeepers: 2` the judges' sheets are entered by two others, and count once both entries are the same.
    With `groups`, size, quorum, trim and numbers of kinds are each group's own.
    """

    type: Literal["expert_review"] = "expert_review"
    id: Identifier
    component: Identifier = "expert"
    mode: Literal["score", "vote"]
    form: Literal["works", "roadshow", "defence", "site_visit"] | None = None
    panel_size: PositiveInt
    groups: Groups | None = None
    draw: Draw | None = None
    chaired: bool = False
    scorekeepers: Literal[0, 2] = 0
    quorum: Share
    quorum_comparator: Comparator = Comparator.AT_LEAST
    scale: Scale | None = None
    rubric: tuple[Criterion, ...] = ()
    trim: Trim | None = None
    scores_min: PositiveInt = 1
    threshold: Threshold | None = None
    recused_in_base: bool = False
    period: Period

    @property
    def components(self) -> tuple[str, ...]:
        """What it measures: the whole, and each criterion by itself."""
        return (self.component, *(f"{self.component}_{one.id}" for one in self.rubric))

    @model_validator(mode="after")
    def _has_what_its_mode_needs(self) -> ExpertReview:
        if self.mode == "score" and self.scale is None:
            raise PydanticCustomError("scale_missing", "a review by score needs a scale")
        if self.mode == "vote" and self.threshold is None:
            raise PydanticCustomError("threshold_missing", "a review by vote needs a threshold")
        total = sum((one.share for one in self.rubric), Fraction(0))
        if self.rubric and total != 1:
            facts = {"total": f"{total * 100}%"}
            raise PydanticCustomError(
                "weights_not_whole", "weights add up to {total}, not exactly 100%", facts
            )
        return self


class VoterLimits(Frozen):
    """How often a voter may vote: choices a day and in total, for one candidate, and on one paper (DR-21).

    `repeats`: a paper may name a candidate more than once. A day begins at midnight in Asia/Shanghai.
    """

    per_day: PositiveInt = Field(le=255)
    per_candidate_per_day: PositiveInt = 1
    choices_min: PositiveInt = 1
    choices_max: PositiveInt = 1
    in_total: PositiveInt | None = Field(default=None, le=65535)
    per_candidate_in_total: PositiveInt | None = None
    repeats: bool = False


class ChannelWeight(Frozen):
    """What part a channel of the public vote has in its component (DR-24)."""

    channel: Identifier
    share: Share


class Velocity(Frozen):
    """Too many papers from one network or device in a window, or too many voters; `lead` of them name one candidate.

    Windows follow each other from midnight UTC; without `minutes` the whole vote is one.
    """

    type: Literal["velocity"] = "velocity"
    id: Identifier
    by: Literal["network", "device"]
    papers: PositiveInt | None = None
    voters: int | None = Field(default=None, ge=2)
    minutes: PositiveInt | None = None
    lead: Share

    @model_validator(mode="after")
    def _counts_one_thing(self) -> Velocity:
        if (self.papers is None) == (self.voters is None):
            raise PydanticCustomError("velocity_counts", "a velocity counts either papers or voters")
        return self


class Timing(Frozen):
    """Papers from one network or device that name one candidate as regularly as a clock ticks.

    At least `papers` in a window, of whose gaps a share of `steady` differ from the gap before by at most a tenth.
    """

    type: Literal["timing"] = "timing"
    id: Identifier
    by: Literal["network", "device"]
    papers: int = Field(ge=5)
    minutes: PositiveInt
    steady: Share


class Night(Frozen):
    """Papers from one network or device that name one candidate and do not sleep.

    At least `papers` in the whole vote, a share of `night` of them between 00:00 and 06:00 Asia/Shanghai.
    """

    type: Literal["night"] = "night"
    id: Identifier
    by: Literal["network", "device"]
    papers: PositiveInt
    night: Share


class Surge(Frozen):
    """A candidate's votes rise at once, and they come from networks that hardly anybody else votes from.

    In a window at least `papers`, `factor` times what the candidate's median part of all papers would give, a share of
    `strangers` of them from networks with at most `network_max` papers in the whole vote.
    """

    type: Literal["surge"] = "surge"
    id: Identifier
    papers: PositiveInt
    minutes: PositiveInt
    factor: PositiveInt
    strangers: Share
    network_max: PositiveInt = 3


StuffingRule = Annotated[Velocity | Timing | Night | Surge, Field(discriminator="type")]


class LadderStep(Frozen):
    """An act against a candidate that may be taken once this share of their papers is held or invalidated (DR-23)."""

    act: Literal["freeze", "invalidate", "zero", "disqualify"]
    share: Share


class Stuffing(Frozen):
    """What holds papers of a public vote back, and what may follow (刷票, DR-23).

    A paper that a rule names is held until two people release or invalidate it; `unruled` says what becomes of those on
    which nobody has ruled when the adjudication ends. With a `ladder`, an act that is not on it is not taken against
    anybody; without one, two people decide alone.
    """

    rules: tuple[StuffingRule, ...] = Field(min_length=1)
    ladder: tuple[LadderStep, ...] = ()
    unruled: Literal["count", "invalidate"] = "count"


class Display(Frozen):
    """When counts are shown before the tally is sealed: never, or each day `at` these times, and called provisional."""

    counts: Literal["hidden", "provisional"]
    at: tuple[TimeOfDay, ...] = ()

    @model_validator(mode="after")
    def _times_fit(self) -> Display:
        if (self.counts == "provisional") != bool(self.at):
            raise PydanticCustomError("display_times", "provisional counts have times, hidden ones have none")
        return self


CANDIDATES_MAX = 2048
"""How many a ballot can name: in the box a choice is eleven bits, and the channel five."""


class PublicVote(Frozen):
    """The public votes; its sealed tally is the component `component` (DR-19, DR-21 to DR-24).

    `channels` are normalised each by itself and weighed, 100 % in all; without them every paper counts alike.
    `adjudication` is how long after the close papers may be looked into before the tally is sealed; rules against
    `stuffing` need it. Without `display` counts are hidden until then.
    """

    type: Literal["public_vote"] = "public_vote"
    id: Identifier
    component: Identifier = "public"
    period: Period
    limits: VoterLimits
    normalise: Literal["top", "share", "rank"] = "top"
    channels: tuple[ChannelWeight, ...] = Field(default=(), max_length=31)
    adjudication: Period | None = None
    stuffing: Stuffing | None = None
    display: Display | None = None

    @model_validator(mode="after")
    def _channels_are_whole(self) -> PublicVote:
        total = sum((one.share for one in self.channels), Fraction(0))
        named = [one.channel for one in self.channels]
        for channel in named:
            if named.count(channel) > 1:
                raise PydanticCustomError(
                    "weight_repeated", "{component} is weighted twice", {"component": channel}
                )
        if self.channels and total != 1:
            raise PydanticCustomError(
                "weights_not_whole",
                "weights add up to {total}, not exactly 100%",
                {"total": f"{total * 100}%"},
            )
        return self


class ShareRule(Frozen):
    """A floor or cap on those of a class among the selected (DR-25).

    `base` names the population: the `list`, the `seats`, a class of `classes`, or another rule, whose counted members it
    then is (其中, a share of a share). Those whom `exempt` fits do not count, and stay in the base. A rule to `report` is
    checked and never blocks (DR-42).
    """

    id: Identifier
    who: Predicate
    op: Literal[">=", "<="]
    share: Share
    base: Literal["list", "seats"] | Identifier = "list"
    exempt: Predicate | None = None
    severity: Literal["hard", "report"] = "hard"


class Weight(Frozen):
    """What part a component has in the combined score, and how it is first brought to 0 … 100, if at all (DR-19)."""

    component: Identifier
    share: Share
    normalise: Literal["top", "share", "rank"] | None = None


class Category(Frozen):
    """Seats of those whom `who` fits; whoever is in no category shares the seats that the categories leave."""

    id: Identifier
    who: Predicate
    seats: PositiveInt


class Track(Frozen):
    """Those listed separately (单列): in the base of no share rule (DR-25). With `seats`, these are theirs and no others'."""

    id: Identifier
    who: Predicate
    seats: PositiveInt | None = None


class Preference(Frozen):
    """优先, never a quota (DR-26): with `bonus`, so many points more; without, it decides before the named tie-breakers."""

    id: Identifier
    who: Predicate
    bonus: Annotated[Exact, Field(gt=Fraction(0))] | None = None


class FigureShare(Frozen):
    """What part of the seats is allotted in proportion to one figure of the units."""

    figure: Identifier
    share: Share


class Children(Frozen):
    """How many seats each child unit may have at most: the same `max` for all, or all seats allotted in proportion to
    figures of the units, by largest remainder (DR-06).
    """

    max: PositiveInt | None = None
    allot: tuple[FigureShare, ...] = ()

    @model_validator(mode="after")
    def _says_one_thing(self) -> Children:
        if (self.max is None) != bool(self.allot):
            raise PydanticCustomError(
                "children_form", "seats of children are a max, or allotted: one of both"
            )
        if self.allot and sum((one.share for one in self.allot), Fraction(0)) != 1:
            raise PydanticCustomError(
                "allot_not_whole", "the shares by which seats are allotted add up to 100%"
            )
        return self


class Selection(Frozen):
    """Choose within seats by the combined score, under share rules; ties never by id or arrival (DR-07, DR-17 to DR-19).

    The tie-breaker `include_all` takes in all who are equal at the cut, if they are no more than `ceiling` (DR-17).
    """

    type: Literal["selection"] = "selection"
    id: Identifier
    seats: PositiveInt
    exact: bool = False
    ceiling: PositiveInt | None = None
    weights: tuple[Weight, ...] = Field(min_length=1)
    prefer: tuple[Preference, ...] = ()
    ties: tuple[Identifier, ...] = ()
    differential: Exact | None = None
    minimum_score: Exact | None = None
    classes: tuple[Predicate, ...] = ()
    shares: tuple[ShareRule, ...] = ()
    categories: tuple[Category, ...] = ()
    off_quota: tuple[Track, ...] = ()
    children: Children | None = None
    reserve: int = Field(default=0, ge=0)

    @property
    def on_quota_seats(self) -> int:
        """The seats that no track listed separately has for itself."""
        return self.seats - sum(track.seats or 0 for track in self.off_quota)

    @model_validator(mode="after")
    def _weights_are_whole(self) -> Selection:
        total = sum((weight.share for weight in self.weights), Fraction(0))
        if total != 1:
            raise PydanticCustomError(
                "weights_not_whole",
                "weights add up to {total}, not exactly 100%",
                {"total": f"{total * 100}%"},
            )
        named = [weight.component for weight in self.weights]
        for component in named:
            if named.count(component) > 1:
                facts = {"component": component}
                raise PydanticCustomError("weight_repeated", "{component} is weighted twice", facts)
        return self


class SubstitutionLimits(Frozen):
    """How far the reserve takes the places of those who leave a published list (DR-31); without a limit, always.

    At most `times_max` times, all who come in at once being one; none once `within`, from the publication of the list,
    is over; with `after_vetting: false` none for whom a department's word put out.
    """

    times_max: PositiveInt | None = None
    within: Period | None = None
    after_vetting: bool = True

    @model_validator(mode="after")
    def _limits_something(self) -> SubstitutionLimits:
        if self.times_max is None and self.within is None and self.after_vetting:
            raise PydanticCustomError(
                "limits_form", "limits of substitution are times_max, within, after_vetting: false"
            )
        return self


def _limits_or_flag(value: object) -> str:
    return "limits" if isinstance(value, dict | SubstitutionLimits) else "flag"


Substitutes = Annotated[
    Annotated[bool, Tag("flag")] | Annotated[SubstitutionLimits, Tag("limits")],
    Discriminator(_limits_or_flag),
]
"""Whether the reserve takes the places of those who leave: yes, no, or within limits."""


class Publicity(Frozen):
    """The list is published to `audience` for objections; never shortened (DR-27 to DR-31),
    or not below `minimum` where one is set.

    An open objection `holds` its subject, and the others go on, or the whole step. One without a name is accepted, is
    not, or `with_evidence_only`; one that came by post counts by its postmark, if it came within `by_post` after the
    period (DR-29).
    """

    type: Literal["publicity"] = "publicity"
    id: Identifier
    period: Period
    minimum: Period | None = None
    audience: Literal["unit", "region", "public"] = "public"
    holds: Literal["subject", "step"] = "subject"
    accept_anonymous: bool | Literal["with_evidence_only"] = False
    by_post: Period | None = None
    substitute: Substitutes = True

    @model_validator(mode="after")
    def _minimum_is_within(self) -> Publicity:
        whole, minimum = self.period, self.minimum
        if minimum and (minimum.unit != whole.unit or minimum.length > whole.length):
            raise PydanticCustomError(
                "minimum_form", "a minimum is in the period's own unit and not longer than it"
            )
        return self


class Training(Frozen):
    """集中培训: who attended is recorded, between publicity and conferral; `absent` says what becomes of the others."""

    type: Literal["training"] = "training"
    id: Identifier
    period: Period
    absent: Literal["out", "kept"] = "kept"


class Decision(Frozen):
    """A named body confirms the sealed list; it may remove with a reason but never add (DR-32)."""

    type: Literal["decision"] = "decision"
    id: Identifier
    body: Identifier
    period: Period


class Grade(Frozen):
    """The first `seats` of those left, in rank order, are given `title`; without `seats`, all that are left.

    With `who`, only those whom it fits are in line for it, such as a category's. With `also`, they stay in line for the
    next grade too, so that one person may hold both titles (S2).
    """

    title: Identifier
    who: Predicate | None = None
    seats: PositiveInt | None = None
    also: bool = False


class Conferral(Frozen):
    """Titles are conferred, with certificate numbers that have no gap (DR-33)."""

    type: Literal["conferral"] = "conferral"
    id: Identifier
    body: Identifier
    grades: tuple[Grade, ...] = Field(min_length=1)
    period: Period


Step = Annotated[
    Intake
    | Eligibility
    | Endorsement
    | Clearance
    | Congress
    | ExpertReview
    | PublicVote
    | Selection
    | Publicity
    | Training
    | Decision
    | Conferral,
    Field(discriminator="type"),
]


class Pool(Frozen):
    """Who may be put forward to this level: holders of one of these titles, of this edition or a past one (DR-03)."""

    holder_of: tuple[Identifier, ...] = Field(min_length=1)


class FastTrack(Frozen):
    """绿色通道: whom `who` fits when such a step opens passes it by; what a fact leaves unknown opens it to nobody.

    Only steps that measure nothing can be passed by, and never a publicity, a choice or what a body does.
    """

    id: Identifier
    who: Predicate
    passes: tuple[Identifier, ...] = Field(min_length=1)


class Stage(Frozen):
    """What a nomination passes at one level. `reports_within` is how long the level below may take before it lapses."""

    steps: tuple[Step, ...] = Field(min_length=1)
    fast_tracks: tuple[FastTrack, ...] = ()
    pool: Pool | None = None
    organiser: Label | None = None
    reports_within: Period | None = None

    def step(self, id: str) -> Step:
        """The step of that id; KeyError if there is none."""
        for step in self.steps:
            if step.id == id:
                return step
        raise KeyError(id)


class Requirement(Frozen):
    """The title that one must hold before; `advisory` is reported and bars nobody (DR-04)."""

    title: Identifier
    mode: Literal["strict", "advisory"] = "advisory"


class Assessment(Frozen):
    """A yearly assessment; `fails` failures, in a row or in total, end the title (摘牌, DR-35)."""

    fails: PositiveInt
    counted: Literal["consecutive", "total"] = "consecutive"


class UnitLabel(Frozen):
    """What a unit, and those below it, call a title."""

    unit: str
    label: Label


class Title(Frozen):
    """An honour that this programme confers; whoever holds one of `exclusive_with` is passed over for it (DR-33).

    `labels` are other names of it below certain units (青烟工匠), `equivalents` titles of elsewhere that count as it;
    `bar_years` is how long its revocation bars from this programme (DR-33 to DR-36).
    """

    id: Identifier
    label: Label
    kind: Literal["honour", "status"] = "honour"  # a status is no honour: 培育对象, 入库, 宣讲员
    external: bool = False  # given by a system that is not run here: only recorded (DR-43)
    labels: tuple[UnitLabel, ...] = ()
    equivalents: tuple[Identifier, ...] = ()
    requires: Requirement | None = None
    repeatable: bool = False
    exclusive_with: tuple[Identifier, ...] = ()
    term_years: PositiveInt | None = None
    annual_assessment: Assessment | None = None
    bar_years: int = Field(default=0, ge=0)


class Payer(Frozen):
    """Who bears what part of a reward."""

    id: Identifier
    share: Share


class Reward(Frozen):
    """What goes with a title: money in fen, at once, in instalments or yearly, or an entitlement (DR-34).

    `amount_fen` is the whole of `cash` and of `instalments` in equal `parts`, and one year's of `yearly`; a list of
    `instalments` stands for itself. Instalments fall due a year apart, the first with the title. What does not divide
    goes to the `first` or the `last` part (`remainder`). `members` shares each payment among a team.
    """

    id: Identifier | None = None
    title: Identifier
    type: Literal["cash", "instalments", "yearly", "entitlement"]
    amount_fen: PositiveInt | None = None
    label: Label
    parts: PositiveInt | None = None
    instalments: tuple[PositiveInt, ...] = ()
    years: PositiveInt | None = None
    payers: tuple[Payer, ...] = ()
    remainder: Literal["first", "last"] = "last"
    members: bool = False
    after_assessment: bool = False
    issuer: Label | None = None
    valid_years: PositiveInt | None = None

    @property
    def item(self) -> str:
        """What the ledger calls it."""
        return self.id or self.type

    @model_validator(mode="after")
    def _has_its_parts(self) -> Reward:
        split = self.type == "instalments"
        if split != bool(self.instalments or self.parts) or (
            self.instalments and (self.parts or self.amount_fen)
        ):
            raise PydanticCustomError(
                "instalments_form", "instalments are a list of amounts, or amount_fen in a number of parts"
            )
        payers = {payer.id: payer.share for payer in self.payers}
        if self.payers and (sum(payers.values()) != 1 or len(payers) != len(self.payers)):
            raise PydanticCustomError("payers_not_whole", "the payers' shares do not add up to exactly 100%")
        return self


class Route(Frozen):
    """One way up: the ranks from the lowest to the one where the routes meet; ranks may be skipped."""

    id: Identifier
    ranks: tuple[Rank, ...] = Field(min_length=1)

    @property
    def by_industry(self) -> bool:
        """Whether it leads through an industry union rather than up the territory."""
        return Rank.INDUSTRY_UNION in self.ranks


class Feeder(Frozen):
    """Whoever won in the cycles of `programme` (a month's, another contest's) comes in when intake closes (DR-38).

    As a `pool` each is nominated here, once however often they won; as a `preference` only the facts `prior_award` and
    `award_count` are attested of them. A source that was late for its own period is taken by the next.
    """

    id: Identifier
    programme: ProgrammeId
    titles: tuple[Identifier, ...] = ()
    take: Literal["conferred", "recommended"] = "conferred"
    gives: Literal["pool", "preference"] = "pool"


class Dimension(Frozen):
    """One kind of merit that earns points: at most `cap`, each for `valid_days`; an open one takes any named item."""

    id: Identifier
    label: Label
    cap: PositiveInt | None = None
    valid_days: PositiveInt | None = None
    open: bool = False


class Points(Frozen):
    """The points ledger of a programme (积分): fixed dimensions, and open ones, as in 4+X (DR-39)."""

    dimensions: tuple[Dimension, ...] = Field(min_length=1)


class Batches(Frozen):
    """The winners of all batches enter a register (入库), never more than `cap` together (DR-41)."""

    cap: PositiveInt | None = None


class Target(Frozen):
    """What is to be reached over the years by `by`, counted over cycles and never in anybody's way (DR-42).

    Counted are titles (all, if none is named) of these programmes (this one, if none is named), at these ranks.
    """

    id: Identifier
    label: Label
    at_least: PositiveInt
    since: Day | None = None
    by: Day | None = None
    titles: tuple[Identifier, ...] = ()
    programmes: tuple[ProgrammeId, ...] = ()
    ranks: tuple[Rank, ...] = ()


class Members(Frozen):
    """Who belongs to a subject of that type: so many people, its leader (领衔人) among them (DR-40).

    Until `freeze_on` is over, and no longer than intake is open, they may change; one person is in one such subject of
    a cycle, unless `in_several`.
    """

    minimum: PositiveInt = 1
    maximum: PositiveInt
    in_several: bool = False
    freeze_on: Day | None = None


class Units(Frozen):
    """Where the tree of units stands beside the programme, and its root's code."""

    file: str
    root: str


class Programme(Frozen):
    """One edition of a programme, whole and checked. Its canonical bytes have a hash; a cycle pins that hash (DR-01)."""

    programme: ProgrammeId
    edition: PositiveInt
    title: Label
    subject: SubjectType
    subjects: tuple[SubjectType, ...] = ()  # further types that it takes
    members: dict[SubjectType, Members] = Field(default_factory=dict)
    sources: tuple[str, ...] = ()
    cadence: Cadence | None = None
    sponsors: tuple[Identifier, ...] = ()
    units: Units
    routes: tuple[Route, ...] = Field(min_length=1)
    facts: dict[Identifier, Fact] = Field(default_factory=dict)
    titles: tuple[Title, ...] = ()
    stages: dict[Rank, Stage]
    rewards: tuple[Reward, ...] = ()
    feeders: tuple[Feeder, ...] = ()
    points: Points | None = None
    batches: Batches | None = None
    targets: tuple[Target, ...] = ()
    two_reviews_three_publicities: bool = False
    continue_after_death: bool = False
    assumptions: tuple[Assumption, ...] = ()

    @property
    def asked(self) -> dict[str, Fact]:
        """The facts that whoever nominates attests; the others are the engine's."""
        return {id: fact for id, fact in self.facts.items() if fact.attested == "submitter"}

    def groups_of(self, review: ExpertReview) -> tuple[str, ...]:
        """The groups in which a review may judge, in the order of the fact's values; none where it judges as a whole."""
        return self.facts[review.groups.fact].of if review.groups else ()

    def route(self, id: str) -> Route:
        """The route of that id; KeyError if there is none."""
        for route in self.routes:
            if route.id == id:
                return route
        raise KeyError(id)

    def intake(self, rank: Rank) -> Intake | None:
        """Where nominations enter at that rank, if they do: the first step of its stage."""
        stage = self.stages.get(rank)
        step = stage.steps[0] if stage else None
        return step if isinstance(step, Intake) else None

    def exclusive_titles(self, title: str) -> frozenset[str]:
        """The titles that nobody holds beside this one, whichever of the two says so (DR-33)."""
        named = {other for one in self.titles if one.id == title for other in one.exclusive_with}
        return frozenset(named | {one.id for one in self.titles if title in one.exclusive_with})

    def title_of(self, id: str) -> Title | None:
        """The title of that id, if this programme confers it."""
        return next((title for title in self.titles if title.id == id), None)

    @property
    def summit(self) -> Rank:
        """The rank where all routes meet."""
        return self.routes[0].ranks[-1]
