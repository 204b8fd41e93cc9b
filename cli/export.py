"""`export`: the papers of a round, from the log, with names from the vault for the officer who asks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from cli.desk import AtDesk, Cycle, Desk, Signed, command, round_at
from cli.office import papers
from cli.office.dossier import Dossier, Person, conferral, decision, gather, ordered, publications, uncounted
from cli.office.files import put
from cli.output import Outcome
from proof.note import encoded
from schemas import names
from schemas.commands import NoteExport, Paper
from schemas.errors import BadUsage, Refused
from schemas.ledger import JsonObject
from store.auditing import snapshot
from store.receipts import checkpoint_holding

Order = Annotated[
    Literal["rank", "strokes"],
    Parameter(help="rank 按名次，strokes 按姓氏笔画 · by place, or by the strokes of the surname"),
]
OfRound = Annotated[
    str,
    Parameter(name="--round", help="评审轮，默认终轮 · a round; by default the one where all routes meet"),
]
Only = Annotated[tuple[str, ...], Parameter(name="--nomination", help="仅此申报，可多次 · only these")]
Taken = tuple[Paper, Signed, Desk]
"""Which paper, who takes it, and where."""
Folder = Annotated[Path, Parameter(help="写入的文件夹，须已存在 · the folder to write to; it must be there")]
Out = Annotated[Path, Parameter(help="写入的文件，不得已存在 · the file to write; it must not be there yet")]
Layout = Annotated[
    Path | None,
    Parameter(help="自备的 Word 版式（docx，Jinja 标记） · a Word layout of your own with Jinja tags"),
]
_SIGNED = "--as s-1 --role operator --unit 51"
_CYCLE = "sichuan-craftsman.1"


@command(
    "export summary",
    zh="汇总表（xlsx）：一轮的全部申报及其事项、分项得分、总分、名次、结果、证书编号。姓名取自保管库，须有授权。",
    en="Everybody of a round in Excel: facts, components, score, place, outcome, certificate. Names come from the vault, "
    "for an operator or an officer of that unit or one above.",
    example=f"export summary {_CYCLE} --out summary.xlsx --order strokes {_SIGNED}",
)
async def summary(
    cycle: Cycle, *, round_: OfRound = "", order: Order = "rank", out: Out, signed: Signed, desk: AtDesk
) -> Outcome:
    dossier = await _dossier(desk, cycle, round_, signed)
    people = ordered(dossier.people.values(), order)
    return await _put(
        [(out, papers.summary(dossier, people, order))], dossier, people, order, ("summary", signed, desk)
    )


@command(
    "export recommendation",
    zh="推荐表（docx）：每项申报一份，文件名为申报编号；公民身份号码不在系统中，留空手填。",
    en="A form in Word for each nomination still in the round, named by its id. The ID number is not kept and is left blank.",
    example=f"export recommendation {_CYCLE} --round round/{_CYCLE}/territorial/5101 --out forms {_SIGNED}",
)
async def recommendation(
    cycle: Cycle,
    *,
    round_: OfRound = "",
    nomination: Only = (),
    layout: Layout = None,
    out: Folder,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    dossier = await _dossier(desk, cycle, round_, signed)
    people = _chosen(dossier, nomination or _still_in(dossier))
    made = [(out / f"{one.nomination}.docx", papers.recommendation(dossier, one, layout)) for one in people]
    return await _put(made, dossier, people, "rank", ("recommendation", signed, desk))


@command(
    "export publicity",
    zh="公示公告（docx 或 pdf，依文件名）：姓名、单位、拟授称号、事迹摘要，公示期与计日方式照日志所记；演练标明【演练】。",
    en="The notice of a publicity period, docx or pdf by the file's name: name, unit, title, deeds in short; the period "
    "as the log has it; rehearsals are marked.",
    example=f'export publicity {_CYCLE} --contact "省总工会 028-0000000" --out notice.pdf --order strokes {_SIGNED}',
)
async def publicity(
    cycle: Cycle,
    *,
    round_: OfRound = "",
    contact: Annotated[str, Parameter(help="受理异议的单位、电话、地址 · where to object")],
    published: Annotated[
        int,
        Parameter(help="第几次公示，默认最近一次 · which publication, counted from 1; by default the last"),
    ] = 0,
    order: Order = "rank",
    layout: Layout = None,
    out: Out,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    kind = out.suffix.lower()
    if kind not in (".docx", ".pdf"):
        raise BadUsage("USAGE", fault=f"--out {out}: .docx | .pdf")
    dossier = await _dossier(desk, cycle, round_, signed)
    events = publications(dossier)
    if not events or not 0 <= published <= len(events):
        raise Refused("NOT_FOUND", what=f"{dossier.stream} ListPublished {published or ''}".strip())
    chosen = events[published - 1]
    people = ordered(_chosen(dossier, chosen[0].nominations), order)
    anchor = await _anchor(desk, dossier.stream, chosen[1].seq)
    said = papers.notice(dossier, chosen, people, contact, order, anchor)
    made = papers.notice_pdf(said) if kind == ".pdf" else papers.notice_docx(said, layout)
    return await _put([(out, made)], dossier, people, order, ("publicity", signed, desk), checkpoint=anchor)


async def _anchor(desk: Desk, stream: str, seq: int) -> str:
    """The first checkpoint that holds the event, so that the same notice has the same bytes later too."""
    async with snapshot(desk.audit_dsn) as connection:
        found = await checkpoint_holding(connection, stream, seq)
    return f"{found.size}:{encoded(found.root)}" if found else ""


@command(
    "export approval",
    zh="审批表（docx）：每项申报一份：评审结果、公示情况、审定意见、命名。",
    en="A form in Word for each nomination on the list: result, publicity, decision, conferral.",
    example=f"export approval {_CYCLE} --out forms {_SIGNED}",
)
async def approval(
    cycle: Cycle,
    *,
    round_: OfRound = "",
    nomination: Only = (),
    layout: Layout = None,
    out: Folder,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    dossier = await _dossier(desk, cycle, round_, signed)
    decided = decision(dossier)
    people = _chosen(dossier, nomination or (decided[0].confirmed if decided else _still_in(dossier)))
    made = [(out / f"{one.nomination}.docx", papers.approval(dossier, one, layout)) for one in people]
    return await _put(made, dossier, people, "rank", ("approval", signed, desk))


@command(
    "export certificates",
    zh="证书（pdf）：命名后每个证书编号一页。",
    en="Certificates in PDF, a page for each number, once the titles are conferred.",
    example=f"export certificates {_CYCLE} --out certificates.pdf {_SIGNED}",
)
async def certificates(
    cycle: Cycle,
    *,
    round_: OfRound = "",
    nomination: Only = (),
    order: Order = "rank",
    out: Out,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    dossier = await _dossier(desk, cycle, round_, signed)
    given = conferral(dossier)
    if given is None:
        raise Refused("NOT_FOUND", what=f"{dossier.stream} TitlesConferred")
    event, told = given
    ids = nomination or tuple(dict.fromkeys(one.nomination for one in event.conferred))
    people = ordered(_chosen(dossier, ids), order)
    return await _put(
        [(out, papers.certificates(dossier, people, told))],
        dossier,
        people,
        order,
        ("certificates", signed, desk),
    )


async def _dossier(desk: Desk, cycle: str, round_: str, signed: Signed) -> Dossier:
    stream = round_at(round_, cycle) if round_ else ""
    return await gather(desk, cycle, stream, signed.actor)


def _still_in(dossier: Dossier) -> tuple[str, ...]:
    return tuple(id for id, one in dossier.people.items() if one.outcome in ("在评", "入选", "命名"))


def _chosen(dossier: Dossier, ids: Sequence[str]) -> tuple[Person, ...]:
    """Those people, in that order; Refused NOT_A_MEMBER for one who never was in the round."""
    for id in ids:
        if id not in dossier.people:
            raise Refused("NOT_A_MEMBER", nomination=id, round=dossier.stream)
    return tuple(dossier.people[id] for id in ids)


async def _put(
    files: Sequence[tuple[Path, bytes]],
    dossier: Dossier,
    people: Sequence[Person],
    order: str,
    taken: Taken,
    **also: str,
) -> Outcome:
    """Record who takes what, then write and tell; no name is in what is recorded or told."""
    paper, signed, desk = taken
    noted = NoteExport(cycle=dossier.cycle, round=dossier.stream, paper=paper, people=len(people))
    await desk.note(names.register_stream(dossier.cycle), noted, signed)
    more: JsonObject = {"round": dossier.stream, "as_of": dossier.head.place, "people": len(people), **also}
    if order == "strokes":
        more["uncounted"] = uncounted(people)
    return put(files, desk, **more)
