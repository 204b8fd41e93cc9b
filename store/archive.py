"""The archive of Temporal's histories: each closed run once, compressed, never changed."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from hashlib import sha256
from types import TracebackType
from typing import Self

import asyncpg

from schemas.errors import Integrity
from schemas.ledger import Frozen
from store.pool import connection_of, open_pool
from store.statements import statement

_AT_ONCE = 50


class KeptHistory(Frozen):
    """A closed run. `content` is Temporal's `History` in protobuf, its payloads as Temporal held them."""

    workflow: str
    run: str
    cycle: str
    kind: str
    status: str
    closed_at: datetime
    events: int
    content: bytes


class HistoryArchive:
    """The archive, as the app's role to write or the auditor's to read; use it as an async context manager.

    Every call may raise `Unavailable(STORE_UNAVAILABLE)`.
    """

    def __init__(self, dsn: str, connections_max: int = 2) -> None:
        self._dsn = dsn
        self._connections_max = connections_max
        self._pool: asyncpg.Pool | None = None

    async def __aenter__(self) -> Self:
        self._pool = await open_pool(self._dsn, self._connections_max)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            await self._pool.close()

    async def keep(self, history: KeptHistory) -> bool:
        """False if the run is kept already; then nothing changes."""
        place = (history.workflow, history.run, history.cycle, history.kind, history.status)
        packed = zlib.compress(history.content, 9)
        async with connection_of(self._pool) as connection:
            run = await connection.fetchval(
                statement("keep_history"), *place, history.closed_at, history.events, packed
            )
        return run is not None

    async def lacking(self, runs: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of these (workflow, run) that are not kept."""
        workflows, ids = [workflow for workflow, _ in runs], [run for _, run in runs]
        async with connection_of(self._pool) as connection:
            rows = await connection.fetch(statement("histories_lacking"), workflows, ids)
        return {(row["workflow"], row["run"]) for row in rows}

    async def read(self, cycle: str = "") -> AsyncIterator[KeptHistory]:
        """All of a cycle, or all, by workflow and run; Integrity HISTORY_BROKEN for one whose bytes were changed."""
        last = ("", "")
        while True:
            async with connection_of(self._pool) as connection:
                rows = await connection.fetch(statement("histories"), cycle, *last, _AT_ONCE)
            for row in rows:
                yield _unpacked(row)
            if len(rows) < _AT_ONCE:
                return
            last = (rows[-1]["workflow"], rows[-1]["run"])


def _unpacked(row: asyncpg.Record) -> KeptHistory:
    if sha256(row["packed"]).digest() != row["hash"]:
        raise Integrity("HISTORY_BROKEN", workflow=row["workflow"], run=row["run"], fault="other bytes")
    place = {name: row[name] for name in KeptHistory.model_fields if name != "content"}
    return KeptHistory(**place, content=zlib.decompress(row["packed"]))
