"""`audit replay` on a real log, by the auditor's login alone: decisions taken again, looked back at, and a lie found."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Sequence

import asyncpg
import orjson
import pytest
import pytest_asyncio
from rich.console import Console

from cli import app
from cli.output import INTEGRITY, OK, REFUSED
from cli.rehearse.conductor import Conductor
from runtime.embedded_postgres import PostgresServer
from runtime.settings import Settings
from schemas import names
from schemas.canonical import canonical_bytes, leaf_hash
from schemas.ledger import JsonObject
from store.postgres import PostgresEventStore
from tests.activities.test_retaking import Withdrawing, party
from tests.cli.test_audit import settings_of, settle
from tests.support.databases import Database, fresh_database

CYCLE = "sichuan-craftsman.1.rehearsal"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def whole(module_database: Database) -> str:
    """The name of a database with a whole cycle by invented people."""
    async with PostgresEventStore(module_database.dsns.app) as store:
        conductor: Conductor = Withdrawing(store, party(16))
        await conductor.run()
        await settle(module_database, store)
    return module_database.name


@pytest_asyncio.fixture
async def database(postgres_server: PostgresServer, whole: str) -> AsyncIterator[Database]:
    """A copy of it for this test alone."""
    async with fresh_database(postgres_server, whole) as copied:
        yield copied


@pytest.fixture
def told(database: Database) -> Settings:
    return settings_of(database)


async def rewritten(database: Database, stream: str, was: Sequence[str]) -> int:
    """What only the server's owner can do: in one event a text is another, and every hash after it is made to fit."""
    connection = await asyncpg.connect(database.owner_dsn)
    try:
        await connection.execute("ALTER TABLE ledger.event DISABLE TRIGGER no_change")
        rows = await connection.fetch(
            "SELECT seq, body FROM ledger.event WHERE stream = $1 ORDER BY seq", stream
        )
        prev, changed = "0" * 64, 0
        for row in rows:
            body = row["body"]
            if not changed and was[0].encode() in body:
                changed, body = row["seq"], body.replace(was[0].encode(), was[1].encode())
            body = canonical_bytes(orjson.loads(body) | {"prev": prev})
            before, prev = prev, leaf_hash(body)
            await connection.execute(
                "UPDATE ledger.event SET body = $1, prev = $2, hash = $3 WHERE stream = $4 AND seq = $5",
                *(body, bytes.fromhex(before), bytes.fromhex(prev), stream, row["seq"]),
            )
        await connection.execute(
            "UPDATE ledger.stream_head SET hash = $1 WHERE stream = $2", bytes.fromhex(prev), stream
        )
    finally:
        await connection.close()
    return changed


async def test_every_decision_of_the_log_is_taken_again_and_the_count_is_said_dr_45(told: Settings) -> None:
    outcome = await app.run(["audit", "replay"], told)
    assert outcome.exit_code == OK
    retaken = outcome.json["retaken"]
    assert (retaken["differ"], retaken["only_folded"]) == (0, {})
    assert retaken["decisions"] == sum(retaken["kinds"].values()) > 100
    assert retaken["results"]["SelectionMade"] > 0
    shown = io.StringIO()
    Console(file=shown, width=200).print(outcome.shown)
    assert f"{retaken['decisions']} decisions retaken" in shown.getvalue()
    assert "0 differ" in shown.getvalue()


