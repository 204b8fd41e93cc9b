"""Hundreds of attacks on a small real log, by the tables' owner and by a superuser, and as many sound logs.

A careless attacker changes rows. A careful one writes the whole log anew so that every hash, chain and head fits;
with the stolen key every checkpoint fits too, and only what somebody kept outside the database tells.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import asyncpg
import orjson
import pytest
import pytest_asyncio

from cli.audit.anchors import anchors_of
from proof import merkle
from proof.checkpoint import Checkpoint
from proof.note import KeyKind, SigningKey
from runtime.publishing import Publisher
from schemas.canonical import canonical_bytes
from schemas.errors import Integrity
from schemas.ledger import GENESIS
from store.auditing import Anchor, Verified, snapshot, verify_log
from store.postgres import PostgresEventStore
from store.sequencer import Sequencer
from tests.store.commands import NOON
from tests.store.signed_log import KEY, Log
from tests.support.databases import Database

LATER = NOON + timedelta(days=1)
STREAMS = [f"nomination/{n}" for n in range(9)]
WITNESS = SigningKey("xuanshu.test/witness", b"w" * 32, KeyKind.WITNESS)
KEYS = (KEY.verifier, WITNESS.verifier)
ROLES = ("xuanshu_owner", "postgres")
TABLES = ("event", "leaf", "checkpoint", "cosignature", "document")


class Entry(NamedTuple):
    """An event as an attacker sees it: its stream and what its body says, place and hashes aside."""

    stream: str
    body: dict[str, Any]


Story = list[Entry]


class Kept(NamedTuple):
    """The real log, the sizes at which it was signed, and what is kept of it elsewhere."""

    database: Database
    story: Story
    leaves: list[bytes]
    sizes: list[int]
    folder: Path

    async def outside(self, place: str = "") -> list[Anchor]:
        return await anchors_of([place or str(self.folder)], KEYS)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def kept(module_database: Database, tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """Some 64 events of nine streams, ordered and signed as they came, published, and cosigned."""
    dice, folder = Random(7), tmp_path_factory.mktemp("published")
    async with PostgresEventStore(module_database.dsns.app) as store:
        log = Log(module_database, store)
        await store.put_document("programme", b"{}")
        while len(await store.read_all(0, 1000)) < 64:
            await log.write(*dice.choices(STREAMS, k=dice.randint(1, 9)))
            await log.sign()
        await log.sequencer.close()
        await log.signer.close()
        events = await store.read_all(0, 1000)
    await Publisher(module_database.dsns.sequencer, folder, KEYS).step()
    async with snapshot(module_database.dsns.auditor) as connection:
        bodies = await connection.fetch(
            "SELECT stream, body FROM ledger.leaf JOIN ledger.event USING (stream, seq) ORDER BY idx"
        )
        rows = await connection.fetch("SELECT size, note FROM ledger.checkpoint ORDER BY size")
    await cosign(module_database, rows[-1])
    story = [Entry(row["stream"], orjson.loads(row["body"])) for row in bodies]
    leaves = [bytes.fromhex(event.hash) for event in events]
    return Kept(module_database, story, leaves, [row["size"] for row in rows], folder)


async def cosign(database: Database, row: asyncpg.Record) -> None:
    line = str(WITNESS.cosign(row["note"].partition("\n\n")[0] + "\n", 1))
    admin = await asyncpg.connect(database.dsns.sequencer)
    await admin.execute("INSERT INTO ledger.cosignature VALUES ($1, $2, $3)", row["size"], "w", line)
    await admin.close()


@asynccontextmanager
async def attacking(kept: Kept, role: str) -> AsyncIterator[asyncpg.Connection]:
    """A transaction in which every guard of the database is down, and which leaves nothing behind."""
    connection = await asyncpg.connect(kept.database.owner_dsn)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(f"SET LOCAL ROLE {role}")
    for table in TABLES:
        await connection.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER no_change")
    for table, constraint in (
        ("event", "hash_is_of_the_body"),
        ("event", "command_is_written_once"),
        ("leaf", "leaf_pkey"),
        ("document", "hash_is_of_the_content"),
    ):
        await connection.execute(f"ALTER TABLE ledger.{table} DROP CONSTRAINT {constraint}")
    if role == "postgres":
        await connection.execute("SET LOCAL session_replication_role = replica")
    try:
        yield connection
    finally:
        await transaction.rollback()
        await connection.close()


async def verified(connection: asyncpg.Connection, *anchors: Anchor) -> Verified:
    return await verify_log(connection, LATER, KEYS, anchors)


async def found(connection: asyncpg.Connection, *anchors: Anchor) -> Integrity:
    """The finding; the test fails if nothing is found."""
    with pytest.raises(Integrity) as refused:
        await verified(connection, *anchors)
    return refused.value


# ---- a careless attacker ----

A_PLACE = "(stream, seq) = ($1, $2)"
FORGED = "convert_to(replace(convert_from(body, 'UTF8'), 'staff-1', 'staff-9'), 'UTF8')"
CARELESS = {
    "edit a body": f"UPDATE ledger.event SET body = {FORGED} WHERE {A_PLACE}",
    "edit a body and its hash": (
        f"UPDATE ledger.event SET body = {FORGED}, hash = sha256('\\x00'::bytea || {FORGED}) WHERE {A_PLACE}"
    ),
    "edit the command by which a retry is known": f"UPDATE ledger.event SET command_id = 'other' WHERE {A_PLACE}",
    "edit its number in the command": f"UPDATE ledger.event SET ordinal = 7 WHERE {A_PLACE}",
    "edit a type": f"UPDATE ledger.event SET type = 'other' WHERE {A_PLACE}",
    "edit a hash": f"UPDATE ledger.event SET hash = sha256(hash) WHERE {A_PLACE}",
    "edit a previous hash": f"UPDATE ledger.event SET prev = sha256(prev) WHERE {A_PLACE}",
    "delete an event": f"DELETE FROM ledger.event WHERE {A_PLACE}",
    "delete its place": f"DELETE FROM ledger.leaf WHERE {A_PLACE}",
    "delete both": f"DELETE FROM ledger.event WHERE {A_PLACE}; DELETE FROM ledger.leaf WHERE {A_PLACE}",
    "delete both and close the gap": f"""
        DELETE FROM ledger.event WHERE {A_PLACE};
        WITH gone AS (DELETE FROM ledger.leaf WHERE {A_PLACE} RETURNING idx)
        UPDATE ledger.leaf SET idx = leaf.idx - 1 FROM gone WHERE leaf.idx > gone.idx""",
    "move it to another stream": f"UPDATE ledger.event SET stream = stream || 'x' WHERE {A_PLACE}",
    "move it along its stream": f"UPDATE ledger.event SET seq = seq + 100 WHERE {A_PLACE}",
    "delete its stream": "DELETE FROM ledger.event WHERE stream = $1 AND $2 > 0",
    "delete its stream and head": """
        DELETE FROM ledger.event WHERE stream = $1 AND $2 > 0;
        DELETE FROM ledger.stream_head WHERE stream = $1 AND $2 > 0""",
    "delete its head": "DELETE FROM ledger.stream_head WHERE stream = $1 AND $2 > 0",
    "put its head back": "UPDATE ledger.stream_head SET seq = seq - 1 WHERE stream = $1 AND $2 > 0",
    "add an event beside the order": f"""
        INSERT INTO ledger.event (seq, ordinal, stream, command_id, type, body, prev, hash)
        SELECT seq, ordinal, stream || 'x', command_id, type, body, prev, hash FROM ledger.event WHERE {A_PLACE}""",
    "change two places round": f"""
        UPDATE ledger.leaf SET idx = one + other - idx
        FROM (SELECT idx AS one, (SELECT max(idx) FROM ledger.leaf WHERE stream <> $1) AS other
            FROM ledger.leaf WHERE {A_PLACE}) AS pair
        WHERE idx IN (one, other)""",
    "edit the root that was signed": """
        UPDATE ledger.checkpoint SET root = sha256(root)
        WHERE size = (SELECT min(size) FROM ledger.checkpoint JOIN ledger.leaf ON size > idx
            WHERE (stream, seq) = ($1, $2))""",
    "edit the signed note": """
        UPDATE ledger.checkpoint SET note = replace(note, E'\\n' || size || E'\\n', E'\\n' || size + 1 || E'\\n')
        WHERE size = (SELECT min(size) FROM ledger.checkpoint JOIN ledger.leaf ON size > idx
            WHERE (stream, seq) = ($1, $2))""",
    "delete the newest checkpoint": """
        DELETE FROM ledger.checkpoint WHERE size = (SELECT max(size) FROM ledger.checkpoint) AND $1 <> '' AND $2 > 0""",
    "put the newest checkpoint further": """
        UPDATE ledger.checkpoint SET size = size + 1
        WHERE size = (SELECT max(size) FROM ledger.checkpoint) AND $1 <> '' AND $2 > 0""",
    "bend a cosignature": """
        UPDATE ledger.cosignature SET size = (SELECT min(size) FROM ledger.checkpoint) WHERE $1 <> '' AND $2 > 0""",
    "edit a document": "UPDATE ledger.document SET content = 'other' WHERE $1 <> '' AND $2 > 0",
}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("attack", CARELESS)
async def test_rows_that_were_changed_are_found(kept: Kept, attack: str, role: str) -> None:
    counted: Counter[str] = Counter(entry.stream for entry in kept.story)
    dice = Random(f"{attack} {role}")
    async with attacking(kept, role) as connection:
        for _ in range(8):
            stream = dice.choice([one for one, count in counted.items() if count > 1])
            seq = dice.randint(1, counted[stream])
            before = connection.transaction()
            await before.start()
            for statement in CARELESS[attack].split(";"):
                await connection.execute(statement, stream, seq)
            await found(connection)
            await before.rollback()


# ---- a careful attacker ----


def edited(story: Story, dice: Random) -> Story:
    at = dice.randrange(len(story))
    body = story[at].body
    changed = Entry(story[at].stream, body | {"actor": body["actor"] | {"id": f"forger-{dice.random()}"}})
    return [*story[:at], changed, *story[at + 1 :]]


def deleted(story: Story, dice: Random) -> Story:
    at = dice.randrange(len(story))
    return [*story[:at], *story[at + 1 :]]


def cut(story: Story, dice: Random) -> Story:
    return story[: dice.randrange(1, len(story))]


def one_stream_cut(story: Story, dice: Random) -> Story:
    stream = dice.choice(STREAMS)
    places = [n for n, entry in enumerate(story) if entry.stream == stream]
    gone = set(places[dice.randrange(len(places)) :])
    return [entry for n, entry in enumerate(story) if n not in gone]


def swapped(story: Story, dice: Random) -> Story:
    """Two neighbours of different streams: every chain stays as it is, the order alone is another."""
    pairs = [n for n in range(len(story) - 1) if story[n].stream != story[n + 1].stream]
    at = dice.choice(pairs)
    return [*story[:at], story[at + 1], story[at], *story[at + 2 :]]


def exchanged(story: Story, dice: Random) -> Story:
    """What two events say, each in the other's place."""
    one, other = sorted(dice.sample(range(len(story)), 2))
    changed = list(story)
    changed[one] = Entry(story[one].stream, story[other].body | {"cmd": story[one].body["cmd"], "at": LATE})
    changed[other] = Entry(story[other].stream, story[one].body | {"cmd": story[other].body["cmd"]})
    return changed


