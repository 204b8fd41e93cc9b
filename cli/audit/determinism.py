"""`audit determinism`: the code that runs today, given every history again, asks for the same; and the archive by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, NamedTuple

from cyclopts import Parameter
from temporalio.client import WorkflowHistory
from temporalio.converter import DataConverter

from cli.audit.histories import archive, temporal_if_there
from cli.desk import AtDesk, Desk, command
from cli.output import Outcome
from runtime.archiving import Archivist
from runtime.histories import Run, all_runs
from runtime.payloads import data_converter
from runtime.settings import Login
from runtime.temporal import connect
from schemas import names
from schemas.errors import Integrity, Refused
from store.archive import HistoryArchive


class _Fault(NamedTuple):
    run: Run
    fault: str


@command(
    "audit determinism",
    zh="重放 Temporal 历史：存档的与尚在 Temporal 的全部历史，以现行工作流代码逐一重放，结果须与当时相同。"
    "Temporal 的保留期已过或未启动时，只用存档。不同则退出码 6。",
    en="Replay Temporal's histories, the archived ones and those that Temporal still has, under today's workflow code: "
    "it must ask for the same again. Without Temporal, or after its retention, the archive alone is used. "
    "Exit code 6 with the first that differs.",
    example="audit determinism --json",
)
async def determinism(
    *,
    cycle: Annotated[str, Parameter(help="只查一届 · one cycle alone")] = "",
    desk: AtDesk,
) -> Outcome:
    client = await temporal_if_there(desk)
    async with archive(desk) as opened:
        runs = all_runs(opened, client, desk.settings.task_queue, cycle)
        archived, live, faults = await _replay(runs, data_converter(desk.settings.payload_key_ring()))
    if cycle and not archived + live and not await _is_in_log(desk, cycle):
        raise Refused("NOT_FOUND", what=cycle)  # a slip of the pen is no proof
    if faults:
        first = faults[0]
        raise Integrity(
            "HISTORY_DIFFERS",
            workflow=first.run.workflow,
            run=first.run.run,
            fault=first.fault,
            replayed=archived + live,
            differ=len(faults),
        )
    said = {"ok": True, "replayed": archived + live, "archived": archived, "live": live, "differ": 0}
    without = (
        ""
        if client
        else desk.say("；Temporal 未应答，只用存档", "; Temporal did not answer: the archive alone")
    )
    shown = desk.say(
        f"已重放 {archived + live} 份历史（存档 {archived}，在 Temporal {live}），0 份不同",
        f"{archived + live} histories replayed ({archived} archived, {live} in Temporal), 0 differ",
    )
    return Outcome(json=said | {"temporal": client is not None}, shown=shown + without)


async def _is_in_log(desk: Desk, cycle: str) -> bool:
    return bool(await (await desk.store()).load(names.cycle_stream(cycle)))


async def _replay(runs: AsyncIterator[Run], converter: DataConverter) -> tuple[int, int, list[_Fault]]:
    """How many archived and live histories there are, and those that replay otherwise."""
    from temporalio.worker import Replayer  # noqa: PLC0415 -- at its head, every command would start later

    from workflows.registry import WORKFLOWS  # noqa: PLC0415 -- as above

    taken: dict[str, Run] = {}
    counts = [0, 0]

    async def histories() -> AsyncIterator[WorkflowHistory]:
        async for run in runs:
            taken[run.run] = run
            counts[run.archived] += 1
            yield WorkflowHistory(run.workflow, run.events)

    faults = []
    replayer = Replayer(workflows=WORKFLOWS, data_converter=converter)
    async with replayer.workflow_replay_iterator(histories()) as replayed:
        async for result in replayed:
            run = taken.pop(result.history.run_id)
            if result.replay_failure is not None:
                faults.append(_Fault(run, str(result.replay_failure)))
    return counts[True], counts[False], faults


@command(
    "audit archive",
    zh="立即把已结束工作流的历史存入数据库（工作进程每分钟自动做一次）；已存的不变。",
    en="Keep the histories of closed workflows now; a worker does it by itself every minute. "
    "What is kept stays as it is.",
    example="audit archive",
)
async def keep(*, desk: AtDesk) -> Outcome:
    client = await connect(desk.settings, patience_seconds=10)
    async with HistoryArchive(desk.settings.dsn(Login.APP)) as opened:
        count = await Archivist(client, opened, desk.settings.task_queue).sweep()
    return Outcome(
        json={"kept": count}, shown=desk.say(f"新存 {count} 份历史", f"{count} histories newly kept")
    )
