"""The one-pass check of the whole log: what is right passes, whatever was altered is found, and where."""

from __future__ import annotations

from random import Random

import pytest

from proof import merkle
from proof.stream import LogStream, Row, SignedRoot
from schemas.canonical import seal
from schemas.errors import Integrity
from schemas.ledger import GENESIS, Head
from tests.store.commands import command


def rows_of(streams: int, each: int) -> list[Row]:
    """A log of several streams, one event of each in turn."""
    heads = {f"nomination/c1/{n}": Head() for n in range(streams)}
    rows: list[Row] = []
    for turn in range(each):
        for stream, head in heads.items():
            (item,) = seal(command(stream, f"{stream}/{turn}", head))
            event = item.event
            hashes = bytes.fromhex(event.prev), bytes.fromhex(event.hash)
            rows.append((len(rows) + 1, stream, event.seq, item.body, *hashes))
            heads[stream] = Head(seq=event.seq, hash=event.hash)
    return rows


ROWS = rows_of(streams=5, each=12)


def checked(rows: list[Row], page: int = 7, signed: tuple[SignedRoot, ...] = ()) -> LogStream:
    log = LogStream(signed)
    for first in range(0, len(rows), page):
        log.feed(rows[first : first + page])
    log.finish()
    return log


@pytest.mark.parametrize("page", [1, 2, 7, 60, 100])
def test_a_whole_log_passes_in_pages_of_any_size_and_has_the_root_of_its_leaves(page: int) -> None:
    log = checked(ROWS, page)
    assert log.position == len(ROWS)
    assert log.tree.root() == merkle.root(row[5] for row in ROWS)
    assert log.heads["nomination/c1/3"] == (12, ROWS[-2][5])


def test_a_log_passes_through_every_root_that_was_signed() -> None:
    signed = tuple(
        SignedRoot(size, merkle.root(row[5] for row in ROWS[:size])) for size in (0, 1, 6, 7, 8, 33, 60)
    )
    assert checked(ROWS, 7, signed).position == 60


def test_a_root_that_the_log_does_not_pass_through_is_found_where_it_was_signed() -> None:
    with pytest.raises(Integrity) as found:
        checked(ROWS, 7, (SignedRoot(33, bytes(32)),))
    assert found.value.facts["seq"] == "33"


def test_a_log_shorter_than_what_was_signed_is_found() -> None:
    with pytest.raises(Integrity, match="a checkpoint signs 60"):
        checked(ROWS[:50], 7, (SignedRoot(60, merkle.root(row[5] for row in ROWS)),))


def test_a_row_that_repeats_bytes_of_elsewhere_under_another_name_is_found() -> None:
    position, _, seq, body, prev, kept = ROWS[0]
    with pytest.raises(Integrity, match="belongs to another place"):
        checked([(position, "nomination/c1/other", seq, body, prev, kept)])


def test_bytes_that_are_no_event_are_found_even_under_their_own_hash() -> None:
    with pytest.raises(Integrity, match="is not an event"):
        checked([(1, "a/b", 1, b"{", bytes.fromhex(GENESIS), merkle.leaf(b"{"))])


@pytest.mark.parametrize("seed", range(300))
def test_every_altered_log_is_found(seed: int) -> None:
    dice, rows = Random(seed), list(ROWS)
    at = dice.randrange(len(rows) - 1)
    position, stream, seq, body, prev, kept = rows[at]
    match dice.choice(["edit", "rehash", "drop", "close_the_gap", "swap", "twice"]):
        case "edit":
            rows[at] = (position, stream, seq, body.replace(b"2024", b"2025", 1), prev, kept)
        case "rehash":  # the last of a stream is only held by a signed root
            edited = body.replace(b"2024", b"2025", 1)
            rows[at] = (position, stream, seq, edited, prev, merkle.leaf(edited))
        case "drop":
            del rows[at]
        case "close_the_gap":
            rows = [(n, *row[1:]) for n, row in enumerate(rows[:at] + rows[at + 1 :], start=1)]
        case "swap":
            rows[at], rows[at + 1] = rows[at + 1], rows[at]
        case _:
            rows.insert(at, rows[at])
    signed = SignedRoot(len(ROWS), merkle.root(row[5] for row in ROWS))
    with pytest.raises(Integrity):
        checked(rows, dice.randint(1, 20), (signed,))
