"""People are told Beijing time, and that it is; programs the instants as they were recorded."""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from cli.ballot import state
from cli.desk import Desk, Signed
from cli.output import Outcome
from cli.privacy import exports, read_words
from cli.rehearse.conductor import BEGINS, Conductor
from cli.rehearse.family import find, turns
from cli.rehearse.party import OPERATORS, invent
from cli.schedule import listed
from runtime.schedules import Scheduled
from runtime.settings import Language, Settings
from schemas import names
from schemas.events import CountsPublished, PersonalDataExported
from schemas.ledger import NewEvent
from schemas.programme import Every
from store.memory import MemoryEventStore
from store.vault import Vault
from tests.store.commands import command
from tests.support.pages import printed

LABELS = {Language.ZH: "（北京时间）", Language.EN: " (Beijing)"}
BOTH = pytest.mark.parametrize("language", list(Language))
EVENING = datetime(2026, 4, 1, 16, 30, tzinfo=UTC)
"""Half an hour into the next day in Beijing."""


@pytest.fixture(scope="module")
async def told() -> Conductor:
    """A rehearsed cycle whose vote begins and ends with a day in Beijing, at 16:00 UTC."""
    [turn] = turns(find("sichuan-craftsman@1"), BEGINS)
    party = invent(turn.opened.programme, turn.opened.units, 4, 20, 1)
    conductor = Conductor(MemoryEventStore(), party, turn.period)
    await conductor.run()
    return conductor


def desk(told: Conductor, language: Language) -> Desk:
    nobody = Vault("", bytes(32))  # the rehearsal's words are none about a person
    return Desk(Settings(), language, AsyncExitStack(), auditing=told.store, revealing=nobody)


def shown(outcome: Outcome) -> str:
    return printed(outcome.shown)


async def eliminated(told: Conductor) -> str:
    """The first nomination that a selection left out."""
    for stream in await told.store.streams(f"nomination/{told.cycle}/"):
        for event in await told.store.load(stream):
            if str(event.data.get("reason", "")).startswith("NOT_SELECTED"):
                return stream
    raise AssertionError


def summit(told: Conductor) -> str:
    return names.round_stream(told.cycle, names.ROOT_ROUTE, "51")


@BOTH
async def test_the_window_of_a_vote_and_how_it_stands(told: Conductor, language: Language) -> None:
    outcome = await state(summit(told), step="public_vote", desk=desk(told, language))
    said, page = outcome.json, shown(outcome)
    assert (said["status"], said["opens_at"], said["closes_at"]) == (
        "closed",
        "2026-03-24T16:00:00.000000Z",
        "2026-04-01T16:00:00.000000Z",
    )
    how = {Language.ZH: "已截止", Language.EN: "closed"}[language]
    assert f"public_vote · {how} · 2026-03-24 24:00 – 2026-04-01 24:00{LABELS[language]}" in page


@BOTH
async def test_counts_that_are_provisional_say_as_of_when(language: Language) -> None:
    store, stream = MemoryEventStore(), "round/c.1/all/P"
    ballot = f"{stream}/vote"
    opened = {"step": "vote", "ballot": ballot, "candidates": ["n-1"]}
    counts = CountsPublished(step="vote", at=EVENING, counts=())
    events = (NewEvent(type="BallotOpened", data=opened), counts.new())
    await store.append(command(stream, "c-1", None, *events))
    outcome = await state(
        stream, step="vote", desk=Desk(Settings(), language, AsyncExitStack(), auditing=store)
    )
    as_of = {Language.ZH: "截至北京时间 2026-04-02 00:30", Language.EN: "as of 2026-04-02 00:30 in Beijing"}
    assert as_of[language] in shown(outcome)
    assert outcome.json["provisional"]["at"].startswith("2026-04-01T16:30")


@BOTH
async def test_who_took_names_out_and_when(language: Language) -> None:
    store = MemoryEventStore()
    taken = PersonalDataExported(cycle="c.1", round="round/c.1/all/P", paper="summary", people=3)
    await store.append(command(names.register_stream("c.1"), "c-1", None, taken.new(), occurred_at=EVENING))
    outcome = await exports("c.1", desk=Desk(Settings(), language, AsyncExitStack(), auditing=store))
    assert [one["at"] for one in outcome.json] == ["2026-04-01T16:30:00.000000Z"]
    assert "2026-04-02 00:30" in shown(outcome)
    assert LABELS[language] in shown(outcome)


@BOTH
async def test_what_was_written_about_a_nominee_and_when(told: Conductor, language: Language) -> None:
    stream = await eliminated(told)
    signed = Signed(as_=OPERATORS[0], role="operator", unit="51")
    outcome = await read_words(stream, signed=signed, desk=desk(told, language))
    [row] = outcome.json
    assert row["at"].endswith("T16:00:00.000000Z")
    assert row["text"].startswith("NOT_SELECTED: rank")
    assert "24:00" in shown(outcome)
    assert LABELS[language] in shown(outcome)
    assert {Language.ZH: "名次在名额之外", Language.EN: "ranked below the seats"}[language] in shown(outcome)


@BOTH
async def test_when_a_schedule_opens_next(language: Language, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cycle that opens by itself opens as its day begins, and not as the one before ends."""
    every_quarter = Scheduled(
        schedule="s", every=Every.QUARTER, paused=False, next=("2027-02-28T16:00:00+00:00",)
    )

    async def found(_: object) -> list[Scheduled]:
        return [every_quarter]

    monkeypatch.setattr("cli.schedule.list_schedules", found)
    monkeypatch.setattr("cli.schedule._temporal", found)
    outcome = await listed(desk=Desk(Settings(), language, AsyncExitStack()))
    assert outcome.json["schedules"][0]["next"] == ["2027-02-28T16:00:00+00:00"]
    assert outcome.json["schedules"][0]["every"] == "quarter"
    page = shown(outcome)
    assert "2027-03-01 00:00" in page
    assert LABELS[language] in page
    assert {Language.ZH: "每季", Language.EN: "every quarter"}[language] in page
