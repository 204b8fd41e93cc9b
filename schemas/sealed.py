"""Free text about a person lies in the vault; in its place the log has a reference, `sealed:ENTRY:COMMITMENT`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

_REFERENCE = re.compile(r"sealed:([0-9a-f]{32}):([0-9a-f]{64})")


def reference(entry: str, commitment: str) -> str:
    """What stands in the log for a text: the vault's entry and the commitment to what is in it (hex)."""
    return f"sealed:{entry}:{commitment}"


def entries_in(value: Any) -> Iterator[str]:
    """The vault entries that a JSON value refers to."""
    match value:
        case str():
            yield from (entry for entry, _ in _REFERENCE.findall(value))
        case dict():
            for inner in value.values():
                yield from entries_in(inner)
        case list() | tuple():
            for inner in value:
                yield from entries_in(inner)


def opened(value: Any, text: Callable[[str], str]) -> Any:
    """The same JSON value with `text(entry)` in place of each reference."""
    match value:
        case str():
            return _REFERENCE.sub(lambda found: text(found[1]), value)
        case dict():
            return {key: opened(inner, text) for key, inner in value.items()}
        case list() | tuple():
            return [opened(inner, text) for inner in value]
        case _:
            return value
