"""What the rules against stuffing read and what they name: traces of papers in time order, and papers in cohorts.

Marks decide nothing: what becomes of a cohort, the round's stream says.
"""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator, Iterable, Sequence
from types import TracebackType
from typing import Self

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from schemas.traces import Traced, packed, unpacked
from store.pool import connection_of
from store.statements import statement

PAGE = 5000
"""How many papers are handed on at once."""


async def keep_traces(connection: PoolConnectionProxy, ballot: str, batch: Sequence[Traced]) -> None:
    """The traces of a batch of accepted papers, in the caller's transaction: they stand or fall with the papers."""
    if batch:
        first = min(one.received for one in batch)
        await connection.execute(statement("keep_traces"), ballot, first, len(batch), packed(batch))


class Screening:
    """Traces and marks on a migrated database, as the app role; an async context manager, raises as the ballot box."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._pool: asyncpg.Pool | None = None

    async def __aenter__(self) -> Self:
        self._pool = await asyncpg.create_pool(self._dsn, min_size=0, max_size=2)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            await self._pool.close()

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
                for one in unpacked(row["body"]):
                    heapq.heappush(waiting, (one.received, one.paper, one.voter, one))
                if len(page) >= PAGE:
                    yield page
                    page = []
        yield [*page, *(one[-1] for one in sorted(waiting, key=lambda one: one[:3]))]

    async def mark(self, ballot: str, cohort: str, papers: Iterable[tuple[bytes, bytes]]) -> None:
        """These papers, each with its voter, belong to the cohort; again is no error."""
        rows = list(papers)
        async with connection_of(self._pool) as connection:
            await connection.execute(
                statement("mark"), ballot, cohort, [paper for paper, _ in rows], [voter for _, voter in rows]
            )

    async def marked(self, ballot: str, cohort: str) -> list[tuple[bytes, bytes]]:
        """The papers of a cohort with their voters, in the order in which its root covers them."""
        async with connection_of(self._pool) as connection:
            return [tuple(row) for row in await connection.fetch(statement("marked"), ballot, cohort)]

    async def drop(self, ballot: str) -> int:
        """Forget what was known of the senders; how many papers that were."""
        async with connection_of(self._pool) as connection:
            return int(await connection.fetchval(statement("drop_traces"), ballot))
