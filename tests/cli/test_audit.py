"""Replay and verify from the log alone, by the auditor's login; and every kind of damage is found."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from pydantic import SecretStr
from rich.console import Console

from cli import app
from cli.audit.anchors import anchors_of
from cli.audit.past import events_of
from cli.audit.replay import _heard
from cli.output import BAD_FILE, INTEGRITY, OK, REFUSED, UNAVAILABLE, USAGE, Outcome, emit, in_beijing
from projections.projector import Projector
from proof.checkpoint import Checkpoint, Receipt
from proof.note import KeyKind, NoteError, SigningKey, VerifierKey, parse_note
from runtime.embedded_postgres import PostgresServer
from runtime.settings import CHECKOUT, Language, Settings
from schemas import names
from schemas.canonical import canonical_bytes
from schemas.errors import Integrity, Unavailable
from schemas.events import (
    Mark,
    ObjectionFiled,
    ObjectionMerged,
    PanelClosed,
    SessionInvalidated,
    SheetEntered,
    SheetHandedIn,
)
from schemas.faults import column_letters as letter
from schemas.ledger import Actor, Append, Head, Provenance, RecordedEvent
from schemas.loading import open_programme
from schemas.programme import Rank
from schemas.unit_files import merge_units
from schemas.units import Unit
from store.checkpoints import CheckpointSigner
from store.memory import MemoryEventStore
from store.postgres import PostgresEventStore
from store.sequencer import Sequencer
from store.statements import statement
from tests.projections.story import (
    CYCLE,
    NOON,
    PACE,
    SUMMIT,
    county,
    intake,
    nomination,
    open_cycle,
    opened,
    whole_cycle,
    write,
)
from tests.support.databases import Database, fresh_database
from tests.support.timestamps import Authority

SCORE = "12345678"
FOR_EVER = datetime.max.replace(tzinfo=UTC)
MARKS = (Mark(nomination="n1", score=Fraction(SCORE)),)


def settings_of(database: Database) -> Settings:
    """An auditor's machine: no Temporal, no vault, no login that writes."""
    return Settings(language=Language.EN, postgres_auditor_dsn=SecretStr(database.dsns.auditor))


async def settle(database: Database, store: PostgresEventStore) -> None:
    sequencer, projector = Sequencer(database.dsns.sequencer), Projector(store, database.dsns.app)
    while await sequencer.step():
        pass
    while await projector.step():
        pass
    await sequencer.close()
    await projector.close()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def whole(module_database: Database) -> str:
    """The name of a database with a whole small cycle in the log, in the global order and in the views."""
    async with PostgresEventStore(module_database.dsns.app) as store:
        await open_cycle(store)
        await write(store, whole_cycle())
        await settle(module_database, store)
    return module_database.name


@pytest_asyncio.fixture
async def database(
    request: pytest.FixtureRequest, postgres_server: PostgresServer, template_database: str, whole: str
) -> AsyncIterator[Database]:
    """Of this test alone: with the whole cycle, where it is told, and else without an event."""
    async with fresh_database(
        postgres_server, whole if "told" in request.fixturenames else template_database
    ) as copied:
        yield copied


@pytest.fixture
def told(database: Database) -> Settings:
    return settings_of(database)


async def damage(database: Database, *statements: str) -> None:
    """What only the owner of the server could do, against every guard."""
    connection = await asyncpg.connect(database.owner_dsn)
    try:
        for table in ("event", "leaf"):
            await connection.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER no_change")
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_whole_cycle_is_replayed_in_global_order_with_its_final_state(told: Settings) -> None:
    outcome = await app.run(["audit", "replay", CYCLE, "--story-only"], told)
    assert outcome.exit_code == OK
    story, state = outcome.json["story"], outcome.json["state"]
    assert [one["position"] for one in story] == list(range(1, len(story) + 1))
    assert story[0]["type"] == "CycleOpened"
    assert story[0]["actor"] == {"id": "staff-1", "role": "operator", "unit": "P", "on_behalf_of": ""}
    assert {"at", "recorded", "rules", "reason", "command_id", "hash"} <= story[0].keys()
    assert state[nomination("n7")]["status"] == "rejected"
    assert [one["certificate"] for one in state[SUMMIT]["conferred"]] == ["T-001", "T-002"]
    assert state[names.authority_stream(CYCLE)]["grants"]["g1"]["role"] == "operator"


