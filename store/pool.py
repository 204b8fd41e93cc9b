"""A connection for one piece of work, from a pool or its own, with a server that is away named as such."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from store.statements import lost_server_is_unavailable, statement


async def open_pool(
    dsn: str, size: int, timeout_seconds: float | None = None, *, lookups: bool = False
) -> asyncpg.Pool:
    """A pool that connects when it is first asked, and hands a connection on as it is; `lookups` is for keys alone.

    Nobody sets anything that the next one should not find, and asyncpg's own reset is one more way to the server and back
    for each statement.
    """
    return await asyncpg.create_pool(
        dsn,
        min_size=0,
        max_size=size,
        command_timeout=timeout_seconds,
        init=for_lookups if lookups else None,
        reset=_as_it_is,
    )


async def for_lookups(connection: asyncpg.Connection) -> None:
    """Has what the connection asks planned once, for keys alone."""
    await connection.execute(statement("lookups"))


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
