"""Every command: what people, and the engine itself, may ask of a cycle, an authority, a nomination or a round."""

from __future__ import annotations

from datetime import date
from operator import not_
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, NonNegativeInt, PositiveInt, model_validator

from schemas.events import (
    ChannelCounts,
    CongressVote,
    Count,
    FactValue,
    GivenPlaces,
    GrantTerms,
    MemberShare,
    TeamMember,
)
from schemas.ledger import Actor, Frozen
from schemas.programme import Channel, IsoDate, SubjectType
from schemas.values import Instant, Pace

Reason = Annotated[str, Field(min_length=1, max_length=2000)]
Meant = Annotated[str, Field(exclude_if=not_)]
"""The endorsement that is meant, where a stage has several; unsaid, the one that began last, and then it is no part of the
command's bytes.
"""
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


# ---- cycle ----


class OpenCycle(Frozen):
    kind: Literal["open_cycle"] = "open_cycle"
    cycle: str
    rules: str  # hash of the pinned programme
    units: str  # hash of the pinned unit tree
    overrides: str = ""  # hash of the pinned work-day calendar
    pace: Pace
    invited: tuple[str, ...] = ()


class ExtendIntake(Frozen):
    """Amendment: move the end of an intake window. Takes two people."""

    kind: Literal["extend_intake"] = "extend_intake"
    rank: str
    closes_at: Instant
    reason: Reason


class CloseIntakeEarly(Frozen):
    """Move the end of an intake window nearer, never into the past. Takes two people."""

    kind: Literal["close_intake_early"] = "close_intake_early"
    rank: str
    closes_at: Instant
    reason: Reason


class RedistributeQuota(Frozen):
    """Amendment: places that a unit does not use go to others while these can use them (DR-06). Takes two people."""

    kind: Literal["redistribute_quota"] = "redistribute_quota"
    unit: str
    to: tuple[GivenPlaces, ...] = Field(min_length=1, max_length=1000)
    reason: Reason

    @model_validator(mode="after")
    def _to_others_once_each(self) -> RedistributeQuota:
        if len({self.unit, *(one.unit for one in self.to)}) <= len(self.to):
            raise ValueError("places go to other units, each named once")
        return self


class CloseIntake(Frozen):
    """The engine's own: close the intake once every window is over."""

    kind: Literal["close_intake"] = "close_intake"


class PauseCycle(Frozen):
    kind: Literal["pause_cycle"] = "pause_cycle"
    reason: Reason


class ResumeCycle(Frozen):
    kind: Literal["resume_cycle"] = "resume_cycle"


class CancelCycle(Frozen):
    """Takes two people."""

    kind: Literal["cancel_cycle"] = "cancel_cycle"
    reason: Reason


class AmendRules(Frozen):
    """Amendment: stages that no round has opened yet run under other rules (DR-01). Takes two people."""

    kind: Literal["amend_rules"] = "amend_rules"
    rules: str  # hash of the pinned amended programme
    reason: Reason


class ExtendCalendar(Frozen):
    """Further years of work days for a cycle that reaches into them; no day that was known changes. Takes two people."""

    kind: Literal["extend_calendar"] = "extend_calendar"
    overrides: str  # hash of the pinned work-day calendar
    reason: Reason


class CompleteCycle(Frozen):
    kind: Literal["complete_cycle"] = "complete_cycle"
    conferred: int


# ---- authority ----


class GiveGrants(Frozen):
    kind: Literal["give_grants"] = "give_grants"
    grants: tuple[GrantTerms, ...] = Field(min_length=1)


class RevokeGrant(Frozen):
    kind: Literal["revoke_grant"] = "revoke_grant"
    grant: str
    reason: Reason


# ---- nomination ----


