"""Appends a second through the store with every guard on, beside a binary COPY of such rows and beside a peer.

The events are decided before the clock runs: each caller has its chain of commands ready and waits for one receipt
before it sends the next command.
"""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import UUID, uuid4

import asyncpg
from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from uuid_utils import uuid7

from bench.figures import Figure, compared
from runtime.garbage import collect_seldom
from schemas.canonical import Sealed, digest, seal
from schemas.ledger import (
    Actor,
    Append,
    Gate,
    GateOpen,
    GateStatus,
    Head,
    NewEvent,
    Provenance,
    SetGate,
)
from store.migrations import RolePasswords, migrate, role_dsns
from store.postgres import PostgresEventStore

ROUNDS = 7
C64, C1024 = (64, 100), (1024, 8)  # callers, commands of each
PEER = "eventsourcing's Postgres recorder, one event a transaction, 64 threads"
CEILING = "binary COPY of such rows, in the order of their callers, into the same table and indexes"
COLUMNS = ("seq", "ordinal", "stream", "command_id", "type", "body", "prev", "hash")
NOON = datetime(2024, 1, 30, 4, 0, tzinfo=UTC)
EVENT = NewEvent(
    type="nomination_endorsed",
    subject="5f0c7f8c1be94d0a9a4e4c1f0f6f3c11",
    data={
        "nomination": "n-2024-000123",
        "level": "county",
        "unit": "510104",
        "score": 8750,
        "note": "符合条件",
    },
)


async def figures(dsn: str) -> list[Figure]:
    """Measure on a fresh database; `dsn` is its superuser's, who alone may COPY into the log."""
    passwords = RolePasswords.all_alike(uuid4().hex)
    await asyncio.to_thread(migrate, dsn, passwords)
    runs: dict[str, list[float]] = {"c64": [], "copy64": [], "c1024": [], "copy1024": [], "peer": []}
    connection = await asyncpg.connect(dsn)
    collect_seldom()  # as in the worker
    async with PostgresEventStore(role_dsns(dsn, passwords).app) as store:
        await _open_gate(store)
        for _ in range(ROUNDS):
            runs["c64"].append(await _through_the_store(store, *C64))
            runs["copy64"].append(await _by_copy(connection, *C64))
            runs["c1024"].append(await _through_the_store(store, *C1024))
            runs["copy1024"].append(await _by_copy(connection, *C1024))
            runs["peer"].append(await asyncio.to_thread(_through_the_peer, dsn, 64, 20))
    await connection.close()
    return [
        compared("append_c64", "events/s", runs["c64"], CEILING, runs["copy64"]),
        compared("append_c1024", "events/s", runs["c1024"], CEILING, runs["copy1024"]),
        compared("append_vs_eventsourcing", "events/s", runs["c64"], PEER, runs["peer"]),
    ]


async def _through_the_store(store: PostgresEventStore, callers: int, each: int) -> float:
    chains = [_commands(_stream(), each) for _ in range(callers)]
    gc.collect()
    gc.freeze()  # what was prepared is not what is measured
    began = time.perf_counter()
    await asyncio.gather(*(_one_after_the_other(store, chain) for chain in chains))
    return callers * each / (time.perf_counter() - began)


async def _one_after_the_other(store: PostgresEventStore, chain: Sequence[Append]) -> None:
    for request in chain:
        await store.append(request)


async def _by_copy(connection: asyncpg.Connection, callers: int, each: int) -> float:
    chains = [_commands(_stream(), each) for _ in range(callers)]
    turns = zip(*chains, strict=True)
    records = [_record(item) for turn in turns for request in turn for item in seal(request)]
    gc.collect()
    gc.freeze()
    began = time.perf_counter()
    await connection.copy_records_to_table("event", schema_name="ledger", columns=COLUMNS, records=records)
    return len(records) / (time.perf_counter() - began)


def _record(item: Sealed) -> tuple[Any, ...]:
    event = item.event
    hashes = bytes.fromhex(event.prev), bytes.fromhex(event.hash)
    return (event.seq, event.ordinal, event.stream, event.command_id, event.type, item.body, *hashes)


def _through_the_peer(dsn: str, callers: int, each: int) -> float:
    place = urlsplit(dsn)
    datastore = PostgresDatastore(
        dbname=place.path.lstrip("/"),
        host=place.hostname or "",
        port=place.port or 5432,
        user=place.username or "",
        password=unquote(place.password or ""),
        pool_size=callers,
    )
    with datastore, ThreadPoolExecutor(callers) as threads:
        recorder = PostgresApplicationRecorder(datastore, events_table_name="peer_event")
        recorder.create_table()
        body = seal(_commands("nomination/peer", 1)[0])[0].body
        began = time.perf_counter()
        list(threads.map(lambda _: _record_at_the_peer(recorder, uuid4(), each, body), range(callers)))
        return callers * each / (time.perf_counter() - began)


def _record_at_the_peer(recorder: PostgresApplicationRecorder, stream: UUID, each: int, body: bytes) -> None:
    for version in range(1, each + 1):
        recorder.insert_events([StoredEvent(stream, version, EVENT.type, body)])


def _stream() -> str:
    return f"nomination/{uuid7()}"


def _commands(stream: str, count: int) -> list[Append]:
    commands: list[Append] = []
    head = Head()
    for n in range(count):
        request = Append(
            stream=stream,
            expected=head,
            known=head,
            provenance=_provenance(f"{stream}/{n}"),
            events=(EVENT,),
            guards=(GateOpen(gate="bench/intake", received_at=NOON),),
        )
        last = seal(request)[-1].event
        head = Head(seq=last.seq, hash=last.hash)
        commands.append(request)
    return commands


def _provenance(command_id: str) -> Provenance:
    return Provenance(
        log="bench.example/log/one",
        command_id=command_id,
        payload_hash=digest(command_id.encode()),
        actor=Actor(id="staff-1", role="unit_officer", unit="510104"),
        grant="grant-1",
        occurred_at=NOON,
        recorded_at=NOON,
        rules=digest(b"rules"),
    )


async def _open_gate(store: PostgresEventStore) -> None:
    gates = [
        Gate(id=name, cycle="bench", status=GateStatus.OPEN, opens_at=NOON, closes_at=None)
        for name in ("bench/intake", "cycle/bench")
    ]
    await store.append(
        Append(
            stream="cycle/bench",
            expected=Head(),
            provenance=_provenance("open"),
            events=(EVENT,),
            effects=tuple(SetGate(gate=gate) for gate in gates),
        )
    )
