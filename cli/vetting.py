"""What is said of the members from outside a panel: by departments, a workers' congress, objectors, a training's roll."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from cli.desk import (
    AtDesk,
    NominationAt,
    OfCycle,
    Reason,
    RoundAt,
    Signed,
    StepId,
    command,
    nomination_at,
    pair_of,
    round_at,
)
from cli.documents import document_hash
from cli.output import Outcome, table
from schemas.commands import (
    RecordAttendance,
    RecordCongress,
    ReopenVetting,
    ReplyClearance,
    ReportChange,
    RequestClearance,
)
from schemas.errors import BadUsage
from schemas.events import CongressVote

_OPERATOR = "--as s-1 --role operator --unit 51"
Department = Annotated[str, Parameter(help="部门编号 · the department's id in the programme")]
Nominations = Annotated[str, Parameter(help="申报编号 · nominations")]


@command(
    "clearance reply",
    zh="部门回复对一名候选人的意见：无异议、反对、有条件。",
    en="A department's answer on one member: clear, object, or conditional.",
    example="clearance reply round/sichuan-craftsman.1/all/51 --step clearance --department tax "
    "--nomination N-0001 --outcome clear --as s-9 --role department:tax --unit 51",
)
async def clearance_reply(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    step: StepId,
    department: Annotated[str, Parameter(help="部门编号 · the department's id in the programme")],
    nomination: Annotated[str, Parameter(help="申报编号 · the nomination's id")],
    outcome: Literal["clear", "object", "conditional"],
    reason: Reason = "",
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = ReplyClearance(
        step=step, department=department, nomination=nomination, outcome=outcome, reason=reason
    )
    return await desk.send(round_at(round, cycle), body, signed)


@command(
    "clearance request",
    zh="意见已过有效期时重新征求：列出须重新答复的候选人。",
    en="Ask the departments of a step that has passed again, because their answers have run out.",
    example=f"clearance request round/sichuan-craftsman.1/all/51 N-0001 N-0002 --step clearance {_OPERATOR}",
)
async def clearance_request(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *nominations: Nominations,
    cycle: OfCycle = "",
    step: StepId,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    if not nominations:
        raise BadUsage("USAGE", fault="NOMINATION …")
    body = RequestClearance(step=step, nominations=nominations)
    return await desk.send(round_at(round, cycle), body, signed)


@command(
    "clearance reopen",
    zh="部门在环节结束后发现问题：命名前暂缓该候选人，待裁定（rule）；命名后记为撤销线索。",
    en="A department objects after its step: until conferral the subject is held for a ruling (`rule`), after it the "
    "objection is kept as a lead to revocation.",
    example="clearance reopen sichuan-craftsman.1/N-0001 --round round/sichuan-craftsman.1/all/51 --step clearance "
    '--department tax --reason "欠税未结" --as s-9 --role department:tax --unit 51',
)
async def clearance_reopen(
    nomination: NominationAt,
    *,
    cycle: OfCycle = "",
    round: RoundAt,  # noqa: A002 -- the option's name
    step: StepId,
    department: Department,
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    where = nomination_at(nomination, cycle)
    body = ReopenVetting(round=round_at(round, where.cycle), step=step, department=department, reason=reason)
    return await desk.send(where.stream, body, signed)


@command(
    "congress record",
    zh="登记职代会表决：应到、到会，逐项写 编号=赞成/反对/弃权；--minutes 为会议记录文件，只记其 SHA-256。",
    en="Record a workers' congress: entitled, present, and NOMINATION=FOR/AGAINST/ABSTAIN each; of the minutes' file "
    "only the SHA-256 is kept.",
    example="congress record round/sichuan-craftsman.1/territorial/510104 N-0001=70/5/5 --step congress --entitled 100 "
    "--present 80 --minutes minutes.pdf --as s-101 --role officer --unit 510104",
)
async def congress_record(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *votes: Annotated[str, Parameter(help="编号=赞成/反对/弃权 · NOMINATION=FOR/AGAINST/ABSTAIN")],
    cycle: OfCycle = "",
    step: StepId,
    entitled: Annotated[int, Parameter(help="应到人数 · who may vote")],
    present: Annotated[int, Parameter(help="到会人数 · who came")],
    minutes: Annotated[str, Parameter(help="会议记录文件，或其 SHA-256 · the minutes' file, or its SHA-256")],
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    if not votes or entitled < 1 or present < 0:
        raise BadUsage("USAGE", fault="NOMINATION=FOR/AGAINST/ABSTAIN … --entitled --present")
    body = RecordCongress(
        step=step,
        entitled=entitled,
        present=present,
        document=document_hash(minutes),
        votes=tuple(map(_counted, votes)),
    )
    return await desk.send(round_at(round, cycle), body, signed)


def _counted(written: str) -> CongressVote:
    nomination, counts = pair_of(written)
    numbers = counts.split("/")
    if len(numbers) != 3 or not all(number.isdecimal() and number.isascii() for number in numbers):
        raise BadUsage("PAIR", written=written, separator="= FOR/AGAINST/ABSTAIN ")
    approve, against, abstain = map(int, numbers)
    return CongressVote(nomination=nomination, approve=approve, against=against, abstain=abstain)


@command(
    "training record",
    zh="登记集中培训的参加者：列出全部参加者，或 --nobody；--roll 为签到表文件，只记其 SHA-256。再次登记以后一次为准。",
    en="Record who attended a training, all of them, or --nobody; of the roll's file only the SHA-256 is kept. A later "
    "record replaces it.",
    example="training record round/weifang-craftsman.3/all/3707 N-0001 N-0002 --step training --roll roll.pdf "
    "--as s-1 --role operator --unit 3707",
)
async def training_record(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *nominations: Nominations,
    cycle: OfCycle = "",
    step: StepId,
    roll: Annotated[str, Parameter(help="签到表文件，或其 SHA-256 · the roll's file, or its SHA-256")],
    nobody: Annotated[bool, Parameter(help="无人参加 · nobody came")] = False,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    if nobody == bool(nominations):
        raise BadUsage("USAGE", fault="NOMINATION … | --nobody")
    body = RecordAttendance(step=step, attended=nominations, document=document_hash(roll))
    return await desk.send(round_at(round, cycle), body, signed)


@command(
    "publicity change",
    zh="公示内容有变：实质性（material）的重新公示该人，文字性（typographical）的只作记录；由经办人选定并负责。",
    en="What is published of somebody changed: material begins their period anew, typographical is noted; who reports "
    "it says which.",
    example="publicity change round/sichuan-craftsman.1/all/51 --step publicity --nomination N-0001 --change material "
    f'--what unit --reason "单位名称有误" {_OPERATOR}',
)
async def publicity_change(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    step: StepId,
    nomination: Annotated[str, Parameter(help="申报编号 · the nomination's id")],
    change: Literal["material", "typographical"],
    what: Literal["name", "unit", "deeds", "other"],
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = ReportChange(step=step, nomination=nomination, change=change, what=what, reason=reason)
    return await desk.send(round_at(round, cycle), body, signed)


@command(
    "objection show",
    zh="查看异议人：仅限该评审轮的异议经办人（handler）。",
    en="Who objected, from the vault: for a handler of that round alone.",
    example="objection show sichuan-craftsman.1/N-0001 OBJECTION --as s-3 --role handler --unit 51",
)
async def objection_show(
    nomination: NominationAt,
    objection: Annotated[str, Parameter(help="异议编号 · the objection's id")],
    *,
    cycle: OfCycle = "",
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    where = nomination_at(nomination, cycle)
    fields, ground = await (await desk.door()).objector(where.cycle, where.id, objection, signed.actor)
    heading = desk.say("异议人（保密）", "the objector (confidential)")
    return Outcome(
        json={"objection": objection, "ground": ground, "objector": fields},
        shown=table(("", heading), [*fields.items(), (desk.say("事由", "ground"), ground)]),
    )
