"""Postgres comes back as an older copy of itself: what Temporal remembers gives the log its tail back, byte for byte."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr

from cli.app import run
from runtime.door import Door
from runtime.settings import Settings
from schemas import names
from schemas.canonical import leaf_hash
from schemas.commands import PauseCycle, ResumeCycle, Withdraw, lapse_command
from schemas.errors import Integrity
from schemas.ledger import Gate, Reservation
from tests.support import people
from tests.support.databases import Database, fresh_database
from tests.support.people import at_step
from tests.workflows import test_recovery as flood
from worker import serve

MOVED = ("--from", "D", "--to", "C=2")


@pytest.fixture
def programme_file(tmp_path: Path) -> Path:
    said = flood.PROGRAMME.replace("channels:", "quota: 9, channels:")
    said = said.replace("endorsement, period", "endorsement, ranked: true, period")
    return people.written(tmp_path, flood.UNITS, said)


@pytest.fixture
def base(temporal_server, tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path,
        vault_kek=SecretStr("ab" * 32),
        payload_keys=SecretStr("cd" * 32),
        temporal_address=temporal_server.address,
        task_queue=tmp_path.name,
    )


def _on(base: Settings, database: Database) -> Settings:
    dsns = database.dsns
    return base.model_copy(
        update={
            "postgres_app_dsn": SecretStr(dsns.app),
            "postgres_sequencer_dsn": SecretStr(dsns.sequencer),
            "postgres_auditor_dsn": SecretStr(dsns.auditor),
            "postgres_vault_dsn": SecretStr(dsns.vault),
        }
    )


@asynccontextmanager
async def _at_work(settings: Settings) -> AsyncIterator[Door]:
    """A worker and a door that are gone, with every connection, at the end."""
    stop = asyncio.Event()
    serving = asyncio.create_task(serve(settings, stop))
    async with Door.open(settings) as door:
        try:
            yield door
        finally:
            stop.set()
            await serving


async def _bodies(database: Database) -> dict[tuple[str, int], tuple[bytes, str]]:
    connection = await asyncpg.connect(database.owner_dsn)
    rows = await connection.fetch("SELECT stream, seq, body, hash FROM ledger.event")
    await connection.close()
    assert all(leaf_hash(row["body"]) == row["hash"].hex() for row in rows)
    return {(row["stream"], row["seq"]): (row["body"], row["hash"].hex()) for row in rows}


async def _rows(
    door: Door, cycle: str
) -> tuple[tuple[Gate, ...], tuple[Reservation, ...], list[dict[int, str]]]:
    scopes = [names.quota_scope("territorial", unit) for unit in ("C", "D")]
    scopes += [names.rank_scope(stream) for stream in await door.store.streams(f"round/{cycle}/")]
    claims = [await door.store.claims(cycle, scope) for scope in scopes]
    assert len(list(filter(None, claims))) >= 3  # whoever is out has given their rank back
    return await door.store.gates(cycle), await door.store.reservations(cycle), claims


async def test_an_older_postgres_gets_its_tail_back_from_temporal_and_the_cycle_ends(
    base: Settings, database: Database, postgres_server, programme_file: Path
) -> None:
    now = _on(base, database)
    async with _at_work(now) as door:
        programme, cycle, nominations = await flood.begin(door, programme_file, "tail")
        prefecture = names.round_stream(cycle, "territorial", "A")
    async with fresh_database(postgres_server, database.name) as backup:
        async with _at_work(now) as door:
            await door.send(names.cycle_stream(cycle), PauseCycle(reason="flood"), flood.OPERATORS[0])
            await door.send(names.cycle_stream(cycle), ResumeCycle(), flood.OPERATORS[0])
            late = [await people.nominate(door, cycle, programme, "D", n) for n in (5, 6)]
            officer = flood.OFFICER.model_copy(update={"id": "of-D", "unit": "D"})
            await door.send(names.nomination_stream(cycle, late[0]), Withdraw(reason="ill"), officer)
            for by in flood.OPERATORS:
                signed = ("--as", by.id, "--role", by.role)
                await run(["seats", "move", cycle, *MOVED, "--reason", "r", *signed, "--json"], now, door)
            await people.close_intake(door, cycle)
            await flood.vote_is_open(door, programme, cycle)
            await flood.vote(door, cycle, nominations)
            await people.act_until(door, cycle, programme, lambda: at_step(door, prefecture, "notice"))
        async with Door.open(now) as door:
            before, rows = await _bodies(database), await _rows(door, cycle)

        then = _on(base, backup)
        async with Door.open(then) as door:
            lost = before.keys() - (await _bodies(backup)).keys()
            assert len({stream for stream, _ in lost}) > len(nominations)
            outcome = await run(["recover", cycle, "--json"], then, door)
            restored = outcome.json["restored"]
            assert await _bodies(backup) == before
            assert await _rows(door, cycle) == rows
            assert Counter(rows[2][1].values())[names.given_to("C")] == 2
            assert sum(one["last"] + 1 - one["first"] for one in restored["given_back"]) == len(lost)
            assert (restored["apart"], restored["documents_missing"]) == ([], [])
            assert restored["ballots_short"] == [names.step_gate(prefecture, "vote")]
            assert restored["entries_missing"] == 3, "two forms, and why one of them was withdrawn"
            again = await run(["recover", cycle, "--json"], then, door)
            assert again.json["restored"]["given_back"] == []
        async with _at_work(then) as door:
            await flood.act_to_the_end(door, programme, cycle, nominations)
            honours = await flood.honours(door, cycle, nominations)
            assert [titles for _, *titles in honours if titles] == [["gold", "silver"]] * 3


async def test_a_stream_that_went_on_otherwise_since_the_backup_is_named_and_left_as_it_is(
    base: Settings, database: Database, postgres_server, programme_file: Path
) -> None:
    now = _on(base, database)
    async with _at_work(now) as door:
        _, cycle, nominations = await flood.begin(door, programme_file, "apart")
    stream = names.nomination_stream(cycle, nominations[0])
    async with fresh_database(postgres_server, database.name) as backup:
        async with _at_work(now) as door:
            await door.send(stream, Withdraw(reason="ill"), flood.OFFICER)
            paused = PauseCycle(reason="flood")
            await door.send(names.cycle_stream(cycle), paused, flood.OPERATORS[0])
        then = _on(base, backup)
        async with _at_work(then) as door:
            with pytest.raises(Integrity) as behind:
                await door.send(names.cycle_stream(cycle), PauseCycle(reason="snow"), flood.OPERATORS[0])
            assert behind.value.code == "LOG_BEHIND"
            await door.decider.execute(
                await door.command(stream, Withdraw(reason="moved away"), flood.OFFICER, "otherwise")
            )
        async with Door.open(then) as door:
            kept = await door.store.load(stream)
            recovered = await door.recover(cycle)
            assert [(one.stream, one.seq) for one in recovered.restored.apart] == [(stream, 2)]
            assert [one.stream for one in recovered.restored.given_back] == [names.cycle_stream(cycle)]
            assert await door.store.load(stream) == kept


async def test_outcomes_that_were_lost_on_their_way_or_with_the_outbox_are_told_again(
    base: Settings, database: Database, programme_file: Path
) -> None:
    settings = _on(base, database)
    async with _at_work(settings) as door:
        programme, cycle, nominations = await flood.begin(door, programme_file, "unheard")
        await people.close_intake(door, cycle)
        county = names.round_stream(cycle, "territorial", "C")
        await people.act_until(door, cycle, programme, lambda: at_step(door, county, "word"))
    async with Door.open(settings) as door:
        await flood.lose_temporal(door, cycle)
        await door.decider.execute(lapse_command(county, await door.now(cycle)))
        posts = await door.store.undelivered(cycle)
        await door.store.mark_delivered([post.id for post in posts])
        assert (await door.recover(cycle)).messages == len(nominations)
        assert await door.store.undelivered(cycle) == posts
        connection = await asyncpg.connect(database.owner_dsn)
        await connection.execute("DELETE FROM ledger.outbox")
        await connection.close()
        assert (await door.recover(cycle)).messages == len(nominations)
        assert {post.id for post in await door.store.undelivered(cycle)} == {post.id for post in posts}
    async with _at_work(settings) as door:
        await flood.until_heard(door, cycle, nominations)
        assert (await door.recover(cycle)).messages == 0