async def test_an_instant_before_anything_was_recorded_still_says_what_was_true_by_then(
    database: Database,
) -> None:
    told = settings_of(database)
    async with PostgresEventStore(database.dsns.app) as store:
        await open_cycle(store)
        await write(store, whole_cycle(), recorded=NOON + timedelta(hours=2))
        await settle(database, store)
    for hours, known in ((1, False), (3, True)):
        at = (NOON + timedelta(hours=hours)).isoformat()
        words = ["audit", "replay", nomination("n1"), "--story-only", "--as-of", at]
        outcome = await app.run(words, told)
        assert outcome.exit_code == OK
        looked = outcome.json["as_of"]
        assert (bool(looked["known"]["events"]), bool(looked["learnt_later"])) == (known, not known)
        assert looked["true"]["state"]
        emit(outcome, as_json=False)


async def test_one_stream_is_replayed_with_the_reasons_that_people_gave(told: Settings) -> None:
    outcome = await app.run(["audit", "replay", nomination("n1"), "--story-only"], told)
    returned = next(one for one in outcome.json["story"] if one["type"] == "NominationReturned")
    assert (returned["reason"], returned["seq"]) == ("缺材料", 2)
    assert all(one["position"] for one in outcome.json["story"])
    assert list(outcome.json["state"]) == [nomination("n1")]


async def test_the_state_alone_leaves_the_story_out(told: Settings) -> None:
    outcome = await app.run(["audit", "replay", CYCLE, "--state-only", "--story-only"], told)
    assert outcome.json["story"] == []
    assert nomination("n1") in outcome.json["state"]


@pytest.mark.parametrize(("speed", "rehearsal"), [(1, False), (3600, True)])
@pytest.mark.parametrize("what", [CYCLE, names.cycle_stream(CYCLE), nomination("n1")])
async def test_a_replay_says_whether_the_cycle_was_a_rehearsal_also_of_one_stream(
    database: Database, speed: int, rehearsal: bool, what: str
) -> None:
    async with PostgresEventStore(database.dsns.app) as store:
        await open_cycle(store, PACE.model_copy(update={"speed": speed}))
        await write(store, intake())
        await settle(database, store)
    outcome = await app.run(["audit", "replay", what, "--story-only"], settings_of(database))
    assert (outcome.exit_code, outcome.json["rehearsal"]) == (OK, rehearsal)
    shown = io.StringIO()
    Console(file=shown, width=200).print(outcome.shown)
    assert ("REHEARSAL" in shown.getvalue()) == rehearsal


async def test_marks_stay_sealed_until_their_panel_has_closed(database: Database) -> None:
    async with PostgresEventStore(database.dsns.app) as store:
        await open_cycle(store)
        await write(store, [*intake(), *county()])
    outcome = await app.run(
        ["audit", "replay", names.round_stream(CYCLE, "territorial", "C"), "--story-only"],
        settings_of(database),
    )
    sheet = next(one for one in outcome.json["story"] if one["type"] == "SheetHandedIn")
    assert sheet["data"]["marks"] == "sealed"
    assert "987654321" not in str(outcome.json)


async def test_what_an_invalid_session_left_and_what_scorekeepers_typed_stays_sealed_dr_15_dr_16(
    database: Database,
) -> None:
    county_round = names.round_stream(CYCLE, "territorial", "C")
    said = SheetHandedIn(step="review", judge="judge-1", marks=MARKS)
    void = SessionInvalidated(step="review", present=1, entitled=3)
    typed = SheetEntered(step="review", judge="judge-1", keeper="k-1", marks=MARKS)
    closed = PanelClosed(step="review", component="expert", present=1, entitled=1, results=())
    async with PostgresEventStore(database.dsns.app) as store:
        await open_cycle(store)
        await write(store, [*intake(), *county(), (county_round, (said, void)), (county_round, (typed,))])
        before = await app.run(["audit", "replay", county_round, "--story-only"], settings_of(database))
        assert str(before.json).count("'sealed'") == 3
        assert SCORE not in str(before.json)
        await write(store, [(county_round, (closed,))])
    after = await app.run(["audit", "replay", county_round, "--story-only"], settings_of(database))
    marks = [one["data"]["marks"] for one in after.json["story"] if "marks" in one["data"]]
    assert marks[:2] == ["sealed", "sealed"]  # the invalid session's, for ever
    assert marks[2][0]["score"] == SCORE


