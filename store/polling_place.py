"""What the vote intake may ask of the database, as its own role: a poll's public facts, its key, counters of tries."""

from __future__ import annotations

from datetime import datetime
from types import TracebackType
from typing import Any, NamedTuple, Self

import asyncpg
import orjson

from schemas.errors import Refused
from schemas.ledger import Frozen
from schemas.values import Pace
from store.ballots.absence import absence
from store.pool import connection_of, open_pool
from store.statements import statement
from store.voter_keys import KEY_BYTES, VoterKey, fresh_key


class Poll(Frozen):
    """A ballot as the public may know it; times are cycle time, and `status` is its gate's, or `closed` without one.

    `provisional` are the counts last published as its programme says; `papers` and `root` are the sealed tally's; `traced`
    says that rules against stuffing look at where papers come from.
    """

    ballot: str
    rules: dict[str, Any]
    status: str
    opens_at: datetime | None
    closes_at: datetime | None
    pace: Pace | None
    papers: int | None
    root: str | None
    provisional: dict[str, Any] | None
    traced: bool

    def now(self, real: datetime) -> datetime:
        """Cycle time; a ballot of no cycle that was opened runs by the clock."""
        return self.pace.cycle_time(real) if self.pace else real


class Tried(NamedTuple):
    """How often something was tried, and when that is forgotten."""

    times: int
    until: datetime


class PollingPlace:
    """Connects as the web role; use it as an async context manager.

    `kek` is 32 bytes. Every call may raise `Unavailable(STORE_UNAVAILABLE)` and then be repeated.
    """

    def __init__(self, dsn: str, kek: bytes, connections_max: int = 2) -> None:
        if len(kek) != KEY_BYTES:
            raise ValueError("the wrapping key has 32 bytes")
        self._dsn = dsn
        self._kek = kek
        self._connections_max = connections_max
        self._pool: asyncpg.Pool | None = None

    async def __aenter__(self) -> Self:
        self._pool = await open_pool(self._dsn, self._connections_max, 5)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            await self._pool.close()

    async def poll(self, ballot: str) -> Poll:
        """What is public about a ballot; Refused NOT_FOUND, Unavailable STORE_UNAVAILABLE while it is being opened."""
        async with connection_of(self._pool) as connection:
            row = await connection.fetchrow(statement("poll"), ballot)
            if row is None:
                raise await absence(connection, ballot)
        fields = dict(row) | {"rules": orjson.loads(row["rules"])}
        fields["provisional"] = orjson.loads(row["provisional"]) if row["provisional"] else None
        fields["pace"] = Pace.model_validate_json(row["pace"]) if row["pace"] else None
        return Poll(**fields)

    async def key_of(self, ballot: str) -> VoterKey:
        """The ballot's key, made when it is first asked for.

        Raises Refused NOT_FOUND, or BALLOT_KEY_DESTROYED; Integrity VAULT_BROKEN if it was sealed by another key.
        """
        async with connection_of(self._pool) as connection:
            row = await connection.fetchrow(statement("voter_key"), ballot, fresh_key(ballot, self._kek))
        if row is None:
            raise Refused("NOT_FOUND", what=ballot)
        if row["sealed"] is None:
            raise Refused("BALLOT_KEY_DESTROYED", ballot=ballot)
        return VoterKey.opened(ballot, row["sealed"], self._kek)

    async def count_try(self, ballot: str, mark: bytes, until: datetime) -> Tried:
        """How often this was tried, with now; counted anew once `until` of the first try is over."""
        async with connection_of(self._pool) as connection:
            (row,) = await connection.fetch(statement("count_try"), ballot, mark, until)
        return Tried(row["times"], row["until"])
