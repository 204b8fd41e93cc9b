"""One cycle's log as a past for the questions of `domain/audit`: events in global order, and the documents they name."""

from __future__ import annotations

from cli.audit.reading import in_order, joined, young
from cli.desk import Desk
from domain import cycle as cycles
from domain.audit.past import Past, rules_of
from schemas import names
from schemas.errors import Refused
from schemas.events import CalendarExtended, CycleOpened, RulesAmended, read
from schemas.ledger import RecordedEvent
from store.contract import EventStore


async def past_of(desk: Desk, cycle: str) -> Past:
    """Everything that happened in a cycle; needs Postgres alone. Raises Refused NOT_FOUND."""
    store, reader = await desk.store(), await desk.reader()
    events = await events_of(store, cycle)
    opened = next((event for event in map(read, events) if isinstance(event, CycleOpened)), None)
    if opened is None:
        raise Refused("NOT_FOUND", what=names.cycle_stream(cycle))
    amended = (event.data["rules"] for event in events if event.type == RulesAmended.__name__)
    hashes = dict.fromkeys((*rules_of(events), *amended))
    extended = [event.data["overrides"] for event in events if event.type == CalendarExtended.__name__]
    newest = [opened.overrides, *extended][-1]  # which knows all days that the earlier ones do
    return Past(
        events=events,
        programmes={one: await reader.programme(one) for one in hashes},
        tree=await reader.tree(opened.units),
        calendar=await reader.calendar(newest),
    )


async def events_of(store: EventStore, cycle: str) -> tuple[RecordedEvent, ...]:
    """A cycle's events in global order, then those that are written but not yet in it."""
    waiting = await young(store, lambda stream: names.cycle_of(stream) == cycle)
    found: list[RecordedEvent] = []
    async for page in in_order(store):
        found += [event for event in page if names.cycle_of(event.stream) == cycle]
    return joined(found, waiting)


def is_rehearsal(past: Past) -> bool:
    """Whether cycle time ran at another pace than reality."""
    state: cycles.State = past.cycle_state(past.end)
    return state.opened is not None and state.opened.pace.rehearsal
