"""Words about a person: written into the vault under that person's key, read back where the reader may see them."""

from __future__ import annotations

from typing import Any

from schemas import sealed
from schemas.errors import Refused
from store.vault import Vault

ERASED = "（已销毁）"
"""What stands in the place of what was erased, for people to read."""
_FIELD = "text"


async def write(vault: Vault, subject: str, place: str, text: str) -> str:
    """The reference to the text; the same words in the same place give the same one, so that two people can agree.

    Raises Refused NOT_FOUND, ERASED.
    """
    mark = await vault.mark(subject, f"{place}\n{text}")
    deposit = await vault.deposit_for(subject, {_FIELD: text}, f"text/{mark}")
    return sealed.reference(deposit.entry_id, deposit.commitment)


async def read(vault: Vault, value: Any) -> Any:
    """A JSON value with its references in words; what was erased, or never was a text, says so."""
    texts = {entry: await _text(vault, entry) for entry in set(sealed.entries_in(value))}
    return sealed.opened(value, texts.__getitem__)


async def _text(vault: Vault, entry: str) -> str:
    try:
        return (await vault.reveal(entry)).get(_FIELD, ERASED)
    except Refused as refusal:
        if refusal.code not in ("ERASED", "NOT_FOUND"):
            raise
        return ERASED
