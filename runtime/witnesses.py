"""Asks a witness for its cosignature (C2SP tlog-witness), proving that the log extends what the witness saw."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from http import HTTPStatus

from proof import tiles
from proof.note import Note, NoteError, Signature, VerifierKey, decimal, parse_signature
from proof.tiles import Read
from proof.witness import Submission
from runtime.reading import NotOk, fetch


class WitnessRefused(Exception):
    """A witness says that this log does not extend the one that it saw."""


class Witness:
    """One witness at its URL, known by public keys; remembers how far it has seen the log."""

    def __init__(self, url: str, keys: Iterable[VerifierKey]) -> None:
        self.url = url.rstrip("/")
        self._keys = tuple(keys)
        self._seen = 0
        self.names: set[str] = set()

    async def cosign(self, note: Note, size: int, read: Read) -> tuple[Signature, ...]:
        """Its cosignatures on a checkpoint, one by each known key that signed; `read` gives the tiles of that tree.

        Raises WitnessRefused, and OSError or NoteError if it is away or makes no sense.
        """
        try:
            said = await self._submit(note, size, read)
        except NotOk as answer:
            if answer.status != HTTPStatus.CONFLICT or not answer.said.strip().isdigit():
                raise _meaning(answer) from answer
            self._seen = decimal(answer.said.decode("ascii", "replace").removesuffix("\n"))
            if self._seen > size:
                raise WitnessRefused(f"it has seen {self._seen} positions, there are {size}") from answer
            said = await self._again(note, size, read)
        self._seen = size
        return self._good(note, said)

    async def _again(self, note: Note, size: int, read: Read) -> bytes:
        try:
            return await self._submit(note, size, read)
        except NotOk as answer:
            raise _meaning(answer) from answer

    async def _submit(self, note: Note, size: int, read: Read) -> bytes:
        path = tiles.consistency_path(read, self._seen, size)
        body = bytes(Submission(self._seen, path, note))
        return await asyncio.to_thread(fetch, f"{self.url}/add-checkpoint", body)

    def _good(self, note: Note, said: bytes) -> tuple[Signature, ...]:
        """The lines of known keys; one of them that does not verify spoils all, as in a note."""
        lines = said.decode("utf-8", "replace").removesuffix("\n").split("\n")
        answer = Note(note.text, tuple(map(parse_signature, lines)))
        if not answer.signed_by_one_of(self._keys):
            raise NoteError("no cosignature of a trusted key")
        found = answer.only(self._keys).signatures
        self.names = {line.name for line in found}
        return found


def _meaning(answer: NotOk) -> Exception:
    is_refusal = answer.status in (HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.CONFLICT)
    return WitnessRefused(str(answer)) if is_refusal else answer
