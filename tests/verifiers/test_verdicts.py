"""Good bundles pass and every kind of tampering is found, by both verifiers with the same words."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from fractions import Fraction
from itertools import chain
from random import Random
from types import ModuleType
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from proof import merkle
from proof.note import Note, SigningKey, parse_note
from schemas import names
from schemas.canonical import canonical_bytes, digest
from schemas.events import (
    PINS,
    BallotOpened,
    CalendarExtended,
    ChannelCounts,
    Count,
    PanelResult,
    TallySealed,
)
from schemas.programme import ChannelWeight, PublicVote, VoterLimits
from tests.projections.story import CYCLE, nomination, round_of
from tests.verifiers.ballots import (
    BALLOT,
    CANDIDATES,
    VOTE,
    counted,
    programme_with,
    rules_of,
    sealed,
    tally_of,
)
from tests.verifiers.ballots import SEALED as SEALED_TALLY
from tests.verifiers.conftest import PAGE, Ask, Both, Case
from tests.verifiers.evidence import (
    LOG,
    LOG_KEY,
    ORIGIN,
    OTHER_KEY,
    TALLY,
    UNITS,
    WITNESS_KEY,
    Evidence,
    Kept,
    evidence,
    log_of,
    note_of,
    story,
    written,
    zipped,
)

KEY, WITNESS = str(LOG_KEY.verifier), str(WITNESS_KEY.verifier)
SIZE = len(LOG)
ROOT = merkle.root(one.leaf for one in LOG)


def line_of(parts: Evidence, kind: str, nth: int = 0) -> int:
    """Where the nth shown event of that type stands among the lines."""
    return [n for n, line in enumerate(parts.lines) if f'"type":"{kind}"'.encode() in line][nth]


def edited(parts: Evidence, at: int, change: Callable[[dict[str, Any]], None]) -> Evidence:
    """Another body at that line, in canonical bytes; its leaf too, as one who knows the format would."""
    position, _, body = parts.lines[at].partition(b" ")
    value = json.loads(body)
    change(value)
    made = canonical_bytes(value)
    parts.lines[at] = position + b" " + made
    parts.leaves[int(position) - 1] = merkle.leaf(made)
    return parts


def raw(old: bytes, new: bytes, kind: str = "NominationSubmitted") -> Evidence:
    """Bytes of an event's line exchanged, its leaf made to fit."""
    parts = evidence()
    at = line_of(parts, kind)
    assert old in parts.lines[at]
    position, _, body = parts.lines[at].replace(old, new, 1).partition(b" ")
    parts.lines[at] = position + b" " + body
    parts.leaves[int(position) - 1] = merkle.leaf(body)
    return parts


def resigned(parts: Evidence) -> Evidence:
    """As one would who holds the log's key."""
    sizes = (3, len(parts.leaves))
    return parts.copy(notes=[note_of(parts.leaves, size) for size in sizes])


def another_history() -> Evidence:
    """A whole log in which somebody else was put forward, chained and signed as it should be."""
    changed = [(stream.replace("n3", "n8"), events) for stream, events in story()]
    return resigned(evidence(log_of(changed)))


def with_file(name: str, content: bytes) -> Evidence:
    parts = evidence()
    parts.files[name] = content
    return parts


def without(name: str) -> bytes:
    return zipped((one, content) for one, content in evidence().contents().items() if one != name)


def replaced(name: str, content: bytes) -> bytes:
    return zipped({**evidence().contents(), name: content}.items())


def shuffled_lines() -> Evidence:
    parts = evidence()
    parts.lines[3], parts.lines[4] = parts.lines[4], parts.lines[3]
    return parts


def renumbered_swap() -> Evidence:
    """Two events of one stream in each other's place."""
    parts = evidence()
    first, second = line_of(parts, "StepOpened"), line_of(parts, "SheetHandedIn")
    bodies = [parts.lines[n].split(b" ", 1)[1] for n in (first, second)]
    for n, body in zip((first, second), reversed(bodies), strict=True):
        position = parts.lines[n].split(b" ", 1)[0]
        parts.lines[n] = position + b" " + body
        parts.leaves[int(position) - 1] = merkle.leaf(body)
    return parts


def dropped(kind: str, nth: int = 0) -> Evidence:
    parts = evidence()
    del parts.lines[line_of(parts, kind, nth)]
    return parts


def streams_swapped() -> Evidence:
    """The bodies of two nominations' only events exchanged."""
    parts = evidence()
    first, second = line_of(parts, "NominationSubmitted", 2), line_of(parts, "NominationSubmitted", 3)
    for n, body in (
        (first, parts.lines[second].split(b" ", 1)[1]),
        (second, parts.lines[first].split(b" ", 1)[1]),
    ):
        parts.lines[n] = parts.lines[n].split(b" ", 1)[0] + b" " + body
    return parts


def tail_cut() -> Evidence:
    """The last events gone, with the tree made smaller to fit and the notes as they were signed."""
    parts = evidence()
    return parts.copy(lines=parts.lines[:-2], leaves=parts.leaves[:-3])


def tail_cut_to_an_old_checkpoint() -> Evidence:
    parts = evidence()
    lines = [line for line in parts.lines if int(line.split(b" ", 1)[0]) <= 8]
    return parts.copy(lines=lines, leaves=parts.leaves[:8], notes=parts.notes[:2], files={})


def other_programme() -> Evidence:
    parts = evidence()
    parts.documents.pop(LOG_RULES)
    return parts.copy(documents=parts.documents | {digest(b"{}"): b"{}"})


