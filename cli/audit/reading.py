"""The log in its global order, page by page, as every audit reads it."""

from __future__ import annotations

from collections.abc import AsyncIterator

from schemas.ledger import RecordedEvent
from store.contract import EventStore

_EVENTS_AT_ONCE = 2000


async def in_order(store: EventStore) -> AsyncIterator[tuple[RecordedEvent, ...]]:
    """Pages of events, each page a tuple, from position 1 on."""
    position = 0
    while events := await store.read_all(position, _EVENTS_AT_ONCE):
        yield events
        position += len(events)
