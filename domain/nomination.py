"""A subject put forward once in a cycle: submitted, endorsed level by level, perhaps returned or objected to, until it
is conferred or out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Literal

from domain import authority, team
from domain import round as rounds
from domain.calendar import local_date
from domain.changing import replace
from domain.decision import NOTHING, Calendar, Decision, nudge, two_people
from domain.eligibility import facts_fault, waivable
from domain.history import Past
from domain.timing import end_after
from schemas import names
from schemas.commands import (
    ENGINE,
    ChangeTeam,
    Command,
    Correct,
    Disqualify,
    Endorse,
    FileObjection,
    NominationBody,
    NoteDeath,
    NoteTransfer,
    Reject,
    ReopenVetting,
    ReturnForCorrection,
    RuleOnObjection,
    SubmitNomination,
    TakeOutcome,
    WaivePredicate,
    Withdraw,
)
from schemas.errors import Refused
from schemas.events import (
    ActProposed,
    ActSeconded,
    DeathNoted,
    Event,
    FactValue,
    HeldTitle,
    NominationAdvanced,
    NominationConferred,
    NominationCorrected,
    NominationDisqualified,
    NominationEliminated,
    NominationEndorsed,
    NominationRejected,
    NominationReturned,
    NominationSubmitted,
    NominationWithdrawn,
    ObjectionFiled,
    ObjectionMerged,
    ObjectionRefused,
    ObjectionRuled,
    PredicateWaived,
    RevocationLeadRecorded,
    TeamChanged,
    TeamMember,
    TransferNoted,
    VettingReopened,
    Window,
)
from schemas.ledger import Claim, Effect, GateOpen, Guard, HeadIs, Release, Reserve, Unclaim
from schemas.programme import (
    Channel,
    Clearance,
    Endorsement,
    Intake,
    Programme,
    Publicity,
    SubjectType,
)
from schemas.units import UnitTree


class Status(StrEnum):
    NEW = "new"
    OPEN = "open"
    RETURNED = "returned"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    DISQUALIFIED = "disqualified"
    ELIMINATED = "eliminated"
    CONFERRED = "conferred"
    RECOMMENDED = "recommended"  # by the summit, which confers nothing: its end (推荐上报)


GONE = {Status.REJECTED, Status.WITHDRAWN, Status.DISQUALIFIED, Status.ELIMINATED}
OVER = GONE | {Status.CONFERRED, Status.RECOMMENDED}
BY_ONESELF = (Channel.SELF, Channel.JOINT)


@dataclass(frozen=True, slots=True)
class Endorsed:
    """An approval in one step of one round that has not lapsed, and the command that gave it."""

    rank: int | None
    command: str


@dataclass(frozen=True, slots=True)
class Objection:
    """Somebody's in a publicity period, or a department's after its clearance has passed (then with `department`)."""

    round: str
    step: str
    outcome: str = ""
    ground: str = ""
    department: str = ""
    postmark: date | None = None


@dataclass(frozen=True, slots=True)
class State:
    """A nomination as its events tell it."""

    status: Status = Status.NEW
    submitted: NominationSubmitted | None = None
    subject: str = ""
    submitter: str = ""
    facts: dict[str, int | bool | str] = field(default_factory=dict)
    members: tuple[TeamMember, ...] = ()
    revision: int = 0
    level: int = 0  # index into the path: the level that it stands at
    endorsed: dict[tuple[str, str], Endorsed] = field(default_factory=dict)
    returns: dict[tuple[str, str], int] = field(default_factory=dict)  # how often, by (round, step)
    sent_back: frozenset[tuple[str, str]] = frozenset()  # by which (round, step), since the last revision
    objections: dict[str, Objection] = field(default_factory=dict)
    merged: dict[str, str] = field(default_factory=dict)  # repeated objection → the first on its ground
    outcomes: dict[tuple[str, str], str] = field(default_factory=dict)  # (round, outcome) → command
    titles: tuple[str, ...] = ()
    waived: frozenset[str] = frozenset()
    deceased: bool = False
    failed_vetting: bool = False  # what ended it is what a department said
    works_at: str = ""
    reason: str = ""
    seq: int = 0
    proposals: dict[str, str] = field(default_factory=dict)

    @property
    def over(self) -> bool:
        """True once nothing more can be decided of it."""
        return self.status in OVER

    @property
    def gone(self) -> bool:
        """True once it left, with neither the highest title nor the summit's recommendation."""
        return self.status in GONE

    @property
    def route(self) -> str:
        return self.submitted.route if self.submitted else ""

    @property
    def round(self) -> str:
        """The stream of the round that it stands in."""
        if self.submitted is None:
            return ""
        path = self.submitted.path
        at = min(self.level, len(path) - 1)
        return names.round_on_way(self.submitted.cycle, self.submitted.route, path, at)

    def passed(self, unit: str) -> tuple[str, ...]:
        """The streams of the rounds on its way below this unit's, the lowest first."""
        assert self.submitted is not None
        path, route = self.submitted.path, self.submitted.route
        below = path[: path.index(unit)]
        return tuple(names.round_stream(self.submitted.cycle, route, code) for code in below)

    def open_objections(self) -> tuple[str, ...]:
        """Anybody's, or a department's that came late (DR-11), on which nobody has ruled yet."""
        return tuple(id for id, one in self.objections.items() if not one.outcome)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a nomination's decisions stand on beside its own stream."""

    programme: Programme
    tree: UnitTree
    calendar: Calendar
    authority: authority.State
    round: rounds.State
    summit: rounds.State = rounds.initial  # for words that come late: it may have conferred meanwhile
    claims: dict[int, str] = field(default_factory=dict)  # the places of `scope_of` this command, by holder
    intake_open: bool = False
    given: dict[str, int] = field(default_factory=dict)  # places, by the unit that gave them away
    received: dict[str, int] = field(default_factory=dict)  # and by the unit that has them now
    fed: frozenset[str] = frozenset()  # subjects whom the cycle's feeders nominate
    held: tuple[HeldTitle, ...] = ()  # what the subject was given before, where a bar is looked for
    pauses: tuple[tuple[datetime, datetime], ...] = ()  # of the cycle, from when until when


