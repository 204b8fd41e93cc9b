"""What every command has at hand: settings, language, the one open door, and how people sign and address things."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Annotated, Any, NamedTuple, TypeVar

from cyclopts import Parameter

from activities.deciding import Decider
from cli.output import Outcome, table
from cli.words import event_words, mark_words
from domain import nomination as nominations
from runtime.door import Door, system_clock
from runtime.settings import Language, Login, Settings
from schemas import names
from schemas.commands import Body
from schemas.errors import BadUsage, EngineError, Refused
from schemas.events import ActProposed, ActSeconded, SheetHandedIn
from schemas.ledger import Actor, JsonObject, Receipt
from schemas.programme import Programme
from schemas.units import UnitTree
from schemas.values import SHANGHAI
from store.contract import EventStore
from store.postgres import PostgresEventStore
from store.vault import Vault

Run = Callable[..., Awaitable[Any]]
F = TypeVar("F", bound=Run)


class Registered(NamedTuple):
    """A subcommand: its words, its function, and its help in both languages with an example."""

    words: tuple[str, ...]
    function: Run
    zh: str
    en: str
    example: str


REGISTRY: list[Registered] = []


def command(words: str, *, zh: str, en: str, example: str) -> Callable[[F], F]:
    """Register an async function as `starter.py WORDS`."""

    def register(function: F) -> F:
        REGISTRY.append(Registered(tuple(words.split()), function, zh, en, example))
        return function

    return register


class Pinned(NamedTuple):
    """What a cycle pinned when it opened."""

    programme: Programme
    tree: UnitTree


@dataclass
class Desk:
    """One caller's place: opens the door once, when the first command needs it, and shares it from then on."""

    settings: Settings
    language: Language
    exits: AsyncExitStack
    shared: Door | None = None
    auditing: EventStore | None = None
    reading: Decider | None = None
    revealing: Vault | None = None
    noting: Door | None = None

    def say(self, zh: str, en: str) -> str:
        return zh if self.language is Language.ZH else en

    async def door(self) -> Door:
        """The door with Temporal behind it."""
        if self.shared is None:
            self.shared = await self.exits.enter_async_context(Door.open(self.settings))
        return self.shared

    async def store(self) -> EventStore:
        """The log alone, with the auditor's login if there is no open door: needs neither Temporal nor the vault."""
        if self.shared is not None:
            return self.shared.store
        if self.auditing is None:
            self.auditing = await self.exits.enter_async_context(PostgresEventStore(self.audit_dsn))
        return self.auditing

    @cached_property
    def audit_dsn(self) -> str:
        """The auditor's login; the app's where no auditor is configured."""
        login = Login.AUDITOR if self.settings.postgres_auditor_dsn is not None else Login.APP
        return self.settings.dsn(login)

    async def reader(self) -> Decider:
        """Streams folded and documents parsed, kept from call to call where a door is shared; it only reads here."""
        if self.shared is not None:
            return self.shared.decider
        if self.reading is None:
            self.reading = Decider(await self.store(), system_clock)
        return self.reading

    async def vault(self) -> Vault:
        """The vault of personal data, for those who may see it; needs no Temporal."""
        if self.shared is not None:
            return self.shared.vault
        if self.revealing is None:
            vault = Vault(self.settings.dsn(Login.VAULT), self.settings.kek())
            self.revealing = await self.exits.enter_async_context(vault)
        return self.revealing

    async def pinned(self, cycle: str) -> Pinned:
        """The programme and the units that the cycle runs by; Refused NOT_FOUND for one that never opened."""
        reader = await self.reader()
        folded = await reader.cycles.get(names.cycle_stream(cycle))
        if folded.state.opened is None:
            raise Refused("NOT_FOUND", what=names.cycle_stream(cycle))
        return Pinned(await reader.programme(folded.rules), await reader.tree(folded.state.opened.units))

    async def nomination(self, where: Nominated) -> nominations.State:
        """The nomination as its stream tells it; Refused NOT_FOUND."""
        state = (await (await self.reader()).nominations.get(where.stream)).state
        if state.submitted is None:
            raise Refused("NOT_FOUND", what=where.stream)
        return state

    async def send(self, stream: str, body: Body, signed: Signed) -> Outcome:
        """Send one command and tell its receipt."""
        return self.told(await (await self.door()).send(stream, body, signed.actor, signed.key))

    async def note(self, stream: str, body: Body, signed: Signed) -> Receipt:
        """Record what no workflow waits for; needs no Temporal."""
        door = self.shared or self.noting
        if door is None:
            door = await self.exits.enter_async_context(Door.open(self.settings, temporal=False))
            self.noting = door
        return await door.send(stream, body, signed.actor, signed.key)

    def told(self, receipt: Receipt, **more: Any) -> Outcome:
        """A receipt as JSON, and as a line an event for people."""
        types = {event.type for event in receipt.events}
        waiting = ActProposed.__name__ in types and ActSeconded.__name__ not in types
        said = more | receipt_json(receipt) | {"awaits_second_person": waiting}
        lines = [
            (f"{event.stream}@{event.seq}", event_words(event.type, self.language))
            for event in receipt.events
        ]
        lines += [
            (
                one["nomination"],
                self.say("未计入：", "not counted: ") + mark_words(one["reason"], self.language),
            )
            for event in receipt.events
            if event.type == SheetHandedIn.__name__
            for one in event.data["refused"]
        ]
        return Outcome(json=said, shown=table(("", self._headline(receipt, waiting)), lines))

    def _headline(self, receipt: Receipt, waiting: bool) -> str:
        if waiting:
            return self.say(
                "已提出，须另一人以同样内容确认", "proposed: another person must now ask for the same"
            )
        if receipt.repeated:
            return self.say("此前已办理，回执相同", "done before: the same receipt")
        if not receipt.events:
            return self.say("无需变更", "nothing to change")
        return self.say("已记录", "recorded")


