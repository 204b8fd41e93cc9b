"""Cosignatures by ML-DSA-44: another implementation's verifies, and each field of what is signed is bound."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from proof.checkpoint import Checkpoint
from proof.cosignature import text_message, tree_message
from proof.note import (
    KeyKind,
    Note,
    NoteError,
    Signature,
    SigningKey,
    VerifierKey,
    cosigned_at,
    encoded,
    parse_note,
    parse_signature,
    verifies,
)

# A key of the seed 00 01 … 1f and its line, by NewMLDSASigner and SignSubtree of github.com/transparency-dev/formats.
FORMATS = Path(__file__).with_name("formats_cosignature.txt")
TEXT = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
SEED = bytes(range(32))
KEY = SigningKey("witness.example.com/w2", SEED, KeyKind.WITNESS_ML_DSA)
FIRST = SigningKey("witness.example.com/w2", b"w" * 32, KeyKind.WITNESS)
TIME = 1_679_315_147
LINE = KEY.cosign(TEXT, TIME)


def bent(text: str = TEXT, line: Signature = LINE, key: VerifierKey = KEY.verifier) -> bool:
    return verifies(text, line, key)


def test_what_another_implementation_cosigned_verifies_and_its_key_is_written_alike() -> None:
    vkey, line = FORMATS.read_text().splitlines()
    key, read = VerifierKey.parse(vkey), parse_signature(line)
    assert (str(key), key) == (vkey, KEY.verifier)
    assert cosigned_at(read) == TIME
    assert Note(TEXT, (read,)).signed_by(key)


def test_the_message_is_the_structure_of_the_specification() -> None:
    said = tree_message("a", 0x0102030405060708, "bc", 0x1718191A1B1C1D1E, b"\x42" * 32)
    assert said.hex() == (
        "737562747265652f76310a00" + "0161" + "0102030405060708" + "026263" + "00" * 8 + "1718191a1b1c1d1e" + "42" * 32
    )  # fmt: skip


@pytest.mark.parametrize(
    ("witness", "origin", "root"),
    [("", "o", bytes(32)), ("w" * 256, "o", bytes(32)), ("w", "", bytes(32)), ("w", "源" * 86, bytes(32)),
     ("w", "o", bytes(31)), ("w", "o", bytes(33))],
)  # fmt: skip
def test_a_message_has_no_place_for_another_length(witness: str, origin: str, root: bytes) -> None:
    with pytest.raises(ValueError, match="bytes"):
        tree_message(witness, 1, origin, 1, root)


@given(st.integers(0, 2**63 - 1), st.integers(0, 2**63 - 1), st.binary(min_size=32, max_size=32))
def test_a_cosignature_is_read_back_and_vouches_for_its_tree(seconds: int, size: int, root: bytes) -> None:
    text = Checkpoint("xuanshu.test/log", size, root).text
    line = KEY.cosign(text, seconds)
    assert len(line.signature) == 8 + 2420
    note = parse_note(str(Note(text, (line,))).encode())
    assert note.signed_by(KEY.verifier)
    assert cosigned_at(note.signatures[0]) == seconds


OTHER = SigningKey("witness.example.com/w2", bytes(32), KeyKind.WITNESS_ML_DSA).verifier
BENT = {
    "another time": {"line": LINE._replace(signature=(TIME + 1).to_bytes(8, "big") + LINE.signature[8:])},
    "another origin": {"text": TEXT.replace("sofa", "sofas")},
    "another size": {"text": TEXT.replace("20852163", "20852164")},
    "another root": {"text": TEXT.replace("CsUY", "DsUY")},
    "another key": {"key": OTHER},
    "another witness with the same key": {"key": KEY.verifier._replace(name="witness.example.com/w3")},
    "a byte more": {"line": LINE._replace(signature=LINE.signature + b"\0")},
    "a byte less": {"line": LINE._replace(signature=LINE.signature[:-1])},
    "no more than a time": {"line": LINE._replace(signature=LINE.signature[:8])},
    "less than a time": {"line": LINE._replace(signature=b"\0")},
    "a text that is no checkpoint": {"text": "hello\n"},
    "an origin too long": {"text": "o" * 256 + TEXT[TEXT.index("\n") :]},
    "a size of another spelling": {"text": TEXT.replace("20852163", "020852163")},
}


@pytest.mark.parametrize("changes", BENT.values(), ids=BENT)
def test_whatever_is_changed_is_refused(changes: dict[str, object]) -> None:
    assert bent()
    assert not bent(**changes)  # type: ignore[arg-type]


def signed(message: bytes, time: bytes) -> Signature:
    """A line by the same private key over any message."""
    signature = MLDSA44PrivateKey.from_seed_bytes(SEED).sign(message)
    return Signature(KEY.verifier.name, KEY.verifier.id, time + signature)


def test_the_text_that_ed25519_signs_is_no_message_of_ml_dsa() -> None:
    assert not bent(line=signed(text_message(TEXT, TIME), TIME.to_bytes(8, "big")))


def test_a_time_above_what_the_specification_allows_is_refused() -> None:
    known = Checkpoint.parse(TEXT)
    for seconds, is_good in ((2**63 - 1, True), (2**63, False)):
        message = tree_message(KEY.verifier.name, seconds, known.origin, known.size, known.root)
        assert bent(line=signed(message, seconds.to_bytes(8, "big"))) is is_good
    with pytest.raises(NoteError, match="too late"):
        KEY.cosign(TEXT, 2**63)


def test_what_is_no_checkpoint_is_not_cosigned() -> None:
    with pytest.raises(NoteError, match="no checkpoint"):
        KEY.cosign("hello\n", TIME)


def test_extension_lines_are_bound_by_ed25519_alone() -> None:
    """The specification leaves them out, so nothing may be read from them."""
    more = TEXT + "extension\n"
    assert bent(text=more)
    assert not verifies(more, FIRST.cosign(TEXT, TIME), FIRST.verifier)


@pytest.mark.parametrize("material", [b"", b"\x06", b"\x06" + bytes(1311), b"\x06" + bytes(1313), b"\x06" + bytes(32),
                                      b"\x04" + bytes(1312), b"\x05" + bytes(1312)])  # fmt: skip
def test_a_key_of_another_length_than_its_kinds_is_refused(material: bytes) -> None:
    with pytest.raises(NoteError, match="unknown kind"):
        VerifierKey.parse(f"w+00000000+{encoded(material)}")


def test_a_keys_name_fits_into_what_is_signed() -> None:
    assert SigningKey("w" * 255, SEED, KeyKind.WITNESS_ML_DSA).cosign(TEXT, TIME)
    long = str(KEY.verifier).replace("witness.example.com/w2", "w" * 256)
    for make in (lambda: SigningKey("w" * 256, SEED), lambda: VerifierKey.parse(long)):
        with pytest.raises(NoteError, match="255 bytes"):
            make()


def test_two_keys_of_one_witness_stand_side_by_side_in_a_note() -> None:
    note = Note(TEXT, ()).with_signatures(FIRST.cosign(TEXT, TIME), LINE)
    assert [note.signed_by(one.verifier) for one in (FIRST, KEY)] == [True, True]
    assert note.only([KEY.verifier]).signatures == (LINE,)
    swapped = LINE._replace(key_id=FIRST.verifier.id)
    with pytest.raises(NoteError, match="does not verify"):
        Note(TEXT, (swapped,)).signed_by(FIRST.verifier)
