"""The papers themselves, as bytes: 汇总表 in Excel, 推荐表, 审批表 and 公示公告 in Word, notice and certificates in PDF.

The same dossier gives the same bytes: times are the log's. Texts of people are data to the layouts, never code.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import typst

from cli.office.blanks import EPOCH
from cli.office.dossier import Dossier, Person, Told, beijing, conferral, decision, publications
from cli.office.files import same_bytes
from schemas.errors import BadFile
from schemas.events import ListPublished
from schemas.programme import Conferral, Publicity
from schemas.values import SHANGHAI

LAYOUTS = Path(__file__).with_name("layouts")
STROKES = "（按姓氏笔画为序）"
_SUMMARY_DEEDS = 100
_REHEARSAL = "【演练】本表为演练所出，不具效力"


class Published(NamedTuple):
    """All that the public sees of a nomination (DR-46)."""

    name: str
    unit: str
    title: str
    deeds: str


# ---- 汇总表 ----


def summary(dossier: Dossier, people: Sequence[Person], order: str) -> bytes:
    """A row a person with facts, components, score, place and outcome; ready to print in landscape."""
    facts = list(dict.fromkeys(label for one in people for label, _ in one.facts))
    parts = list(dict.fromkeys(label for one in people for label, _ in one.components))
    header = ["序号", "申报编号", "姓名", "性别", "出生日期", "申报单位", "岗位", "路径", "渠道", *facts]
    header += [*parts, "总分", "名次", "结果", "称号", "证书编号"]
    import xlsxwriter  # noqa: PLC0415 -- as in `_docx`

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "strings_to_formulas": False}) as workbook:
        workbook.set_properties({"title": f"{dossier.title}汇总表", "created": EPOCH})
        sheet = workbook.add_worksheet("汇总表")
        top = _head(workbook, sheet, dossier, len(header), order)
        _body(
            workbook,
            sheet,
            top,
            header,
            [_line(dossier, n, one, facts, parts) for n, one in enumerate(people, 1)],
        )
        sheet.repeat_rows(top)
        sheet.freeze_panes(top + 1, 3)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer(f"&C&8{dossier.head.place}&R&8&P/&N")
    return buffer.getvalue()


def _head(workbook: Any, sheet: Any, dossier: Dossier, width: int, order: str) -> int:
    """The title and what is below it; the row of the header."""
    big = workbook.add_format({"bold": True, "font_size": 16, "align": "center", "valign": "vcenter"})
    red = workbook.add_format({"bold": True, "font_color": "#B01C1C", "align": "center"})
    sheet.merge_range(
        0, 0, 0, width - 1, f"{dossier.title}汇总表{STROKES if order == 'strokes' else ''}", big
    )
    sheet.set_row(0, 30)
    sheet.write_string(
        1,
        0,
        f"{dossier.organiser}　{dossier.unit}　截至{beijing(dossier.head.at)}　日志 {dossier.head.place}",
    )
    if dossier.rehearsal:
        sheet.merge_range(2, 0, 2, width - 1, _REHEARSAL, red)
    return 3


def _body(workbook: Any, sheet: Any, top: int, header: list[str], lines: list[list[str]]) -> None:
    bold = workbook.add_format(
        {"bold": True, "border": 1, "align": "center", "text_wrap": True, "bg_color": "#E7E6E6"}
    )
    cell = workbook.add_format({"border": 1, "num_format": 49, "text_wrap": True, "valign": "vcenter"})
    for at, word in enumerate(header):
        widest = max(_width(text) for text in (word, *(line[at] for line in lines)))
        sheet.set_column(at, at, min(40, widest + 3))
        sheet.write_string(top, at, word, bold)
    for row, line in enumerate(lines, top + 1):
        for at, text in enumerate(line):
            sheet.write_string(row, at, text, cell)


def _width(text: str) -> int:
    """In characters of the cell's font, of which a Chinese one takes two."""
    return sum(1 if character.isascii() else 2 for character in text)


def _line(dossier: Dossier, number: int, one: Person, facts: list[str], parts: list[str]) -> list[str]:
    told, scored = dict(one.facts), dict(one.components)
    field = one.fields.get
    return [
        *(str(number), one.nomination, one.name, field("gender", ""), field("birth_date", "")),
        *(one.unit, field("post", ""), one.route, one.channel),
        *(told.get(label, "") for label in facts),
        *(scored.get(label, "") for label in parts),
        *(
            one.score,
            one.place,
            one.outcome,
            "、".join(map(dossier.titled, one.titles)),
            "、".join(one.certificates),
        ),
    ]


