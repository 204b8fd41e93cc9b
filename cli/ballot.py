"""The public vote at the terminal: how it stands, and the plain path for one paper."""

from __future__ import annotations

from functools import reduce
from secrets import token_hex
from typing import Annotated

from cyclopts import Parameter
from msgspec.structs import asdict
from rich.console import Group
from rich.text import Text

from activities.folding import fold_round
from cli.desk import AtDesk, Desk, OfCycle, Reason, RoundAt, Signed, StepId, command, round_at
from cli.output import Outcome, clock, jsonable, table
from cli.words import gate_words
from domain.adjudication import uncounted
from domain.round import initial, run_of
from schemas import names
from schemas.commands import FreezeVotes, InvalidateVotes, ReleaseVotes, ScreenVotes, UnfreezeVotes
from schemas.errors import Integrity, Refused
from schemas.events import BallotOpened, CountsPublished, TallySealed, VotesHeld, read
from schemas.ledger import Gate
from schemas.values import format_instant
from store.ballots import BallotBox, SealedTally

_HERE = "round/sichuan-craftsman.1/all/51"


@command(
    "ballot state",
    zh="投票现状：期限、候选人；封存之前只示方案所定时刻的阶段票数，或不示。",
    en="How a vote stands: its window and candidates; before it is sealed no counts but those shown as provisional.",
    example=f"ballot state {_HERE} --step public_vote",
)
async def state(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    step: StepId,
    desk: AtDesk,
) -> Outcome:
    stream = round_at(round, cycle)
    store = await desk.store()
    events = [read(event) for event in await store.load(stream)]
    opened = next((one for one in events if isinstance(one, BallotOpened) and one.step == step), None)
    if opened is None:
        raise Refused("NOT_FOUND", what=f"{stream}/{step}")
    sealed = next((one for one in events if isinstance(one, TallySealed) and one.step == step), None)
    shown = next(
        (one for one in reversed(events) if isinstance(one, CountsPublished) and one.step == step), None
    )
    gate = await store.gate(opened.ballot)
    said = {
        "ballot": opened.ballot,
        "status": gate.status.value if gate else "",
        "opens_at": format_instant(gate.opens_at) if gate else None,
        "closes_at": format_instant(gate.closes_at) if gate and gate.closes_at else None,
        "candidates": list(opened.candidates),
        "provisional": jsonable(shown) if shown and not sealed else None,
        "tally": jsonable(sealed) if sealed else None,
    }
    counted = sealed or shown
    votes = {count.nomination: count.votes for count in counted.counts} if counted else {}
    columns = (desk.say("候选人", "candidate"), _votes_column(desk, sealed, shown))
    title = " · ".join((opened.ballot, *_stands(gate, desk)))
    rows = [(one, votes.get(one, "–")) for one in opened.candidates]
    return Outcome(json=said, shown=Group(Text(title), table(columns, rows)))


def _stands(gate: Gate | None, desk: Desk) -> tuple[str, ...]:
    """How the vote stands, and its window."""
    if gate is None:
        return ()
    window = f"{clock(gate.opens_at)} – {clock(gate.closes_at) if gate.closes_at else ''}"
    return gate_words(gate.status, desk.language), window + desk.say("（北京时间）", " (Beijing)")


def _votes_column(desk: Desk, sealed: TallySealed | None, shown: CountsPublished | None) -> str:
    """Counts that are not sealed are called what they are."""
    if sealed or not shown:
        return desk.say("票数", "votes")
    at = clock(shown.at)
    return desk.say(
        f"票数（阶段性，截至北京时间 {at}，未经核查）",
        f"votes (provisional, as of {at} in Beijing, not adjudicated)",
    )


@command(
    "ballot vote",
    zh="投一张票；重试时用同一个 --paper，不会重复计票。",
    en="Cast one paper; a retry with the same --paper is never counted twice.",
    example=f"ballot vote {_HERE} N-0001 --step public_vote --voter v-77 --paper p-1",
)
async def vote(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *choice: Annotated[str, Parameter(help="所选候选人 · the candidates chosen")],
    cycle: OfCycle = "",
    step: StepId,
    voter: Annotated[str, Parameter(help="投票人代号，不写姓名 · the voter's token, never a name")],
    paper: Annotated[str, Parameter(help="选票编号 · the paper's id; a fresh one by default")] = "",
    channel: Annotated[str, Parameter(help="投票渠道 · the channel")] = "terminal",
    desk: AtDesk,
) -> Outcome:
    stream = round_at(round, cycle)
    ballot = names.step_gate(stream, step)
    receipt = await (await desk.door()).cast_vote(
        names.cycle_of(stream), ballot, voter, choice, paper or token_hex(16), channel
    )
    before = desk.say("此前已收下", "taken before") if receipt.repeated else desk.say("已收下", "taken")
    rows = [(desk.say("回执", "receipt"), receipt.id), (desk.say("校验值", "leaf"), receipt.leaf)]
    return Outcome(json=asdict(receipt), shown=table((before, ""), rows))


