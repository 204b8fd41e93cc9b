"""What is done about stuffed votes (刷票, DR-23): papers are held, ruled on by two people, frozen; until the tally is sealed.

Every act is an event with its evidence, and every one can be taken back as long as nothing is sealed. No paper is dropped.
"""

from __future__ import annotations

from fractions import Fraction

from domain import round as rounds
from domain.decision import NOTHING, Decision, two_people
from domain.round import Cohort, State, StepRun, must_be_current, run_of
from domain.steps import Inputs, cycle_guard, set_gate, set_gates
from domain.timing import after_pauses, given_back
from schemas import names
from schemas.commands import (
    Command,
    FreezeVotes,
    HoldVotes,
    InvalidateVotes,
    ReleaseVotes,
    ScreenVotes,
    UnfreezeVotes,
)
from schemas.errors import Refused
from schemas.events import (
    AdjudicationClosed,
    AdjudicationOpened,
    Event,
    ScreeningAsked,
    StepExtended,
    VotesFrozen,
    VotesHeld,
    VotesInvalidated,
    VotesReleased,
    VotesScreened,
    VotesUnfrozen,
)
from schemas.ledger import GateStatus
from schemas.programme import PublicVote

UNRULED = "UNRULED"
"""Why a cohort on which nobody ruled counts, or does not: the programme says so."""


# ---- screening ----


def ask(state: State, command: Command, body: ScreenVotes, step: PublicVote, grant: str) -> Decision:
    """An operator wants the rules run now; the round's workflow does it."""
    if step.stuffing is None:
        raise Refused("NO_STUFFING_RULES", step=step.id)
    run = _unsealed(state, step, body.kind)
    if run.screening_asked:
        return NOTHING
    return Decision(events=(ScreeningAsked(step=step.id),), guards=(cycle_guard(command),), grant=grant)


def hold(state: State, command: Command, body: HoldVotes, step: PublicVote) -> Decision:
    """What a screening found is held; one that a later one has outrun, or told for, gives nothing."""
    run = run_of(state, step.id)
    told = any(one.cohort in run.cohorts for one in body.cohorts)
    if _is_sealed(run) or body.screening <= run.screened or told:
        return NOTHING
    held = [VotesHeld(step=step.id, rules=body.rules, **cohort.model_dump()) for cohort in body.cohorts]
    screened = VotesScreened(step=step.id, screening=body.screening, rules=body.rules, papers=body.papers)
    return Decision(events=(*held, screened), guards=(cycle_guard(command),))


def screening_due(run: StepRun, step: PublicVote) -> bool:
    """Whether the rules are to be run: somebody asked, or the vote is closed and they have not seen all papers."""
    if step.stuffing is None or run.window is None or _is_sealed(run):
        return False
    return run.screening_asked or (run.closed_at is not None and not run.screened_all)


# ---- ruling ----


def invalidate(
    state: State, command: Command, body: InvalidateVotes, step: PublicVote, grant: str
) -> Decision:
    """By two people with evidence, and only before the count begins; the papers themselves stay."""
    run = _unsealed(state, step, body.kind)
    if body.nomination and body.nomination not in state.members:
        raise Refused("NOT_A_MEMBER", nomination=body.nomination, round=state.stream)
    if body.cohort:
        cohort = _cohort(state, run, body.cohort)
        if cohort.status == "invalid":
            return NOTHING
        _must_reach(run, step, "invalidate", cohort.nomination)
    elif body.nomination:
        _must_reach(run, step, "disqualify" if body.disqualify else "zero", body.nomination)
    invalidated = VotesInvalidated(
        step=body.step,
        effect="disqualify" if body.disqualify else "zero" if body.nomination else "deduct",
        voters=body.voters,
        nomination=body.nomination,
        cohort=body.cohort or None,
        evidence=body.evidence,
        reason=body.reason,
    )
    events = two_people(state, command, (invalidated,))
    return Decision(events=events, guards=(cycle_guard(command),), grant=grant)


def release(state: State, command: Command, body: ReleaseVotes, step: PublicVote, grant: str) -> Decision:
    """What is held, or does not count, counts again: by two people with evidence, before the count begins."""
    run = _unsealed(state, step, body.kind)
    if body.cohort:
        counts_already = _cohort(state, run, body.cohort).status == "counted"
    else:
        counts_already = not (set(body.voters) & run.invalid or body.nomination in run.zeroed)
    if counts_already:
        return NOTHING
    released = VotesReleased(
        step=body.step,
        cohort=body.cohort or None,
        voters=body.voters or None,
        nomination=body.nomination or None,
        evidence=body.evidence,
        reason=body.reason,
    )
    events = two_people(state, command, (released,))
    return Decision(events=events, guards=(cycle_guard(command),), grant=grant)


def uncounted(run: StepRun) -> frozenset[str]:
    """The cohorts whose papers do not count."""
    return frozenset(id for id, cohort in run.cohorts.items() if cohort.status == "invalid")


def suspected(run: StepRun, nomination: str) -> Fraction:
    """The part of a nomination's papers that is held or invalidated, of those of the last run of the rules."""
    cohorts = [one for one in run.cohorts.values() if one.nomination == nomination]
    papers = sum(one.papers for one in cohorts if one.status != "counted")
    return Fraction(papers, max([one.of for one in cohorts])) if papers else Fraction(0)


