"""A small invented log of two cycles as a bundle's parts, and how to pack them, rightly or wrongly."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from fractions import Fraction
from hashlib import sha256
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from proof import merkle
from proof.bundle import FORMAT, BundleWriter
from proof.checkpoint import Checkpoint
from proof.note import KeyKind, SigningKey
from schemas import names
from schemas.canonical import canonical_bytes, digest, seal
from schemas.events import (
    BallotOpened,
    Mark,
    ObjectionFiled,
    PanelClosed,
    RoundReported,
    SheetHandedIn,
    StepOpened,
    TallySealed,
)
from schemas.ledger import Actor, Append, Head, Provenance
from tests.projections.story import (
    CYCLE,
    NOON,
    SUMMIT,
    Written,
    intake,
    nomination,
    opened,
    round_of,
    round_opened,
    submitted,
)
from tests.verifiers.ballots import CANDIDATES, VOTE, programme_with, rules_of, tally_of
from tests.verifiers.ballots import SEALED as SEALED_TALLY

ORIGIN = "awards.test/log"
LOG_KEY = SigningKey(ORIGIN, bytes(range(32)))
OTHER_KEY = SigningKey(ORIGIN, bytes(range(1, 33)))
WITNESS_SEED, SECOND_SEED = bytes(range(2, 34)), bytes(range(3, 35))
WITNESS_KEY = SigningKey("office.test/witness", WITNESS_SEED, KeyKind.WITNESS)
SECOND_KEY = SigningKey("office.test/witness", SECOND_SEED, KeyKind.WITNESS_ML_DSA)
OTHER_CYCLE = "test-medal.1"
PROGRAMME = programme_with(VOTE)
UNITS = canonical_bytes({"root": "P", "units": ["P", "C", "E1"]})
BALLOT_RULES = rules_of(VOTE)
TALLY = tally_of(SEALED_TALLY)
MARKS = (Mark(nomination="n1", score=Fraction(9)),)


def story(tally: TallySealed = SEALED_TALLY) -> Iterator[Written]:
    """This cycle's and another's events, in turns; a panel that closed and one that has not, an objection, a tally."""
    opening = BallotOpened(step=VOTE.id, ballot=tally.ballot, candidates=CANDIDATES)
    yield opened(digest(UNITS))
    yield from intake()
    yield nomination("n9").replace(CYCLE, OTHER_CYCLE), submitted("n9", "E9")[1]
    yield round_of("E1"), (StepOpened(step="review", type="expert_review"),)
    yield round_of("E1"), (SheetHandedIn(step="review", judge="j-1", marks=MARKS),)
    yield round_of("E1"), (PanelClosed(step="review", component="expert", present=1, entitled=1, results=()),)
    yield round_of("C"), (StepOpened(step="review", type="expert_review"),)
    yield round_of("C"), (SheetHandedIn(step="review", judge="j-2", marks=MARKS),)
    yield names.register_stream(OTHER_CYCLE), (RoundReported(recommended=("其他届",)),)
    filed = ObjectionFiled(
        objection="o1", round=round_of("C"), step="p", entry="e", commitment="0" * 64, ground="不实"
    )
    yield nomination("n2"), (filed,)
    yield SUMMIT, (round_opened("P", "province", names.ROOT_ROUTE), opening)
    yield SUMMIT, (tally,)
    yield nomination("n9").replace(CYCLE, OTHER_CYCLE), submitted("n9", "E9")[1]
    yield round_of("C"), (RoundReported(recommended=("n1", "n2")),)


@dataclass
class Kept:
    """One leaf of the log: its body, and where it stands."""

    stream: str
    seq: int
    type: str
    body: bytes

    @property
    def leaf(self) -> bytes:
        return merkle.leaf(self.body)


def log_of(story: Iterable[Written], rules: str = digest(PROGRAMME)) -> list[Kept]:
    """The story as it would be kept; each entry but the first names the one before as its cause."""
    heads: dict[str, Head] = {}
    kept: list[Kept] = []
    cause = ""
    for n, (stream, events) in enumerate(story):
        said = Provenance(
            log=names.log_origin(CYCLE),
            command_id=f"command-{n}",
            payload_hash=digest(str(n).encode()),
            actor=Actor(id="staff-1", role="operator", unit="P"),
            cause=cause,
            occurred_at=NOON,
            recorded_at=NOON,
            rules=rules,
        )
        new = tuple(event.new() for event in events)
        request = Append(stream=stream, expected=heads.get(stream, Head()), provenance=said, events=new)
        for item in seal(request):
            event = item.event
            heads[stream] = Head(seq=event.seq, hash=event.hash)
            kept.append(Kept(stream, event.seq, event.type, item.body))
            cause = f"{stream}@{event.seq}"
    return kept


LOG = log_of(story())
SEALED = {(round_of("C"), 2): "DR-14", (nomination("n2"), 2): "DR-29"}


def note_of(
    leaves: list[bytes], size: int, *keys: SigningKey, origin: str = ORIGIN, witness: SigningKey | None = None
) -> str:
    """A signed checkpoint over the first `size` leaves."""
    note = Checkpoint(origin, size, merkle.root(leaves[:size])).signed(*keys or (LOG_KEY,))
    return str(note.with_signatures(witness.cosign(note.text, 1_700_000_000)) if witness else note)


@dataclass
class Evidence:
    """The parts of a bundle; `changes` replaces entries of the manifest."""

    cycle: str = CYCLE
    whole: bool = False
    lines: list[bytes] = field(default_factory=list)
    leaves: list[bytes] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    documents: dict[str, bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    origin: str = ORIGIN

    def copy(self, **changes: Any) -> Evidence:
        """Parts of its own, to be altered."""
        return replace(deepcopy(self), **changes)

    def contents(self) -> dict[str, bytes]:
        """The files, with a manifest that is right about them but for `changes`."""
        files = {
            "checkpoints.json": canonical_bytes(self.notes),
            "leaves.bin": b"".join(self.leaves),
            **{f"documents/{name}.json": content for name, content in self.documents.items()},
            **self.files,
        }
        for part, first in enumerate(range(0, len(self.lines), 5), start=1):
            files[f"events/{part:05}.txt"] = b"".join(line + b"\n" for line in self.lines[first : first + 5])
        manifest = {
            "format": FORMAT,
            "cycle": self.cycle,
            "origin": self.origin,
            "whole": self.whole,
            "size": len(self.leaves),
            "events": sum(b" {" in line[:20] for line in self.lines),
            "withheld": sum(b" withheld " in line[:20] for line in self.lines),
            "files": [
                {"name": name, "bytes": len(content), "sha256": sha256(content).hexdigest()}
                for name, content in sorted(files.items())
            ],
        }
        return files | {"manifest.json": canonical_bytes(manifest | self.changes)}

    def pack(self) -> bytes:
        return zipped(self.contents().items())


def zipped(files: Iterable[tuple[str, bytes]], comment: bytes = b"", extra: bytes = b"") -> bytes:
    """An ordinary zip of these files; a name may come twice."""
    buffer = io.BytesIO()
    with ZipFile(buffer, "w") as archive:
        archive.comment = comment
        for name, content in files:
            info = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.extra = extra
            archive.writestr(info, content, ZIP_DEFLATED)
    return buffer.getvalue()


def evidence(log: list[Kept] = LOG, *, whole: bool = False) -> Evidence:
    """What the exporter would hand over of this log."""
    leaves = [one.leaf for one in log]
    lines = []
    for position, one in enumerate(log, start=1):
        if (one.stream, one.seq) in SEALED:
            rule = SEALED[one.stream, one.seq]
            lines.append(f"{position} withheld {one.stream} {one.seq} {one.type} {rule}".encode())
        elif whole or (OTHER_CYCLE not in one.stream and "test-medal" not in one.stream):
            lines.append(b"%d %s" % (position, one.body))
    sizes = (3, 8, len(log))
    return Evidence(
        whole=whole,
        lines=lines,
        leaves=leaves,
        notes=[note_of(leaves, size, witness=WITNESS_KEY) for size in sizes],
        documents={digest(content): content for content in (PROGRAMME, UNITS, BALLOT_RULES)},
        files={"tallies.txt": TALLY + b"\n"},
    )


def written(log: list[Kept] = LOG) -> bytes:
    """The same through the writer that the exporter uses."""
    parts = evidence(log)
    buffer = io.BytesIO()
    writer = BundleWriter(buffer, cycle=CYCLE, origin=ORIGIN, whole=False)
    for one in log:
        writer.leaf(one.leaf)
        if (one.stream, one.seq) in SEALED:
            writer.withhold(one.stream, one.seq, one.type, SEALED[one.stream, one.seq])
        elif "test-medal" not in one.stream:
            writer.event(one.body)
    writer.finish(parts.notes, parts.documents.values(), [TALLY])
    return buffer.getvalue()
