"""Grants: who may act in which role, over which unit and all below it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cli.desk import AtDesk, Cycle, Reason, Signed, command
from cli.office.grids import Raw
from cli.output import Outcome, table
from cli.sheets import BadCells, narrow, one_of, read_cells, read_table
from domain import authority
from runtime.settings import Language
from schemas import names
from schemas.commands import GiveGrants, RevokeGrant
from schemas.errors import BadUsage
from schemas.events import GrantTerms, read

_SIGNED = "--as s-1 --role operator --unit 51"
_HEADERS = {"person": "person", "role": "role", "unit": "unit", "id": "id"}
_CHINESE = {"人员编号": "person", "角色": "role", "单位代码": "unit", "授权编号": "id"}


@command(
    "grants give",
    zh="授权：给一人，或用 --file 给多人（列：person, role, unit[, id]）。已有的不重复给。",
    en="Give a grant to one person, or many with --file (columns person, role, unit[, id]); those in force stay.",
    example=f"grants give sichuan-craftsman.1 --person s-101 --granted-role officer --over 510104 {_SIGNED}",
)
async def give(
    cycle: Cycle,
    *,
    person: Annotated[str, Parameter(help="被授权人编号 · who receives it")] = "",
    granted_role: Annotated[str, Parameter(help="授予的角色 · the role given")] = "",
    over: Annotated[str, Parameter(help="单位代码，及其下属 · the unit, and all below it")] = "",
    file: Annotated[Path | None, Parameter(help="CSV 或 Excel 文件 · a CSV or Excel file")] = None,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    if (file is None) != all((person, granted_role, over)):
        raise BadUsage("USAGE", fault="--person, --granted-role, --over | --file")
    if file is None:
        given: tuple[GrantTerms, ...] = (terms(person, granted_role, over),)
    else:
        given = read_grants(file, await (await desk.door()).roles(cycle), desk.language)
    return await desk.send(names.authority_stream(cycle), GiveGrants(grants=given), signed)


@command(
    "grants revoke",
    zh="撤销授权，须写明理由。",
    en="Revoke a grant, with the reason.",
    example=f'grants revoke sichuan-craftsman.1 s-101.officer.510104 --reason "调离" {_SIGNED}',
)
async def revoke(
    cycle: Cycle,
    grant: Annotated[str, Parameter(help="授权编号 · the grant's id")],
    *,
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    return await desk.send(names.authority_stream(cycle), RevokeGrant(grant=grant, reason=reason), signed)


@command(
    "grants list",
    zh="列出现行授权（只读日志）。",
    en="List the grants in force; reads the log alone.",
    example="grants list sichuan-craftsman.1 --json",
)
async def list_(cycle: Cycle, *, desk: AtDesk) -> Outcome:
    state = authority.initial
    for event in await (await desk.store()).load(names.authority_stream(cycle)):
        state = authority.evolve(state, read(event))
    grants = sorted(state.grants.values(), key=lambda one: (one.unit, one.role, one.person))
    columns = (
        desk.say("授权编号", "grant"),
        desk.say("人员", "person"),
        desk.say("角色", "role"),
        desk.say("单位", "unit"),
    )
    rows = [(one.id, one.person, one.role, one.unit) for one in grants]
    return Outcome(
        json={"cycle": cycle, "grants": [one.model_dump() for one in grants]}, shown=table(columns, rows)
    )


def terms(person: str, role: str, unit: str, id: str = "") -> GrantTerms:
    """A grant, by default under an id that says what it is, so that giving it twice gives one."""
    return GrantTerms(id=id or f"{person}.{role}.{unit}", person=person, role=role, unit=unit)


def read_grants(file: Path, roles: Sequence[str], language: Language) -> tuple[GrantTerms, ...]:
    """The grants of a file, in these roles; raises BadCells with every bad cell."""
    found, bad = read_table(file, _HEADERS | _CHINESE, ("person", "role", "unit"))
    readers: dict[str, Callable[[Raw], object]] = {
        "person": narrow,
        "role": partial(one_of, allowed=roles),
        "unit": narrow,
    }
    grants = []
    for row in found.rows:
        read_row, wrong = read_cells(found, row, readers)
        bad += wrong
        if len(read_row) == 3:
            id = str(row.cells.get("id", "") or "").strip()
            grants.append(terms(**{name: str(value) for name, value in read_row.items()}, id=id))
    if bad:
        raise BadCells(file, bad, language)
    return tuple(grants)