class SubmitNomination(Frozen):
    kind: Literal["submit"] = "submit"
    nomination: str
    cycle: str
    unit: str
    route: str
    channel: Channel
    sponsors: tuple[str, ...] = ()
    subject: str
    entry: str
    commitment: str
    facts: tuple[FactValue, ...] = ()
    subject_type: SubjectType | None = None
    members: tuple[TeamMember, ...] = ()


class ChangeTeam(Frozen):
    """Name all members anew, before they are frozen (DR-40)."""

    kind: Literal["change_team"] = "change_team"
    members: tuple[TeamMember, ...] = Field(min_length=1)


class Endorse(Frozen):
    """Approve a nomination in the endorsement step of the round it is in."""

    kind: Literal["endorse"] = "endorse"
    round: str
    step: Meant = ""
    recommendation_rank: PositiveInt | None = None
    reason: str = ""


class ReturnForCorrection(Frozen):
    kind: Literal["return"] = "return"
    round: str
    step: Meant = ""
    reason: Reason


class Correct(Frozen):
    """Answer a return with a new revision; facts not named stay as they were."""

    kind: Literal["correct"] = "correct"
    facts: tuple[FactValue, ...] = ()
    entry: str = ""
    commitment: str = ""


class Reject(Frozen):
    kind: Literal["reject"] = "reject"
    round: str
    step: Meant = ""
    reason: Reason


class Withdraw(Frozen):
    kind: Literal["withdraw"] = "withdraw"
    reason: Reason


class FileObjection(Frozen):
    """`evidence` is a document's hash, `postmark` the day on which it was posted, as an operator or handler read it.

    An objection without them leaves them out, and so has the hash that it had before there were any.
    """

    kind: Literal["object"] = "object"
    objection: str
    round: str
    entry: str
    commitment: str
    ground: str
    anonymous: bool = False
    evidence: Sha256 | None = Field(default=None, exclude_if=not_)
    postmark: date | None = Field(default=None, exclude_if=not_)


class ReopenVetting(Frozen):
    """A department objects after its step in `round` has passed (DR-11)."""

    kind: Literal["reopen_vetting"] = "reopen_vetting"
    round: str
    step: str
    department: str
    reason: Reason


class RuleOnObjection(Frozen):
    kind: Literal["rule"] = "rule"
    objection: str
    outcome: Literal["upheld", "dismissed"]
    reason: Reason


class NoteDeath(Frozen):
    kind: Literal["note_death"] = "note_death"
    died_on: date
    document: Sha256


class NoteTransfer(Frozen):
    kind: Literal["note_transfer"] = "note_transfer"
    unit: str
    reason: Reason


class WaivePredicate(Frozen):
    """破格 (DR-10): a named predicate does not bar this one nomination. Takes two people."""

    kind: Literal["waive_predicate"] = "waive_predicate"
    predicate: str
    reason: Reason


class Disqualify(Frozen):
    """Takes two people."""

    kind: Literal["disqualify"] = "disqualify"
    reason: Reason


class TakeOutcome(Frozen):
    """The engine's own: what a round decided about this nomination, by the round's sequence."""

    kind: Literal["outcome"] = "outcome"
    round: str
    round_seq: int
    outcome: Literal["advanced", "eliminated", "returned", "conferred"]
    step: str = ""
    reason: str = ""
    title: str = ""
    certificate: str = ""
    final: bool = False


# ---- round: the engine's own ----


class OpenRound(Frozen):
    kind: Literal["open_round"] = "open_round"


class FreezePool(Frozen):
    """Cut off: take what the child rounds reported."""

    kind: Literal["freeze_pool"] = "freeze_pool"


class AmendRecommendation(Frozen):
    """Until the parent's cut-off: fill the seats given up since the report, and recommend substitutes whose time is up."""

    kind: Literal["amend_recommendation"] = "amend_recommendation"


class OpenStep(Frozen):
    kind: Literal["open_step"] = "open_step"
    step: str


class CloseStep(Frozen):
    """Close the step if it is ripe; if it is not, nothing happens and the answer says until when to wait."""

    kind: Literal["close_step"] = "close_step"
    step: str


