"""The signed log in a folder, over HTTP, and in a witness's memory: what is published is what was signed, and stays so."""

from __future__ import annotations

import socket
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from threading import Thread
from urllib.error import URLError

import pytest

from proof import merkle, tiles
from proof.checkpoint import Checkpoint, verified
from proof.note import KeyKind, NoteError, Signature, SigningKey, VerifierKey, parse_note
from proof.tiles import Tiles
from proof.witness import Submission
from runtime.children import Child, Command
from runtime.ports import free_port
from runtime.publishing import Publisher, published
from runtime.reading import NotOk, fetch, reader
from runtime.settings import CHECKOUT
from runtime.witnesses import Witness
from schemas.errors import Integrity
from store.auditing import snapshot, verify_log
from store.postgres import PostgresEventStore
from store.statements import statement
from tests.store.signed_log import KEY, Log
from tests.support.databases import Database

WITNESS = SigningKey("xuanshu.test/witness", b"w" * 32, KeyKind.WITNESS)
SECOND = SigningKey("xuanshu.test/witness", b"s" * 32, KeyKind.WITNESS_ML_DSA)
KEYS = (KEY.verifier, WITNESS.verifier)
ALL_KEYS = (*KEYS, SECOND.verifier)
OF_TWO_KEYS = pytest.mark.parametrize(
    "services", [{"XUANSHU_WITNESS_ML_DSA_KEY": (b"s" * 32).hex()}], indirect=True, ids=["two keys"]
)


@pytest.fixture
async def log(database: Database) -> AsyncIterator[Log]:
    async with PostgresEventStore(database.dsns.app) as store:
        made = Log(database, store)
        yield made
        await made.sequencer.close()
        await made.signer.close()


