"""How a round's time is moved: windows extended, the round paused and resumed, what a pause took given back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from domain import authority
from domain.calendar import resumed_close
from domain.decision import NOTHING, Calendar, Decision, two_people
from domain.round import State, must_be_current, run_of, windows_of
from domain.steps import Inputs, cycle_guard, set_gate, set_gates
from schemas.commands import Command, ExtendReports, ExtendStep, PauseRound
from schemas.errors import Refused
from schemas.events import (
    Event,
    ReportsExtended,
    RoundOpened,
    RoundPaused,
    RoundResumed,
    StepExtended,
    Window,
)
from schemas.ledger import GateStatus
from schemas.programme import Conferral, Step
from schemas.programme import Decision as DecisionStep

Pause = tuple[datetime, datetime]  # from, until


# ---- extending ----


def extend_step(state: State, command: Command, body: ExtendStep, inputs: Inputs) -> Decision:
    """DR-08: a window is moved to a later end by two people; one that has passed but is not closed is opened again.

    Once a result of the round has been seen, by two people of a higher authority, and the event says what was seen.
    """
    grant, seen = _may_extend(state, command, body, inputs)
    run = must_be_current(state, body.step, body.kind)
    if run.window is None or body.closes_at <= max(run.window.closes_at, command.received_at):
        was = run.window.closes_at if run.window else "-"
        raise Refused("NOT_AN_EXTENSION", was=was, asked=body.closes_at)
    extended = StepExtended(
        step=body.step,
        was=run.window.closes_at,
        closes_at=body.closes_at,
        epoch=run.epoch,
        reason=body.reason,
        seen=seen or None,
    )
    events = two_people(state, command, (extended,))
    window = Window(opens_at=run.window.opens_at, closes_at=body.closes_at)
    effects = (set_gate(state, command, inputs, body.step, window),) if extended in events else ()
    return Decision(events=events, guards=(cycle_guard(command),), effects=effects, grant=grant)


def _may_extend(
    state: State, command: Command, body: ExtendStep, inputs: Inputs
) -> tuple[str, tuple[str, ...]]:
    """The grant, and the components whose sealed scores have been opened in this round (DR-08, DR-16).

    Raises Refused NOT_AUTHORISED, EXTENSION_NEEDS_HIGHER_AUTHORITY.
    """
    assert state.opened is not None
    unit, seen = state.opened.unit, tuple(sorted(state.components))

    def grant_over(place: str, roles: tuple[str, ...] = ()) -> str:
        return authority.authorize(inputs.authority, inputs.tree, command.actor, body.kind, place, roles)

    if not seen:
        return grant_over(unit), ()
    above, roles = _higher_authority(state.opened, inputs)
    try:
        return grant_over(above, roles), seen
    except Refused as lower:
        raise Refused(
            "EXTENSION_NEEDS_HIGHER_AUTHORITY",
            step=body.step,
            seen=", ".join(seen),
            authority=f"{' / '.join(roles) or 'operator'} @ {above}",
            actor=command.actor.id,
        ) from lower


def _higher_authority(opened: RoundOpened, inputs: Inputs) -> tuple[str, tuple[str, ...]]:
    """The operators of the unit above; at the root, the bodies that decide and confer there, if it has any."""
    routes = (route for route in inputs.programme.routes if route.id == opened.route)
    by_industry = any(route.by_industry for route in routes)
    unit, *above = (one.code for one in inputs.tree.ancestors(opened.unit, by_industry=by_industry))
    if above:
        return above[0], ()
    bodies = (step.body for step in inputs.stage.steps if isinstance(step, DecisionStep | Conferral))
    return unit, tuple(dict.fromkeys(f"body:{body}" for body in bodies))


def extend_reports(
    state: State, command: Command, body: ExtendReports, inputs: Inputs, grant: str
) -> Decision:
    """DR-08: the child rounds' cut-off is moved to a later one by two people, while it is not over."""
    was = _reports_due(state, command.received_at, inputs)
    if state.frozen or (was and was <= command.received_at):
        raise Refused("STAGE_CLOSED", step=f"{state.stream}/reports", closed_at=was or "-")
    if was is None or body.closes_at <= was:
        raise Refused("NOT_AN_EXTENSION", was=was or "-", asked=body.closes_at)
    extended = ReportsExtended(was=was, closes_at=body.closes_at, reason=body.reason)
    events = two_people(state, command, (extended,))
    return Decision(events=events, guards=(cycle_guard(command),), grant=grant)


