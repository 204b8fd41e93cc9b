"""An invented cycle of four levels, written to a folder and acted through the door: what the engine's figures count.

At the enterprise: intake, endorsement, three judges, selection of half, publicity, decision. Above it: a ranked
endorsement and a selection each, and at the prefecture the conferral.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import orjson

from domain import cycle as cycles
from domain import round as rounds
from domain.nomination import State as Nomination
from runtime.door import Door, NominationForm
from schemas import names
from schemas.commands import (
    CloseStepEarly,
    Confer,
    Decide,
    Endorse,
    FormPanel,
    HandInSheet,
    Removal,
    ReturnForCorrection,
    RuleOnObjection,
    WrittenMark,
)
from schemas.events import FactValue, GrantTerms
from schemas.ledger import Actor
from schemas.programme import Channel
from schemas.values import Pace

T = TypeVar("T")

ROOT, COUNTY = "P", "C"
SEATS = 5
EACH = 10
PATIENCE_SECONDS = 150
POLL_SECONDS = 0.1
IN_FLIGHT = 32
MORNING = datetime(2024, 3, 4, 1, 0, tzinfo=UTC)  # 9 o'clock of a Monday in Shanghai
TO_MIDNIGHT = 15 * 3600

OPERATOR = Actor(id="op-1", role="operator", unit=ROOT)
OFFICER = Actor(id="officer-1", role="officer", unit=ROOT)
HANDLER = Actor(id="handler-1", role="handler", unit=ROOT)
JUDGES = tuple(Actor(id=f"judge-{n}", role="judge", unit=ROOT) for n in (1, 2, 3))
COUNCIL = tuple(Actor(id=f"council-{n}", role="body:council", unit=ROOT) for n in (1, 2))
STAFF = (OFFICER, HANDLER, *JUDGES, *COUNCIL)

LONG = {"days": 30, "unit": "natural_day"}
TODAY = {"days": 1, "unit": "natural_day", "count_first_day": True}


def _step(kind: str, **rest: Any) -> dict[str, Any]:
    return {"id": kind, "type": kind, **rest}


def _choice(component: str, seats: int) -> dict[str, Any]:
    weights = [{"component": component, "share": "100%"}]
    return _step("selection", seats=seats, weights=weights, ties=["authority"])


def _level(nominations: int) -> list[dict[str, Any]]:
    return [_step("endorsement", ranked=True, period=LONG), _choice("recommendation", nominations)]


def _programme(nominations: int) -> dict[str, Any]:
    review = _step(
        "expert_review",
        mode="score",
        panel_size=3,
        quorum="2/3",
        scale={"minimum": 0, "maximum": 100, "step": "0.1"},
        period=LONG,
    )
    enterprise = [
        _step("intake", channels=["unit"], period=TODAY),
        _step("endorsement", period=LONG),
        review,
        _choice("expert", SEATS),
        _step("publicity", period=TODAY),
        _step("decision", body="council", period=LONG),
    ]
    conferral = _step("conferral", body="council", grades=[{"title": "measured"}], period=LONG)
    stages = {
        "enterprise": enterprise,
        "township": _level(nominations),
        "county": _level(nominations),
        "prefecture": [*_level(nominations), conferral],
    }
    return {
        "programme": "measured",
        "edition": 1,
        "title": {"zh": "测试·量度", "en": "Invented, to be measured"},
        "subject": "person",
        "sources": ["invented"],
        "units": {"file": "units.csv", "root": ROOT},
        "routes": [{"id": "territorial", "ranks": list(stages)}],
        "facts": {"years": {"type": "integer", "label": {"zh": "年数", "en": "years"}}},
        "titles": [{"id": "measured", "label": {"zh": "测试", "en": "measured"}}],
        "stages": {rank: {"steps": steps} for rank, steps in stages.items()},
    }


def write(folder: Path, enterprises: int) -> Path:
    """The programme and its units as files, as anybody would write them; JSON is YAML."""
    units = ["code,parent,name,rank", f"{ROOT},,测试州,prefecture", f"{COUNTY},{ROOT},测试县,county"]
    units += [f"T{n},{COUNTY},测试镇{n},township" for n in range(-(-enterprises // EACH))]
    units += [f"E{n},T{n // EACH},测试企业{n},enterprise" for n in range(enterprises)]
    (folder / "units.csv").write_text("\n".join(units) + "\n", "utf-8")
    programme = folder / "1.yaml"
    programme.write_bytes(orjson.dumps(_programme(enterprises * EACH)))
    return programme


async def gathered(works: Iterable[Awaitable[T]]) -> list[T]:
    """All of them, some at a time."""
    places = asyncio.Semaphore(IN_FLIGHT)

    async def one(work: Awaitable[T]) -> T:
        async with places:
            return await work

    return await asyncio.gather(*(one(work) for work in works))


@dataclass
class Contest:
    """One cycle of `enterprises` × 10 nominations; `idle` is how long nothing but a window's end was awaited."""

    door: Door
    folder: Path
    enterprises: int
    label: str = ""
    intake_seconds: float = 5
    idle: float = 0
    nominations: dict[str, list[str]] = field(default_factory=dict)

    @property
    def cycle(self) -> str:
        return names.cycle_id("measured", 1, self.label)

    @property
    def leaves(self) -> list[str]:
        return [f"E{n}" for n in range(self.enterprises)]

    @property
    def towns(self) -> list[str]:
        return [f"T{n}" for n in range(-(-self.enterprises // EACH))]

    @property
    def above(self) -> list[str]:
        return [COUNTY, ROOT]

    @property
    def everybody(self) -> list[str]:
        return [id for ids in self.nominations.values() for id in ids]

    def stream(self, nomination: str) -> str:
        return names.nomination_stream(self.cycle, nomination)

    def round_at(self, unit: str) -> str:
        return names.round_stream(self.cycle, names.ROOT_ROUTE if unit == ROOT else "territorial", unit)

    async def state(self, unit: str) -> rounds.State:
        return (await self.door.decider.rounds.get(self.round_at(unit))).state

    async def standing(self, nomination: str) -> Nomination:
        return (await self.door.decider.nominations.get(self.stream(nomination))).state

    # ---- the whole of it ----

    async def open(self) -> None:
        pace = Pace(
            real_epoch=datetime.now(UTC),
            cycle_epoch=MORNING,
            speed=int(TO_MIDNIGHT / self.intake_seconds),
        )
        grants = tuple(GrantTerms(id=f"g-{one.id}", person=one.id, role=one.role, unit=ROOT) for one in STAFF)
        await self.door.start_cycle(
            write(self.folder, self.enterprises),
            operators=(OPERATOR.id, "op-2"),
            label=self.label,
            grants=grants,
            pace=pace,
        )

    async def submit(self, each: int = EACH) -> None:
        """So many more from each enterprise."""
        before = len(self.nominations.get(self.leaves[0], ()))
        numbers = range(before, before + each)
        await gathered(self._nominate(unit, n) for unit in self.leaves for n in numbers)

    async def decide_all(self) -> None:
        """From the close of intake to the completed cycle."""
        await self._window((await self._cycle_state()).intakes["enterprise"].window.closes_at)
        await asyncio.gather(*(self._enterprise(unit) for unit in self.leaves))
        await self._window(max([await self._published_until(unit) for unit in self.leaves]))
        await asyncio.gather(*(self._decide(unit) for unit in self.leaves))
        for level in (self.towns, [COUNTY], [ROOT]):
            await asyncio.gather(*(self._endorse_ranked(unit) for unit in level))
        await self._reached(ROOT, "conferral")
        for one in COUNCIL:
            await self.door.send(self.round_at(ROOT), Confer(step="conferral"), one)
        await self._until(self._completed)
        await gathered(self._until(lambda id=id: self._is_over(id)) for id in self.everybody)  # type: ignore[misc]

    # ---- at the enterprise ----

    async def _nominate(self, unit: str, n: int) -> None:
        person = f"{self.label}{unit}-{n}"
        form = NominationForm(
            cycle=self.cycle,
            unit=unit,
            route="territorial",
            channel=Channel.UNIT,
            identity=f"测试-{person}",
            fields={"name": f"测试·{person}"},
            facts=(FactValue(id="years", value=n),),
        )
        id, _ = await self.door.nominate(form, OFFICER, key=person)
        self.nominations.setdefault(unit, []).append(id)

    async def _enterprise(self, unit: str) -> None:
        """The first is returned once and corrected; the two first are objected to."""
        first, second, *_ = await self._members(unit, "endorsement")
        returned = ReturnForCorrection(round=self.round_at(unit), reason="测试")
        await self.door.send(self.stream(first), returned, OFFICER)
        await self.door.correct(self.cycle, first, {}, (FactValue(id="years", value=30),), OFFICER)
        await self._endorse(unit, ranked=False)
        members = await self._members(unit, "expert_review")
        await self._judge(unit, members)
        await self._reached(unit, "publicity")
        for id in (first, second):
            await self._object(id)

    async def _judge(self, unit: str, members: list[str]) -> None:
        panel = FormPanel(step="expert_review", judges=tuple(judge.id for judge in JUDGES))
        await self.door.send(self.round_at(unit), panel, OPERATOR)
        marks = tuple(WrittenMark(nomination=id, score=str(90 - n)) for n, id in enumerate(members))
        for judge in JUDGES:
            await self.door.send(self.round_at(unit), HandInSheet(step="expert_review", marks=marks), judge)

    async def _object(self, nomination: str) -> None:
        objection, _ = await self.door.object_to(
            self.cycle, nomination, f"测试-异议-{nomination}", {"name": "测试·异议人"}, "测试", HANDLER
        )
        ruling = RuleOnObjection(objection=objection, outcome="dismissed", reason="测试")
        await self.door.send(self.stream(nomination), ruling, HANDLER)

    async def _decide(self, unit: str) -> None:
        """The body removes the second."""
        _, second, *_ = await self._members(unit, "decision")
        body = Decide(step="decision", remove=(Removal(nomination=second, reason="测试"),))
        for one in COUNCIL:
            await self.door.send(self.round_at(unit), body, one)

    # ---- at every level ----

    async def _endorse_ranked(self, unit: str) -> None:
        await self._reached(unit, "endorsement")
        await self._endorse(unit, ranked=True)

    async def _endorse(self, unit: str, *, ranked: bool) -> None:
        round_ = self.round_at(unit)
        members = list((await self.state(unit)).members)
        bodies = [
            Endorse(round=round_, recommendation_rank=rank if ranked else None)
            for rank, _ in enumerate(members, 1)
        ]
        pairs = zip(members, bodies, strict=True)
        await gathered(self.door.send(self.stream(id), body, OFFICER) for id, body in pairs)
        await self.door.send(round_, CloseStepEarly(step="endorsement", reason="办结"), OFFICER)

    async def _members(self, unit: str, step: str) -> list[str]:
        """Those in the round once this step is open, the first submitted first."""
        await self._reached(unit, step)
        members = (await self.state(unit)).members
        return [id for id in sorted(self.nominations[unit]) if id in members]

    async def _reached(self, unit: str, step: str) -> None:
        async def reached() -> bool:
            return (await self.state(unit)).current == step

        await self._until(reached)

    # ---- waiting ----

    async def _until(self, holds: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await holds():  # noqa: ASYNC110 -- what is awaited is in the log, not in this process
                await asyncio.sleep(POLL_SECONDS)

    async def _window(self, closes_at: datetime) -> None:
        """Until an instant of the cycle's time: idle, since the engine has nothing to do."""
        pace = await self._pace()
        began = time.perf_counter()
        await asyncio.sleep(
            pace.real_delay(pace.cycle_time(datetime.now(UTC)), closes_at) / timedelta(seconds=1)
        )
        self.idle += time.perf_counter() - began

    async def _published_until(self, unit: str) -> datetime:
        return max(one.window.closes_at for one in (await self.state(unit)).published.values())

    async def _pace(self) -> Pace:
        opened = (await self._cycle_state()).opened
        assert opened is not None
        return opened.pace

    async def _cycle_state(self) -> cycles.State:
        return (await self.door.decider.cycles.get(names.cycle_stream(self.cycle))).state

    async def _completed(self) -> bool:
        return (await self._cycle_state()).status == cycles.Status.COMPLETED

    async def _is_over(self, nomination: str) -> bool:
        return (await self.standing(nomination)).over
