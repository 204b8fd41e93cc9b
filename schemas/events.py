"""Every event that the log can hold, one class each; the class name is the event's type.

NOTE: these types are the storage format. A change of meaning needs a new `v` and an upcaster in `schemas/upcasters.py`.
"""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar, Literal

from pydantic import Field, PositiveInt

from schemas.errors import Integrity
from schemas.ledger import Frozen, JsonObject, NewEvent, RecordedEvent
from schemas.programme import Channel
from schemas.values import Exact, Instant, Label, Pace, Share


class Event(Frozen):
    """Base of all events; `v` is the version of the data's schema."""

    v: ClassVar[int] = 1

    def new(self, subject: str = "") -> NewEvent:
        """The event, ready to be appended."""
        said = {"type": type(self).__name__, "v": self.v, "data": self.data(), "subject": subject}
        return NewEvent.trusted(said)

    def data(self) -> JsonObject:
        """What it says, as JSON."""
        return self.model_dump(mode="json", exclude_none=True)


class FactValue(Frozen):
    """One attested fact: its id and value; texts and numbers alike are kept as declared by the programme."""

    id: str
    value: int | bool | str


class Window(Frozen):
    """When something may be done: `[opens_at, closes_at)` in cycle time."""

    opens_at: Instant
    closes_at: Instant


class ActProposed(Event):
    """A first person asked for an act that takes two; nothing has happened yet."""

    act: str  # hash of the command's body: the second person must ask for exactly the same
    kind: str
    reason: str = ""


class ActSeconded(Event):
    """A second person asked for the same act; its events follow under the same command."""

    act: str
    kind: str
    proposed_by: str


# ---- cycle ----


class IntakeWindow(Frozen):
    """The window in which nominations enter at one rank."""

    rank: str
    step: str
    window: Window


class CycleOpened(Event):
    cycle: str
    programme: str
    edition: int
    title: Label
    units: str  # hash of the pinned unit tree
    calendar: str  # version of the pinned work-day calendar
    overrides: str = ""  # hash of its pinned days
    pace: Pace
    intakes: tuple[IntakeWindow, ...]
    invited: tuple[
        str, ...
    ] = ()  # units invited to nominate; those that submit nothing are recorded as silent


class IntakeExtended(Event):
    rank: str
    was: Instant
    closes_at: Instant
    reason: str


class IntakeShortened(Event):
    rank: str
    was: Instant
    closes_at: Instant
    reason: str


class GivenPlaces(Frozen):
    """So many places that a unit has from another."""

    unit: str
    places: PositiveInt


class QuotaRedistributed(Event):
    """Places of the quota that `unit` did not use are others' from here on; by no route there are more than before (DR-06)."""

    unit: str
    to: tuple[GivenPlaces, ...]
    reason: str


class BelowMinimum(Frozen):
    """A unit that put forward fewer than was asked of it."""

    unit: str
    minimum: int
    nominations: int


class IntakeClosed(Event):
    """No more nominations; the invited units that submitted nothing gave up their seats (逾期视为放弃, DR-06).

    `below_minimum` are the units of which more was asked, where a minimum is: nobody lapses for it.
    """

    closed_at: Instant
    nominations: int
    silent: tuple[str, ...] = ()
    below_minimum: tuple[BelowMinimum, ...] | None = None


class TeamMember(Frozen):
    """A person in a team, a studio or the like: by random id; name and identity are in the vault."""

    subject: str
    entry: str
    commitment: str
    leader: bool = False


class Award(Frozen):
    """One title that somebody won in another cycle, or with no title, a recommendation."""

    cycle: str
    nomination: str
    title: str = ""


class Winner(Frozen):
    """A subject that won elsewhere, with every award; the rest, of those who are nominated for it, as they entered."""

    subject: str
    awards: tuple[Award, ...]
    unit: str = ""
    route: str = ""
    entry: str = ""
    commitment: str = ""
    facts: tuple[FactValue, ...] = ()
    subject_type: str = ""
    members: tuple[TeamMember, ...] = ()


class WinnersTaken(Event):
    """What a feeder gave when intake closed: each person once, every award kept (人次, DR-38).

    `late` are those of `sources` whose own period was over before they were; `left_out` have no way in here.
    """

    feeder: str
    gives: Literal["pool", "preference"]
    sources: tuple[str, ...]
    late: tuple[str, ...] = ()
    winners: tuple[Winner, ...]
    left_out: tuple[str, ...] = ()
    persons: int
    award_count: int


