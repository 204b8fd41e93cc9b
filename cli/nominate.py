"""`nominate`: one nomination by options, or many from a file; personal data is in the vault before the log knows of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.text import Text

from cli.decide import Fact, Field
from cli.desk import (
    AtDesk,
    Desk,
    NominationAt,
    OfCycle,
    Signed,
    as_error,
    command,
    nomination_at,
    pair_of,
    receipt_json,
)
from cli.nomination_file import (
    NominationFile,
    NominationRow,
    default_route,
    facts_of,
    members_of,
    personal_fields,
    read_nominations,
)
from cli.office.identity import identity_of
from cli.output import BAD_FILE, OK, Outcome
from cli.sheets import BadCells, Expected
from cli.words import event_words
from runtime.door import NominationForm
from schemas.errors import BadUsage, EngineError, Unavailable
from schemas.ledger import JsonObject
from schemas.programme import Channel, SubjectType

_AT_ONCE = 16
Leader = Annotated[tuple[str, ...], Parameter(help="领衔人“证件号=姓名” · the leader, IDENTITY=NAME")]
Member = Annotated[tuple[str, ...], Parameter(help="成员“证件号=姓名”，可多次 · a member")]


@command(
    "nominate",
    zh="申报：用选项申报一项，或用 --file 从 CSV、Excel 文件申报多项。文件先逐格检查，有一格有误则全部不存，"
    "除非加 --partial。列：单位代码、证件号、姓名（必填），申报路径、申报渠道、联名人，及评选办法中的各申报事项。",
    en="Put one subject forward by options, or many with --file (CSV or Excel). Every cell of a file is checked first; "
    "with a bad one nothing is stored, unless --partial. Columns: unit, identity, name; route, channel, sponsors; "
    "the programme's facts by their ids. Rules that depend on others (quota, duplicates) answer row by row.",
    example="nominate sichuan-craftsman.1 --file nominations.xlsx --as s-7 --role officer --unit 5101040001",
)
async def nominate(
    cycle: Annotated[str, Parameter(help="届次编号 · the cycle's id")],
    *,
    file: Annotated[Path | None, Parameter(help="CSV 或 Excel 文件 · a CSV or Excel file")] = None,
    sheet: Annotated[str, Parameter(help="工作表，默认第一张 · the sheet, by default the first")] = "",
    partial: Annotated[bool, Parameter(help="只存无误的行 · store the rows that are right")] = False,
    entry_unit: Annotated[
        str, Parameter(help="申报单位，默认同 --unit · the nominating unit, by default --unit")
    ] = "",
    route: Annotated[str, Parameter(help="申报路径 · the route; by default the first with a way up")] = "",
    channel: Annotated[Channel, Parameter(help="申报渠道 · the channel")] = Channel.UNIT,
    sponsor: Annotated[tuple[str, ...], Parameter(help="联名人编号，可多次 · a sponsor's id")] = (),
    subject_type: Annotated[
        SubjectType | None, Parameter(help="对象类型，默认为项目所定 · the type of subject")
    ] = None,
    leader: Leader = (),
    member: Member = (),
    identity: Annotated[str, Parameter(help="证件号，只入保管库 · the identity, for the vault alone")] = "",
    fact: Fact = (),
    field: Field = (),
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    pinned = await desk.pinned(cycle)
    if file is not None:
        if identity or fact or field:
            raise BadUsage("USAGE", fault="--file | --identity, --fact, --field")
        table = read_nominations(file, pinned.programme, pinned.tree, sheet)
        if table.bad and not partial:
            raise BadCells(file, table.bad, desk.language)
        return await _send_all(cycle, table, signed, desk)
    unit = entry_unit or signed.unit
    row = NominationRow(
        row=0,
        unit=unit,
        route=route
        or (default_route(pinned.programme, pinned.tree, unit) if unit in pinned.tree.by_code else ""),
        channel=channel,
        sponsors=sponsor,
        identity=_identity(identity) if identity or not (leader or member) else "",
        subject_type=subject_type,
        members=(*members_of(leader, True), *members_of(member)),
        fields=personal_fields(map(pair_of, field)),
        facts=facts_of(map(pair_of, fact), pinned.programme),
    )
    nomination, receipt = await (await desk.door()).nominate(_form(cycle, row), signed.actor, key=signed.key)
    return desk.told(receipt, nomination=nomination)


@command(
    "change-team",
    zh="变更成员：锁定之前重报全部成员；一人只在一个团队，除非办法允许。",
    en="Name all members of a team anew, before they are frozen; nobody is in two teams unless the programme says so.",
    example="change-team ai-contest.1/N-0001 --leader 510100200001010001=测试·甲一 --member 510100200001010002=测试·甲二 "
    "--as s-7 --role officer --unit 5101040001",
)
async def change_team(
    nomination: NominationAt,
    *,
    cycle: OfCycle = "",
    leader: Leader = (),
    member: Member = (),
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    where, members = nomination_at(nomination, cycle), (*members_of(leader, True), *members_of(member))
    if not members:
        raise BadUsage("USAGE", fault="--leader, --member")
    door = await desk.door()
    return desk.told(await door.change_team(where.cycle, where.id, members, signed.actor, key=signed.key))


def _identity(written: str) -> str:
    try:
        return identity_of(written)
    except Expected as expected:
        raise BadUsage("USAGE", fault=f"--identity: {expected.zh} / {expected.en}") from None


def _form(cycle: str, row: NominationRow) -> NominationForm:
    return NominationForm(
        cycle=cycle, **{name: getattr(row, name) for name in row.model_fields_set - {"row"}}
    )


async def _send_all(cycle: str, table: NominationFile, signed: Signed, desk: Desk) -> Outcome:
    """Send each row as a command of its own; a rule that refuses one does not stop the others."""
    places = asyncio.Semaphore(_AT_ONCE)
    door = await desk.door()

    async def send(row: NominationRow) -> JsonObject:
        key = f"{signed.key}/{row.row}" if signed.key else ""
        async with places:
            try:
                nomination, receipt = await door.nominate(_form(cycle, row), signed.actor, key=key)
            except Unavailable:
                raise
            except EngineError as fault:
                said = as_error(fault) | {
                    "message": fault.message(desk.language),
                    "exit_code": fault.exit_code,
                }
                return {"row": row.row, "error": said}
        return {"row": row.row, "nomination": nomination} | receipt_json(receipt)

    answers = await asyncio.gather(*map(send, table.rows))
    return _told(answers, table, desk)


def _told(answers: list[JsonObject], table: NominationFile, desk: Desk) -> Outcome:
    refused = [one for one in answers if "error" in one]
    stored = [one for one in answers if "error" not in one]
    exit_code = max((one["error"]["exit_code"] for one in refused), default=BAD_FILE if table.bad else OK)
    said: dict[str, Any] = {
        "stored": stored,
        "refused": refused,
        "cells": [cell.as_json() for cell in table.bad],
    }
    zh, en = "已存 {} 项，规则不允许 {} 项，有误 {} 格。", "{} stored, {} refused by a rule, {} bad cell(s)."
    lines = [desk.say(zh, en).format(len(stored), len(refused), len(table.bad))]
    rows = [(one["row"], _made(one, desk)) for one in stored]
    rows += [(one["row"], one["error"]["message"]) for one in refused]
    lines += [desk.say("第 {} 行：{}", "row {}: {}").format(*row) for row in rows]
    lines += [cell.message(desk.language) for cell in table.bad]
    return Outcome(exit_code, said, Text("\n".join(lines)))


def _made(stored: JsonObject, desk: Desk) -> str:
    """The nomination as other commands are told of it; whose it is, the file says."""
    words = [event_words(event["type"], desk.language) for event in stored["events"]]
    again = desk.say("（此前已办理）", " (done before)") if stored["repeated"] else ""
    return " ".join((stored["stream"], *words)) + again
