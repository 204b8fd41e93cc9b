"""Why a ballot is not in the box: nobody opened it, or its opening is in the log and the box is made ready just now."""

from __future__ import annotations

from asyncpg.pool import PoolConnectionProxy

from schemas.errors import EngineError, Refused, Unavailable
from store.statements import statement


async def absence(connection: PoolConnectionProxy, ballot: str) -> EngineError:
    """`Unavailable(STORE_UNAVAILABLE)`, to be asked again, or `Refused(NOT_FOUND)`."""
    if await connection.fetchval(statement("is_announced"), ballot):
        return Unavailable("STORE_UNAVAILABLE", fault="the ballot is just being opened")
    return Refused("NOT_FOUND", what=f"ballot {ballot}")