LATE = "2024-01-30T04:00:01.000000Z"


def inserted(story: Story, dice: Random) -> Story:
    at = dice.randrange(len(story))
    forged = Entry(story[at].stream, story[at].body | {"cmd": f"forged-{dice.random()}"})
    return [*story[:at], forged, *story[at:]]


def replayed(story: Story, dice: Random) -> Story:
    """An older backup, on which the engine then went another way."""
    old = cut(story, dice)
    more = [inserted(old, dice)[-1]._replace(stream=dice.choice(STREAMS)) for _ in range(dice.randint(0, 80))]
    return old + [
        Entry(one.stream, one.body | {"cmd": f"after-{n}-{dice.random()}"}) for n, one in enumerate(more)
    ]


CAREFUL: list[Callable[[Story, Random], Story]] = [
    edited,
    deleted,
    cut,
    one_stream_cut,
    swapped,
    exchanged,
    inserted,
    replayed,
]


def woven(story: Story) -> Iterator[tuple[Any, ...]]:
    """The rows of a log that tells this story: stream, seq, command, body, prev, hash, number, type, all fitting."""
    heads: dict[str, tuple[int, bytes]] = {}
    for stream, said in story:
        seq, prev = heads.get(stream, (0, bytes.fromhex(GENESIS)))
        body = canonical_bytes(said | {"stream": stream, "seq": seq + 1, "prev": prev.hex()})
        heads[stream] = seq + 1, merkle.leaf(body)
        yield stream, seq + 1, said["cmd"], body, prev, merkle.leaf(body), said["ord"], said["type"]


