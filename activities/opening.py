"""Opens cycles: for people at the door and for schedules by the same code, so that however it is asked, one opens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any

from temporalio import activity
from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.service import RPCError, RPCStatusCode

from activities.deciding import Decider
from activities.errors import engine_error, translated
from domain.periods import fits, key_at
from schemas import names
from schemas.commands import Command, GiveGrants, OpenCycle
from schemas.errors import Conflict, Refused, Unavailable
from schemas.events import GrantTerms
from schemas.ledger import Actor, Receipt
from schemas.messages import CycleOrder, OpenedPeriod, PeriodOrder, PinnedCycle
from schemas.values import Pace

PAUSES_SECONDS = (0.2, 0.5, 1.0, 2.0)
DROPPED = "workflow task failure"


class Opener:
    """Opens a cycle whose documents are kept already, and founds its grants; again gives the same."""

    def __init__(self, decider: Decider, client: Client | None, queue: str) -> None:
        self._decider = decider
        self._client = client
        self._queue = queue

    @activity.defn
    async def open_period(self, order: PeriodOrder) -> OpenedPeriod:
        """The cycle of the period to which the order's instant belongs."""
        with translated():
            assert order.scheduled_at is not None
            assert order.opens_at is not None
            period = key_at(order.cadence, order.scheduled_at)
            pinned = order.pinned.model_copy(update={"period": period})
            pace = Pace(real_epoch=order.opens_at, cycle_epoch=order.opens_at)
            info = activity.info()
            attempt = f"{info.workflow_run_id}/{info.attempt}"
            receipt = await self.open(pinned, order.opens_at, pace, attempt)
            return OpenedPeriod(cycle=names.cycle_of(receipt.stream), already=receipt.repeated)

    async def open(self, pinned: PinnedCycle, now: datetime, pace: Pace, attempt: str) -> Receipt:
        """Raises Conflict CYCLE_EXISTS under other rules, Refused WRONG_PERIOD and as the cycle's decision."""
        programme = await self._decider.programme(pinned.rules)
        if pinned.period and not fits(programme.cadence, pinned.period):
            raise Refused("WRONG_PERIOD", period=pinned.period, programme=pinned.programme)
        cycle = names.cycle_id(pinned.programme, pinned.edition, pinned.label, pinned.period)
        operator = Actor(id=pinned.operators[0], role="operator", unit=pinned.root)
        receipt = await self._opened_before(cycle, pinned)
        if receipt is None:
            try:
                receipt = await self._begin(cycle, pinned, operator, now, pace, attempt)
            except Conflict as faster:  # two asked at once, each at a moment of its own
                receipt = await self._opened_before(cycle, pinned)
                if faster.code != "KEY_REUSED" or receipt is None:
                    raise
        await self._found(cycle, pinned, operator)
        return receipt

    async def _opened_before(self, cycle: str, pinned: PinnedCycle) -> Receipt | None:
        stream = names.cycle_stream(cycle)
        folded = await self._decider.cycles.get(stream)
        if folded.state.opened is None:
            return None
        events = (await self._decider.store.load(stream))[:1]
        if events[0].rules != pinned.rules or folded.state.opened.units != pinned.units:
            raise Conflict("CYCLE_EXISTS", cycle=cycle)
        return Receipt(
            stream=stream,
            command_id=events[0].command_id,
            head=folded.head,
            events=events,
            repeated=True,
        )

    async def _begin(
        self, cycle: str, pinned: PinnedCycle, operator: Actor, now: datetime, pace: Pace, attempt: str
    ) -> Receipt:
        body = OpenCycle(
            cycle=cycle,
            rules=pinned.rules,
            units=pinned.units,
            overrides=await self._decider.pin_calendar(pinned.overrides),
            pace=pace,
            invited=pinned.invited,
        )
        command = Command(
            id=f"open/{cycle}",
            stream=names.cycle_stream(cycle),
            actor=operator,
            received_at=pace.cycle_time(now),
            body=body,
        )
        start: Callable[[], WithStartWorkflowOperation[Any, Any]] = partial(
            WithStartWorkflowOperation,
            "Cycle",
            CycleOrder(cycle=cycle, pace=pace),
            id=command.stream,
            task_queue=self._queue,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            search_attributes=search_attributes(pinned.programme, cycle, pinned.root, "cycle"),
            static_summary=cycle,
        )
        assert self._client is not None
        return await update_with_start(self._client, command, start, f"{command.id}#{attempt}")

    async def _found(self, cycle: str, pinned: PinnedCycle, operator: Actor) -> None:
        """The first grants of a cycle, once: a start that was cut short between the two is completed by the next."""
        stream = names.authority_stream(cycle)
        if (await self._decider.authorities.get(stream)).state.founded:
            return
        founding = tuple(
            GrantTerms(id=f"founding-{index}", person=person, role="operator", unit=pinned.root)
            for index, person in enumerate(pinned.operators, 1)
        )
        opened = (await self._decider.cycles.get(names.cycle_stream(cycle))).state
        assert opened.opened_at is not None
        await self._decider.execute(
            Command(
                id=names.founding_command(cycle),
                stream=stream,
                actor=operator,
                received_at=opened.opened_at,
                body=GiveGrants(grants=founding + pinned.grants),
            )
        )

    def activities(self) -> list[Any]:
        """What the worker registers."""
        return [self.open_period]


