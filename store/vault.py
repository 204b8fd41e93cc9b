"""The person vault: who a subject is, sealed with a key of the person's own, which erasing destroys.

Events hold the random subject id and a commitment; a commitment is SHA-256(salt ‖ canonical fields) and its salt
lies inside the sealed blob, so that it says nothing once the key is gone. Each person's data key is wrapped by a
key-encryption key that is given from outside and is in no database and no backup of one. The same identity gets
the same subject id in every cycle, by a keyed HMAC.

After `erase`, old row versions and backups of this small database may still hold the wrapped key: unrecoverable is
what neither they nor their WAL reach any more.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_bytes, token_hex
from types import TracebackType
from typing import Any, Self

import asyncpg
import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.canonical import canonical_bytes
from schemas.errors import Conflict, Integrity, Refused, Unavailable
from schemas.ledger import Frozen
from store.statements import server_is_away, statement

_NONCE_BYTES = 12
_SALT_BYTES = 32
_KEY_BYTES = 32


class Deposit(Frozen):
    """What an event may hold of a person: random ids and a commitment (hex)."""

    subject_id: str
    entry_id: str
    commitment: str


@dataclass(frozen=True, repr=False)
class VaultKeys:
    """The two keys that live outside every database: 32 bytes each."""

    wrapping: bytes
    identity: bytes

    def __post_init__(self) -> None:
        if len(self.wrapping) != _KEY_BYTES or len(self.identity) != _KEY_BYTES:
            raise ValueError("each vault key has 32 bytes")

    @classmethod
    def new(cls) -> VaultKeys:
        """Two fresh random keys."""
        return cls(token_bytes(_KEY_BYTES), token_bytes(_KEY_BYTES))


class PersonVault:
    """The vault as its own role on its own DSN; use it as an async context manager."""

    def __init__(self, dsn: str, keys: VaultKeys, connections_max: int = 4) -> None:
        self._dsn = dsn
        self._keys = keys
        self._connections_max = connections_max
        self._pool: asyncpg.Pool | None = None

    async def __aenter__(self) -> Self:
        self._pool = await asyncpg.create_pool(self._dsn, min_size=0, max_size=self._connections_max)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            await self._pool.close()

    async def deposit(self, identity: str, fields: dict[str, str], deposit_id: str) -> Deposit:
        """Seal a person's fields; the same deposit again gets the first answer.

        `identity` is what tells people apart (an ID number, never a name). Raises Conflict `KEY_REUSED` if the
        deposit id was used for another person or other fields, Unavailable `STORE_UNAVAILABLE`.
        """
        token = self._token(identity)
        if not await self._fetch("vault_deposited", deposit_id):
            subject_id, key = await self._subject(token)
            salt = token_bytes(_SALT_BYTES)
            said = canonical_bytes(fields)
            entry_id = token_hex(16)
            sealed = _seal(key, salt + said, f"entry/{entry_id}")
            await self._fetch(
                "vault_deposit", entry_id, deposit_id, subject_id, sealed, sha256(salt + said).digest()
            )
        (row,) = await self._fetch("vault_deposited", deposit_id)
        self._check_same(row, token, fields, deposit_id)
        return Deposit(
            subject_id=row["subject_id"], entry_id=row["entry_id"], commitment=row["commitment"].hex()
        )

    async def reveal(self, entry_id: str) -> dict[str, str]:
        """The fields of an entry; Refused `NOT_FOUND` if there is none or its person is erased."""
        rows = await self._fetch("vault_reveal", entry_id)
        if not rows or rows[0]["wrapped_key"] is None:
            raise Refused("NOT_FOUND", what=f"vault entry {entry_id}")
        return self._open(rows[0])

    async def erase(self, subject_id: str) -> None:
        """Destroy a person's key and the tie to their identity; every entry of theirs is noise from now on."""
        await self._fetch("vault_erase", subject_id)

    async def _subject(self, token: bytes) -> tuple[str, bytes]:
        fresh = token_hex(16)
        wrapped = _seal(self._keys.wrapping, AESGCM.generate_key(256), f"subject/{fresh}")
        await self._fetch("vault_claim", fresh, token, wrapped)
        rows = await self._fetch("vault_subject_of", token)
        if not rows:
            raise Unavailable("STORE_UNAVAILABLE", fault="the person was erased meanwhile")
        return rows[0]["subject_id"], self._unwrap(rows[0])

    def _check_same(self, row: Any, token: bytes, fields: dict[str, str], deposit_id: str) -> None:
        erased = row["wrapped_key"] is None
        if not erased and (row["identity"] != token or self._open(row) != fields):
            raise Conflict("KEY_REUSED", command_id=deposit_id)

    def _open(self, row: Any) -> dict[str, str]:
        plain = _unseal(self._unwrap(row), row["sealed"], f"entry/{row['entry_id']}")
        if plain is None or sha256(plain).digest() != row["commitment"]:
            fault = "the sealed fields do not match their commitment"
            raise Integrity("LOG_BROKEN", stream=f"vault/{row['subject_id']}", seq=0, fault=fault)
        fields: dict[str, str] = orjson.loads(plain[_SALT_BYTES:])
        return fields

    def _unwrap(self, row: Any) -> bytes:
        key = _unseal(self._keys.wrapping, row["wrapped_key"], f"subject/{row['subject_id']}")
        if key is None:
            fault = "the data key does not open with this wrapping key"
            raise Integrity("LOG_BROKEN", stream=f"vault/{row['subject_id']}", seq=0, fault=fault)
        return key

    def _token(self, identity: str) -> bytes:
        if not identity:
            raise ValueError("an identity is needed to tell people apart")
        return hmac.digest(self._keys.identity, identity.encode(), "sha256")

    async def _fetch(self, name: str, *arguments: Any) -> list[asyncpg.Record]:
        assert self._pool is not None, "the vault is used inside `async with`"
        try:
            return await self._pool.fetch(statement(name), *arguments)
        except Exception as fault:
            if server_is_away(fault):
                raise Unavailable("STORE_UNAVAILABLE", fault=fault) from fault
            raise


def _seal(key: bytes, plain: bytes, place: str) -> bytes:
    """Nonce and ciphertext, bound to the place where they are kept."""
    nonce = token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, place.encode())


def _unseal(key: bytes, sealed: bytes, place: str) -> bytes | None:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode())
    except InvalidTag:
        return None
