"""What an intake process remembers of the ballots it serves: their public facts and their keys, for a short while."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from schemas.errors import Refused
from store.polling_place import Poll, PollingPlace
from store.voter_keys import VoterKey

FRESH_SECONDS = 10.0
"""How long a destroyed key, a pause or a new closing time may be unknown here; the ballot box itself knows at once."""
REMEMBERED_MAX = 256


class Known(NamedTuple):
    """A ballot, its key, and where each candidate stands on the paper; `until` reads the monotonic clock."""

    poll: Poll
    key: VoterKey | Refused
    place: dict[str, int]
    until: float

    def usable_key(self) -> VoterKey:
        """The key; Refused BALLOT_KEY_DESTROYED."""
        if isinstance(self.key, Refused):
            raise self.key
        return self.key


class Polls:
    """A small cache before the polling place; many who ask for one ballot at once wait for one answer."""

    def __init__(self, place: PollingPlace, monotonic: Callable[[], float]) -> None:
        self._place = place
        self._monotonic = monotonic
        self._known: dict[str, Known] = {}
        self._asking: dict[str, asyncio.Task[Known]] = {}

    def remembered(self, ballot: str) -> Known | None:
        """What is known and still fresh."""
        known = self._known.get(ballot)
        return known if known is not None and known.until > self._monotonic() else None

    async def get(self, ballot: str) -> Known:
        """Refused NOT_FOUND, which is not remembered; Unavailable STORE_UNAVAILABLE."""
        known = self.remembered(ballot)
        if known is not None:
            return known
        if ballot not in self._asking:
            task = asyncio.create_task(self._ask(ballot))
            self._asking[ballot] = task
            task.add_done_callback(lambda _: self._asking.pop(ballot, None))
        return await asyncio.shield(self._asking[ballot])

    async def _ask(self, ballot: str) -> Known:
        poll = await self._place.poll(ballot)
        key: VoterKey | Refused
        try:
            key = await self._place.key_of(ballot)
        except Refused as destroyed:
            key = destroyed
        place = {candidate: n for n, candidate in enumerate(poll.rules["candidates"])}
        if len(self._known) >= REMEMBERED_MAX:
            self._known.pop(next(iter(self._known)))
        self._known[ballot] = Known(poll, key, place, self._monotonic() + FRESH_SECONDS)
        return self._known[ballot]
