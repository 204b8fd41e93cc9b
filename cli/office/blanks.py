"""Sheets to fill in, made from a programme: headers, drop-downs, checks and formats, and how to fill them in.

What is written here, `cli.sheets` reads back. The same programme gives the same bytes.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from cli.nomination_file import ADDRESSING, OF_TEAMS, PERSONAL, REQUIRED, headers
from cli.office.score_file import HEADERS, VOTES
from cli.office.unit_sheets import SEAT_HEADERS, UNIT_HEADERS
from runtime.settings import Language
from schemas import unit_files
from schemas.canonical import canonical_bytes, digest
from schemas.programme import Channel, ExpertReview, Fact, Intake, Programme, Rank
from schemas.units import Unit, UnitTree
from schemas.words import RANK_WORDS

ROWS = 2_000
"""How many rows below the header are checked as they are typed."""
EPOCH = datetime(1980, 1, 1)  # noqa: DTZ001 -- a workbook's properties have no zone
"""When every workbook was made, so that the same content is the same bytes."""
_FORMATS = {"text": 49, "integer": "0", "decimal": "General", "date": "yyyy-mm-dd", "choice": 49}
"""Excel's number formats; 49 is its own for text."""
_HOW: dict[str, tuple[str, str]] = {
    "text": (
        "文本；号码须为文本格式，不得丢失末位",
        "text; numbers of documents stay text, so that no digit is lost",
    ),
    "integer": ("整数", "a whole number"),
    "decimal": ("数字", "a number"),
    "date": ("日期，如 2024-01-30 或 2024年1月30日", "a date such as 2024-01-30"),
    "choice": ("从下拉框中选", "one from the drop-down"),
}

_LIST_MAX = 255
"""How many characters Excel takes for a drop-down that is written in the cell's own check."""

Kind = Literal["text", "integer", "decimal", "date", "choice"]


class Column(NamedTuple):
    """A column to fill in: the name it is read by, its header, what may be typed, and a note."""

    name: str
    header: str
    kind: Kind = "text"
    required: bool = False
    options: tuple[str, ...] = ()
    least: Fraction | None = None
    most: Fraction | None = None
    note: str = ""


class Guide(NamedTuple):
    """What the guide says above the list of columns, and what the programme assumes, below it."""

    lines: tuple[str, ...]
    assumed: tuple[str, ...] = ()


