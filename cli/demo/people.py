"""Who acts when: every officer, judge, department and body does what a round waits for, once, and disagrees by seed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, NamedTuple

from cli.demo.acting import Acts
from cli.demo.scenario import HANDLERS, OPERATORS, Person, World, clerk, members_of, officer
from cli.demo.watching import Seen, Watch, current_step
from cli.output import Outcome
from cli.rehearse.acting import score
from domain import composition
from domain import round as rounds
from domain.clearance import concerned
from domain.nomination import Status, standing
from schemas import names
from schemas.programme import (
    Clearance,
    Conferral,
    Decision,
    Endorsement,
    ExpertReview,
    Publicity,
    PublicVote,
    Rank,
    Scale,
    Selection,
)

VOTERS = 60
OBJECTION_AFTER = timedelta(days=2)  # so that the substitute's own period ends later than the list's


class Deed(NamedTuple):
    """Something that somebody is awaited for: under its id it is done once."""

    id: str
    do: Callable[[], Awaitable[object]]


@dataclass
class Notes:
    """What the planned incidents came to, as their outcomes told it."""

    foreign: dict[str, Any] = field(default_factory=dict)
    double: dict[str, Any] = field(default_factory=dict)
    returned: dict[str, Any] = field(default_factory=dict)
    upheld: dict[str, Any] = field(default_factory=dict)
    dismissed: dict[str, Any] = field(default_factory=dict)
    papers: int = 0
    repeated_papers: int = 0
    refused_papers: dict[str, int] = field(default_factory=dict)


class People:
    """All of them. `awaited` says what is to be done in what was just seen."""

    def __init__(self, world: World, cycle: str, acts: Acts, watch: Watch) -> None:
        self.world = world
        self.cycle = cycle
        self.acts = acts
        self.watch = watch
        self.notes = Notes()

    # ---- intake ----

    async def nominate(self, person: Person) -> None:
        """By the unit's officer, or by oneself."""
        facts = dict(person.facts)
        if person is self.world.incidents.ineligible and "years_in_craft" in facts:
            facts["years_in_craft"] = "2"
        words = ["nominate", self.cycle, "--entry-unit", person.unit, "--route", person.route]
        words += [
            "--identity",
            f"TEST{self.world.seed}-{person.number:06d}",
            "--field",
            f"name={person.name}",
        ]
        words += [word for id, value in facts.items() for word in ("--fact", f"{id}={value}")]
        words += [word for one in person.sponsors for word in ("--sponsor", one)]
        words += ["--channel", person.channel, "--key", person.key, *self._submitter(person)]
        told = await self.acts.must(*words)
        if not told.failed:
            self.watch.people[told.json["nomination"]] = person

    def _submitter(self, person: Person) -> tuple[str, ...]:
        if person.channel == "unit":
            return signed(officer(person.unit), "officer", person.unit)
        return signed(f"a-{person.key}", "applicant", person.unit)

    # ---- what is awaited ----

    def awaited(self, seen: Seen) -> Iterator[Deed]:
        """Everything that waits for a person now; most of it was seen before and is under way."""
        for nomination, person in self.watch.people.items():
            told = seen.nominations.get(names.nomination_stream(self.cycle, nomination))
            if told is not None and told.status == Status.RETURNED:
                yield Deed(
                    f"correct/{nomination}/{told.revision}",
                    partial(self._correct, nomination, person),
                )
        for stream, state in seen.rounds.items():
            step = current_step(self.world, state)
            if step is None or seen.cycle.status != "open":
                continue
            run = rounds.run_of(state, step.id)
            match step:
                case Endorsement():
                    yield from self._endorsement(stream, state, step, seen)
                case Clearance():
                    yield from self._clearance(stream, state, step, seen)
                case ExpertReview():
                    yield from self._review(stream, state, step)
                case Selection() if run.held:
                    yield from self._held(stream, state, step.id)
                case PublicVote() if not state.over and run.window and seen.at < run.window.closes_at:
                    yield Deed(f"vote/{stream}/{step.id}", partial(self._vote, stream, state, step.id))
                case Publicity():
                    yield from self._publicity(stream, state, step, seen)
                case Decision():
                    yield self._decide(stream, step)
                case Conferral():
                    yield Deed(f"confer/{stream}/{step.id}", partial(self._confer, stream, step))

    # ---- endorsement ----

    def _endorsement(self, stream: str, state: rounds.State, step: Endorsement, seen: Seen) -> Iterator[Deed]:
        """Each member gets a word; once nobody waits for one, the officer closes the step early."""
        key = (stream, step.id)
        waiting = False
        order = self._order(state)
        for nomination in state.members:
            told = seen.standing(self.cycle, nomination)
            one = standing(told, nomination)
            if one.gone or (key in one.endorsed and not one.returned):
                continue
            waiting = True
            if not one.returned:
                rank = order.index(nomination) + 1 if step.ranked else 0
                yield Deed(
                    f"word/{stream}/{nomination}/{told.revision}",
                    partial(self._word, stream, state, nomination, rank, told.revision),
                )
        if not waiting:
            words = ("round", "close-early", stream, "--step", step.id, "--reason", "均已办理")
            unit = _unit(state)
            yield Deed(
                f"close/{stream}/{step.id}",
                lambda: self.acts.act(
                    *words, "--key", f"close/{stream}/{step.id}", *signed(officer(unit), "officer", unit)
                ),
            )

    def _order(self, state: rounds.State) -> list[str]:
        """As the unit's officer sees the members: by merit, give or take."""
        unit = _unit(state)

        def opinion(nomination: str) -> int:
            person = self.watch.people[nomination]
            return -person.merit - self.world.draw("officer", unit, person.number).randrange(300)

        return sorted(state.members, key=opinion)

    async def _word(
        self, stream: str, state: rounds.State, nomination: str, rank: int, revision: int
    ) -> None:
        person, unit = self.watch.people[nomination], _unit(state)
        lowest = unit == person.unit
        second = not lowest and unit == self.world.path(person)[1]
        incidents = self.world.incidents
        me = signed(officer(unit), "officer", unit)
        where = (f"{self.cycle}/{nomination}", "--round", stream)
        approve = ("approve", *where, *(("--rank", str(rank)) if rank else ()))
        if (person is incidents.rejected_low and lowest) or (person is incidents.rejected_high and second):
            await self.acts.must("reject", *where, "--reason", "材料与岗位不符", *me)
        elif person is incidents.returned and second and revision == 1:
            await self._return(nomination, where, me)
        elif person is incidents.foreign and lowest:
            await self._by_a_stranger(nomination, unit, approve)
            await self.acts.must(*approve, *me)
        elif person is incidents.double and second:
            await self._twice(nomination, (*approve, *me))
        else:
            await self.acts.must(*approve, *me)

    async def _return(self, nomination: str, where: tuple[str, ...], me: tuple[str, ...]) -> None:
        told = await self.acts.must("return", *where, "--reason", "缺从业年限证明", *me)
        if not told.failed:
            self.notes.returned = {"nomination": nomination, "by": me[1], "receipt": told.json["hash"]}

    async def _by_a_stranger(self, nomination: str, unit: str, approve: tuple[str, ...]) -> None:
        other = next(
            one.code
            for one in self.world.active
            if one.rank == self.world.whole.by_code[unit].rank and one.code != unit
        )
        told = await self.acts.act(*approve, *signed(officer(other), "officer", other))
        self.notes.foreign = {
            "nomination": nomination,
            "officer": officer(other),
            "unit": unit,
            "exit_code": told.exit_code,
            "code": told.json.get("error", {}).get("code", ""),
            "message": told.json.get("error", {}).get("message", ""),
        }

    async def _twice(self, nomination: str, words: tuple[str, ...]) -> None:
        """A double click: the same words twice at once."""
        first, second = await asyncio.gather(self.acts.must(*words), self.acts.must(*words))
        if first.failed or second.failed:
            return
        self.notes.double = {
            "nomination": nomination,
            "stream": first.json["stream"],
            "seq": [first.json["seq"], second.json["seq"]],
            "command_id": [first.json["command_id"], second.json["command_id"]],
            "hash": [_event_hash(first), _event_hash(second)],
            "same_receipt": _event_hash(first) == _event_hash(second)
            and first.json["command_id"] == second.json["command_id"],
        }

    async def _correct(self, nomination: str, person: Person) -> None:
        years = str(int(person.facts.get("years_in_craft", "0")) + 1)
        facts = ("--fact", f"years_in_craft={years}") if "years_in_craft" in person.facts else ()
        words = ("correct", f"{self.cycle}/{nomination}", *facts, "--field", "note=已补证明")
        await self.acts.must(*words, "--key", f"correct-{nomination}", *self._submitter(person))

    # ---- clearance ----

    def _clearance(self, stream: str, state: rounds.State, step: Clearance, seen: Seen) -> Iterator[Deed]:
        unit, run = _unit(state), rounds.run_of(state, step.id)
        for nomination in state.members:
            one = standing(seen.standing(self.cycle, nomination), nomination)
            for department in () if one.gone else concerned(step, one):
                if (department.id, nomination) not in run.replies:
                    yield self._reply(stream, unit, step.id, department.id, nomination)

    def _reply(self, stream: str, unit: str, step: str, department: str, nomination: str) -> Deed:
        person = self.watch.people[nomination]
        said = "object" if self.world.draw(department, person.number).randrange(40) == 0 else "clear"
        about = ("--step", step, "--department", department, "--nomination", nomination)
        words = ("clearance", "reply", stream, *about, "--outcome", said)
        id = f"reply/{stream}/{department}/{nomination}"
        me = signed(clerk(department), f"department:{department}", unit)
        return Deed(id, lambda: self.acts.must(*words, "--key", id, *me))

    # ---- review ----

    def _review(self, stream: str, state: rounds.State, step: ExpertReview) -> Iterator[Deed]:
        run, unit = rounds.run_of(state, step.id), _unit(state)
        if not run.judges:
            judges = [
                w for judge in self.world.judges_of[unit][: step.panel_size] for w in ("--judge", judge)
            ]
            words = (
                "panel",
                "form",
                stream,
                "--step",
                step.id,
                *judges,
                "--key",
                f"panel/{stream}/{step.id}",
            )
            yield Deed(
                f"panel/{stream}/{step.id}",
                lambda: self.acts.must(*words, *signed(OPERATORS[0], "operator", self.world.tree.root)),
            )
            return
        for judge in run.judges:
            if judge not in run.sheets and not self._silent(judge, unit):
                yield Deed(
                    f"sheet/{stream}/{step.id}/{judge}", partial(self._sheet, stream, state, step, judge)
                )

    def _silent(self, judge: str, unit: str) -> bool:
        """One judge of one unit hands nothing in: the quorum must hold without, once the window is over."""
        ranks = (Rank.INDUSTRY_UNION, Rank.PREFECTURE)  # a union is early, so that nobody waits for it
        units = [one.code for rank in ranks for one in self.world.active if one.rank is rank]
        return unit == next(iter(units), "") and judge == self.world.judges_of[unit][-1]

    async def _sheet(self, stream: str, state: rounds.State, step: ExpertReview, judge: str) -> None:
        unit = _unit(state)
        me = signed(judge, "judge", unit)
        members = list(state.members)
        if unit == self.world.tree.root and judge == self.world.judges_of[unit][0]:
            kin = members.pop(0)
            words = (
                "panel",
                "recuse",
                stream,
                "--step",
                step.id,
                "--nomination",
                kin,
                "--reason",
                "曾为师徒",
            )
            await self.acts.must(*words, "--key", f"recuse/{stream}/{judge}", *me)
        if step.mode == "score":
            assert step.scale is not None
            marks = [f"{one}={self._score(judge, one, step.scale)}" for one in members]
            verb = "score"
        else:
            marks = [f"{one}={self._vote_of(judge, one)}" for one in members]
            verb = "vote-sheet"
        key = ("--key", f"sheet/{stream}/{step.id}/{judge}")
        await self.acts.must("panel", verb, stream, *marks, "--step", step.id, *key, *me)

    def _score(self, judge: str, nomination: str, scale: Scale) -> str:
        """Merit from two fifths of the scale up, this judge's leaning, and an error; on the scale's steps."""
        person = self.watch.people[nomination]
        leaning = self.world.draw("leaning", judge).randrange(-40, 41)
        error = self.world.draw("error", judge, person.number).randrange(-90, 91)
        thousandths = max(0, min(1000, 450 + person.merit // 2 + leaning + error))
        return score(scale, thousandths)

    def _vote_of(self, judge: str, nomination: str) -> str:
        person = self.watch.people[nomination]
        doubt = self.world.draw("vote", judge, person.number).randrange(1000)
        return "approve" if person.merit + doubt > 500 else "reject"

    # ---- held for a person ----

    def _held(self, stream: str, state: rounds.State, step: str) -> Iterator[Deed]:
        run, root = rounds.run_of(state, step), self.world.tree.root
        if run.held == "TIE_UNRESOLVED":
            order = sorted(run.tied, key=lambda one: -self.watch.people[one].merit)
            words = ("resolve", "tie", stream, *order, "--step", step, "--reason", "集体讨论决定先后")
            id = f"tie/{stream}/{step}/{len(run.resolution)}"
            yield Deed(
                id, lambda: self.acts.must(*words, "--key", id, *signed(OPERATORS[0], "operator", root))
            )
        if run.held == "DIFFERENTIAL_UNMET":
            words = (
                "waive",
                "differential",
                stream,
                "--step",
                step,
                "--reason",
                "演练规模小，经同意免予差额",
            )
            id = f"waive/{stream}/{step}"
            signers = [signed(one, "operator", root) for one in OPERATORS]
            yield Deed(id, lambda: self._both(words, id, signers))

    # ---- the public ----

    async def _vote(self, stream: str, state: rounds.State, step: str) -> None:
        candidates = list(state.members)
        for voter in range(VOTERS):
            draw = self.world.draw("voter", voter)
            line = sorted(candidates, key=lambda one: -self.watch.people[one].merit - draw.randrange(1500))
            paper = (f"v-{voter}", f"p-{voter}", line[: draw.randrange(1, 5)])
            await self._paper(stream, step, *paper)
            if not self.notes.repeated_papers:  # once more; past midnight it is another's turn
                await self._paper(stream, step, *paper)
        await self._two_papers(stream, step, "v-many", candidates[:5], candidates[5:7])
        await self._two_papers(stream, step, "v-twice", candidates[:1], candidates[:1])
        await self._paper(stream, step, "v-lost", "p-lost", ["nobody"])

    async def _two_papers(
        self, stream: str, step: str, voter: str, first: list[str], second: list[str]
    ) -> None:
        """More than a voter may in one day: where midnight comes in between, the next one tries."""
        for number in range(VOTERS):
            name = f"{voter}-{number}"
            await self._paper(stream, step, name, f"{name}-1", first)
            if not await self._paper(stream, step, name, f"{name}-2", second):
                return

    async def _paper(self, stream: str, step: str, voter: str, paper: str, choices: list[str]) -> bool:
        """Whether it was accepted."""
        words = ("ballot", "vote", stream, *choices, "--step", step)
        told = await self.acts.act(*words, "--voter", voter, "--paper", paper)
        if told.failed:
            code = told.json["error"]["code"]
            self.notes.refused_papers[code] = self.notes.refused_papers.get(code, 0) + 1
        elif told.json["repeated"]:
            self.notes.repeated_papers += 1
        else:
            self.notes.papers += 1
        return not told.failed

    # ---- publicity, decision, conferral ----

    def _publicity(self, stream: str, state: rounds.State, step: Publicity, seen: Seen) -> Iterator[Deed]:
        """At the top one objection is upheld and one dismissed, while the list is published."""
        if _unit(state) != self.world.tree.root or len(state.members) < 3:
            if rounds.run_of(state, step.id).held == "TIE_UNRESOLVED":
                yield from self._held(stream, state, step.id)
            return
        window = rounds.run_of(state, step.id).window
        if window is None or seen.at < window.opens_at + OBJECTION_AFTER:
            return
        line = [one for one in state.members if not self.watch.people[one].head]
        yield Deed(f"upheld/{stream}", lambda: self._object(line[len(line) // 3], "upheld"))
        yield Deed(f"dismissed/{stream}", lambda: self._object(line[-1], "dismissed"))
        yield from self._held(stream, state, step.id)

    async def _object(self, nomination: str, ruling: str) -> None:
        about = f"{self.cycle}/{nomination}"
        objector = ("--identity", f"TEST-OBJECTOR-{ruling}", "--field", "name=测试·异议人")
        told = await self.acts.must(
            "object", about, "--ground", "false_record", *objector,
            "--key", f"object-{nomination}", *signed(f"x-{ruling}", "citizen", ""),
        )  # fmt: skip
        why = "查证属实" if ruling == "upheld" else "查无实据"
        if told.failed:
            return
        words = ("rule", about, told.json["objection"], ruling, "--reason", why)
        root = self.world.tree.root
        signers = [signed(one, "handler", root) for one in HANDLERS[: 2 if ruling == "upheld" else 1]]
        answers = await self._both(words, f"rule-{told.json['objection']}", signers)
        note = {
            "nomination": nomination,
            "objection": told.json["objection"],
            "people": len(signers),
            "first_alone_had_effect": not answers[0].json["awaits_second_person"],
        }
        setattr(self.notes, ruling, note)

    async def _confer(self, stream: str, step: Conferral) -> None:
        """Where a substitute leaves the list without a share rule, two operators set the rule aside first (DR-25)."""
        words, id = ("confer", stream, "--step", step.id), f"confer/{stream}/{step.id}"
        signers = _members(stream, step.body)
        first = await self.acts.act(*words, "--key", f"{id}/1", *signers[0])
        error = first.json.get("error", {})
        if error.get("code") == composition.RULES_BROKEN:
            waived = ("waive", "rules", stream, *error["facts"]["rules"].split(", "), "--step", step.id)
            both = [signed(one, "operator", self.world.tree.root) for one in OPERATORS]
            await self._both((*waived, "--reason", "集体讨论决定"), f"waive/{stream}/{step.id}", both)
        await self._both(words, id, signers)

    def _decide(self, stream: str, step: Decision) -> Deed:
        id = f"decide/{stream}/{step.id}"
        words = ("decide", stream, "--step", step.id)
        return Deed(id, lambda: self._both(words, id, _members(stream, step.body)))

    async def _both(self, words: tuple[str, ...], id: str, signers: list[tuple[str, ...]]) -> list[Outcome]:
        return [
            await self.acts.must(*words, "--key", f"{id}/{number}", *me)
            for number, me in enumerate(signers, 1)
        ]


def signed(person: str, role: str, unit: str) -> tuple[str, ...]:
    return ("--as", person, "--role", role, "--unit", unit)


def _members(stream: str, body: str) -> list[tuple[str, ...]]:
    """How the members of a round's body sign."""
    unit = stream.rsplit("/", 1)[-1]
    return [signed(one, f"body:{body}", unit) for one in members_of(body, unit)]


def _unit(state: rounds.State) -> str:
    assert state.opened is not None
    return state.opened.unit


def _event_hash(outcome: Outcome) -> str:
    return str(outcome.json["events"][0]["hash"]) if outcome.json["events"] else ""
