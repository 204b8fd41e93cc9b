"""Signed notes (C2SP signed-note): keys, the lines below a text, strict reading, plain and cosignatures.

Reading refuses whatever the format does not allow; a signature of an unknown key is passed over, as the format asks.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable
from enum import IntEnum
from hashlib import sha256
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from proof.cosignature import text_message, tree_message

NOTE_BYTES_MAX = 1_000_000
SIGNATURES_MAX = 100
DASH = "\u2014"
_TIME_LIMIT = 2**63
_ID_BYTES, _TIME_BYTES = 4, 8
_KEY_NAME_BYTES_MAX = 255  # a cosignature's message has one byte for the length of a name


class NoteError(ValueError):
    """A note, key or proof is not of its format, or a known key's signature does not verify; the text says which."""


class KeyKind(IntEnum):
    """What a key signs, and the byte that says so: a note itself, or a witness's timestamped cosignature on one.

    WITNESS_ML_DSA is by ML-DSA-44, the others by Ed25519.
    """

    LOG = 1
    WITNESS = 4
    WITNESS_ML_DSA = 6

    @property
    def is_witness(self) -> bool:
        return self is not KeyKind.LOG


_KEY_BYTES: dict[int, int] = {KeyKind.LOG: 32, KeyKind.WITNESS: 32, KeyKind.WITNESS_ML_DSA: 1312}


class VerifierKey(NamedTuple):
    """A public key with its name; written `name+id+key` (a vkey)."""

    name: str
    kind: KeyKind
    public: bytes

    @property
    def id(self) -> bytes:
        """The first four bytes of SHA-256(name ‖ newline ‖ kind ‖ key)."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.public).digest()[:_ID_BYTES]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{encoded(bytes([self.kind]) + self.public)}"

    @classmethod
    def parse(cls, written: str) -> VerifierKey:
        """Read a vkey; NoteError if it is none, if its id is not its own or its kind is not ours."""
        name, id_, material = (*written.split("+", 2), "", "")[:3]
        raw = decoded(material)
        check_key_name(name)
        if _KEY_BYTES.get(int.from_bytes(raw[:1], "big")) != len(raw) - 1:
            raise NoteError(f"a key of an unknown kind: {written}")
        key = cls(name, KeyKind(raw[0]), raw[1:])
        if key.id.hex() != id_:
            raise NoteError(f"the key's id should be {key.id.hex()}: {written}")
        return key


class Signature(NamedTuple):
    """One line below a note: whose it says it is, and the bytes."""

    name: str
    key_id: bytes
    signature: bytes

    def __str__(self) -> str:
        return f"{DASH} {self.name} {encoded(self.key_id + self.signature)}\n"


class Note(NamedTuple):
    """A text, its final newline included, and the signatures below it; nothing is verified yet."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.signatures))}"

    def with_signatures(self, *more: Signature) -> Note:
        """The same text with further lines; a key that has signed already is not added again."""
        kept = {(one.name, one.key_id): one for one in (*reversed(more), *reversed(self.signatures))}
        return Note(self.text, tuple(reversed(kept.values())))

    def only(self, keys: Iterable[VerifierKey]) -> Note:
        """The same text with the lines of these keys alone."""
        wanted = {(key.name, key.id) for key in keys}
        return Note(self.text, tuple(one for one in self.signatures if (one.name, one.key_id) in wanted))

    def signed_by(self, key: VerifierKey) -> bool:
        """Whether the key signed it; NoteError if a line claims to be this key's and does not verify."""
        mine = [one for one in self.signatures if (one.name, one.key_id) == (key.name, key.id)]
        for one in mine:
            if not verifies(self.text, one, key):
                raise NoteError(f"the signature of {key.name} does not verify")
        return bool(mine)

    def signed_by_one_of(self, keys: Iterable[VerifierKey]) -> bool:
        """Whether any of them did; every line that claims to be one's is verified."""
        found = [self.signed_by(key) for key in keys]
        return any(found)


class SigningKey:
    """A private key (a seed of 32 bytes) under its public name."""

    def __init__(self, name: str, seed: bytes, kind: KeyKind = KeyKind.LOG) -> None:
        check_key_name(name)
        self._private = _private(kind, seed)
        self.verifier = VerifierKey(name, kind, self._private.public_key().public_bytes_raw())

    def sign(self, text: str) -> Signature:
        """Sign a note's text, by a log's key."""
        assert self.verifier.kind is KeyKind.LOG
        return self._line(self._private.sign(text.encode()))

    def cosign(self, text: str, seconds: int) -> Signature:
        """Cosign a checkpoint's text as seen at that POSIX time, by a witness's key."""
        assert self.verifier.kind.is_witness
        stamp = seconds.to_bytes(_TIME_BYTES, "big")
        return self._line(stamp + self._private.sign(_cosigned(text, seconds, self.verifier)))

    def _line(self, signature: bytes) -> Signature:
        return Signature(self.verifier.name, self.verifier.id, signature)


