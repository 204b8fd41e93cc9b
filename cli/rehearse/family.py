"""What is rehearsed before a programme that others feed: its months, its quarters, the contest that it draws from."""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path
from typing import NamedTuple

from domain.periods import RECURRING, key_at, span
from runtime.settings import CHECKOUT
from schemas.errors import Refused
from schemas.loading import Opened, open_programme
from schemas.programme import Programme
from schemas.values import SHANGHAI


class Turn(NamedTuple):
    """One cycle of a rehearsal: a programme and, where it recurs, the period that the cycle covers."""

    file: Path
    opened: Opened
    period: str


def find(said: str) -> Path:
    """The file of `ID`, `ID@EDITION` or a path; Refused NOT_FOUND. Without an edition, the first."""
    path = Path(said)
    if path.suffix in (".yaml", ".yml"):
        return path
    id, _, edition = said.partition("@")
    found = CHECKOUT / "programmes" / id / f"{edition or 1}.yaml"
    if not found.is_file():
        raise Refused("NOT_FOUND", what=said)
    return found


def turns(file: Path, at: datetime, period: str = "") -> tuple[Turn, ...]:
    """Those that feed it, once each and in a period within its own, then the programme itself; BadFile."""
    opened = open_programme(file)
    period = period or period_at(opened.programme, at)
    before: dict[Path, Turn] = {}
    for feeder in opened.programme.feeders:
        source = file.parent.parent / feeder.programme / "1.yaml"
        if source.is_file():
            within = _first_moment(period) if period else at
            inner = _period_on(open_programme(source).programme, within)
            before |= {turn.file: turn for turn in turns(source, at, inner) if turn.file not in before}
    return (*before.values(), Turn(file, opened, period))


def period_at(programme: Programme, at: datetime) -> str:
    """The period of a cycle that opens then; empty for what does not recur."""
    cadence = programme.cadence
    return key_at(cadence, at) if cadence and cadence.every in RECURRING else ""


def _period_on(programme: Programme, at: datetime) -> str:
    """The period in which that moment lies, whenever its cycle opens."""
    if programme.cadence is None or programme.cadence.every not in RECURRING:
        return ""
    return key_at(programme.cadence.model_copy(update={"covers": "current"}), at)


def _first_moment(period: str) -> datetime:
    return datetime.combine(span(period)[0], time(12), SHANGHAI)
