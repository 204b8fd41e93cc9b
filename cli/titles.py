"""What comes after a conferral: titles on the register, their rewards, assessments and end; honours of elsewhere; waivers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from pydantic import TypeAdapter

from cli.desk import (
    AtDesk,
    Cycle,
    Desk,
    NominationAt,
    OfCycle,
    Reason,
    Signed,
    command,
    date_of,
    nomination_at,
    pair_of,
)
from cli.documents import Document, document_hash
from cli.nomination_file import personal_fields
from cli.output import Outcome, jsonable, table
from cli.words import beside, reward_words, title_words
from domain import title as titles
from domain.calendar import local_date
from domain.rewards import Entry
from runtime.door import system_clock
from schemas import names
from schemas.commands import (
    AgreeShares,
    AppealRevocation,
    AssessTitle,
    DecideRevocation,
    DelistTitle,
    HearHolder,
    NoteDeath,
    NoteLeaderLeft,
    NoteTransfer,
    PayReward,
    ProposeRevocation,
    RecordHonour,
    RecoverRewards,
    RuleOnAppeal,
    WaivePredicate,
)
from schemas.errors import BadUsage, Refused
from schemas.events import MemberShare
from schemas.ledger import JsonObject
from schemas.programme import Programme

TitleAt = Annotated[str, Parameter(help="称号：title/CYCLE/NOMINATION/TITLE，如 `title list` 所示 · a title")]
Ref = Annotated[str, Parameter(help="凭证号 · the payment's own reference")]
AsOf = Annotated[str, Parameter(help="截至日期 2026-05-20；默认今日 · as of this day; today by default")]
_SIGNED = "--as s-1 --role operator --unit 51"
_TITLE = "title/sichuan-craftsman.4/N-0001/sichuan_craftsman"
_TERM = ("certificate", "since", "until")
_LINES = {
    "stream": ("地址", "address"),
    "subject": ("对象", "subject"),
    "title": ("称号", "title"),
    "status": ("状态", "status"),
    "certificate": ("证书", "certificate"),
    "posthumous": ("追授", "posthumous"),
    "since": ("命名日期", "since"),
    "until": ("至", "until"),
    "barred_until": ("此前不得再次申报", "barred until"),
}
_DUE = {
    "title": ("称号", "title"),
    "item": ("奖励", "item"),
    "period": ("期次", "period"),
    "payer": ("出资方", "payer"),
    "payee": ("领受人", "payee"),
    "amount_fen": ("金额（分）", "amount (fen)"),
    "due_on": ("应发日期", "due on"),
    "status": ("状态", "status"),
}


# ---- reading ----


@command(
    "title list",
    zh="本届已命名的称号及录入的荣誉：状态、证书、起止。",
    en="The titles that a cycle conferred, and the honours recorded in it: status, certificate, since and until.",
    example="title list sichuan-craftsman.4",
)
async def list_(cycle: Cycle, *, as_of: AsOf = "", desk: AtDesk) -> Outcome:
    day = await _day(desk, cycle, as_of)
    rows = [_row(stream, state, day) for stream, state in await _of_cycle(desk, cycle)]
    columns = ("", desk.say("状态", "status"), desk.say("证书", "certificate"), desk.say("自", "since"))
    shown = [
        (row["stream"], title_words(row["status"], desk.language), *(row[name] for name in _TERM))
        for row in rows
    ]
    return Outcome(json={"titles": rows}, shown=table((*columns, desk.say("至", "until")), shown))


@command(
    "title show",
    zh="一个称号：状态、考核、奖励台账。",
    en="One title: its status, assessments and ledger.",
    example=f"title show {_TITLE}",
)
async def show(title: TitleAt, *, as_of: AsOf = "", desk: AtDesk) -> Outcome:
    stream = title_at(title)
    cycle = names.cycle_of(stream)
    day = await _day(desk, cycle, as_of)
    state = await _state(desk, stream)
    programme = (await desk.pinned(cycle)).programme
    row = _row(stream, state, day)
    entries = [_entry(state, programme, entry, day) for entry in titles.schedule(state, programme, day)]
    said = row | {"state": jsonable(state), "rewards": entries}
    lines = [(desk.say(*words), _told(key, row, desk)) for key, words in _LINES.items()]
    lines += [
        (
            desk.say(
                f"奖励 {one['item']} 第 {one['period']} 期", f"reward {one['item']}, period {one['period']}"
            ),
            f"{one['amount_fen']} {desk.say('分', 'fen')} {reward_words(one['status'], desk.language)}",
        )
        for one in entries
    ]
    return Outcome(json=said, shown=table(("", ""), lines))


@command(
    "reward due",
    zh="截至某日应发而未发的奖励，及暂缓的原因。",
    en="The rewards that are due by a day and not paid, and why some are withheld.",
    example="reward due sichuan-craftsman.4 --as-of 2026-12-31",
)
async def due(cycle: Cycle, *, as_of: AsOf = "", desk: AtDesk) -> Outcome:
    day = await _day(desk, cycle, as_of)
    programme = (await desk.pinned(cycle)).programme
    rows = [
        {"title": stream} | _entry(state, programme, entry, day)
        for stream, state in await _of_cycle(desk, cycle)
        for entry in titles.schedule(state, programme, day)
        if not titles.is_paid(state, entry)
        and state.status not in (titles.Status.REVOKED, titles.Status.DELISTED)
    ]
    told = [row | {"status": reward_words(row["status"], desk.language)} for row in rows]
    columns = [desk.say(*words) for words in _DUE.values()]
    shown = table(columns, [[row[name] for name in _DUE] for row in told])
    return Outcome(json={"as_of": day.isoformat(), "due": rows}, shown=shown)


# ---- rewards ----


@command(
    "reward pay",
    zh="发放一期奖励或发出礼遇；重复执行只生效一次，回执相同。",
    en="Pay one period of a reward, or issue an entitlement. Doing it twice has one effect and the same receipt.",
    example=f"reward pay {_TITLE} --item cash --period 1 --reference T-1 {_SIGNED}",
)
async def pay(
    title: TitleAt,
    *,
    item: Annotated[str, Parameter(help="奖励编号 · the reward's id in the programme, or its type")],
    period: Annotated[str, Parameter(help="期次，从 1 起 · the period, from 1")] = "1",
    payer: Annotated[str, Parameter(help="出资方；不写则各方 · one payer; else all")] = "",
    payee: Annotated[str, Parameter(help="成员；不写则全体 · one member; else all")] = "",
    reference: Ref = "",
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = PayReward(item=item, period=period, payer=payer, payee=payee, reference=reference)
    return await desk.send(title_at(title), body, signed)


@command(
    "reward recover",
    zh="追缴：称号撤销后，已发的各笔各记一笔负数。",
    en="Recover what was paid with a revoked title: a negative entry for each payment, once.",
    example=f"reward recover {_TITLE} --reference R-1 {_SIGNED}",
)
async def recover(title: TitleAt, *, reference: Ref = "", signed: Signed, desk: AtDesk) -> Outcome:
    return await desk.send(title_at(title), RecoverRewards(reference=reference), signed)


@command(
    "title share",
    zh="约定团队奖励的成员份额，合计恰为 100%。",
    en="Agree how a team's rewards are shared: MEMBER=SHARE each, exactly 100 % in all.",
    example=f"title share {_TITLE} M-1=50% M-2=1/4 M-3=25% {_SIGNED}",
)
async def share(
    title: TitleAt,
    *shares: Annotated[str, Parameter(help="成员=份额 · MEMBER=SHARE, such as 50% or 1/3")],
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    agreed = [{"member": member, "share": part} for member, part in map(pair_of, shares)]
    body = AgreeShares(shares=TypeAdapter(tuple[MemberShare, ...]).validate_python(agreed))
    return await desk.send(title_at(title), body, signed)


# ---- terms and assessments ----


@command(
    "title assess",
    zh="记录年度考核：pass、warn、fail；不合格达到规定次数即摘牌。",
    en="Record a year's assessment: pass, warn or fail. As many failures as the programme says take it off the register.",
    example=f"title assess {_TITLE} --year 1 --result pass {_SIGNED}",
)
async def assess(
    title: TitleAt,
    *,
    year: Annotated[int, Parameter(help="命名后第几年 · which year after the conferral, from 1")],
    result: Literal["pass", "warn", "fail"],
    document: Document = "",
    reason: Reason = "",
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = AssessTitle(year=year, result=result, document=document_hash(document), reason=reason)
    return await desk.send(title_at(title), body, signed)


@command(
    "title leader-left",
    zh="领衔人离开：其后更换领衔人，或摘牌。",
    en="Note that the studio's leader left: afterwards replace them, or delist.",
    example=f'title leader-left {_TITLE} --reason "退休" {_SIGNED}',
)
async def leader_left(title: TitleAt, *, reason: Reason, signed: Signed, desk: AtDesk) -> Outcome:
    return await desk.send(title_at(title), NoteLeaderLeft(reason=reason), signed)


@command(
    "title replace-leader",
    zh="更换领衔人；个人信息只入保管库。",
    en="Another leads the studio; who it is goes to the vault alone.",
    example=f'title replace-leader {_TITLE} --identity ID --field name=测试·甲一 --reason "接任" {_SIGNED}',
)
async def replace_leader(
    title: TitleAt,
    *,
    identity: Annotated[str, Parameter(help="证件号，只入保管库 · identity, for the vault")],
    field: Annotated[
        tuple[str, ...], Parameter(help="个人信息 ID=值，可多次 · personal data, for the vault")
    ],
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    door, fields = await desk.door(), personal_fields(map(pair_of, field))
    receipt = await door.replace_leader(
        title_at(title), identity, fields, reason, signed.actor, key=signed.key
    )
    return desk.told(receipt)


@command(
    "title delist",
    zh="摘牌（退出）：须两人。",
    en="Take a title off the register; takes two people.",
    example=f'title delist {_TITLE} --reason "领衔人离开，无人接任" {_SIGNED}',
)
async def delist(title: TitleAt, *, reason: Reason, signed: Signed, desk: AtDesk) -> Outcome:
    return await desk.send(title_at(title), DelistTitle(reason=reason), signed)


# ---- revocation ----


@command(
    "title propose-revocation",
    zh="提议撤销命名：事由、证据、理由。",
    en="Propose to revoke a title: ground, evidence, reason.",
    example=f'title propose-revocation {_TITLE} --ground fraud --document report.pdf --reason "…" '
    "--as s-3 --role handler --unit 51",
)
async def propose_revocation(
    title: TitleAt,
    *,
    ground: Annotated[str, Parameter(help="事由代码 · the ground, a short code")],
    document: Document,
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = ProposeRevocation(ground=ground, document=document_hash(document), reason=reason)
    return await desk.send(title_at(title), body, signed)


@command(
    "title hear",
    zh="记录听取本人意见（或未到）。",
    en="Record that the holder was heard, or did not come.",
    example=f'title hear {_TITLE} --attended --reason "已听取" --as s-3 --role handler --unit 51',
)
async def hear(
    title: TitleAt,
    *,
    attended: Annotated[bool, Parameter(help="本人到场 · the holder came")] = False,
    document: Document = "",
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = HearHolder(attended=attended, document=document_hash(document), reason=reason)
    return await desk.send(title_at(title), body, signed)


@command(
    "title revoke",
    zh="决定撤销（或 --keep 保留）：由原命名机关两人办理；称号标明撤销，不删除。",
    en="Decide the revocation, or --keep; by two of the body that conferred. The title is marked, never deleted.",
    example=f'title revoke {_TITLE} --reason "查实" --as s-1 --role body:leading_group --unit 51',
)
async def revoke(
    title: TitleAt,
    *,
    keep: Annotated[bool, Parameter(help="保留称号 · keep the title")] = False,
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = DecideRevocation(outcome="kept" if keep else "revoked", reason=reason)
    return await desk.send(title_at(title), body, signed)


@command(
    "title appeal",
    zh="对撤销提出申诉，一次。",
    en="Appeal against a revocation, once.",
    example=f'title appeal {_TITLE} --reason "…" --as s-101 --role officer --unit 51',
)
async def appeal(
    title: TitleAt, *, document: Document = "", reason: Reason, signed: Signed, desk: AtDesk
) -> Outcome:
    return await desk.send(
        title_at(title), AppealRevocation(document=document_hash(document), reason=reason), signed
    )


@command(
    "title rule-appeal",
    zh="裁定申诉：维持撤销（upheld）或恢复（restored）；须两人。",
    en="Rule on an appeal: the revocation is upheld, or the title restored; takes two people of the body.",
    example=f'title rule-appeal {_TITLE} upheld --reason "…" --as s-1 --role body:leading_group --unit 51',
)
async def rule_appeal(
    title: TitleAt,
    outcome: Annotated[Literal["upheld", "restored"], Parameter(help="裁定 · the ruling")],
    *,
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    return await desk.send(title_at(title), RuleOnAppeal(outcome=outcome, reason=reason), signed)


# ---- honours of elsewhere, waivers ----


@command(
    "honour record",
    zh="录入被提名者在别处所得的荣誉或名次：作资格条件，不计入多年目标；办理人即核实人。",
    en="Record what a nominee was given elsewhere: it counts in conditions on history, not toward targets; who records it verified it.",
    example="honour record sichuan-craftsman.4/N-0001 --title national_contest --on 2021-10-01 --place 2 "
    '--source "第七届大赛公报" --document paper.pdf --as s-3 --role handler --unit 51',
)
async def record_honour(
    nomination: NominationAt,
    *,
    cycle: OfCycle = "",
    title: Annotated[str, Parameter(help="荣誉编号 · what programmes call the honour")],
    on: Annotated[str, Parameter(help="授予日期 · the day it was given")],
    source: Annotated[str, Parameter(help="来源 · where it is published")],
    document: Document,
    programme: Annotated[str, Parameter(help="项目 · whose programme")] = "",
    edition: Annotated[int | None, Parameter(help="届次 · which edition")] = None,
    place: Annotated[int | None, Parameter(help="名次 · the place, 1 is first")] = None,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    where = nomination_at(nomination, cycle)
    body = RecordHonour(
        title=title,
        programme=programme,
        edition=edition,
        conferred_on=date_of(on),
        place=place,
        source=source,
        document=document_hash(document),
    )
    door = await desk.door()
    return desk.told(await door.record_honour(where.cycle, where.id, body, signed.actor, key=signed.key))


@command(
    "note-death",
    zh="申报对象逝世：办法允许则继续评审并追授，否则终止。",
    en="Note that the subject died: the nomination goes on to a posthumous title where the programme says so, else ends.",
    example="note-death sichuan-craftsman.4/N-0001 --on 2024-03-01 --document paper.pdf --as s-7 --role officer "
    "--unit 510104",
)
async def note_death(
    nomination: NominationAt,
    *,
    cycle: OfCycle = "",
    on: Annotated[str, Parameter(help="逝世日期 · the day")],
    document: Document,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = NoteDeath(died_on=date_of(on), document=document_hash(document))
    return await desk.send(nomination_at(nomination, cycle).stream, body, signed)


@command(
    "note-transfer",
    zh="申报对象调动：单位更新，推荐路径不变。",
    en="Note that the subject works at another unit now; the route stays as it was submitted.",
    example='note-transfer sichuan-craftsman.4/N-0001 --to 510105 --reason "调动" --as s-7 --role officer --unit 510104',
)
async def note_transfer(
    nomination: NominationAt,
    *,
    cycle: OfCycle = "",
    to: Annotated[str, Parameter(help="现单位代码 · the unit that the subject works at now")],
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = NoteTransfer(unit=to, reason=reason)
    return await desk.send(nomination_at(nomination, cycle).stream, body, signed)


@command(
    "waive predicate",
    zh="破格：对一项申报免予一条资格条件；须两人。",
    en="Waive one named predicate for one nomination; takes two people.",
    example='waive predicate sichuan-craftsman.4/N-0001 --predicate craft_years --reason "贡献特别突出" '
    + _SIGNED,
)
async def waive_predicate(
    nomination: NominationAt,
    *,
    cycle: OfCycle = "",
    predicate: Annotated[str, Parameter(help="条件编号 · the predicate's id; requires_TITLE for a ladder")],
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = WaivePredicate(predicate=predicate, reason=reason)
    return await desk.send(nomination_at(nomination, cycle).stream, body, signed)


# ---- on the way ----


def title_at(written: str) -> str:
    """The title's stream, from `title/CYCLE/NOMINATION/TITLE` or the same without its first word; BadUsage ADDRESS."""
    parts = written.removeprefix("title/").split("/")
    if len(parts) != 3 or not all(parts):
        raise BadUsage("ADDRESS", written=written, expected="title/CYCLE/NOMINATION/TITLE")
    return names.title_stream(*parts)


