"""`audit verify`: the bytes, the order and the read side of the whole log, checked from Postgres alone."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from cli.audit.reading import in_order
from cli.desk import AtDesk, command
from cli.output import Outcome, table
from projections.projector import Projector
from schemas.errors import Integrity
from store.contract import EventStore

_STREAMS_AT_ONCE = 200
_OVERDUE = timedelta(seconds=60)


@command(
    "audit verify",
    zh="核验整本日志：逐流重算散列链，全局顺序自 1 起无缺，无逾时未排序者，查询视图与日志一致。不符则退出码 6。",
    en="Verify the whole log: every stream's chain by hashing its bytes again, the global order from 1 without a hole, "
    "no event left out of it, the read side equal to the fold. Exit code 6 with the first fault.",
    example="audit verify --json",
)
async def verify(*, desk: AtDesk) -> Outcome:
    store = await desk.store()
    streams, events = await _verify_chains(store)
    positions = await _verify_order(store)
    await _verify_nothing_overdue(store)
    await _verify_views(store, desk.audit_dsn)
    said = {"ok": True, "streams": streams, "events": events, "positions": positions}
    words = {
        "streams": desk.say("流：散列链完整", "streams, every chain whole"),
        "events": desk.say("条记录：散列相符", "events, every hash right"),
        "positions": desk.say("个位置：自 1 起无缺", "positions, dense from 1"),
    }
    return Outcome(
        json=said, shown=table(("", desk.say("核验通过", "verified")), [(said[k], words[k]) for k in words])
    )


async def _verify_chains(store: EventStore) -> tuple[int, int]:
    """Loading a stream hashes its bytes again and follows its chain to its head; how many streams and events."""
    streams = await store.streams("")
    events = 0
    for first in range(0, len(streams), _STREAMS_AT_ONCE):
        some = streams[first : first + _STREAMS_AT_ONCE]
        events += sum(map(len, (await store.load_many(some)).values()))
    return len(streams), events


async def _verify_order(store: EventStore) -> int:
    """Positions 1 to n without a hole, and each stream's events in their own order; how many positions."""
    seen: Counter[str] = Counter()
    reached = 0
    async for events in in_order(store):
        for event in events:
            seen[event.stream] += 1
            if seen[event.stream] != event.seq:
                fault = f"position {event.position} is out of the stream's order"
                raise Integrity("LOG_BROKEN", stream=event.stream, seq=event.seq, fault=fault)
        reached += len(events)
    last = await store.last_position()
    if last < reached:
        raise Integrity("LOG_BROKEN", stream="*", seq=last, fault=f"the order ends at {last}, read {reached}")
    return reached


async def _verify_nothing_overdue(store: EventStore) -> None:
    for event in await store.overdue(datetime.now(UTC) - _OVERDUE):
        seconds = int(_OVERDUE.total_seconds())
        raise Integrity("LOG_OVERDUE", stream=event.stream, seq=event.seq, seconds=seconds)


async def _verify_views(store: EventStore, dsn: str) -> None:
    projector = Projector(store, dsn)
    try:
        for fault in await projector.compare(store):
            raise Integrity("VIEWS_DIFFER", fault=fault)
    finally:
        await projector.close()
