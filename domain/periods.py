"""Periods of recurring programmes by their keys: `2020`, `2020-Q3`, `2020-09`; and which of them lie in which (DR-38)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from schemas import names
from schemas.programme import ANCHOR_LAST_DAY, Cadence, Every
from schemas.values import SHANGHAI

RECURRING = (Every.YEAR, Every.TWO_YEARS, Every.THREE_YEARS, Every.QUARTER, Every.MONTH)


def key_at(cadence: Cadence, moment: datetime) -> str:
    """The period of a cycle that opens at this moment; empty for a batch, or what is held once."""
    day = moment.astimezone(SHANGHAI).date()
    key = _key(cadence.every, day)
    if cadence.covers == "current" or not key:
        return key
    return _key(cadence.every, span(key)[0] - timedelta(days=1))


def _key(every: Every, day: date) -> str:
    match every:
        case Every.MONTH:
            return f"{day.year:04d}-{day.month:02d}"
        case Every.QUARTER:
            return f"{day.year:04d}-Q{(day.month + 2) // 3}"
        case Every.BATCH | Every.ONCE:
            return ""
        case _:
            return f"{day.year:04d}"


def is_anchor(cadence: Cadence) -> bool:
    """Whether the anchor is a day, and one that each of the months or years concerned has: the 29th to 31st are not."""
    try:
        return date.fromisoformat(cadence.anchor or "").day <= ANCHOR_LAST_DAY
    except ValueError:
        return False


def fits(cadence: Cadence | None, key: str) -> bool:
    """Whether this is the key of such a programme's period: a month's of a monthly one, and none of a single one."""
    if cadence is None or cadence.every not in RECURRING:
        return not key
    return names.is_period(key) and _key(cadence.every, span(key)[0]) == key


def span(key: str) -> tuple[date, date]:
    """The first and the last day of a period; ValueError for what is no key."""
    if not names.is_period(key):
        raise ValueError(f"{key} is no period")
    year, _, part = key.partition("-")
    first, months = 1, 12
    if part:
        first, months = (3 * int(part[1:]) - 2, 3) if part.startswith("Q") else (int(part), 1)
    after = int(year) * 12 + first - 1 + months
    return date(int(year), first, 1), date(after // 12, after % 12 + 1, 1) - timedelta(days=1)


def within(inner: str, outer: str) -> bool:
    """Whether one period lies in another, as a month in its quarter."""
    (begins, ends), (first, last) = span(inner), span(outer)
    return first <= begins and ends <= last
