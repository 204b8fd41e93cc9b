"""Tables that people fill in, CSV or a workbook, as cells with their places; and how a bad cell is told.

NOTE: Excel keeps numbers to 15 digits, so an ID of 18 digits typed as a number has lost its last three for good.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import NamedTuple
from unicodedata import category, normalize

from cli.office.grids import Grid, Raw, read_grids
from runtime.settings import Language
from schemas.errors import BadFile
from schemas.faults import column_letters as letter
from schemas.faults import nearest_word

_EXACT_DIGITS = 15
_TITLE_ROWS = 10
"""How far down the header may stand, below a title."""
_EXCEL_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"}
_DATE = re.compile(
    r"([0-9]{4})(?:[-/.]|年)([0-9]{1,2})(?:[-/.]|月)([0-9]{1,2})日?|([0-9]{4})([0-9]{2})([0-9]{2})"
)
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")


class BadCell(NamedTuple):
    """A cell that cannot be taken: where it stands (rows count from 1), what was found, what was expected."""

    sheet: str
    row: int
    column: str  # the letter, as Excel shows it
    name: str  # the column's meaning, such as `identity`
    found: str
    expected_zh: str
    expected_en: str

    @property
    def address(self) -> str:
        """As Excel says it, such as `C317`."""
        return f"{self.column}{self.row}"

    def message(self, language: Language) -> str:
        """One line for a person."""
        what = f"（{self.name}）" if self.name else ""
        if language is Language.ZH:
            return f"{self.sheet} {self.address}{what}：“{self.found}”有误，应为{self.expected_zh}"
        what = f" ({self.name})" if self.name else ""
        return f"{self.sheet} {self.address}{what}: found {self.found!r}, expected {self.expected_en}"

    def as_json(self) -> dict[str, object]:
        """For programs: the fields, and the address."""
        return self._asdict() | {"cell": self.address}


class BadCells(BadFile):
    """A table with bad cells, in order; nothing of it was stored."""

    def __init__(self, file: Path, cells: Sequence[BadCell], language: Language) -> None:
        self.cells = tuple(sorted(cells, key=lambda cell: (cell.row, len(cell.column), cell.column)))
        lines = tuple(cell.message(language) for cell in self.cells)
        super().__init__("FILE_FAULTS", lines, file=file, count=len(lines))


class Expected(Exception):
    """Raised by a cell's reader: what should have stood there, in Chinese and English."""

    def __init__(self, zh: str, en: str) -> None:
        self.zh = zh
        self.en = en
        super().__init__(en)


class Row(NamedTuple):
    """A line of the table: its number as Excel counts, and its raw cells by column name."""

    number: int
    cells: dict[str, Raw]


class Table(NamedTuple):
    """A sheet with a known header: the letter of each column, the rows that hold anything, the header's row."""

    sheet: str
    letters: dict[str, str]
    rows: tuple[Row, ...]
    header: int = 1

    def bad(self, row: int, name: str, found: object, expected: Expected) -> BadCell:
        letter = self.letters.get(name, "A")
        return BadCell(self.sheet, row, letter, name, shown(found), expected.zh, expected.en)


def read_table(
    path: Path, names: dict[str, str], required: Iterable[str], sheet: str = ""
) -> tuple[Table, list[BadCell]]:
    """The sheet of a file that has the columns wanted (or `sheet`), and what is wrong with its header and shape.

    `names` maps every accepted header to the column's name. A title may stand above the header. Raises `BadFile`
    where no table can be read at all.
    """
    required = tuple(required)
    grid, top = _wanted(read_grids(path, sheet), names, required)
    header = [text_of(cell) for cell in grid.rows[top]] if grid.rows else []
    while header and not header[-1]:
        header.pop()
    plain = _by_plain_header(names)
    columns = [_name_of(written, names, plain) for written in header]
    letters = {name: letter(at) for at, name in enumerate(columns) if name}
    bad = _header_faults(grid.sheet, top + 1, header, columns, names, required)
    bad += _odd_places(grid, top, len(header))
    rows = []
    for number, cells in enumerate(grid.rows[top + 1 :], top + 2):
        if any(text_of(cell) for cell in cells):
            bad += _width_faults(grid.sheet, number, cells, len(header))
            filled = [*cells, *[""] * len(header)]
            rows.append(Row(number, {name: filled[at] for at, name in enumerate(columns) if name}))
    return Table(grid.sheet, letters, tuple(rows), top + 1), bad


