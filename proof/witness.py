"""What a witness answers (C2SP tlog-witness): it cosigns a log's checkpoint only if it extends the last one it saw."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import NamedTuple

from proof import merkle
from proof.checkpoint import Checkpoint, parse_path, path_lines
from proof.note import Note, NoteError, VerifierKey, decimal, parse_note

SIZE_TYPE = "text/x.tlog.size"
TEXT_TYPE = "text/plain; charset=utf-8"


class Submission(NamedTuple):
    """A checkpoint handed in, with the proof that it extends the tree of `old` leaves."""

    old: int
    path: tuple[bytes, ...]
    note: Note

    def __bytes__(self) -> bytes:
        return f"old {self.old}\n{path_lines(self.path)}\n{self.note}".encode()

    @classmethod
    def parse(cls, body: bytes) -> Submission:
        """Read a request's body; NoteError if it is none."""
        head, _, note = body.partition(b"\n\n")
        first, *path = head.decode("utf-8", "replace").split("\n")
        if not first.startswith("old "):
            raise NoteError("the first line is not `old SIZE`")
        return cls(decimal(first.removeprefix("old ")), parse_path(path), parse_note(note))


class Seen(NamedTuple):
    """The latest tree that the witness cosigned for a log; of none, the empty one."""

    size: int = 0
    root: bytes = merkle.EMPTY_ROOT


class Verdict(NamedTuple):
    """The status to answer with and why; `kind` is the body's type. OK asks for a cosignature."""

    status: HTTPStatus
    said: str = ""
    kind: str = TEXT_TYPE


def judge(submission: Submission, keys: Iterable[VerifierKey], latest: Seen) -> Verdict:
    """Whether to cosign, by the keys trusted for this log's origin and the latest tree seen of it.

    404 for no key, 403 for no good signature, 400, 409 with the size seen or for another root of that size, 422 for what does not extend it, 200.
    """
    trusted = tuple(keys)
    if not trusted:
        return Verdict(HTTPStatus.NOT_FOUND, "unknown log\n")
    try:
        signed = submission.note.signed_by_one_of(trusted)
    except NoteError as fault:
        return Verdict(HTTPStatus.FORBIDDEN, f"{fault}\n")
    if not signed:
        return Verdict(HTTPStatus.FORBIDDEN, "no signature of a trusted key\n")
    return _judge_tree(submission, Checkpoint.parse(submission.note.text), latest)


def _judge_tree(submission: Submission, new: Checkpoint, latest: Seen) -> Verdict:
    old = submission.old
    if old > new.size:
        return Verdict(HTTPStatus.BAD_REQUEST, "the old size is above the checkpoint's\n")
    if old != latest.size:
        return Verdict(HTTPStatus.CONFLICT, f"{latest.size}\n", SIZE_TYPE)
    if new.size == old > 0 and new.root != latest.root:
        return Verdict(HTTPStatus.CONFLICT, f"another root of {old} leaves was seen\n")
    extends = merkle.verify_consistency(old, new.size, submission.path, latest.root, new.root)
    if not extends or (new.size == 0 and new.root != merkle.EMPTY_ROOT):
        return Verdict(HTTPStatus.UNPROCESSABLE_ENTITY, f"not an extension of the {old} leaves seen\n")
    return Verdict(HTTPStatus.OK)