async def _day(desk: Desk, cycle: str, written: str) -> date:
    """The day that is asked about; today as the cycle's time has it."""
    if written:
        return date_of(written)
    opened = (await (await desk.reader()).cycles.get(names.cycle_stream(cycle))).state.opened
    now: datetime = system_clock()
    return local_date(opened.pace.cycle_time(now) if opened else now)


async def _of_cycle(desk: Desk, cycle: str) -> Sequence[tuple[str, titles.State]]:
    reader = await desk.reader()
    streams = await reader.store.streams(f"title/{cycle}/")
    return [(stream, one.state) for stream, one in sorted((await reader.titles.get_many(streams)).items())]


async def _state(desk: Desk, stream: str) -> titles.State:
    state = (await (await desk.reader()).titles.get(stream)).state
    if state.status == titles.Status.NEW:
        raise Refused("NOT_FOUND", what=stream)
    return state


def _row(stream: str, state: titles.State, day: date) -> JsonObject:
    """`expired` is nobody's act: it is what the day makes of the term."""
    expired = state.status in titles.STANDS and not state.stands(day) and state.since <= day
    conferred = state.conferred
    return {
        "stream": stream,
        "subject": state.subject,
        "title": state.title,
        "label": jsonable(conferred.label) if conferred else None,
        "status": "expired" if expired else str(state.status),
        "certificate": conferred.certificate if conferred else "",
        "posthumous": bool(conferred and conferred.posthumous),
        "since": state.since.isoformat(),
        "until": state.until.isoformat() if state.until else None,
        "barred_until": state.barred_until.isoformat() if state.barred_until else None,
    }


def _told(key: str, row: JsonObject, desk: Desk) -> Any:
    """A line of `title show` for people."""
    value = row[key]
    match key:
        case "status":
            return title_words(value, desk.language)
        case "posthumous":
            return desk.say("是", "yes") if value else desk.say("否", "no")
        case "title" if row["label"]:
            label = desk.say(row["label"]["zh"], row["label"]["en"] or row["label"]["zh"])
            return beside(label, value, desk.language)
        case _:
            return value


def _entry(state: titles.State, programme: Programme, entry: Entry, day: date) -> dict[str, Any]:
    reward = next(one for one in titles.rewards_of(state, programme) if one.item == entry.item)
    why = titles.withheld(state, reward, entry.period, day)
    paid = titles.is_paid(state, entry)
    return {
        "item": entry.item,
        "period": entry.period,
        "payer": entry.payer,
        "payee": entry.payee,
        "amount_fen": entry.amount_fen,
        "due_on": entry.due_on.isoformat(),
        "status": "paid" if paid else f"withheld: {why}" if why else "due",
    }
