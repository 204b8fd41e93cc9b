"""Every programme that comes with the engine runs to its end, in memory, by invented people."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activities.retaking import Retaker, Tally
from cli.rehearse.conductor import BEGINS, Conductor
from cli.rehearse.family import turns
from cli.rehearse.party import invent
from schemas import names
from schemas.ledger import RecordedEvent
from store.memory import MemoryEventStore

PROGRAMMES = Path(__file__).parents[2] / "programmes"
SHIPPED = sorted(PROGRAMMES.glob("*/*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.stem}")
async def test_every_shipped_programme_runs_to_its_end_and_every_decision_is_taken_again_the_same_dr_45(
    path: Path,
) -> None:
    store = MemoryEventStore()
    for turn in turns(path, BEGINS):
        party = invent(turn.opened.programme, turn.opened.units, units=6, nominations=24)
        conductor = Conductor(store, party, turn.period)
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
    tally = await taken_again(store)
    assert tally.events == await store.last_position()
    assert not tally.folded


async def taken_again(store: MemoryEventStore) -> Tally:
    """Every decision of the log, none of them another than was recorded."""

    async def pages() -> AsyncIterator[tuple[RecordedEvent, ...]]:
        yield await store.read_all(0, 1_000_000)

    tally = Tally()
    async for taken in Retaker(store).run(pages()):
        assert taken.difference is None
        tally.add(taken)
    return tally


def test_what_feeds_a_programme_is_rehearsed_before_it_dr_38() -> None:
    line = turns(PROGRAMMES / "chongqing-contest-year/1.yaml", BEGINS)
    assert [(turn.opened.programme.programme, turn.period) for turn in line] == [
        ("chongqing-contest-month", "2025-01"),
        ("chongqing-contest-quarter", "2025-Q1"),
        ("chongqing-contest-year", "2025"),
    ]
