"""Schedules: cycles that open by themselves, every year, quarter or month."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.text import Text
from temporalio.client import Client

from cli.desk import AtDesk, Desk, Reason, command
from cli.grants import read_grants
from cli.office.unit_sheets import unit_sources
from cli.output import Outcome, table
from cli.words import every_words
from domain.authority import roles_of
from runtime.schedules import (
    create_schedule,
    delete_schedule,
    list_schedules,
    pause_schedule,
    resume_schedule,
)
from schemas.loading import load_programme
from schemas.programme import IsoDate
from schemas.values import SHANGHAI

At = Annotated[str, Parameter(help="评选项目编号 · the programme's id, such as weifang-craftsman")]


@command(
    "schedule create",
    zh="设定按期开启：按评选办法的 cadence 和起始日，每年、每两年、每季、每月自动开启一届。同样设定两次只设一次。",
    en="Let cycles open by themselves, by the programme's cadence and anchor, at 00:00 in Beijing. Creating the same "
    "schedule twice makes one. Days missed while the servers were down are caught up.",
    example="schedule create programmes/weifang-craftsman/1.yaml --anchor 2027-03-01 --operator s-1 --operator s-2",
)
async def create(
    programme: Annotated[Path, Parameter(help="评选办法 · the programme's YAML file")],
    *,
    operator: Annotated[tuple[str, ...], Parameter(help="经办人编号，可多次 · operators of every cycle")],
    anchor: Annotated[
        IsoDate | None,
        Parameter(help="起始日 2027-03-01，默认用 cadence 的 · the first day, else the cadence's"),
    ] = None,
    label: Annotated[str, Parameter(help="演练的标记 · a mark of a rehearsal")] = "",
    units: Annotated[
        tuple[Path, ...], Parameter(help="另挂入的单位（CSV、Excel），可多次 · further units")
    ] = (),
    grants: Annotated[Path | None, Parameter(help="授权表（CSV、Excel） · a table of grants")] = None,
    invited: Annotated[tuple[str, ...], Parameter(help="受邀申报的单位，可多次 · invited units")] = (),
    calendar: Annotated[Path | None, Parameter(help="工作日历补充 · a file of work-day overrides")] = None,
    catch_up_days: Annotated[
        int, Parameter(help="停机多少天内补开 · how late a missed day may be made up")
    ] = 30,
    desk: AtDesk,
) -> Outcome:
    door = await desk.door()
    declared = load_programme(programme)
    cadence = declared.cadence
    pinned = await door.pin(
        programme,
        operators=operator,
        label=label,
        units=unit_sources(units, desk.language),
        grants=() if grants is None else read_grants(grants, roles_of(declared), desk.language),
        invited=invited,
        calendar=calendar,
    )
    id, already = await create_schedule(
        await _temporal(desk),
        desk.settings.task_queue,
        pinned,
        cadence.model_copy(update={"anchor": anchor}) if cadence and anchor else cadence,
        timedelta(days=catch_up_days),
    )
    fresh = desk.say(f"{id} 将按期开启。", f"{id} opens by schedule.")
    before = desk.say(f"{id} 此前已设定。", f"{id} was scheduled already.")
    return Outcome(json={"schedule": id, "already": already}, shown=Text(before if already else fresh))


@command(
    "schedule list",
    zh="列出按期开启的项目：周期、是否暂停、以后三次。",
    en="List the schedules: how often, paused or not, the next three times.",
    example="schedule list",
)
async def listed(*, desk: AtDesk) -> Outcome:
    found = await list_schedules(await _temporal(desk))
    columns = (
        desk.say("项目", "programme"),
        desk.say("周期", "every"),
        desk.say("暂停", "paused"),
        desk.say("以后（北京时间）", "next (Beijing)"),
        desk.say("说明", "note"),
    )
    rows = [
        (
            one.schedule,
            every_words(one.every, desk.language),
            desk.say("是", "yes") if one.paused else "",
            ", ".join(map(_begins, one.next)),
            one.note,
        )
        for one in found
    ]
    return Outcome(
        json={"schedules": [one.model_dump(mode="json") for one in found]}, shown=table(columns, rows)
    )


@command(
    "schedule pause",
    zh="暂停按期开启；已开启的届次不受影响。",
    en="Pause a schedule; cycles that are open run on.",
    example='schedule pause weifang-craftsman --reason "办法修订中"',
)
async def pause(schedule: At, *, reason: Reason, desk: AtDesk) -> Outcome:
    await pause_schedule(await _temporal(desk), schedule, reason)
    return _said(schedule, desk.say("已暂停", "paused"))


@command(
    "schedule resume",
    zh="恢复按期开启。",
    en="Resume a paused schedule.",
    example='schedule resume weifang-craftsman --reason "办法已修订"',
)
async def resume(schedule: At, *, reason: Reason, desk: AtDesk) -> Outcome:
    await resume_schedule(await _temporal(desk), schedule, reason)
    return _said(schedule, desk.say("已恢复", "resumed"))


@command(
    "schedule delete",
    zh="删除按期开启的设定；已开启的届次不受影响。",
    en="Delete a schedule; cycles that it opened run on.",
    example="schedule delete weifang-craftsman",
)
async def delete(schedule: At, *, desk: AtDesk) -> Outcome:
    await delete_schedule(await _temporal(desk), schedule)
    return _said(schedule, desk.say("已删除", "deleted"))


def _begins(instant: str) -> str:
    """In Beijing; a cycle begins at a day's 00:00, and not as the day before ends."""
    return f"{datetime.fromisoformat(instant).astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


async def _temporal(desk: Desk) -> Client:
    client = (await desk.door()).client
    assert client is not None
    return client


def _said(schedule: str, what: str) -> Outcome:
    return Outcome(json={"schedule": schedule}, shown=Text(f"{schedule}: {what}"))
