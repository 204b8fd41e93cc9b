"""`units import`: is this file a tree of units, and what is in it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cli.desk import AtDesk, command
from cli.output import Outcome, table
from cli.words import rank_words
from schemas.programme import Rank
from schemas.unit_files import load_units


@command(
    "units import",
    zh="检查单位文件（CSV：code, parent, name, rank[, industry]），一次报出全部错误，并按层级计数。多个文件并为一棵树。",
    en="Check unit files (CSV: code, parent, name, rank[, industry]): every fault at once, counts by rank. "
    "Several files make one tree; `cycle start` pins it.",
    example="units import programmes/sichuan-craftsman/units.csv enterprises.csv --root 51",
)
async def import_(
    *files: Annotated[
        Path, Parameter(help="CSV 文件，后者挂入前者 · CSV files, the later hanging into the earlier")
    ],
    root: Annotated[str, Parameter(help="根单位代码 · code of the top unit")] = "",
    desk: AtDesk,
) -> Outcome:
    tree = load_units(*files, root=root or None)
    counts = Counter(unit.rank for unit in tree.units)
    by_rank = {rank.value: counts[rank] for rank in Rank if rank in counts}
    columns = (desk.say("层级", "rank"), desk.say("单位数", "units"))
    rows = [(rank_words(rank, desk.language), count) for rank, count in by_rank.items()]
    return Outcome(
        json={"root": tree.root, "units": len(tree.units), "by_rank": by_rank},
        shown=table(columns, rows, f"{tree.by_code[tree.root].name} {tree.root}"),
    )
