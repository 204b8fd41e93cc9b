"""A judge's sheet from a file: one nomination a row with a score or a vote, as the template for it has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from cli.office.grids import Raw
from cli.sheets import BadCell, Expected, decimal, narrow, read_cells, read_table, repeated
from schemas.programme import Criterion

VOTES = {"approve": "同意", "reject": "不同意", "abstain": "弃权", "return": "退回"}
HEADERS = {"nomination": "申报编号", "score": "评分", "vote": "意见"}
_BESIDE = {"name": "姓名", "unit": "单位", "note": "备注"}
"""Columns for the eye; they are not read."""

Mode = Literal["score", "vote"]


def read_marks(
    path: Path, mode: Mode, nominations: tuple[str, ...] = (), rubric: Sequence[Criterion] = ()
) -> tuple[list[tuple[str, str]], list[BadCell]]:
    """The marks by nomination, as text, and every bad cell; `nominations` are those on the list, if it is known.

    Under a rubric each criterion has a column, and a mark reads CRITERION:SCORE,CRITERION:SCORE.
    Whether a score is on the scale is the round's to say, mark by mark (DR-16). Raises `BadFile` for no table.
    """
    marked = {one.id: one.label.zh for one in rubric} or {mode: HEADERS[mode]}
    labels = {"nomination": HEADERS["nomination"]} | marked | _BESIDE
    names = {zh: name for name, zh in labels.items()} | {name: name for name in labels}
    table, bad = read_table(path, names, ("nomination", *marked))
    mark: Callable[[Raw], object] = decimal if mode == "score" else vote
    readers = dict.fromkeys(marked, mark) | {"nomination": lambda cell: _listed(cell, nominations)}
    marks: list[tuple[str, str]] = []
    seen: dict[str, int] = {}
    for row in table.rows:
        read, wrong = read_cells(table, row, readers)
        if "nomination" in read:
            wrong += repeated(table, row, "nomination", str(read["nomination"]), seen)
        bad += wrong
        if len(read) == len(readers):
            said = ",".join(f"{one.id}:{read[one.id]}" for one in rubric) or str(read[mode])
            marks.append((str(read["nomination"]), said))
    return marks, bad


def vote(cell: Raw) -> str:
    """A vote by its English or Chinese word; raises `Expected`."""
    written = narrow(cell)
    for name, zh in VOTES.items():
        if written.lower() in (name, zh):
            return name
    raise Expected("、".join(VOTES.values()) + " 之一", "one of " + ", ".join(VOTES))


def _listed(cell: Raw, nominations: tuple[str, ...]) -> str:
    written = narrow(cell)
    if nominations and written not in nominations:
        raise Expected("本名单上的申报编号", "a nomination on this list")
    return written