def receipt_json(receipt: Receipt) -> JsonObject:
    """A receipt for programs: the place in the stream, its hash, and the events without their envelopes."""
    return {
        "stream": receipt.stream,
        "command_id": receipt.command_id,
        "seq": receipt.head.seq,
        "hash": receipt.head.hash,
        "repeated": receipt.repeated,
        "events": [
            {
                "type": event.type,
                "seq": event.seq,
                "hash": event.hash,
                "grant": event.grant,
                "data": event.data,
            }
            for event in receipt.events
        ],
    }


AtDesk = Annotated[Desk, Parameter(parse=False)]


@Parameter(name="*")
@dataclass(frozen=True)
class Signed:
    """Who acts, in which role and unit, and on whose behalf."""

    as_: Annotated[str, Parameter(name="--as", help="办理人编号 · the id of who acts, never a name")]
    role: Annotated[str, Parameter(help="所任角色 · the role acted in: operator, officer, judge, handler, …")]
    unit: Annotated[str, Parameter(help="所在单位代码 · the unit acted for")] = ""
    on_behalf_of: Annotated[str, Parameter(help="代谁办理 · for whom, if for another")] = ""
    key: Annotated[str, Parameter(help="命令编号，重试用同一个 · a command id of your own, for retries")] = ""

    @property
    def actor(self) -> Actor:
        return Actor(id=self.as_, role=self.role, unit=self.unit, on_behalf_of=self.on_behalf_of)


Reason = Annotated[
    str,
    Parameter(
        help="理由；关于某人的存入保管库，其余记入日志 · why; of a person: into the vault, else into the log"
    ),
]
Cycle = Annotated[str, Parameter(help="届次编号 · a cycle's id, such as sichuan-craftsman.1")]
OfCycle = Annotated[str, Parameter(help="届次编号，地址写全时可省 · the cycle, if the address lacks it")]
NominationAt = Annotated[str, Parameter(help="申报：CYCLE/ID 或 ID 加 --cycle · a nomination")]
RoundAt = Annotated[
    str, Parameter(help="评审轮：round/CYCLE/ROUTE/UNIT · a round, as `cycle status` prints it")
]
Until = Annotated[
    str, Parameter(help="新的截止时间，未写时区则为北京时间 · the new end; Beijing time without a zone")
]
StepId = Annotated[str, Parameter(help="环节编号 · the step's id in the programme")]


class Nominated(NamedTuple):
    """Where a nomination is."""

    cycle: str
    id: str

    @property
    def stream(self) -> str:
        return names.nomination_stream(self.cycle, self.id)


def nomination_at(written: str, cycle: str = "") -> Nominated:
    """`nomination/CYCLE/ID`, `CYCLE/ID`, or `ID` beside a cycle; BadUsage ADDRESS."""
    parts = written.removeprefix("nomination/").split("/")
    if len(parts) == 1 and cycle:
        parts = [cycle, *parts]
    if len(parts) != 2 or not all(parts) or cycle not in ("", parts[0]):
        raise BadUsage("ADDRESS", written=written, expected="CYCLE/NOMINATION")
    return Nominated(*parts)


def round_at(written: str, cycle: str = "") -> str:
    """The round's stream, from `round/CYCLE/ROUTE/UNIT`, the same without its first word, or `ROUTE/UNIT`."""
    parts = written.removeprefix("round/").split("/")
    if len(parts) == 2 and cycle:
        parts = [cycle, *parts]
    if len(parts) != 3 or not all(parts) or cycle not in ("", parts[0]):
        raise BadUsage("ADDRESS", written=written, expected="round/CYCLE/ROUTE/UNIT")
    return names.round_stream(*parts)


def instant_of(written: str) -> datetime:
    """An ISO instant; Beijing time where no zone is written. BadUsage INSTANT."""
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise BadUsage("INSTANT", written=written) from None
    if re.fullmatch(r"[0-9-]+", written):  # a day alone is not a moment
        raise BadUsage("INSTANT", written=written)
    return moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)


def date_of(written: str) -> date:
    """A day as 2026-05-20; BadUsage USAGE."""
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise BadUsage("USAGE", fault=f"{written} → 2026-05-20?") from None


def pair_of(written: str, separator: str = "=") -> tuple[str, str]:
    """`KEY=VALUE`; BadUsage PAIR."""
    key, found, value = written.partition(separator)
    if not found or not key or not value:
        raise BadUsage("PAIR", written=written, separator=separator)
    return key, value


def as_error(fault: EngineError) -> JsonObject:
    """An error inside a longer answer."""
    return {"code": fault.code, "facts": fault.facts}