class SubjectPoints(Frozen):
    subject: str
    points: int


class PointsPinned(Event):
    """The points of all who are in, as they stood when intake closed (DR-39); who is not named has none."""

    as_of: str  # ISO date
    standings: tuple[SubjectPoints, ...]


class CyclePaused(Event):
    reason: str


class CycleResumed(Event):
    epoch: int  # how many times the cycle has been resumed


class CycleCancelled(Event):
    reason: str


class RulesAmended(Event):
    """From here on the rounds of these ranks, none of them opened yet, run under other rules (DR-01)."""

    was: str
    rules: str
    ranks: tuple[str, ...]
    reason: str


class CalendarExtended(Event):
    """From here on work days are counted by another calendar, which knows further years (DR-27)."""

    was: str
    overrides: str  # hash of the pinned work-day calendar
    calendar: str  # its version
    years: tuple[int, ...]  # those that were not known
    reason: str


class BallotKeysDestroyed(Event):
    """No objection can be made any more: the keys of the cycle's ballots are gone, in this very transaction.

    From here on nobody can say whose a vote was, nor make a voter's token; papers, tallies and proofs stay.
    """


class CycleCompleted(Event):
    conferred: int


# ---- authority ----


class GrantTerms(Frozen):
    """Who may act in which role over which unit and all below it."""

    id: str
    person: str
    role: str
    unit: str


class GrantsGiven(Event):
    grants: tuple[GrantTerms, ...]


class GrantRevoked(Event):
    grant: str
    reason: str


# ---- nomination ----


class NominationSubmitted(Event):
    """A subject is put forward, by one route that stays fixed (DR-02). Person and free text are in the vault."""

    nomination: str
    cycle: str
    unit: str
    route: str
    path: tuple[str, ...]
    channel: Channel
    sponsors: tuple[str, ...] = ()
    entry: str  # vault entry
    commitment: str  # SHA-256 of salt and vault entry
    facts: tuple[FactValue, ...] = ()
    subject_type: str = ""  # empty: the programme's own
    members: tuple[TeamMember, ...] = ()


class TeamChanged(Event):
    """The members before they are frozen, all of them anew (DR-40)."""

    members: tuple[TeamMember, ...]


class NominationEndorsed(Event):
    round: str
    step: str
    revision: int
    recommendation_rank: int | None = None
    reason: str = ""


class NominationReturned(Event):
    """Sent back for completion or correction (退回补正, DR-20); an endorsement in this step lapses with the correction."""

    round: str
    step: str
    reason: str


class NominationCorrected(Event):
    revision: int
    entry: str = ""
    commitment: str = ""
    facts: tuple[FactValue, ...]


class NominationRejected(Event):
    round: str
    step: str
    reason: str


class NominationWithdrawn(Event):
    reason: str


class ObjectionFiled(Event):
    """A real-name objection within a publicity period (DR-29); who filed it is sealed in the vault."""

    objection: str
    round: str
    step: str
    entry: str
    commitment: str
    ground: str
    evidence: str | None = None  # SHA-256 of a document
    postmark: date | None = None  # of one that came by post


class ObjectionMerged(Event):
    """An objection on a ground that is known already (DR-29): kept, and decided with the first one."""

    objection: str
    into: str
    entry: str
    commitment: str
    evidence: str | None = None
    postmark: date | None = None


class VettingReopened(Event):
    """A department objects after its step had passed (DR-11): the subject is held until somebody rules on it."""

    objection: str
    round: str
    step: str
    department: str
    reason: str


class RevocationLeadRecorded(Event):
    """What was learnt too late to stop a conferral, for whoever may revoke the title (DR-11)."""

    round: str
    step: str
    department: str
    reason: str


class ObjectionRefused(Event):
    """An objection that came too late or without a name, or by post when all was decided: it holds nothing, but is kept
    as a lead (DR-29).
    """

    objection: str
    round: str
    step: str
    entry: str
    commitment: str
    ground: str
    evidence: str | None = None
    postmark: date | None = None
    reason: Literal["late", "anonymous", "decided"]


class ObjectionRuled(Event):
    objection: str
    outcome: Literal["upheld", "dismissed"]
    reason: str


