"""`recover`: what a loss of Temporal or of Postgres' tail left undone is done, and said."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from cli.desk import AtDesk, Cycle, Desk, command
from cli.output import INTEGRITY, OK, Outcome
from runtime.recovery import Recovered
from runtime.restoring import Restored

_WORKFLOW = {
    "restarted": ("工作流已从日志重新启动", "workflows begun again from the log"),
    "running": ("工作流本在运行", "the workflows run"),
    "ended": ("本届已结束，无须启动", "the cycle is over: nothing to begin"),
}


@command(
    "recover",
    zh="灾后恢复：数据库缺失的记录从 Temporal 的历史补回，丢失的工作流从日志重启，未达的消息重投；"
    "逐项说明做了什么、什么补不回。补记录前先停工作进程；重复执行无害。",
    en="After a loss: give the log back what Temporal's histories remember, begin lost workflows again from the log, "
    "tell again what was not heard; it says what was done and what cannot come back. Stop the workers before a log "
    "is given back. Doing it twice is harmless.",
    example="recover sichuan-craftsman.1",
)
async def recover(cycle: Cycle, *, desk: AtDesk) -> Outcome:
    done = await (await desk.door()).recover(cycle)
    return Outcome(
        INTEGRITY if done.restored.apart else OK,
        json=done.model_dump(mode="json"),
        shown=Text("\n".join((*_done(done, desk), *_lost(done.restored, desk)))),
    )


def _done(done: Recovered, desk: Desk) -> Iterator[str]:
    for one in done.restored.given_back:
        yield desk.say("已补回 ", "given back ") + f"{one.stream} {one.first}–{one.last}"
    if done.restored.given_back:
        yield desk.say(
            "补回的记录字节与哈希不变，但在总顺序中重新排位：备份之后导出的顺序与此不符。",
            "The events have their old bytes and hashes, but new places in the global order: an order exported since "
            "the backup does not agree with it.",
        )
    yield f"{done.cycle}: {desk.say(*_WORKFLOW[done.workflow])}"
    yield desk.say(f"重新告知：{done.messages}", f"told again: {done.messages}")
    for stream in done.lapsed:
        yield desk.say("失效 ", "lapsed ") + stream


def _lost(restored: Restored, desk: Desk) -> Iterator[str]:
    for one in restored.apart:
        yield desk.say(
            f"{one.stream} 第 {one.seq} 号与日志不相接，未动：备份之后另有记录，或中间缺失。",
            f"{one.stream}@{one.seq} does not continue the log and was left: it went on otherwise, or one is missing.",
        )
    for content_hash in restored.documents_missing:
        yield desk.say("缺文件 ", "document missing ") + content_hash
    for ballot in restored.ballots_short:
        yield (
            desk.say("缺选票，只余封存的计票 ", "papers are missing, only the sealed tally stands: ") + ballot
        )
    if restored.entries_missing:
        yield desk.say(
            f"保险库缺 {restored.entries_missing} 份个人信息，须请申报单位重报。",
            f"{restored.entries_missing} entries are missing from the vault: ask the units for them again.",
        )
    if restored.given_back:
        yield desk.say(
            "补不回的：备份之后收到而未计票的选票、个人信息，以及没有经过工作流的记录。",
            "Cannot come back: votes cast since the backup and not yet counted, the vault's entries, and what was "
            "recorded while no workflow ran for it.",
        )