# ---- 推荐表, 审批表 ----


def recommendation(dossier: Dossier, one: Person, layout: Path | None = None) -> bytes:
    """One nomination's form with its facts, deeds and what each level said; the ID number is left to be written in."""
    return _docx(layout or LAYOUTS / "recommendation.docx", _form(dossier, one))


def approval(dossier: Dossier, one: Person, layout: Path | None = None) -> bytes:
    """One nomination's form for the decision: result, publicity periods, the body's decision, the conferral."""
    decided, given = decision(dossier), conferral(dossier)
    said = {
        "result": "，".join(
            filter(
                None,
                (
                    f"总分 {one.score}" if one.score else "",
                    f"第 {one.place} 名" if one.place else "",
                    one.outcome,
                ),
            )
        ),
        "published": [
            f"{beijing(event.window.opens_at)}至{until(event.window.closes_at)}，{event.day_count}"
            for event, _ in publications(dossier)
            if one.nomination in event.nominations
        ],
        "decision": _decided(dossier, one, decided),
        "conferred": _conferred(dossier, one, given[1].at) if given and one.certificates else "",
    }
    return _docx(layout or LAYOUTS / "approval.docx", _form(dossier, one) | said)


def _decided(dossier: Dossier, one: Person, decided: Any) -> str:
    if decided is None:
        return ""
    event, told = decided
    if one.nomination in event.confirmed:
        return f"{dossier.organiser}{beijing(told.at)}审定：同意。"
    reason = next((gone.reason for gone in event.removed if gone.nomination == one.nomination), "")
    return f"{dossier.organiser}{beijing(told.at)}审定：移除（{reason}）。" if reason else ""


def _conferred(dossier: Dossier, one: Person, at: datetime) -> str:
    titles = "、".join(map(dossier.titled, one.titles))
    return f"{beijing(at)}授予“{titles}”称号，证书编号 {'、'.join(one.certificates)}。"


def _form(dossier: Dossier, one: Person) -> dict[str, Any]:
    fields = ("gender", "birth_date", "phone", "employer", "post", "deeds")
    return {
        **{name: one.fields.get(name, "") for name in fields},
        "title": dossier.title,
        "organiser": dossier.organiser,
        "source": dossier.head.place,
        "rehearsal": dossier.rehearsal,
        "nomination": one.nomination,
        "name": one.name,
        "unit": one.unit,
        "route": one.route,
        "channel": one.channel,
        "facts": one.facts,
        "opinions": one.opinions,
        "titles": "、".join(map(dossier.titled, one.titles)) or _intended(dossier),
        "certificates": "、".join(one.certificates),
    }


# ---- 公示公告 ----


def notice(
    dossier: Dossier,
    published: tuple[ListPublished, Told],
    people: Sequence[Person],
    contact: str,
    order: str,
    anchor: str = "",
) -> dict[str, Any]:
    """What a notice says, for `notice_docx` and `notice_pdf`: of a person no more than `Published` has (DR-46).

    `anchor` is the checkpoint, as `SIZE:ROOT`, of the log that has this publication in it.
    """
    event, told = published
    step = publicity_step(dossier, event.step)
    first = published == publications(dossier)[0]
    listed = [_published(dossier, one) for one in people]
    return {
        "title": f"关于{dossier.title}{'' if first else '递补'}人选的公示",
        "opening": f"根据《{dossier.title}》评选办法，经逐级推荐和评审，现将{len(listed)}名{'' if first else '递补'}人选予以公示，接受监督。",
        "opens": beijing(event.window.opens_at),
        "closes": until(event.window.closes_at),
        "day_count": event.day_count,
        "objections": how_to_object(step),
        "contact": contact,
        "people": [[str(n), *one] for n, one in enumerate(listed, 1)],
        "order": STROKES if order == "strokes" else "",
        "organiser": dossier.organiser,
        "unit": dossier.unit,
        "day": beijing(event.window.opens_at),
        "source": told.place,
        "anchor": f"日志存证 {anchor}" if anchor else "",
        "made": int(told.at.timestamp()),
        "rehearsal": event.rehearsal,
    }


