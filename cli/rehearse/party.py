"""Invented people for any programme: where its nominations enter, who puts them forward, and every grant that it needs.

Nothing here is recorded from life: units that are missing are called 测试单位, people 测试, identities start with TEST.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from random import Random
from typing import NamedTuple

from schemas.commands import Command, SubmitNomination
from schemas.events import FactValue, GrantTerms
from schemas.ledger import Actor
from schemas.programme import (
    Channel,
    Clearance,
    Condition,
    Conferral,
    Decision,
    Eligibility,
    ExpertReview,
    Fact,
    Intake,
    Programme,
    Rank,
    Route,
    Step,
)
from schemas.units import Unit, UnitTree

OPERATORS = ("op-1", "op-2")
HANDLERS = ("h-1", "h-2")
SPARE_JUDGES = 2
_FED_FROM = 50_000


class Entrant(NamedTuple):
    """Somebody who is put forward; `merit`, 0 to 999, is what nobody knows."""

    number: int
    unit: str
    route: str
    channel: Channel
    facts: tuple[FactValue, ...]
    merit: int
    team: int = 0  # of how many members, where the programme asks for them
    sponsors: tuple[str, ...] = ()  # who puts it forward jointly

    @property
    def key(self) -> str:
        return f"entrant-{self.number:05d}"

    @property
    def name(self) -> str:
        return f"测试·{self.number:05d}"

    @property
    def actor(self) -> Actor:
        if self.channel is Channel.UNIT:
            return officer(self.unit)
        if self.channel is Channel.ASSOCIATION:
            return Actor(id=f"s-{self.unit}", role="association", unit=self.unit)
        return Actor(id=f"a-{self.number}", role="applicant", unit=self.unit)


@dataclass(frozen=True)
class Party:
    """Everybody of one rehearsal, and the tree with the units that were invented for it."""

    programme: Programme
    tree: UnitTree
    invented: tuple[Unit, ...]
    entrants: tuple[Entrant, ...]
    seed: int

    def draw(self, *about: object) -> Random:
        """A generator for one question alone, so that the order of answers changes nothing."""
        return Random("/".join(map(str, (self.seed, *about))))  # noqa: S311 -- invented people, not secrets

    def path(self, entrant: Entrant) -> tuple[str, ...]:
        return self.tree.path(entrant.unit, self.programme.route(entrant.route))

    @cached_property
    def in_play(self) -> tuple[Unit, ...]:
        """Every unit on somebody's way."""
        codes = {code for entrant in self.entrants for code in self.path(entrant)}
        return tuple(self.tree.by_code[code] for code in sorted(codes))

    def grants(self) -> tuple[GrantTerms, ...]:
        """Officers of the units in play, handlers, and whom the steps of their stages need."""
        given = dict.fromkeys(self._grants())
        return tuple(
            GrantTerms(id=f"grant-{n}", person=person, role=role, unit=unit)
            for n, (person, role, unit) in enumerate(given, 1)
        )

    def _grants(self) -> Iterator[tuple[str, str, str]]:
        root = self.tree.root
        for handler in HANDLERS:
            yield handler, "handler", root
        for entrant in self.entrants:
            if entrant.channel is Channel.ASSOCIATION:
                yield entrant.actor.id, entrant.actor.role, entrant.unit
        for unit in self.in_play:
            yield officer(unit.code).id, "officer", unit.code
        for stage in self.programme.stages.values():
            for step in stage.steps:
                for actor in actors_of(step, self.programme):
                    yield actor.id, actor.role, root


def officer(unit: str) -> Actor:
    return Actor(id=f"o-{unit}", role="officer", unit=unit)


def operator() -> Actor:
    return Actor(id=OPERATORS[0], role="operator")


def judges(step: ExpertReview, programme: Programme) -> tuple[Actor, ...]:
    """As many as the panel has, group by group, and some to spare; where it is drawn, a pool with enough of each kind."""
    groups = len(programme.groups_of(step)) or 1
    numbers = range(1, step.panel_size * groups + SPARE_JUDGES + 1)
    if step.draw is None:
        return tuple(Actor(id=f"j-{n}", role="judge") for n in numbers)
    pool = step.draw.pool_role
    plain = [Actor(id=f"{pool}-{n}", role=pool) for n in numbers]
    kinds = [
        Actor(id=f"{pool}-{kind}-{n}", role=f"{pool}:{kind}")
        for kind, least in step.draw.kinds.items()
        for n in range(1, least * groups + SPARE_JUDGES + 1)
    ]
    return (*plain, *kinds)


