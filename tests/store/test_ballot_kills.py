"""Postgres killed under load: whatever was acknowledged is stored, and nothing is stored twice."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pytest

from runtime.embedded_postgres import PostgresServer, start_postgres
from runtime.places import Places, held_ephemeral_folder, places_for, server_account
from runtime.settings import Settings
from schemas.errors import Unavailable
from schemas.programme import VoterLimits
from store.ballots import BallotBox, Paper, PaperReceipt
from store.migrations import migrate, role_dsns
from store.postgres import PostgresEventStore
from tests.store.commands import NOON
from tests.store.polls import CANDIDATES, Polls
from tests.support.databases import PASSWORDS

CALLERS = 40
KILLS = 3
SECRET = "for-this-test-only"


@pytest.fixture
async def own_places() -> AsyncIterator[Places]:
    with held_ephemeral_folder(server_account(Settings())) as folder:
        yield places_for(Settings(data_dir=folder))


async def acknowledged(box: BallotBox, paper: Paper) -> PaperReceipt:
    """As a voter's page does it: the same paper again until there is an answer."""
    while True:
        try:
            return await box.submit(paper)
        except Unavailable:
            await asyncio.sleep(0.05)


Taken = dict[Paper, PaperReceipt]


class Milestone:
    """Set once so many papers were acknowledged."""

    def __init__(self, taken: Taken) -> None:
        self.taken = taken
        self.wanted = 0
        self.reached = asyncio.Event()

    def look(self) -> None:
        if len(self.taken) >= self.wanted:
            self.reached.set()

    async def reach(self, wanted: int) -> None:
        self.wanted = wanted
        self.reached.clear()
        await self.reached.wait()


async def load(polls: Polls, caller: int, stop: asyncio.Event, milestone: Milestone) -> None:
    n = 0
    while not stop.is_set():
        voter = f"{caller}-{n // 3}"
        paper = polls.paper(voter, f"{caller}-{n}", CANDIDATES[n % 3], at=NOON + timedelta(seconds=n))
        milestone.taken[paper] = await acknowledged(polls.box, paper)
        milestone.look()
        n += 1


async def killed_and_back(places: Places, server: PostgresServer) -> PostgresServer:
    await server.child.kill()
    return await start_postgres(places, SECRET, server.port)


async def test_postgres_killed_under_load_loses_no_acknowledged_paper_and_keeps_none_twice(
    own_places: Places,
) -> None:
    server = await start_postgres(own_places, SECRET)
    try:
        await server.ensure_database("votes")
        await asyncio.to_thread(migrate, server.dsn("votes"), PASSWORDS)
        app = role_dsns(server.dsn("votes"), PASSWORDS).app
        taken: Taken = {}
        milestone = Milestone(taken)
        async with PostgresEventStore(app) as store, BallotBox(app) as box:
            polls = Polls(box, store, "killed")
            await polls.begin(VoterLimits(per_day=3))
            stop = asyncio.Event()
            callers = [asyncio.create_task(load(polls, n, stop, milestone)) for n in range(CALLERS)]
            for kill in range(1, KILLS + 1):
                await milestone.reach(400 * kill)
                server = await killed_and_back(own_places, server)
            stop.set()
            await asyncio.gather(*callers)
        async with PostgresEventStore(app) as store, BallotBox(app) as box:
            await Polls(box, store, "killed").close()
            tally = await box.seal("killed")
            assert await box.recount("killed") == tally
            assert tally.papers == len(taken)
            for paper, receipt in list(taken.items())[:: len(taken) // 50]:
                assert (await box.submit(paper)).id == receipt.id
                assert (await box.inclusion(receipt.id)).leaf == receipt.leaf
        await _stored_once(server.dsn("votes"), taken)
    finally:
        await server.child.stop()


async def _stored_once(dsn: str, taken: Taken) -> None:
    admin = await asyncpg.connect(dsn)
    rows = await admin.fetch("SELECT voter, papers FROM ballot.voter_day")
    await admin.close()
    stored = Counter(
        (row["voter"].bytes, row["papers"][at : at + 16])
        for row in rows
        for at in range(0, len(row["papers"]), 19)
    )
    assert set(stored.values()) == {1}
    assert set(stored) == {(paper.voter, paper.paper_id) for paper in taken}
