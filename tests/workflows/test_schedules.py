"""Cycles that a Temporal Schedule opens, on the dev server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from temporalio.client import Client, ScheduleBackfill, ScheduleHandle

from cli.app import run
from domain.periods import fits
from runtime.door import Door
from runtime.schedules import calendar_spec, create_schedule, list_schedules, pause_schedule, resume_schedule
from schemas import names
from schemas.errors import Conflict, Refused
from schemas.loading import load_programme
from schemas.messages import PinnedCycle
from schemas.programme import Cadence, Every

PROGRAMME = """\
programme: harbour-months
edition: 1
title: {zh: 测试港口月赛}
subject: person
cadence: {every: month, since: 2020, anchor: "2020-01-01"}
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [province]}]
titles: [{id: pilot, label: {zh: 领航员}}]
stages:
  province:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 5, unit: natural_day}}
      - {id: honour, type: conferral, body: office, grades: [{title: pilot}], period: {days: 5, unit: natural_day}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "units.csv").write_text("code,parent,name,rank\nP,,测试省,province\n", "utf-8")
    path = tmp_path / "1.yaml"
    path.write_text(PROGRAMME, "utf-8")
    return path


@pytest.fixture
def calendar(tmp_path: Path) -> Path:
    """Every day of this year and the next, so that the test runs in years that nobody has published yet."""
    first = date(datetime.now(UTC).year, 1, 1)
    days = (first + timedelta(days=n) for n in range(3 * 366))
    path = tmp_path / "calendar.json"
    path.write_text(json.dumps({day.isoformat(): day.weekday() < 5 for day in days}), "utf-8")
    return path


@pytest.fixture
def client(door: Door) -> Client:
    assert door.client is not None
    return door.client


@pytest_asyncio.fixture
async def schedule(door: Door, client: Client, file: Path, calendar: Path) -> AsyncIterator[ScheduleHandle]:
    """A monthly schedule; gone after the test."""
    pinned = await door.pin(file, operators=("op-1", "op-2"), calendar=calendar)
    await made(client, door, pinned, load_programme(file).cadence)
    handle = client.get_schedule_handle("harbour-months")
    yield handle
    await handle.delete()


async def made(client: Client, door: Door, pinned: PinnedCycle, cadence: Cadence | None) -> tuple[str, bool]:
    return await create_schedule(client, door.settings.task_queue, pinned, cadence, timedelta(days=30))


async def opened(door: Door, count: int) -> list[str]:
    """The programme's cycles, once there are so many and all have their grants."""
    async with asyncio.timeout(60):
        while True:
            founded = await door.store.streams("authority/harbour-months.1.")
            if len(founded) >= count:
                return [names.cycle_of(stream) for stream in founded]
            await asyncio.sleep(0.1)


async def actions(handle: ScheduleHandle, count: int) -> None:
    """Until so many workflows that the schedule started are over."""
    async with asyncio.timeout(60):
        while True:
            described = await handle.describe()
            if described.info.num_actions >= count and not described.info.running_actions:
                return
            await asyncio.sleep(0.1)


async def test_a_schedule_that_fires_twice_in_a_period_opens_one_cycle_dr_38(
    door: Door, schedule: ScheduleHandle
) -> None:
    before = set(await opened(door, 0))
    await schedule.trigger()
    [cycle] = set(await opened(door, len(before) + 1)) - before
    await schedule.trigger()
    await actions(schedule, 2)
    assert set(await opened(door, 1)) - before == {cycle}
    assert fits(Cadence(every=Every.MONTH), names.period_of(cycle))
    [event] = await door.store.load(names.cycle_stream(cycle))
    assert (event.type, event.actor.id) == ("CycleOpened", "op-1")


async def test_missed_months_are_made_up_each_as_a_cycle_of_its_own_dr_38(
    door: Door, schedule: ScheduleHandle
) -> None:
    summer = ScheduleBackfill(
        start_at=datetime(2020, 6, 30, 16, tzinfo=UTC)
        - timedelta(hours=1),  # Beijing's July begins at 16:00 UTC
        end_at=datetime(2020, 8, 31, 17, tzinfo=UTC),
    )
    await schedule.backfill(summer)
    async with asyncio.timeout(60):
        while True:
            periods = {names.period_of(cycle) for cycle in await opened(door, 1)}
            if {"2020-07", "2020-08", "2020-09"} <= periods:
                break
            await asyncio.sleep(0.1)
    assert not {"2020-06", "2020-10"} & periods


