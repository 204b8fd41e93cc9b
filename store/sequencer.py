"""One process gives committed events their dense global order, and no reader ever goes by anything else.

Ids are handed out before commit, so id 7 may be there before id 6 is. Each step takes every committed event above
`low` that has no leaf yet, and `low` rises only over ids whose fate is settled: `candidate` is an id that was seen,
`horizon` a transaction number given out after that, so whoever still might commit an id up to the candidate has a
lower number (an append locks its stream's head, and so has its number, before it takes ids). Once every transaction
below the horizon is over, nothing can appear below the candidate. (The `xmax` of a snapshot would not do: a
transaction at or above it may be running already.) On its start, and now and then, the sequencer looks at the whole
log all the same. Events that one command wrote stand side by side in the order.
"""

from __future__ import annotations

import asyncio

import asyncpg

from schemas.errors import Integrity
from store.pausing import pause
from store.statements import server_is_away, statement

BATCH_MAX = 5000
IDLE_SECONDS = 0.1
RECONNECT_SECONDS = 0.5
SWEEP_EVERY_STEPS = 10_000


class Sequencer:
    """The sole writer of leaves; several may run, one works at a time and the others wait on its locked row."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._connection: asyncpg.Connection | None = None
        self._steps = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Sequence until `stop` is set and what was written by then has its place, through losses of the server.

        Integrity `LOG_BROKEN` ends it.
        """
        try:
            while not stop.is_set():
                seconds = await self._step_or_pause()
                if seconds:
                    await pause(stop, seconds)
            await self._step_or_pause()
        finally:
            await self.close()

    async def step(self, sweep: bool = False) -> int:
        """Give committed events their places, at most a batch; `sweep` looks at the whole log. Returns how many."""
        connection = await self._connected()
        seen = (await connection.fetch(statement("newest_id")))[0]
        if seen["newest"] <= seen["low"] and not sweep:
            return 0
        async with connection.transaction():
            lease = (await connection.fetch(statement("take_lease")))[0]
            low = 0 if sweep else lease["low"]
            placed = (await connection.fetch(statement("sequence"), low, BATCH_MAX))[0]
            if placed["stream"] is not None:
                fault = "the body does not have the kept hash"
                raise Integrity("LOG_BROKEN", stream=placed["stream"], seq=placed["seq"], fault=fault)
            if lease["oldest"] >= lease["horizon"]:
                low = max(_settled(lease["candidate"], placed), lease["low"])
                candidate = max(seen["newest"], low)
                await connection.execute(statement("move_low"), low, candidate, lease["mine"])
        return int(placed["number"])

    async def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _step_or_pause(self) -> float:
        sweep = self._steps % SWEEP_EVERY_STEPS == 0
        try:
            placed = await self.step(sweep)
        except Exception as fault:
            if not server_is_away(fault):
                raise
            self._drop_connection()
            return RECONNECT_SECONDS
        if placed < BATCH_MAX:
            self._steps += 1
        # A step costs much the same for one event as for hundreds: let them gather, unless a batch was full.
        return 0 if placed == BATCH_MAX else IDLE_SECONDS

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._dsn)
        return self._connection

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


def _settled(candidate: int, placed: asyncpg.Record) -> int:
    """The candidate, unless the batch was full: then what lies above its last id has not been looked at."""
    return int(candidate) if placed["number"] < BATCH_MAX else min(int(candidate), int(placed["last"]))
