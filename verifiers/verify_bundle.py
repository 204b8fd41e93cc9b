#!/usr/bin/env python3
"""核验选树证据包：单个文件，只用 Python 标准库和 cryptography，离线，不信任导出者。

Verify an evidence bundle of Xuanshu, offline and without trusting who exported it. One file; it imports the standard
library, and `cryptography` for the signatures alone. `verify_bundle.html` does the same in a browser.

    python3 verify_bundle.py cycle.zip --key log.vkey [--against notice.txt] [--witness office.vkey] [--json]

Exit code 0: verified. 6: not what it claims to be, with the first place where. 2: nothing could be said.

What is checked, in this order, up to the first fault:
 1. the archive (plain zip, no trick in it), the manifest, the size and SHA-256 of every file;
 2. the log's checkpoints: form, origin, the signature by the key that you hold, cosignatures by your witnesses;
    of time-stamp tokens (RFC 3161) only that each names its checkpoint: whether they hold, a tool for them must say;
 3. each event: canonical bytes (RFC 8785, a narrow profile), its place in its stream's chain, its leaf in the tree;
    openings and sealed tallies once each;
 4. the tree over all leaves: the root of every checkpoint, and of the one that you bring (`--against`);
 5. the programme, units and calendar that events pin; causes that must be there;
 6. each sealed tally: beside its event, by the ballot's rules as it was opened with them, and added up.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import struct
import sys
import zlib
from fractions import Fraction
from hashlib import sha256
from typing import Any
from unicodedata import is_normalized

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FORMAT = "xuanshu-bundle-1"
GENESIS = "0" * 64
DEPTH_MAX = 50
LOG, WITNESS, WITNESS_ML_DSA = 1, 4, 6  # the kinds of key
KEY_BYTES = {LOG: 32, WITNESS: 32, WITNESS_ML_DSA: 1312}
ML_DSA_SIGNATURE_BYTES = 2420
KEY_NAME_BYTES_MAX = 255  # a witness signs names, each after one byte with its length
EMPTY = sha256().hexdigest()  # the root of a tree without leaves

Json = dict[str, Any]
EXIT_OK, EXIT_UNDECIDED, EXIT_FAULT = 0, 2, 6

# code: (中文, English). The page in JavaScript gives the same codes for the same bundles.
WORDS = {
    "OK": ("核验通过", "verified"),
    "KEY_WRONG": ("所给公钥不成形", "the key that you gave is not a verifier key"),
    "AGAINST_UNREADABLE": (
        "所给检查点不成形",
        "the checkpoint that you gave is neither a note nor “SIZE:ROOT”",
    ),
    "AGAINST_NEWER": (
        "所给检查点比证据包新，请索取更新的证据包",
        "the checkpoint that you gave is newer than the bundle: ask for a newer one",
    ),
    "ARCHIVE_BROKEN": ("压缩包损坏或被做了手脚", "the archive is damaged or has been tampered with"),
    "MANIFEST_BROKEN": ("清单缺失或不成形", "the manifest is missing or malformed"),
    "FILE_MISSING": ("清单所列文件缺失", "a file that the manifest lists is missing"),
    "FILE_EXTRA": ("有清单未列的文件", "there is a file that the manifest does not list"),
    "FILE_DIFFERS": ("文件与清单的散列或大小不符", "a file is not the one that the manifest lists"),
    "CHECKPOINT_BROKEN": ("检查点不成形", "a checkpoint is malformed"),
    "ORIGIN_DIFFERS": ("检查点属于另一本日志", "a checkpoint is of another log"),
    "SIGNATURE_WRONG": ("检查点未由该公钥签名", "a checkpoint is not signed by the key that you gave"),
    "WITNESS_MISSING": ("见证人未副署", "the last checkpoint lacks a cosignature by your witness"),
    "WITNESS_UNCHECKED": (
        "其余核对无误，但此程序不能核对 ML-DSA-44 副署：请不给此公钥，或换用较新的程序",
        "all else holds, but this program cannot check ML-DSA-44: leave that key out, or use a newer one",
    ),
    "TIMESTAMP_WRONG": (
        "时间戳不成形，或不属于本包的检查点",
        "a time-stamp token is malformed, or of none of the bundle's checkpoints",
    ),
    "LINE_BROKEN": ("记录行不成形", "a line of events is malformed"),
    "ORDER_BROKEN": ("全局位置未递增或越界", "positions do not rise, or lie outside the tree"),
    "NOT_CANONICAL": ("记录不是规范字节", "an event is not in canonical form"),
    "EVENT_BROKEN": ("记录缺字段或字段不成形", "an event lacks a field or has a wrong one"),
    "EVENT_FOREIGN": ("记录不属于本届", "an event is not of this cycle"),
    "CHAIN_BROKEN": (
        "流中缺记录，或前一散列不符",
        "an event is missing in its stream, or the previous hash differs",
    ),
    "REPEATED": ("同一命令写入两次", "one command is written twice"),
    "TOLD_TWICE": (
        "只能有一次的记录（开届、开轮、开票、计票封存）有第二次",
        "what happens once (a cycle or a round opened, a ballot opened or sealed) is told a second time",
    ),
    "LEAF_DIFFERS": (
        "记录与树叶散列不符：内容被改",
        "an event is not the one whose hash is in the tree: it was altered",
    ),
    "COUNTS_DIFFER": ("数目与清单不符", "the counts are not those of the manifest"),
    "ROOT_DIFFERS": ("树根与检查点不符", "the tree does not have the root that the checkpoint signs"),
    "CHECKPOINTS_DISAGREE": (
        "较早的检查点不是本日志的前缀：历史被改写",
        "an earlier checkpoint is of another history: rewritten",
    ),
    "AGAINST_DIFFERS": (
        "与所给检查点不符：历史被改写",
        "not the history of the checkpoint that you gave: it was rewritten",
    ),
    "CYCLE_MISSING": ("没有本届开启的记录", "the opening of the cycle is not there"),
    "DOCUMENT_DIFFERS": ("所附文件与其散列不符", "a document is not the one that its name says"),
    "DOCUMENT_MISSING": (
        "缺少记录所引的评选办法、单位或日历",
        "a programme, unit tree or calendar that an event pins is missing",
    ),
    "DOCUMENT_UNPINNED": ("所附文件未被任何记录引用", "a document is pinned by no event"),
    "TALLY_DIFFERS": ("封存计票与记录不符", "a sealed tally is not the one that the events tell"),
    "BALLOT_DIFFERS": (
        "票规与开票记录或评选办法不符",
        "a ballot's rules are not those of its opening and its programme",
    ),
    "TALLY_WRONG": (
        "封存计票自身不符，或所得分数并非由其得出",
        "a sealed tally does not add up, or does not give the values that its event tells",
    ),
    "CAUSE_MISSING": ("记录所引的起因不在包中", "the cause of an event is not there"),
}

_NAME = re.compile(r"[a-z0-9_-][a-z0-9._-]*(/[a-z0-9_-][a-z0-9._-]*)?\Z")
_NUMBER = re.compile(r"(0|[1-9][0-9]{0,14})\Z")
_KEY = re.compile(r"[a-z0-9_]+\Z")
_HASH = re.compile(r"[0-9a-f]{64}\Z")
_INSTANT = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z\Z")
_STREAM = re.compile(r"[a-z]+/[^ /]+(/[^ ]+)?\Z")
_TIMESTAMP = re.compile(
    r"([1-9][0-9]{0,14}) [0-9]{4}-[0-9]{2}-[0-9]{2} [a-z0-9][a-z0-9.-]* ([A-Za-z0-9+/]+=*)\Z"
)
_WITHHELD = re.compile(
    r"withheld ([^ ]+) ([1-9][0-9]{0,14}) "
    r"((SheetHandedIn|SheetEntered) DR-14|(ObjectionFiled|ObjectionMerged|ObjectionRefused) DR-29)\Z"
)


class Fault(Exception):
    """The first thing that is not as it must be; `where` is a file, a position or a stream."""

    def __init__(self, code: str, where: object = "") -> None:
        super().__init__(code)
        self.code, self.where = code, str(where)


# ---- the archive ----


def entries_of(archive: bytes) -> dict[str, tuple[int, int, int, int, int]]:
    """name: (start, compressed size, size, method, crc) of a plain zip: its parts side by side, each named once.

    Whatever two readers could understand in two ways is refused: names twice, gaps, other headers than the directory.
    """
    end = len(archive) - 22
    if end < 0 or archive[end : end + 8] != b"PK\x05\x06\0\0\0\0" or archive[-2:] != b"\0\0":
        raise Fault("ARCHIVE_BROKEN", "end")
    count, count_all, size, start = (
        _int(archive, end + at, n) for at, n in ((8, 2), (10, 2), (12, 4), (16, 4))
    )
    if count != count_all or start + size != end:
        raise Fault("ARCHIVE_BROKEN", "directory")
    found: dict[str, tuple[int, int, int, int, int]] = {}
    at, next_local = start, 0
    for _ in range(count):
        if at + 46 > end or archive[at : at + 4] != b"PK\x01\x02":
            raise Fault("ARCHIVE_BROKEN", "directory")
        flags, method, crc, packed, plain, named, extra, comment, disk, _, _, local = (
            _int(archive, at + where, n)
            for where, n in (
                (8, 2), (10, 2), (16, 4), (20, 4), (24, 4), (28, 2), (30, 2), (32, 2), (34, 2), (36, 2), (38, 4), (42, 4),
            )
        )  # fmt: skip
        name = archive[at + 46 : at + 46 + named].decode("latin-1")
        if (
            flags
            or method not in (0, 8)
            or extra
            or comment
            or disk
            or not _NAME.match(name)
            or name in found
        ):
            raise Fault("ARCHIVE_BROKEN", name)
        header = archive[local : local + 30 + named]
        told = archive[at + 8 : at + 32] + name.encode()
        if local != next_local or header[:4] != b"PK\x03\x04" or header[6:] != told:
            raise Fault("ARCHIVE_BROKEN", name)
        found[name] = (local + 30 + named, packed, plain, method, crc)
        at, next_local = at + 46 + named, local + 30 + named + packed
    if at != end or next_local != start:
        raise Fault("ARCHIVE_BROKEN", "gap")
    return found


def _int(data: bytes, at: int, size: int) -> int:
    return int.from_bytes(data[at : at + size], "little")


class Archive:
    """A bundle's files, unpacked one by one."""

    def __init__(self, archive: bytes) -> None:
        self._archive = archive
        self._entries = entries_of(archive)
        self.names = set(self._entries)

    def read(self, name: str) -> bytes:
        """A file's bytes; Fault ARCHIVE_BROKEN unless they have exactly the size and check sum that are told."""
        start, packed, plain, method, crc = self._entries[name]
        data = self._archive[start : start + packed]
        if method == 8:
            inflate = zlib.decompressobj(-15)
            try:
                data = inflate.decompress(data, plain + 1)
            except zlib.error:
                raise Fault("ARCHIVE_BROKEN", name) from None
            if not inflate.eof or inflate.unused_data or inflate.unconsumed_tail:
                raise Fault("ARCHIVE_BROKEN", name)
        if len(data) != plain or zlib.crc32(data) != crc:
            raise Fault("ARCHIVE_BROKEN", name)
        return data


