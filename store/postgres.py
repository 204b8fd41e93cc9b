"""The event store on Postgres (asyncpg): batched appends on few connections, reads on a small pool."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from types import TracebackType
from typing import Any, Self

import asyncpg
import orjson

from schemas.canonical import digest, seal
from schemas.errors import Integrity, Refused, Unavailable
from schemas.ledger import GENESIS, Append, Gate, Head, Post, Receipt, RecordedEvent, Reservation
from store.chain import KeptEvent, as_receipt, open_chain, open_kept
from store.contract import NOTHING_KNOWN
from store.flush import Flusher, Repeated
from store.pool import for_lookups, open_pool
from store.statements import away, server_is_away, statement

_NONE = Head()
_POLL_SECONDS = 0.02
_LANES = 2  # one batch is made ready while the other is written


class PostgresEventStore:
    """The contract on a migrated database, as the app role; use it as an async context manager."""

    def __init__(self, dsn: str, readers_max: int = 8, command_timeout_seconds: float = 10) -> None:
        self._dsn = dsn
        self._readers_max = readers_max
        self._timeout = command_timeout_seconds
        self._pool: asyncpg.Pool | None = None
        self._flusher = Flusher(self._connect, _LANES)

    async def __aenter__(self) -> Self:
        self._pool = await open_pool(self._dsn, self._readers_max, self._timeout, lookups=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._flusher.close()
        if self._pool is not None:
            await self._pool.close()

    async def append(self, request: Append) -> Receipt:
        try:
            return await self._flusher.submit(request, seal(request))
        except Repeated:
            said = request.provenance
            if receipt := await self.receipt(request.stream, said.command_id, said.payload_hash):
                return receipt
            raise Integrity("LOG_BEHIND", stream=request.stream, seq=request.expected.seq) from None

    async def receipt(self, stream: str, command_id: str, payload_hash: str) -> Receipt | None:
        rows = await self._fetch("receipt", stream, command_id)
        return as_receipt(tuple(open_kept(_kept(row)) for row in rows), payload_hash)

    async def load(self, stream: str, after: int = 0) -> tuple[RecordedEvent, ...]:
        before = max(after - 1, 0)  # with that event, whose bytes say whether the next one follows it
        rows = await self._fetch("load", [stream], [before])
        events = _open_stream(stream, before, None if before else GENESIS, rows)
        return tuple(event for event in events if event.seq > after)

    async def load_many(
        self, streams: Sequence[str], known: Mapping[str, Head] = NOTHING_KNOWN
    ) -> dict[str, tuple[RecordedEvent, ...]]:
        heads = {stream: known.get(stream, _NONE) for stream in streams}
        rows = await self._fetch("load", list(heads), [head.seq for head in heads.values()])
        return {
            stream: _open_stream(stream, heads[stream].seq, heads[stream].hash, list(of_stream))
            for stream, of_stream in groupby(rows, key=lambda row: str(row["stream"]))
        }

    async def heads(self, streams: Sequence[str]) -> dict[str, Head]:
        rows = await self._fetch("heads", list(streams))
        found = {row["stream"]: Head(seq=row["seq"], hash=row["hash"].hex()) for row in rows}
        return {stream: found.get(stream, Head()) for stream in streams}

    async def streams(self, prefix: str) -> tuple[str, ...]:
        return tuple(row["stream"] for row in await self._fetch("streams", prefix))

    async def gate(self, gate_id: str) -> Gate | None:
        rows = await self._fetch("gate", gate_id)
        return Gate(**rows[0]) if rows else None

    async def gates(self, cycle: str) -> tuple[Gate, ...]:
        return tuple(Gate(**row) for row in await self._fetch("gates", cycle))

    async def read_all(self, after_position: int, limit: int) -> tuple[RecordedEvent, ...]:
        rows = await self._fetch("read_all", after_position, limit)
        return tuple(_open_in_order(row, after_position + n) for n, row in enumerate(rows, start=1))

    async def last_position(self) -> int:
        rows = await self._fetch("last_position")
        return int(rows[0][0])

    async def wait_sequenced(self, stream: str, seq: int, timeout_seconds: float) -> int:
        try:
            async with asyncio.timeout(timeout_seconds):
                while not (rows := await self._fetch("position", stream, seq)):  # noqa: ASYNC110 -- of a table
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError as late:
            fault = f"{stream}@{seq} is not in the global order after {timeout_seconds} s"
            raise Unavailable("STORE_UNAVAILABLE", fault=fault) from late
        return int(rows[0][0])

    async def overdue(self, before: datetime) -> tuple[RecordedEvent, ...]:
        events = [open_kept(_kept(row)) for row in await self._fetch("overdue")]
        return tuple(event for event in events if event.recorded < before)

    async def reservations(self, cycle: str, units: Sequence[str] | None = None) -> tuple[Reservation, ...]:
        if units is None:
            rows = await self._fetch("reservations", cycle)
        else:
            rows = await self._fetch("reservations_of_units", cycle, list(units))
        return tuple(Reservation(**row) for row in rows)

    async def title_streams(self, subjects: Sequence[str]) -> dict[str, tuple[str, ...]]:
        rows = await self._fetch("title_streams", list(subjects))
        return {
            subject: tuple(row["stream"] for row in found)
            for subject, found in groupby(rows, key=lambda row: str(row["subject"]))
        }

    async def units_with_reservations(self, cycle: str) -> dict[str, int]:
        return {row["unit"]: row["held"] for row in await self._fetch("units_with_reservations", cycle)}

    async def claims(self, cycle: str, scope: str) -> dict[int, str]:
        return {row["number"]: row["holder"] for row in await self._fetch("claims", cycle, scope)}

    async def put_document(self, kind: str, content: bytes) -> str:
        content_hash = digest(content)
        await self._fetch("put_document", bytes.fromhex(content_hash), kind, content)
        return content_hash

    async def document(self, content_hash: str) -> bytes:
        rows = await self._fetch("document", bytes.fromhex(content_hash))
        if not rows:
            raise Refused("NOT_FOUND", what=f"document {content_hash}")
        content = bytes(rows[0]["content"])
        if digest(content) != content_hash:
            raise Integrity("LOG_BROKEN", stream=f"document/{content_hash}", seq=1, fault="other bytes")
        return content

    async def undelivered(self, cycle: str = "", sender: str = "", limit: int = 100) -> tuple[Post, ...]:
        rows = await self._fetch("undelivered", cycle, sender, limit)
        return tuple(Post(**(dict(row) | {"payload": orjson.loads(row["payload"])})) for row in rows)

    async def mark_delivered(self, ids: Sequence[str]) -> None:
        await self._fetch("mark_delivered", list(ids))

    async def redeliver(self, ids: Sequence[str]) -> None:
        await self._fetch("redeliver", list(ids))

    async def _fetch(self, name: str, *arguments: Any) -> list[asyncpg.Record]:
        assert self._pool is not None, "the store is used inside `async with`"
        try:
            return await self._pool.fetch(statement(name), *arguments)
        except Exception as fault:
            if server_is_away(fault):
                raise away(fault) from fault
            raise

    async def _connect(self) -> asyncpg.Connection:
        connection: asyncpg.Connection = await asyncpg.connect(self._dsn, command_timeout=self._timeout)
        await for_lookups(connection)
        return connection


def _open_stream(
    stream: str, seq: int, prev: str | None, rows: Sequence[asyncpg.Record]
) -> tuple[RecordedEvent, ...]:
    head = _NONE
    if rows and rows[0]["head_seq"]:
        head = Head.trusted({"seq": rows[0]["head_seq"], "hash": rows[0]["head_hash"].hex()})
    return open_chain(stream, seq, prev, (_kept(row) for row in rows if row["seq"] is not None), head)


def _open_in_order(row: asyncpg.Record, position: int) -> RecordedEvent:
    if row["position"] != position or row["body"] is None:
        fault = f"the global order has a hole at position {position}"
        raise Integrity("LOG_BROKEN", stream=row["stream"] or "", seq=row["seq"] or 0, fault=fault)
    return open_kept(_kept(row), position)


def _kept(row: asyncpg.Record) -> KeptEvent:
    return KeptEvent(row["stream"], row["seq"], row["body"], row["prev"].hex(), row["hash"].hex())