initial = State()


def evolve(state: State, event: Event, actor: str = "", subject: str = "", command: str = "") -> State:
    return replace(_evolve(state, event, actor, subject, command), seq=state.seq + 1)


def _evolve(state: State, event: Event, actor: str, subject: str, command: str) -> State:  # noqa: C901 -- a flat match, one case an event
    match event:
        case NominationSubmitted():
            return replace(
                state,
                status=Status.OPEN,
                submitted=event,
                subject=subject,
                submitter=actor,
                facts={fact.id: fact.value for fact in event.facts},
                revision=1,
                members=event.members,
            )
        case NominationEndorsed():
            endorsed = Endorsed(event.recommendation_rank, command)
            return replace(state, endorsed=state.endorsed | {(event.round, event.step): endorsed})
        case NominationReturned():
            key = (event.round, event.step)
            returns = state.returns | {key: state.returns.get(key, 0) + 1}
            sent_back = state.sent_back | {key}
            return replace(
                state, status=Status.RETURNED, reason=event.reason, returns=returns, sent_back=sent_back
            )
        case TeamChanged():
            return replace(state, members=event.members)
        case NominationCorrected():
            return _evolve_corrected(state, event)
        case NominationRejected():
            return replace(state, status=Status.REJECTED, reason=event.reason)
        case NominationWithdrawn():
            return replace(state, status=Status.WITHDRAWN, reason=event.reason)
        case NominationDisqualified():
            return replace(state, status=Status.DISQUALIFIED, reason=event.reason)
        case ObjectionFiled() | ObjectionRefused() | ObjectionMerged() | VettingReopened() | ObjectionRuled():
            return _evolve_objections(state, event)
        case NominationAdvanced():
            return _evolve_advanced(state, event, command)
        case NominationEliminated():
            outcomes = state.outcomes | {(event.round, "eliminated"): command}
            return replace(state, status=Status.ELIMINATED, reason=event.reason, outcomes=outcomes)
        case NominationConferred():
            return _evolve_conferred(state, event, command)
        case DeathNoted():
            return replace(state, deceased=True)
        case TransferNoted():
            return replace(state, works_at=event.unit)
        case PredicateWaived():
            return replace(state, waived=state.waived | {event.predicate})
        case ActProposed():
            return replace(state, proposals=state.proposals | {event.act: actor})
        case ActSeconded():
            return replace(state, proposals={k: v for k, v in state.proposals.items() if k != event.act})
        case _:
            return state


def _evolve_corrected(state: State, event: NominationCorrected) -> State:
    """DR-20: the step that sent it back approves anew; what earlier steps approved stays, for they are over."""
    return replace(
        state,
        status=Status.OPEN,
        facts=state.facts | {fact.id: fact.value for fact in event.facts},
        revision=event.revision,
        endorsed={key: given for key, given in state.endorsed.items() if key not in state.sent_back},
        sent_back=frozenset(),
        reason="",
    )


def _evolve_objections(
    state: State,
    event: ObjectionFiled | ObjectionRefused | ObjectionMerged | VettingReopened | ObjectionRuled,
) -> State:
    match event:
        case ObjectionMerged():
            return replace(state, merged=state.merged | {event.objection: event.into})
        case ObjectionFiled():
            one = Objection(event.round, event.step, ground=event.ground, postmark=event.postmark)
        case ObjectionRefused():
            one = Objection(event.round, event.step, "refused", event.ground, postmark=event.postmark)
        case VettingReopened():
            one = Objection(event.round, event.step, department=event.department)
        case ObjectionRuled():
            one = replace(state.objections[event.objection], outcome=event.outcome)
            ends = event.outcome == "upheld" and not state.over
            state = replace(state, failed_vetting=state.failed_vetting or (ends and bool(one.department)))
    return replace(state, objections=state.objections | {event.objection: one})