def signed(text: str, *keys: SigningKey) -> Note:
    """The text under the signatures of log keys."""
    return Note(text, tuple(key.sign(text) for key in keys))


def verifies(text: str, signature: Signature, key: VerifierKey) -> bool:
    """Whether one line is this key's signature on the text."""
    message, raw = text.encode(), signature.signature
    try:
        if key.kind.is_witness:
            message, raw = _cosigned(text, cosigned_at(signature), key), raw[_TIME_BYTES:]
        _public(key).verify(raw, message)
    except (InvalidSignature, NoteError):
        return False
    return True


def cosigned_at(signature: Signature) -> int:
    """The POSIX time in seconds that a cosignature carries."""
    return int.from_bytes(signature.signature[:_TIME_BYTES], "big")


def parse_note(raw: bytes) -> Note:
    """Read a signed note; NoteError for anything that the format does not allow."""
    text, signatures = _split(raw)
    lines = signatures.removesuffix("\n").split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise NoteError(f"more than {SIGNATURES_MAX} signatures")
    return Note(text, tuple(map(parse_signature, lines)))


def parse_signature(line: str) -> Signature:
    """Read one signature line, without its newline."""
    dash, name, material = (*line.split(" "), "", "", "")[:3]
    if dash != DASH or line != f"{dash} {name} {material}":
        raise NoteError(f"not a signature line: {line!r}")
    _check_name(name)
    raw = decoded(material)
    if len(raw) <= _ID_BYTES:
        raise NoteError(f"a signature too short: {line!r}")
    return Signature(name, raw[:_ID_BYTES], raw[_ID_BYTES:])


def encoded(raw: bytes) -> str:
    """Base64 with padding, as all these formats have it."""
    return b64encode(raw).decode("ascii")


def decoded(written: str) -> bytes:
    """Read base64 in its one canonical spelling; NoteError otherwise."""
    try:
        raw = b64decode(written, validate=True)
    except (Base64Error, ValueError) as fault:
        raise NoteError(f"not base64: {written!r}") from fault
    if encoded(raw) != written:
        raise NoteError(f"not canonical base64: {written!r}")
    return raw


def decimal(written: str) -> int:
    """Read a size or index: ASCII digits without leading zeroes; NoteError otherwise."""
    if not (written.isascii() and written.isdigit()) or (written != "0" and written.startswith("0")):
        raise NoteError(f"not a number: {written[:40]!r}")
    if len(written) > 19 or int(written) >= _TIME_LIMIT:
        raise NoteError(f"a number too large: {written[:40]!r}")
    return int(written)


def _split(raw: bytes) -> tuple[str, str]:
    if len(raw) > NOTE_BYTES_MAX:
        raise NoteError("a note too long")
    try:
        note = raw.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise NoteError("a note that is not UTF-8") from fault
    if any(character < " " and character != "\n" for character in note):
        raise NoteError("a note with control characters")
    text, blank, signatures = note.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise NoteError("a note without signatures")
    return f"{text}\n", signatures


def _private(kind: KeyKind, seed: bytes) -> Ed25519PrivateKey | MLDSA44PrivateKey:
    if kind is KeyKind.WITNESS_ML_DSA:
        return MLDSA44PrivateKey.from_seed_bytes(seed)
    return Ed25519PrivateKey.from_private_bytes(seed)


def _public(key: VerifierKey) -> Ed25519PublicKey | MLDSA44PublicKey:
    if key.kind is KeyKind.WITNESS_ML_DSA:
        return MLDSA44PublicKey.from_public_bytes(key.public)
    return Ed25519PublicKey.from_public_bytes(key.public)


def _cosigned(text: str, seconds: int, key: VerifierKey) -> bytes:
    """What a witness's key signs of a checkpoint's text; NoteError if there is no such message."""
    if seconds >= _TIME_LIMIT:
        raise NoteError(f"a time too late: {seconds}")
    if key.kind is KeyKind.WITNESS:
        return text_message(text, seconds)
    origin, size, root = (*text.split("\n"), "", "")[:3]
    try:
        return tree_message(key.name, seconds, origin, decimal(size), decoded(root))
    except ValueError as fault:
        raise NoteError(f"no checkpoint to cosign: {fault}") from fault


def check_key_name(name: str) -> None:
    """NoteError for a name that a note's line, or a cosignature's message, cannot carry."""
    _check_name(name)
    if len(name.encode()) > _KEY_NAME_BYTES_MAX:
        raise NoteError(f"a key's name of more than {_KEY_NAME_BYTES_MAX} bytes: {name[:40]!r}")


def _check_name(name: str) -> None:
    if not name or "+" in name or any(character.isspace() or character < " " for character in name):
        raise NoteError(f"a key needs a name without spaces and plus signs: {name!r}")
