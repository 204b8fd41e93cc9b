"""A program that appends the same commands again and again while its writers are killed: DSN COMMANDS KILLS SEED.

Each writer begins at the first command, as one does who was not told what came through; it prints nothing.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time

from schemas.errors import Conflict
from store.postgres import PostgresEventStore
from tests.store.commands import command

STREAMS = 8


async def deliver(store: PostgresEventStore, stream: str, command_id: str) -> None:
    """Deliver one command as an activity does: load, decide, append; decide again where somebody was faster."""
    while True:
        head = (await store.heads([stream]))[stream]
        try:
            await store.append(command(stream, command_id, head))
        except Conflict as faster:
            if faster.code != "WRONG_EXPECTED_HEAD":
                raise
        else:
            return


async def deliver_all(dsn: str, commands: int) -> None:
    async def one_stream(stream: str) -> None:
        for n in range(commands):
            await deliver(store, stream, f"c{n}")

    async with PostgresEventStore(dsn) as store:
        await asyncio.gather(*(one_stream(f"killed/{n}") for n in range(STREAMS)))


def writer(dsn: str, commands: int) -> int:
    """Fork a writer that ends with exit code 0 once every command is acknowledged."""
    child = os.fork()
    if child == 0:
        asyncio.run(deliver_all(dsn, commands))
        os._exit(0)
    return child


def main(dsn: str, commands: int, kills: int, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(kills):
        child = writer(dsn, commands)
        time.sleep(chance.uniform(0.03, 0.15))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    _, status = os.waitpid(writer(dsn, commands), 0)
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
