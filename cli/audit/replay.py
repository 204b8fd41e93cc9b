"""`audit replay`: the story of a stream or a cycle and its state, from the log alone.

It needs Postgres and nothing else, by the auditor's login where there is one: no Temporal, no worker, no vault.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Group
from rich.pretty import Pretty

from activities.folding import fold_authority, fold_person, fold_points, fold_register, fold_title
from cli.audit.reading import in_order
from cli.desk import AtDesk, Desk, command
from cli.output import Outcome, jsonable, table
from cli.words import event_words
from domain import authority, person, points, register, title
from projections.standing import fold
from schemas import names
from schemas.commands import OBJECTOR_ROLE
from schemas.errors import Refused, Unavailable
from schemas.events import (
    CycleOpened,
    ObjectionFiled,
    ObjectionMerged,
    ObjectionRefused,
    PanelClosed,
    SessionInvalidated,
    SheetEntered,
    SheetHandedIn,
    read,
)
from schemas.ledger import JsonObject, RecordedEvent
from schemas.sealed import opened
from schemas.values import format_instant
from store.contract import EventStore

_OVERDUE = timedelta(seconds=60)
SEALED = "sealed"
_SHEETS = {SheetHandedIn.__name__, SheetEntered.__name__}
_OBJECTIONS = {ObjectionFiled.__name__, ObjectionMerged.__name__, ObjectionRefused.__name__}
_REASON_KEYS = ("reason", "code", "detail", "ground")


@command(
    "audit replay",
    zh="复现：把一个流（如 nomination/届次/编号）或整届（届次编号）从日志读出，按顺序列出位置、届内时间、记录时间、"
    "办理人、角色、单位、规则、理由，并给出最终状态。无须 Temporal。未结束评审的评分不显示。",
    en="Read one stream (such as nomination/CYCLE/ID) or a whole cycle from the log: the story in order, with position, "
    "both times, actor, role, unit, rules and reason, and the state at the end. Needs no Temporal. What judges "
    "wrote is left out until their panel has closed.",
    example="audit replay sichuan-craftsman.1",
)
async def replay(
    what: Annotated[str, Parameter(help="届次编号或流 · a cycle's id, or a stream")],
    *,
    state_only: Annotated[bool, Parameter(help="只列最终状态 · the state at the end alone")] = False,
    desk: AtDesk,
) -> Outcome:
    store = await desk.store()
    events = await (_of_stream(store, what) if "/" in what else _of_cycle(store, what))
    if not events:
        raise Refused("NOT_FOUND", what=what)
    sealed = _sealed_sheets(events)
    story = [] if state_only else [_told(event, sealed) for event in events]
    state = _state(events)
    rehearsal = await _is_rehearsal(store, events[0].stream)
    mark = (
        desk.say("【演练】届内时间快于实际时间", "REHEARSAL: cycle time ran faster than real time")
        if rehearsal
        else ""
    )
    shown = Group(mark, _story(story, desk), Pretty(state)) if story else Group(mark, Pretty(state))
    said = {"what": what, "rehearsal": rehearsal, "events": len(events), "story": story, "state": state}
    return Outcome(json=said, shown=shown)


async def _is_rehearsal(store: EventStore, stream: str) -> bool:
    """Whether the cycle that this stream belongs to ran at another pace than reality."""
    opening = await store.load(names.cycle_stream(names.cycle_of(stream)))
    opened = read(opening[0]) if opening else None
    return isinstance(opened, CycleOpened) and opened.pace.rehearsal


# ---- reading ----


async def _of_stream(store: EventStore, stream: str) -> list[RecordedEvent]:
    return [await _placed(store, event) for event in await store.load(stream)]


async def _placed(store: EventStore, event: RecordedEvent) -> RecordedEvent:
    try:
        position = await store.wait_sequenced(event.stream, event.seq, timeout_seconds=1)
    except Unavailable:  # too young for the global order, or the sequencer is down: the event itself is there
        return event
    return event.model_copy(update={"position": position})


async def _of_cycle(store: EventStore, cycle: str) -> list[RecordedEvent]:
    """All that happened in a cycle, in global order; then what is written but not yet in it."""
    found: list[RecordedEvent] = []
    async for events in in_order(store):
        found += [event for event in events if names.cycle_of(event.stream) == cycle]
    known = {(event.stream, event.seq) for event in found}
    late = [
        event
        for event in await store.overdue(datetime.now(UTC) + _OVERDUE)
        if names.cycle_of(event.stream) == cycle and (event.stream, event.seq) not in known
    ]
    return found + late


# ---- the story ----


def _told(event: RecordedEvent, sealed: set[tuple[str, int]]) -> JsonObject:
    """One line of the story, whole; open panels' marks stay sealed (DR-14), and who objects always (DR-29)."""
    data, actor = event.data, event.actor.model_dump()
    if (event.stream, event.seq) in sealed:
        data = data | {"marks": SEALED}
    if event.type in _OBJECTIONS:
        data = data | {"entry": SEALED}
        if event.actor.role == OBJECTOR_ROLE:
            actor |= {"id": SEALED}
    return {
        "position": event.position,
        "stream": event.stream,
        "seq": event.seq,
        "type": event.type,
        "at": format_instant(event.at),
        "recorded": format_instant(event.recorded),
        "actor": actor,
        "grant": event.grant,
        "cause": event.cause,
        "command_id": event.command_id,
        "rules": event.rules,
        "reason": opened(
            "; ".join(str(data[key]) for key in _REASON_KEYS if data.get(key)), lambda _: SEALED
        ),
        "data": data,
        "hash": event.hash,
    }