Voters = Annotated[tuple[str, ...], Parameter(help="投票人代号，可多次 · a voter's token")]
CohortId = Annotated[
    str, Parameter(help="批次编号，见 ballot held · a cohort's id, as `ballot held` tells it")
]
Evidence = Annotated[str, Parameter(help="证据材料的 SHA-256 · the evidence document's SHA-256")]
_BY = "--as op-1 --role operator --unit 51"


@command(
    "ballot recount",
    zh="从原始选票重新计票：逐张按规则核对，重算默克尔根，与封存的计票比对；不符则退出码 6。",
    en="Count a closed ballot again from its raw papers: each against the rules, the Merkle root, and all of it against "
    "the sealed tally. Exit code 6 if it differs.",
    example=f"ballot recount {_HERE}/public_vote",
)
async def recount(
    ballot: Annotated[
        str, Parameter(help="投票编号，见 ballot state · the ballot, as `ballot state` tells it")
    ],
    *,
    desk: AtDesk,
) -> Outcome:
    stream, _, step = ballot.rpartition("/")
    events = await (await desk.store()).load(stream)
    state = reduce(fold_round, events, initial)
    if step not in state.steps:
        raise Refused("NOT_FOUND", what=f"ballot {ballot}")
    async with BallotBox(desk.audit_dsn) as box:
        run = run_of(state, step)
        tally = await box.recount(ballot, run.invalid, uncounted(run))
    sealed = next(
        (one for one in map(read, events) if isinstance(one, TallySealed) and one.step == step), None
    )
    if sealed is not None:
        _compare(tally, sealed)
    channels = {
        one.channel: {count.nomination: count.votes for count in one.counts} for one in tally.channels
    }
    columns = (desk.say("候选人", "candidate"), desk.say("票数", "votes"), *channels)
    rows = [
        (count.nomination, count.votes, *(votes[count.nomination] for votes in channels.values()))
        for count in tally.counts
    ]
    same = (
        desk.say("与封存的计票一致", "equal to the sealed tally")
        if sealed
        else desk.say("未封存", "not sealed")
    )
    papers = desk.say("张选票", "papers")
    return Outcome(
        json=tally.model_dump(mode="json") | {"sealed": sealed is not None},
        shown=table(columns, rows, f"{tally.papers} {papers} · {tally.root} · {same}"),
    )


def _compare(tally: SealedTally, sealed: TallySealed) -> None:
    for name in ("papers", "root", "uncounted_root", "rules_hash", "counts", "channels", "valid"):
        again, was = getattr(tally, name), getattr(sealed, name)
        if again != was and was is not None:
            raise Integrity("TALLY_DIFFERS", ballot=tally.ballot, fault=f"{name}: {again} ≠ {was}")