# ---- canonical JSON ----


def canonical(data: bytes, code: str, where: object) -> Any:
    """The value of bytes that are RFC 8785 JSON in the profile; Fault `code` for any others."""
    try:
        text = data.decode()
        value = json.loads(text, parse_float=_refuse, parse_constant=_refuse, parse_int=_integer)
        _walk(value, DEPTH_MAX)
        again = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    except (ValueError, RecursionError):
        raise Fault(code, where) from None
    if again != text or (not text.isascii() and not is_normalized("NFC", text) and not _is_nfc(value)):
        raise Fault(code, where)
    return value


def _refuse(text: str) -> None:
    raise ValueError(text)


def _integer(text: str) -> int:
    if len(text) > 17 or not -(2**53) < int(text) < 2**53:
        raise ValueError(text)
    return int(text)


def _walk(value: Any, depth: int) -> None:
    if depth == 0:
        raise ValueError("too deep")
    if type(value) is dict:
        for key, item in value.items():
            if not _KEY.match(key):
                raise ValueError(key)
            if type(item) is dict or type(item) is list:
                _walk(item, depth - 1)
    elif type(value) is list:
        for item in value:
            if type(item) is dict or type(item) is list:
                _walk(item, depth - 1)


def _is_nfc(value: Any) -> bool:
    if isinstance(value, str):
        return is_normalized("NFC", value)
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(map(_is_nfc, items))


