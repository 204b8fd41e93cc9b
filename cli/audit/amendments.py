"""`audit amendments`: what people changed by hand while a cycle ran, on one list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.text import Text

from cli.audit.past import is_rehearsal, past_of
from cli.desk import AtDesk, Cycle, Desk, command
from cli.output import Outcome, clock, jsonable, table
from cli.words import beside, event_words, role_words, told_words
from domain.audit.amendments import Amendment, amendments
from schemas.events import DecisionTaken, PanelClosed, StepClosed
from schemas.units import UnitTree

_FEW = 3
_WORDS = {
    StepClosed.__name__: ("提前结束", "closed early"),
    PanelClosed.__name__: ("评审结果重算", "panel's result computed again"),
    DecisionTaken.__name__: ("审定时移除", "removed by the body"),
}
_STATES = {
    "open": "进行",
    "paused": "暂停",
    "frozen": "冻结",
    "cancelled": "取消",
    "lapsed": "失效",
    "in": "在评",
    "disqualified": "取消资格",
    "waived": "免予适用",
    "revoked": "撤销",
    "differential": "差额",
    "vacant": "空缺",
    "asked again": "重新征求",
}


@command(
    "audit amendments",
    zh="列出本届进行中人为改动的一切：延期与提前结束、更换评委、修改规则、破格与免予、取消资格、剔除选票、暂停、重开、"
    "取消、递补；含理由、授权、第二人、前后对照。评分揭晓后的延期另作标记。",
    en="All that people changed by hand while a cycle ran: deadlines, judges, rules, waivers, disqualifications, votes, "
    "pauses, reopenings, cancellations, substitutions; with reason, grant, second person, before and after. An extension "
    "after scores were seen is marked.",
    example="audit amendments sichuan-craftsman.1",
)
async def changed(
    cycle: Cycle,
    *,
    every: Annotated[
        bool, Parameter(help="逐项列出提前结束的环节 · a row for each step closed early, too")
    ] = False,
    desk: AtDesk,
) -> Outcome:
    past = await past_of(desk, cycle)
    found = amendments(past)
    after_scores = [one for one in found if one.seen]
    said = {
        "cycle": cycle,
        "rehearsal": is_rehearsal(past),
        "amendments": jsonable(found),
        "after_scores_seen": len(after_scores),
        "pending": sum(not one.done for one in found),
    }
    return Outcome(json=said, shown=Group(*_page(cycle, found, past.tree, desk, every=every)))


def _page(
    cycle: str, found: tuple[Amendment, ...], tree: UnitTree, desk: Desk, *, every: bool
) -> Iterator[RenderableType]:
    yield Text(
        desk.say(
            f"{cycle}：人为改动 {len(found)} 项（时间均为北京时间）",
            f"{cycle}: {len(found)} changes by hand; times are Beijing's",
        ),
        style="bold",
    )
    columns = (
        desk.say("位置", "position"),
        desk.say("届内时间", "cycle time"),
        desk.say("改动", "what"),
        desk.say("何处", "where"),
        desk.say("前", "before"),
        desk.say("后", "after"),
        desk.say("理由", "reason"),
        desk.say("办理人", "by"),
        desk.say("授权", "by which grant"),
    )
    told, folded = (found, {}) if every else _folded(found)
    yield table(columns, (_row(one, tree, desk) for one in told))
    for step, some in folded.items():
        first, last = some[0].position or "·", some[-1].position or "·"
        yield Text(
            desk.say(
                f"另有 {len(some)} 个 {step} 环节由人提前结束（位置 {first}–{last}；--every 逐项列出）",
                f"and {len(some)} {step} steps closed early by hand (positions {first} to {last}; --every lists them)",
            )
        )
    for one in found:
        for path, before, after in one.details:
            yield Text(f"  @{one.position or '·'} {path}: {before} → {after}")
    marked = [one for one in found if one.seen]
    if marked:
        yield Text(
            desk.say(
                f"★ {len(marked)} 项延期办理时评分已揭晓，由上级办理",
                f"★ {len(marked)} extended after scores had been seen, by a higher authority",
            ),
            style="bold yellow",
        )


def _folded(found: tuple[Amendment, ...]) -> tuple[list[Amendment], dict[str, list[Amendment]]]:
    """Steps that many units closed early are one line for each step: else nobody would find the rest."""
    early: defaultdict[str, list[Amendment]] = defaultdict(list)
    for one in found:
        if one.what == StepClosed.__name__:
            early[one.step].append(one)
    many = {step: some for step, some in early.items() if len(some) > _FEW}
    return [one for one in found if not (one.what == StepClosed.__name__ and one.step in many)], many


def _row(one: Amendment, tree: UnitTree, desk: Desk) -> tuple[str, ...]:
    mark = f"★ {', '.join(one.seen)} " if one.seen else ""
    what = desk.say(*_WORDS[one.what]) if one.what in _WORDS else event_words(one.what, desk.language)
    pending = desk.say("（已提出，待第二人）", " (proposed, not confirmed)") if not one.done else ""
    return (
        str(one.position or "·"),
        clock(one.at),
        f"{mark}{what}{pending}",
        _where(one, tree),
        _value(one.before, desk),
        _value(one.after, desk),
        told_words(one.reason, desk.language),
        beside(" + ".join(one.people), role_words(one.role, desk.language), desk.language),
        f"{one.grant}: {one.terms.role} @ {one.terms.unit}" if one.terms else one.grant,
    )


def _where(one: Amendment, tree: UnitTree) -> str:
    kind, *rest = one.stream.split("/")
    place = rest[-1] if len(rest) > 1 else ""
    unit = tree.by_code.get(place)
    shown = f"{unit.name}（{place}）" if unit else place or kind
    return f"{shown} · {one.step}" if one.step else shown


def _value(text: str, desk: Desk) -> str:
    """States in words, instants as people read them, hashes shortened, everything else as it is."""
    if text in _STATES:
        return desk.say(_STATES[text], text)
    if len(text) == 64 and all(one in "0123456789abcdef" for one in text):
        return text[:12]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return clock(moment) if moment.tzinfo else text
