"""A ballot paper, its receipt, and the bytes in which it is kept and hashed.

In the box a choice is two bytes, channel * 2048 + candidate, each called by its place in the rules; a paper is its id and
its minute of the day in Asia/Shanghai, 18 bytes. What is hashed is the hash of the rules, the day as four bytes counted
from 2000-01-01, the voter's token, the paper and its choices, all big-endian.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import NamedTuple

import msgspec

from schemas.errors import Refused
from schemas.traces import NO_TRACE, PaperTrace

PAPER_BYTES = 18
EPOCH = date(2000, 1, 1)
_MIDNIGHT = datetime(
    1999, 12, 31, 16, tzinfo=UTC
)  # of the epoch's first day in Shanghai, which has no summer time
_RECEIPT_BYTES = 19


class Paper(NamedTuple):
    """One paper as it is handed in.

    `voter` is a 16-byte token that tells nothing of a person. `paper_id` is 16 random bytes chosen by the voter's side:
    it makes a retry the same paper, and it is the secret that keeps leaf and receipt from telling the choice.
    `choices` index the ballot's candidates, from 0. `received_at` is the door's stamp, aware; the box keeps its minute.
    `day` is the day for which it is handed in, counted from `EPOCH`, or None for that of `received_at`: on another day it
    is looked for and never taken, and so a retry over midnight counts once. `trace` is kept for a while where the programme has rules against stuffing.
    """

    ballot: str
    voter: bytes
    paper_id: bytes
    choices: tuple[int, ...]
    channel: str
    received_at: datetime
    trace: PaperTrace = NO_TRACE
    day: int | None = None


class PaperReceipt(msgspec.Struct, frozen=True, gc=False):
    """A paper is in the box for good. `id` is public and tells no choice; `leaf` is in hex; `repeated`: it was there."""

    ballot: str
    id: str
    leaf: str
    repeated: bool = False


class Place(NamedTuple):
    """Where a paper is: the ballot's day (its sheet), the voter, and which of the voter's papers of that day, from 0."""

    sheet: int
    voter: bytes
    slot: int


def token(name: str) -> bytes:
    """The 16 bytes that stand for a voter or a paper named at a terminal: 32 hex digits as they are, else a hash."""
    try:
        given = bytes.fromhex(name)
    except ValueError:
        given = b""
    return given if len(given) == 16 else sha256(name.encode()).digest()[:16]


def day_and_minute(moment: datetime) -> tuple[int, int]:
    """The day in Shanghai, counted from `EPOCH`, and the minute of that day."""
    passed = moment - _MIDNIGHT
    return passed.days, passed.seconds // 60


def day_date(day: int) -> date:
    """The date of a day counted from `EPOCH`."""
    return EPOCH + timedelta(days=day)


def day_begin(day: int) -> datetime:
    """The first instant of a day counted from `EPOCH`."""
    return _MIDNIGHT + timedelta(days=day)


def day_number(day: date) -> int:
    """The day counted from `EPOCH`."""
    return (day - EPOCH).days


def leaf_head(rules_hash: bytes, day: int) -> bytes:
    """What the leaves of one ballot and day begin with; a leaf is SHA-256(head ‖ voter ‖ paper ‖ choices)."""
    return b"\x00" + rules_hash + day.to_bytes(4, "big", signed=True)


def split_row(papers: bytes, choices: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The papers of a voter's day, each with its choices; ValueError if the row is not made of whole papers."""
    if len(papers) % (PAPER_BYTES + 1) != PAPER_BYTES or len(choices) % 2:
        raise ValueError("the row is not made of whole papers")
    first = 0
    for at in range(0, len(papers), PAPER_BYTES + 1):
        end = at + PAPER_BYTES
        after = 2 * papers[end] if end < len(papers) else len(choices)
        if after <= first:
            raise ValueError("a paper has no choices")
        yield papers[at:end], choices[first:after]
        first = after


def candidates_of(choices: bytes) -> list[int]:
    """Which candidates are chosen."""
    return [(choices[at] & 7) << 8 | choices[at + 1] for at in range(0, len(choices), 2)]


def channel_of(choices: bytes) -> int:
    """The channel by which a paper with these choices came."""
    return choices[0] >> 3


def receipt_id(place: Place) -> str:
    """The public name of a place in the box."""
    return (place.sheet.to_bytes(2, "big") + place.voter + place.slot.to_bytes(1, "big")).hex()


def place_of(receipt: str) -> Place:
    """The place that a receipt names; raises `Refused(NOT_FOUND)` for what is no receipt."""
    try:
        raw = bytes.fromhex(receipt)
    except ValueError:
        raw = b""
    if len(raw) != _RECEIPT_BYTES or raw[0] > 127:
        raise Refused("NOT_FOUND", what=f"receipt {receipt}")
    return Place(int.from_bytes(raw[:2], "big"), raw[2:18], raw[18])
