"""征求意见: departments are asked about members, each about those whom it concerns; what they say has its time (DR-11)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from domain import authority
from domain.decision import NOTHING, Decision, nudge
from domain.eligibility import test
from domain.publicity import CLEARANCE_OBJECTED, replace_one
from domain.round import Standing, State, must_be_asked, must_be_current, run_of, stage_of
from domain.steps import (
    Inputs,
    asked_about,
    close,
    cycle_guard,
    elapsed,
    ended,
    gone,
    head_guards,
    hold,
    leave,
    present,
    window_guards,
)
from schemas import names
from schemas.commands import Command, ReplyClearance, RequestClearance
from schemas.errors import Refused
from schemas.events import ClearanceReplied, ClearanceRequested, Dropped, StepHeld, Window
from schemas.ledger import Guard, HeadIs
from schemas.programme import Clearance, Department, Publicity, Silence, Stage

EXPIRED = "CLEARANCE_EXPIRED"


def concerned(step: Clearance, one: Standing) -> tuple[Department, ...]:
    """The departments that are asked about a member; where it is unknown whether a rule applies, it does."""
    if step.applies_when is not None and test(step.applies_when, one.facts) == "fail":
        return ()
    return tuple(
        department
        for department in step.asked
        if department.applies_when is None or test(department.applies_when, one.facts) != "fail"
    )


def asked_of(state: State, inputs: Inputs, step: Clearance) -> dict[str, tuple[Department, ...]]:
    """Whom each member's clearance asks; those that concern no department are left out."""
    asked = {id: concerned(step, one) for id, one in asked_about(state, inputs, step.id).items()}
    return {id: departments for id, departments in asked.items() if departments}


def reply_clearance(
    state: State, command: Command, body: ReplyClearance, inputs: Inputs, step: Clearance
) -> Decision:
    """One department's word on one member; a condition is written out.

    Once the step has passed only members about whom it was asked again are answered here; what a department learns
    later goes to the nomination itself (`ReopenVetting`). Once the round has reported, a veto counts at the summit's last
    word: its conferral, or what it recommends.
    """
    assert state.opened is not None
    department = department_of(step, body.department)
    again = body.nomination in run_of(state, step.id).asked_again and _is_awaited(state, inputs, body)
    if not again:
        must_be_current(state, step.id, body.kind)
    if body.nomination not in state.members:
        raise Refused("NOT_FOUND", what=f"{body.department}/{body.nomination}")
    must_be_asked(state, step.id, body.nomination)
    if body.outcome == "conditional" and not body.reason.strip():
        raise Refused("CONDITION_MISSING", nomination=body.nomination)
    role = f"department:{body.department}"
    grant = authority.authorize(
        inputs.authority, inputs.tree, command.actor, body.kind, state.opened.unit, (role,)
    )
    replied = ClearanceReplied(**body.model_dump(exclude={"kind"}))
    held = run_of(state, step.id).held
    guards = (cycle_guard(command),) if held or again else window_guards(state, command, step.id)
    decision = Decision(events=(replied,), guards=guards, grant=grant).then(_above(command, inputs))
    if again and not state.over and body.outcome == "object" and department.says == "veto":
        return decision.then(_put_out(state, command, inputs, step, body.nomination))
    return decision


def _is_awaited(state: State, inputs: Inputs, body: ReplyClearance) -> bool:
    """Whether a last word may still rest on the answer: one that is spoken here, or where this round has reported to."""
    if not state.over:
        return body.nomination not in state.conferred
    summit = _looks_back(state, inputs)
    return summit is not None and body.nomination not in summit.conferred


def _looks_back(state: State, inputs: Inputs) -> State | None:
    """The summit, while its last word, or a title on the way, may rest on what this round asked before it reported."""
    summit = inputs.summit if state.reported is not None else None
    return summit if summit is not None and not summit.over else None