# ---- pausing ----


def pause(state: State, command: Command, body: PauseRound, inputs: Inputs, grant: str) -> Decision:
    """The round alone stands still: its open windows' rows refuse whatever they guard."""
    if state.paused_at is not None:
        return NOTHING
    return Decision(
        events=(RoundPaused(reason=body.reason),),
        guards=(cycle_guard(command),),
        effects=set_gates(state, command, inputs, state.current, GateStatus.PAUSED),
        grant=grant,
    )


def resume(state: State, command: Command, inputs: Inputs, grant: str) -> Decision:
    """Time goes on: every open window gets back the whole days that it had left when the round was paused."""
    if state.paused_at is None:
        return NOTHING
    now = command.received_at
    resumed = Decision(events=(RoundResumed(),), guards=(cycle_guard(command),), grant=grant)
    due = _reports_due(state, now, inputs)
    if due and state.reports and due != state.reports.closes_at and not state.frozen:
        extended = ReportsExtended(was=state.reports.closes_at, closes_at=due, reason="resumed")
        resumed = resumed.then(Decision(events=(extended,)))
    pauses = (*inputs.cycle.pauses[run_of(state, state.current).epoch :], (state.paused_at, now))
    return resumed.then(_give_back(state, command, inputs, state.current, _merged(pauses)))


def rearm(state: State, command: Command, inputs: Inputs, step: Step) -> Decision:
    """After the cycle's pause every window of the step gets back the days that it had left, never fewer."""
    run = run_of(state, step.id)
    pauses = inputs.cycle.pauses[run.epoch :]
    windows = windows_of(state, step.id).values()
    if not any(window.opens_at <= paused_at for window in windows for paused_at, _ in pauses):
        return NOTHING
    return _give_back(state, command, inputs, step.id, pauses).then(Decision(guards=(cycle_guard(command),)))


def _give_back(
    state: State, command: Command, inputs: Inputs, step: str, pauses: tuple[Pause, ...]
) -> Decision:
    windows = windows_of(state, step)
    moved = {id: given_back(window, pauses, command.received_at, inputs) for id, window in windows.items()}
    events: tuple[Event, ...] = tuple(
        StepExtended(
            step=step,
            nomination=id,
            was=windows[id].closes_at,
            closes_at=window.closes_at,
            epoch=inputs.cycle.epoch,
            reason="resumed",
        )
        for id, window in moved.items()
    )
    return Decision(
        events=events,
        effects=tuple(set_gate(state, command, inputs, step, window, id) for id, window in moved.items()),
    )


def _reports_due(state: State, now: datetime, inputs: Inputs) -> datetime | None:
    """The children's cut-off after what pauses of the cycle, or of this round, gave back."""
    return after_pauses(state, inputs, state.reports, now) if state.reports else None


def after_pauses(state: State, inputs: Inputs, window: Window, now: datetime) -> datetime:
    """When a period that nobody has moved yet ends, given back what pauses since its opening took."""
    own = (*state.pauses, (state.paused_at, now)) if state.paused_at else state.pauses
    return end_after(window, (*inputs.cycle.pauses, *own), inputs.calendar)


def end_after(window: Window, pauses: Iterable[Pause], calendar: Calendar) -> datetime:
    """When a period ends, given back what those of the pauses took that began in it or after it."""
    end = window.closes_at
    for paused_at, until in _merged(pause for pause in pauses if pause[0] >= window.opens_at):
        end = resumed_close(paused_at, until, end, calendar.overrides)
    return end


def _merged(pauses: Iterable[Pause]) -> tuple[Pause, ...]:
    """The same time as pauses that do not overlap: a round may be paused while its cycle is."""
    merged: list[Pause] = []
    for since, until in sorted(pauses):
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until))
        else:
            merged.append((since, until))
    return tuple(merged)


def given_back(window: Window, pauses: tuple[Pause, ...], now: datetime, inputs: Inputs) -> Window:
    """The window after every pause that it saw; the days between the last resuming and `now` are given back too."""
    closes = window.closes_at
    for paused_at, resumed_at in pauses:
        if window.opens_at <= paused_at:
            until = now if (paused_at, resumed_at) == pauses[-1] else resumed_at
            closes = resumed_close(paused_at, until, closes, inputs.calendar.overrides)
    return Window(opens_at=window.opens_at, closes_at=closes)
