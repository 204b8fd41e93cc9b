"""Signs the tree over the log, and only ever extends what it signed last.

What is signed is computed from bodies that are read again after their commit and hashed again. Several signers may
run: each starts from the newest signed tree, and only one extends it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg

from proof import merkle
from proof.checkpoint import Checkpoint, verified
from proof.merkle import Frontier
from proof.note import NoteError, SigningKey, VerifierKey, parse_note
from schemas.errors import Integrity
from store.pausing import pause
from store.statements import server_is_away, statement

SIGN_EVERY_SECONDS = 2.0
ROWS_AT_ONCE = 2000


class CheckpointSigner:
    """Signs as `key.verifier.name`, the log's origin; `trusted` also has keys that signed before this one.

    `published` is a checkpoint of ours that somebody outside the database keeps: what is signed extends it too.
    """

    def __init__(
        self,
        dsn: str,
        key: SigningKey,
        trusted: Sequence[VerifierKey] = (),
        published: Checkpoint | None = None,
    ) -> None:
        self._dsn = dsn
        self._key = key
        self._trusted = (key.verifier, *trusted)
        self._published = published
        self._connection: asyncpg.Connection | None = None
        self._signed = Frontier()

    async def run(self, stop: asyncio.Event) -> None:
        """Sign until `stop` is set, through losses of the server; Integrity ends it."""
        try:
            while not stop.is_set():
                try:
                    await self.step()
                except Exception as fault:
                    if not server_is_away(fault):
                        raise
                    self._drop_connection()
                await pause(stop, SIGN_EVERY_SECONDS)
        finally:
            await self.close()

    async def step(self) -> Checkpoint | None:
        """Sign what has come since the last checkpoint; none if nothing has, or another signer was faster.

        Raises Integrity LOG_BROKEN, LOG_DIFFERS or CHECKPOINT_BAD if the log is not what was signed before.
        """
        connection = await self._connected()
        await self._reach_published(connection)
        await self._reach_newest(connection)
        grown = self._signed.copy()
        await extend(connection, grown)
        if grown.size == self._signed.size:
            return None
        made = Checkpoint(self._key.verifier.name, grown.size, grown.root())
        row = (made.size, made.root, str(made.signed(self._key)), self._signed.size)
        if await connection.fetchval(statement("add_checkpoint"), *row) is None:
            return None
        self._signed = grown
        return made

    async def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            await self._connection.close()
            self._connection = None

    async def _reach_published(self, connection: asyncpg.Connection) -> None:
        if self._published is not None:
            await self._reach(connection, self._published, "the published checkpoint", Frontier())
            self._published = None

    async def _reach_newest(self, connection: asyncpg.Connection) -> None:
        newest = await connection.fetchrow(statement("newest_checkpoint"))
        size = newest["size"] if newest else 0
        if size < self._signed.size:
            fault = f"of {self._signed.size} signed positions {size} are left"
            raise Integrity("LOG_DIFFERS", position=size + 1, source="the last checkpoint", fault=fault)
        if newest is not None and size > self._signed.size:
            known = checked_row(newest, self._trusted)
            self._signed = await self._reach(connection, known, f"checkpoint {size}", self._signed)

    async def _reach(
        self, connection: asyncpg.Connection, known: Checkpoint, source: str, start: Frontier
    ) -> Frontier:
        """The tree of the log at the size of `known`, which must have its root."""
        reached = start.copy()
        await extend(connection, reached, known.size)
        fault = ""
        if reached.size < known.size:
            fault = f"of {known.size} positions {reached.size} are left"
        elif reached.root() != known.root:
            fault = f"the root over {known.size} is another"
        if fault:
            raise Integrity("LOG_DIFFERS", position=start.size + 1, source=source, fault=fault)
        return reached

    async def _connected(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._dsn)
        return self._connection

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


async def extend(connection: asyncpg.Connection, frontier: Frontier, size: int | None = None) -> None:
    """Add the log's leaves, hashed anew from their bodies, up to `size` or the end; Integrity LOG_BROKEN."""
    while size is None or frontier.size < size:
        limit = ROWS_AT_ONCE if size is None else min(ROWS_AT_ONCE, size - frontier.size)
        rows = await connection.fetch(statement("bodies_in_order"), frontier.size, limit)
        frontier.extend([leaf_of(row, index) for index, row in enumerate(rows, frontier.size)])
        if len(rows) < limit:
            return


def leaf_of(row: asyncpg.Record, index: int) -> bytes:
    """The leaf hash of a row of the order, from its bytes; Integrity LOG_BROKEN if it is not the one at `index`."""
    fault = ""
    if row["idx"] != index:
        fault = f"the global order has a hole at position {index + 1}"
    elif row["body"] is None:
        fault = f"the event of position {index + 1} is missing"
    elif (found := merkle.leaf(row["body"])) != row["hash"]:
        fault = f"position {index + 1}: the body does not have the kept hash"
    else:
        return found
    raise Integrity("LOG_BROKEN", stream=row["stream"], seq=row["seq"], fault=fault)


def checked_row(row: asyncpg.Record, keys: Sequence[VerifierKey]) -> Checkpoint:
    """The checkpoint that a row keeps, signed by one of `keys` (by anybody, if there are none); CHECKPOINT_BAD."""
    try:
        note = parse_note(row["note"].encode())
        found = verified(note, keys) if keys else Checkpoint.parse(note.text)
    except NoteError as fault:
        raise Integrity("CHECKPOINT_BAD", source=f"position {row['size']}", fault=fault) from fault
    if (found.size, found.root) != (row["size"], row["root"]):
        raise Integrity("CHECKPOINT_BAD", source=f"position {row['size']}", fault="its row says otherwise")
    return found
