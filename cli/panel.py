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
from schemas import names
from schemas.commands import (
    DeclareTies,
    DrawPanel,
    EnterSheet,
    FormPanel,
    GroupJudges,
    GroupPlace,
    HandInSheet,
    NameChair,
    Recuse,
    ReplaceJudge,
    Tie,
    WrittenMark,
    WrittenPart,
)
from schemas.errors import BadUsage
from schemas.programme import Criterion, ExpertReview

_TIES = ("same_unit", "kin", "mentor", "nominator", "co_applicant")
_JUDGE = "--as j-1 --role judge --unit 51"
_HERE = "round/sichuan-craftsman.1/all/51"
MarkFile = Annotated[
    Path | None,
    Parameter(
        help="CSV 或 Excel 文件：nomination 与评分（有细则的逐项一列）或意见 · nomination, and score (a column a criterion) or vote"
    ),
]


Places = Annotated[
    tuple[str, ...],
    Parameter(
        help="分组评审：未填分组事项者的组别，编号=组，可多次 · NOMINATION=GROUP of whom the fact leaves out"
    ),
]


@command(
    "panel form",
    zh="组成评委；分组评审逐组写 --group 组=评委,评委。",
    en="Form the panel of a review step, naming its judges; where it judges in groups, --group GROUP=JUDGE,JUDGE each.",
    example=f"panel form {_HERE} --step expert_review --judge j-1 --judge j-2 --judge j-3 --as s-1 --role operator --unit 51",
)
async def form(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    step: StepId,
    judge: Annotated[tuple[str, ...], Parameter(help="评委编号，可多次 · a judge's id")] = (),
    group: Annotated[
        tuple[str, ...], Parameter(help="分组评审：组=评委,评委，每组一次 · GROUP=JUDGE,JUDGE")
    ] = (),
    place: Places = (),
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    named = tuple(
        GroupJudges(group=name, judges=tuple(judges.split(","))) for name, judges in map(pair_of, group)
    )
    body = FormPanel(step=step, judges=judge, groups=named, places=_places(place))
    return await desk.send(round_at(round, cycle), body, signed)


def _places(written: Iterable[str]) -> tuple[GroupPlace, ...]:
    return tuple(GroupPlace(nomination=id, group=group) for id, group in map(pair_of, written))


@command(
    "panel draw",
    zh="抽签产生评委：种子须为公开且无人能选的值（如公布的开奖号码），并写明出处。",
    en="Draw the panel by lot, from a public value that nobody here could choose, saying where it was published.",
    example=f'panel draw {_HERE} --step expert_review --seed "03 07 12 19 28 33 + 11" --source "双色球 2026031 期" '
    "--as s-1 --role operator --unit 51",
)
async def draw(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    step: StepId,
    seed: Annotated[str, Parameter(help="种子 · the seed")],
    source: Annotated[str, Parameter(help="种子出处 · where it was published")],
    place: Places = (),
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = DrawPanel(step=step, seed=seed, seed_source=source, places=_places(place))
    return await desk.send(round_at(round, cycle), body, signed)


@command(
    "panel chair",
    zh="指定评委组长与秘书：组长为评委，秘书不得为评委。",
    en="Name the chair, a judge, and the secretary, who is none.",
    example=f"panel chair {_HERE} --step expert_review --chair j-1 --secretary s-4 --as s-1 --role operator --unit 51",
)
async def chair(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    step: StepId,
    chair: Annotated[str, Parameter(help="组长 · the judge who leads")],
    secretary: Annotated[str, Parameter(help="秘书 · who keeps the minutes")],
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = NameChair(step=step, chair=chair, secretary=secretary)
    return await desk.send(round_at(round, cycle), body, signed)


@command(
    "panel ties",
    zh="申明应回避的关系：逐项写 评委:编号=kin|mentor|nominator|co_applicant|same_unit；评审结束后申明的重新计算。",
    en="Declare ties, JUDGE:NOMINATION=kin|mentor|nominator|co_applicant|same_unit each; after the close the result is "
    "computed again.",
    example=f"panel ties {_HERE} j-1:N-0001=mentor --step expert_review {_JUDGE}",
)
async def ties(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *ties: Annotated[str, Parameter(help="评委:编号=关系 · JUDGE:NOMINATION=TIE")],
    cycle: OfCycle = "",
    step: StepId,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    if not ties:
        raise BadUsage("USAGE", fault="JUDGE:NOMINATION=TIE …")
    body = DeclareTies(step=step, ties=tuple(map(_tie, ties)))
    return await desk.send(round_at(round, cycle), body, signed)


def _tie(written: str) -> Tie:
    between, tie = pair_of(written)
    judge, nomination = pair_of(between, ":")
    if tie not in _TIES:
        raise BadUsage("PAIR", written=written, separator=f"= {'|'.join(_TIES)} ")
    return Tie.model_validate({"judge": judge, "nomination": nomination, "tie": tie})


@command(
    "panel replace",
    zh="更换评委：须两人；被换评委的评分作废。",
    en="Replace a judge, whose sheet is void; takes two people.",
    example=f'panel replace {_HERE} --step expert_review --judge j-2 --by j-9 --reason "因病" --as s-1 --role operator',
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
    example=f'panel recuse {_HERE} --step expert_review --nomination N-0001 --reason "近亲属" {_JUDGE}',
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
    zh="提交评分表：逐项写 编号=分数（有评分细则的写 编号=细则:分数,细则:分数），或用 --file（按模板）。截止前再次提交则覆盖。",
    en="Hand in a score sheet: NOMINATION=SCORE each, with a rubric NOMINATION=CRITERION:SCORE,…, or --file, as `template scores` makes it. A later "
    "one before the close replaces it.",
    example=f"panel score {_HERE} N-0001=92.5 N-0002=88 --step expert_review {_JUDGE}",
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
    stream = round_at(round, cycle)
    written = await _scores(marks, file, desk, stream, step)
    return await desk.send(stream, HandInSheet(step=step, marks=written), signed)


@command(
    "panel enter",
    zh="计分员代录一名评委的评分表：两名计分员分别录入，一致才计入。",
    en="A scorekeeper types a judge's sheet; it counts once another one has typed the same.",
    example=f"panel enter {_HERE} N-0001=92.5 N-0002=88 --step expert_review --judge j-1 --as k-1 --role scorekeeper --unit 51",
)
async def enter(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *marks: Annotated[str, Parameter(help="编号=分数 · NOMINATION=SCORE")],
    file: MarkFile = None,
    cycle: OfCycle = "",
    step: StepId,
    judge: Annotated[str, Parameter(help="评委编号 · whose sheet it is")],
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    stream = round_at(round, cycle)
    body = EnterSheet(step=step, judge=judge, marks=await _scores(marks, file, desk, stream, step))
    return await desk.send(stream, body, signed)


async def _scores(
    marks: Iterable[str], file: Path | None, desk: Desk, stream: str, step: str
) -> tuple[WrittenMark, ...]:
    """A score each, or CRITERION:SCORE for every criterion, with commas between."""
    rubric = await _rubric(desk, stream, step) if file is not None else ()
    return tuple(_score_of(one, said) for one, said in _pairs(marks, file, "score", desk, rubric))


async def _rubric(desk: Desk, stream: str, step: str) -> tuple[Criterion, ...]:
    """The criteria by which that step of the round is scored; none for a step that is no review."""
    pinned = await desk.pinned(names.cycle_of(stream))
    unit = pinned.tree.by_code.get(stream.rsplit("/", 1)[-1])
    stage = pinned.programme.stages.get(unit.rank) if unit else None
    found = [one for one in (stage.steps if stage else ()) if one.id == step]
    return found[0].rubric if found and isinstance(found[0], ExpertReview) else ()


def _score_of(nomination: str, said: str) -> WrittenMark:
    if ":" not in said:
        return WrittenMark(nomination=nomination, score=said)
    parts = (pair_of(part, ":") for part in said.split(","))
    return WrittenMark(
        nomination=nomination, parts=tuple(WrittenPart(criterion=one, score=score) for one, score in parts)
    )


@command(
    "panel vote-sheet",
    zh="提交表决表：逐项写 编号=approve|reject|abstain|return，或用 --file。",
    en="Hand in a vote sheet: NOMINATION=approve|reject|abstain|return each, or --file.",
    example=f"panel vote-sheet {_HERE} N-0001=approve N-0002=abstain --step expert_review {_JUDGE}",
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


def _pairs(
    marks: Iterable[str], file: Path | None, mode: Mode, desk: Desk, rubric: tuple[Criterion, ...] = ()
) -> list[tuple[str, str]]:
    """The marks from the words or from the file, not both; BadUsage USAGE, BadFile."""
    written = [pair_of(mark) for mark in marks]
    if bool(written) == (file is not None):
        raise BadUsage("USAGE", fault=f"NOMINATION={mode.upper()} … | --file")
    if file is None:
        return written
    pairs, bad = read_marks(file, mode, rubric=rubric)
    if bad:
        raise BadCells(file, bad, desk.language)
    return pairs
