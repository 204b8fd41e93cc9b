"""The ballot box, plain path: papers kept one a row under limits that the table itself holds, sealed into one tally.

A paper is durable before it is acknowledged, and closing is exact: the gate's row is held while a paper is written.
A ballot's id is the id of its gate.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from types import TracebackType
from typing import Any, Self

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy

from proof import merkle
from schemas.canonical import canonical_bytes, digest, leaf_hash
from schemas.errors import Conflict, Integrity, Refused, Unavailable
from schemas.events import ChannelCounts, Count
from schemas.ledger import Frozen
from schemas.programme import VoterLimits
from store.pool import connection_of
from store.statements import statement

_SHANGHAI = timezone(timedelta(hours=8))  # no summer time since 1991


class PaperReceipt(Frozen):
    """A paper was accepted; `leaf` (hex) is its RFC 6962 leaf hash, `repeated` tells a paper handed in again."""

    ballot: str
    paper_id: str
    leaf: str
    repeated: bool = False


class SealedTally(Frozen):
    """What a closed ballot counted (DR-22): `counts` in the order of the paper, zeros too; hashes in hex.

    `root` is the RFC 6962 root over all accepted papers in the order in which they were recorded; `refused` counts
    refused papers up to the first seal, at best effort. `valid` leaves out the papers of invalidated voters (DR-23), by
    channel in the order of their names.
    """

    ballot: str
    papers: int
    refused: int
    root: str
    counts: tuple[Count, ...]
    rules_hash: str
    valid: tuple[ChannelCounts, ...] = ()


class _Rules(Frozen):
    ballot: str
    limits: VoterLimits
    candidates: tuple[str, ...]


class BallotBox:
    """Public votes on a migrated database, as the app role; use it as an async context manager.

    Every call may raise `Unavailable(STORE_UNAVAILABLE)` and then be repeated with the same ids.
    """

    def __init__(self, dsn: str, connections_max: int = 8, command_timeout_seconds: float = 10) -> None:
        self._dsn = dsn
        self._connections_max = connections_max
        self._timeout = command_timeout_seconds
        self._pool: asyncpg.Pool | None = None

    async def __aenter__(self) -> Self:
        self._pool = await asyncpg.create_pool(
            self._dsn, min_size=0, max_size=self._connections_max, command_timeout=self._timeout
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            await self._pool.close()

    async def open(self, ballot: str, limits: VoterLimits, candidates: tuple[str, ...]) -> str:
        """Pin a ballot's rules and return their hash; again is no error, other rules are a Conflict.

        `candidates` differ from each other and stand in the order of the paper.
        Raises `Conflict(BALLOT_RULES_DIFFER)`. Votes are taken once the gate of that id is open.
        """
        rules = canonical_bytes(_Rules(ballot=ballot, limits=limits, candidates=candidates))
        bounds = (limits.per_day, limits.per_candidate_per_day, limits.choices_min, limits.choices_max)
        async with connection_of(self._pool) as connection:
            await connection.execute(statement("open_ballot"), ballot, rules, *bounds, list(candidates))
            if await connection.fetchval(statement("ballot_rules"), ballot) != rules:
                raise Conflict("BALLOT_RULES_DIFFER", ballot=ballot)
        return digest(rules)

    async def cast(
        self,
        ballot: str,
        voter_token: str,
        paper_id: str,
        choices: Sequence[str],
        received_at: datetime,
        channel: str = "web",
    ) -> PaperReceipt:
        """Take one paper; `received_at` is the door's stamp. The same paper id gives the first receipt again.

        Raises `Conflict(KEY_REUSED)` for other content under the same id, and `Refused` with NOT_FOUND,
        BALLOT_CLOSED, STAGE_NOT_OPEN, CYCLE_PAUSED, CYCLE_NOT_OPEN, TOO_FEW_CHOICES, TOO_MANY_CHOICES,
        NOT_A_CANDIDATE, DUPLICATE_CHOICE, ALREADY_VOTED (that candidate, today) or LIMIT_REACHED (DR-21).
        """
        paper = {
            "ballot": ballot,
            "paper": paper_id,
            "voter": voter_token,
            "choices": list(choices),
            "channel": channel,
        }
        body = canonical_bytes(paper | {"received": received_at})
        async with connection_of(self._pool) as connection:
            outcome, facts = await _cast(connection, body)
            if outcome == "ACCEPTED":
                return PaperReceipt(ballot=ballot, paper_id=paper_id, leaf=leaf_hash(body))
            # The receipt precedes every rule: the paper may have been taken before whatever refuses it now.
            if (kept := await connection.fetchrow(statement("paper"), ballot, paper_id)) is not None:
                return _receipt_again(paper, kept)
        await self._count_refusal(ballot, outcome)
        named = {"ballot": ballot, "what": f"ballot {ballot}", "step": ballot, "choices": "、".join(choices)}
        raise Refused(outcome, **named | facts)

    async def seal(self, ballot: str, invalid: frozenset[str] = frozenset()) -> SealedTally:
        """Count a closed ballot and pin the tally; again gives the first one, and no paper is taken after it.

        Raises `Refused(BALLOT_OPEN)`, `Refused(NOT_FOUND)`, `Integrity(BALLOT_BROKEN)`.
        """
        async with connection_of(self._pool) as connection, connection.transaction():
            tally = await _count(connection, ballot, invalid)
            await connection.execute(statement("keep_tally"), ballot, canonical_bytes(tally))
            kept = await connection.fetchval(statement("tally"), ballot)
        return SealedTally.model_validate_json(kept)

    async def recount(self, ballot: str, invalid: frozenset[str] = frozenset()) -> SealedTally:
        """Count again from the raw papers, each checked against its hash and the rules; raises as `seal`."""
        async with connection_of(self._pool) as connection, connection.transaction():
            return await _count(connection, ballot, invalid)

    async def _count_refusal(self, ballot: str, outcome: str) -> None:
        with suppress(Unavailable):
            async with connection_of(self._pool) as connection:
                await connection.execute(statement("count_refusal"), ballot, outcome)


async def _cast(connection: PoolConnectionProxy, body: bytes) -> tuple[str, dict[str, Any]]:
    try:
        row = await connection.fetchrow(statement("cast"), body)
    except asyncpg.UniqueViolationError:  # somebody handed in the same paper at the same time
        return "KNOWN", {}
    assert row is not None, "a function with OUT parameters gives one row"
    return row["outcome"], orjson.loads(row["facts"] or "{}")


def _receipt_again(paper: dict[str, Any], kept: asyncpg.Record) -> PaperReceipt:
    first = orjson.loads(kept["body"])
    del first["received"]  # a paper handed in again is stamped again
    if first != paper:
        raise Conflict("KEY_REUSED", command_id=paper["paper"])
    return PaperReceipt(
        ballot=paper["ballot"], paper_id=paper["paper"], leaf=kept["leaf"].hex(), repeated=True
    )


async def _count(connection: PoolConnectionProxy, ballot: str, invalid: frozenset[str]) -> SealedTally:
    """Count the papers of a closed ballot, its gate held; the caller is in a transaction."""
    raw_rules = await connection.fetchval(statement("ballot_rules"), ballot)
    if raw_rules is None:
        raise Refused("NOT_FOUND", what=f"ballot {ballot}")
    if await connection.fetchval(statement("hold_gate"), ballot) != "closed":
        raise Refused("BALLOT_OPEN", ballot=ballot)
    rules = _Rules.model_validate_json(raw_rules)
    papers = await connection.fetch(statement("papers"), ballot)
    counts = await asyncio.to_thread(_checked_counts, rules, papers)
    root = await asyncio.to_thread(merkle.root, (merkle.leaf(row["body"]) for row in papers))
    return SealedTally(
        ballot=ballot,
        papers=len(papers),
        refused=await _refused(connection, ballot),
        root=root.hex(),
        counts=tuple(Count(nomination=name, votes=counts[name]) for name in rules.candidates),
        rules_hash=digest(raw_rules),
        valid=await asyncio.to_thread(_valid_counts, rules, papers, invalid),
    )


async def _refused(connection: PoolConnectionProxy, ballot: str) -> int:
    """Refused papers: those of the pinned tally, else those counted so far."""
    kept = await connection.fetchval(statement("tally"), ballot)
    if kept is not None:
        return SealedTally.model_validate_json(kept).refused
    return int(await connection.fetchval(statement("refusals"), ballot))


def _valid_counts(
    rules: _Rules, papers: Sequence[asyncpg.Record], invalid: frozenset[str]
) -> tuple[ChannelCounts, ...]:
    votes: dict[str, Counter[str]] = {}
    papers_by: Counter[str] = Counter()
    for row in papers:
        paper = orjson.loads(row["body"])
        if paper["voter"] not in invalid:
            votes.setdefault(paper["channel"], Counter()).update(paper["choices"])
            papers_by[paper["channel"]] += 1
    return tuple(
        ChannelCounts(
            channel=channel,
            papers=papers_by[channel],
            counts=tuple(Count(nomination=name, votes=counted[name]) for name in rules.candidates),
        )
        for channel, counted in sorted(votes.items())
    )


def _checked_counts(rules: _Rules, papers: Sequence[asyncpg.Record]) -> Counter[str]:
    """Votes by candidate; raises `Integrity(BALLOT_BROKEN)` at a paper that could not have been accepted."""
    counts: Counter[str] = Counter()
    by_day: dict[tuple[str, object], Counter[str]] = {}
    for row in papers:
        paper = orjson.loads(row["body"])
        day = datetime.fromisoformat(paper["received"]).astimezone(_SHANGHAI).date()
        today = by_day.setdefault((paper["voter"], day), Counter())
        today.update(paper["choices"])
        if fault := _fault(rules, row, paper, today):
            raise Integrity("BALLOT_BROKEN", ballot=rules.ballot, paper=row["n"], fault=fault)
        counts.update(paper["choices"])
    return counts


def _fault(rules: _Rules, row: asyncpg.Record, paper: dict[str, Any], today: Counter[str]) -> str:
    limits, choices = rules.limits, paper["choices"]
    if leaf_hash(row["body"]) != row["leaf"].hex():
        return "the body does not have the kept hash"
    if paper["ballot"] != rules.ballot:
        return "the paper belongs to another ballot"
    if not set(choices) <= set(rules.candidates) or len(set(choices)) != len(choices):
        return "the choices are not candidates, each once"
    if not limits.choices_min <= len(choices) <= limits.choices_max:
        return "the number of choices is outside the rules"
    if today.total() > limits.per_day or max(today.values()) > limits.per_candidate_per_day:
        return "the voter is past the limits of the day"
    return ""
