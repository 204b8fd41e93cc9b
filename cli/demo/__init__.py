"""`starter.py demo`: a whole cycle of invented people over real units, on servers of its own, in minutes."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from cli.demo.progress import Progress
from cli.demo.rehearsal import SECONDS_A_DAY, Rehearsal, Told, Wishes
from cli.demo.report import measure, outcome
from cli.demo.scenario import Size
from cli.desk import AtDesk, Desk
from cli.output import Outcome, console
from runtime.door import Door
from runtime.logging import configure_logging
from runtime.settings import CHECKOUT
from runtime.stack import Stack, embedded_stack

ENTERPRISES = 60
NOMINATIONS = 128
SEED = 20260302


async def command(
    *,
    units: Annotated[
        int, Parameter(help="受邀企业数 · enterprises invited", validator=Number(gte=12, lte=3000))
    ] = ENTERPRISES,
    nominations: Annotated[
        int, Parameter(help="申报数 · nominations", validator=Number(gte=12, lte=9000))
    ] = NOMINATIONS,
    pace: Annotated[
        float,
        Parameter(help="届内一天走几秒 · seconds a cycle day takes", validator=Number(gte=0.2, lte=86400)),
    ] = 1.5,
    seed: Annotated[int, Parameter(help="随机种子 · the seed of everything invented")] = SEED,
    programme: Annotated[
        str, Parameter(help="评选办法目录名 · a folder under programmes/")
    ] = "sichuan-craftsman",
    edition: Annotated[
        int,
        Parameter(
            help="届：四川工匠有第 1 届（30 名）和第 4 届（200 名，含无单位者） · the edition: sichuan-craftsman has 1 "
            "(30 titles) and 4 (200 titles, also for people without an enterprise)"
        ),
    ] = 1,
    keep: Annotated[
        bool, Parameter(help="结束后保留服务，至 Ctrl-C · keep the servers up afterwards, until Ctrl-C")
    ] = False,
    desk: AtDesk,
    as_json: Annotated[bool, Parameter(parse=False)],
) -> Outcome:
    """Servers up, the cycle run, its log verified, everything that was started stopped."""
    wishes = Wishes(
        programme=CHECKOUT / "programmes" / programme / f"{edition}.yaml",
        size=Size(units, nominations),
        speed=max(1, int(SECONDS_A_DAY / Fraction(str(pace)))),
        seed=seed,
    )
    settings = desk.settings.model_copy(update={"language": desk.language, "log_level": "WARNING"})
    configure_logging(settings)
    with Progress(desk.language, quiet=as_json) as progress:
        progress.say("启动 Postgres 与 Temporal…", "starting Postgres and Temporal …")
        async with embedded_stack(settings, ephemeral=True, ui=keep) as stack:
            answer = await _rehearse(stack, wishes, progress, desk)
            if keep:
                await _keep(stack, answer, progress, desk)
            return answer


async def _rehearse(stack: Stack, wishes: Wishes, progress: Progress, desk: Desk) -> Outcome:
    async with Door.open(stack.settings) as door:
        told = await _told(Rehearsal(stack, door, wishes, progress))
        progress.say("核验日志…", "verifying the log …")
        return outcome(await measure(told), told, desk.language)


async def _told(rehearsal: Rehearsal) -> Told:
    """Many act at once; the first fault is what there is to say."""
    try:
        return await rehearsal.run()
    except ExceptionGroup as faults:
        fault: Exception = faults
        while isinstance(fault, ExceptionGroup):
            fault = fault.exceptions[0]
        raise fault from faults


async def _keep(stack: Stack, answer: Outcome, progress: Progress, desk: Desk) -> None:
    """Until Ctrl-C; what was found is printed first."""
    progress.__exit__(None, None, None)
    console().print(answer.shown)
    console().print(
        desk.say(
            f"服务保留中。另开终端：XUANSHU_DATA_DIR={stack.places.data} .venv/bin/python starter.py …；Ctrl-C 结束。",
            f"Kept up. In another terminal: XUANSHU_DATA_DIR={stack.places.data} .venv/bin/python starter.py …; Ctrl-C ends it.",
        )
    )
    await asyncio.Event().wait()
