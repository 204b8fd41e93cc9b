"""`audit compare`: what Temporal's histories show is in the log, and each event in the log has what made it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Annotated

from cyclopts import Parameter
from rich.console import Group, RenderableType

from cli.audit.histories import archive
from cli.desk import AtDesk, Desk, command
from cli.output import INTEGRITY, OK, Outcome, table
from runtime.comparing import WITH_WORKFLOW, Compared, Comparison, Logged, Origin
from runtime.histories import all_runs
from runtime.payloads import data_converter
from runtime.temporal import connect
from schemas import names
from schemas.errors import Refused
from store.contract import EventStore

_SETTLES = timedelta(seconds=60)
_STREAMS_AT_ONCE = 200
_ORIGINS = {
    Origin.RECEIPT: ("历史中有其回执", "their receipts stand in a history"),
    Origin.COMMAND: ("历史中有其命令", "their commands stand in a history"),
    Origin.FED: ("由接收上一级优胜者的活动提名", "nominated by the activity that takes winners in"),
    Origin.DIRECT: (
        "不经工作流（称号、积分、名册、首批授权）",
        "written without a workflow (titles, points, registers, first grants)",
    ),
    Origin.AFTER_END: ("工作流已结束，由日志裁定", "decided from the log, their workflow had ended"),
    Origin.YOUNG: ("不足一分钟，尚在途中", "younger than a minute: their histories may not have them yet"),
}
_FINDINGS = {
    "missing": ("历史中有，日志中无", "a history shows it, the log has nothing there"),
    "differs": ("日志中该处为另一记录", "the log has another event there"),
    "no_command": ("没有产生它的命令", "no history holds a command that made it"),
    "no_history": ("其工作流没有任何历史", "there is no history of its workflow"),
}


@command(
    "audit compare",
    zh="Temporal 历史与日志互查：历史中的每条写入都在日志中且散列相同；日志中的每条记录都有产生它的命令。"
    "不符则列出并以退出码 6 结束。",
    en="Hold Temporal's histories, archived and live, against the log: each append that a history shows is in the log "
    "with the same hash, each event in the log has the command that made it. Exit code 6 with what does not agree.",
    example="audit compare --cycle sichuan-craftsman.1",
)
async def compare(
    *,
    cycle: Annotated[str, Parameter(help="只查一届 · one cycle alone")] = "",
    archived: Annotated[
        bool, Parameter(help="只用存档，不连 Temporal · the archive alone, without Temporal")
    ] = False,
    desk: AtDesk,
) -> Outcome:
    store, began = await desk.store(), datetime.now(UTC)
    client = None if archived else await connect(desk.settings, patience_seconds=10)
    comparison = Comparison(data_converter(desk.settings.payload_key_ring()))
    streams = [one for one in await _streams(store, cycle) if names.kind_of(one) in WITH_WORKFLOW]
    async with archive(desk) as opened:
        async for run in all_runs(opened, client, desk.settings.task_queue, cycle, streams):
            await comparison.take(run)
    # The log is read last, so that it has whatever a history shows; what is younger may still be on its way to one.
    found = await comparison.against(_log(store, cycle), settled=began - _SETTLES if client else None)
    if cycle and not (found.runs or found.events):  # a slip of the pen is no agreement
        raise Refused("NOT_FOUND", what=cycle)
    return Outcome(
        INTEGRITY if found.findings else OK,
        json={"ok": not found.findings} | found.model_dump(mode="json"),
        shown=_shown(found, desk),
    )


async def _streams(store: EventStore, cycle: str) -> list[str]:
    streams = await store.streams("")
    return [stream for stream in streams if not cycle or names.cycle_of(stream) == cycle]


async def _log(store: EventStore, cycle: str) -> AsyncIterator[Logged]:
    streams = await _streams(store, cycle)
    for first in range(0, len(streams), _STREAMS_AT_ONCE):
        loaded = await store.load_many(streams[first : first + _STREAMS_AT_ONCE])
        for event in chain.from_iterable(loaded.values()):
            yield Logged.of(event)


def _shown(found: Compared, desk: Desk) -> RenderableType:
    origins = [(found.origins.get(origin, 0), desk.say(*words)) for origin, words in _ORIGINS.items()]
    headline = desk.say(
        f"{found.runs} 份历史，{found.events} 条记录", f"{found.runs} histories, {found.events} events"
    )
    findings = [
        (desk.say(*_FINDINGS[one.what]), f"{one.stream}@{one.seq}", one.type, one.command_id, one.workflow)
        for one in found.findings
    ]
    columns = (
        "",
        desk.say("记录", "event"),
        desk.say("类型", "type"),
        "command",
        desk.say("历史", "history"),
    )
    agreed = desk.say("互查相符", "they agree")
    return Group(table(("", headline), origins), table(columns, findings) if findings else agreed)
