"""Recurring cycles by Temporal Schedules: one a programme, by the calendar of Beijing; missed days are caught up."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleCalendarSpec,
    ScheduleHandle,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleRange,
    ScheduleSpec,
)
from temporalio.service import RPCError, RPCStatusCode

from domain.periods import RECURRING, is_anchor
from schemas import names
from schemas.canonical import payload_hash
from schemas.errors import Conflict, Refused, Unavailable
from schemas.ledger import Frozen
from schemas.messages import PeriodOrder, PinnedCycle
from schemas.programme import Cadence, Every
from schemas.values import SHANGHAI

_YEARS = {Every.YEAR: 1, Every.TWO_YEARS: 2, Every.THREE_YEARS: 3}
_MONTHS = {Every.MONTH: 1, Every.QUARTER: 3}
_LAST_YEAR = 2100


class Scheduled(Frozen):
    """A schedule as people read it; instants are ISO text in UTC."""

    schedule: str
    every: str
    paused: bool
    next: tuple[str, ...]
    rules: str = ""
    note: str = ""


async def create_schedule(
    client: Client, queue: str, pinned: PinnedCycle, cadence: Cadence | None, catch_up: timedelta
) -> tuple[str, bool]:
    """The schedule's id, and whether the same was there already.

    Raises Refused NOT_RECURRING, Conflict SCHEDULE_EXISTS where it would open something else, Unavailable.
    """
    if cadence is None or cadence.every not in RECURRING or not is_anchor(cadence):
        raise Refused("NOT_RECURRING", programme=pinned.programme)
    id, order = names.family(pinned.programme, pinned.label), PeriodOrder(pinned=pinned, cadence=cadence)
    action = ScheduleActionStartWorkflow(
        "PeriodOpening",
        order,
        id=f"period/{id}",
        task_queue=queue,
        static_summary=f"{pinned.programme}.{pinned.edition}",
    )
    schedule = Schedule(
        action=action,
        spec=calendar_spec(cadence),
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.BUFFER_ALL, catchup_window=catch_up),
    )
    memo = {"order": payload_hash(order), "rules": pinned.rules, "every": cadence.every.value}
    try:
        await client.create_schedule(id, schedule, memo=memo)
    except ScheduleAlreadyRunningError:
        held = await client.get_schedule_handle(id).describe()
        if (await held.memo()).get("order") != memo["order"]:
            raise Conflict("SCHEDULE_EXISTS", schedule=id) from None
        return id, True
    except RPCError as fault:
        raise _away(fault) from fault
    return id, False


def calendar_spec(cadence: Cadence) -> ScheduleSpec:
    """00:00 in Beijing on the anchor's day: of every month, of every third one, or of its month every so many years."""
    assert cadence.anchor is not None
    anchor = date.fromisoformat(cadence.anchor)
    if cadence.every in _MONTHS:
        apart = _MONTHS[cadence.every]
        months, years = (
            ScheduleRange((anchor.month - 1) % apart + 1, 12, apart),
            ScheduleRange(anchor.year, _LAST_YEAR),
        )
    else:
        months, years = (
            ScheduleRange(anchor.month),
            ScheduleRange(anchor.year, _LAST_YEAR, _YEARS[cadence.every]),
        )
    return ScheduleSpec(
        calendars=[
            ScheduleCalendarSpec(month=[months], year=[years], day_of_month=[ScheduleRange(anchor.day)])
        ],
        start_at=datetime.combine(anchor, time(), SHANGHAI).astimezone(UTC) - timedelta(seconds=1),
        time_zone_name="Asia/Shanghai",
    )


async def list_schedules(client: Client) -> list[Scheduled]:
    """Every schedule that opens cycles, by id. Unavailable."""
    try:
        ids = [one.id async for one in await client.list_schedules() if "order" in await one.memo()]
        return [await describe(client.get_schedule_handle(id)) for id in sorted(ids)]
    except RPCError as fault:
        raise _away(fault) from fault


async def describe(handle: ScheduleHandle) -> Scheduled:
    """One schedule as it stands now; Refused NOT_FOUND."""
    try:
        held = await handle.describe()
    except RPCError as fault:
        raise _fault(fault, handle.id) from fault
    memo = await held.memo()
    return Scheduled(
        schedule=held.id,
        every=str(memo.get("every", "")),
        paused=held.schedule.state.paused,
        next=tuple(moment.astimezone(UTC).isoformat() for moment in held.info.next_action_times[:3]),
        rules=str(memo.get("rules", "")),
        note=held.schedule.state.note or "",
    )


async def pause_schedule(client: Client, id: str, note: str) -> None:
    """Nothing opens by itself until it is resumed; Refused NOT_FOUND."""
    try:
        await client.get_schedule_handle(id).pause(note=note)
    except RPCError as fault:
        raise _fault(fault, id) from fault


async def resume_schedule(client: Client, id: str, note: str) -> None:
    """It fires again, from the next day on; Refused NOT_FOUND."""
    try:
        await client.get_schedule_handle(id).unpause(note=note)
    except RPCError as fault:
        raise _fault(fault, id) from fault


async def delete_schedule(client: Client, id: str) -> None:
    """Cycles that it opened run on; Refused NOT_FOUND."""
    try:
        await client.get_schedule_handle(id).delete()
    except RPCError as fault:
        raise _fault(fault, id) from fault


def _fault(fault: RPCError, id: str) -> Refused | Unavailable:
    return Refused("NOT_FOUND", what=id) if fault.status == RPCStatusCode.NOT_FOUND else _away(fault)


def _away(fault: RPCError) -> Unavailable:
    return Unavailable("TEMPORAL_UNAVAILABLE", address="-", fault=fault)