def _sealed_sheets(events: Iterable[RecordedEvent]) -> set[tuple[str, int]]:
    """Sheets of panels that have not closed, and for ever those of sessions that were invalid (DR-15), as stream, seq."""
    waiting: defaultdict[tuple[str, str], set[tuple[str, int]]] = defaultdict(set)
    void: set[tuple[str, int]] = set()
    for event in events:
        place = (event.stream, event.data.get("step", ""))
        if event.type in _SHEETS:
            waiting[place].add((event.stream, event.seq))
        elif event.type == SessionInvalidated.__name__:
            void |= waiting.pop(place, set())
        elif event.type == PanelClosed.__name__:
            waiting.pop(place, None)
    return void.union(*waiting.values())


def _state(events: Sequence[RecordedEvent]) -> JsonObject:
    """The state at the end, by stream: what the read side folds; grants, points, register and titles as they stand."""
    state = {row.stream: row.model_dump(mode="json") for row in fold({}, events).values()}
    others: dict[str, Any] = {}
    for event in events:
        match names.kind_of(event.stream):
            case "authority":
                others[event.stream] = fold_authority(others.get(event.stream, authority.initial), event)
            case "person":
                others[event.stream] = fold_person(others.get(event.stream, person.initial), event)
            case "points":
                others[event.stream] = fold_points(others.get(event.stream, points.initial), event)
            case "register":
                others[event.stream] = fold_register(others.get(event.stream, register.initial), event)
            case "title":
                others[event.stream] = fold_title(others.get(event.stream, title.initial), event)
            case _:
                pass
    return dict(sorted((state | {stream: jsonable(folded) for stream, folded in others.items()}).items()))


def _story(story: list[JsonObject], desk: Desk) -> Any:
    columns = (
        desk.say("位置", "position"),
        desk.say("届内时间", "cycle time"),
        desk.say("记录时间", "recorded"),
        desk.say("记录", "what"),
        desk.say("流", "stream"),
        desk.say("办理人", "actor"),
        desk.say("角色", "role"),
        desk.say("单位", "unit"),
        desk.say("规则", "rules"),
        desk.say("理由", "reason"),
    )
    rows = [
        (
            one["position"] or "·",
            one["at"][:19],
            one["recorded"][:19],
            event_words(one["type"], desk.language),
            f"{one['stream']}@{one['seq']}",
            one["actor"]["id"]
            + (f" ← {one['actor']['on_behalf_of']}" if one["actor"]["on_behalf_of"] else ""),
            one["actor"]["role"],
            one["actor"]["unit"],
            one["rules"][:8],
            one["reason"],
        )
        for one in story
    ]
    return table(columns, rows)
