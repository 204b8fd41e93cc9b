"""Nominations from a table: every cell checked against the cycle's programme and units before anything is sent.

Columns: unit, route, channel, sponsors, identity, then facts by their id, then personal data, which goes to the vault.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from unicodedata import normalize

from cli.office.grids import Raw
from cli.office.identity import born, identity_of
from cli.sheets import (
    BadCell,
    Expected,
    Row,
    Table,
    day,
    filled,
    listed,
    narrow,
    one_of,
    plain,
    read_cells,
    read_table,
    repeated,
)
from runtime.door import MemberForm
from schemas.errors import BadUsage
from schemas.events import FactValue
from schemas.ledger import Frozen
from schemas.programme import Channel, Fact, Intake, Programme, SubjectType
from schemas.units import UnitTree

PERSONAL = {
    "name": "姓名",
    "gender": "性别",
    "birth_date": "出生日期",
    "phone": "联系电话",
    "employer": "工作单位",
    "post": "岗位",
    "deeds": "主要事迹",
    "note": "备注",
}
"""Columns of personal data, each with the Chinese header that is accepted for it."""
ADDRESSING = {
    "unit": "单位代码",
    "route": "申报路径",
    "channel": "申报渠道",
    "sponsors": "联名人",
    "identity": "证件号",
    "subject_type": "对象类型",
    "leader": "领衔人",
    "members": "成员",
}
OF_TEAMS = ("subject_type", "leader", "members")
"""Columns for subjects with members."""
REQUIRED = ("unit", "identity", "name")
_YES, _NO = {"是", "true", "yes", "1", "有"}, {"否", "false", "no", "0", "无"}
_FIELD = re.compile(r"[a-z0-9_]+\Z")


class NominationRow(Frozen):
    """One nomination, whole and checked; `row` is where it stands in the file."""

    row: int
    unit: str
    route: str
    channel: Channel
    sponsors: tuple[str, ...] = ()
    identity: str
    fields: dict[str, str]
    facts: tuple[FactValue, ...]
    subject_type: SubjectType | None = None
    members: tuple[MemberForm, ...] = ()


class NominationFile(NamedTuple):
    """The rows that can be sent, and every bad cell of the others."""

    rows: tuple[NominationRow, ...]
    bad: tuple[BadCell, ...]


def read_nominations(path: Path, programme: Programme, tree: UnitTree, sheet: str = "") -> NominationFile:
    """Read a CSV or Excel file of nominations; raises `BadFile` where there is no table to speak of."""
    required = tuple(name for name in REQUIRED if name != "identity" or not programme.members)
    table, bad = read_table(path, headers(programme), required, sheet)
    if any(cell.row == table.header for cell in bad):
        readers = _readers(programme, tree)
        bad += [cell for row in table.rows for cell in read_cells(table, row, readers)[1]]
        return NominationFile((), _in_order(bad))
    spoilt = {cell.row for cell in bad}
    seen: dict[str, int] = {}
    rows = []
    for row in table.rows:
        made, wrong = _row(table, row, programme, tree)
        wrong += repeated(table, row, "identity", made.identity, seen) if made and made.identity else []
        bad += wrong
        if made is not None and not wrong and row.number not in spoilt:
            rows.append(made)
    return NominationFile(tuple(rows), _in_order(bad))


def _in_order(bad: list[BadCell]) -> tuple[BadCell, ...]:
    return tuple(sorted(bad, key=lambda cell: (cell.row, len(cell.column), cell.column)))


def default_route(programme: Programme, tree: UnitTree, unit: str) -> str:
    """The first route of the programme by which the unit has a way up; empty if there is none."""
    return next((route.id for route in programme.routes if _has_way(programme, tree, unit, route.id)), "")


def facts_of(pairs: Iterable[tuple[str, str]], programme: Programme) -> tuple[FactValue, ...]:
    """Facts as written at the terminal, read by their declared types; BadUsage USAGE."""
    facts = []
    for id, written in pairs:
        if id not in programme.asked:
            known = ", ".join(programme.asked)
            raise BadUsage("USAGE", fault=f"{id}: {known}")
        try:
            facts.append(FactValue(id=id, value=_fact(programme.asked[id], written)))
        except Expected as expected:
            raise BadUsage("USAGE", fault=f"{id}={written}: {expected.zh} / {expected.en}") from None
    return tuple(facts)


def personal_fields(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Personal data as written at the terminal; a key is of [a-z0-9_]. BadUsage USAGE."""
    fields = dict(pairs)
    for key in fields:
        if not _FIELD.match(key):
            raise BadUsage("USAGE", fault=f"{key}: [a-z0-9_]")
    return fields


def members_of(written: object, leader: bool = False) -> tuple[MemberForm, ...]:
    """Members as `IDENTITY=NAME`; what was read by `_people`, or written at the terminal. BadUsage USAGE."""
    assert isinstance(written, tuple)
    try:
        people = [_person(one) for one in written]
    except Expected as expected:
        raise BadUsage("USAGE", fault=f"{expected.zh} / {expected.en}") from None
    return tuple(MemberForm(identity=identity, name=name, leader=leader) for identity, name in people)


def headers(programme: Programme) -> dict[str, str]:
    """Every header that is read, in Chinese, in English or by its id, and the column it means."""
    names = {name: name for name in (*ADDRESSING, *programme.asked, *PERSONAL)}
    chinese = {zh: name for name, zh in (ADDRESSING | PERSONAL).items()}
    labels = {fact.label.zh: id for id, fact in programme.asked.items()}
    english = {fact.label.en.lower(): id for id, fact in programme.asked.items() if fact.label.en}
    return english | labels | chinese | names


