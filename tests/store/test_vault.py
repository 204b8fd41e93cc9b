"""The vault: one subject a person, what is kept is sealed, and what is erased is gone; all people are invented."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import asyncpg
import pytest

from runtime.places import Places
from schemas.canonical import CanonicalFormError
from schemas.errors import Conflict, EngineError, Integrity, Refused
from store.vault import Deposit, Vault
from tests.support.databases import Database

KEK = sha256(b"a wrapping key for tests").digest()
FIELDS = {"name": "测试·甲一", "phone": "000-0000-0001"}


@pytest.fixture
async def vault(module_database: Database) -> AsyncIterator[Vault]:
    async with Vault(module_database.dsns.vault, KEK) as opened:
        yield opened


@pytest.fixture
async def admin(module_database: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(module_database.owner_dsn)
    yield connection
    await connection.close()


async def test_what_was_deposited_is_revealed(vault: Vault, name: str) -> None:
    kept = await vault.deposit(name, FIELDS, name)
    assert await vault.reveal(kept.entry_id) == FIELDS
    assert re.fullmatch("[0-9a-f]{64}", kept.commitment)


async def test_a_person_has_one_subject_id_and_every_deposit_another_commitment(
    vault: Vault, name: str
) -> None:
    first = await vault.deposit(name, FIELDS, f"{name}/2024")
    second = await vault.deposit(name, FIELDS, f"{name}/2025")
    other = await vault.deposit(f"{name} another", FIELDS, f"{name}/other")
    assert first.subject_id == second.subject_id != other.subject_id
    assert len({first.commitment, second.commitment, other.commitment}) == 3


async def test_a_repeated_deposit_gives_the_first_one(vault: Vault, name: str) -> None:
    first = await vault.deposit(name, FIELDS, name)
    assert await vault.deposit(name, FIELDS, name) == first
    assert await vault.deposit_for(first.subject_id, FIELDS, name) == first


@pytest.mark.parametrize("changed", ["identity", "fields"])
async def test_a_deposit_id_with_other_content_is_a_conflict(vault: Vault, name: str, changed: str) -> None:
    await vault.deposit(name, FIELDS, name)
    identity = f"{name} another" if changed == "identity" else name
    fields = FIELDS | {"phone": "000-0000-0002"} if changed == "fields" else FIELDS
    with pytest.raises(Conflict, match="KEY_REUSED"):
        await vault.deposit(identity, fields, name)


async def test_a_refused_deposit_leaves_no_trace_of_its_person(
    vault: Vault, admin: asyncpg.Connection, name: str
) -> None:
    before = await admin.fetchval("SELECT count(*) FROM vault.subject")
    answers = await asyncio.gather(
        *(vault.deposit(f"{name}/{n}", FIELDS, name) for n in range(8)), return_exceptions=True
    )
    assert sum(isinstance(answer, Conflict) for answer in answers) == 7
    assert await admin.fetchval("SELECT count(*) FROM vault.subject") == before + 1


async def test_a_revision_belongs_to_the_same_person(vault: Vault, name: str) -> None:
    first = await vault.deposit(name, FIELDS, f"{name}/1")
    corrected = FIELDS | {"phone": "000-0000-0003"}
    second = await vault.deposit_for(first.subject_id, corrected, f"{name}/2")
    assert second.subject_id == first.subject_id
    assert await vault.reveal(second.entry_id) == corrected
    assert await vault.reveal(first.entry_id) == FIELDS


async def test_deposits_of_one_identity_at_once_give_one_subject(vault: Vault, name: str) -> None:
    deposits = await asyncio.gather(*(vault.deposit(name, FIELDS, f"{name}/{n}") for n in range(30)))
    assert len({kept.subject_id for kept in deposits}) == 1
    assert len({kept.entry_id for kept in deposits}) == 30


async def test_one_deposit_handed_in_many_times_at_once_is_kept_once(vault: Vault, name: str) -> None:
    deposits = await asyncio.gather(*(vault.deposit(name, FIELDS, name) for _ in range(30)))
    assert len(set(deposits)) == 1


async def code_of(refused: object) -> str:
    """The code with which a call is refused."""
    with pytest.raises(Refused) as caught:
        await refused  # type: ignore[misc]
    return caught.value.code


async def test_an_erased_person_is_gone_and_may_come_back_as_another(vault: Vault, name: str) -> None:
    kept = await vault.deposit(name, FIELDS, f"{name}/1")
    await vault.erase(kept.subject_id)
    await vault.erase(kept.subject_id)
    assert await code_of(vault.reveal(kept.entry_id)) == "ERASED"
    assert await code_of(vault.deposit_for(kept.subject_id, FIELDS, f"{name}/2")) == "ERASED"
    assert await code_of(vault.deposit(name, FIELDS, f"{name}/1")) == "ERASED"
    again = await vault.deposit(name, FIELDS, f"{name}/3")
    assert again.subject_id != kept.subject_id
    assert await vault.reveal(again.entry_id) == FIELDS


async def test_erasing_one_person_leaves_the_others(vault: Vault, name: str) -> None:
    gone = await vault.deposit(name, FIELDS, f"{name}/1")
    stays = await vault.deposit(f"{name} another", FIELDS, f"{name}/2")
    await vault.erase(gone.subject_id)
    assert await vault.reveal(stays.entry_id) == FIELDS


async def test_an_erasure_during_deposits_leaves_nothing_that_can_be_read(vault: Vault, name: str) -> None:
    subject = (await vault.deposit(name, FIELDS, name)).subject_id
    deposits = [vault.deposit_for(subject, FIELDS, f"{name}/{n}") for n in range(10)]
    *answers, _ = await asyncio.gather(*deposits, vault.erase(subject), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, EngineError):
            assert answer.code == "ERASED"
        else:
            assert isinstance(answer, Deposit)
            assert await code_of(vault.reveal(answer.entry_id)) == "ERASED"


async def test_who_deposits_while_being_erased_is_either_the_old_subject_or_a_new_one(
    vault: Vault, name: str
) -> None:
    for n in range(20):
        identity = f"{name}/{n}"
        subject = (await vault.deposit(identity, FIELDS, f"{identity}/first")).subject_id
        deposits = [vault.deposit(identity, FIELDS, f"{identity}/{k}") for k in range(6)]
        *kept, _ = await asyncio.gather(*deposits, vault.erase(subject))
        newer = {deposit.subject_id for deposit in kept if deposit} - {subject}
        assert len(newer) <= 1
        for deposit in kept:
            if deposit is not None and deposit.subject_id in newer:
                assert await vault.reveal(deposit.entry_id) == FIELDS


async def test_what_nobody_has_is_not_found(vault: Vault, name: str) -> None:
    assert await code_of(vault.reveal(name)) == "NOT_FOUND"
    assert await code_of(vault.erase(name)) == "NOT_FOUND"
    assert await code_of(vault.deposit_for(name, FIELDS, name)) == "NOT_FOUND"


async def test_text_outside_the_canonical_form_is_refused(vault: Vault, name: str) -> None:
    with pytest.raises(CanonicalFormError):
        await vault.deposit(name, {"name": "e\u0301"}, name)


async def test_a_vault_does_not_open_under_another_key(vault: Vault, module_database: Database) -> None:
    with pytest.raises(Integrity, match="VAULT_KEY_WRONG"):
        async with Vault(module_database.dsns.vault, bytes(32)):
            pass


async def test_a_wrapping_key_of_another_length_is_refused(module_database: Database) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(module_database.dsns.vault, b"short")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE vault.entry SET sealed = set_byte(sealed, 40, 255 - get_byte(sealed, 40)) WHERE entry_id = $1",
        "UPDATE vault.entry SET commitment = sha256('another') WHERE entry_id = $1",
        "UPDATE vault.entry SET sealed = (SELECT sealed FROM vault.entry WHERE deposit_id = $2) WHERE entry_id = $1",
    ],
    ids=["sealed", "commitment", "swapped"],
)
async def test_a_changed_entry_is_found(
    vault: Vault, admin: asyncpg.Connection, name: str, change: str
) -> None:
    kept = await vault.deposit(name, FIELDS, f"{name}/1")
    await vault.deposit(name, FIELDS, f"{name}/2")
    statement = change.replace("$2", f"'{name}/2'")
    assert await admin.execute(statement, kept.entry_id) == "UPDATE 1"
    with pytest.raises(Integrity, match="VAULT_BROKEN"):
        await vault.reveal(kept.entry_id)


async def test_no_other_role_reads_the_vault_and_its_own_deletes_nothing(
    vault: Vault, module_database: Database, name: str
) -> None:
    await vault.deposit(name, FIELDS, name)
    dsns = module_database.dsns
    for dsn, statement in (
        (dsns.app, "SELECT FROM vault.entry"),
        (dsns.auditor, "SELECT FROM vault.entry"),
        (dsns.vault, "DELETE FROM vault.entry"),
        (dsns.vault, "UPDATE vault.entry SET sealed = ''"),
        (dsns.vault, "SELECT FROM ledger.event"),
    ):
        connection = await asyncpg.connect(dsn)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)
        await connection.close()


def files_with(folder: Path, text: str) -> list[Path]:
    """Files below `folder`, write-ahead log included, in which the text stands as UTF-8."""
    found = []
    for path in folder.rglob("*"):
        try:
            if path.is_file() and text.encode() in path.read_bytes():
                found.append(path)
        except FileNotFoundError:  # a running server makes and removes files
            continue
    return found


async def test_no_plain_text_is_in_any_table_or_file(
    vault: Vault, admin: asyncpg.Connection, places: Places, name: str
) -> None:
    identity, secret, plain = f"id-{name}", f"测试·{name}", f"deposit-{name}"
    await vault.deposit(identity, {"name": secret}, plain)
    await admin.execute("CHECKPOINT")
    tables = await admin.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'vault'")
    assert {"subject", "entry"} <= {row["tablename"] for row in tables}
    dump = "\n".join(
        [
            await admin.fetchval(f"SELECT string_agg(t::text, ',') FROM vault.{row[0]} t") or ""
            for row in tables
        ]
    )
    assert plain in dump
    assert files_with(places.postgres, plain), "the search finds what is kept in the open"
    for hidden in (identity, secret):
        assert hidden not in dump
        assert hidden.encode().hex() not in dump
        assert not files_with(places.postgres, hidden)


async def test_after_an_erasure_the_wrapped_key_is_in_no_live_row(
    vault: Vault, admin: asyncpg.Connection, name: str
) -> None:
    kept = await vault.deposit(name, FIELDS, name)
    await vault.erase(kept.subject_id)
    row = await admin.fetchrow("SELECT * FROM vault.subject WHERE subject_id = $1", kept.subject_id)
    assert dict(row or {}) == {"subject_id": kept.subject_id, "identity": None, "wrapped_key": None}


async def test_a_mark_is_the_same_for_a_person_and_a_matter_and_goes_with_the_person(
    vault: Vault, name: str
) -> None:
    one, other = [(await vault.deposit(f"{name}/{n}", FIELDS, f"{name}/{n}")).subject_id for n in (1, 2)]
    marks = [await vault.mark(who, about) for who in (one, other) for about in ("x", "y")]
    assert len(set(marks)) == len(marks)
    assert await vault.mark(one, "x") == marks[0]
    await vault.erase(one)
    with pytest.raises(Refused, match="ERASED"):
        await vault.mark(one, "x")
    with pytest.raises(Refused, match="NOT_FOUND"):
        await vault.mark("nobody", "x")
