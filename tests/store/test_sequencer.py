"""The global order: dense, complete, in each stream's order, whoever commits late and whoever is killed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import groupby

import asyncpg
import pytest

from schemas.canonical import seal
from schemas.errors import Integrity
from schemas.ledger import Append, Head, NewEvent, RecordedEvent
from store.flush import Waiting, _arguments
from store.postgres import PostgresEventStore
from store.sequencer import Sequencer
from store.statements import statement
from tests.store.commands import NOON, command
from tests.support.databases import Database


@pytest.fixture
async def store(database: Database) -> AsyncIterator[PostgresEventStore]:
    async with PostgresEventStore(database.dsns.app) as opened:
        yield opened


@pytest.fixture
async def sequencer(database: Database) -> AsyncIterator[Sequencer]:
    made = Sequencer(database.dsns.sequencer)
    yield made
    await made.close()


class SlowWriter:
    """A writer that has written and not yet committed."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self.transaction = connection.transaction()

    @classmethod
    async def begin(cls, database: Database, request: Append) -> SlowWriter:
        writer = cls(await asyncpg.connect(database.dsns.app))
        await writer.transaction.start()
        waiting = Waiting(request, seal(request), asyncio.get_running_loop().create_future())
        await writer.connection.fetch(statement("append_as_expected"), *_arguments([waiting]))
        return writer

    async def end(self, commit: bool) -> None:
        await (self.transaction.commit() if commit else self.transaction.rollback())
        await self.connection.close()


async def order(store: PostgresEventStore) -> list[tuple[str, int]]:
    """The whole global order, which must be dense from 1."""
    events = await store.read_all(0, 1_000_000)
    assert [event.position for event in events] == list(range(1, len(events) + 1))
    return [(event.stream, event.seq) for event in events]


async def settle(sequencer: Sequencer, steps: int = 5) -> None:
    for _ in range(steps):
        await sequencer.step()


@pytest.mark.parametrize("commits", [True, False], ids=["commits late", "never commits"])
async def test_a_late_committer_is_not_skipped(
    database: Database, store: PostgresEventStore, sequencer: Sequencer, commits: bool
) -> None:
    slow = await SlowWriter.begin(database, command("slow", "one"))
    for n in range(3):
        await store.append(command(f"fast/{n}", "one"))
        await settle(sequencer)
    assert await order(store) == [("fast/0", 1), ("fast/1", 1), ("fast/2", 1)]
    await slow.end(commits)
    await store.append(command("last", "one"))
    await settle(sequencer)
    late = [("slow", 1)] if commits else []
    assert (await order(store))[3:] == [*late, ("last", 1)]
    assert await store.overdue(NOON + timedelta(days=1)) == ()


async def test_what_is_settled_is_not_looked_at_again(
    database: Database, store: PostgresEventStore, sequencer: Sequencer
) -> None:
    for n in range(3):
        await store.append(command(f"s/{n}", "one"))
    await settle(sequencer)
    admin = await asyncpg.connect(database.owner_dsn)
    low = await admin.fetchval("SELECT low FROM ledger.sequencer")
    newest = await admin.fetchval("SELECT max(id) FROM ledger.event")
    await admin.close()
    assert low == newest
    assert await sequencer.step() == 0


async def test_an_event_below_the_mark_is_found_by_a_sweep_and_until_then_overdue(
    database: Database, store: PostgresEventStore, sequencer: Sequencer
) -> None:
    await store.append(command("s", "one"))
    admin = await asyncpg.connect(database.owner_dsn)
    await admin.execute("UPDATE ledger.sequencer SET low = 1000000")
    await admin.close()
    assert await sequencer.step() == 0
    assert [event.stream for event in await store.overdue(NOON + timedelta(seconds=60))] == ["s"]
    assert await store.overdue(NOON) == ()
    assert await sequencer.step(sweep=True) == 1
    assert await order(store) == [("s", 1)]
    assert await store.overdue(NOON + timedelta(seconds=60)) == ()


async def test_two_sequencers_share_one_order(database: Database, store: PostgresEventStore) -> None:
    stop = asyncio.Event()
    pair = [asyncio.create_task(Sequencer(database.dsns.sequencer).run(stop)) for _ in range(2)]
    for n in range(50):
        await store.append(command(f"s/{n}", "one"))
    await store.wait_sequenced("s/49", 1, 20)
    stop.set()
    await asyncio.gather(*pair)
    assert sorted(await order(store)) == sorted((f"s/{n}", 1) for n in range(50))


async def test_what_was_written_before_the_stop_has_its_place(
    database: Database, store: PostgresEventStore
) -> None:
    await store.append(command("s/0", "one"))
    stop = asyncio.Event()
    stop.set()
    await Sequencer(database.dsns.sequencer).run(stop)
    assert await order(store) == [("s/0", 1)]