def renamed_programme() -> Evidence:
    parts = evidence()
    return parts.copy(documents=parts.documents | {LOG_RULES: b"{}"})


def calendar_added(*kept: bytes) -> Evidence:
    """Work days of a further year came while the cycle ran; and the documents that the bundle has beside the others."""
    added = CalendarExtended(
        was=digest(UNITS), overrides=digest(b"[]"), calendar="c", years=(2027,), reason="国务院办公厅通知"
    )
    parts = evidence(log_of([*story(), (names.cycle_stream(CYCLE), (added,))]))
    return parts.copy(documents=parts.documents | {digest(content): content for content in kept})


LOG_RULES = json.loads(LOG[0].body)["rules"]


def patched(at: int, new: bytes, *, from_end: bool = False) -> bytes:
    archive = bytearray(evidence().pack())
    start = len(archive) + at if from_end else at
    archive[start : start + len(new)] = new
    return bytes(archive)


def packed_with_rubbish_behind() -> bytes:
    """One entry whose compressed bytes go on after their end; sizes and offsets told accordingly."""
    contents, out, directory = evidence().contents(), b"", b""
    for name, content in contents.items():
        squeeze = zlib.compressobj(9, zlib.DEFLATED, -15)
        packed = squeeze.compress(content) + squeeze.flush()
        if name == "checkpoints.json":
            packed += b"rubbish"
        head = struct.pack(
            "<HHHHHIIIHH", 20, 0, 8, 0, 33, zlib.crc32(content), len(packed), len(content), len(name), 0
        )
        directory += (
            b"PK\x01\x02" + b"\x14\x03" + head + bytes(10) + struct.pack("<I", len(out)) + name.encode()
        )
        out += b"PK\x03\x04" + head + name.encode() + packed
    count = len(contents)
    return (
        out
        + directory
        + struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(out), 0)
    )


def more_than_told() -> bytes:
    """A manifest that tells a file as it is, in an archive that unpacks it to more."""
    archive = bytearray(evidence().pack())
    crc = zlib.crc32(evidence().contents()["tallies.txt"])
    for at in _all(archive, struct.pack("<I", crc)):
        told = struct.unpack_from("<I", archive, at + 8)[0]
        struct.pack_into("<I", archive, at + 8, told - 1)
    return bytes(archive)


def _all(archive: bytearray, wanted: bytes) -> list[int]:
    return [at for at in range(len(archive)) if archive[at : at + 4] == wanted]


def repeated_name() -> bytes:
    contents = list(evidence().contents().items())
    with pytest.warns(UserWarning, match="Duplicate name"):
        return zipped([*contents, ("leaves.bin", b"other")])


def told_twice() -> Evidence:
    """One command's event a second time at the end of its stream, chained and in the tree as if it belonged there."""
    parts = evidence()
    at = line_of(parts, "RoundReported")
    body = json.loads(parts.lines[at].split(b" ", 1)[1])
    again = canonical_bytes(
        body | {"seq": body["seq"] + 1, "prev": merkle.leaf(parts.lines[at].split(b" ", 1)[1]).hex()}
    )
    parts.lines.append(b"%d %s" % (len(parts.leaves) + 1, again))
    parts.leaves.append(merkle.leaf(again))
    return resigned(parts)


def told_again(kind: str, stream: str = "") -> Evidence:
    """An event of that type a second time under a command of its own, at the end of its stream or of another one."""
    parts = evidence()
    body = json.loads(parts.lines[line_of(parts, kind)].split(b" ", 1)[1])
    if stream:
        end = {"stream": stream, "seq": 1, "prev": "0" * 64}
    else:
        last = [one for one in LOG if one.stream == body["stream"]][-1]
        end = {"seq": last.seq + 1, "prev": last.leaf.hex()}
    again = canonical_bytes(body | end | {"cmd": "new"})
    parts.lines.append(b"%d %s" % (len(parts.leaves) + 1, again))
    parts.leaves.append(merkle.leaf(again))
    return resigned(parts)


def from_elsewhere(stream: str) -> Evidence:
    """An event that says it is of that stream, at the end."""
    parts = evidence()
    body = json.loads(parts.lines[0].split(b" ", 1)[1])
    made = canonical_bytes(body | {"stream": stream, "cmd": "new", "prev": "0" * 64, "seq": 1})
    parts.lines.append(b"%d %s" % (len(parts.leaves) + 1, made))
    parts.leaves.append(merkle.leaf(made))
    return resigned(parts)


def caused_by(cause: str) -> Evidence:
    parts = from_elsewhere(nomination("n77"))
    return resigned(edited(parts, len(parts.lines) - 1, lambda body: body.update(cause=cause)))


def set_field(name: str, value: Any, kind: str = "NominationSubmitted") -> Evidence:
    parts = evidence()
    return edited(parts, line_of(parts, kind), lambda body: body.update({name: value}))


def set_data(name: str, value: Any, kind: str) -> Evidence:
    parts = evidence()
    return resigned(
        edited(parts, line_of(parts, kind), lambda body: body["data"].update({name: value})),
    )


def without_field(name: str) -> Evidence:
    parts = evidence()
    return edited(parts, line_of(parts, "NominationSubmitted"), lambda body: body.pop(name))


def tally(**changes: Any) -> Evidence:
    return with_file("tallies.txt", canonical_bytes(json.loads(TALLY) | changes) + b"\n")