class RearmStep(Frozen):
    """Recompute the step's window after the cycle was resumed."""

    kind: Literal["rearm_step"] = "rearm_step"
    step: str


class SealTally(Frozen):
    """The engine's own: what the ballot box counted, once the vote is closed (DR-22)."""

    kind: Literal["seal_tally"] = "seal_tally"
    step: str
    ballot: str
    papers: int
    refused: int
    root: str
    uncounted_root: str | None = None
    rules_hash: str | None = None
    counts: tuple[Count, ...]  # of every accepted paper
    channels: tuple[ChannelCounts, ...] = ()  # the same by channel
    valid: tuple[ChannelCounts, ...] = ()  # without the papers that do not count, by channel


class PublishCounts(Frozen):
    """The engine's own: what the ballot box counts now, for the display that is due `at`."""

    kind: Literal["publish_counts"] = "publish_counts"
    step: str
    at: Instant
    counts: tuple[Count, ...] = ()


class ScreenVotes(Frozen):
    """Run the rules against stuffing over the papers so far, and hold what they name (DR-23)."""

    kind: Literal["screen_votes"] = "screen_votes"
    step: str


class FoundCohort(Frozen):
    """A cohort as `VotesHeld` tells it."""

    cohort: str
    rule: str
    nomination: str
    papers: int
    of: int
    root: str
    evidence: dict[str, int]


class HoldVotes(Frozen):
    """The engine's own: what screening number `screening` by these rules found in `papers` papers."""

    kind: Literal["hold_votes"] = "hold_votes"
    step: str
    screening: int
    rules: str
    papers: int
    cohorts: tuple[FoundCohort, ...] = ()


def _names_one(cohort: str, voters: tuple[str, ...], nomination: str) -> None:
    if bool(cohort) + bool(voters) + bool(nomination) != 1:
        raise ValueError("name a cohort, or voters, or a nomination")


class InvalidateVotes(Frozen):
    """Papers of these voters or of a cohort do not count, or none for a candidate; before the seal (DR-23). Two people.

    `voters` are tokens, never names; `evidence` is the hash of the document that shows why. With `disqualify` the
    candidate also leaves the round when the tally is sealed.
    """

    kind: Literal["invalidate_votes"] = "invalidate_votes"
    step: str
    voters: tuple[str, ...] = Field(default=(), max_length=5000)
    nomination: str = ""
    cohort: str = ""
    disqualify: bool = False
    evidence: Sha256
    reason: Reason

    @model_validator(mode="after")
    def _either(self) -> InvalidateVotes:
        _names_one(self.cohort, self.voters, self.nomination)
        if self.disqualify and not self.nomination:
            raise ValueError("only a nomination is disqualified")
        return self


class ReleaseVotes(Frozen):
    """What is held or does not count shall count: a cohort, these voters' papers, or a nomination's votes. Two people."""

    kind: Literal["release_votes"] = "release_votes"
    step: str
    voters: tuple[str, ...] = Field(default=(), max_length=5000)
    nomination: str = ""
    cohort: str = ""
    evidence: Sha256
    reason: Reason

    @model_validator(mode="after")
    def _either(self) -> ReleaseVotes:
        _names_one(self.cohort, self.voters, self.nomination)
        return self


class FreezeVotes(Frozen):
    """Take no papers for now; or, with a nomination, hold those for it as they come."""

    kind: Literal["freeze_votes"] = "freeze_votes"
    step: str
    nomination: str = ""
    reason: Reason


class UnfreezeVotes(Frozen):
    """Go on; a vote that stood still gets its days back."""

    kind: Literal["unfreeze_votes"] = "unfreeze_votes"
    step: str
    nomination: str = ""
    reason: Reason


class ReportRound(Frozen):
    kind: Literal["report_round"] = "report_round"


