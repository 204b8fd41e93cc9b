"""A cycle: start it, look at it, pause, resume, extend, cancel."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Group
from rich.text import Text

from cli.desk import (
    AtDesk,
    Cycle,
    Desk,
    Reason,
    RoundAt,
    Signed,
    StepId,
    Until,
    command,
    instant_of,
    round_at,
)
from cli.grants import read_grants
from cli.office.unit_sheets import allocation, unit_sources
from cli.output import Outcome, clock, number, table
from cli.words import cycle_words, hold_words, rank_words
from domain.authority import roles_of
from projections.answers import CycleOverview, Level, Listed, Result
from projections.queries import Queries
from schemas import names
from schemas.commands import CancelCycle, CloseIntakeEarly, ExtendIntake, ExtendStep, PauseCycle, ResumeCycle
from schemas.errors import BadUsage
from schemas.loading import load_programme
from schemas.values import Pace

_SIGNED = "--as s-1 --role operator --unit 51"
_LEVEL_WORDS = {
    "received": ("收到", "received"),
    "returned": ("退回次数", "returns"),
    "rejected": ("不予推荐", "rejected"),
    "eliminated": ("未入选", "eliminated"),
    "recommended": ("推荐", "recommended"),
    "withdrawn": ("撤回", "withdrawn"),
    "disqualified": ("取消资格", "disqualified"),
    "conferred": ("命名", "conferred"),
    "silent": ("未申报单位", "silent units"),
    "below_minimum": ("申报不足单位", "below minimum"),
    "open": ("进行中", "rounds open"),
    "held": ("待人处理", "held"),
    "reported": ("已上报", "reported"),
    "lapsed": ("失效", "lapsed"),
}


@command(
    "cycle start",
    zh="开启一届：锁定评选办法、单位、工作日历。同一届开启两次只开一届，并说明已开启。",
    en="Start a cycle: pins the programme, units and work-day calendar. Starting it twice starts one, and says so.",
    example="cycle start programmes/sichuan-craftsman/1.yaml --units enterprises.csv --operator s-1 --operator s-2 "
    "--grants grants.csv",
)
async def start(
    programme: Annotated[Path, Parameter(help="评选办法 · the programme's YAML file")],
    *,
    label: Annotated[
        str, Parameter(help="演练等的标记，成为编号的一部分 · a mark that becomes part of the id")
    ] = "",
    period: Annotated[str, Parameter(help="期：2020、2020-Q3、2020-09 · the period of a recurring one")] = "",
    units: Annotated[
        tuple[Path, ...], Parameter(help="另挂入的单位（CSV、Excel），可多次 · further units")
    ] = (),
    seats: Annotated[Path | None, Parameter(help="名额分配表（CSV、Excel） · an allocation of seats")] = None,
    operator: Annotated[
        tuple[str, ...], Parameter(help="经办人编号，可多次；重大事项须两人 · operators; two for some acts")
    ],
    grants: Annotated[Path | None, Parameter(help="授权表（CSV、Excel） · a table of grants")] = None,
    invited: Annotated[
        tuple[str, ...], Parameter(help="受邀申报的单位，可多次 · a unit invited to nominate")
    ] = (),
    speed: Annotated[
        int, Parameter(help="演练：每秒走多少届内秒 · rehearsal: cycle seconds a real second")
    ] = 1,
    begins: Annotated[str, Parameter(help="演练：届内时间的起点 · rehearsal: cycle time at the start")] = "",
    calendar: Annotated[Path | None, Parameter(help="工作日历补充 · a file of work-day overrides")] = None,
    desk: AtDesk,
) -> Outcome:
    declared = load_programme(programme)
    cycle = names.cycle_id(declared.programme, declared.edition, label, period)
    sources = unit_sources(units, desk.language)
    receipt = await (await desk.door()).start_cycle(
        programme,
        label=label,
        period=period,
        units=sources,
        seats=None if seats is None else allocation(seats, programme, sources, desk.language),
        operators=operator,
        grants=() if grants is None else read_grants(grants, roles_of(declared), desk.language),
        invited=invited,
        pace=_pace(speed, begins),
        calendar=calendar,
    )
    told = desk.told(receipt, cycle=cycle, already=receipt.repeated, assumptions=len(declared.assumptions))
    fresh = desk.say(f"{cycle} 已开启。", f"{cycle} is open.")
    before = desk.say(
        f"{cycle} 此前已开启，未再开。", f"{cycle} was open already; no second one was started."
    )
    return Outcome(json=told.json, shown=Text(before if receipt.repeated else fresh))


@command(
    "cycle status",
    zh="届次现状：各级收到、退回、推荐，待人处理的评审轮。",
    en="How a cycle stands: received, returned and recommended by level, and the rounds that wait for a person.",
    example="cycle status sichuan-craftsman.1",
)
async def status(cycle: Cycle, *, desk: AtDesk) -> Outcome:
    async with Queries(await desk.store(), desk.audit_dsn) as queries:
        overview, levels = await queries.cycle_status(cycle), (await queries.levels(cycle)).levels
    said = overview.model_dump(mode="json") | {"levels": [level.model_dump(mode="json") for level in levels]}
    return Outcome(json=said, shown=_overview(overview, levels, desk))


@command(
    "cycle result",
    zh="最终或目前名单：名次、得分、各分项、分数线、候补。",
    en="The list, final or as it stands: places, scores, components, the cut line and the reserve.",
    example="cycle result sichuan-craftsman.1 --json",
)
async def result(cycle: Cycle, *, desk: AtDesk) -> Outcome:
    async with Queries(await desk.store(), desk.audit_dsn) as queries:
        found = await queries.result(cycle)
    return Outcome(json=found.model_dump(mode="json"), shown=_result(found, desk))


@command(
    "cycle pause",
    zh="暂停：时间停走，决定一律不受理，直至恢复。",
    en="Pause: time stands still and no decision is taken until it resumes.",
    example=f'cycle pause sichuan-craftsman.1 --reason "系统维护" {_SIGNED}',
)
async def pause(cycle: Cycle, *, reason: Reason, signed: Signed, desk: AtDesk) -> Outcome:
    return await desk.send(names.cycle_stream(cycle), PauseCycle(reason=reason), signed)


@command(
    "cycle resume",
    zh="恢复：各期限按所余整日顺延。",
    en="Resume: every window gets back the whole days that it had left.",
    example=f"cycle resume sichuan-craftsman.1 {_SIGNED}",
)
async def resume(cycle: Cycle, *, signed: Signed, desk: AtDesk) -> Outcome:
    return await desk.send(names.cycle_stream(cycle), ResumeCycle(), signed)


@command(
    "cycle extend",
    zh="延期：申报期（--rank）或评审轮的一个环节（--round 与 --step）；须两人。",
    en="Extend the intake of a rank (--rank) or a round's step (--round and --step); takes two people.",
    example=f'cycle extend sichuan-craftsman.1 --rank enterprise --until 2026-05-20T18:00 --reason "汛期" {_SIGNED}',
)
async def extend(
    cycle: Cycle,
    *,
    until: Until,
    rank: Annotated[str, Parameter(help="层级 · the rank whose intake is meant")] = "",
    round: RoundAt = "",  # noqa: A002 -- the option's name
    step: StepId = "",
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    closes_at = instant_of(until)
    if bool(rank) == bool(round) or bool(round) != bool(step):
        raise BadUsage("USAGE", fault="--rank | --round, --step")
    if rank:
        intake = ExtendIntake(rank=rank, closes_at=closes_at, reason=reason)
        return await desk.send(names.cycle_stream(cycle), intake, signed)
    return await desk.send(
        round_at(round, cycle), ExtendStep(step=step, closes_at=closes_at, reason=reason), signed
    )


@command(
    "cycle close-early",
    zh="提前截止一个层级的申报期；须两人，新的截止时间不得早于现在。",
    en="End the intake of a rank before its time, never in the past; takes two people.",
    example=f'cycle close-early sichuan-craftsman.1 --rank enterprise --until 2026-05-08T18:00 --reason "名额已满" {_SIGNED}',
)
async def close_early(
    cycle: Cycle,
    *,
    rank: Annotated[str, Parameter(help="层级 · the rank whose intake is meant")],
    until: Until,
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = CloseIntakeEarly(rank=rank, closes_at=instant_of(until), reason=reason)
    return await desk.send(names.cycle_stream(cycle), body, signed)


@command(
    "cycle amend",
    zh="修改规则：仅限尚未开始的层级；须两人。",
    en="Amend the rules of levels that have not begun; takes two people.",
    example=f'cycle amend sichuan-craftsman.1 amended.yaml --reason "党组会议" {_SIGNED}',
)
async def amend(cycle: Cycle, programme: Path, *, reason: Reason, signed: Signed, desk: AtDesk) -> Outcome:
    receipt = await (await desk.door()).amend(cycle, programme, reason, signed.actor, signed.key)
    return desk.told(receipt)


@command(
    "cycle calendar",
    zh="补充工作日历：此后公布的年份，或文件中的；已有的日子不变；须两人。",
    en="Add years to the work-day calendar: those published since, or a file's; no known day changes; takes two people.",
    example=f'cycle calendar sichuan-craftsman.1 --calendar 2027.json --reason "国务院办公厅通知" {_SIGNED}',
)
async def extend_calendar(
    cycle: Cycle,
    *,
    calendar: Annotated[Path | None, Parameter(help="工作日历补充 · a file of work days")] = None,
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    receipt = await (await desk.door()).extend_calendar(cycle, calendar, reason, signed.actor, signed.key)
    return desk.told(receipt)


@command(
    "cycle cancel",
    zh="取消本届：须两人；不可恢复。",
    en="Cancel the cycle for good; takes two people.",
    example=f'cycle cancel sichuan-craftsman.1 --reason "上级通知" {_SIGNED}',
)
async def cancel(cycle: Cycle, *, reason: Reason, signed: Signed, desk: AtDesk) -> Outcome:
    return await desk.send(names.cycle_stream(cycle), CancelCycle(reason=reason), signed)


def _pace(speed: int, begins: str) -> Pace | None:
    """A rehearsal's pace; none where cycle time is real time."""
    if speed == 1 and not begins:
        return None
    now = datetime.now(UTC)
    return Pace(real_epoch=now, cycle_epoch=instant_of(begins) if begins else now, speed=speed)


