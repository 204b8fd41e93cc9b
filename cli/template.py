"""`template`: sheets to fill in, made from a programme, which the importing commands read back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cli.desk import AtDesk, Desk, command, round_at
from cli.office import blanks
from cli.office.blanks import Blank
from cli.office.files import put
from cli.office.unit_sheets import unit_sources
from cli.output import Outcome
from domain.review import marked_by
from domain.round import asked
from schemas.errors import BadUsage
from schemas.loading import open_programme
from schemas.programme import ExpertReview, Programme, Rank
from schemas.unit_files import merge_units

_PROGRAMME = "--programme programmes/sichuan-craftsman/1.yaml"
Declared = Annotated[Path, Parameter(help="评选办法 · the programme's YAML file")]
Out = Annotated[Path, Parameter(help="写入的 .xlsx 文件 · the .xlsx file to write")]


@command(
    "template nominations",
    zh="申报表：按评选办法的申报事项生成列、下拉框与校验，附说明；填好后用 nominate --file 导入。",
    en="A sheet for nominations: columns, drop-downs and checks from the programme's facts, with a guide; "
    "`nominate --file` reads it back.",
    example=f"template nominations {_PROGRAMME} --out nominations.xlsx",
)
async def nominations(
    *,
    programme: Declared,
    units: Annotated[tuple[Path, ...], Parameter(help="另挂入的单位，可多次 · further units")] = (),
    below: Annotated[str, Parameter(help="只列此单位及其下属 · only this unit and those below it")] = "",
    out: Out,
    desk: AtDesk,
) -> Outcome:
    opened = open_programme(programme)
    tree = opened.units
    for source in unit_sources(units, desk.language):
        tree = merge_units(tree, source)
    if below and below not in tree.by_code:
        raise BadUsage("USAGE", fault=f"--below {below}")
    return _put(blanks.nominations(opened.programme, tree, desk.language, below), out, desk)


@command(
    "template scores",
    zh="评分表（或表决表）：列与分值范围取自评审环节；--round 则列出该轮的申报，加 --judge 则只列该评委所评的；填好后用 panel score --file 导入。",
    en="A judge's sheet for a review step, by its scale or its votes; --round lists that round's nominations, with --judge "
    "those whom this judge marks. `panel score --file` or `panel vote-sheet --file` reads it back.",
    example=f"template scores {_PROGRAMME} --rank province --out scores.xlsx",
)
async def scores(
    *,
    programme: Declared,
    rank: Annotated[
        str, Parameter(help="层级，仅一个评审环节时可省 · the rank, if several have a review")
    ] = "",
    step: Annotated[str, Parameter(help="环节编号 · the step's id")] = "",
    round: Annotated[str, Parameter(help="评审轮 · a round, whose members are filled in")] = "",  # noqa: A002 -- the option's name
    judge: Annotated[
        str, Parameter(help="评委：只列其组内且未回避的 · a judge: of the round, whom they mark")
    ] = "",
    out: Out,
    desk: AtDesk,
) -> Outcome:
    declared = open_programme(programme).programme
    review = _review(declared, rank, step)
    listed: tuple[str, ...] = ()
    if round:
        state = (await (await desk.reader()).rounds.get(round_at(round))).state
        listed = marked_by(state, review.id, judge) if judge else asked(state, review.id)
    elif judge:
        raise BadUsage("USAGE", fault="--round … --judge …")
    return _put(blanks.scores(declared, review, desk.language, listed), out, desk)


@command(
    "template units",
    zh="单位表：填好后用 units import 检查，用 cycle start --units 挂入。",
    en="A sheet for units; `units import` checks it, `cycle start --units` hangs it in.",
    example=f"template units {_PROGRAMME} --out units.xlsx",
)
async def units(*, programme: Declared, out: Out, desk: AtDesk) -> Outcome:
    return _put(blanks.units(open_programme(programme).programme, desk.language), out, desk)


@command(
    "template seats",
    zh="名额分配表：列出一个层级的全部单位；填好后用 seats import 检查。",
    en="A sheet for an allocation of seats over the units of one rank; `seats import` checks it.",
    example=f"template seats {_PROGRAMME} --rank prefecture --out seats.xlsx",
)
async def seats(
    *,
    programme: Declared,
    rank: Annotated[Rank, Parameter(help="层级 · the rank whose units get seats")],
    out: Out,
    desk: AtDesk,
) -> Outcome:
    opened = open_programme(programme)
    return _put(blanks.seats(opened.programme, opened.units, rank, desk.language), out, desk)


def _review(programme: Programme, rank: str, step: str) -> ExpertReview:
    """The one review step that is meant; BadUsage USAGE with those that there are."""
    found = {
        f"--rank {at} --step {one.id}": one
        for at, stage in programme.stages.items()
        for one in stage.steps
        if isinstance(one, ExpertReview) and rank in ("", at) and step in ("", one.id)
    }
    if len(found) != 1:
        raise BadUsage("USAGE", fault=" | ".join(found) or f"--rank {rank} --step {step}")
    return next(iter(found.values()))


def _put(blank: Blank, out: Path, desk: Desk) -> Outcome:
    return put([(out, blanks.write_blank(blank, desk.language))], desk)
