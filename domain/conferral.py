"""审定 and 命名: a named body confirms the sealed list, and titles are conferred with numbers that have no gap."""

from __future__ import annotations

from collections.abc import Sequence

from domain import authority, clearance
from domain.decision import NOTHING, Decision, two_people
from domain.eligibility import test
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
    present,
    tell,
)
from schemas import names
from schemas.commands import Command, Confer, Decide, TakeOutcome
from schemas.errors import Refused
from schemas.events import Conferred, DecisionTaken, Dropped, TitlesConferred
from schemas.ledger import Post
from schemas.programme import Conferral, Grade
from schemas.programme import Decision as DecisionStep


def take_decision(
    state: State, command: Command, body: Decide, inputs: Inputs, step: DecisionStep
) -> Decision:
    """DR-32: the body may remove with a reason, never add. Takes two people of the body."""
    must_be_current(state, step.id, body.kind)
    grant = _as_body(state, command, inputs, step.body)
    strangers = [one.nomination for one in body.remove if one.nomination not in state.members]
    if strangers:
        raise Refused("NOT_ON_LIST", nomination=", ".join(strangers))
    removed = tuple(Dropped(nomination=one.nomination, reason=one.reason) for one in body.remove)
    out = {one.nomination for one in removed}
    confirmed = tuple(id for id in going(state, inputs) if id not in out)
    taken = DecisionTaken(step=step.id, body=step.body, confirmed=confirmed, removed=removed)
    guards = (cycle_guard(command), *head_guards(present(state, inputs).values(), command))
    events = two_people(state, command, (taken,), about=confirmed)
    decision = Decision(events=events, guards=guards, grant=grant)
    if taken not in events:
        return decision
    left = leave(state, command, step.id, (*cut_off(state, inputs, out), *removed))
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

    Clearances must still be valid, and nobody on the list held (DR-11, DR-28): the body waits for the ruling, or says
    that the list goes on without those held.
    """
    must_be_current(state, step.id, body.kind)
    grant = _as_body(state, command, inputs, step.body)
    clearance.must_be_valid(state, inputs, command.received_at)
    held = [id for id, one in present(state, inputs).items() if one.contested or one.vetted_again]
    if held and not body.leave_out_held:
        raise Refused("SUBJECTS_HELD", nominations=", ".join(held))
    conferred = tuple(_grade(state, inputs, step, held))
    event = TitlesConferred(step=step.id, body=step.body, conferred=conferred)
    guards = (cycle_guard(command), *head_guards(present(state, inputs).values(), command))
    events = two_people(state, command, (event,), about=conferred)
    decision = Decision(events=events, guards=guards, grant=grant)
    if event not in events:
        return decision
    honoured = {one.nomination for one in conferred}
    passed_over = [
        Dropped(nomination=id, reason="HELD_AT_CUT_OFF" if id in held else "NO_GRADE_LEFT")
        for id in present(state, inputs)
        if id not in honoured
    ]
    told = tuple(_tell(state, command, inputs, one, conferred) for one in conferred)
    left = leave(state, command, step.id, (*gone(state, inputs), *passed_over))
    return (
        decision.then(left)
        .then(Decision(effects=told))
        .then(close(state, command, inputs, step.id, "complete"))
    )


def _grade(state: State, inputs: Inputs, step: Conferral, without: Sequence[str]) -> list[Conferred]:
    """Grades from the top in rank order; `also` leaves those of a grade in line for the next (S2).

    Whoever already has a title that excludes the grade's is passed over for it, and so is whom `who` does not fit.
    """
    assert state.opened is not None
    line = [one for id, one in present(state, inputs).items() if id not in without]
    held = {one.nomination: set(one.titles) for one in line}
    given: list[Conferred] = []
    series = _series(state, inputs)
    for grade in step.grades:
        barred = inputs.programme.exclusive_titles(grade.title)
        able = [one for one in line if _fits(grade, one) and not held[one.nomination] & barred]
        taken = able[: grade.seats]
        for one in taken:
            number = state.certificates + len(given) + 1
            certificate = f"{series}-{number:04d}"
            held[one.nomination].add(grade.title)
            given.append(
                Conferred(
                    nomination=one.nomination, subject=one.subject, title=grade.title, certificate=certificate
                )
            )
        line = line if grade.also else [one for one in line if one not in taken]
    return given


def _fits(grade: Grade, one: Standing) -> bool:
    return grade.who is None or test(grade.who, one.facts) == "pass"


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
    return tell(state, command, one.nomination, outcome)


def _as_body(state: State, command: Command, inputs: Inputs, body: str) -> str:
    assert state.opened is not None
    return authority.authorize(
        inputs.authority, inputs.tree, command.actor, command.body.kind, state.opened.unit, (f"body:{body}",)
    )
