"""What every event store promises; `tests/store/test_contract.py` holds each one to it.

`append` answers in this order, whatever else is wrong: the receipt of the same command id (`KEY_REUSED` if its
payload differs), `LOG_BEHIND`, `WRONG_EXPECTED_HEAD`, the gates, the heads of other streams, the claims, the reservations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from schemas.ledger import Append, Gate, Head, Post, Receipt, RecordedEvent, Reservation

NOTHING_KNOWN: Mapping[str, Head] = MappingProxyType({})


class EventStore(Protocol):
    """An append-only log of streams, with the few rows that guard it and the outbox written with it."""

    async def append(self, request: Append) -> Receipt:
        """Write one command's events and effects, or nothing; the same command again gets its first receipt.

        Without events the effects are still written, and must be such that a repeat changes nothing.

        Raises Conflict `KEY_REUSED`, `WRONG_EXPECTED_HEAD`; Integrity `LOG_BEHIND`; Refused `STAGE_CLOSED`,
        `STAGE_NOT_OPEN`, `CYCLE_PAUSED`, `ROUND_PAUSED`, `DUPLICATE_NOMINATION`; Unavailable `STORE_UNAVAILABLE`.
        """

    async def receipt(self, stream: str, command_id: str, payload_hash: str) -> Receipt | None:
        """What this command wrote, if it wrote; Conflict `KEY_REUSED` if that was other content."""

    async def load(self, stream: str, after: int = 0) -> tuple[RecordedEvent, ...]:
        """The stream's events with seq above `after`; Integrity `LOG_BROKEN` if the chain does not hold."""

    async def load_many(
        self, streams: Sequence[str], known: Mapping[str, Head] = NOTHING_KNOWN
    ) -> dict[str, tuple[RecordedEvent, ...]]:
        """`load` of each stream, as of one moment; of a stream that is `known` up to a head, what follows on that.

        A stream without (further) events has an empty tuple.
        """

    async def heads(self, streams: Sequence[str]) -> dict[str, Head]:
        """The head of each stream; seq 0 for one without events."""

    async def streams(self, prefix: str) -> tuple[str, ...]:
        """The names of the streams that have events and begin with `prefix`, sorted."""

    async def gate(self, gate_id: str) -> Gate | None:
        """A gate's row."""

    async def gates(self, cycle: str) -> tuple[Gate, ...]:
        """The gates of a cycle, by id."""

    async def read_all(self, after_position: int, limit: int) -> tuple[RecordedEvent, ...]:
        """Events in global order with position above `after_position` (0 reads from the start), no hole ever."""

    async def last_position(self) -> int:
        """How many events are in the global order; 0 for none. Positions count from 1."""

    async def wait_sequenced(self, stream: str, seq: int, timeout_seconds: float) -> int:
        """Wait for an event's global position; Unavailable `STORE_UNAVAILABLE` when the time is up."""

    async def overdue(self, before: datetime) -> tuple[RecordedEvent, ...]:
        """Events recorded before this moment that have no global position yet: after a minute, a finding."""

    async def reservations(self, cycle: str, units: Sequence[str] | None = None) -> tuple[Reservation, ...]:
        """Who holds a place in the cycle, by nomination; only those of `units` if given."""

    async def title_streams(self, subjects: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The streams of the titles and honours of these subjects in any cycle, found by their nominations' places."""

    async def units_with_reservations(self, cycle: str) -> dict[str, int]:
        """Number of reservations by unit."""

    async def claims(self, cycle: str, scope: str) -> dict[int, str]:
        """The places of a scope that are held, and by whom, in order."""

    async def put_document(self, kind: str, content: bytes) -> str:
        """Keep a document for ever under its SHA-256, which is returned."""

    async def document(self, content_hash: str) -> bytes:
        """A kept document; Refused `NOT_FOUND`, Integrity `LOG_BROKEN` if the bytes are not those."""

    async def undelivered(self, cycle: str = "", sender: str = "", limit: int = 100) -> tuple[Post, ...]:
        """Messages still to deliver, in the order they were decided; of one cycle or sender if given."""

    async def mark_delivered(self, ids: Sequence[str]) -> None:
        """Note messages as delivered; saying it twice is harmless."""

    async def redeliver(self, ids: Sequence[str]) -> None:
        """Let messages wait once more, for when those who were told have lost it; unknown ids are passed over."""