def _evolve_advanced(state: State, event: NominationAdvanced, command: str) -> State:
    """Above the summit there is no level: whom it recommends is at the end."""
    level, outcomes = state.level + 1, state.outcomes | {(event.round, "advanced"): command}
    at_the_end = state.submitted is not None and level >= len(state.submitted.path)
    status = Status.RECOMMENDED if at_the_end else state.status
    return replace(state, status=status, level=level, outcomes=outcomes)


def _evolve_conferred(state: State, event: NominationConferred, command: str) -> State:
    outcomes = state.outcomes | {(event.round, f"conferred {event.title}"): command}
    status = Status.CONFERRED if event.final else state.status
    return replace(state, status=status, titles=(*state.titles, event.title), outcomes=outcomes)


def standing(state: State, nomination: str, held: tuple[HeldTitle, ...] = ()) -> rounds.Standing:
    """The nomination as its round sees it when it decides, with its subject's titles where they matter."""
    return rounds.Standing(
        nomination=nomination,
        subject=state.subject,
        unit=state.submitted.unit if state.submitted else "",
        seq=state.seq,
        submitter=state.submitter,
        gone=state.gone,
        reason=state.status if state.gone else "",
        returned=state.status == Status.RETURNED,
        facts=state.facts,
        endorsed={key: given.rank or 0 for key, given in state.endorsed.items()},
        objections=state.open_objections(),
        posted=tuple(id for id in state.open_objections() if state.objections[id].postmark),
        titles=state.titles,
        held=held,
        waived=state.waived,
        deceased=state.deceased,
        failed_vetting=state.failed_vetting,
    )


@authority.by_two_who_may
def decide(state: State, command: Command, body: NominationBody, inputs: Inputs) -> Decision:  # noqa: C901 -- a flat match, one case a command
    """Raises Refused with the code of the rule that said no."""
    match body:
        case SubmitNomination():
            return _submit(state, command, body, inputs)
        case TakeOutcome():
            return take_outcome(state, body)
    if state.submitted is None:
        raise Refused("NOT_FOUND", what=command.stream)
    match body:
        case Endorse():
            return _endorse(state, command, body, inputs)
        case ReturnForCorrection():
            return _return(state, command, body, inputs)
        case Correct():
            return _correct(state, command, body, inputs)
        case ChangeTeam():
            return _change_team(state, command, body, inputs)
        case Reject():
            return _reject(state, command, body, inputs)
        case Withdraw():
            return _withdraw(state, command, body, inputs)
        case FileObjection():
            return _object(state, command, body, inputs)
        case ReopenVetting():
            return _reopen_vetting(state, command, body, inputs)
        case RuleOnObjection():
            return _rule(state, command, body, inputs)
        case NoteDeath():
            return _note_death(state, command, body, inputs)
        case NoteTransfer():
            return _note_transfer(state, command, body, inputs)
        case WaivePredicate():
            return _waive(state, command, body, inputs)
        case Disqualify():
            return _disqualify(state, command, body, inputs)


# ---- submission ----


def _submit(state: State, command: Command, body: SubmitNomination, inputs: Inputs) -> Decision:
    """DR-05, DR-06: the channel, the quota and the one nomination a subject may have in a cycle."""
    if state.submitted is not None:
        raise Refused("NOMINATION_EXISTS", nomination=body.nomination)
    if body.unit not in inputs.tree.by_code:
        raise Refused("NOT_FOUND", what=body.unit)
    intake = _intake_of(body, inputs)
    fed = body.channel == Channel.FEED
    if fed and (command.actor != ENGINE or body.subject not in inputs.fed):
        raise Refused("CHANNEL_NOT_OPEN", channel=body.channel, unit=body.unit)
    _check_channel(body, intake)
    place = () if fed else _free_place(body, intake, inputs)
    fault = facts_fault(inputs.programme, body.facts)
    if fault:
        raise Refused("FACTS_INVALID", fault=fault)
    kind = body.subject_type or inputs.programme.subject
    team.check(inputs.programme, kind, body.members)
    _not_barred(command, inputs)
    path = _path(body, inputs)
    rank = inputs.tree.by_code[body.unit].rank
    said = body.model_dump(exclude={"kind", "subject", "subject_type"})
    submitted = NominationSubmitted(**said, path=path, subject_type=body.subject_type or "")
    reserve = Reserve(
        cycle=body.cycle,
        subject=body.subject,
        nomination=body.nomination,
        unit=body.unit,
        route=body.route,
    )
    return Decision(
        events=(submitted,),
        guards=(
            *_guards(command, *(() if fed else (names.intake_gate(body.cycle, rank),))),
            *(HeadIs(stream=one.stream, seq=one.seq) for one in inputs.held),
        ),
        effects=(
            reserve,
            *place,
            *(() if fed else team.reserve(inputs.programme, submitted, body.members)),
        ),
        subject=body.subject,
        grant=_as_submitter(command, body.unit, body.channel, inputs),
    )


def _not_barred(command: Command, inputs: Inputs) -> None:
    """DR-36: whose title was revoked may not come again before the bar ends."""
    until = Past(inputs.held, local_date(command.received_at), inputs.programme).barred_until()
    if until is not None:
        raise Refused("BARRED", until=until)