def scorekeepers(step: ExpertReview) -> tuple[Actor, ...]:
    return tuple(Actor(id=f"k-{n}", role="scorekeeper") for n in range(1, step.scorekeepers + 1))


def clerk(department: str) -> Actor:
    return Actor(id=f"d-{department}", role=f"department:{department}")


def body_members(body: str) -> tuple[Actor, Actor]:
    """The two people who act for a body."""
    first, second = (Actor(id=f"b-{body}-{n}", role=f"body:{body}") for n in (1, 2))
    return first, second


def actors_of(step: Step, programme: Programme) -> Iterable[Actor]:
    """Who needs a grant for a step, beside officers, operators and handlers."""
    match step:
        case ExpertReview():
            return (*judges(step, programme), *scorekeepers(step))
        case Clearance():
            return [clerk(department.id) for department in step.asked]
        case Decision() | Conferral():
            return body_members(step.body)
        case _:
            return ()


def fed_entrant(command: Command, number: int) -> Entrant:
    """Somebody whom a feeder gave; their merit follows from who they are."""
    body = command.body
    assert isinstance(body, SubmitNomination)
    merit = int(body.subject[:8], 16) % 1000
    return Entrant(_FED_FROM + number, body.unit, body.route, body.channel, body.facts, merit)


# ---- inventing ----


class Entry(NamedTuple):
    """A place where nominations enter."""

    unit: str
    route: Route
    intake: Intake


def invent(programme: Programme, tree: UnitTree, units: int, nominations: int, seed: int = 1) -> Party:
    """A party of at most so many entering units and nominations; units of a rank that the tree lacks are invented."""
    rng = Random(seed)  # noqa: S311 -- invented people, not secrets
    invented: list[Unit] = []
    entries: list[Entry] = []
    for route in programme.routes:
        for rank in route.ranks:
            intake = next((s for s in programme.stages[rank].steps if isinstance(s, Intake)), None)
            if intake is None:
                continue
            fresh, codes = _places(tree, route, rank, units, rng)
            invented += fresh
            entries += [Entry(code, route, intake) for code in codes]
    whole = UnitTree(root=tree.root, units=tuple(sorted((*tree.units, *invented), key=lambda one: one.code)))
    entrants = tuple(_entrants(programme, entries, nominations, rng))
    return Party(programme, whole, tuple(invented), entrants, seed)


