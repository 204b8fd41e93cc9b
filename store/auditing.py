"""Reads the whole log once, in its order, and checks all that hashes and signatures can prove of it.

Each body has its hash, each stream its chain and its head, the order no hole, no event is left out for long, each
checkpoint is signed and is the root of the log at its size, and so is each anchor: a root that somebody outside
the database has kept. Memory grows with the number of streams, not of events.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

import asyncpg
import msgspec
from cryptography.x509 import Certificate

from proof import merkle
from proof.checkpoint import Checkpoint
from proof.merkle import Frontier
from proof.note import KeyKind, NoteError, VerifierKey, parse_note, parse_signature
from schemas.errors import Integrity
from schemas.ledger import GENESIS
from store.checkpoints import ROWS_AT_ONCE, checked_row
from store.pool import connection_to
from store.statements import statement
from store.timestamps import Timestamp, kept_timestamps

OVERDUE = timedelta(seconds=60)
_START = (0, bytes.fromhex(GENESIS))


class Anchor(NamedTuple):
    """What is known of the log from elsewhere: a root, and perhaps every leaf hash below it."""

    source: str
    size: int
    root: bytes
    leaves: Callable[[], Iterable[bytes]] | None = None
    outside: bool = True


class Verified(NamedTuple):
    """What was found in order: counts, the newest checkpoint, and the root over all positions.

    `cosignatures` counts each witness once for each checkpoint, whether it signed with one key or two. `timestamps` are
    what authorities signed only where certificates were given.
    """

    events: int
    streams: int
    positions: int
    checkpoints: int
    cosignatures: int
    timestamps: tuple[Timestamp, ...]
    newest: Checkpoint | None
    root: bytes


@asynccontextmanager
async def snapshot(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection that sees the log as it is now and goes on seeing it so; Unavailable STORE_UNAVAILABLE."""
    async with (
        connection_to(dsn) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        yield connection


async def verify_log(
    connection: asyncpg.Connection,
    now: datetime,
    keys: Sequence[VerifierKey] = (),
    anchors: Iterable[Anchor] = (),
    certificates: Sequence[Certificate] = (),
) -> Verified:
    """Check the log as this transaction sees it; the caller is in one, of repeatable read if others write.

    `keys` are the log's and its witnesses'; without a log's key, signatures are not checked. `certificates` are those to
    which time-stamps must lead; without any, whose they are is not checked. Integrity: LOG_BROKEN, LOG_DIFFERS,
    LOG_OVERDUE, LOG_UNSIGNED, CHECKPOINT_BAD, TIMESTAMP_BAD, each with where it begins.
    """
    walk = _Walk(keys, anchors)
    try:
        await _follow(connection, walk)
    except _Differs as found:
        raise await _located(connection, found) from None
    unplaced = await _meet_heads(connection, walk, now)
    await _count(connection, walk, unplaced)
    await _read_documents(connection)
    walk.refuse_unsigned(now)
    return Verified(
        events=walk.frontier.size + unplaced,
        streams=len(walk.heads),
        positions=walk.frontier.size,
        checkpoints=walk.checkpoints,
        cosignatures=walk.cosignatures,
        timestamps=await kept_timestamps(connection, certificates),
        newest=walk.newest,
        root=walk.frontier.root(),
    )


class _Said(msgspec.Struct):
    """What an event's body says that its row says too, and when it was recorded; the rest of it is not read."""

    stream: str
    seq: int
    prev: str
    recorded: datetime
    cmd: str
    ord: int
    type: str


_said = msgspec.json.Decoder(_Said).decode


class _Differs(Exception):
    """The log has another root than an anchor; up to `agreed` positions it is known to be as it was."""

    def __init__(self, anchor: Anchor, agreed: int, there: int) -> None:
        self.anchor, self.agreed, self.there = anchor, agreed, there


class _Walk:
    """The log as far as it was read: the tree's edge, each stream's last event, what is still to be met."""

    def __init__(self, keys: Sequence[VerifierKey], anchors: Iterable[Anchor]) -> None:
        self.log_keys = tuple(key for key in keys if key.kind is KeyKind.LOG)
        self.witnesses = tuple(key for key in keys if key.kind.is_witness)
        self.ahead = deque(sorted(anchors, key=lambda one: one.size))
        self.frontier = Frontier()
        self.heads: dict[str, tuple[int, bytes]] = {}
        self.newest: Checkpoint | None = None
        self.waiting_since: datetime | None = None
        self.checkpoints = self.cosignatures = self.agreed = self.agreed_outside = 0

    def take_page(self, rows: Iterable[asyncpg.Record], checkpoints: Iterable[asyncpg.Record]) -> None:
        """Follow the order over these rows, and meet every checkpoint and anchor where it stands."""
        frontier, marks = self.frontier, deque(map(self._read_checkpoint, checkpoints))
        due, leaves = self._due(marks), list[bytes]()
        for at, row in enumerate(rows, start=frontier.size):
            if at == due:
                frontier.extend(leaves)
                due, leaves = self._meet(marks), []
            leaves.append(self._take(at, *row))
        frontier.extend(leaves)
        if frontier.size == due:
            self._meet(marks)

    def end(self) -> None:
        """Nothing may be known beyond the last row."""
        for anchor in self.ahead:
            raise self._differs(anchor)

    def follow_chain(
        self, stream: str, seq: int, body: bytes, prev: bytes, hash_: bytes, *named: object
    ) -> _Said:
        """One more event of its stream; LOG_BROKEN if its bytes or its place are not what the rows say."""
        if sha256(b"\x00" + body).digest() != hash_:
            raise _broken(stream, seq, "the body does not have the kept hash")
        try:
            said = _said(body)
        except msgspec.DecodeError as fault:
            raise _broken(stream, seq, "the body is not an event") from fault
        if (said.stream, said.seq, said.prev) != (stream, seq, prev.hex()):
            raise _broken(stream, seq, "the body belongs to another place in the log")
        if (
            said.cmd,
            said.ord,
            said.type,
        ) != named:  # by which a repeated command is known, and triggers fire
            raise _broken(stream, seq, "the row names another command or type than its body")
        last, head = self.heads.get(stream, _START)
        if seq != last + 1:
            raise _broken(stream, last + 1, "the event is not in its place in the order")
        if prev != head:
            raise _broken(stream, seq, "the previous hash is another")
        self.heads[stream] = seq, hash_
        return said

    def refuse_unsigned(self, now: datetime) -> None:
        """LOG_UNSIGNED, if an event that was recorded long ago is below no checkpoint."""
        if self.log_keys and self.waiting_since is not None and self.waiting_since < now - OVERDUE:
            size = self.newest.size if self.newest else 0
            raise Integrity("LOG_UNSIGNED", position=size + 1, seconds=int(OVERDUE.total_seconds()))

    def _take(
        self,
        at: int,
        idx: int,
        stream: str,
        seq: int,
        body: bytes | None,
        prev: bytes,
        hash_: bytes,
        *named: object,
    ) -> bytes:
        """The leaf of the row that must be number `at`."""
        if idx != at:
            raise _broken(stream, seq, f"the global order has a hole at position {at + 1}")
        if body is None:
            raise _broken(stream, seq, f"the event of position {at + 1} is missing")
        said = self.follow_chain(stream, seq, body, prev, hash_, *named)
        if self.waiting_since is None:
            self.waiting_since = said.recorded
        return hash_

    def _due(self, marks: deque[Anchor]) -> int:
        return min(line[0].size for line in (marks, self.ahead, (_NEVER,)) if line)

    def _meet(self, marks: deque[Anchor]) -> int:
        """Compare the tree with all that is known of it at this size; the next size to stop at."""
        size, root = self.frontier.size, self.frontier.root()
        for line in (self.ahead, marks):
            while line and line[0].size == size:
                anchor = line.popleft()
                if anchor.root != root:
                    raise self._differs(anchor)
                self._agree(anchor)
        return self._due(marks)

    def _differs(self, anchor: Anchor) -> _Differs:
        """What agreed inside the database says nothing against an anchor outside it."""
        agreed = self.agreed_outside if anchor.outside else self.agreed
        return _Differs(anchor, agreed, self.frontier.size)

    def _agree(self, anchor: Anchor) -> None:
        self.agreed = anchor.size
        if anchor.outside:
            self.agreed_outside = anchor.size
        else:
            self.checkpoints += 1
            self.newest = Checkpoint(anchor.source, anchor.size, anchor.root)
            self.waiting_since = None

    def _read_checkpoint(self, row: asyncpg.Record) -> Anchor:
        """A kept checkpoint as something to be met; CHECKPOINT_BAD for a bad signature below it."""
        found = checked_row(row, self.log_keys)
        note = parse_note(row["note"].encode())
        try:
            seen = note.with_signatures(*map(parse_signature, (line.rstrip("\n") for line in row["lines"])))
            self.cosignatures += len({key.name for key in self.witnesses if seen.signed_by(key)})
        except NoteError as fault:
            raise Integrity("CHECKPOINT_BAD", source=f"position {row['size']}", fault=fault) from fault
        return Anchor(found.origin, found.size, found.root, outside=False)


_NEVER = Anchor("", 2**63, b"")


async def _follow(connection: asyncpg.Connection, walk: _Walk) -> None:
    """Every page of the order; the next one is fetched while one is checked."""
    rows = await _page(connection, 0)
    while rows:
        first, end = walk.frontier.size, walk.frontier.size + len(rows)
        checkpoints = await connection.fetch(statement("checkpoints"), first, end)
        coming = asyncio.create_task(_page(connection, end))
        await asyncio.sleep(0)  # so that it is asked for before this one is worked through
        try:
            walk.take_page(rows, checkpoints)
        finally:
            rows = await coming
    for row in await connection.fetch(statement("checkpoints"), walk.frontier.size, _NEVER.size - 1):
        walk.ahead.append(Anchor(f"checkpoint {row['size']}", row["size"], row["root"], outside=False))
    walk.end()


async def _page(connection: asyncpg.Connection, first: int) -> list[asyncpg.Record]:
    rows: list[asyncpg.Record] = await connection.fetch(statement("bodies_in_order"), first, ROWS_AT_ONCE)
    return rows


async def _located(connection: asyncpg.Connection, found: _Differs) -> Integrity:
    """Where the log begins to be another: the very position if the anchor has leaves, else as near as roots tell."""
    anchor, there = found.anchor, found.there
    position, last = found.agreed + 1, anchor.size
    fault = f"the root over {last} is another: the change lies in positions {position} to {last}"
    if there < last:
        fault = f"of {last} positions {there} are left"
    leaves = list(anchor.leaves()) if anchor.leaves is not None else []
    if merkle.root(leaves) == anchor.root:
        position = await _first_difference(connection, leaves)
        fault = "another event stands there" if position <= there else f"all from there to {last} is missing"
    source = anchor.source if anchor.outside else f"checkpoint {anchor.size}"
    return Integrity("LOG_DIFFERS", position=position, source=source, fault=fault)


async def _first_difference(connection: asyncpg.Connection, leaves: Iterable[bytes]) -> int:
    """The first position whose hash is not the one that was published."""
    ours: deque[bytes | None] = deque()
    for index, leaf in enumerate(leaves):
        if not ours:
            rows = await connection.fetch(statement("leaf_hashes"), index, ROWS_AT_ONCE)
            ours.extend(row["hash"] for row in rows)
        if not ours or ours.popleft() != leaf:
            return index + 1
    raise AssertionError("another root over the same leaves")


async def _meet_heads(connection: asyncpg.Connection, walk: _Walk, now: datetime) -> int:
    """Each stream ends at its head, events that wait for their place included; how many of those there are."""
    met, unplaced, after = 0, 0, ""
    while rows := await connection.fetch(statement("all_heads"), after, ROWS_AT_ONCE):
        for stream, seq, hash_ in rows:
            reached, _ = walk.heads.get(stream, _START)
            if reached < seq:
                unplaced += await _follow_tail(connection, walk, stream, reached, now)
            if walk.heads.get(stream, _START) != (seq, hash_):
                raise _broken(stream, seq, "the stream does not end at its head")
        met, after = met + len(rows), rows[-1]["stream"]
    if met != len(walk.heads):
        raise _broken("*", met, f"there are {len(walk.heads)} streams and {met} heads")
    return unplaced


async def _follow_tail(
    connection: asyncpg.Connection, walk: _Walk, stream: str, reached: int, now: datetime
) -> int:
    """Events without a place yet: young ones may be, LOG_OVERDUE for others."""
    rows = await connection.fetch(statement("tail"), stream, reached)
    for row in rows:
        said = walk.follow_chain(*row)
        if said.recorded < now - OVERDUE:
            seconds = int(OVERDUE.total_seconds())
            raise Integrity("LOG_OVERDUE", stream=stream, seq=row["seq"], seconds=seconds)
    return len(rows)


async def _count(connection: asyncpg.Connection, walk: _Walk, unplaced: int) -> None:
    """No row beside those that were read."""
    found = (await connection.fetch(statement("log_counts")))[0]
    placed = walk.frontier.size
    if (found["events"], found["leaves"]) != (placed + unplaced, placed):
        fault = (
            f"{found['events']} events and {found['leaves']} places, read {placed + unplaced} and {placed}"
        )
        raise _broken("*", placed, fault)


async def _read_documents(connection: asyncpg.Connection) -> None:
    """Each document has the hash under which events name it."""
    async for row in connection.cursor(statement("documents")):
        if sha256(row["content"]).digest() != row["hash"]:
            raise _broken(f"document/{row['hash'].hex()}", 1, "other bytes")


def _broken(stream: str, seq: int, fault: str) -> Integrity:
    return Integrity("LOG_BROKEN", stream=stream, seq=seq, fault=fault)
