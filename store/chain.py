"""Checks of kept bytes while they are read: each body against its hash, each event against the one before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from schemas.canonical import leaf_hash, open_event
from schemas.errors import Conflict, Integrity
from schemas.ledger import Head, Receipt, RecordedEvent


class KeptEvent(NamedTuple):
    """An event's row: its place, its bytes, and the hashes kept beside them (hex)."""

    stream: str
    seq: int
    body: bytes
    prev: str
    hash: str


def open_kept(kept: KeptEvent, position: int | None = None) -> RecordedEvent:
    """Open one row whose bytes must be those that its columns speak of."""
    if leaf_hash(kept.body) != kept.hash:
        raise _broken(kept.stream, kept.seq, "the body does not have the kept hash")
    event = open_event(kept.body, position=position)
    if (event.stream, event.seq, event.prev) != (kept.stream, kept.seq, kept.prev):
        raise _broken(kept.stream, kept.seq, "the body belongs to another place in the log")
    return event


def open_chain(
    stream: str, seq: int, prev: str | None, rows: Iterable[KeptEvent], head: Head
) -> tuple[RecordedEvent, ...]:
    """Open a stream's rows after `seq`, whose hash is `prev` where it is known; they must reach the head without a gap."""
    after, events = seq, list[RecordedEvent]()
    for kept in rows:
        event = open_kept(kept)
        if event.seq != seq + 1:
            raise _broken(stream, seq + 1, "the event is missing")
        if prev is not None and event.prev != prev:
            raise _broken(stream, event.seq, "the previous hash is another")
        seq, prev = event.seq, event.hash
        events.append(event)
    if seq != max(head.seq, after) or (events and prev != head.hash):
        raise _broken(stream, head.seq, "the stream does not end at its head")
    return tuple(events)


def as_receipt(events: tuple[RecordedEvent, ...], payload_hash: str) -> Receipt | None:
    """The receipt of a command from the events found under its id; Conflict `KEY_REUSED` for other content."""
    if not events:
        return None
    last = events[-1]
    if last.payload_hash != payload_hash:
        raise Conflict("KEY_REUSED", command_id=last.command_id, stream=last.stream)
    head = Head(seq=last.seq, hash=last.hash)
    return Receipt(stream=last.stream, command_id=last.command_id, head=head, events=events, repeated=True)


def _broken(stream: str, seq: int, fault: str) -> Integrity:
    return Integrity("LOG_BROKEN", stream=stream, seq=seq, fault=fault)
