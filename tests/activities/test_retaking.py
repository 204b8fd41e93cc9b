"""A log whose every hash is right, and in which a decision is not what the rules give, is found by taking it again (DR-45)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from activities.deciding import Decider, request_hash
from activities.retaking import Retaker, Taken, Tally, by_command, differs
from cli.rehearse.conductor import Conductor
from cli.rehearse.party import Party, invent, operator
from domain import calendar
from domain import round as rounds
from domain.calendar import local_date
from domain.selection import highs, proof
from domain.selection.program import Program
from schemas import names
from schemas.canonical import seal
from schemas.commands import Command, FileObjection, RevokeGrant, Withdraw
from schemas.errors import Integrity
from schemas.events import SelectionMade
from schemas.ledger import Actor, Append, JsonObject, NewEvent, Provenance, RecordedEvent
from schemas.loading import open_programme
from schemas.programme import DayUnit, Decision, Period, Publicity, Step, SubstitutionLimits
from schemas.values import format_instant
from store.memory import MemoryEventStore

PROGRAMME = Path(__file__).parents[2] / "programmes/sichuan-craftsman/1.yaml"
NEVER = datetime(2020, 1, 1, tzinfo=UTC)
Change = Callable[[JsonObject], JsonObject]


class Withdrawing(Conductor):
    """A rehearsal in which the first of a list withdraws while the list is published, wherever a reserve stands by."""

    async def _act(self, state: rounds.State) -> bool:
        step = rounds.step_of(state, self._party.programme, state.current)
        if isinstance(step, Publicity) and state.standby and state.members and state.stream not in self._done:
            self._done.add(state.stream)
            first = next(iter(state.members))
            stream = names.nomination_stream(self.cycle, first)
            entrant = self.people[first]
            await self._do(stream, Withdraw(reason="本人要求"), entrant.actor)
        return await super()._act(state)


class WithdrawingLate(Withdrawing):
    """The first of a list withdraws a second time when its period is over: too late for the reserve."""

    async def _act(self, state: rounds.State) -> bool:
        window = rounds.run_of(state, state.current).window
        if window and self._now >= window.closes_at and state.stream in self._done:
            again = f"{state.stream} again"
            if again not in self._done:
                self._done -= {state.stream}
                self._done.add(again)
        return await super()._act(state)


class Posting(Conductor):
    """A letter about the first of a list comes when the next body is about to decide."""

    async def _act(self, state: rounds.State) -> bool:
        step = rounds.step_of(state, self._party.programme, state.current)
        if isinstance(step, Decision) and state.published and state.stream not in self._done:
            self._done.add(state.stream)
            first = next(iter(state.members))
            letter = FileObjection(
                objection="letter",
                round=state.stream,
                entry="0" * 32,
                commitment="0" * 64,
                ground="deeds",
                evidence="e" * 64,
                postmark=local_date(rounds.period_of(state, first).opens_at),
            )
            await self._do(names.nomination_stream(self.cycle, first), letter, operator())
        return await super()._act(state)


def party(nominations: int = 24) -> Party:
    opened = open_programme(PROGRAMME)
    return invent(opened.programme, opened.units, units=6, nominations=nominations)


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def told() -> MemoryEventStore:
    """A whole cycle, honestly run, with somebody who withdraws while a list is published."""
    store = MemoryEventStore()
    await Withdrawing(store, party()).run()
    return store


async def pages(store: MemoryEventStore) -> AsyncIterator[Sequence[RecordedEvent]]:
    yield await store.read_all(0, 1_000_000)


async def taken_again(store: MemoryEventStore) -> list[Taken]:
    return [taken async for taken in Retaker(store).run(pages(store))]


async def first_difference(store: MemoryEventStore) -> Taken:
    last = (await taken_again(store))[-1]
    assert last.difference is not None
    return last


async def planted(
    told: MemoryEventStore,
    type_: str,
    change: Change,
    *,
    which: Callable[[RecordedEvent], bool] = lambda _: True,
    **envelope: Any,
) -> tuple[MemoryEventStore, RecordedEvent]:
    """The same log with one event told otherwise, every hash and chain made anew as the store makes them; and the event."""
    forged, found = MemoryEventStore(), None
    forged._documents = told._documents
    async for events in by_command(pages(told)):
        fresh = [NewEvent(type=e.type, v=e.v, data=e.data, subject=e.subject) for e in events]
        said = provenance(events)
        for number, event in enumerate(events):
            if found is None and event.type == type_ and which(event):
                found = event
                fresh[number] = fresh[number].model_copy(update={"data": change(event.data)})
                said = said.model_copy(update=envelope)
        head = forged._head(events[0].stream)
        request = Append(stream=events[0].stream, expected=head, provenance=said, events=tuple(fresh))
        assert seal(request)
        await forged.append(request)
    assert found is not None, f"no {type_} in the log"
    return forged, found


def provenance(events: Sequence[RecordedEvent]) -> Provenance:
    one = events[0]
    return Provenance(
        log=one.log,
        command_id=one.command_id,
        payload_hash=one.payload_hash,
        actor=one.actor,
        grant=one.grant,
        cause=one.cause,
        occurred_at=one.at,
        recorded_at=one.recorded,
        rules=one.rules,
    )


async def found_at(store: MemoryEventStore, event: RecordedEvent, field: str) -> None:
    """Every hash of the log is right, and still the planted event is the first that is named."""
    for stream in await store.streams(""):
        await store.load(stream)
    apart = (await first_difference(store)).difference
    assert apart is not None
    assert (apart.event.stream, apart.event.seq, apart.event.type) == (event.stream, event.seq, event.type)
    assert apart.field.startswith(field), apart
    with pytest.raises(Integrity, match="DECISION_DIFFERS") as raised:
        raise differs(apart)
    assert raised.value.exit_code == 6
    assert (raised.value.facts["stream"], raised.value.facts["seq"]) == (event.stream, str(event.seq))


async def test_an_honest_log_is_taken_again_whole_with_no_difference_dr_45(told: MemoryEventStore) -> None:
    tally = Tally()
    for taken in await taken_again(told):
        assert taken.difference is None
        tally.add(taken)
    assert not tally.folded
    assert tally.events == await told.last_position()
    given = {
        "EligibilityChecked",
        "PanelClosed",
        "TallySealed",
        "SelectionMade",
        "Substituted",
        "ListPublished",
    }
    assert given <= tally.results.keys()


def publishing(**changes: Any) -> Party:
    """The party of a programme whose publicities say this."""
    everybody = party()
    stages = {
        rank: stage.model_copy(update={"steps": tuple(_changed(step, changes) for step in stage.steps)})
        for rank, stage in everybody.programme.stages.items()
    }
    return replace(everybody, programme=everybody.programme.model_copy(update={"stages": stages}))


def _changed(step: Step, changes: dict[str, Any]) -> Step:
    return step.model_copy(update=changes) if isinstance(step, Publicity) else step


async def test_a_seat_that_a_limit_kept_vacant_is_taken_again_dr_31_dr_45() -> None:
    limits = SubstitutionLimits(within=Period(days=1, unit=DayUnit.NATURAL_DAY))
    store = MemoryEventStore()
    await WithdrawingLate(store, publishing(substitute=limits)).run()
    assert all(taken.difference is None for taken in await taken_again(store))
    late = [one for one in await store.read_all(0, 1_000_000) if one.data.get("limit") == "within"]
    assert {one.type for one in late} == {"Substituted"}
    forged, event = await planted(
        store,
        "Substituted",
        lambda data: {key: value for key, value in data.items() if key != "limit"},
        which=lambda one: "limit" in one.data,
    )
    await found_at(forged, event, "limit")


async def test_an_objection_that_counts_by_its_postmark_is_taken_again_dr_29_dr_45() -> None:
    store = MemoryEventStore()
    await Posting(store, publishing(by_post=Period(days=5, unit=DayUnit.WORK_DAY))).run()
    assert all(taken.difference is None for taken in await taken_again(store))
    told = await store.read_all(0, 1_000_000)
    [held] = [one for one in told if one.type == "ObjectionFiled"]
    assert held.data["postmark"]
    out = [gone for one in told if one.type == "MembersOut" for gone in one.data["out"]]
    assert {"nomination": held.stream.rsplit("/", 1)[-1], "reason": "HELD_AT_CUT_OFF"} in out


async def test_another_version_of_the_calendar_changes_nothing_that_was_pinned_dr_01_dr_45(
    told: MemoryEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chinese_calendar.__version__", "99")
    monkeypatch.setattr(calendar, "_published_days", lambda: defaultdict(lambda: True))
    assert not [taken for taken in await taken_again(told) if taken.difference]


def _other_prices(program: Program) -> highs.Relaxation | None:
    """What another version of the solver may say: the same optimum, at prices that bound it less tightly."""
    relaxed = highs.relax(program)
    return relaxed and replace(
        relaxed,
        prices=tuple(
            price + (not row.equal) for row, price in zip(program.rows, relaxed.prices, strict=True)
        ),
    )


async def test_another_solver_with_other_prices_changes_no_decision_dr_26_dr_45(
    told: MemoryEventStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "relax", _other_prices)
    taken = await taken_again(told)
    assert not [one.difference for one in taken if one.difference]
    anew = [event for one in taken if one.decided for event in one.decided.decision.events]
    was = [
        one.data["certificate"] for one in await told.read_all(0, 1_000_000) if one.type == "SelectionMade"
    ]
    assert [one.certificate for one in anew if isinstance(one, SelectionMade)] != was


@pytest.mark.parametrize(
    ("field", "claim"),
    [
        ("score", "9999"),
        ("score_bound", "1"),
        ("filled_by", "unconstrained"),
        ("multipliers", []),
        ("multipliers", "none"),
    ],
)
async def test_a_certificate_that_does_not_hold_is_found_dr_26_dr_45(
    told: MemoryEventStore, field: str, claim: Any
) -> None:
    def other(data: JsonObject) -> JsonObject:
        return data | {"certificate": data["certificate"] | {field: claim}}

    forged, event = await planted(
        told, "SelectionMade", other, which=lambda one: bool(one.data["certificate"]["multipliers"])
    )
    await found_at(forged, event, "certificate")


async def test_an_event_of_newer_code_is_no_difference_but_asks_for_that_code(told: MemoryEventStore) -> None:
    async def newer() -> AsyncIterator[Sequence[RecordedEvent]]:
        for event in await told.read_all(0, 1_000_000):
            yield [event.model_copy(update={"v": 2}) if event.type == "SelectionMade" else event]

    with pytest.raises(Integrity, match="EVENT_UNKNOWN"):
        async for _ in Retaker(told).run(newer()):
            pass


async def test_a_pinned_document_of_other_code_is_no_difference_but_asks_for_that_code_dr_01(
    told: MemoryEventStore,
) -> None:
    rules = (await told.read_all(0, 1))[0].rules
    kind, content = told._documents[rules]
    other = MemoryEventStore()
    vars(other).update(vars(told))
    other._documents = told._documents | {rules: (kind, content[:-1] + b',"yet_unknown":true}')}
    with pytest.raises(Integrity, match="DOCUMENT_UNREADABLE") as raised:
        await taken_again(other)
    assert raised.value.facts["hash"] == rules
    assert "yet_unknown" in raised.value.facts["fault"]


async def test_replay_leaves_the_log_as_it_is(told: MemoryEventStore) -> None:
    before = (await told.last_position(), dict(told._gates), dict(told._claims), dict(told._posts))
    await taken_again(told)
    assert (await told.last_position(), told._gates, told._claims, told._posts) == before


async def test_a_planted_wrong_winner_is_found(told: MemoryEventStore) -> None:
    def swap(data: JsonObject) -> JsonObject:
        *kept, last = data["selected"]
        return data | {"selected": [*kept, data["reserve"][0]], "reserve": [last, *data["reserve"][1:]]}

    forged, event = await planted(told, "SelectionMade", swap, which=lambda one: bool(one.data["reserve"]))
    await found_at(forged, event, "reserve")


async def test_a_planted_wrong_score_is_found(told: MemoryEventStore) -> None:
    def better(data: JsonObject) -> JsonObject:
        first, *others = data["results"]
        return data | {"results": [first | {"value": "100"}, *others]}

    forged, event = await planted(told, "PanelClosed", better)
    await found_at(forged, event, "results[0].value")


async def test_a_planted_sheet_is_found_where_the_panel_is_closed_on_it(told: MemoryEventStore) -> None:
    def better(data: JsonObject) -> JsonObject:
        return data | {"marks": [{"nomination": one["nomination"], "score": "100"} for one in data["marks"]]}

    forged, event = await planted(told, "SheetHandedIn", better)
    apart = (await first_difference(forged)).difference
    assert apart is not None
    assert (apart.event.stream, apart.event.type) == (event.stream, "PanelClosed")


async def test_a_sheet_that_differs_is_named_and_its_marks_are_not_told_dr_14(told: MemoryEventStore) -> None:
    def impossible(data: JsonObject) -> JsonObject:
        return data | {"marks": [{"nomination": one["nomination"], "score": "-77"} for one in data["marks"]]}

    forged, event = await planted(told, "SheetHandedIn", impossible)
    await found_at(forged, event, "decision")
    apart = (await first_difference(forged)).difference
    assert apart is not None
    assert "-77" not in str(differs(apart))


async def test_a_changed_eligibility_verdict_is_found(told: MemoryEventStore) -> None:
    def pass_all(data: JsonObject) -> JsonObject:
        results = [
            one | ({"result": "fail", "failed": ["invented"]} if n == 0 else {})
            for n, one in enumerate(data["results"])
        ]
        return data | {"results": results}

    forged, event = await planted(told, "EligibilityChecked", pass_all)
    await found_at(forged, event, "results[0].failed")


async def test_a_wrong_substitution_is_found(told: MemoryEventStore) -> None:
    forged, event = await planted(
        told, "Substituted", lambda data: data | {"into": ""}, which=lambda one: bool(one.data.get("into"))
    )
    await found_at(forged, event, "into")


async def test_a_publicity_period_that_is_too_short_is_found_dr_27(told: MemoryEventStore) -> None:
    def shorter(data: JsonObject) -> JsonObject:
        return data | {"window": data["window"] | {"closes_at": data["window"]["opens_at"]}}

    forged, event = await planted(told, "ListPublished", shorter)
    await found_at(forged, event, "window.closes_at")


async def test_a_tally_that_is_not_that_of_its_counts_is_found(told: MemoryEventStore) -> None:
    def zero(data: JsonObject) -> JsonObject:
        return data | {"values": [one | {"value": "0"} for one in data["values"]]}

    forged, event = await planted(told, "TallySealed", zero)
    await found_at(forged, event, "values")


async def test_counts_that_the_ballot_box_did_not_give_are_found_by_the_commands_hash(
    told: MemoryEventStore,
) -> None:
    def more(data: JsonObject) -> JsonObject:
        return data | {"papers": data["papers"] + 1}

    forged, event = await planted(told, "TallySealed", more)
    await found_at(forged, event, "command")


async def test_a_panel_that_was_called_quorate_is_found_dr_15(told: MemoryEventStore) -> None:
    forged, event = await planted(told, "PanelClosed", lambda data: data | {"present": data["present"] + 1})
    await found_at(forged, event, "present")


async def test_somebody_who_leaves_at_a_step_that_did_not_cut_them_is_found(told: MemoryEventStore) -> None:
    def other(data: JsonObject) -> JsonObject:
        first, *others = data["out"]
        return data | {"out": [first | {"reason": "NOT_SELECTED: invented"}, *others]}

    forged, event = await planted(told, "MembersOut", other)
    await found_at(forged, event, "out[0].reason")


async def test_a_nomination_that_advanced_without_its_rounds_word_is_found(told: MemoryEventStore) -> None:
    forged, event = await planted(told, "NominationAdvanced", lambda data: data | {"round_seq": 1})
    await found_at(forged, event, "round_seq")


async def test_an_act_of_somebody_without_a_grant_is_found(told: MemoryEventStore) -> None:
    stranger = Actor(id="stranger", role="officer")
    original = await _endorsement(told)
    asked = request_hash(_command(original, stranger))
    forged, event = await planted(
        told, "NominationEndorsed", lambda data: data, actor=stranger, payload_hash=asked
    )
    await found_at(forged, event, "decision")
    apart = (await first_difference(forged)).difference
    assert apart is not None
    assert apart.retaken.startswith("NOT_AUTHORISED")


async def test_an_act_after_its_window_had_closed_is_found(told: MemoryEventStore) -> None:
    original = await _endorsement(told)
    forged, event = await planted(
        told, "NominationEndorsed", lambda data: data, occurred_at=original.at + timedelta(days=400)
    )
    await found_at(forged, event, "decision")
    apart = (await first_difference(forged)).difference
    assert apart is not None
    assert apart.retaken.startswith("STAGE_CLOSED")


async def test_facts_that_were_changed_afterwards_are_found_by_the_commands_hash(
    told: MemoryEventStore,
) -> None:
    def other(data: JsonObject) -> JsonObject:
        return data | {"commitment": "f" * 64}

    forged, event = await planted(told, "NominationSubmitted", other)
    await found_at(forged, event, "command")


async def test_a_certificate_number_out_of_its_series_is_found_dr_33(told: MemoryEventStore) -> None:
    def other(data: JsonObject) -> JsonObject:
        first, *others = data["conferred"]
        return data | {"conferred": [first | {"certificate": "invented-0001"}, *others]}

    forged, event = await planted(told, "TitlesConferred", other)
    await found_at(forged, event, "conferred[0].certificate")


async def test_a_step_that_opened_at_another_time_than_its_window_says_is_found(
    told: MemoryEventStore,
) -> None:
    def later(data: JsonObject) -> JsonObject:
        return data | {"window": data["window"] | {"opens_at": format_instant(NEVER)}}

    forged, event = await planted(
        told, "StepOpened", later, which=lambda one: one.data.get("window") is not None
    )
    await found_at(forged, event, "window.opens_at")


async def _endorsement(told: MemoryEventStore) -> RecordedEvent:
    return next(one for one in await told.read_all(0, 1_000_000) if one.type == "NominationEndorsed")


def _command(event: RecordedEvent, actor: Actor) -> Command:
    said = {
        name: event.data[name] for name in ("round", "recommendation_rank", "reason") if name in event.data
    }
    body: JsonObject = {"kind": "endorse"} | said
    return Command.model_validate(
        {
            "id": event.command_id,
            "stream": event.stream,
            "actor": actor,
            "received_at": event.at,
            "body": body,
        }
    )


async def _revoked_just_before(seconds: int) -> Taken:
    """The officer's grant is revoked, and in the global order their endorsement comes after that."""
    store = MemoryEventStore()
    conductor = Conductor(store, party())
    await conductor.run()
    endorsed = await _endorsement(store)
    order = store._order
    at = next(n for n, kept in enumerate(order) if (kept.stream, kept.seq) == (endorsed.stream, endorsed.seq))
    earlier = MemoryEventStore()
    earlier._documents = store._documents
    for kept in order[:at]:
        earlier._kept[kept.stream].append(kept)
        earlier._order.append(kept)
    revoking = Decider(earlier, lambda: endorsed.recorded - timedelta(seconds=seconds))
    revoke = Command(
        id="revoke",
        stream=names.authority_stream(conductor.cycle),
        actor=operator(),
        received_at=endorsed.at - timedelta(seconds=seconds),
        body=RevokeGrant(grant=endorsed.grant, reason="left"),
    )
    await revoking.execute(revoke)
    earlier._kept[endorsed.stream].append(order[at])
    earlier._order.append(order[at])
    return (await taken_again(earlier))[-1]


