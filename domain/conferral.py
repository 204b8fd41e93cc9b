"""审定 and 命名: a named body confirms the sealed list, and titles are conferred with numbers that have no gap."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import NamedTuple

from domain import authority, clearance, composition
from domain.calendar import local_date
from domain.decision import NOTHING, Decision, two_people
from domain.eligibility import BARRED, all_strict, judge, requirement_id, test
from domain.entry import cut_off_day, ended_here, in_pool
from domain.history import Past, grades_of
from domain.round import Standing, State, must_be_current, run_of
from domain.steps import (
    Inputs,
    close,
    cut_off,
    cycle_guard,
    elapsed,
    going,
    gone,
    head_guards,
    hold,
    leave,
    open_window,
    present,
    tell,
)
from schemas import names
from schemas.commands import Command, Confer, ConferTitle, Decide, TakeOutcome
from schemas.errors import Refused
from schemas.events import Conferred, DecisionTaken, Dropped, TitlesConferred
from schemas.ledger import Post
from schemas.programme import Conferral, Eligibility, Grade, Requirement
from schemas.programme import Decision as DecisionStep
from schemas.values import format_instant


def take_decision(
    state: State, command: Command, body: Decide, inputs: Inputs, step: DecisionStep
) -> Decision:
    """DR-32: the body may remove with a reason, never add. Takes two people of the body."""
    must_be_current(state, step.id, body.kind)
    grant = _as_body(state, command, inputs, step.body)
    strangers = [one.nomination for one in body.remove if one.nomination not in state.members]
    if strangers:
        raise Refused("NOT_ON_LIST", nomination=", ".join(strangers))
    uncleared = composition.left_out(state, command, inputs, step)
    removed = tuple(Dropped(nomination=one.nomination, reason=one.reason) for one in body.remove)
    out = {one.nomination for one in removed} | uncleared.keys()
    confirmed = tuple(id for id in going(state, inputs) if id not in out)
    taken = DecisionTaken(step=step.id, body=step.body, confirmed=confirmed, removed=removed)
    guards = (
        cycle_guard(command),
        *head_guards(present(state, inputs).values(), command),
        *clearance.below_guards(inputs),
    )
    if composition.is_last(inputs.stage, step):
        composition.must_keep_rules(state, inputs, step.id, present(state, inputs).keys() - set(confirmed))
    events = two_people(state, command, (taken,), about=confirmed)
    decision = Decision(events=events, guards=guards, grant=grant)
    if taken not in events:
        return decision
    told = {one.nomination for one in removed}
    silent = (Dropped(nomination=id, reason=code) for id, code in uncleared.items() if id not in told)
    left = leave(state, command, step.id, (*cut_off(state, inputs, out), *removed, *silent))
    return decision.then(left).then(close(state, command, inputs, step.id, "complete"))


def close_unacted(state: State, command: Command, inputs: Inputs, step: DecisionStep | Conferral) -> Decision:
    """Time alone neither confirms nor confers; with nobody left there is nothing to do."""
    if run_of(state, step.id).closed_at is not None:
        return NOTHING
    if not state.members:
        return close(state, command, inputs, step.id, "complete")
    if elapsed(state, step.id, command.received_at):
        return hold(state, step.id, f"{step.type.upper()}_OVERDUE")
    return NOTHING


def confer(state: State, command: Command, body: Confer, inputs: Inputs, step: Conferral) -> Decision:
    """DR-33: all titles of the list or none; certificate numbers run on without a gap. Takes two people of the body.

    Clearances must still be valid, those of lower rounds too, and nobody on the list held (DR-11, DR-28): the body
    waits for the ruling, or says that the list goes on without those held. The list keeps its share rules (DR-25).
    """
    must_be_current(state, step.id, body.kind)
    grant = _as_body(state, command, inputs, step.body)
    uncleared = clearance.left_out(state, inputs, command.received_at)
    disputed = (id for id, one in present(state, inputs).items() if one.disputed and id not in uncleared)
    held = dict.fromkeys(disputed, "HELD_AT_CUT_OFF")
    if held and not body.leave_out_held:
        raise Refused("SUBJECTS_HELD", nominations=", ".join(held))
    strangers = [id for id in body.posthumous if id not in state.members]
    if strangers:
        raise Refused("NOT_ON_LIST", nomination=", ".join(strangers))
    passed_over = uncleared | held
    composition.must_keep_rules(state, inputs, step.id, passed_over)
    line = _line(state, inputs, step, passed_over)
    _seats_suffice(state, step, line)
    _nobody_by_chance(state, inputs, step, line)
    conferred = tuple(_numbered(state, body, inputs, step, line))
    _nobody_blocked(state, command, inputs, conferred)
    event = TitlesConferred(step=step.id, body=step.body, conferred=conferred, effective_on=body.effective_on)
    guards = (
        cycle_guard(command),
        *head_guards(present(state, inputs).values(), command),
        *clearance.below_guards(inputs),
    )
    events = two_people(state, command, (event,), about=conferred)
    decision = Decision(events=events, guards=guards, grant=grant)
    if event not in events:
        return decision
    honoured = {one.nomination for one in conferred}
    without = [
        Dropped(nomination=id, reason=passed_over.get(id, "NO_GRADE_LEFT"))
        for id in present(state, inputs)
        if id not in honoured
    ]
    told = tuple(
        post
        for one in conferred
        for post in (_tell(state, command, inputs, one, conferred), begin_title(state, command, event, one))
    )
    left = leave(state, command, step.id, (*gone(state, inputs), *without))
    return (
        decision.then(left)
        .then(Decision(effects=told))
        .then(close(state, command, inputs, step.id, "complete"))
    )


def open_conferral(state: State, command: Command, inputs: Inputs, step: Conferral) -> Decision:
    """Whoever must be put in order before the titles can be given is told as the step opens (DR-17)."""
    opened = open_window(state, command, inputs, step.id, step.type, step.period)
    equals = tied(state, inputs, step) if state.selection else ()
    waits = hold(state, step.id, "TIE_UNRESOLVED", equals) if equals else NOTHING
    return replace(opened.then(waits), guards=(cycle_guard(command),))


def tied(state: State, inputs: Inputs, step: Conferral) -> tuple[str, ...]:
    """Those of one place between whom a grade's last seat falls; none once a person has put them in order (DR-17)."""
    graded = _graded(state, inputs, step, _line(state, inputs, step))
    return tuple(dict.fromkeys(id for grade in graded for id in grade.equals))


