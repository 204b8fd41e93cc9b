"""What a programme knows beside its cycles: who is in its register, who is paired with whom, titles given elsewhere, and
who took lists of names out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date

from domain import authority
from domain.calendar import local_date
from domain.decision import NOTHING, Decision
from schemas import names
from schemas.commands import (
    Command,
    EnterRegister,
    LeaveRegister,
    NoteExport,
    PairMembers,
    RecordOutcome,
    RegisterBody,
)
from schemas.errors import Refused
from schemas.events import (
    Event,
    MemberLeft,
    MembersEntered,
    MembersPaired,
    OutcomeRecorded,
    PersonalDataExported,
    RegisterMember,
)
from schemas.programme import Feeder, Programme, Selection
from schemas.units import UnitTree

ALL_TITLES = Feeder(id="all", programme="all")
"""Every title of every level, as a feeder would take them."""


@dataclass(frozen=True, slots=True)
class State:
    """The register as its events tell it."""

    members: dict[str, RegisterMember] = field(default_factory=dict)  # in it now, by subject
    ever: frozenset[str] = frozenset()  # a place that was left is not given again
    batches: tuple[str, ...] = ()  # the cycles whose winners entered
    seniors: dict[str, str] = field(default_factory=dict)  # by junior
    outcomes: tuple[tuple[str, OutcomeRecorded], ...] = ()  # with the subject


@dataclass(frozen=True, slots=True)
class Inputs:
    """The rules, units and grants of the cycle that the command names, and who won in it."""

    programme: Programme
    tree: UnitTree
    authority: authority.State
    status: str
    winners: tuple[RegisterMember, ...] = ()


initial = State()


def evolve(state: State, event: Event, subject: str = "") -> State:
    match event:
        case MembersEntered():
            fresh = {one.subject: one for one in event.members}
            return replace(
                state,
                members=state.members | fresh,
                ever=state.ever | fresh.keys(),
                batches=(*state.batches, event.cycle),
            )
        case MemberLeft():
            members = {id: one for id, one in state.members.items() if id != event.subject}
            pairs = {one: other for one, other in state.seniors.items() if event.subject not in (one, other)}
            return replace(state, members=members, seniors=pairs)
        case MembersPaired():
            return replace(state, seniors=state.seniors | {event.junior: event.senior})
        case OutcomeRecorded():
            return replace(state, outcomes=(*state.outcomes, (subject, event)))
        case _:
            return state


def decide(state: State, command: Command, body: RegisterBody, inputs: Inputs) -> Decision:
    """Raises Refused NOT_AUTHORISED, NOT_FOUND, CAP_EXCEEDED, PAIR_INVALID, SECOND_PERSON_REQUIRED, STAGE_MISMATCH."""
    unit = _unit_of(body, inputs.tree)
    grant = authority.authorize(inputs.authority, inputs.tree, command.actor, body.kind, unit)
    match body:
        case EnterRegister():
            decision = _enter(state, body, inputs)
        case LeaveRegister():
            _must_be_in(state, body.subject)
            left = MemberLeft(cycle=body.cycle, subject=body.subject, reason=body.reason)
            decision = Decision(events=(left,), subject=body.subject)
        case PairMembers():
            decision = _pair(state, body)
        case RecordOutcome():
            decision = _record(state, command, body, inputs)
        case NoteExport():
            decision = Decision(events=(PersonalDataExported(**body.model_dump(exclude={"kind"})),))
    return replace(decision, grant=grant)


def _unit_of(body: RegisterBody, tree: UnitTree) -> str:
    """Names go to whom a grant for the round's unit allows it; all else is the whole tree's."""
    if not isinstance(body, NoteExport):
        return tree.root
    unit = body.round.rsplit("/", 1)[-1]
    if unit not in tree.by_code or names.cycle_of(body.round) != body.cycle:
        raise Refused("NOT_FOUND", what=body.round)
    return unit


def places(programme: Programme) -> int:
    """How many a batch may bring in: the seats of the summit's last selection; 0 where it has none."""
    stage = next(stage for rank, stage in programme.stages.items() if rank == programme.summit)
    return next((step.seats for step in reversed(stage.steps) if isinstance(step, Selection)), 0)


def _enter(state: State, body: EnterRegister, inputs: Inputs) -> Decision:
    """DR-41: all winners of a batch, or none where they are too many together with those of before."""
    if inputs.programme.batches is None:
        raise Refused("NOT_FOUND", what=f"register: {inputs.programme.programme}")
    if inputs.status != "completed":
        raise Refused("STAGE_MISMATCH", current=inputs.status, action=body.kind)
    if body.cycle in state.batches:
        return NOTHING
    fresh = tuple(one for one in inputs.winners if one.subject not in state.members)
    cap, have = inputs.programme.batches.cap, len(state.ever)
    if cap is not None and have + len([one for one in fresh if one.subject not in state.ever]) > cap:
        raise Refused("CAP_EXCEEDED", cap=cap, have=have, asked=len(fresh))
    return Decision(events=(MembersEntered(cycle=body.cycle, members=fresh),))


def _pair(state: State, body: PairMembers) -> Decision:
    """Both are in the register; a newcomer has one senior, and a senior is nobody's newcomer."""
    for subject in (body.senior, body.junior):
        _must_be_in(state, subject)
    if state.seniors.get(body.junior) == body.senior:
        return NOTHING
    if body.senior == body.junior:
        raise Refused("PAIR_INVALID", fault=body.senior)
    taken = [subject for subject in (body.junior, body.senior) if subject in state.seniors]
    if taken or body.junior in state.seniors.values():
        known = ", ".join(f"{senior} → {junior}" for junior, senior in sorted(state.seniors.items()))
        raise Refused("PAIR_INVALID", fault=known)
    return Decision(events=(MembersPaired(cycle=body.cycle, senior=body.senior, junior=body.junior),))


def _must_be_in(state: State, subject: str) -> None:
    if subject not in state.members:
        raise Refused("NOT_FOUND", what=subject)


def _record(state: State, command: Command, body: RecordOutcome, inputs: Inputs) -> Decision:
    """DR-43: an external title, seen on paper by another person; the same title on the same day is recorded once."""
    title = next((one for one in inputs.programme.titles if one.id == body.title and one.external), None)
    if title is None:
        raise Refused("NOT_FOUND", what=f"external title {body.title}")
    if body.verifier == command.actor.id:
        raise Refused("SECOND_PERSON_REQUIRED", actor=command.actor.id)
    try:
        future = date.fromisoformat(body.given_on) > local_date(command.received_at)
    except ValueError:
        future = True
    if future:
        raise Refused("FACTS_INVALID", fault=f"given_on: {body.given_on}")
    known = {(subject, one.title, one.given_on) for subject, one in state.outcomes}
    if (body.subject, body.title, body.given_on) in known:
        return NOTHING
    outcome = OutcomeRecorded(**body.model_dump(exclude={"kind", "subject"}))
    return Decision(events=(outcome,), subject=body.subject)
