"""What a witness answers: each status of C2SP's tlog-witness, for what it stands."""

from __future__ import annotations

from http import HTTPStatus

import pytest

from proof import merkle
from proof.checkpoint import Checkpoint
from proof.note import Note, NoteError, SigningKey
from proof.witness import SIZE_TYPE, TEXT_TYPE, Seen, Submission, judge
from tests.proof.test_note import KEY, LEAVES, made

SEEN = Seen(5, merkle.root(LEAVES[:5]))
KEYS = [KEY.verifier]


def growth(old: int = 5, new: int = 8, **changes: object) -> Submission:
    path = merkle.consistency_path(LEAVES, old, new) if old <= new else ()
    return Submission(old, path, made(new))._replace(**changes)  # type: ignore[arg-type]


def other_tree(size: int) -> Note:
    root = merkle.root([merkle.leaf(b"other"), *LEAVES[1:size]])
    return Checkpoint(KEY.verifier.name, size, root).signed(KEY)


def test_an_extension_is_cosigned_from_nothing_from_before_and_again() -> None:
    assert judge(growth(), KEYS, SEEN).status == HTTPStatus.OK
    assert judge(growth(0), KEYS, Seen()).status == HTTPStatus.OK
    assert judge(growth(5, 5), KEYS, SEEN).status == HTTPStatus.OK


def test_a_log_that_nobody_trusts_is_unknown_and_a_missing_or_bad_signature_is_forbidden() -> None:
    assert judge(growth(), [], SEEN).status == HTTPStatus.NOT_FOUND
    stranger = SigningKey(KEY.verifier.name, b"s" * 32)
    assert judge(growth(note=made(8, stranger)), KEYS, SEEN).status == HTTPStatus.FORBIDDEN
    bad = made(8)._replace(signatures=made(7).signatures)
    assert judge(growth(note=bad), KEYS, SEEN).status == HTTPStatus.FORBIDDEN


def test_an_old_size_above_the_new_one_is_a_bad_request() -> None:
    assert judge(growth(9, 8), KEYS, SEEN).status == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("old", [0, 4, 6])
def test_another_old_size_is_a_conflict_that_tells_the_right_one(old: int) -> None:
    found = judge(growth(old), KEYS, SEEN)
    assert (found.status, found.said, found.kind) == (HTTPStatus.CONFLICT, "5\n", SIZE_TYPE)


REWRITINGS = {
    "another tree with the old proof": growth(note=other_tree(8)),
    "no proof": growth(path=()),
    "a proof cut short": growth(path=growth().path[:-1]),
    "a proof lengthened": growth(path=(*growth().path, bytes(32))),
    "a proof for the same size": growth(5, 5, path=(bytes(32),)),
}


@pytest.mark.parametrize("submission", REWRITINGS.values(), ids=REWRITINGS)
def test_a_log_that_is_not_an_extension_is_refused(submission: Submission) -> None:
    assert judge(submission, KEYS, SEEN).status == HTTPStatus.UNPROCESSABLE_ENTITY


def test_another_root_of_the_size_that_was_seen_is_a_conflict_and_names_no_size_to_go_on_from() -> None:
    found = judge(growth(5, 5, note=other_tree(5)), KEYS, SEEN)
    assert (found.status, found.kind) == (HTTPStatus.CONFLICT, TEXT_TYPE)


def test_from_the_empty_tree_no_proof_is_wanted_and_the_empty_tree_has_its_own_root() -> None:
    assert judge(growth(0, 8, path=(bytes(32),)), KEYS, Seen()).status == HTTPStatus.UNPROCESSABLE_ENTITY
    for root, status in ((merkle.EMPTY_ROOT, HTTPStatus.OK), (bytes(32), HTTPStatus.UNPROCESSABLE_ENTITY)):
        empty = Checkpoint(KEY.verifier.name, 0, root).signed(KEY)
        assert judge(Submission(0, (), empty), KEYS, Seen()).status == status


def test_a_submission_is_read_back_and_a_malformed_one_is_refused() -> None:
    submission = growth()
    assert Submission.parse(bytes(submission)) == submission
    assert Submission.parse(bytes(growth(0, 8))) == growth(0, 8)
    raw = bytes(submission).decode()
    for bent in (
        "",
        raw.replace("old 5", "old 05"),
        raw.replace("old 5", "new 5"),
        raw.replace("old 5\n", "old 5\nAAAA\n"),
        raw.replace("old 5\n", "old 5\n" + f"{'A' * 43}=\n" * 64),
        raw.partition("\n\n")[2],
    ):
        with pytest.raises(NoteError):
            Submission.parse(bent.encode())
