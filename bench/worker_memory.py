"""The worker's resident memory with nominations open: a worker of its own, before, half way and after."""

from __future__ import annotations

from pathlib import Path

from bench.contest import Contest
from bench.figures import Figure
from runtime.children import Child
from runtime.door import Door

ENTERPRISES = 50


async def figures(worker: Child, door: Door, folder: Path, nominations: int) -> list[Figure]:
    """`nominations` are opened; fewer than 10,000 say so in the unit and are carried on along the second half.

    That is an upper bound, since the worker caches 2,000 workflows and reads the others back when they are needed.
    """
    contest = Contest(door, folder, ENTERPRISES, "memory", intake_seconds=1800)
    await contest.open()
    used = [worker.memory_mb()]
    for _ in range(2):
        await contest.submit(nominations // 2 // ENTERPRISES)
        used.append(worker.memory_mb())
    slope = (used[2] - used[1]) / (nominations / 2)
    value = used[2] + slope * (10_000 - nominations)
    how = "MB" if nominations == 10_000 else f"MB at most, extrapolated from {nominations}"
    beside = "the same worker before them"
    return [Figure("worker_mb_10k", round(value), how, beside, round(used[0]), round(value / used[0], 2))]
