"""`audit replay`: the story of a stream or a cycle and its state, and every decision of the log taken again.

It needs Postgres and nothing else, by the auditor's login where there is one: no Temporal, no worker, no vault.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, NamedTuple

from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.pretty import Pretty
from rich.text import Text

from activities.folding import fold_authority, fold_person, fold_points, fold_register, fold_title
from activities.retaking import Retaker, Taken, Tally, differs
from cli.audit.reading import DIGITS_MAX, in_order, joined, young
from cli.desk import AtDesk, Desk, command, instant_of
from cli.output import INTEGRITY, OK, Outcome, in_beijing, jsonable, table
from cli.words import event_words, role_words
from domain import authority, person, points, register, title
from domain.audit.compared import Difference
from domain.audit.sealing import MARKS_RULE, OBJECTOR_RULE, SEALED, Place, sealed_of
from projections.standing import fold
from schemas import names
from schemas.commands import OBJECTOR_ROLE
from schemas.errors import Refused, Unavailable
from schemas.events import CycleOpened, read
from schemas.ledger import Actor, JsonObject, RecordedEvent
from schemas.sealed import opened
from schemas.values import format_instant
from store.contract import EventStore

_REASON_KEYS = ("reason", "code", "detail", "ground")


@dataclass
class Heard:
    """What was read of the log: the events that were asked for, and what became of the decisions."""

    events: list[RecordedEvent] = field(default_factory=list)
    tally: Tally = field(default_factory=Tally)


@dataclass(frozen=True)
class Moment:
    """Where a look back stands: the last position that was known, and the instant up to which it is asked what was true."""

    position: int
    at: datetime


@command(
    "audit replay",
    zh="复现：从日志、固定的办法和日历把每一个决定重新作出（资格、评分、到会、计票、入选、递补、公示等），与记录逐项比对；"
    "不符则退出码 6 并指明记录；先于发生即已记录等不可能的时间一并列出，退出码亦为 6。给出届次或流时，另按顺序列出经过与最终状态；未结束评审的评分不显示。"
    "--as-of：某一位置或时刻，既说当时已知的（先于该位置、或该时刻已记录），也说当时实际的（届内时间不晚于该时刻，含后来才记录的）。"
    "无须 Temporal，不写任何东西。",
    en="Take every decision of the log again from events, pinned programme and pinned calendar alone (eligibility, "
    "scores, quorum, tally, selection, substitution, publicity and the rest) and hold it against what was recorded; "
    "exit code 6 names the first event that differs. Times that cannot be, of what was written before it happened, are "
    "listed, with exit code 6 too. Of a cycle or a stream it also tells the story in order and the "
    "state at the end; what judges wrote is left out until their panel has closed. --as-of a position or an instant: "
    "both what was known then (up to that position, or recorded by that instant) and what was true then (of cycle time "
    "up to that instant, also if it was recorded later). Needs no Temporal, writes nothing.",
    example="audit replay sichuan-craftsman.1",
)
async def replay(
    what: Annotated[
        str,
        Parameter(help="届次编号或流；不写则整本日志 · a cycle's id or a stream; the whole log if left out"),
    ] = "",
    *,
    as_of: Annotated[
        str, Parameter(help="位置（如 1200）或时刻 · a position such as 1200, or an instant")
    ] = "",
    state_only: Annotated[bool, Parameter(help="只列状态，不列经过 · the state without the story")] = False,
    story_only: Annotated[
        bool, Parameter(help="只列经过与状态，不重作决定 · tell only, take no decision again")
    ] = False,
    desk: AtDesk,
) -> Outcome:
    store = await desk.store()
    moment = await _moment(store, as_of) if as_of else None
    heard = await _heard(store, what, moment.position if moment else None, retake=not story_only)
    looking_back = await _looking_back(store, what, moment, heard.events) if moment else None
    if what and not heard.events and not (looking_back and looking_back["true"]["events"]):
        raise Refused("NOT_FOUND", what=what)
    sealed = sealed_of(heard.events)
    story = [] if state_only else [_told(event, sealed) for event in heard.events]
    rehearsal = bool(what) and await _is_rehearsal(store, what)
    said: JsonObject = {"what": what, "rehearsal": rehearsal, "events": len(heard.events), "story": story}
    said["state"] = _state(heard.events)
    said["retaken"] = None if story_only else _retaken(heard.tally)
    if looking_back:
        said["as_of"] = looking_back
    return Outcome(INTEGRITY if heard.tally.untimely else OK, json=said, shown=_shown(said, desk))


# ---- reading ----


async def _heard(store: EventStore, what: str, last: int | None, *, retake: bool) -> Heard:
    """One walk through the log: decisions taken again as they come; Integrity DECISION_DIFFERS at the first that differs."""
    heard, concerns = Heard(), _concerns(what)
    waiting = await young(store, concerns) if last is None and what else ()
    if retake:
        async for taken in Retaker(store).run(in_order(store, last)):
            if taken.difference is not None:
                raise differs(taken.difference)
            heard.tally.add(taken)
            heard.events += [event for event in taken.events if concerns(event.stream)]
    elif "/" not in what:
        async for events in in_order(store, last):
            heard.events += [event for event in events if concerns(event.stream)]
    else:
        placed = await _placed(store, await store.load(what))
        heard.events += [one for one in placed if last is None or (one.position or last + 1) <= last]
    heard.events = list(joined(heard.events, waiting))
    return heard


def _concerns(what: str) -> Callable[[str], bool]:
    """Whether a stream is asked for: one stream, a cycle's, or (of the whole log) none to tell about."""
    if "/" in what:
        return lambda stream: stream == what
    return lambda stream: bool(what) and names.cycle_of(stream) == what


