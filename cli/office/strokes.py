"""The order of 姓氏笔画: by the strokes of the surname, then by their kinds 横竖撇点折, then by the next character.

`strokes.txt` has the orders and numbers, with their sources and licences. A character that it lacks comes last.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

_TABLE = Path(__file__).with_name("strokes.txt")
_LAST = 1_000
_SILENT = frozenset("·•・‧ \u3000\t")

Key = tuple[tuple[int, str, str], ...]


def by_strokes(name: str) -> Key:
    """A sort key for a name as custom lists them. Spaces and the dot between names do not count; latin letters come last."""
    return tuple(_of(character) for character in name if character not in _SILENT)


def count(character: str) -> int:
    """How many strokes a character has; 0 for one that is not known."""
    return _strokes().get(character, (0, ""))[0]


def unknown(name: str) -> str:
    """The characters of a name whose strokes are not known."""
    return "".join(one for one in name if one not in _SILENT and one not in _strokes())


def _of(character: str) -> tuple[int, str, str]:
    number, order = _strokes().get(character, (_LAST, ""))
    return number, order or "9", character  # a known order before a number alone


@cache
def _strokes() -> dict[str, tuple[int, str]]:
    """Each character's number of strokes and, where known, their kinds in writing order."""
    found: dict[str, tuple[int, str]] = {}
    for line in _TABLE.read_text("utf-8").splitlines():
        group, _, characters = line.partition(" ")
        if group.startswith("#"):
            continue
        number = int(group[1:]) if group.startswith("=") else len(group)
        order = "" if group.startswith("=") else group
        found |= dict.fromkeys(characters, (number, order))
    return found