def voted(
    event: TallySealed = SEALED_TALLY,
    step: PublicVote = VOTE,
    *,
    rules: bytes = b"",
    ballot: str = BALLOT,
    kept: bytes = b"",
) -> Evidence:
    """A log that tells this tally of that vote, signed with its key, and the box's tally, alike or as it is given."""
    told = [
        (stream, tuple(_under(ballot, one) if isinstance(one, BallotOpened) else one for one in events))
        for stream, events in story(event)
    ]
    programme, rules = programme_with(step), rules or rules_of(step)
    parts = evidence(log_of(told, digest(programme)))
    documents = {digest(content): content for content in (programme, UNITS, rules)}
    return parts.copy(documents=documents, files={"tallies.txt": (kept or tally_of(event)) + b"\n"})


def _under(ballot: str, opening: BallotOpened) -> BallotOpened:
    return opening.model_copy(update={"ballot": ballot})


def told(**changes: Any) -> Evidence:
    """A tally that the event and the box tell alike, and wrongly."""
    return voted(SEALED_TALLY.model_copy(update=changes))


def by_rules(rules: bytes) -> Evidence:
    """A tally of a ballot that was opened with other rules than the programme has."""
    return voted(SEALED_TALLY.model_copy(update={"rules_hash": digest(rules)}), rules=rules)


def values(*told: tuple[str, str, int]) -> tuple[PanelResult, ...]:
    return tuple(
        PanelResult(nomination=id, value=Fraction(value), method="top", counted=votes)
        for id, value, votes in told
    )


def random_vote(dice: Random) -> Evidence:
    """Papers cast within the limits of a vote, some of which do not count, as the engine seals them."""
    names_ = dice.choice(((), ("web", "app"), ("web", "app", "hall")))
    shares = [Fraction(1, 7) for _ in names_[1:]]
    shares += [1 - sum(shares, Fraction())] if names_ else []
    most = dice.randrange(1, 4)
    limits = VoterLimits(per_day=9, per_candidate_per_day=9, choices_max=most, repeats=dice.random() < 0.5)
    step = VOTE.model_copy(
        update={
            "limits": limits,
            "normalise": dice.choice(("top", "share", "rank")),
            "channels": tuple(
                ChannelWeight(channel=name, share=share) for name, share in zip(names_, shares, strict=True)
            ),
        }
    )
    every, valid = [], []
    for name in names_ or ("",):
        papers = [cast(dice, limits) for _ in range(dice.randrange(9))]
        good = [paper for paper in papers if dice.random() < 0.8]
        every += [count_of(name, papers)] if papers else []
        valid += [count_of(name, good)] if good else []
    zeroed = frozenset(id for id in CANDIDATES if dice.random() < 0.2)
    return voted(sealed(step, tuple(every), tuple(valid), zeroed), step)


def cast(dice: Random, limits: VoterLimits) -> list[str]:
    choices = dice.randint(1, limits.choices_max)
    if limits.repeats:
        return dice.choices(CANDIDATES, k=choices)
    return dice.sample(CANDIDATES, k=min(choices, len(CANDIDATES)))


def count_of(channel: str, papers: list[list[str]]) -> ChannelCounts:
    chosen = list(chain(*papers))
    return counted(channel, len(papers), [chosen.count(id) for id in CANDIDATES])


def last_line(new: bytes) -> Evidence:
    parts = evidence()
    return parts.copy(lines=[*parts.lines[:-1], new])


def notes(*written: str) -> Evidence:
    return evidence().copy(notes=list(written))


def of(parts: Evidence | bytes, **changes: Any) -> Case:
    return Case(parts if isinstance(parts, bytes) else parts.pack(), **changes)


LEAVES = [one.leaf for one in LOG]
LAST = note_of(LEAVES, SIZE)
FORGED = note_of(LEAVES, SIZE, OTHER_KEY)
HALF = b'"\\ud800"'
UNIT = b'"unit":"E1"'

