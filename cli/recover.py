"""`recover`: what a loss of Temporal or of Postgres' tail left undone is done, and said."""

from __future__ import annotations

from rich.text import Text

from cli.desk import AtDesk, Cycle, Desk, command
from cli.output import Outcome
from runtime.recovery import Recovered

_WORKFLOW = {
    "restarted": ("工作流已从日志重新启动", "workflows begun again from the log"),
    "running": ("工作流本在运行", "the workflows run"),
    "ended": ("本届已结束，无须启动", "the cycle is over: nothing to begin"),
}


@command(
    "recover",
    zh="灾后恢复：Temporal 丢失的工作流从日志重新启动，未达的消息重新投递；做了什么逐项说明，重复执行无害。",
    en="After a loss: begin the workflows that Temporal lost again from the log, carry what was not heard once more, "
    "and say what was done. Doing it twice is harmless.",
    example="recover sichuan-craftsman.1",
)
async def recover(cycle: Cycle, *, desk: AtDesk) -> Outcome:
    done = await (await desk.door()).recover(cycle)
    return Outcome(json=done.model_dump(mode="json"), shown=_shown(done, desk))


def _shown(done: Recovered, desk: Desk) -> Text:
    lines = [
        f"{done.cycle}: {desk.say(*_WORKFLOW[done.workflow])}",
        desk.say(f"重新投递的消息：{done.messages}", f"messages carried again: {done.messages}"),
        *(desk.say(f"失效：{one}", f"lapsed: {one}") for one in done.lapsed),
    ]
    return Text("\n".join(lines))
