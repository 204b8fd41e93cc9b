"""The panel of a review: who judges, who is recused, and their sheets by score or by vote."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cli.desk import AtDesk, Desk, OfCycle, Reason, RoundAt, Signed, StepId, command, pair_of, round_at
from cli.office.score_file import Mode, read_marks
from cli.output import Outcome
from cli.sheets import BadCells
from schemas.commands import FormPanel, HandInSheet, Recuse, ReplaceJudge, WrittenMark
from schemas.errors import BadUsage

_JUDGE = "--as j-1 --role judge --unit 51"
_HERE = "round/sichuan-craftsman.1/all/51"
MarkFile = Annotated[
    Path | None, Parameter(help="CSV 或 Excel 文件：nomination 与评分或意见两列 · two columns in a file")
]


@command(
    "panel form",
    zh="组成评委。",
    en="Form the panel.",
    example=f"panel form {_HERE} --step review --judge j-1 --judge j-2 --judge j-3 --as s-1 --role operator --unit 51",
)
async def form(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    step: StepId,
    judge: Annotated[tuple[str, ...], Parameter(help="评委编号，可多次 · a judge's id")],
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    return await desk.send(round_at(round, cycle), FormPanel(step=step, judges=judge), signed)


@command(
    "panel replace",
    zh="更换评委：须两人；被换评委的评分作废。",
    en="Replace a judge, whose sheet is void; takes two people.",
    example=f'panel replace {_HERE} --step review --judge j-2 --by j-9 --reason "因病" --as s-1 --role operator',
)
async def replace(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    step: StepId,
    judge: Annotated[str, Parameter(help="原评委 · the judge who leaves")],
    by: Annotated[str, Parameter(help="新评委 · the judge who comes")],
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = ReplaceJudge(step=step, judge=judge, by=by, reason=reason)
    return await desk.send(round_at(round, cycle), body, signed)


@command(
    "panel recuse",
    zh="评委对一名候选人回避；此前的评分一并作废。",
    en="A judge steps back from one member; what they wrote of it before is void too.",
    example=f'panel recuse {_HERE} --step review --nomination N-0001 --reason "近亲属" {_JUDGE}',
)
async def recuse(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    step: StepId,
    nomination: Annotated[str, Parameter(help="申报编号 · the nomination's id")],
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = Recuse(step=step, nomination=nomination, reason=reason)
    return await desk.send(round_at(round, cycle), body, signed)


@command(
    "panel score",
    zh="提交评分表：逐项写 编号=分数，或用 --file。截止前再次提交则覆盖。",
    en="Hand in a score sheet: NOMINATION=SCORE each, or --file. A later one before the close replaces it.",
    example=f"panel score {_HERE} N-0001=92.5 N-0002=88 --step review {_JUDGE}",
)
async def score(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *marks: Annotated[str, Parameter(help="编号=分数 · NOMINATION=SCORE")],
    file: MarkFile = None,
    cycle: OfCycle = "",
    step: StepId,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    pairs = _pairs(marks, file, "score", desk)
    written = tuple(WrittenMark(nomination=one, score=said) for one, said in pairs)
    return await desk.send(round_at(round, cycle), HandInSheet(step=step, marks=written), signed)


@command(
    "panel vote-sheet",
    zh="提交表决表：逐项写 编号=approve|reject|abstain|return，或用 --file。",
    en="Hand in a vote sheet: NOMINATION=approve|reject|abstain|return each, or --file.",
    example=f"panel vote-sheet {_HERE} N-0001=approve N-0002=abstain --step review {_JUDGE}",
)
async def vote_sheet(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *marks: Annotated[str, Parameter(help="编号=意见 · NOMINATION=VOTE")],
    file: MarkFile = None,
    cycle: OfCycle = "",
    step: StepId,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    pairs = _pairs(marks, file, "vote", desk)
    written = tuple(WrittenMark.model_validate({"nomination": one, "vote": said}) for one, said in pairs)
    return await desk.send(round_at(round, cycle), HandInSheet(step=step, marks=written), signed)


def _pairs(marks: Iterable[str], file: Path | None, mode: Mode, desk: Desk) -> list[tuple[str, str]]:
    """The marks from the words or from the file, not both; BadUsage USAGE, BadFile."""
    written = [pair_of(mark) for mark in marks]
    if bool(written) == (file is not None):
        raise BadUsage("USAGE", fault=f"NOMINATION={mode.upper()} … | --file")
    if file is None:
        return written
    pairs, bad = read_marks(file, mode)
    if bad:
        raise BadCells(file, bad, desk.language)
    return pairs