BAD: dict[str, tuple[Callable[[], Case], str]] = {
    # the archive
    "no archive": (lambda: of(b"nothing like a zip"), "ARCHIVE_BROKEN"),
    "an empty file": (lambda: of(b""), "ARCHIVE_BROKEN"),
    "cut short": (lambda: of(evidence().pack()[:-40]), "ARCHIVE_BROKEN"),
    "bytes before it": (lambda: of(b"MZ" + evidence().pack()), "ARCHIVE_BROKEN"),
    "bytes after it": (lambda: of(evidence().pack() + b"x"), "ARCHIVE_BROKEN"),
    "a comment": (lambda: of(zipped(evidence().contents().items(), comment=b"!")), "ARCHIVE_BROKEN"),
    "extra fields": (
        lambda: of(zipped(evidence().contents().items(), extra=b"\x99\x99\x00\x00")),
        "ARCHIVE_BROKEN",
    ),
    "a name twice": (lambda: of(repeated_name()), "ARCHIVE_BROKEN"),
    "a way out of the folder": (lambda: of(with_file("../leaves", b"x")), "ARCHIVE_BROKEN"),
    "an absolute name": (lambda: of(with_file("/etc/passwd", b"x")), "ARCHIVE_BROKEN"),
    "a name in capitals": (lambda: of(with_file("MANIFEST.JSON", b"{}")), "ARCHIVE_BROKEN"),
    "another name in the local header": (lambda: of(patched(30, b"Xheckpoints")), "ARCHIVE_BROKEN"),
    "an unknown compression": (lambda: of(patched(8, b"\x0c")), "ARCHIVE_BROKEN"),
    "fewer entries told": (lambda: of(patched(-12, b"\x01\0\x01\0", from_end=True)), "ARCHIVE_BROKEN"),
    "compressed bytes broken": (lambda: of(patched(60, b"\xff" * 20)), "ARCHIVE_BROKEN"),
    "rubbish behind compressed bytes": (lambda: of(packed_with_rubbish_behind()), "ARCHIVE_BROKEN"),
    "a file that unpacks to more": (lambda: of(more_than_told()), "ARCHIVE_BROKEN"),
    # the manifest
    "no manifest": (lambda: of(without("manifest.json")), "MANIFEST_BROKEN"),
    "a manifest that is no JSON": (lambda: of(replaced("manifest.json", b"{")), "MANIFEST_BROKEN"),
    "a manifest with spaces": (
        lambda: of(replaced("manifest.json", evidence().contents()["manifest.json"].replace(b",", b", ", 1))),
        "MANIFEST_BROKEN",
    ),
    "another format": (lambda: of(evidence().copy(changes={"format": "other"})), "MANIFEST_BROKEN"),
    "a field more": (lambda: of(evidence().copy(changes={"more": 1})), "MANIFEST_BROKEN"),
    "a size as text": (lambda: of(evidence().copy(changes={"size": str(SIZE)})), "MANIFEST_BROKEN"),
    "a negative count": (lambda: of(evidence().copy(changes={"events": -1})), "MANIFEST_BROKEN"),
    "a number for a truth": (lambda: of(evidence().copy(changes={"whole": 1})), "MANIFEST_BROKEN"),
    "a manifest that lists itself": (
        lambda: of(
            evidence().copy(changes={"files": [{"name": "manifest.json", "bytes": 1, "sha256": "0" * 64}]})
        ),
        "MANIFEST_BROKEN",
    ),
    "parts that do not count up": (lambda: of(with_file("events/00009.txt", b"x\n")), "MANIFEST_BROKEN"),
    "a file gone": (lambda: of(without("leaves.bin")), "FILE_MISSING"),
    "a file that nobody listed": (
        lambda: of(zipped([*evidence().contents().items(), ("note.txt", b"x")])),
        "FILE_EXTRA",
    ),
    "a file edited": (lambda: of(replaced("tallies.txt", b"{}\n")), "FILE_DIFFERS"),
    "an event edited and nothing else": (
        lambda: of(
            replaced(
                "events/00001.txt",
                evidence().contents()["events/00001.txt"].replace(b"staff-1", b"staff-2", 1),
            )
        ),
        "FILE_DIFFERS",
    ),
    # checkpoints
    "no checkpoint": (lambda: of(notes()), "CHECKPOINT_BROKEN"),
    "a checkpoint that is no note": (lambda: of(notes("hello")), "CHECKPOINT_BROKEN"),
    "a checkpoint with a line more": (
        lambda: of(notes(LAST.replace("\n\n", "\nmore\n\n", 1))),
        "CHECKPOINT_BROKEN",
    ),
    "a size with a zero before it": (
        lambda: of(notes(LAST.replace(f"\n{SIZE}\n", f"\n0{SIZE}\n"))),
        "CHECKPOINT_BROKEN",
    ),
    "checkpoints out of order": (lambda: of(notes(LAST, note_of(LEAVES, 3))), "CHECKPOINT_BROKEN"),
    "a last checkpoint of a smaller tree": (lambda: of(notes(note_of(LEAVES, 8))), "CHECKPOINT_BROKEN"),
    "a number among the checkpoints": (
        lambda: of(with_file("checkpoints.json", b"[1]")),
        "CHECKPOINT_BROKEN",
    ),
    "a checkpoint of another log": (
        lambda: of(notes(note_of(LEAVES, SIZE, origin="other.test/log"))),
        "ORIGIN_DIFFERS",
    ),
    "a forged signature": (lambda: of(notes(FORGED)), "SIGNATURE_WRONG"),
    "a signature under the right key's id": (
        lambda: of(notes(LAST.replace(LAST.split(" ")[-1], FORGED.split(" ")[-1]))),
        "SIGNATURE_WRONG",
    ),
    "a root that was not signed": (
        lambda: of(
            notes(LAST.replace(base64.b64encode(ROOT).decode(), base64.b64encode(bytes(32)).decode()))
        ),
        "SIGNATURE_WRONG",
    ),
    "a good signature beside a false one of the same key": (
        lambda: of(notes(LAST + LAST.splitlines()[-1][:-12] + "AAAAAAAAAA==\n")),
        "SIGNATURE_WRONG",
    ),
    "the wrong key": (lambda: of(evidence(), key=str(OTHER_KEY.verifier)), "SIGNATURE_WRONG"),
    "no key": (lambda: of(evidence(), key="nothing"), "KEY_WRONG"),
    "keys of two logs": (
        lambda: of(evidence(), key=f"{KEY} {SigningKey('other.test/log', bytes(32)).verifier}"),
        "KEY_WRONG",
    ),
    "a key with another id": (lambda: of(evidence(), key=f"{ORIGIN}+00000000+AAAA"), "KEY_WRONG"),
    "a witness's key for the log's": (lambda: of(evidence(), key=WITNESS), "KEY_WRONG"),
    "a log's key for a witness's": (lambda: of(evidence(), witnesses=(KEY,)), "KEY_WRONG"),
    "no cosignature": (lambda: of(notes(LAST), witnesses=(WITNESS,)), "WITNESS_MISSING"),
    "a cosignature of an older tree": (
        lambda: of(
            notes(LAST + note_of(LEAVES, 3, witness=WITNESS_KEY).splitlines()[-1] + "\n"),
            witnesses=(WITNESS,),
        ),
        "WITNESS_MISSING",
    ),
    # events
    "a line without a position": (lambda: of(last_line(b"{}")), "LINE_BROKEN"),
    "a position with a zero before it": (lambda: of(last_line(b"0%d {}" % SIZE)), "LINE_BROKEN"),
    "an empty line": (lambda: of(last_line(b"")), "LINE_BROKEN"),
    "a sealed line without its rule": (
        lambda: of(last_line(f"{SIZE} withheld {round_of('C')} 4 X".encode())),
        "LINE_BROKEN",
    ),
    "events reordered": (lambda: of(shuffled_lines()), "ORDER_BROKEN"),
    "a position beyond the tree": (lambda: of(last_line(b"99 {}")), "ORDER_BROKEN"),
    "spaces in an event": (lambda: of(raw(b'{"', b'{ "')), "NOT_CANONICAL"),
    "keys out of order": (
        lambda: of(raw(b'"v":1', b'"v":1,"u":2')),
        "NOT_CANONICAL",
    ),
    "a key twice": (lambda: of(raw(b'"v":1', b'"v":1,"v":1')), "NOT_CANONICAL"),
    "a float": (lambda: of(raw(b'"v":1', b'"v":1.0')), "NOT_CANONICAL"),
    "a number too large": (lambda: of(raw(b'"v":1', b'"v":9007199254740993')), "NOT_CANONICAL"),
    "a negative zero": (lambda: of(raw(b'"v":1', b'"v":-0')), "NOT_CANONICAL"),
    "an exponent": (lambda: of(raw(b'"v":1', b'"v":1e0')), "NOT_CANONICAL"),
    "not a number": (lambda: of(raw(b'"v":1', b'"v":NaN')), "NOT_CANONICAL"),
    "a key of another alphabet": (lambda: of(raw(b'"v":1', '"v":1,"编号":1'.encode())), "NOT_CANONICAL"),
    "an escape that need not be": (lambda: of(raw(UNIT, b'"unit":"\\u0045\\u0031"')), "NOT_CANONICAL"),
    "half a character": (lambda: of(raw(UNIT, b'"unit":' + HALF)), "NOT_CANONICAL"),
    "text outside NFC": (lambda: of(raw(UNIT, b'"unit":"e\xcc\x81"')), "NOT_CANONICAL"),
    "bytes that are not UTF-8": (lambda: of(raw(UNIT, b'"unit":"\xff"')), "NOT_CANONICAL"),
    "a byte order mark": (lambda: of(raw(b'{"', b'{"\xef\xbb\xbf')), "NOT_CANONICAL"),
    "nested without end": (
        lambda: of(raw(b'"v":1', b'"v":' + b"[" * 200 + b"]" * 200)),
        "NOT_CANONICAL",
    ),
    "a field missing": (lambda: of(without_field("req")), "EVENT_BROKEN"),
    "a field too many": (lambda: of(set_field("extra", 1)), "EVENT_BROKEN"),
    "a truth for a number": (lambda: of(set_field("v", True)), "EVENT_BROKEN"),
    "an instant without its zone": (lambda: of(set_field("at", "2024-01-30T04:00:00")), "EVENT_BROKEN"),
    "an actor without a role": (lambda: of(set_field("actor", {"id": "x"})), "EVENT_BROKEN"),
    "rules that are no hash": (lambda: of(set_field("rules", "rules")), "EVENT_BROKEN"),
    "a list for an object": (lambda: of(set_field("data", [])), "EVENT_BROKEN"),
    "pinned units that are no text": (lambda: of(set_data("units", [], "CycleOpened")), "EVENT_BROKEN"),
    "an event of another cycle": (lambda: of(from_elsewhere("nomination/other.1/n1")), "EVENT_FOREIGN"),
    "an event edited, its hash not": (
        lambda: of(evidence().copy(leaves=[*LEAVES[:11], bytes(32), *LEAVES[12:]])),
        "LEAF_DIFFERS",
    ),
    "an event edited and hashed again": (
        lambda: of(set_data("reason", "另一理由", "StepOpened").copy(notes=evidence().notes)),
        "CHAIN_BROKEN",
    ),
    "a stream's last event edited and hashed again": (
        lambda: of(set_field("subject", "s-other")),
        "ROOT_DIFFERS",
    ),
    "an event dropped from the middle of its stream": (lambda: of(dropped("StepOpened")), "CHAIN_BROKEN"),
    "two events of a stream swapped": (lambda: of(renumbered_swap()), "CHAIN_BROKEN"),
    "two streams swapped": (lambda: of(streams_swapped()), "LEAF_DIFFERS"),
    "an event under a name of its own again": (lambda: of(told_twice()), "REPEATED"),
    "a second tally of a ballot": (lambda: of(told_again("TallySealed")), "TOLD_TWICE"),
    "a second tally of a ballot in another stream": (
        lambda: of(told_again("TallySealed", round_of("E9"))),
        "TOLD_TWICE",
    ),
    "a ballot opened again": (lambda: of(told_again("BallotOpened")), "TOLD_TWICE"),
    "a round opened again": (lambda: of(told_again("RoundOpened")), "TOLD_TWICE"),
    "a cycle opened again": (lambda: of(told_again("CycleOpened")), "TOLD_TWICE"),
    "an event hidden behind a seal that is not of its kind": (
        lambda: of(last_line(f"{SIZE} withheld {round_of('C')} 4 RoundReported DR-14".encode())),
        "LINE_BROKEN",
    ),
    "an event hidden behind a seal in the wrong place": (
        lambda: of(last_line(f"{SIZE} withheld {round_of('C')} 9 SheetHandedIn DR-14".encode())),
        "CHAIN_BROKEN",
    ),
    # counts and trees
    "fewer events than told": (lambda: of(evidence().copy(changes={"events": 15})), "COUNTS_DIFFER"),
    "a whole log that is not": (lambda: of(evidence().copy(changes={"whole": True})), "COUNTS_DIFFER"),
    "a leaf too few": (
        lambda: of(evidence().copy(leaves=LEAVES[:-1], changes={"size": SIZE})),
        "COUNTS_DIFFER",
    ),
    "a tail cut": (lambda: of(tail_cut()), "CHECKPOINT_BROKEN"),
    "another's leaf exchanged": (
        lambda: of(evidence().copy(leaves=[bytes(32) if n == 10 else one for n, one in enumerate(LEAVES)])),
        "ROOT_DIFFERS",
    ),
    "an earlier checkpoint of another history": (
        lambda: of(notes(note_of([bytes(32)] * 3, 3), LAST)),
        "CHECKPOINTS_DISAGREE",
    ),
    "a whole rewrite with the log's key": (
        lambda: of(another_history(), against=LAST),
        "AGAINST_DIFFERS",
    ),
    "a whole rewrite beside a printed root": (
        lambda: of(another_history(), against=f"{SIZE} {ROOT.hex()}"),
        "AGAINST_DIFFERS",
    ),
    "rolled back behind a checkpoint that one holds": (
        lambda: of(tail_cut_to_an_old_checkpoint(), against=LAST),
        "AGAINST_NEWER",
    ),
    "a forged checkpoint from elsewhere": (lambda: of(evidence(), against=FORGED), "SIGNATURE_WRONG"),
    "another log's checkpoint from elsewhere": (
        lambda: of(evidence(), against=note_of(LEAVES, 3, origin="other.test/log")),
        "ORIGIN_DIFFERS",
    ),
    "words from elsewhere": (lambda: of(evidence(), against="twelve roots"), "AGAINST_UNREADABLE"),
    # what events speak of
    "another programme": (lambda: of(other_programme()), "DOCUMENT_MISSING"),
    "another programme under the right name": (lambda: of(renamed_programme()), "DOCUMENT_DIFFERS"),
    "without the calendar that was added": (lambda: of(calendar_added()), "DOCUMENT_MISSING"),
    "a document that nothing pins": (
        lambda: of(evidence().copy(documents=evidence().documents | {digest(b"{}"): b"{}"})),
        "DOCUMENT_UNPINNED",
    ),
    "another calendar": (lambda: of(with_file("calendar.json", b'{"calendar":"other"}')), "DOCUMENT_DIFFERS"),
    "a tally with other counts": (
        lambda: of(tally(counts=[{"nomination": "n1", "votes": 8}])),
        "TALLY_DIFFERS",
    ),
    "a tally with another root": (lambda: of(tally(root="0" * 64)), "TALLY_DIFFERS"),
    "a tally gone": (lambda: of(evidence().copy(files={})), "TALLY_DIFFERS"),
    "a tally with another root over what does not count": (
        lambda: of(tally(uncounted_root="0" * 64)),
        "TALLY_DIFFERS",
    ),
    "a tally without its channels": (lambda: of(tally(channels=[])), "TALLY_DIFFERS"),
    "a tally by other rules": (lambda: of(tally(rules_hash="0" * 64)), "TALLY_DIFFERS"),
    "a tally by rules that are not there": (lambda: of(told(rules_hash="0" * 64)), "DOCUMENT_MISSING"),
    "a tally of no ballot": (lambda: of(tally(ballot="other")), "TALLY_DIFFERS"),
    "a tally twice": (lambda: of(with_file("tallies.txt", (TALLY + b"\n") * 2)), "TALLY_DIFFERS"),
    "a tally without its end": (lambda: of(with_file("tallies.txt", TALLY)), "TALLY_DIFFERS"),
    # what was counted
    "a ballot with other limits": (
        lambda: of(by_rules(rules_of(VOTE.model_copy(update={"limits": VoterLimits(per_day=9)})))),
        "BALLOT_DIFFERS",
    ),
    "a ballot with other candidates": (lambda: of(by_rules(rules_of(VOTE, ("n1", "n9")))), "BALLOT_DIFFERS"),
    "a ballot with other channels": (
        lambda: of(by_rules(rules_of(VOTE.model_copy(update={"channels": VOTE.channels[:1]})))),
        "BALLOT_DIFFERS",
    ),
    "a ballot that nobody opened": (lambda: of(voted(ballot="other")), "BALLOT_DIFFERS"),
    "a tally of another step": (lambda: of(told(step="other")), "BALLOT_DIFFERS"),
    "a ballot whose rules are none": (lambda: of(by_rules(b"[]")), "BALLOT_DIFFERS"),
    "more votes than came by channels": (
        lambda: of(told(counts=counted("", 9, (8, 5)).counts)),
        "TALLY_WRONG",
    ),
    "counts of somebody else": (
        lambda: of(told(counts=(Count(nomination="n9", votes=7), Count(nomination="n2", votes=5)))),
        "TALLY_WRONG",
    ),
    "more papers than came by channels": (lambda: of(told(papers=10)), "TALLY_WRONG"),
    "more votes than papers can hold": (
        lambda: of(told(channels=(counted("web", 3, (4, 3)), counted("app", 6, (3, 2))))),
        "TALLY_WRONG",
    ),
    "fewer votes than papers must have": (
        lambda: of(told(papers=19, channels=(counted("web", 6, (4, 3)), counted("app", 13, (3, 2))))),
        "TALLY_WRONG",
    ),
    "a channel that the ballot has not": (
        lambda: of(told(channels=(counted("web", 6, (4, 3)), counted("hall", 3, (3, 2))))),
        "TALLY_WRONG",
    ),
    "a channel twice": (
        lambda: of(told(channels=(counted("web", 6, (4, 3)), counted("web", 3, (3, 2))))),
        "TALLY_WRONG",
    ),
    "more valid votes than there are": (
        lambda: of(told(valid=(counted("web", 5, (5, 3)), counted("app", 3, (3, 2))))),
        "TALLY_WRONG",
    ),
    "papers left out of nothing": (
        lambda: of(told(uncounted_root=merkle.EMPTY_ROOT.hex())),
        "TALLY_WRONG",
    ),
    "no papers left out of some": (lambda: of(told(valid=SEALED_TALLY.channels)), "TALLY_WRONG"),
    "papers without a tree": (lambda: of(told(root=merkle.EMPTY_ROOT.hex())), "TALLY_WRONG"),
    "a component that the counts do not give": (
        lambda: of(told(values=values(("n1", "100", 6), ("n2", "90", 5)))),
        "TALLY_WRONG",
    ),
    "a component of votes that were not counted": (
        lambda: of(told(values=values(("n1", "100", 6), ("n2", "260/3", 6)))),
        "TALLY_WRONG",
    ),
    "a component that was not told before": (lambda: of(told(before=None)), "TALLY_WRONG"),
    "votes that count although they were voided": (lambda: of(told(zeroed=("n1",))), "TALLY_WRONG"),
    "events of a cycle that is not the one told": (
        lambda: of(evidence().copy(cycle="other.1")),
        "EVENT_FOREIGN",
    ),
    "no opening": (lambda: of(evidence(whole=True).copy(cycle="other.1")), "CYCLE_MISSING"),
    "a cause that is not there": (
        lambda: of(caused_by(f"{nomination('n55')}@1")),
        "CAUSE_MISSING",
    ),
}


