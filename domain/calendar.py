"""Days as the State Council's calendar counts them: when a period ends, what is left of it, and what a pause gives back.

A year without data refuses (`CALENDAR_YEAR_MISSING`) and is never guessed. Dates are those of Asia/Shanghai.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import sha256

import chinese_calendar

from schemas.errors import Refused
from schemas.ledger import Frozen
from schemas.programme import DayUnit
from schemas.values import SHANGHAI

OVERRIDE_FILE = "calendar.json (cycle start --calendar, cycle calendar)"
ONE_DAY = timedelta(days=1)
NO_OVERRIDES: Mapping[date, bool] = {}

_PUBLISHED = range(min(chinese_calendar.holidays).year, max(chinese_calendar.holidays).year + 1)


class WorkDay(Frozen):
    """A day of which it is said whether it is worked."""

    day: date
    worked: bool


class WorkDays(Frozen):
    """A calendar as a cycle pins it: Monday to Friday are worked in `years`, but for `days` (DR-01)."""

    version: str
    years: tuple[int, ...]
    days: tuple[WorkDay, ...]


class PinnedDays(dict[date, bool]):
    """Every day that a pinned calendar knows: of no other is the library asked, whatever it knows by now."""


def local_date(moment: date | datetime) -> date:
    """The Asia/Shanghai date of an aware instant; a date stays as it is."""
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is None:
        raise ValueError(f"an instant needs a time zone: {moment!r}")
    return moment.astimezone(SHANGHAI).date()


def end_of_day(day: date, closes: str | None = None) -> datetime:
    """24:00 Asia/Shanghai of `day`, or its business close such as `17:30`; in UTC (DR-08)."""
    if closes is None:
        return datetime.combine(day + ONE_DAY, time(), SHANGHAI).astimezone(UTC)
    return datetime.combine(day, time.fromisoformat(closes), SHANGHAI).astimezone(UTC)


def declared_year(
    year: int, holidays: Iterable[date] = (), make_up_workdays: Iterable[date] = ()
) -> dict[date, bool]:
    """Overrides for a whole year: Monday to Friday but for the holidays, and the make-up workdays (调休)."""
    days = {day: _is_usual(day) for day in _days_of(year)}
    off, on = set(holidays), set(make_up_workdays)
    strangers = (off | on) - days.keys()
    if strangers or off & on:
        raise ValueError(f"not a day of {year}, or declared twice: {sorted(strangers | off & on)}")
    return days | dict.fromkeys(off, False) | dict.fromkeys(on, True)


def is_work_day(day: date, overrides: Mapping[date, bool] = NO_OVERRIDES, file: str = OVERRIDE_FILE) -> bool:
    """Whether `day` is worked. Raises Refused CALENDAR_YEAR_MISSING where neither `overrides` nor the library know."""
    if day in overrides:
        return overrides[day]
    if isinstance(overrides, PinnedDays) or day.year not in _PUBLISHED:
        raise Refused("CALENDAR_YEAR_MISSING", year=day.year, file=file)
    return _published_days()[day]


def require_years(
    first: date | datetime,
    last: date | datetime,
    overrides: Mapping[date, bool] = NO_OVERRIDES,
    file: str = OVERRIDE_FILE,
) -> None:
    """Refuse to open over a year that is not wholly known (DR-27): Refused CALENDAR_YEAR_MISSING names year and file."""
    for year in range(local_date(first).year, local_date(last).year + 1):
        published = year in _PUBLISHED and not isinstance(overrides, PinnedDays)
        if not published and any(day not in overrides for day in _days_of(year)):
            raise Refused("CALENDAR_YEAR_MISSING", year=year, file=file)


def to_pin(overrides: Mapping[date, bool] = NO_OVERRIDES) -> WorkDays:
    """All that is known today, with `overrides` laid over it: another version of the library changes nothing of it."""
    days = _published_days() | dict(overrides)
    years = whole_years(days)
    kept = {day: worked for day, worked in days.items() if day.year not in years or worked != _is_usual(day)}
    news = {day: worked for day, worked in overrides.items() if _published_days().get(day) != worked}
    return WorkDays(
        version=calendar_version(news),
        years=years,
        days=tuple(WorkDay(day=day, worked=worked) for day, worked in sorted(kept.items())),
    )


def pinned_days(pinned: WorkDays) -> PinnedDays:
    """The calendar as overrides, with every day that it knows."""
    usual = {day: _is_usual(day) for year in pinned.years for day in _days_of(year)}
    return PinnedDays(usual | {one.day: one.worked for one in pinned.days})


def known_days(overrides: Mapping[date, bool]) -> Mapping[date, bool]:
    """All that a calendar knows: the days that it pinned, or what is published with `overrides` laid over it."""
    return overrides if isinstance(overrides, PinnedDays) else _published_days() | dict(overrides)


def whole_years(days: Mapping[date, bool]) -> tuple[int, ...]:
    """The years of which every day is there."""
    years = sorted({day.year for day in days})
    return tuple(year for year in years if all(day in days for day in _days_of(year)))


@lru_cache(maxsize=1)
def _published_days() -> dict[date, bool]:
    return {day: bool(chinese_calendar.is_workday(day)) for year in _PUBLISHED for day in _days_of(year)}


def _is_usual(day: date) -> bool:
    """Whether it is one of Monday to Friday."""
    return day.weekday() < 5


def calendar_version(overrides: Mapping[date, bool] = NO_OVERRIDES) -> str:
    """What a calendar is called: the library's version, and a hash of the overrides where there are any."""
    version = f"chinesecalendar-{chinese_calendar.__version__}"
    if not overrides:
        return version
    lines = "".join(f"{day.isoformat()} {int(worked)}\n" for day, worked in sorted(overrides.items()))
    return f"{version}+{sha256(lines.encode()).hexdigest()[:16]}"


