"""The ballot box beside a naive model: whatever is handed in, in one batch or by many at once, the limits hold (DR-21)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.programme import VoterLimits
from store.ballots import BallotBox, Paper, day_and_minute, token
from store.postgres import PostgresEventStore
from tests.store.commands import NOON
from tests.store.polls import CANDIDATES, Polls, code
from tests.support.databases import Database


@dataclass
class Naive:
    """The rules in the plainest words, over papers one after the other."""

    limits: VoterLimits
    taken: dict[tuple[bytes, bytes, int], Paper] = field(default_factory=dict)

    def judge(self, paper: Paper) -> str:
        """`ok`, `again`, or the code of the refusal; takes the paper if it is good."""
        key = paper.voter, paper.paper_id, day(paper)
        before = self.taken.get(key)
        limits, choices = self.limits, paper.choices
        own = [one for one in self.taken.values() if one.voter == paper.voter]
        today = Counter(c for one in own if day(one) == day(paper) for c in one.choices)
        ever = Counter(c for one in own for c in one.choices)
        if len(choices) < limits.choices_min:
            said = "TOO_FEW_CHOICES"
        elif len(choices) > limits.choices_max:
            said = "TOO_MANY_CHOICES"
        elif len(set(choices)) < len(choices) and not limits.repeats:
            said = "DUPLICATE_CHOICE"
        elif max(Counter(choices).values()) > limits.per_candidate_per_day:
            said = "ALREADY_VOTED"  # that nobody could hand in
        elif len(choices) > limits.per_day:
            said = "LIMIT_REACHED"
        elif before:
            said = "again" if before.choices == choices else "KEY_REUSED"
        elif day(paper) != day_and_minute(paper.received_at)[0]:
            said = "NOT_THE_DAY"
        elif max((today + Counter(choices)).values()) > limits.per_candidate_per_day:
            said = "ALREADY_VOTED"
        elif today.total() + len(choices) > limits.per_day:
            said = "LIMIT_REACHED"
        elif max((ever + Counter(choices)).values()) > (limits.per_candidate_in_total or 999):
            said = "CANDIDATE_TOTAL_REACHED"
        elif ever.total() + len(choices) > (limits.in_total or 999):
            said = "TOTAL_REACHED"
        else:
            said = "ok"
            self.taken[key] = paper
        return said

    def before(self, paper: Paper) -> Naive:
        """All that was taken, less what the paper's own id brought: as it was if that came later."""
        key = paper.voter, paper.paper_id, day(paper)
        return Naive(self.limits, {other: one for other, one in self.taken.items() if other != key})

    def votes(self) -> dict[str, int]:
        counts = Counter(c for one in self.taken.values() for c in one.choices)
        return {name: counts[place] for place, name in enumerate(CANDIDATES)}


def day(paper: Paper) -> int:
    """The day for which a paper is handed in."""
    return day_and_minute(paper.received_at)[0] if paper.day is None else paper.day


LIMITS = st.builds(
    VoterLimits,
    per_day=st.integers(1, 4),
    per_candidate_per_day=st.integers(1, 3),
    choices_min=st.integers(1, 2),
    choices_max=st.integers(2, 3),
    in_total=st.none() | st.integers(1, 6),
    per_candidate_in_total=st.none() | st.integers(1, 3),
    repeats=st.booleans(),
)
HANDED_IN = st.tuples(
    st.integers(0, 2),  # voter
    st.integers(0, 5),  # paper
    st.lists(st.integers(0, 2), min_size=1, max_size=4).map(tuple),
    st.integers(0, 1),  # day on which it is handed in
    st.none() | st.integers(0, 1),  # day for which
)


HandedIn = tuple[int, int, tuple[int, ...], int, int | None]
OVER = ("LIMIT_REACHED", "ALREADY_VOTED", "TOTAL_REACHED", "CANDIDATE_TOTAL_REACHED")


@pytest_asyncio.fixture(scope="module")
async def box(ballot_database: Database) -> AsyncIterator[BallotBox]:
    async with BallotBox(ballot_database.dsns.app, lanes=1) as box:
        yield box


@pytest_asyncio.fixture(scope="module")
async def store(ballot_database: Database) -> AsyncIterator[PostgresEventStore]:
    async with PostgresEventStore(ballot_database.dsns.app) as store:
        yield store


async def begun(box: BallotBox, store: PostgresEventStore, limits: VoterLimits) -> Polls:
    polls = Polls(box, store, uuid4().hex)
    await polls.begin(limits, closes_at=NOON + timedelta(days=2))
    return polls


def papers_of(ballot: str, handed_in: Sequence[HandedIn]) -> list[Paper]:
    return [
        Paper(
            ballot,
            token(f"v{voter}"),
            token(f"p{paper}"),
            choices,
            "web",
            NOON + timedelta(days=later),
            day=None if of is None else day_and_minute(NOON)[0] + of,
        )
        for voter, paper, choices, later, of in sorted(handed_in, key=lambda one: one[3])
    ]


