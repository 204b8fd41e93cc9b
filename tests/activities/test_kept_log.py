"""A log that was written once is replayed by every later code: `kept_log.xz` is a whole cycle of 四川工匠.

Also words are decided: a reason or a detail that reads otherwise is another decision. Code that decides otherwise takes
what was decided before as well (`domain/audit/compared.py` does so for reasons); or old logs differ, the changelog says
so, and `python -m tests.activities.test_kept_log` writes the file anew.
"""

from __future__ import annotations

import asyncio
import lzma
from pathlib import Path

from activities.retaking import Retaker, Tally
from schemas.canonical import open_event
from store.chain import KeptEvent
from store.memory import MemoryEventStore
from tests.activities.test_retaking import Withdrawing, pages, party

KEPT = Path(__file__).with_name("kept_log.xz")


async def kept() -> MemoryEventStore:
    store = MemoryEventStore()
    for line in lzma.decompress(KEPT.read_bytes()).splitlines():
        kind, content = line.split(b" ", 1)
        if kind != b"event":
            await store.put_document(kind.decode(), content)
            continue
        event = open_event(content)
        row = KeptEvent(event.stream, event.seq, content, event.prev, event.hash)
        store._kept[event.stream].append(row)
        store._order.append(row)
    return store


async def test_a_log_of_before_is_taken_again_with_no_difference_dr_45() -> None:
    store, tally = await kept(), Tally()
    for stream in await store.streams(""):
        await store.load(stream)
    async for taken in Retaker(store).run(pages(store)):
        assert taken.difference is None
        tally.add(taken)
    assert tally.events == await store.last_position() > 300
    assert {"SelectionMade", "Substituted", "TallySealed", "TitlesConferred"} <= tally.results.keys()


async def _write() -> None:
    store = MemoryEventStore()
    await Withdrawing(store, party()).run()
    lines = [kind.encode() + b" " + content for kind, content in store._documents.values()]
    lines += [b"event " + row.body for row in store._order]
    KEPT.write_bytes(lzma.compress(b"\n".join(lines), preset=9 | lzma.PRESET_EXTREME))


if __name__ == "__main__":
    asyncio.run(_write())
