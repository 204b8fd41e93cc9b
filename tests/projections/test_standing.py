"""Rows follow their streams: as the domain folds them, whatever the order of streams, and never past a gap."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from domain import nomination
from domain import round as rounds
from projections.standing import CycleRow, NominationRow, RoundRow, RoundStatus, Row, fold
from schemas import names
from schemas.errors import Integrity
from schemas.events import IntakeExtended, IntakeShortened, RoundLapsed, read
from schemas.ledger import RecordedEvent
from store.memory import MemoryEventStore
from tests.projections import story


@pytest.fixture(params=[story.province_conferred, story.province_recommended], ids=lambda end: end.__name__)
async def events(log: MemoryEventStore, request: pytest.FixtureRequest) -> tuple[RecordedEvent, ...]:
    await story.write(log, story.whole_cycle(request.param))
    return await log.read_all(0, 1000)


def of_stream(events: tuple[RecordedEvent, ...], stream: str) -> list[RecordedEvent]:
    return [event for event in events if event.stream == stream]


def nomination_as_the_domain_sees_it(events: list[RecordedEvent]) -> nomination.State:
    state = nomination.initial
    for event in events:
        state = nomination.evolve(state, read(event), event.actor.id, event.subject, event.command_id)
    return state


def round_as_the_domain_sees_it(events: list[RecordedEvent]) -> rounds.State:
    state = rounds.initial
    for event in events:
        state = rounds.evolve(state, read(event), event.at, event.actor.id, event.stream)
    return state


async def test_every_nomination_stands_where_the_domain_says_after_each_event(
    events: tuple[RecordedEvent, ...],
) -> None:
    rows: dict[str, Row] = {}
    seen = []
    for event in events:
        rows = fold(rows, [event])
        seen.append(event)
        row = rows.get(event.stream)
        if isinstance(row, NominationRow):
            state = nomination_as_the_domain_sees_it(of_stream(tuple(seen), event.stream))
            assert (row.status, row.level, row.round) == (state.status, state.level, state.round)
            assert (row.revision, row.titles) == (state.revision, state.titles)
            assert (row.subject, row.last_seq) == (state.subject, state.seq)


async def test_every_round_stands_where_the_domain_says_after_each_event(
    events: tuple[RecordedEvent, ...],
) -> None:
    rows: dict[str, Row] = {}
    seen = []
    for event in events:
        rows = fold(rows, [event])
        seen.append(event)
        row = rows.get(event.stream)
        if isinstance(row, RoundRow):
            state = round_as_the_domain_sees_it(of_stream(tuple(seen), event.stream))
            assert (row.members, row.reserve) == (tuple(state.members), tuple(state.standby))
            assert (row.step, row.held_code) == (state.current, rounds.run_of(state, state.current).held)
            assert row.reported == (state.reported.recommended if state.reported else ())
            assert (row.status == RoundStatus.REPORTED, row.last_seq) == (state.over, state.seq)


async def test_an_intake_ends_where_it_was_last_moved_to(log: MemoryEventStore) -> None:
    stream, was = names.cycle_stream(story.CYCLE), story.WINDOW.closes_at
    later, sooner = was + timedelta(days=3), was - timedelta(days=3)
    moves = (
        IntakeExtended(rank="enterprise", was=was, closes_at=later, reason="r"),
        IntakeShortened(rank="enterprise", was=later, closes_at=sooner, reason="r"),
    )
    ends = []
    for move in moves:
        await story.write(log, [(stream, (move,))])
        row = fold({}, await log.read_all(0, 1000))[stream]
        assert isinstance(row, CycleRow)
        ends.append(row.intakes[0].window.closes_at)
    assert ends == [later, sooner]


async def test_a_round_that_lapses_before_it_opens_has_a_row_too(log: MemoryEventStore) -> None:
    stream = names.round_stream(story.CYCLE, "territorial", "E3")
    await story.write(log, [(stream, (RoundLapsed(reason="cancelled"),))])
    row = fold({}, await log.read_all(0, 10))[stream]
    assert isinstance(row, RoundRow)
    assert (row.cycle, row.route, row.unit, row.status) == (
        story.CYCLE,
        "territorial",
        "E3",
        RoundStatus.LAPSED,
    )


async def test_the_order_of_streams_does_not_matter(events: tuple[RecordedEvent, ...]) -> None:
    by_stream = sorted(events, key=lambda event: (event.stream, event.seq))
    assert by_stream != list(events)
    assert fold({}, by_stream) == fold({}, events)


async def test_a_stream_with_a_gap_is_refused(events: tuple[RecordedEvent, ...]) -> None:
    first, second, *_ = of_stream(events, story.round_of("C"))
    with pytest.raises(Integrity, match="LOG_BROKEN"):
        fold({}, [second])
    with pytest.raises(Integrity, match="LOG_BROKEN"):
        fold({}, [first, first])


@pytest.mark.parametrize("newer", [{"type": "RoundSungAbout"}, {"v": 2}])
async def test_an_event_of_newer_code_is_refused(
    events: tuple[RecordedEvent, ...], newer: dict[str, Any]
) -> None:
    first, second, *_ = of_stream(events, story.round_of("C"))
    with pytest.raises(Integrity, match="EVENT_UNKNOWN"):
        fold({}, [first, second.model_copy(update=newer)])


async def test_grants_have_no_row(events: tuple[RecordedEvent, ...]) -> None:
    granted = of_stream(events, names.authority_stream(story.CYCLE))
    assert granted
    assert fold({}, granted) == {}


async def test_a_sheet_leaves_no_trace_in_a_row_dr_14(events: tuple[RecordedEvent, ...]) -> None:
    sheets = [event for event in events if event.type == "SheetHandedIn"]
    assert "987654321" in repr(sheets)
    assert "987654321" not in repr(fold({}, events))