def _above(command: Command, inputs: Inputs) -> Decision:
    """The summit has not moved since it was read, as an answer and its last word never miss each other; where it waits
    for one it looks again.
    """
    if inputs.summit is None:
        return NOTHING
    cycle = names.cycle_of(command.stream)
    stream = names.round_stream(cycle, names.ROOT_ROUTE, inputs.tree.root)
    waits = run_of(inputs.summit, inputs.summit.current).held == EXPIRED
    return Decision(
        guards=(HeadIs(stream=stream, seq=inputs.summit.seq),),
        effects=(nudge(command, stream),) if waits else (),
    )


def _put_out(state: State, command: Command, inputs: Inputs, step: Clearance, nomination: str) -> Decision:
    """Out at once; while a list is published the reserve takes the place, or it stays vacant among equals (DR-31)."""
    out = Dropped(nomination=nomination, reason=CLEARANCE_OBJECTED)
    left = leave(state, command, step.id, (out,))
    current = next((one for one in inputs.stage.steps if one.id == state.current), None)
    if not isinstance(current, Publicity) or run_of(state, current.id).closed_at is not None:
        return left
    guards = head_guards(inputs.standings.values(), command)
    instead = replace_one(state, command, inputs, current, out)
    tied = any(isinstance(event, StepHeld) for event in instead.events)
    return left if tied else left.then(Decision(guards=guards)).then(instead)


def department_of(step: Clearance, id: str) -> Department:
    """The department as the step declares it; Refused NOT_FOUND."""
    for department in step.asked:
        if department.id == id:
            return department
    raise Refused("NOT_FOUND", what=f"{step.id}/{id}")


def request_again(
    state: State, command: Command, body: RequestClearance, inputs: Inputs, step: Clearance, grant: str
) -> Decision:
    """Answers that have run out, or were never asked for, are asked for within the step's period from now; also by a
    round that has reported, as long as titles may rest on them further up.
    """
    run = run_of(state, step.id)
    holds = step.valid_for is None and not run.opened_with.isdisjoint(body.nominations)
    over = state.over and (holds or _looks_back(state, inputs) is None)
    if over or run.closed_at is None:
        raise Refused("STAGE_MISMATCH", current=state.current or "-", action=body.kind)
    strangers = [id for id in body.nominations if id not in state.members]
    if strangers:
        raise Refused("NOT_A_MEMBER", nomination=", ".join(strangers), round=state.stream)
    for id in body.nominations:
        must_be_asked(state, step.id, id)
    now = command.received_at
    window = Window(opens_at=now, closes_at=inputs.calendar.end(now, step.period))
    asked = ClearanceRequested(step=step.id, nominations=body.nominations, window=window)
    decision = Decision(events=(asked,), guards=(cycle_guard(command),), grant=grant)
    return decision.then(_above(command, inputs))


def close_clearance(
    state: State, command: Command, inputs: Inputs, step: Clearance, early: str = ""
) -> Decision:
    """A veto is a veto, advice is on record; what silence means is the programme's: by default it is not consent.

    `early` is why it should end now: refused with REPLIES_MISSING where silence waits for a person.
    """
    asked = asked_of(state, inputs, step)
    vetoed = [id for id, departments in asked.items() if _vetoed(state, step, id, departments)]
    waiting = [
        id for id, departments in asked.items() if id not in vetoed and _silent(state, step, id, departments)
    ]
    over = elapsed(state, step.id, command.received_at)
    if waiting and early and step.silence == Silence.PENDING:
        raise Refused("REPLIES_MISSING", nominations=", ".join(waiting))
    if waiting and not over and not early:
        return NOTHING
    if waiting and step.silence == Silence.PENDING:
        return hold(state, step.id, "CLEARANCE_PENDING", waiting)
    out = [Dropped(nomination=id, reason=CLEARANCE_OBJECTED) for id in vetoed]
    if step.silence == Silence.VETO:
        out += [Dropped(nomination=id, reason="CLEARANCE_SILENT") for id in waiting]
    guards = (cycle_guard(command), *head_guards(present(state, inputs).values(), command))
    left = leave(state, command, step.id, (*gone(state, inputs), *out))
    return (
        Decision(guards=guards)
        .then(left)
        .then(close(state, command, inputs, step.id, ended(over, early), early))
    )