# ---- keys, notes, checkpoints (C2SP signed-note, tlog-checkpoint, tlog-cosignature) ----


class Key:
    """A verifier key `NAME+ID+BASE64`: a log's or a witness's for Ed25519, or a witness's for ML-DSA-44."""

    def __init__(self, written: str, *kinds: int) -> None:
        try:
            self.name, told, key = written.strip().split("+", 2)
            public = _base64(key)
        except ValueError:
            raise Fault("KEY_WRONG") from None
        self.id = sha256(self.name.encode() + b"\n" + public).digest()[:4]
        self._kind = public[0] if public else 0
        if not self.name or self._kind not in kinds or self.id.hex() != told:
            raise Fault("KEY_WRONG")
        if len(public) != 1 + KEY_BYTES[self._kind] or len(self.name.encode()) > KEY_NAME_BYTES_MAX:
            raise Fault("KEY_WRONG")
        made = _ml_dsa_key if self._kind == WITNESS_ML_DSA else Ed25519PublicKey.from_public_bytes
        self._public = made(public[1:])
        self.unchecked = self._public is None

    def signed(self, note: Note) -> bool:
        """Whether the note has a line of this key, and every line that claims to be verifies."""
        return bool(self._mine(note)) and not self.belied(note)

    def belied(self, note: Note) -> bool:
        """Whether a line claims to be this key's and does not verify."""
        return not all(self._holds(note, one) for one in self._mine(note))

    def _mine(self, note: Note) -> list[bytes]:
        return [one[4:] for name, one in note.signatures if name == self.name and one[:4] == self.id]

    def _holds(self, note: Note, signature: bytes) -> bool:
        message = note.text.encode()
        try:
            if self._kind != LOG:  # a cosignature: eight bytes of time, then the signature
                time, signature = signature[:8], signature[8:]
                message = self._cosigned(note, time)
            if self._public is None:
                return len(signature) == ML_DSA_SIGNATURE_BYTES
            self._public.verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def _cosigned(self, note: Note, time: bytes) -> bytes:
        """What a witness signs: time and text, or names, time and tree; ValueError for a time that nobody may sign."""
        if time >= b"\x80":
            raise ValueError("a time too late")
        if self._kind == WITNESS:
            return b"cosignature/v1\ntime %d\n" % int.from_bytes(time, "big") + note.text.encode()
        name, origin = self.name.encode(), note.origin.encode()
        names = bytes([len(name)]) + name + time + bytes([len(origin)]) + origin
        return b"subtree/v1\n\0" + names + struct.pack(">QQ", 0, note.size) + note.root


def _ml_dsa_key(raw: bytes) -> Any:
    """The key, none where this `cryptography` (before 47) or its OpenSSL (before 3.5) has no ML-DSA."""
    try:
        from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey  # noqa: PLC0415 -- may be missing

        return MLDSA44PublicKey.from_public_bytes(raw)
    except (ImportError, UnsupportedAlgorithm):
        return None


class Note:
    """A signed note whose text is a checkpoint: origin, size, root; ValueError for any other text."""

    def __init__(self, written: str) -> None:
        self.text, gap, below = written.partition("\n\n")
        self.text += "\n"
        if not gap or not below.endswith("\n"):
            raise ValueError("not a note")
        self.signatures = [self._signature(line) for line in below[:-1].split("\n")]
        self.origin, size, root, *more = self.text[:-1].split("\n")
        if more or not self.origin or not _NUMBER.match(size):
            raise ValueError("not a checkpoint")
        self.size, self.root = int(size), _base64(root)
        if len(self.root) != 32:
            raise ValueError("not a root")

    @staticmethod
    def _signature(line: str) -> tuple[str, bytes]:
        dash, name, signature = line.split(" ")
        if dash != "—" or not name or len(_base64(signature)) < 5:
            raise ValueError("not a signature")
        return name, _base64(signature)


def _base64(text: str) -> bytes:
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("another way to write the same bytes")
    return data


def signed_by_one(note: Note, keys: list[Key]) -> bool:
    """Whether one of the log's keys signed it, and no line of any of them is false."""
    return any(key.signed(note) for key in keys) and not any(key.belied(note) for key in keys)


def given_checkpoint(written: str, keys: list[Key]) -> tuple[int, bytes]:
    """A checkpoint from elsewhere: a note signed by the log, or `SIZE:ROOT` as a notice prints it (hex or base64)."""
    written = written.replace("\r\n", "\n")
    try:
        if "\n\n" in written:
            note = Note(written)
            if note.origin != keys[0].name:
                raise Fault("ORIGIN_DIFFERS", "--against")
            if not signed_by_one(note, keys):
                raise Fault("SIGNATURE_WRONG", "--against")
            return note.size, note.root
        size, root = re.split(r"[ \n:]+", written.strip())
        if not _NUMBER.match(size):
            raise ValueError(size)
        return int(size), bytes.fromhex(root) if _HASH.match(root) else _root(root)
    except ValueError:
        raise Fault("AGAINST_UNREADABLE", "--against") from None


