"""`units import` and `seats import`: is this file a tree of units, or an allocation, and what is in it. `seats move`."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cli.desk import AtDesk, Cycle, Reason, Signed, command, pair_of
from cli.office.unit_sheets import allocation, tree_of, unit_sources
from cli.output import Outcome, table
from cli.words import rank_words
from schemas import names
from schemas.commands import RedistributeQuota
from schemas.errors import BadUsage
from schemas.events import GivenPlaces
from schemas.programme import Rank
from schemas.unit_files import load_units
from schemas.units import SEATS, SEATS_MIN


@command(
    "units import",
    zh="检查单位文件（CSV 或 Excel：code, parent, name, rank[, industry]，也可用中文列名），一次报出全部错误，并按层级计数。多个文件并为一棵树。",
    en="Check unit files (CSV or Excel: code, parent, name, rank[, industry], or their Chinese names): every fault at once, "
    "counts by rank. Several files make one tree; `cycle start` pins it.",
    example="units import programmes/sichuan-craftsman/units.csv enterprises.csv --root 51",
)
async def import_(
    *files: Annotated[
        Path, Parameter(help="CSV 或 Excel 文件，后者挂入前者 · files, the later hanging into the earlier")
    ],
    root: Annotated[str, Parameter(help="根单位代码 · code of the top unit")] = "",
    desk: AtDesk,
) -> Outcome:
    tree = load_units(*unit_sources(files, desk.language), root=root or None)
    counts = Counter(unit.rank for unit in tree.units)
    by_rank = {rank.value: counts[rank] for rank in Rank if rank in counts}
    columns = (desk.say("层级", "rank"), desk.say("单位数", "units"))
    rows = [(rank_words(rank, desk.language), count) for rank, count in by_rank.items()]
    return Outcome(
        json={"root": tree.root, "units": len(tree.units), "by_rank": by_rank},
        shown=table(columns, rows, f"{tree.by_code[tree.root].name} {tree.root}"),
    )


@command(
    "seats import",
    zh="检查名额分配表（CSV 或 Excel：单位代码、名额[、最低申报数]），一次报出全部错误；--total 核对合计。"
    "以 cycle start --seats 文件 生效。",
    en="Check an allocation of seats (CSV or Excel: unit, seats[, minimum]): every fault at once; --total checks the sum. "
    "`cycle start --seats FILE` brings it into force.",
    example="seats import seats.xlsx --programme programmes/sichuan-craftsman/1.yaml --total 50",
)
async def import_seats(
    file: Annotated[Path, Parameter(help="CSV 或 Excel 文件 · a CSV or Excel file")],
    *,
    programme: Annotated[Path, Parameter(help="评选办法 · the programme's YAML file")],
    units: Annotated[tuple[Path, ...], Parameter(help="另挂入的单位，可多次 · further units")] = (),
    total: Annotated[int | None, Parameter(help="应有的合计 · what the sum must be")] = None,
    desk: AtDesk,
) -> Outcome:
    sources = unit_sources(units, desk.language)
    tree = tree_of(programme, sources)
    seats = allocation(file, programme, sources, desk.language, total)
    given = {unit: figures[SEATS] for unit, figures in seats.items()}
    least = {unit: figures[SEATS_MIN] for unit, figures in seats.items() if SEATS_MIN in figures}
    columns = (
        desk.say("单位", "unit"),
        desk.say("名称", "name"),
        desk.say("名额", "seats"),
        desk.say("最低申报数", "minimum"),
    )
    rows = [(unit, tree.by_code[unit].name, count, least.get(unit, "")) for unit, count in given.items()]
    title = desk.say(f"合计 {sum(given.values())}", f"{sum(given.values())} in all")
    return Outcome(
        json={"seats": given, "minimum": least, "total": sum(given.values())},
        shown=table(columns, rows, title),
    )


@command(
    "seats move",
    zh="名额调剂：把一个单位未用的名额调给仍可申报的其他单位；须两人，总数不变。",
    en="Give places that a unit does not use to others whose intake is open; takes two people, the total stays.",
    example='seats move sichuan-craftsman.1 --from E-1 --to E-2=2 --to E-3=1 --reason "名额调剂" '
    "--as s-1 --role operator --unit 51",
)
async def move(
    cycle: Cycle,
    *,
    from_: Annotated[str, Parameter(name="--from", help="调出的单位 · the unit that gives them")],
    to: Annotated[
        tuple[str, ...], Parameter(help="调入的单位=数量，可多次 · who gets how many, as UNIT=NUMBER")
    ],
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    places = tuple(GivenPlaces(unit=unit, places=_number(written)) for unit, written in map(pair_of, to))
    body = RedistributeQuota(unit=from_, to=places, reason=reason)
    return await desk.send(names.cycle_stream(cycle), body, signed)


def _number(written: str) -> int:
    if not re.fullmatch("[0-9]{1,6}", written):
        raise BadUsage("USAGE", fault=f"{written} → 2?")
    return int(written)
