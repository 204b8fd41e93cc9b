"""How long Temporal's histories grow and what they cost: the same counts on every machine."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client, WorkflowHistory

from bench.contest import Contest
from bench.figures import Figure
from runtime.door import Door

BILLED = {
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,  # by a client, a parent, a signal or continue-as-new
    EventType.EVENT_TYPE_START_CHILD_WORKFLOW_EXECUTION_INITIATED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
    EventType.EVENT_TYPE_TIMER_STARTED,
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
}
LOCAL_ACTIVITY = "core_local_activity"


@dataclass(frozen=True)
class Counts:
    """What one workflow left behind, over all its runs."""

    events: int
    actions: int
    activities: int
    runs: int

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.events + other.events,
            self.actions + other.actions,
            self.activities + other.activities,
            self.runs + other.runs,
        )


NOTHING = Counts(0, 0, 0, 0)


async def counts_of(client: Client, workflow: str) -> Counts:
    """Every run of the workflow, the newest back to the first."""
    total, run = NOTHING, None
    while True:
        history = await client.get_workflow_handle(workflow, run_id=run).fetch_history()
        total += _counts(history)
        run = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
        if not run:
            return total


def _counts(history: WorkflowHistory) -> Counts:
    local = [event for event in history.events if _is_local(event)]
    tasks = {event.marker_recorded_event_attributes.workflow_task_completed_event_id for event in local}
    plain = Counter(event.event_type in BILLED for event in history.events)[True]
    scheduled = sum(
        event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED for event in history.events
    )
    return Counts(len(history.events), plain + len(tasks), len(local) + scheduled, 1)


def _is_local(event: HistoryEvent) -> bool:
    return event.marker_recorded_event_attributes.marker_name == LOCAL_ACTIVITY


@dataclass(frozen=True)
class Histories:
    """Of one contest with one enterprise of ten: who was conferred, who went at the first level, and the round."""

    first_level: Counts
    conferred: Counts
    leaf: Counts


async def histories(door: Door, folder: Path, label: str = "") -> Histories:
    """Run the contest and read what Temporal kept of it."""
    assert door.client is not None
    contest = Contest(door, folder, enterprises=1, label=label)
    await contest.open()
    await contest.submit()
    await contest.decide_all()
    first, second, *_ = sorted(contest.everybody)
    assert [(await contest.standing(id)).status for id in (first, second)] == ["conferred", "eliminated"]
    for id in (first, second):
        await door.client.get_workflow_handle(contest.stream(id)).result()
    streams = (contest.stream(second), contest.stream(first), contest.round_at("E0"))
    return Histories(*await asyncio.gather(*(counts_of(door.client, stream) for stream in streams)))


async def figures(door: Door, folder: Path) -> list[Figure]:
    """The counts as figures, those with a ceiling beside it."""
    found = await histories(door, folder, "histories")
    return [
        _under("history_events_first_level", found.first_level.events, 45),
        _under("history_events_conferred", found.conferred.events, 110),
        Figure("actions_conferred", found.conferred.actions, f"actions in {found.conferred.runs} runs"),
        Figure("round_events_leaf", found.leaf.events, "events, ten nominations"),
    ]


def _under(figure: str, value: int, ceiling: int) -> Figure:
    return Figure(figure, value, "events", "ceiling", ceiling, round(value / ceiling, 3))
