"""What goes into the log and what comes out of it: commands' envelopes, events, guards, effects, receipts.

NOTE: `RecordedEvent` mirrors bytes that are hashed and kept for ever; a change here needs a new envelope version.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

JsonObject = dict[str, Any]
GENESIS = "0" * 64
_new, _put = object.__new__, object.__setattr__


class Frozen(BaseModel):
    """An immutable value; unknown keys are an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def trusted(cls, values: dict[str, Any]) -> Self:
        """Build from values that are right and whole already, at a fifth of validation's (or model_construct's) cost.

        For what the engine itself just made, once an append; everything from outside goes through validation.
        """
        made = _new(cls)
        _put(made, "__dict__", values)
        _put(made, "__pydantic_fields_set__", _fields_of(cls))
        _put(made, "__pydantic_extra__", None)
        _put(made, "__pydantic_private__", None)
        return made


@cache
def _fields_of(kind: type[Frozen]) -> set[str]:
    """One set for all that are whole: of what is frozen, nobody adds to it."""
    return set(kind.model_fields)


class Actor(Frozen):
    """Who acts: a staff or system id (never a name), the role and unit acted in, and on whose behalf."""

    id: str
    role: str
    unit: str = ""
    on_behalf_of: str = ""


class Head(Frozen):
    """The last event of a stream that somebody saw; `seq` 0 and GENESIS for a stream without events."""

    seq: int = 0
    hash: str = GENESIS


class Provenance(Frozen):
    """Everything of an event's body that comes from its command (DR-44)."""

    log: str  # the log's origin, e.g. "xuanshu.example/log/<cycle>"
    command_id: str
    payload_hash: (
        str  # SHA-256 hex of the command's canonical bytes: the same id with another payload is KEY_REUSED
    )
    actor: Actor
    grant: str = ""  # id of the grant that allowed it; empty for the engine itself
    cause: str = ""  # "<stream>@<seq>" of the event that caused this command, if any
    occurred_at: datetime  # cycle time, stamped at the door
    recorded_at: datetime  # the engine's clock when it wrote
    rules: str  # the pinned programme's hash


class NewEvent(Frozen):
    """An event that was decided but not yet written."""

    type: str
    v: int = 1  # version of the data's schema; upcasters read it
    data: JsonObject = Field(default_factory=dict)
    subject: str = ""  # random subject id, never a name


class RecordedEvent(Frozen):
    """An event as the log holds it. `body` is the canonical bytes (RFC 8785) whose SHA-256(0x00‖body) is `hash`."""

    stream: str
    seq: int
    ordinal: int
    type: str
    v: int
    at: datetime
    recorded: datetime
    actor: Actor
    grant: str
    cause: str
    command_id: str
    payload_hash: str
    rules: str
    subject: str
    data: JsonObject
    prev: str
    hash: str
    log: str
    position: int | None = None  # dense global order, once sequenced


class GateStatus(StrEnum):
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"


class Gate(Frozen):
    """The row that decides whether something may still be done: a step's window, a ballot, a cycle.

    A command counts if the row is open and `opens_at <= received_at < closes_at`. `epoch` is the number of times
    that the cycle had been resumed when the window was computed; a window of an older epoch than its cycle's is
    still paused.
    """

    id: str
    cycle: str
    status: GateStatus
    opens_at: datetime
    closes_at: datetime | None = None
    epoch: int = 0


# Guards are checked under lock in the append's own transaction; a guard that fails is a value, never an abort.


class GateOpen(Frozen):
    """The gate `id` is open for a command received at `received_at` (row locked FOR SHARE)."""

    kind: Literal["gate_open"] = "gate_open"
    gate: str
    received_at: datetime


class HeadIs(Frozen):
    """Another stream has not moved since it was read (its head row locked FOR SHARE)."""

    kind: Literal["head_is"] = "head_is"
    stream: str
    seq: int


Guard = Annotated[GateOpen | HeadIs, Field(discriminator="kind")]


# Effects are rows written in the same transaction as the events.


class SetGate(Frozen):
    """Insert or replace a gate's row (locked FOR UPDATE, so that it waits for those who hold it FOR SHARE)."""

    kind: Literal["set_gate"] = "set_gate"
    gate: Gate


class Reserve(Frozen):
    """One nomination a subject in a cycle (DR-05); a second one fails with the first's id."""

    kind: Literal["reserve"] = "reserve"
    cycle: str
    subject: str
    nomination: str
    unit: str
    route: str


class Release(Frozen):
    """Give a subject's reservation back (withdrawn before intake closed)."""

    kind: Literal["release"] = "release"
    cycle: str
    subject: str


class Claim(Frozen):
    """The numbered place of a scope, held by one nomination alone; where another holds it, decide again (DR-06)."""

    kind: Literal["claim"] = "claim"
    cycle: str
    scope: str
    number: int
    holder: str


class Unclaim(Frozen):
    """Give a place back, if it is the holder's."""

    kind: Literal["unclaim"] = "unclaim"
    cycle: str
    scope: str
    number: int
    holder: str


class Post(Frozen):
    """A message for the outbox: delivered to `workflow` as signal `name` with `id`, at least once."""

    kind: Literal["post"] = "post"
    id: str
    cycle: str
    sender: str  # the stream that decided it
    workflow: str
    name: str
    payload: JsonObject


Effect = Annotated[SetGate | Reserve | Release | Claim | Unclaim | Post, Field(discriminator="kind")]


class Append(Frozen):
    """One command's events for one stream, with what must hold and what else is written with them."""

    stream: str
    expected: Head
    known: Head | None = (
        None  # the last head that the caller's workflow was given: absent from the log → LOG_BEHIND
    )
    provenance: Provenance
    events: tuple[NewEvent, ...]
    guards: tuple[Guard, ...] = ()
    effects: tuple[Effect, ...] = ()


class Receipt(Frozen):
    """The answer to a command: what was written, or, for a repeat, what the first one wrote."""

    stream: str
    command_id: str
    head: Head  # the last event of this command
    events: tuple[RecordedEvent, ...]
    repeated: bool = False


# What the store says about itself.


class Reservation(Frozen):
    """Who holds a subject's one place in a cycle (DR-05)."""

    nomination: str
    subject: str
    unit: str
    route: str