class DeathNoted(Event):
    """The subject died after submission; the programme says whether the nomination goes on (DR-37)."""

    died_on: date
    document: str


class TransferNoted(Event):
    """The subject works elsewhere now; the route stays as it was submitted (DR-02, DR-37)."""

    was: str
    unit: str
    reason: str


class PredicateWaived(Event):
    """One predicate does not bar this nomination (破格, DR-10), by whoever the grant names."""

    predicate: str
    reason: str


class NominationDisqualified(Event):
    reason: str


class NominationAdvanced(Event):
    """Recommended upward by a round."""

    round: str
    round_seq: int


class NominationEliminated(Event):
    round: str
    round_seq: int
    step: str
    reason: str


class NominationConferred(Event):
    round: str
    round_seq: int
    title: str
    certificate: str
    final: bool


# ---- round ----


class RoundOpened(Event):
    round: str
    unit: str
    rank: str
    route: str
    children: tuple[str, ...] = ()  # child rounds with something to decide
    reports_due: Instant | None = None


class Member(Frozen):
    """A nomination in a round, as it stood when the pool was frozen."""

    nomination: str
    subject: str
    unit: str
    seq: int
    via: str | None = None  # the child unit that recommended it


class Dropped(Frozen):
    nomination: str
    reason: str


KEPT_OUT = ", kept out by "
"""In the reason of somebody who was not selected: behind it stand the rules that did it, and not the place."""


class PoolFrozen(Event):
    """The round's cut-off: who is in, which child rounds lapsed, who fell out on the way."""

    members: tuple[Member, ...]
    dropped: tuple[Dropped, ...] = ()
    lapsed_children: tuple[str, ...] = ()


class StepOpened(Event):
    step: str
    type: str
    window: Window | None = None


class StepExtended(Event):
    """A window was moved: by an amendment, or because the cycle was paused meanwhile."""

    step: str
    nomination: str = ""  # a substitute's own publicity period; empty for the step's window
    was: Instant
    closes_at: Instant
    epoch: int = 0
    reason: str
    seen: tuple[str, ...] | None = None  # components known by then: two of a higher authority extended it


class HeldTitle(Frozen):
    """A title of a subject as its stream told it at `seq`: since when, until when, and at which place."""

    stream: str
    seq: int
    title: str
    programme: str = ""
    edition: int | None = None
    since: date
    until: date | None = None  # the first day on which it is held no more
    revoked_on: date | None = None
    barred_until: date | None = None
    place: int | None = None
    rehearsal: bool = False


class Checked(Frozen):
    nomination: str
    seq: int
    result: Literal["pass", "fail", "unknown"]
    failed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    reported: tuple[str, ...] = ()
    waived: tuple[str, ...] = ()
    held: tuple[HeldTitle, ...] = ()  # the history that it was judged by


class FastTracked(Event):
    """These pass the step by, as `predicate` fits them when it opens (绿色通道): nothing is asked about them there."""

    step: str
    fast_track: str
    predicate: str
    nominations: tuple[str, ...]


class EligibilityChecked(Event):
    step: str
    results: tuple[Checked, ...]
    as_of: date | None = None  # the day by which history was judged: the cut-off


class Conflict(Frozen):
    """A minimal set of rules that cannot hold together, and how much is missing, in words (DR-26)."""

    rules: tuple[str, ...]
    missing: tuple[Label, ...]


class StepHeld(Event):
    """The step cannot close without a person: a tie, too few candidates, no quorum, a rule that can't be met, silence.

    It is looked at again `until` then, when silence that is waited for becomes an answer.
    """

    step: str
    code: str
    nominations: tuple[str, ...] = ()
    detail: str = ""
    conflict: Conflict | None = None
    until: Instant | None = None


class StepClosed(Event):
    step: str
    how: Literal["elapsed", "complete", "early"]
    reason: str | None = None  # why somebody closed it early


class MembersOut(Event):
    """These leave the round at this step, each with the rule that cut them."""

    step: str
    out: tuple[Dropped, ...]


class SubjectsHeld(Event):
    """Objections to these are open (DR-28): the others go on, these follow if they are cleared by the next cut-off."""

    step: str
    nominations: tuple[str, ...]
    objections: tuple[str, ...] | None = None  # those open, as NOMINATION/OBJECTION; older logs name none