def with_token(size: int = 8, of: bytes = b"", line: bytes = b"%d 2026-11-22 tsa.test-tsr %s\n") -> Evidence:
    """A bundle with what says that it is a time-stamp token on the checkpoint of that size; nobody looks deeper."""
    text = parse_note(note_of(LEAVES, size).encode()).text.encode()
    token = b"token of " + (of or hashlib.sha256(text).digest())
    return with_file("timestamps.txt", line % (size, base64.b64encode(token)))


def test_time_stamps_are_counted_by_both_and_never_called_verified(both: Both, python: ModuleType) -> None:
    one, none = both([of(with_token()), of(evidence())])
    assert (one["code"], one["timestamps"], none["timestamps"]) == ("OK", 1, 0)
    assert "tokens: 1：未核验" in python.told(one)
    assert "时间戳" not in python.told(none)
    page = PAGE.read_text("utf-8")
    assert "${verdict.timestamps} time-stamp tokens, not verified here" in page


def test_a_time_stamp_of_no_checkpoint_of_the_bundle_is_found_by_both(both: Both) -> None:
    shifted = bytes.fromhex("0" + hashlib.sha256(b"x").hexdigest() + "0")
    verdicts = both(
        [
            of(with_token(of=hashlib.sha256(b"another").digest())),
            of(with_token(of=shifted)),
            of(with_token(9)),
            of(with_token(line=b"%d 2026-11-22 tsa.test-tsr %s")),
            of(with_token(line=b"0%d 2026-11-22 tsa.test-tsr %s\n")),
            of(with_token(line=b"%d 2026-11-22 Tsa %s\n")),
            of(with_token(line=b"%d 2026-11-22 tsa.test-tsr %sA\n")),
            of(with_token(line=b"%d 2026-11-22 tsa.test-tsr %s\n\n")),
            of(with_file("timestamps.txt", "８ 2026-11-22 tsa =\n".encode())),
            of(with_file("timestamps.txt", b"\xff\n")),
        ]
    )
    assert {one["code"] for one in verdicts} == {"TIMESTAMP_WRONG"}


