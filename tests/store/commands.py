"""Builders of appends for the store's tests; every person, unit and programme here is invented."""

from datetime import UTC, datetime
from typing import Any

from schemas.ledger import Actor, Append, Effect, Gate, GateStatus, Guard, Head, NewEvent, Provenance

NOON = datetime(2024, 1, 30, 4, 0, tzinfo=UTC)
EVENING = datetime(2024, 1, 30, 10, 0, tzinfo=UTC)


def provenance(command_id: str, **changes: Any) -> Provenance:
    """A command's envelope; `payload_hash` follows the id unless given."""
    given: dict[str, Any] = {
        "log": "xuanshu.test/log/one",
        "command_id": command_id,
        "payload_hash": f"hash-of-{command_id}",
        "actor": Actor(id="staff-1", role="operator", unit="510000"),
        "occurred_at": NOON,
        "recorded_at": NOON,
        "rules": "0" * 64,
    }
    return Provenance(**given | changes)


def command(
    stream: str,
    command_id: str,
    expected: Head | None = None,
    *events: NewEvent,
    guards: tuple[Guard, ...] = (),
    effects: tuple[Effect, ...] = (),
    known: Head | None = None,
    **changes: Any,
) -> Append:
    """One command; without `events` it notes its own id in one event."""
    return Append(
        stream=stream,
        expected=expected or Head(),
        known=known,
        provenance=provenance(command_id, **changes),
        events=events or (NewEvent(type="noted", data={"by": command_id}),),
        guards=guards,
        effects=effects,
    )


def gate(gate_id: str, status: GateStatus = GateStatus.OPEN, **changes: Any) -> Gate:
    """A gate of cycle `c1`, open from noon to evening unless told."""
    given: dict[str, Any] = {"cycle": "c1", "opens_at": NOON, "closes_at": EVENING}
    return Gate(id=gate_id, status=status, **given | changes)