def _seats_suffice(state: State, step: Conferral, line: Line) -> None:
    """DR-33: too many for the seats, and no selection that ranked them, is refused whole: nobody is left out by chance."""
    if state.selection or any(grade.seats is None for grade in step.grades):
        return
    alone = sum(grade.seats or 0 for grade in step.grades if not grade.also)
    if len(line.people) > alone:
        raise Refused("SEATS_EXCEEDED", wanted=len(line.people), seats=alone)


def _nobody_by_chance(state: State, inputs: Inputs, step: Conferral, line: Line) -> None:
    """DR-17: who has a grade never follows from an id; Refused TIE_UNRESOLVED, SEATS_EXCEEDED without a selection."""
    for graded in _graded(state, inputs, step, line):
        if graded.equals and state.selection:
            raise Refused("TIE_UNRESOLVED", nominations=", ".join(graded.equals))
        if graded.equals:
            raise Refused("SEATS_EXCEEDED", wanted=len(graded.able), seats=len(graded.taken))


def _nobody_blocked(state: State, command: Command, inputs: Inputs, conferred: tuple[Conferred, ...]) -> None:
    """DR-03, DR-33, DR-36: what was so at the cut-off must be so still; Refused CONFERRAL_BLOCKED names everybody."""
    today = local_date(command.received_at)
    blocked = []
    for one in conferred:
        standing = inputs.standings[one.nomination]
        past = Past(standing.held, today, inputs.programme)
        batch = {other.title for other in conferred if other.nomination == one.nomination}
        with_it = ({*standing.titles} - ended_here(standing, inputs, past) | batch) - {one.title}
        passed = frozenset(id for id, run in state.steps.items() if one.nomination in run.passed)
        if why := _why_not(Case(one.title, standing, past, frozenset(with_it), passed), inputs):
            blocked.append(f"{one.nomination} {one.title}: {why}")
    if blocked:
        raise Refused("CONFERRAL_BLOCKED", nominations="; ".join(blocked))


