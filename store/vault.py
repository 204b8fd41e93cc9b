"""The person vault: what a person told us, sealed with a key of their own; erasing the key erases the person.

Events hold the random subject id and a commitment, SHA-256(salt ‖ canonical fields); the salt lies inside the sealed
blob, so that a commitment says nothing once the key is gone. Data keys are wrapped by a key from outside (KEK) that
is in no database and in no backup of one. The same identity gets the same subject id in every cycle, by a keyed HMAC.

After an erasure, dead rows, WAL and backups of this small database hold the wrapped key until they are gone too.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from secrets import token_bytes, token_hex
from types import TracebackType
from typing import Any, Self

import asyncpg
import orjson
from asyncpg.pool import PoolConnectionProxy
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.canonical import canonical_bytes
from schemas.errors import Conflict, Integrity, Refused
from schemas.ledger import Frozen
from store.pool import connection_of, open_pool
from store.statements import statement

_KEY_BYTES = 32
_SALT_BYTES = 32
_NONCE_BYTES = 12


class Deposit(Frozen):
    """What an event may hold of a person: random ids and a commitment (hex)."""

    subject_id: str
    entry_id: str
    commitment: str


class Vault:
    """The vault as its own role on its own DSN; use it as an async context manager.

    `kek` is 32 bytes. Every call may raise `Unavailable(STORE_UNAVAILABLE)` and then be repeated with the same ids,
    and `Integrity(VAULT_BROKEN)`; entering raises `Integrity(VAULT_KEY_WRONG)` under another key than the first.
    """

    def __init__(self, dsn: str, kek: bytes, connections_max: int = 4) -> None:
        if len(kek) != _KEY_BYTES:
            raise ValueError("the wrapping key has 32 bytes")
        self._dsn = dsn
        self._kek = kek
        self._identity_key = hmac.digest(kek, b"identity", "sha256")
        self._connections_max = connections_max
        self._pool: asyncpg.Pool | None = None

    async def __aenter__(self) -> Self:
        self._pool = await open_pool(self._dsn, self._connections_max)
        try:
            await self._pin_key()
        except BaseException:
            await self._pool.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            await self._pool.close()

    async def deposit(self, identity: str, fields: dict[str, str], deposit_id: str) -> Deposit:
        """Seal what a person told us; the same deposit again gets the first answer.

        `identity` tells people apart (an ID number, never a name). Raises `Conflict(KEY_REUSED)` if the deposit id
        was used for another person or other fields, `Refused(ERASED)` if its person is erased.
        """
        if not identity:
            raise ValueError("an identity is needed to tell people apart")
        token = hmac.digest(self._identity_key, identity.encode(), "sha256")
        fresh = token_hex(16)
        wrapped = _seal(self._kek, AESGCM.generate_key(256), f"subject/{fresh}")
        async with connection_of(self._pool) as connection, connection.transaction():
            if known := await self._known(connection, deposit_id, fields, identity=token):
                return known
            # Between finding an identity and holding its row, the person may be erased: then they are new.
            while (subject := await connection.fetchrow(statement("subject_of_identity"), token)) is None:
                await connection.execute(statement("add_subject"), fresh, token, wrapped)
            added = await self._add(connection, subject, fields, deposit_id)
            return added or await self._known_now(connection, deposit_id, fields, identity=token)

    async def deposit_for(self, subject_id: str, fields: dict[str, str], deposit_id: str) -> Deposit:
        """`deposit` for a person who has a subject id; Refused `NOT_FOUND`, or `ERASED`."""
        async with connection_of(self._pool) as connection, connection.transaction():
            if known := await self._known(connection, deposit_id, fields, subject_id=subject_id):
                return known
            subject = await connection.fetchrow(statement("subject"), subject_id)
            if subject is None:
                raise Refused("NOT_FOUND", what=f"subject {subject_id}")
            added = await self._add(connection, subject, fields, deposit_id)
            return added or await self._known_now(connection, deposit_id, fields, subject_id=subject_id)

    async def knows(self, subject_id: str) -> bool:
        """Whether the person is in the vault, erased or not."""
        async with connection_of(self._pool) as connection:
            return await connection.fetchrow(statement("subject"), subject_id) is not None

    async def mark(self, subject_id: str, about: str) -> str:
        """The same hex for the same person and matter, nothing to whoever lacks the person's key; `NOT_FOUND`, `ERASED`."""
        async with connection_of(self._pool) as connection:
            subject = await connection.fetchrow(statement("subject"), subject_id)
        if subject is None:
            raise Refused("NOT_FOUND", what=f"subject {subject_id}")
        return hmac.new(self._unwrap(subject), about.encode(), sha256).hexdigest()

    async def reveal(self, entry_id: str) -> dict[str, str]:
        """The fields of an entry; Refused `NOT_FOUND`, or `ERASED`."""
        async with connection_of(self._pool) as connection:
            row = await connection.fetchrow(statement("entry"), entry_id, None)
        if row is None:
            raise Refused("NOT_FOUND", what=f"vault entry {entry_id}")
        return self._open(row)

    async def erase(self, subject_id: str) -> None:
        """Destroy a person's key and the tie to their identity; saying it twice is harmless. Refused `NOT_FOUND`."""
        async with connection_of(self._pool) as connection:
            if await connection.fetchval(statement("erase_subject"), subject_id) is None:
                raise Refused("NOT_FOUND", what=f"subject {subject_id}")

    async def _pin_key(self) -> None:
        fingerprint = hmac.digest(self._kek, b"fingerprint", "sha256")
        async with connection_of(self._pool) as connection:
            await connection.execute(statement("pin_key"), fingerprint)
            if await connection.fetchval(statement("pinned_key")) != fingerprint:
                raise Integrity("VAULT_KEY_WRONG")

    async def _add(
        self,
        connection: PoolConnectionProxy,
        subject: asyncpg.Record,
        fields: dict[str, str],
        deposit_id: str,
    ) -> Deposit | None:
        """Seal and write one entry; None if the deposit id has been taken meanwhile."""
        entry_id, salted = token_hex(16), token_bytes(_SALT_BYTES) + canonical_bytes(fields)
        sealed = _seal(self._unwrap(subject), salted, f"entry/{entry_id}")
        commitment, subject_id = sha256(salted).digest(), subject["subject_id"]
        arguments = (entry_id, deposit_id, subject_id, sealed, commitment)
        if await connection.fetchval(statement("add_entry"), *arguments) is None:
            return None
        return Deposit(subject_id=subject_id, entry_id=entry_id, commitment=commitment.hex())

    async def _known(
        self, connection: PoolConnectionProxy, deposit_id: str, fields: dict[str, str], **person: str | bytes
    ) -> Deposit | None:
        """The first answer to this deposit; Refused `ERASED` if its person is."""
        row = await connection.fetchrow(statement("entry"), None, deposit_id)
        if row is None:
            return None
        if self._open(row) != fields or any(row[key] != value for key, value in person.items()):
            raise Conflict("KEY_REUSED", command_id=deposit_id)
        commitment = row["commitment"].hex()
        return Deposit(subject_id=row["subject_id"], entry_id=row["entry_id"], commitment=commitment)

    async def _known_now(
        self, connection: PoolConnectionProxy, deposit_id: str, fields: dict[str, str], **person: str | bytes
    ) -> Deposit:
        known = await self._known(connection, deposit_id, fields, **person)
        assert known is not None, "entries are never deleted, and this one was in the way"
        return known

    def _open(self, row: Any) -> dict[str, str]:
        salted = _unseal(self._unwrap(row), row["sealed"], f"entry/{row['entry_id']}")
        if salted is None or sha256(salted).digest() != row["commitment"]:
            raise Integrity("VAULT_BROKEN", place=f"entry/{row['entry_id']}")
        fields: dict[str, str] = orjson.loads(salted[_SALT_BYTES:])
        return fields

    def _unwrap(self, row: Any) -> bytes:
        if row["wrapped_key"] is None:
            raise Refused("ERASED", subject=row["subject_id"])
        key = _unseal(self._kek, row["wrapped_key"], f"subject/{row['subject_id']}")
        if key is None:
            raise Integrity("VAULT_BROKEN", place=f"subject/{row['subject_id']}")
        return key


def _seal(key: bytes, plain: bytes, place: str) -> bytes:
    """Nonce and ciphertext, bound to the place where they are kept."""
    nonce = token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, place.encode())


def _unseal(key: bytes, sealed: bytes, place: str) -> bytes | None:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode())
    except InvalidTag:
        return None
