"""The public vote at the terminal: how it stands, and the plain path for one paper."""

from __future__ import annotations

from functools import reduce
from secrets import token_hex
from typing import Annotated

from cyclopts import Parameter
from msgspec.structs import asdict

from activities.folding import fold_round
from cli.desk import AtDesk, OfCycle, Reason, RoundAt, Signed, StepId, command, round_at
from cli.output import Outcome, jsonable, table
from domain.round import initial, run_of
from schemas import names
from schemas.commands import InvalidateVotes
from schemas.errors import Integrity, Refused
from schemas.events import BallotOpened, TallySealed, read
from schemas.values import format_instant
from store.ballots import BallotBox, SealedTally

_HERE = "round/sichuan-craftsman.1/all/51"


@command(
    "ballot state",
    zh="投票现状：期限、候选人；封存之前不示票数。",
    en="How a vote stands: its window and candidates; no counts before it is sealed.",
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
    gate = await store.gate(opened.ballot)
    said = {
        "ballot": opened.ballot,
        "status": gate.status.value if gate else "",
        "opens_at": format_instant(gate.opens_at) if gate else None,
        "closes_at": format_instant(gate.closes_at) if gate and gate.closes_at else None,
        "candidates": list(opened.candidates),
        "tally": jsonable(sealed) if sealed else None,
    }
    votes = {count.nomination: count.votes for count in sealed.counts} if sealed else {}
    columns = (desk.say("候选人", "candidate"), desk.say("票数", "votes"))
    title = f"{opened.ballot} · {said['status']} · {said['opens_at']} – {said['closes_at']}"
    rows = [(one, votes.get(one, "–")) for one in opened.candidates]
    return Outcome(json=said, shown=table(columns, rows, title))


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
        tally = await box.recount(ballot, run_of(state, step).invalid)
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
    for name in ("papers", "root", "rules_hash", "counts", "channels", "valid"):
        again, was = getattr(tally, name), getattr(sealed, name)
        if again != was and was is not None:
            raise Integrity("TALLY_DIFFERS", ballot=tally.ballot, fault=f"{name}: {again} ≠ {was}")


@command(
    "ballot invalidate",
    zh="剔除刷票：某些投票人的票，或某候选人的全部票，不计入；须两人、附证据，计票封存前。选票本身不删。",
    en="Invalidate stuffed votes: papers of some voters, or all for one candidate; two people, with evidence, before the "
    "count. No paper is deleted.",
    example=f"ballot invalidate {_HERE} --step public_vote --voter v-77 --voter v-78 --evidence SHA256 --reason 同一设备 "
    "--as op-1 --role operator --unit 51",
)
async def invalidate(
    round: RoundAt,  # noqa: A002 -- the argument's name
    *,
    cycle: OfCycle = "",
    step: StepId,
    voter: Annotated[tuple[str, ...], Parameter(help="投票人代号，可多次 · a voter's token")] = (),
    nomination: Annotated[str, Parameter(help="票数清零的候选人 · whose votes do not count")] = "",
    evidence: Annotated[str, Parameter(help="证据材料的 SHA-256 · the evidence document's SHA-256")],
    reason: Reason,
    signed: Signed,
    desk: AtDesk,
) -> Outcome:
    body = InvalidateVotes(step=step, voters=voter, nomination=nomination, evidence=evidence, reason=reason)
    return await desk.send(round_at(round, cycle), body, signed)
