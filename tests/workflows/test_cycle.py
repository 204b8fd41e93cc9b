"""A whole cycle on real servers: from the enterprise to the summit, every step an event."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from runtime.door import Door
from schemas import names
from schemas.commands import GiveGrants
from schemas.errors import BadUsage, Refused
from schemas.events import GrantTerms
from schemas.ledger import Actor
from schemas.loading import load_programme
from schemas.messages import NominationView
from tests.support import people

RECORDED = Path(__file__).parent / "histories"
PROGRAMME = Path("programmes/qingzhou-double-three/1.yaml")
RECOMMENDING = """\
programme: harbour-allowance
edition: 1
title: {zh: 测试津贴推荐}
subject: person
units: {file: units.csv, root: P}
routes: [{id: own, ranks: [province]}]
stages:
  province:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 5, unit: natural_day}}
      - {id: notice, type: publicity, period: {days: 5, unit: natural_day}}
"""


async def test_each_level_chooses_from_the_titles_of_the_one_below_until_the_cycle_completes(
    door: Door, tmp_path: Path
) -> None:
    programme = load_programme(PROGRAMME)
    town, root = "370781001", "370781"
    units = people.enterprises(tmp_path / "enterprises.csv", town, 2)
    await door.start_cycle(
        PROGRAMME,
        operators=("op-1", "op-2"),
        units=(units,),
        grants=people.grants(programme, root, ("E1", "E2", town, root)),
        invited=("E1", "E2"),
        pace=people.fast(),
    )
    cycle = names.cycle_id(programme.programme, programme.edition)
    nominations = [await people.nominate(door, cycle, programme, "E1", n) for n in range(4)]
    await people.act_until(door, cycle, programme, lambda: people.completed(door, cycle))

    closed = (await door.store.load(names.cycle_stream(cycle)))[1]
    assert (closed.type, closed.data["silent"]) == ("IntakeClosed", ["E2"])
    states = await people.until_over(door, cycle, nominations)
    assert {state.status for state in states} == {"conferred"}
    await _record_if_asked(door, cycle, nominations[0])
    tiers = [state.titles[0] for state in states]
    assert sorted(tiers) == ["chief_craftsman", "craftsman", "craftsman", "seed_craftsman"]
    assert {state.titles[-1] for state in states} == {"qingzhou_craftsman"}
    assert sum("qingzhou_gold_craftsman" in state.titles for state in states) > 0


async def test_whom_the_summit_only_recommends_is_at_the_end_and_its_workflow_too(
    door: Door, tmp_path: Path
) -> None:
    """推荐上报 (S3: 566 recommended): nothing else would end it."""
    (tmp_path / "units.csv").write_text("code,parent,name,rank\nP,,测试省,province\n", "utf-8")
    file = tmp_path / "1.yaml"
    file.write_text(RECOMMENDING, "utf-8")
    programme = load_programme(file)
    await door.start_cycle(
        file,
        operators=("op-1", "op-2"),
        grants=people.grants(programme, "P", ("P",)),
        pace=people.fast(days_a_second=4),
    )
    cycle = names.cycle_id(programme.programme, programme.edition)
    nomination = await people.nominate(door, cycle, programme, "P", 1)
    await people.act_until(door, cycle, programme, lambda: people.completed(door, cycle))
    [state] = await people.until_over(door, cycle, [nomination])
    assert (state.status, state.titles) == ("recommended", ())
    assert door.client is not None
    handle = door.client.get_workflow_handle(
        names.nomination_stream(cycle, nomination), result_type=NominationView
    )
    ended = await handle.result()
    assert (ended.status, ended.over) == ("recommended", True)


@pytest.mark.parametrize("label", ["a/b", "2026", "trial.2026-Q1", " ", "a..b", "a@1"])
async def test_a_label_that_is_no_part_of_an_id_opens_nothing(door: Door, label: str) -> None:
    with pytest.raises(BadUsage, match="ADDRESS"):
        await door.start_cycle(PROGRAMME, operators=("op-1", "op-2"), label=label)
    cycle = names.cycle_id("qingzhou-double-three", 1, label)
    assert await door.store.load(names.cycle_stream(cycle)) == ()


async def test_units_that_are_not_there_are_refused_before_the_cycle_opens(door: Door) -> None:
    grants = (GrantTerms(id="g", person="s-7", role="officer", unit="E9"),)
    with pytest.raises(Refused, match="NOT_FOUND") as refused:
        await door.start_cycle(
            PROGRAMME, operators=("op-1", "op-2"), label="astray", grants=grants, invited=("E8", "370781")
        )
    assert refused.value.facts["what"] == "E8, E9"
    assert await door.store.load(names.cycle_stream("qingzhou-double-three.1.astray")) == ()


async def test_a_role_that_the_programme_does_not_have_is_given_to_nobody(door: Door) -> None:
    named = "qingzhou-double-three.1.roles"
    mistyped = (GrantTerms(id="g", person="s-7", role="oficer", unit="370781"),)
    with pytest.raises(Refused, match="ROLE_UNKNOWN") as refused:
        await door.start_cycle(PROGRAMME, operators=("op-1", "op-2"), label="roles", grants=mistyped)
    assert refused.value.facts["role"] == "oficer"
    assert "officer" in refused.value.facts["known"].split(", ")
    assert await door.store.load(names.cycle_stream(named)) == ()

    await door.start_cycle(PROGRAMME, operators=("op-1", "op-2"), label="roles", pace=people.fast())
    stream, operator = names.authority_stream(named), Actor(id="op-1", role="operator")
    with pytest.raises(Refused, match="ROLE_UNKNOWN"):
        await door.send(stream, GiveGrants(grants=mistyped), operator)
    assert len(await door.store.load(stream)) == 1


async def _record_if_asked(door: Door, cycle: str, nomination: str) -> None:
    """With RECORD_HISTORIES, keep this cycle's histories for the replay tests."""
    if not os.environ.get("RECORD_HISTORIES"):
        return
    assert door.client is not None
    RECORDED.mkdir(exist_ok=True)
    streams = [names.cycle_stream(cycle), names.nomination_stream(cycle, nomination)]
    for id in streams + list(await door.store.streams(f"round/{cycle}/")):
        history = await door.client.get_workflow_handle(id).fetch_history()
        (RECORDED / f"{id.replace('/', '~')}.json").write_text(history.to_json(), "utf-8")
