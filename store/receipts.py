"""Proves one event: where it stands in the order, and the path from it to the root of a signed checkpoint."""

from __future__ import annotations

import asyncpg

from proof import merkle
from proof.checkpoint import Checkpoint, Receipt
from proof.merkle import Frontier
from proof.note import parse_note, parse_signature
from schemas.errors import Refused
from store.checkpoints import ROWS_AT_ONCE
from store.statements import statement


async def receipt_of(connection: asyncpg.Connection, stream: str, seq: int) -> Receipt:
    """The receipt of an event under the first checkpoint that holds it; Refused NOT_FOUND, NOT_SIGNED_YET."""
    position = await connection.fetchval(statement("position"), stream, seq)
    if position is None:
        raise Refused("NOT_FOUND", what=f"{stream}@{seq}")
    row = await connection.fetchrow(statement("checkpoint_holding"), position)
    if row is None:
        raise Refused("NOT_SIGNED_YET", stream=stream, seq=seq)
    ranges = merkle.inclusion_ranges(position - 1, row["size"])
    path = [await _root_over(connection, low, high) for low, high in ranges]
    lines = await connection.fetch(statement("cosignatures"), row["size"])
    seen = (parse_signature(line["line"].removesuffix("\n")) for line in lines)
    return Receipt(position - 1, tuple(path), parse_note(row["note"].encode()).with_signatures(*seen))


async def checkpoint_holding(connection: asyncpg.Connection, stream: str, seq: int) -> Checkpoint | None:
    """The first checkpoint whose tree holds an event; none while it is not signed."""
    position = await connection.fetchval(statement("position"), stream, seq)
    row = await connection.fetchrow(statement("checkpoint_holding"), position) if position else None
    return Checkpoint.parse(parse_note(row["note"].encode()).text) if row else None


async def _root_over(connection: asyncpg.Connection, low: int, high: int) -> bytes:
    frontier = Frontier()
    while low < high:
        rows = await connection.fetch(statement("leaf_hashes"), low, min(ROWS_AT_ONCE, high - low))
        frontier.extend(row["hash"] for row in rows)
        low += ROWS_AT_ONCE
    return frontier.root()