def round_of(state: State, body: NominationBody) -> str:
    """The round in the light of which the command is decided; empty for none."""
    match body:
        case Endorse() | ReturnForCorrection() | Reject() | FileObjection() | ReopenVetting():
            return body.round
        case Withdraw() | Disqualify() | RuleOnObjection() | NoteDeath():
            return state.round
        case _:
            return ""


def summit_of(state: State, body: NominationBody) -> str:
    """The round at the end of its way, where that matters; empty where it does not."""
    late = isinstance(body, ReopenVetting) or (isinstance(body, FileObjection) and body.postmark is not None)
    if not late or state.submitted is None:
        return ""
    return names.round_stream(state.submitted.cycle, names.ROOT_ROUTE, state.submitted.path[-1])


def scope_of(state: State, body: NominationBody) -> str:
    """Whose numbered places the command needs to know: a unit's quota, a round's ranks, or none's."""
    match body:
        case SubmitNomination():
            return names.quota_scope(body.route, body.unit)
        case Endorse():
            return names.rank_scope(body.round)
        case Withdraw() | NoteDeath() if state.submitted is not None:
            return names.quota_scope(state.submitted.route, state.submitted.unit)
        case _:
            return ""


def _free_place(body: SubmitNomination, intake: Intake, inputs: Inputs) -> tuple[Claim, ...]:
    """DR-06: the lowest place of the quota that nobody holds; two who take the same one cannot both be written."""
    quota = inputs.tree.by_code[body.unit].quota(intake)
    if quota is None:
        return ()
    most = quota + inputs.received.get(body.unit, 0)
    free = [number for number in range(1, most + 1) if number not in inputs.claims]
    if not free:
        raise Refused("QUOTA_EXCEEDED", unit=body.unit, quota=most - inputs.given.get(body.unit, 0))
    scope = names.quota_scope(body.route, body.unit)
    return (Claim(cycle=body.cycle, scope=scope, number=free[0], holder=body.nomination),)


def _intake_of(body: SubmitNomination, inputs: Inputs) -> Intake:
    rank = inputs.tree.by_code[body.unit].rank
    intake = inputs.programme.intake(rank)
    if intake is None:
        raise Refused("NO_INTAKE_HERE", unit=body.unit, rank=rank)
    return intake


def _check_channel(body: SubmitNomination, intake: Intake) -> None:
    if body.channel not in intake.channels:
        raise Refused("CHANNEL_NOT_OPEN", channel=body.channel, unit=body.unit)
    if body.channel == Channel.JOINT and len(set(body.sponsors)) < intake.sponsors_min:
        raise Refused("TOO_FEW_SPONSORS", needed=intake.sponsors_min, have=len(set(body.sponsors)))


def _path(body: SubmitNomination, inputs: Inputs) -> tuple[str, ...]:
    try:
        return inputs.tree.path(body.unit, inputs.programme.route(body.route))
    except (KeyError, ValueError) as fault:
        raise Refused("NO_WAY_UP", unit=body.unit, route=body.route) from fault


def _as_submitter(command: Command, unit: str, channel: Channel, inputs: Inputs) -> str:
    """A unit's nomination comes from its officer; oneself and joint sponsors need no grant."""
    if command.actor == ENGINE or (channel in BY_ONESELF and command.actor.role == "applicant"):
        return ""
    if channel == Channel.ASSOCIATION:
        return authority.authorize(
            inputs.authority, inputs.tree, command.actor, "submit", unit, ("association",)
        )
    return authority.authorize(inputs.authority, inputs.tree, command.actor, "submit", unit)


def _guards(command: Command, *gates: str) -> tuple[Guard, ...]:
    cycle = names.cycle_gate(names.cycle_of(command.stream))
    return tuple(GateOpen(gate=gate, received_at=command.received_at) for gate in (cycle, *gates))


# ---- the unit's officer ----


def _endorse(state: State, command: Command, body: Endorse, inputs: Inputs) -> Decision:
    grant = _as_officer(command, body.kind, inputs)
    at = rounds.endorsement_at(inputs.round, inputs.programme, body.step)
    earlier = state.endorsed.get((body.round, at.id)) if at else None
    returned = state.status == Status.RETURNED
    if earlier and not returned and earlier.rank == body.recommendation_rank:
        return Decision(already=earlier.command)
    _must_be_open(state, command)
    step = _endorsement_open(command, body, inputs)
    if step.ranked and not body.recommendation_rank:
        raise Refused("RANK_REQUIRED", step=step.id)
    endorsed = NominationEndorsed(
        round=body.round,
        step=step.id,
        revision=state.revision,
        recommendation_rank=body.recommendation_rank,
        reason=body.reason,
    )
    decision = _in_step(command, inputs.round, step.id, grant, endorsed)
    return replace(decision, effects=_take_rank(command, body, earlier, inputs))