def _overview(overview: CycleOverview, levels: tuple[Level, ...], desk: Desk) -> Group:
    rehearsal = desk.say("（演练）", " (rehearsal)") if overview.rehearsal else ""
    head = [
        f"{desk.say(overview.title.zh, overview.title.en)} · {overview.cycle} · {cycle_words(overview.status, desk.language)}{rehearsal}",
        desk.say("规则 ", "rules ")
        + overview.rules[:12]
        + desk.say("，日志位置 ", ", log position ")
        + str(overview.position),
    ]
    head += [
        desk.say("申报截止 ", "intake closes ")
        + f"{rank_words(one.rank, desk.language)} {clock(one.window.closes_at)}"
        + desk.say("（北京时间）", " (Beijing)")
        for one in overview.intakes
        if not overview.intake_closed
    ]
    held = [(one.round, one.step, hold_words(one.code, desk.language)) for one in overview.held]
    waiting = (desk.say("待人处理", "waits for a person"), desk.say("环节", "step"), desk.say("原因", "why"))
    return Group(Text("\n".join(head)), _levels(levels, desk), table(waiting, held) if held else Text())


def _levels(levels: tuple[Level, ...], desk: Desk) -> Any:
    columns = (desk.say("层级", "level"), *(desk.say(*words) for words in _LEVEL_WORDS.values()))
    rows = [
        (rank_words(level.rank, desk.language), *(getattr(level, name) for name in _LEVEL_WORDS))
        for level in levels
    ]
    return table(columns, rows)


