"""What the log holds and may not be shown: open panels' marks, and who objected."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import NamedTuple

from schemas.events import (
    ObjectionFiled,
    ObjectionMerged,
    ObjectionRefused,
    PanelClosed,
    SessionInvalidated,
    SheetEntered,
    SheetHandedIn,
)
from schemas.ledger import RecordedEvent

SEALED = "sealed"
"""What stands in the place of what is not shown."""
MARKS_RULE, OBJECTOR_RULE = "DR-14", "DR-29"
SHEETS = frozenset({SheetHandedIn.__name__, SheetEntered.__name__})
OBJECTIONS = frozenset({ObjectionFiled.__name__, ObjectionMerged.__name__, ObjectionRefused.__name__})


class Place(NamedTuple):
    """An event's place in its stream."""

    stream: str
    seq: int


class Sealing:
    """Told of events in their order, it knows which of them stay sealed, and by which rule.

    Sheets of panels that have not closed, and for ever those of sessions that were invalid (DR-15); objections (DR-29).
    """

    def __init__(self) -> None:
        self._sealed: dict[Place, str] = {}
        self._waiting: defaultdict[tuple[str, str], dict[Place, str]] = defaultdict(dict)  # → whose sheet

    def note(
        self, stream: str, seq: int, kind: str, step: str, judge: str = "", judges: Collection[str] = ()
    ) -> None:
        """The next event; `step`, `judge` and `judges` are its data's, empty where it has none."""
        if kind in SHEETS:
            self._waiting[stream, step][Place(stream, seq)] = judge
        elif kind in OBJECTIONS:
            self._sealed[Place(stream, seq)] = OBJECTOR_RULE
        elif kind == SessionInvalidated.__name__:
            waiting = self._waiting.pop((stream, step), {})
            void = [place for place, whose in waiting.items() if not judges or whose in judges]
            self._sealed |= dict.fromkeys(void, MARKS_RULE)
            self._waiting[stream, step] = {at: whose for at, whose in waiting.items() if at not in void}
        elif kind == PanelClosed.__name__:
            self._waiting.pop((stream, step), None)

    def sealed(self) -> dict[Place, str]:
        """Each event that stays sealed as of now, with its rule."""
        open_panels = [place for places in self._waiting.values() for place in places]
        return self._sealed | dict.fromkeys(open_panels, MARKS_RULE)


def sealed_of(events: Iterable[RecordedEvent]) -> dict[Place, str]:
    """Which of these events, in their order, stay sealed after the last of them, and by which rule."""
    sealing = Sealing()
    for event in events:
        data = event.data
        judge, judges = data.get("judge", ""), data.get("judges", ())
        sealing.note(event.stream, event.seq, event.type, data.get("step", ""), judge, judges)
    return sealing.sealed()