async def write_anew(connection: asyncpg.Connection, story: Story) -> list[bytes]:
    """Put another log in the place of this one; its leaf hashes."""
    rows = list(woven(story))
    await connection.execute("TRUNCATE ledger.event, ledger.leaf, ledger.stream_head")
    columns = ("stream", "seq", "command_id", "body", "prev", "hash", "ordinal", "type")
    heads = {row[0]: (row[0], row[1], row[5]) for row in rows}
    places = [(n, row[0], row[1]) for n, row in enumerate(rows)]
    copy = connection.copy_records_to_table
    await copy("event", schema_name="ledger", columns=columns, records=rows)
    await copy("leaf", schema_name="ledger", records=places)
    await copy("stream_head", schema_name="ledger", records=heads.values())
    return [row[5] for row in rows]


async def sign_anew(connection: asyncpg.Connection, leaves: list[bytes], sizes: list[int]) -> None:
    await connection.execute("TRUNCATE ledger.cosignature, ledger.checkpoint")
    trees = [Checkpoint(KEY.verifier.name, size, merkle.root(leaves[:size])) for size in sizes]
    rows = [(tree.size, tree.root, str(tree.signed(KEY))) for tree in trees]
    await connection.copy_records_to_table("checkpoint", schema_name="ledger", records=rows)


