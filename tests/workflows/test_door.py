"""What the door answers when Temporal does not."""

from __future__ import annotations

import asyncio

import pytest

from runtime.door import Door
from runtime.settings import Settings
from schemas import names
from schemas.commands import Command, PauseCycle
from schemas.errors import Unavailable
from schemas.ledger import Actor
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