async def test_who_objects_is_shown_to_no_reader_of_the_log_dr_29(database: Database) -> None:
    filed = ObjectionFiled(
        objection="o1", round=SUMMIT, step="notice", entry="entry-77", commitment="c", ground="deeds"
    )
    merged = ObjectionMerged(objection="o2", into="o1", entry="entry-78", commitment="c")
    async with PostgresEventStore(database.dsns.app) as store:
        await open_cycle(store)
        await write(store, [*intake(), (nomination("n1"), (filed, merged))])
    outcome = await app.run(["audit", "replay", nomination("n1"), "--story-only"], settings_of(database))
    assert [one["data"]["entry"] for one in outcome.json["story"][-2:]] == ["sealed", "sealed"]
    assert "entry-7" not in str(outcome.json) + str(outcome.shown)


async def test_who_objects_is_shown_to_nobody_in_whatever_role_and_for_whomever_they_do_dr_29(
    database: Database,
) -> None:
    filed = ObjectionFiled(
        objection="o1", round=SUMMIT, step="notice", entry="entry-77", commitment="c", ground="deeds"
    )
    clerk = Actor(id="staff-77", role="officer", unit="C", on_behalf_of="objecting-78")
    async with PostgresEventStore(database.dsns.app) as store:
        await open_cycle(store)
        await write(store, intake())
        await write(store, [(nomination("n1"), (filed,))], clerk)
    outcome = await app.run(["audit", "replay", nomination("n1"), "--story-only"], settings_of(database))
    assert outcome.json["story"][-1]["type"] == "ObjectionFiled"
    assert outcome.json["story"][-1]["actor"]["id"] == "sealed"
    for secret in ("staff-77", "objecting-78"):
        assert secret not in str(outcome.json)


class Sequenced(PostgresEventStore):
    """A store whose events get their places at the very moment in which somebody asks for those that have none."""

    sequencer: Sequencer

    async def overdue(self, before: datetime) -> tuple[RecordedEvent, ...]:
        await self.sequencer.step()
        return await super().overdue(before)


async def test_an_event_that_gets_its_place_while_the_log_is_read_is_not_lost(database: Database) -> None:
    async with Sequenced(database.dsns.app) as store:
        store.sequencer = Sequencer(database.dsns.sequencer)
        await open_cycle(store)
        await write(store, intake())
        written = {(one.stream, one.seq) for one in await PostgresEventStore.overdue(store, FOR_EVER)}
        found = await events_of(store, CYCLE)
        await store.sequencer.close()
    assert {(one.stream, one.seq) for one in found} >= written


async def test_what_is_not_yet_in_the_global_order_is_still_told(database: Database) -> None:
    async with PostgresEventStore(database.dsns.app) as store:
        await open_cycle(store)
    outcome = await app.run(["audit", "replay", CYCLE, "--story-only"], settings_of(database))
    assert [one["position"] for one in outcome.json["story"]] == [None]


class Unplaced(MemoryEventStore):
    """No event after the first of a stream has a place in the global order; `asked` is where one was waited for."""

    asked: list[int]

    async def wait_sequenced(self, stream: str, seq: int, timeout_seconds: float) -> int:
        self.asked.append(seq)
        if seq == 1:
            return 1
        raise Unavailable("STORE_UNAVAILABLE", fault="the sequencer is down")


async def test_a_stream_without_places_is_waited_for_once_and_not_for_each_of_its_events() -> None:
    store = Unplaced()
    store.asked = []
    await open_cycle(store)
    await write(store, whole_cycle())
    heard = await _heard(store, SUMMIT, None, retake=False)
    assert store.asked == [1, 2]
    assert [event.seq for event in heard.events] == list(range(1, len(heard.events) + 1))
    assert len(heard.events) > 2
    assert [event.position for event in heard.events[1:]] == [None] * (len(heard.events) - 1)


async def test_a_stream_that_is_not_there_is_not_found(told: Settings) -> None:
    outcome = await app.run(["audit", "replay", "no-such.1", "--story-only"], told)
    assert (outcome.exit_code, outcome.json["error"]["code"]) == (REFUSED, "NOT_FOUND")


