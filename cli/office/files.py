"""Files that a command wrote: where they are, how big, and the hash by which a notice may quote them."""

from __future__ import annotations

import io
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from cli.desk import Desk
from cli.output import Outcome, table
from schemas.errors import BadUsage

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)


def put(files: Sequence[tuple[Path, bytes]], desk: Desk, **more: Any) -> Outcome:
    """Write the files, all or none, and never over another; BadUsage OUT_FILE."""
    written: list[Path] = []
    try:
        for path, content in files:
            with path.open("xb") as file:
                written.append(path)
                file.write(content)
    except OSError as fault:
        for path in written:
            path.unlink()
        raise BadUsage("OUT_FILE", file=fault.filename, fault=fault.strerror) from None
    told = [
        {"file": str(path), "bytes": len(content), "sha256": sha256(content).hexdigest()}
        for path, content in files
    ]
    columns = (desk.say("文件", "file"), desk.say("字节", "bytes"), "SHA-256")
    return Outcome(json=more | {"files": told}, shown=table(columns, [tuple(one.values()) for one in told]))


def same_bytes(packed: bytes) -> bytes:
    """A docx or xlsx again, its parts with one fixed time, so that the same content is the same bytes."""
    buffer = io.BytesIO()
    with ZipFile(io.BytesIO(packed)) as source, ZipFile(buffer, "w") as target:
        for part in source.infolist():
            target.writestr(ZipInfo(part.filename, _ZIP_EPOCH), source.read(part), ZIP_DEFLATED)
    return buffer.getvalue()