def _take_rank(
    command: Command, body: Endorse, earlier: Endorsed | None, inputs: Inputs
) -> tuple[Claim | Unclaim, ...]:
    """DR-06: ranks are unique in a round; a member's former rank is free again."""
    cycle, nomination = names.cycle_of(command.stream), _id(command)
    rank, former = body.recommendation_rank, earlier.rank if earlier else None
    scope = names.rank_scope(body.round)
    effects: list[Claim | Unclaim] = []
    if rank is not None:
        holder = inputs.claims.get(rank, nomination)
        if holder != nomination:
            raise Refused("RANK_TAKEN", rank=rank, holder=holder)
        effects.append(Claim(cycle=cycle, scope=scope, number=rank, holder=nomination))
    if former is not None and former != rank:
        effects.append(Unclaim(cycle=cycle, scope=scope, number=former, holder=nomination))
    return tuple(effects)


def _give_ranks_back(state: State, *lapsed: tuple[str, str]) -> tuple[Unclaim, ...]:
    """With an endorsement the rank lapses that it gave: those of these steps, or all."""
    if state.submitted is None:
        return ()
    cycle, id = state.submitted.cycle, state.submitted.nomination
    return tuple(
        Unclaim(cycle=cycle, scope=names.rank_scope(key[0]), number=given.rank, holder=id)
        for key, given in state.endorsed.items()
        if given.rank is not None and (not lapsed or key in lapsed)
    )


def _id(command: Command) -> str:
    return command.stream.rsplit("/", 1)[-1]


def _return(state: State, command: Command, body: ReturnForCorrection, inputs: Inputs) -> Decision:
    grant = _as_officer(command, body.kind, inputs)
    _must_be_open(state, command)
    step = _endorsement_open(command, body, inputs)
    times = state.returns.get((body.round, step.id), 0)
    if step.returns_max is not None and times >= step.returns_max:
        raise Refused("RETURNS_EXHAUSTED", times=times)
    returned = NominationReturned(round=body.round, step=step.id, reason=body.reason)
    decision = _in_step(command, inputs.round, step.id, grant, returned)
    return replace(decision, effects=_give_ranks_back(state, (body.round, step.id)))


def _reject(state: State, command: Command, body: Reject, inputs: Inputs) -> Decision:
    grant = _as_officer(command, body.kind, inputs)
    if state.over:
        raise Refused("NOMINATION_OVER", nomination=command.stream, status=state.status)
    step = _endorsement_open(command, body, inputs)
    rejected = NominationRejected(round=body.round, step=step.id, reason=body.reason)
    decision = _in_step(command, inputs.round, step.id, grant, rejected)
    return replace(decision, effects=_give_ranks_back(state))


def _as_officer(command: Command, action: str, inputs: Inputs) -> str:
    if inputs.round.opened is None:
        raise Refused("STAGE_MISMATCH", current="-", action=action)
    return authority.authorize(inputs.authority, inputs.tree, command.actor, action, inputs.round.opened.unit)


def _endorsement_open(
    command: Command, body: Endorse | ReturnForCorrection | Reject, inputs: Inputs
) -> Endorsement:
    return rounds.endorsement_open(inputs.round, command.stream, body.kind, inputs.programme, body.step)


def _in_step(command: Command, round_: rounds.State, step: str, grant: str, event: Event) -> Decision:
    return Decision(
        events=(event,), guards=_guards(command, names.step_gate(round_.stream, step)), grant=grant
    )


def _must_be_open(state: State, command: Command) -> None:
    if state.over:
        raise Refused("NOMINATION_OVER", nomination=command.stream, status=state.status)
    if state.status == Status.RETURNED:
        raise Refused("AWAITING_CORRECTION", reason=state.reason)


# ---- the submitter ----


def _correct(state: State, command: Command, body: Correct, inputs: Inputs) -> Decision:
    """DR-20: a new revision under the same id."""
    grant = _as_owner(state, command, inputs)
    if state.status != Status.RETURNED:
        raise Refused("NOTHING_TO_CORRECT", status=state.status)
    facts = state.facts | {fact.id: fact.value for fact in body.facts}
    fault = facts_fault(inputs.programme, tuple(FactValue(id=id, value=value) for id, value in facts.items()))
    if fault:
        raise Refused("FACTS_INVALID", fault=fault)
    corrected = NominationCorrected(
        revision=state.revision + 1, entry=body.entry, commitment=body.commitment, facts=body.facts
    )
    return Decision(
        events=(corrected,), guards=_guards(command), effects=(nudge(command, state.round),), grant=grant
    )


def _change_team(state: State, command: Command, body: ChangeTeam, inputs: Inputs) -> Decision:
    """DR-40: until the members are frozen; who leaves is free for another team, who comes is in no other."""
    grant = _as_owner(state, command, inputs)
    assert state.submitted is not None
    submitted, programme = state.submitted, inputs.programme
    if state.over:
        raise Refused("NOMINATION_OVER", nomination=command.stream, status=state.status)
    kind = SubjectType(submitted.subject_type or programme.subject)
    team.check(programme, kind, body.members)
    team.must_not_be_frozen(programme.members[kind], command.received_at)
    if body.members == state.members:
        return NOTHING
    before, after = ({one.subject for one in members} for members in (state.members, body.members))
    gone = [one for one in state.members if one.subject not in after]
    fresh = [one for one in body.members if one.subject not in before]
    gate = names.intake_gate(submitted.cycle, inputs.tree.by_code[submitted.unit].rank)
    return Decision(
        events=(TeamChanged(members=body.members),),
        guards=_guards(command, gate),
        effects=(*team.release(submitted.cycle, gone), *team.reserve(programme, submitted, fresh)),
        grant=grant,
    )


