"""A witness (C2SP tlog-witness): `python -m web.witness`, run by another office on another machine.

It remembers, in a file of its own, the last tree of each log that it trusts, and cosigns only what extends it. It
needs neither our database nor our network: `XUANSHU_WITNESS_…` and `XUANSHU_TRUSTED_KEYS` are all its settings.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable, Sequence
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple

from proof.checkpoint import Checkpoint
from proof.note import KeyKind, NoteError, SigningKey, VerifierKey
from proof.witness import TEXT_TYPE, Seen, Submission, Verdict, judge
from runtime.door import system_clock
from runtime.settings import Settings, answering
from schemas.errors import Unavailable
from web.serving import Answer, App, serve, text

BODY_MAX = 1_000_000


class Log(NamedTuple):
    """A log as last seen, and the cosigned note."""

    seen: Seen
    note: bytes = b""


class Memory:
    """What a witness has seen, in SQLite; a new tree is on the disk before anybody hears of it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._database = sqlite3.connect(folder / "witness.db", isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS log"
            " (origin TEXT PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note BLOB NOT NULL) STRICT"
        )

    def look(self, origin: str) -> Log:
        """The latest of a log; the empty tree of one that was never seen."""
        row = self._database.execute(
            "SELECT size, root, note FROM log WHERE origin = ?", (origin,)
        ).fetchone()
        return Log(Seen(row[0], row[1]), row[2]) if row else Log(Seen())

    def update(self, origin: str, change: Callable[[Seen], tuple[Verdict, Log | None]]) -> Verdict:
        """Judge by the latest and keep what comes of it, in one transaction that nobody comes between."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            verdict, new = change(self.look(origin).seen)
            if new is not None:
                self._database.execute(
                    "INSERT OR REPLACE INTO log (origin, size, root, note) VALUES (?, ?, ?, ?)",
                    (origin, new.seen.size, new.seen.root, new.note),
                )
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")
        return verdict

    def close(self) -> None:
        self._database.close()


class Witness:
    """Cosigns for the logs of `trusted`, by the names of their keys, with each of its own keys and the clock given."""

    def __init__(
        self,
        memory: Memory,
        keys: Sequence[SigningKey],
        trusted: Sequence[VerifierKey],
        now: Callable[[], int],
    ) -> None:
        self._memory = memory
        self._keys = tuple(keys)
        self._logs = tuple(one for one in trusted if one.kind is KeyKind.LOG)
        self._now = now

    def add_checkpoint(self, body: bytes) -> Verdict:
        """The answer to a submission; 200 with a line of each key once the new tree is kept."""
        try:
            submission = Submission.parse(body)
            new = Checkpoint.parse(submission.note.text)
        except NoteError as fault:
            return Verdict(HTTPStatus.BAD_REQUEST, f"{fault}\n")
        keys = [key for key in self._logs if key.name == new.origin]

        def change(latest: Seen) -> tuple[Verdict, Log | None]:
            verdict = judge(submission, keys, latest)
            if verdict.status is not HTTPStatus.OK:
                return verdict, None
            now = self._now()
            lines = [key.cosign(submission.note.text, now) for key in self._keys]
            known = submission.note.only(keys).with_signatures(*lines)
            return verdict._replace(said="".join(map(str, lines))), Log(
                Seen(new.size, new.root), str(known).encode()
            )

        return self._memory.update(new.origin, change)

    def checkpoint(self, origin_hash: str) -> bytes | None:
        """The latest cosigned checkpoint of a log, by the SHA-256 of its origin in hex."""
        origins = {sha256(key.name.encode()).hexdigest(): key.name for key in self._logs}
        note = self._memory.look(origins.get(origin_hash, "")).note
        return note or None


def app(witness: Witness) -> App:
    """The two endpoints: `POST /add-checkpoint` and `GET /<origin hash>/checkpoint`."""

    async def answer(method: str, path: str, body: bytes) -> Answer:
        if (method, path) == ("POST", "/add-checkpoint"):
            verdict = witness.add_checkpoint(body)
            return Answer(verdict.status, verdict.said.encode(), verdict.kind)
        if method in ("GET", "HEAD") and path.endswith("/checkpoint"):
            note = witness.checkpoint(path[1:].removesuffix("/checkpoint"))
            if note is not None:
                return Answer(HTTPStatus.OK, note, TEXT_TYPE)
        return text(HTTPStatus.NOT_FOUND)

    return App(answer, BODY_MAX)


def main() -> int:
    """0 after an orderly end, 5 when a setting is missing or wrong."""
    return answering(_serve)


def _serve(settings: Settings) -> None:
    """At the address of the settings until a signal ends it."""
    if settings.witness_dir is None:
        raise Unavailable("SETTING_MISSING", setting="witness_dir", variable="XUANSHU_WITNESS_DIR")
    keys = settings.witness_signing_keys()
    memory = Memory(settings.witness_dir)
    try:
        clock = lambda: int(system_clock().timestamp())  # noqa: E731 -- one line says it
        serve(app(Witness(memory, keys, settings.trusted(), clock)), settings.witness_address)
    finally:
        memory.close()


if __name__ == "__main__":
    sys.exit(main())
