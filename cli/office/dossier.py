"""What the papers of a round are made of: its people as the log tells of them, and their personal data from the vault.

Nothing is written here. Names come from the vault for the one who exports, whose grant is asked for first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from cli.desk import Desk, Pinned
from cli.office.strokes import by_strokes, unknown
from cli.output import number
from cli.words import channel_words, out_words
from domain import authority
from domain import round as rounds
from runtime import texts
from runtime.settings import Language
from schemas import names
from schemas.errors import Refused
from schemas.events import (
    Conferred,
    DecisionTaken,
    Event,
    ListPublished,
    MembersOut,
    NominationCorrected,
    NominationEndorsed,
    NominationRejected,
    NominationReturned,
    NominationSubmitted,
    PoolFrozen,
    RoundReported,
    SelectionMade,
    Substituted,
    TitlesConferred,
    read,
)
from schemas.ledger import Actor, RecordedEvent
from schemas.programme import Fact
from schemas.values import SHANGHAI, Label
from store.vault import Vault

ROLES = ("operator", "officer")
"""Who may see names: those who run the cycle, and the officers of a unit for itself and all below it."""
_COMPONENTS = {"expert": "专家评审", "public": "大众票选", "recommendation": "推荐排序"}


class Told(NamedTuple):
    """An event of the round, its cycle time, and where in the log it stands."""

    at: datetime
    event: Event
    place: str
    seq: int


@dataclass(frozen=True)
class Opinion:
    """What a unit said of a nomination, and when."""

    unit: str
    said: str
    day: str
    reason: str = ""


@dataclass(frozen=True)
class Person:
    """A nomination with the subject's personal data; texts as people read them."""

    nomination: str
    unit: str
    route: str
    channel: str
    fields: dict[str, str]
    facts: tuple[tuple[str, str], ...]
    opinions: tuple[Opinion, ...] = ()
    place: str = ""
    score: str = ""
    components: tuple[tuple[str, str], ...] = ()
    outcome: str = ""
    titles: tuple[str, ...] = ()
    certificates: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The name as typed; the nomination's id where there is none."""
        return self.fields.get("name") or self.nomination


@dataclass(frozen=True)
class Dossier:
    """A round and its people, as of its last event."""

    cycle: str
    title: str
    organiser: str
    unit: str
    stream: str
    rehearsal: bool
    people: dict[str, Person]  # by nomination, in the order of the list
    events: tuple[Told, ...] = field(repr=False)
    pinned: Pinned = field(repr=False)

    @property
    def head(self) -> Told:
        """The round's last event: what a paper of the whole round is as of."""
        return self.events[-1]

    def titled(self, id: str) -> str:
        """A title's Chinese label."""
        return next((one.label.zh for one in self.pinned.programme.titles if one.id == id), id)


async def gather(desk: Desk, cycle: str, round: str, actor: Actor) -> Dossier:  # noqa: A002 -- a round's stream
    """The round's dossier. Raises Refused NOT_AUTHORISED, NOT_FOUND; Unavailable."""
    pinned = await desk.pinned(cycle)
    stream = round or names.round_stream(cycle, names.ROOT_ROUTE, pinned.tree.root)
    reader, store = await desk.reader(), await desk.store()
    grants = (await reader.authorities.get(names.authority_stream(cycle))).state
    unit = stream.rsplit("/", 1)[1]
    if unit not in pinned.tree.by_code:
        raise Refused("NOT_FOUND", what=stream)
    authority.authorize(grants, pinned.tree, actor, "export", unit, ROLES)
    vault = await desk.vault()
    recorded = await _in_words(vault, await store.load(stream))
    if not recorded:
        raise Refused("NOT_FOUND", what=stream)
    events = tuple(Told(one.at, read(one), f"{stream} @ {one.seq} · {one.hash}", one.seq) for one in recorded)
    state = (await reader.rounds.get(stream)).state
    opened = (await reader.cycles.get(names.cycle_stream(cycle))).state.opened
    assert opened is not None, "a pinned cycle is open"
    stage = rounds.stage_of(state, pinned.programme)
    ids = _in_order(state, events)
    told = await store.load_many([names.nomination_stream(cycle, id) for id in ids])
    people = {
        id: await _person(id, told[names.nomination_stream(cycle, id)], pinned, state, events, vault)
        for id in ids
    }
    return Dossier(
        cycle=cycle,
        title=opened.title.zh,
        organiser=(stage.organiser or Label(zh=pinned.tree.by_code[unit].name)).zh,
        unit=pinned.tree.by_code[unit].name,
        stream=stream,
        rehearsal=opened.pace.rehearsal,
        people=people,
        events=events,
        pinned=pinned,
    )


def ordered(people: Iterable[Person], order: str) -> tuple[Person, ...]:
    """In the order given, or by 姓氏笔画."""
    return tuple(sorted(people, key=lambda one: by_strokes(one.name)) if order == "strokes" else people)


def uncounted(people: Iterable[Person]) -> str:
    """Characters of names whose strokes nobody counted: a person is to look at their places."""
    return "".join(sorted(set("".join(unknown(one.name) for one in people if not one.name.isascii()))))


def beijing(moment: datetime) -> str:
    """The day in Beijing: 2026年3月2日."""
    day = moment.astimezone(SHANGHAI)
    return f"{day.year}年{day.month}月{day.day}日"


