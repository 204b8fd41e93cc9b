"""`audit timeline`: the tree of rounds as it stood at a moment and who did what, on the terminal or as one HTML file."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from cli.audit.past import is_rehearsal, past_of
from cli.desk import AtDesk, Cycle, Desk, command, instant_of
from cli.office.files import put
from cli.output import Outcome, clock, jsonable
from cli.words import EVENT_WORDS, beside, event_words, hold_words, rank_words, role_words, step_words
from domain.audit.past import Past
from domain.audit.timeline import Act, Change, Node, Stands, Timeline, at_moment, timeline
from runtime.settings import Language
from schemas.commands import ENGINE
from schemas.events import CycleOpened
from schemas.ledger import JsonObject
from schemas.programme import Programme
from schemas.units import UnitTree
from schemas.words import RANK_WORDS, STEP_WORDS

ACTS_MAX = 20_000
"""Of a longer log the page leaves the acts on single nominations out: it stays a file that a browser opens at once."""
_FEW_PEOPLE = 3
_SHOWN = 12
STANDS_WORDS: dict[str, tuple[str, str]] = {
    Stands.GATHERING: ("等候下级", "waiting for those below"),
    Stands.FROZEN: ("名单已锁定", "pool frozen"),
    Stands.STEP: ("进行中", "in a step"),
    Stands.HELD: ("暂缓待人", "held for a person"),
    Stands.PAUSED: ("暂停", "paused"),
    Stands.REPORTED: ("已上报", "reported"),
    Stands.LAPSED: ("失效", "lapsed"),
}
_COLOURS = {
    Stands.GATHERING: "dim",
    Stands.FROZEN: "cyan",
    Stands.STEP: "cyan",
    Stands.HELD: "bold yellow",
    Stands.PAUSED: "bold yellow",
    Stands.REPORTED: "green",
    Stands.LAPSED: "red",
}


@command(
    "audit timeline",
    zh="看得懂的经过：评审轮之树、各轮状态、谁办了什么；--as-of 看某位置或时刻，--html 写成一个自足的网页，"
    "可拖动看任一时刻。不含姓名、理由与评分。",
    en="The story in time: the tree of rounds, how each stands, who did what; --as-of a position or instant; --html "
    "writes one self-contained page with a slider over every moment. No names, reasons or marks in it.",
    example="audit timeline sichuan-craftsman.1 --html timeline.html",
)
async def story(
    cycle: Cycle,
    *,
    html: Annotated[
        Path | None,
        Parameter(help="写成网页的文件，不得已存在 · the HTML file to write; it must not be there yet"),
    ] = None,
    as_of: Annotated[
        str,
        Parameter(help="日志位置或届内时刻，未写时区为北京时间 · a log position or an instant of cycle time"),
    ] = "",
    depth: Annotated[int, Parameter(help="终端上树的层数 · levels of the tree on the terminal")] = 3,
    desk: AtDesk,
) -> Outcome:
    past = await past_of(desk, cycle)
    told = timeline(past, ACTS_MAX)
    moment = _moment(past, as_of)
    opened = next(event for event in past.typed if isinstance(event, CycleOpened))
    said = _summary(told, past, moment) | {
        "title": opened.title.model_dump(),
        "rehearsal": is_rehearsal(past),
    }
    if html is not None:
        put([(html, page(told, past, moment, desk.language).encode())], desk)
        said["html"] = str(html)
        written = desk.say(f"已写入 {html}", f"written to {html}")
        left_out = desk.say(
            "（日志较大：单项申报的办理未列入）", " (a large log: acts on single nominations are left out)"
        )
        return Outcome(json=said, shown=Text(written + ("" if told.whole else left_out)))
    head = Text(desk.say(opened.title.zh, opened.title.en) + f" · {cycle}", style="bold")
    return Outcome(json=said, shown=Group(head, *_terminal(told, past, moment, depth, desk)))


def _moment(past: Past, as_of: str) -> int:
    """The last event at or before a position, or an instant of cycle time; the last of all by default."""
    if not as_of:
        return past.end - 1
    if as_of.isdecimal():
        inside = (n for n, event in enumerate(past.events) if event.position and event.position <= int(as_of))
    else:
        instant = instant_of(as_of)
        inside = (n for n, event in enumerate(past.events) if event.at <= instant)
    return max(inside, default=0)


def _summary(told: Timeline, past: Past, moment: int) -> JsonObject:
    standing = at_moment(told.changes, moment)
    return {
        "cycle": told.cycle,
        "events": len(past.events),
        "moment": {"position": past.events[moment].position, "at": jsonable(past.events[moment].at)},
        "rounds": [
            jsonable(node) | jsonable(standing[node.round]) for node in told.nodes if node.round in standing
        ],
        "acts": [jsonable(act) for act in told.acts if act.moment <= moment],
        "whole": told.whole,
    }


# ---- the terminal ----


def _terminal(told: Timeline, past: Past, moment: int, depth: int, desk: Desk) -> Iterator[RenderableType]:
    event = past.events[moment]
    when = clock(event.at)
    yield Text(
        desk.say(
            f"截至北京时间 {when}，日志位置 {event.position}",
            f"as of {when} (Beijing), log position {event.position}",
        )
    )
    yield _Forest(told, past.tree, moment, desk).tree(depth)
    yield Text(desk.say("最近由人办的", "What people did last"), style="bold")
    here = [act for act in told.acts if act.moment <= moment and act.role != ENGINE.role]
    for act in here[-_SHOWN:]:
        yield Text("  " + _act(act, past.tree, desk))


class _Forest:
    """The rounds at a moment, with who did what in each."""

    def __init__(self, told: Timeline, tree: UnitTree, moment: int, desk: Desk) -> None:
        self._tree, self._desk = tree, desk
        self._standing = at_moment(told.changes, moment)
        self._below: defaultdict[str, list[Node]] = defaultdict(list)
        for node in told.nodes:
            if node.round in self._standing:
                self._below[node.parent].append(node)
        self._acts: defaultdict[str, list[Act]] = defaultdict(list)
        for act in told.acts:
            if act.moment <= moment and act.role != ENGINE.role:
                self._acts[act.round].append(act)

    def tree(self, depth: int) -> Tree:
        made = Tree("", hide_root=True, guide_style="dim")
        for root in self._below[""]:
            self._grow(made, root, depth)
        return made

    def _grow(self, onto: Tree, node: Node, depth: int) -> None:
        branch = onto.add(self._line(node))
        below = self._below[node.round]
        if depth > 1:
            for child in sorted(below, key=lambda one: one.unit):
                self._grow(branch, child, depth - 1)
        elif below:
            branch.add(Text(self._counted(node), style="dim"))

    def _counted(self, node: Node) -> str:
        found: Counter[Stands] = Counter()
        waiting = list(self._below[node.round])
        while waiting:
            one = waiting.pop()
            found[self._standing[one.round].stands] += 1
            waiting += self._below[one.round]
        words = ", ".join(f"{self._desk.say(*STANDS_WORDS[one])} {count}" for one, count in found.items())
        return self._desk.say(f"以下 {found.total()} 轮：{words}", f"{found.total()} rounds below: {words}")

    def _line(self, node: Node) -> Text:
        change = self._standing[node.round]
        unit = self._tree.by_code[node.unit]
        line = Text(f"{unit.name}（{node.unit}） {rank_words(node.rank, self._desk.language)} ")
        line.append(_stands(change, self._desk), style=_COLOURS[change.stands])
        say = self._desk.say
        line.append(
            say(f" · 在 {change.members} 出 {change.out}", f" · {change.members} in, {change.out} out")
        )
        if change.conferred:
            line.append(say(f" · 命名 {change.conferred}", f" · {change.conferred} conferred"), style="bold")
        done = self._done(self._acts[node.round])
        if done:
            line.append(f"\n{done}", style="dim")
        return line

    def _done(self, acts: Sequence[Act]) -> str:
        """`j-1, j-2: score sheet handed in 2`, by what; more than a few people are only counted."""
        by_what: defaultdict[str, list[str]] = defaultdict(list)
        for act in acts:
            by_what[act.what].append(act.by)
        return "; ".join(
            f"{event_words(what, self._desk.language)} {self._people(by)}" for what, by in by_what.items()
        )

    def _people(self, by: Sequence[str]) -> str:
        people = list(dict.fromkeys(by))
        named = (
            ", ".join(people)
            if len(people) <= _FEW_PEOPLE
            else self._desk.say(f"{len(people)} 人", f"{len(people)} people")
        )
        return f"{named} ×{len(by)}" if len(by) > len(people) else named


def _stands(change: Change, desk: Desk) -> str:
    if change.stands is Stands.STEP:
        return step_words(change.kind, desk.language)
    words = desk.say(*STANDS_WORDS[change.stands])
    return f"{words} {hold_words(change.held, desk.language)}" if change.held else words


def _act(act: Act, tree: UnitTree, desk: Desk) -> str:
    unit = tree.by_code.get(act.round.rsplit("/", 1)[-1]) if act.round else None
    where = " · ".join(part for part in (unit.name if unit else "", act.step, act.nomination) if part)
    when = clock(act.at)[5:]
    by = beside(act.by, role_words(act.role, desk.language), desk.language)
    return f"@{act.position or '·'} {when} {event_words(act.what, desk.language)} {by} {where}"


# ---- the page ----


def page(told: Timeline, past: Past, moment: int, language: Language) -> str:
    """One HTML file that needs nothing else: the template with the story in it as JSON."""
    template = files("cli.audit").joinpath("timeline.html").read_text("utf-8")
    story = json.dumps(_story(told, past, moment, language), ensure_ascii=False, separators=(",", ":"))
    return template.replace("__STORY__", story.replace("<", "\\u003c"))


def _story(told: Timeline, past: Past, moment: int, language: Language) -> JsonObject:
    """Rows of numbers and indices, so that ten thousand events stay under a megabyte."""
    opened = next(event for event in past.typed if isinstance(event, CycleOpened))
    begins = past.events[0].at
    nodes = {node.round: number for number, node in enumerate(told.nodes)}
    actors: dict[tuple[str, str, str], int] = {}
    whats: dict[str, int] = {}
    acts = [
        [
            act.moment,
            nodes.get(act.round, -1),
            whats.setdefault(act.what, len(whats)),
            actors.setdefault((act.by, act.role, act.unit), len(actors)),
            act.step,
            act.nomination,
        ]
        for act in told.acts
        if act.moment <= moment
    ]
    programme = past.programme_at(0)
    return {
        "cycle": told.cycle,
        "title": opened.title.model_dump(),
        "language": str(language),
        "rehearsal": opened.pace.rehearsal,
        "whole": told.whole,
        "begins": int(begins.timestamp()),
        "times": [int((event.at - begins).total_seconds()) for event in past.events[: moment + 1]],
        "positions": [event.position or 0 for event in past.events[: moment + 1]],
        "nodes": [_node(node, nodes, past.tree) for node in told.nodes],
        "changes": [_change(change, nodes) for change in told.changes if change.moment <= moment],
        "acts": acts,
        "actors": [list(actor) for actor in actors],
        "whats": list(whats),
        "words": _words(whats, programme),
    }


def _node(node: Node, nodes: dict[str, int], tree: UnitTree) -> list[Any]:
    return [node.unit, tree.by_code[node.unit].name, node.rank, node.route, nodes.get(node.parent, -1)]


def _change(change: Change, nodes: dict[str, int]) -> list[Any]:
    return [
        change.moment,
        nodes[change.round],
        list(Stands).index(change.stands),
        change.kind,
        change.held,
        change.members,
        change.out,
        change.conferred,
    ]


def _words(whats: dict[str, int], programme: Programme) -> JsonObject:
    ranks = dict.fromkeys(str(rank) for route in programme.routes for rank in reversed(route.ranks))
    return {
        "whats": [list(EVENT_WORDS.get(what, (what, what))) for what in whats],
        "stands": [[str(one), *STANDS_WORDS[one]] for one in Stands],
        "steps": {kind: list(words) for kind, words in STEP_WORDS.items()},
        "ranks": {rank: list(RANK_WORDS.get(rank, (rank, rank))) for rank in ranks},
    }
