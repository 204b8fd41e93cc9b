"""Histories are kept when workflows close and replay after Temporal is gone; what they show and the log agree."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr
from temporalio.client import Client

from cli import app
from cli.output import INTEGRITY, OK, Outcome
from runtime.archiving import Archivist
from runtime.comparing import Comparison, Logged
from runtime.dev_server import DevServerOptions, start_dev_server
from runtime.door import Door
from runtime.embedded_postgres import PostgresServer
from runtime.payloads import PLAIN
from runtime.places import Places
from runtime.settings import Language, Login, Settings
from runtime.temporal import connect
from schemas import names
from schemas.events import CyclePaused, NominationWithdrawn
from schemas.ledger import Actor, Append, Frozen, NewEvent, Provenance
from schemas.loading import load_programme
from store.archive import HistoryArchive
from store.postgres import PostgresEventStore
from tests.support import people
from tests.support.databases import Database, fresh_database
from tests.workflows.test_replay import _Changed
from worker import serve
from workflows import registry
from workflows.registry import WORKFLOWS

PROGRAMME = Path("programmes/qingzhou-double-three/1.yaml")
TOWN, ROOT = "370781001", "370781"


class Story(NamedTuple):
    """A cycle that is over; its worker, its Temporal and all who used its database are gone."""

    database: Database
    settings: Settings
    cycle: str
    nomination: str
    live: dict[str, Outcome]  # what the audits said while Temporal was there
    kept: int


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def story(
    module_database: Database, places: Places, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Story]:
    server = await start_dev_server(places, DevServerOptions())
    dsns, folder = module_database.dsns, tmp_path_factory.mktemp("story")
    settings = Settings(
        data_dir=folder,
        language=Language.EN,
        postgres_app_dsn=SecretStr(dsns.app),
        postgres_sequencer_dsn=SecretStr(dsns.sequencer),
        postgres_auditor_dsn=SecretStr(dsns.auditor),
        postgres_vault_dsn=SecretStr(dsns.vault),
        vault_kek=SecretStr("ab" * 32),
        payload_keys=SecretStr("cd" * 32),
        temporal_address=server.address,
        task_queue=folder.name,
    )
    try:
        stop = asyncio.Event()
        await connect(settings, patience_seconds=60)
        serving = asyncio.create_task(serve(settings, stop))
        async with Door.open(settings) as door:
            cycle, nomination = await _whole_cycle(door, folder)
            live = {word: await app.run(["audit", word], settings) for word in ("determinism", "compare")}
            kept = await _all_kept(door, settings)
        stop.set()
        await serving
    finally:
        await server.child.stop()
    yield Story(module_database, settings, cycle, nomination, live, kept)


async def _whole_cycle(door: Door, folder: Path) -> tuple[str, str]:
    programme = load_programme(PROGRAMME)
    units = people.enterprises(folder / "enterprises.csv", TOWN, 1)
    await door.start_cycle(
        PROGRAMME,
        operators=("op-1", "op-2"),
        units=(units,),
        grants=people.grants(programme, ROOT, ("E1", TOWN, ROOT)),
        pace=people.fast(4),
    )
    cycle = names.cycle_id(programme.programme, programme.edition)
    nominations = [await people.nominate(door, cycle, programme, "E1", n) for n in range(2)]
    await people.act_until(door, cycle, programme, lambda: people.completed(door, cycle))
    await people.until_over(door, cycle, nominations)
    return cycle, nominations[0]


async def _all_kept(door: Door, settings: Settings) -> int:
    """Until nothing runs any more and all of it is kept; how many runs."""
    assert door.client is not None
    running = f'TaskQueue = "{settings.task_queue}" AND ExecutionStatus = "Running"'
    async with asyncio.timeout(30), HistoryArchive(settings.dsn(Login.APP)) as archive:
        while (await door.client.count_workflows(running)).count:  # noqa: ASYNC110 -- of a server
            await asyncio.sleep(0.1)
        await _sweep_twice(door.client, archive, settings.task_queue)
        return len([one async for one in archive.read()])


async def _sweep_twice(client: Client, archive: HistoryArchive, queue: str) -> None:
    archivist = Archivist(client, archive, queue)
    while await archivist.sweep():
        pass
    assert await Archivist(client, archive, queue).sweep() == 0, "what is kept is not kept again"


@pytest_asyncio.fixture(loop_scope="session")
async def copy(story: Story, postgres_server: PostgresServer) -> AsyncIterator[Story]:
    """The same, with a database of its own to spoil."""
    async with fresh_database(postgres_server, story.database.name) as database:
        settings = story.settings.model_copy(
            update={
                "postgres_app_dsn": SecretStr(database.dsns.app),
                "postgres_auditor_dsn": SecretStr(database.dsns.auditor),
            }
        )
        yield story._replace(database=database, settings=settings)


async def audited(story: Story, *words: str) -> Outcome:
    return await app.run(["audit", *words, "--cycle", story.cycle], story.settings)


async def test_a_cycle_agrees_with_its_histories_while_temporal_is_there(story: Story) -> None:
    compared = story.live["compare"]
    assert (compared.exit_code, compared.json["findings"]) == (OK, [])
    assert compared.json["origins"]["receipt"] > compared.json["events"] // 2
    assert story.live["determinism"].json["differ"] == 0


async def test_histories_of_every_workflow_are_kept_and_replay_without_temporal(story: Story) -> None:
    said = await audited(story, "determinism")
    assert (said.exit_code, said.json["temporal"]) == (OK, False)
    assert (said.json["archived"], said.json["live"], said.json["differ"]) == (story.kept, 0, 0)
    async with HistoryArchive(story.settings.dsn(Login.AUDITOR)) as archive:
        assert {one.kind async for one in archive.read()} == {"Cycle", "Round", "Nomination"}
        assert not [one async for one in archive.read("another-cycle.1")]


async def test_the_archive_alone_agrees_with_the_log(story: Story) -> None:
    said = await audited(story, "compare", "--archived")
    assert (said.exit_code, said.json["findings"]) == (OK, [])
    assert {one["stream"].split("/")[0] for one in said.json["unseen"]} == {"authority", "title"}


async def test_payloads_are_kept_sealed(story: Story) -> None:
    async with HistoryArchive(story.settings.dsn(Login.AUDITOR)) as archive:
        contents = [one.content async for one in archive.read()]
    assert all(b"xuanshu-sealed" in content for content in contents)
    assert not [content for content in contents if b"command_id" in content or b"received_at" in content]


async def test_a_changed_workflow_is_named_with_exit_6(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [one for one in WORKFLOWS if one.__name__ != "NominationWorkflow"]
    monkeypatch.setattr(registry, "WORKFLOWS", [*others, _Changed])
    said = await audited(story, "determinism")
    assert (said.exit_code, said.json["error"]["code"]) == (INTEGRITY, "HISTORY_DIFFERS")
    facts = said.json["error"]["facts"]
    assert facts["workflow"].startswith("nomination/")
    async with HistoryArchive(story.settings.dsn(Login.AUDITOR)) as archive:
        nominations = [one async for one in archive.read() if one.kind == "Nomination"]
    assert (int(facts["replayed"]), int(facts["differ"])) == (story.kept, len(nominations))


@pytest.mark.parametrize("where", ["nomination", "new nomination", "cycle"])
async def test_a_planted_event_that_no_history_knows_is_found(copy: Story, where: str) -> None:
    withdrawn: Frozen = NominationWithdrawn(reason="planted")
    stream, event, found = {
        "nomination": (names.nomination_stream(copy.cycle, copy.nomination), withdrawn, "no_command"),
        "new nomination": (names.nomination_stream(copy.cycle, "nobody"), withdrawn, "no_history"),
        "cycle": (names.cycle_stream(copy.cycle), CyclePaused(reason="planted"), "no_command"),
    }[where]
    seq = await plant(copy, stream, event)
    said = await audited(copy, "compare", "--archived")
    assert said.exit_code == INTEGRITY
    assert [(one["what"], one["stream"], one["seq"]) for one in said.json["findings"]] == [
        (found, stream, seq)
    ]


async def plant(story: Story, stream: str, event: Frozen) -> int:
    """An event with right bytes and hashes, in the middle of the cycle's life; its place."""
    async with PostgresEventStore(story.settings.dsn()) as store:
        (opened, *_, last) = await store.load(names.cycle_stream(story.cycle))
        head = (await store.heads([stream]))[stream]
        provenance = Provenance(
            log=opened.log,
            command_id="planted",
            payload_hash="0" * 64,
            actor=Actor(id="op-1", role="operator"),
            occurred_at=last.at,
            recorded_at=opened.recorded + (last.recorded - opened.recorded) / 2,
            rules=opened.rules,
        )
        data = NewEvent(type=type(event).__name__, data=event.model_dump(mode="json"))
        receipt = await store.append(
            Append(stream=stream, expected=head, provenance=provenance, events=(data,))
        )
        return receipt.head.seq


