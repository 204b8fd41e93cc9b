"""`audit export` on a real log: what it writes verifies, seals what it must, and is the same bytes again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from base64 import b64decode
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from hashlib import sha256
from pathlib import Path
from zipfile import ZipFile

import asyncpg
import pytest
from pydantic import SecretStr

from cli import app
from cli.output import INTEGRITY, OK, REFUSED, USAGE, Outcome
from domain.audit.sealing import Sealing
from domain.calendar import calendar_version, to_pin
from proof.bundle import OF_TIMESTAMPS, README
from proof.note import parse_note
from runtime.settings import CHECKOUT, Language, Settings
from schemas import names
from schemas.canonical import canonical_bytes
from schemas.ledger import Actor, Append, Provenance
from store.archive import HistoryArchive, KeptHistory
from store.checkpoints import CheckpointSigner
from store.postgres import PostgresEventStore
from store.sequencer import Sequencer
from store.statements import statement
from tests.projections.story import CYCLE, NOON, TREE, Written, opened, round_of
from tests.support.databases import Database
from tests.support.timestamps import Authority
from tests.verifiers.evidence import LOG_KEY, ORIGIN, OTHER_CYCLE, OTHER_KEY, PROGRAMME, story

PYTHON = CHECKOUT / "verifiers" / "verify_bundle.py"
PUBLIC = str(LOG_KEY.verifier)


class Log:
    """A database in which stories are written, put in order and signed."""

    def __init__(self, database: Database, store: PostgresEventStore, rules: str, days: str) -> None:
        self.database, self.store, self.rules, self.days = database, store, rules, days
        self.settings = Settings(
            language=Language.EN,
            postgres_auditor_dsn=SecretStr(database.dsns.auditor),
            trusted_keys=PUBLIC,
            log_origin=ORIGIN,
        )

    async def write(self, told: list[Written]) -> None:
        for stream, events in told:
            head = (await self.store.heads([stream]))[stream]
            said = Provenance(
                log=names.log_origin(CYCLE),
                command_id=f"command-{head.seq + 1}",
                payload_hash="0" * 64,
                actor=Actor(id="staff-1", role="operator", unit="P"),
                occurred_at=NOON,
                recorded_at=NOON,
                rules=self.rules,
            )
            new = tuple(event.new() for event in events)
            await self.store.append(Append(stream=stream, expected=head, provenance=said, events=new))

    async def sign(self) -> None:
        sequencer = Sequencer(self.database.dsns.sequencer)
        signer = CheckpointSigner(self.database.dsns.sequencer, LOG_KEY)
        while await sequencer.step():
            pass
        await signer.step()
        await sequencer.close()
        await signer.close()

    async def run(self, *words: str) -> Outcome:
        return await app.run(["audit", "export", *words], self.settings)


@pytest.fixture
async def log(database: Database) -> AsyncIterator[Log]:
    """The evidence's story in Postgres, signed after its opening and at its end."""
    async with PostgresEventStore(database.dsns.app) as store:
        days = await store.put_document("calendar", canonical_bytes(to_pin()))
        made = Log(database, store, await store.put_document("programme", PROGRAMME), days)
        units = await store.put_document("units", canonical_bytes(TREE.model_dump(mode="json")))
        _, (event,) = opened(units)
        await made.write([(names.cycle_stream(CYCLE), (event.model_copy(update={"overrides": made.days}),))])
        await made.sign()
        await made.write([entry for entry in story() if not tally(entry)][1:])
        await made.sign()
        yield made


def tally(entry: Written) -> bool:
    return type(entry[1][0]).__name__ == "TallySealed"


