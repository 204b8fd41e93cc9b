"""Writers killed in the middle of what they do: nothing acknowledged is lost, nothing is written twice."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import asyncpg
import pytest

from store.postgres import PostgresEventStore
from tests.store.kill_campaign import STREAMS, deliver
from tests.support.databases import Database

ROOT = Path(__file__).parents[2]


async def campaign(dsn: str, commands: int, kills: int) -> None:
    running = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.store.kill_campaign", dsn, str(commands), str(kills), "7", cwd=ROOT
    )
    assert await running.wait() == 0


@pytest.mark.parametrize("kills", [40, pytest.param(1000, marks=pytest.mark.soak)])
async def test_killed_writers_lose_nothing_and_write_nothing_twice(database: Database, kills: int) -> None:
    await campaign(database.dsns.app, 40, kills)
    async with PostgresEventStore(database.dsns.app) as store:
        for n in range(STREAMS):
            events = await store.load(f"killed/{n}")
            assert [event.command_id for event in events] == [f"c{i}" for i in range(40)]


async def remove_deduplication(database: Database) -> None:
    """Take the receipt look-up out of the function and the key off the table, as a careless change might."""
    admin = await asyncpg.connect(database.owner_dsn)
    source = await admin.fetchval("SELECT pg_get_functiondef('ledger.append_batch'::regproc)")
    look_up = "WHERE (r.seq > 0 OR as_expected IS NOT TRUE) AND ("
    assert source.count(look_up) == 1
    await admin.execute(source.replace(look_up, "WHERE false AND ("))
    await admin.execute("ALTER TABLE ledger.event DROP CONSTRAINT command_is_written_once")
    await admin.close()


@pytest.mark.parametrize(("deduplicated", "written"), [(True, 1), (False, 2)])
async def test_without_deduplication_a_command_delivered_again_is_written_twice(
    database: Database, deduplicated: bool, written: int
) -> None:
    if not deduplicated:
        await remove_deduplication(database)
    async with PostgresEventStore(database.dsns.app) as store:
        await deliver(store, "s", "one")  # its acknowledgement is lost with its writer
        await deliver(store, "s", "one")
        assert len(await store.load("s")) == written
