"""Strings that nobody else writes are planted by the real door; after an erasure no file of any server holds them.

The same look finds a string that was written plainly on purpose, so that a look that sees nothing would be noticed.
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import NamedTuple
from zipfile import ZipFile, is_zipfile

import asyncpg
import pytest
import pytest_asyncio
from temporalio.client import Client

from cli import app
from cli.output import OK, Outcome
from runtime.door import Door, NominationForm
from runtime.settings import Language, Login, Settings
from runtime.stack import Stack, embedded_stack
from runtime.temporal import worker_there
from runtime.texts import ERASED
from schemas import names
from schemas.commands import (
    CloseStepEarly,
    Confer,
    Decide,
    Endorse,
    Reject,
    Removal,
    ReturnForCorrection,
    RuleOnObjection,
    Withdraw,
)
from schemas.errors import Refused
from schemas.events import NominationCorrected, NominationSubmitted, ObjectionFiled, read
from schemas.ledger import Actor
from schemas.loading import load_programme
from schemas.programme import Channel
from tests.support import people
from tests.support.people import at_step, until

PROGRAMME = """
programme: test-canaries
edition: 1
title: {zh: 测试·金丝雀}
subject: person
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [county, province]}]
titles: [{id: gold, label: {zh: 金}}]
stages:
  county:
    steps: [{id: intake, type: intake, channels: [unit], period: {days: 6, unit: natural_day}}]
  province:
    steps:
      - {id: word, type: endorsement, returns_max: 3, period: {days: 90, unit: natural_day}}
      - {id: notice, type: publicity, period: {days: 5, unit: natural_day}}
      - {id: sealed, type: decision, body: office, period: {days: 90, unit: natural_day}}
      - {id: honour, type: conferral, body: office, grades: [{title: gold}], period: {days: 90, unit: natural_day}}