def first_difference(before: list[bytes], after: list[bytes]) -> int:
    """The first position, from 1, that is another or has gone."""
    same = (n for n, leaf in enumerate(before) if after[n : n + 1] != [leaf])
    return next(same) + 1


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("change", CAREFUL)
async def test_a_log_written_anew_without_the_key_is_found_by_its_own_checkpoints(
    kept: Kept, change: Callable[[Story, Random], Story], role: str
) -> None:
    async with attacking(kept, role) as connection:
        for n in range(10):
            story = change(kept.story, Random(f"{change.__name__} {role} {n}"))
            leaves = await write_anew(connection, story)
            told = await found(connection)
            assert told.code == "LOG_DIFFERS"
            assert int(told.facts["position"]) <= first_difference(kept.leaves, leaves)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("change", CAREFUL)
async def test_a_whole_rewrite_with_the_stolen_key_is_found_from_its_first_position_on_by_what_was_published(
    kept: Kept, change: Callable[[Story, Random], Story], role: str
) -> None:
    tiles, note = await kept.outside(), await kept.outside(await a_note_alone(kept))
    printed = await kept.outside(await as_printed(kept))
    async with attacking(kept, role) as connection:
        for n in range(10):
            story = change(kept.story, Random(f"stolen {change.__name__} {role} {n}"))
            leaves = await write_anew(connection, story)
            sizes = [size for size in kept.sizes if size < len(leaves)] + [len(leaves)]
            await sign_anew(connection, leaves, sizes)
            assert (await verified(connection)).positions == len(leaves), "nothing inside the database tells"
            exact, rough, typed = [await found(connection, *one) for one in (tiles, note, printed)]
            assert exact.code == rough.code == typed.code == "LOG_DIFFERS"
            assert int(exact.facts["position"]) == first_difference(kept.leaves, leaves)
            assert int(rough.facts["position"]) <= int(exact.facts["position"])