def _row(
    table: Table, row: Row, programme: Programme, tree: UnitTree
) -> tuple[NominationRow | None, list[BadCell]]:
    read, bad = read_cells(table, row, _readers(programme, tree))
    if not bad:
        bad = _together(table, row, read, programme, tree)
    if bad:
        return None, bad
    facts = {id: read[id] for id in programme.asked if read.get(id) is not None}
    return NominationRow(
        row=row.number,
        unit=str(read["unit"]),
        route=str(read.get("route") or default_route(programme, tree, str(read["unit"]))),
        channel=Channel(str(read.get("channel") or Channel.UNIT)),
        sponsors=_sponsors(read),
        identity=str(read.get("identity") or ""),
        fields={name: str(read[name]) for name in PERSONAL if read.get(name)},
        facts=tuple(FactValue(id=id, value=value) for id, value in facts.items()),  # type: ignore[arg-type]  # by _fact
        subject_type=SubjectType(str(read["subject_type"])) if read.get("subject_type") else None,
        members=(*members_of(read.get("leader") or (), True), *members_of(read.get("members") or ())),
    ), []


def _readers(programme: Programme, tree: UnitTree) -> dict[str, Callable[[Raw], object]]:
    identity = partial(identity_of, subject=programme.subject)
    readers: dict[str, Callable[[Raw], object]] = {
        "unit": partial(_unit, tree=tree),
        "route": _optional(partial(one_of, allowed=[route.id for route in programme.routes])),
        "channel": _optional(partial(one_of, allowed=list(Channel))),
        "sponsors": listed,
        "identity": _optional(identity) if programme.members else identity,
        "subject_type": _optional(partial(one_of, allowed=[programme.subject, *programme.subjects])),
        "leader": _people,
        "members": _people,
        **dict.fromkeys(PERSONAL, plain),
        "name": filled,
        "birth_date": _optional(day),
        "phone": _optional(narrow),
    }
    for id, fact in programme.asked.items():
        reader = partial(_fact, fact)
        readers[id] = reader if fact.required else _optional(reader)
    return readers


def _together(
    table: Table, row: Row, read: dict[str, Any], programme: Programme, tree: UnitTree
) -> list[BadCell]:
    """What is wrong with cells that are right by themselves: no intake there, no way up, too few sponsors."""

    def refuse(name: str, zh: str, en: str) -> list[BadCell]:
        return [table.bad(row.number, name, row.cells.get(name, ""), Expected(zh, en))]

    birthday = born(read["identity"]) if read.get("birth_date") else None
    if birthday and birthday.isoformat() != read["birth_date"]:
        return refuse("birth_date", f"与证件号一致的 {birthday}", f"{birthday}, as the identity has it")
    unit, channel = read["unit"], Channel(read.get("channel") or Channel.UNIT)
    intake = _intake(programme, tree, unit)
    if intake is None:
        return refuse("unit", "受理申报的层级的单位", "a unit of a rank that takes nominations")
    route = read.get("route") or default_route(programme, tree, unit)
    if not _has_way(programme, tree, unit, route):
        return refuse("route", f"{unit} 可以逐级上报的路径", f"a route by which {unit} has a way up")
    if channel not in intake.channels:
        some = ", ".join(intake.channels)
        return refuse("channel", f"{some} 之一", f"one of {some}")
    if channel is Channel.JOINT and len(set(_sponsors(read))) < intake.sponsors_min:
        least = intake.sponsors_min
        return refuse("sponsors", f"{least} 名以上不同的联名人", f"at least {least} different sponsors")
    return []


def _sponsors(read: dict[str, Any]) -> tuple[str, ...]:
    return tuple(read.get("sponsors") or ())


def _intake(programme: Programme, tree: UnitTree, unit: str) -> Intake | None:
    stage = programme.stages.get(tree.by_code[unit].rank)
    return next((step for step in stage.steps if isinstance(step, Intake)), None) if stage else None


def _has_way(programme: Programme, tree: UnitTree, unit: str, route: str) -> bool:
    try:
        return bool(tree.path(unit, programme.route(route)))
    except (KeyError, ValueError):
        return False


# ---- readers of cells ----


def _optional(reader: Callable[[Raw], object]) -> Callable[[Raw], object]:
    return lambda cell: reader(cell) if plain(cell) else None


def _people(cell: Raw) -> tuple[str, ...]:
    return tuple("=".join(_person(one)) for one in listed(cell))


def _person(written: str) -> tuple[str, str]:
    identity, _, name = written.partition("=")
    if not identity or not name:
        raise Expected("“证件号=姓名”，用“、”分开", "IDENTITY=NAME, separated by commas")
    return identity_of(identity), name


def _unit(cell: Raw, tree: UnitTree) -> str:
    code = narrow(cell)
    if code not in tree.by_code:
        raise Expected("本届单位树中的单位代码", "the code of a unit in this cycle's tree")
    return code


def _fact(fact: Fact, cell: Raw) -> int | bool | str:
    match fact.type:
        case "integer":
            return _integer(cell)
        case "boolean":
            return _boolean(cell)
        case "choice":
            return one_of(cell, fact.of)
        case "date":
            return day(cell)


def _integer(cell: Raw) -> int:
    text = normalize("NFKC", filled(cell))
    if isinstance(cell, bool) or not re.fullmatch(r"-?[0-9]{1,15}", text, re.ASCII):
        raise Expected("整数", "a whole number")
    return int(text)


def _boolean(cell: Raw) -> bool:
    text = normalize("NFKC", filled(cell)).lower()
    if text not in _YES | _NO:
        raise Expected("是 或 否", "yes or no")
    return text in _YES
