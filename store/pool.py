"""A connection from a pool for one piece of work, with a server that is away named as such."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from schemas.errors import Unavailable
from store.statements import server_is_away


async def open_pool(dsn: str, size: int, timeout_seconds: float | None = None) -> asyncpg.Pool:
    """A pool that connects when it is first asked, and hands a connection on as it is.

    Nothing here sets what outlives a transaction, and asyncpg's own reset is one more way to the server and back for
    each statement.
    """
    return await asyncpg.create_pool(
        dsn, min_size=0, max_size=size, command_timeout=timeout_seconds, reset=_as_it_is
    )


async def _as_it_is(_connection: asyncpg.Connection) -> None:
    pass


@asynccontextmanager
async def connection_of(pool: asyncpg.Pool | None) -> AsyncIterator[PoolConnectionProxy]:
    """Lend one connection; raises `Unavailable(STORE_UNAVAILABLE)` when the outcome is unknown."""
    assert pool is not None, "used inside `async with`"
    try:
        async with pool.acquire() as connection:
            yield connection
    except Exception as fault:
        if server_is_away(fault):
            raise Unavailable("STORE_UNAVAILABLE", fault=fault) from fault
        raise