class SessionInvalidated(Event):
    """Too few attended (DR-15): what was handed in stays sealed and counts for nothing; the session is held again.

    Of one group, only what its `judges` handed in; the other groups' sessions stand.
    """

    step: str
    present: int
    entitled: int
    group: str | None = None
    judges: tuple[str, ...] | None = None


class ComponentScore(Frozen):
    component: str
    value: Exact


class Mark(Frozen):
    """One judge's score, or vote, on one nomination."""

    nomination: str
    score: Exact | None = None
    vote: Literal["approve", "reject", "abstain", "return"] | None = None
    parts: tuple[ComponentScore, ...] | None = None  # by criterion, where there is a rubric


class Lot(Frozen):
    """One of the pool that a panel is drawn from; `kind` is empty where kinds do not matter."""

    person: str
    kind: str = ""


class JudgingGroup(Frozen):
    """A part of a panel and whom it judges; `placed` of them by a person, as their fact did not say it (分组评审)."""

    group: str
    judges: tuple[str, ...]
    members: tuple[str, ...]
    placed: tuple[str, ...] = ()


class PanelFormed(Event):
    step: str
    judges: tuple[str, ...]
    groups: tuple[JudgingGroup, ...] | None = None


class PanelDrawn(Event):
    """A panel by lot (DR-13): from pool, seed and algorithm anyone can draw it again."""

    step: str
    pool: tuple[Lot, ...]
    pool_hash: str
    seed: str
    seed_source: str
    algorithm: str
    judges: tuple[str, ...]
    groups: tuple[JudgingGroup, ...] | None = None


class ChairNamed(Event):
    """Who leads the panel, a judge, and who keeps its minutes, who is none."""

    step: str
    chair: str
    secretary: str


class SheetEntered(Event):
    """A judge's sheet as one scorekeeper typed it; it counts once another one typed the same (DR-16)."""

    step: str
    judge: str
    keeper: str
    marks: tuple[Mark, ...]


class SheetDiscrepancy(Event):
    """Two scorekeepers typed a sheet differently at these nominations; it counts for nothing until they agree."""

    step: str
    judge: str
    keepers: tuple[str, ...]
    nominations: tuple[str, ...]


class JudgeReplaced(Event):
    step: str
    judge: str
    by: str
    reason: str


class JudgeRecused(Event):
    """Voids what the judge wrote of this nomination, before or after (回避, DR-13)."""

    step: str
    judge: str
    nomination: str
    reason: str


class SheetHandedIn(Event):
    """A judge's sealed sheet; a later one of the same judge before the close replaces it, both stay (DR-14)."""

    step: str
    judge: str
    marks: tuple[Mark, ...]
    refused: tuple[Dropped, ...] = ()  # marks that were off the scale; the rest of the sheet stands (DR-16)


class PanelResult(Frozen):
    nomination: str
    value: Exact
    method: str
    counted: int
    dropped: int = 0
    recused: int = 0
    passed: bool = True
    parts: tuple[ComponentScore, ...] | None = None  # the mean of each criterion
    group: str | None = None  # in which it was judged
    raw: Exact | None = None  # the value before it was brought to the scale that all groups have


class GroupSession(Frozen):
    """How many of a group's judges handed in a sheet."""

    group: str
    present: int
    entitled: int


class PanelClosed(Event):
    """The panel's result; a later `version` replaces it where somebody was recused after the close (DR-13)."""

    step: str
    component: str
    present: int
    entitled: int
    results: tuple[PanelResult, ...]
    version: int = 1
    groups: tuple[GroupSession, ...] | None = None
    flags: tuple[str, ...] | None = None  # `ALL_ZERO:<group>` (DR-19)


class CongressVote(Frozen):
    """How a workers' congress voted on one nomination."""

    nomination: str
    approve: int
    against: int
    abstain: int


class CongressRecorded(Event):
    """A session of the workers' congress (职代会, DR-12); `document` is the SHA-256 of its minutes."""

    step: str
    entitled: int
    present: int
    document: str
    votes: tuple[CongressVote, ...]


class AttendanceRecorded(Event):
    """Who attended a training (集中培训); a later one replaces it, and `document` is the SHA-256 of the roll."""

    step: str
    attended: tuple[str, ...]
    document: str


class ClearanceRequested(Event):
    """The departments are asked about these again, because their answers have run out (DR-11)."""

    step: str
    nominations: tuple[str, ...]
    window: Window


