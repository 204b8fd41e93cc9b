"""When something happened beside when it was written down: cycle time by the cycle's pace, and the engine's clock.

Whoever asks stamps a command with cycle time, which the pace makes of a clock and no pause moves; whoever writes adds
their own clock. Asking comes first, and a stream's events are written one upon the other. How long it took is no
fault: a command may wait for a server that is away.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from domain.audit.compared import Difference
from schemas.ledger import RecordedEvent
from schemas.values import Pace, format_instant

CLOCKS_APART = timedelta(seconds=2)
"""How far the clocks of two machines may differ; the doctor calls more a fault."""


def untimely(event: RecordedEvent, pace: Pace, before: datetime | None) -> Difference | None:
    """Written before it happened, or before `before`, when the event before it in its stream was: neither can be."""
    earliest = max(pace.real_time(event.at), before or event.recorded) - CLOCKS_APART
    if event.recorded >= earliest:
        return None
    return Difference(event, "recorded", format_instant(event.recorded), f"≥ {format_instant(earliest)}")