async def test_an_act_that_was_on_its_way_when_its_grant_was_revoked_is_no_false_alarm() -> None:
    last = await _revoked_just_before(1)
    assert (last.events[0].type, last.difference) == ("NominationEndorsed", None)


async def test_an_act_that_is_dated_back_to_before_its_grant_was_revoked_is_found() -> None:
    last = await _revoked_just_before(-60)
    assert last.difference is not None
    assert last.difference.retaken.startswith("NOT_AUTHORISED")


async def test_an_act_long_after_its_grant_was_revoked_is_found() -> None:
    last = await _revoked_just_before(60)
    assert last.difference is not None
    assert last.difference.retaken.startswith("NOT_AUTHORISED")


async def test_no_honest_event_has_a_time_that_cannot_be(told: MemoryEventStore) -> None:
    assert [one.untimely for one in await taken_again(told) if one.untimely] == []


async def test_an_event_that_was_recorded_before_it_happened_is_found_and_the_rest_is_taken_again(
    told: MemoryEventStore,
) -> None:
    original = await _endorsement(told)
    forged, changed = await planted(
        told, original.type, lambda data: data, recorded_at=original.recorded - timedelta(seconds=3)
    )
    taken = await taken_again(forged)
    assert (len(taken), taken[-1].difference) == (len(await taken_again(told)), None)
    [found] = [one.untimely for one in taken if one.untimely]
    assert (found.event.stream, found.event.seq, found.field) == (changed.stream, changed.seq, "recorded")


async def test_a_clock_that_ran_ahead_is_found_where_the_next_event_of_the_stream_is_told(
    told: MemoryEventStore,
) -> None:
    forged, changed = await planted(
        told, "NominationSubmitted", lambda data: data, recorded_at=NEVER + timedelta(days=36_500)
    )
    [found] = [one.untimely for one in await taken_again(forged) if one.untimely]
    assert (found.event.stream, found.event.seq, found.field) == (changed.stream, changed.seq + 1, "recorded")


async def test_a_replay_tells_which_event_was_on_its_way_longest(told: MemoryEventStore) -> None:
    original = await _endorsement(told)
    forged, _ = await planted(
        told, original.type, lambda data: data, recorded_at=original.recorded + timedelta(seconds=1)
    )
    tally = Tally()
    for taken in await taken_again(forged):
        tally.add(taken)
    assert tally.longest is not None
    assert (tally.longest.events[0].command_id, tally.longest.waited) == (
        original.command_id,
        timedelta(seconds=1),
    )
