"""A small invented cycle, event by event: two enterprises of one county of one province; and how to write it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from schemas import names
from schemas.canonical import canonical_bytes
from schemas.events import (
    BelowMinimum,
    ComponentScore,
    Conferred,
    CycleOpened,
    Dropped,
    Event,
    FactValue,
    GrantsGiven,
    GrantTerms,
    IntakeClosed,
    IntakeWindow,
    Mark,
    Member,
    MembersOut,
    NominationAdvanced,
    NominationConferred,
    NominationCorrected,
    NominationEliminated,
    NominationEndorsed,
    NominationRejected,
    NominationReturned,
    NominationSubmitted,
    PanelClosed,
    PanelFormed,
    PanelResult,
    PoolFrozen,
    Ranked,
    RoundOpened,
    RoundReported,
    SelectionMade,
    SheetHandedIn,
    StepClosed,
    StepHeld,
    StepOpened,
    Substituted,
    TieResolved,
    TitlesConferred,
    Window,
)
from schemas.ledger import Actor, Append, Provenance
from schemas.programme import Channel, Rank
from schemas.units import Unit, UnitTree
from schemas.values import Label, Pace
from store.contract import EventStore

CYCLE = "test-craft.1"
NOON = datetime(2024, 1, 30, 4, 0, tzinfo=UTC)
WINDOW = Window(opens_at=NOON, closes_at=NOON + timedelta(days=9))
PACE = Pace(real_epoch=NOON, cycle_epoch=NOON)

TREE = UnitTree(
    root="P",
    units=(
        Unit(code="P", name="测试省", rank=Rank.PROVINCE),
        Unit(code="C", parent="P", name="测试县", rank=Rank.COUNTY),
        *(
            Unit(code=code, parent="C", name=f"测试·{code}", rank=Rank.ENTERPRISE)
            for code in ("E1", "E2", "E3")
        ),
    ),
)

Written = tuple[str, tuple[Event, ...]]
"""A stream, and events that one command writes to it."""


def nomination(id: str) -> str:
    return names.nomination_stream(CYCLE, id)


def round_of(unit: str, route: str = "territorial") -> str:
    return names.round_stream(CYCLE, route, unit)


SUMMIT = round_of("P", names.ROOT_ROUTE)


def opened(units: str, pace: Pace = PACE) -> Written:
    intake = IntakeWindow(rank="enterprise", step="intake", window=WINDOW)
    event = CycleOpened(
        cycle=CYCLE,
        programme="test-craft",
        edition=1,
        title=Label(zh="测试工匠"),
        units=units,
        calendar="test",
        pace=pace,
        intakes=(intake,),
        invited=("E1", "E2", "E3"),
    )
    return names.cycle_stream(CYCLE), (event,)


def submitted(id: str, unit: str) -> Written:
    event = NominationSubmitted(
        nomination=id,
        cycle=CYCLE,
        unit=unit,
        route="territorial",
        path=(unit, "C", "P"),
        channel=Channel.UNIT,
        entry=f"entry-{id}",
        commitment="0" * 64,
        facts=(FactValue(id="years_in_craft", value=22),),
    )
    return nomination(id), (event,)


def round_opened(unit: str, rank: str, route: str = "territorial") -> Event:
    return RoundOpened(round=round_of(unit, route), unit=unit, rank=rank, route=route)


def pool(*ids: str) -> PoolFrozen:
    return PoolFrozen(members=tuple(Member(nomination=id, subject=f"s-{id}", unit="E1", seq=1) for id in ids))


def out(step: str, *ids: str) -> MembersOut:
    return MembersOut(step=step, out=tuple(Dropped(nomination=id, reason="RULE") for id in ids))


def ranked(id: str, rank: int, score: str) -> Ranked:
    value = Fraction(score)
    return Ranked(
        nomination=id,
        rank=rank,
        score=value,
        components=(ComponentScore(component="expert", value=value),),
    )


BELOW = BelowMinimum(unit="E3", minimum=1, nominations=0)


def intake() -> Iterable[Written]:
    """Seven nominations from two enterprises; the third enterprise stays silent, one nomination goes back and forth."""
    terms = GrantTerms(id="g1", person="staff-1", role="operator", unit="P")
    yield names.authority_stream(CYCLE), (GrantsGiven(grants=(terms,)),)
    for id in ("n1", "n2", "n3", "n4"):
        yield submitted(id, "E1")
    for id in ("n5", "n6", "n7"):
        yield submitted(id, "E2")
    yield (
        names.cycle_stream(CYCLE),
        (IntakeClosed(closed_at=NOON, nominations=7, silent=("E3",), below_minimum=(BELOW,)),),
    )


def enterprises() -> Iterable[Written]:
    """E1 recommends four after a return, E2 rejects one and recommends two."""
    yield round_of("E1"), (round_opened("E1", "enterprise"), pool("n1", "n2", "n3", "n4"))
    yield round_of("E1"), (StepOpened(step="endorse", type="endorsement"),)
    yield nomination("n1"), (NominationReturned(round=round_of("E1"), step="endorse", reason="缺材料"),)
    yield nomination("n1"), (NominationCorrected(revision=2, facts=()),)
    for id in ("n1", "n2", "n3", "n4"):
        revision = 2 if id == "n1" else 1
        yield nomination(id), (NominationEndorsed(round=round_of("E1"), step="endorse", revision=revision),)
    yield round_of("E2"), (round_opened("E2", "enterprise"), pool("n5", "n6", "n7"))
    yield nomination("n7"), (NominationRejected(round=round_of("E2"), step="endorse", reason="不符"),)
    yield round_of("E2"), (out("endorse", "n7"), RoundReported(recommended=("n5", "n6")))
    yield (
        round_of("E1"),
        (
            StepClosed(step="endorse", how="complete"),
            RoundReported(recommended=("n1", "n2", "n3", "n4")),
        ),
    )
    for id in ("n1", "n2", "n3", "n4", "n5", "n6"):
        unit = "E1" if id < "n5" else "E2"
        yield nomination(id), (NominationAdvanced(round=round_of(unit), round_seq=4),)


def county() -> Iterable[Written]:
    """Five of six go on; a judge's sheet lies sealed until the panel closes, and a tie waits for a person."""
    ids = ("n1", "n2", "n3", "n4", "n5", "n6")
    yield round_of("C"), (round_opened("C", "county"), pool(*ids))
    yield round_of("C"), (StepOpened(step="review", type="expert_review", window=WINDOW),)
    yield round_of("C"), (PanelFormed(step="review", judges=("judge-1",)),)
    yield round_of("C"), (SheetHandedIn(step="review", judge="judge-1", marks=SEALED),)