@pytest.fixture
async def services(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[dict[str, str]]:
    """A witness and the server of a published folder, each a process of its own; their URLs.

    A parameter has further settings.
    """
    ports = {"witness": free_port(), "published": free_port()}
    environment = {
        "PATH": "/usr/bin:/bin",
        "XUANSHU_TRUSTED_KEYS": str(KEY.verifier),
        "XUANSHU_WITNESS_NAME": WITNESS.verifier.name,
        "XUANSHU_WITNESS_KEY": (b"w" * 32).hex(),
        "XUANSHU_WITNESS_DIR": str(tmp_path / "witness"),
        "XUANSHU_WITNESS_ADDRESS": f"127.0.0.1:{ports['witness']}",
        "XUANSHU_PUBLISH_DIR": str(tmp_path / "published"),
        "XUANSHU_PUBLISH_ADDRESS": f"127.0.0.1:{ports['published']}",
        **getattr(request, "param", {}),
    }
    children = [
        await Child.start(
            Command(
                name=name,
                arguments=(sys.executable, "-m", f"web.{name}"),
                environment=environment,
                folder=CHECKOUT,
                log=tmp_path / f"{name}.log",
            )
        )
        for name in ports
    ]
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    for url in urls.values():
        answers(url)
    yield urls
    for child in children:
        await child.stop()


def answers(url: str) -> None:
    """Wait until the process listens."""
    for _ in range(600):
        try:
            fetch(url)
        except NotOk:
            return
        except URLError:
            time.sleep(0.1)
    raise AssertionError(f"{url} does not answer")


@contextmanager
def refusal(status: HTTPStatus) -> Iterator[pytest.ExceptionInfo[NotOk]]:
    with pytest.raises(NotOk) as refused:
        yield refused
    assert refused.value.status == status


def publisher(
    log: Log,
    folder: Path,
    *witnesses: str,
    entries: bool = False,
    keys: tuple[VerifierKey, ...] = KEYS,
) -> Publisher:
    return Publisher(log.database.dsns.sequencer, folder, keys, witnesses, entries)


async def test_a_published_folder_proves_every_event_and_every_growth(log: Log, tmp_path: Path) -> None:
    sizes, made = [], publisher(log, tmp_path)
    assert await made.step() is None
    for count in (3, 1, 20):
        await log.write(*(f"s{n % 4}" for n in range(count)))
        await log.sign()
        found = await made.step()
        assert found is not None
        sizes.append(found.size)
    assert sizes == [3, 4, 24]
    read = reader(str(tmp_path))
    final = verified(parse_note(read("checkpoint")), [KEY.verifier])
    leaves = [bytes.fromhex(event.hash) for event in await log.store.read_all(0, 100)]
    assert list(tiles.leaf_hashes(read, 24)) == leaves
    for index, leaf in enumerate(leaves):
        path = tiles.inclusion_path(read, index, 24)
        assert merkle.verify_inclusion(leaf, index, 24, path, final.root)
    for old in sizes:
        path = tiles.consistency_path(read, old, 24)
        assert merkle.verify_consistency(old, 24, path, merkle.root(leaves[:old]), final.root)


async def test_entries_are_published_if_asked_also_for_what_was_published_before(
    log: Log, tmp_path: Path
) -> None:
    await log.write(*(f"s{n % 4}" for n in range(300)))
    await log.sign()
    await publisher(log, tmp_path).step()
    assert not (tmp_path / "tile" / "entries").exists()
    await log.write("s0", "s1")
    await log.sign()
    await publisher(log, tmp_path, entries=True).step()
    first, second = (tmp_path / "tile" / "entries" / name for name in ("000", "001.p/46"))
    bodies = [*entries_of(first.read_bytes()), *entries_of(second.read_bytes())]
    hashes = [event.hash for event in await log.store.read_all(0, 1000)]
    assert [merkle.leaf(body).hex() for body in bodies] == hashes
    assert not (tmp_path / "tile" / "0" / "000.p").exists(), "the full tile took its place"


def entries_of(content: bytes) -> Iterator[bytes]:
    while content:
        length = int.from_bytes(content[:2], "big")
        yield content[2 : 2 + length]
        content = content[2 + length :]


async def test_publishing_broken_off_anywhere_is_taken_up_again(log: Log, tmp_path: Path) -> None:
    await log.write(*(f"s{n % 4}" for n in range(250)))
    await log.sign()
    await publisher(log, tmp_path).step()
    kept = (tmp_path / "checkpoint").read_bytes()
    await log.write(*(f"s{n % 4}" for n in range(10)))
    await log.sign()
    await publisher(log, tmp_path).step()
    (tmp_path / "checkpoint").write_bytes(kept)  # as if it had ended before its last write
    assert Tiles.resumed(250, reader(str(tmp_path))).size == 250
    found = await publisher(log, tmp_path).step()
    assert found is not None
    assert found.size == 260


ROLLED_BACK = """DELETE FROM ledger.cosignature; DELETE FROM ledger.checkpoint;
    DELETE FROM ledger.leaf WHERE idx = 2; DELETE FROM ledger.event WHERE stream = 'b'"""


async def test_a_log_that_was_rolled_back_is_not_published_over_the_later_one(
    log: Log, tmp_path: Path
) -> None:
    await log.write("a", "a", "b")
    await log.sign()
    await publisher(log, tmp_path).step()
    before = (tmp_path / "checkpoint").read_bytes()
    await log.tamper(ROLLED_BACK)
    naive = log.another_signer()
    await naive.step()
    await naive.close()
    with pytest.raises(Integrity, match="LOG_DIFFERS"):
        await publisher(log, tmp_path).step()
    assert (tmp_path / "checkpoint").read_bytes() == before


async def test_a_witness_cosigns_and_remembers_and_its_word_is_kept_beside_the_checkpoint(
    log: Log, tmp_path: Path, services: dict[str, str]
) -> None:
    folder = tmp_path / "published"
    made = publisher(log, folder, services["witness"])
    for streams in (("a", "b", "a"), ("c", "a")):
        await log.write(*streams)
        await log.sign()
        await made.step()
    again = publisher(log, folder, services["witness"])
    await again.step()
    found = published(folder, [KEY.verifier])
    assert found is not None
    assert found[0].size == 5
    assert found[1].signed_by(WITNESS.verifier)
    assert len(found[1].signatures) == 2, "a witness signs once"
    seen = fetch(f"{services['witness']}/{sha256(b'xuanshu.test/log').hexdigest()}/checkpoint")
    assert verified(parse_note(seen), [KEY.verifier]).root == found[0].root
    assert parse_note(seen).signed_by(WITNESS.verifier)
    served = fetch(f"{services['published']}/checkpoint")
    assert served == (folder / "checkpoint").read_bytes()
    leaves = list(tiles.leaf_hashes(reader(services["published"]), 5))
    assert merkle.root(leaves) == found[0].root


async def kept_lines(log: Log) -> list[str]:
    """The witnesses' lines that the database keeps, in the order in which they are handed on."""
    async with snapshot(log.database.dsns.auditor) as connection:
        rows = await connection.fetch(statement("checkpoints"), 0, 2**62)
    return [line for row in rows for line in row["lines"]]


@OF_TWO_KEYS
async def test_a_witness_of_two_keys_is_asked_once_and_both_its_lines_are_kept_as_one_witness(
    log: Log, tmp_path: Path, services: dict[str, str]
) -> None:
    folder = tmp_path / "published"
    made = publisher(log, folder, services["witness"], keys=ALL_KEYS)
    await log.write("a", "b")
    await log.sign()
    await made.step()
    await made.step()
    found = published(folder, [KEY.verifier])
    assert found is not None
    assert len(found[1].signatures) == 3
    assert all(found[1].signed_by(key) for key in ALL_KEYS)
    assert sorted(await kept_lines(log)) == sorted(map(str, found[1].only(ALL_KEYS[1:]).signatures))
    seen = parse_note(fetch(f"{services['witness']}/{sha256(b'xuanshu.test/log').hexdigest()}/checkpoint"))
    assert set(seen.signatures) == set(found[1].signatures)
    async with snapshot(log.database.dsns.auditor) as connection:
        assert (await verify_log(connection, datetime.now(UTC), ALL_KEYS)).cosignatures == 1


@OF_TWO_KEYS
async def test_a_witness_is_asked_again_by_who_has_come_to_trust_its_second_key(
    log: Log, tmp_path: Path, services: dict[str, str]
) -> None:
    await log.write("a")
    await log.sign()
    for keys, lines in ((KEYS, 1), (ALL_KEYS, 2), (ALL_KEYS, 2)):
        await publisher(log, tmp_path / "published", services["witness"], keys=keys).step()
        assert len(await kept_lines(log)) == lines
    found = published(tmp_path / "published", [KEY.verifier])
    assert found is not None
    assert found[1].signed_by(SECOND.verifier)


async def test_a_cosignature_by_a_second_key_that_does_not_hold_is_found_in_the_database(log: Log) -> None:
    await log.write("a")
    await log.sign()
    (row,) = await log.kept()
    good = SECOND.cosign(parse_note(row["note"].encode()).text, 1)
    for line, is_good in ((good._replace(signature=good.signature[:-1] + b"\0"), False), (good, True)):
        await log.tamper(
            f"TRUNCATE ledger.cosignature; INSERT INTO ledger.cosignature VALUES (1, 'w', '{line}')"
        )
        async with snapshot(log.database.dsns.auditor) as connection:
            with nullcontext() if is_good else pytest.raises(Integrity, match="CHECKPOINT_BAD"):
                await verify_log(connection, datetime.now(UTC), ALL_KEYS)


async def test_of_a_witness_s_answer_unknown_lines_are_passed_over_and_a_false_one_spoils_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    note = Checkpoint(KEY.verifier.name, 1, bytes(32)).signed(KEY)
    stranger = SigningKey("xuanshu.test/witness", b"x" * 32, KeyKind.WITNESS_ML_DSA)
    first, second, other = (one.cosign(note.text, 1) for one in (WITNESS, SECOND, stranger))
    false = second._replace(signature=first.signature)

    async def found(answer: str) -> tuple[Signature, ...]:
        monkeypatch.setattr("runtime.witnesses.fetch", lambda _url, _body: answer.encode())
        return await Witness("http://witness.test", ALL_KEYS[1:]).cosign(note, 1, reader("nowhere"))

    assert await found(f"{other}{second}{first}") == (second, first)
    for answer in (f"{first}{false}", str(other)):
        with pytest.raises(NoteError):
            await found(answer)


async def test_a_witness_refuses_over_http_as_the_protocol_says_and_writes_before_it_answers(
    tmp_path: Path, services: dict[str, str]
) -> None:
    leaves = [merkle.leaf(bytes([n])) for n in range(6)]
    url = f"{services['witness']}/add-checkpoint"

    def submission(old: int, new: int, kept: list[bytes] = leaves, key: SigningKey = KEY) -> bytes:
        note = Checkpoint(key.verifier.name, new, merkle.root(kept[:new])).signed(key)
        return bytes(Submission(old, merkle.consistency_path(kept, old, new), note))

    line = fetch(url, submission(0, 3))
    assert line.startswith("— xuanshu.test/witness ".encode())
    kept = sqlite3.connect(f"file:{tmp_path / 'witness' / 'witness.db'}?mode=ro", uri=True)
    assert kept.execute("SELECT origin, size, root FROM log").fetchall() == [
        (KEY.verifier.name, 3, merkle.root(leaves[:3]))
    ]
    kept.close()
    rewritten = [merkle.leaf(b"other"), *leaves[1:]]
    with refusal(HTTPStatus.UNPROCESSABLE_ENTITY):
        fetch(url, submission(3, 5, rewritten))
    with refusal(HTTPStatus.CONFLICT) as other_root:
        fetch(url, submission(3, 3, rewritten))
    assert other_root.value.kind != "text/x.tlog.size"
    with refusal(HTTPStatus.CONFLICT) as refused:
        fetch(url, submission(0, 2))
    assert (refused.value.kind, refused.value.said) == ("text/x.tlog.size", b"3\n")
    with refusal(HTTPStatus.NOT_FOUND):
        fetch(url, submission(3, 5, key=SigningKey("other.test/log", b"o" * 32)))
    with refusal(HTTPStatus.FORBIDDEN):
        fetch(url, submission(3, 5, key=SigningKey(KEY.verifier.name, b"o" * 32)))
    with refusal(HTTPStatus.BAD_REQUEST):
        fetch(url, b"hello")
    with refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE):
        fetch(url, b"x" * 1_000_001)
    fetch(url, submission(3, 5))


