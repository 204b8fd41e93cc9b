"""All figures of the engine on servers of its own: `make -s bench-engine`, and ARGS="--open 10000 --only worker"."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import uvloop

from bench import appends, cycle_rate, histories, worker_memory
from bench.contest import Contest
from bench.figures import Figure, show
from runtime.children import Child
from runtime.door import Door
from runtime.settings import Settings
from runtime.stack import Stack, embedded_stack

DATABASE = "measured_appends"
PARTS = ("append", "history", "rate", "worker")


@asynccontextmanager
async def _served(stack: Stack, folder: Path) -> AsyncIterator[tuple[Child, Door]]:
    """A worker that has already answered once, so that no start is measured, and a door to it."""
    worker = await stack.start_worker()
    async with Door.open(stack.settings) as door:
        await Contest(door, folder, 1, f"warm-{worker.process.pid}", intake_seconds=3600).open()
        yield worker, door
    await worker.stop()


async def _appends(stack: Stack) -> list[Figure]:
    await stack.postgres.ensure_database(DATABASE)
    return await appends.figures(stack.postgres.dsn(DATABASE))


async def measure(only: str, open_nominations: int) -> AsyncIterator[list[Figure]]:
    """One part, or all of them, one after the other."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if only in ("", "append"):  # on servers of its own, whose logins it sets
            async with embedded_stack(Settings(), ephemeral=True) as stack:
                yield await _appends(stack)
        if only in ("", "worker"):
            async with (
                embedded_stack(Settings(), ephemeral=True) as stack,
                _served(stack, folder) as (worker, door),
            ):
                yield await worker_memory.figures(worker, door, folder, open_nominations)
        if only in ("", "history", "rate"):
            async with (
                embedded_stack(Settings(), ephemeral=True) as stack,
                _served(stack, folder) as (_, door),
            ):
                if only in ("", "history"):
                    yield await histories.figures(door, folder)
                if only in ("", "rate"):
                    yield await cycle_rate.figures(stack, door, folder)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.engine", description=__doc__)
    parser.add_argument("--only", choices=PARTS, default="", help="one part instead of all")
    parser.add_argument("--open", type=int, default=1_000, help="open nominations for worker_mb_10k")
    options = parser.parse_args()
    uvloop.run(show(measure(options.only, options.open)))  # as in the worker


if __name__ == "__main__":
    main()
