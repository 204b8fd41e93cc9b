"""Periods by their keys (DR-38)."""

from __future__ import annotations

import pytest

from domain.periods import fits, is_anchor, key_at, span, within
from schemas import names
from schemas.programme import Cadence, Every
from tests.domain.specification import at


@pytest.mark.parametrize(
    ("every", "covers", "key"),
    [
        (Every.MONTH, "current", "2020-10"),
        (Every.QUARTER, "current", "2020-Q4"),
        (Every.YEAR, "current", "2020"),
        (Every.TWO_YEARS, "current", "2020"),
        (Every.MONTH, "previous", "2020-09"),
        (Every.QUARTER, "previous", "2020-Q3"),
        (Every.YEAR, "previous", "2019"),
        (Every.BATCH, "previous", ""),
    ],
)
def test_a_cycle_is_named_after_the_period_it_covers_by_the_day_in_beijing_dr_38(
    every: Every, covers: str, key: str
) -> None:
    cadence = Cadence.model_validate({"every": every, "covers": covers})
    assert key_at(cadence, at("2020-10-01 00:00")) == key
    assert key == "" or fits(cadence, key)


def test_months_lie_in_their_quarter_and_quarters_in_their_year_dr_38() -> None:
    assert within("2020-09", "2020-Q3")
    assert within("2020-Q4", "2020")
    assert not within("2020-10", "2020-Q3")
    assert not within("2020", "2020-Q4")
    assert [day.isoformat() for day in span("2020-Q4")] == ["2020-10-01", "2020-12-31"]


@pytest.mark.parametrize("key", ["2020-13", "2020-Q5", "20", "2020-9", "二〇二〇"])
def test_what_is_no_period_is_told(key: str) -> None:
    with pytest.raises(ValueError, match=key):
        span(key)
    assert not fits(Cadence(every=Every.MONTH), key)


def test_the_key_and_the_mark_of_a_rehearsal_are_read_from_a_cycles_id_dr_38() -> None:
    cycle = names.cycle_id("harbour", 2020, "trial", "2020-Q3")
    assert cycle == "harbour.2020.trial.2020-Q3"
    assert (names.programme_of(cycle), names.label_of(cycle)) == ("harbour", "trial")
    assert names.period_of(cycle) == "2020-Q3"
    assert names.period_of("harbour.2020") == names.period_of("harbour.1.trial") == ""


def test_an_anchor_is_a_day_that_every_month_has() -> None:
    assert is_anchor(Cadence(every=Every.MONTH, anchor="2020-02-28"))
    said = Cadence(every=Every.MONTH).model_copy(
        update={"anchor": "2020-02-30"}
    )  # as `schedule create --anchor` does
    assert not is_anchor(said)
    assert not is_anchor(Cadence(every=Every.MONTH))
