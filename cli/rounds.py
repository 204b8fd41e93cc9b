"""What a round waits for from people beside its panel: ties, waivers, early closing, decision, conferral."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from cli.desk import AtDesk, OfCycle, Reason, RoundAt, Signed, StepId, command, date_of, pair_of, round_at
from cli.output import Outcome
from schemas.commands import (
    CloseStepEarly,
    Confer,
    Decide,
    Removal,
    ResolveTie,
    WaiveDifferential,
    WaiveRules,
)

_SIGNED = "--as s-1 --role operator --unit 51"


@command(
    "resolve tie",
    zh="裁定并列：按先后列出并列者；没有规则能定时由人来定，并写明理由。",
    en="Order those whom no rule could order, first to last, with the reason.",
    example=f'resolve tie round/sichuan-craftsman.1/all/51 N-0003 N-0007 --step final --reason "…" {_SIGNED}',
)
async def resolve_tie(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *order: Annotated[str, Parameter(help="申报编号，按先后 · nominations in order")],
    cycle: OfCycle = "",
    step: StepId,
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    return await desk.send(round_at(round, cycle), ResolveTie(step=step, order=order, reason=reason), signed)


@command(
    "waive differential",
    zh="候选人不足差额时经授权继续：须两人。",
    en="Go on although there are too few candidates, by recorded authority; takes two people.",
    example=f'waive differential round/sichuan-craftsman.1/all/51 --step final --reason "…" {_SIGNED}',
)
async def waive_differential(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    step: StepId,
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    return await desk.send(round_at(round, cycle), WaiveDifferential(step=step, reason=reason), signed)


@command(
    "waive rules",
    zh="比例要求无法同时满足时，经授权对本轮免予其中几项后重新遴选；评分不足以去掉高低分时免予 trim，按平均分计；名单不再符合的，命名或上报前免予：须两人。",
    en="Select again without the rules that cannot all hold, or (`trim`) take the plain mean of too few scores, or confer or send on a list that lacks them; two people.",
    example=f'waive rules round/sichuan-craftsman.1/all/51 frontline_floor --step final --reason "…" {_SIGNED}',
)
async def waive_rules(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *rules: Annotated[
        str,
        Parameter(
            help="规则编号；exact 指满额要求，trim 指去掉高低分 · the rules' ids; exact: the demand that all seats be "
            "filled, trim: that a panel's scores be trimmed"
        ),
    ],
    cycle: OfCycle = "",
    step: StepId,
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = WaiveRules(step=step, rules=tuple(sorted(rules)), reason=reason)
    return await desk.send(round_at(round, cycle), body, signed)


@command(
    "round close-early",
    zh="提前结束一个环节：到期所定之事现已可定；公示不得短于规定下限，大众票选不得提前。",
    en="Close a step whose end can be decided now; never a public vote, nor publicity below its minimum.",
    example='round close-early round/sichuan-craftsman.1/territorial/510104 --step endorsement --reason "均已办理" '
    "--as s-101 --role officer --unit 510104",
)
async def close_early(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    step: StepId,
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    return await desk.send(round_at(round, cycle), CloseStepEarly(step=step, reason=reason), signed)


@command(
    "decide",
    zh="审定名单：可附理由移除，不得增加；须两人以同样内容办理。",
    en="The body confirms the list; it may remove with a reason, never add. Takes two people who ask for the same.",
    example='decide round/sichuan-craftsman.1/all/51 --step decision --remove N-0007="涉及未结案件" '
    "--as s-1 --role body:leading_group --unit 51",
)
async def decide(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    step: StepId,
    remove: Annotated[tuple[str, ...], Parameter(help="移除：编号=理由，可多次 · NOMINATION=REASON")] = (),
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    removals = tuple(Removal(nomination=one, reason=why) for one, why in map(pair_of, remove))
    return await desk.send(round_at(round, cycle), Decide(step=step, remove=removals), signed)


@command(
    "confer",
    zh="命名：全部或全不；须两人。",
    en="Confer the titles, all or none; takes two people.",
    example="confer round/sichuan-craftsman.1/all/51 --step conferral --as s-1 --role body:leading_group --unit 51",
)
async def confer(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    step: StepId,
    leave_out_held: Annotated[
        bool, Parameter(help="有未裁定异议者不列入 · without those to whom an objection is open")
    ] = False,
    posthumous: Annotated[
        tuple[str, ...], Parameter(help="追授：申报编号，可多次 · nominations honoured after death")
    ] = (),
    effective_on: Annotated[
        str, Parameter(help="生效日期，默认当日 · the day from which; today by default")
    ] = "",
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    effective = date_of(effective_on) if effective_on else None
    body = Confer(step=step, posthumous=posthumous, effective_on=effective, leave_out_held=leave_out_held)
    return await desk.send(round_at(round, cycle), body, signed)
