"""A programme beside its cycles: its register, outcomes of elsewhere, and its targets over the years."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from cli.desk import AtDesk, Cycle, Desk, Reason, Signed, command
from cli.documents import Document, document_hash
from cli.output import Outcome, table
from cli.points import Identity, Nomination, Subject, day_of, subject_at
from domain.targets import progress
from projections.given import cycles_of, given_titles
from schemas import names
from schemas.commands import EnterRegister, LeaveRegister, PairMembers, RecordOutcome
from schemas.errors import Refused
from schemas.loading import load_programme
from schemas.programme import Programme

_SIGNED = "--as s-1 --role operator --unit 51"


@command(
    "register enter",
    zh="入库：已完成届次（批次）的入选者全部入库；各批合计不得超过上限。",
    en="Take a completed cycle's winners into the register, all or none; batches together never exceed the cap.",
    example=f"register enter sichuan-key-enterprises.1 {_SIGNED}",
)
async def enter(cycle: Cycle, *, signed: Signed, desk: AtDesk) -> Outcome:
    return await desk.send(names.register_stream(cycle), EnterRegister(cycle=cycle), signed)


@command(
    "register leave",
    zh="出库：名额不再递补。",
    en="Take a member out of the register; the place is not given again.",
    example=f'register leave sichuan-key-enterprises.1 --subject 5f0c --reason "停产" {_SIGNED}',
)
async def leave(cycle: Cycle, *, subject: Subject, reason: Reason, signed: Signed, desk: AtDesk) -> Outcome:
    body = LeaveRegister(cycle=cycle, subject=subject, reason=reason)
    return await desk.send(names.register_stream(cycle), body, signed)


@command(
    "register pair",
    zh="结对：优秀者带新增者；两者均须在库，新增者只结一对。",
    en="Pair one that has proved itself with a newcomer, both in the register; a newcomer has one senior.",
    example=f"register pair sichuan-key-enterprises.2 --senior 5f0c --junior 77ab {_SIGNED}",
)
async def pair(
    cycle: Cycle,
    *,
    senior: Annotated[str, Parameter(help="优秀者的对象编号 · the subject that has proved itself")],
    junior: Annotated[str, Parameter(help="新增者的对象编号 · the newcomer")],
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = PairMembers(cycle=cycle, senior=senior, junior=junior)
    return await desk.send(names.register_stream(cycle), body, signed)


@command(
    "register show",
    zh="名录：在库者、结对、已入库的批次、登记的外部结果。",
    en="The register: who is in, pairs, the batches that entered, and outcomes of elsewhere.",
    example="register show sichuan-key-enterprises.1",
)
async def show(cycle: Cycle, *, desk: AtDesk) -> Outcome:
    state = (await (await desk.reader()).registers.get(names.register_stream(cycle))).state
    said = {
        "members": [one.model_dump(mode="json") for one in state.members.values()],
        "ever": len(state.ever),
        "batches": list(state.batches),
        "pairs": [{"senior": senior, "junior": junior} for junior, senior in state.seniors.items()],
        "outcomes": [{"subject": id} | one.model_dump(mode="json") for id, one in state.outcomes],
    }
    rows = [(one.subject, one.unit, state.seniors.get(one.subject, "")) for one in state.members.values()]
    rows += [(id, one.title, f"{one.given_on} {one.source}") for id, one in state.outcomes]
    columns = (
        desk.say("对象", "subject"),
        desk.say("单位、称号", "unit or title"),
        desk.say("结对、来源", "with"),
    )
    return Outcome(json=said, shown=table(columns, rows))


@command(
    "outcome record",
    zh="登记外部结果：办法标明 external 的称号，计入多年目标，不作资格条件；须有来源、另一核实人、文件。",
    en="Record an external title: it counts toward targets, not in conditions on history; another person verified it.",
    example="outcome record guangzhou-climb.1 --nomination 5f0c --title national_craftsman --given-on 2026-01-20 "
    f"--source 全国总工会 --verifier s-2 --document notice.pdf {_SIGNED}",
)
async def record(
    cycle: Cycle,
    *,
    identity: Identity = "",
    subject: Subject = "",
    nomination: Nomination = "",
    title: Annotated[str, Parameter(help="称号，办法中标明 external · a title declared external")],
    given_on: Annotated[str, Parameter(help="授予日期 2026-01-20 · the day it was given")],
    source: Annotated[str, Parameter(help="来源机构 · who gave it")],
    verifier: Annotated[
        str, Parameter(help="核实人编号，不得为登记人 · who saw the document, another person")
    ],
    document: Document,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    subject = await subject_at(desk, cycle, subject, identity, nomination)
    body = RecordOutcome(
        cycle=cycle,
        subject=subject,
        title=title,
        given_on=given_on,
        source=source,
        verifier=verifier,
        document=document_hash(document),
    )
    receipt = await (await desk.door()).send(names.register_stream(cycle), body, signed.actor, signed.key)
    return desk.told(receipt, subject=subject)


@command(
    "programme targets",
    zh="多年目标的进度：由日志中各届命名和登记的外部结果计数；只报告，不阻碍任何事。",
    en="How far targets over the years are reached, counted over the log's cycles and recorded outcomes; never a bar.",
    example="programme targets guangzhou-climb --as-of 2026-12-31",
)
async def targets(
    programme: Annotated[str, Parameter(help="项目编号（用最近一届的办法）或 YAML 文件 · an id, or a file")],
    *,
    as_of: Annotated[str, Parameter(help="日期，默认今天 · the day, by default today")] = "",
    label: Annotated[str, Parameter(help="演练的标记 · a mark of a rehearsal")] = "",
    desk: AtDesk,
) -> Outcome:
    rules, store = await _rules(programme, label, desk), await desk.store()
    counted = {rules.programme, *(id for target in rules.targets for id in target.programmes)}
    given = [one for id in sorted(counted) for one in await given_titles(store, id, label)]
    found = progress(rules, given, day_of(as_of))
    columns = tuple(
        desk.say(*words)
        for words in (
            ("目标", "target"),
            ("已有", "count"),
            ("不少于", "at least"),
            ("达到", "met"),
            ("尚缺", "missing"),
        )
    )
    rows = [
        (one.target, str(one.count), str(one.at_least), "✓" if one.met else "", str(one.missing))
        for one in found
    ]
    said = [asdict(one) | {"missing": one.missing} for one in found]
    return Outcome(json={"programme": rules.programme, "targets": said}, shown=table(columns, rows))


async def _rules(written: str, label: str, desk: Desk) -> Programme:
    """A file's programme, or the one that the latest cycle runs by; Refused NOT_FOUND."""
    if written.endswith((".yaml", ".yml")):
        return load_programme(Path(written))
    reader, found = await desk.reader(), []
    for cycle in await cycles_of(await desk.store(), written, label):
        folded = await reader.cycles.get(names.cycle_stream(cycle))
        if folded.state.opened_at:
            found.append((folded.state.opened_at, folded.rules))
    if not found:
        raise Refused("NOT_FOUND", what=written)
    return await reader.programme(max(found)[1])
