"""The log defends itself: by privilege, by trigger, by the chain, and by the last head that a caller was given."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from schemas.canonical import open_event
from schemas.errors import Integrity
from schemas.ledger import Head
from store.postgres import PostgresEventStore
from tests.store.commands import command
from tests.store.conftest import Ledger
from tests.support.databases import Database

TABLES = ("event", "leaf", "document", "checkpoint", "cosignature", "timestamp_token")
SQLSTATES = {
    "UPDATE ledger.{} SET {} = {}": "XS001",
    "DELETE FROM ledger.{}": "XS002",
    "TRUNCATE ledger.{}": "XS003",
}
COLUMNS = {
    "event": "body",
    "leaf": "seq",
    "document": "content",
    "checkpoint": "root",
    "cosignature": "line",
    "timestamp_token": "token",
}


@pytest.fixture
async def admin(module_database: Database) -> AsyncIterator[asyncpg.Connection]:
    """The superuser, whom no privilege stops."""
    connection = await asyncpg.connect(module_database.owner_dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def postgres_store(postgres_ledger: Ledger) -> PostgresEventStore:
    assert isinstance(postgres_ledger.store, PostgresEventStore)
    return postgres_ledger.store


async def tampered(admin: asyncpg.Connection, change: str, *arguments: object) -> None:
    """Do as an owner could who lifts the triggers and the checks first; the transaction puts them back."""
    async with admin.transaction():
        await admin.execute("ALTER TABLE ledger.event DISABLE TRIGGER no_change")
        await admin.execute("ALTER TABLE ledger.event DROP CONSTRAINT hash_is_of_the_body")
        await admin.execute(change, *arguments)
        await admin.execute("ALTER TABLE ledger.event ENABLE ALWAYS TRIGGER no_change")
        await admin.execute(
            "ALTER TABLE ledger.event ADD CONSTRAINT hash_is_of_the_body"
            " CHECK (hash = sha256('\\x00'::bytea || body)) NOT VALID"
        )


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("form", SQLSTATES)
async def test_a_change_is_refused_by_trigger_with_its_own_sqlstate(
    admin: asyncpg.Connection, table: str, form: str
) -> None:
    change = form.format(table, COLUMNS[table], COLUMNS[table])
    for replica in ("origin", "replica"):
        await admin.execute(f"SET session_replication_role = {replica}")
        with pytest.raises(asyncpg.PostgresError) as caught:
            await admin.execute(change)
        assert caught.value.sqlstate == SQLSTATES[form]


@pytest.mark.parametrize("role", ["app", "sequencer", "auditor"])
@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("form", SQLSTATES)
async def test_a_change_is_refused_by_privilege(
    module_database: Database, role: str, table: str, form: str
) -> None:
    connection = await asyncpg.connect(getattr(module_database.dsns, role))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(form.format(table, COLUMNS[table], COLUMNS[table]))
    await connection.close()


@pytest.mark.parametrize(
    ("role", "attempt"),
    [
        ("app", "INSERT INTO ledger.event (stream) VALUES ('s')"),
        ("app", "INSERT INTO ledger.leaf VALUES (0, 's', 1)"),
        ("app", "UPDATE ledger.stream_head SET seq = 0"),
        ("app", "INSERT INTO ledger.checkpoint VALUES (1, sha256(''), '')"),
        ("auditor", "INSERT INTO ledger.cosignature VALUES (1, '', '')"),
        ("app", "UPDATE ledger.gate SET status = 'open'"),
        ("app", "DELETE FROM ledger.reservation"),
        ("app", "DELETE FROM ledger.claim"),
        ("app", "UPDATE ledger.outbox SET payload = '{}'"),
        ("app", "SET ROLE xuanshu_owner"),
        ("sequencer", "UPDATE ledger.stream_head SET seq = 0"),
        ("auditor", "INSERT INTO ledger.leaf VALUES (0, 's', 1)"),
        ("auditor", "INSERT INTO ledger.document VALUES ('', '', '')"),
        ("auditor", "UPDATE ledger.outbox SET delivered = true"),
    ],
)
async def test_a_role_does_no_more_than_its_work(module_database: Database, role: str, attempt: str) -> None:
    connection = await asyncpg.connect(getattr(module_database.dsns, role))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(attempt)
    await connection.close()


async def test_the_auditor_reads_the_whole_log(
    module_database: Database, postgres_store: PostgresEventStore, name: str
) -> None:
    receipt = await postgres_store.append(command(name, "one"))
    async with PostgresEventStore(module_database.dsns.auditor) as auditor:
        assert await auditor.load(name) == receipt.events


async def test_a_hash_that_is_not_the_bodys_is_not_accepted(admin: asyncpg.Connection, name: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="hash_is_of_the_body"):
        await admin.execute(
            "INSERT INTO ledger.event (seq, ordinal, stream, command_id, type, body, prev, hash)"
            " VALUES (1, 0, $1, 'c', 't', 'body', $2, $2)",
            name,
            bytes(32),
        )


TAMPERINGS = {
    "a body, its hash left": "UPDATE ledger.event SET body = $2 WHERE stream = $1 AND seq = 2",
    "a body and its hash": "UPDATE ledger.event SET body = $2, hash = sha256('\\x00'::bytea || $2)"
    " WHERE stream = $1 AND seq = 2",
    "the last body and its hash": "UPDATE ledger.event SET body = $2, hash = sha256('\\x00'::bytea || $2)"
    " WHERE stream = $1 AND seq = 3",
    "an event taken out": "DELETE FROM ledger.event WHERE stream = $1 AND seq = 2 AND $2 <> ''::bytea",
    "the first event taken out": "DELETE FROM ledger.event WHERE stream = $1 AND seq = 1 AND $2 <> ''::bytea",
    "the tail cut off": "DELETE FROM ledger.event WHERE stream = $1 AND seq = 3 AND $2 <> ''::bytea",
    "everything taken out": "DELETE FROM ledger.event WHERE stream = $1 AND $2 <> ''::bytea",
    "every event moved up": "UPDATE ledger.event SET seq = seq + 10 WHERE stream = $1 AND $2 <> ''::bytea",
}


@pytest.mark.parametrize("change", TAMPERINGS.values(), ids=TAMPERINGS)
async def test_what_an_owner_changes_is_found_on_loading(
    postgres_store: PostgresEventStore, admin: asyncpg.Connection, name: str, change: str
) -> None:
    head = Head()
    for n in range(3):
        head = (await postgres_store.append(command(name, f"c{n}", head))).head
    kept = await admin.fetchval("SELECT body FROM ledger.event WHERE stream = $1 AND seq = 2", name)
    forged = kept.replace(b"staff-1", b"staff-2")
    assert open_event(forged).actor.id == "staff-2"
    await tampered(admin, change, name, forged)
    with pytest.raises(Integrity, match="LOG_BROKEN"):
        await postgres_store.load(name)
    with pytest.raises(Integrity, match="LOG_BROKEN"):
        await postgres_store.load_many([name])


async def test_an_older_copy_of_the_database_is_found_at_the_first_write(
    postgres_store: PostgresEventStore, admin: asyncpg.Connection, name: str
) -> None:
    first = await postgres_store.append(command(name, "one"))
    second = await postgres_store.append(command(name, "two", first.head))
    await restore_copy_from_before(admin, name, first.head)
    assert (await postgres_store.heads([name]))[name] == first.head
    assert len(await postgres_store.load(name)) == 1, "an old copy agrees with itself"
    naive = command(name, "three", first.head, known=second.head)
    with pytest.raises(Integrity, match="LOG_BEHIND"):
        await postgres_store.append(naive)
    with pytest.raises(Integrity, match="LOG_BEHIND"):
        await postgres_store.append(command(name, "three", second.head, known=second.head))
    assert (await postgres_store.heads([name]))[name] == first.head


async def test_a_restored_copy_that_went_another_way_is_found_too(
    postgres_store: PostgresEventStore, admin: asyncpg.Connection, name: str
) -> None:
    first = await postgres_store.append(command(name, "one"))
    second = await postgres_store.append(command(name, "two", first.head))
    await restore_copy_from_before(admin, name, first.head)
    other = await postgres_store.append(command(name, "another", first.head))
    assert other.head.seq == second.head.seq
    with pytest.raises(Integrity, match="LOG_BEHIND"):
        await postgres_store.append(command(name, "three", other.head, known=second.head))


async def restore_copy_from_before(admin: asyncpg.Connection, stream: str, head: Head) -> None:
    """What a restored backup looks like for one stream: events, leaves and head as they were."""
    cut = "DELETE FROM ledger.event WHERE stream = $1 AND seq > $2"
    await tampered(admin, cut, stream, head.seq)
    await admin.execute(
        "UPDATE ledger.stream_head SET seq = $2, hash = $3 WHERE stream = $1",
        stream,
        head.seq,
        bytes.fromhex(head.hash),
    )


async def test_a_changed_document_is_found_on_reading(
    postgres_store: PostgresEventStore, admin: asyncpg.Connection, name: str
) -> None:
    content_hash = await postgres_store.put_document("programme", name.encode())
    async with admin.transaction():
        await admin.execute("ALTER TABLE ledger.document DISABLE TRIGGER no_change")
        await admin.execute("ALTER TABLE ledger.document DROP CONSTRAINT hash_is_of_the_content")
        await admin.execute(
            "UPDATE ledger.document SET content = 'other' WHERE hash = $1", bytes.fromhex(content_hash)
        )
        await admin.execute("ALTER TABLE ledger.document ENABLE ALWAYS TRIGGER no_change")
    with pytest.raises(Integrity, match="LOG_BROKEN"):
        await postgres_store.document(content_hash)
