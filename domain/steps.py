"""What all steps of a round share: what decisions stand on, windows and their gates, leaving, being held, closing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from domain import authority
from domain import cycle as cycles
from domain.decision import NOTHING, Calendar, Decision, two_people
from domain.round import Standing, State, run_of, windows_of
from schemas import names
from schemas.commands import Command, TakeOutcome, WaiveRules
from schemas.errors import Refused
from schemas.events import (
    Dropped,
    Event,
    MembersOut,
    RulesWaived,
    StepClosed,
    StepHeld,
    StepOpened,
    SubjectsHeld,
    Window,
)
from schemas.ledger import Gate, GateOpen, GateStatus, Guard, HeadIs, Post, SetGate
from schemas.programme import Period, Programme, Selection, Stage
from schemas.units import UnitTree


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a round's decisions stand on beside its own stream."""

    programme: Programme
    tree: UnitTree
    calendar: Calendar
    authority: authority.State
    cycle: cycles.State
    stage: Stage
    standings: dict[str, Standing] = field(default_factory=dict)  # members (and reserve) by nomination
    entered: tuple[str, ...] = ()  # nominations that entered at this round's own unit and route
    work_below: tuple[str, ...] = ()  # child rounds with something to decide
    children: dict[str, State] = field(default_factory=dict)
    parent: State | None = None  # the round that this one reports to
    below: tuple[State, ...] = ()  # rounds whose departments answered about members, for a last word
    summit: State | None = None  # where the routes meet, for a round below that has reported


def present(state: State, inputs: Inputs) -> dict[str, Standing]:
    """The members who have not left by their own stream, in the round's order."""
    return {id: inputs.standings[id] for id in state.members if not inputs.standings[id].gone}


def asked_about(state: State, inputs: Inputs, step: str) -> dict[str, Standing]:
    """Those present about whom the step asks: all but those who pass it by on a fast track."""
    passed = run_of(state, step).passed
    return {id: one for id, one in present(state, inputs).items() if id not in passed}


def gone(state: State, inputs: Inputs) -> tuple[Dropped, ...]:
    """The members who have left by their own stream, with the reason."""
    return tuple(
        Dropped(nomination=id, reason=inputs.standings[id].reason.upper())
        for id in state.members
        if inputs.standings[id].gone
    )


def going(state: State, inputs: Inputs) -> dict[str, Standing]:
    """Those present who are not held: a subject that an objection holds is not decided on (DR-28)."""
    return {id: one for id, one in present(state, inputs).items() if not _is_held(state, one)}


def cut_off(state: State, inputs: Inputs, but: Collection[str] = ()) -> tuple[Dropped, ...]:
    """Who leaves where something is decided: those who left by themselves, and those still held (DR-28)."""
    held = tuple(
        Dropped(nomination=id, reason="HELD_AT_CUT_OFF")
        for id, one in present(state, inputs).items()
        if _is_held(state, one) and id not in but
    )
    return (*gone(state, inputs), *held)


def hold_subjects(step: str, standings: Iterable[Standing]) -> Decision:
    """The others go on without these, to whom objections are open."""
    disputed = [one for one in standings if one.disputed]
    if not disputed:
        return NOTHING
    objections = tuple(f"{one.nomination}/{id}" for one in disputed for id in one.objections)
    event = SubjectsHeld(
        step=step, nominations=tuple(one.nomination for one in disputed), objections=objections
    )
    return Decision(events=(event,))


def _is_held(state: State, one: Standing) -> bool:
    """Whether an objection is open that held it, or one that came by post and was in time (DR-29).

    One that came after it was cleared holds it at the next publicity.
    """
    by = state.held.get(one.nomination)
    held = by is not None and bool(by & set(one.objections) if by else one.disputed)
    return held or bool(one.posted)


def head_guards(standings: Iterable[Standing], command: Command) -> tuple[Guard, ...]:
    """The members and their titles have not moved since they were read: a withdrawal, or a revocation, in between
    makes the round decide again.
    """
    cycle = names.cycle_of(command.stream)
    return tuple(
        guard
        for one in standings
        for guard in (
            HeadIs(stream=names.nomination_stream(cycle, one.nomination), seq=one.seq),
            *(HeadIs(stream=title.stream, seq=title.seq) for title in one.held),
        )
    )


def cycle_guard(command: Command) -> GateOpen:
    return GateOpen(gate=names.cycle_gate(names.cycle_of(command.stream)), received_at=command.received_at)


def window_guards(state: State, command: Command, step: str) -> tuple[Guard, ...]:
    """The cycle runs and the step's window is open for this command."""
    return (
        cycle_guard(command),
        GateOpen(gate=names.step_gate(state.stream, step), received_at=command.received_at),
    )


