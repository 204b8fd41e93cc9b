"""`audit robustness`: which seats are safe and which hang by a thread. Hypothetical: nothing is written, nobody is told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Annotated

from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.text import Text

from cli.audit.explain import exactly
from cli.audit.past import is_rehearsal, past_of
from cli.desk import AtDesk, Desk, command, round_at
from cli.output import Outcome, jsonable, number, table
from domain.audit.past import Past
from domain.audit.robustness import WEIGHT_STEPS, Range, Robustness, Scenario, Stand, robustness
from schemas import names
from schemas.errors import BadUsage, Refused
from schemas.events import SelectionMade
from schemas.units import UnitTree

_KINDS = {
    "without_judge": ("不计评委", "without the judge"),
    "marks": ("评分改用", "marks put together as"),
    "weight": ("权重", "the weight of"),
}


@command(
    "audit robustness",
    zh="稳健性（假设推演，不写入、不通知）：逐一去掉一名评委，评分改用总分、平均、中位数、去高低分，各分项权重上下浮动，"
    "重新遴选；列出谁的席位稳固、谁悬于一线，及各权重在什么区间内席位不变（精确）。",
    en="Hypothetical, nothing is written: each selection again without each judge in turn, with marks put together as raw "
    "sum, mean, median or trimmed mean, with each weight moved; which seats are safe, which hang by a thread, and the "
    "exact range of a weight in which no seat changes hands.",
    example="audit robustness round/sichuan-craftsman.1/all/51",
)
async def robust(
    what: Annotated[str, Parameter(help="评审轮或届次 · a round, or a cycle for all of its rounds")],
    *,
    steps: Annotated[
        str, Parameter(help="权重浮动的百分点 · by how many points a weight is moved, such as 1,5,10")
    ] = "",
    desk: AtDesk,
) -> Outcome:
    stream = round_at(what) if "/" in what else ""
    past = await past_of(desk, names.cycle_of(stream) if stream else what)
    found = tuple(robustness(past.question(moment), _steps(steps)) for moment in _selections(past, stream))
    if not found:
        raise Refused("NOT_FOUND", what=f"{what}: SelectionMade")
    said = {
        "hypothetical": True,
        "rehearsal": is_rehearsal(past),
        "selections": [
            jsonable(one) | {"safe": [stand.nomination for stand in one.stands if stand.safe]}
            for one in found
        ],
    }
    varied = [one for one in found if one.found]
    pages = [line for one in varied for line in _page(one, past.tree, desk, whole=bool(stream))]
    return Outcome(json=said, shown=Group(_banner(desk), *pages, _unvaried(len(found) - len(varied), desk)))


def _selections(past: Past, stream: str) -> Iterator[int]:
    """Where selections were made: of one round, or of all."""
    for moment, event in enumerate(past.events):
        if event.type == SelectionMade.__name__ and stream in ("", event.stream):
            yield moment


def _steps(written: str) -> tuple[Fraction, ...]:
    if not written:
        return WEIGHT_STEPS
    try:
        found = tuple(Fraction(one) / 100 for one in written.split(","))
    except (ValueError, ZeroDivisionError):
        raise BadUsage("USAGE", fault=f"--steps {written} → 1,5,10") from None
    if any(not 0 < one <= 1 for one in found):
        raise BadUsage("USAGE", fault=f"--steps {written} → 1,5,10")
    return found


# ---- the page ----


def _banner(desk: Desk) -> Text:
    return Text(
        desk.say("【假设推演】不是结果，未写入任何记录", "HYPOTHETICAL: no result, nothing was written"),
        style="bold yellow",
    )


def _unvaried(count: int, desk: Desk) -> Text:
    if not count:
        return Text()
    return Text(
        desk.say(
            f"另有 {count} 次遴选既无评委打分，也只有一项权重，无可变动",
            f"{count} more selection(s) rest on no panel and one weight: there is nothing to vary",
        ),
        style="dim",
    )


def _page(one: Robustness, tree: UnitTree, desk: Desk, *, whole: bool) -> Iterator[RenderableType]:
    unit = tree.by_code[one.round.rsplit("/", 1)[-1]]
    seated = [stand for stand in one.stands if stand.selected]
    thread = [stand for stand in seated if not stand.safe]
    near = [stand for stand in one.stands if not stand.selected and not stand.safe]
    decided = sum(not found.undecided for found in one.found)
    yield Text()
    yield Text(f"{unit.name}（{unit.code}） · {one.step}", style="bold")
    yield Text(
        desk.say(
            f"{decided} 种情形：{len(seated)} 席中 {len(seated) - len(thread)} 席稳固，{len(thread)} 席悬于一线，{len(near)} 人可能入选",
            f"{decided} scenarios: of {len(seated)} seats {len(seated) - len(thread)} are safe, {len(thread)} hang by a thread; {len(near)} might have had one",
        )
    )
    if whole and (thread or near):
        yield _table([*thread, *near], desk)
    if whole:
        for found in one.found:
            if found.undecided:
                yield Text(f"  {_scenario(found.scenario, desk)}: {found.undecided}", style="dim")
        for range_ in one.ranges:
            yield Text("  " + _range(range_, desk, exact=one.ranges_exact))


def _table(stands: Sequence[Stand], desk: Desk) -> RenderableType:
    columns = (
        desk.say("名次", "place"),
        desk.say("申报", "nomination"),
        desk.say("总分", "score"),
        desk.say("现在", "now"),
        desk.say("有席位的情形", "has a seat in"),
        desk.say("并列", "ties in"),
        desk.say("改变结果的情形", "what changes it"),
    )
    return table(columns, (_row(stand, desk) for stand in stands))


def _row(stand: Stand, desk: Desk) -> tuple[str, ...]:
    return (
        str(stand.rank),
        stand.nomination,
        exactly(stand.score),
        desk.say("入选", "in") if stand.selected else desk.say("未入选", "out"),
        f"{stand.stays}/{stand.of}",
        str(stand.ties or ""),
        "; ".join(_scenario(one, desk) for one in stand.against),
    )


def _scenario(one: Scenario, desk: Desk) -> str:
    if one.kind == "weight":
        component, _, moved = one.about.partition(" ")
        was, _, now = moved.partition(" → ")
        about = f"{component} {number(Fraction(was) * 100)}% → {number(Fraction(now) * 100)}%"
        return f"{desk.say(*_KINDS[one.kind])} {about}"
    return f"{desk.say(*_KINDS[one.kind])} {one.about}（{one.step}）"


def _range(one: Range, desk: Desk, *, exact: bool) -> str:
    low, high = exactly(one.low * 100), exactly(one.high * 100)
    ends = "；".join(
        desk.say(f"{at}% 处 {pair[1]} 超过 {pair[0]}", f"at {at}% {pair[1]} overtakes {pair[0]}")
        for at, pair in ((low, one.low_pair), (high, one.high_pair))
        if pair
    )
    least = "" if exact else desk.say("至少", "at least ")
    now = number(one.weight * 100)
    return desk.say(
        f"{one.component} 权重现为 {now}%，{least}在 {low}% 至 {high}% 之间席位不变",
        f"{one.component} weighs {now}%; {least}from {low}% to {high}% no seat changes hands",
    ) + (f"；{ends}" if ends else "")
