"""Work days and periods: DR-08 and DR-27, with its vectors."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import calendar
from domain.calendar import (
    calendar_version,
    closes_at,
    declared_year,
    end_of_day,
    is_work_day,
    local_date,
    pinned_days,
    remaining_days,
    require_years,
    resume,
    resumed_close,
    to_pin,
)
from schemas.errors import Refused
from schemas.programme import DayUnit
from schemas.values import SHANGHAI

WORK, NATURAL = DayUnit.WORK_DAY, DayUnit.NATURAL_DAY


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).astimezone(UTC)


def last_day(end: datetime) -> date:
    return local_date(end - timedelta(microseconds=1))


instants = st.datetimes(
    at("2023-01-01").replace(tzinfo=None), at("2025-06-01").replace(tzinfo=None), timezones=st.just(UTC)
)
units = st.sampled_from(DayUnit)
closings = st.sampled_from((None, "00:01", "12:00", "17:30", "23:59"))


@pytest.mark.parametrize(
    ("opened", "excluded", "included"),
    [
        ("2024-01-30", "2024-02-05", "2024-02-04"),
        ("2024-04-26", "2024-05-07", "2024-05-06"),
        ("2026-04-27", "2026-05-07", "2026-05-06"),
    ],
)
def test_dr_27_five_work_days_end_as_the_published_calendar_says(opened, excluded, included):
    moment = at(f"{opened}T09:30")
    assert closes_at(moment, 5, WORK) == end_of_day(date.fromisoformat(excluded))
    assert closes_at(moment, 5, WORK, count_first_day=True) == end_of_day(date.fromisoformat(included))


def test_dr_27_a_make_up_sunday_is_worked_and_a_bridge_friday_is_not():
    assert is_work_day(date(2024, 2, 4))
    assert not is_work_day(date(2024, 5, 3))


def test_dr_08_a_deadline_is_24_00_in_shanghai_and_its_last_instant_still_counts():
    end = closes_at(at("2024-03-04T00:00"), 1, NATURAL)
    assert end == datetime(2024, 3, 5, 16, tzinfo=UTC)
    assert last_day(end) == date(2024, 3, 5)


def test_dr_08_a_business_close_ends_the_last_day_and_not_the_one_before():
    end = closes_at(at("2024-03-04T18:00"), 1, NATURAL, closes="17:30")
    assert end == at("2024-03-05T17:30")
    rolled = closes_at(at("2024-04-26T09:00"), 7, NATURAL, roll_to_work_day=True, closes="17:30")
    assert rolled == at("2024-05-06T17:30")
    assert closes_at(at("2024-03-04T23:59"), 2, WORK, count_first_day=True, closes="00:01") == at(
        "2024-03-05T00:01"
    )


def test_dr_08_a_pause_gives_a_last_day_back_until_its_business_close():
    end = closes_at(at("2024-01-30T09:00"), 5, WORK, closes="17:30")
    assert remaining_days(at("2024-02-05T17:29"), end, WORK) == 1
    assert remaining_days(end, end, WORK) == 0
    friday, monday = at("2024-02-02T12:00"), at("2024-03-04T12:00")
    assert resumed_close(friday, monday, end) == at("2024-03-08T17:30"), "four natural days are the later"


def test_a_day_that_does_not_count_gives_no_business_close_to_the_day_before_it():
    end = at("2024-03-09T12:00")  # a Saturday, by somebody's extension
    moved = resumed_close(at("2024-03-08T09:00"), at("2024-03-09T09:00"), end)
    assert moved == at("2024-03-12T00:00"), "the Friday comes back whole, as a Monday"


def test_the_first_day_is_the_shanghai_date_not_the_utc_date():
    late_evening_in_utc = datetime(2024, 3, 3, 16, 30, tzinfo=UTC)  # already 4 March in Shanghai
    assert last_day(closes_at(late_evening_in_utc, 1, NATURAL)) == date(2024, 3, 5)


def test_counting_the_first_day_of_a_period_opened_on_a_holiday_starts_with_the_next_work_day():
    assert last_day(closes_at(at("2024-05-01T10:00"), 1, WORK, count_first_day=True)) == date(2024, 5, 6)


def test_dr_27_natural_days_that_end_on_a_statutory_holiday_roll_only_if_the_programme_says_so():
    opened = at("2024-04-26T09:00")  # 7 natural days end on Friday 3 May, a holiday
    assert last_day(closes_at(opened, 7, NATURAL)) == date(2024, 5, 3)
    assert last_day(closes_at(opened, 7, NATURAL, roll_to_work_day=True)) == date(2024, 5, 6)


def test_dr_27_natural_days_that_end_on_a_make_up_sunday_do_not_roll():
    opened = at("2024-01-31T09:00")
    assert last_day(closes_at(opened, 4, NATURAL, roll_to_work_day=True)) == date(2024, 2, 4)


def test_dr_27_a_year_without_data_refuses_to_open_and_names_year_and_file():
    with pytest.raises(Refused) as refusal:
        require_years(at("2026-12-01T00:00"), at("2027-01-02T00:00"), file="calendar.yaml")
    assert refusal.value.code == "CALENDAR_YEAR_MISSING"
    assert refusal.value.facts == {"year": "2027", "file": "calendar.yaml"}


def test_a_period_that_runs_into_a_year_without_data_refuses_instead_of_guessing():
    with pytest.raises(Refused, match="CALENDAR_YEAR_MISSING"):
        closes_at(at("2026-12-30T09:00"), 5, WORK)
    with pytest.raises(Refused, match="CALENDAR_YEAR_MISSING"):
        is_work_day(date(2003, 12, 31))


def test_a_few_overridden_days_do_not_make_a_year_known():
    with pytest.raises(Refused, match="CALENDAR_YEAR_MISSING"):
        require_years(date(2027, 1, 1), date(2027, 2, 1), {date(2027, 1, 1): False})


def test_a_wholly_declared_year_is_valid_with_its_holidays_and_make_up_days():
    declared = declared_year(2027, holidays=[date(2027, 1, 1)], make_up_workdays=[date(2027, 1, 3)])
    require_years(date(2026, 12, 1), date(2027, 12, 31), declared)
    assert last_day(closes_at(at("2026-12-31T09:00"), 1, WORK, overrides=declared)) == date(2027, 1, 3)


def test_a_declared_year_refuses_days_of_another_year_and_contradictions():
    with pytest.raises(ValueError, match="2028, 1, 1"):
        declared_year(2027, holidays=[date(2028, 1, 1)])
    with pytest.raises(ValueError, match="declared twice"):
        declared_year(2027, holidays=[date(2027, 1, 1)], make_up_workdays=[date(2027, 1, 1)])


def test_a_pinned_calendar_knows_every_published_day_and_what_was_declared_dr_01():
    declared = {date(2024, 5, 3): True, date(2027, 1, 4): False}
    days = pinned_days(to_pin(declared))
    assert {days[day] == is_work_day(day) for day in days.keys() - declared} == {True}
    assert [days[day] for day in declared] == [True, False]
    assert {day.year for day in days} == {*range(2004, 2027), 2027}
    assert len(days) == 23 * 365 + 6 + 1


def test_of_a_year_that_was_not_pinned_nobody_asks_the_library_dr_01(monkeypatch):
    monkeypatch.setattr(calendar, "_PUBLISHED", range(2004, 2026))
    calendar._published_days.cache_clear()
    pinned = pinned_days(to_pin())
    monkeypatch.undo()
    calendar._published_days.cache_clear()
    assert is_work_day(date(2025, 12, 31), pinned)
    assert is_work_day(date(2026, 1, 5))
    with pytest.raises(Refused, match="CALENDAR_YEAR_MISSING"):
        is_work_day(date(2026, 1, 5), pinned)
    with pytest.raises(Refused, match="CALENDAR_YEAR_MISSING"):
        require_years(date(2025, 12, 1), date(2026, 2, 1), pinned)


def test_a_year_that_was_declared_is_pinned_by_what_is_unusual_in_it():
    pinned = to_pin(declared_year(2027, holidays=[date(2027, 1, 1)], make_up_workdays=[date(2027, 1, 3)]))
    assert pinned.years == tuple(range(2004, 2028))
    assert [one.day for one in pinned.days if one.day.year == 2027] == [date(2027, 1, 1), date(2027, 1, 3)]
    assert to_pin(pinned_days(pinned)) == pinned


def test_an_override_wins_over_the_published_calendar():
    assert is_work_day(date(2024, 5, 3), {date(2024, 5, 3): True})


def test_the_pinned_version_changes_with_the_overrides_but_not_with_their_order():
    one, two = {date(2024, 5, 3): True}, {date(2024, 5, 4): False}
    assert calendar_version() == "chinesecalendar-1.11.0"
    assert calendar_version(one) != calendar_version({date(2024, 5, 3): False})
    assert calendar_version(one | two) == calendar_version(two | one)


def test_a_time_without_zone_is_an_error():
    with pytest.raises(ValueError, match="time zone"):
        closes_at(datetime(2024, 1, 1), 1, WORK)  # noqa: DTZ001 -- the fault under test


def test_remaining_days_count_today_and_end_at_zero():
    end = closes_at(at("2024-01-30T09:00"), 5, WORK)
    assert remaining_days(at("2024-01-31T09:00"), end, WORK) == 5
    assert remaining_days(at("2024-02-05T23:59"), end, WORK) == 1
    assert remaining_days(end, end, WORK) == 0


def test_resuming_counts_whole_work_days_again():
    end = closes_at(at("2024-01-30T09:00"), 5, WORK)
    left = remaining_days(at("2024-02-02T12:00"), end, WORK)  # Friday, make-up Sunday, Monday
    assert left == 3
    # 8 and 9 February, then the make-up Sunday after the Spring Festival
    assert last_day(resume(at("2024-02-07T15:00"), left, WORK)) == date(2024, 2, 18)


def test_a_period_that_was_over_before_the_pause_keeps_its_end():
    end = at("2024-03-01T00:00")
    assert resumed_close(end, end + timedelta(days=9), end) == end


@given(instants, st.integers(2, 20), units, st.booleans(), st.integers(0, 600), st.integers(0, 900), closings)
def test_a_pause_never_shortens_a_period(opened, days, unit, first, run_hours, pause_hours, closes):
    end = closes_at(opened, days, unit, count_first_day=first, closes=closes)
    assert opened < end
    paused = opened + timedelta(hours=run_hours)
    resumed = paused + timedelta(hours=pause_hours)
    moved = resumed_close(paused, resumed, end)
    assert moved >= end
    if paused < end:
        assert moved - resumed >= end - paused
        assert remaining_days(resumed, moved, WORK) >= remaining_days(paused, end, WORK)


@given(instants, st.integers(1, 40), units, st.booleans())
def test_a_longer_period_ends_later_and_the_first_day_excluded_is_never_shorter(opened, days, unit, roll):
    def end(length, first=False):
        return closes_at(opened, length, unit, count_first_day=first, roll_to_work_day=roll)

    assert end(days) <= end(days + 1)
    assert end(days, first=True) <= end(days)
    assert local_date(end(days)) > local_date(opened)


@given(instants, st.integers(1, 30))
def test_the_work_days_of_a_period_are_exactly_those_asked_for(opened, days):
    end = closes_at(opened, days, WORK)
    day, worked = local_date(opened) + timedelta(days=1), 0
    while day <= last_day(end):
        worked += is_work_day(day)
        day += timedelta(days=1)
    assert worked == days
    assert is_work_day(last_day(end))
