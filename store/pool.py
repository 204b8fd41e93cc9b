"""A connection for one piece of work, from a pool or its own, with a server that is away named as such."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from store.statements import lost_server_is_unavailable

LOOKUPS = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}
"""For connections that only look up by key: planning costs twice the look-up, and would be done for each one anew; a
plan of the first day, when tables are empty, must be right on the hundredth."""


async def open_pool(
    dsn: str, size: int, timeout_seconds: float | None = None, settings: Mapping[str, str] | None = None
) -> asyncpg.Pool:
    """A pool that connects when it is first asked, and hands a connection on as it is.

    Nothing here sets what outlives a transaction, and asyncpg's own reset is one more way to the server and back for
    each statement.
    """
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        command_timeout=timeout_seconds,
        reset=_as_it_is,
        server_settings=dict(settings or {}),
    )


async def _as_it_is(_connection: asyncpg.Connection) -> None:
    pass


@asynccontextmanager
async def connection_of(pool: asyncpg.Pool | None) -> AsyncIterator[PoolConnectionProxy]:
    """Lend one connection; raises `Unavailable(STORE_UNAVAILABLE)` when the outcome is unknown."""
    assert pool is not None, "used inside `async with`"
    with lost_server_is_unavailable():
        async with pool.acquire() as connection:
            yield connection


@asynccontextmanager
async def connection_to(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """The same of a connection that is made for it, and closed."""
    with lost_server_is_unavailable():
        connection = await asyncpg.connect(dsn)
        try:
            yield connection
        finally:
            await connection.close()
