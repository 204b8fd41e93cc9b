"""Files as grids of raw cells: CSV, .xlsx, .xls and .ods, with what their shape hides: merged, hidden, never calculated."""

from __future__ import annotations

import csv
import io
import posixpath
from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import NamedTuple
from zipfile import BadZipFile, ZipFile

from lxml import etree
from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,
)

from schemas.errors import BadFile, unopened
from schemas.faults import nearest_word

BYTES_MAX = 32_000_000
ROWS_MAX = 50_000
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"

Raw = str | int | float | bool | date | datetime | time | object
Place = tuple[int, int]


class Grid(NamedTuple):
    """A sheet: its rows, and by row and column from 0 the merged areas, formulas without a result, hidden rows."""

    sheet: str
    rows: list[list[Raw]]
    merged: tuple[Place, ...] = ()
    hollow: tuple[Place, ...] = ()
    hidden: tuple[int, ...] = ()


def read_grids(path: Path, sheet: str = "") -> list[Grid]:
    """The visible sheets of a file that hold anything, or `sheet` alone; at least one. `BadFile` where none can be read."""
    data = _bytes(path)
    if path.suffix.lower() in {".csv", ".txt"}:
        return [Grid(path.name, _csv(path, data))]
    try:
        with load_workbook(io.BytesIO(data)) as workbook:
            marks = _marks(data)
            grids = [_grid(path, workbook, name, marks) for name in _sheets(path, workbook, sheet)]
    except PasswordError:
        raise unreadable(
            path, "文件已加密，请取消密码后保存 / it is encrypted: save it without a password"
        ) from None
    except CalamineError as fault:
        raise unreadable(path, f"不是可读的工作簿 / no workbook that can be read: {fault}") from None
    return [grid for grid in grids if grid.rows] or grids[:1]


def unreadable(path: Path, fault: str) -> BadFile:
    return BadFile("FILE_FAULTS", (f"{path}: {fault}",), file=path, count=1)


def _sheets(path: Path, workbook: CalamineWorkbook, sheet: str) -> list[str]:
    if sheet and sheet not in workbook.sheet_names:
        nearest = nearest_word(sheet, workbook.sheet_names)
        there = "、".join(workbook.sheet_names) + (f" → {nearest}?" if nearest else "")
        raise unreadable(path, f"没有工作表 {sheet}，有 / no such sheet; there are: {there}")
    shown = [
        one.name
        for one in workbook.sheets_metadata
        if one.visible is SheetVisibleEnum.Visible and one.typ is SheetTypeEnum.WorkSheet
    ]
    return [sheet] if sheet else shown or workbook.sheet_names[:1]


def _grid(path: Path, workbook: CalamineWorkbook, name: str, marks: dict[str, Marks]) -> Grid:
    found = workbook.get_sheet_by_name(name)
    rows: list[list[Raw]] = [list(row) for row in found.to_python(skip_empty_area=False)]
    merged = tuple(start for start, _ in found.merged_cell_ranges or ())
    hollow, hidden = marks.get(name, Marks())
    return Grid(name, _bounded(path, rows), merged, hollow, tuple(row for row in hidden if row < len(rows)))


# ---- what only the file itself tells, of .xlsx ----


class Marks(NamedTuple):
    hollow: tuple[Place, ...] = ()
    hidden: tuple[int, ...] = ()


def _marks(data: bytes) -> dict[str, Marks]:
    """Formulas without a result and hidden rows by sheet; nothing of another kind of file."""
    try:
        with ZipFile(io.BytesIO(data)) as parts:
            return {name: _marks_of(parts, part) for name, part in _parts(parts)}
    except (BadZipFile, KeyError, etree.XMLSyntaxError):
        return {}


def _parts(parts: ZipFile) -> Iterator[tuple[str, str]]:
    """Each sheet's name and the part that holds it."""
    targets = {one.get("Id"): one.get("Target", "") for one in _tree(parts, "xl/_rels/workbook.xml.rels")}
    for one in _tree(parts, "xl/workbook.xml").iter(f"{_MAIN}sheet"):
        part = posixpath.normpath(posixpath.join("/xl", targets.get(one.get(_RELATION), "")))
        yield one.get("name", ""), part.lstrip("/")


def _tree(parts: ZipFile, part: str) -> etree._Element:
    return etree.fromstring(parts.read(part), etree.XMLParser(resolve_entities=False, no_network=True))


def _marks_of(parts: ZipFile, part: str) -> Marks:
    hollow: list[Place] = []
    hidden: list[int] = []
    with parts.open(part) as file:
        for _, row in etree.iterparse(file, tag=f"{_MAIN}row", resolve_entities=False, no_network=True):
            at = int(row.get("r", "0")) - 1
            if row.get("hidden") in {"1", "true"}:
                hidden.append(at)
            hollow += [
                (at, _column(cell.get("r", "A")))
                for cell in row.iter(f"{_MAIN}c")
                if cell.find(f"{_MAIN}f") is not None and not cell.findtext(f"{_MAIN}v")
            ]
            row.clear()
    return Marks(tuple(hollow), tuple(hidden))


def _column(address: str) -> int:
    """The column of `AB12`, from 0."""
    number = 0
    for character in address:
        if character.isalpha():
            number = number * 26 + ord(character.upper()) - ord("A") + 1
    return number - 1


# ---- CSV ----


def _csv(path: Path, data: bytes) -> list[list[Raw]]:
    try:
        lines = csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        rows: list[list[Raw]] = [list(cells) for cells in lines]
    except UnicodeDecodeError:
        raise unreadable(path, "不是 UTF-8；请另存为“CSV UTF-8” / not UTF-8; save it as CSV UTF-8") from None
    except csv.Error as fault:
        raise unreadable(path, f"CSV 无法读取 / the CSV cannot be read: {fault}") from None
    return _bounded(path, rows)


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except OSError as fault:
        raise unopened(path, fault) from None
    if len(data) > BYTES_MAX:
        raise unreadable(path, f"文件超过 {BYTES_MAX} 字节 / it is larger than {BYTES_MAX} bytes")
    return data


def _bounded(path: Path, rows: list[list[Raw]]) -> list[list[Raw]]:
    if len(rows) > ROWS_MAX:
        raise unreadable(path, f"超过 {ROWS_MAX} 行 / more than {ROWS_MAX} rows")
    return rows
