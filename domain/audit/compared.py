"""A decision taken again beside what was recorded: the first place where they differ, if they do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from domain.decision import Decision
from schemas.events import KEPT_OUT
from schemas.ledger import JsonObject, RecordedEvent

ABSENT = "–"
_SHOWN = 200


class Difference(NamedTuple):
    """Where a recorded event is not what its decision gives: `field` is a path into it; both values as text."""

    event: RecordedEvent
    field: str
    recorded: str
    retaken: str


def difference(
    decision: Decision, rules: str, events: Sequence[RecordedEvent], passed_over: frozenset[str] = frozenset()
) -> Difference | None:
    """The first difference in type, content, subject, grant or rules; `passed_over` are fields that no event keeps whole."""
    for event, made in zip(events, decision.events, strict=False):
        if type(made).__name__ != event.type:
            return Difference(event, "type", event.type, type(made).__name__)
        was, now = _without(event.data, passed_over), _without(made.data(), passed_over)
        apart = first_difference(was, now) if was != now else None
        if apart is not None:
            return Difference(event, *apart)
        for field, recorded, retaken in (
            ("v", str(event.v), str(made.v)),
            ("subject", event.subject, decision.subject),
            ("grant", event.grant, decision.grant),
            ("rules", event.rules, rules),
        ):
            if recorded != retaken:
                return Difference(event, field, recorded, retaken)
    return _longer(decision, events)


def _longer(decision: Decision, events: Sequence[RecordedEvent]) -> Difference | None:
    if len(events) > len(decision.events):
        extra = events[len(decision.events)]
        return Difference(extra, "type", extra.type, ABSENT)
    if len(events) < len(decision.events):
        missing = decision.events[len(events)]
        return Difference(events[-1], "type", ABSENT, type(missing).__name__)
    return None


def _without(data: JsonObject, fields: frozenset[str]) -> JsonObject:
    return {key: value for key, value in data.items() if key not in fields} if fields else data


def first_difference(recorded: Any, retaken: Any, path: str = "") -> tuple[str, str, str] | None:
    """The path, and both values as text, of the first place where two JSON values are not the same."""
    if isinstance(recorded, dict) and isinstance(retaken, dict):
        for key in sorted(recorded.keys() | retaken.keys()):
            inner = (recorded.get(key, ABSENT), retaken.get(key, ABSENT))
            if found := first_difference(*inner, f"{path}.{key}" if path else key):
                return found
        return None
    if isinstance(recorded, list) and isinstance(retaken, list) and len(recorded) == len(retaken):
        for number, inner in enumerate(zip(recorded, retaken, strict=True)):
            if found := first_difference(*inner, f"{path}[{number}]"):
                return found
        return None
    same = recorded == retaken or _says_less(recorded, retaken)
    return None if same else (path, _text(recorded), _text(retaken))


def _says_less(recorded: Any, retaken: Any) -> bool:
    """Older logs do not name the rules that kept somebody out of a selection."""
    place = str(retaken).partition(KEPT_OUT)[0]
    return place != retaken and place == recorded and place.startswith("NOT_SELECTED: ")


def _text(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
