"""Whatever goes to Temporal is compressed and sealed first (AES-256-GCM), and opened where it comes back.

Each payload names the key that sealed it by a fingerprint, so that keys can be changed while histories live: the
first key seals, every key opens. A payload that was never sealed passes as it is.
"""

from __future__ import annotations

import hmac
import zlib
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from secrets import token_bytes
from typing import cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticPayloadConverter, pydantic_data_converter
from temporalio.converter import (
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    PayloadCodec,
    PayloadConverter,
)

from schemas.errors import Integrity

ENCODING = b"binary/xuanshu-sealed"
_NONCE_BYTES = 12
_FAST = 1  # of zlib's levels: most of the saving at a third of the time


@cache
def _one_converter() -> PayloadConverter:
    """Temporal's client makes a converter anew for every task of a workflow, and ours is costly: it forgets its types."""
    return PydanticPayloadConverter()


PLAIN = replace(
    pydantic_data_converter, payload_converter_class=cast("type[PayloadConverter]", _one_converter)
)
"""The converter without keys: for histories that were recorded plain, and servers that hold nothing."""


def data_converter(keys: Sequence[bytes]) -> DataConverter:
    """The one converter of every client, worker and replayer; without keys payloads are plain.

    Messages and stack traces of failures are sealed as well. `keys` of 32 bytes each, the newest first.
    """
    if not keys:
        return PLAIN
    return replace(
        PLAIN,
        payload_codec=SealedPayloads(keys),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


def fingerprint(key: bytes) -> str:
    """What a payload says of its key: enough to find it, nothing to guess it by (hex)."""
    return hmac.digest(key, b"payload key", "sha256")[:8].hex()


class SealedPayloads(PayloadCodec):
    """Seals with the first key, opens with any; Integrity PAYLOAD_SEALED for a key not held or bytes changed."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._ciphers = {fingerprint(key): AESGCM(key) for key in keys}
        self._current = fingerprint(keys[0])

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._seal(payload) for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [self._open(payload) for payload in payloads]

    def _seal(self, payload: Payload) -> Payload:
        nonce, plain = token_bytes(_NONCE_BYTES), zlib.compress(payload.SerializeToString(), _FAST)
        sealed = nonce + self._ciphers[self._current].encrypt(nonce, plain, ENCODING)
        return Payload(metadata={"encoding": ENCODING, "key": self._current.encode()}, data=sealed)

    def _open(self, payload: Payload) -> Payload:
        if payload.metadata.get("encoding") != ENCODING:
            return payload
        key = payload.metadata["key"].decode()
        if key not in self._ciphers:
            raise Integrity("PAYLOAD_SEALED", key=key, fault="the key is not held")
        try:
            plain = self._ciphers[key].decrypt(
                payload.data[:_NONCE_BYTES], payload.data[_NONCE_BYTES:], ENCODING
            )
        except InvalidTag:
            raise Integrity("PAYLOAD_SEALED", key=key, fault="the bytes were changed") from None
        return Payload.FromString(zlib.decompress(plain))
