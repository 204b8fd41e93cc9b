"""Points: entries of a subject's ledger, and how it stands on a day."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Annotated

from cyclopts import Parameter

from cli.desk import AtDesk, Cycle, Desk, Reason, Signed, command
from cli.documents import Document, document_hash
from cli.output import Outcome, table
from domain.calendar import local_date
from domain.points import standing
from schemas import names
from schemas.commands import AddPoints
from schemas.errors import BadUsage, Refused

Subject = Annotated[str, Parameter(help="对象编号 · the subject's id")]
Identity = Annotated[str, Parameter(help="证件号，只入保管库 · the identity, for the vault alone")]
Nomination = Annotated[str, Parameter(help="本届申报编号，代替对象编号 · a nomination of the cycle instead")]


@command(
    "points add",
    zh="记分：一个对象在一个维度得分，或以负数扣回；只增不改，须有佐证材料。",
    en="Enter points for a subject in one dimension, negative to take back. Entries are only added, with evidence.",
    example="points add weifang-points.1 --identity 370700200001010001 --dimension training --points 5 --evidence "
    'minutes.pdf --earned-on 2026-05-08 --reason "送技入企" --as s-1 --role operator --unit 3707',
)
async def add(
    cycle: Cycle,
    *,
    identity: Identity = "",
    subject: Subject = "",
    nomination: Nomination = "",
    dimension: Annotated[str, Parameter(help="维度 · the dimension")],
    points: Annotated[int, Parameter(help="分值，可为负 · how many", allow_leading_hyphen=True)],
    item: Annotated[str, Parameter(help="开放维度的事项 · what for, in an open dimension")] = "",
    evidence: Document,
    earned_on: Annotated[str, Parameter(help="得分日期 2026-05-08 · the day it was earned")],
    expires_on: Annotated[str | None, Parameter(help="失效日期 · the first day it no longer counts")] = None,
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    subject = await subject_at(desk, cycle, subject, identity, nomination)
    body = AddPoints(
        cycle=cycle,
        unit=signed.unit,
        dimension=dimension,
        item=item,
        points=points,
        evidence=document_hash(evidence),
        earned_on=earned_on,
        expires_on=expires_on,
        reason=reason,
    )
    receipt = await (await desk.door()).send(
        names.points_stream(cycle, subject), body, signed.actor, signed.key
    )
    return desk.told(receipt, subject=subject)


@command(
    "points show",
    zh="某日的积分：各维度（不超过上限）及合计，和全部记录。",
    en="How a subject's points stand on a day: by dimension, within its cap, their sum, and every entry.",
    example="points show weifang-points.1 --subject 5f0c --as-of 2026-12-31",
)
async def show(
    cycle: Cycle,
    *,
    subject: Subject = "",
    nomination: Nomination = "",
    as_of: Annotated[str, Parameter(help="日期，默认今天 · the day, by default today")] = "",
    desk: AtDesk,
) -> Outcome:
    rules = (await desk.pinned(cycle)).programme.points
    if rules is None:
        raise Refused("NOT_FOUND", what=f"{cycle}: points")
    subject = await subject_at(desk, cycle, subject, "", nomination)
    day = day_of(as_of)
    ledger = (await (await desk.reader()).points.get(names.points_stream(cycle, subject))).state
    stands = standing(ledger, rules, day)
    said = {
        "subject": subject,
        "as_of": day.isoformat(),
        "dimensions": stands.dimensions,
        "total": stands.total,
        "entries": [one.model_dump(mode="json") for one in ledger.entries],
    }
    rows = [(id, str(points)) for id, points in stands.dimensions.items()]
    columns = (desk.say("维度", "dimension"), desk.say("积分", "points"))
    return Outcome(json=said, shown=table(columns, [*rows, (desk.say("合计", "total"), str(stands.total))]))


async def subject_at(desk: Desk, cycle: str, subject: str, identity: str, nomination: str) -> str:
    """The subject that exactly one of these names; BadUsage."""
    if sum(map(bool, (subject, identity, nomination))) != 1:
        raise BadUsage("USAGE", fault="--subject | --identity | --nomination")
    if subject:
        return subject
    return await (await desk.door()).subject_of(cycle, identity, nomination.rsplit("/", 1)[-1])


def day_of(written: str) -> date:
    """An ISO day, by default today in Beijing; BadUsage."""
    try:
        return date.fromisoformat(written) if written else local_date(datetime.now(UTC))
    except ValueError as fault:
        raise BadUsage("USAGE", fault=fault) from None
