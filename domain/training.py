"""集中培训: between publicity and conferral those on the list are trained; who attended is recorded with the roll's hash."""

from __future__ import annotations

from domain.decision import NOTHING, Decision
from domain.round import State, must_be_current, run_of
from domain.steps import (
    Inputs,
    close,
    close_for_nobody,
    cycle_guard,
    elapsed,
    gone,
    head_guards,
    hold,
    leave,
    present,
    window_guards,
)
from schemas.commands import Command, RecordAttendance
from schemas.errors import Refused
from schemas.events import AttendanceRecorded, Dropped
from schemas.programme import Training


def record_attendance(
    state: State, command: Command, body: RecordAttendance, step: Training, grant: str
) -> Decision:
    """A later record replaces it; Refused NOT_A_MEMBER where it names somebody who is not on the list."""
    run = must_be_current(state, step.id, body.kind)
    strangers = [id for id in body.attended if id not in state.members]
    if strangers:
        raise Refused("NOT_A_MEMBER", nomination=", ".join(strangers), round=state.stream)
    recorded = AttendanceRecorded(**body.model_dump(exclude={"kind"}))
    guards = (cycle_guard(command),) if run.held else window_guards(state, command, step.id)
    return Decision(events=(recorded,), guards=guards, grant=grant)


def close_training(state: State, command: Command, inputs: Inputs, step: Training) -> Decision:
    """Ripe once everybody attended, or its time is over; without any record it waits for people.

    Whoever was absent stays or leaves, as the programme says. Nobody comes in instead: the list has been published.
    """
    here = present(state, inputs)
    if not here:
        return close_for_nobody(state, command, inputs, step.id)
    record = run_of(state, step.id).attendance
    over = elapsed(state, step.id, command.received_at)
    if record is None:
        return hold(state, step.id, "TRAINING_UNRECORDED", tuple(here)) if over else NOTHING
    absent = [id for id in here if id not in record.attended]
    if absent and not over:
        return NOTHING
    out = [Dropped(nomination=id, reason="NOT_TRAINED") for id in absent if step.absent == "out"]
    guards = (cycle_guard(command), *head_guards(here.values(), command))
    left = leave(state, command, step.id, (*gone(state, inputs), *out))
    end = close(state, command, inputs, step.id, "elapsed" if over else "complete")
    return Decision(guards=guards).then(left).then(end)
