"""What the service says back: JSON, with a stable code and both languages wherever it says no."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from schemas.errors import Conflict, EngineError, Refused, Unavailable

RETRY_AFTER_SECONDS = 2

Headers = list[tuple[str, str]]
_JSON: Headers = [("content-type", "application/json")]
_FRESH: Headers = [*_JSON, ("cache-control", "no-store")]

# What is not here is 409: the paper, or its voter, meets the state in which the ballot is.
_STATUS = {
    "BAD_TOKEN": 401,
    "NOT_THE_DAY": 401,
    "IDENTITY_REFUSED": 403,
    "NOT_FOUND": 404,
    "NO_SUCH_ROUTE": 404,
    "METHOD_NOT_ALLOWED": 405,
    "BALLOT_KEY_DESTROYED": 410,
    "LENGTH_MISSING": 411,
    "BODY_TOO_LARGE": 413,
    "NOT_JSON": 415,
    "BODY_MALFORMED": 400,
    "TOO_FEW_CHOICES": 422,
    "TOO_MANY_CHOICES": 422,
    "NOT_A_CANDIDATE": 422,
    "DUPLICATE_CHOICE": 422,
    "TOO_MANY_TRIES": 429,
    "TOO_MANY_CODES": 429,
    "BROKEN": 500,
}


class Answer(NamedTuple):
    """A whole response."""

    status: int
    headers: Headers
    body: bytes


def said(status: int, body: Any) -> Answer:
    """An object as JSON, which nobody on the way may keep."""
    return Answer(status, _FRESH, msgspec.json.encode(body))


def receipt(ballot: str, receipt: str, leaf: str, *, repeated: bool) -> Answer:
    """A paper is in the box: 201, or 200 if it was there."""
    # Written by hand, as this is said millions of times; receipts and leaves hold nothing that JSON would escape.
    body = b'{"receipt":"%b","leaf":"%b","ballot":%b,"status":"accepted"}'
    parts = (receipt.encode(), leaf.encode(), _quoted(ballot))
    return Answer(200 if repeated else 201, _JSON, body % parts)


@lru_cache(maxsize=256)
def _quoted(text: str) -> bytes:
    return msgspec.json.encode(text)


def page(body: bytes, content_type: str) -> Answer:
    """A static file, which loads nothing from elsewhere."""
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'"
    return Answer(200, [("content-type", content_type), ("content-security-policy", policy)], body)


def refusal(fault: EngineError) -> Answer:
    """The error as `{"error": {"code", "zh", "en"}}`; 503 and 429 say when to try again, 405 what is allowed."""
    error = {"code": fault.code, "zh": fault.message("zh"), "en": fault.message("en")}
    status, headers = status_of(fault), _JSON
    if status in (429, 503):
        wait = fault.facts.get("retry_after_seconds", str(RETRY_AFTER_SECONDS))
        headers = [*_JSON, ("retry-after", wait)]
    if status == 405:
        headers = [*_JSON, ("allow", fault.facts["allowed"])]
    return Answer(status, headers, msgspec.json.encode({"error": error}))


def status_of(fault: EngineError) -> int:
    """The HTTP status of an error."""
    match fault:
        case EngineError(code=code) if code in _STATUS:
            return _STATUS[code]
        case Refused() | Conflict():
            return 409
        case Unavailable():
            return 503
        case _:
            return 500
