"""What the outbox promises of the order in which it carries messages."""

from __future__ import annotations

import asyncio
from typing import Any

from activities.deciding import Decider
from activities.outbox import Outbox
from runtime.door import system_clock
from schemas.ledger import Post
from store.memory import MemoryEventStore
from tests.store.commands import command

TO_ONE, TO_ANOTHER = "nomination/c1/one", "nomination/c1/another"
LETTERS = (("a", TO_ONE), ("b", TO_ANOTHER), ("c", TO_ONE), ("d", TO_ONE))


class Carrier(Outbox):
    """Takes longer for a message the sooner it was written; `carried` are their ids as they arrive."""

    carried: list[str]

    async def _deliver(self, post: Post) -> None:
        for _ in range(20 - 5 * LETTERS.index((post.id, post.workflow))):
            await asyncio.sleep(0)
        self.carried.append(post.id)


async def test_one_workflow_hears_in_the_order_in_which_it_was_written_to_and_waits_for_no_other() -> None:
    nothing: Any = None
    store = MemoryEventStore()
    posts = tuple(
        Post(id=id, cycle="c1", sender="round/c1/x", workflow=workflow, name="outcome", payload={})
        for id, workflow in LETTERS
    )
    await store.append(command("round/c1/x", "one", effects=posts))
    outbox = Carrier(Decider(store, system_clock), nothing, "", nothing)
    outbox.carried = []
    assert await outbox.step() == len(LETTERS)
    assert [id for id in outbox.carried if id != "b"] == ["a", "c", "d"]
    assert outbox.carried[0] == "b"
    assert await outbox.step() == 0