def how_to_object(step: Publicity) -> str:
    """In whose name, and until when, as a notice prints it (DR-29)."""
    named = {
        True: "可实名或匿名反映，并提供事实依据",
        False: "请以实名反映，并提供事实依据，匿名反映不予受理",
        "with_evidence_only": "请以实名反映，并提供事实依据，匿名反映未附证据材料的不予受理",
    }[step.accept_anonymous]
    return f"公示期内，对公示人选有异议的，{named}；{_by_post(step)}公示期满后的反映不作为本次公示的异议。"


def _by_post(step: Publicity) -> str:
    if step.by_post is None:
        return ""
    days = f"{step.by_post.days}个{'工作日' if step.by_post.unit == 'work_day' else '自然日'}"
    return f"邮寄的以邮戳日期为准，并须在公示期满后{days}内寄达；"


def notice_docx(said: dict[str, Any], layout: Path | None = None) -> bytes:
    return _docx(layout or LAYOUTS / "notice.docx", said)


def notice_pdf(said: dict[str, Any]) -> bytes:
    return _pdf("notice.typ", said)


def until(closes_at: datetime) -> str:
    """The end of a window as people say it: midnight is 24:00 of the day before."""
    end = closes_at.astimezone(SHANGHAI)
    if (end.hour, end.minute) == (0, 0):
        return f"{beijing(end - timedelta(days=1))}24:00"
    return f"{beijing(end)}{end:%H:%M}"


def publicity_step(dossier: Dossier, step: str) -> Publicity:
    """The declared publicity step."""
    rank = dossier.pinned.tree.by_code[dossier.stream.rsplit("/", 1)[1]].rank
    found = dossier.pinned.programme.stages[rank].step(step)
    assert isinstance(found, Publicity), "a list is published by a publicity step"
    return found


def _published(dossier: Dossier, one: Person) -> Published:
    deeds = " ".join(one.fields.get("deeds", "").split())
    short = deeds if len(deeds) <= _SUMMARY_DEEDS else deeds[: _SUMMARY_DEEDS - 1] + "…"
    titles = "、".join(map(dossier.titled, one.titles)) or _intended(dossier)
    return Published(one.name, one.fields.get("employer") or one.unit, titles, short)


def _intended(dossier: Dossier) -> str:
    """The title that this round will confer, where it confers one only."""
    rank = dossier.pinned.tree.by_code[dossier.stream.rsplit("/", 1)[1]].rank
    steps = dossier.pinned.programme.stages[rank].steps
    titles = {grade.title for step in steps if isinstance(step, Conferral) for grade in step.grades}
    return dossier.titled(titles.pop()) if len(titles) == 1 else ""


# ---- 证书 ----


def certificates(dossier: Dossier, people: Sequence[Person], told: Told) -> bytes:
    """A page for each certificate, in the order of `people`."""
    pages = [
        {
            "name": one.name,
            "unit": one.fields.get("employer") or one.unit,
            "title": dossier.titled(title),
            "certificate": number,
        }
        for one in people
        for title, number in zip(one.titles, one.certificates, strict=True)
    ]
    said = {
        "title": f"{dossier.title}证书",
        "programme": dossier.title,
        "unit": dossier.unit,
        "organiser": dossier.organiser,
        "day": beijing(told.at),
        "source": told.place,
        "made": int(told.at.timestamp()),
        "rehearsal": dossier.rehearsal,
        "certificates": pages,
    }
    return _pdf("certificates.typ", said)


# ---- Word and PDF ----


def _docx(layout: Path, said: dict[str, Any]) -> bytes:
    """The layout with what is said filled in; a layout of somebody's own is a template without power over anything."""
    from docxtpl import DocxTemplate  # noqa: PLC0415 -- at its head, every command would start later
    from jinja2.sandbox import SandboxedEnvironment  # noqa: PLC0415 -- as above

    buffer = io.BytesIO()
    try:
        document = DocxTemplate(layout)
        document.render(said, jinja_env=SandboxedEnvironment(autoescape=True))
        document.save(buffer)
    except Exception as fault:
        raise BadFile(
            "FILE_FAULTS", (f"{layout}: {type(fault).__name__}: {fault}",), file=layout, count=1
        ) from fault
    return same_bytes(buffer.getvalue())


def _pdf(layout: str, said: dict[str, Any]) -> bytes:
    found = typst.compile(
        LAYOUTS / layout,
        root=LAYOUTS,
        font_paths=[Path(str(files("manimgx_fonts_cjk")))],
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"data": json.dumps(said, ensure_ascii=False)},
        timestamp=said["made"],
    )
    assert isinstance(found, bytes), "a PDF is one file"
    return found
