"""One connection that is asked again when the server was away: what is asked must be good to ask twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg

from schemas.errors import Unavailable
from store.statements import server_is_away

Connect = Callable[[], Awaitable[asyncpg.Connection]]

RETRY_SECONDS = (0.02, 0.1, 0.3, 0.6, 1.0, 2.0)
_LOST_A_RACE = ("40001", "40P01")


class Lane:
    """One connection, made when it is first needed and again when it broke."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._connection: asyncpg.Connection | None = None

    async def ask(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        """Ask, and again while the outcome is unknown; raises `Unavailable(STORE_UNAVAILABLE)` in the end."""
        for pause in (*RETRY_SECONDS, None):
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await self._connect()
                return await self._connection.fetch(query, *arguments)
            except Exception as fault:
                lost_a_race = getattr(fault, "sqlstate", None) in _LOST_A_RACE
                if not lost_a_race and not server_is_away(fault):
                    raise
                if not lost_a_race:
                    self._drop()
                if pause is None:
                    raise Unavailable("STORE_UNAVAILABLE", fault=fault) from fault
                await asyncio.sleep(pause)
        raise AssertionError("the last pause is None")

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None
