"""Months that feed a quarter, on real servers."""

from __future__ import annotations

from pathlib import Path

from runtime.door import Door
from schemas import names
from schemas.loading import load_programme
from tests.support import people

MONTH = """\
programme: harbour-month
edition: 1
title: {zh: 测试港口月赛}
subject: person
cadence: {every: month}
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [province]}]
titles: [{id: pilot, label: {zh: 月度领航员}, repeatable: true}]
stages:
  province:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 5, unit: natural_day}}
      - {id: honour, type: conferral, body: office, grades: [{title: pilot}], period: {days: 30, unit: natural_day}}
"""
QUARTER = """\
extends: harbour-month@1
programme: harbour-quarter
cadence: {every: quarter, covers: previous}
feeders: [{id: months, programme: harbour-month}]
facts: {award_count: {type: integer, label: {zh: 获奖次数}, attested: engine}}
titles: [{id: pilot, label: {zh: 季度领航员}, repeatable: true}]
stages:
  province:
    steps:
      - {id: intake, channels: [feed]}
      - id: twice
        type: eligibility
        predicates: [{id: won_twice, fact: award_count, op: ">=", value: 2}]
        correction: {days: 3, unit: natural_day}
"""


def written(folder: Path, name: str, text: str) -> Path:
    place = folder / name
    place.mkdir()
    (place / "units.csv").write_text("code,parent,name,rank\nP,,测试省,province\n", "utf-8")
    file = place / "1.yaml"
    file.write_text(text, "utf-8")
    return file


async def run(door: Door, file: Path, period: str, entrants: tuple[int, ...]) -> str:
    """One period's cycle, from its opening to its end; `entrants` are the numbers of invented people."""
    programme = load_programme(file)
    await door.start_cycle(
        file,
        period=period,
        operators=("op-1", "op-2"),
        grants=people.grants(programme, "P", ("P",)),
        pace=people.fast(days_a_second=4),
    )
    cycle = names.cycle_id(programme.programme, programme.edition, period=period)
    for n in entrants:
        await people.nominate(door, cycle, programme, "P", n)
    await people.act_until(door, cycle, programme, lambda: people.completed(door, cycle))
    return cycle


async def test_a_quarter_takes_its_months_winners_each_once_with_all_awards_dr_38(
    door: Door, tmp_path: Path
) -> None:
    month = written(tmp_path, "harbour-month", MONTH)
    quarter = written(tmp_path, "harbour-quarter", QUARTER)
    july = await run(door, month, "2020-07", (1, 2))
    august = await run(door, month, "2020-08", (2, 3))
    cycle = await run(door, quarter, "2020-Q3", ())

    [taken] = [e for e in await door.store.load(names.cycle_stream(cycle)) if e.type == "WinnersTaken"]
    assert (taken.data["sources"], taken.data["persons"], taken.data["award_count"]) == ([july, august], 3, 4)
    root = await door.store.load(names.round_stream(cycle, names.ROOT_ROUTE, "P"))
    [frozen] = [e for e in root if e.type == "PoolFrozen"]
    [conferred] = [e for e in root if e.type == "TitlesConferred"]
    assert len(frozen.data["members"]) == 3
    twice = next(one["subject"] for one in taken.data["winners"] if len(one["awards"]) == 2)
    assert [one["subject"] for one in conferred.data["conferred"]] == [twice]

    late = await run(door, month, "2020-09", (4,))
    following = await run(door, quarter, "2020-Q4", ())
    [taken] = [e for e in await door.store.load(names.cycle_stream(following)) if e.type == "WinnersTaken"]
    assert (taken.data["sources"], taken.data["late"]) == ([late], [late])
