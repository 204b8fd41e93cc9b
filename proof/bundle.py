"""An evidence bundle: a plain zip with a cycle's events as kept, the tree they are leaves of, and what they pin.

What a reader may rely on is said in `docs/proof.md` and checked by `verifiers/`, which share no code with this module.
The same content is the same bytes; files stand in the order in which they were added, the manifest last.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from schemas.canonical import canonical_bytes

FORMAT = "xuanshu-bundle-1"
TIMESTAMPS = "timestamps.txt"
LINES_A_PART = 20_000
_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE = 0o100644 << 16

README = """\
选树证据包 · Evidence bundle of Xuanshu

核验请用另处取得的核验器和日志公钥，勿用随包送来的。
Check it with a verifier and the log's public key that you got from elsewhere, not from whoever gave you this file:

    python3 verify_bundle.py THIS.zip --key log.vkey --against CHECKPOINT

或在浏览器打开 verify_bundle.html，把本文件拖入。 Or open verify_bundle.html in a browser and drop this file in.

events/         记录，一行一条：全局位置、规范字节；依规则封存者只列其位置
                events, a line each: global position, canonical bytes; of sealed ones their place alone
leaves.bin      日志全部树叶的散列，每个 32 字节 · the hashes of all leaves of the log, 32 bytes each
checkpoints.json  签名的检查点及副署 · signed checkpoints with their cosignatures
documents/      记录所引的评选办法、单位、日历 · programmes, units, calendars that the events pin
tallies.txt     封存的计票 · sealed tallies
histories/      归档的 Temporal 历史（载荷已加密） · archived Temporal histories, payloads encrypted
manifest.json   各文件的大小与 SHA-256 · size and SHA-256 of every file
"""
OF_TIMESTAMPS = """\
timestamps.txt  检查点的时间戳（RFC 3161），核验器不核验，请用 openssl ts 等工具
                time-stamp tokens of checkpoints, not verified by the verifiers: for a tool such as openssl ts
"""


class BundleWriter:
    """Writes one bundle; leaves and events come in global order, then `finish`."""

    def __init__(self, file: BinaryIO, *, cycle: str, origin: str, whole: bool) -> None:
        self._zip = ZipFile(file, "w", allowZip64=False)
        self._about: dict[str, Any] = {"cycle": cycle, "origin": origin, "whole": whole, "format": FORMAT}
        self._files: list[dict[str, Any]] = []
        self._lines: list[bytes] = []
        self._parts = 0
        self._leaves = bytearray()
        self.events = self.withheld = 0

    @property
    def size(self) -> int:
        """How many leaves were added."""
        return len(self._leaves) // 32

    def leaf(self, hash_: bytes) -> None:
        """The next leaf of the log, whosever it is."""
        self._leaves += hash_

    def event(self, body: bytes) -> None:
        """The event behind the leaf that was added last."""
        self.events += 1
        self._line(body)

    def withhold(self, stream: str, seq: int, kind: str, rule: str) -> None:
        """The event behind the last leaf may not be shown, by that rule: its place alone."""
        self.withheld += 1
        self._line(f"withheld {stream} {seq} {kind} {rule}".encode())

    def file(self, name: str, content: bytes, packed: bool = True) -> None:
        """One more file; `packed` is False for what would not become smaller."""
        info = ZipInfo(name, _EPOCH)
        info.compress_type = ZIP_DEFLATED if packed else ZIP_STORED
        info.external_attr, info.create_system = _MODE, 3
        self._zip.writestr(info, content)
        self._files.append({"name": name, "bytes": len(content), "sha256": sha256(content).hexdigest()})

    def finish(self, notes: Iterable[str], documents: Iterable[bytes], tallies: Iterable[bytes] = ()) -> str:
        """The checkpoints' notes by size, the last over all leaves; what events pin. Returns the manifest's SHA-256."""
        self._write_part()
        self.file("leaves.bin", bytes(self._leaves), packed=False)
        self.file("checkpoints.json", canonical_bytes(list(notes)))
        for content in sorted(documents, key=lambda content: sha256(content).digest()):
            self.file(f"documents/{sha256(content).hexdigest()}.json", content)
        if sealed := b"".join(tally + b"\n" for tally in tallies):
            self.file("tallies.txt", sealed)
        has_timestamps = any(one["name"] == TIMESTAMPS for one in self._files)
        self.file("readme.txt", (README + OF_TIMESTAMPS * has_timestamps).encode())
        counts = {"size": self.size, "events": self.events, "withheld": self.withheld}
        files = sorted(self._files, key=lambda one: str(one["name"]))
        self.file("manifest.json", canonical_bytes(self._about | counts | {"files": files}))
        self._zip.close()
        return str(self._files[-1]["sha256"])

    def _line(self, said: bytes) -> None:
        self._lines.append(b"%d %s\n" % (self.size, said))
        if len(self._lines) == LINES_A_PART:
            self._write_part()

    def _write_part(self) -> None:
        if self._lines:
            self._parts += 1
            self.file(f"events/{self._parts:05}.txt", b"".join(self._lines))
            self._lines = []
