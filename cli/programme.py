"""`programme list`, `check`, `new` and `schema`: for those who look for a programme or write one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from cli.desk import AtDesk, Desk, command
from cli.output import Outcome, table
from cli.scaffold import Plan, unwrite, write_programme
from cli.words import rank_words
from runtime.settings import CHECKOUT
from schemas.editor import programme_json_schema
from schemas.ledger import JsonObject
from schemas.loading import CheckReport, check_programme
from schemas.programme import ExpertReview, Programme, Rank, Selection, Step

SHIPPED = CHECKOUT / "programmes"
File = Annotated[Path, Parameter(help="YAML 文件 · the programme's YAML file")]
Folder = Annotated[Path, Parameter(help="评选办法所在目录 · the folder of the programmes")]


@command(
    "programme list",
    zh="列出全部评选办法：来源、层级、步骤、假设。",
    en="List every programme: where it comes from, its levels, its steps, what is assumed.",
    example="programme list --json",
)
async def list_programmes(*, folder: Folder = SHIPPED, desk: AtDesk) -> Outcome:
    reports = [check_programme(file) for file in sorted(folder.glob("*/*.yaml"))]
    listed = [_listed(report, report.programme) for report in reports if report.programme]
    columns = desk.say(
        "评选办法 名称 层级 席位 假设 来源", "programme title levels seats assumed source"
    ).split()
    language = desk.language.value
    rows = (
        (
            one["id"],
            one["title"][language],
            desk.say("、", ", ").join(rank_words(rank, desk.language) for rank in one["levels"]),
            one["seats"],
            len(one["assumptions"]),
            "; ".join(one["sources"]),
        )
        for one in listed
    )
    return Outcome(json=listed, shown=table(columns, rows))


def _listed(report: CheckReport, programme: Programme) -> JsonObject:
    """`steps` by level; `seats` is what the last selection at the top may choose, if there is one."""
    final = [step for step in programme.stages[programme.summit].steps if isinstance(step, Selection)]
    return {
        "id": f"{programme.programme}@{programme.edition}",
        "file": os.path.relpath(report.file),
        "title": programme.title.model_dump(),
        "subject": programme.subject,
        "sources": list(programme.sources),
        "routes": {route.id: list(route.ranks) for route in programme.routes},
        "levels": list(programme.stages),
        "steps": {rank: [_shown(step) for step in stage.steps] for rank, stage in programme.stages.items()},
        "seats": final[-1].seats if final else None,
        "titles": [title.id for title in programme.titles],
        "assumptions": [one.model_dump() for one in report.assumptions],
        "hash": report.hash,
    }


def _shown(step: Step) -> str:
    """A step's kind, and the form of a review that says one: `expert_review:roadshow`."""
    form = step.form if isinstance(step, ExpertReview) else None
    return f"{step.type}:{form}" if form else step.type


@command(
    "programme new",
    zh="新建评选办法：生成一份可检查、可演练的文件，每个待定的值都标明为假设。",
    en="Begin a programme: a file that checks and can be rehearsed, with every value to be settled marked as assumed.",
    example='programme new my-craftsman --zh "我市工匠" --units programmes/qingzhou-double-three/units.csv --root 370781 --rank enterprise --rank township --rank county',
)
async def new(
    programme: Annotated[str, Parameter(help="代号，小写字母与连字符 · its id: small letters and hyphens")],
    *,
    units: Annotated[Path, Parameter(help="单位 CSV · the units' CSV")],
    root: Annotated[str, Parameter(help="最高单位的代码 · the code of the unit at the top")],
    rank: Annotated[list[Rank], Parameter(help="由低到高逐级 · the ranks, from the lowest up")],
    zh: Annotated[str, Parameter(help="中文名 · its Chinese name")] = "",
    en: Annotated[str, Parameter(help="英文名 · its English name")] = "",
    folder: Folder = SHIPPED,
    desk: AtDesk,
) -> Outcome:
    file = write_programme(
        folder, Plan(programme, units, root, tuple(rank), zh or programme, en or programme)
    )
    report = check_programme(file)
    said = {"file": str(file), "sound": report.sound, "faults": list(map(str, report.faults))}
    written = desk.say(f"已写入 {file}", f"written: {file}")
    if not report.sound:
        unwrite(file)
        written = desk.say(f"有错误，未写入 {file}", f"not written, as it has faults: {file}")
    return Outcome(report.exit_code, said, Text("\n".join([written, *_lines(report, desk)])))


@command(
    "programme check",
    zh="检查评选办法：一次列出全部错误、待定值（?）和假设，并给出散列值。",
    en="Check a programme: every fault at once, every value still open (?), every assumption, and its hash.",
    example="programme check programmes/sichuan-craftsman/1.yaml",
)
async def check(file: File, *, desk: AtDesk) -> Outcome:
    report = check_programme(file)
    said = report.model_dump(mode="json", exclude={"programme"}) | {"sound": report.sound}
    return Outcome(report.exit_code, said, Text("\n".join(_lines(report, desk))))


@command(
    "programme schema",
    zh="输出评选办法的 JSON Schema，供编辑器提示与校验。",
    en="Print the JSON Schema of a programme's file, for editors.",
    example="programme schema > programme.schema.json",
)
async def schema() -> Outcome:
    made = programme_json_schema()
    return Outcome(json=made, shown=Text(json.dumps(made, ensure_ascii=False, indent=2)))


def _lines(report: CheckReport, desk: Desk) -> list[str]:
    language = desk.language
    faults = [*report.faults, *(unknown.fault for unknown in report.unknowns)]
    lines = [f"{one.file}:{one.line}:{one.column}: {one.path}: {one.message(language)}" for one in faults]
    lines += [
        desk.say(f"假设 {one.path} = {one.value}：{one.why}", f"assumed {one.path} = {one.value}: {one.why}")
        for one in report.assumptions
    ]
    counts = (len(report.faults), len(report.unknowns), len(report.assumptions))
    zh, en = "错误 {} 处，待定 {} 处，假设 {} 处。", "{} fault(s), {} open value(s), {} assumption(s)."
    lines.append(desk.say(zh, en).format(*counts))
    return [*lines, report.hash] if report.hash else lines