# ---- people ----


def _in_order(state: rounds.State, events: Sequence[Told]) -> list[str]:
    """Everybody who was in the pool: the list by rank, the reserve, those who left in the order of the ranking."""
    pool = [
        member.nomination for _, one, *_ in events if isinstance(one, PoolFrozen) for member in one.members
    ]
    ranked = [one.nomination for one in state.ranked]
    return list(dict.fromkeys([*state.members, *state.standby, *ranked, *pool]))


async def _person(
    id: str,
    told: Sequence[RecordedEvent],
    pinned: Pinned,
    state: rounds.State,
    events: Sequence[Told],
    vault: Vault,
) -> Person:
    entry, facts, opinions = "", dict[str, int | bool | str](), list[Opinion]()
    submitted: NominationSubmitted | None = None
    for recorded in await _in_words(vault, told):
        event = read(recorded)
        if isinstance(event, NominationSubmitted):
            submitted = event
        if isinstance(event, NominationSubmitted | NominationCorrected):
            entry = event.entry or entry
            facts |= {fact.id: fact.value for fact in event.facts}
        opinions += _opinions(recorded, pinned)
    if submitted is None:
        raise Refused("NOT_FOUND", what=id)
    declared = pinned.programme.facts
    given = [one for _, event, *_ in events if isinstance(event, TitlesConferred) for one in event.conferred]
    return Person(
        nomination=id,
        unit=pinned.tree.by_code[submitted.unit].name,
        route="产业" if pinned.programme.route(submitted.route).by_industry else "属地",
        channel=channel_words(submitted.channel, Language.ZH),
        fields=await _revealed(vault, entry),
        facts=tuple(
            (fact.label.zh, _said(fact, facts[key])) for key, fact in declared.items() if key in facts
        ),
        opinions=tuple(opinions),
        **_standing(id, state, events, [one for one in given if one.nomination == id]),
    )


async def _in_words(vault: Vault, told: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    """The events with what officers wrote in place of the references to it."""
    data = await texts.read(vault, [one.data for one in told])
    return [one.model_copy(update={"data": said}) for one, said in zip(told, data, strict=True)]


async def _revealed(vault: Vault, entry: str) -> dict[str, str]:
    try:
        return await vault.reveal(entry)
    except Refused as fault:
        if fault.code != "ERASED":
            raise
        return {"name": texts.ERASED}


def _said(fact: Fact, value: int | bool | str) -> str:
    return ("是" if value else "否") if fact.type == "boolean" else str(value)


def _opinions(recorded: RecordedEvent, pinned: Pinned) -> list[Opinion]:
    event = read(recorded)
    match event:
        case NominationEndorsed():
            place = f"（排序第 {event.recommendation_rank}）" if event.recommendation_rank else ""
            said = f"同意推荐{place}"
        case NominationReturned():
            said = "退回补正"
        case NominationRejected():
            said = "不予推荐"
        case _:
            return []
    unit = pinned.tree.by_code[event.round.rsplit("/", 1)[1]].name
    return [Opinion(unit, said, beijing(recorded.at), event.reason)]


def _standing(
    id: str, state: rounds.State, events: Sequence[Told], given: Sequence[Conferred]
) -> dict[str, Any]:
    """Place, scores and what became of the nomination in this round."""
    ranked = next((one for one in state.ranked if one.nomination == id), None)
    components = {name: values[id] for name, values in state.components.items() if id in values}
    return {
        "place": str(ranked.rank) if ranked else "",
        "score": number(ranked.score) if ranked else "",
        "components": tuple(
            (_COMPONENTS.get(name, name), number(value)) for name, value in components.items()
        ),
        "outcome": _outcome(id, state, events, bool(given)),
        "titles": tuple(one.title for one in given),
        "certificates": tuple(one.certificate for one in given),
    }


def _outcome(id: str, state: rounds.State, events: Sequence[Told], named: bool) -> str:
    if named:
        return "命名"
    if id in state.standby:
        return "候补"
    if id in state.members:
        chosen = any(isinstance(event, SelectionMade | RoundReported) for _, event, *_ in events)
        return "入选" if chosen else "在评"
    out = next(
        (
            gone
            for _, event, *_ in events
            if isinstance(event, MembersOut)
            for gone in event.out
            if gone.nomination == id
        ),
        None,
    )
    replaced = any(isinstance(event, Substituted) and event.out == id for _, event, *_ in events)
    return (
        "退出（递补）" if replaced else f"未入选（{out_words(out.reason, Language.ZH)}）" if out else "未入选"
    )


# ---- what was published, decided, conferred ----


def publications(dossier: Dossier) -> list[tuple[ListPublished, Told]]:
    """Every publication of the round, first to last: the list, then each substitute's own."""
    return [(told.event, told) for told in dossier.events if isinstance(told.event, ListPublished)]


def decision(dossier: Dossier) -> tuple[DecisionTaken, Told] | None:
    """The body's decision; None before it."""
    found = [(told.event, told) for told in dossier.events if isinstance(told.event, DecisionTaken)]
    return found[-1] if found else None


def conferral(dossier: Dossier) -> tuple[TitlesConferred, Told] | None:
    """The conferral of titles; None before it."""
    found = [(told.event, told) for told in dossier.events if isinstance(told.event, TitlesConferred)]
    return found[-1] if found else None