def _wanted(grids: Sequence[Grid], names: dict[str, str], required: Sequence[str]) -> tuple[Grid, int]:
    """The first sheet with a row that names all that is required, and that row from 0; else the row that names most."""
    plain = _by_plain_header(names)
    best, most = (grids[0], 0), 0
    for grid in grids:
        for at, cells in enumerate(grid.rows[:_TITLE_ROWS]):
            named = {_name_of(text_of(cell), names, plain) for cell in cells} - {""}
            if named >= set(required):
                return grid, at
            if len(named) > most:
                best, most = (grid, at), len(named)
    return best


def _by_plain_header(names: dict[str, str]) -> dict[str, str]:
    return {_plain(header): name for header, name in names.items()}


def _name_of(written: str, names: dict[str, str], plain: dict[str, str]) -> str:
    """The column that a header means; full-width letters, spaces and the mark of a required one do not matter."""
    return names.get(written) or plain.get(_plain(written.rstrip("*＊ ")), "")


def _plain(header: str) -> str:
    return normalize("NFKC", header).strip().lower()


def _odd_places(grid: Grid, top: int, width: int) -> Iterator[BadCell]:
    """Cells that show something else than they hold: merged, hidden, or a formula that was never calculated."""

    def tell(row: int, column: int, zh: str, en: str) -> BadCell:
        cells = grid.rows[row] if row < len(grid.rows) else []
        found = shown(cells[column]) if column < len(cells) else ""
        return BadCell(grid.sheet, row + 1, letter(column), "", found, zh, en)

    for row, column in grid.merged:
        if row >= top and column < width:
            yield tell(
                row, column, "未合并的单元格，每格各填其值", "cells that are not merged, a value in each"
            )
    for row, column in grid.hollow:
        if row > top and column < width:
            zh, en = (
                "公式的结果；请重新计算后保存，或改填值",
                "the formula's result: recalculate and save, or type it",
            )
            yield tell(row, column, zh, en)
    for row in grid.hidden:
        if row > top and any(text_of(cell) for cell in grid.rows[row]):
            zh, en = "可见的行；请取消隐藏或筛选，或删去此行", "a visible row: show it, or delete it"
            yield tell(row, 0, zh, en)


# ---- cells ----


def text_of(cell: Raw) -> str:
    """The cell as trimmed NFC text; a whole number without its `.0`."""
    if isinstance(cell, float) and cell.is_integer():
        cell = int(cell)
    return normalize("NFC", str("" if cell is None else cell)).strip()


def shown(cell: object) -> str:
    text = cell.isoformat() if isinstance(cell, date | datetime | time) else text_of(cell)
    return text if len(text) <= 60 else text[:59] + "…"


def plain(cell: Raw) -> str:
    """Free text as it was typed, which may be empty; refuses Excel's error values and control characters."""
    text = cell.strip() if isinstance(cell, str) else text_of(cell)
    if text in _EXCEL_ERRORS:
        raise Expected("值，而不是公式错误", "a value, not a formula's error")
    if any(category(character) == "Cc" and character not in "\n\t" for character in text):
        raise Expected("不含控制字符的文字", "text without control characters")
    return text


def filled(cell: Raw) -> str:
    text = plain(cell)
    if not text:
        raise Expected("必填内容", "a value; this column may not be empty")
    return text


def narrow(cell: Raw) -> str:
    """A code, full-width forms made narrow, without spaces inside; a number typed in Excel is taken while it is exact."""
    exact_number(cell)
    if isinstance(cell, date | time) or (isinstance(cell, float) and not cell.is_integer()):
        raise Expected("文本格式的代码", "a code, in a cell of the text format")
    return "".join(normalize("NFKC", filled(cell)).split())


def exact_number(cell: Raw) -> None:
    """Refuse what has lost digits: a number beyond 15 of them, or its scientific form as text."""
    digits = isinstance(cell, int | float) and abs(cell) >= 10**_EXACT_DIGITS
    if digits or _scientific(text_of(cell)):
        raise Expected(
            "文本格式的号码；此列存为数字，末位已丢失，请改为文本后重新输入",
            "the number as text: this cell holds a number and its last digits are lost; format it as text, type again",
        )


def decimal(cell: Raw) -> str:
    """A number as exact decimal text: `9.5`; what Excel holds as binary is read to the 15 digits that it shows."""
    text = format(cell, ".15g") if isinstance(cell, float) else normalize("NFKC", filled(cell))
    if isinstance(cell, bool) or not _NUMBER.fullmatch(text):
        raise Expected("数字，如 92.5", "a number such as 92.5")
    return text


