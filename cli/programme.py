"""`programme check` and `programme schema`: for those who write a programme."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text

from cli.desk import AtDesk, Desk, command
from cli.output import Outcome
from schemas.editor import programme_json_schema
from schemas.loading import CheckReport, check_programme

File = Annotated[Path, Parameter(help="YAML 文件 · the programme's YAML file")]


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
