"""Rules are amended while a round opens: whoever is second decides again, so that no round opens by rules of before (DR-01)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import count

from activities.deciding import Decider
from runtime.door import system_clock
from schemas import names
from schemas.canonical import canonical_bytes
from schemas.commands import ENGINE, AmendRules, Body, Command, GiveGrants, OpenCycle, OpenRound
from schemas.errors import Refused
from schemas.events import GrantTerms, RoundOpened, RulesAmended
from schemas.ledger import Actor, Append, Receipt, RecordedEvent
from schemas.values import Pace
from store.memory import MemoryEventStore
from tests.domain.specification import INTAKE, LADDER, MONDAY, declared, province_of, step

CYCLE = "harbour.1"
STREAM = names.cycle_stream(CYCLE)
SUMMIT = names.round_stream(CYCLE, names.ROOT_ROUTE, "9")
OPERATORS = tuple(Actor(id=f"o-{n}", role="operator", unit="9") for n in (1, 2))


class Meanwhile(MemoryEventStore):
    """Somebody writes at the moment at which a command that was decided is about to be written."""

    at: str = ""
    write: Callable[[], Awaitable[None]] | None = None

    async def append(self, request: Append) -> Receipt:
        if request.stream == self.at and self.write is not None:
            write, self.write = self.write, None
            await write()
        return await super().append(request)


class Harbour:
    """A cycle whose province has not begun, and the hash of its rules with a longer decision."""

    def __init__(self) -> None:
        self.store = Meanwhile()
        self.decider = Decider(self.store, system_clock)
        self.amended = ""
        self._ids = count()

    async def open(self) -> Harbour:
        rules = [await self._rules(days) for days in (5, 9)]
        self.amended = rules[1]
        units = await self.store.put_document("units", canonical_bytes(province_of("901")))
        pace = Pace(real_epoch=MONDAY, cycle_epoch=MONDAY)
        await self.do(STREAM, OpenCycle(cycle=CYCLE, rules=rules[0], units=units, pace=pace))
        grants = tuple(GrantTerms(id=by.id, person=by.id, role=by.role, unit="9") for by in OPERATORS)
        await self.do(names.authority_stream(CYCLE), GiveGrants(grants=grants))
        return self

    async def _rules(self, days: int) -> str:
        decision = step("decision", body="council", period={"days": days, "unit": "work_day"})
        programme = declared(
            LADDER,
            {"county": {"steps": [INTAKE]}, "province": {"steps": [decision]}},
        )
        return await self.store.put_document("programme", canonical_bytes(programme))

    async def do(self, stream: str, body: Body, by: Actor = ENGINE) -> Receipt:
        command = Command(id=f"c-{next(self._ids)}", stream=stream, actor=by, received_at=MONDAY, body=body)
        return await self.decider.execute(command)

    async def amend(self, by: Actor) -> str:
        """The code of the refusal, or an empty text."""
        try:
            await self.do(STREAM, AmendRules(rules=self.amended, reason="党组会议"), by)
        except Refused as refusal:
            return refusal.code
        return ""

    async def only(self, stream: str, kind: str) -> RecordedEvent | None:
        found = [event for event in await self.store.load(stream) if event.type == kind]
        return found[0] if found else None


async def test_a_round_that_opens_while_its_rules_are_amended_opens_by_the_amended_ones_dr_01() -> None:
    harbour = await Harbour().open()
    await harbour.amend(OPERATORS[0])

    async def meanwhile() -> None:
        assert await harbour.amend(OPERATORS[1]) == ""

    harbour.store.at, harbour.store.write = SUMMIT, meanwhile
    await harbour.do(SUMMIT, OpenRound())
    opened = await harbour.only(SUMMIT, RoundOpened.__name__)
    assert opened is not None
    assert opened.rules == harbour.amended


async def test_rules_are_not_amended_once_a_round_has_opened_by_them_meanwhile_dr_01() -> None:
    harbour = await Harbour().open()
    await harbour.amend(OPERATORS[0])

    async def meanwhile() -> None:
        await harbour.do(SUMMIT, OpenRound())

    harbour.store.at, harbour.store.write = STREAM, meanwhile
    assert await harbour.amend(OPERATORS[1]) == "RULES_IN_FORCE"
    assert await harbour.only(STREAM, RulesAmended.__name__) is None
