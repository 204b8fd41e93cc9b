"""The log's rows as they are kept, in global order, unopened: for whoever checks all of them or hands them on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from proof.stream import LogStream, Row, SignedRoot
from store.contract import EventStore

_ROWS_AT_ONCE = 5000


async def kept_in_order(store: EventStore, upto: int | None = None) -> AsyncIterator[Sequence[Row]]:
    """Pages of rows; the next is on its way while one is looked at. Only the first `upto`, if given."""
    position, page = 0, await _rows(store, 0, upto)
    while page:
        position += len(page)
        coming = asyncio.create_task(_rows(store, position, upto))
        try:
            await asyncio.sleep(0)  # so that the question is sent before the page is worked through
            yield page
        except BaseException:
            coming.cancel()
            raise
        page = await coming


async def checked(store: EventStore, signed: Sequence[SignedRoot] = ()) -> LogStream:
    """Read the whole log and check every row; Integrity `LOG_BROKEN`. Returns where it ended."""
    log = LogStream(signed)
    async for rows in kept_in_order(store):
        log.feed(rows)
    log.finish()
    return log


async def _rows(store: EventStore, position: int, upto: int | None) -> Sequence[Row]:
    limit = _ROWS_AT_ONCE if upto is None else min(_ROWS_AT_ONCE, upto - position)
    return await store.read_kept(position, limit) if limit > 0 else ()