async def a_note_alone(kept: Kept) -> str:
    """The checkpoint as a file without tiles beside it."""
    file = kept.folder.parent / f"{kept.folder.name}.note"
    file.write_bytes((kept.folder / "checkpoint").read_bytes())
    return str(file)


async def as_printed(kept: Kept) -> str:
    _, size, root = (kept.folder / "checkpoint").read_text("utf-8").split("\n")[:3]
    return f"{size}:{root}"


async def test_more_roots_kept_elsewhere_tell_more_closely_where_a_rewrite_begins(kept: Kept) -> None:
    printed = [Anchor(f"notice {n}", n, merkle.root(kept.leaves[:n])) for n in (10, 20, 30, 40)]
    body = kept.story[24].body | {"at": LATE}
    story = [*kept.story[:24], Entry(kept.story[24].stream, body), *kept.story[25:]]
    async with attacking(kept, "postgres") as connection:
        leaves = await write_anew(connection, story)
        await sign_anew(connection, leaves, [len(leaves)])
        told = await found(connection, *printed)
    assert (told.facts["position"], told.facts["source"]) == ("21", "notice 30")
    assert "21 to 30" in told.facts["fault"]


# ---- no false alarm ----


async def test_the_log_itself_is_sound_by_every_anchor(kept: Kept) -> None:
    anchors = [*await kept.outside(), *await kept.outside(await a_note_alone(kept))]
    async with snapshot(kept.database.dsns.auditor) as connection:
        said = await verified(connection, *anchors)
    assert (said.positions, said.checkpoints, said.cosignatures) == (len(kept.leaves), len(kept.sizes), 1)
    assert said.root == merkle.root(kept.leaves)


async def test_hundreds_of_sound_logs_raise_no_alarm(kept: Kept) -> None:
    dice = Random(11)
    async with attacking(kept, "postgres") as connection:
        for _ in range(700):
            story = replayed(kept.story, dice)
            leaves = await write_anew(connection, story)
            sizes = {*dice.choices(range(1, len(leaves) + 1), k=dice.randint(0, 4)), len(leaves)}
            await sign_anew(connection, leaves, sorted(sizes))
            some = dice.choices(range(1, len(leaves) + 1), k=3)
            anchors = [Anchor("kept", size, merkle.root(leaves[:size])) for size in some]
            said = await verified(connection, *anchors)
            assert (said.positions, said.newest and said.newest.size) == (len(leaves), len(leaves))


async def test_a_log_that_is_being_written_raises_no_alarm(database: Database) -> None:
    async with PostgresEventStore(database.dsns.app) as store:
        log = Log(database, store)
        stop = asyncio.Event()
        running = [
            asyncio.create_task(Sequencer(database.dsns.sequencer).run(stop)),
            asyncio.create_task(_sign_until(log, stop)),
            asyncio.create_task(_write_until(log, stop)),
        ]
        seen = set()
        for _ in range(60):
            async with snapshot(database.dsns.auditor) as connection:
                seen.add((await verify_log(connection, NOON, KEYS)).events)
            await asyncio.sleep(0.01)
        stop.set()
        await asyncio.gather(*running)
        await log.signer.close()
    assert len(seen) > 5, "it was being written"


async def _sign_until(log: Log, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await log.signer.step()
        await asyncio.sleep(0)


async def _write_until(log: Log, stop: asyncio.Event) -> None:
    dice = Random(3)
    while not stop.is_set():
        await log.write(dice.choice(STREAMS))