def _must_reach(run: StepRun, step: PublicVote, act: str, nomination: str) -> None:
    """The programme's ladder: an act needs its share of papers held or invalidated, and to be on the ladder at all."""
    ladder = step.stuffing.ladder if step.stuffing else ()
    needed = next((one.share for one in ladder if one.act == act), None)
    share = suspected(run, nomination)
    if ladder and (needed is None or share < needed):
        raise Refused(
            "LADDER_NOT_REACHED",
            act=act,
            nomination=nomination,
            share=f"{share * 100 // 1}%",
            needed="-" if needed is None else f"{needed * 100}%",
        )


def _cohort(state: State, run: StepRun, cohort: str) -> Cohort:
    if cohort not in run.cohorts:
        raise Refused("NOT_FOUND", what=f"{state.stream}: {cohort}")
    return run.cohorts[cohort]


# ---- freezing ----


def freeze(
    state: State, command: Command, body: FreezeVotes, inputs: Inputs, step: PublicVote, grant: str
) -> Decision:
    """The vote's row takes no papers while it is frozen; papers for a frozen nomination come in and are held."""
    run = must_be_current(state, body.step, body.kind)
    _must_have_opened(state, run, body.kind)
    if body.nomination and body.nomination not in state.members:
        raise Refused("NOT_A_MEMBER", nomination=body.nomination, round=state.stream)
    if body.nomination in run.frozen:
        return NOTHING
    if body.nomination:
        if step.stuffing is None:
            raise Refused("NO_STUFFING_RULES", step=step.id)
        _must_reach(run, step, "freeze", body.nomination)
    effects = () if body.nomination else set_gates(state, command, inputs, step.id, GateStatus.PAUSED)
    frozen = VotesFrozen(step=step.id, nomination=body.nomination or None, reason=body.reason)
    return Decision(events=(frozen,), guards=(cycle_guard(command),), effects=effects, grant=grant)


def unfreeze(
    state: State, command: Command, body: UnfreezeVotes, inputs: Inputs, step: PublicVote, grant: str
) -> Decision:
    """A vote that stood still gets back the whole days that it had left: its window is never shortened."""
    run = must_be_current(state, body.step, body.kind)
    since = run.frozen.get(body.nomination)
    if since is None or run.window is None:
        return NOTHING
    events: tuple[Event, ...] = (
        VotesUnfrozen(step=step.id, nomination=body.nomination or None, reason=body.reason),
    )
    decision = Decision(events=events, guards=(cycle_guard(command),), grant=grant)
    if body.nomination:
        return decision
    window = given_back(run.window, ((since, command.received_at),), command.received_at, inputs)
    extended = StepExtended(
        step=step.id, was=run.window.closes_at, closes_at=window.closes_at, epoch=run.epoch, reason="unfrozen"
    )
    after = rounds.evolve(state, events[0], command.received_at)
    effect = set_gate(after, command, inputs, step.id, window)
    return decision.then(Decision(events=(extended,), effects=(effect,)))


# ---- the end of it ----


def close_adjudication(state: State, command: Command, inputs: Inputs, step: PublicVote) -> Decision:
    """Once its time is over, what pauses took given back: what is invalidated is settled before the count begins.

    Not before the rules have seen all papers; what is held still then counts, or does not, as the programme says.
    """
    run, now = run_of(state, step.id), command.received_at
    if run.adjudicated or run.seals_at is None or run.adjudication is None or now < run.seals_at:
        return NOTHING
    until = after_pauses(state, inputs, run.adjudication, now)
    if now < until:
        moved = AdjudicationOpened(step=step.id, closes_at=until)
        return Decision(events=(moved,), guards=(cycle_guard(command),))
    if screening_due(run, step):
        return NOTHING
    events = (*_unruled(run, step), AdjudicationClosed(step=step.id))
    return Decision(events=events, guards=(cycle_guard(command),))


def _unruled(run: StepRun, step: PublicVote) -> tuple[Event, ...]:
    held = [id for id, cohort in run.cohorts.items() if cohort.status == "held"]
    if step.stuffing is None or step.stuffing.unruled == "count":
        return tuple(VotesReleased(step=step.id, cohort=id, reason=UNRULED) for id in held)
    return tuple(
        VotesInvalidated(step=step.id, effect="deduct", cohort=id, evidence="", reason=UNRULED) for id in held
    )


def _must_have_opened(state: State, run: StepRun, action: str) -> None:
    """Refused STAGE_MISMATCH before the vote's window opens: its step may be held without one."""
    if run.window is None and run.closed_at is None:
        raise Refused("STAGE_MISMATCH", current=state.current or "-", action=action)


def _is_sealed(run: StepRun) -> bool:
    return run.adjudicated or (run.closed_at is not None and run.seals_at is None)


def _unsealed(state: State, step: PublicVote, action: str) -> StepRun:
    """The vote's run while something can be done about it; Refused STAGE_MISMATCH before it opens, TALLY_SEALED after."""
    run = run_of(state, step.id)
    _must_have_opened(state, run, action)
    if _is_sealed(run):
        raise Refused("TALLY_SEALED", ballot=names.step_gate(state.stream, step.id))
    return run
