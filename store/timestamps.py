"""The time-stamp tokens that are kept beside their checkpoints: what each says, and whether it holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

import asyncpg
from cryptography.x509 import Certificate

from proof.note import parse_note
from proof.timestamp import TimestampError, claimed_time, verified_time
from schemas.errors import Integrity
from store.statements import statement


class Timestamp(NamedTuple):
    """What a token says of the checkpoint at `size`; day and authority are the publisher's word."""

    day: date
    authority: str
    size: int
    time: datetime


async def kept_timestamps(
    connection: asyncpg.Connection, roots: Sequence[Certificate]
) -> tuple[Timestamp, ...]:
    """What every kept token says, by day; without `roots` it is their own word. Integrity TIMESTAMP_BAD names the first."""
    rows = connection.cursor(statement("timestamp_tokens"), date.min)
    return tuple([_read(row, roots) async for row in rows])


def _read(row: asyncpg.Record, roots: Sequence[Certificate]) -> Timestamp:
    place = row["day"], row["authority"], row["size"]
    try:
        if row["note"] is None:
            raise TimestampError("its checkpoint is missing")
        text = parse_note(row["note"].encode()).text
        time = verified_time(row["token"], text, roots) if roots else claimed_time(row["token"], text)
    except ValueError as fault:
        named = dict(zip(("day", "authority", "size"), place, strict=True))
        raise Integrity("TIMESTAMP_BAD", **named, fault=fault) from fault
    return Timestamp(*place, time)
