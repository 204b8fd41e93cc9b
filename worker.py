"""Runs the engine: connects, builds the activities with what they depend on, serves the task queue.

Beside the queue it keeps the outbox delivered, the log sequenced, the read side projected and closed histories kept.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

if __name__ == "__main__":
    gc.disable()  # until all is imported: looking for circles among what stays is a tenth of a start

import structlog
import uvloop
from temporalio.worker import UnsandboxedWorkflowRunner, Worker, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from activities.deciding import Decider
from activities.engine import Engine
from activities.opening import Opener
from activities.outbox import Outbox
from projections.projector import Projector
from runtime.archiving import Archivist
from runtime.door import system_clock
from runtime.garbage import collect_seldom
from runtime.logging import configure_logging
from runtime.publishing import Publisher, published
from runtime.recovery import Recovery
from runtime.settings import Login, Settings, answering
from runtime.temporal import connect
from runtime.timestamps import Timestamper
from store.archive import HistoryArchive
from store.ballots import BallotBox
from store.checkpoints import CheckpointSigner
from store.postgres import PostgresEventStore
from store.screening import Traces
from store.sequencer import Sequencer
from workflows.registry import WORKFLOWS

log = structlog.get_logger()

GRACE = timedelta(seconds=10)
READY = "worker_ready"
"""Logged once the task queue is served."""
STICKY = timedelta(seconds=3)
"""How long a task waits for the worker that knows its workflow, before any other may take it."""


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Until `stop` is set; then what is under way is finished within the grace."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(PostgresEventStore(settings.dsn(Login.APP)))
        ballots = await stack.enter_async_context(BallotBox(settings.dsn(Login.APP)))
        traces = await stack.enter_async_context(Traces(settings.dsn(Login.APP)))
        archive = await stack.enter_async_context(HistoryArchive(settings.dsn(Login.APP)))
        client = await connect(settings)
        decider = Decider(store, system_clock)
        recovery = Recovery(decider, client, settings.task_queue)
        outbox = Outbox(decider, client, settings.task_queue, recovery.restart)
        worker = Worker(
            client,
            task_queue=settings.task_queue,
            workflows=WORKFLOWS,
            activities=[
                *Engine(decider, ballots, traces).activities(),
                *Opener(decider, client, settings.task_queue).activities(),
            ],
            workflow_runner=runner(settings),
            graceful_shutdown_timeout=GRACE,
            max_cached_workflows=2000,
            sticky_queue_schedule_to_start_timeout=STICKY,
            max_concurrent_workflow_tasks=40,
            max_concurrent_activities=32,
            max_concurrent_local_activities=64,
        )
        written = asyncio.Event()
        background = [
            asyncio.create_task(Sequencer(settings.dsn(Login.SEQUENCER)).run(written)),
            asyncio.create_task(outbox.run(stop)),
            asyncio.create_task(Archivist(client, archive, settings.task_queue).run(stop)),
            asyncio.create_task(Projector(store, settings.dsn(Login.APP)).run(stop)),
            *(asyncio.create_task(one) for one in proving(settings, stop)),
        ]
        async with worker:
            log.info(READY, task_queue=settings.task_queue)
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait([stopped, *background], return_when=asyncio.FIRST_COMPLETED)
            stop.set()
        written.set()
        await asyncio.gather(*background)


def runner(settings: Settings) -> WorkflowRunner:
    """Temporal's sandbox, in which the tests run workflows, costs a fifth of a worker's time, and memory for each workflow."""
    return SandboxedWorkflowRunner() if settings.workflow_sandbox else UnsandboxedWorkflowRunner()


def proving(settings: Settings, stop: asyncio.Event) -> Iterator[Coroutine[Any, Any, None]]:
    """Sign the log, where its key is here, carry it out of the database and have it stamped, where that is set."""
    key, dsn, folder = settings.log_signing_key(), settings.dsn(Login.SEQUENCER), settings.publish_dir
    if key is None:
        return
    trusted = settings.trusted()
    before = published(folder, trusted) if folder else None
    yield CheckpointSigner(dsn, key, trusted, before[0] if before else None).run(stop)
    if folder is not None:
        yield Publisher(dsn, folder, trusted, settings.witness_urls(), settings.publish_entries).run(stop)
    if authorities := settings.timestamp_urls():
        yield Timestamper(dsn, authorities, settings.timestamp_certificates).run(stop)


async def main(settings: Settings) -> None:
    """The process: SIGTERM and SIGINT end it gracefully."""
    configure_logging(settings)
    collect_seldom()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(settings, stop)


if __name__ == "__main__":
    sys.exit(answering(lambda settings: uvloop.run(main(settings))))