"""
COUNTY, PROVINCE = (Actor(id=f"of-{unit}", role="officer", unit=unit) for unit in ("C", "P"))
HANDLER = Actor(id="h-1", role="handler")
BODY = tuple(Actor(id=person, role="body:office") for person in people.BODIES)
OPERATORS = (("--as", "op-1", "--role", "operator"), ("--as", "op-2", "--role", "operator"))


@dataclass
class Planted:
    """Canaries that must be gone, and those that were written plainly so that the look proves itself."""

    secret: list[str] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)

    def one(self, what: str) -> str:
        self.secret.append(f"canary-{what}-{token_hex(8)}")
        return self.secret[-1]

    def open(self, what: str) -> str:
        self.plain.append(f"control-{what}-{token_hex(8)}")
        return self.plain[-1]


class Told(NamedTuple):
    """A cycle that is over, everybody in it erased, and what was read and handed out before and after."""

    stack: Stack
    cycle: str
    planted: Planted
    winner: str
    words: list[str]  # what people read before, in order
    before: bytes  # the export before the erasure
    entries: list[str]
    keys: list[bytes]  # the wrapped keys of those who were erased


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def told(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Told]:
    folder = tmp_path_factory.mktemp("canaries")
    settings = Settings(data_dir=folder / "data", language=Language.EN, log_level="DEBUG")
    async with embedded_stack(settings, ephemeral=False) as stack:
        await stack.start_worker()
        async with Door.open(stack.settings) as door:
            assert door.client is not None
            await worker_there(door.client, stack.settings.task_queue)
            story = await _lived(stack, door, folder)
        await stack.stop_workers()
        await _written_over(stack.settings)
        yield story


async def _lived(stack: Stack, door: Door, folder: Path) -> Told:
    planted = Planted()
    (folder / "units.csv").write_text(
        "code,parent,name,rank\nP,,测试省,province\nC,P,测试县,county\n", "utf-8"
    )
    (folder / "1.yaml").write_text(PROGRAMME, "utf-8")
    programme = load_programme(folder / "1.yaml")
    label = planted.open("label").replace("control-", "")  # a cycle's id is no secret
    planted.plain[-1] = label
    await door.start_cycle(
        folder / "1.yaml",
        operators=("op-1", "op-2"),
        label=label,
        grants=people.grants(programme, "P", ("C", "P")),
        pace=people.fast(days_a_second=1),
    )
    cycle = names.cycle_id(programme.programme, programme.edition, label)
    ids = [await _nominate(door, cycle, planted, n) for n in range(4)]
    summit = names.round_stream(cycle, names.ROOT_ROUTE, "P")
    await until(lambda: at_step(door, summit, "word"))
    words = await _endorsed(door, cycle, summit, ids, planted)
    await until(lambda: at_step(door, summit, "notice"))
    words += await _objected_to(door, cycle, ids[0], planted)
    await until(lambda: at_step(door, summit, "sealed"))
    removal = Removal(nomination=ids[1], reason=planted.one("removal"))
    for member in BODY:
        await door.send(summit, Decide(step="sealed", remove=(removal,)), member)
    await until(lambda: at_step(door, summit, "honour"))
    for member in BODY:
        await door.send(summit, Confer(step="honour"), member)
    await until(lambda: people.completed(door, cycle))
    states = await people.until_over(door, cycle, ids)
    assert [state.status for state in states] == ["conferred", "eliminated", "rejected", "withdrawn"]
    assert door.client is not None
    await _plain_workflow(stack.settings, planted)
    before = await _exported(stack.settings, cycle, folder / "before.xlsx")
    read_ = [word for id in ids for word in await _words_read(stack.settings, cycle, id)]
    entries = [
        event.entry
        for id in ids
        for event in await _events(door, cycle, id)
        if isinstance(event, NominationSubmitted | NominationCorrected) and event.entry
    ]
    keys = await _wrapped_keys(stack.settings)
    objector = await door.subject_of(cycle, identity=planted.secret[planted_index(planted, "objector-id")])
    for whom in (*(f"{cycle}/{id}" for id in ids), objector):
        await _erased(stack.settings, whom, cycle)
    return Told(stack, cycle, planted, ids[0], [*words, *read_], before, entries, keys)


def planted_index(planted: Planted, what: str) -> int:
    return next(n for n, one in enumerate(planted.secret) if f"-{what}-" in one)


async def _nominate(door: Door, cycle: str, planted: Planted, n: int) -> str:
    fields = {key: planted.one(f"{key}{n}") for key in ("name", "phone", "deeds")}
    form = NominationForm(
        cycle=cycle,
        unit="C",
        route="territorial",
        channel=Channel.UNIT,
        identity=planted.one(f"identity{n}"),
        fields=fields,
    )
    return (await door.nominate(form, COUNTY))[0]


async def _endorsed(door: Door, cycle: str, summit: str, ids: list[str], planted: Planted) -> list[str]:
    """One endorsed at once, one returned and corrected, one rejected, one withdrawn; what who met the return read."""
    streams = [names.nomination_stream(cycle, id) for id in ids]
    await door.send(streams[0], Endorse(round=summit, reason=planted.one("endorsed")), PROVINCE)
    why = planted.one("returned")
    await door.send(streams[1], ReturnForCorrection(round=summit, reason=why), PROVINCE)
    with pytest.raises(Refused) as awaiting:
        await door.send(streams[1], Endorse(round=summit), PROVINCE)
    assert awaiting.value.code == "AWAITING_CORRECTION"
    await door.correct(cycle, ids[1], {"name": planted.one("corrected")}, (), COUNTY)
    await door.send(streams[1], Endorse(round=summit), PROVINCE)
    await door.send(streams[2], Reject(round=summit, reason=planted.one("rejected")), PROVINCE)
    await door.send(streams[3], Withdraw(reason=planted.one("withdrawn")), COUNTY)
    await door.send(summit, CloseStepEarly(step="word", reason=planted.open("closed")), PROVINCE)
    return [awaiting.value.facts["reason"]]


async def _objected_to(door: Door, cycle: str, nomination: str, planted: Planted) -> list[str]:
    who, said = (
        planted.one("objector-id"),
        {"name": planted.one("objector"), "phone": planted.one("objector-phone")},
    )
    ground = planted.one("ground")
    citizen = Actor(id="citizen-1", role="public")
    objection, _ = await door.object_to(cycle, nomination, who, said, ground, citizen)
    fields, shown = await door.objector(cycle, nomination, objection, HANDLER)
    assert fields == said
    other = await door.object_to(cycle, nomination, "TEST-other", {"name": "测试·乙"}, ground, citizen)
    assert [event.type for event in other[1].events] == ["ObjectionMerged"], (
        "the same ground, from somebody else"
    )
    stream = names.nomination_stream(cycle, nomination)
    ruling = RuleOnObjection(objection=objection, outcome="dismissed", reason=planted.one("ruled"))
    await door.send(stream, ruling, HANDLER)
    filed = [one for one in map(read, await door.store.load(stream)) if isinstance(one, ObjectionFiled)]
    assert [one.ground == shown for one in filed] == [False]
    return [shown]


async def _plain_workflow(settings: Settings, planted: Planted) -> None:
    """Somebody who talks to Temporal past our converter: what they send is found."""
    assert settings.temporal_address is not None
    client = await Client.connect(settings.temporal_address)
    await client.start_workflow("Nobody", planted.open("temporal"), id="nobody", task_queue="nobody")


async def _events(door: Door, cycle: str, id: str) -> list[object]:
    return [read(one) for one in await door.store.load(names.nomination_stream(cycle, id))]


async def _wrapped_keys(settings: Settings) -> list[bytes]:
    connection = await asyncpg.connect(settings.dsn(Login.OWNER))
    rows = await connection.fetch("SELECT wrapped_key FROM vault.subject WHERE wrapped_key IS NOT NULL")
    await connection.close()
    return [row["wrapped_key"] for row in rows]


async def _exported(settings: Settings, cycle: str, out: Path) -> bytes:
    said = await app.run(["export", "summary", cycle, "--out", str(out), *OPERATORS[0]], settings)
    assert said.exit_code == OK, said.json
    return await asyncio.to_thread(out.read_bytes)


async def _words_read(settings: Settings, cycle: str, id: str) -> list[str]:
    said = await app.run(["privacy", "read", f"{cycle}/{id}", *OPERATORS[0]], settings)
    assert said.exit_code == OK, said.json
    return [one["text"] for one in said.json]


async def _erased(settings: Settings, whom: str, cycle: str) -> None:
    words = ["privacy", "erase", whom, "--cycle", cycle, "--basis", "request", "--reason", "test"]
    first, second = [await app.run([*words, *signed], settings) for signed in OPERATORS]
    assert (first.exit_code, first.json["erased"]) == (OK, False), first.json
    assert (second.exit_code, second.json["erased"]) == (OK, True), second.json
    assert "PersonErased" in [event["type"] for event in second.json["events"]]


async def _written_over(settings: Settings) -> None:
    """What the runbook says of an erasure: the vault's small tables rewritten, a checkpoint, the next WAL segments."""
    connection = await asyncpg.connect(settings.dsn(Login.OWNER))
    await connection.execute("VACUUM FULL vault.subject")
    for _ in range(2):
        await connection.execute("CHECKPOINT")
        await connection.execute("SELECT pg_switch_wal()")
    await connection.execute("VACUUM")
    await connection.execute("CHECKPOINT")
    await connection.close()