async def test_a_look_back_says_what_was_known_and_what_was_true_then(told: Settings) -> None:
    whole = (await app.run(["audit", "replay", CYCLE], told)).json
    middle = whole["story"][len(whole["story"]) // 2]
    outcome = await app.run(["audit", "replay", CYCLE, "--as-of", str(middle["position"])], told)
    assert outcome.exit_code == OK
    story, as_of = outcome.json["story"], outcome.json["as_of"]
    assert [_without_data(one) for one in story] == [
        _without_data(one) for one in whole["story"][: len(story)]
    ]
    assert story[-1]["command_id"] == middle["command_id"]
    assert as_of["at"] == middle["at"]
    assert as_of["known"]["state"] == outcome.json["state"]
    by_then = sum(one["at"] <= as_of["at"] for one in story)  # a round beside it may be ahead in cycle time
    assert as_of["true"]["events"] == by_then + len(as_of["learnt_later"])
    assert all(one["at"] <= as_of["at"] for one in as_of["learnt_later"][-1:])
    assert outcome.json["retaken"]["decisions"] < whole["retaken"]["decisions"]


def _without_data(told: JsonObject) -> JsonObject:
    """Sheets of a panel that had not closed then were sealed, and were not later."""
    return {name: said for name, said in told.items() if name != "data"}


async def test_an_instant_is_looked_back_at_by_when_things_were_recorded_and_by_when_they_were_so(
    told: Settings,
) -> None:
    whole = (await app.run(["audit", "replay", CYCLE], told)).json
    last = whole["story"][-1]
    outcome = await app.run(["audit", "replay", CYCLE, "--as-of", last["recorded"]], told)
    assert outcome.json["state"] == whole["state"]
    early = await app.run(["audit", "replay", CYCLE, "--as-of", "1990-01-01T00:00:00Z"], told)
    assert (early.exit_code, early.json["error"]["code"]) == (REFUSED, "NOT_FOUND")
    late = await app.run(["audit", "replay", CYCLE, "--as-of", "999999"], told)
    assert (late.exit_code, late.json["error"]["code"]) == (REFUSED, "NOT_FOUND")


async def test_a_score_that_was_rewritten_with_every_hash_made_to_fit_is_found_with_its_event(
    told: Settings, database: Database
) -> None:
    state = (await app.run(["audit", "replay", CYCLE, "--story-only"], told)).json["story"]
    closed = next(one for one in state if one["type"] == "PanelClosed")
    result = closed["data"]["results"][0]
    was = (
        f'"nomination":"{result["nomination"]}","parts"'
        if "parts" in result
        else f'"value":"{result["value"]}"'
    )
    changed = await rewritten(database, closed["stream"], (was, was.replace(result["value"], "99")))
    assert changed
    async with PostgresEventStore(database.dsns.app) as store:
        assert await store.load(closed["stream"])  # the chain holds
    outcome = await app.run(["audit", "replay"], told)
    assert outcome.exit_code == INTEGRITY
    error = outcome.json["error"]
    assert error["code"] == "DECISION_DIFFERS"
    assert (error["facts"]["stream"], error["facts"]["seq"]) == (closed["stream"], str(changed))
    assert names.kind_of(error["facts"]["stream"]) == "round"


async def test_a_time_that_cannot_be_is_found_and_everything_else_is_taken_again(
    told: Settings, database: Database
) -> None:
    whole = (await app.run(["audit", "replay", CYCLE], told)).json
    assert (whole["retaken"]["untimely"], whole["retaken"]["first_untimely"]) == (0, [])
    assert whole["retaken"]["longest"]["seconds"] == 0
    endorsed = next(one for one in whole["story"] if one["type"] == "NominationEndorsed")
    recorded = f'"recorded":"{endorsed["recorded"]}"'
    changed = await rewritten(
        database, endorsed["stream"], (recorded, '"recorded":"2020-01-01T00:00:00.000000Z"')
    )
    outcome = await app.run(["audit", "replay"], told)
    assert outcome.exit_code == INTEGRITY
    retaken = outcome.json["retaken"]
    assert (retaken["decisions"], retaken["differ"]) == (whole["retaken"]["decisions"], 0)
    [found] = retaken["first_untimely"]
    assert (found["stream"], found["seq"]) == (endorsed["stream"], changed)
    shown = io.StringIO()
    Console(file=shown, width=200).print(outcome.shown)
    assert "1 commands with times that cannot be" in shown.getvalue()
    assert found["recorded"] == "2020-01-01T00:00:00.000000Z"
    assert "2020-01-01T08:00:00+08:00" in shown.getvalue()
