"""A whole edition of 四川工匠 at full size on the dev server: how long, how many events and actions, how much memory.

Nominations are sent as fast as they are taken; two operators extend the intake for as long as that is expected to last.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from time import perf_counter

from bench.figures import Figure
from bench.histories import NOTHING, Counts, counts_of
from cli.rehearse.conductor import BEGINS
from cli.rehearse.family import find
from cli.rehearse.party import OPERATORS, invent
from cli.rehearse.stage import Stage
from runtime.children import Child
from runtime.door import Door
from runtime.settings import Settings
from runtime.stack import embedded_stack
from runtime.temporal import worker_there
from schemas import names
from schemas.commands import ExtendIntake
from schemas.ledger import Actor
from schemas.loading import open_programme

PROGRAMME = find("sichuan-craftsman")
SAMPLE = 60
PATIENCE_SECONDS = 3600
NOMINATIONS_A_SECOND = 25
"""What the intake is made long enough for, as it takes 37; and so many cycle days more."""
DAYS_MORE = 3


@dataclass
class Memory:
    """The worker's resident memory, megabytes, read every few seconds."""

    worker: Child
    seen: list[int] = field(default_factory=list)

    async def watch(self) -> None:
        while True:
            self.seen.append(self.worker.memory_mb())
            await asyncio.sleep(5)

    def quarters(self) -> tuple[int, int]:
        """The highest of the second quarter of the time, and of the last: flat if they are alike."""
        quarter = max(1, len(self.seen) // 4)
        return max(self.seen[quarter : 2 * quarter] or self.seen), max(self.seen[-quarter:])


async def figures(enterprises: int, nominations: int, day: int) -> list[Figure]:
    """Run it to its end, a cycle day in `day` seconds, and say what it took."""
    opened = open_programme(PROGRAMME)
    party = invent(opened.programme, opened.units, enterprises // 2, nominations)  # by each of two routes
    async with embedded_stack(Settings(), ephemeral=True) as stack:
        worker = await stack.start_worker()
        async with Door.open(stack.settings) as door, _watched(worker) as memory:
            assert door.client is not None
            await worker_there(door.client, stack.settings.task_queue)
            stage = Stage(door, party, PROGRAMME, 86_400 // day, patience=PATIENCE_SECONDS)
            stage.opened = lambda: _extend(stage, nominations, day)
            began = perf_counter()
            with tempfile.TemporaryDirectory() as folder:
                await stage.run(Path(folder))
            seconds = perf_counter() - began
            counts = await _counted(door)
            events = await door.store.last_position()
    earlier, later = memory.quarters()
    sent = len(stage.people)
    return [
        Figure("rehearsal_full", round(seconds), f"s, {sent} nominations", "acts answered", stage.acts),
        Figure("rehearsal_full_late", stage.late, "nominations"),
        Figure("rehearsal_full_events", events, "events in the log"),
        Figure("rehearsal_full_history", counts.events, f"Temporal events, from {SAMPLE} of each kind"),
        Figure("rehearsal_full_actions", counts.actions, f"actions, from {SAMPLE} of each kind"),
        Figure(
            "rehearsal_full_worker_mb",
            later,
            "MB, last quarter",
            "second quarter",
            earlier,
            round(later / earlier, 2),
        ),
    ]


@asynccontextmanager
async def _watched(worker: Child) -> AsyncIterator[Memory]:
    memory = Memory(worker)
    watching = asyncio.create_task(memory.watch())
    yield memory
    watching.cancel()


async def _extend(stage: Stage, nominations: int, day: int) -> None:
    """By two people, as long as that many nominations are expected to take, where the programme's own time is shorter."""
    cycle = (await stage.door.decider.cycles.get(names.cycle_stream(stage.cycle))).state
    days = nominations // NOMINATIONS_A_SECOND // day + DAYS_MORE
    closes_at: datetime = BEGINS + timedelta(days=days)
    for rank, intake in cycle.intakes.items():
        if intake.window.closes_at < closes_at:
            body = ExtendIntake(rank=rank, closes_at=closes_at, reason="measured · 测量")
            for person in OPERATORS:
                await stage.door.send(
                    names.cycle_stream(stage.cycle), body, Actor(id=person, role="operator")
                )


async def _counted(door: Door) -> Counts:
    """A sample of each kind of workflow, scaled to how many there are."""
    assert door.client is not None
    total = NOTHING
    for kind in ("Cycle", "Round", "Nomination"):
        query = f'WorkflowType = "{kind}" AND ExecutionStatus != "ContinuedAsNew"'
        count = (await door.client.count_workflows(query)).count
        found = [one.id async for one in door.client.list_workflows(query, limit=SAMPLE)]
        some = NOTHING
        for workflow in found:
            some += await counts_of(door.client, workflow)
        scale = count / max(1, len(found))
        total += Counts(
            round(some.events * scale), round(some.actions * scale), round(some.activities * scale), count
        )
    return total