def closes_at(
    opened_at: datetime,
    days: int,
    unit: DayUnit,
    count_first_day: bool = False,
    overrides: Mapping[date, bool] = NO_OVERRIDES,
    roll_to_work_day: bool = False,
    closes: str | None = None,
) -> datetime:
    """24:00 of the last counted day, or `closes` on it (`17:30`), in UTC (DR-08, DR-27).

    The day of opening is not counted unless `count_first_day` (民法典 201). With `roll_to_work_day`, a natural-day
    period whose last day is not worked ends on the next work day (民法典 203).
    """
    opened_on = local_date(opened_at)
    last = _nth_counted_day(opened_on - ONE_DAY if count_first_day else opened_on, days, unit, overrides)
    while roll_to_work_day and not is_work_day(last, overrides):
        last += ONE_DAY
    return end_of_day(last, closes)


def remaining_days(
    now: datetime, closes_at: datetime, unit: DayUnit, overrides: Mapping[date, bool] = NO_OVERRIDES
) -> int:
    """How many counted days have any time left at `now`, today included; 0 once the period is over."""
    if closes_at <= now:
        return 0
    day, last, left = local_date(now), _last_day(closes_at), 0
    while day <= last:
        left += _counts(day, unit, overrides)
        day += ONE_DAY
    return left


def resume(
    now: datetime, days: int, unit: DayUnit, overrides: Mapping[date, bool] = NO_OVERRIDES
) -> datetime:
    """When a period with `days` left ends if it goes on at `now`: the day of resuming is broken and is not counted."""
    return end_of_day(_nth_counted_day(local_date(now), days, unit, overrides))


def resumed_close(
    paused_at: datetime,
    resumed_at: datetime,
    closes_at: datetime,
    overrides: Mapping[date, bool] = NO_OVERRIDES,
) -> datetime:
    """When a paused period ends: every day that had time left at the pause is given back whole.

    A last day that ends before 24:00 is given back until the same time of day. Counted in work days and in natural
    days, the later wins, so that no period is ever shortened. A period that was over before the pause keeps its end.
    """
    if closes_at <= paused_at:
        return closes_at
    last = _last_day(closes_at)
    rest = end_of_day(last) - closes_at
    ends = (
        resume(resumed_at, remaining_days(paused_at, closes_at, unit, overrides), unit, overrides)
        - (rest if _counts(last, unit, overrides) else timedelta())
        for unit in DayUnit
    )
    return max(closes_at, *ends)


def _last_day(closes_at: datetime) -> date:
    """The day that a period is over with: that before, of one which ends at 00:00."""
    return local_date(closes_at - timedelta(microseconds=1))


def _nth_counted_day(after: date, days: int, unit: DayUnit, overrides: Mapping[date, bool]) -> date:
    """The `days`-th counted day after `after`; `after` itself for 0."""
    if days < 0:
        raise ValueError(f"a period has no negative length: {days}")
    day = after
    while days:
        day += ONE_DAY
        days -= _counts(day, unit, overrides)
    return day


def _counts(day: date, unit: DayUnit, overrides: Mapping[date, bool]) -> bool:
    return unit is DayUnit.NATURAL_DAY or is_work_day(day, overrides)


def _days_of(year: int) -> Iterable[date]:
    first = date(year, 1, 1)
    return (first + ONE_DAY * n for n in range((date(year + 1, 1, 1) - first).days))