class ClearanceReplied(Event):
    step: str
    department: str
    nomination: str
    outcome: Literal["clear", "object", "conditional"]
    reason: str = ""


class BallotOpened(Event):
    """A ballot's rules, frozen: its candidates in the order of the paper."""

    step: str
    ballot: str
    candidates: tuple[str, ...]


class Count(Frozen):
    nomination: str
    votes: int


class ChannelCounts(Frozen):
    """The votes that came by one channel; `papers` is how many papers these are."""

    channel: str
    papers: int
    counts: tuple[Count, ...]


class AdjudicationOpened(Event):
    """The vote is closed; until `closes_at` papers may be looked into, then the tally is sealed (DR-23)."""

    step: str
    closes_at: Instant


class AdjudicationClosed(Event):
    """From here on nothing is invalidated any more; the count begins."""

    step: str


class CountsPublished(Event):
    """Provisional counts, due `at` by the programme: of all papers taken so far, the held ones too (DR-23)."""

    step: str
    at: Instant
    counts: tuple[Count, ...]


class ScreeningAsked(Event):
    """Somebody wants the rules against stuffing run now."""

    step: str


class VotesHeld(Event):
    """The papers of a cohort are held: a rule named them, or a freeze; they count only if people release them (DR-23).

    `rules` is the version of the rules; `papers` of the nomination's `of` so far are in the cohort, `root` is the
    RFC 9162 root over their ids and voters in ascending order; `evidence` is what the rule counted.
    """

    step: str
    cohort: str
    rule: str
    nomination: str
    papers: int
    of: int
    root: str
    rules: str
    evidence: dict[str, int]


class VotesScreened(Event):
    """The rules of this version were run over so many papers; what they held came before.

    `screening` is its number; one that broke off may have taken a number with it.
    """

    step: str
    screening: int
    rules: str
    papers: int


class VotesReleased(Event):
    """What was held or did not count counts again: a cohort, these voters' papers, or a nomination's votes (DR-23).

    Without evidence where the programme released what nobody had ruled on (`reason` UNRULED).
    """

    step: str
    cohort: str | None = None
    voters: tuple[str, ...] | None = None
    nomination: str | None = None
    evidence: str | None = None
    reason: str


class VotesFrozen(Event):
    """The whole vote takes no papers for now, or papers for this nomination are held as they come."""

    step: str
    nomination: str | None = None
    reason: str


class VotesUnfrozen(Event):
    step: str
    nomination: str | None = None
    reason: str


class VotesInvalidated(Event):
    """Papers of these voters or of a cohort (`deduct`), or all for this nomination (`zero`), do not count (DR-23).

    `disqualify`: the nomination also leaves the round when the tally is sealed. `evidence` is empty where the programme
    invalidated what nobody had ruled on (`reason` UNRULED).
    """

    step: str
    effect: Literal["deduct", "zero", "disqualify"]
    voters: tuple[str, ...] = ()
    nomination: str = ""
    cohort: str | None = None
    evidence: str
    reason: str


class TallySealed(Event):
    """The public vote's only result (DR-22): counts, number of papers, Merkle root over all accepted papers.

    `counts`, and by channel `channels`, are before and `valid` after what was invalidated (DR-23); `values` come from the
    valid ones. `uncounted_root` is over the papers that do not count; `rules_hash` is that of the ballot's rules.
    """

    step: str
    component: str
    ballot: str
    papers: int
    refused: int = 0
    root: str
    uncounted_root: str | None = None
    rules_hash: str | None = None
    counts: tuple[Count, ...]
    channels: tuple[ChannelCounts, ...] | None = None
    valid: tuple[ChannelCounts, ...] = ()
    zeroed: tuple[str, ...] = ()
    values: tuple[PanelResult, ...]
    before: tuple[PanelResult, ...] | None = (
        None  # what the values were if every paper counted, where that differs
    )


class Ranked(Frozen):
    nomination: str
    rank: int
    score: Exact
    components: tuple[ComponentScore, ...]


class SelectionMade(Event):
    """Who is in, who stands by, where the line was, and the certificate that anyone can check again."""

    step: str
    seats: int
    ranked: tuple[Ranked, ...]
    selected: tuple[str, ...]
    reserve: tuple[str, ...] = ()
    certificate: dict[str, Any] = Field(default_factory=dict)
    vacancy: Conflict | None = None  # the rules that keep seats empty, if any do
    flags: tuple[str, ...] | None = None  # `ALL_ZERO:<component>` (DR-19)


