"""Histories are kept when their workflows close, before Temporal's retention ends and takes them away."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

import structlog
from temporalio.api.history.v1 import History
from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError

from runtime.histories import Run, fetch
from schemas import names
from schemas.errors import EngineError
from store.archive import HistoryArchive, KeptHistory

log = structlog.get_logger()

SWEEP_SECONDS = 60
"""Seldom, as every sweep lists the last hour's closed runs again, and nobody waits for what it keeps."""
_OVERLAP = timedelta(hours=1)
"""How far Temporal's list of closed workflows may be behind."""
_AT_ONCE = 200


class Archivist:
    """Looks for closed runs of a task queue that are not kept yet. Several at once, and again, do no harm."""

    def __init__(self, client: Client, archive: HistoryArchive, queue: str) -> None:
        self._client = client
        self._archive = archive
        self._queue = queue
        self._swept: datetime | None = None  # the newest closing that a sweep has met

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; a fault is logged and tried again."""
        while not stop.is_set():
            try:
                await self.sweep()
            except (RPCError, OSError, EngineError) as fault:
                log.warning("archive_waits", fault=str(fault))
            try:
                await asyncio.wait_for(stop.wait(), SWEEP_SECONDS)
            except TimeoutError:
                continue

    async def sweep(self) -> int:
        """Keeps what closed since the last sweep, at the first what Temporal still has; how many runs."""
        query = f'TaskQueue = "{self._queue}" AND ExecutionStatus != "Running"'
        if self._swept is not None:
            query += f' AND CloseTime >= "{(self._swept - _OVERLAP).isoformat()}"'
        newest, kept, page = self._swept, 0, list[WorkflowExecution]()
        async for found in self._client.list_workflows(query):
            page.append(found)
            newest = max(filter(None, (newest, found.close_time)), default=None)
            if len(page) == _AT_ONCE:
                kept += await self._keep(page)
                page = []
        kept += await self._keep(page)
        self._swept = newest
        return kept

    async def _keep(self, closed: list[WorkflowExecution]) -> int:
        runs = {(one.id, one.run_id): one for one in closed}
        lacking = await self._archive.lacking(list(runs)) if runs else set()
        return sum(
            [await self._archive.keep(_packed(await fetch(self._client, runs[one]))) for one in lacking]
        )


def _packed(run: Run) -> KeptHistory:
    assert run.closed is not None
    return KeptHistory(
        workflow=run.workflow,
        run=run.run,
        cycle=names.cycle_of(run.workflow),
        kind=run.kind,
        status=run.status,
        closed_at=run.closed,
        events=len(run.events),
        content=History(events=run.events).SerializeToString(),
    )