class Blank(NamedTuple):
    """A sheet to fill in: its title, columns, what is filled in already, and what the guide says beside the columns."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...] = ()
    guide: Guide = Guide(())
    units: tuple[Unit, ...] = ()  # the codes to choose from, for a column `unit`


# ---- what to fill in ----


def nominations(programme: Programme, tree: UnitTree, language: Language, below: str = "") -> Blank:
    """A row a nomination: where it enters, the identity, the facts that the programme asks for, personal data."""
    ranks = {
        rank for rank, stage in programme.stages.items() for step in stage.steps if isinstance(step, Intake)
    }
    units = tuple(
        unit for unit in tree.units if unit.rank in ranks and (not below or tree.within(unit.code, below))
    )
    channels = sorted(
        {channel for _, step in _intakes(programme) for channel in step.channels} - {Channel.FEED}
    )
    choices = {"route": tuple(route.id for route in programme.routes), "channel": tuple(channels)}
    columns = [
        Column(
            name,
            _header(name, zh, programme, language),
            "choice" if name in choices else "text",
            name in REQUIRED,
            choices.get(name, ()),
            note=_NOTES.get(name, ("", ""))[list(Language).index(language)],
        )
        for name, zh in ADDRESSING.items()
        if programme.members or name not in OF_TEAMS
    ]
    columns += [_fact_column(id, fact, programme, language) for id, fact in programme.asked.items()]
    columns += [
        Column(
            name,
            _header(name, zh, programme, language),
            "date" if name == "birth_date" else "text",
            name in REQUIRED,
        )
        for name, zh in PERSONAL.items()
        if name not in programme.facts
    ]
    return Blank(
        _title(programme, "申报表", "nominations", language),
        tuple(columns),
        units=units,
        guide=_guide(programme, language),
    )


_NOTES = {
    "leader": ("领衔人：证件号=姓名", "the leader: IDENTITY=NAME"),
    "members": ("其余成员：证件号=姓名，用“、”分开", "the other members: IDENTITY=NAME, separated by commas"),
    "unit": ("申报单位的代码，见工作表“单位”", "the code of the nominating unit, see the sheet of units"),
    "route": ("可空：取该单位的第一条路径", "may be empty: the first by which the unit has a way up"),
    "channel": ("可空：单位推荐（unit）", "may be empty: unit"),
    "sponsors": ("联名申报时填写，用逗号分隔", "for a joint nomination, separated by commas"),
    "identity": (
        "只入保管库，不入日志；按校验位核对",
        "goes to the vault, never to the log; its check digit is checked",
    ),
}


def scores(
    programme: Programme, review: ExpertReview, language: Language, listed: Sequence[str] = ()
) -> Blank:
    """A judge's sheet: a row a nomination, with a score on the step's scale (one a criterion), or a vote."""
    pick = list(Language).index(language)
    nomination = Column("nomination", (HEADERS["nomination"], "nomination")[pick], required=True)
    if review.mode == "vote":
        words = (tuple(VOTES.values()), tuple(VOTES))[pick]
        marks = [Column("vote", (HEADERS["vote"], "vote")[pick], "choice", required=True, options=words)]
    else:
        assert review.scale is not None, "a review by score has a scale"
        scale = review.scale
        low, high, step = (_decimal(one) for one in (scale.minimum, scale.maximum, scale.step))
        note = (f"{low} 至 {high}，每 {step} 一档", f"{low} to {high} in steps of {step}")[pick]
        headers = {one.id: (one.label.zh, one.id)[pick] for one in review.rubric}
        marks = [
            Column(name, header, "decimal", True, (), scale.minimum, scale.maximum, note)
            for name, header in (headers or {"score": (HEADERS["score"], "score")[pick]}).items()
        ]
    rows = tuple((nomination_id, *[""] * len(marks)) for nomination_id in listed)
    return Blank(
        _title(programme, "评分表", "score sheet", language),
        (nomination, *marks),
        rows,
        _guide(programme, language),
    )


def units(programme: Programme, language: Language) -> Blank:
    """A row a unit that hangs into the programme's tree."""
    pick = list(Language).index(language)
    ranks = tuple(words[0] if pick == 0 else rank for rank, words in RANK_WORDS.items())
    columns = tuple(
        Column(
            name,
            (UNIT_HEADERS[name], name)[pick],
            "choice" if name == "rank" else "text",
            name in unit_files.REQUIRED and name != "parent",
            ranks if name == "rank" else (),
        )
        for name in unit_files.COLUMNS
    )
    return Blank(_title(programme, "单位表", "units", language), columns, guide=_guide(programme, language))


def seats(programme: Programme, tree: UnitTree, rank: Rank, language: Language) -> Blank:
    """A row a unit of one rank, each with the seats that it is given, and what it puts forward at least."""
    pick = list(Language).index(language)
    columns = (
        Column("unit", (SEAT_HEADERS["unit"], "unit")[pick], required=True),
        Column("name", (SEAT_HEADERS["name"], "name")[pick]),
        Column("seats", (SEAT_HEADERS["seats"], "seats")[pick], "integer", required=True, least=Fraction(0)),
        Column("minimum", (SEAT_HEADERS["minimum"], "minimum")[pick], "integer", least=Fraction(0)),
    )
    rows = tuple((unit.code, unit.name, "", "") for unit in tree.units if unit.rank is rank)
    return Blank(
        _title(programme, "名额分配表", "seats", language), columns, rows, _guide(programme, language)
    )