async def update_with_start(
    client: Client, command: Command, start: Callable[[], WithStartWorkflowOperation[Any, Any]], attempt: str
) -> Receipt:
    """One command to a workflow, begun by `start` where it does not run; raises the EngineError that refused it.

    `attempt` tells one try from the next: the log keeps a command to one effect, Temporal would keep its first refusal.
    """

    async def send(number: int) -> Receipt:
        operation = start()
        try:
            receipt: Receipt = await client.execute_update_with_start_workflow(
                names.COMMAND_UPDATE,
                command,
                start_workflow_operation=operation,
                id=f"{attempt}#{number}",
                result_type=Receipt,
            )
        except BaseException:
            await _looked_at(operation)
            raise
        return receipt

    try:
        return await once_more(send)
    except WorkflowUpdateFailedError as failure:
        raise engine_error(failure) or failure from failure
    except (RPCError, WorkflowUpdateRPCTimeoutOrCancelledError) as fault:
        raise Unavailable("TEMPORAL_UNAVAILABLE", address="-", fault=fault) from fault


async def _looked_at(operation: WithStartWorkflowOperation[Any, Any]) -> None:
    """The fault is in its handle too, and asyncio prints a traceback for each that nobody looked at."""
    with contextlib.suppress(Exception, asyncio.CancelledError):
        async with asyncio.timeout(0):
            await operation.workflow_handle()


async def once_more(send: Callable[[int], Awaitable[Receipt]]) -> Receipt:
    """A worker that is too busy to answer a workflow task in time makes Temporal drop the update: it is sent again.

    The log keeps the command to one effect, so that this is never a second one.
    """
    for number, pause in enumerate(PAUSES_SECONDS):
        try:
            return await _interruptible(send(number))
        except RPCError as fault:
            if fault.status != RPCStatusCode.FAILED_PRECONDITION or DROPPED not in str(fault):
                raise
            await asyncio.sleep(pause)
    return await _interruptible(send(len(PAUSES_SECONDS)))


async def _interruptible(answer: Awaitable[Receipt]) -> Receipt:
    """Whoever interrupts the wait is obeyed: Temporal's client disguises that as an answer that came too late."""
    try:
        return await answer
    except WorkflowUpdateRPCTimeoutOrCancelledError as fault:
        if isinstance(fault.__cause__, asyncio.CancelledError):
            raise fault.__cause__ from None
        raise


def search_attributes(programme: str, cycle: str, unit: str, level: str) -> TypedSearchAttributes:
    """What a cycle or a nomination can be found by, fixed at its start."""
    pairs = (("Programme", programme), ("Cycle", cycle), ("UnitCode", unit), ("AwardLevel", level))
    return TypedSearchAttributes(
        [SearchAttributePair(SearchAttributeKey.for_keyword(name), value) for name, value in pairs]
    )
