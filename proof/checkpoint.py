"""Checkpoints (C2SP tlog-checkpoint) and receipts (tlog-proof): what a log signed, and that an entry is in it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from proof import merkle
from proof.note import Note, NoteError, SigningKey, VerifierKey, decimal, decoded, encoded, parse_note, signed

_RECEIPT = "c2sp.org/tlog-proof@v1"
_PATH_MAX = 63
_HASH_BYTES = 32


class Checkpoint(NamedTuple):
    """The tree's root over its first `size` leaves; extension lines are kept, and mean nothing."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The three lines, and any extensions, that are signed."""
        lines = (self.origin, str(self.size), encoded(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    def signed(self, *keys: SigningKey) -> Note:
        return signed(self.text, *keys)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a note's text; NoteError unless it is a checkpoint's."""
        lines = text.removesuffix("\n").split("\n")
        if len(lines) < 3 or not all(lines) or not text.endswith("\n"):
            raise NoteError("not a checkpoint: three lines and no empty one")
        return cls(lines[0], decimal(lines[1]), hash_of(lines[2]), tuple(lines[3:]))


class Receipt(NamedTuple):
    """That the entry at `leaf` (from 0) is in the log: its path up to the root of a signed checkpoint."""

    leaf: int
    path: tuple[bytes, ...]
    note: Note

    def __str__(self) -> str:
        return f"{_RECEIPT}\nindex {self.leaf}\n{path_lines(self.path)}\n{self.note}"

    @classmethod
    def parse(cls, raw: bytes) -> Receipt:
        """Read a receipt; its extra data is passed over, as nothing vouches for it. NoteError if it is none."""
        head, _, note = raw.partition(b"\n\n")
        lines = _ascii(head).split("\n")
        if len(lines) > 1 and lines[1].startswith("extra "):
            decoded(lines.pop(1).removeprefix("extra "))
        if len(lines) < 2 or lines[0] != _RECEIPT or not lines[1].startswith("index "):
            raise NoteError("not a receipt of a log")
        return cls(decimal(lines[1].removeprefix("index ")), parse_path(lines[2:]), parse_note(note))

    def verify(self, body: bytes, keys: Iterable[VerifierKey]) -> Checkpoint:
        """The signed checkpoint that holds `body`; NoteError if no known log signed it or the path leads elsewhere."""
        found = verified(self.note, keys)
        if not merkle.verify_inclusion(merkle.leaf(body), self.leaf, found.size, self.path, found.root):
            raise NoteError(f"the path from leaf {self.leaf} does not lead to the root")
        return found


def verified(note: Note, keys: Iterable[VerifierKey]) -> Checkpoint:
    """The checkpoint of a note that a key named as its origin signed; NoteError otherwise."""
    found = Checkpoint.parse(note.text)
    if not note.signed_by_one_of(key for key in keys if key.name == found.origin):
        raise NoteError(f"{found.origin} at {found.size} is signed by no key that is trusted for it")
    return found


def path_lines(path: Iterable[bytes]) -> str:
    """A proof's hashes in base64, a line each."""
    return "".join(f"{encoded(one)}\n" for one in path)


def parse_path(lines: list[str]) -> tuple[bytes, ...]:
    """Read a proof's lines; NoteError if there are more than 63, or one is no hash."""
    if len(lines) > _PATH_MAX:
        raise NoteError(f"a proof of more than {_PATH_MAX} hashes")
    return tuple(map(hash_of, lines))


def hash_of(written: str) -> bytes:
    """Read a SHA-256 hash in base64."""
    raw = decoded(written)
    if len(raw) != _HASH_BYTES:
        raise NoteError(f"not a SHA-256 hash: {written!r}")
    return raw


def _ascii(raw: bytes) -> str:
    try:
        return raw.decode("ascii")
    except UnicodeDecodeError as fault:
        raise NoteError("not a receipt of a log") from fault