def _withdraw(state: State, command: Command, body: Withdraw, inputs: Inputs) -> Decision:
    """DR-37: allowed until conferral."""
    grant = _as_owner(state, command, inputs)
    if state.over:
        raise Refused("NOMINATION_OVER", nomination=command.stream, status=state.status)
    return Decision(
        events=(NominationWithdrawn(reason=body.reason),),
        guards=(*_guards(command), _not_being_conferred(state, command, inputs)),
        effects=(
            nudge(command, state.round),
            *_release(state, command, inputs),
            *_give_ranks_back(state),
        ),
        grant=grant,
    )


def _not_being_conferred(state: State, command: Command, inputs: Inputs) -> HeadIs:
    """DR-37: until conferral, and the round's own event is that; the message that tells of it may be on its way.

    The guard is that the round has not moved since. Raises Refused NOMINATION_OVER.
    """
    for title in inputs.round.conferred.get(_id(command), ()):
        if (inputs.round.stream, f"conferred {title}") not in state.outcomes:
            raise Refused("NOMINATION_OVER", nomination=command.stream, status=Status.CONFERRED)
    return HeadIs(stream=state.round, seq=inputs.round.seq)


def _release(state: State, command: Command, inputs: Inputs) -> tuple[Release | Unclaim, ...]:
    """Withdrawn while intake is open, the subject may be put forward again, and the unit's place is free."""
    if not inputs.intake_open or state.submitted is None:
        return ()
    cycle, holder = state.submitted.cycle, _id(command)
    scope = names.quota_scope(state.submitted.route, state.submitted.unit)
    held = [number for number, by in inputs.claims.items() if by == holder]
    places = (Unclaim(cycle=cycle, scope=scope, number=number, holder=holder) for number in held)
    return (Release(cycle=cycle, subject=state.subject), *team.release(cycle, state.members), *places)


def _as_owner(state: State, command: Command, inputs: Inputs) -> str:
    if command.actor.role == "applicant" and command.actor.id == state.submitter:
        return ""
    assert state.submitted is not None
    return authority.authorize(
        inputs.authority, inputs.tree, command.actor, command.body.kind, state.submitted.unit
    )


# ---- objections ----


def _object(state: State, command: Command, body: FileObjection, inputs: Inputs) -> Decision:
    """DR-29: real-name or with evidence, as declared, within the nomination's own period; else refused, and kept.

    One that came by post counts by its postmark; once all is decided it is a lead.
    """
    if body.objection in {*state.objections, *state.merged}:
        raise Refused("OBJECTION_EXISTS", objection=body.objection)
    _must_not_be_gone(state, command)
    step, gate = rounds.publicity_gate(inputs.round, _id(command))
    declared = rounds.step_of(inputs.round, inputs.programme, step)
    assert isinstance(declared, Publicity), "a list is published by a publicity step"
    grant = _as_reader_of_post(command, body, inputs)
    over = _is_over(command, inputs)
    reason = _why_refused(state, command, body, inputs, declared)
    said = body.model_dump(exclude={"kind", "anonymous"}) | {"step": step}
    if reason:
        return Decision(events=(ObjectionRefused(**said, reason=reason),), grant=grant)
    guards = (*_guards(command), *_heads(state, body, inputs)) if over else _guards(command, gate)
    known = _on_same_ground(state, body, step)
    if known:
        merged = ObjectionMerged(
            objection=body.objection,
            into=known,
            entry=body.entry,
            commitment=body.commitment,
            evidence=body.evidence,
            postmark=body.postmark,
        )
        return Decision(events=(merged,), guards=guards, grant=grant)
    return Decision(events=(ObjectionFiled(**said),), guards=guards, grant=grant)


def _as_reader_of_post(command: Command, body: FileObjection, inputs: Inputs) -> str:
    """Whoever enters what came by post vouches for the day on it; Refused NOT_AUTHORISED, or NOT_YET for one to come."""
    if body.postmark is None:
        return ""
    assert inputs.round.opened is not None
    unit = inputs.round.opened.unit
    grant = authority.authorize(inputs.authority, inputs.tree, command.actor, body.kind, unit)
    if body.postmark > local_date(command.received_at):
        raise Refused("NOT_YET", what=command.stream, on=body.postmark)
    return grant


def _why_refused(
    state: State, command: Command, body: FileObjection, inputs: Inputs, step: Publicity
) -> Literal["late", "anonymous", "decided", ""]:
    """Why an objection is kept as a lead and holds nothing; empty where it is heard."""
    over = _is_over(command, inputs)
    if over and not _posted_in_time(command, body, inputs, step):
        return "late"
    if body.anonymous and not _accepts_anonymous(step, body):
        return "anonymous"
    decided = inputs.summit.over or _is_conferred(state, command, inputs)
    return "decided" if over and decided else ""


