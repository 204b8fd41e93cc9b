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
