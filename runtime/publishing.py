"""Carries the signed log out of the database: static tiles and a checkpoint in a folder, cosigned by witnesses.

Whoever mirrors the folder, or runs a witness, can tell later whether the database still holds the same log. Hashes
are published always, events only if asked: among them are marks that are sealed until their panel closes.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path

import asyncpg
import structlog

from proof import tiles
from proof.checkpoint import Checkpoint, verified
from proof.note import KeyKind, Note, NoteError, Signature, VerifierKey, parse_note
from proof.tiles import CHECKPOINT, TIMESTAMP, WIDTH, File, Tiles
from runtime.reading import reader
from runtime.witnesses import Witness, WitnessRefused
from schemas.errors import Integrity, Unavailable
from store.checkpoints import ROWS_AT_ONCE, checked_row, leaf_of
from store.pausing import pause
from store.pool import connection_to
from store.statements import lost_server_is_unavailable, statement

PUBLISH_EVERY_SECONDS = 2.0
_log = structlog.get_logger()


class Publisher:
    """Brings a folder up to the newest checkpoint; `keys` are the log's and its witnesses'.

    `dsn` is the sequencer's where cosignatures shall be kept, otherwise any that reads the log.
    """

    def __init__(
        self,
        dsn: str,
        folder: Path,
        keys: Sequence[VerifierKey],
        witnesses: Iterable[str] = (),
        entries: bool = False,
    ) -> None:
        self._dsn = dsn
        self._folder = folder
        self._log_keys = [key for key in keys if key.kind is KeyKind.LOG]
        witness_keys = [key for key in keys if key.kind.is_witness]
        self._witnesses = [Witness(url, witness_keys) for url in witnesses]
        self._entries = entries
        self._read = reader(str(folder))
        self._stamped = date.min

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set, through losses of the server; Integrity ends it."""
        while not stop.is_set():
            try:
                await self.step()
            except Unavailable as fault:
                if fault.code != "PUBLISHING":  # several workers may run, and one of them publishes
                    _log.warning("publishing_waits", folder=str(self._folder), fault=str(fault))
            await pause(stop, PUBLISH_EVERY_SECONDS)

    async def step(self) -> Checkpoint | None:
        """Publish the newest checkpoint; the one that is published afterwards, none while nothing is signed.

        Raises Integrity LOG_DIFFERS if the log does not extend what is published; Unavailable PUBLISHING if another
        process publishes there, STORE_UNAVAILABLE if the server is away, FOLDER_AWAY if the folder is. What a witness
        refuses is not published: the checkpoint before it stays.
        """
        with lost_server_is_unavailable(), _lost_folder_is_unavailable(self._folder):
            self._folder.mkdir(parents=True, exist_ok=True)
            with _alone(self._folder):
                async with connection_to(self._dsn) as connection:
                    return await self._publish(connection)

    async def _publish(self, connection: asyncpg.Connection) -> Checkpoint | None:
        row = await connection.fetchrow(statement("newest_checkpoint"))
        if row is None:
            return None
        new, before = checked_row(row, self._log_keys), published(self._folder, self._log_keys)
        old = before[0].size if before else 0
        note = parse_note(row["note"].encode())
        if before and (new.size, new.root) == (old, before[0].root):
            note = note.with_signatures(*before[1].signatures)
        else:
            await self._grow(connection, old, new)
        try:
            note = note.with_signatures(*await self._cosigned(connection, note, new.size))
        except WitnessRefused as refused:
            _log.error("witness_refuses", size=new.size, said=str(refused))
            return before[0] if before else None
        if before is None or str(note) != str(before[1]):
            _write(self._folder, File(CHECKPOINT, str(note).encode()))
        await self._carry_tokens(connection, new.size)
        return new

    async def _carry_tokens(self, connection: asyncpg.Connection, size: int) -> None:
        """Each time-stamp token up to that size, with the checkpoint that it is of; those of earlier days are there."""
        for row in await connection.fetch(statement("timestamp_tokens"), self._stamped):
            place = f"timestamp/{row['day']}/{row['authority']}"
            if row["note"] is None or row["size"] > size:
                continue
            if not (self._folder / place / TIMESTAMP).exists():
                _write(self._folder, File(f"{place}/{CHECKPOINT}", row["note"].encode()))
                _write(self._folder, File(f"{place}/{TIMESTAMP}", row["token"]))
            self._stamped = row["day"] - timedelta(days=1)  # what was asked before midnight may come after it

    async def _grow(self, connection: asyncpg.Connection, old: int, new: Checkpoint) -> None:
        """Write the tiles of the new tree, which must extend the old one."""
        if new.size < old:
            raise _differs(new.size + 1, f"of {old} published positions {new.size} are left")
        grown = Tiles.resumed(old, self._read)
        start = old // WIDTH * WIDTH if self._has_entries() else 0
        bodies: list[bytes] = []
        async for index, body, leaf in _rows(connection, min(start, old), new.size):
            if index >= old:
                _write_full(self._folder, grown.append(leaf))
            bodies.append(body)
            if len(bodies) == WIDTH:
                self._write_bundle(index, bodies)
                bodies = []
        self._write_bundle(new.size - 1, bodies)
        if grown.frontier().root() != new.root:
            raise _differs(1, f"the published {old} positions do not lead to the checkpoint at {new.size}")
        for file in grown.partials():
            _write(self._folder, file)

    def _has_entries(self) -> bool:
        """Whether bundles are there up to the published checkpoint, or none are wanted."""
        return not self._entries or (self._folder / "tile" / "entries").exists()

    def _write_bundle(self, last: int, bodies: list[bytes]) -> None:
        if self._entries and bodies:
            level, content = tiles.bundle(bodies)
            _write_full(self._folder, [File(tiles.tile_path(level, last // WIDTH, len(bodies)), content)])

    async def _cosigned(self, connection: asyncpg.Connection, note: Note, size: int) -> list[Signature]:
        """What the witnesses that have not signed yet say now; kept in the log's database too."""
        there = {one.name for one in note.signatures}
        asked = [one for one in self._witnesses if not one.names & there]
        answers = await asyncio.gather(
            *(one.cosign(note, size, self._read) for one in asked), return_exceptions=True
        )
        found: list[Signature] = []
        for witness, answer in zip(asked, answers, strict=True):
            if isinstance(answer, OSError | NoteError):
                _log.warning("witness_away", witness=witness.url, size=size, fault=str(answer))
            elif isinstance(answer, BaseException):
                raise answer
            else:
                found += answer
        for one in found:
            await connection.execute(statement("add_cosignature"), size, one.name, str(one))
        return found


def published(folder: Path, keys: Sequence[VerifierKey]) -> tuple[Checkpoint, Note] | None:
    """The checkpoint in a folder and its note, none where nothing is published yet; Integrity CHECKPOINT_BAD."""
    file = folder / CHECKPOINT
    if not file.exists():
        return None
    try:
        note = parse_note(file.read_bytes())
        return (verified(note, keys) if keys else Checkpoint.parse(note.text)), note
    except NoteError as fault:
        raise Integrity("CHECKPOINT_BAD", source=file, fault=fault) from fault


async def _rows(
    connection: asyncpg.Connection, first: int, end: int
) -> AsyncIterator[tuple[int, bytes, bytes]]:
    """Index, body and leaf hash of what stands there in the order."""
    while first < end:
        rows = await connection.fetch(statement("bodies_in_order"), first, min(ROWS_AT_ONCE, end - first))
        if not rows:
            raise _differs(first + 1, f"positions {first + 1} to {end} are missing")
        for row in rows:
            yield first, row["body"], leaf_of(row, first)
            first += 1


def _differs(position: int, fault: str) -> Integrity:
    return Integrity("LOG_DIFFERS", position=position, source="the published log", fault=fault)


def _write_full(folder: Path, files: Iterable[File]) -> None:
    """Write tiles; a full one takes the place of its partial ones."""
    for file in files:
        _write(folder, file)
        shutil.rmtree(folder / f"{file.path}.p", ignore_errors=True)


def _write(folder: Path, file: File) -> None:
    """Replace a file at once, and for good."""
    path = folder / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    with fresh.open("wb") as opened:
        opened.write(file.content)
        opened.flush()
        os.fsync(opened.fileno())
    fresh.replace(path)


@contextmanager
def _lost_folder_is_unavailable(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as fault:
        if fault.filename is None:  # of a connection, not of a file
            raise
        raise Unavailable("FOLDER_AWAY", place=folder, fault=fault) from fault


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    with (folder / ".lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unavailable("PUBLISHING", place=folder) from None
        yield