SEALED = (Mark(nomination="n1", score=Fraction("987654321/7")),)


def county_held() -> Iterable[Written]:
    result = PanelResult(nomination="n1", value=Fraction("987654321/7"), method="mean", counted=1)
    closed = PanelClosed(step="review", component="expert", present=1, entitled=1, results=(result,))
    yield round_of("C"), (closed, StepClosed(step="review", how="complete"))
    yield round_of("C"), (StepOpened(step="select", type="selection"),)
    yield round_of("C"), (StepHeld(step="select", code="TIE_UNRESOLVED", nominations=("n5", "n6")),)


def county_done() -> Iterable[Written]:
    five = ("n1", "n2", "n3", "n4", "n5")
    places = tuple(ranked(id, n, str(90 - n)) for n, id in enumerate((*five, "n6"), start=1))
    yield round_of("C"), (TieResolved(step="select", order=("n5", "n6"), reason="集体研究"),)
    yield round_of("C"), (SelectionMade(step="select", seats=5, ranked=places, selected=five),)
    yield round_of("C"), (StepClosed(step="select", how="complete"), RoundReported(recommended=five))
    for id in five:
        yield nomination(id), (NominationAdvanced(round=round_of("C"), round_seq=9),)
    eliminated = NominationEliminated(round=round_of("C"), round_seq=9, step="select", reason="BELOW_LINE")
    yield nomination("n6"), (eliminated,)


def province_selected() -> Iterable[Written]:
    """Two seats: n2 and n1; then n1 leaves during the publicity period and n4 comes in from the reserve."""
    yield SUMMIT, (round_opened("P", "province", names.ROOT_ROUTE), pool("n1", "n2", "n3", "n4", "n5"))
    places = (
        ranked("n2", 1, "95"),
        ranked("n1", 2, "90.5"),
        ranked("n4", 3, "271/3"),
        ranked("n3", 4, "80"),
        ranked("n5", 5, "70"),
    )
    made = SelectionMade(step="final", seats=2, ranked=places, selected=("n2", "n1"), reserve=("n4", "n3"))
    yield SUMMIT, (StepOpened(step="final", type="selection"), made, StepClosed(step="final", how="complete"))
    yield SUMMIT, (StepOpened(step="publicity", type="publicity", window=WINDOW),)
    yield SUMMIT, (Substituted(step="publicity", out="n1", into="n4", reason="OBJECTION_UPHELD"),)


def province_conferred() -> Iterable[Written]:
    given = tuple(
        Conferred(nomination=id, subject=f"s-{id}", title="测试工匠", certificate=f"T-{n:03}")
        for n, id in enumerate(("n2", "n4"), start=1)
    )
    yield SUMMIT, (TitlesConferred(step="confer", body="测试领导小组", conferred=given),)
    yield SUMMIT, (RoundReported(recommended=("n2", "n4"), reserve=("n3",), conferred=2),)
    for one in given:
        event = NominationConferred(
            round=SUMMIT, round_seq=9, title=one.title, certificate=one.certificate, final=True
        )
        yield nomination(one.nomination), (event,)


def province_recommended() -> Iterable[Written]:
    """In place of a conferral: the list is the result (推荐上报)."""
    yield SUMMIT, (RoundReported(recommended=("n2", "n4"), reserve=("n3",)),)
    for id in ("n2", "n4"):
        yield nomination(id), (NominationAdvanced(round=SUMMIT, round_seq=9),)


def whole_cycle(end: Callable[[], Iterable[Written]] = province_conferred) -> Iterable[Written]:
    """Everything after the opening."""
    for chapter in (
        intake,
        enterprises,
        county,
        county_held,
        county_done,
        province_selected,
        end,
    ):
        yield from chapter()


async def open_cycle(store: EventStore, pace: Pace = PACE) -> None:
    """Pin the tree and open the cycle."""
    units = await store.put_document("units", canonical_bytes(TREE.model_dump(mode="json")))
    await write(store, [opened(units, pace)])


STAFF = Actor(id="staff-1", role="operator", unit="P")


async def write(
    store: EventStore, story: Iterable[Written], actor: Actor = STAFF, recorded: datetime = NOON
) -> None:
    """Each entry as one command of an invented officer."""
    for stream, events in story:
        head = (await store.heads([stream]))[stream]
        said = Provenance(
            log=names.log_origin(CYCLE),
            command_id=f"command-{head.seq + 1}",
            payload_hash="0" * 64,
            actor=actor,
            occurred_at=NOON,
            recorded_at=recorded,
            rules="f" * 64,
        )
        subject = f"s-{stream.rsplit('/', 1)[-1]}" if stream.startswith("nomination/") else ""
        new = tuple(event.new(subject) for event in events)
        await store.append(Append(stream=stream, expected=head, provenance=said, events=new))
