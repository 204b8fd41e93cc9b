"""Documents that a command rests on: of a file only the SHA-256 goes into the log."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from schemas.canonical import digest
from schemas.errors import unopened

Document = Annotated[str, Parameter(help="材料文件，或其 SHA-256 · a document's file, or its SHA-256")]


def document_hash(written: str) -> str:
    """The SHA-256 of a document, given as such or of the file's bytes; empty for none. BadFile FILE_FAULTS."""
    if not written or (len(written) == 64 and set(written) <= set("0123456789abcdef")):
        return written
    try:
        return digest(Path(written).read_bytes())
    except OSError as fault:
        raise unopened(written, fault) from fault