@dataclass(frozen=True, slots=True)
class Case:
    """One title about to be given: to whom, with what past, beside which titles of this edition, past which steps."""

    title: str
    standing: Standing
    past: Past
    beside: frozenset[str]
    passed: frozenset[str] = frozenset()


def _why_not(case: Case, inputs: Inputs) -> str:
    """The rule that keeps this title from this nomination today; empty if none does."""
    title = inputs.programme.title_of(case.title)
    waived = case.standing.waived
    if title is None:
        return ""
    if case.past.barred_until() and BARRED not in waived:
        return "BARRED"
    if not in_pool(case.standing, inputs, case.past):
        return "NOT_IN_POOL"
    if not title.repeatable and case.past.active([title.id]):
        return "TITLE_HELD"
    if others := case.beside & inputs.programme.exclusive_titles(title.id):
        return f"EXCLUSIVE {', '.join(sorted(others))}"
    if title.requires and requirement_id(title.id) not in waived and not _met(title.requires, case):
        return f"REQUIRES {title.requires.title}"
    lost = [id for id in _lost(case, inputs) if id not in waived]
    return f"INELIGIBLE {', '.join(lost)}" if lost else ""


def _met(needs: Requirement, case: Case) -> bool:
    """Advice binds nobody (DR-04)."""
    held = needs.title in case.beside or bool(case.past.active([needs.title]))
    return held or needs.mode == "advisory"


def _lost(case: Case, inputs: Inputs) -> list[str]:
    """Conditions on history that passed at the cut-off and pass no more."""
    return [
        condition.id
        for step in inputs.stage.steps
        if isinstance(step, Eligibility) and step.id not in case.passed
        for condition in step.predicates
        if condition.reads_history
        and condition.severity == "hard"
        and judge(condition, case.standing.facts, case.past) == "fail"
    ]


class Line(NamedTuple):
    """Who is in line for titles, first to last, and where each stands: equals stand at the same."""

    people: list[Standing]
    stands: Mapping[str, tuple[int, int]]


def _line(state: State, inputs: Inputs, step: Conferral, without: Collection[str] = ()) -> Line:
    """By place, where a selection gave one, then as a person put equals in order."""
    places = {ranked.nomination: ranked.rank for ranked in state.ranked}
    order = run_of(state, step.id).resolution
    ordered = {id: position for position, id in enumerate(order)}
    here = {id: one for id, one in present(state, inputs).items() if id not in without}
    stands = {id: (places.get(id, 0), ordered.get(id, len(order))) for id in here}
    return Line(sorted(here.values(), key=lambda one: stands[one.nomination]), stands)


class Graded(NamedTuple):
    """One grade: who may have it, who has it, and the equals between whom its last seat falls."""

    grade: Grade
    able: list[Standing]
    taken: list[Standing]
    equals: tuple[str, ...]


def _graded(state: State, inputs: Inputs, step: Conferral, line: Line) -> Iterator[Graded]:
    """Grades from the top in rank order; `also` leaves those of a grade in line for the next (S2).

    Whoever already has a title that excludes the grade's is passed over for it, and so is whom `who` does not fit or
    who lacks the tier below.
    """
    people = line.people
    held = {one.nomination: set(one.titles) for one in people}
    for grade in step.grades:
        barred = inputs.programme.exclusive_titles(grade.title)
        able = [
            one
            for one in people
            if _fits(grade, one)
            and not held[one.nomination] & barred
            and _stands_below(state, inputs, grade, one, held[one.nomination])
        ]
        taken = able[: grade.seats]
        yield Graded(grade, able, taken, _equals(line, able, len(taken)))
        for one in taken:
            held[one.nomination].add(grade.title)
        people = people if grade.also else [one for one in people if one not in taken]