def _is_over(command: Command, inputs: Inputs) -> bool:
    """Whether its period is over; what a pause of the cycle took of that is given back when the cycle goes on."""
    published = inputs.round.published[_id(command)]
    given_back = max(published.epoch, rounds.run_of(inputs.round, published.step).epoch)
    end = end_after(published.window, inputs.pauses[given_back:], inputs.calendar)
    return rounds.publication_over(inputs.round, _id(command), end, command.received_at)


def _posted_in_time(command: Command, body: FileObjection, inputs: Inputs, step: Publicity) -> bool:
    """Whether it was posted on a day of the period, and came no longer after it than the programme lets it."""
    if step.by_post is None or body.postmark is None:
        return False
    period = rounds.period_of(inputs.round, _id(command))
    last = period.closes_at - timedelta(microseconds=1)
    if not local_date(period.opens_at) <= body.postmark <= local_date(last):
        return False
    on_its_way = Window(opens_at=period.closes_at, closes_at=inputs.calendar.end(last, step.by_post))
    end = end_after(on_its_way, (*inputs.pauses, *inputs.round.pauses), inputs.calendar)
    return command.received_at < end


def _accepts_anonymous(step: Publicity, body: FileObjection) -> bool:
    if step.accept_anonymous == "with_evidence_only":
        return body.evidence is not None
    return step.accept_anonymous


def _on_same_ground(state: State, body: FileObjection, step: str) -> str:
    """The objection in this publicity period whose ground the new one repeats, ruled on or not (DR-29)."""
    for id, one in state.objections.items():
        here = (one.round, one.step, one.ground) == (body.round, step, body.ground)
        if here and one.outcome != "refused":
            return id
    return ""


def _reopen_vetting(state: State, command: Command, body: ReopenVetting, inputs: Inputs) -> Decision:
    """DR-11: until conferral the subject is held for a ruling; after it, what was learnt is kept as a lead."""
    step = rounds.step_of(inputs.round, inputs.programme, body.step) if inputs.round.opened else None
    if not isinstance(step, Clearance) or body.department not in {one.id for one in step.asked}:
        raise Refused("NOT_FOUND", what=f"{body.round}/{body.step}/{body.department}")
    assert inputs.round.opened is not None
    role, unit = f"department:{body.department}", inputs.round.opened.unit
    grant = authority.authorize(inputs.authority, inputs.tree, command.actor, body.kind, unit, (role,))
    nomination = _id(command)
    if nomination not in inputs.round.members.keys() | inputs.round.standby.keys():
        raise Refused("NOT_A_MEMBER", nomination=nomination, round=body.round)
    said = body.model_dump(exclude={"kind"})
    if _is_conferred(state, command, inputs):
        return Decision(events=(RevocationLeadRecorded(**said),), grant=grant)
    _must_not_be_gone(state, command)
    if rounds.run_of(inputs.round, step.id).closed_at is None:
        raise Refused("STAGE_MISMATCH", current=inputs.round.current or "-", action=body.kind)
    objection = f"{body.step}-{body.department}-{len(state.objections) + 1}"
    reopened = VettingReopened(objection=objection, **said)
    guards = (*_guards(command), *_heads(state, body, inputs))
    return Decision(events=(reopened,), guards=guards, effects=(nudge(command, state.round),), grant=grant)


def _is_conferred(state: State, command: Command, inputs: Inputs) -> bool:
    """Whether it has the highest title; it may not have heard of it yet."""
    return state.status == Status.CONFERRED or _id(command) in inputs.summit.conferred


def _heads(state: State, body: NominationBody, inputs: Inputs) -> tuple[HeadIs, ...]:
    """The round and the one at the end of its way have not moved since they were read."""
    heads = {inputs.round.stream: inputs.round.seq, summit_of(state, body): inputs.summit.seq}
    return tuple(HeadIs(stream=stream, seq=seq) for stream, seq in heads.items())


def _must_not_be_gone(state: State, command: Command) -> None:
    if state.gone:
        raise Refused("NOMINATION_OVER", nomination=command.stream, status=state.status)


def _rule(state: State, command: Command, body: RuleOnObjection, inputs: Inputs) -> Decision:
    """Upheld disqualifies, which takes two people; dismissed takes one.

    Of a nomination that is over nothing is ended any more: that may be said after the cycle too.
    """
    objection = state.objections.get(body.objection)
    if objection is None:
        raise Refused("NOT_FOUND", what=body.objection)
    assert state.submitted is not None
    unit = objection.round.rsplit("/", 1)[-1]
    grant = authority.authorize(inputs.authority, inputs.tree, command.actor, body.kind, unit)
    if objection.outcome:
        raise Refused("OBJECTION_RULED", objection=body.objection, outcome=objection.outcome)
    if inputs.round.stream == objection.round:
        rounds.must_run(inputs.round)
    ruled = ObjectionRuled(objection=body.objection, outcome=body.outcome, reason=body.reason)
    events: tuple[Event, ...] = (ruled,)
    out: tuple[Event, ...] = ()
    if body.outcome == "upheld":
        out = () if state.over else (NominationDisqualified(reason=body.reason),)
        events = two_people(state, command, (ruled, *out))
    ranks = _give_ranks_back(state) if out else ()
    waking: tuple[Effect, ...] = () if state.over else (nudge(command, state.round), *ranks)
    running = () if state.over else _guards(command)
    return Decision(
        events=events,
        guards=(*running, _not_being_conferred(state, command, inputs)),
        effects=waking if ruled in events else (),
        grant=grant,
    )


