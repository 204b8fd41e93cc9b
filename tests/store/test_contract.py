"""The contract of `store/contract.py`, held by the store in memory and the store on Postgres alike."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from schemas.errors import Conflict, EngineError, Integrity, Refused, Unavailable
from schemas.ledger import (
    GENESIS,
    Append,
    Claim,
    GateOpen,
    GateStatus,
    Head,
    HeadIs,
    NewEvent,
    Post,
    Release,
    Reserve,
    SetGate,
    Unclaim,
)
from tests.store.commands import EVENING, NOON, command, gate
from tests.store.conftest import Ledger

OTHER_HASH = "f" * 64


async def error_of(ledger: Ledger, request: Append, kind: type[EngineError]) -> EngineError:
    """The error with which an append is answered."""
    with pytest.raises(kind) as caught:
        await ledger.store.append(request)
    return caught.value


def reserve(cycle: str, subject: str, nomination: str, unit: str = "510000") -> Reserve:
    return Reserve(cycle=cycle, subject=subject, nomination=nomination, unit=unit, route="territory")


def post(post_id: str, cycle: str, sender: str) -> Post:
    return Post(
        id=post_id, cycle=cycle, sender=sender, workflow="w", name="outcome", payload={"n": [1, None]}
    )


async def open_gate(ledger: Ledger, name: str, **changes: Any) -> None:
    await ledger.store.append(
        command(name, "gate", effects=(SetGate(gate=gate(name, cycle=name, **changes)),))
    )


# --- streams


async def test_what_was_appended_is_what_is_loaded(ledger: Ledger, name: str) -> None:
    receipt = await ledger.store.append(command(name, "one", None, NewEvent(type="a"), NewEvent(type="b")))
    assert await ledger.store.load(name) == receipt.events
    assert [(event.seq, event.ordinal, event.type) for event in receipt.events] == [(1, 0, "a"), (2, 1, "b")]
    assert receipt.head == (await ledger.store.heads([name]))[name]
    assert not receipt.repeated


async def test_a_command_goes_on_from_the_head_of_the_one_before(ledger: Ledger, name: str) -> None:
    first = await ledger.store.append(command(name, "one"))
    second = await ledger.store.append(command(name, "two", first.head))
    assert second.events[0].prev == first.head.hash
    assert await ledger.store.load(name, after=1) == second.events
    assert await ledger.store.load(name, after=2) == ()


async def test_a_stream_that_nobody_wrote_is_empty(ledger: Ledger, name: str) -> None:
    assert await ledger.store.load(name) == ()
    assert await ledger.store.load(name, after=3) == ()
    assert await ledger.store.heads([name]) == {name: Head(seq=0, hash=GENESIS)}
    assert await ledger.store.load_many([name]) == {name: ()}


async def test_many_streams_load_at_once(ledger: Ledger, name: str) -> None:
    receipts = {f"{name}/{n}": await ledger.store.append(command(f"{name}/{n}", "one")) for n in range(3)}
    loaded = await ledger.store.load_many([*receipts, f"{name}/none"])
    assert loaded == {stream: receipt.events for stream, receipt in receipts.items()} | {f"{name}/none": ()}


async def test_what_follows_on_a_known_head_is_loaded_and_must_follow_on_it(
    ledger: Ledger, name: str
) -> None:
    first = await ledger.store.append(command(name, "one"))
    second = await ledger.store.append(command(name, "two", first.head))
    assert await ledger.store.load_many([name], {name: first.head}) == {name: second.events}
    assert await ledger.store.load_many([name], {name: second.head}) == {name: ()}
    with pytest.raises(Integrity, match="LOG_BROKEN"):
        await ledger.store.load_many([name], {name: Head(seq=1, hash="ab" * 32)})


async def test_streams_are_found_by_their_prefix_in_order(ledger: Ledger, name: str) -> None:
    for stream in ("b", "a", "c%"):
        await ledger.store.append(command(f"{name}/{stream}", "one"))
    await error_of(
        ledger, command(f"{name}/guarded", "one", guards=(HeadIs(stream=f"{name}/d", seq=1),)), Conflict
    )
    assert await ledger.store.streams(f"{name}/") == (f"{name}/a", f"{name}/b", f"{name}/c%")
    assert await ledger.store.streams(f"{name}/c%") == (f"{name}/c%",)


# --- the receipt comes first


async def test_the_same_command_gets_its_first_receipt_again(ledger: Ledger, name: str) -> None:
    request = command(name, "one", None, NewEvent(type="a"), NewEvent(type="b"))
    first = await ledger.store.append(request)
    await ledger.store.append(command(name, "two", first.head))
    again = await ledger.store.append(request)
    assert again == first.model_copy(update={"repeated": True})
    assert len(await ledger.store.load(name)) == 3


async def test_a_repeat_that_was_decided_on_the_newest_head_gets_the_first_receipt(
    ledger: Ledger, name: str
) -> None:
    first = await ledger.store.append(command(name, "one"))
    again = await ledger.store.append(command(name, "one", first.head))
    assert again.events == first.events


async def test_the_receipt_precedes_every_guard(ledger: Ledger, name: str) -> None:
    await open_gate(ledger, name)
    guarded = command(f"{name}/n", "one", guards=(GateOpen(gate=name, received_at=NOON),))
    first = await ledger.store.append(guarded)
    closed = SetGate(gate=gate(name, GateStatus.CLOSED, cycle=name))
    await ledger.store.append(
        command(name, "close", (await ledger.store.heads([name]))[name], effects=(closed,))
    )
    behind = guarded.model_copy(update={"known": Head(seq=9, hash=OTHER_HASH)})
    assert (await ledger.store.append(behind)).events == first.events


async def test_a_command_id_with_other_content_is_refused(ledger: Ledger, name: str) -> None:
    await ledger.store.append(command(name, "one"))
    fault = await error_of(ledger, command(name, "one", payload_hash="other"), Conflict)
    assert (fault.code, fault.facts["command_id"]) == ("KEY_REUSED", "one")
    with pytest.raises(Conflict, match="KEY_REUSED"):
        await ledger.store.receipt(name, "one", "other")


async def test_a_command_id_belongs_to_its_stream(ledger: Ledger, name: str) -> None:
    for stream in (f"{name}/a", f"{name}/b"):
        assert not (await ledger.store.append(command(stream, "one"))).repeated


async def test_a_receipt_can_be_looked_up(ledger: Ledger, name: str) -> None:
    assert await ledger.store.receipt(name, "one", "hash-of-one") is None
    first = await ledger.store.append(command(name, "one"))
    assert await ledger.store.receipt(name, "one", "hash-of-one") == first.model_copy(
        update={"repeated": True}
    )


# --- heads


@pytest.mark.parametrize(
    "expected",
    [Head(), Head(seq=2, hash=OTHER_HASH), Head(seq=1, hash=OTHER_HASH)],
    ids=["too old", "too new", "same number, other hash"],
)
async def test_another_head_than_the_expected_one_is_a_conflict(
    ledger: Ledger, name: str, expected: Head
) -> None:
    await ledger.store.append(command(name, "one"))
    fault = await error_of(ledger, command(name, "two", expected), Conflict)
    assert (fault.code, fault.facts["stream"]) == ("WRONG_EXPECTED_HEAD", name)
    assert len(await ledger.store.load(name)) == 1


async def test_a_known_head_that_the_log_lacks_stops_everything(ledger: Ledger, name: str) -> None:
    first = await ledger.store.append(command(name, "one"))
    for known in (Head(seq=2, hash=OTHER_HASH), Head(seq=1, hash=OTHER_HASH)):
        fault = await error_of(ledger, command(name, "two", first.head, known=known), Integrity)
        assert (fault.code, fault.facts["seq"]) == ("LOG_BEHIND", str(known.seq))
    fault = await error_of(ledger, command(f"{name}/lost", "two", known=first.head), Integrity)
    assert fault.code == "LOG_BEHIND"


async def test_a_known_head_further_back_is_fine(ledger: Ledger, name: str) -> None:
    first = await ledger.store.append(command(name, "one"))
    second = await ledger.store.append(command(name, "two", first.head, known=first.head))
    third = await ledger.store.append(command(name, "three", second.head, known=first.head))
    assert third.head.seq == 3


async def test_a_guard_on_another_stream_holds_only_while_it_stands_still(ledger: Ledger, name: str) -> None:
    member, chooser = f"{name}/member", f"{name}/round"
    none_yet = command(chooser, "one", guards=(HeadIs(stream=member, seq=0),))
    assert (await ledger.store.append(none_yet)).head.seq == 1
    first = await ledger.store.append(command(member, "one"))
    heads = await ledger.store.heads([chooser])
    fault = await error_of(ledger, command(chooser, "two", heads[chooser], guards=none_yet.guards), Conflict)
    assert (fault.code, fault.facts["stream"]) == ("WRONG_EXPECTED_HEAD", member)
    held = HeadIs(stream=member, seq=first.head.seq)
    assert (
        await ledger.store.append(command(chooser, "three", heads[chooser], guards=(held,)))
    ).head.seq == 2


# --- gates


async def test_a_gate_lets_commands_in_from_its_opening_until_its_closing(ledger: Ledger, name: str) -> None:
    await open_gate(ledger, name)
    for number, received in enumerate([NOON, EVENING - timedelta(microseconds=1)]):
        request = command(f"{name}/{number}", "one", guards=(GateOpen(gate=name, received_at=received),))
        assert (await ledger.store.append(request)).head.seq == 1
    late = command(f"{name}/late", "one", guards=(GateOpen(gate=name, received_at=EVENING),))
    fault = await error_of(ledger, late, Refused)
    assert (fault.code, fault.facts) == ("STAGE_CLOSED", {"step": name, "closed_at": str(EVENING)})
    early = command(
        f"{name}/early", "one", guards=(GateOpen(gate=name, received_at=NOON - timedelta(seconds=1)),)
    )
    fault = await error_of(ledger, early, Refused)
    assert (fault.code, fault.facts) == ("STAGE_NOT_OPEN", {"step": name, "opens_at": str(NOON)})
    assert await ledger.store.streams(f"{name}/") == (f"{name}/0", f"{name}/1")


async def test_a_gate_without_an_end_stays_open(ledger: Ledger, name: str) -> None:
    await open_gate(ledger, name, closes_at=None)
    late = GateOpen(gate=name, received_at=EVENING + timedelta(days=999))
    assert (await ledger.store.append(command(f"{name}/n", "one", guards=(late,)))).head.seq == 1


async def test_a_closed_gate_and_a_missing_one_refuse(ledger: Ledger, name: str) -> None:
    missing = GateOpen(gate=name, received_at=NOON)
    fault = await error_of(ledger, command(f"{name}/n", "one", guards=(missing,)), Refused)
    assert (fault.code, fault.facts) == ("STAGE_CLOSED", {"step": name, "closed_at": ""})
    await open_gate(ledger, name, status=GateStatus.CLOSED)
    fault = await error_of(ledger, command(f"{name}/n", "one", guards=(missing,)), Refused)
    assert (fault.code, fault.facts) == ("STAGE_CLOSED", {"step": name, "closed_at": str(EVENING)})


@pytest.mark.parametrize(
    ("step", "cycle", "code"),
    [
        ({"status": GateStatus.PAUSED}, {}, "ROUND_PAUSED"),
        ({}, {"status": GateStatus.PAUSED}, "CYCLE_PAUSED"),
        ({"epoch": 1}, {"epoch": 2}, "CYCLE_PAUSED"),
        ({"status": GateStatus.PAUSED, "closes_at": NOON}, {}, "ROUND_PAUSED"),
    ],
    ids=["step paused", "cycle paused", "window of an older epoch", "paused before it could end"],
)
async def test_a_paused_gate_refuses(
    ledger: Ledger, name: str, step: dict[str, Any], cycle: dict[str, Any], code: str
) -> None:
    await open_gate(ledger, name, **step)
    await ledger.store.append(
        command(f"cycle/{name}", "one", effects=(SetGate(gate=gate(f"cycle/{name}", cycle=name, **cycle)),))
    )
    request = command(f"{name}/n", "one", guards=(GateOpen(gate=name, received_at=NOON),))
    assert (await error_of(ledger, request, Refused)).code == code


async def test_a_gate_of_the_cycles_own_epoch_is_open(ledger: Ledger, name: str) -> None:
    await open_gate(ledger, name, epoch=2)
    await open_gate(ledger, f"cycle/{name}", epoch=2)
    request = command(f"{name}/n", "one", guards=(GateOpen(gate=name, received_at=NOON),))
    assert (await ledger.store.append(request)).head.seq == 1


async def test_gates_are_read_back_whole_and_replaced(ledger: Ledger, name: str) -> None:
    assert await ledger.store.gate(name) is None
    before = gate(f"{name}/b", cycle=name, epoch=3)
    after = gate(f"{name}/a", GateStatus.PAUSED, cycle=name, closes_at=None)
    first = await ledger.store.append(
        command(name, "one", effects=(SetGate(gate=before), SetGate(gate=after)))
    )
    assert await ledger.store.gate(f"{name}/b") == before
    assert await ledger.store.gates(name) == (after, before)
    moved = before.model_copy(update={"closes_at": EVENING + timedelta(days=1)})
    await ledger.store.append(
        command(name, "two", first.head, effects=(SetGate(gate=before), SetGate(gate=moved)))
    )
    assert await ledger.store.gate(f"{name}/b") == moved


async def test_a_gate_can_be_closed_by_a_command_that_needs_it_open(ledger: Ledger, name: str) -> None:
    await open_gate(ledger, name)
    close = SetGate(gate=gate(name, GateStatus.CLOSED, cycle=name))
    request = command(f"{name}/n", "one", guards=(GateOpen(gate=name, received_at=NOON),), effects=(close,))
    assert (await ledger.store.append(request)).head.seq == 1


# --- claims (DR-06)


def claim(name: str, number: int, holder: str) -> Claim:
    return Claim(cycle=name, scope="rank/r", number=number, holder=holder)


async def test_dr_06_a_numbered_place_has_one_holder(ledger: Ledger, name: str) -> None:
    await ledger.store.append(command(f"{name}/a", "one", effects=(claim(name, 1, "a"),)))
    second = command(f"{name}/b", "one", effects=(reserve(name, "s", "b"), claim(name, 1, "b")))
    fault = await error_of(ledger, second, Conflict)
    assert (fault.code, fault.facts) == ("WRONG_EXPECTED_HEAD", {"stream": f"{name}/b"})
    assert await ledger.store.reservations(name) == ()
    await ledger.store.append(command(f"{name}/c", "one", effects=(claim(name, 3, "c"),)))
    assert await ledger.store.claims(name, "rank/r") == {1: "a", 3: "c"}
    assert await ledger.store.claims(name, "rank/other") == {}


async def test_a_place_is_given_back_by_its_holder_alone_and_can_be_held_again(
    ledger: Ledger, name: str
) -> None:
    first = await ledger.store.append(command(f"{name}/a", "one", effects=(claim(name, 1, "a"),)))
    back = Unclaim(cycle=name, scope="rank/r", number=1, holder="a")
    await ledger.store.append(command(f"{name}/b", "one", effects=(back.model_copy(update={"holder": "b"}),)))
    assert await ledger.store.claims(name, "rank/r") == {1: "a"}
    swap = command(f"{name}/a", "two", first.head, effects=(claim(name, 2, "a"), back))
    await ledger.store.append(swap)
    await ledger.store.append(command(f"{name}/c", "one", effects=(claim(name, 1, "c"),)))
    assert await ledger.store.claims(name, "rank/r") == {1: "c", 2: "a"}


async def test_of_a_crowd_that_claims_one_place_one_holds_it(ledger: Ledger, name: str) -> None:
    crowd = [command(f"{name}/{n}", "one", effects=(claim(name, 1, str(n)),)) for n in range(20)]
    answers = await asyncio.gather(*(ledger.store.append(one) for one in crowd), return_exceptions=True)
    written = [answer.stream for answer in answers if not isinstance(answer, BaseException)]
    assert len(written) == 1
    assert {answer.code for answer in answers if isinstance(answer, Conflict)} == {"WRONG_EXPECTED_HEAD"}
    [holder] = (await ledger.store.claims(name, "rank/r")).values()
    assert written == [f"{name}/{holder}"]


# --- reservations (DR-05)


async def test_dr_05_a_subject_is_nominated_once_in_a_cycle(ledger: Ledger, name: str) -> None:
    await ledger.store.append(command(f"{name}/a", "one", effects=(reserve(name, "s", "a"),)))
    second = command(f"{name}/b", "one", effects=(reserve(name, "t", "b"), reserve(name, "s", "b")))
    fault = await error_of(ledger, second, Refused)
    assert (fault.code, fault.facts) == ("DUPLICATE_NOMINATION", {"existing": "a"})
    assert [row.nomination for row in await ledger.store.reservations(name)] == ["a"]
    elsewhere = command(f"{name}/c", "one", effects=(reserve(f"{name}-2", "s", "c"),))
    assert (await ledger.store.append(elsewhere)).head.seq == 1


async def test_a_released_subject_can_be_nominated_again(ledger: Ledger, name: str) -> None:
    first = await ledger.store.append(command(f"{name}/a", "one", effects=(reserve(name, "s", "a", "u1"),)))
    release = Release(cycle=name, subject="s")
    await ledger.store.append(command(f"{name}/a", "two", first.head, effects=(release,)))
    await ledger.store.append(command(f"{name}/b", "one", effects=(reserve(name, "s", "b", "u2"),)))
    for units, found in ((None, ["b"]), (["u1"], []), (["u2", "u1", "u2"], ["b"])):
        assert [row.nomination for row in await ledger.store.reservations(name, units)] == found


async def test_reservations_are_listed_and_counted_by_unit(ledger: Ledger, name: str) -> None:
    for nomination, unit in (("b", "u1"), ("a", "u2"), ("c", "u1")):
        held = reserve(name, f"s-{nomination}", nomination, unit)
        await ledger.store.append(command(f"{name}/{nomination}", "one", effects=(held,)))
    listed = await ledger.store.reservations(name)
    assert [(row.nomination, row.subject, row.unit, row.route) for row in listed] == [
        ("a", "s-a", "u2", "territory"),
        ("b", "s-b", "u1", "territory"),
        ("c", "s-c", "u1", "territory"),
    ]
    assert [row.nomination for row in await ledger.store.reservations(name, ["u1"])] == ["b", "c"]
    assert await ledger.store.reservations(name, []) == ()
    assert await ledger.store.units_with_reservations(name) == {"u1": 2, "u2": 1}


async def test_a_subjects_titles_are_found_in_every_cycle_and_nobody_elses(ledger: Ledger, name: str) -> None:
    for cycle, subject, nomination in ((name, "s", "n"), (f"{name}-2", "s", "n2"), (name, "t", "n-1")):
        held = reserve(cycle, f"{name}-{subject}", nomination)
        await ledger.store.append(command(f"nomination/{cycle}/{nomination}", "one", effects=(held,)))
    titles = [f"title/{name}/n/gold", f"title/{name}/n/silver", f"title/{name}-2/n2/gold"]
    others = [f"title/{name}/n-1/gold", f"title/{name}/n0/gold", f"title/{name}-3/n/gold"]
    for stream in (*titles, *others):
        await ledger.store.append(command(stream, "one"))
    found = await ledger.store.title_streams([f"{name}-s", f"{name}-nobody"])
    assert found == {f"{name}-s": tuple(sorted(titles))}
    assert await ledger.store.title_streams([]) == {}


# --- effects


async def test_a_refused_command_leaves_nothing_behind(ledger: Ledger, name: str) -> None:
    effects = (SetGate(gate=gate(name, cycle=name)), reserve(name, "s", "n"), post(name, name, name))
    await error_of(ledger, command(name, "one", Head(seq=1, hash=OTHER_HASH), effects=effects), Conflict)
    assert await ledger.store.gate(name) is None
    assert await ledger.store.reservations(name) == ()
    assert await ledger.store.undelivered(name) == ()
    assert await ledger.store.load(name) == ()


async def test_a_command_without_events_writes_its_effects_and_moves_nothing(
    ledger: Ledger, name: str
) -> None:
    first = await ledger.store.append(command(name, "one"))
    effects = (SetGate(gate=gate(name, cycle=name)), reserve(name, "s", "n"), post(name, name, name))
    silent = command(name, "two", first.head, effects=effects).model_copy(update={"events": ()})
    for _ in range(2):
        receipt = await ledger.store.append(silent)
        assert (receipt.head, receipt.events) == (first.head, ())
    assert [held.nomination for held in await ledger.store.reservations(name)] == ["n"]
    assert len(await ledger.store.undelivered(name)) == 1
    stale = silent.model_copy(update={"expected": Head()})
    assert (await error_of(ledger, stale, Conflict)).code == "WRONG_EXPECTED_HEAD"


async def test_messages_wait_in_order_until_they_are_delivered(ledger: Ledger, name: str) -> None:
    sent = [post(f"{name}/{n}", name, f"{name}/{n % 2}") for n in (3, 1, 2)]
    await ledger.store.append(command(name, "one", effects=tuple(sent)))
    assert await ledger.store.undelivered(name) == tuple(sent)
    assert await ledger.store.undelivered(sender=f"{name}/1") == (sent[0], sent[1])
    assert await ledger.store.undelivered(name, limit=1) == (sent[0],)
    for _ in range(2):
        await ledger.store.mark_delivered([sent[0].id, sent[2].id])
    assert await ledger.store.undelivered(name) == (sent[1],)


async def test_a_delivered_message_can_be_made_to_wait_once_more(ledger: Ledger, name: str) -> None:
    sent = [post(f"{name}/{n}", name, name) for n in (1, 2)]
    await ledger.store.append(command(name, "one", effects=tuple(sent)))
    await ledger.store.mark_delivered([one.id for one in sent])
    await ledger.store.redeliver([sent[1].id, "unknown"])
    assert await ledger.store.undelivered(name) == (sent[1],)
    await ledger.store.redeliver([sent[0].id])
    assert await ledger.store.undelivered(name) == tuple(sent)


# --- the global order


async def test_the_global_order_is_dense_and_keeps_each_streams_order(ledger: Ledger, name: str) -> None:
    await ledger.settle()
    before = await ledger.store.last_position()
    first = await ledger.store.append(
        command(f"{name}/a", "one", None, NewEvent(type="a"), NewEvent(type="b"))
    )
    await ledger.store.append(command(f"{name}/b", "one"))
    await ledger.store.append(command(f"{name}/a", "two", first.head))
    await ledger.settle()
    events = await ledger.store.read_all(before, 100)
    assert [event.position for event in events] == [before + n for n in range(1, 5)]
    assert [(event.stream, event.seq) for event in events] == [
        (f"{name}/a", 1),
        (f"{name}/a", 2),
        (f"{name}/b", 1),
        (f"{name}/a", 3),
    ]
    assert await ledger.store.read_all(before + 1, 2) == events[1:3]
    assert await ledger.store.last_position() == before + 4
    assert await ledger.store.wait_sequenced(f"{name}/b", 1, 5) == before + 3
    assert events[2].model_copy(update={"position": None}) == (await ledger.store.load(f"{name}/b"))[0]
    assert await ledger.store.overdue(NOON + timedelta(days=1)) == ()


async def test_waiting_for_an_event_that_never_comes_ends(ledger: Ledger, name: str) -> None:
    with pytest.raises(Unavailable, match="STORE_UNAVAILABLE"):
        await ledger.store.wait_sequenced(name, 1, 0.05)


# --- documents


async def test_a_document_is_kept_under_its_hash(ledger: Ledger, name: str) -> None:
    content = f"units of {name}".encode()
    content_hash = await ledger.store.put_document("units", content)
    assert await ledger.store.put_document("units", content) == content_hash
    assert await ledger.store.document(content_hash) == content
    with pytest.raises(Refused, match="NOT_FOUND"):
        await ledger.store.document(OTHER_HASH)


# --- many at once


async def test_of_many_commands_on_one_head_exactly_one_is_written(ledger: Ledger, name: str) -> None:
    requests = [command(name, f"c{n}") for n in range(50)]
    answers = await asyncio.gather(*map(ledger.store.append, requests), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, Conflict)]
    assert {fault.code for fault in refused} == {"WRONG_EXPECTED_HEAD"}
    assert (len(refused), len(await ledger.store.load(name))) == (49, 1)


async def test_a_double_click_has_one_effect_and_the_same_receipt(ledger: Ledger, name: str) -> None:
    answers = await asyncio.gather(*(ledger.store.append(command(name, "one")) for _ in range(20)))
    assert [answer.events for answer in answers] == [answers[0].events] * 20
    assert sorted(answer.repeated for answer in answers) == [False] + [True] * 19


async def test_each_command_of_a_crowd_stands_or_falls_alone(ledger: Ledger, name: str) -> None:
    await open_gate(ledger, name)
    await ledger.store.append(command(f"{name}/held", "one", effects=(reserve(name, "s", "held"),)))
    shut = GateOpen(gate=name, received_at=EVENING)
    crowd = [
        command(f"{name}/1", "one", guards=(GateOpen(gate=name, received_at=NOON),)),
        command(f"{name}/2", "one", guards=(shut,)),
        command(f"{name}/3", "one", Head(seq=1, hash=OTHER_HASH)),
        command(f"{name}/4", "one", effects=(reserve(name, "s", "4"),)),
        command(f"{name}/5", "one", guards=(HeadIs(stream=f"{name}/held", seq=7),)),
        command(f"{name}/held", "one"),
        command(f"{name}/6", "one", known=Head(seq=1, hash=OTHER_HASH)),
        command(f"{name}/7", "one", effects=(reserve(name, "t", "7"), post(name, name, name))),
    ]
    answers = await asyncio.gather(*map(ledger.store.append, crowd), return_exceptions=True)
    codes = [answer.code if isinstance(answer, EngineError) else "ok" for answer in answers]
    assert codes == [
        "ok",
        "STAGE_CLOSED",
        "WRONG_EXPECTED_HEAD",
        "DUPLICATE_NOMINATION",
        "WRONG_EXPECTED_HEAD",
        "ok",
        "LOG_BEHIND",
        "ok",
    ]
    assert await ledger.store.streams(f"{name}/") == (f"{name}/1", f"{name}/7", f"{name}/held")
