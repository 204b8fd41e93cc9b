"""What Temporal's histories remember of a cycle's log: every receipt in them holds its events whole."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

from pydantic import ValidationError
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

from schemas import names
from schemas.ledger import RecordedEvent


async def remembered(client: Client, cycle: str) -> AsyncIterator[RecordedEvent]:
    """Every event in a receipt of any run of the cycle's workflows, as often as it stands there, in no order.

    Temporal's own list of workflows may be some seconds behind.
    """
    found = client.list_workflows(
        f'WorkflowId = "{names.cycle_stream(cycle)}" OR WorkflowId STARTS_WITH "round/{cycle}/" '
        f'OR WorkflowId STARTS_WITH "nomination/{cycle}/"'
    )
    async for run in found:
        handle = client.get_workflow_handle(run.id, run_id=run.run_id)
        async for event in handle.fetch_history_events():
            payloads = list(_results(event))
            for value in await client.data_converter.decode(payloads) if payloads else ():
                for recorded in _events_in(value):
                    yield recorded


def _results(event: HistoryEvent) -> Iterator[Payload]:
    """What activities, local or not, and updates gave back."""
    for details in event.marker_recorded_event_attributes.details.values():
        yield from details.payloads
    yield from event.activity_task_completed_event_attributes.result.payloads
    yield from event.workflow_execution_update_completed_event_attributes.outcome.success.payloads


def _events_in(value: Any) -> Iterator[RecordedEvent]:
    """An answer has a receipt, a receipt has events; anything else has none."""
    receipt = value.get("receipt", value) if isinstance(value, dict) else None
    events = receipt.get("events") if isinstance(receipt, dict) else None
    for event in events if isinstance(events, list) else ():
        try:
            yield RecordedEvent.model_validate(event)
        except ValidationError:  # of another shape: then it is not ours
            continue
