"""Notes, keys, checkpoints and receipts: the specifications' own examples, and strict reading of everything else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proof import merkle
from proof.checkpoint import Checkpoint, Receipt, verified
from proof.note import (
    KeyKind,
    Note,
    NoteError,
    SigningKey,
    VerifierKey,
    cosigned_at,
    decimal,
    decoded,
    parse_note,
    parse_signature,
)

# From C2SP's signed-note, tlog-checkpoint and tlog-cosignature.
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = """This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
"""
CHECKPOINT = """example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
"""

KEY = SigningKey("xuanshu.test/log", b"k" * 32)
WITNESS = SigningKey("xuanshu.test/witness", b"w" * 32, KeyKind.WITNESS)
LEAVES = [merkle.leaf(bytes([n])) for n in range(11)]


def made(size: int = 8, key: SigningKey = KEY) -> Note:
    return Checkpoint(key.verifier.name, size, merkle.root(LEAVES[:size])).signed(key)


def test_the_specifications_example_of_a_note_verifies_by_its_key() -> None:
    key = VerifierKey.parse(VKEY)
    assert str(key) == VKEY
    note = parse_note(NOTE.encode())
    assert note.text == "This is an example message.\n"
    assert note.signed_by(key)
    assert str(note) == NOTE


def test_the_specifications_example_of_a_checkpoint_is_read_and_written_alike() -> None:
    note = parse_note(CHECKPOINT.encode())
    found = Checkpoint.parse(note.text)
    assert (found.origin, found.size, found.root[:2]) == (
        "example.com/behind-the-sofa",
        20852163,
        b"\x0a\xc5",
    )
    assert cosigned_at(note.signatures[1]) == 1679315147
    assert (str(note), found.text) == (CHECKPOINT, note.text)


def test_a_changed_text_is_refused_and_an_unknown_key_is_passed_over() -> None:
    forged = parse_note(NOTE.replace("an example", "a forged").encode())
    with pytest.raises(NoteError, match="does not verify"):
        forged.signed_by(VerifierKey.parse(VKEY))
    assert not forged.signed_by(KEY.verifier)


def test_one_bad_line_of_a_known_key_spoils_the_note_beside_a_good_one() -> None:
    good, other = made(), made(7)
    both = Note(good.text, (*good.signatures, *other.signatures))
    with pytest.raises(NoteError, match="does not verify"):
        both.signed_by(KEY.verifier)


MALFORMED = {
    "no signature": b"text\n",
    "no newline at the end": NOTE.encode()[:-1],
    "a line that is no signature": b"text\n\nhello\n",
    "a plain dash": NOTE.replace("—", "-").encode(),
    "two spaces": NOTE.replace("foo Uw", "foo  Uw").encode(),
    "a name with a plus": NOTE.replace("com/foo", "com+foo").encode(),
    "no name": "text\n\n—  AAAAAAAA\n".encode(),
    "not base64": "text\n\n— a !!!!\n".encode(),
    "base64 of another spelling": "text\n\n— a AAAAAAB=\n".encode(),
    "no more than a key's id": "text\n\n— a AAAAAA==\n".encode(),
    "a control character": b"te\txt\n\n" + NOTE.encode().partition(b"\n\n")[2],
    "not UTF-8": b"\xff" + NOTE.encode(),
    "too long": b"x" * 1_000_001,
    "too many signatures": ("text\n\n" + "— a AAAAAAAA\n" * 101).encode(),
}


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
def test_what_the_format_does_not_allow_is_refused(raw: bytes) -> None:
    with pytest.raises(NoteError):
        parse_note(raw)


@pytest.mark.parametrize(
    "written",
    ["", "name", "a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", VKEY.replace("530d", "530e"),
     VKEY.replace("+Ae", "+Ce"), VKEY[:-4], "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"],
)  # fmt: skip
def test_a_key_that_is_not_its_ids_or_of_another_kind_is_refused(written: str) -> None:
    with pytest.raises(NoteError):
        VerifierKey.parse(written)


@pytest.mark.parametrize("written", ["", "01", "-1", "+1", "1.0", "１", "99999999999999999999", str(2**63)])
def test_a_size_has_one_spelling(written: str) -> None:
    with pytest.raises(NoteError):
        decimal(written)


@pytest.mark.parametrize(
    "text",
    [
        "origin\n1\n",
        "origin\n01\n{0}\n",
        "\n1\n{0}\n",
        "origin\n1\nAAAA\n",
        "origin\n1\n{0}\n\n",
        "origin\n1\n{0}",
    ],
)
def test_a_text_that_is_no_checkpoint_is_refused(text: str) -> None:
    root = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I="
    assert Checkpoint.parse(f"origin\n1\n{root}\n").size == 1
    with pytest.raises(NoteError):
        Checkpoint.parse(text.format(root))


def test_a_checkpoint_counts_only_under_a_key_named_as_its_origin() -> None:
    note = made()
    assert verified(note, [KEY.verifier]).size == 8
    for keys in ([], [SigningKey("other.test/log", b"k" * 32).verifier], [WITNESS.verifier]):
        with pytest.raises(NoteError, match="signed by no key"):
            verified(note, keys)


@given(st.integers(0, 2**63 - 1))
def test_a_cosignature_vouches_for_its_time_and_text(seconds: int) -> None:
    note = made()
    line = WITNESS.cosign(note.text, seconds)
    seen = note.with_signatures(line)
    assert seen.signed_by(WITNESS.verifier)
    assert cosigned_at(line) == seconds
    assert parse_signature(str(line).removesuffix("\n")) == line
    moved = line._replace(signature=((seconds + 1) % 2**63).to_bytes(8, "big") + line.signature[8:])
    with pytest.raises(NoteError):
        note.with_signatures(moved).signed_by(WITNESS.verifier)


def test_a_key_signs_a_note_once() -> None:
    note = made()
    first, second = WITNESS.cosign(note.text, 1), WITNESS.cosign(note.text, 2)
    twice = note.with_signatures(first).with_signatures(second)
    assert twice.signatures == (*note.signatures, first)
    assert twice.only([WITNESS.verifier]).signatures == (first,)


@given(st.integers(1, 11), st.data())
def test_a_receipt_is_read_back_and_proves_its_entry_alone(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    receipt = Receipt(index, merkle.inclusion_path(LEAVES, index, size), made(size))
    read = Receipt.parse(str(receipt).encode())
    assert read == receipt
    assert read.verify(bytes([index]), [KEY.verifier]).size == size
    with pytest.raises(NoteError, match="does not lead"):
        read.verify(b"another", [KEY.verifier])


def test_a_receipts_extra_data_is_passed_over_and_its_order_is_fixed() -> None:
    whole = str(Receipt(0, merkle.inclusion_path(LEAVES, 0, 8), made()))
    first, _, rest = whole.partition("\n")
    assert Receipt.parse(f"{first}\nextra AAAA\n{rest}".encode()).leaf == 0
    for bent in (rest, f"{first}\nextra ~\n{rest}", f"{first}\n{rest}".replace("index 0", "index 00"), first):
        with pytest.raises(NoteError):
            Receipt.parse(bent.encode())


@given(st.binary(max_size=40))
def test_base64_has_one_spelling(raw: bytes) -> None:
    from base64 import b64encode

    assert decoded(b64encode(raw).decode()) == raw
