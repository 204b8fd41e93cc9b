"""What the rules against stuffing read and what they name: traces of papers in time order, and papers in cohorts.

The ballot box keeps the traces of a batch in the transaction that accepts it. Marks decide nothing: what becomes of a cohort the round's stream says, and sealing is told which cohorts do
not count.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Self

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from schemas.traces import Traced, unpacked
from store.pool import connection_of, open_pool
from store.statements import statement

PAGE = 5000
"""How many papers are handed on at once."""


def _taken(body: bytes, takers: bytes | None) -> list[Traced]:
    """The papers of a batch that were taken: at most one a voter."""
    voters = None if takers is None else {takers[at : at + 16] for at in range(0, len(takers), 17)}
    return [one for one in unpacked(body) if voters is None or one.voter in voters]


class Marking:
    """What one screening of a ballot marks; `number` is its own, and no other marks under it.

    Its marks are there when it ends, all of them or none: whoever loses the connection, and with it the ballot, has
    marked nothing.
    """

    def __init__(self, ballot: str, number: int, connection: PoolConnectionProxy) -> None:
        self.number = number
        self._ballot = ballot
        self._connection = connection

    async def mark(self, papers: Sequence[tuple[str, Traced]]) -> None:
        """These papers belong to these cohorts; a paper that is in one already stays there."""
        if papers:
            columns = zip(*((cohort, one.paper, one.voter) for cohort, one in papers), strict=True)
            await self._connection.execute(statement("mark"), self._ballot, *map(list, columns))


class Traces:
    """Traces and marks on a migrated database, as the app role; an async context manager, raises as the ballot box."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool: asyncpg.Pool | None = None
        self._screening = asyncio.Semaphore(1)  # each needs two of the three connections at once

    async def __aenter__(self) -> Self:
        self._pool = await open_pool(self._dsn, 3)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            await self._pool.close()

    async def begin(self, ballot: str) -> None:
        """From its first paper on keep the ballot's traces; called before it opens."""
        async with connection_of(self._pool) as connection:
            await connection.execute(statement("trace_ballot"), ballot)

    @asynccontextmanager
    async def screening(self, ballot: str, screened: int) -> AsyncIterator[Marking]:
        """One screening of the ballot at a time, in whatever process; and one at a time in this one.

        `screened` is the number of the last one that the log tells of.
        """
        async with self._screening, connection_of(self._pool) as connection, connection.transaction():
            number = await connection.fetchval(statement("begin_screening"), ballot, screened)
            yield Marking(ballot, number, connection)

    async def papers(self, ballot: str) -> int:
        """How many papers have a trace."""
        async with connection_of(self._pool) as connection:
            return int(await connection.fetchval(statement("count_traces"), ballot))

    async def traces(self, ballot: str) -> AsyncIterator[list[Traced]]:
        """Every trace in the order of time, then of the paper, page by page; memory holds what overlaps in time."""
        waiting: list[tuple[int, bytes, bytes, Traced]] = []
        page: list[Traced] = []
        async with connection_of(self._pool) as connection, connection.transaction():
            async for row in connection.cursor(statement("traces"), ballot, prefetch=50):
                while waiting and waiting[0][0] < row["first_ms"]:
                    page.append(heapq.heappop(waiting)[-1])
                for one in await asyncio.to_thread(_taken, row["body"], row["takers"]):
                    heapq.heappush(waiting, (one.received, one.paper, one.voter, one))
                if len(page) >= PAGE:
                    yield page
                    page = []
        yield [*page, *(one[-1] for one in sorted(waiting, key=lambda one: one[:3]))]

    async def cohorts(self, ballot: str) -> dict[str, int]:
        """The cohorts of all screenings that ended, and how many papers each has."""
        async with connection_of(self._pool) as connection:
            rows = await connection.fetch(statement("cohorts"), ballot)
        return {row["cohort"]: row["papers"] for row in rows}

    async def marked(self, ballot: str, cohort: str) -> AsyncIterator[tuple[bytes, bytes]]:
        """The papers of a cohort with their voters, in the order in which its root covers them."""
        async with connection_of(self._pool) as connection, connection.transaction():
            async for row in connection.cursor(statement("papers_of_cohort"), ballot, cohort, prefetch=PAGE):
                yield row["paper"], row["voter"]

    async def drop(self, ballot: str) -> int:
        """Forget what was known of the senders; how many papers that were."""
        async with connection_of(self._pool) as connection:
            return int(await connection.fetchval(statement("drop_traces"), ballot))