def verified(file: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The verifier as a stranger runs it: another process, with nothing of ours to import."""
    command = [sys.executable, "-I", str(PYTHON), str(file), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")


async def test_a_cycles_bundle_verifies_and_holds_what_its_events_pin(log: Log, tmp_path: Path) -> None:
    file = tmp_path / "evidence.zip"
    outcome = await log.run("--cycle", CYCLE, "--to", str(file))
    assert outcome.exit_code == OK
    checked = verified(file, "--key", PUBLIC, "--json")
    verdict = json.loads(checked.stdout)
    assert (checked.returncode, verdict["code"]) == (0, "OK")
    assert verdict["manifest_sha256"] == outcome.json["manifest_sha256"]
    for count in ("events", "withheld", "closed"):
        assert verdict[count] == outcome.json[count]
    assert (verdict["checkpoints"], verdict["withheld"], verdict["closed"]) == (2, 2, 3)
    with ZipFile(file) as archive:
        assert {"manifest.json", "leaves.bin", "readme.txt"} <= set(archive.namelist())
        calendar = json.loads(archive.read(f"documents/{log.days}.json"))
    assert calendar["version"] == calendar_version()
    assert {"day": "2024-02-04", "worked": True} in calendar["days"]


async def test_open_panels_marks_and_objectors_stay_sealed_in_the_bundle(log: Log, tmp_path: Path) -> None:
    file = tmp_path / "evidence.zip"
    await log.run("--cycle", CYCLE, "--to", str(file))
    with ZipFile(file) as archive:
        shown = b"".join(archive.read(name) for name in archive.namelist() if name.startswith("events/"))
    assert f"withheld {round_of('C')} 2 SheetHandedIn DR-14\n".encode() in shown
    assert b'"judge":"j-1"' in shown
    assert b'"judge":"j-2"' not in shown
    assert "不实".encode() not in shown


async def test_a_whole_export_proves_that_nothing_is_left_out(log: Log, tmp_path: Path) -> None:
    file = tmp_path / "evidence.zip"
    outcome = await log.run("--cycle", CYCLE, "--to", str(file), "--whole")
    verdict = json.loads(verified(file, "--key", PUBLIC, "--json").stdout)
    assert (outcome.json["closed"], verdict["complete"]) == (0, True)


async def test_the_same_log_exported_again_is_the_same_bytes(log: Log, tmp_path: Path) -> None:
    files = [tmp_path / "one.zip", tmp_path / "two.zip"]
    for file in files:
        await log.run("--cycle", CYCLE, "--to", str(file))
    assert files[0].read_bytes() == files[1].read_bytes()


async def test_events_after_the_checkpoint_are_counted_and_wait_for_the_next(
    log: Log, tmp_path: Path
) -> None:
    _, submitted = next(entry for entry in story() if "nomination" in entry[0])
    await log.write([(names.nomination_stream(CYCLE, "late"), submitted)])
    sequencer = Sequencer(log.database.dsns.sequencer)
    while await sequencer.step():
        pass
    await sequencer.close()
    outcome = await log.run("--cycle", CYCLE, "--to", str(tmp_path / "evidence.zip"))
    assert outcome.json["later"] == 1
    assert verified(tmp_path / "evidence.zip", "--key", PUBLIC).returncode == 0


async def test_archived_histories_go_with_the_cycle(log: Log, tmp_path: Path) -> None:
    kept = KeptHistory(
        workflow=names.cycle_stream(CYCLE),
        run="run-1",
        cycle=CYCLE,
        kind="Cycle",
        status="COMPLETED",
        closed_at=datetime(2024, 2, 1, tzinfo=UTC),
        events=3,
        content=b"protobuf",
    )
    async with HistoryArchive(log.database.dsns.app) as archive:
        await archive.keep(kept)
        await archive.keep(kept.model_copy(update={"cycle": OTHER_CYCLE, "run": "run-2"}))
    file = tmp_path / "evidence.zip"
    await log.run("--cycle", CYCLE, "--to", str(file))
    with ZipFile(file) as bundle:
        told = json.loads(bundle.read("histories/00001.txt"))
    assert (told["workflow"], b64decode(told["content"])) == (names.cycle_stream(CYCLE), b"protobuf")
    assert verified(file, "--key", PUBLIC).returncode == 0


async def stamp(log: Log, authority: Authority, size: int) -> None:
    """A token on the checkpoint of that size."""
    connection = await asyncpg.connect(log.database.dsns.sequencer)
    note = await connection.fetchval("SELECT note FROM ledger.checkpoint WHERE size = $1", size)
    token = authority.token(sha256(parse_note(note.encode()).text.encode()).digest())
    await connection.execute(statement("add_timestamp_token"), date(2026, 11, 22), "tsa.test", size, token)
    await connection.close()


async def test_time_stamps_go_with_the_bundle_for_the_tool_that_the_page_on_proof_names(
    log: Log, tmp_path: Path
) -> None:
    await log.run("--cycle", CYCLE, "--to", str(tmp_path / "without.zip"))
    authority = Authority()
    await stamp(log, authority, 1)
    outcome = await log.run("--cycle", CYCLE, "--to", str(tmp_path / "evidence.zip"))
    verdict = json.loads(verified(tmp_path / "evidence.zip", "--key", PUBLIC, "--json").stdout)
    assert (outcome.exit_code, verdict["code"], verdict["timestamps"]) == (OK, "OK", 1)
    with ZipFile(tmp_path / "without.zip") as one, ZipFile(tmp_path / "evidence.zip") as other:
        assert "timestamps.txt" not in one.namelist()
        assert one.read("readme.txt").decode() == README
        assert other.read("readme.txt").decode() == README + OF_TIMESTAMPS
    (tmp_path / "roots.pem").write_bytes(authority.pem)
    done = typed(tmp_path, "openssl ts -verify")
    assert b"Verification: OK" in done.stdout + done.stderr, done.stderr
    assert b"Time stamp: " in done.stdout


def typed(folder: Path, words: str) -> subprocess.CompletedProcess[bytes]:
    """The lines with these words that docs/proof.md tells to type; this machine may lack one of their tools."""
    page = (CHECKOUT / "docs" / "proof.md").read_text("utf-8")
    (lines,) = [block for part in page.split("```sh\n") if words in (block := part.split("```")[0])]
    for tool in ("bash", "openssl", "unzip"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not here")
    return subprocess.run(["bash", "-euc", lines], cwd=folder, capture_output=True, check=False)


async def test_a_log_with_a_false_time_stamp_is_not_exported(log: Log, tmp_path: Path) -> None:
    await stamp(log, Authority(), 1)
    (tmp_path / "roots.pem").write_bytes(Authority().pem)
    log.settings = log.settings.model_copy(update={"timestamp_certificates": tmp_path / "roots.pem"})
    outcome = await log.run("--cycle", CYCLE, "--to", str(tmp_path / "evidence.zip"))
    assert (outcome.exit_code, outcome.json["error"]["code"]) == (INTEGRITY, "TIMESTAMP_BAD")


async def test_a_file_that_is_there_is_never_written_over(log: Log, tmp_path: Path) -> None:
    file = tmp_path / "evidence.zip"
    file.write_bytes(b"mine")
    outcome = await log.run("--cycle", CYCLE, "--to", str(file))
    assert (outcome.exit_code, outcome.json["error"]["code"]) == (USAGE, "OUT_FILE")
    assert file.read_bytes() == b"mine"


async def test_an_unknown_cycle_is_refused_and_leaves_no_file(log: Log, tmp_path: Path) -> None:
    outcome = await log.run("--cycle", "nobody.1", "--to", str(tmp_path / "evidence.zip"))
    assert outcome.exit_code == REFUSED
    assert not (tmp_path / "evidence.zip").exists()


async def test_a_log_that_was_altered_is_not_exported(log: Log, tmp_path: Path) -> None:
    connection = await asyncpg.connect(log.database.owner_dsn)
    await connection.execute("ALTER TABLE ledger.event DISABLE TRIGGER no_change")
    await connection.execute(
        "UPDATE ledger.event SET body = body || ' '::bytea, hash = sha256('\\x00'::bytea || body || ' '::bytea)"
        " WHERE seq = 1"
    )
    await connection.close()
    outcome = await log.run("--cycle", CYCLE, "--to", str(tmp_path / "evidence.zip"))
    assert outcome.exit_code == INTEGRITY
    assert not (tmp_path / "evidence.zip").exists()


def test_the_verifier_says_its_verdict_in_both_languages_and_by_its_exit_code(tmp_path: Path) -> None:
    file = tmp_path / "evidence.zip"
    file.write_bytes(b"nothing like a zip")
    broken = verified(file, "--key", PUBLIC)
    assert broken.returncode == 6
    assert "压缩包损坏" in broken.stdout
    assert "ARCHIVE_BROKEN" in broken.stdout
    assert verified(file, "--key", "nothing").returncode == 2
    missing = verified(tmp_path / "not-there.zip", "--key", str(OTHER_KEY.verifier))
    assert (missing.returncode, "不可读" in missing.stderr, "cannot be read" in missing.stderr) == (
        2,
        True,
        True,
    )


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "gbk"])
def test_the_verifier_says_its_verdict_at_a_terminal_of_another_encoding(
    tmp_path: Path, encoding: str
) -> None:
    file = tmp_path / "evidence.zip"
    file.write_bytes(b"nothing like a zip")
    command = [sys.executable, str(PYTHON), str(file), "--key", PUBLIC]
    environment = os.environ | {"PYTHONIOENCODING": encoding}
    ran = subprocess.run(command, capture_output=True, check=False, env=environment)
    assert (ran.returncode, ran.stderr) == (6, b"")
    assert b"ARCHIVE_BROKEN" in ran.stdout


def test_sheets_are_sealed_until_their_panel_closes_and_for_ever_if_the_session_was_invalid() -> None:
    sealing = Sealing()
    sealing.note("r", 1, "SheetHandedIn", "first")
    sealing.note("r", 2, "SheetHandedIn", "second")
    sealing.note("r", 3, "SessionInvalidated", "first")
    sealing.note("r", 4, "SheetHandedIn", "first")
    assert set(sealing.sealed()) == {("r", 1), ("r", 2), ("r", 4)}
    sealing.note("r", 5, "PanelClosed", "first")
    sealing.note("r", 6, "PanelClosed", "second")
    assert sealing.sealed() == {("r", 1): "DR-14"}