async def _placed(store: EventStore, events: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    """The events of one stream with their places; the first that has none is waited for, and none after it has one."""
    placed: list[RecordedEvent] = []
    for event in events:
        try:
            position = await store.wait_sequenced(event.stream, event.seq, timeout_seconds=1)
        except Unavailable:  # too young for the global order, or the sequencer is down: the events are there
            break
        placed.append(event.model_copy(update={"position": position}))
    return [*placed, *events[len(placed) :]]


async def _is_rehearsal(store: EventStore, what: str) -> bool:
    """Whether this cycle, or the one that this stream belongs to, ran at another pace than reality."""
    opening = await store.load(names.cycle_stream(names.cycle_of(what) if "/" in what else what))
    opened = read(opening[0]) if opening else None
    return isinstance(opened, CycleOpened) and opened.pace.rehearsal


# ---- looking back ----


async def _moment(store: EventStore, written: str) -> Moment:
    """The place in the log that `--as-of` names: 0 for an instant at which nothing was recorded yet.

    Refused NOT_FOUND for a position before the first event or after the last.
    """
    if written.isascii() and written.isdigit():
        position = int(written)
        there = await store.read_all(position - 1, 1) if position and len(written) <= DIGITS_MAX else ()
        if not there:
            raise Refused("NOT_FOUND", what=written)
        return Moment(await _whole(store, there[0]), there[0].at)
    at, position = instant_of(written), 0
    async for events in in_order(store):
        position = max([position, *(event.position or 0 for event in events if event.recorded <= at)])
    return Moment(position, at)


async def _whole(store: EventStore, event: RecordedEvent) -> int:
    """The position of the last event that this one's command wrote with it: an append is known whole or not at all."""
    assert event.position is not None
    position = event.position
    while following := await store.read_all(position, 1):
        if (following[0].stream, following[0].command_id) != (event.stream, event.command_id):
            break
        position += 1
    return position


async def _looking_back(
    store: EventStore, what: str, moment: Moment, known: list[RecordedEvent]
) -> JsonObject:
    """What was true by then, of all that is known today, beside what was known then."""
    today = await _heard(store, what, None, retake=False) if what else Heard()
    true = _true_by(moment.at, today.events)
    then = {(event.stream, event.seq) for event in known}
    later = [event for event in true if (event.stream, event.seq) not in then]
    sealed = sealed_of(today.events)
    return {
        "position": moment.position,
        "at": format_instant(moment.at),
        "known": {"events": len(known), "state": _state(known)},
        "true": {"events": len(true), "state": _state(true)},
        "learnt_later": [_told(event, sealed) for event in later],
    }


def _true_by(at: datetime, events: Sequence[RecordedEvent]) -> list[RecordedEvent]:
    """Each stream up to its last event that had happened by then."""
    last = {event.stream: event.seq for event in events if event.at <= at}
    return [event for event in events if event.seq <= last.get(event.stream, 0)]


# ---- the story ----


def _told(event: RecordedEvent, sealed: Mapping[Place, str]) -> JsonObject:
    """One line of the story, whole; open panels' marks stay sealed (DR-14), and who objects always (DR-29)."""
    data, actor = event.data, event.actor
    rule = sealed.get(Place(event.stream, event.seq))
    if rule == MARKS_RULE:
        data = data | {"marks": SEALED}
    if rule == OBJECTOR_RULE:
        data, actor = data | {"entry": SEALED}, Actor(id=SEALED, role=OBJECTOR_ROLE)
    return {
        "position": event.position,
        "stream": event.stream,
        "seq": event.seq,
        "type": event.type,
        "at": format_instant(event.at),
        "recorded": format_instant(event.recorded),
        "actor": actor.model_dump(),
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


class _Other(NamedTuple):
    """How a stream that the read side does not fold is folded."""

    fold: Callable[[Any, RecordedEvent], Any]
    initial: Any


_OTHERS = {
    "authority": _Other(fold_authority, authority.initial),
    "person": _Other(fold_person, person.initial),
    "points": _Other(fold_points, points.initial),
    "register": _Other(fold_register, register.initial),
    "title": _Other(fold_title, title.initial),
}


def _state(events: Sequence[RecordedEvent]) -> JsonObject:
    """The state at the end, by stream: what the read side folds; grants, points, register and titles as they stand."""
    state = {row.stream: row.model_dump(mode="json") for row in fold({}, events).values()}
    others: dict[str, Any] = {}
    for event in events:
        if other := _OTHERS.get(names.kind_of(event.stream)):
            others[event.stream] = other.fold(others.get(event.stream, other.initial), event)
    return dict(sorted((state | {stream: jsonable(folded) for stream, folded in others.items()}).items()))


def _story(story: list[JsonObject], desk: Desk) -> Any:
    columns = (
        desk.say("位置", "position"),
        desk.say("届内时间（北京时间）", "cycle time (Beijing)"),
        desk.say("记录时间（北京时间）", "recorded (Beijing)"),
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
            in_beijing(one["at"])[:19],
            in_beijing(one["recorded"])[:19],
            event_words(one["type"], desk.language),
            f"{one['stream']}@{one['seq']}",
            one["actor"]["id"]
            + (f" ← {one['actor']['on_behalf_of']}" if one["actor"]["on_behalf_of"] else ""),
            role_words(one["actor"]["role"], desk.language),
            one["actor"]["unit"],
            one["rules"][:8],
            one["reason"],
        )
        for one in story
    ]
    return table(columns, rows)


# ---- what is shown ----


def _retaken(tally: Tally) -> JsonObject:
    return {
        "decisions": tally.retaken.total(),
        "differ": 0,
        "events": tally.events,
        "kinds": dict(sorted(tally.retaken.items())),
        "results": dict(sorted(tally.results.items())),
        "only_folded": dict(sorted(tally.folded.items())),
        "untimely": tally.untimely,
        "first_untimely": [_untimely(one) for one in tally.first_untimely],
        "longest": _longest(tally.longest),
    }


def _untimely(apart: Difference) -> JsonObject:
    return _place(apart.event) | {"recorded": apart.recorded, "possible": apart.retaken}


def _longest(taken: Taken | None) -> JsonObject | None:
    """What was written the longest after it had happened, in real seconds."""
    return taken and _place(taken.events[0]) | {"seconds": round(taken.waited.total_seconds())}


def _place(event: RecordedEvent) -> JsonObject:
    return {"position": event.position, "stream": event.stream, "seq": event.seq, "type": event.type}


def _shown(said: JsonObject, desk: Desk) -> RenderableType:
    parts: list[Any] = []
    if said["rehearsal"]:
        mark = ("【演练】届内时间快于实际时间", "REHEARSAL: cycle time ran faster than real time")
        parts.append(desk.say(*mark))
    if said["story"]:
        parts.append(_story(said["story"], desk))
    if said["what"]:
        parts.append(Pretty(in_beijing(said["state"])))
    if "as_of" in said:
        parts += _shown_looking_back(said["as_of"], desk)
    if said["retaken"]:
        parts += _shown_retaken(said["retaken"], desk)
    return Group(*parts)


def _shown_retaken(retaken: JsonObject, desk: Desk) -> list[RenderableType]:
    """How many decisions were taken again, what they gave, and what was only folded."""
    columns = (desk.say("重新作出的结果", "given again"), "")
    rows = [(event_words(kind, desk.language), count) for kind, count in retaken["results"].items()]
    folded = retaken["only_folded"]
    lines: list[RenderableType] = [table(columns, rows)]
    if folded:
        said = ", ".join(f"{event_words(kind, desk.language)} {count}" for kind, count in folded.items())
        zh = f"仅折叠、未能重作（记录不足以还原请求）：{said}"
        lines.append(Text(desk.say(zh, f"only folded, as events do not tell what was asked: {said}")))
    lines += _shown_times(retaken, desk)
    n, events = retaken["decisions"], retaken["events"]
    zh = f"重新作出 {n} 个决定（{events} 条记录），0 个不符"
    lines.append(Text(desk.say(zh, f"{n} decisions retaken ({events} events), 0 differ")))
    return lines


def _shown_times(retaken: JsonObject, desk: Desk) -> list[RenderableType]:
    """The times that cannot be, and the event that was on its way longest."""
    lines: list[RenderableType] = []
    if retaken["untimely"]:
        zh = f"{retaken['untimely']} 个命令的时间不可能（先于发生即已记录，或记录时钟倒退）"
        en = f"{retaken['untimely']} commands with times that cannot be (written before they happened, or by a clock gone back)"
        columns = (
            desk.say(zh, en),
            desk.say("记录", "what"),
            desk.say("所记", "recorded"),
            desk.say("可能", "possible"),
        )
        rows = [
            (
                f"{one['stream']}@{one['seq']}",
                event_words(one["type"], desk.language),
                in_beijing(one["recorded"]),
                in_beijing(one["possible"]),
            )
            for one in retaken["first_untimely"]
        ]
        lines.append(table(columns, rows))
    if longest := retaken["longest"]:
        place, seconds = f"{longest['stream']}@{longest['seq']}", longest["seconds"]
        zh = f"发生至记录最长 {seconds} 秒（{place}）"
        lines.append(
            Text(desk.say(zh, f"at most {seconds} seconds from happening to being recorded ({place})"))
        )
    return lines


def _shown_looking_back(as_of: JsonObject, desk: Desk) -> list[RenderableType]:
    """What was true then where that is not what was known."""
    position, at = as_of["position"], in_beijing(as_of["at"])
    zh = f"以上为位置 {position} 时已知的；至 {at} 实际如下"
    en = f"above: what was known at position {position}; what was true at {at}:"
    if as_of["known"]["state"] == as_of["true"]["state"]:
        return [Text(desk.say(zh + "：相同", en + " the same"))]
    later = [_story(as_of["learnt_later"], desk)] if as_of["learnt_later"] else []
    heading = desk.say("后来才记录的：", "learnt later:") if later else ""
    return [Text(desk.say(zh, en)), Pretty(in_beijing(as_of["true"]["state"])), Text(heading), *later]
