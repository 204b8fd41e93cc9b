"""Invented people who act wherever a round waits for them, through the same door as everybody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain import nomination as nominations
from domain import round as rounds
from runtime.door import Door, NominationForm, system_clock
from schemas import names
from schemas.commands import (
    CloseIntakeEarly,
    CloseStepEarly,
    Confer,
    Decide,
    Endorse,
    FormPanel,
    HandInSheet,
    WrittenMark,
)
from schemas.errors import Conflict, Refused, Unavailable
from schemas.events import FactValue, GrantTerms
from schemas.ledger import Actor
from schemas.loading import load_programme
from schemas.programme import Channel, Programme, Step
from schemas.values import Pace

SPRING = datetime(2026, 3, 2, 1, tzinfo=UTC)
"""A Monday in a year that the work-day calendar knows."""
BODIES = ("b-1", "b-2")
OPERATORS = (Actor(id="op-1", role="operator"), Actor(id="op-2", role="operator"))


def written(folder: Path, units: str, programme: str) -> Path:
    """The file of this programme, beside its units."""
    (folder / "units.csv").write_text(units, "utf-8")
    file = folder / "1.yaml"
    file.write_text(programme, "utf-8")
    return file


async def open_cycle(
    door: Door, file: Path, officers: tuple[str, ...], label: str = ""
) -> tuple[Programme, str]:
    """The programme and its cycle, a day of which takes a second."""
    programme = load_programme(file)
    await door.start_cycle(
        file,
        label=label,
        operators=tuple(one.id for one in OPERATORS),
        grants=grants(programme, "P", officers),
        pace=fast(days_a_second=1),
    )
    return programme, names.cycle_id(programme.programme, programme.edition, label)


def fast(days_a_second: int = 2) -> Pace:
    """A rehearsal's pace, from now on."""
    return at_speed(86_400 * days_a_second)


def at_speed(speed: int) -> Pace:
    """So many cycle seconds a real second, from now on."""
    return Pace(real_epoch=system_clock(), cycle_epoch=SPRING, speed=speed)


def grants(
    programme: Programme, root: str, officers: tuple[str, ...], judges: int = 7
) -> tuple[GrantTerms, ...]:
    """An officer a unit, judges, two of each body, handlers, and one of each department."""
    steps = [step for stage in programme.stages.values() for step in stage.steps]
    bodies = sorted({step.body for step in steps if step.type in ("decision", "conferral")})
    departments = sorted({one.id for step in steps if step.type == "clearance" for one in step.asked})
    terms = [(f"of-{unit}", "officer", unit) for unit in officers]
    terms += [(f"j-{n}", "judge", root) for n in range(1, judges + 1)]
    terms += [(person, f"body:{body}", root) for body in bodies for person in BODIES]
    terms += [(f"d-{one}", f"department:{one}", root) for one in departments]
    terms += [("h-1", "handler", root), ("h-2", "handler", root)]
    return tuple(
        GrantTerms(id=f"grant-{n}", person=person, role=role, unit=unit)
        for n, (person, role, unit) in enumerate(terms, 1)
    )


def enterprises(file: Path, parent: str, count: int) -> Path:
    """A file of invented enterprises below one unit."""
    lines = [f"E{n},{parent},测试企业·{n},enterprise" for n in range(1, count + 1)]
    file.write_text("code,parent,name,rank\n" + "\n".join(lines) + "\n", "utf-8")
    return file


def facts(programme: Programme, n: int = 0) -> tuple[FactValue, ...]:
    """Facts that every predicate of the shipped programmes likes."""
    values: dict[str, int | bool | str] = {}
    for id, fact in programme.asked.items():
        match fact.type:
            case "boolean":
                values[id] = id != "enterprise_head"
            case "integer":
                values[id] = 20 + n
            case "choice":
                values[id] = fact.of[0]
            case "date":
                values[id] = "2026-01-01"
    return tuple(FactValue(id=id, value=value) for id, value in values.items())


async def nominate(door: Door, cycle: str, programme: Programme, unit: str, n: int) -> str:
    """One invented person, put forward by the unit's officer."""
    form = NominationForm(
        cycle=cycle,
        unit=unit,
        route=programme.routes[0].id,
        channel=Channel.UNIT,
        identity=f"TEST-{unit}-{n}",
        fields={"name": f"测试·甲{n}"},
        facts=facts(programme, n),
    )
    officer = Actor(id=f"of-{unit}", role="officer", unit=unit)
    return (await door.nominate(form, officer, key=f"{unit}-{n}"))[0]