def _places(
    tree: UnitTree, route: Route, rank: Rank, units: int, rng: Random
) -> tuple[list[Unit], list[str]]:
    """Units of that rank with a way up; where there are none they are invented below the next ones that exist."""
    real = [unit.code for unit in tree.units if unit.rank is rank and _has_a_way(tree, unit.code, route)]
    enough = rank is not Rank.ENTERPRISE or rank is route.ranks[-1] or len(real) >= units
    if real and enough:
        return [], sorted(rng.sample(real, min(len(real), units)))
    above = route.ranks[route.ranks.index(rank) + 1]
    parents = [unit.code for unit in tree.units if unit.rank is above and _has_a_way(tree, unit.code, route)]
    hosts = sorted(rng.sample(parents, min(len(parents), max(1, units // 3))))
    fresh = [_invented(tree, rank, hosts[n % len(hosts)], route, n) for n in range(units - len(real))]
    return fresh, [*sorted(real), *(unit.code for unit in fresh)]


def _has_a_way(tree: UnitTree, code: str, route: Route) -> bool:
    try:
        return bool(tree.path(code, route))
    except ValueError:
        return False


def _invented(tree: UnitTree, rank: Rank, host: str, route: Route, number: int) -> Unit:
    """Below a unit of the territory, or below the root and of an industry union."""
    of_industry = tree.by_code[host].rank is Rank.INDUSTRY_UNION
    return Unit(
        code=f"{host}T{route.id[:1].upper()}{number:04d}",
        parent=tree.root if of_industry else host,
        industry=host if of_industry else "",
        name=f"测试单位·{route.id[:1]}{number:04d}",
        rank=rank,
    )


def _entrants(programme: Programme, entries: list[Entry], nominations: int, rng: Random) -> Iterator[Entrant]:
    """Spread over the entries, each within its quota; the first channel that is declared, now and then another."""
    rule = programme.members.get(programme.subject)
    team = min(rule.maximum, rule.minimum + 1) if rule else 0
    entries = [one for one in entries if set(one.intake.channels) - {Channel.FEED}]  # feeders bring their own
    rounds = 0
    number = 0
    while number < nominations:
        open_ = [one for one in entries if one.intake.quota is None or rounds < one.intake.quota]
        if not open_:
            return
        for entry in open_[: nominations - number]:
            channel = _channel(entry.intake, number)
            facts = tuple(FactValue(id=id, value=value) for id, value in _facts(programme, rng).items())
            yield Entrant(
                number,
                entry.unit,
                entry.route.id,
                channel,
                facts,
                rng.randrange(1000),
                team,
                _sponsors(entry.intake, number) if channel is Channel.JOINT else (),
            )
            number += 1
        rounds += 1


def _channel(intake: Intake, number: int) -> Channel:
    """The first that people come by; of each seven, one comes by one of the others, in turn."""
    first, *others = (one for one in intake.channels if one is not Channel.FEED)
    return others[number // 7 % len(others)] if others and number % 7 == 3 else first


def _sponsors(intake: Intake, number: int) -> tuple[str, ...]:
    """As many people as a joint nomination needs, each for this one alone."""
    return tuple(f"sp-{number}-{n}" for n in range(1, intake.sponsors_min + 1))


def _facts(programme: Programme, rng: Random) -> dict[str, int | bool | str]:
    """What is attested of somebody: as it comes, and four times in five as the conditions would have it."""
    facts = {id: _value(fact, rng) for id, fact in programme.asked.items()}
    for stage in programme.stages.values():
        for step in stage.steps:
            for condition in step.predicates if isinstance(step, Eligibility) else ():
                if condition.severity == "hard" and rng.randrange(5):
                    liked = _fitting(condition, programme.asked, rng)
                    facts |= {id: value for id, value in liked.items() if id in facts}
    return facts


def _fitting(condition: Condition, asked: Mapping[str, Fact], rng: Random) -> dict[str, int | bool | str]:
    """Facts that a condition likes; one of several where any will do. What the engine attests nobody can bring along."""
    if condition.any_of:
        on_facts = [part for part in condition.any_of if not part.reads_history]
        return _fitting(rng.choice(on_facts), asked, rng) if on_facts else {}
    if condition.all_of:
        return {id: value for part in condition.all_of for id, value in _fitting(part, asked, rng).items()}
    if condition.fact is None or condition.value is None:
        return {}
    of = asked[condition.fact].of if condition.fact in asked else ()
    match condition.op, condition.value:
        case ((">=" | ">"), int(least)):
            return {condition.fact: least + rng.randrange(1, 15)}
        case (("<=" | "<"), int(most)):
            return {condition.fact: max(0, most - rng.randrange(1, 3))}
        case "in", tuple(allowed):
            return {condition.fact: rng.choice(allowed)}
        case (("==" | ">=" | "<="), int() | str() as wanted):
            return {condition.fact: wanted}
        case ((">" | "<") as op, str(day)):
            days = timedelta(days=1 if op == ">" else -1)
            return {condition.fact: (date.fromisoformat(day) + days).isoformat()}
        case "!=", bool(barred):
            return {condition.fact: not barred}
        case (("!=" | "not_in"), str() | tuple() as barred):
            left = [one for one in of if one not in (barred if isinstance(barred, tuple) else (barred,))]
            return {condition.fact: rng.choice(left)} if left else {}
        case _:
            return {}


def _value(fact: Fact, rng: Random) -> int | bool | str:
    match fact.type:
        case "integer":
            return rng.randrange(21, 39)
        case "boolean":
            return rng.randrange(3) > 0
        case "choice":
            return fact.of[
                min(rng.randrange(len(fact.of)), rng.randrange(len(fact.of)))
            ]  # the first are common
        case "date":
            return f"{rng.randrange(1966, 1996)}-0{rng.randrange(1, 10)}-15"
