"""Every title that a family of cycles has conferred or recorded, read from the log: what targets are counted from."""

from __future__ import annotations

from datetime import date

from domain.calendar import local_date
from domain.targets import Given
from schemas import names
from schemas.events import OutcomeRecorded, RoundOpened, TitlesConferred, read
from schemas.ledger import RecordedEvent
from schemas.programme import Rank
from store.contract import EventStore


async def cycles_of(store: EventStore, programme: str, label: str = "") -> tuple[str, ...]:
    """The programme's cycles in the log: the real ones, or those of one rehearsal; sorted."""
    cycles = (names.cycle_of(stream) for stream in await store.streams(f"cycle/{programme}."))
    return tuple(cycle for cycle in cycles if names.label_of(cycle) == label)


async def given_titles(store: EventStore, programme: str, label: str = "") -> tuple[Given, ...]:
    """Titles of every level of every cycle, and those given elsewhere."""
    given: list[Given] = []
    for cycle in await cycles_of(store, programme, label):
        for events in (await store.load_many(await store.streams(f"round/{cycle}/"))).values():
            given += _of_round(programme, events)
    for event in await store.load(f"register/{names.family(programme, label)}"):
        outcome = read(event)
        if isinstance(outcome, OutcomeRecorded):
            on = date.fromisoformat(outcome.given_on)
            given.append(Given(programme=programme, title=outcome.title, rank=None, on=on))
    return tuple(given)


def _of_round(programme: str, events: tuple[RecordedEvent, ...]) -> list[Given]:
    opened = next((event for event in map(read, events) if isinstance(event, RoundOpened)), None)
    return [
        Given(programme=programme, title=one.title, rank=Rank(opened.rank), on=local_date(event.at))
        for event in events
        for conferral in [read(event)]
        if opened is not None and isinstance(conferral, TitlesConferred)
        for one in conferral.conferred
    ]
