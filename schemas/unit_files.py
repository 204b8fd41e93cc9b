"""Units read from CSV into the tree that a cycle runs over (DR-02); every bad cell is reported at once.

Columns: code, parent, name, rank and, where wanted, industry (the code of the industry union that the unit may report to
instead of its parent) and `figure:NAME` (a whole number about the unit, such as its headcount).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple
from unicodedata import category, normalize

from schemas.errors import BadFile
from schemas.faults import Fault, Mark, fault_at, in_order, nearest_word
from schemas.programme import Rank
from schemas.units import Unit, UnitTree

BYTES_MAX = 32_000_000
COLUMNS = ("code", "parent", "name", "rank", "industry")
REQUIRED = ("code", "parent", "name", "rank")
TERRITORY = (Rank.ENTERPRISE, Rank.TOWNSHIP, Rank.COUNTY, Rank.PREFECTURE, Rank.PROVINCE, Rank.NATION)
"""The ranks of the territorial tree, lowest first."""
HAVE_UNIONS = (Rank.COUNTY, Rank.PREFECTURE, Rank.PROVINCE, Rank.NATION)
"""The ranks that have industry unions of their own."""
_FIGURE = re.compile(r"figure:([a-z][a-z0-9_]*)\Z")
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,39}\Z")


class Lines(NamedTuple):
    """A table that was read elsewhere, such as from a workbook: its header and its lines as text, numbered."""

    name: str
    header: tuple[str, ...]
    lines: tuple[tuple[int, tuple[str, ...]], ...]
    sheet: str


Source = Path | Lines


class Row(NamedTuple):
    """A unit and where it was written; a mark's column counts cells."""

    unit: Unit
    mark: Mark


def load_units(*paths: Source, root: str | None = None) -> UnitTree:
    """Read one tree from CSV files or lines of a workbook, the later hanging into the earlier.

    `root` is the code of its top; without it, the one unit that has no parent. Raises `BadFile` with every fault.
    """
    units, faults = check_units(*paths, root=root)
    if units is None:
        files = dict.fromkeys(fault.file for fault in faults)
        raise BadFile("FILE_FAULTS", tuple(map(str, faults)), file=", ".join(files), count=len(faults))
    return units


def merge_units(tree: UnitTree, more: Source | Iterable[Unit]) -> UnitTree:
    """`tree` with further units, such as a cycle's enterprises, from a CSV file or as they are.

    Raises `BadFile` with every fault, a code that is in the tree already among them.
    """
    name = _name(more) if isinstance(more, Path | Lines) else ""
    rows, faults = (
        _read(more) if isinstance(more, Path | Lines) else ([Row(u, Mark(file=name)) for u in more], [])
    )
    held = [Row(unit, Mark(file="")) for unit in tree.units]
    faults += _tree_faults([*held, *rows], tree.root)
    if faults:
        raise BadFile("FILE_FAULTS", tuple(map(str, in_order(faults))), file=name, count=len(faults))
    return _tree([*held, *rows], tree.root)


def check_units(*paths: Source, root: str | None = None) -> tuple[UnitTree | None, tuple[Fault, ...]]:
    """The tree of these files, or every fault that they have."""
    rows: list[Row] = []
    faults: list[Fault] = []
    for path in paths:
        found, bad = _read(path)
        rows += found
        faults += bad
    faults += _root_faults(rows, root, _name(paths[0]))
    top = root or next((row.unit.code for row in rows if not row.unit.parent), "")
    faults += _tree_faults(rows, top, whole=not faults)
    return (None, in_order(faults)) if faults else (_tree(rows, top), ())


def _tree(rows: Iterable[Row], root: str) -> UnitTree:
    return UnitTree(root=root, units=tuple(sorted((row.unit for row in rows), key=lambda unit: unit.code)))


# ---- cells ----


def _name(source: Source) -> str:
    return source.name if isinstance(source, Lines) else str(source)


def _read(path: Source) -> tuple[list[Row], list[Fault]]:
    name = _name(path)
    if isinstance(path, Lines):
        return _rows([(line, list(cells)) for line, cells in path.lines], list(path.header), name, path.sheet)
    text, fault = _text(path, name)
    if fault is not None:
        return [], [fault]
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(lines, [])]
        faults = _header_faults(header, name)
        if faults:
            return [], faults
        return _rows([(lines.line_num, cells) for cells in lines], header, name)
    except csv.Error as error:
        return [], [fault_at(Mark(file=name, line=lines.line_num, column=1), (), "csv_broken", problem=error)]


def _text(path: Path, name: str) -> tuple[str, Fault | None]:
    whole = Mark(file=name)
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
        if len(data) > BYTES_MAX:
            return "", fault_at(whole, (), "file_too_large", limit=BYTES_MAX)
        return data.decode("utf-8-sig"), None
    except OSError:
        return "", fault_at(whole, (), "file_missing", file=name)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return "", fault_at(Mark(file=name, line=line, column=1), (), "not_utf8")


def _header_faults(header: list[str], name: str) -> list[Fault]:
    faults = [
        fault_at(
            Mark(file=name, line=1, column=position),
            (),
            "column_unknown",
            nearest_word(cell, COLUMNS),
            column=cell,
        )
        for position, cell in enumerate(header, 1)
        if not (cell in COLUMNS or _FIGURE.match(cell)) or cell in header[: position - 1]
    ]
    missing = [column for column in REQUIRED if column not in header]
    return faults + [
        fault_at(Mark(file=name, line=1, column=1), (), "column_missing", column=c) for c in missing
    ]


