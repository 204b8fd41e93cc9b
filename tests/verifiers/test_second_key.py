"""A witness's second key, ML-DSA-44: both verifiers check its lines, and none that cannot calls one good."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from proof import merkle
from proof.cosignature import text_message, tree_message
from proof.note import KeyKind, VerifierKey, parse_note
from tests.verifiers.conftest import Ask, Both, Case, Verdict
from tests.verifiers.evidence import (
    LOG,
    ORIGIN,
    SECOND_KEY,
    SECOND_SEED,
    WITNESS_KEY,
    WITNESS_SEED,
    Evidence,
    evidence,
    note_of,
)

FIRST, SECOND = str(WITNESS_KEY.verifier), str(SECOND_KEY.verifier)
LEAVES = [one.leaf for one in LOG]
TIME = 1_700_000_000
LAST = parse_note(note_of(LEAVES, len(LOG), witness=WITNESS_KEY).encode())
LINE = SECOND_KEY.cosign(LAST.text, TIME)


def seconded(*lines: str, key: str = SECOND, parts: Evidence | None = None) -> Case:
    """A bundle whose last checkpoint has these lines too, under the eyes of who trusts both keys."""
    found = (parts or evidence()).copy(notes=[str(LAST) + "".join(lines)])
    return Case(found.pack(), witnesses=(FIRST, key))


def bent(signature: bytes) -> Case:
    return seconded(str(LINE._replace(signature=signature)))


def over(size: int = len(LOG), origin: str = ORIGIN) -> Case:
    """A good line, of another tree."""
    note = parse_note(note_of(LEAVES, size, origin=origin, witness=SECOND_KEY).encode())
    return seconded(str(note.signatures[-1]))


def too_late(private: Ed25519PrivateKey | MLDSA44PrivateKey, message: bytes) -> bytes:
    """A good signature, of a time that the format does not allow."""
    return (2**63).to_bytes(8, "big") + private.sign(message)


LATE_FIRST = too_late(Ed25519PrivateKey.from_private_bytes(WITNESS_SEED), text_message(LAST.text, 2**63))
LATE_SECOND = too_late(
    MLDSA44PrivateKey.from_seed_bytes(SECOND_SEED),
    tree_message("office.test/witness", 2**63, ORIGIN, len(LOG), merkle.root(LEAVES)),
)


def key_of(kind: KeyKind, size: int, name: str = "w") -> str:
    """A vkey with its right id and that many bytes."""
    return str(VerifierKey(name, kind, bytes(size)))


FALSE = {
    "none": seconded(),
    "of an older tree": over(3),
    "of another log": over(origin="other.test/log"),
    "of another time": bent((TIME + 1).to_bytes(8, "big") + LINE.signature[8:]),
    "above every time": bent(LATE_SECOND),
    "and the first's above every time": seconded(
        str(LINE), str(WITNESS_KEY.cosign(LAST.text, TIME)._replace(signature=LATE_FIRST))
    ),
    "with a byte changed": bent(LINE.signature[:-1] + bytes([LINE.signature[-1] ^ 1])),
    "a byte too long": bent(LINE.signature + b"\0"),
    "a byte too short": bent(LINE.signature[:-1]),
    "a time alone": bent(LINE.signature[:8]),
    "not even a time": bent(b"\0"),
    "by the first key": bent(WITNESS_KEY.cosign(LAST.text, TIME).signature),
    "beside a false one": seconded(str(LINE), str(LINE._replace(signature=bytes(2428)))),
}
MALFORMED = {
    "a key too short": seconded(str(LINE), key=key_of(KeyKind.WITNESS_ML_DSA, 1311)),
    "a key too long": seconded(str(LINE), key=key_of(KeyKind.WITNESS_ML_DSA, 1313)),
    "a first key of the second's length": seconded(str(LINE), key=key_of(KeyKind.WITNESS, 1312)),
    "a second key of the first's length": seconded(str(LINE), key=key_of(KeyKind.WITNESS_ML_DSA, 32)),
    "of another kind": seconded(str(LINE), key=key_of(KeyKind.WITNESS_ML_DSA, 0)),
    "a name too long": seconded(str(LINE), key=key_of(KeyKind.WITNESS_ML_DSA, 1312, "w" * 256)),
    "a second key for the log's": Case(evidence().pack(), key=SECOND),
}
TAMPERED = evidence().copy(leaves=[*LEAVES[:-1], bytes(32)])


def test_a_witness_that_signed_with_both_keys_is_one_witness_in_both(both: Both) -> None:
    second = Case(seconded(str(LINE)).archive, witnesses=(SECOND,))
    late = seconded(str(SECOND_KEY.cosign(LAST.text, 2**63 - 1)))
    for verdict in both([seconded(str(LINE)), second, late]):
        assert (verdict["code"], verdict["witnesses"]) == ("OK", 1)


def test_who_trusts_the_first_key_alone_passes_the_second_ones_line_over(both: Both) -> None:
    lines = (str(LINE), str(LINE._replace(signature=bytes(2428))))
    cases = [Case(seconded(line).archive, witnesses=(FIRST,)) for line in lines]
    assert [one["code"] for one in both(cases)] == ["OK", "OK"]


def test_a_false_line_of_a_second_key_is_found_by_both(both: Both) -> None:
    found = dict(zip(FALSE, both(list(FALSE.values())), strict=True))
    assert {name: one["code"] for name, one in found.items()} == dict.fromkeys(FALSE, "WITNESS_MISSING")
    assert {one["where"] for one in found.values()} == {"office.test/witness"}


def test_a_key_whose_length_is_not_its_kinds_is_none_in_both(both: Both) -> None:
    assert [one["code"] for one in both(list(MALFORMED.values()))] == ["KEY_WRONG"] * len(MALFORMED)


@pytest.fixture
def unable(python: ModuleType, javascript: Ask, monkeypatch: pytest.MonkeyPatch) -> Both:
    """The two where neither `cryptography` nor the browser knows ML-DSA-44."""
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives.asymmetric.mldsa", None)

    def verdicts(cases: list[Case]) -> list[Verdict]:
        first: list[Verdict] = [python.verify(*case) for case in cases]
        question = {"cases": [case.as_json() for case in cases], "without": "ML-DSA-44"}
        assert javascript(question)["verdicts"] == first
        return first

    return verdicts  # type: ignore[return-value]


def test_who_cannot_check_a_second_key_says_so_and_calls_no_line_good(
    unable: Both, python: ModuleType
) -> None:
    good = seconded(str(LINE))
    verdicts = unable([good, *FALSE.values()])
    assert {one["code"] for one in verdicts} == {"WITNESS_UNCHECKED", "WITNESS_MISSING"}
    assert verdicts[0] == {"ok": False, "code": "WITNESS_UNCHECKED", "where": "office.test/witness"}
    assert python.exit_code(verdicts[0]) == python.EXIT_UNDECIDED
    assert verdicts[1]["code"] == "WITNESS_MISSING", "that there is no line at all is seen"


def test_who_cannot_check_a_second_key_still_finds_everything_else(unable: Both) -> None:
    first_alone = Case(seconded(str(LINE)).archive, witnesses=(FIRST,))
    cases = [first_alone, seconded(str(LINE), parts=TAMPERED), *MALFORMED.values()]
    assert [one["code"] for one in unable(cases)] == ["OK", "LEAF_DIFFERS", *["KEY_WRONG"] * len(MALFORMED)]


def test_the_two_have_the_same_words_for_every_code(python: ModuleType, javascript: Ask) -> None:
    told = javascript({})
    assert told["words"] == {code: list(words) for code, words in python.WORDS.items()}
    assert [code for code in told["undecided"] if python.exit_code({"ok": False, "code": code}) != 2] == []
