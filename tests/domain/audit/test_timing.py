"""Cycle time beside the engine's clock: nothing is written before it has happened, and no stream's clock goes back."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.audit.timing import CLOCKS_APART, untimely
from schemas import names
from schemas.canonical import seal
from schemas.commands import ENGINE
from schemas.ledger import Append, Head, Provenance, RecordedEvent
from schemas.values import END_OF_TIME, Pace
from tests.projections.story import CYCLE, NOON, submitted

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
REAL = Pace(real_epoch=NOON, cycle_epoch=NOON)
REHEARSAL = Pace(real_epoch=NOON, cycle_epoch=NOON + 30 * DAY, speed=86_400)
PACES = pytest.mark.parametrize("pace", [REAL, REHEARSAL], ids=["real", "rehearsal"])


def event(pace: Pace, happened: timedelta, recorded: timedelta) -> RecordedEvent:
    """Both told in reality, from the cycle's beginning."""
    said = Provenance(
        log=names.log_origin(CYCLE),
        command_id="c-1",
        payload_hash="0" * 64,
        actor=ENGINE,
        occurred_at=pace.cycle_time(NOON + happened),
        recorded_at=NOON + recorded,
        rules="f" * 64,
    )
    stream, (new,) = submitted("n1", "E1")
    [sealed] = seal(Append(stream=stream, expected=Head(), provenance=said, events=(new.new(),)))
    return sealed.event


@PACES
def test_an_event_is_written_when_it_has_happened_or_later(pace: Pace) -> None:
    for written in (-CLOCKS_APART, timedelta(), 40 * DAY):
        assert untimely(event(pace, DAY, DAY + written), pace, None) is None


@PACES
def test_an_event_of_the_future_is_found(pace: Pace) -> None:
    found = untimely(event(pace, DAY, DAY - CLOCKS_APART - SECOND), pace, None)
    assert found is not None
    assert found[1:] == ("recorded", "2024-01-31T03:59:57.000000Z", "≥ 2024-01-31T03:59:58.000000Z")


def test_the_times_of_a_rehearsal_are_compared_by_its_pace() -> None:
    assert untimely(event(REHEARSAL, DAY, DAY), REAL, None) is not None
    assert REHEARSAL.real_time(event(REHEARSAL, DAY, DAY).at) == NOON + DAY


@PACES
def test_a_clock_that_went_back_between_two_events_of_a_stream_is_found(pace: Pace) -> None:
    second = event(pace, DAY, DAY)
    assert untimely(second, pace, NOON + DAY + CLOCKS_APART) is None
    assert untimely(second, pace, NOON + DAY + CLOCKS_APART + SECOND) is not None


def test_a_rehearsal_that_was_left_for_long_stands_at_the_end_of_time() -> None:
    """Its papers may be asked for a month later, and that is recorded with its time."""
    ends = {REHEARSAL.cycle_time(NOON + days * DAY) for days in (40, 4_000, 400_000)}
    assert ends == {END_OF_TIME}
    assert REHEARSAL.real_time(END_OF_TIME) < NOON + 40 * DAY
