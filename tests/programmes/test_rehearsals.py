"""Every programme that comes with the engine runs to its end, in memory, by invented people."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from cli.rehearse.conductor import Conductor
from cli.rehearse.party import invent
from schemas import names
from schemas.loading import open_programme
from store.memory import MemoryEventStore

PROGRAMMES = Path(__file__).parents[2] / "programmes"
SHIPPED = sorted(PROGRAMMES.glob("*/*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.stem}")
async def test_every_shipped_programme_runs_to_its_end(path: Path) -> None:
    opened = open_programme(path)
    party = invent(opened.programme, opened.units, units=6, nominations=24)
    conductor = Conductor(MemoryEventStore(), party)
    state = await conductor.run()
    assert state.status == "completed"
    ends: Counter[str] = Counter()
    for nomination in conductor.people:
        stream = names.nomination_stream(conductor.cycle, nomination)
        told = (await conductor.decider.nominations.get(stream)).state
        assert told.over, (nomination, told.status)
        ends[told.status] += 1
    assert ends["conferred"] > 0
    assert state.conferred >= ends["conferred"]
    assert len(await conductor.store.streams(f"title/{conductor.cycle}/")) >= state.conferred


JUDGED = """\
programme: test-judged
edition: 1
title: {zh: 测试·评审}
subject: person
two_reviews_three_publicities: true
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [county, province]}]
facts: {head: {type: boolean, label: {zh: 负责人}}}
titles: [{id: pilot, label: {zh: 领航员}}]
stages:
  county:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 5, unit: natural_day}}
      - id: congress
        type: congress
        quorum: "2/3"
        threshold: {share: "1/2", comparator: ">", base: present}
        period: {days: 10, unit: natural_day}
      - {id: own, type: publicity, audience: unit, period: {days: 5, unit: work_day}}
      - {id: word, type: endorsement, period: {days: 10, unit: natural_day}}
  province:
    steps:
      - {id: notice, type: publicity, audience: region, period: {days: 5, unit: work_day}}
      - id: asked
        type: clearance
        departments: [tax, {id: safety, says: advisory, applies_when: {id: heads, fact: head, op: "==", value: true}}]
        valid_for: {days: 365, unit: natural_day}
        period: {days: 10, unit: work_day}
      - id: panel
        type: expert_review
        mode: score
        form: defence
        panel_size: 3
        draw: {pool_role: expert, kinds: {metal: 1}}
        chaired: true
        scorekeepers: 2
        quorum: "2/3"
        scale: {minimum: 0, maximum: 100, step: "0.5"}
        rubric: [{id: skill, label: {zh: 技艺}, share: "60%"}, {id: spirit, label: {zh: 精神}, share: "40%"}]
        period: {days: 10, unit: work_day}
      - id: choice
        type: selection
        seats: 3
        weights: [{component: expert, share: "100%"}]
        ties: [expert_skill, authority]
        reserve: 1
      - {id: wide, type: publicity, period: {days: 5, unit: work_day}}
      - {id: honour, type: conferral, body: office, grades: [{title: pilot}], period: {days: 10, unit: work_day}}
"""


async def test_a_programme_with_every_way_of_judging_runs_to_its_end_dr_11_dr_12_dr_13_dr_28(
    tmp_path: Path,
) -> None:
    units = "code,parent,name,rank\nP,,测试省,province\nA,P,测试县甲,county\nB,P,测试县乙,county\n"
    (tmp_path / "units.csv").write_text(units, "utf-8")
    path = tmp_path / "1.yaml"
    path.write_text(JUDGED, "utf-8")
    opened = open_programme(path)
    conductor = Conductor(MemoryEventStore(), invent(opened.programme, opened.units, units=2, nominations=8))
    state = await conductor.run()
    assert (state.status, state.conferred) == ("completed", 3)
    summit = names.round_stream(conductor.cycle, names.ROOT_ROUTE, "P")
    told = Counter(event.type for event in await conductor.decider.store.load(summit))
    assert told["PanelDrawn"] == told["ChairNamed"] == 1
    assert told["SheetEntered"] == 2 * told["SheetHandedIn"] == 6