def _fact_column(id: str, fact: Fact, programme: Programme, language: Language) -> Column:
    header = _header(id, fact.label.zh, programme, language, fact.label.en)
    match fact.type:
        case "boolean":
            words = ("是", "否") if language is Language.ZH else ("yes", "no")
            return Column(id, header, "choice", fact.required, words)
        case "choice":
            return Column(id, header, "choice", fact.required, fact.of)
        case "integer":
            return Column(id, header, "integer", fact.required)
        case "date":
            return Column(id, header, "date", fact.required)


def _header(name: str, zh: str, programme: Programme, language: Language, en: str = "") -> str:
    """The label in that language where reading it leads back to this column, else the name itself."""
    label = zh if language is Language.ZH else en or name
    known = headers(programme)
    return label if known.get(label, known.get(label.lower())) == name else name


def _intakes(programme: Programme) -> list[tuple[Rank, Intake]]:
    return [
        (rank, step)
        for rank, stage in programme.stages.items()
        for step in stage.steps
        if isinstance(step, Intake)
    ]


def _title(programme: Programme, zh: str, en: str, language: Language) -> str:
    return f"{programme.title.zh} {zh}" if language is Language.ZH else f"{programme.title.en} – {en}"


def _guide(programme: Programme, language: Language) -> Guide:
    zh = language is Language.ZH
    said = (
        f"评选办法：{programme.programme} 第 {programme.edition} 届，{digest(canonical_bytes(programme))}"
        if zh
        else f"programme {programme.programme}, edition {programme.edition}, {digest(canonical_bytes(programme))}",
        "一行一项；不要改动表头，不要合并单元格，不要隐藏行。带 * 的必填。"
        if zh
        else "One row each; leave the header as it is, merge no cells, hide no rows. Columns with * must be filled.",
        "导入时逐格检查，一次报出全部有误的单元格；有一格有误则全部不存。"
        if zh
        else "On import every cell is checked and every bad one is told at once; with a bad one nothing is stored.",
    )
    assumed = "本办法中以下为假设，来源未载明：" if zh else "Assumed here, as no source states it:"
    lines = [f"{one.path} = {one.value}（{one.why}）" for one in programme.assumptions]
    return Guide(said, (assumed, *lines) if lines else ())


def _decimal(value: Fraction) -> str:
    return format(float(value), ".15g")


# ---- the workbook ----


def write_blank(blank: Blank, language: Language) -> bytes:
    """The workbook: the sheet to fill in, the guide, and the units to choose from."""
    import xlsxwriter  # noqa: PLC0415 -- at its head, every command would start later

    zh = language is Language.ZH
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False}) as workbook:
        workbook.set_properties({"title": blank.title, "created": EPOCH})
        sheet = workbook.add_worksheet("填报" if zh else "fill in")
        guide = workbook.add_worksheet("说明" if zh else "guide")
        _write_columns(workbook, sheet, blank, _write_lists(workbook, blank, zh), language)
        _write_guide(workbook, guide, blank, language)
    return buffer.getvalue()


def _write_columns(
    workbook: Any, sheet: Any, blank: Blank, lists: dict[str, str], language: Language
) -> None:
    pick = list(Language).index(language)
    needed = workbook.add_format({"bold": True, "bg_color": "#FCE4D6", "border": 1, "text_wrap": True})
    optional = workbook.add_format({"bold": True, "bg_color": "#E7E6E6", "border": 1, "text_wrap": True})
    for at, column in enumerate(blank.columns):
        cells = workbook.add_format({"num_format": _FORMATS[column.kind]})
        sheet.set_column(at, at, max(12, len(column.header) * 2 + 4), cells)
        sheet.write_string(
            0, at, column.header + ("*" if column.required else ""), needed if column.required else optional
        )
        sheet.write_comment(
            0, at, f"{column.name}\n{column.note or _HOW[column.kind][pick]}", {"author": "xuanshu"}
        )
        checked = _validation(column, lists.get(column.name, ""), pick)
        if checked:
            sheet.data_validation(1, at, ROWS, at, checked)
    for row, values in enumerate(blank.rows, 1):
        for at, value in enumerate(values):
            if value:
                sheet.write_string(row, at, value)
    sheet.freeze_panes(1, 0)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)


