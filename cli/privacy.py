"""A person's data: held for a proceeding, released, erased by two people, and erased again after a restored backup."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from cli.desk import AtDesk, Desk, Nominated, NominationAt, OfCycle, Signed, command, nomination_at
from cli.documents import document_hash
from cli.output import Outcome, clock, table
from cli.words import event_words, out_words
from domain import authority
from runtime import texts
from runtime.door import WORDS
from schemas import names
from schemas.commands import ErasePerson, HoldPerson, PersonBody, ReleasePerson
from schemas.errors import BadUsage
from schemas.events import PersonalDataExported, read
from schemas.values import format_instant

_READERS = ("officer", "operator", "handler")

Whom = Annotated[
    str,
    Parameter(help="申报 CYCLE/ID，或对象编号加 --cycle · a nomination, or a subject's id beside --cycle"),
]
InCycle = Annotated[str, Parameter(help="届次，依其授权办理 · the cycle under whose grants it is done")]
PlainReason = Annotated[
    str,
    Parameter(help="理由，永久留在日志，不写个人信息 · why; stays in the log, nothing of the person in it"),
]


@command(
    "privacy erase",
    zh="销毁一人的个人信息：两人各提一次，第二人提出时销毁其密钥，不可恢复；日志、散列与证明不变，此后各处显示已销毁。"
    "申报未完、异议未决、称号争议或留存期间不得销毁。再次执行无害。",
    en="Erase a person: two people ask for the same, and the second one's request destroys the key of their data, for "
    "good. The log, its hashes and proofs stay; from then on the person shows as erased. Refused while a hold, a "
    "running nomination, an open objection or a disputed title needs the data. Doing it again is harmless.",
    example='privacy erase sichuan-craftsman.1/3f0c --basis "the person\'s request of 2026-05-08" --reason "retention '
    'period over" --as op-1 --role operator --unit 51',
)
async def erase(
    whom: Whom,
    *,
    cycle: InCycle = "",
    basis: Annotated[str, Parameter(help="依据：本人申请、保存期届满等 · what allows it")],
    document: Annotated[str, Parameter(help="依据文件，或其 SHA-256 · its paper, or the SHA-256")] = "",
    reason: PlainReason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    cycle, subject = await _at(desk, whom, cycle)
    body = ErasePerson(cycle=cycle, basis=basis, document=document_hash(document), reason=reason)
    receipt, erased = await (await desk.door()).erase(cycle, subject, body, signed.actor, signed.key)
    return desk.told(receipt, subject=subject, erased=erased)


@command(
    "privacy exports",
    zh="个人信息导出记录：何人、何时、依何授权、导出哪一轮的何种表、几人；写明申报则只列其所经各轮，销毁个人信息后据此告知持有人。",
    en="Who took papers with names out: when, by which grant, of which round, how many people. Of one nomination those of "
    "the rounds on its way: whom to tell when the person is erased. No name is in it.",
    example="privacy exports sichuan-craftsman.1/3f0c",
)
async def exports(
    whose: Annotated[str, Parameter(help="届次，或申报 CYCLE/ID · a cycle, or a nomination")], *, desk: AtDesk
) -> Outcome:
    cycle, nomination, *_ = (*whose.removeprefix("nomination/").split("/"), "")
    way = await _way(desk, nomination_at(whose)) if nomination else None
    told = [
        (one, exported)
        for one in await (await desk.store()).load(names.register_stream(cycle))
        if isinstance(exported := read(one), PersonalDataExported)
        if exported.cycle == cycle and (way is None or exported.round in way)
    ]
    rows = [
        (
            format_instant(one.at),
            one.actor.id,
            one.grant,
            exported.paper,
            exported.round,
            exported.people,
        )
        for one, exported in told
    ]
    shown = [(clock(one.at), *row[1:]) for (one, _), row in zip(told, rows, strict=True)]
    keys = ("at", "by", "grant", "paper", "round", "people")
    words = ("届内时间（北京时间）", "何人", "授权", "表", "评审轮", "人数")
    english = ("cycle time (Beijing)", *keys[1:])
    columns = [desk.say(zh, en) for zh, en in zip(words, english, strict=True)]
    return Outcome(json=[dict(zip(keys, row, strict=True)) for row in rows], shown=table(columns, shown))


async def _way(desk: Desk, where: Nominated) -> set[str]:
    """The streams of the rounds that a nomination may stand in."""
    submitted = (await desk.nomination(where)).submitted
    assert submitted is not None
    path, route = submitted.path, submitted.route
    return {names.round_on_way(where.cycle, route, path, at) for at in range(len(path))}


@command(
    "privacy hold",
    zh="留存一人的个人信息：诉讼、审计、调查期间不得销毁。",
    en="Keep a person's data for a proceeding: it cannot be erased before it is released.",
    example='privacy hold sichuan-craftsman.1/3f0c --reason "audit 2026-7" --as op-1 --role operator --unit 51',
)
async def hold(
    whom: Whom, *, cycle: InCycle = "", reason: PlainReason, signed: Signed, desk: AtDesk
) -> Outcome:
    cycle, subject = await _at(desk, whom, cycle)
    return await _send(desk, subject, HoldPerson(cycle=cycle, reason=reason), signed)


@command(
    "privacy release",
    zh="解除留存。",
    en="End a hold.",
    example='privacy release sichuan-craftsman.1/3f0c --reason "closed" --as op-1 --role operator --unit 51',
)
async def release(
    whom: Whom, *, cycle: InCycle = "", reason: PlainReason, signed: Signed, desk: AtDesk
) -> Outcome:
    cycle, subject = await _at(desk, whom, cycle)
    return await _send(desk, subject, ReleasePerson(cycle=cycle, reason=reason), signed)


@command(
    "privacy read",
    zh="查阅某申报的文字：退回、不予推荐、异议裁定等理由，原文在保管库，只有本单位及上级的经办人可看。",
    en="What people wrote about a nominee: why it was returned, rejected, ruled on. The words lie in the vault; officers, "
    "operators and handlers of the unit or one above may read them.",
    example="privacy read sichuan-craftsman.1/3f0c --as s-101 --role officer --unit 510104",
)
async def read_words(
    nomination: NominationAt, *, cycle: OfCycle = "", signed: Signed, desk: AtDesk
) -> Outcome:
    where = nomination_at(nomination, cycle)
    await _may_read(desk, where, signed)
    told = [
        (one, name, one.data[name])
        for one in await (await desk.store()).load(where.stream)
        for name in WORDS
        if one.data.get(name)
    ]
    words = await texts.read(await desk.vault(), [text for _, _, text in told])
    rows = [
        (format_instant(one.at), one.type, name, text)
        for (one, name, _), text in zip(told, words, strict=True)
    ]
    shown = [
        # What lay in the vault is somebody's own words; the rest begins with a code.
        (
            clock(one.at),
            event_words(one.type, desk.language),
            out_words(text, desk.language) if text == kept else text,
        )
        for (one, _, kept), text in zip(told, words, strict=True)
    ]
    keys = ("at", "type", "field", "text")
    columns = (
        desk.say("届内时间（北京时间）", "cycle time (Beijing)"),
        desk.say("记录", "event"),
        desk.say("文字", "words"),
    )
    return Outcome(json=[dict(zip(keys, row, strict=True)) for row in rows], shown=table(columns, shown))


async def _may_read(desk: Desk, where: Nominated, signed: Signed) -> None:
    submitted = (await desk.nomination(where)).submitted
    assert submitted is not None
    pinned = await desk.pinned(where.cycle)
    grants = (await (await desk.reader()).authorities.get(names.authority_stream(where.cycle))).state
    authority.authorize(grants, pinned.tree, signed.actor, "privacy read", submitted.unit, _READERS)


@command(
    "privacy enforce",
    zh="按日志重新销毁：凡日志记为已销毁者，其密钥若因恢复旧备份而重现，再次销毁。恢复保管库备份后执行。",
    en="Erase again whoever the log says is erased: a restored backup of the vault brings keys back. Run it after one.",
    example="privacy enforce",
)
async def enforce(*, desk: AtDesk) -> Outcome:
    again = await (await desk.door()).erase_again()
    return Outcome(
        json={"erased": again},
        shown=desk.say(
            f"日志记为已销毁者 {again} 人，密钥均已销毁",
            f"{again} people are erased by the log, and so their keys",
        ),
    )


async def _at(desk: Desk, whom: str, cycle: str) -> tuple[str, str]:
    """The cycle and the subject that a nomination's address, or a subject's id beside a cycle, names."""
    parts = whom.removeprefix("nomination/").split("/")
    if len(parts) == 1 and cycle:
        return cycle, whom
    if len(parts) != 2 or cycle not in ("", parts[0]):
        raise BadUsage("ADDRESS", written=whom, expected="CYCLE/NOMINATION")
    return parts[0], await (await desk.door()).subject_of(parts[0], nomination=parts[1])


async def _send(desk: Desk, subject: str, body: PersonBody, signed: Signed) -> Outcome:
    return await desk.send(names.person_stream(body.cycle, subject), body, signed)
