"""The log in its global order, page by page, as every audit reads it; and what has no place in the order yet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from datetime import UTC, datetime

from schemas.ledger import RecordedEvent
from store.contract import EventStore

DIGITS_MAX = 18
"""Of a position or number in a stream: what has more is above any that Postgres counts to."""
_EVENTS_AT_ONCE = 2000
_EVER = datetime.max.replace(tzinfo=UTC)


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


async def young(store: EventStore, concerns: Callable[[str], bool]) -> tuple[RecordedEvent, ...]:
    """What is written to these streams and has no place yet. Ask before the order is read, and join: nothing slips between."""
    return tuple(event for event in await store.overdue(_EVER) if concerns(event.stream))


def joined(found: Sequence[RecordedEvent], young: Iterable[RecordedEvent]) -> tuple[RecordedEvent, ...]:
    """What was found in the order, then what was young before and has not been found in it."""
    known = {(event.stream, event.seq) for event in found}
    return (*found, *(event for event in young if (event.stream, event.seq) not in known))