def _root(text: str) -> bytes:
    root = _base64(text)
    if len(root) != 32:
        raise ValueError("not a root")
    return root


# ---- the tree (RFC 9162) ----


class Tree:
    """The right edge of a tree that leaves are added to; `roots` are kept at the sizes asked for."""

    def __init__(self, sizes: set[int]) -> None:
        self.size = 0
        self._peaks: list[bytes] = []
        self._sizes = sizes
        self.roots: dict[int, bytes] = {0: sha256().digest()}

    def add(self, leaf: bytes) -> None:
        above = self.size
        while above & 1:
            leaf, above = sha256(b"\x01" + self._peaks.pop() + leaf).digest(), above >> 1
        self._peaks.append(leaf)
        self.size += 1
        if self.size in self._sizes:
            *larger, root = self._peaks
            for peak in reversed(larger):
                root = sha256(b"\x01" + peak + root).digest()
            self.roots[self.size] = root


# ---- the bundle ----


class Bundle:
    """One verification, step by step; what was found on the way is in `told`."""

    def __init__(self, archive: bytes, key: str, against: str = "", witnesses: tuple[str, ...] = ()) -> None:
        self.keys = [Key(one, LOG) for one in key.split()]
        if len({one.name for one in self.keys}) != 1:
            raise Fault("KEY_WRONG")
        self.witnesses = [Key(one, WITNESS, WITNESS_ML_DSA) for one in witnesses]
        self.against = given_checkpoint(against, self.keys) if against else None
        self.archive = Archive(archive)
        self.heads: dict[str, tuple[int, str]] = {}
        self.commands: set[bytes] = set()
        self.once: set[tuple[str, str]] = set()
        self.pins: set[str] = set()
        self.causes: dict[str, int] = {}
        self.tallies: dict[str, Json] = {}
        self.ballots: dict[str, Json] = {}
        self.rules: dict[str, str] = {}
        self.ranks: dict[str, Any] = {}
        self.opened: Json | None = None
        self.shown = self.withheld = self.position = self.timestamps = 0
        self.told: dict[str, object] = {}

    def verify(self) -> None:
        """Every check in its order; the first that fails raises Fault."""
        self._manifest()
        self._checkpoints()
        self._timestamps()
        self._leaves = self.archive.read("leaves.bin")
        if len(self._leaves) != 32 * self.size:
            raise Fault("COUNTS_DIFFER", "leaves.bin")
        for number, name in enumerate(self._parts, start=1):
            if name != f"events/{number:05}.txt":
                raise Fault("MANIFEST_BROKEN", name)
            self._events(name)
        self._counts()
        self._roots()
        self._sealed_tallies()
        self._documents()
        self._sense()
        self._counted()
        for witness in self.witnesses:
            if witness.unchecked:
                raise Fault("WITNESS_UNCHECKED", witness.name)

    # -- 1. manifest and files

    def _manifest(self) -> None:
        if "manifest.json" not in self.archive.names:
            raise Fault("MANIFEST_BROKEN", "manifest.json")
        data = self.archive.read("manifest.json")
        self.told["manifest_sha256"] = sha256(data).hexdigest()
        manifest = canonical(data, "MANIFEST_BROKEN", "manifest.json")
        listed = _listed_files(manifest)
        for name in sorted(listed.keys() - self.archive.names):
            raise Fault("FILE_MISSING", name)
        for name in sorted(self.archive.names - listed.keys() - {"manifest.json"}):
            raise Fault("FILE_EXTRA", name)
        for name, (size, told) in sorted(listed.items()):
            content = self.archive.read(name)
            if len(content) != size or sha256(content).hexdigest() != told:
                raise Fault("FILE_DIFFERS", name)
        for name in ("checkpoints.json", "leaves.bin"):
            if name not in listed:
                raise Fault("FILE_MISSING", name)
        self.manifest, self._listed = manifest, sorted(listed)
        self.cycle, self.size = manifest["cycle"], manifest["size"]
        self.family = _family(self.cycle)
        self._parts = [name for name in self._listed if name.startswith("events/")]

    # -- 2. checkpoints

    def _checkpoints(self) -> None:
        written = canonical(self.archive.read("checkpoints.json"), "CHECKPOINT_BROKEN", "checkpoints.json")
        if not isinstance(written, list) or not written:
            raise Fault("CHECKPOINT_BROKEN", "checkpoints.json")
        self.notes: list[Note] = []
        for number, one in enumerate(written, start=1):
            try:
                note = Note(one)
            except (ValueError, AttributeError):
                raise Fault("CHECKPOINT_BROKEN", number) from None
            if note.origin != self.keys[0].name or note.origin != self.manifest["origin"]:
                raise Fault("ORIGIN_DIFFERS", number)
            if not signed_by_one(note, self.keys):
                raise Fault("SIGNATURE_WRONG", number)
            if self.notes and note.size <= self.notes[-1].size:
                raise Fault("CHECKPOINT_BROKEN", number)
            self.notes.append(note)
        for witness in self.witnesses:
            if not witness.signed(self.notes[-1]) or any(witness.belied(note) for note in self.notes):
                raise Fault("WITNESS_MISSING", witness.name)
        if self.notes[-1].size != self.size:
            raise Fault("CHECKPOINT_BROKEN", len(self.notes))
        if self.against is not None and self.against[0] > self.size:
            raise Fault("AGAINST_NEWER", self.against[0])

    def _timestamps(self) -> None:
        """Each token has the hash of its checkpoint's text somewhere in it; who signed it is not looked at."""
        kept = self.archive.read("timestamps.txt") if "timestamps.txt" in self._listed else b""
        *lines, rest = kept.decode("latin-1").split("\n")
        hashes = {note.size: sha256(note.text.encode()).digest() for note in self.notes}
        for number, line in enumerate(lines, start=1):
            said = _TIMESTAMP.match(line)
            try:
                if not said or hashes[int(said[1])] not in _base64(said[2]):
                    raise ValueError(line)
            except (KeyError, ValueError):
                raise Fault("TIMESTAMP_WRONG", number) from None
        if rest:
            raise Fault("TIMESTAMP_WRONG", len(lines) + 1)
        self.timestamps = len(lines)

    # -- 3. events

    def _events(self, part: str) -> None:
        lines = self.archive.read(part).split(b"\n")
        if lines.pop() != b"" or not lines:
            raise Fault("LINE_BROKEN", part)
        for line in lines:
            position, _, rest = line.partition(b" ")
            if not rest or len(position) > 15 or not position.isdigit() or position.startswith(b"0"):
                raise Fault("LINE_BROKEN", part)
            at = int(position)
            if not self.position < at <= self.size:
                raise Fault("ORDER_BROKEN", at)
            self.position = at
            if rest.startswith(b"{"):
                self._event(at, rest)
            else:
                self._withheld(at, rest)

    def _event(self, at: int, body: bytes) -> None:
        event = canonical(body, "NOT_CANONICAL", at)
        if not is_event(event):
            raise Fault("EVENT_BROKEN", at)
        leaf = sha256(b"\0" + body).digest()
        self._follow(at, event["stream"], event["seq"], event["prev"], leaf.hex())
        command = sha256(json.dumps([event["stream"], event["cmd"], event["ord"]]).encode()).digest()[:16]
        if command in self.commands:
            raise Fault("REPEATED", at)
        self.commands.add(command)
        if self._leaf(at) != leaf:
            raise Fault("LEAF_DIFFERS", at)
        self.shown += 1
        self._note(at, event)

    def _withheld(self, at: int, rest: bytes) -> None:
        """Of a sealed event only its place is told; its hash is the leaf, so the chain goes on from there."""
        said = _WITHHELD.match(rest.decode("utf-8", "replace"))
        if not said or not _STREAM.match(said[1]):
            raise Fault("LINE_BROKEN", at)
        self._follow(at, said[1], int(said[2]), None, self._leaf(at).hex())
        self.withheld += 1

    def _follow(self, at: int, stream: str, seq: int, prev: str | None, leaf: str) -> None:
        """The event comes next in its stream; then it is its head."""
        whose = stream.split("/")[1]
        if not self.manifest["whole"] and whose not in (self.cycle, self.family):
            raise Fault("EVENT_FOREIGN", at)
        last, head = self.heads.get(stream, (0, GENESIS))
        if seq != last + 1 or (prev is not None and prev != head):
            raise Fault("CHAIN_BROKEN", at)
        self.heads[stream] = seq, leaf

    def _leaf(self, at: int) -> bytes:
        return self._leaves[32 * (at - 1) : 32 * at]

    def _note(self, at: int, event: Json) -> None:
        """Remember what the event pins and points at, for later."""
        kind, data = event["type"], event["data"]
        pins = _PINS.get(kind, ())
        told = [data.get(key, "") for key in (*pins, *(("ballot",) if kind in _OF_BALLOTS else ()))]
        if not all(type(one) is str for one in told):
            raise Fault("EVENT_BROKEN", at)
        if kind in _ONCE:
            once = kind, told[-1] if kind in _OF_BALLOTS else event["stream"]
            if once in self.once:
                raise Fault("TOLD_TWICE", at)
            self.once.add(once)
        if kind == "CycleOpened" and self.opened is None and event["stream"] == f"cycle/{self.cycle}":
            self.opened = event
        if kind == "RoundOpened":
            self.ranks[event["stream"]] = data.get("rank")
        if kind in _OF_BALLOTS:
            (self.tallies if kind == "TallySealed" else self.ballots)[told.pop()] = event
        self.pins.update(one for one in (event["rules"], *told) if one)
        cause = event.get("cause", "").partition("@")[0]
        if cause:
            self.causes.setdefault(cause, at)

    # -- 4. the tree

    def _counts(self) -> None:
        if (self.shown, self.withheld) != (self.manifest["events"], self.manifest["withheld"]):
            raise Fault("COUNTS_DIFFER", "events")
        if self.manifest["whole"] and self.shown + self.withheld != self.size:
            raise Fault("COUNTS_DIFFER", "events")

    def _roots(self) -> None:
        wanted = {note.size for note in self.notes} | ({self.against[0]} if self.against else set())
        tree = Tree(wanted)
        for at in range(0, len(self._leaves), 32):
            tree.add(self._leaves[at : at + 32])
        if tree.roots[self.size] != self.notes[-1].root:
            raise Fault("ROOT_DIFFERS", self.size)
        for note in self.notes:
            if tree.roots[note.size] != note.root:
                raise Fault("CHECKPOINTS_DISAGREE", note.size)
        if self.against is not None and tree.roots[self.against[0]] != self.against[1]:
            raise Fault("AGAINST_DIFFERS", self.against[0])

    # -- 5. what events speak of

    def _documents(self) -> None:
        kept = set()
        for name in self._listed:
            if name.startswith("documents/"):
                told = name.removeprefix("documents/").removesuffix(".json")
                if sha256(self.archive.read(name)).hexdigest() != told:
                    raise Fault("DOCUMENT_DIFFERS", name)
                kept.add(told)
        for pin in sorted(self.pins - kept):
            raise Fault("DOCUMENT_MISSING", pin)
        for pin in sorted(kept - self.pins):
            raise Fault("DOCUMENT_UNPINNED", pin)

    def _sealed_tallies(self) -> None:
        kept = self.archive.read("tallies.txt") if "tallies.txt" in self._listed else b""
        *lines, rest = kept.split(b"\n")
        if rest:
            raise Fault("TALLY_DIFFERS", "tallies.txt")
        told: set[str] = set()
        for line in lines:
            tally = canonical(line, "TALLY_DIFFERS", "tallies.txt")
            ballot = str(tally.get("ballot")) if isinstance(tally, dict) else ""
            event = self.tallies.get(ballot)
            if event is None or ballot in told or not _tells(event["data"], tally):
                raise Fault("TALLY_DIFFERS", "tallies.txt")
            told.add(ballot)
            self.rules[ballot] = str(tally.get("rules_hash"))
            self.pins.add(self.rules[ballot])
        for ballot in sorted(self.tallies.keys() - told):
            raise Fault("TALLY_DIFFERS", ballot)

    def _sense(self) -> None:
        if self.opened is None or self.opened["seq"] != 1:
            raise Fault("CYCLE_MISSING", self.cycle)
        if "calendar.json" in self._listed:
            calendar = canonical(self.archive.read("calendar.json"), "DOCUMENT_DIFFERS", "calendar.json")
            if not isinstance(calendar, dict) or calendar.get("calendar") != self.opened["data"].get(
                "calendar"
            ):
                raise Fault("DOCUMENT_DIFFERS", "calendar.json")
        for cause, at in self.causes.items():
            parts = cause.split("/")
            if len(parts) > 1 and parts[1] == self.cycle and cause not in self.heads:
                raise Fault("CAUSE_MISSING", at)

    # -- 6. what was counted

    def _counted(self) -> None:
        for ballot, event in sorted(self.tallies.items()):
            try:
                self._ballot(ballot, event)
            except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
                raise Fault("TALLY_WRONG", ballot) from None

    def _ballot(self, ballot: str, event: Json) -> None:
        """The ballot's rules are what its opening and the programme say; by them its tally adds up."""
        opening, sealed = self.ballots.get(ballot), event["data"]
        if opening is None or (opening["stream"], opening["data"]["step"]) != (
            event["stream"],
            sealed["step"],
        ):
            raise Fault("BALLOT_DIFFERS", ballot)
        rules, step = self._document(self.rules[ballot]), self._step(opening)
        if not _opened_so(rules, ballot, opening["data"], step):
            raise Fault("BALLOT_DIFFERS", ballot)
        if "channels" not in sealed and sealed["papers"]:
            return  # an older event, which has no counts by channel
        if not adds_up(sealed, rules) or not follows(sealed, rules["candidates"], self._step(event)):
            raise Fault("TALLY_WRONG", ballot)

    def _step(self, event: Json) -> Json:
        """The step that an event of a round speaks of, as the programme has it that was in force."""
        stage = self._document(event["rules"])["stages"][self.ranks[event["stream"]]]
        step: Json = {one["id"]: one for one in stage["steps"]}[event["data"]["step"]]
        return step

    def _document(self, pin: str) -> Json:
        name = f"documents/{pin}.json"
        document: Json = canonical(self.archive.read(name), "DOCUMENT_DIFFERS", name)
        return document

    def counts(self) -> dict[str, object]:
        """What was read, for people and programs."""
        closed = self.size - self.shown - self.withheld
        return self.told | {
            "cycle": self.cycle,
            "origin": self.manifest["origin"],
            "size": self.size,
            "root": self.notes[-1].root.hex(),
            "events": self.shown,
            "withheld": self.withheld,
            "closed": closed,
            "complete": closed == 0,
            "streams": len(self.heads),
            "checkpoints": len(self.notes),
            "witnesses": len({one.name for one in self.witnesses}),
            "against": self.against[0] if self.against else None,
            "timestamps": self.timestamps,
        }