class LapseRound(Frozen):
    kind: Literal["lapse_round"] = "lapse_round"
    reason: Reason


# ---- round: people's ----


class PauseRound(Frozen):
    kind: Literal["pause_round"] = "pause_round"
    reason: Reason


class ResumeRound(Frozen):
    kind: Literal["resume_round"] = "resume_round"


class CancelRound(Frozen):
    """The round lapses, and whoever is in it goes no further. Takes two people."""

    kind: Literal["cancel_round"] = "cancel_round"
    reason: Reason


class ExtendReports(Frozen):
    """Amendment: give the child rounds more time to report. Takes two people."""

    kind: Literal["extend_reports"] = "extend_reports"
    closes_at: Instant
    reason: Reason


class GroupPlace(Frozen):
    """In which group somebody is judged whose fact does not say it."""

    nomination: str
    group: str


def _in_order(places: tuple[GroupPlace, ...]) -> tuple[GroupPlace, ...]:
    return tuple(sorted(places, key=lambda one: (one.nomination, one.group)))


# the log tells them by group, and not in which order they were said
GroupPlaces = Annotated[tuple[GroupPlace, ...], AfterValidator(_in_order)]


class GroupJudges(Frozen):
    """Who judges in one group."""

    group: str
    judges: tuple[str, ...] = Field(min_length=1)


class FormPanel(Frozen):
    """Name the judges, or those of each group; `places` are of exactly those members whom the fact leaves out."""

    kind: Literal["form_panel"] = "form_panel"
    step: str
    judges: tuple[str, ...] = ()
    groups: tuple[GroupJudges, ...] = Field(default=(), exclude_if=not_)
    places: GroupPlaces = Field(default=(), exclude_if=not_)


class ReplaceJudge(Frozen):
    """Amendment: takes two people."""

    kind: Literal["replace_judge"] = "replace_judge"
    step: str
    judge: str
    by: str
    reason: Reason


class Recuse(Frozen):
    kind: Literal["recuse"] = "recuse"
    step: str
    nomination: str
    reason: Reason


class DrawPanel(Frozen):
    """Form the panel by lot; `seed` is a value that nobody here chose, `seed_source` says where it was published."""

    kind: Literal["draw_panel"] = "draw_panel"
    step: str
    seed: Annotated[str, Field(min_length=1, max_length=500)]
    seed_source: Reason
    places: GroupPlaces = Field(default=(), exclude_if=not_)


class NameChair(Frozen):
    kind: Literal["name_chair"] = "name_chair"
    step: str
    chair: str
    secretary: str


class Tie(Frozen):
    """Why this judge must not judge this nomination."""

    judge: str
    nomination: str
    tie: Literal["same_unit", "kin", "mentor", "nominator", "co_applicant"]


class DeclareTies(Frozen):
    """A judge's own ties, or those that an operator learnt of; each is a recusal."""

    kind: Literal["declare_ties"] = "declare_ties"
    step: str
    ties: tuple[Tie, ...] = Field(min_length=1)


class WrittenPart(Frozen):
    """The score of one criterion, still text."""

    criterion: str
    score: str


class WrittenMark(Frozen):
    """A mark as the judge wrote it, still text: checked against the step's scale when it is decided.

    Where the step has a rubric, `parts` says the score of each criterion and `score` is left out.
    """

    nomination: str
    score: str | None = None
    vote: Literal["approve", "reject", "abstain", "return"] | None = None
    parts: tuple[WrittenPart, ...] = ()


class HandInSheet(Frozen):
    kind: Literal["hand_in_sheet"] = "hand_in_sheet"
    step: str
    marks: tuple[WrittenMark, ...] = Field(min_length=1)


class EnterSheet(Frozen):
    """A scorekeeper types a judge's sheet; two of them must type the same."""

    kind: Literal["enter_sheet"] = "enter_sheet"
    step: str
    judge: str
    marks: tuple[WrittenMark, ...] = Field(min_length=1)


