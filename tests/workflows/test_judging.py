"""On real servers: a panel by lot, sheets typed twice, groups, and a list that goes on while an objection holds one of it."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from python_calamine import load_workbook
from rich.console import Console

from cli import app
from cli.output import Outcome
from domain import lots
from runtime.door import Door, NominationForm
from runtime.settings import Language, Settings
from schemas import names
from schemas.commands import Confer, Decide, DrawPanel, EnterSheet, RuleOnObjection, WrittenMark
from schemas.errors import Refused
from schemas.events import FactValue, GrantTerms, PanelDrawn, SubjectsHeld, read
from schemas.ledger import Actor
from schemas.loading import load_programme
from schemas.programme import Channel
from tests.support import people
from tests.support.people import at_step, until

PROGRAMME = """
programme: test-judging
edition: 1
title: {zh: 测试·评审}
subject: person
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [county, province]}]
titles: [{id: gold, label: {zh: 金}}]
stages:
  county:
    steps: [{id: intake, type: intake, channels: [unit], period: {days: 3, unit: natural_day}}]
  province:
    steps:
      - id: panel
        type: expert_review
        mode: score
        panel_size: 2
        draw: {pool_role: expert}
        scorekeepers: 2
        quorum: "2/3"
        scale: {minimum: 0, maximum: 100, step: 1}
        period: {days: 60, unit: natural_day}
      - {id: choice, type: selection, seats: 2, weights: [{component: expert, share: "100%"}], ties: [authority]}
      - {id: notice, type: publicity, period: {days: 4, unit: natural_day}}
      - {id: sealed, type: decision, body: office, period: {days: 60, unit: natural_day}}
      - {id: honour, type: conferral, body: office, grades: [{title: gold}], period: {days: 60, unit: natural_day}}
"""
OPERATOR = Actor(id="op-1", role="operator")
BODY = tuple(Actor(id=person, role="body:office") for person in people.BODIES)
KEEPERS = tuple(Actor(id=f"k-{n}", role="scorekeeper") for n in (1, 2))
POOL = tuple(f"x-{n}" for n in range(1, 6))
SEED = "测试·公开摇号 0719"


async def test_a_drawn_panel_typed_twice_and_a_hold_by_subject_dr_13_dr_16_dr_28(
    door: Door, tmp_path: Path
) -> None:
    (tmp_path / "units.csv").write_text(
        "code,parent,name,rank\nP,,测试省,province\nC,P,测试县,county\n", "utf-8"
    )
    file = tmp_path / "1.yaml"
    file.write_text(PROGRAMME, "utf-8")
    programme = load_programme(file)
    cycle = names.cycle_id(programme.programme, programme.edition)
    summit = names.round_stream(cycle, names.ROOT_ROUTE, "P")
    extra = [(person, "expert") for person in POOL] + [(keeper.id, "scorekeeper") for keeper in KEEPERS]
    grants = people.grants(programme, "P", ("C",)) + tuple(
        GrantTerms(id=f"extra-{n}", person=person, role=role, unit="P")
        for n, (person, role) in enumerate(extra)
    )
    pace = people.fast(days_a_second=1)
    await door.start_cycle(file, operators=("op-1", "op-2"), grants=grants, invited=("C",), pace=pace)
    first, second, third = [await people.nominate(door, cycle, programme, "C", n) for n in range(3)]

    await until(lambda: at_step(door, summit, "panel"))
    await _drawn(door, summit)
    await _typed_twice(door, summit, {first: "90", second: "80", third: "70"})

    await until(lambda: at_step(door, summit, "notice"))
    citizen = Actor(id="citizen-1", role="public")
    objection, receipt = await door.object_to(
        cycle, first, "TEST-OBJECTOR", {"name": "测试·乙"}, "deeds", citizen
    )
    assert "citizen-1" not in receipt.model_dump_json()
    await _only_a_handler_sees_the_objector(door, cycle, first, objection)

    await until(lambda: at_step(door, summit, "sealed"))  # the list goes on, the objection still open
    held = [event for event in map(read, await door.store.load(summit)) if isinstance(event, SubjectsHeld)]
    assert [one.nominations for one in held] == [(first,)]
    dismissed = RuleOnObjection(objection=objection, outcome="dismissed", reason="测试·不实")
    await door.send(names.nomination_stream(cycle, first), dismissed, Actor(id="h-1", role="handler"))
    for member in BODY:
        await door.send(summit, Decide(step="sealed"), member)
    await until(lambda: at_step(door, summit, "honour"))
    for member in BODY:
        await door.send(summit, Confer(step="honour"), member)
    assert list((await door.decider.rounds.get(summit)).state.conferred) == [first, second]


async def _drawn(door: Door, summit: str) -> None:
    await door.send(summit, DrawPanel(step="panel", seed=SEED, seed_source="测试"), OPERATOR)
    (drawn,) = [event for event in map(read, await door.store.load(summit)) if isinstance(event, PanelDrawn)]
    assert {lot.person for lot in drawn.pool} == set(POOL)
    assert drawn.judges == lots.draw(SEED, reversed(drawn.pool), 2, {})


async def _typed_twice(door: Door, summit: str, scores: dict[str, str]) -> None:
    judges = (await door.decider.rounds.get(summit)).state.steps["panel"].judges
    marks = tuple(WrittenMark(nomination=id, score=score) for id, score in scores.items())
    slip = (marks[0].model_copy(update={"score": "9"}), *marks[1:])
    for judge in judges:
        right = EnterSheet(step="panel", judge=judge, marks=marks)
        await door.send(summit, right, KEEPERS[0])
        wrong = await door.send(summit, EnterSheet(step="panel", judge=judge, marks=slip), KEEPERS[1])
        assert [event.type for event in wrong.events] == ["SheetEntered", "SheetDiscrepancy"]
        settled = await door.send(summit, right, KEEPERS[1])
        assert [event.type for event in settled.events] == ["SheetEntered", "SheetHandedIn"]


async def _only_a_handler_sees_the_objector(door: Door, cycle: str, nomination: str, objection: str) -> None:
    seen = await door.objector(cycle, nomination, objection, Actor(id="h-1", role="handler"))
    assert seen == ({"name": "测试·乙"}, "deeds")
    for other in (OPERATOR, KEEPERS[0], *BODY, Actor(id="h-1", role="operator")):
        with pytest.raises(Refused) as refusal:
            await door.objector(cycle, nomination, objection, other)
        assert refusal.value.code == "NOT_AUTHORISED"


# ---- in groups ----

IN_GROUPS = """
programme: test-fields
edition: 1
title: {zh: 测试·分组}
subject: person
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [province]}]
facts: {trade: {type: choice, label: {zh: 工种}, of: [boats, nets, ropes]}}
stages:
  province:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 3, unit: natural_day}}
      - id: fields
        type: expert_review
        mode: score
        groups: {fact: trade, normalise: top}
        panel_size: 1
        quorum: "1/1"
        scale: {minimum: 0, maximum: 100, step: 1}
        period: {days: 60, unit: natural_day}
      - {id: choice, type: selection, seats: 2, weights: [{component: expert, share: "100%"}], ties: [authority]}
