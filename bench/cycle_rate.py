"""Nominations a second through a whole cycle, beside workflows that do nothing with as many local activities."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from uuid import uuid4

from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy

from bench.bare import QUEUE, BareWorkflow
from bench.contest import EACH, Contest, gathered
from bench.figures import Figure, compared
from bench.histories import NOTHING, counts_of
from runtime.door import Door
from runtime.stack import Stack

ENTERPRISES = 40
ROUNDS = 3


async def figures(stack: Stack, door: Door, folder: Path) -> list[Figure]:
    """Both sides in turn, `ROUNDS` times, and their medians."""
    assert door.client is not None
    await stack.start("bare", sys.executable, "-m", "bench.bare")
    ours, bare, each = [], [], 0
    for n in range(ROUNDS):
        contest = Contest(door, folder, ENTERPRISES, f"rate-{n}", intake_seconds=20)
        ours.append(await _through_a_cycle(contest))
        each = each or await _activities_each(door.client, contest)
        bare.append(await _bare(door.client, ENTERPRISES * EACH, each))
    beside = f"bare workflows, {each} updates with a local activity each"
    return [compared("nominations_per_s", "nominations/s", ours, beside, bare)]


async def _through_a_cycle(contest: Contest) -> float:
    """From the first submission to the last outcome, without the time in which only a window was awaited."""
    await contest.open()
    began = time.perf_counter()
    await contest.submit()
    await contest.decide_all()
    return len(contest.everybody) / (time.perf_counter() - began - contest.idle)


async def _activities_each(client: Client, contest: Contest) -> int:
    """All activities of the cycle's nominations and rounds, a nomination."""
    units = [*contest.leaves, *contest.towns, *contest.above]
    streams = [contest.stream(id) for id in contest.everybody] + [contest.round_at(unit) for unit in units]
    total = sum(await gathered(counts_of(client, stream) for stream in streams), NOTHING)
    return round(total.activities / len(contest.everybody))


async def _bare(client: Client, workflows: int, updates: int) -> float:
    began = time.perf_counter()
    await gathered(_one_bare(client, updates) for _ in range(workflows))
    return workflows / (time.perf_counter() - began)


async def _one_bare(client: Client, updates: int) -> None:
    start = WithStartWorkflowOperation(
        BareWorkflow.run,
        updates,
        id=f"bare/{uuid4()}",
        task_queue=QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
    )
    await client.execute_update_with_start_workflow(BareWorkflow.act, start_workflow_operation=start)
    handle = await start.workflow_handle()
    for _ in range(updates - 1):
        await handle.execute_update(BareWorkflow.act)
    await handle.result()
