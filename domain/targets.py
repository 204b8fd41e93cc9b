"""Targets over the years (DR-42): counted from what was conferred and recorded, reported, never in anybody's way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from schemas.programme import Programme, Rank, Target


@dataclass(frozen=True, slots=True)
class Given:
    """A title that somebody was given: where, at which rank, when; `rank` is None for one given elsewhere."""

    programme: str
    title: str
    rank: Rank | None
    on: date


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a target has been reached on a day."""

    target: str
    count: int
    at_least: int
    met: bool
    overdue: bool  # its last day is over and it was not met

    @property
    def missing(self) -> int:
        return max(0, self.at_least - self.count)


def progress(programme: Programme, given: Iterable[Given], as_of: date) -> tuple[Progress, ...]:
    """Each target of a programme, in order."""
    titles = tuple(given)
    return tuple(_one(programme.programme, target, titles, as_of) for target in programme.targets)


def _one(programme: str, target: Target, given: tuple[Given, ...], as_of: date) -> Progress:
    last = min(as_of.isoformat(), target.by or "9999-12-31")
    count = sum(_counts(programme, target, one) and one.on.isoformat() <= last for one in given)
    met = count >= target.at_least
    overdue = not met and target.by is not None and as_of.isoformat() > target.by
    return Progress(target.id, count, target.at_least, met, overdue)


def _counts(programme: str, target: Target, one: Given) -> bool:
    return (
        one.programme in (target.programmes or (programme,))
        and (not target.titles or one.title in target.titles)
        and (not target.ranks or one.rank in target.ranks)
        and (target.since is None or one.on.isoformat() >= target.since)
    )