def _note_death(state: State, command: Command, body: NoteDeath, inputs: Inputs) -> Decision:
    """DR-37: the nomination goes on, to a posthumous title, where the programme says so; else it ends here."""
    grant = _as_owner(state, command, inputs)
    if state.over:
        raise Refused("NOMINATION_OVER", nomination=command.stream, status=state.status)
    if state.deceased:
        return NOTHING
    if body.died_on > local_date(command.received_at):
        raise Refused("NOT_YET", what=command.stream, on=body.died_on)
    noted: tuple[Event, ...] = (DeathNoted(died_on=body.died_on, document=body.document),)
    effects: tuple[Effect, ...] = (nudge(command, state.round),)
    if not inputs.programme.continue_after_death:
        noted += (NominationWithdrawn(reason="DECEASED"),)
        effects += (*_release(state, command, inputs), *_give_ranks_back(state))
    guards = (*_guards(command), _not_being_conferred(state, command, inputs))
    return Decision(events=noted, guards=guards, effects=effects, grant=grant)


def _note_transfer(state: State, command: Command, body: NoteTransfer, inputs: Inputs) -> Decision:
    """DR-37: another unit, the same route; whether a published list starts anew is its publisher's word (DR-30)."""
    grant = _as_owner(state, command, inputs)
    if state.over:
        raise Refused("NOMINATION_OVER", nomination=command.stream, status=state.status)
    assert state.submitted is not None
    was = state.works_at or state.submitted.unit
    if body.unit not in inputs.tree.by_code:
        raise Refused("NOT_FOUND", what=body.unit)
    if body.unit == was:
        return NOTHING
    noted = TransferNoted(was=was, unit=body.unit, reason=body.reason)
    return Decision(events=(noted,), guards=_guards(command), grant=grant)


def _waive(state: State, command: Command, body: WaivePredicate, inputs: Inputs) -> Decision:
    """破格 (DR-10): a predicate by its name, for this nomination alone, by an operator of the whole tree and another."""
    root = inputs.tree.root
    grant = authority.authorize(inputs.authority, inputs.tree, command.actor, body.kind, root)
    if state.over:
        raise Refused("NOMINATION_OVER", nomination=command.stream, status=state.status)
    if body.predicate not in waivable(inputs.programme):
        raise Refused("NOT_FOUND", what=body.predicate)
    if body.predicate in state.waived:
        return NOTHING
    waived = PredicateWaived(predicate=body.predicate, reason=body.reason)
    return Decision(events=two_people(state, command, (waived,)), guards=_guards(command), grant=grant)


def _disqualify(state: State, command: Command, body: Disqualify, inputs: Inputs) -> Decision:
    assert state.submitted is not None
    unit = state.round.rsplit("/", 1)[-1]
    grant = authority.authorize(inputs.authority, inputs.tree, command.actor, body.kind, unit)
    if state.over:
        raise Refused("NOMINATION_OVER", nomination=command.stream, status=state.status)
    out = NominationDisqualified(reason=body.reason)
    events = two_people(state, command, (out,))
    guards = (*_guards(command), _not_being_conferred(state, command, inputs))
    decision = Decision(events=events, guards=guards, grant=grant)
    if out not in events:
        return decision
    return replace(decision, effects=(nudge(command, state.round), *_give_ranks_back(state)))


# ---- outcomes ----


def take_outcome(state: State, body: TakeOutcome) -> Decision:
    """What a round decided, taken once; a nomination that has left meanwhile takes nothing more.

    One that was given several titles takes them in whatever order it hears of them, the final one first or last.
    """
    key = f"conferred {body.title}" if body.outcome == "conferred" else body.outcome
    heard_late = body.outcome == "conferred" and state.status is Status.CONFERRED
    if (state.over and not heard_late) or (body.round, key) in state.outcomes:
        return NOTHING
    events: dict[str, Event] = {
        "advanced": NominationAdvanced(round=body.round, round_seq=body.round_seq),
        "eliminated": NominationEliminated(
            round=body.round, round_seq=body.round_seq, step=body.step, reason=body.reason
        ),
        "returned": NominationReturned(round=body.round, step=body.step, reason=body.reason),
        "conferred": NominationConferred(
            round=body.round,
            round_seq=body.round_seq,
            title=body.title,
            certificate=body.certificate,
            final=body.final,
        ),
    }
    left = body.outcome == "eliminated"
    return Decision(events=(events[body.outcome],), effects=_give_ranks_back(state) if left else ())
