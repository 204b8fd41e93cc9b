"""Units and seat allocations from workbooks, told with the addresses of their cells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path

from cli.office.grids import Raw
from cli.sheets import (
    BadCell,
    BadCells,
    Expected,
    Table,
    decimal,
    exact_number,
    narrow,
    plain,
    read_cells,
    read_table,
    repeated,
)
from runtime.settings import Language
from schemas.loading import open_programme
from schemas.unit_files import COLUMNS, REQUIRED, Lines, merge_units
from schemas.units import SEATS, SEATS_MIN, UnitTree
from schemas.words import RANK_WORDS

UNIT_HEADERS = {
    "code": "单位代码",
    "parent": "上级单位代码",
    "name": "单位名称",
    "rank": "层级",
    "industry": "产业工会代码",
}
SEAT_HEADERS = {"unit": "单位代码", "name": "单位名称", "seats": "名额", "minimum": "最低申报数"}
_FIGURES = {"seats": SEATS, "minimum": SEATS_MIN}
_RANKS = {zh: rank for rank, (zh, _) in RANK_WORDS.items()}
_HEAD = 4096
"""Bytes of a CSV file in which its columns stand, below a title or not."""
_WORKBOOKS = {".xlsx", ".xlsm", ".xls", ".ods"}


def unit_sources(paths: Iterable[Path], language: Language) -> tuple[Path | Lines, ...]:
    """Each CSV file as it is; each workbook, and what was saved as CSV from one of ours, as lines of text.

    Raises `BadCells` where a cell holds no text to go by.
    """
    return tuple(_lines(path, language) if _is_sheet(path) else path for path in paths)


def _is_sheet(path: Path) -> bool:
    if path.suffix.lower() in _WORKBOOKS:
        return True
    try:
        head = path.read_bytes()[:_HEAD].decode("utf-8", "ignore")
    except OSError:
        return False  # told by whoever reads it
    return all(UNIT_HEADERS[column] in head for column in REQUIRED)


def _lines(path: Path, language: Language) -> Lines:
    names = {zh: name for name, zh in UNIT_HEADERS.items()} | {name: name for name in COLUMNS}
    table, bad = read_table(path, names, REQUIRED)
    if any(cell.row == table.header for cell in bad):
        raise BadCells(path, bad, language)
    header = tuple(table.letters)
    readers: dict[str, Callable[[Raw], object]] = {
        "code": _code,
        "parent": _code,
        "industry": _code,
        "name": plain,
        "rank": _rank,
    }
    lines = []
    for row in table.rows:
        read, wrong = read_cells(table, row, readers)
        bad += wrong
        lines.append((row.number, tuple(str(read.get(name, "")) for name in header)))
    if bad:
        raise BadCells(path, bad, language)
    return Lines(str(path), header, tuple(lines), table.sheet)


def _code(cell: Raw) -> str:
    exact_number(cell)
    return narrow(cell) if plain(cell) else ""


def _rank(cell: Raw) -> str:
    written = plain(cell)
    return _RANKS.get(written, written)


def read_seats(
    path: Path, tree: UnitTree, total: int | None = None
) -> tuple[dict[str, dict[str, int]], list[BadCell]]:
    """Each unit's figures: its seats (DR-07) and what it puts forward at least (DR-06); and every bad cell.

    With `total`, the sum of the seats must be that. Columns: unit and seats, the minimum where one is asked, and the
    unit's name for the eye. Raises `BadFile` where there is no table.
    """
    names = {zh: name for name, zh in SEAT_HEADERS.items()} | {name: name for name in SEAT_HEADERS}
    table, bad = read_table(path, names, ("unit", "seats"))
    readers: dict[str, Callable[[Raw], object]] = {
        "unit": partial(_unit, tree=tree),
        "seats": _count,
        "minimum": _asked,
    }
    seats: dict[str, dict[str, int]] = {}
    seen: dict[str, int] = {}
    for row in table.rows:
        read, wrong = read_cells(table, row, readers)
        if "unit" in read:
            wrong += repeated(table, row, "unit", str(read["unit"]), seen)
        told = {figure: read[name] for name, figure in _FIGURES.items() if name in read}
        figures = {figure: int(str(count)) for figure, count in told.items() if count is not None}
        wrong += _crossed(table, row.number, figures)
        bad += wrong
        if not wrong and {"unit", "seats"} <= read.keys():
            seats[str(read["unit"])] = figures
    return seats, bad or _wrong_sum(table, sum(one[SEATS] for one in seats.values()), total)


def _crossed(table: Table, row: int, figures: Mapping[str, int]) -> list[BadCell]:
    seats, minimum = figures.get(SEATS), figures.get(SEATS_MIN)
    if seats is None or minimum is None or minimum <= seats:
        return []
    return [
        table.bad(row, "minimum", minimum, Expected(f"不大于名额 {seats}", f"no more than the {seats} seats"))
    ]


def tree_of(programme: Path, units: Iterable[Path | Lines]) -> UnitTree:
    """The programme's units with further ones; raises `BadFile` with every fault."""
    tree = open_programme(programme).units
    for source in units:
        tree = merge_units(tree, source)
    return tree


def allocation(
    path: Path, programme: Path, units: Iterable[Path | Lines], language: Language, total: int | None = None
) -> dict[str, dict[str, int]]:
    """The figures that units of that tree are allotted, by code; raises `BadCells` with every bad cell."""
    seats, bad = read_seats(path, tree_of(programme, units), total)
    if bad:
        raise BadCells(path, bad, language)
    return seats


def _wrong_sum(table: Table, found: int, total: int | None) -> list[BadCell]:
    if total is None or found == total or not table.rows:
        return []
    expected = Expected(f"合计 {total}", f"{total} in all")
    return [table.bad(table.rows[-1].number, "seats", found, expected)]


def _unit(cell: Raw, tree: UnitTree) -> str:
    code = narrow(cell)
    if code not in tree.by_code:
        raise Expected("单位树中的单位代码", "the code of a unit in the tree")
    return code


def _asked(cell: Raw) -> int | None:
    return _count(cell) if plain(cell) else None


def _count(cell: Raw) -> int:
    try:
        written = decimal(cell)
    except Expected:
        written = ""
    if not written.isdigit():
        raise Expected("名额数，整数", "a whole number of seats")
    return int(written)
