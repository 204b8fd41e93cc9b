"""What the door answers when Temporal does not."""

from __future__ import annotations

import asyncio

import pytest
from temporalio.service import RPCError, RPCStatusCode

from activities.opening import once_more
from runtime.door import Door
from runtime.settings import Settings
from schemas import names
from schemas.commands import Command, PauseCycle
from schemas.errors import Unavailable
from schemas.ledger import Actor, Head, Receipt
from schemas.messages import CycleOrder
from tests.support import people


async def test_a_command_that_nobody_answers_in_time_is_unavailable(engine_settings: Settings) -> None:
    cycle = "nobody-serves.1"
    async with Door.open(engine_settings) as door:
        assert door.client is not None
        order = CycleOrder(cycle=cycle, pace=people.fast())
        stream = names.cycle_stream(cycle)
        await door.client.start_workflow("Cycle", order, id=stream, task_queue="nobody-serves")
        command = Command(
            id="pause-1",
            stream=stream,
            actor=Actor(id="op-1", role="operator"),
            received_at=people.SPRING,
            body=PauseCycle(reason="test"),
        )
        with pytest.raises(Unavailable, match="TEMPORAL_UNAVAILABLE"):
            async with asyncio.timeout(1):
                await door._deliver(command)


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
