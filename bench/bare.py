"""A worker whose workflows do nothing but answer updates by local activities: what our workflows are measured beside."""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta

import uvloop
from temporalio import activity, workflow
from temporalio.worker import Worker

QUEUE = "bare"


@activity.defn
async def nothing() -> None:
    """What costs only its way there and back."""


@workflow.defn(name="Bare")
class BareWorkflow:
    """Ends after so many updates, each answered by one local activity."""

    def __init__(self) -> None:
        self._answered = 0

    @workflow.run
    async def run(self, updates: int) -> None:
        await workflow.wait_condition(lambda: self._answered == updates and workflow.all_handlers_finished())

    @workflow.update
    async def act(self) -> None:
        await workflow.execute_local_activity(nothing, start_to_close_timeout=timedelta(seconds=5))
        self._answered += 1


async def main() -> None:
    """The process, with our worker's own limits; ends by SIGTERM."""
    from runtime.settings import Settings
    from runtime.temporal import connect
    from worker import runner

    settings = Settings()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with Worker(
        await connect(settings),
        task_queue=QUEUE,
        workflows=[BareWorkflow],
        activities=[nothing],
        workflow_runner=runner(settings),
        max_cached_workflows=2000,
        max_concurrent_workflow_tasks=40,
        max_concurrent_local_activities=64,
    ):
        await stop.wait()


if __name__ == "__main__":
    uvloop.run(main())