async def test_a_sound_log_verifies_and_is_counted(told: Settings) -> None:
    outcome = await app.run(["audit", "verify"], told)
    assert outcome.exit_code == OK
    assert outcome.json["events"] == outcome.json["positions"] > 40
    assert outcome.json["streams"] == 13


FORGED = "convert_to(replace(convert_from(body, 'UTF8'), '缺材料', '无材料'), 'UTF8')"
DAMAGES = {
    "a body changed, its hash made to fit": (
        f"""UPDATE ledger.event SET body = {FORGED}, hash = sha256('\\x00'::bytea || {FORGED})
        WHERE type = 'NominationReturned'""",
        "LOG_BROKEN",
    ),
    "an event taken out of its stream": (
        f"DELETE FROM ledger.event WHERE stream = '{nomination('n1')}' AND seq = 2",
        "LOG_BROKEN",
    ),
    "the last event of a stream taken away": (
        f"DELETE FROM ledger.event WHERE stream = '{nomination('n7')}' AND seq = 2",
        "LOG_BROKEN",
    ),
    "a stream's head put back": (
        f"UPDATE ledger.stream_head SET seq = 1 WHERE stream = '{nomination('n1')}'",
        "LOG_BROKEN",
    ),
    "a hole in the global order": ("DELETE FROM ledger.leaf WHERE idx = 5", "LOG_BROKEN"),
    "two positions changed round": (
        """UPDATE ledger.leaf SET seq = 9 WHERE stream LIKE '%/n1' AND seq = 2;
        UPDATE ledger.leaf SET seq = 2 WHERE stream LIKE '%/n1' AND seq = 1;
        UPDATE ledger.leaf SET seq = 1 WHERE stream LIKE '%/n1' AND seq = 9""",
        "LOG_BROKEN",
    ),
    "an event left out of the order for long": (
        "DELETE FROM ledger.leaf WHERE idx = (SELECT max(idx) FROM ledger.leaf)",
        "LOG_OVERDUE",
    ),
    "a view that tells another story": (
        "UPDATE views.nomination SET status = 'conferred' WHERE stream LIKE '%/n7'",
        "VIEWS_DIFFER",
    ),
}


@pytest.mark.parametrize(("statement", "code"), DAMAGES.values(), ids=DAMAGES.keys())
async def test_every_damage_is_found_with_the_first_fault(
    told: Settings, database: Database, statement: str, code: str
) -> None:
    await damage(database, statement)
    outcome = await app.run(["audit", "verify"], told)
    assert (outcome.exit_code, outcome.json["error"]["code"]) == (INTEGRITY, code)


async def test_views_that_tell_another_story_are_rebuilt_from_the_log(
    told: Settings, database: Database
) -> None:
    await damage(database, "UPDATE views.nomination SET status = 'conferred' WHERE stream LIKE '%/n7'")
    operator = told.model_copy(update={"postgres_app_dsn": SecretStr(database.dsns.app)})
    rebuilt = await app.run(["views", "rebuild"], operator)
    assert (rebuilt.exit_code, rebuilt.json["faults"]) == (OK, [])
    assert (await app.run(["audit", "verify"], told)).exit_code == OK


# ---- what proves the log ----

KEY = SigningKey("xuanshu.test/log", b"k" * 32)


async def sign(database: Database, told: Settings) -> Settings:
    """The log signed as it is, and an auditor's settings that know the log's public key."""
    signer = CheckpointSigner(database.dsns.sequencer, KEY)
    await signer.step()
    await signer.close()
    return told.model_copy(update={"trusted_keys": str(KEY.verifier)})


async def test_a_signed_log_is_published_and_verified_against_what_was_published(
    told: Settings, database: Database, tmp_path: Path
) -> None:
    settings = await sign(database, told)
    published = await app.run(["audit", "publish", "--to", str(tmp_path)], settings)
    assert published.exit_code == OK
    printed = f"{published.json['size']}:{published.json['root']}"
    against = [word for place in (str(tmp_path), printed) for word in ("--against", place)]
    outcome = await app.run(["audit", "verify", *against], settings)
    assert outcome.exit_code == OK
    assert outcome.json["checkpoints"] == 1
    assert outcome.json["signatures_checked"] is True
    assert outcome.json["root"] == published.json["root"]


