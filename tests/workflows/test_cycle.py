"""A whole cycle on real servers: from the enterprise to the summit, every step an event."""

from __future__ import annotations

import os
from pathlib import Path

from runtime.door import Door
from schemas import names
from schemas.loading import load_programme
from tests.support import people

RECORDED = Path(__file__).parent / "histories"
PROGRAMME = Path("programmes/qingzhou-double-three/1.yaml")


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
