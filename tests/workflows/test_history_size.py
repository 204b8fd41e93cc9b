"""The histories of Temporal stay as small as they were measured to be: counts, the same on every machine."""

from __future__ import annotations

from pathlib import Path

from bench.histories import histories
from runtime.door import Door

FIRST_LEVEL, CONFERRED = 45, 110


async def test_one_who_leaves_at_the_first_level_and_one_who_is_conferred_at_the_fourth_keep_short_histories(
    door: Door, tmp_path: Path
) -> None:
    found = await histories(door, tmp_path)
    assert (found.first_level.runs, found.conferred.runs) == (1, 4)
    assert found.first_level.events <= FIRST_LEVEL
    assert found.conferred.events <= CONFERRED
