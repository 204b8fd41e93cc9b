"""The log in its global order, page by page, as every audit reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from schemas.ledger import RecordedEvent
from store.contract import EventStore

_EVENTS_AT_ONCE = 2000


async def in_order(store: EventStore, last: int | None = None) -> AsyncIterator[tuple[RecordedEvent, ...]]:
    """Pages of events, each page a tuple, from position 1 on; up to a position, if one is given."""
    position = 0
    while position != last:
        size = _EVENTS_AT_ONCE if last is None else min(_EVENTS_AT_ONCE, last - position)
        events = await store.read_all(position, size)
        if not events:
            return
        yield events
        position += len(events)
