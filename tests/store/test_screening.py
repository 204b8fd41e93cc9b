"""Traces of papers: kept with the paper or not at all, read in the order of time; marks, and the root over what does not count (DR-23)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from proof import merkle
from schemas.errors import Unavailable
from schemas.events import BallotKeysDestroyed
from schemas.ledger import NewEvent
from schemas.traces import PaperTrace, Traced, milliseconds
from store.ballots import BallotBox, Paper, token
from store.postgres import PostgresEventStore
from store.screening import Traces
from tests.store.commands import NOON, command
from tests.store.polls import CANDIDATES, Polls
from tests.support.databases import Database

ONE, TWO, THREE, FOUR = CANDIDATES
SEEN = PaperTrace(b"network.", b"device..")


@pytest.fixture
async def polls(ballot_database: Database, name: str) -> AsyncIterator[Polls]:
    dsn = ballot_database.dsns.app
    async with PostgresEventStore(dsn) as store, BallotBox(dsn) as box:
        yield Polls(box, store, name)


@pytest.fixture
async def traces(ballot_database: Database) -> AsyncIterator[Traces]:
    async with Traces(ballot_database.dsns.app) as opened:
        yield opened


async def kept(traces: Traces, polls: Polls) -> list[Traced]:
    return [one async for page in traces.traces(polls.id) for one in page]


async def test_a_paper_leaves_its_trace_and_a_refused_or_repeated_one_none_dr_23(
    polls: Polls, traces: Traces
) -> None:
    await traces.begin(polls.id)
    await polls.begin()
    paper = polls.paper("v1", "p1", TWO, ONE)._replace(trace=SEEN)
    for _ in range(2):
        await polls.box.submit(paper)
    assert await polls.refusal("v1", "p2", ONE) == "ALREADY_VOTED"
    assert await kept(traces, polls) == [
        Traced(milliseconds(NOON), token("v1"), paper.paper_id, b"network.", b"device..", "", (1, 0))
    ]
    assert await traces.papers(polls.id) == 1


async def test_many_ballots_screened_at_once_in_one_process_wait_for_each_other_and_not_for_ever_dr_23(
    polls: Polls, traces: Traces
) -> None:
    await traces.begin(polls.id)
    await polls.begin()
    await polls.box.submit(polls.paper("v1", "p1", ONE)._replace(trace=SEEN))

    async def screen(other: str) -> None:
        async with traces.screening(other, 0) as marking:
            await asyncio.sleep(0)
            async for page in traces.traces(polls.id):
                await marking.mark([("1/surge/one", one) for one in page])

    async with asyncio.timeout(30):
        await asyncio.gather(*(screen(f"{polls.id}/{n}") for n in range(5)))
    cohorts = [await traces.cohorts(f"{polls.id}/{n}") for n in range(5)]
    assert cohorts == [{"1/surge/one": 1}] * 5


async def test_of_a_batch_only_the_papers_that_were_taken_leave_traces_dr_23(
    polls: Polls, traces: Traces
) -> None:
    await traces.begin(polls.id)
    await polls.begin()
    await polls.cast("v0", "p0", ONE)
    papers = [polls.paper(f"v{n}", f"p{n}x", ONE, at=NOON + timedelta(seconds=n)) for n in range(40)]
    outcomes = await polls.box.submit_many(papers)
    assert sum(isinstance(one, Exception) for one in outcomes) == 1
    assert {one.voter for one in await kept(traces, polls)} == {token(f"v{n}") for n in range(40)}
    assert await traces.papers(polls.id) == 40


async def test_a_ballot_without_rules_against_stuffing_leaves_no_traces_dr_23(
    polls: Polls, traces: Traces
) -> None:
    await polls.begin()
    await polls.box.submit(polls.paper("v1", "p1", ONE)._replace(trace=SEEN))
    assert await kept(traces, polls) == []


async def test_traces_of_batches_that_overlap_in_time_are_read_in_the_order_of_time_dr_23(
    polls: Polls, traces: Traces
) -> None:
    await traces.begin(polls.id)
    await polls.begin()
    for batch in range(4):
        times = [(n * 7 + batch * 3) % 50 for n in range(30)]
        papers = [
            polls.paper(f"v{batch}-{n}", f"p{batch}-{n}", ONE, at=NOON + timedelta(seconds=at))
            for n, at in enumerate(times)
        ]
        await polls.box.submit_many(papers)
    read = await kept(traces, polls)
    assert len(read) == 120
    assert read == sorted(read, key=lambda one: (one.received, one.paper, one.voter))


async def test_a_paper_is_in_one_cohort_and_marks_decide_nothing_by_themselves_dr_23(
    polls: Polls, traces: Traces, ballot_database: Database
) -> None:
    await traces.begin(polls.id)
    await polls.begin()
    await asyncio.gather(*(polls.cast(f"v{n}", f"p{n}", ONE, TWO) for n in range(5)))
    papers = await kept(traces, polls)
    for part in (papers[:3], papers[2:4]):
        async with traces.screening(polls.id, 0) as marking:
            await marking.mark([(f"{marking.number}/r/a", one) for one in part])
    assert await traces.cohorts(polls.id) == {"1/r/a": 3, "2/r/a": 1}
    await polls.close()
    counted = await polls.box.recount(polls.id)
    assert counted.valid == counted.channels
    assert counted.uncounted_root == merkle.root([]).hex()
    tally = await polls.box.seal(polls.id, frozenset(), frozenset({"1/r/a"}))
    assert [one.papers for one in tally.valid] == [2]
    assert await polls.box.recount(polls.id, frozenset(), frozenset({"1/r/a"})) == tally
    again = {
        one.voter: await polls.box.submit(Paper(polls.id, one.voter, one.paper, one.choices, "web", NOON))
        for one in papers[:3]
    }
    leaves = [bytes.fromhex(again[voter].leaf) for voter in sorted(again)]
    assert tally.uncounted_root == merkle.root(leaves).hex()
    app = await asyncpg.connect(ballot_database.dsns.app)
    for statement in (
        "DELETE FROM ballot.mark",
        "UPDATE ballot.mark SET cohort = ''",
        "DELETE FROM ballot.trace",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(statement)
    await app.close()


async def test_one_screening_of_a_ballot_at_a_time_in_whatever_process(
    polls: Polls, traces: Traces, ballot_database: Database
) -> None:
    entered: list[int] = []

    async def screen() -> None:
        async with Traces(ballot_database.dsns.app) as elsewhere, elsewhere.screening(polls.id, 0) as marking:
            entered.append(marking.number)
            await asyncio.sleep(0.05)
            entered.append(marking.number)

    await asyncio.gather(*(screen() for _ in range(3)))
    assert entered == [1, 1, 2, 2, 3, 3]
    async with traces.screening(polls.id, 7) as marking:
        assert marking.number == 8, "whatever the table has lost, none has a number that the log tells of"


async def test_a_screening_that_loses_its_ballot_has_marked_nothing_and_its_successor_marks_alone_dr_23(
    polls: Polls, traces: Traces, ballot_database: Database
) -> None:
    await traces.begin(polls.id)
    await polls.begin()
    await polls.cast("v1", "p1", ONE)
    [paper] = await kept(traces, polls)
    owner = await asyncpg.connect(ballot_database.owner_dsn)

    async def cut_off() -> None:
        async with traces.screening(polls.id, 0) as lost:
            await lost.mark([("1/r/a", paper)])
            await owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND state = 'idle in transaction'"
            )
            async with (
                Traces(ballot_database.dsns.app) as elsewhere,
                elsewhere.screening(polls.id, 0) as marking,
            ):
                await marking.mark([("1/r/b", paper)])
            await lost.mark([("1/r/a", paper)])

    with pytest.raises(Unavailable, match="STORE_UNAVAILABLE"):
        await cut_off()
    await owner.close()
    assert await traces.cohorts(polls.id) == {"1/r/b": 1}


@pytest.mark.parametrize("how", ["by hand", "with the key"])
async def test_traces_go_and_the_papers_stay_dr_23(polls: Polls, traces: Traces, how: str) -> None:
    await traces.begin(polls.id)
    await polls.begin()
    await polls.cast("v1", "p1", ONE)
    assert len(await kept(traces, polls)) == 1
    if how == "by hand":
        assert await traces.drop(polls.id) == 1
    else:
        cycle = f"cycle/{polls.id}"
        destroyed = NewEvent(type=BallotKeysDestroyed.__name__, data={})
        await polls.store.append(
            command(cycle, "complete", (await polls.store.heads([cycle]))[cycle], destroyed)
        )
    assert await kept(traces, polls) == []
    await polls.close()
    assert (await polls.box.seal(polls.id)).papers == 1
