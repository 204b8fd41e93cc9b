"""Many people act on one round at once, just as a worker comes back to its long history: each has an answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

BEFORE = 60
"""Updates of a history that is longer than the page in which a worker gets it."""
AT_ONCE = 40


@activity.defn
async def decide() -> None:
    await asyncio.sleep(0.01)


@workflow.defn
class Crowded:
    def __init__(self) -> None:
        self._acts = 0

    @workflow.run
    async def run(self) -> None:
        await workflow.wait_condition(lambda: self._acts == BEFORE + AT_ONCE)

    @workflow.update
    async def act(self) -> None:
        await workflow.execute_local_activity(decide, start_to_close_timeout=timedelta(seconds=5))
        self._acts += 1


def _worker(client: Client, queue: str) -> Worker:
    return Worker(
        client,
        task_queue=queue,
        workflows=[Crowded],
        activities=[decide],
        workflow_runner=UnsandboxedWorkflowRunner(),
        sticky_queue_schedule_to_start_timeout=timedelta(seconds=3),
    )


async def test_more_people_than_temporals_default_act_at_once(temporal: Client) -> None:
    queue = uuid4().hex
    async with _worker(temporal, queue):
        handle = await temporal.start_workflow(Crowded.run, id=queue, task_queue=queue)
        for _ in range(BEFORE):
            await handle.execute_update(Crowded.act)
    assert (await handle.describe()).history_length > 256
    async with _worker(temporal, queue):
        await asyncio.gather(*(handle.execute_update(Crowded.act) for _ in range(AT_ONCE)))
        await handle.result()
