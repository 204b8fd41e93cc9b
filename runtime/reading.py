"""Reads a published log, wherever it lies: a folder here, or below a URL."""

from __future__ import annotations

import urllib.request
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError

from proof.tiles import Read

_PATIENCE_SECONDS = 10.0
_BYTES_MAX = 64_000_000


def reader(place: str) -> Read:
    """Gives the bytes of a path below a folder or an http(s) prefix; it raises OSError if there are none."""
    if is_url(place):
        prefix = place.rstrip("/")
        return lambda path: fetch(f"{prefix}/{path}")
    folder = Path(place)
    return lambda path: (folder / path).read_bytes()


def is_url(place: str) -> bool:
    return place.startswith(("http://", "https://"))


class NotOk(OSError):
    """A server answered with a status that is not 2xx; `said` is its body, `kind` the body's type."""

    def __init__(self, url: str, status: int, said: bytes, kind: str) -> None:
        super().__init__(f"{url}: {status} {said[:200].decode('utf-8', 'replace').strip()}")
        self.status, self.said, self.kind = status, said, kind


def fetch(url: str, body: bytes | None = None, kind: str = "") -> bytes:
    """GET a URL, or POST `body` to it, of that type; raises NotOk, and other OSErrors if nobody answers by HTTP."""
    headers = {"content-type": kind} if kind else {}
    try:
        return _answer(urllib.request.Request(url, body, headers))  # noqa: S310 -- `is_url` says which schemes
    except HTTPException as fault:
        raise OSError(f"{url}: {fault!r}") from fault


def _answer(request: urllib.request.Request) -> bytes:
    try:
        with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as answer:  # noqa: S310 -- as above
            content: bytes = answer.read(_BYTES_MAX)
            return content
    except HTTPError as answer:
        with answer:
            said, kind = answer.read(_BYTES_MAX), answer.headers.get("content-type", "")
        raise NotOk(request.full_url, answer.code, said, kind) from None