def test_a_server_that_speaks_no_http_is_away_like_one_that_is_not_there() -> None:
    def speak() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(10_000)
            connection.sendall(b"what?\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        speaker = Thread(target=speak)
        speaker.start()
        with pytest.raises(OSError, match="BadStatusLine"):
            fetch(f"http://127.0.0.1:{listener.getsockname()[1]}/add-checkpoint", b"")
        speaker.join()


async def test_a_served_folder_gives_tiles_and_the_checkpoint_and_nothing_else(
    tmp_path: Path, services: dict[str, str]
) -> None:
    folder = tmp_path / "published"
    (folder / "tile" / "0" / "x001").mkdir(parents=True)
    for name in ("secret", "tile/0/x001/000", ".lock"):
        (folder / name).write_bytes(b"here")
    (tmp_path / "outside").write_bytes(b"outside")
    assert fetch(f"{services['published']}/tile/0/x001/000") == b"here"
    for path in (
        "secret",
        ".lock",
        "tile/0/../../secret",
        "tile/0/%2e%2e/secret",
        "../outside",
        "tile/0/001",
    ):
        with refusal(HTTPStatus.NOT_FOUND):
            fetch(f"{services['published']}/{path}")
    with refusal(HTTPStatus.METHOD_NOT_ALLOWED):
        fetch(f"{services['published']}/checkpoint", b"")


async def test_a_witness_that_saw_more_stops_the_publication_of_a_log_that_was_rolled_back(
    log: Log, tmp_path: Path, services: dict[str, str]
) -> None:
    await log.write("a", "a", "b")
    await log.sign()
    await publisher(log, tmp_path / "one", services["witness"]).step()
    await log.tamper(ROLLED_BACK)
    naive = log.another_signer()
    await naive.step()
    await naive.close()
    assert await publisher(log, tmp_path / "two", services["witness"]).step() is None
    assert published(tmp_path / "two", [KEY.verifier]) is None
    assert await publisher(log, tmp_path / "two").step() is not None, "without the witness nobody would know"