# ---- looking ----


def found(canaries: Iterable[str], contents: Iterable[tuple[str, bytes]]) -> set[tuple[str, str]]:
    """Which canary stands where: as UTF-8, as hex, or in an Office file's parts."""
    looks = {one: (one.encode(), one.encode().hex().encode()) for one in canaries}
    return {
        (one, place)
        for place, content in contents
        for one, shapes in looks.items()
        if any(shape in content for shape in shapes)
    }


def files_under(*folders: Path) -> Iterable[tuple[str, bytes]]:
    for folder in folders:
        for file in sorted(one for one in folder.rglob("*") if one.is_file()):
            content = file.read_bytes()
            yield str(file), content
            if is_zipfile(file):
                yield f"{file}!", _unpacked(content)


def _unpacked(content: bytes) -> bytes:
    with ZipFile(io.BytesIO(content)) as parts:
        return b"\n".join(parts.read(name) for name in parts.namelist())


async def rows(settings: Settings) -> list[tuple[str, bytes]]:
    """Every row of every table, as a dump would have it."""
    connection = await asyncpg.connect(settings.dsn(Login.OWNER))
    tables = await connection.fetch(
        "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    )
    dumped = [
        (
            table["name"],
            "\n".join(
                row["t"] for row in await connection.fetch(f"SELECT t::text AS t FROM {table['name']} t")
            ).encode(),
        )
        for table in tables
    ]
    await connection.close()
    return dumped


async def test_what_was_planted_was_there_to_be_read_before(told: Told) -> None:
    wanted = {"returned", "ground", "endorsed", "rejected", "withdrawn", "ruled", "removal"}
    told_words = {one.split("-")[1] for one in told.words if one.startswith("canary-")}
    assert told_words == wanted
    assert found([told.planted.secret[0]], [("before", _unpacked(told.before))]), (
        "the winner's name was exported"
    )
    assert told.planted.secret[0].startswith("canary-name0")


async def test_no_file_of_postgres_temporal_or_the_logs_holds_an_erased_person_dr_46(told: Told) -> None:
    places = told.stack.places
    contents = list(files_under(places.data, places.postgres))
    assert found(told.planted.secret, contents) == set()
    seen = found(told.planted.plain, contents)
    assert {one for one, _ in seen} == set(told.planted.plain), "the look sees what is plain"
    kinds = {one.split("-")[1] if one.startswith("control-") else "label": set[str]() for one, _ in seen}
    for one, place in seen:
        kinds[one.split("-")[1] if one.startswith("control-") else "label"].add(_kind(place))
    assert {"base", "pg_wal"} <= kinds["closed"]
    assert "temporal" in kinds["temporal"] & kinds["label"]
    assert "temporal" not in kinds["closed"], "what goes to Temporal by our converter is sealed"


def _kind(place: str) -> str:
    return next((kind for kind in ("pg_wal", "base", "temporal.db") if kind in place), "other").split(".")[0]


async def test_no_row_of_any_table_holds_an_erased_person_dr_46(told: Told) -> None:
    dumped = await rows(told.stack.settings)
    assert found(told.planted.secret, dumped) == set()
    closed = [one for one in told.planted.plain if "-closed-" in one]
    assert {place for _, place in found(closed, dumped)} >= {"ledger.event"}


async def test_an_export_made_afterwards_shows_the_erased_as_such_dr_46(told: Told, tmp_path: Path) -> None:
    after = await _exported(told.stack.settings, told.cycle, tmp_path / "after.xlsx")
    unpacked = _unpacked(after)
    assert found(told.planted.secret, [("after", unpacked)]) == set()
    assert ERASED.encode() in unpacked
    assert set(await _words_read(told.stack.settings, told.cycle, told.winner)) == {ERASED}


async def test_the_log_and_the_histories_still_verify_after_the_winner_is_erased_dr_46(told: Told) -> None:
    async def audit(*words: str) -> Outcome:
        return await app.run(["audit", *words], told.stack.settings)

    for words in (("verify",), ("replay", told.cycle), ("determinism",), ("compare",)):
        said = await audit(*words)
        assert said.exit_code == OK, said.json
        if words[0] == "replay":
            assert said.json["retaken"]["kinds"]["erase_person"] == 10, "two requests for each of five"


async def test_the_vault_opens_nothing_of_the_erased_and_their_wrapped_keys_are_in_no_table_dr_46(
    told: Told,
) -> None:
    async with Door.open(told.stack.settings, temporal=False) as door:
        for entry in told.entries:
            with pytest.raises(Refused, match="ERASED"):
                await door.vault.reveal(entry)
        assert await door.erase_again() == 5
    contents = list(files_under(told.stack.places.postgres / "base"))
    kept = {key.hex() for key in told.keys for _, content in contents if key in content}
    (other,) = [key.hex() for key in await _wrapped_keys(told.stack.settings)]
    assert kept == {other}, "the one person who was not erased"


async def test_a_person_of_whom_nobody_knows_is_refused_and_nothing_is_written(told: Told) -> None:
    words = ["privacy", "erase", "nobody", "--cycle", told.cycle, "--basis", "request", "--reason", "test"]
    said = await app.run([*words, *OPERATORS[0]], told.stack.settings)
    assert said.json["error"]["code"] == "NOT_FOUND"
    async with Door.open(told.stack.settings, temporal=False) as door:
        assert not [one for one in await door.store.streams("person/") if "nobody" in one]