def test_both_verifiers_find_every_kind_of_tampering_and_say_the_same(both: Both) -> None:
    cases = {name: make() for name, (make, _) in BAD.items()}
    verdicts = dict(zip(cases, both(list(cases.values())), strict=True))
    assert {name: one["code"] for name, one in verdicts.items()} == {
        name: code for name, (_, code) in BAD.items()
    }
    assert not any(one["ok"] for one in verdicts.values())


def random_log(dice: Random) -> list[Kept]:
    """The story with some streams' events left out, so that trees of many sizes come up."""
    gone = {nomination(f"n{n}") for n in range(1, 8) if dice.random() < 0.5}
    return log_of(
        (stream, events) for stream, events in story() if stream not in gone or stream == nomination("n2")
    )


def test_good_bundles_pass_in_both_without_a_false_alarm(both: Both) -> None:
    dice = Random(1)
    cases = [
        of(evidence()),
        of(evidence(whole=True)),
        of(written()),
        of(evidence(), against=LAST, witnesses=(WITNESS,)),
        of(evidence(), against=note_of(LEAVES, 3).replace("\n", "\r\n")),
        of(evidence(), against=f"{SIZE} {ROOT.hex()}\n", key=f" {KEY}\n"),
        of(
            evidence(),
            key=f"{OTHER_KEY.verifier}\n{KEY}\n",
            against=f"{SIZE}:{base64.b64encode(ROOT).decode()}",
        ),
        of(evidence(), against=f"8 {base64.b64encode(merkle.root(LEAVES[:8])).decode()}"),
        of(with_file("calendar.json", b'{"calendar":"test","days":[]}')),
        of(with_file("histories/0001.json", b"[]")),
        of(calendar_added(b"[]")),
        *(of(evidence(random_log(dice))) for _ in range(60)),
    ]
    verdicts = both(cases)
    assert [one["code"] for one in verdicts] == ["OK"] * len(cases)
    assert verdicts[0]["closed"] == 3
    assert verdicts[1]["complete"]
    assert (verdicts[0]["events"], verdicts[0]["withheld"], verdicts[0]["streams"]) == (18, 2, 12)