def _family(cycle: str) -> str:
    """What the cycles of a programme, or of one rehearsal of it, share: `ID`, or `ID.LABEL`."""
    programme, *rest = cycle.split(".")
    label = [one for one in rest[1:] if not re.fullmatch(r"[0-9]{4}(-(0[1-9]|1[0-2]|Q[1-4]))?", one)]
    return ".".join([programme, *label])


def _listed_files(manifest: Any) -> dict[str, tuple[int, str]]:
    """name: (bytes, SHA-256) of a manifest that has just the keys that it must have; Fault MANIFEST_BROKEN."""
    wanted = {
        "format": str, "cycle": str, "origin": str, "size": int, "events": int, "withheld": int, "whole": bool,
        "files": list,
    }  # fmt: skip
    if (
        not _has(manifest, wanted)
        or manifest["format"] != FORMAT
        or not manifest["cycle"]
        or not manifest["size"]
    ):
        raise Fault("MANIFEST_BROKEN", "manifest.json")
    found: dict[str, tuple[int, str]] = {}
    for one in manifest["files"]:
        if not _has(one, {"name": str, "bytes": int, "sha256": str}) or one["name"] in found:
            raise Fault("MANIFEST_BROKEN", "manifest.json")
        found[one["name"]] = one["bytes"], one["sha256"]
    if "manifest.json" in found or list(found) != sorted(found):
        raise Fault("MANIFEST_BROKEN", "manifest.json")
    return found