def _validation(column: Column, listed: str, pick: int) -> dict[str, Any]:
    """What Excel itself checks as a cell is typed."""
    told = {
        "input_title": column.header[:32],
        "input_message": (column.note or _HOW[column.kind][pick])[:255],
    }
    if listed:
        return {"validate": "list", "source": listed, "error_type": "warning", **told}
    match column.kind:
        case "choice":
            return {"validate": "list", "source": list(column.options), **told}
        case "integer" | "decimal":
            bounds = _bounds(column)
            return {"validate": column.kind, **bounds, **told}
        case "date":
            first, last = date(1900, 1, 2), date(2199, 12, 31)
            return {"validate": "date", "criteria": "between", "minimum": first, "maximum": last, **told}
        case "text":
            return {"validate": "any", **told}


def _bounds(column: Column) -> dict[str, Any]:
    if column.least is not None and column.most is not None:
        return {"criteria": "between", "minimum": float(column.least), "maximum": float(column.most)}
    least = 0 if column.least is None and column.kind == "decimal" else column.least
    return {"criteria": ">=", "value": -(10**9) if least is None else float(least)}


def _write_guide(workbook: Any, sheet: Any, blank: Blank, language: Language) -> None:
    pick = list(Language).index(language)
    bold, wrapped = (
        workbook.add_format({"bold": True}),
        workbook.add_format({"text_wrap": True, "valign": "top"}),
    )
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 22)
    sheet.set_column(2, 2, 10)
    sheet.set_column(3, 3, 70)
    sheet.write_string(0, 0, blank.title, workbook.add_format({"bold": True, "font_size": 14}))
    _write_lines(sheet, 2, blank.guide.lines, wrapped)
    top = len(blank.guide.lines) + 3
    for at, word in enumerate((("列", "标识", "必填", "填写"), ("column", "id", "required", "how"))[pick]):
        sheet.write_string(top, at, word, bold)
    for row, column in enumerate(blank.columns, top + 1):
        how = "；".join(filter(None, (_HOW[column.kind][pick], column.note, " / ".join(column.options))))
        yes = ("是", "yes")[pick] if column.required else ""
        for at, text in enumerate((column.header, column.name, yes, how)):
            sheet.write_string(row, at, text, wrapped)
    _write_lines(sheet, top + len(blank.columns) + 2, blank.guide.assumed, wrapped)


def _write_lines(sheet: Any, top: int, lines: Iterable[str], wrapped: Any) -> None:
    """Each over all four columns; Excel gives merged cells no height of their own."""
    for row, line in enumerate(lines, top):
        sheet.merge_range(row, 0, row, 3, line, wrapped)
        sheet.set_row(row, 16 * (1 + len(line.encode()) // 150))


def _write_lists(workbook: Any, blank: Blank, zh: bool) -> dict[str, str]:
    """Sheets of what is too long for a cell's own list: the range to choose from, by column."""
    lists = {
        column.name: column.options for column in blank.columns if len(",".join(column.options)) > _LIST_MAX
    }
    ranges = {
        name: _write_list(workbook, f"{'选项' if zh else 'choices'} {number}", [(one,) for one in options])
        for number, (name, options) in enumerate(lists.items(), 1)
    }
    if blank.units:
        rows = [(unit.code, unit.name) for unit in blank.units]
        ranges["unit"] = _write_list(workbook, "单位" if zh else "units", rows)
    return ranges


def _write_list(workbook: Any, title: str, rows: Sequence[tuple[str, ...]]) -> str:
    """A sheet of these rows; the range of its first column."""
    sheet = workbook.add_worksheet(title)
    sheet.set_column(0, 0, 16, workbook.add_format({"num_format": _FORMATS["text"]}))
    sheet.set_column(1, 1, 40)
    for row, cells in enumerate(rows):
        for at, text in enumerate(cells):
            sheet.write_string(row, at, text)
    return f"='{title}'!$A$1:$A${len(rows)}"
