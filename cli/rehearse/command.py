"""`programme rehearse`: what it was asked for, the servers that it needs, and what it says at the end."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import Group
from rich.text import Text

from cli import cycle
from cli.audit import verify
from cli.desk import AtDesk, Desk, command
from cli.output import Outcome
from cli.rehearse.conductor import BEGINS, Conductor
from cli.rehearse.family import Turn, find, turns
from cli.rehearse.party import Party, invent
from cli.rehearse.stage import Stage
from cli.words import cycle_words, out_words
from projections.queries import Queries
from runtime.door import Door, system_clock
from runtime.logging import configure_logging
from runtime.settings import Login
from runtime.temporal import worker_there
from schemas import names
from schemas.events import KEPT_OUT
from schemas.ledger import JsonObject
from store.memory import MemoryEventStore

if TYPE_CHECKING:
    from runtime.stack import Stack

SETTLE_SECONDS = 120
SECONDS_A_DAY = 86_400


@command(
    "programme rehearse",
    zh="演练评选办法：在自带的服务上由虚构人员把一届跑到底，并说明经过。--in-memory 不用服务，数秒即完。",
    en="Rehearse a programme: invented people run a cycle to its end on servers of its own, and it says what happened. "
    "--in-memory needs no servers and takes seconds.",
    example="programme rehearse weifang-craftsman --units 12 --nominations 60",
)
async def rehearse(
    programme: Annotated[str, Parameter(help="目录名、ID@届或文件 · a folder's name, ID@EDITION or a file")],
    *,
    units: Annotated[
        int,
        Parameter(help="每种入口的单位数 · entering units of each kind", validator=Number(gte=1, lte=10_000)),
    ] = 8,
    nominations: Annotated[
        int, Parameter(help="申报数 · nominations", validator=Number(gte=1, lte=50_000))
    ] = 40,
    pace: Annotated[
        float,
        Parameter(help="届内一天走几秒 · seconds a cycle day takes", validator=Number(gte=0.05, lte=86_400)),
    ] = 0.4,
    seed: Annotated[int, Parameter(help="随机种子 · the seed of everything invented")] = 1,
    in_memory: Annotated[bool, Parameter(help="不启动服务 · without servers")] = False,
    desk: AtDesk,
    as_json: Annotated[bool, Parameter(parse=False)],
) -> Outcome:
    line = [
        Part(turn, invent(turn.opened.programme, turn.opened.units, units, nominations, seed))
        for turn in turns(find(programme), BEGINS)
    ]
    if in_memory:
        return await _in_memory(line, desk)
    from runtime.stack import embedded_stack  # noqa: PLC0415 -- at its head, every command would start later

    speed = max(1, int(SECONDS_A_DAY / Fraction(str(pace))))
    settings = desk.settings.model_copy(update={"language": desk.language, "log_level": "WARNING"})
    configure_logging(settings)
    async with embedded_stack(settings, ephemeral=True) as servers:
        return await _on_servers(servers, line, speed, desk, quiet=as_json)


class Part(NamedTuple):
    """One cycle of a rehearsal, and who plays in it; the last one is that which was asked for."""

    turn: Turn
    party: Party


async def _in_memory(line: list[Part], desk: Desk) -> Outcome:
    store = MemoryEventStore()
    for turn, party in line:
        conductor = Conductor(store, party, turn.period)
        state = await conductor.run()
    ends: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for nomination in conductor.people:
        told = await conductor.decider.nominations.get(names.nomination_stream(conductor.cycle, nomination))
        ends[told.state.status] += 1
        left.update([_why(told.state.reason)] if told.state.gone else [])
    said = _said(line) | {
        "cycle": conductor.cycle,
        "status": state.status,
        "nominations": len(conductor.people),
        "conferred": ends["conferred"],
        "recommended": ends["recommended"],
        "titles": state.conferred,
        "ends": dict(ends),
        "left": dict(left.most_common()),
    }
    return Outcome(json=said, shown=Text("\n".join([_sentence(said, desk), *_leaving(said["left"], desk)])))


def _why(reason: str) -> str:
    """The code of a reason, with the predicates that failed or the rules that kept somebody out, without places and seats."""
    code, rules = reason.partition(":")[0], reason.partition(KEPT_OUT)[2]
    if rules and code == "NOT_SELECTED":
        return f"{code}{KEPT_OUT}{rules}"
    return reason if code in ("INELIGIBLE", "NOT_COMPLETED") else code


def _leaving(left: Mapping[str, int], desk: Desk) -> Iterator[str]:
    """Why the others left, most first: with a definition that names nobody, this is where to look."""
    for reason, count in left.items():
        detail = reason.partition(":")[2].strip()
        words = out_words(reason, desk.language) + (f" ({detail})" if detail else "")
        yield desk.say(f"  {count} 个：{words}", f"  {count}: {words}")


async def _on_servers(servers: Stack, line: list[Part], speed: int, desk: Desk, *, quiet: bool) -> Outcome:
    began = system_clock()
    worker = await servers.start_worker()
    async with AsyncExitStack() as exits:
        door = await exits.enter_async_context(Door.open(servers.settings))
        assert door.client is not None
        await worker_there(door.client, servers.settings.task_queue)
        for turn, party in line:
            stage = Stage(door, party, turn.file, speed, turn.period)
            if not quiet:
                stage.say = _progress(desk)
            await stage.run(servers.places.data)
        await _settle(servers, door)
        at_desk = Desk(servers.settings, desk.language, exits, shared=door)
        status = await cycle.status(stage.cycle, desk=at_desk)
        result = await cycle.result(stage.cycle, desk=at_desk)
        verified = await verify.verify(desk=at_desk)
    said = _said(line) | {
        "cycle": stage.cycle,
        "status": status.json["status"],
        "nominations": len(stage.people),
        "conferred": sum(level["conferred"] for level in status.json["levels"]),
        "recommended": status.json["nominations"].get("recommended", 0),
        "titles": status.json["conferred"],
        "levels": status.json["levels"],
        "final": result.json,
        "late": stage.late,
        "acts": stage.acts,
        "seconds": int((system_clock() - began).total_seconds()),
        "worker_mb": worker.memory_mb(),
        "log": verified.json,
    }
    parts = (status.shown, result.shown, verified.shown, Text(_sentence(said, desk)))
    return Outcome(json=said, shown=Group(*parts))


async def _settle(servers: Stack, door: Door) -> None:
    """Every nomination has been told its end, and the views have everything that is written."""
    async with asyncio.timeout(SETTLE_SECONDS):
        while await door.store.undelivered(limit=1) or await door.store.overdue(system_clock()):  # noqa: ASYNC110 -- of a table
            await asyncio.sleep(0.3)
        async with Queries(door.store, servers.settings.dsn(Login.APP)) as queries:
            await queries.wait_for(await door.store.last_position(), SETTLE_SECONDS)


def _progress(desk: Desk) -> Any:
    """A line on stderr that is written over on a terminal, and only now and then elsewhere."""
    last = [0]

    def say(nominations: int, acts: int, over: int) -> None:
        if not sys.stderr.isatty() and acts < last[0] + 500:
            return
        last[0] = acts
        line = desk.say(
            f"演练：申报 {nominations}，办理 {acts}，已上报 {over} 轮",
            f"rehearsal: {nominations} nominations, {acts} acts, {over} rounds over",
        )
        sys.stderr.write(f"\r{line} " if sys.stderr.isatty() else f"{line}\n")
        sys.stderr.flush()

    return say


def _said(line: list[Part]) -> JsonObject:
    """Of the last of the line; `before` are the cycles that fed it."""
    *before, (turn, party) = line
    opened = turn.opened
    return {
        "rehearsal": True,
        "programme": f"{opened.programme.programme}@{opened.programme.edition}",
        "title": opened.programme.title.model_dump(),
        "rules": opened.hash,
        "assumptions": len(opened.programme.assumptions),
        "before": [f"{one.turn.opened.programme.programme} {one.turn.period}".strip() for one in before],
        "units_in_play": dict(Counter(str(unit.rank) for unit in party.in_play)),
    }


def _sentence(said: JsonObject, desk: Desk) -> str:
    """One subject may be given several titles, so both are counted."""
    status, before = cycle_words(said["status"], desk.language), ", ".join(said["before"])
    zh = f"演练 {said['cycle']}（{said['title']['zh']}）：申报 {said['nominations']}，{said['conferred']} 个对象获 {said['titles']} 个称号，{status}。假设 {said['assumptions']} 处。"
    en = f"Rehearsal {said['cycle']} ({said['title']['en']}): {said['nominations']} nominations, {said['titles']} titles to {said['conferred']}, {status}. {said['assumptions']} assumption(s)."
    if said["recommended"]:
        zh, en = (
            f"{zh}推荐上报 {said['recommended']} 个。",
            f"{en} Recommended upward: {said['recommended']}.",
        )
    if late := said.get("late"):
        zh = f"{zh}截止后才到的申报 {late} 件：--pace 大些，一天便长些。"
        en = f"{en} Came after the intake had closed: {late}; with a larger --pace a day lasts longer."
    if before:
        zh, en = f"{zh}此前已演练：{before}。", f"{en} Rehearsed before it: {before}."
    return desk.say(zh, en)