def _has(value: Any, wanted: dict[str, type]) -> bool:
    """Whether a value is an object with exactly these keys, of these kinds; numbers are not negative."""
    return (
        isinstance(value, dict)
        and value.keys() == wanted.keys()
        and all(
            type(value[key]) is kind and (kind is not int or value[key] >= 0) for key, kind in wanted.items()
        )
    )


_TEXTS = ("log", "stream", "type", "cmd", "req", "rules")
_MAY = {"grant", "cause", "subject"}
_MUST = {"v", "seq", "ord", "at", "recorded", "actor", "data", "prev", *_TEXTS}


def is_event(event: Any) -> bool:
    """Whether a value has the fields of an event's body, each of its kind."""
    if not isinstance(event, dict) or not event.keys() >= _MUST or not event.keys() <= _MUST | _MAY:
        return False
    texts = (*_TEXTS, *(_MAY & event.keys()))
    if not all(type(event[key]) is str and event[key] for key in texts):
        return False
    if not all(
        type(event[key]) is int and event[key] >= low for key, low in (("v", 1), ("seq", 1), ("ord", 0))
    ):
        return False
    actor = event["actor"]
    return bool(
        _STREAM.match(event["stream"])
        and all(type(event[key]) is str and _INSTANT.match(event[key]) for key in ("at", "recorded"))
        and all(type(event[key]) is str and _HASH.match(event[key]) for key in ("prev", "rules"))
        and isinstance(actor, dict)
        and actor.keys() >= {"id", "role"}
        and actor.keys() <= {"id", "role", "unit", "on_behalf_of"}
        and all(type(one) is str for one in actor.values())
        and isinstance(event["data"], dict)
    )


