"""What `--against` names: a checkpoint kept outside the database, in a file, a folder, behind a URL or on paper."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from cryptography.x509 import Certificate

from proof import tiles
from proof.checkpoint import Checkpoint, hash_of, verified
from proof.note import KeyKind, NoteError, VerifierKey, parse_note
from proof.tiles import CHECKPOINT
from proof.timestamp import TimestampError, verified_time
from runtime.reading import is_url, reader
from runtime.timestamps import needed
from schemas.canonical import instant
from schemas.errors import Integrity, Unavailable
from store.auditing import Anchor

_TIMESTAMP = ".tsr"


async def anchors_of(
    places: Iterable[str], keys: Sequence[VerifierKey], certificates: tuple[Certificate, ...] = ()
) -> list[Anchor]:
    """Each place's anchor; Unavailable PUBLISHED_AWAY, Integrity CHECKPOINT_BAD if no trusted key signed it.

    A place is a URL or a folder with a published log in it, the URL or file of a checkpoint, or `SIZE:ROOT` as a
    notice prints it; or a time-stamp token (`….tsr`) beside its checkpoint, which must lead to one of `certificates`
    (SETTING_MISSING without any) and whose time is then told. Where there are tiles, a difference is told by its
    very position.
    """
    return [await asyncio.to_thread(_anchor, place, keys, certificates) for place in places]


def _anchor(place: str, keys: Sequence[VerifierKey], certificates: tuple[Certificate, ...]) -> Anchor:
    if printed := re.fullmatch(r"([1-9][0-9]*):([A-Za-z0-9+/]{43}=)", place):
        return Anchor(place, int(printed[1]), hash_of(printed[2]))
    prefix, name = _split(place)
    read, is_token = reader(prefix), name.endswith(_TIMESTAMP)
    try:
        raw = read(CHECKPOINT if is_token else name)
        token = read(name) if is_token else b""
    except (OSError, ValueError) as fault:  # also an address that is none
        raise Unavailable("PUBLISHED_AWAY", place=place, fault=fault) from fault
    found = _checkpoint(raw, place, keys)
    source = f"{place} {_stamped(token, raw, place, certificates)}" if is_token else place
    return Anchor(source, found.size, found.root, _leaves(prefix, found.size))


def _stamped(token: bytes, raw: bytes, place: str, certificates: tuple[Certificate, ...]) -> str:
    try:
        return instant(verified_time(token, parse_note(raw).text, needed(certificates)))
    except TimestampError as fault:
        raise Integrity("CHECKPOINT_BAD", source=place, fault=f"its time-stamp: {fault}") from fault


def _split(place: str) -> tuple[str, str]:
    """The prefix of a published log, and the checkpoint's name below it."""
    if is_url(place) and not place.endswith((f"/{CHECKPOINT}", _TIMESTAMP)):
        return place, CHECKPOINT
    if not is_url(place) and Path(place).is_dir():
        return place, CHECKPOINT
    prefix, slash, name = place.rpartition("/")
    return prefix or slash or ".", name


def _checkpoint(raw: bytes, place: str, keys: Sequence[VerifierKey]) -> Checkpoint:
    """The checkpoint, signed by a trusted key of the log or, where only those are known, of a witness."""
    try:
        note = parse_note(raw)
        witnesses = [key for key in keys if key.kind.is_witness]
        seen = note.signed_by_one_of(witnesses)
        logs = [key for key in keys if key.kind is KeyKind.LOG]
        return verified(note, logs) if logs or not seen else Checkpoint.parse(note.text)
    except NoteError as fault:
        raise Integrity("CHECKPOINT_BAD", source=place, fault=fault) from fault


def _leaves(prefix: str, size: int) -> Callable[[], Iterable[bytes]]:
    def found() -> Iterable[bytes]:
        try:
            return list(tiles.leaf_hashes(reader(prefix), size))
        except (OSError, ValueError):  # a checkpoint alone, without the tiles below it
            return ()

    return found