def _equals(line: Line, able: list[Standing], seats: int) -> tuple[str, ...]:
    """Those who share the place of the last who fits in, if somebody who shares it does not."""
    if seats == len(able):
        return ()
    last = line.stands[able[seats - 1].nomination]
    equals = [one.nomination for one in able if line.stands[one.nomination] == last]
    return tuple(sorted(equals)) if able[seats].nomination in equals else ()


def _numbered(state: State, body: Confer, inputs: Inputs, step: Conferral, line: Line) -> Iterator[Conferred]:
    """The titles, grade by grade, with certificate numbers that run on."""
    series, number = _series(state, inputs), state.certificates
    for graded in _graded(state, inputs, step, line):
        for one in graded.taken:
            number += 1
            yield Conferred(
                nomination=one.nomination,
                subject=one.subject,
                title=graded.grade.title,
                certificate=f"{series}-{number:04d}",
                posthumous=one.deceased or one.nomination in body.posthumous,
            )


def _fits(grade: Grade, one: Standing) -> bool:
    return grade.who is None or test(grade.who, one.facts) == "pass"


def _stands_below(state: State, inputs: Inputs, grade: Grade, one: Standing, given: Collection[str]) -> bool:
    """DR-04: where a stage has a tier to begin with, whoever lacked what a grade requires at the cut-off is in line for
    the next; whoever had it and lost it since blocks the conferral, as everywhere (DR-03).
    """
    title = inputs.programme.title_of(grade.title)
    if title is None or title.requires is None or all_strict(inputs.programme, inputs.stage):
        return True
    needed = title.requires.title
    comes_too = grade.also and any(other.title == needed for other in grades_of(inputs.stage))
    past = Past(one.held, cut_off_day(state), inputs.programme)
    case = Case(title.id, one, past, frozenset(given))
    return comes_too or requirement_id(title.id) in one.waived or _met(title.requires, case)


def _series(state: State, inputs: Inputs) -> str:
    """What the numbers of this round count within: programme, edition, route below the summit, and unit."""
    assert state.opened is not None
    route = "" if state.opened.route == names.ROOT_ROUTE else f"-{state.opened.route}"
    return f"{inputs.programme.programme}-{inputs.programme.edition}{route}-{state.opened.unit}"


def _tell(
    state: State, command: Command, inputs: Inputs, one: Conferred, conferred: tuple[Conferred, ...]
) -> Post:
    """At the summit the last title of a nomination ends it; below, it goes on upward."""
    last = [other for other in conferred if other.nomination == one.nomination][-1]
    assert state.opened is not None
    outcome = TakeOutcome(
        round=state.stream,
        round_seq=state.seq + 1,
        outcome="conferred",
        title=one.title,
        certificate=one.certificate,
        final=one is last and state.opened.rank == inputs.programme.summit,
    )
    return tell(command, one.nomination, outcome)


def begin_title(state: State, command: Command, event: TitlesConferred, one: Conferred) -> Post:
    """The message by which the title's own stream begins."""
    place = next((ranked.rank for ranked in state.ranked if ranked.nomination == one.nomination), None)
    effective_on: date = event.effective_on or local_date(command.received_at)
    begins = ConferTitle(
        subject=one.subject,
        title=one.title,
        certificate=one.certificate,
        round=state.stream,
        body=event.body,
        effective_on=effective_on,
        posthumous=one.posthumous,
        place=place,
    )
    cycle = names.cycle_of(command.stream)
    stream = names.title_stream(cycle, one.nomination, one.title)
    id = f"{command.id}/{stream}"
    return Post(
        id=id,
        cycle=cycle,
        sender=state.stream,
        workflow=stream,
        name=names.TITLE_MESSAGE,
        payload={"id": id, "at": format_instant(command.received_at), "body": begins.model_dump(mode="json")},
    )


def _as_body(state: State, command: Command, inputs: Inputs, body: str) -> str:
    assert state.opened is not None
    return authority.authorize(
        inputs.authority, inputs.tree, command.actor, command.body.kind, state.opened.unit, (f"body:{body}",)
    )
