"""What lies in the vault is said to lie there, in both languages, and never shown as a reference."""

from __future__ import annotations

import pytest

from cli.words import CHANNEL_WORDS, out_words, told_words
from runtime.settings import Language
from schemas.programme import Channel
from schemas.sealed import entries_in, opened, reference

SEALED = reference("ab" * 16, "cd" * 32)


@pytest.mark.parametrize(
    ("language", "said"), [(Language.ZH, "（见保管库）"), (Language.EN, "(in the vault)")]
)
def test_words_in_the_vault_are_said_to_be_there(language: Language, said: str) -> None:
    assert told_words(f"REJECTED: {SEALED}", language) == f"REJECTED: {said}"
    assert out_words(SEALED, language) == said
    assert told_words("缺材料", language) == "缺材料"


def test_every_channel_has_words() -> None:
    assert set(CHANNEL_WORDS) == set(Channel)


def test_references_are_found_and_opened_wherever_they_stand() -> None:
    value = {"reason": SEALED, "removed": [{"reason": f"x {SEALED}"}], "rank": 1, "what": "sealed:ab"}
    assert list(entries_in(value)) == ["ab" * 16] * 2
    assert opened(value, str.upper) == {
        "reason": "AB" * 16,
        "removed": [{"reason": f"x {'AB' * 16}"}],
        "rank": 1,
        "what": "sealed:ab",
    }
