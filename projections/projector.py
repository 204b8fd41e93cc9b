"""Follows the log in its global order and keeps the views beside it: rows and cursor move in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

import asyncpg
import orjson

from projections.standing import CycleRow, NominationRow, RoundRow, Row, fold
from projections.statements import statement
from schemas import names
from schemas.errors import Unavailable
from schemas.ledger import RecordedEvent
from store.contract import EventStore
from store.statements import lost_server_is_unavailable

BATCH_MAX = 500
IDLE_SECONDS = 0.1
RECONNECT_SECONDS = 0.5

VIEWS: dict[str, type[Row]] = {"cycle": CycleRow, "nomination": NominationRow, "round": RoundRow}
"""The tables of schema `views`, and the rows in them."""


class Cursor(NamedTuple):
    """How far the views have read (0: nothing), and the hash of the event there."""

    position: int
    hash: str


class Projector:
    """Keeps the views of `dsn` (the app role) in step with `store`; several may run, one works at a time."""

    def __init__(self, store: EventStore, dsn: str) -> None:
        self._store = store
        self._dsn = dsn
        self._connection: asyncpg.Connection | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until `stop` is set, through losses of the server; Integrity ends it."""
        try:
            while not stop.is_set():
                if pause := await self._step_or_pause():
                    with suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), pause)
        finally:
            await self.close()

    async def step(self) -> int:
        """Follow at most a batch of events; returns how many, 0 at the end of the order.

        Raises Unavailable `STORE_UNAVAILABLE`; Integrity `LOG_BROKEN`, `EVENT_UNKNOWN`.
        """
        with lost_server_is_unavailable():
            connection = await self._connected()
            seen = await _cursor(connection)
            events = await self._store.read_all(seen.position, BATCH_MAX)
            return await self._follow(connection, seen, events) if events else 0

    async def rebuild(self) -> None:
        """Empty the views and follow the log from its start to its end; errors as `step`."""
        with lost_server_is_unavailable():
            await (await self._connected()).execute(statement("clear"))
        while await self.step():
            pass

    async def compare(self, store: EventStore) -> list[str]:
        """How the views differ from a fresh fold of `store` up to where they have read; empty if they agree.

        Only reads, so the auditor's DSN will do. Events beyond the cursor are no difference.
        """
        with lost_server_is_unavailable():
            cursor, kept = await self._snapshot()
        fresh, reached = await _fold_anew(store, cursor.position)
        if reached != cursor:
            return [f"the views have read to {cursor.position}, where this log does not have their event"]
        return differences(kept, fresh)

    async def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _step_or_pause(self) -> float:
        try:
            # A step costs much the same for one event as for many: let them gather, unless a batch was full.
            return 0 if await self.step() == BATCH_MAX else IDLE_SECONDS
        except Unavailable:
            if self._connection is not None:
                self._connection.terminate()
                self._connection = None
            return RECONNECT_SECONDS

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._dsn)
            await self._forget_another_log(self._connection)
        return self._connection

    async def _forget_another_log(self, connection: asyncpg.Connection) -> None:
        """A log restored from a backup may lack what the views have read: then they begin again."""
        position, hash_ = await _cursor(connection)
        if position == 0:
            return
        last = await self._store.read_all(position - 1, 1)
        if not last or last[0].hash != hash_:
            await connection.execute(statement("clear"))

    async def _follow(
        self, connection: asyncpg.Connection, seen: Cursor, events: tuple[RecordedEvent, ...]
    ) -> int:
        async with connection.transaction():
            locked = await _cursor(connection, "lock_cursor")
            if locked != seen:  # another projector was faster, or began again
                events = await self._store.read_all(locked.position, BATCH_MAX)
            if events:
                rows = await _load(connection, list({event.stream for event in events}))
                await _save(connection, fold(rows, events).values())
                last = events[-1]
                await connection.execute(statement("move_cursor"), last.position, last.hash)
        return len(events)

    async def _snapshot(self) -> tuple[Cursor, dict[str, Row]]:
        connection = await asyncpg.connect(self._dsn)
        try:
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                return await _cursor(connection), await _load(connection, None)
        finally:
            await connection.close()


def differences(kept: Mapping[str, Row], fresh: Mapping[str, Row]) -> list[str]:
    """A line for each field of a row that is not what the fold gives, by stream."""
    return [
        line
        for stream in sorted(kept.keys() | fresh.keys())
        for line in _row_differences(stream, kept.get(stream), fresh.get(stream))
    ]


def _row_differences(stream: str, kept: Row | None, fresh: Row | None) -> list[str]:
    if kept is None:
        return [f"{stream}: the view lacks it"]
    if fresh is None:
        return [f"{stream}: the log knows nothing of it"]
    shown, told = kept.model_dump(mode="json"), fresh.model_dump(mode="json")
    return [
        f"{stream}: {field} is {shown.get(field)!r}, by the log {value!r}"
        for field, value in told.items()
        if shown.get(field) != value
    ]


async def _fold_anew(store: EventStore, until: int) -> tuple[dict[str, Row], Cursor]:
    rows: dict[str, Row] = {}
    reached = Cursor(0, "")
    while reached.position < until:
        events = await store.read_all(reached.position, min(BATCH_MAX, until - reached.position))
        if not events:
            break
        rows = fold(rows, events)
        reached = Cursor(reached.position + len(events), events[-1].hash)
    return rows, reached


async def _cursor(connection: asyncpg.Connection, name: str = "cursor") -> Cursor:
    row = (await connection.fetch(statement(name)))[0]
    return Cursor(row["position"], row["hash"])


async def _load(connection: asyncpg.Connection, streams: list[str] | None) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    for view, kind in VIEWS.items():
        wanted = None if streams is None else [one for one in streams if names.kind_of(one) == view]
        found = await connection.fetch(statement(f"load_{view}"), wanted) if wanted != [] else ()
        for (text,) in found:
            row = kind.model_validate_json(text)
            rows[row.stream] = row
    return rows


async def _save(connection: asyncpg.Connection, rows: Iterable[Row]) -> None:
    changed = list(rows)
    for view, kind in VIEWS.items():
        if of_view := [row.model_dump(mode="json") for row in changed if isinstance(row, kind)]:
            await connection.execute(statement(f"save_{view}"), orjson.dumps(of_view).decode())