def test_the_verifier_looks_for_every_document_that_an_event_pins(python: ModuleType) -> None:
    assert python._PINS == PINS


def test_whatever_the_engine_seals_of_a_vote_passes_in_both(both: Both) -> None:
    dice = Random(5)
    verdicts = both([of(random_vote(dice)) for _ in range(60)])
    assert [one["code"] for one in verdicts] == ["OK"] * 60


def test_an_older_event_of_a_ballot_with_older_rules_passes_in_both(both: Both) -> None:
    """Neither told the channels once."""
    event = SEALED_TALLY.model_copy(update={"uncounted_root": None, "rules_hash": None, "channels": None})
    rules = canonical_bytes({"ballot": BALLOT, "candidates": CANDIDATES, "limits": VOTE.limits})
    kept = canonical_bytes(json.loads(TALLY) | {"rules_hash": digest(rules)})
    [verdict] = both([of(voted(event, rules=rules, kept=kept))])
    assert verdict["code"] == "OK"


def test_what_a_bundle_of_one_cycle_cannot_show_is_told_and_a_whole_log_shows_it(both: Both) -> None:
    """A stream's last event kept back: among closed leaves nobody can tell; in a whole log it is missed."""
    kept_back = dropped("RoundReported")
    whole = evidence(whole=True)
    del whole.lines[-1]
    partial, complete = both([of(kept_back), of(whole)])
    assert (partial["code"], partial["closed"], partial["complete"]) == ("OK", 4, False)
    assert complete["code"] == "COUNTS_DIFFER"


