"""A stuffed vote on real servers: open, vote, bots, screen, hold, two people rule, seal, before and after (DR-23)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from cli import app
from cli.output import OK, REFUSED
from domain import round as rounds
from domain.adjudication import uncounted
from domain.round import run_of
from proof import merkle
from runtime.door import Door
from runtime.settings import Login
from schemas import names
from schemas.commands import InvalidateVotes, ReleaseVotes, ScreenVotes
from schemas.errors import Unavailable
from schemas.events import CountsPublished, TallySealed, VotesHeld, VotesReleased, VotesScreened, read
from schemas.ledger import Actor
from schemas.traces import PaperTrace
from store.ballots import Paper
from store.checkpoints import CheckpointSigner
from store.screening import Traces
from tests.cli.test_bundle import verified
from tests.support import people
from tests.verifiers.evidence import LOG_KEY, ORIGIN

UNITS = "code,parent,name,rank\nP,,测试省,province\n"
PROGRAMME = """
programme: test-sluice
edition: 1
title: {zh: 测试水闸工匠}
subject: person
units: {file: units.csv, root: P}
routes: [{id: territorial, ranks: [province]}]
titles: [{id: gold, label: {zh: 金}}]
stages:
  province:
    steps:
      - {id: intake, type: intake, channels: [unit], period: {days: 3, unit: natural_day}}
      - id: vote
        type: public_vote
        period: {days: 10, unit: natural_day}
        adjudication: {days: 12, unit: natural_day}
        limits: {per_day: 5, choices_min: 1, choices_max: 5}
        stuffing:
          rules: [{id: one_device, type: velocity, by: device, voters: 8, lead: "80%"}]
          ladder: [{act: invalidate, share: "10%"}, {act: zero, share: "90%"}]
        display: {counts: provisional, at: ["12:00"]}
      - {id: choice, type: selection, seats: 1, weights: [{component: public, share: "100%"}]}
      - {id: honour, type: conferral, body: council, grades: [{title: gold}], period: {days: 30, unit: natural_day}}
"""
EVIDENCE = "e" * 64
OPERATORS = tuple(Actor(id=f"op-{n}", role="operator") for n in (1, 2))


@dataclass(frozen=True)
class Poll:
    """The public vote of one round."""

    door: Door
    stream: str

    @property
    def ballot(self) -> str:
        return names.step_gate(self.stream, "vote")

    async def run(self) -> rounds.StepRun:
        return run_of((await self.door.decider.rounds.get(self.stream)).state, "vote")

    async def events(self, kind: type[Any]) -> list[Any]:
        return [
            event for event in map(read, await self.door.store.load(self.stream)) if isinstance(event, kind)
        ]

    async def until(self, what: Callable[[rounds.StepRun], bool]) -> None:
        async def is_so() -> bool:
            return what(await self.run())

        await people.until(is_so)

    async def candidates(self) -> tuple[str, ...]:
        """Once the box is open, which is a little after the event."""

        async def is_open() -> bool:
            try:
                await self.door.ballots.rules(self.ballot)
            except Unavailable:
                return False
            return True

        await people.until(is_open)
        return (await self.door.ballots.rules(self.ballot)).candidates

    async def cast(self, voters: Iterable[int], choice: int, device: bytes = b"") -> None:
        """A paper each of invented voters, on one device of 8 bytes or on their own ones."""
        for n in voters:
            own = sha256(f"voter {n}".encode()).digest()
            trace = PaperTrace(network=own[:8], device=device or own[8:16])
            at = await self.door.now(names.cycle_of(self.stream))
            await self.door.ballots.submit(
                Paper(self.ballot, own[16:], own[:16], (choice,), "web", at, trace)
            )

    async def by_two(self, body: InvalidateVotes | ReleaseVotes) -> None:
        for operator in OPERATORS:
            await self.door.send(self.stream, body, operator)

    async def rooted(self, held: VotesHeld) -> bool:
        """Whether a cohort's root is over the papers that are marked as its own."""
        async with Traces(self.door.settings.dsn(Login.APP)) as traces:
            rows = [paper + voter async for paper, voter in traces.marked(self.ballot, held.cohort)]
        return (len(rows), merkle.root(map(merkle.leaf, rows)).hex()) == (held.papers, held.root)


async def opened(door: Door, folder: Path) -> Poll:
    """A cycle with two nominations whose public vote is on."""
    programme, cycle = await people.open_cycle(door, people.written(folder, UNITS, PROGRAMME), ("P",))
    for n in range(2):
        await people.nominate(door, cycle, programme, "P", n)
    stream = names.round_stream(cycle, names.ROOT_ROUTE, "P")
    await people.until(lambda: people.at_step(door, stream, "vote"))
    return Poll(door, stream)


