"""What a programme keeps beside its cycles, through the terminal on real servers: points, register, outcomes, targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from cli.app import run
from cli.output import Outcome
from runtime.door import Door
from runtime.settings import Settings
from schemas import names
from schemas.loading import load_programme
from tests.support import people

PROGRAMME = """\
programme: harbour-batch
edition: 1
title: {zh: 测试港口入库}
subject: organisation
cadence: {every: batch}
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [province]}]
titles:
  - {id: member, label: {zh: 入库企业}, kind: status}
  - {id: national_member, label: {zh: 全国示范}, external: true}
points:
  dimensions:
    - {id: training, label: {zh: 培训}, cap: 10}
    - {id: x, label: {zh: 其他}, open: true}
batches: {cap: 3}
targets:
  - {id: members, label: {zh: 入库数}, at_least: 3, titles: [member]}
  - {id: national, label: {zh: 全国示范数}, at_least: 1, titles: [national_member]}
stages:
  province:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 5, unit: natural_day}}
      - {id: choice, type: selection, seats: 2, weights: [{component: points, share: "100%"}]}
      - {id: entry, type: conferral, body: office, grades: [{title: member}], period: {days: 30, unit: natural_day}}
"""
SIGNED = ["--as", "op-1", "--role", "operator", "--unit", "P"]


class Terminal:
    """The terminal with one open door."""

    def __init__(self, door: Door, settings: Settings) -> None:
        self._door, self._settings = door, settings

    async def ask(self, *words: str) -> Outcome:
        return await run(words, self._settings, self._door)

    async def told(self, *words: str) -> Any:
        outcome = await self.ask(*words)
        assert outcome.exit_code == 0, outcome.json
        return outcome.json


async def test_a_batch_is_chosen_by_points_enters_the_register_and_counts_towards_targets_dr_41(
    door: Door, engine_settings: Settings, tmp_path: Path
) -> None:
    tmp_path = tmp_path / "harbour-batch"
    tmp_path.mkdir()
    (tmp_path / "units.csv").write_text("code,parent,name,rank\nP,,测试省,province\n", "utf-8")
    file = tmp_path / "1.yaml"
    file.write_text(PROGRAMME, "utf-8")
    programme, terminal = load_programme(file), Terminal(door, engine_settings)
    evidence = tmp_path / "minutes.txt"
    evidence.write_text("送技入企纪要", "utf-8")
    cycle = names.cycle_id("harbour-batch", 1)
    grants = people.grants(programme, "P", ("P",))
    await door.start_cycle(file, operators=("op-1", "op-2"), grants=grants, pace=people.fast(days_a_second=1))

    nominations = [await people.nominate(door, cycle, programme, "P", n) for n in range(3)]
    earned = [
        await _earn(terminal, cycle, id, points, evidence)
        for id, points in zip(nominations, "495", strict=True)
    ]
    again = await terminal.ask(*_entry(cycle, nominations[0], "4", evidence))
    assert (again.exit_code, again.json["error"]["code"]) == (1, "EVIDENCE_COUNTED")
    shown = await terminal.told(
        "points", "show", cycle, "--nomination", nominations[1], "--as-of", "2026-12-31"
    )
    assert (shown["subject"], shown["dimensions"], shown["total"]) == (earned[1], {"training": 9, "x": 0}, 9)
    await people.act_until(door, cycle, programme, lambda: people.completed(door, cycle))

    await terminal.told("register", "enter", cycle, *SIGNED)
    members = (await terminal.told("register", "show", cycle))["members"]
    assert {one["subject"] for one in members} == {earned[1], earned[2]}
    await terminal.told("register", "pair", cycle, "--senior", earned[1], "--junior", earned[2], *SIGNED)
    outcome = ["outcome", "record", cycle, "--subject", earned[1], "--title", "national_member", *SIGNED]
    said = [
        "--given-on",
        "2026-01-20",
        "--source",
        "全国测试总工会",
        "--verifier",
        "op-2",
        "--document",
        str(evidence),
    ]
    await terminal.told(*outcome, *said)

    targets = await terminal.told("programme", "targets", "harbour-batch", "--as-of", "2030-01-01")
    assert [(one["count"], one["met"]) for one in targets["targets"]] == [(2, False), (1, True)]
    story = await terminal.told("audit", "replay", "register/harbour-batch")
    assert [one["type"] for one in story["story"]] == ["MembersEntered", "MembersPaired", "OutcomeRecorded"]
    assert story["state"]["register/harbour-batch"]["batches"] == [cycle]
    refused = await terminal.ask(
        "cycle", "start", str(_second(tmp_path)), "--operator", "op-1", "--begins", "2026-03-02T09:00"
    )
    assert (refused.exit_code, refused.json["error"]["code"]) == (1, "CAP_EXCEEDED")


def _second(folder: Path) -> Path:
    file = folder / "2.yaml"
    file.write_text("extends: harbour-batch@1\nedition: 2\n", "utf-8")
    return file


def _entry(cycle: str, nomination: str, points: str, evidence: Path) -> list[str]:
    words = [
        "points",
        "add",
        cycle,
        "--nomination",
        nomination,
        "--dimension",
        "training",
        "--points",
        points,
    ]
    return [*words, "--evidence", str(evidence), "--earned-on", "2026-02-01", "--reason", "送技入企", *SIGNED]


async def _earn(terminal: Terminal, cycle: str, nomination: str, points: str, evidence: Path) -> str:
    return str((await terminal.told(*_entry(cycle, nomination, points, evidence)))["subject"])
