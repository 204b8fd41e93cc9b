"""The ballot box."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from schemas.errors import EngineError
from schemas.events import ChannelCounts
from schemas.programme import VoterLimits
from store.ballots.paper import Paper, PaperReceipt
from store.ballots.tally import Inclusion, SealedTally


class BallotBox:
    """Public votes on a migrated database; use it as an async context manager.

    Every call may raise `Unavailable(STORE_UNAVAILABLE)` and then be repeated with the same papers.
    """

    def __init__(
        self, dsn: str, lanes: int = 2, connections_max: int = 4, command_timeout_seconds: float = 10
    ) -> None:
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        raise NotImplementedError

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        raise NotImplementedError

    async def open(
        self, ballot: str, limits: VoterLimits, candidates: tuple[str, ...], channels: tuple[str, ...] = ()
    ) -> str:
        """Pin a ballot's rules and return their hash; again is no error, other rules are a Conflict.

        `channels` are those of the programme, a paper of another is refused NOT_A_CHANNEL; without them papers count
        alike and the channel is not kept. Raises `Conflict(BALLOT_RULES_DIFFER)`.
        """
        raise NotImplementedError

    async def candidates(self, ballot: str) -> tuple[str, ...]:
        """The candidates in the order of the paper; raises `Refused(NOT_FOUND)`."""
        raise NotImplementedError

    async def submit(self, paper: Paper) -> PaperReceipt:
        """Take one paper, together with what others hand in at the same time; durable when it returns.

        Raises `Conflict(KEY_REUSED)` for other content under the same id, and `Refused` with NOT_FOUND,
        BALLOT_CLOSED, STAGE_NOT_OPEN, CYCLE_PAUSED, CYCLE_NOT_OPEN, TOO_FEW_CHOICES, TOO_MANY_CHOICES,
        NOT_A_CANDIDATE, NOT_A_CHANNEL, DUPLICATE_CHOICE, ALREADY_VOTED, LIMIT_REACHED (of the day),
        CANDIDATE_TOTAL_REACHED, TOTAL_REACHED (DR-21).
        """
        raise NotImplementedError

    async def submit_many(self, papers: Sequence[Paper]) -> list[PaperReceipt | EngineError]:
        """Take papers; the outcome of each in their order. Raises only `Unavailable`."""
        raise NotImplementedError

    async def live_counts(self, ballot: str) -> tuple[ChannelCounts, ...]:
        """Counts so far by channel, provisional; without programme's channels there is one channel ``""``."""
        raise NotImplementedError

    async def seal(self, ballot: str, invalid: frozenset[bytes] = frozenset()) -> SealedTally:
        """Count a closed ballot and pin the tally; `invalid` are voters' tokens, beside the marks in `ballot.mark`."""
        raise NotImplementedError

    async def recount(self, ballot: str, invalid: frozenset[bytes] = frozenset()) -> SealedTally:
        """Count again from the raw rows."""
        raise NotImplementedError

    async def inclusion(self, receipt_id: str) -> Inclusion:
        """The proof of one paper of a sealed ballot; raises `Refused` NOT_FOUND or TALLY_NOT_SEALED."""
        raise NotImplementedError
