"""The signer extends what it signed and nothing else; whoever reads the log finds every checkpoint true."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from proof import merkle
from proof.checkpoint import verified
from proof.note import SigningKey, parse_note
from schemas.errors import Integrity
from store.checkpoints import CheckpointSigner
from store.postgres import PostgresEventStore
from tests.store.signed_log import KEY, Log
from tests.support.databases import Database


@pytest.fixture
async def log(database: Database) -> AsyncIterator[Log]:
    async with PostgresEventStore(database.dsns.app) as store:
        made = Log(database, store)
        yield made
        await made.sequencer.close()
        await made.signer.close()


async def test_each_checkpoint_is_signed_and_is_the_root_over_the_bodies_in_their_order(log: Log) -> None:
    for streams in (("a", "b", "a"), ("c",), ("a", "b", "b", "d")):
        await log.write(*streams)
        await log.sign()
    leaves = [bytes.fromhex(event.hash) for event in await log.store.read_all(0, 100)]
    found = [verified(parse_note(row["note"].encode()), [KEY.verifier]) for row in await log.kept()]
    assert [(one.size, one.root) for one in found] == [
        (size, merkle.root(leaves[:size])) for size in (3, 4, 8)
    ]
    assert {one.origin for one in found} == {"xuanshu.test/log"}


async def test_nothing_new_is_not_signed_again_and_what_has_no_place_waits(log: Log) -> None:
    await log.write("a")
    assert await log.signer.step() is None
    assert await log.sign() is not None
    assert await log.sign() is None
    assert len(await log.kept()) == 1


async def test_another_signer_goes_on_where_the_first_one_stopped(log: Log) -> None:
    await log.write("a", "b")
    await log.sign()
    other = log.another_signer()
    await log.write("a")
    await log.order()
    assert (await other.step() or KEY).size == 3  # type: ignore[union-attr]
    assert await log.signer.step() is None, "the first one sees what the other signed"
    await log.write("b")
    assert (await log.sign() or KEY).size == 4  # type: ignore[union-attr]
    await other.close()


async def test_two_signers_at_once_sign_one_tree(log: Log) -> None:
    stop, pair = asyncio.Event(), [log.another_signer() for _ in range(2)]

    async def signing(signer: CheckpointSigner) -> None:
        while not stop.is_set():
            await signer.step()
        await signer.close()

    running = [asyncio.create_task(signing(signer)) for signer in pair]
    for n in range(40):
        await log.write(f"s{n % 3}")
        await log.order()
    stop.set()
    await asyncio.gather(*running)
    await log.sign()
    leaves = [bytes.fromhex(event.hash) for event in await log.store.read_all(0, 100)]
    rows = await log.kept()
    assert rows[-1]["size"] == 40
    assert [row["root"] for row in rows] == [merkle.root(leaves[: row["size"]]) for row in rows]


REFUSALS = {
    "a body that is not its hash's": (
        """ALTER TABLE ledger.event DROP CONSTRAINT hash_is_of_the_body;
        UPDATE ledger.event SET body = body || ' ' WHERE stream = 'a' AND seq = 1""",
        "LOG_BROKEN",
    ),
    "a body and its hash": (
        """UPDATE ledger.event SET body = body || ' ', hash = sha256('\\x00'::bytea || body || ' ')
        WHERE stream = 'a' AND seq = 1""",
        "LOG_DIFFERS",
    ),
    "an event taken out": ("DELETE FROM ledger.event WHERE stream = 'a' AND seq = 1", "LOG_BROKEN"),
    "a place taken out": ("DELETE FROM ledger.leaf WHERE idx = 1", "LOG_BROKEN"),
    "the tail cut off": ("DELETE FROM ledger.leaf WHERE idx = 2", "LOG_DIFFERS"),
    "a checkpoint of another key": (
        "UPDATE ledger.checkpoint SET note = replace(note, '— xuanshu.test/log ', '— xuanshu.test/log A')",
        "CHECKPOINT_BAD",
    ),
    "a checkpoint with another root": ("UPDATE ledger.checkpoint SET root = sha256('')", "CHECKPOINT_BAD"),
}


@pytest.mark.parametrize(("change", "code"), REFUSALS.values(), ids=REFUSALS)
async def test_a_signer_that_starts_refuses_a_log_that_is_not_the_signed_one(
    log: Log, change: str, code: str
) -> None:
    await log.write("a", "b", "a")
    await log.sign()
    await log.tamper(change)
    fresh = log.another_signer()
    with pytest.raises(Integrity, match=code):
        await fresh.step()
    await fresh.close()
    assert len(await log.kept()) == 1


async def test_a_signer_that_runs_notices_that_its_last_checkpoint_has_gone(log: Log) -> None:
    for _ in range(2):
        await log.write("a")
        await log.sign()
    await log.tamper("DELETE FROM ledger.checkpoint WHERE size = 2")
    with pytest.raises(Integrity, match="LOG_DIFFERS"):
        await log.signer.step()


async def test_a_replayed_backup_does_not_get_past_what_was_published(log: Log) -> None:
    await log.write("a", "b", "a")
    published = await log.sign()
    assert published is not None
    await log.tamper(
        "DELETE FROM ledger.leaf WHERE idx = 2",
        "DELETE FROM ledger.event WHERE stream = 'a' AND seq = 2",
        "DELETE FROM ledger.checkpoint",
    )
    naive = log.another_signer()
    assert (await naive.step() or published).size == 2, "the copy agrees with itself"
    await naive.close()
    careful = log.another_signer(published=published)
    with pytest.raises(Integrity, match="LOG_DIFFERS") as refused:
        await careful.step()
    assert refused.value.facts["source"] == "the published checkpoint"
    await careful.close()


async def test_a_new_key_goes_on_under_the_same_origin_if_the_old_one_is_trusted(log: Log) -> None:
    await log.write("a")
    await log.sign()
    await log.write("a")
    await log.order()
    fresh = SigningKey("xuanshu.test/log", b"n" * 32)
    stranger = CheckpointSigner(log.database.dsns.sequencer, fresh)
    with pytest.raises(Integrity, match="CHECKPOINT_BAD"):
        await stranger.step()
    await stranger.close()
    heir = CheckpointSigner(log.database.dsns.sequencer, fresh, trusted=[KEY.verifier])
    assert await heir.step() is not None
    await heir.close()
