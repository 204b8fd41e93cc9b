"""What people decide on one nomination: approve, return, reject, correct, withdraw, disqualify, object, rule."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter
from rich.console import Group
from rich.text import Text

from cli.desk import (
    AtDesk,
    Desk,
    Nominated,
    NominationAt,
    OfCycle,
    Reason,
    RoundAt,
    Signed,
    command,
    nomination_at,
    pair_of,
    round_at,
)
from cli.documents import Document, document_hash
from cli.nomination_file import facts_of, personal_fields
from cli.output import Outcome
from cli.points import day_of
from domain.nomination import State
from schemas import names
from schemas.commands import Disqualify, Endorse, Reject, ReturnForCorrection, RuleOnObjection, Withdraw
from schemas.errors import BadUsage, Refused
from schemas.events import ObjectionRefused
from schemas.ledger import Receipt
from schemas.programme import Endorsement

OneRound = Annotated[
    RoundAt,
    Parameter(help="评审轮；默认为本单位所在轮 · the round; by default that of --unit, or the present one"),
]
Meant = Annotated[
    str,
    Parameter(help="推荐环节；一轮有几个时须写明 · the endorsement, to be named where the stage has several"),
]
Fact = Annotated[
    tuple[str, ...], Parameter(help="申报事项 ID=值，可多次 · an attested fact, may be repeated")
]
Field = Annotated[
    tuple[str, ...],
    Parameter(help="个人信息 ID=值，只入保管库 · personal data, goes to the vault and never into the log"),
]


@command(
    "approve",
    zh="同意推荐一项申报。重复执行只生效一次，回执相同。",
    en="Approve a nomination in the round it is in. Doing it twice has one effect and the same receipt.",
    example="approve sichuan-craftsman.1/N-0001 --as s-101 --role officer --unit 510104 --rank 1",
)
async def approve(
    nomination: NominationAt,
    *,
    cycle: OfCycle = "",
    round: OneRound = "",  # noqa: A002 -- the option's name
    step: Meant = "",
    rank: Annotated[int | None, Parameter(help="推荐排序 · recommendation rank, 1 is first")] = None,
    reason: Reason = "",
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    stream, here, meant = await _place(nomination, cycle, round, step, signed, desk)
    body = Endorse(round=here, step=meant, recommendation_rank=rank, reason=reason)
    return await desk.send(stream, body, signed)


@command(
    "return",
    zh="退回补正：写明缺什么；补正后须重新同意。",
    en="Return a nomination for correction, saying what is missing; it must be approved again afterwards.",
    example='return sichuan-craftsman.1/N-0001 --reason "缺从业年限证明" --as s-101 --role officer --unit 510104',
)
async def return_(
    nomination: NominationAt,
    *,
    cycle: OfCycle = "",
    round: OneRound = "",  # noqa: A002 -- the option's name
    step: Meant = "",
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    stream, here, meant = await _place(nomination, cycle, round, step, signed, desk)
    return await desk.send(stream, ReturnForCorrection(round=here, step=meant, reason=reason), signed)


@command(
    "reject",
    zh="不予推荐，须写明理由；此后该申报终结。",
    en="Reject a nomination for good, with the reason.",
    example='reject sichuan-craftsman.1/N-0001 --reason "不属于参评范围" --as s-101 --role officer --unit 510104',
)
async def reject(
    nomination: NominationAt,
    *,
    cycle: OfCycle = "",
    round: OneRound = "",  # noqa: A002 -- the option's name
    step: Meant = "",
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    stream, here, meant = await _place(nomination, cycle, round, step, signed, desk)
    return await desk.send(stream, Reject(round=here, step=meant, reason=reason), signed)


@command(
    "correct",
    zh="补正被退回的申报：未写出的事项保持原样。",
    en="Answer a return with a new revision; facts that are not named stay as they were.",
    example="correct sichuan-craftsman.1/N-0001 --fact years_in_craft=22 --as s-7 --role officer --unit 5101040001",
)
async def correct(
    nomination: NominationAt,
    *,
    cycle: OfCycle = "",
    fact: Fact = (),
    field: Field = (),
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    where = nomination_at(nomination, cycle)
    facts = facts_of(map(pair_of, fact), (await desk.pinned(where.cycle)).programme)
    fields = personal_fields(map(pair_of, field))
    door = await desk.door()
    return desk.told(await door.correct(where.cycle, where.id, fields, facts, signed.actor, key=signed.key))


@command(
    "withdraw",
    zh="撤回申报。",
    en="Withdraw a nomination.",
    example='withdraw sichuan-craftsman.1/N-0001 --reason "本人申请" --as s-7 --role officer --unit 5101040001',
)
async def withdraw(
    nomination: NominationAt, *, cycle: OfCycle = "", reason: Reason, signed: Signed, desk: AtDesk
) -> Outcome:
    return await desk.send(nomination_at(nomination, cycle).stream, Withdraw(reason=reason), signed)


@command(
    "disqualify",
    zh="取消资格：须两人先后以同样内容办理。",
    en="Disqualify a nomination; takes two people who ask for the same.",
    example='disqualify sichuan-craftsman.1/N-0001 --reason "材料造假" --as s-1 --role handler --unit 51',
)
async def disqualify(
    nomination: NominationAt, *, cycle: OfCycle = "", reason: Reason, signed: Signed, desk: AtDesk
) -> Outcome:
    return await desk.send(nomination_at(nomination, cycle).stream, Disqualify(reason=reason), signed)


@command(
    "object",
    zh="公示期内实名提出异议，异议人信息只入保管库；逾期不予受理，存档备查。邮寄的由经办人或异议受理人登记，"
    "项目规定以邮戳为准（by_post）的，写 --postmark。",
    en="Object to a published nomination, in one's real name, which goes to the vault alone; late, it is kept as a lead. "
    "What came by post an operator or handler enters: with --postmark it counts by that day, where the programme has by_post.",
    example="object sichuan-craftsman.1/N-0001 --ground false_record --identity ID --field name=测试·甲一 "
    "--as s-3 --role handler --unit 51",
)
async def object_(
    nomination: NominationAt,
    *,
    cycle: OfCycle = "",
    ground: Annotated[str, Parameter(help="异议事由代码，不写个人信息 · the ground, a short code")],
    identity: Annotated[
        str, Parameter(help="异议人证件号，只入保管库 · the objector's identity, for the vault")
    ] = "",
    field: Field = (),
    anonymous: Annotated[bool, Parameter(help="匿名 · anonymously, where the programme accepts it")] = False,
    evidence: Document = "",
    postmark: Annotated[
        str, Parameter(help="邮寄异议的邮戳日期 · the day of the postmark, of what came by post")
    ] = "",
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    where = nomination_at(nomination, cycle)
    fields = personal_fields(map(pair_of, field))
    objection, receipt = await (await desk.door()).object_to(
        where.cycle,
        where.id,
        identity,
        fields,
        ground,
        signed.actor,
        anonymous=anonymous,
        key=signed.key,
        evidence=document_hash(evidence) or None,
        postmark=day_of(postmark) if postmark else None,
    )
    return _objected(desk.told(receipt, objection=objection), receipt, desk)


def _objected(told: Outcome, receipt: Receipt, desk: Desk) -> Outcome:
    """The receipt; of an objection that was refused and kept as a lead with the code, and exit code 1."""
    kept = next((one for one in receipt.events if one.type == ObjectionRefused.__name__), None)
    if kept is None:
        return told
    refusal = Refused(f"{kept.data['reason'].upper()}_OBJECTION")
    said = refusal.message(desk.language)
    refused = {"refused": {"code": refusal.code, "message": said}}
    return Outcome(refusal.exit_code, told.json | refused, Group(Text(f"{refusal.code}: {said}"), told.shown))


@command(
    "rule",
    zh="裁定异议：成立（upheld）或不成立（dismissed）。",
    en="Rule on an objection: upheld or dismissed.",
    example='rule sichuan-craftsman.1/N-0001 OBJECTION upheld --reason "查证属实" --as s-3 --role handler --unit 51',
)
async def rule(
    nomination: NominationAt,
    objection: Annotated[str, Parameter(help="异议编号 · the objection's id")],
    outcome: Annotated[Literal["upheld", "dismissed"], Parameter(help="裁定 · the ruling")],
    *,
    cycle: OfCycle = "",
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = RuleOnObjection(objection=objection, outcome=outcome, reason=reason)
    return await desk.send(nomination_at(nomination, cycle).stream, body, signed)


async def _place(
    nomination: str, cycle: str, written: str, step: str, signed: Signed, desk: Desk
) -> tuple[str, str, str]:
    """The nomination's stream, that of the round in which something is said about it, and the endorsement meant."""
    where = nomination_at(nomination, cycle)
    here = _round(where, await desk.nomination(where), written, signed)
    return where.stream, here, step or await _only_endorsement(where.cycle, here, desk)


async def _only_endorsement(cycle: str, here: str, desk: Desk) -> str:
    """'' where the stage has one at most; of several a late click would mean the next, so BadUsage USAGE asks for a name."""
    pinned = await desk.pinned(cycle)
    unit = pinned.tree.by_code.get(here.rsplit("/", 1)[-1])
    stage = pinned.programme.stages.get(unit.rank) if unit else None
    several = [one.id for one in stage.steps if isinstance(one, Endorsement)] if stage else []
    if len(several) > 1:
        raise BadUsage("USAGE", fault=f"--step {' | '.join(several)}")
    return ""


def _round(where: Nominated, state: State, written: str, signed: Signed) -> str:
    """The round meant: the one written, else that of the actor's unit on the nomination's way, else the present one.

    The unit's own comes first so that a double click means the same round after the nomination has moved on.
    """
    if written:
        return round_at(written, where.cycle)
    assert state.submitted is not None
    path = state.submitted.path
    if signed.unit not in path:
        return state.round
    return names.round_on_way(where.cycle, state.submitted.route, path, path.index(signed.unit))
