"""How workflows act: a short append as a local activity, with a normal one to fall back on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime, timedelta
from typing import TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeKey, SearchAttributePair, TypedSearchAttributes
from temporalio.exceptions import ActivityError, ApplicationError, WorkflowAlreadyStartedError

with workflow.unsafe.imports_passed_through():
    from activities.engine import Engine
    from schemas import names
    from schemas.commands import ENGINE, Body, Command
    from schemas.messages import CycleOrder, FeedOrder, Order
    from schemas.values import Pace

T = TypeVar("T")
Asked = TypeVar("Asked", bound="Order | FeedOrder | CycleOrder")
Activity = Callable[["Engine", "Order"], Awaitable[T]]

SHORT = RetryPolicy(initial_interval=timedelta(milliseconds=100), maximum_attempts=3)
PATIENT = RetryPolicy(initial_interval=timedelta(milliseconds=200), maximum_interval=timedelta(seconds=30))

PROGRAMME = SearchAttributeKey.for_keyword("Programme")
CYCLE = SearchAttributeKey.for_keyword("Cycle")
UNIT = SearchAttributeKey.for_keyword("UnitCode")
LEVEL = SearchAttributeKey.for_keyword("AwardLevel")


async def act_short(activity: Activity[T], order: Order) -> T:
    """Decide and append at once. A refusal is raised as the ApplicationError that it is."""
    try:
        return await workflow.execute_local_activity_method(
            activity,
            order,
            start_to_close_timeout=timedelta(seconds=5),
            schedule_to_close_timeout=timedelta(seconds=7),
            retry_policy=SHORT,
        )
    except ActivityError as failure:
        _raise_refusal(failure)
    return await _act_normally(activity, order, timedelta(seconds=10), None)


async def act_long(activity: Callable[[Engine, Asked], Awaitable[T]], order: Asked) -> T:
    """Selections, tallies and the like, as normal activities that heartbeat: a dead worker is noticed in seconds.

    Eighty million papers are not read in minutes.
    """
    return await _act_normally(activity, order, timedelta(hours=6), timedelta(seconds=10))


async def _act_normally(
    activity: Callable[[Engine, Asked], Awaitable[T]],
    order: Asked,
    at_most: timedelta,
    heartbeat: timedelta | None,
) -> T:
    """Tried until it is decided, however long the database is away."""
    try:
        return await workflow.execute_activity_method(
            activity,
            order,
            start_to_close_timeout=at_most,
            heartbeat_timeout=heartbeat,
            retry_policy=PATIENT,
        )
    except ActivityError as failure:
        _raise_refusal(failure)
        raise


def _raise_refusal(failure: ActivityError) -> None:
    cause = failure.cause
    if isinstance(cause, ApplicationError) and cause.non_retryable:
        raise cause from None


def engine_command(stream: str, transition: str, body: Body, pace: Pace) -> Command:
    """A step that time or order drives: its id names the transition, never a run or an attempt."""
    return Command(
        id=f"{stream}/{transition}",
        stream=stream,
        actor=ENGINE,
        received_at=pace.cycle_time(workflow.now()),
        body=body,
    )


def until(pace: Pace, instant: datetime | None) -> timedelta | None:
    """How long to sleep, in reality, until an instant of the cycle's time; None for ever."""
    if instant is None:
        return None
    return pace.real_delay(pace.cycle_time(workflow.now()), instant)


def growing_pauses() -> Iterator[timedelta]:
    """How long to wait before a child that ended without a report is begun again: a second, twice that, up to an hour."""
    pause = timedelta(seconds=1)
    while True:
        yield pause
        pause = min(2 * pause, timedelta(hours=1))


async def once_free(begin: Callable[[], Awaitable[T]]) -> T:
    """Begins a child; one of the same id that an earlier parent left behind is going down and is waited for."""
    for pause in growing_pauses():
        try:
            return await begin()
        except WorkflowAlreadyStartedError:
            await workflow.sleep(pause)
    raise AssertionError("pauses never end")


def round_attributes(programme: str, stream: str, unit: str, rank: str) -> TypedSearchAttributes:
    """What a round can be found by, fixed at its start."""
    return TypedSearchAttributes(
        [
            SearchAttributePair(PROGRAMME, programme),
            SearchAttributePair(CYCLE, names.cycle_of(stream)),
            SearchAttributePair(UNIT, unit),
            SearchAttributePair(LEVEL, rank),
        ]
    )