def test_bytes_altered_anywhere_are_found_by_both(both: Both) -> None:
    """Whoever alters a file and makes the manifest fit again: some hundred places, none goes by."""
    dice, cases = Random(2), []
    contents = evidence().contents()
    names_ = sorted(contents.keys() - {"manifest.json"})
    for _ in range(300):
        name = dice.choice(names_)
        content = bytearray(contents[name])
        at = dice.randrange(len(content))
        match dice.randrange(3):
            case 0:
                content[at] ^= 1 << dice.randrange(8)
            case 1:
                del content[at]
            case _:
                content.insert(at, dice.randrange(256))
        cases.append(of(with_contents({**contents, name: bytes(content)}), witnesses=(WITNESS,)))
    passed = [n for n, one in enumerate(both(cases)) if one["ok"]]
    assert passed == []


def with_contents(contents: dict[str, bytes]) -> bytes:
    """Packed under a manifest that fits them."""
    manifest = json.loads(contents["manifest.json"])
    manifest["files"] = [
        {"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        for name, content in sorted(contents.items())
        if name != "manifest.json"
    ]
    return zipped({**contents, "manifest.json": canonical_bytes(manifest)}.items())


def test_bytes_altered_anywhere_in_the_archive_are_found_by_both(both: Both) -> None:
    dice, good, cases = Random(3), evidence().pack(), []
    for _ in range(200):
        archive = bytearray(good)
        archive[dice.randrange(len(good))] ^= 1 << dice.randrange(8)
        cases.append(Case(bytes(archive)))
    for case, verdict in zip(cases, both(cases), strict=True):
        assert not verdict["ok"] or same_contents(case.archive, good)


def same_contents(archive: bytes, other: bytes) -> bool:
    """Dates and modes of a zip's entries mean nothing to anybody here; everything else must be as it was."""
    read = [zip_contents(one) for one in (archive, other)]
    return read[0] == read[1]


def zip_contents(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_the_page_hashes_and_checks_signatures_as_the_libraries_do(javascript: Ask) -> None:
    dice = Random(4)
    messages = [dice.randbytes(size) for size in (*range(130), 1_000, 70_001)]
    signed = [(note.text.encode(), note.signatures[0].signature) for note in map(checkpoint, range(12))]
    public = LOG_KEY.verifier.public
    asked = [(public, signature, text) for text, signature in signed]
    asked += [(public, signature, text + b"x") for text, signature in signed]
    asked += [(public, flipped(signature, dice), text) for text, signature in signed for _ in range(4)]
    asked += [(flipped(public, dice), signature, text) for text, signature in signed]
    asked += [(public, signature[:-1], text) for text, signature in signed[:1]]
    told = javascript(
        {
            "messages": [base64.b64encode(one).decode() for one in messages],
            "signatures": [[base64.b64encode(one).decode() for one in three] for three in asked],
        }
    )
    assert told["hashes"] == [hashlib.sha256(one).hexdigest() for one in messages]
    right = [holds(*three) for three in asked]
    assert sum(right) == len(signed)
    assert told["signatures"] == [[one, one] for one in right]


def checkpoint(n: int) -> Note:
    return parse_note(note_of(LEAVES, n + 1).encode())


def flipped(data: bytes, dice: Random) -> bytes:
    altered = bytearray(data)
    altered[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
    return bytes(altered)


def holds(key: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True