"""


async def test_a_panel_in_groups_is_formed_and_judges_at_the_terminal_dr_13_dr_19(
    door: Door, tmp_path: Path
) -> None:
    (tmp_path / "units.csv").write_text("code,parent,name,rank\nP,,测试省,province\n", "utf-8")
    file = tmp_path / "1.yaml"
    file.write_text(IN_GROUPS, "utf-8")
    programme = load_programme(file)
    cycle = names.cycle_id(programme.programme, programme.edition)
    root = names.round_stream(cycle, names.ROOT_ROUTE, "P")
    pace, grants = people.fast(days_a_second=1), people.grants(programme, "P", ("P",))
    await door.start_cycle(file, operators=("op-1", "op-2"), grants=grants, invited=("P",), pace=pace)
    boat, net, other = [await _entered(door, cycle, trade) for trade in ("boats", "nets", "")]
    await until(lambda: at_step(door, root, "fields"))

    async def said(*words: str, by: str, role: str = "judge") -> Outcome:
        return await app.run(
            [*words, "--step", "fields", "--as", by, "--role", role, "--unit", "P"],
            Settings(language=Language.EN),
            door,
        )

    form = ("panel", "form", root, "--group", "boats=j-1", "--group", "nets=j-2")
    unplaced = await said(*form, by="op-1", role="operator")
    assert unplaced.json["error"]["facts"] == {"fact": "trade", "nominations": other}
    assert (await said(*form, "--place", f"{other}=nets", by="op-1", role="operator")).exit_code == 0
    assert await _listed(door, file, root, "j-2", tmp_path) == sorted([net, other])
    outside = await said("panel", "score", root, f"{boat}=90", by="j-2")
    assert outside.json["error"]["code"] == "NOT_IN_GROUP"
    for judge, marks in (("j-1", {boat: "90"}), ("j-2", {net: "40", other: "20"})):
        written = [f"{id}={score}" for id, score in marks.items()]
        assert (await said("panel", "score", root, *written, by=judge)).exit_code == 0
    await until(lambda: people.completed(door, cycle))
    state = (await door.decider.rounds.get(root)).state
    assert state.components["expert"] == {boat: 100, net: 100, other: 50}
    assert set(state.members) == {boat, net}
    told = await app.run(["audit", "explain", f"{cycle}/{other}"], Settings(language=Language.EN), door)
    page = StringIO()
    Console(file=page, width=250).print(told.shown)
    assert "group nets; 20 before it was brought to the scale of all groups" in page.getvalue()


async def _entered(door: Door, cycle: str, trade: str) -> str:
    form = NominationForm(
        cycle=cycle,
        unit="P",
        route="territorial",
        channel=Channel.UNIT,
        identity=f"TEST-{trade}",
        fields={"name": f"测试·{trade}"},
        facts=(FactValue(id="trade", value=trade),) if trade else (),
    )
    return (await door.nominate(form, Actor(id="of-P", role="officer", unit="P"), key=f"n-{trade}"))[0]


async def _listed(door: Door, file: Path, round_: str, judge: str, folder: Path) -> list[str]:
    """Whom the sheet made for a judge lists."""
    out = folder / f"{judge}.xlsx"
    words = [
        "template",
        "scores",
        "--programme",
        str(file),
        "--round",
        round_,
        "--judge",
        judge,
        "--out",
        str(out),
    ]
    assert (await app.run(words, Settings(language=Language.EN), door)).exit_code == 0
    rows = load_workbook(out).get_sheet_by_index(0).to_python()
    return sorted(str(row[0]) for row in rows[1:])
