"""Small values that programmes, commands and events share: exact shares, instants, labels, and the pace of a rehearsal."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, PlainSerializer, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from schemas.ledger import Frozen

SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")
"""Beijing time, which has kept UTC+8 without summer time since 1991."""


def format_instant(instant: datetime) -> str:
    """UTC with six digits of a second, the only form that the log holds."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


_SHARE = r"^[0-9]{1,3}(\.[0-9]{1,6})?%$|^[0-9]{1,6}/[0-9]{1,6}$"
_EXACT = r"^-?[0-9]{1,60}(\.[0-9]{1,60})?$|^-?[0-9]{1,60}/[0-9]{1,60}$"  # a bound, so that no text costs much


def _exact(value: Any) -> Fraction:
    if isinstance(value, Fraction) or type(value) is int:
        return Fraction(value)
    try:
        if isinstance(value, str) and re.fullmatch(_EXACT, value):
            return Fraction(value)
    except ZeroDivisionError:
        pass
    raise PydanticCustomError("exact_form", "an exact number is an integer or text such as '9.5' or '5/3'")


def _percent(value: Any) -> Fraction:
    try:
        share = value if isinstance(value, Fraction) else _written_share(value)
    except ZeroDivisionError:
        share = None
    if share is None or not 0 <= share <= 1:
        raise PydanticCustomError("share_form", "a share is text such as '35%' or '2/3', from 0 to 100 %")
    return share


def _written_share(value: Any) -> Fraction | None:
    if not isinstance(value, str) or not re.fullmatch(_SHARE, value):
        return None
    return Fraction(value[:-1]) / 100 if value.endswith("%") else Fraction(value)


def _ratio(share: Fraction) -> str:
    return f"{share.numerator}/{share.denominator}"


Instant = Annotated[AwareDatetime, PlainSerializer(format_instant, return_type=str)]
Exact = Annotated[
    Fraction,
    BeforeValidator(_exact),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": ["integer", "string"], "pattern": _EXACT}),
]
"""An exact number: `7`, `"7/2"`, `"9.5"`; serialised as text."""
Share = Annotated[
    Fraction,
    BeforeValidator(_percent),
    PlainSerializer(_ratio, return_type=str),
    WithJsonSchema({"type": "string", "pattern": _SHARE}),
]
"""A part of a whole, 0 to 1: written `"35%"` or `"2/3"`, never 0.35 or 35; serialised as `"7/20"`."""


class Label(Frozen):
    """What people read, in Chinese and English."""

    zh: str
    en: str = ""


END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)


class Pace(Frozen):
    """How cycle time runs beside real time: a monotone map, `speed` cycle seconds a real second (1 in production)."""

    real_epoch: Instant
    cycle_epoch: Instant
    speed: int = 1

    @model_validator(mode="after")
    def _runs_forward(self) -> Pace:
        if self.speed < 1:
            raise ValueError("speed is a whole number of 1 or more")
        return self

    @property
    def rehearsal(self) -> bool:
        """True where cycle time is not real time."""
        return self.speed != 1 or self.real_epoch != self.cycle_epoch

    def cycle_time(self, real: datetime) -> datetime:
        """The cycle's time at a real instant; a rehearsal that was left for long stands at the end of time."""
        try:
            return min(END_OF_TIME, self.cycle_epoch + (real - self.real_epoch) * self.speed)
        except OverflowError:
            return END_OF_TIME

    def real_time(self, cycle: datetime) -> datetime:
        """The real instant of a time of the cycle."""
        return self.real_epoch + (cycle - self.cycle_epoch) / self.speed

    def real_delay(self, now: datetime, until: datetime) -> timedelta:
        """How long to wait in reality from cycle time `now` until cycle time `until`; never negative."""
        microseconds = max(0, (until - now) // timedelta(microseconds=1))
        return timedelta(microseconds=-(-microseconds // self.speed))