def day(cell: Raw) -> str:
    """A date as ISO text: a date cell of either epoch, or 2024-01-30, 2024/1/30, 2024.1.30, 2024年1月30日, 20240130."""
    if isinstance(cell, date):
        return (cell.date() if isinstance(cell, datetime) else cell).isoformat()
    text = "".join(normalize("NFKC", filled(cell)).split())
    if isinstance(cell, int | float):
        text = text_of(cell)
    try:
        if found := _DATE.fullmatch(text):
            return date(*(int(part) for part in found.groups() if part)).isoformat()
    except ValueError:
        pass
    raise Expected("日期，如 2024-01-30 或 2024年1月30日", "a date such as 2024-01-30")


def one_of(cell: Raw, allowed: Iterable[str]) -> str:
    """One of a closed set, with the nearest of it where it is another."""
    options = list(allowed)
    text = narrow(cell)
    if text not in options:
        nearest = nearest_word(text, options)
        few = "、".join(options[:8]) + ("…" if len(options) > 8 else "")
        hint_zh, hint_en = (f"（是否 {nearest}？）", f" (did you mean {nearest}?)") if nearest else ("", "")
        raise Expected(f"{few} 之一{hint_zh}", f"one of {few.replace('、', ', ')}{hint_en}")
    return text


def listed(cell: Raw) -> tuple[str, ...]:
    """Codes separated by a comma, a semicolon, or 、"""
    exact_number(cell)
    text = normalize("NFKC", plain(cell)).replace("、", ",").replace(";", ",")
    return tuple(part.strip() for part in text.split(",") if part.strip())


def read_cells(
    table: Table, row: Row, readers: dict[str, Callable[[Raw], object]]
) -> tuple[dict[str, object], list[BadCell]]:
    """Each cell through its reader; what was read, and every cell that could not be."""
    read: dict[str, object] = {}
    bad: list[BadCell] = []
    for name, reader in readers.items():
        if name not in table.letters:
            continue
        try:
            read[name] = reader(row.cells[name])
        except Expected as expected:
            bad.append(table.bad(row.number, name, row.cells[name], expected))
    return read, bad


def repeated(table: Table, row: Row, name: str, value: str, seen: dict[str, int]) -> list[BadCell]:
    """The bad cell where a value that may stand once comes again; `seen` remembers the first row of each."""
    first = seen.setdefault(value, row.number)
    if first == row.number:
        return []
    expected = Expected(f"每项一行（首次见第 {first} 行）", f"each once (first in row {first})")
    return [table.bad(row.number, name, value, expected)]


def _scientific(text: str) -> bool:
    mantissa, found, exponent = text.upper().partition("E+")
    return bool(found) and mantissa.replace(".", "", 1).isdigit() and exponent.isdigit()


# ---- shapes ----


def _header_faults(
    sheet: str,
    row: int,
    header: Sequence[str],
    columns: Sequence[str],
    names: dict[str, str],
    required: Iterable[str],
) -> list[BadCell]:
    bad = []
    for at, (written, name) in enumerate(zip(header, columns, strict=True)):
        if name and name not in columns[:at]:
            continue
        nearest = nearest_word(written, names)
        zh, en = ("不重复的列", "each column once") if name else ("已知的列名", "a known column")
        if nearest and not name:
            zh, en = f"{zh}（是否 {nearest}？）", f"{en} (did you mean {nearest}?)"
        bad.append(BadCell(sheet, row, letter(at), "header", written, zh, en))
    missing = [name for name in required if name not in columns]
    return bad + [
        BadCell(sheet, row, "A", name, "", f"一列 {_label(name, names)}", f"a column {name}")
        for name in missing
    ]


def _label(name: str, names: dict[str, str]) -> str:
    """The column's Chinese header, if it has one, beside its name."""
    written = next((header for header, one in names.items() if one == name and not header.isascii()), "")
    return f"{written}（{name}）" if written else name


def _width_faults(sheet: str, row: int, cells: Sequence[Raw], width: int) -> Iterator[BadCell]:
    for at, cell in enumerate(cells[width:], width):
        if text_of(cell):
            yield BadCell(
                sheet, row, letter(at), "", shown(cell), "空（表头没有此列）", "nothing: no header here"
            )
