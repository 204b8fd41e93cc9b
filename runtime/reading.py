"""Reads a published log, wherever it lies: a folder here, or below a URL."""

from __future__ import annotations

import urllib.request
from pathlib import Path

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


def fetch(url: str, body: bytes | None = None) -> bytes:
    """GET a URL, or POST `body` to it; raises OSError (urllib's HTTPError for a status that is not 2xx)."""
    request = urllib.request.Request(url, data=body)  # noqa: S310 -- `is_url` says which schemes
    with urllib.request.urlopen(request, timeout=_PATIENCE_SECONDS) as answer:  # noqa: S310 -- as above
        content: bytes = answer.read(_BYTES_MAX)
        return content
