"""Teams through the terminal on real servers: their people in the vault, random ids in the log (DR-40, DR-05)."""

from __future__ import annotations

from pathlib import Path

from runtime.door import Door
from runtime.settings import Settings
from schemas import names
from schemas.loading import load_programme
from tests.support import people
from tests.workflows.test_family import Terminal

PROGRAMME = """\
programme: harbour-contest
edition: 1
title: {zh: 测试港口团队赛}
subject: team
members: {team: {minimum: 2, maximum: 4}}
cadence: {every: once}
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [province]}]
stages:
  province:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 30, unit: natural_day}}
"""
SIGNED = ("--as", "of-P", "--role", "officer", "--unit", "P")
ROWS = """\
单位代码,姓名,领衔人,成员
P,测试队一,TEST-1=测试·甲一,TEST-2=测试·甲二、TEST-3=测试·甲三
P,测试队二,TEST-4=测试·乙一,TEST-3=测试·甲三
P,测试队三,TEST-5,TEST-6=测试·丙二
"""


async def test_teams_come_from_a_file_each_person_in_one_and_are_known_by_who_they_are_dr_40(
    door: Door, engine_settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "units.csv").write_text("code,parent,name,rank\nP,,测试省,province\n", "utf-8")
    file, teams = tmp_path / "1.yaml", tmp_path / "teams.csv"
    file.write_text(PROGRAMME, "utf-8")
    teams.write_text(ROWS, "utf-8")
    terminal, cycle = Terminal(door, engine_settings), names.cycle_id("harbour-contest", 1)
    grants = people.grants(load_programme(file), "P", ("P",))
    await door.start_cycle(file, operators=("op-1", "op-2"), grants=grants, pace=people.at_speed(1))

    whole = await terminal.ask("nominate", cycle, "--file", str(teams), *SIGNED)
    assert [(cell["row"], cell["column"]) for cell in whole.json["error"]["cells"]] == [(4, "C")]
    head, first, second, _ = ROWS.splitlines()
    teams.write_text(f"{head}\n{first}\n", "utf-8")
    nominate = ("nominate", cycle, "--file", str(teams), "--key", "k", *SIGNED)
    done = await terminal.ask(*nominate)
    [stored] = done.json["stored"]
    stream = names.nomination_stream(cycle, stored["nomination"])
    assert (stored["row"], stored["stream"]) == (2, stream)
    assert f"row 2: {stream} nomination submitted" in str(done.shown).splitlines()
    again = await terminal.ask(*nominate)
    assert f"row 2: {stream} nomination submitted (done before)" in str(again.shown).splitlines()
    teams.write_text(f"{head}\n{second}\n", "utf-8")
    [refused] = (await terminal.ask("nominate", cycle, "--file", str(teams), *SIGNED)).json["refused"]
    assert refused["error"]["code"] == "DUPLICATE_NOMINATION"
    assert refused["error"]["facts"]["existing"] == stored["nomination"]

    members = stored["events"][0]["data"]["members"]
    assert [one["leader"] for one in members] == [True, False, False]
    assert await door.vault.reveal(members[0]["entry"]) == {"name": "测试·甲一"}
    same = ("--leader", "TEST-1=测试·甲一", "--member", "TEST-3=测试·甲三", "--member", "TEST-2=测试·甲二")
    again = await terminal.ask("nominate", cycle, "--field", "name=测试队一改名", *same, *SIGNED)
    assert again.json["error"]["facts"]["existing"] == stored["nomination"]

    await terminal.told("change-team", f"{cycle}/{stored['nomination']}", *same[:4], *SIGNED)  # TEST-2 leaves
    freed = ("--leader", "TEST-4=测试·乙一", "--member", "TEST-2=测试·甲二")
    assert await terminal.told("nominate", cycle, "--field", "name=测试队二", *freed, *SIGNED)
    log = "".join(event.model_dump_json() for event in await door.store.read_all(0, 1000))
    assert "TEST-1" not in log
    assert "测试·甲一" not in log
