"""Tables that people fill in, CSV or Excel, as cells with their places; and how a bad cell is told.

NOTE: Excel keeps numbers to 15 digits, so an ID of 18 digits typed as a number has lost its last three for good.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import NamedTuple
from unicodedata import category, normalize

from python_calamine import CalamineError, CalamineWorkbook, WorksheetNotFound, load_workbook

from runtime.settings import Language
from schemas.errors import BadFile
from schemas.faults import nearest_word

BYTES_MAX = 32_000_000
ROWS_MAX = 50_000
_EXACT_DIGITS = 15
_EXCEL_ERRORS = {"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"}

Raw = str | int | float | bool | date | datetime | time | object


class BadCell(NamedTuple):
    """A cell that cannot be taken: where it stands (row 1 is the header), what was found, what was expected."""

    sheet: str
    row: int
    column: str  # the letter, as Excel shows it
    name: str  # the column's meaning, such as `identity`
    found: str
    expected_zh: str
    expected_en: str

    def message(self, language: Language) -> str:
        """One line for a person."""
        if language is Language.ZH:
            place = f"{self.sheet} 第 {self.row} 行 {self.column} 列（{self.name}）"
            return f"{place}：“{self.found}”有误，应为{self.expected_zh}"
        place = f"{self.sheet} row {self.row}, column {self.column} ({self.name})"
        return f"{place}: found {self.found!r}, expected {self.expected_en}"


class BadCells(BadFile):
    """A table with bad cells, in order; nothing of it was stored."""

    def __init__(self, file: Path, cells: Sequence[BadCell], language: Language) -> None:
        self.cells = tuple(cells)
        lines = tuple(cell.message(language) for cell in cells)
        super().__init__("FILE_FAULTS", lines, file=file, count=len(cells))


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
    """A sheet with a known header: the letter of each column, and the rows that hold anything."""

    sheet: str
    letters: dict[str, str]
    rows: tuple[Row, ...]

    def bad(self, row: int, name: str, found: object, expected: Expected) -> BadCell:
        letter = self.letters.get(name, "A")
        return BadCell(self.sheet, row, letter, name, shown(found), expected.zh, expected.en)


def read_table(
    path: Path, names: dict[str, str], required: Iterable[str], sheet: str = ""
) -> tuple[Table, list[BadCell]]:
    """The sheet (by default the first) of a CSV or Excel file, and what is wrong with its header and shape.

    `names` maps every accepted header to the column's name. Raises `BadFile` where no table can be read at all.
    """
    title, raw = _csv(path) if path.suffix.lower() in {".csv", ".txt"} else _excel(path, sheet)
    header = [text_of(cell) for cell in raw[0]] if raw else []
    while header and not header[-1]:
        header.pop()
    columns = [names.get(written, names.get(written.lower(), "")) for written in header]
    letters = {name: letter(at) for at, name in enumerate(columns) if name}
    bad = _header_faults(title, header, columns, names, required)
    rows = []
    for number, cells in enumerate(raw[1:], 2):
        if any(text_of(cell) for cell in cells):
            bad += _width_faults(title, number, cells, len(header))
            filled = [*cells, *[""] * len(header)]
            rows.append(Row(number, {name: filled[at] for at, name in enumerate(columns) if name}))
    return Table(title, letters, tuple(rows)), bad


def letter(at: int) -> str:
    """Excel's letters of a column counted from 0: A … Z, AA …"""
    return (letter(at // 26 - 1) if at >= 26 else "") + chr(ord("A") + at % 26)


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
    """Free text, which may be empty; refuses Excel's error values and control characters."""
    text = text_of(cell)
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
    if isinstance(cell, float) and not cell.is_integer():
        raise Expected("代码", "a code")
    return "".join(normalize("NFKC", filled(cell)).split())


def exact_number(cell: Raw) -> None:
    """Refuse what has lost digits: a number beyond 15 of them, or its scientific form as text."""
    digits = isinstance(cell, int | float) and abs(cell) >= 10**_EXACT_DIGITS
    if digits or _scientific(text_of(cell)):
        raise Expected(
            "文本格式的号码；此列存为数字，末位已丢失，请改为文本后重新输入",
            "the number as text: this cell holds a number and its last digits are lost; format it as text, type again",
        )


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


def _scientific(text: str) -> bool:
    mantissa, found, exponent = text.upper().partition("E+")
    return bool(found) and mantissa.replace(".", "", 1).isdigit() and exponent.isdigit()


# ---- files ----


def _header_faults(
    sheet: str, header: Sequence[str], columns: Sequence[str], names: dict[str, str], required: Iterable[str]
) -> list[BadCell]:
    bad = []
    for at, (written, name) in enumerate(zip(header, columns, strict=True)):
        if name and name not in columns[:at]:
            continue
        nearest = nearest_word(written, names)
        zh, en = ("不重复的列", "each column once") if name else ("已知的列名", "a known column")
        if nearest and not name:
            zh, en = f"{zh}（是否 {nearest}？）", f"{en} (did you mean {nearest}?)"
        bad.append(BadCell(sheet, 1, letter(at), "header", written, zh, en))
    missing = [name for name in required if name not in columns]
    return bad + [BadCell(sheet, 1, "A", name, "", f"一列 {name}", f"a column {name}") for name in missing]


def _width_faults(sheet: str, row: int, cells: Sequence[Raw], width: int) -> Iterator[BadCell]:
    for at, cell in enumerate(cells[width:], width):
        if text_of(cell):
            yield BadCell(
                sheet, row, letter(at), "", shown(cell), "空（表头没有此列）", "nothing: no header here"
            )


def _csv(path: Path) -> tuple[str, list[list[Raw]]]:
    try:
        text = _bytes(path).decode("utf-8-sig")
        rows: list[list[Raw]] = [
            list(cells) for cells in csv.reader(io.StringIO(text, newline=""), strict=True)
        ]
    except UnicodeDecodeError:
        raise _unreadable(path, "不是 UTF-8；请另存为“CSV UTF-8” / not UTF-8; save it as CSV UTF-8") from None
    except csv.Error as fault:
        raise _unreadable(path, str(fault)) from None
    return path.name, _bounded(path, rows)


def _excel(path: Path, sheet: str) -> tuple[str, list[list[Raw]]]:
    try:
        workbook: CalamineWorkbook = load_workbook(io.BytesIO(_bytes(path)))
        name = sheet or workbook.sheet_names[0]
        cells = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
    except WorksheetNotFound:
        names = "、".join(workbook.sheet_names)
        raise _unreadable(path, f"没有工作表 {sheet}，有 / no such sheet; there are: {names}") from None
    except CalamineError as fault:
        raise _unreadable(path, str(fault)) from None
    return name, _bounded(path, [list(row) for row in cells])


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except OSError as fault:
        raise _unreadable(path, fault.strerror or str(fault)) from None
    if len(data) > BYTES_MAX:
        raise _unreadable(path, f"> {BYTES_MAX} bytes")
    return data


def _bounded(path: Path, rows: list[list[Raw]]) -> list[list[Raw]]:
    if len(rows) > ROWS_MAX:
        raise _unreadable(path, f"> {ROWS_MAX} rows")
    return rows


def _unreadable(path: Path, fault: str) -> BadFile:
    return BadFile("FILE_FAULTS", (f"{path}: {fault}",), file=path, count=1)