class TieResolved(Event):
    """A person ordered those whom no rule could order (DR-17)."""

    step: str
    order: tuple[str, ...]
    reason: str


class DifferentialWaived(Event):
    """The step goes on although there are too few candidates, by recorded authority (DR-07)."""

    step: str
    reason: str


class RulesWaived(Event):
    """Share rules of a selection that cannot all hold, or the trimming of a panel's scores that are too few, are set
    aside for this round, by recorded authority (DR-16, DR-26).
    """

    step: str
    rules: tuple[str, ...]
    reason: str


class ListPublished(Event):
    """A list, or a substitute alone, is published for objections until `window` ends (公示, DR-27)."""

    step: str
    nominations: tuple[str, ...]
    window: Window
    day_count: str
    rehearsal: bool
    audience: str = ""


class ChangeReported(Event):
    """What was published of a nomination changed (DR-30): `material` begins its period anew, `typographical` is noted."""

    step: str
    nomination: str
    change: Literal["material", "typographical"]
    what: str
    reason: str


class Substituted(Event):
    """One left during publicity and the next of the reserve came in, composition checked again (DR-31)."""

    step: str
    out: str
    into: str = ""  # empty: the seat stays vacant
    reason: str
    limit: Literal["times_max", "within", "after_vetting"] | None = None  # what kept the reserve out


class DecisionTaken(Event):
    """The body confirmed the list, with those that it removed and why (审定, DR-32)."""

    step: str
    body: str
    confirmed: tuple[str, ...]
    removed: tuple[Dropped, ...] = ()


class Conferred(Frozen):
    nomination: str
    subject: str
    title: str
    certificate: str
    posthumous: bool = False


class TitlesConferred(Event):
    """The titles, with gap-free certificate numbers, all or none (命名, DR-33)."""

    step: str
    body: str
    conferred: tuple[Conferred, ...]
    effective_on: date | None = None  # empty: the day of the conferral


class RoundReported(Event):
    """What flows up: whom the round recommends, in order, and whom it kept in reserve."""

    recommended: tuple[str, ...]
    reserve: tuple[str, ...] = ()
    conferred: int = 0


class RecommendationAmended(Event):
    """After its report, before the parent's cut-off: substitutes whose own publicity period is over join the list."""

    recommended: tuple[str, ...]
    reserve: tuple[str, ...] = ()


class ReportsExtended(Event):
    """The child rounds may report until later: by two people, or because a pause gave its days back."""

    was: Instant
    closes_at: Instant
    reason: str


class RoundPaused(Event):
    """Nothing of this round is decided, and its windows do not run, until it is resumed."""

    reason: str


class RoundResumed(Event):
    """Time goes on; the windows that the pause ate into follow as extensions."""


class RoundLapsed(Event):
    """The round did not report in time, or it or its cycle was cancelled."""

    reason: str


# ---- points ----


class PointsAdded(Event):
    """One entry of a subject's points ledger; a negative one takes back (DR-39). `evidence` is a document's SHA-256."""

    cycle: str  # under whose rules and grants
    unit: str
    dimension: str
    item: str = ""  # what it was for, in an open dimension
    points: int
    evidence: str
    earned_on: str
    expires_on: str = ""  # the first day on which it no longer counts; empty: never
    reason: str


# ---- register ----


class RegisterMember(Frozen):
    subject: str
    nomination: str
    unit: str


class MembersEntered(Event):
    """A batch's winners are in the register (入库, DR-41)."""

    cycle: str
    members: tuple[RegisterMember, ...]


class MemberLeft(Event):
    """No longer in the register; the place is not given again."""

    cycle: str
    subject: str
    reason: str


class MembersPaired(Event):
    """One that has proved itself takes on a newcomer (优秀试点结对新增试点)."""

    cycle: str
    senior: str
    junior: str


class OutcomeRecorded(Event):
    """A title given by a system that is not run here: who says so, who verified it, and the document's SHA-256."""

    cycle: str  # under whose rules and grants
    title: str
    given_on: str
    source: str
    verifier: str
    document: str


class PersonalDataExported(Event):
    """Names of people were taken out of the vault in a paper; who took them, and by which grant, says the envelope."""

    cycle: str
    round: str  # whose people
    paper: str
    people: int


# ---- title ----