async def test_the_same_schedule_twice_is_one_and_other_content_is_refused(
    door: Door, client: Client, schedule: ScheduleHandle, file: Path, calendar: Path
) -> None:
    cadence = load_programme(file).cadence
    pinned = await door.pin(file, operators=("op-1", "op-2"), calendar=calendar)
    assert await made(client, door, pinned, cadence) == (schedule.id, True)
    with pytest.raises(Conflict, match="SCHEDULE_EXISTS"):
        await made(client, door, pinned.model_copy(update={"operators": ("op-3", "op-4")}), cadence)


async def test_a_paused_schedule_says_so_until_it_is_resumed(
    client: Client, schedule: ScheduleHandle
) -> None:
    await pause_schedule(client, schedule.id, "办法修订中")
    assert [(one.paused, one.note) for one in await listed(client, 1)] == [(True, "办法修订中")]
    await resume_schedule(client, schedule.id, "办法已修订")
    [one] = await listed(client, 1)
    assert not one.paused
    assert [moment[8:19] for moment in one.next] != []
    with pytest.raises(Refused, match="NOT_FOUND"):
        await pause_schedule(client, "nobody-made-it", "r")


async def listed(client: Client, count: int) -> list:  # type: ignore[type-arg]
    """The server's list lags behind by a moment."""
    async with asyncio.timeout(30):
        while len(found := await list_schedules(client)) != count:  # noqa: ASYNC110 -- nothing to wait for
            await asyncio.sleep(0.1)
    return found


async def test_a_programme_that_does_not_say_how_often_is_not_scheduled(
    door: Door, client: Client, file: Path
) -> None:
    pinned = await door.pin(file, operators=("op-1",))
    for cadence in (
        None,
        Cadence(every=Every.BATCH, anchor="2027-01-01"),
        Cadence(every=Every.MONTH),
        Cadence(every=Every.MONTH, anchor="2027-01-31"),
        Cadence(every=Every.YEAR).model_copy(update={"anchor": "2027-13-01"}),
    ):
        with pytest.raises(Refused, match="NOT_RECURRING"):
            await made(client, door, pinned, cadence)


async def test_the_terminal_makes_lists_and_deletes_a_schedule(
    door: Door, engine_settings, file: Path, calendar: Path
) -> None:
    words = [
        "schedule",
        "create",
        str(file),
        "--operator",
        "op-1",
        "--calendar",
        str(calendar),
        "--label",
        "t",
    ]
    assert (await run(words, engine_settings, door)).json == {
        "schedule": "harbour-months.t",
        "already": False,
    }
    assert (await run(words, engine_settings, door)).json == {"schedule": "harbour-months.t", "already": True}
    assert (await run(["schedule", "delete", "harbour-months.t"], engine_settings, door)).exit_code == 0
    again = await run(["schedule", "delete", "harbour-months.t"], engine_settings, door)
    assert (again.exit_code, again.json["error"]["code"]) == (1, "NOT_FOUND")


async def test_a_period_is_opened_by_hand_only_under_a_key_of_its_cadence(
    door: Door, file: Path, calendar: Path
) -> None:
    with pytest.raises(Refused, match="WRONG_PERIOD"):
        await door.start_cycle(file, operators=("op-1",), period="2020-Q3", calendar=calendar)


@pytest.mark.parametrize(
    ("every", "anchor", "months", "years"),
    [
        (Every.TWO_YEARS, "2027-03-01", (3, 3, 1), (2027, 2100, 2)),
        (Every.QUARTER, "2020-04-05", (1, 12, 3), (2020, 2100, 1)),
        (Every.MONTH, "2020-01-01", (1, 12, 1), (2020, 2100, 1)),
    ],
)
def test_the_calendar_of_a_schedule_is_that_of_beijing(
    every: Every, anchor: str, months: tuple[int, ...], years: tuple[int, ...]
) -> None:
    spec = calendar_spec(Cadence(every=every, anchor=anchor))
    [calendar] = spec.calendars
    [month], [year] = calendar.month, calendar.year
    assert (month.start, month.end or month.start, month.step or 1) == months
    assert (year.start, year.end, year.step or 1) == years
    assert spec.time_zone_name == "Asia/Shanghai"
