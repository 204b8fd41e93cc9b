"""An authority stamps the newest checkpoint once a day: what it says is verified first, kept, published and verified again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from cli.audit.anchors import anchors_of
from proof.note import parse_note
from proof.timestamp import TOKEN_BYTES_MAX, TimestampError, claimed_time, verified_time
from runtime import timestamps
from runtime.publishing import Publisher
from runtime.timestamps import Timestamper, authority_name, trusted_certificates
from schemas.errors import Integrity, Unavailable
from store.auditing import verify_log
from store.postgres import PostgresEventStore
from store.statements import statement
from tests.store.signed_log import KEY, Log
from tests.support.databases import Database
from tests.support.timestamps import Authority, Wrong
from web.published import app

NOON = datetime(2026, 5, 6, 4, tzinfo=UTC)
KEYS = (KEY.verifier,)
TEXT = "awards.test/log\n1\nhash\n"


@asynccontextmanager
async def signed(database: Database) -> AsyncIterator[Log]:
    """Two events, signed."""
    async with PostgresEventStore(database.dsns.app) as store:
        made = Log(database, store)
        await made.write("a", "b")
        await made.sign()
        yield made
        await made.sequencer.close()
        await made.signer.close()


@pytest_asyncio.fixture(scope="module")
async def log(module_database: Database) -> AsyncIterator[Log]:
    async with signed(module_database) as made:
        yield made


@pytest.fixture
def authority() -> Authority:
    return Authority()


@pytest.fixture
def url(authority: Authority) -> Iterator[str]:
    with authority.serving() as served:
        yield served


@pytest.fixture
def pem(authority: Authority, tmp_path: Path) -> Path:
    file = tmp_path / "roots.pem"
    file.write_bytes(authority.pem)
    return file


def asking(log: Log, url: str, pem: Path | None) -> Timestamper:
    return Timestamper(log.database.dsns.sequencer, [url], pem)


async def kept(log: Log, url: str) -> list[asyncpg.Record]:
    """The tokens of that authority."""
    connection = await asyncpg.connect(log.database.dsns.auditor)
    rows = await connection.fetch(statement("timestamp_tokens"), NOON.date())
    await connection.close()
    return [row for row in rows if row["authority"] == authority_name(url)]


async def test_a_token_is_kept_with_the_newest_checkpoint_and_says_its_time(
    log: Log, authority: Authority, url: str, pem: Path
) -> None:
    assert await asking(log, url, pem).step(NOON)
    (row,) = await kept(log, url)
    (newest,) = await log.kept()
    assert (row["day"], row["size"], row["note"]) == (NOON.date(), newest["size"], newest["note"])
    text = parse_note(row["note"].encode()).text
    assert text == f"xuanshu.test/log\n2\n{text.splitlines()[2]}\n", "the bytes that are stamped"
    time = verified_time(row["token"], text, [authority.root])
    assert timedelta() <= datetime.now(UTC) - time < timedelta(minutes=1)


async def test_an_authority_is_asked_once_a_day_in_shanghai_by_two_publishers_and_after_a_restart(
    log: Log, authority: Authority, url: str, pem: Path
) -> None:
    authority.slow_seconds = 0.3
    two = asking(log, url, pem), asking(log, url, pem)
    assert True in await asyncio.gather(*(one.step(NOON) for one in two))
    for again in (*two, asking(log, url, pem)):
        assert await again.step(NOON + timedelta(hours=11, minutes=59))
    assert (authority.asked, len(await kept(log, url))) == (1, 1)
    for again in two:
        assert await again.step(NOON + timedelta(hours=12)), "in Shanghai the next day has begun"
    assert (authority.asked, len(await kept(log, url))) == (2, 2)


@pytest.mark.parametrize("wrong", list(Wrong))
async def test_a_wrong_answer_is_logged_by_a_stable_code_not_kept_and_asked_for_again(
    log: Log,
    authority: Authority,
    url: str,
    pem: Path,
    wrong: Wrong,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(timestamps, "_PATIENCE_SECONDS", 0.2)
    authority.answers = wrong
    made = asking(log, url, pem)
    assert not await made.step(NOON)
    assert await kept(log, url) == []
    code = "away" if wrong in (Wrong.STATUS, Wrong.NO_HTTP, Wrong.SILENCE) else "refused"
    assert f"timestamp_{code}" in capsys.readouterr().out
    authority.answers = None
    monkeypatch.undo()
    assert await made.step(NOON)
    assert (authority.asked, len(await kept(log, url))) == (2, 1)


async def test_an_authority_that_nobody_can_reach_delays_no_other(log: Log, url: str, pem: Path) -> None:
    made = Timestamper(log.database.dsns.sequencer, ["http://127.0.0.1:9/tsr", url], pem)
    assert not await made.step(NOON)
    assert len(await kept(log, url)) == 1


async def test_a_token_that_came_after_midnight_is_published_beside_one_of_the_next_day(
    log: Log, tmp_path: Path
) -> None:
    publisher = Publisher(log.database.dsns.auditor, tmp_path, KEYS)
    connection = await asyncpg.connect(log.database.dsns.sequencer)
    for day, authority in ((date(2026, 7, 2), "quick.test"), (date(2026, 7, 1), "slow.test")):
        await connection.execute(statement("add_timestamp_token"), day, authority, 2, b"token")
        await publisher.step()
        assert (tmp_path / "timestamp" / str(day) / authority / "token.tsr").read_bytes() == b"token"
    await connection.close()


async def test_a_silent_authority_holds_up_neither_order_nor_signature_nor_publication(
    database: Database, authority: Authority, url: str, pem: Path, tmp_path: Path
) -> None:
    authority.answers = Wrong.SILENCE
    async with signed(database) as log:
        asked = asyncio.create_task(asking(log, url, pem).step(NOON))
        await asyncio.to_thread(authority.heard.wait)
        await log.write("c")
        await log.sign()
        found = await Publisher(database.dsns.sequencer, tmp_path, KEYS).step()
        assert found is not None
        assert (found.size, asked.done()) == (3, False)
        authority.closed.set()
        assert not await asked


async def test_nobody_is_asked_whose_answer_could_not_be_verified(
    log: Log, authority: Authority, url: str, tmp_path: Path
) -> None:
    (tmp_path / "text").write_text("no certificate")
    for file, code in (
        (None, "SETTING_MISSING"),
        (tmp_path / "text", "CERTIFICATES_UNREADABLE"),
        (tmp_path / "nothing", "CERTIFICATES_UNREADABLE"),
    ):
        with pytest.raises(Unavailable, match=code):
            await asking(log, url, file).step(NOON)
    assert authority.asked == 0


async def test_asking_goes_on_seldomer_after_failures_until_it_is_stopped(
    log: Log, pem: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused: list[float] = []
    stop = asyncio.Event()

    async def pause(_stop: asyncio.Event, seconds: float) -> None:
        paused.append(seconds)
        if len(paused) == 8:
            stop.set()

    monkeypatch.setattr(timestamps, "pause", pause)
    await Timestamper("postgresql://127.0.0.1:9/x", ["http://127.0.0.1:9"], pem).run(stop)
    assert paused == [120, 240, 480, 960, 1920, 3600, 3600, 3600]


async def test_tokens_are_published_with_their_checkpoints_and_served(
    log: Log, authority: Authority, url: str, pem: Path, tmp_path: Path
) -> None:
    await asking(log, url, pem).step(NOON)
    publisher = Publisher(log.database.dsns.auditor, tmp_path / "published", KEYS)
    await publisher.step()
    place = f"timestamp/2026-05-06/{authority_name(url)}"
    (row,) = await kept(log, url)
    folder = tmp_path / "published" / place
    assert (folder / "token.tsr").read_bytes() == row["token"]
    assert (folder / "checkpoint").read_text() == row["note"]
    written = (folder / "token.tsr").stat().st_mtime_ns
    await publisher.step()
    await Publisher(log.database.dsns.auditor, tmp_path / "published", KEYS).step()
    assert (folder / "token.tsr").stat().st_mtime_ns == written
    answer = app(tmp_path / "published")._answer
    for name in ("token.tsr", "checkpoint"):
        assert (await answer("GET", f"/{place}/{name}", b"")).body == (folder / name).read_bytes()
    assert (await answer("GET", f"/{place}/../{folder.name}/token.tsr", b"")).status == 404


async def test_a_token_that_somebody_outside_holds_is_an_anchor_that_tells_its_time(
    log: Log, authority: Authority, url: str, pem: Path, tmp_path: Path
) -> None:
    await asking(log, url, pem).step(NOON)
    (row,) = await kept(log, url)
    (tmp_path / "checkpoint").write_text(row["note"])
    place, roots = tmp_path / "kept.tsr", trusted_certificates(pem)
    place.write_bytes(row["token"])
    (anchor,) = await anchors_of([str(place)], KEYS, roots)
    assert anchor.size == 2
    assert re.fullmatch(r"[-0-9]{10}T[:0-9]{8}\.000000Z", anchor.source.removeprefix(f"{place} "))
    with pytest.raises(Unavailable, match="SETTING_MISSING"):
        await anchors_of([str(place)], KEYS)
    place.write_bytes(authority.token(sha256(b"another").digest()))
    with pytest.raises(Integrity, match="CHECKPOINT_BAD"):
        await anchors_of([str(place)], KEYS, roots)


# ---- in the database ----


@asynccontextmanager
async def tampered(log: Log, token: bytes, *changes: str) -> AsyncIterator[asyncpg.Connection]:
    """The log with this token alone, and as it would be after these changes; it stays as it was."""
    connection = await asyncpg.connect(log.database.owner_dsn)
    transaction = connection.transaction()
    await transaction.start()
    try:
        for table in ("timestamp_token", "checkpoint"):
            await connection.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER no_change")
        await connection.execute("DELETE FROM ledger.timestamp_token")
        await connection.execute(statement("add_timestamp_token"), NOON.date(), "tsa.test", 2, token)
        for one in changes:
            await connection.execute(one)
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()


async def stamped(log: Log, authority: Authority) -> bytes:
    """A good token on the newest checkpoint."""
    (row,) = await log.kept()
    return authority.token(sha256(parse_note(row["note"].encode()).text.encode()).digest())


async def test_a_kept_token_is_verified_against_trusted_certificates_and_says_its_time(
    log: Log, authority: Authority
) -> None:
    async with tampered(log, await stamped(log, authority)) as connection:
        found = await verify_log(connection, NOON, KEYS, certificates=[authority.root])
    ((day, name, size, time),) = found.timestamps
    assert (day, name, size) == (NOON.date(), "tsa.test", 2)
    assert timedelta() <= datetime.now(UTC) - time < timedelta(minutes=1)


async def test_a_token_swapped_for_another_or_left_without_its_checkpoint_is_found(
    log: Log, authority: Authority
) -> None:
    good, another = await stamped(log, authority), authority.token(sha256(b"another").digest())
    lost = "DELETE FROM ledger.checkpoint"
    for token, changes in ((another, ()), (good[:-1], ()), (good, (lost,))):
        async with tampered(log, token, *changes) as connection:
            for certificates in ((), (authority.root,)):
                with pytest.raises(Integrity, match="TIMESTAMP_BAD") as found:
                    await verify_log(connection, NOON, (), certificates=certificates)
                assert (found.value.facts["authority"], found.value.facts["size"]) == ("tsa.test", "2")


async def test_a_token_by_somebody_else_is_found_by_who_trusts_certificates_alone(
    log: Log, authority: Authority
) -> None:
    async with tampered(log, await stamped(log, authority)) as connection:
        assert (await verify_log(connection, NOON, KEYS)).timestamps
        with pytest.raises(Integrity, match="TIMESTAMP_BAD"):
            await verify_log(connection, NOON, KEYS, certificates=[Authority().root])


async def test_one_token_of_an_authority_and_day_can_be_kept_and_by_the_sequencer_alone(log: Log) -> None:
    row = NOON.date() - timedelta(days=1), "once.test", 2, b"token"
    connection = await asyncpg.connect(log.database.dsns.sequencer)
    await connection.execute(statement("add_timestamp_token"), *row)
    with pytest.raises(asyncpg.UniqueViolationError):
        await connection.execute(statement("add_timestamp_token"), *row)
    await connection.close()
    for role in ("app", "auditor"):
        connection = await asyncpg.connect(getattr(log.database.dsns, role))
        for forbidden in (
            "INSERT INTO ledger.timestamp_token VALUES ('2026-05-01', 'x', 1, '')",
            statement("hold_timestamping"),
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(forbidden)
        await connection.close()


# ---- the token itself ----


def test_a_token_holds_for_its_text_its_nonce_and_its_root_alone(authority: Authority) -> None:
    token = authority.token(sha256(TEXT.encode()).digest(), 7)
    assert verified_time(token, TEXT, [authority.root], 7) == claimed_time(token, TEXT)
    for text, roots, nonce in (
        (TEXT + "\n", [authority.root], 7),
        (TEXT, [Authority().root], 7),
        (TEXT, [authority.root], 8),
        (TEXT, [], 7),
    ):
        with pytest.raises(TimestampError):
            verified_time(token, text, roots, nonce)


def test_no_byte_of_what_a_token_says_can_be_altered(authority: Authority) -> None:
    """Whatever still verifies says the same: the bytes that are not signed say nothing."""
    token = authority.token(sha256(TEXT.encode()).digest())
    time = claimed_time(token, TEXT)
    for at in range(0, len(token), 3):
        altered = token[:at] + bytes([token[at] ^ 1]) + token[at + 1 :]
        with suppress(TimestampError):
            assert verified_time(altered, TEXT, [authority.root]) == time
        with suppress(TimestampError):
            claimed_time(altered, TEXT)
    for nothing in (b"", b"rubbish", token[:-1], token + b"x", bytes(TOKEN_BYTES_MAX + 1)):
        with pytest.raises(TimestampError):
            claimed_time(nothing, TEXT)


def test_an_authority_is_named_by_host_and_path_without_its_secrets() -> None:
    assert authority_name("https://user:secret@TSA.example.org/tsr?key=secret") == "tsa.example.org-tsr"
    assert authority_name("http://[::1]:8080") == "1-8080"