@command(
    "ballot invalidate",
    zh="剔除刷票：一批暂扣的票、某些投票人的票，或某候选人的全部票，不计入；--disqualify 并取消资格。须两人、附证据，计票封存前。"
    "选票本身不删。",
    en="Invalidate stuffed votes: a held cohort, papers of some voters, or all for one candidate, with --disqualify who "
    "then also leaves; two people, with evidence, before the count. No paper is deleted.",
    example=f"ballot invalidate {_HERE} --step public_vote --cohort 1/one_device/N-0001 --evidence SHA256 --reason 同一设备 {_BY}",
)
async def invalidate(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    step: StepId,
    cohort: CohortId = "",
    voter: Voters = (),
    nomination: Annotated[str, Parameter(help="票数清零的候选人 · whose votes do not count")] = "",
    disqualify: Annotated[bool, Parameter(help="并取消资格 · and who leaves the round")] = False,
    evidence: Evidence,
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = InvalidateVotes(
        step=step,
        voters=voter,
        nomination=nomination,
        cohort=cohort,
        disqualify=disqualify,
        evidence=evidence,
        reason=reason,
    )
    return await desk.send(round_at(round, cycle), body, signed)


@command(
    "ballot release",
    zh="放行：暂扣或已剔除的票恢复计入；须两人、附证据，计票封存前。",
    en="Release what is held or was invalidated: it counts; two people, with evidence, before the count.",
    example=f"ballot release {_HERE} --step public_vote --cohort 1/surge/N-0001 --evidence SHA256 --reason 本地报道所致 {_BY}",
)
async def release(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    step: StepId,
    cohort: CohortId = "",
    voter: Voters = (),
    nomination: Annotated[str, Parameter(help="恢复票数的候选人 · whose votes count again")] = "",
    evidence: Evidence,
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = ReleaseVotes(
        step=step, voters=voter, nomination=nomination, cohort=cohort, evidence=evidence, reason=reason
    )
    return await desk.send(round_at(round, cycle), body, signed)


@command(
    "ballot screen",
    zh="立即按方案的反刷票规则筛查已收的选票，查出的暂扣；结果见 ballot held。",
    en="Run the programme's rules against stuffing over the papers so far and hold what they find; see `ballot held`.",
    example=f"ballot screen {_HERE} --step public_vote {_BY}",
)
async def screen(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    step: StepId,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    return await desk.send(round_at(round, cycle), ScreenVotes(step=step), signed)


@command(
    "ballot held",
    zh="刷票筛查所得：每批选票的规则、候选人、票数、证据与处置。",
    en="What the rules against stuffing found: each cohort's rule, candidate, papers, evidence, and what became of it.",
    example=f"ballot held {_HERE} --step public_vote",
)
async def held(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    step: StepId,
    desk: AtDesk,
) -> Outcome:
    stream = round_at(round, cycle)
    run = run_of((await (await desk.reader()).rounds.get(stream)).state, step)
    events = [read(event) for event in await (await desk.store()).load(stream)]
    if not any(isinstance(one, BallotOpened) and one.step == step for one in events):
        raise Refused("NOT_FOUND", what=f"{stream}/{step}")
    found = {one.cohort: one for one in events if isinstance(one, VotesHeld) and one.step == step}
    said = {
        "screenings": run.screened,
        "asked": run.screening_asked,
        "frozen": [one or stream for one in run.frozen],
        "invalid_voters": sorted(run.invalid),
        "zeroed": sorted(run.zeroed),
        "disqualified": sorted(run.struck),
        "cohorts": [
            {"status": run.cohorts[id].status, **one.model_dump(mode="json", exclude={"step"})}
            for id, one in found.items()
        ],
    }
    words = {
        "held": desk.say("暂扣", "held"),
        "counted": desk.say("计入", "counts"),
        "invalid": desk.say("不计", "does not count"),
    }
    columns = (
        desk.say("批次", "cohort"),
        desk.say("票", "papers"),
        desk.say("占该候选人", "of the candidate's"),
        desk.say("处置", "now"),
        desk.say("证据", "evidence"),
    )
    rows = [
        (
            id,
            one.papers,
            one.of,
            words[run.cohorts[id].status],
            ", ".join(f"{k} {v}" for k, v in one.evidence.items()),
        )
        for id, one in found.items()
    ]
    title = desk.say(f"已筛查 {run.screened} 次", f"screened {run.screened} time(s)")
    return Outcome(json=said, shown=table(columns, rows, title))


@command(
    "ballot freeze",
    zh="冻结：整个投票暂不收票；或给出候选人，此后投给其的票照收而先暂扣。",
    en="Freeze: the vote takes no papers for now; or, with a candidate, papers for them are taken and held.",
    example=f"ballot freeze {_HERE} --step public_vote --reason 疑似刷票 {_BY}",
)
async def freeze(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    step: StepId,
    nomination: Annotated[str, Parameter(help="只冻结此候选人 · this candidate alone")] = "",
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = FreezeVotes(step=step, nomination=nomination, reason=reason)
    return await desk.send(round_at(round, cycle), body, signed)


@command(
    "ballot unfreeze",
    zh="解除冻结；整个投票冻结所占的天数补回。",
    en="Unfreeze; a vote that stood still gets its days back.",
    example=f"ballot unfreeze {_HERE} --step public_vote --reason 已核实 {_BY}",
)
async def unfreeze(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    step: StepId,
    nomination: Annotated[str, Parameter(help="只解除此候选人 · this candidate alone")] = "",
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = UnfreezeVotes(step=step, nomination=nomination, reason=reason)
    return await desk.send(round_at(round, cycle), body, signed)
