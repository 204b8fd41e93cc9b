"""The views keep step with the log, whole at every moment, and can always be made again from it."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from projections.projector import Projector
from schemas import names
from schemas.errors import Integrity
from schemas.events import CycleCancelled, CyclePaused
from schemas.ledger import NewEvent
from store.memory import MemoryEventStore
from store.postgres import PostgresEventStore
from store.sequencer import Sequencer
from tests.projections import story
from tests.store.commands import command
from tests.support.databases import Database

VIEWS = ("cycle", "nomination", "round", "projected")


async def execute(database: Database, *statements: str) -> None:
    connection = await asyncpg.connect(database.owner_dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def contents(database: Database) -> dict[str, list[str]]:
    """Every row of every view, as text."""
    connection = await asyncpg.connect(database.owner_dsn)
    try:
        return {
            view: [row[0] for row in await connection.fetch(f"SELECT v::text FROM views.{view} v ORDER BY 1")]
            for view in VIEWS
        }
    finally:
        await connection.close()


async def catch_up(projector: Projector) -> None:
    while await projector.step():
        pass


async def test_a_cycle_in_postgres_is_followed_to_its_end_and_made_again_alike(database: Database) -> None:
    sequencer = Sequencer(database.dsns.sequencer)
    async with PostgresEventStore(database.dsns.app) as log:
        await story.open_cycle(log)
        await story.write(log, story.whole_cycle())
        while await sequencer.step():
            pass
        await sequencer.close()
        projector = Projector(log, database.dsns.app)
        await catch_up(projector)
        followed = await contents(database)
        assert {view: len(rows) for view, rows in followed.items()} == {
            "cycle": 1,
            "nomination": 7,
            "round": 4,
            "projected": 1,
        }
        await projector.rebuild()
        assert await contents(database) == followed
        assert await projector.compare(log) == []
        await projector.close()


async def test_event_by_event_gives_what_one_batch_gives(
    log: MemoryEventStore, projector: Projector, database: Database
) -> None:
    for entry in story.whole_cycle():
        await story.write(log, [entry])
        await projector.step()
    followed = await contents(database)
    await projector.rebuild()
    assert await contents(database) == followed


async def test_rows_and_cursor_move_together_or_not_at_all(
    log: MemoryEventStore, projector: Projector, database: Database
) -> None:
    await catch_up(projector)
    before = await contents(database)
    await story.write(log, story.intake())
    stream = story.nomination("n1")
    head = (await log.heads([stream]))[stream]
    await log.append(command(stream, "later", head, NewEvent(type="NominationSung")))
    with pytest.raises(Integrity, match="EVENT_UNKNOWN"):
        await projector.step()
    assert await contents(database) == before


async def test_two_projectors_at_once_count_every_event_once(
    log: MemoryEventStore, projector: Projector, database: Database
) -> None:
    other = Projector(log, database.dsns.app)
    for entry in story.whole_cycle():
        await story.write(log, [entry])
        await asyncio.gather(projector.step(), other.step())
    await other.close()
    assert await projector.step() == 0
    assert await projector.compare(log) == []


async def test_a_changed_row_a_lost_one_and_an_invented_one_are_each_named(
    log: MemoryEventStore, projector: Projector, database: Database
) -> None:
    await story.write(log, story.intake())
    await catch_up(projector)
    await execute(
        database,
        "UPDATE views.nomination SET status = 'conferred' WHERE nomination = 'n1'",
        "DELETE FROM views.nomination WHERE nomination = 'n2'",
        'INSERT INTO views.nomination SELECT (jsonb_populate_record(v, \'{"stream": "nomination/x/y"}\')).*'
        " FROM views.nomination v WHERE nomination = 'n3'",
    )
    auditor = Projector(log, database.dsns.auditor)
    assert await auditor.compare(log) == [
        f"{story.nomination('n1')}: status is 'conferred', by the log 'open'",
        f"{story.nomination('n2')}: the view lacks it",
        "nomination/x/y: the log knows nothing of it",
    ]
    await projector.rebuild()
    assert await auditor.compare(log) == []


async def test_what_the_views_have_not_read_yet_is_no_difference(
    log: MemoryEventStore, projector: Projector
) -> None:
    await catch_up(projector)
    await story.write(log, story.intake())
    assert await projector.compare(log) == []
    assert await projector.step() > 0


async def test_after_a_log_was_restored_the_views_begin_again(
    log: MemoryEventStore, projector: Projector, database: Database
) -> None:
    await story.write(log, story.intake())
    await catch_up(projector)
    restored = MemoryEventStore()
    await story.open_cycle(restored)
    await story.write(restored, [(names.cycle_stream(story.CYCLE), (CycleCancelled(reason="重来"),))])
    assert await projector.compare(restored) == [
        "the views have read to 10, where this log does not have their event"
    ]
    other = Projector(restored, database.dsns.app)
    await catch_up(other)
    assert await other.compare(restored) == []
    await other.close()


async def test_it_follows_while_it_runs_through_a_lost_connection(
    log: MemoryEventStore, projector: Projector, database: Database
) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(projector.run(stop))
    await reached(database, 1)
    await execute(
        database,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND usename = 'xuanshu_app'",
    )
    await story.write(log, [(names.cycle_stream(story.CYCLE), (CyclePaused(reason="停电"),))])
    await reached(database, 2)
    stop.set()
    await running
    assert await projector.compare(log) == []


async def reached(database: Database, position: int) -> None:
    connection = await asyncpg.connect(database.owner_dsn)
    try:
        async with asyncio.timeout(20):
            while await connection.fetchval("SELECT position FROM views.projected") < position:  # noqa: ASYNC110 -- of a table
                await asyncio.sleep(0.02)
    finally:
        await connection.close()