def set_gate(
    state: State,
    command: Command,
    inputs: Inputs,
    step: str,
    window: Window,
    nomination: str = "",
    status: GateStatus = GateStatus.OPEN,
) -> SetGate:
    """The row of the step's window, or of one substitute's; of a frozen vote it opens only when that is over."""
    if status is GateStatus.OPEN and "" in run_of(state, step).frozen:
        status = GateStatus.PAUSED
    gate = Gate(
        id=names.step_gate(state.stream, step, nomination),
        cycle=names.cycle_of(command.stream),
        status=status,
        opens_at=window.opens_at,
        closes_at=window.closes_at,
        epoch=inputs.cycle.epoch,
    )
    return SetGate(gate=gate)


def set_gates(
    state: State, command: Command, inputs: Inputs, step: str, status: GateStatus
) -> tuple[SetGate, ...]:
    """The rows of all windows of the step, in another status."""
    return tuple(
        set_gate(state, command, inputs, step, window, id, status)
        for id, window in windows_of(state, step).items()
    )


def open_window(
    state: State, command: Command, inputs: Inputs, step: str, kind: str, period: Period
) -> Decision:
    """The step opens, with its window frozen in the event and its row."""
    now = command.received_at
    window = Window(opens_at=now, closes_at=inputs.calendar.end(now, period))
    opened = StepOpened(step=step, type=kind, window=window)
    return Decision(events=(opened,), effects=(set_gate(state, command, inputs, step, window),))


def selection_of(state: State, inputs: Inputs) -> Selection | None:
    """The selection that made the present list, if one did."""
    step = inputs.stage.step(state.selection) if state.selection else None
    return step if isinstance(step, Selection) else None


def set_aside(
    state: State, command: Command, body: WaiveRules, in_force: Collection[str], grant: str
) -> Decision:
    """Two people say which rules do not apply in this round; Refused NOT_FOUND for one that is not in force."""
    unknown = [id for id in body.rules if id not in in_force]
    if unknown:
        raise Refused("NOT_FOUND", what=f"{state.stream}/{body.step}: {', '.join(unknown)}")
    waived = RulesWaived(step=body.step, rules=body.rules, reason=body.reason)
    return Decision(events=two_people(state, command, (waived,)), guards=(cycle_guard(command),), grant=grant)


def elapsed(state: State, step: str, now: datetime) -> bool:
    """Whether the step's window is over."""
    window = run_of(state, step).window
    return window is not None and now >= window.closes_at


def ended(over: bool, early: str) -> Literal["elapsed", "complete", "early"]:
    """How a step ends that ends with its window, with the last word, or early for a reason."""
    return "elapsed" if over else "early" if early else "complete"


def leave(state: State, command: Command, step: str, out: Sequence[Dropped]) -> Decision:
    """These leave at this step; each is told, unless it left by itself."""
    if not out:
        return NOTHING
    told = tuple(
        tell(
            command,
            one.nomination,
            TakeOutcome(
                round=state.stream,
                round_seq=state.seq + 1,
                outcome="eliminated",
                step=step,
                reason=one.reason,
            ),
        )
        for one in out
    )
    return Decision(events=(MembersOut(step=step, out=tuple(out)),), effects=told)


def close_for_nobody(state: State, command: Command, inputs: Inputs, step: str, early: str = "") -> Decision:
    """All about whom the step asks have left, so that nobody is waited for; whoever passes it by goes on."""
    guards = (cycle_guard(command), *head_guards(present(state, inputs).values(), command))
    left = leave(state, command, step, gone(state, inputs))
    how: Literal["early", "complete"] = "early" if early else "complete"
    return Decision(guards=guards).then(left).then(close(state, command, inputs, step, how, early))


def tell(command: Command, nomination: str, outcome: TakeOutcome) -> Post:
    """The message that tells a nomination what its round decided."""
    id = f"{command.id}/{nomination}/{outcome.outcome}{outcome.title and '/' + outcome.title}"
    cycle = names.cycle_of(command.stream)
    return Post(
        id=id,
        cycle=cycle,
        sender=command.stream,
        workflow=names.nomination_stream(cycle, nomination),
        name=names.OUTCOME_SIGNAL,
        payload={"id": id, "body": outcome.model_dump(mode="json")},
    )


def hold(state: State, step: str, code: str, nominations: Sequence[str] = (), detail: str = "") -> Decision:
    """The step waits for a person; said once."""
    if run_of(state, step).held == code:
        return NOTHING
    return Decision(events=(StepHeld(step=step, code=code, nominations=tuple(nominations), detail=detail),))


def close(
    state: State,
    command: Command,
    inputs: Inputs,
    step: str,
    how: Literal["elapsed", "complete", "early"],
    reason: str = "",
) -> Decision:
    """The step is over; its gates, if it has any, are closed in the same transaction."""
    events: tuple[Event, ...] = (StepClosed(step=step, how=how, reason=reason or None),)
    return Decision(events=events, effects=set_gates(state, command, inputs, step, GateStatus.CLOSED))