WITH_A_SERVER = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@WITH_A_SERVER
@given(limits=LIMITS, handed_in=st.lists(HANDED_IN, min_size=1, max_size=25), size=st.integers(1, 25))
async def test_dr_21_papers_one_after_the_other_are_judged_as_the_model_does(
    box: BallotBox,
    store: PostgresEventStore,
    limits: VoterLimits,
    handed_in: list[HandedIn],
    size: int,
) -> None:
    polls = await begun(box, store, limits)
    papers = papers_of(polls.id, handed_in)
    model = Naive(limits)
    for later in (0, 1):  # two days of one batch are two transactions, in no order
        of_day = [paper for paper in papers if paper.received_at == NOON + timedelta(days=later)]
        for at in range(0, len(of_day), size):
            batch = of_day[at : at + size]
            outcomes = [code(one) for one in await box.submit_many(batch)]
            assert outcomes == [model.judge(paper) for paper in batch]
    await polls.close()
    tally = await box.seal(polls.id)
    assert {count.nomination: count.votes for count in tally.counts} == model.votes()
    assert tally.papers == len(model.taken)
    assert await box.recount(polls.id) == tally


@WITH_A_SERVER
@given(limits=LIMITS, handed_in=st.lists(HANDED_IN, min_size=2, max_size=30), seed=st.integers())
async def test_dr_21_papers_of_many_at_once_are_as_if_one_came_after_the_other(
    box: BallotBox,
    store: PostgresEventStore,
    ballot_database: Database,
    limits: VoterLimits,
    handed_in: list[HandedIn],
    seed: int,
) -> None:
    """Two processes' boxes at once: what was taken fits the limits, and nothing that was refused would have fitted."""
    polls = await begun(box, store, limits)
    papers = [paper._replace(day=None) for paper in papers_of(polls.id, handed_in)]
    draw = Random(seed)
    async with BallotBox(ballot_database.dsns.app) as other:
        outcomes = await asyncio.gather(
            *(draw.choice((box, other)).submit(paper) for paper in papers), return_exceptions=True
        )
    told = [(paper, code(one)) for paper, one in zip(papers, outcomes, strict=True)]
    model = Naive(limits)
    taken = [paper for paper, how in told if how == "ok"]
    assert [model.judge(paper) for paper in taken] == ["ok"] * len(taken)
    for paper, how in told:
        if how != "ok":
            assert (model.before(paper).judge(paper) in OVER) if how in OVER else model.judge(paper) == how
    await polls.close()
    tally = await box.seal(polls.id)
    assert {count.nomination: count.votes for count in tally.counts} == model.votes()
    assert await box.recount(polls.id) == tally


async def test_dr_21_races_at_the_limit_from_two_processes_fill_it_exactly(
    box: BallotBox, store: PostgresEventStore, ballot_database: Database
) -> None:
    """200 voters, each with twelve papers at once through two boxes: three choices a day, five in all."""
    polls = await begun(box, store, VoterLimits(per_day=3, per_candidate_per_day=3, in_total=5))
    days = (NOON, NOON + timedelta(days=1))
    async with BallotBox(ballot_database.dsns.app) as other:

        async def race(voter: int, at: datetime) -> int:
            papers = [
                polls.paper(f"v{voter}", f"{voter}-{at.day}-{n}", CANDIDATES[n % 4], at=at) for n in range(6)
            ]
            halves = await asyncio.gather(
                *(one.submit(paper) for paper, one in zip(papers, (box, other) * 3, strict=True)),
                return_exceptions=True,
            )
            return sum(code(one) == "ok" for one in halves)

        first = await asyncio.gather(*(race(voter, days[0]) for voter in range(200)))
        second = await asyncio.gather(*(race(voter, days[1]) for voter in range(200)))
    assert (set(first), set(second)) == ({3}, {2})
    await polls.close()
    tally = await box.seal(polls.id)
    assert tally.papers == 1000
    assert await box.recount(polls.id) == tally


async def test_dr_21_a_limit_in_total_is_the_tables_own(
    box: BallotBox, store: PostgresEventStore, ballot_database: Database
) -> None:
    polls = await begun(box, store, VoterLimits(per_day=3, in_total=2, per_candidate_in_total=1))
    await polls.cast("voter", "p1", CANDIDATES[0])
    assert (
        await polls.refusal("voter", "p2", CANDIDATES[0], at=NOON + timedelta(days=1))
        == "CANDIDATE_TOTAL_REACHED"
    )
    await polls.cast("voter", "p3", CANDIDATES[1], at=NOON + timedelta(days=1))
    assert await polls.refusal("voter", "p4", CANDIDATES[2]) == "TOTAL_REACHED"
    admin = await asyncpg.connect(ballot_database.owner_dsn)
    number = await admin.fetchval("SELECT no FROM ballot.ballot WHERE id = $1", polls.id)
    for more in (r"'\x0002'", r"'\x0000'"):
        with pytest.raises(asyncpg.CheckViolationError):
            await admin.execute(
                f"UPDATE ballot.voter_total SET choices = choices || {more} WHERE ballot = {number}"
            )
    await admin.close()