async def close_intake(door: Door, cycle: str, rank: str = "county") -> None:
    """All are in: two operators move the window's end to two days from now, however long it would have been."""
    early = CloseIntakeEarly(
        rank=rank, closes_at=await door.now(cycle) + timedelta(days=2), reason="all are in"
    )
    for operator in OPERATORS:
        await door.send(names.cycle_stream(cycle), early, operator)


async def act_until(
    door: Door, cycle: str, programme: Programme, done: Callable[[], Awaitable[bool]], seconds: float = 120
) -> None:
    """Everybody acts where awaited, until `done`; TimeoutError after `seconds`."""
    async with asyncio.timeout(seconds):
        while not await done():
            for stream in await door.store.streams(f"round/{cycle}/"):
                state = (await door.decider.rounds.get(stream)).state
                if await done():  # before a step that has just been reached is acted upon, and is over
                    return
                await act(door, programme, state)
            await asyncio.sleep(0.3)


async def completed(door: Door, cycle: str) -> bool:
    return (await door.decider.cycles.get(names.cycle_stream(cycle))).state.status == "completed"


async def until(what: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Ask again and again until the answer is yes; TimeoutError if it never is."""
    async with asyncio.timeout(seconds):
        while not await what():  # noqa: ASYNC110 -- the log has no event to wait for
            await asyncio.sleep(0.1)


async def at_step(door: Door, stream: str, step: str) -> bool:
    """Whether the round has come to that step, it is not closed, and its ballot, if it has one, takes papers."""
    state = (await door.decider.rounds.get(stream)).state
    if state.current != step or rounds.run_of(state, step).closed_at is not None:
        return False
    try:
        await door.ballots.rules(names.step_gate(stream, step))
    except Refused:
        return True  # the step has no ballot
    except Unavailable:
        return False  # the log has opened it, the box does just now
    return True


async def until_over(door: Door, cycle: str, ids: list[str], seconds: float = 60) -> list[nominations.State]:
    """The nominations once each has heard how it ended, which is a little after the cycle has."""
    async with asyncio.timeout(seconds):
        while True:
            streams = [names.nomination_stream(cycle, id) for id in ids]
            states = [(await door.decider.nominations.get(stream)).state for stream in streams]
            if all(state.over for state in states):
                return states
            await asyncio.sleep(0.1)


async def act(door: Door, programme: Programme, state: rounds.State) -> None:
    """What the open step of this round waits for, if anything; a refusal by a clock that ran on is no fault."""
    run = rounds.run_of(state, state.current)
    if state.over or state.opened is None or run.closed_at is not None or not state.current:
        return
    step = rounds.step_of(state, programme, state.current)
    try:
        await _act(door, state, step)
    except (Refused, Conflict) as refusal:
        if refusal.code not in (
            "STAGE_CLOSED",
            "CYCLE_NOT_OPEN",
            "NOMINATION_OVER",
            "STAGE_MISMATCH",
            "WRONG_EXPECTED_HEAD",
        ):
            raise


async def _act(door: Door, state: rounds.State, step: Step) -> None:
    assert state.opened is not None
    unit, stream = state.opened.unit, state.stream
    cycle = names.cycle_of(stream)
    match step.type:
        case "endorsement":
            officer = Actor(id=f"of-{unit}", role="officer", unit=unit)
            for rank, nomination in enumerate(state.members, 1):
                endorse = Endorse(round=stream, recommendation_rank=rank if step.ranked else None)
                await door.send(names.nomination_stream(cycle, nomination), endorse, officer)
            await door.send(stream, CloseStepEarly(step=step.id, reason="done"), officer)
        case "expert_review":
            judges = tuple(f"j-{n}" for n in range(1, step.panel_size + 1))
            if not rounds.run_of(state, step.id).judges:
                await door.send(
                    stream, FormPanel(step=step.id, judges=judges), Actor(id="op-1", role="operator")
                )
            for judge in judges:
                marks = tuple(
                    WrittenMark(nomination=id, score=str(90 - n)) for n, id in enumerate(state.members)
                )
                await door.send(stream, HandInSheet(step=step.id, marks=marks), Actor(id=judge, role="judge"))
        case "decision":
            for person in BODIES:
                await door.send(stream, Decide(step=step.id), Actor(id=person, role=f"body:{step.body}"))
        case "conferral":
            for person in BODIES:
                await door.send(stream, Confer(step=step.id), Actor(id=person, role=f"body:{step.body}"))
        case _:
            pass