async def test_a_log_that_is_another_than_the_published_one_is_told_from_its_first_position(
    told: Settings, database: Database, tmp_path: Path
) -> None:
    settings = await sign(database, told)
    await app.run(["audit", "publish", "--to", str(tmp_path)], settings)
    swap = """ALTER TABLE ledger.leaf DROP CONSTRAINT leaf_pkey;
        UPDATE ledger.leaf SET idx = 3 - idx WHERE idx IN (1, 2);
        ALTER TABLE ledger.checkpoint DISABLE TRIGGER no_change; DELETE FROM ledger.checkpoint"""
    await damage(database, swap)
    outcome = await app.run(["audit", "verify", "--against", str(tmp_path)], settings)
    assert (outcome.exit_code, outcome.json["error"]["code"]) == (INTEGRITY, "LOG_DIFFERS")
    assert outcome.json["error"]["facts"]["position"] == "2"
    inside = await app.run(["audit", "verify"], settings)
    assert inside.json["error"]["code"] == "LOG_UNSIGNED"


async def test_a_checkpoint_that_nobody_trusted_signed_is_no_anchor(
    told: Settings, database: Database, tmp_path: Path
) -> None:
    settings = await sign(database, told)
    stranger = Checkpoint("xuanshu.test/log", 3, bytes(32)).signed(SigningKey("xuanshu.test/log", b"s" * 32))
    (tmp_path / "note").write_text(str(stranger), "utf-8")
    away = (str(tmp_path / "nothing"), "/no-such-checkpoint", "http://[")
    for place, code in (
        (str(tmp_path / "note"), "CHECKPOINT_BAD"),
        *((place, "PUBLISHED_AWAY") for place in away),
    ):
        outcome = await app.run(["audit", "verify", "--against", place], settings)
        assert outcome.json["error"]["code"] == code
    at_the_root = await app.run(["audit", "verify", "--against", "/no-such-checkpoint"], settings)
    assert "'/no-such-checkpoint'" in at_the_root.json["error"]["message"]


async def test_a_folder_that_cannot_be_written_is_told_as_one(
    told: Settings, database: Database, tmp_path: Path
) -> None:
    settings = await sign(database, told)
    (tmp_path / "file").write_text("no folder", "utf-8")
    outcome = await app.run(["audit", "publish", "--to", str(tmp_path / "file" / "log")], settings)
    assert (outcome.exit_code, outcome.json["error"]["code"]) == (UNAVAILABLE, "FOLDER_AWAY")


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\nb", "x" * 256])
async def test_a_key_that_could_not_be_written_into_a_note_is_not_made(name: str) -> None:
    outcome = await app.run(["audit", "key", name], Settings(language=Language.EN))
    assert (outcome.exit_code, outcome.json["error"]["code"]) == (USAGE, "KEY_NAME")


async def test_time_stamps_are_verified_by_who_trusts_certificates_and_undecided_for_others(
    told: Settings, database: Database, tmp_path: Path
) -> None:
    settings, authority = await sign(database, told), Authority()
    connection = await asyncpg.connect(database.dsns.sequencer)
    ((size, note),) = await connection.fetch("SELECT size, note FROM ledger.checkpoint")
    token = authority.token(sha256(parse_note(note.encode()).text.encode()).digest())
    await connection.execute(statement("add_timestamp_token"), date(2026, 11, 22), "tsa.test", size, token)
    await connection.close()
    (tmp_path / "roots.pem").write_bytes(authority.pem)
    (tmp_path / "others.pem").write_bytes(Authority().pem)

    async def verified(file: str | None) -> Outcome:
        changes = {"timestamp_certificates": file and tmp_path / file}
        return await app.run(["audit", "verify"], settings.model_copy(update=changes))

    for file, verdict in (("roots.pem", "verified"), (None, "undecided")):
        (stamp,) = (await verified(file)).json["timestamps"]
        assert (stamp["authority"], stamp["size"], stamp["verdict"]) == ("tsa.test", size, verdict)
        assert datetime.fromisoformat(stamp["time"]) <= datetime.now(UTC)
    shown = io.StringIO()
    Console(file=shown, width=200).print((await verified(None)).shown)
    assert "(undecided: set XUANSHU_TIMESTAMP_CERTIFICATES)" in shown.getvalue()
    assert in_beijing(stamp["time"]) in shown.getvalue()
    other = await verified("others.pem")
    assert (other.exit_code, other.json["error"]["code"]) == (INTEGRITY, "TIMESTAMP_BAD")
    assert other.json["error"]["facts"]["authority"] == "tsa.test"
    missing = await verified("nothing.pem")
    assert missing.json["error"]["code"] == "CERTIFICATES_UNREADABLE"


