"""Every programme that comes with the engine runs to its end, in memory, by invented people."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activities.retaking import Retaker, Tally
from cli.rehearse.conductor import BEGINS, Conductor
from cli.rehearse.family import turns
from cli.rehearse.party import Party, invent
from domain import round as rounds
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


async def test_rounds_beside_each_other_take_the_same_days_of_a_rehearsal() -> None:
    """Each prefecture's review and publicity took its own fortnight after the others', until no calendar was left."""
    store = MemoryEventStore()
    [turn] = turns(PROGRAMMES / "sichuan-craftsman/1.yaml", BEGINS)
    await Conductor(store, invent(turn.opened.programme, turn.opened.units, units=9, nominations=27)).run()
    reviews = [
        event
        for event in await store.read_all(0, 100_000)
        if event.type == "StepOpened"
        and event.data["type"] == "expert_review"
        and "/all/" not in event.stream
    ]
    assert len(reviews) > 5
    assert len({event.at for event in reviews if "/territorial/" in event.stream}) == 1


async def test_cycles_rehearsed_one_after_the_other_tell_everybody_their_end_dr_38() -> None:
    """The same invented people in two years: what the second decides is no repetition of the first."""
    store = MemoryEventStore()
    [turn] = turns(PROGRAMMES / "qingzhou-double-three/1.yaml", BEGINS)
    party = invent(turn.opened.programme, turn.opened.units, units=3, nominations=24)
    for year in ("2025", "2026"):
        conductor = Conductor(store, party, year)
        await conductor.run()
        streams = [names.nomination_stream(conductor.cycle, one) for one in conductor.people]
        told = (await conductor.decider.nominations.get_many(streams)).values()
        assert all(one.state.over for one in told)


async def taken_again(store: MemoryEventStore) -> Tally:
    """Every decision of the log, none of them another than was recorded."""

    async def pages() -> AsyncIterator[tuple[RecordedEvent, ...]]:
        yield await store.read_all(0, 1_000_000)

    tally = Tally()
    async for taken in Retaker(store).run(pages()):
        assert taken.difference is None
        tally.add(taken)
    return tally


class Latecomers(Conductor):
    """Whose judges let the first session of every panel pass."""

    def __init__(self, store: MemoryEventStore, party: Party) -> None:
        super().__init__(store, party)
        self.met: set[str] = set()

    async def _act(self, state: rounds.State) -> bool:
        run = rounds.run_of(state, state.current)
        self.met |= {state.stream} if run.held == "QUORUM_UNMET" else set()
        return (not run.judges or state.stream in self.met) and await super()._act(state)


async def test_a_panel_that_missed_its_session_is_called_together_again_dr_15() -> None:
    [turn] = turns(PROGRAMMES / "sichuan-craftsman/1.yaml", BEGINS)
    store = MemoryEventStore()
    party = invent(turn.opened.programme, turn.opened.units, units=2, nominations=6)
    conductor = Latecomers(store, party)
    state = await conductor.run()
    assert state.conferred > 0
    invalid = [event for event in await store.read_all(0, 100_000) if event.type == "SessionInvalidated"]
    assert {event.stream for event in invalid} == conductor.met
    assert len(invalid) == len(conductor.met) > 0


def test_what_feeds_a_programme_is_rehearsed_before_it_dr_38() -> None:
    line = turns(PROGRAMMES / "chongqing-contest-year/1.yaml", BEGINS)
    assert [(turn.opened.programme.programme, turn.period) for turn in line] == [
        ("chongqing-contest-month", "2025-01"),
        ("chongqing-contest-quarter", "2025-Q1"),
        ("chongqing-contest-year", "2025"),
    ]