def _result(found: Result, desk: Desk) -> Group:
    columns = (
        desk.say("名次", "place"),
        desk.say("申报", "nomination"),
        desk.say("单位", "unit"),
        desk.say("路径", "route"),
        desk.say("总分", "score"),
        desk.say("分项", "components"),
        desk.say("证书", "certificate"),
    )
    lines = [
        desk.say("最终名单", "Final list") if found.final else desk.say("目前名单", "The list as it stands"),
        desk.say("候补：", "reserve: ") + (", ".join(found.reserve) or "–"),
    ]
    if found.cut_line and found.cut_line.last_in and found.cut_line.first_out:
        last, first = found.cut_line.last_in, found.cut_line.first_out
        lines.append(
            desk.say("分数线：", "cut line: ")
            + f"{last.nomination} {number(last.score)} | {first.nomination} {number(first.score)}"
        )
    return Group(table(columns, map(_listed, found.listed)), Text("\n".join(lines)))


def _listed(one: Listed) -> tuple[Any, ...]:
    parts = " ".join(f"{part.component}={number(part.value)}" for part in one.components)
    score = "" if one.score is None else number(one.score)
    return (
        one.rank,
        one.nomination,
        f"{one.unit_name} {one.unit}",
        one.route,
        score,
        parts,
        " ".join(one.certificates),
    )
