"""`units import` and `seats import`: is this file a tree of units, or an allocation of seats, and what is in it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cli.desk import AtDesk, command
from cli.office.unit_sheets import allocation, tree_of, unit_sources
from cli.output import Outcome, table
from cli.words import rank_words
from schemas.programme import Rank
from schemas.unit_files import load_units


@command(
    "units import",
    zh="检查单位文件（CSV 或 Excel：code, parent, name, rank[, industry]，也可用中文列名），一次报出全部错误，并按层级计数。多个文件并为一棵树。",
    en="Check unit files (CSV or Excel: code, parent, name, rank[, industry]): every fault at once, counts by rank. "
    "Several files make one tree; `cycle start` pins it.",
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
    zh="检查名额分配表（CSV 或 Excel：单位代码、名额），一次报出全部错误；--total 核对合计。"
    "以 cycle start --seats 文件 生效。",
    en="Check an allocation of seats (CSV or Excel: unit, seats): every fault at once; --total checks the sum. "
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
    columns = (desk.say("单位", "unit"), desk.say("名称", "name"), desk.say("名额", "seats"))
    rows = [(unit, tree.by_code[unit].name, count) for unit, count in seats.items()]
    title = desk.say(f"合计 {sum(seats.values())}", f"{sum(seats.values())} in all")
    return Outcome(
        json={"seats": seats, "total": sum(seats.values())},
        shown=table(columns, rows, title),
    )