async def test_an_event_that_a_history_shows_and_the_log_lost_is_found(copy: Story) -> None:
    stream = names.nomination_stream(copy.cycle, copy.nomination)
    admin = await asyncpg.connect(copy.database.owner_dsn)
    await admin.execute("ALTER TABLE ledger.event DISABLE TRIGGER no_change")
    last = await admin.fetchrow(
        "DELETE FROM ledger.event WHERE stream = $1 AND seq = (SELECT max(seq) FROM ledger.event WHERE stream = $1)"
        " RETURNING seq, prev",
        stream,
    )
    assert last is not None
    await admin.execute(
        "UPDATE ledger.stream_head SET seq = $2, hash = $3 WHERE stream = $1",
        stream,
        last["seq"] - 1,
        last["prev"],
    )
    await admin.close()
    said = await audited(copy, "compare", "--archived")
    assert said.exit_code == INTEGRITY
    (found,) = said.json["findings"]
    assert (found["what"], found["stream"], found["seq"]) == ("missing", stream, last["seq"])
    assert found["workflow"] == stream


async def test_a_kept_history_cannot_be_changed_and_one_that_was_is_found(copy: Story) -> None:
    change = "UPDATE ledger.history SET packed = packed || 'x', hash = sha256(packed)"
    app_login = await asyncpg.connect(copy.settings.dsn())
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app_login.execute(change)
    await app_login.close()
    admin = await asyncpg.connect(copy.database.owner_dsn)
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await admin.execute(change)
    await admin.execute(
        "ALTER TABLE ledger.history DISABLE TRIGGER no_change, DROP CONSTRAINT hash_is_of_what_is_packed"
    )
    await admin.execute(change)
    await admin.close()
    said = await audited(copy, "determinism")
    assert (said.exit_code, said.json["error"]["code"]) == (INTEGRITY, "HISTORY_BROKEN")


async def test_an_event_of_this_minute_is_excused_and_of_the_one_before_is_not() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    comparison = Comparison(PLAIN)

    async def log() -> AsyncIterator[Logged]:
        yield Logged("nomination/c.1/n", 1, "NominationSubmitted", "submit", "", "ab", now)

    young = await comparison.against(log(), settled=now - timedelta(seconds=1))
    old = await comparison.against(log(), settled=now + timedelta(seconds=1))
    assert (young.findings, [one.what for one in old.findings]) == ((), ["no_history"])