class RecordCongress(Frozen):
    kind: Literal["record_congress"] = "record_congress"
    step: str
    entitled: PositiveInt
    present: NonNegativeInt
    document: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    votes: tuple[CongressVote, ...] = Field(min_length=1)


class RecordAttendance(Frozen):
    """Who attended a training, all of them, or nobody; the document is the roll."""

    kind: Literal["record_attendance"] = "record_attendance"
    step: str
    attended: tuple[str, ...]
    document: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ReportChange(Frozen):
    """What was published changed (DR-30); the operator says of which class the change is."""

    kind: Literal["report_change"] = "report_change"
    step: str
    nomination: str
    change: Literal["material", "typographical"]
    what: Literal["name", "unit", "deeds", "other"]
    reason: Reason


class RequestClearance(Frozen):
    """Ask the departments of a step that has passed again, about these members."""

    kind: Literal["request_clearance"] = "request_clearance"
    step: str
    nominations: tuple[str, ...] = Field(min_length=1)


class ReplyClearance(Frozen):
    kind: Literal["reply_clearance"] = "reply_clearance"
    step: str
    department: str
    nomination: str
    outcome: Literal["clear", "object", "conditional"]
    reason: str = ""


class ResolveTie(Frozen):
    kind: Literal["resolve_tie"] = "resolve_tie"
    step: str
    order: tuple[str, ...] = Field(min_length=2)
    reason: Reason


class WaiveDifferential(Frozen):
    """Amendment: takes two people."""

    kind: Literal["waive_differential"] = "waive_differential"
    step: str
    reason: Reason


class WaiveRules(Frozen):
    """Amendment: take a selection that is held as infeasible again without these share rules. Takes two people.

    `exact` among the rules lets seats stay empty; `trim` lets a panel go on that has too few scores to trim. At a
    conferral, or at the last step of a stage: share rules that the list lacks.
    """

    kind: Literal["waive_rules"] = "waive_rules"
    step: str
    rules: tuple[str, ...] = Field(min_length=1)
    reason: Reason


class ExtendStep(Frozen):
    """Amendment: takes two people."""

    kind: Literal["extend_step"] = "extend_step"
    step: str
    closes_at: Instant
    reason: Reason


class CloseStepEarly(Frozen):
    """The unit is done before its window is over; never a public vote, nor a publicity period below its minimum."""

    kind: Literal["close_early"] = "close_early"
    step: str
    reason: Reason


class Removal(Frozen):
    nomination: str
    reason: Reason


class Decide(Frozen):
    """The body confirms the sealed list. Takes two people."""

    kind: Literal["decide"] = "decide"
    step: str
    remove: tuple[Removal, ...] = ()


class Confer(Frozen):
    """Takes two people. `posthumous` names nominations; `effective_on` is today where it is left out.

    Somebody who is held forbids it, unless those held are left out of the list.
    """

    kind: Literal["confer"] = "confer"
    step: str
    posthumous: tuple[str, ...] = ()
    effective_on: date | None = None
    leave_out_held: bool = False


# ---- title ----


class ConferTitle(Frozen):
    """The engine's own: a title that a round conferred begins its stream."""

    kind: Literal["confer_title"] = "confer_title"
    subject: str
    title: str
    certificate: str
    round: str
    body: str
    effective_on: date
    posthumous: bool = False
    place: int | None = None


class RecordHonour(Frozen):
    """An honour of a system that we do not run, verified by whoever sends this (DR-43)."""

    kind: Literal["record_honour"] = "record_honour"
    title: str
    programme: str = ""
    edition: PositiveInt | None = None
    conferred_on: date
    place: PositiveInt | None = None
    source: Reason
    document: Sha256


class AssessTitle(Frozen):
    kind: Literal["assess_title"] = "assess_title"
    year: PositiveInt  # the first year after the conferral is 1
    result: Literal["pass", "warn", "fail"]
    document: str = ""
    reason: str = ""


