"""A signed link: whoever knows the voters (a union's register) signs `ballot, identity, end` with Ed25519.

The link's proof is `payload.signature`, both base64url; the intake holds the public key alone and can sign nothing.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from datetime import datetime
from typing import Annotated, ClassVar

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from schemas.errors import Refused
from web.identity import Asked, Identity


class _Link(msgspec.Struct, forbid_unknown_fields=True):
    ballot: str
    kind: str
    identity: str
    expires_at: Annotated[datetime, msgspec.Meta(tz=True)]
    channel: str = "web"


class SignedLink:
    """`public_key` is the issuer's, 32 bytes; the proof has one entry, `link`."""

    by: ClassVar[str] = "signed_link"

    def __init__(self, public_key: bytes) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(public_key)

    async def vouch(self, asked: Asked) -> Identity:
        link = self._read(asked.proof.get("link", ""))
        if link.ballot != asked.key.ballot:
            raise Refused("IDENTITY_REFUSED", fault="another ballot · 另一投票")
        if link.expires_at <= asked.now:
            raise Refused("IDENTITY_REFUSED", fault="expired · 已过期")
        return Identity(link.kind, link.identity, link.channel)

    def _read(self, written: str) -> _Link:
        payload, _, signature = written.partition(".")
        try:
            signed = _decoded(payload)
            self._key.verify(_decoded(signature), signed)
            return msgspec.json.decode(signed, type=_Link)
        except (InvalidSignature, NotBase64, ValueError):
            raise Refused("IDENTITY_REFUSED", fault="signature · 签名") from None


def sign_link(seed: bytes, ballot: str, identity: Identity, expires_at: datetime) -> str:
    """What the issuer puts into a voter's link; `seed` is its Ed25519 private key, 32 bytes."""
    link = _Link(ballot, identity.kind, identity.value, expires_at, identity.channel)
    payload = msgspec.json.encode(link)
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(payload)
    return f"{_encoded(payload)}.{_encoded(signature)}"


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