async def test_a_receipt_proves_an_event_without_the_database(
    told: Settings, database: Database, tmp_path: Path
) -> None:
    unsigned = await app.run(["audit", "prove", f"{nomination('n1')}@2"], told)
    assert unsigned.json["error"]["code"] == "NOT_SIGNED_YET"
    settings = await sign(database, told)
    file = tmp_path / "n1.tlog-proof"
    outcome = await app.run(["audit", "prove", f"{nomination('n1')}@2", "--out", str(file)], settings)
    assert outcome.exit_code == OK
    connection = await asyncpg.connect(database.dsns.auditor)
    body = await connection.fetchval(
        "SELECT body FROM ledger.event WHERE (stream, seq) = ($1, 2)", nomination("n1")
    )
    await connection.close()
    receipt = Receipt.parse(file.read_bytes())
    assert receipt.verify(body, [KEY.verifier]).size == receipt.verify(body, settings.trusted()).size
    with pytest.raises(NoteError):
        receipt.verify(body + b" ", [KEY.verifier])
    for wrong, code in (("n1@2", "NOT_FOUND"), (f"{nomination('n1')}@99", "NOT_FOUND"), ("n1", "ADDRESS")):
        assert (await app.run(["audit", "prove", wrong], settings)).json["error"]["code"] == code


async def test_a_key_is_made_in_pairs_for_logs_and_witnesses() -> None:
    kinds = {(): KeyKind.LOG, ("--witness",): KeyKind.WITNESS, ("--ml-dsa",): KeyKind.WITNESS_ML_DSA}
    for more, kind in kinds.items():
        made = (await app.run(["audit", "key", "log.test/one", *more], Settings())).json
        key = SigningKey("log.test/one", bytes.fromhex(made["private"]), kind)
        assert VerifierKey.parse(made["public"]) == key.verifier


async def test_a_checkpoint_of_elsewhere_is_believed_by_a_witness_s_second_key_alone(tmp_path: Path) -> None:
    witness, stranger = (
        SigningKey("office.test/w", seed * 32, KeyKind.WITNESS_ML_DSA) for seed in (b"w", b"x")
    )
    note = Checkpoint("log.test/one", 3, bytes(32)).signed(SigningKey("log.test/one", b"k" * 32))
    place = tmp_path / "checkpoint"
    place.write_text(str(note.with_signatures(witness.cosign(note.text, 1))))
    (anchor,) = await anchors_of([str(place)], [witness.verifier])
    assert (anchor.size, anchor.root) == (3, bytes(32))
    with pytest.raises(Integrity, match="CHECKPOINT_BAD"):
        await anchors_of([str(place)], [stranger.verifier])


async def test_status_result_and_grants_are_read_without_temporal(told: Settings) -> None:
    status = await app.run(["cycle", "status", CYCLE], told)
    assert status.json["nominations"]["conferred"] == 2
    assert {level["rank"] for level in status.json["levels"]} == {"enterprise", "county", "province"}
    result = await app.run(["cycle", "result", CYCLE], told)
    assert [one["nomination"] for one in result.json["listed"]] == ["n2", "n4"]
    assert result.json["cut_line"]["last_in"]["score"] == "181/2"
    grants = await app.run(["grants", "list", CYCLE], told)
    assert grants.json["grants"] == [{"id": "g1", "person": "staff-1", "role": "operator", "unit": "P"}]