# ---- ballots and their tallies ----

_OF_BALLOTS = ("BallotOpened", "TallySealed")
_PINS = {
    "CycleOpened": ("units", "overrides"),
    "RulesAmended": ("rules",),
    "CalendarExtended": ("overrides",),
}
_ONCE = ("CycleOpened", "RoundOpened", *_OF_BALLOTS)  # of a stream, or of a ballot
_TOLD = ("ballot", "papers", "refused", "root", "counts", "valid")
_TOLD_SINCE = ("uncounted_root", "rules_hash", "channels")


def _alike(one: Any, other: Any) -> bool:
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _tells(event: Json, tally: Json) -> bool:
    """Whether an event tells a tally as it was sealed; older events lack some of it."""
    keys = (*_TOLD, *(key for key in _TOLD_SINCE if key in event))
    return all(_alike(event.get(key), tally.get(key)) for key in keys)


def _opened_so(rules: Any, ballot: str, opening: Json, step: Json) -> bool:
    """Whether a ballot has these rules by its opening and the programme; older rules name no channels."""
    if not isinstance(rules, dict) or not isinstance(rules.get("limits"), dict):
        return False
    channels = {"channels": [one["channel"] for one in step["channels"]]}
    told = {"ballot": ballot, "candidates": opening["candidates"], "limits": rules["limits"] | step["limits"]}
    return _alike(channels | rules, channels | told)


def adds_up(sealed: Json, rules: Json) -> bool:
    """Whether channels make up the counts and the papers, valid ones are among all, each within the ballot's limits."""
    every, valid = (_by_channel(sealed.get(key, []), rules) for key in ("channels", "valid"))
    nobody = [0] * (1 + len(rules["candidates"]))
    left = [
        [all_ - good for all_, good in zip(votes, valid.get(channel, nobody), strict=True)]
        for channel, votes in every.items()
    ]
    papers, *votes = map(sum, zip(nobody, *every.values(), strict=True))
    told = [(one["nomination"], _number(one["votes"])) for one in sealed["counts"]]
    return (
        papers == _number(sealed["papers"])
        and told == list(zip(rules["candidates"], votes, strict=True))
        and valid.keys() <= every.keys()
        and all(_may_be(one, rules["limits"]) for one in (*every.values(), *valid.values(), *left))
        and (sealed["root"] == EMPTY) == (papers == 0)
        and (sealed.get("uncounted_root", EMPTY) == EMPTY) == (not any(one[0] for one in left))
    )


def _by_channel(told: list[Json], rules: Json) -> dict[str, list[int]]:
    """channel: [papers, votes of each candidate], of channels of the rules, each told once; ValueError for others."""
    channels, candidates = rules.get("channels") or [""], rules["candidates"]
    found = {}
    for one in told:
        counts, channel = one["counts"], one["channel"]
        if channel not in channels or channel in found or [c["nomination"] for c in counts] != candidates:
            raise ValueError(channel)
        found[channel] = [_number(one["papers"]), *(_number(count["votes"]) for count in counts)]
    return found


def _may_be(papers_and_votes: list[int], limits: Json) -> bool:
    """Whether so many papers can give these votes."""
    papers, *votes = papers_and_votes
    most = papers * (limits["choices_max"] if limits.get("repeats") else 1)
    bounds = (papers * limits["choices_min"], papers * limits["choices_max"])
    return bounds[0] <= sum(votes) <= bounds[1] and all(0 <= one <= most for one in votes)


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(value)
    return value


def follows(sealed: Json, candidates: list[str], step: Json) -> bool:
    """Whether the values of the component come from the valid papers; where those of all papers differ, from them too."""
    values = component(sealed.get("valid", []), candidates, step, sealed.get("zeroed", []))
    before = component(sealed.get("channels", []), candidates, step, [])
    told = [
        [(one["nomination"], one["value"], one["counted"]) for one in sealed.get(key, [])]
        for key in ("values", "before")
    ]
    return _alike(told, [values, before if before != values else []])


def component(
    told: list[Json], candidates: list[str], step: Json, zeroed: list[str]
) -> list[tuple[str, str, int]]:
    """(candidate, value, votes): all papers alike, or each channel on 0 to 100 by itself and weighed (DR-19, DR-24)."""
    shares = {one["channel"]: Fraction(*map(int, one["share"].split("/"))) for one in step["channels"]}
    shares = shares or {"": Fraction(1)}
    votes = {channel: dict.fromkeys(candidates, 0) for channel in shares}
    for one in told:
        for count in one["counts"]:
            if count["nomination"] not in zeroed:
                votes[one["channel"]][count["nomination"]] += count["votes"]
    parts = {channel: normalised(tally, step["normalise"]) for channel, tally in votes.items()}
    return [
        (
            id,
            str(sum((parts[channel][id] * share for channel, share in shares.items()), Fraction())),
            sum(tally[id] for tally in votes.values()),
        )
        for id in candidates
    ]


