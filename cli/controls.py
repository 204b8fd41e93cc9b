"""A round as a whole: pause it, resume it, cancel it, give the rounds below it more time to report."""

from __future__ import annotations

from cli.desk import AtDesk, OfCycle, Reason, RoundAt, Signed, Until, command, instant_of, round_at
from cli.output import Outcome
from schemas.commands import CancelRound, ExtendReports, PauseRound, ResumeRound

_SIGNED = "--as s-1 --role operator --unit 51"
_ROUND = "round/sichuan-craftsman.1/territorial/510100"


@command(
    "round pause",
    zh="暂停一个评审轮：本轮时间停走，决定一律不受理，直至恢复；其他轮照常。",
    en="Pause one round: its time stands still and nothing of it is decided; the others go on.",
    example=f'round pause {_ROUND} --reason "核查举报" {_SIGNED}',
)
async def pause(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    return await desk.send(round_at(round, cycle), PauseRound(reason=reason), signed)


@command(
    "round resume",
    zh="恢复一个评审轮：各期限按所余整日顺延。",
    en="Resume a round: its windows get back the whole days that they had left.",
    example=f"round resume {_ROUND} {_SIGNED}",
)
async def resume(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    return await desk.send(round_at(round, cycle), ResumeRound(), signed)


@command(
    "round cancel",
    zh="取消一个评审轮：本轮及以下各轮失效，其中的申报不再上报；须两人，不可恢复。",
    en="Cancel a round for good: it and those below it lapse, their nominations go no further; takes two people.",
    example=f'round cancel {_ROUND} --reason "组织不力" {_SIGNED}',
)
async def cancel(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    return await desk.send(round_at(round, cycle), CancelRound(reason=reason), signed)


@command(
    "round extend-reports",
    zh="延长下级上报的期限：须在到期之前，两人办理。",
    en="Give the rounds below more time to report, before the cut-off is over; takes two people.",
    example=f'round extend-reports {_ROUND} --until 2026-05-20T18:00 --reason "汛期" {_SIGNED}',
)
async def extend_reports(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    until: Until,
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = ExtendReports(closes_at=instant_of(until), reason=reason)
    return await desk.send(round_at(round, cycle), body, signed)