class AgreeShares(Frozen):
    kind: Literal["agree_shares"] = "agree_shares"
    shares: tuple[MemberShare, ...] = Field(min_length=1)


class NoteLeaderLeft(Frozen):
    kind: Literal["leader_left"] = "leader_left"
    reason: Reason


class ReplaceLeader(Frozen):
    kind: Literal["replace_leader"] = "replace_leader"
    leader: str
    entry: str
    commitment: str
    reason: Reason


class PayReward(Frozen):
    """Pay, or issue, what is due of one item and period; without payer and payee, all that is left of it."""

    kind: Literal["pay_reward"] = "pay_reward"
    item: str
    period: str
    payer: str = ""
    payee: str = ""
    reference: str = ""


class RecoverRewards(Frozen):
    """Everything that was paid with a revoked title is owed back."""

    kind: Literal["recover_rewards"] = "recover_rewards"
    reference: str = ""


class ProposeRevocation(Frozen):
    kind: Literal["propose_revocation"] = "propose_revocation"
    ground: str
    document: Sha256
    reason: Reason


class HearHolder(Frozen):
    kind: Literal["hear_holder"] = "hear_holder"
    attended: bool
    document: str = ""
    reason: Reason


class DecideRevocation(Frozen):
    """By the body that conferred. Takes two people."""

    kind: Literal["decide_revocation"] = "decide_revocation"
    outcome: Literal["revoked", "kept"]
    reason: Reason


class AppealRevocation(Frozen):
    kind: Literal["appeal_revocation"] = "appeal_revocation"
    document: str = ""
    reason: Reason


class RuleOnAppeal(Frozen):
    """Takes two people of the body."""

    kind: Literal["rule_on_appeal"] = "rule_on_appeal"
    outcome: Literal["upheld", "restored"]
    reason: Reason


class DelistTitle(Frozen):
    """Takes two people."""

    kind: Literal["delist_title"] = "delist_title"
    reason: Reason


# ---- points ----


class AddPoints(Frozen):
    """Enter points, negative to take back, under the rules and grants of one of the programme's cycles."""

    kind: Literal["add_points"] = "add_points"
    cycle: str
    unit: str
    dimension: str
    item: Annotated[str, Field(max_length=200)] = ""
    points: Annotated[int, Field(ge=-1_000_000, le=1_000_000)]
    evidence: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    earned_on: IsoDate
    expires_on: IsoDate | None = None
    reason: Reason


# ---- register ----


class EnterRegister(Frozen):
    """Take the winners of a completed cycle into the register."""

    kind: Literal["enter_register"] = "enter_register"
    cycle: str


class LeaveRegister(Frozen):
    kind: Literal["leave_register"] = "leave_register"
    cycle: str
    subject: str
    reason: Reason


class PairMembers(Frozen):
    kind: Literal["pair_members"] = "pair_members"
    cycle: str
    senior: str
    junior: str


class RecordOutcome(Frozen):
    """Record a title given elsewhere; `verifier` is the person who saw the document, another than who records it."""

    kind: Literal["record_outcome"] = "record_outcome"
    cycle: str
    subject: str
    title: str
    given_on: IsoDate
    source: Annotated[str, Field(min_length=1, max_length=500)]
    verifier: Annotated[str, Field(min_length=1)]
    document: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


Paper = Literal["summary", "recommendation", "publicity", "approval", "certificates"]


class NoteExport(Frozen):
    """Names of so many people of a round are about to be taken out, in a paper of this kind."""

    kind: Literal["note_export"] = "note_export"
    cycle: str
    round: str
    paper: Paper
    people: NonNegativeInt


# ---- a person's data ----


class HoldPerson(Frozen):
    """A proceeding needs the person's data: nobody may erase it meanwhile."""

    kind: Literal["hold_person"] = "hold_person"
    cycle: str
    reason: Reason


