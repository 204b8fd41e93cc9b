"""A cycle's evidence out of the log: which events are shown, what they pin, and the signed tree that holds them."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, BinaryIO, NamedTuple

import asyncpg
import msgspec
from cryptography.x509 import Certificate

from domain.audit.sealing import Place, Sealing
from proof.bundle import TIMESTAMPS, BundleWriter
from proof.checkpoint import Checkpoint
from proof.note import VerifierKey, encoded, parse_note, parse_signature
from schemas import names
from schemas.canonical import canonical_bytes
from schemas.errors import Integrity, Refused
from schemas.events import PINS, CycleOpened, TallySealed
from store.archive import KeptHistory
from store.auditing import verify_log
from store.checkpoints import ROWS_AT_ONCE
from store.statements import statement

_NEVER_LATE = datetime.fromtimestamp(0, UTC)  # a log whose sequencer is down can still be shown
_ALL = 2**62
_HISTORIES_A_PART = 200


class Exported(NamedTuple):
    """What a bundle holds; `closed` leaves are of others, `later` positions are below no checkpoint yet."""

    checkpoint: Checkpoint
    events: int
    withheld: int
    closed: int
    later: int
    manifest: str


class _Data(msgspec.Struct):
    """The few fields of data that name something else; in other events the same name may hold anything."""

    step: Any = ""
    judge: Any = ""
    judges: Any = ()
    units: Any = ""
    overrides: Any = ""
    rules: Any = ""
    ballot: Any = ""


class _Told(msgspec.Struct):
    """What is looked at of a body."""

    stream: str
    seq: int
    type: str
    rules: str
    data: _Data


_told = msgspec.json.Decoder(_Told).decode


class _Gathered:
    """What the first pass finds: what stays sealed, what is pinned, whether the cycle was opened."""

    def __init__(self, cycle: str, whole: bool) -> None:
        self.cycle, self.whole = cycle, whole
        self._streams = {cycle, names.family_of(cycle)}
        self._sealing = Sealing()
        self.documents: set[str] = set()
        self.ballots: set[str] = set()
        self.found = False

    def shows(self, stream: str) -> bool:
        """Whether events of this stream belong to what is handed over."""
        return self.whole or names.cycle_of(stream) in self._streams

    def take(self, body: bytes) -> None:
        """The next event of what is shown."""
        event = _told(body)
        said = event.data
        self._sealing.note(event.stream, event.seq, event.type, said.step, said.judge, said.judges)
        self.documents.add(event.rules)
        if event.type in PINS:
            self.documents |= {getattr(said, field) for field in PINS[event.type]} - {""}
        match event.type:
            case CycleOpened.__name__:
                self.found |= event.stream == names.cycle_stream(self.cycle)
            case TallySealed.__name__:
                self.ballots.add(event.data.ballot)
            case _:
                pass

    def sealed(self) -> dict[Place, str]:
        return self._sealing.sealed()


async def export(
    connection: asyncpg.Connection,
    cycle: str,
    file: BinaryIO,
    keys: Sequence[VerifierKey],
    histories: AsyncIterator[KeptHistory],
    *,
    whole: bool = False,
    certificates: Sequence[Certificate] = (),
) -> Exported:
    """Write the bundle of a cycle as of the newest checkpoint; the connection is a snapshot of the log.

    The log is verified first, time-stamps by `certificates`: Integrity for one that does not hold. `whole` shows
    every other cycle's events too. Refused NOT_FOUND without a checkpoint, or a cycle that it does not hold yet.
    """
    found = await verify_log(connection, _NEVER_LATE, keys, certificates=certificates)
    if found.newest is None:
        raise Refused("NOT_FOUND", what="checkpoint")
    gathered = await _gather(connection, cycle, found.newest.size, whole)
    notes = [_note(row) for row in await connection.fetch(statement("checkpoints"), 0, _ALL)]
    writer = BundleWriter(file, cycle=cycle, origin=found.newest.origin, whole=whole)
    await _write_log(connection, writer, gathered, found.newest.size)
    tallies = await connection.fetch(statement("sealed_tallies"), sorted(gathered.ballots))
    documents = [await _document(connection, pin) for pin in sorted(gathered.documents)]
    await _write_timestamps(connection, writer)
    await _write_histories(writer, histories)
    pinned = {*documents, *(bytes(row["rules"]) for row in tallies)}
    manifest = writer.finish(notes, pinned, [bytes(row["body"]) for row in tallies])
    closed = writer.size - writer.events - writer.withheld
    later = found.positions - writer.size
    return Exported(found.newest, writer.events, writer.withheld, closed, later, manifest)


async def _gather(connection: asyncpg.Connection, cycle: str, size: int, whole: bool) -> _Gathered:
    gathered = _Gathered(cycle, whole)
    async for row in _rows(connection, size):
        if gathered.shows(row["stream"]):
            gathered.take(row["body"])
    if not gathered.found:
        raise Refused("NOT_FOUND", what=names.cycle_stream(cycle))
    return gathered


async def _write_log(
    connection: asyncpg.Connection, writer: BundleWriter, gathered: _Gathered, size: int
) -> None:
    sealed = gathered.sealed()
    async for row in _rows(connection, size):
        writer.leaf(row["hash"])
        rule = sealed.get(Place(row["stream"], row["seq"]))
        if rule is not None:
            writer.withhold(row["stream"], row["seq"], _told(row["body"]).type, rule)
        elif gathered.shows(row["stream"]):
            writer.event(row["body"])


async def _rows(connection: asyncpg.Connection, size: int) -> AsyncIterator[asyncpg.Record]:
    """The first `size` events in their order."""
    for first in range(0, size, ROWS_AT_ONCE):
        limit = min(ROWS_AT_ONCE, size - first)
        for row in await connection.fetch(statement("bodies_in_order"), first, limit):
            yield row


def _note(row: asyncpg.Record) -> str:
    """A checkpoint's note with the lines of its witnesses."""
    lines = (parse_signature(line.rstrip("\n")) for line in row["lines"])
    return str(parse_note(row["note"].encode()).with_signatures(*lines))


async def _document(connection: asyncpg.Connection, pin: str) -> bytes:
    content = await connection.fetchval(statement("document"), bytes.fromhex(pin))
    if content is None:
        raise Integrity("LOG_BROKEN", stream=f"document/{pin}", seq=1, fault="it is not kept")
    return bytes(content)


async def _write_timestamps(connection: asyncpg.Connection, writer: BundleWriter) -> None:
    """Time-stamp tokens by day, a line each: size of the checkpoint, day, authority, base64 of the token."""
    rows = await connection.fetch(statement("timestamp_tokens"), date.min)
    lines = [f"{one['size']} {one['day']} {one['authority']} {encoded(one['token'])}\n" for one in rows]
    if lines:
        writer.file(TIMESTAMPS, "".join(lines).encode())


async def _write_histories(writer: BundleWriter, histories: AsyncIterator[KeptHistory]) -> None:
    """Archived runs, a line of JSON each, with Temporal's protobuf in base64."""
    lines: list[bytes] = []
    parts = 0
    async for one in histories:
        told = one.model_dump(exclude={"content"}) | {"content": b64encode(one.content).decode()}
        lines.append(canonical_bytes(told) + b"\n")
        if len(lines) == _HISTORIES_A_PART:
            parts += 1
            writer.file(f"histories/{parts:05}.txt", b"".join(lines))
            lines = []
    if lines:
        writer.file(f"histories/{parts + 1:05}.txt", b"".join(lines))