async def test_a_stuffed_vote_is_screened_ruled_on_and_sealed_with_both_results_dr_23(
    door: Door, tmp_path: Path
) -> None:
    poll = await opened(door, tmp_path)
    first, second = await poll.candidates()

    # A farm for one and a works' terminal for the other; one screening while the vote is on.
    await poll.cast(range(20), 0)
    await poll.cast(range(20, 29), 0, b"terminal")
    await poll.cast(range(30, 60), 1, b"farm....")
    await door.send(poll.stream, ScreenVotes(step="vote"), OPERATORS[0])
    await poll.until(lambda run: run.screened == 1)
    held = {one.nomination: one for one in await poll.events(VotesHeld)}
    assert {id: (one.papers, one.of) for id, one in held.items()} == {first: (9, 29), second: (30, 30)}
    await poll.cast([60], 1, b"farm....")

    # Once it is closed the rules see all papers by themselves.
    await poll.until(lambda run: run.screened_all)
    assert [one.papers for one in await poll.events(VotesScreened)] == [59, 60]
    [*_, late] = await poll.events(VotesHeld)
    assert (late.cohort, late.papers, late.of) == (f"2/one_device/{second}", 1, 31)
    assert [await poll.rooted(one) for one in await poll.events(VotesHeld)] == [True] * 3

    # Two people rule; nobody rules on the late one, so it counts, and an event says so.
    await poll.by_two(
        InvalidateVotes(step="vote", cohort=held[second].cohort, evidence=EVIDENCE, reason="手机墙")
    )
    await poll.by_two(
        ReleaseVotes(step="vote", cohort=held[first].cohort, evidence=EVIDENCE, reason="自助终端")
    )
    await poll.until(lambda run: run.adjudicated)
    released = [(one.cohort, one.reason) for one in await poll.events(VotesReleased)]
    assert released == [(held[first].cohort, "自助终端"), (late.cohort, "UNRULED")]
    await _both_results(poll, first, second)
    await _strangers_agree(poll, tmp_path / "evidence.zip")


async def _both_results(poll: Poll, first: str, second: str) -> None:
    """The seal shows the count before and after, a recount gives it again, and the senders can be forgotten."""

    async def sealed() -> bool:
        return bool(await poll.events(TallySealed))

    await people.until(sealed)
    [tally] = await poll.events(TallySealed)
    assert {one.nomination: one.votes for one in tally.counts} == {first: 29, second: 31}
    assert {one.nomination: one.counted for one in tally.values} == {first: 29, second: 1}
    assert {one.nomination: one.counted for one in tally.before} == {first: 29, second: 31}
    again = await poll.door.ballots.recount(poll.ballot, frozenset(), uncounted(await poll.run()))
    assert (again.root, again.counts, again.valid) == (tally.root, tally.counts, tally.valid)
    assert again.uncounted_root == tally.uncounted_root != merkle.root([]).hex()
    shown = await poll.events(CountsPublished)
    assert shown
    assert {one.at.hour for one in shown} == {4}  # noon in Shanghai
    async with Traces(poll.door.settings.dsn(Login.APP)) as traces:
        assert (await traces.drop(poll.ballot), await traces.papers(poll.ballot)) == (60, 0)


async def _strangers_agree(poll: Poll, file: Path) -> None:
    """What servers wrote of it replays with times that can be, and its tally stands in a bundle that verifies."""
    settings = poll.door.settings.model_copy(
        update={"trusted_keys": str(LOG_KEY.verifier), "log_origin": ORIGIN}
    )
    head = (await poll.door.store.heads([poll.stream]))[poll.stream]
    await poll.door.store.wait_sequenced(poll.stream, head.seq, timeout_seconds=60)
    signer = CheckpointSigner(settings.dsn(Login.SEQUENCER), LOG_KEY)
    await signer.step()
    await signer.close()
    cycle = names.cycle_of(poll.stream)
    replayed = await app.run(["audit", "replay", cycle], settings)
    assert (replayed.exit_code, replayed.json["retaken"]["untimely"]) == (OK, 0)
    for step, code in (("vote", OK), ("choice", REFUSED), ("none", REFUSED)):
        held = await app.run(["ballot", "held", poll.stream, "--step", step], settings)
        assert held.exit_code == code, "of a step that is no vote nothing is said, instead of nothing found"
    await app.run(["audit", "export", "--cycle", cycle, "--to", str(file)], settings)
    with ZipFile(file) as bundle:
        assert poll.ballot.encode() in bundle.read("tallies.txt")
    assert verified(file, "--key", str(LOG_KEY.verifier)).returncode == 0
