"""Time-stamp tokens (RFC 3161) on checkpoints: what one says, and whether it holds.

Stamped is the SHA-256 of the text of a checkpoint's note, `note.text` in UTF-8: origin, size and root, each with its
newline, without the empty line and the signatures below. A token is kept as the authority answered: a TimeStampResp in DER.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from cryptography.x509 import Certificate, ObjectIdentifier
from rfc3161_client import TimeStampResponse, VerificationError, VerifierBuilder, decode_timestamp_response

TOKEN_BYTES_MAX = 65_536
_SHA256 = ObjectIdentifier("2.16.840.1.101.3.4.2.1")


class TimestampError(ValueError):
    """An answer is no token, is one of another text, or does not hold; the text says which."""


def claimed_time(token: bytes, text: str) -> datetime:
    """The second, in UTC, at which a token says that `text` was there, by its own word; TimestampError if of another."""
    try:
        return _time(_parsed(token), text)
    except ValueError as fault:
        raise TimestampError(str(fault)) from fault


def verified_time(
    token: bytes, text: str, roots: Sequence[Certificate], nonce: int | None = None
) -> datetime:
    """The same, signed by a certificate for time-stamping that led to one of `roots` at that time.

    `nonce` is the question's, where the answer has just come. TimestampError, also without `roots`.
    """
    try:
        answer = _parsed(token)
        VerifierBuilder(roots=list(roots), nonce=nonce).build().verify(answer, _imprint(text))
        return _time(answer, text)
    except (ValueError, VerificationError) as fault:
        raise TimestampError(str(fault).partition(": ErrorStack")[0]) from fault


def _parsed(token: bytes) -> TimeStampResponse:
    if len(token) > TOKEN_BYTES_MAX:
        raise TimestampError(f"{len(token)} bytes are no token")
    return decode_timestamp_response(token)


def _time(answer: TimeStampResponse, text: str) -> datetime:
    said = answer.tst_info
    if (said.message_imprint.hash_algorithm, said.message_imprint.message) != (_SHA256, _imprint(text)):
        raise TimestampError("it is of another text")
    return said.gen_time


def _imprint(text: str) -> bytes:
    return sha256(text.encode()).digest()