def _vetoed(state: State, step: Clearance, nomination: str, departments: tuple[Department, ...]) -> bool:
    replies = run_of(state, step.id).replies
    said = [replies.get((one.id, nomination)) for one in departments if one.says == "veto"]
    return any(reply is not None and reply.outcome == "object" for reply in said)


def _silent(state: State, step: Clearance, nomination: str, departments: tuple[Department, ...]) -> bool:
    replies = run_of(state, step.id).replies
    return any((one.id, nomination) not in replies for one in departments)


# ---- how long an answer holds ----


def asks(stage: Stage) -> bool:
    """Whether the stage asks departments: then every last word on the way up looks at their answers."""
    return any(isinstance(step, Clearance) for step in stage.steps)


def left_out(state: State, inputs: Inputs, now: datetime) -> dict[str, str]:
    """Who goes no further because of what departments said when asked again, or did not say: the reason by nomination.

    Refused CLEARANCE_EXPIRED where a title, or a recommendation, would rest on an answer, asked for here or in a round
    below, that has run out or is awaited, or on none because the substitute came in after everybody had been asked about
    (DR-31).
    """
    found = list(_faulty(state, inputs, now))
    out = {id: code for id, _, code in found if code != EXPIRED}
    expired = [(id, place) for id, place, code in found if code == EXPIRED and id not in out]
    if expired:
        ids, places = (dict.fromkeys(column) for column in zip(*expired, strict=True))
        raise Refused(EXPIRED, step=", ".join(places), nominations=", ".join(ids))
    return out


def silence_ends(state: State, inputs: Inputs, now: datetime) -> datetime | None:
    """When the next silence of a department that was asked again about a member is an answer; None where it never is."""
    here = present(state, inputs)
    ends = (
        again.closes_at
        for asked in (state, *inputs.below)
        for step in stage_of(asked, inputs.programme).steps
        if isinstance(step, Clearance) and step.silence != Silence.PENDING
        for id, again in run_of(asked, step.id).asked_again.items()
        if again.closes_at > now and id in here and _silent(asked, step, id, concerned(step, here[id]))
    )
    return min(ends, default=None)


def below_guards(inputs: Inputs) -> tuple[Guard, ...]:
    """The rounds whose departments' answers were looked at have not moved since."""
    return tuple(HeadIs(stream=one.stream, seq=one.seq) for one in inputs.below)


def _faulty(state: State, inputs: Inputs, now: datetime) -> Iterator[tuple[str, str, str]]:
    """Each answer on a member on which no last word can rest: the nomination, where it was asked, and the code."""
    for asked in (state, *inputs.below):
        for step in stage_of(asked, inputs.programme).steps:
            if not (isinstance(step, Clearance) and run_of(asked, step.id).closed_at):
                continue
            place = step.id if asked is state else f"{asked.stream}/{step.id}"
            about = asked.members.keys() - run_of(asked, step.id).passed.keys()
            for id, one in present(state, inputs).items():
                for department in concerned(step, one) if id in about else ():
                    if code := _fault(asked, inputs, step, id, department, now):
                        yield id, place, code


def _fault(
    asked: State, inputs: Inputs, step: Clearance, nomination: str, department: Department, now: datetime
) -> str:
    """What keeps the department's answer, or its silence, from counting now; empty where it holds.

    It is not silent on somebody about whom it was never asked, as who came in from the reserve afterwards.
    """
    run = run_of(asked, step.id)
    if step.valid_for is None and nomination in run.opened_with and nomination not in run.asked_again:
        return ""
    again, reply = run.asked_again.get(nomination), run.replies.get((department.id, nomination))
    if reply is not None:
        if again and reply.outcome == "object" and department.says == "veto":
            return "CLEARANCE_OBJECTED"
        since = run.replied_at[department.id, nomination]
    else:
        window = again or (run.window if nomination in run.opened_with else None)
        if window is None:
            return EXPIRED
        if step.silence == Silence.PENDING or (again and now < again.closes_at):
            return EXPIRED
        if step.silence == Silence.VETO:
            return "CLEARANCE_SILENT" if again else EXPIRED
        since = window.closes_at
    holds = step.valid_for is None or now < inputs.calendar.end(since, step.valid_for)
    return "" if holds else EXPIRED