def normalised(tally: dict[str, int], method: str) -> dict[str, Fraction]:
    """A tally on 0 to 100: `top` is 100, or each its share of all, or by rank, equals on one place (DR-19)."""
    votes, hundred = tally.values(), Fraction(100)
    if not any(votes):
        return dict.fromkeys(tally, Fraction())
    if method == "rank":
        return {
            id: hundred * (len(votes) - sum(other > one for other in votes)) / len(votes)
            for id, one in tally.items()
        }
    whole = {"top": max(votes), "share": sum(votes)}[method]
    return {id: hundred * one / whole for id, one in tally.items()}


def verify(archive: bytes, key: str, against: str = "", witnesses: tuple[str, ...] = ()) -> dict[str, object]:
    """The verdict on a bundle: {"ok", "code", "where", …counts}; the same as the page in JavaScript gives."""
    try:
        bundle = Bundle(archive, key, against, witnesses)
        bundle.verify()
    except Fault as fault:
        return {"ok": False, "code": fault.code, "where": fault.where}
    return {"ok": True, "code": "OK", "where": ""} | bundle.counts()


# ---- at the terminal ----


def exit_code(verdict: dict[str, object]) -> int:
    """0 verified, 2 nothing could be said, 6 a fault."""
    if verdict["ok"]:
        return EXIT_OK
    undecided = {"KEY_WRONG", "AGAINST_UNREADABLE", "AGAINST_NEWER", "WITNESS_UNCHECKED"}
    return EXIT_UNDECIDED if verdict["code"] in undecided else EXIT_FAULT


def told(verdict: dict[str, object]) -> str:
    """The verdict for people, Chinese first."""
    zh, en = WORDS[str(verdict["code"])]
    where = f" [{verdict['where']}]" if verdict["where"] else ""
    state = {EXIT_OK: "", EXIT_UNDECIDED: "无法判断 UNDECIDED: ", EXIT_FAULT: "核验不通过 NOT VERIFIED: "}
    lines = [f"{state[exit_code(verdict)]}{zh} · {en}{where}", f"代码 code: {verdict['code']}"]
    if verdict["ok"]:
        lines += [
            f"届次 cycle: {verdict['cycle']}",
            f"日志 log: {verdict['origin']}",
            f"检查点 checkpoint: {verdict['size']} {verdict['root']}",
            f"核对检查点 checkpoints checked: {verdict['checkpoints']}，见证 witnesses: {verdict['witnesses']}",
            f"记录 events: {verdict['events']}，流 streams: {verdict['streams']}",
            f"依规则封存，仅存散列 sealed, hash only: {verdict['withheld']}",
            _closed(int(str(verdict["closed"]))),
            f"清单 manifest SHA-256: {verdict['manifest_sha256']}",
        ]
        if verdict["timestamps"]:
            lines.append(
                f"时间戳 time-stamp tokens: {verdict['timestamps']}：未核验，请用 RFC 3161 工具核验（如 openssl ts -verify） · "
                "not verified here: they are for an RFC 3161 tool to check, such as openssl ts -verify"
            )
        if verdict["against"] is None:
            lines.append(
                "未与外部检查点比对：持有签名密钥者若整本重写，仅凭本包不能发现（--against）。\n"
                "Not compared with a checkpoint from elsewhere: a whole rewrite by who holds the log's key "
                "is not found by the bundle alone (--against)."
            )
    return "\n".join(lines)


def _closed(closed: int) -> str:
    if closed == 0:
        return "日志其他树叶 other leaves: 0：本包即整本日志，无遗漏 · the bundle is the whole log: nothing is left out"
    return (
        f"日志其他树叶，仅存散列 other leaves, hash only: {closed}：不能排除其中有本届整条流或流尾 · "
        "they could hold a whole stream or a stream's tail of this cycle: ask for an export with --whole"
    )


def _text_of(given: str) -> str:
    """A file's text where such a file exists, else the words themselves."""
    try:
        with open(given, encoding="utf-8") as file:  # noqa: PTH123 -- nothing is imported that is not needed
            return file.read()
    except (OSError, ValueError):
        return given


def main() -> int:
    """The command line; prints the verdict and returns the exit code."""
    for stream in (sys.stdout, sys.stderr):  # a terminal or pipe that is not UTF-8 is shown escapes
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    parser = argparse.ArgumentParser(
        description="核验选树证据包（离线）· Verify an evidence bundle offline",
        epilog="退出码 exit code: 0 通过 verified, 6 不符 fault, 2 无法判断 undecided",
    )
    parser.add_argument("bundle", help="证据包 · the bundle (zip)")
    parser.add_argument(
        "--key",
        required=True,
        help="日志公钥或其文件，换过钥的每行一个 · the log's verifier key, or a file with it; a line each if it changed",
    )
    parser.add_argument(
        "--against",
        default="",
        help="另处所得检查点：文件，或“大小:树根” · a checkpoint from elsewhere, or 'SIZE:ROOT'",
    )
    parser.add_argument(
        "--witness",
        action="append",
        default=[],
        help="须已副署的见证人公钥，有两把则各给一次 · a witness that must have cosigned; each of its keys by itself",
    )
    parser.add_argument("--json", action="store_true", help="一行 JSON · one line of JSON")
    options = parser.parse_args()
    try:
        with open(options.bundle, "rb") as file:  # noqa: PTH123
            archive = file.read()
    except OSError as fault:
        print(
            f"证据包不可读 · the bundle cannot be read: {options.bundle}: {fault.strerror}", file=sys.stderr
        )
        return EXIT_UNDECIDED
    against = _text_of(options.against) if options.against else ""
    verdict = verify(archive, _text_of(options.key), against, tuple(map(_text_of, options.witness)))
    print(json.dumps(verdict, ensure_ascii=False) if options.json else told(verdict))
    return exit_code(verdict)


if __name__ == "__main__":
    sys.exit(main())
