"""States kept folded are the states of the log, whatever was forgotten in between."""

from __future__ import annotations

from activities.folding import Folded, States
from schemas.ledger import Append, Head, NewEvent, RecordedEvent
from store.memory import MemoryEventStore
from tests.store.commands import provenance

STREAM = "round/c/r/u"


def count(seen: int, event: RecordedEvent) -> int:
    return seen + 1


async def test_an_append_after_a_state_was_forgotten_leaves_no_hole() -> None:
    store = MemoryEventStore()
    states: States[int] = States(store, count, 0)
    head = Head()
    for n in range(3):
        receipt = await store.append(
            Append(
                stream=STREAM,
                expected=head,
                provenance=provenance(f"c-{n}"),
                events=(NewEvent(type="IntakeClosed"),),
            )
        )
        head = receipt.head
        states.forget(STREAM)
        states.put(STREAM, receipt.events)
    assert await states.get(STREAM) == Folded(3, head, receipt.events[-1].rules)
