"""Votes through the store with every rule on, beside what Postgres takes at best: `make -s bench-votes`.

ARGS="--only store" for one part, "--rows 1000000" for how far the box is filled. The papers are made before the clock
runs; they come from voters in no order, one paper each, and are handed in by a few callers at once.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from os import urandom
from pathlib import Path
from random import Random
from uuid import uuid4

import asyncpg
import uvloop
from asyncpg.pgproto.pgproto import UUID
from temporalio import workflow
from temporalio.client import Client, WorkflowHandle
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from bench import stuffing, votes_http
from bench.figures import Figure, compared, show
from runtime.dev_server import DevServerOptions, start_dev_server
from runtime.embedded_postgres import PostgresServer, start_postgres
from runtime.places import Places, held_ephemeral_folder, places_for, server_account
from runtime.settings import Settings
from runtime.temporal import connect
from schemas.programme import VoterLimits
from store.ballots import BallotBox, Paper, PaperReceipt
from store.migrations import RolePasswords, migrate, role_dsns

DOC = Path(__file__).parent.parent / "docs" / "voting.md"
PARTS = ("store", "growth", "signals", "http", "stuffing")
ROUNDS = 5
DATABASE = "measured_votes"
SECRET = "for-the-bench-alone"
NOON = datetime(2024, 1, 30, 4, 0, tzinfo=UTC)
CANDIDATES = tuple(f"nomination-{n}" for n in range(100))
LIMITS = VoterLimits(per_day=3, choices_max=3)
CALLERS = 4
HANDED_IN = 5000
"""Papers that a caller hands in at once."""
COPIED = 10_000
SIGNALS = 2000
SETTINGS = {
    "shared_buffers": "2GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
}
"""Of the server, as docs/voting.md advises for a large vote."""
COPY = "binary COPY of votes, one a row, into the same table and key"
MILLION = 1_000_000

Ballot = tuple[str, int]  # its id, the number of its day's sheet


# ---- votes a second ----


async def store_figures(box: BallotBox, admin: asyncpg.Connection, papers: int) -> list[Figure]:
    """Rounds on new days of the box, each measured in turn."""
    runs: dict[str, list[float]] = {"one": [], "three": [], "copy": []}
    for _ in range(ROUNDS):
        runs["copy"].append(await _copied(admin, await _ballot(box, admin), papers))
        for kind, choices in (("one", 1), ("three", 3)):
            ballot = await _ballot(box, admin)
            runs[kind].append(choices * await _taken(box, ballot, _papers(ballot, papers, choices)))
    return [
        compared("votes_store_1", "votes/s", runs["one"], COPY, runs["copy"]),
        compared("votes_store_3", "votes/s", runs["three"], COPY, runs["copy"]),
    ]


async def _taken(box: BallotBox, ballot: Ballot, papers: Sequence[Paper]) -> float:
    """Papers a second that were acknowledged; asserts that each was."""
    gc.collect()
    gc.freeze()  # what was prepared is not what is measured

    async def caller(own: Sequence[Paper]) -> None:
        for at in range(0, len(own), HANDED_IN):
            outcomes = await box.submit_many(own[at : at + HANDED_IN])
            assert all(isinstance(one, PaperReceipt) and not one.repeated for one in outcomes), ballot

    began = time.perf_counter()
    await asyncio.gather(*(caller(papers[n::CALLERS]) for n in range(CALLERS)))
    return len(papers) / (time.perf_counter() - began)


async def _copied(admin: asyncpg.Connection, ballot: Ballot, rows: int) -> float:
    draw = Random(rows)
    records = [
        (UUID(urandom(16)), ballot[1], urandom(16) + b"\x02\xd0", draw.randrange(100).to_bytes(2, "big"))
        for _ in range(rows)
    ]
    began = time.perf_counter()
    for at in range(0, rows, COPIED):
        await admin.copy_records_to_table(
            f"voter_day_{ballot[1]}",
            schema_name="ballot",
            columns=("voter", "sheet", "papers", "choices"),
            records=records[at : at + COPIED],
        )
    return rows / (time.perf_counter() - began)


def _papers(ballot: Ballot, count: int, choices: int) -> list[Paper]:
    draw, everybody = Random(count), range(len(CANDIDATES))
    return [
        Paper(ballot[0], urandom(16), urandom(16), tuple(draw.sample(everybody, choices)), "web", NOON)
        for _ in range(count)
    ]


async def _ballot(box: BallotBox, admin: asyncpg.Connection) -> Ballot:
    """A ballot of one day whose gates are open."""
    name = f"bench/{uuid4().hex}"
    for gate in (name, f"cycle/{name}"):
        await admin.execute(
            "INSERT INTO ledger.gate (id, cycle, status, opens_at, closes_at, epoch) VALUES ($1, $2, 'open', $3, $4, 0)",
            gate,
            name,
            NOON - timedelta(hours=1),
            NOON + timedelta(hours=1),
        )
    await box.open(name, LIMITS, CANDIDATES)
    return name, await admin.fetchval("SELECT no FROM ballot.sheet WHERE ballot = $1", name)


# ---- a box that fills ----


async def growth_figures(box: BallotBox, admin: asyncpg.Connection, rows: int) -> list[Figure]:
    """Fill one day of a ballot, then count and seal it."""
    ballot = await _ballot(box, admin)
    step = max(rows // 10, 1)
    seconds = []
    for _ in range(10):
        taken = [await _taken(box, ballot, _papers(ballot, step // 5, 1)) for _ in range(5)]
        seconds.append(sum(step // 5 / rate for rate in taken))
    live = await _bytes(admin, ballot)
    tallies = await _tally_figures(box, admin, ballot, rows)
    await admin.execute("UPDATE ledger.gate SET status = 'closed' WHERE id = $1", ballot[0])
    began = time.perf_counter()
    sealed = await box.seal(ballot[0])
    sealing = time.perf_counter() - began
    assert sealed.papers == step // 5 * 50
    minutes = _eighty_million(seconds, step) / 60
    return [
        compared("votes_growth", "votes/s", [step / seconds[-1]], f"the first {step:,}", [step / seconds[0]]),
        Figure(
            "votes_bytes",
            round(await _bytes(admin, ballot) / rows, 1),
            "B a vote",
            "open",
            round(live / rows, 1),
        ),
        *tallies,
        Figure("votes_80m_minutes", round(minutes, 1), "min", "rows taken", rows),
        Figure(
            "votes_seal_80m_minutes", round(sealing * 80 * MILLION / rows / 60, 1), "min", "rows sealed", rows
        ),
    ]


async def _tally_figures(
    box: BallotBox, admin: asyncpg.Connection, ballot: Ballot, rows: int
) -> list[Figure]:
    (plain,) = [
        one for one in re.findall(r"```sql\n(.*?)```", DOC.read_text("utf-8"), re.DOTALL) if "count(*)" in one
    ]
    plain = re.sub(r"WHERE ballot.id = '.*?'", f"WHERE ballot.id = '{ballot[0]}'", plain)
    bare = f"SELECT choices, count(*) FROM ballot.voter_day_{ballot[1]} GROUP BY choices"
    await admin.execute(f"VACUUM (ANALYZE) ballot.voter_day_{ballot[1]}")

    async def seconds(count: Callable[[], Awaitable[object]]) -> float:
        began = time.perf_counter()
        await count()
        return rows / (time.perf_counter() - began)

    ours, theirs, barely = [], [], []
    for _ in range(ROUNDS):
        theirs.append(await seconds(lambda: admin.fetch(plain)))
        barely.append(await seconds(lambda: admin.fetch(bare)))
        ours.append(await seconds(lambda: box.live_counts(ballot[0])))
    return [
        compared("votes_tally", "votes/s", ours, "SELECT … count(*) … GROUP BY of docs/voting.md", theirs),
        compared("votes_tally_bare", "votes/s", ours, "the same, of undeciphered bytes", barely),
    ]


async def _bytes(admin: asyncpg.Connection, ballot: Ballot) -> int:
    return int(await admin.fetchval(f"SELECT pg_total_relation_size('ballot.voter_day_{ballot[1]}')"))


def _eighty_million(seconds: Sequence[float], step: int) -> float:
    """Seconds for ten days of eight million votes: each day fills a new partition, on the straight line measured."""
    count = len(seconds)
    middle, mean = (count - 1) / 2, sum(seconds) / count
    slope = sum((n - middle) * (one - mean) for n, one in enumerate(seconds)) / sum(
        (n - middle) ** 2 for n in range(count)
    )
    steps_a_day = 8 * MILLION / step
    return 10 * steps_a_day * max(mean + slope * (steps_a_day / 2 - middle), min(seconds))


# ---- beside Temporal ----


@workflow.defn(name="CountedSignals")
class CountedSignals:
    """What the engine does not do: each vote a signal to one workflow."""

    def __init__(self) -> None:
        self._votes = 0

    @workflow.run
    async def run(self, votes: int) -> int:
        await workflow.wait_condition(lambda: self._votes >= votes)
        return self._votes

    @workflow.signal
    def vote(self, _paper: list[str]) -> None:
        self._votes += 1


async def signals_figure(places: Places, box: BallotBox, admin: asyncpg.Connection) -> Figure:
    """Signals sent by 64 callers until the workflow has counted them, beside papers of one choice."""
    server = await start_dev_server(places, DevServerOptions())
    try:
        client = await connect(Settings(temporal_address=server.address))
        worker = Worker(
            client,
            task_queue="votes",
            workflows=[CountedSignals],
            workflow_runner=UnsandboxedWorkflowRunner(),
        )
        async with worker:
            signalled = [await _signalled(client) for _ in range(3)]
    finally:
        await server.child.stop()
    stored = []
    for _ in range(3):
        ballot = await _ballot(box, admin)
        stored.append(await _taken(box, ballot, _papers(ballot, 50_000, 1)))
    return compared("votes_as_signals", "votes/s", signalled, "votes_store_1", stored)


async def _signalled(client: Client) -> float:
    handle: WorkflowHandle[CountedSignals, int] = await client.start_workflow(
        CountedSignals.run, SIGNALS, id=uuid4().hex, task_queue="votes"
    )

    async def caller(votes: int) -> None:
        for n in range(votes):
            await handle.signal(CountedSignals.vote, [uuid4().hex, uuid4().hex, str(n)])

    began = time.perf_counter()
    await asyncio.gather(*(caller(SIGNALS // 50) for _ in range(50)))
    assert await handle.result() == SIGNALS
    return SIGNALS / (time.perf_counter() - began)


# ---- all of it ----


@asynccontextmanager
async def _served(places: Places) -> AsyncIterator[PostgresServer]:
    """A server with the settings of a large vote."""
    server = await start_postgres(places, SECRET)
    await server.ensure_database(DATABASE)
    admin = await asyncpg.connect(server.dsn(DATABASE))
    for name, value in SETTINGS.items():
        await admin.execute(f"ALTER SYSTEM SET {name} = '{value}'")
    await admin.close()
    await server.child.stop()
    server = await start_postgres(places, SECRET)
    try:
        yield server
    finally:
        await server.child.stop()


async def measure(only: str, papers: int, rows: int) -> AsyncIterator[list[Figure]]:
    """One part, or all of them, one after the other."""
    if only in ("", "stuffing"):
        yield stuffing.figures()
    if only == "stuffing":
        return
    passwords = RolePasswords.all_alike(SECRET)
    with held_ephemeral_folder(server_account(Settings())) as folder:
        places = places_for(Settings(data_dir=folder))
        async with _served(places) as server:
            if only in ("", "http"):
                yield await votes_http.figures(server)
            dsn = server.dsn(DATABASE)
            await asyncio.to_thread(migrate, dsn, passwords)
            admin = await asyncpg.connect(dsn)
            async with BallotBox(role_dsns(dsn, passwords).app, command_timeout_seconds=120) as box:
                if only in ("", "store"):
                    yield await store_figures(box, admin, papers)
                if only in ("", "growth"):
                    yield await growth_figures(box, admin, rows)
                if only in ("", "signals"):
                    yield [await signals_figure(places, box, admin)]
            await admin.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.votes", description=__doc__)
    parser.add_argument("--only", choices=PARTS, default="", help="one part instead of all")
    parser.add_argument("--papers", type=int, default=300_000, help="papers a round of votes_store")
    parser.add_argument("--rows", type=int, default=10 * MILLION, help="how many votes fill the box")
    options = parser.parse_args()
    uvloop.run(show(measure(options.only, options.papers, options.rows)))


if __name__ == "__main__":
    main()