@pytest.mark.parametrize(
    "words",
    [["audit", "replay", CYCLE, "--story-only"], ["cycle", "status", CYCLE], ["cycle", "result", CYCLE]],
)
async def test_people_are_shown_the_same_in_words(
    told: Settings, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = await app.run([*words, "--language", "zh"], told)
    emit(outcome, as_json=False)
    shown = capsys.readouterr().out
    assert "n4" in shown or "企业" in shown
    assert shown.strip()


async def test_a_server_that_is_away_is_unavailable(tmp_path: Path) -> None:
    nowhere = Settings(postgres_auditor_dsn=SecretStr("postgresql://x:x@127.0.0.1:1/x"))
    for words in (
        ["audit", "verify"],
        ["audit", "publish", "--to", str(tmp_path)],
        ["audit", "prove", "s@1"],
    ):
        outcome = await app.run(words, nowhere)
        assert (outcome.exit_code, outcome.json["error"]["code"]) == (UNAVAILABLE, "STORE_UNAVAILABLE")


# ---- a nomination file against a pinned cycle ----


async def pin_craftsman(database: Database) -> None:
    """A cycle of 四川工匠 with one invented enterprise, as `cycle start` pins it."""
    found = open_programme(CHECKOUT / "programmes" / "sichuan-craftsman" / "1.yaml")
    town = next(unit.code for unit in found.units.units if unit.rank is Rank.TOWNSHIP)
    tree = merge_units(found.units, [Unit(code="F-1", parent=town, name="测试企业", rank=Rank.ENTERPRISE)])
    async with PostgresEventStore(database.dsns.app) as store:
        rules = await store.put_document("programme", canonical_bytes(found.programme))
        _, (event,) = opened(await store.put_document("units", canonical_bytes(tree)))
        said = Provenance(
            log=names.log_origin(CYCLE),
            command_id="open",
            payload_hash="0" * 64,
            actor=Actor(id="staff-1", role="operator"),
            occurred_at=NOON,
            recorded_at=NOON,
            rules=rules,
        )
        stream = names.cycle_stream(CYCLE)
        await store.append(Append(stream=stream, expected=Head(), provenance=said, events=(event.new(),)))


async def test_a_file_with_a_bad_cell_stores_nothing_and_needs_no_temporal_to_say_so(
    database: Database, tmp_path: Path
) -> None:
    await pin_craftsman(database)
    file = tmp_path / "名单.csv"
    file.write_text(
        "unit,identity,name,years_in_craft,frontline_worker,enterprise_head\n"
        "F-1,测试-0001,测试·甲一,22,是,否\n"
        "F-1,1.10101E+17,测试·甲二,二十,是,否\n",
        encoding="utf-8",
    )
    words = ["nominate", CYCLE, "--file", str(file), "--as", "s-7", "--role", "officer", "--unit", "F-1"]
    outcome = await app.run(words, settings_of(database))
    assert outcome.exit_code == BAD_FILE
    assert [(cell["row"], cell["column"], cell["name"]) for cell in outcome.json["error"]["cells"]] == [
        (3, letter(1), "identity"),
        (3, letter(3), "years_in_craft"),
    ]
    assert len(outcome.json["error"]["faults"]) == 2
    async with PostgresEventStore(database.dsns.auditor) as store:
        assert await store.streams("nomination/") == ()


async def test_options_that_contradict_the_file_or_the_programme_are_usage(database: Database) -> None:
    await pin_craftsman(database)
    signed = ["--as", "s-7", "--role", "officer", "--unit", "F-1"]
    for words in (
        ["--file", "x.csv", "--identity", "测试-0001"],
        ["--identity", "测试-0001", "--fact", "years=22"],
        ["--identity", "测试-0001", "--fact", "years_in_craft=many"],
        ["--identity", "", "--field", "name=测试·甲一"],
        ["--identity", "测试-0001", "--field", "Name=测试·甲一"],
    ):
        outcome = await app.run(["nominate", CYCLE, *words, *signed], settings_of(database))
        assert outcome.exit_code == 2, words


@pytest.mark.parametrize(
    "words",
    [
        ("replay", CYCLE, "--as-of", "9" * 20),
        ("prove", f"{nomination('n1')}@{'9' * 20}"),
        ("timeline", CYCLE, "--as-of", "²"),
    ],
)
async def test_a_place_that_no_log_can_have_is_refused_in_words(
    told: Settings, words: tuple[str, ...]
) -> None:
    outcome = await app.run(["audit", *words], told)
    assert outcome.exit_code in (REFUSED, USAGE)
