"""What the door answers when Temporal does not."""

from __future__ import annotations

import asyncio
import gc
from typing import Any, cast

import pytest
from temporalio.client import Client, WithStartWorkflowOperation, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError, RPCStatusCode

from activities.opening import once_more, update_with_start
from runtime.door import Door
from runtime.settings import Settings
from schemas import names
from schemas.commands import Command, PauseCycle
from schemas.errors import Unavailable
from schemas.ledger import Actor, Head, Receipt
from schemas.messages import CycleOrder
from tests.support import people


async def test_whoever_waits_for_a_command_that_nobody_answers_can_be_interrupted(
    engine_settings: Settings,
) -> None:
    cycle = "nobody-serves.1"
    async with Door.open(engine_settings) as door:
        assert door.client is not None
        order = CycleOrder(cycle=cycle, pace=people.fast())
        stream = names.cycle_stream(cycle)
        await door.client.start_workflow("Cycle", order, id=stream, task_queue="nobody-serves")
        command = pausing(stream)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await door._deliver(command)


async def test_a_command_whose_call_ran_out_of_time_is_unavailable() -> None:
    async def late(_number: int) -> Receipt:
        raise WorkflowUpdateRPCTimeoutOrCancelledError from RPCError(
            "deadline", RPCStatusCode.DEADLINE_EXCEEDED, b""
        )

    with pytest.raises(WorkflowUpdateRPCTimeoutOrCancelledError):
        await once_more(late)


async def test_an_update_that_temporal_dropped_is_sent_again_and_another_fault_is_not() -> None:
    sent: list[int] = []
    receipt = Receipt(stream="s", command_id="c", head=Head(), events=())

    async def dropped_twice(number: int) -> Receipt:
        sent.append(number)
        if number < 2:
            raise RPCError("due to unexpected workflow task failure.", RPCStatusCode.FAILED_PRECONDITION, b"")
        return receipt

    async def away(number: int) -> Receipt:
        sent.append(number)
        raise RPCError("connection refused", RPCStatusCode.UNAVAILABLE, b"")

    assert await once_more(dropped_twice) == receipt
    assert sent == [0, 1, 2]
    with pytest.raises(RPCError, match="refused"):
        await once_more(away)
    assert sent == [0, 1, 2, 0]


async def test_where_temporal_is_away_nothing_is_said_beside_the_refusal() -> None:
    said: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context["message"]))

    class Away:
        async def execute_update_with_start_workflow(self, *_: Any, **named: Any) -> Receipt:
            fault = RPCError("tcp connect error", RPCStatusCode.UNAVAILABLE, b"")
            named["start_workflow_operation"]._workflow_handle.set_exception(fault)
            raise fault

    def start() -> WithStartWorkflowOperation[Any, Any]:
        conflict = WorkflowIDConflictPolicy.USE_EXISTING
        return WithStartWorkflowOperation("W", id="w", task_queue="q", id_conflict_policy=conflict)

    with pytest.raises(Unavailable, match="TEMPORAL_UNAVAILABLE"):
        await update_with_start(cast("Client", Away()), pausing("cycle/c"), start, "attempt")
    gc.collect()
    await asyncio.sleep(0)
    assert said == []


def pausing(stream: str) -> Command:
    return Command(
        id="pause-1",
        stream=stream,
        actor=Actor(id="op-1", role="operator"),
        received_at=people.SPRING,
        body=PauseCycle(reason="test"),
    )