class TitleConferred(Event):
    """A title begins; its subject is the envelope's."""

    programme: str
    edition: int
    title: str
    label: Label  # as the unit calls it
    certificate: str
    round: str
    body: str
    unit: str
    effective_on: date
    expires_on: date | None = None
    posthumous: bool = False
    place: int | None = None
    rehearsal: bool = False


class HonourRecorded(Event):
    """An honour or result of a system that we do not run, as somebody verified it (DR-43)."""

    title: str
    unit: str
    programme: str = ""
    edition: int | None = None
    conferred_on: date
    place: int | None = None
    source: str
    verifier: str
    document: str  # SHA-256 of the paper that shows it
    rehearsal: bool = False


class TitleAssessed(Event):
    """One year's assessment; a later one of the same year goes over it, both stay (DR-35)."""

    year: int
    result: Literal["pass", "warn", "fail"]
    document: str = ""
    reason: str = ""


class MemberShare(Frozen):
    """A member's part of a team's reward; the member by subject id."""

    member: str
    share: Share


class SharesAgreed(Event):
    """How a team's rewards are shared; the parts are a whole (DR-34)."""

    shares: tuple[MemberShare, ...]


class LeaderLeft(Event):
    """The one who leads the studio left it: replace, or cancel by delisting (DR-35)."""

    reason: str


class LeaderReplaced(Event):
    leader: str  # subject id
    entry: str
    commitment: str
    reason: str


class RewardPaid(Event):
    """One entry of the ledger, keyed by item, period, payer and payee; never twice (DR-34)."""

    item: str
    period: str
    payer: str = ""
    payee: str = ""  # a member's subject id; empty: the title's own
    amount_fen: int
    reference: str


class EntitlementIssued(Event):
    item: str
    period: str
    issuer: Label | None = None
    expires_on: date | None = None
    reference: str


class RewardRecovered(Event):
    """A negative entry: what was paid is owed back (追缴, DR-34)."""

    item: str
    period: str
    payer: str = ""
    payee: str = ""
    amount_fen: int
    reference: str


class RevocationProposed(Event):
    ground: str
    document: str  # SHA-256 of the evidence
    reason: str


class RevocationHeard(Event):
    """The holder was heard, or did not come."""

    attended: bool
    document: str = ""
    reason: str


class RevocationDecided(Event):
    """Marks the title and deletes nothing; titles that rest on it are named, not touched (DR-36)."""

    outcome: Literal["revoked", "kept"]
    revoked_on: date | None = None
    barred_until: date | None = None
    dependents: tuple[str, ...] = ()
    reason: str


class RevocationAppealed(Event):
    document: str = ""
    reason: str


class AppealRuled(Event):
    outcome: Literal["upheld", "restored"]
    reason: str


class TitleDelisted(Event):
    """Off the register (摘牌, DR-35): by its assessments, or by two people."""

    delisted_on: date
    reason: str


# ---- a person's data ----


class PersonHeld(Event):
    """A proceeding needs the person's data: it is not erased before the release."""

    cycle: str  # under whose grants
    reason: str


class PersonReleased(Event):
    cycle: str
    reason: str


class PersonErased(Event):
    """The key of the person's data is destroyed: what was sealed by it cannot be read by anybody (DR-46)."""

    cycle: str
    basis: str
    document: str = ""
    reason: str


EVENTS: dict[str, type[Event]] = {kind.__name__: kind for kind in Event.__subclasses__()}

PINS: dict[str, tuple[str, ...]] = {
    CycleOpened.__name__: ("units", "overrides"),
    RulesAmended.__name__: ("rules",),
    CalendarExtended.__name__: ("overrides",),
}
"""By an event's type, the fields of its data that are hashes of documents; the envelope's rules are one of every event."""


def type_of(recorded: RecordedEvent) -> type[Event]:
    """The type of a recorded event (already upcast), in the version that this code reads; Integrity EVENT_UNKNOWN."""
    known = EVENTS.get(recorded.type)
    if known is None or recorded.v != known.v:
        raise Integrity("EVENT_UNKNOWN", stream=recorded.stream, seq=recorded.seq, type=recorded.type)
    return known


def read(recorded: RecordedEvent) -> Event:
    """The typed event of a recorded one; Integrity EVENT_UNKNOWN for one that newer code wrote."""
    return type_of(recorded).model_validate(recorded.data)