def _rows(
    lines: list[tuple[int, list[str]]], header: list[str], name: str, sheet: str = ""
) -> tuple[list[Row], list[Fault]]:
    rows: list[Row] = []
    faults: list[Fault] = []
    for line, cells in lines:
        mark = Mark(file=name, line=line, column=1, sheet=sheet)
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            faults.append(fault_at(mark, (), "row_width", count=len(cells), wanted=len(header)))
            continue
        row, bad = _row(dict(zip(header, (cell.strip() for cell in cells), strict=True)), header, mark)
        faults += bad
        if row is not None:
            rows.append(row)
    return rows, faults


def _row(cells: Mapping[str, str], header: list[str], mark: Mark) -> tuple[Row | None, list[Fault]]:
    codes = {column: normalize("NFKC", cells.get(column, "")) for column in ("code", "parent", "industry")}
    faults: list[Fault] = []

    def refuse(column: str, code: str, nearest: str = "", /, **facts: object) -> None:
        at = mark.model_copy(update={"column": header.index(column) + 1})
        faults.append(fault_at(at, (codes["code"], column), code, nearest, **facts))

    for column in ("code", "name"):
        if not cells[column]:
            refuse(column, "cell_empty", column=column)
    if any(category(character) == "Cc" and character not in "\n\t" for character in cells["name"]):
        refuse("name", "control_character")
    for column, code in codes.items():
        if code and not _CODE.match(code):
            refuse(column, "code_form", input=code)
    rank = normalize("NFKC", cells["rank"])
    if rank not in list(Rank):
        refuse("rank", "one_of", nearest_word(rank, Rank), input=rank, expected=", ".join(Rank))
    figures = {column: normalize("NFKC", cells[column]) for column in header if _FIGURE.match(column)}
    for column, figure in figures.items():
        if figure and not re.fullmatch(r"[0-9]{1,15}", figure):
            refuse(column, "figure_form", input=figure)
    if faults:
        return None, faults
    unit = Unit(
        **codes,
        name=normalize("NFC", cells["name"]),
        rank=Rank(rank),
        figures={column.removeprefix("figure:"): int(text) for column, text in figures.items() if text},
    )
    return Row(unit, mark), []


# ---- the tree ----


def _root_faults(rows: list[Row], root: str | None, file: str) -> list[Fault]:
    tops = [row for row in rows if not row.unit.parent]
    if root is not None and root not in {row.unit.code for row in rows}:
        return [fault_at(Mark(file=file), (), "root_missing", root=root)]
    if root is None and not tops and rows:
        return [fault_at(Mark(file=file), (), "root_missing", root="")]
    top = root or (tops[0].unit.code if tops else "")
    return [
        fault_at(row.mark, (row.unit.code,), "root_twice", code=row.unit.code, root=top)
        for row in tops
        if row.unit.code != top
    ]


def _tree_faults(rows: list[Row], root: str, whole: bool = True) -> list[Fault]:
    """What keeps the rows from being one tree; `whole` is False where rows were lost and a parent may be among them."""
    by_code: dict[str, Row] = {}
    faults: list[Fault] = []
    for row in rows:
        first = by_code.setdefault(row.unit.code, row)
        if first is not row:
            where = first.mark.line or "·"
            faults.append(
                fault_at(row.mark, (row.unit.code,), "code_repeated", code=row.unit.code, first=where)
            )
    for row in rows:
        faults += _parent_faults(row, by_code, root, whole)
        faults += _industry_faults(row, by_code, whole)
    return faults + _cycles(by_code)


def _parent_faults(row: Row, by_code: Mapping[str, Row], root: str, whole: bool) -> list[Fault]:
    unit, place = row.unit, (row.unit.code, "parent")
    if unit.code == root:
        return [fault_at(row.mark, place, "root_has_parent", code=unit.code)] if unit.parent else []
    if unit.parent not in by_code:
        lost = whole and unit.parent
        return (
            [fault_at(row.mark, place, "parent_unknown", code=unit.code, parent=unit.parent)] if lost else []
        )
    parent = by_code[unit.parent].unit
    if _hangs_below(unit.rank, parent.rank):
        return []
    facts = {"code": unit.code, "rank": unit.rank, "parent": parent.code, "above": parent.rank}
    return [fault_at(row.mark, place, "parent_not_above", **facts)]


def _hangs_below(rank: Rank, above: Rank) -> bool:
    """An enterprise may belong to an industry union alone, and a union to whatever has unions."""
    if rank is Rank.INDUSTRY_UNION:
        return above in HAVE_UNIONS
    if above is Rank.INDUSTRY_UNION:
        return rank is Rank.ENTERPRISE
    return TERRITORY.index(rank) < TERRITORY.index(above)


def _industry_faults(row: Row, by_code: Mapping[str, Row], whole: bool) -> list[Fault]:
    union = row.unit.industry
    if not union or (union not in by_code and not whole):
        return []
    if union in by_code and by_code[union].unit.rank is Rank.INDUSTRY_UNION:
        return []
    return [
        fault_at(
            row.mark, (row.unit.code, "industry"), "industry_unknown", code=row.unit.code, industry=union
        )
    ]


def _cycles(by_code: Mapping[str, Row]) -> list[Fault]:
    """One fault for each circle of parents, at the member with the smallest code."""
    settled: set[str] = set()
    faults: list[Fault] = []
    for start in sorted(by_code):
        trail: list[str] = []
        code = start
        while code in by_code and code not in settled and code not in trail:
            trail.append(code)
            code = by_code[code].unit.parent
        if code in trail:
            ring = trail[trail.index(code) :]
            chain = " → ".join([*ring, code])
            faults.append(fault_at(by_code[code].mark, (code, "parent"), "unit_cycle", chain=chain))
        settled.update(trail)
    return faults
