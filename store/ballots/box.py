"""The ballot box: papers in, one tally out, and the proof of each paper (DR-21 to DR-23).

A paper is durable before it is acknowledged, and closing is exact: the gate's row is held while papers are written.
A ballot's id is the id of its gate.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import Any, Self

import asyncpg
from asyncpg.pgproto.pgproto import UUID
from asyncpg.pool import PoolConnectionProxy

from schemas.canonical import canonical_bytes, digest
from schemas.errors import Conflict, EngineError, Refused
from schemas.events import ChannelCounts
from schemas.programme import CANDIDATES_MAX, VoterLimits
from store.ballots import sealing
from store.ballots.absence import absence
from store.ballots.flush import PAPERS_MAX, Answers, Flusher, Outcome, Sheet, Waiting, kept
from store.ballots.paper import Paper, PaperReceipt, day_and_minute, day_number
from store.ballots.rules import Opened, Rules, opened
from store.ballots.sealing import Excluded
from store.ballots.tally import Inclusion, SealedTally
from store.pool import connection_of, open_pool
from store.statements import statement


class BallotBox:
    """Public votes on a migrated database; use it as an async context manager.

    Papers go through `lanes` connections of their own, the rest through a pool. Every call may raise
    `Unavailable(STORE_UNAVAILABLE)` and then be repeated with the same papers.
    """

    def __init__(
        self, dsn: str, lanes: int = 2, connections_max: int = 4, command_timeout_seconds: float = 10
    ) -> None:
        self._dsn = dsn
        self._timeout = command_timeout_seconds
        self._connections_max = connections_max
        self._pool: asyncpg.Pool | None = None
        self._ballots: dict[str, Opened] = {}
        self._sheets: dict[tuple[str, int, bool], Sheet] = {}
        self._flusher = Flusher(partial(asyncpg.connect, dsn, command_timeout=command_timeout_seconds), lanes)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()  # asking for it costs a system call, each time
        self._pool = await open_pool(self._dsn, self._connections_max, self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._flusher.close()
        if self._pool is not None:
            await self._pool.close()

    async def open(
        self, ballot: str, limits: VoterLimits, candidates: tuple[str, ...], channels: tuple[str, ...] = ()
    ) -> str:
        """Pin a ballot's rules and return their hash; again is no error, other rules are a Conflict.

        `candidates` differ from each other and stand in the order of the paper. `channels` are the programme's, and a
        paper of another is refused; without them papers count alike and the channel is not kept. The days of the
        window, if the gate of that id is there, are made ready. Raises `Conflict(BALLOT_RULES_DIFFER)` or
        `Refused(TOO_MANY_CANDIDATES)`.
        """
        if len(candidates) > CANDIDATES_MAX:
            raise Refused("TOO_MANY_CANDIDATES", maximum=CANDIDATES_MAX, count=len(candidates))
        rules = canonical_bytes(Rules(ballot=ballot, limits=limits, candidates=candidates, channels=channels))
        async with connection_of(self._pool) as connection:
            await connection.execute(
                statement("open_ballot"),
                ballot,
                rules,
                list(candidates),
                list(channels) or [""],
                *_columns(limits),
            )
            row = await connection.fetchrow(statement("ballot_rules"), ballot)
            if row is None or row["rules"] != rules:
                raise Conflict("BALLOT_RULES_DIFFER", ballot=ballot)
            await connection.execute(statement("open_sheets"), ballot)
        return digest(rules)

    async def rules(self, ballot: str) -> Rules:
        """What a ballot was opened with; raises `Refused(NOT_FOUND)`."""
        return (await self._opened(ballot)).rules

    async def places(self, ballot: str, names: Sequence[str]) -> tuple[int, ...]:
        """Where these candidates stand on the paper; raises `Refused` NOT_FOUND or NOT_A_CANDIDATE."""
        places = (await self._opened(ballot)).places
        try:
            return tuple([places[name] for name in names])
        except KeyError:
            raise Refused("NOT_A_CANDIDATE", choices="、".join(names)) from None

    async def submit(self, paper: Paper) -> PaperReceipt:
        """Take one paper, together with what others hand in at the same time; durable when it returns.

        The same paper again gives its first receipt, on its day, and on any other if it says of which day it is, also once
        the ballot is closed. Raises `Conflict(KEY_REUSED)` for other content under the same id,
        `Unavailable(DAY_ENDING)` and `Refused` with NOT_FOUND, NOT_THE_DAY, BALLOT_CLOSED, STAGE_NOT_OPEN,
        BALLOT_PAUSED, CYCLE_PAUSED, CYCLE_NOT_OPEN, TOO_FEW_CHOICES, TOO_MANY_CHOICES, NOT_A_CANDIDATE, NOT_A_CHANNEL, DUPLICATE_CHOICE, ALREADY_VOTED, LIMIT_REACHED (both of the day),
        CANDIDATE_TOTAL_REACHED or TOTAL_REACHED (DR-21).
        """
        ballot = self._ballots.get(paper.ballot) or await self._opened(paper.ballot)
        answer: asyncio.Future[Outcome] = self._loop.create_future()
        try:
            sheet, packed = self._packed(ballot, paper, answer)
        except Refused as fault:
            self._flusher.refused[paper.ballot, fault.code] += 1
            raise
        self._flusher.add(sheet, (packed,))
        outcome = await answer
        if isinstance(outcome, EngineError):
            raise outcome
        return outcome

    async def find(self, paper: Paper) -> PaperReceipt | None:
        """The first receipt of a paper that is in the box, of whatever day; None if it is not, or could never be.

        Raises `Refused(NOT_FOUND)`, and `Conflict(KEY_REUSED)` for other content under the same id.
        """
        ballot = await self._opened(paper.ballot)
        try:
            _, waiting = self._packed(ballot, paper, self._loop.create_future())
        except Refused:
            return None
        async with connection_of(self._pool) as connection:
            await self._know_sheets(connection, ballot)
            sheets, voters = list(ballot.sheets.values()), [UUID(paper.voter)]
            rows = await connection.fetch(statement("held_papers"), paper.ballot, sheets, voters)
        outcome = kept(ballot, waiting, {row["sheet"]: row for row in rows})
        if isinstance(outcome, EngineError):
            raise outcome
        return outcome

    async def submit_many(self, papers: Sequence[Paper]) -> list[Outcome]:
        """Take papers, each by itself, and tell the outcome of each in their order; raises nothing of `submit`.

        However many these are, the papers of others wait behind one batch of them.
        """
        batches = (papers[at : at + PAPERS_MAX] for at in range(0, len(papers), PAPERS_MAX))
        return [outcome for batch in batches for outcome in await self._submit_batch(batch)]

    async def _submit_batch(self, papers: Sequence[Paper]) -> list[Outcome]:
        outcomes: list[Outcome | None] = [None] * len(papers)
        answers = Answers(outcomes, len(papers), self._loop)
        waiting: dict[Sheet, list[Waiting]] = {}
        for number, paper in enumerate(papers):
            try:
                ballot = self._ballots.get(paper.ballot) or await self._opened(paper.ballot)
                sheet, packed = self._packed(ballot, paper, answers, number)
            except EngineError as fault:
                if isinstance(fault, Refused) and fault.code != "NOT_FOUND":
                    self._flusher.refused[paper.ballot, fault.code] += 1
                answers.give(number, fault)
            else:
                waiting.setdefault(sheet, []).append(packed)
        for sheet, some in waiting.items():
            self._flusher.add(sheet, some)
        if answers.missing:
            await answers.whole
        return [outcome for outcome in outcomes if outcome is not None]

    async def live_counts(self, ballot: str) -> tuple[ChannelCounts, ...]:
        """Counts so far by channel, provisional; channels without papers are left out. Raises `Refused(NOT_FOUND)`."""
        known = await self._opened(ballot)
        async with connection_of(self._pool) as connection:
            return (await sealing.count(connection, await sealing.sheets_of(connection, ballot))).by_channel(
                known
            )

    async def seal(
        self, ballot: str, invalid: frozenset[str] = frozenset(), uncounted: frozenset[str] = frozenset()
    ) -> SealedTally:
        """Count a closed ballot and pin the tally; again gives the first one, and no paper is taken after it.

        The papers of `invalid` voters (as `token` reads them) and of the cohorts `uncounted` stay and do not count
        (DR-23). Raises `Refused(BALLOT_OPEN)`, `Refused(NOT_FOUND)`, `Integrity(BALLOT_BROKEN)`.
        """
        known = await self._opened(ballot)
        await self._flusher.settle()
        async with connection_of(self._pool) as connection:
            await sealing.settle(connection, ballot)
        async with connection_of(self._pool) as connection, connection.transaction():
            return await sealing.seal(connection, known, Excluded.of(invalid, uncounted))

    async def recount(
        self, ballot: str, invalid: frozenset[str] = frozenset(), uncounted: frozenset[str] = frozenset()
    ) -> SealedTally:
        """Count again from the raw rows, each checked against the rules; raises as `seal`. The auditor may, too."""
        known = await self._opened(ballot)
        async with (
            connection_of(self._pool) as connection,
            connection.transaction(isolation="repeatable_read"),
        ):
            return await sealing.recount(connection, known, Excluded.of(invalid, uncounted))

    async def inclusion(self, receipt_id: str) -> Inclusion:
        """The proof of one paper of a sealed ballot; raises `Refused` with NOT_FOUND or TALLY_NOT_SEALED."""
        async with connection_of(self._pool) as connection:
            return await sealing.inclusion(connection, receipt_id)

    def _packed(
        self, ballot: Opened, paper: Paper, answers: Answers | asyncio.Future[Outcome], number: int = 0
    ) -> tuple[Sheet, Waiting]:
        name, voter, paper_id, choices, channel, received_at, trace, own_day = paper
        if len(voter) != 16 or len(paper_id) != 16:
            raise ValueError("a voter's token and a paper's id have 16 bytes")
        mark = ballot.marks.get((choices, channel)) or ballot.marked(choices, channel)
        day, minute = day_and_minute(received_at)
        over = own_day is not None and own_day != day
        if own_day is not None:
            day = own_day
        sheet = self._sheets.get((name, day, over))
        if sheet is None:
            sheet = self._sheets[name, day, over] = Sheet(ballot, day, over=over)
        record = voter + paper_id + minute.to_bytes(2, "big") + mark
        return sheet, Waiting(record, received_at, answers, number, trace)

    async def _opened(self, ballot: str) -> Opened:
        if (known := self._ballots.get(ballot)) is not None:
            return known
        async with connection_of(self._pool) as connection:
            row = await connection.fetchrow(statement("ballot_rules"), ballot)
            if row is None:
                raise await absence(connection, ballot)
            known = opened(row["no"], row["rules"], row["traced"])
            await self._know_sheets(connection, known)
        return self._ballots.setdefault(ballot, known)

    async def _know_sheets(self, connection: PoolConnectionProxy, ballot: Opened) -> None:
        for sheet in await connection.fetch(statement("sheets"), ballot.rules.ballot):
            ballot.sheets[day_number(sheet["day"])] = sheet["no"]


def _columns(limits: VoterLimits) -> tuple[Any, ...]:
    return (
        limits.choices_min,
        limits.choices_max,
        limits.per_day,
        limits.per_candidate_per_day,
        limits.in_total,
        limits.per_candidate_in_total,
        limits.repeats,
    )
