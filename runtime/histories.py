"""What Temporal's histories remember of the log: every receipt in them holds its events whole; live ones and kept ones."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp
from pydantic import ValidationError
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import History, HistoryEvent
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus
from temporalio.converter import DataConverter
from temporalio.service import RPCError, RPCStatusCode

from schemas import names
from schemas.ledger import RecordedEvent
from store.archive import HistoryArchive


class Run(NamedTuple):
    """One run of a workflow and its history; `closed` is None while it runs."""

    workflow: str
    run: str
    kind: str
    status: str
    events: Sequence[HistoryEvent]
    closed: datetime | None
    archived: bool = False

    @property
    def started(self) -> datetime:
        return instant(self.events[0].event_time)

    @property
    def before(self) -> str:
        """The run that continued as this one; '' for the first."""
        return self.events[0].workflow_execution_started_event_attributes.continued_execution_run_id


async def remembered(client: Client, cycle: str) -> AsyncIterator[RecordedEvent]:
    """Every event in a receipt of any run of the cycle's workflows, as often as it stands there, in no order.

    Temporal's own list of workflows may be some seconds behind.
    """
    async for run in live(client, of_cycle(cycle)):
        for event in run.events:
            for value in await values(client.data_converter, results(event)):
                for recorded in events_in(value):
                    yield recorded


async def all_runs(
    archive: HistoryArchive, client: Client | None, queue: str, cycle: str = "", streams: Iterable[str] = ()
) -> AsyncIterator[Run]:
    """Every run of a cycle, or of all: the kept ones, then those that only Temporal has, if a client is given.

    Temporal's list may be some seconds behind, so that the newest run of each of `streams` is asked for by itself.
    """
    seen: set[tuple[str, str]] = set()
    async for run in kept(archive, cycle):
        seen.add((run.workflow, run.run))
        yield run
    if client is None:
        return
    query = f'TaskQueue = "{queue}"' + (f" AND ({of_cycle(cycle)})" if cycle else "")
    async for run in live(client, query, seen):
        yield run
    for stream in streams:
        async for run in _newest(client, stream, seen):
            yield run


async def kept(archive: HistoryArchive, cycle: str = "") -> AsyncIterator[Run]:
    """What the archive has."""
    async for one in archive.read(cycle):
        events = History.FromString(one.content).events
        yield Run(one.workflow, one.run, one.kind, one.status, events, one.closed_at, archived=True)


async def live(client: Client, query: str, seen: set[tuple[str, str]] | None = None) -> AsyncIterator[Run]:
    """What Temporal has, by its list; but those `seen`, which grow."""
    seen = set() if seen is None else seen
    async for found in client.list_workflows(query):
        if (found.id, found.run_id) not in seen:
            seen.add((found.id, found.run_id))
            yield await _as_it_is(client, found.id, found.run_id)


async def _newest(client: Client, workflow: str, seen: set[tuple[str, str]]) -> AsyncIterator[Run]:
    """The newest run, and those that continued as it, as far as they are not `seen`."""
    try:
        run = (await client.get_workflow_handle(workflow).describe()).run_id
        while run and (workflow, run) not in seen:
            seen.add((workflow, run))
            found = await _as_it_is(client, workflow, run)
            yield found
            run = found.before
    except RPCError as fault:
        if fault.status != RPCStatusCode.NOT_FOUND:
            raise


async def _as_it_is(client: Client, workflow: str, run: str) -> Run:
    """One run as it is now; Temporal's list may be behind."""
    return await fetch(client, await client.get_workflow_handle(workflow, run_id=run).describe())


async def fetch(client: Client, told: WorkflowExecution) -> Run:
    """The run that Temporal told of, with its history."""
    handle = client.get_workflow_handle(told.id, run_id=told.run_id)
    events = [event async for event in handle.fetch_history_events()]
    status = (told.status or WorkflowExecutionStatus.RUNNING).name.lower()
    return Run(told.id, told.run_id, told.workflow_type, status, events, told.close_time)


def of_cycle(cycle: str) -> str:
    """Temporal's query for the workflows of a cycle."""
    return (
        f'WorkflowId = "{names.cycle_stream(cycle)}" OR WorkflowId STARTS_WITH "round/{cycle}/" '
        f'OR WorkflowId STARTS_WITH "nomination/{cycle}/"'
    )


def instant(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)


# ---- what stands in an event ----


async def values(converter: DataConverter, payloads: Iterable[Payload]) -> list[Any]:
    """Payloads as plain JSON values."""
    found = list(payloads)
    return await converter.decode(found) if found else []


def results(event: HistoryEvent) -> Iterator[Payload]:
    """What activities, local or not, and updates gave back."""
    for details in event.marker_recorded_event_attributes.details.values():
        yield from details.payloads
    yield from event.activity_task_completed_event_attributes.result.payloads
    yield from event.workflow_execution_update_completed_event_attributes.outcome.success.payloads


def orders(event: HistoryEvent) -> Iterator[Payload]:
    """What workflows were started with and told, and what they asked activities for."""
    yield from event.workflow_execution_started_event_attributes.input.payloads
    yield from event.workflow_execution_signaled_event_attributes.input.payloads
    accepted = event.workflow_execution_update_accepted_event_attributes
    yield from accepted.accepted_request.input.args.payloads
    yield from event.activity_task_scheduled_event_attributes.input.payloads


def events_in(value: Any) -> Iterator[RecordedEvent]:
    """An answer has a receipt, a receipt has events; anything else has none."""
    receipt = value.get("receipt", value) if isinstance(value, dict) else None
    events = receipt.get("events") if isinstance(receipt, dict) else None
    for event in events if isinstance(events, list) else ():
        try:
            yield RecordedEvent.model_validate(event)
        except ValidationError:  # of another shape: then it is not ours
            continue
