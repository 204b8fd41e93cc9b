"""What a subject was given before: tests over past editions, bars, and which titles count for whom (DR-03, DR-09, DR-36)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from schemas import names
from schemas.events import HeldTitle
from schemas.programme import Conferral, Eligibility, Grade, History, Programme, Stage, Title

FEBRUARY, LEAP_DAY = 2, 29


def years_after(day: date, years: int) -> date:
    """The same day so many years later, or earlier for a negative number; 29 February becomes the 28th."""
    if (day.month, day.day) == (FEBRUARY, LEAP_DAY):
        day = day.replace(day=28)
    return day.replace(year=day.year + years)


@dataclass(frozen=True, slots=True)
class Past:
    """A subject's titles as of a day; what was conferred later is not there yet, what was revoked by then never was."""

    held: tuple[HeldTitle, ...]
    as_of: date
    programme: Programme

    def given(self, titles: Iterable[str]) -> tuple[HeldTitle, ...]:
        """The titles of these ids, or of what this programme calls their equivalents, held now or once."""
        wanted = {id for title in titles for id in self._same(title)}
        return tuple(
            one
            for one in self.held
            if one.title in wanted
            and one.since <= self.as_of
            and (one.revoked_on is None or self.as_of < one.revoked_on)
        )

    def active(self, titles: Iterable[str]) -> tuple[HeldTitle, ...]:
        """Those of them that are in force on the day."""
        return tuple(one for one in self.given(titles) if one.until is None or self.as_of < one.until)

    def barred_until(self) -> date | None:
        """Until when a revocation bars the subject from this programme, if it does on that day (DR-36)."""
        bars = [
            one.barred_until
            for one in self.held
            if one.barred_until is not None
            and one.programme == self.programme.programme
            and self.as_of < one.barred_until
        ]
        return max(bars, default=None)

    def _same(self, title: str) -> tuple[str, ...]:
        declared = self.programme.title_of(title)
        return (title, *declared.equivalents) if declared else (title,)


def passes(test: History, past: Past) -> bool:
    """One test on history; what nobody recorded did not happen (DR-09, DR-43)."""
    given = past.active(test.titles) if test.active else past.given(test.titles)
    if test.programme is not None:
        given = tuple(one for one in given if one.programme == test.programme)
    if test.within_years is not None:
        start = years_after(past.as_of, -test.within_years)
        given = tuple(one for one in given if one.since >= start)
    match test.kind:
        case "holds":
            return bool(given)
        case "not_held":
            return not given
        case "count":
            return len(given) >= (test.number or 0)
        case "consecutive":
            return longest_run(given) >= (test.number or 0)
        case "best_rank":
            return any(one.place is not None and one.place <= (test.number or 0) for one in given)


def longest_run(given: Iterable[HeldTitle]) -> int:
    """The most editions in a row, within one programme (连续 n 届)."""
    editions: dict[str, set[int]] = defaultdict(set)
    for one in given:
        if one.edition is not None:
            editions[one.programme].add(one.edition)
    return max((_run(sorted(numbers)) for numbers in editions.values()), default=0)


def _run(numbers: list[int]) -> int:
    longest = here = 1
    for before, after in pairwise(numbers):
        here = here + 1 if after == before + 1 else 1
        longest = max(longest, here)
    return longest


def counted(
    held: Iterable[HeldTitle], cycle: str, programme: Programme, *, rehearsal: bool
) -> tuple[HeldTitle, ...]:
    """The titles that count in a cycle: a rehearsal's only in rehearsals, another run of the same edition never."""
    return tuple(
        one
        for one in held
        if names.cycle_of(one.stream) == cycle
        or (
            (rehearsal or not one.rehearsal)
            and (one.programme, one.edition) != (programme.programme, programme.edition)
        )
    )


def reads_history(programme: Programme, stage: Stage) -> bool:
    """Whether an eligibility check of this stage looks at past titles."""
    conditions = [c for step in stage.steps if isinstance(step, Eligibility) for c in step.predicates]
    return (
        any(title.bar_years for title in programme.titles)
        or any(condition.reads_history for condition in conditions)
        or any(title.requires for title in conferred_by(programme, stage))
    )


def conferred_by(programme: Programme, stage: Stage) -> list[Title]:
    """The titles that a stage's conferral may give."""
    return [title for grade in grades_of(stage) if (title := programme.title_of(grade.title))]


def grades_of(stage: Stage) -> tuple[Grade, ...]:
    return tuple(grade for step in stage.steps if isinstance(step, Conferral) for grade in step.grades)


def resting_on(programme: Programme, title: str) -> set[str]:
    """The titles that need this one first, by requirement or by the pool of their level: flagged when it goes (DR-36)."""
    required = {one.id for one in programme.titles if one.requires and one.requires.title == title}
    pooled = {
        grade.title
        for stage in programme.stages.values()
        if stage.pool and title in stage.pool.holder_of
        for grade in grades_of(stage)
    }
    return required | pooled