async def test_a_sequencer_outlives_lost_connections(database: Database, store: PostgresEventStore) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(Sequencer(database.dsns.sequencer).run(stop))
    admin = await asyncpg.connect(database.owner_dsn)
    for n in range(3):
        await store.append(command(f"s/{n}", "one"))
        await store.wait_sequenced(f"s/{n}", 1, 20)
        await admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = 'xuanshu_sequencer' AND datname = current_database()"
        )
    await admin.close()
    stop.set()
    await running
    assert await order(store) == [("s/0", 1), ("s/1", 1), ("s/2", 1)]


async def test_a_body_that_is_not_its_hashs_stops_the_order(
    database: Database, store: PostgresEventStore, sequencer: Sequencer
) -> None:
    await store.append(command("s", "one"))
    admin = await asyncpg.connect(database.owner_dsn)
    await admin.execute("ALTER TABLE ledger.event DISABLE TRIGGER no_change")
    await admin.execute("ALTER TABLE ledger.event DROP CONSTRAINT hash_is_of_the_body")
    await admin.execute("UPDATE ledger.event SET body = body || ' '")
    await admin.close()
    with pytest.raises(Integrity, match="LOG_BROKEN"):
        await sequencer.step()
    assert await store.last_position() == 0


async def test_200_writers_and_readers_see_no_gap_no_skip_and_no_duplicate(database: Database) -> None:
    writers, readers, commands = 150, 50, 8
    stop = asyncio.Event()
    sequencer = asyncio.create_task(Sequencer(database.dsns.sequencer).run(stop))
    stores = [PostgresEventStore(database.dsns.app) for _ in range(4)]
    for one in stores:
        await one.__aenter__()
    slow = [await SlowWriter.begin(database, command(f"slow/{n}", "one")) for n in range(6)]
    total = writers * commands + len(slow) // 2
    reading = [asyncio.create_task(read_until(stores[n % 4], total, sequencer)) for n in range(readers)]
    writing = [asyncio.create_task(write(stores[n % 4], f"w/{n}", commands)) for n in range(writers)]
    for n, writer in enumerate(slow):
        await asyncio.sleep(0.05)
        await writer.end(commit=n % 2 == 0)
    await asyncio.gather(*writing)
    seen = await asyncio.gather(*reading)
    stop.set()
    await sequencer
    for one in stores:
        await one.__aexit__(None, None, None)
    expected = {(f"w/{n}", seq) for n in range(writers) for seq in range(1, commands + 1)}
    expected |= {(f"slow/{n}", 1) for n in range(0, len(slow), 2)}
    for events in seen:
        assert [event.position for event in events] == list(range(1, total + 1))
        assert {(event.stream, event.seq) for event in events} == expected
        last: dict[str, int] = {}
        for event in events:
            assert event.seq == last.get(event.stream, 0) + 1
            last[event.stream] = event.seq


async def write(store: PostgresEventStore, stream: str, count: int) -> None:
    head = Head()
    for n in range(count):
        head = (await store.append(command(stream, f"c{n}", head))).head


async def read_until(
    store: PostgresEventStore, total: int, sequencer: asyncio.Task[None]
) -> list[RecordedEvent]:
    """Follow the order by position, as a projection does, for as long as somebody makes it."""
    events: list[RecordedEvent] = []
    while len(events) < total and not sequencer.done():
        page = await store.read_all(len(events), 100)
        events += page
        if not page:
            await asyncio.sleep(0.02)
    return events


@pytest.mark.parametrize("batch", [5000, 7])
async def test_what_one_command_wrote_stands_side_by_side(
    database: Database, sequencer: Sequencer, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr("store.sequencer.BATCH_MAX", batch)
    owner = await asyncpg.connect(database.owner_dsn)
    async with PostgresEventStore(database.dsns.app) as one, PostgresEventStore(database.dsns.app) as other:
        for turn in range(30):
            streams = [f"t{turn}/{n}" for n in range(40)]
            notes = [NewEvent(type="noted", data={"n": n}) for n in range(5)]
            await asyncio.gather(
                *(
                    (one, other)[n % 2].append(command(stream, "c", None, *notes))
                    for n, stream in enumerate(streams)
                )
            )
            ids = [row[0] for row in await owner.fetch("SELECT stream FROM ledger.event ORDER BY id")]
            if _pieces(ids) > len(set(ids)):
                break
        else:
            pytest.fail("no two appends took their ids by turns, so nothing was shown")
        await settle(sequencer, 2 + len(ids) // batch)
        placed = [stream for stream, _ in await order(one)]
    await owner.close()
    assert sorted(placed) == sorted(ids)
    assert _pieces(placed) == len(set(placed))


def _pieces(streams: list[str]) -> int:
    return sum(1 for _ in groupby(streams))