class ReleasePerson(Frozen):
    kind: Literal["release_person"] = "release_person"
    cycle: str
    reason: Reason


class ErasePerson(Frozen):
    """Destroy the key of a person's data, for good. Takes two people.

    `basis` is what allows it (the person's request, a retention period); `document` the SHA-256 of the paper that
    shows it. `reason` stays in the log: it holds nothing of the person.
    """

    kind: Literal["erase_person"] = "erase_person"
    cycle: str
    basis: Annotated[str, Field(min_length=1, max_length=500)]
    document: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    reason: Reason


CycleBody = (
    OpenCycle
    | ExtendIntake
    | CloseIntakeEarly
    | RedistributeQuota
    | CloseIntake
    | PauseCycle
    | ResumeCycle
    | CancelCycle
    | AmendRules
    | ExtendCalendar
    | CompleteCycle
)
AuthorityBody = GiveGrants | RevokeGrant
NominationBody = (
    SubmitNomination
    | Endorse
    | ReturnForCorrection
    | Correct
    | ChangeTeam
    | Reject
    | Withdraw
    | FileObjection
    | ReopenVetting
    | RuleOnObjection
    | NoteDeath
    | NoteTransfer
    | WaivePredicate
    | Disqualify
    | TakeOutcome
)
RoundBody = (
    OpenRound
    | FreezePool
    | AmendRecommendation
    | OpenStep
    | CloseStep
    | RearmStep
    | SealTally
    | PublishCounts
    | ScreenVotes
    | HoldVotes
    | InvalidateVotes
    | ReleaseVotes
    | FreezeVotes
    | UnfreezeVotes
    | ReportRound
    | LapseRound
    | PauseRound
    | ResumeRound
    | CancelRound
    | ExtendReports
    | FormPanel
    | DrawPanel
    | NameChair
    | DeclareTies
    | ReplaceJudge
    | Recuse
    | HandInSheet
    | EnterSheet
    | RecordCongress
    | RecordAttendance
    | ReportChange
    | RequestClearance
    | ReplyClearance
    | ResolveTie
    | WaiveDifferential
    | WaiveRules
    | ExtendStep
    | CloseStepEarly
    | Decide
    | Confer
)
TitleBody = (
    ConferTitle
    | RecordHonour
    | AssessTitle
    | AgreeShares
    | NoteLeaderLeft
    | ReplaceLeader
    | PayReward
    | RecoverRewards
    | ProposeRevocation
    | HearHolder
    | DecideRevocation
    | AppealRevocation
    | RuleOnAppeal
    | DelistTitle
)
PointsBody = AddPoints
RegisterBody = EnterRegister | LeaveRegister | PairMembers | RecordOutcome | NoteExport
PersonBody = HoldPerson | ReleasePerson | ErasePerson
FamilyBody = PointsBody | RegisterBody | PersonBody
"""Commands to streams that outlive a cycle; `cycle` says under whose rules and grants they are given."""
Body = Annotated[
    CycleBody | AuthorityBody | NominationBody | RoundBody | TitleBody | FamilyBody,
    Field(discriminator="kind"),
]


class Command(Frozen):
    """A body, addressed and signed: its id is the idempotency key, `received_at` is the door's stamp in cycle time."""

    id: Annotated[str, Field(min_length=1, max_length=200)]
    stream: str
    actor: Actor
    received_at: Instant
    cause: str = ""
    body: Body


ENGINE = Actor(id="engine", role="engine")
OBJECTOR_ROLE = "public"
"""Whoever objects in their own name: who that is, the vault knows alone (DR-29)."""


def lapse_command(stream: str, received_at: Instant) -> Command:
    """A round goes no further: by its own workflow when it is cancelled, or by recovery in its stead; once."""
    return Command(
        id=f"{stream}/lapse",
        stream=stream,
        actor=ENGINE,
        received_at=received_at,
        body=LapseRound(reason="cancelled"),
    )
