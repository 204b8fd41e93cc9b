"""The key of a ballot, from which its voters' tokens are made: sealed by a key from outside, destroyed by an event.

A token is the first 16 bytes of HMAC-SHA256 over what an adapter vouched for. While the key lives its holder can say
which token is whose; once `BallotKeysDestroyed` is in the log, the row is empty by the same transaction, and nobody can.
As with the vault, backups of before hold the sealed key until they are gone too.
"""

from __future__ import annotations

import hmac
from binascii import Error as NotBase64
from binascii import a2b_base64, b2a_base64
from hashlib import blake2b
from secrets import token_bytes
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.errors import Integrity, Refused
from schemas.traces import PaperTrace

TOKEN_BYTES = 16
KEY_BYTES = 32
_NONCE_BYTES = 12
_DAY_BYTES = 2
_CHANNEL_AT = _DAY_BYTES + TOKEN_BYTES


class Voter(NamedTuple):
    """Who hands in a paper: the token (16 bytes), the channel that vouched for them, and for which day of the ballot."""

    token: bytes
    channel: str
    day: int


class VoterKey:
    """What one ballot's key makes; `ballot` is bound into everything that it seals."""

    def __init__(self, ballot: str, key: bytes) -> None:
        self.ballot = ballot
        self._key = key
        self._sealer = AESGCM(hmac.digest(key, b"seal", "sha256"))
        self._pass_place = self._place("pass")
        self._paper_key = hmac.digest(key, b"paper", "sha256")

    @classmethod
    def opened(cls, ballot: str, sealed: bytes, kek: bytes) -> VoterKey:
        """The key that `fresh_key` sealed; Integrity VAULT_BROKEN under another `kek`, or for another ballot."""
        try:
            key = AESGCM(kek).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _kept_at(ballot))
        except InvalidTag:
            raise Integrity("VAULT_BROKEN", place=f"ballot/{ballot}") from None
        return cls(ballot, key)

    def token(self, kind: str, value: str) -> bytes:
        """The voter's token of an identity; the same identity is the same voter (DR-21)."""
        return self.mark(f"voter/{kind}/{value}")

    def mark(self, about: str) -> bytes:
        """16 bytes that are the same for the same matter, and say nothing to whoever lacks the key."""
        return hmac.digest(self._key, about.encode(), "sha256")[:TOKEN_BYTES]

    def paper_id(self, given: bytes) -> bytes:
        """What the box keeps in place of the id that the voter's side gave: nobody outside can then show a leaf's content."""
        return blake2b(given, key=self._paper_key, digest_size=TOKEN_BYTES).digest()

    def trace(self, network: str, device: str) -> PaperTrace:
        """Where a paper came from, for the rules against stuffing: hashes of a network and a device, never those."""
        return PaperTrace(self._sender(b"n", network), self._sender(b"d", device))

    def voter_pass(self, voter: Voter) -> str:
        """What a voter shows with every paper: opaque to them, so that it proves to nobody how they voted."""
        day = voter.day.to_bytes(_DAY_BYTES, "big")
        return self._sealed(self._pass_place, day + voter.token + voter.channel.encode())

    def voter(self, voter_pass: str) -> Voter:
        """Who shows a pass, whatever day it is; Refused BAD_TOKEN if it is not ours, or another ballot's."""
        opened = self._unsealed(self._pass_place, voter_pass)
        if opened is None:
            raise Refused("BAD_TOKEN")
        day, token, channel = opened[:_DAY_BYTES], opened[_DAY_BYTES:_CHANNEL_AT], opened[_CHANNEL_AT:]
        return Voter(token, channel.decode(), int.from_bytes(day, "big"))

    def seal(self, purpose: str, plain: bytes) -> str:
        """Text that only this ballot's key opens, for this purpose."""
        return self._sealed(self._place(purpose), plain)

    def unseal(self, purpose: str, sealed: str) -> bytes | None:
        return self._unsealed(self._place(purpose), sealed)

    def _sender(self, what: bytes, said: str) -> bytes:
        return blake2b(what + said.encode(), key=self._paper_key, digest_size=8).digest() if said else b""

    def _place(self, purpose: str) -> bytes:
        return f"{purpose}/{self.ballot}".encode()

    def _sealed(self, place: bytes, plain: bytes) -> str:
        nonce = token_bytes(_NONCE_BYTES)
        return b2a_base64(nonce + self._sealer.encrypt(nonce, plain, place), newline=False).decode()

    def _unsealed(self, place: bytes, sealed: str) -> bytes | None:
        try:
            raw = a2b_base64(sealed)
            return self._sealer.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place)
        except (InvalidTag, NotBase64, ValueError):
            return None


def fresh_key(ballot: str, kek: bytes) -> bytes:
    """A new key as the database keeps it: sealed by `kek` (32 bytes), which is in no database, for this ballot."""
    nonce = token_bytes(_NONCE_BYTES)
    return nonce + AESGCM(kek).encrypt(nonce, token_bytes(KEY_BYTES), _kept_at(ballot))


def _kept_at(ballot: str) -> bytes:
    return f"ballot/{ballot}".encode()
