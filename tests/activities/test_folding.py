"""States kept folded are the states of the log, whatever was forgotten in between."""

from __future__ import annotations

from activities.folding import Folded, States, together
from schemas.ledger import Append, Head, NewEvent, Receipt, RecordedEvent
from store.memory import MemoryEventStore
from tests.store.commands import provenance

STREAM = "round/c/r/u"


def count(seen: int, event: RecordedEvent) -> int:
    return seen + 1


async def write(store: MemoryEventStore, head: Head, *commands: str) -> Receipt:
    for id in commands:
        receipt = await store.append(
            Append(
                stream=STREAM,
                expected=head,
                provenance=provenance(id),
                events=(NewEvent(type="IntakeClosed"),),
            )
        )
        head = receipt.head
    return receipt


async def test_an_append_after_a_state_was_forgotten_leaves_no_hole() -> None:
    store = MemoryEventStore()
    states: States[int] = States(store, count, 0)
    head = Head()
    for n in range(3):
        receipt = await write(store, head, f"c-{n}")
        head = receipt.head
        states.forget(STREAM)
        states.put(STREAM, receipt.events)
    assert await states.get(STREAM) == Folded(3, head, receipt.events[-1].rules)


async def test_a_log_that_lost_a_tail_and_went_on_is_folded_anew() -> None:
    lost, kept = MemoryEventStore(), MemoryEventStore()
    states: States[int] = States(lost, count, 0)
    await write(lost, Head(), "one", "lost")
    assert (await states.get(STREAM)).state == 2
    last = await write(kept, Head(), "one", "other", "third")
    found = await together(kept, {STREAM: states})
    assert found == {STREAM: Folded(3, last.head, last.events[-1].rules)}
