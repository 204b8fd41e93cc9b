"""The steps by which members get in and stay in: the pool, eligibility, endorsement."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from domain.calendar import local_date
from domain.decision import NOTHING, Decision
from domain.eligibility import BARRED, judge, required_titles
from domain.history import Past
from domain.round import Standing, State, awaited, run_of
from domain.steps import (
    Inputs,
    asked_about,
    close,
    cut_off,
    cycle_guard,
    elapsed,
    going,
    gone,
    head_guards,
    hold_subjects,
    leave,
    open_window,
    present,
    tell,
)
from schemas import names
from schemas.commands import Command, TakeOutcome
from schemas.errors import Refused
from schemas.events import (
    Checked,
    Dropped,
    EligibilityChecked,
    Member,
    PoolFrozen,
    StepOpened,
)
from schemas.ledger import Effect, HeadIs
from schemas.programme import Eligibility, Endorsement

# ---- pool ----


def freeze_pool(state: State, command: Command, inputs: Inputs) -> Decision:
    """The cut-off: those who entered here, and those whom child rounds recommended, unless they have left (DR-03)."""
    if state.frozen:
        return NOTHING
    candidates = (*inputs.entered, *_recommended(inputs))
    standings = [inputs.standings[id] for id in candidates]
    dropped = tuple(
        Dropped(nomination=one.nomination, reason=reason)
        for one in standings
        for reason in [_keeps_out(one, command, inputs)]
        if reason
    )
    out = {one.nomination for one in dropped}
    via = {
        nomination: stream.rsplit("/", 1)[-1]
        for stream, child in inputs.children.items()
        if child.reported is not None
        for nomination in child.reported.recommended
    }
    members = tuple(
        Member(
            nomination=one.nomination,
            subject=one.subject,
            unit=one.unit,
            seq=one.seq,
            via=via.get(one.nomination),
        )
        for one in standings
        if one.nomination not in out
    )
    lapsed = tuple(sorted(stream for stream, child in inputs.children.items() if child.reported is None))
    frozen = PoolFrozen(members=members, dropped=dropped, lapsed_children=lapsed)
    contested = hold_subjects("pool", (one for one in standings if one.nomination not in out))
    told = (tell(command, id, outcome) for id, outcome in left_behind(inputs.children))
    effects: tuple[Effect, ...] = (*told, *_tell_dropped(state, command, dropped))
    lists = tuple(HeadIs(stream=stream, seq=child.seq) for stream, child in inputs.children.items())
    guards = (cycle_guard(command), *head_guards(standings, command), *lists)
    return Decision(events=(frozen, *contested.events), guards=guards, effects=effects)


def _recommended(inputs: Inputs) -> tuple[str, ...]:
    return tuple(
        nomination
        for _, child in sorted(inputs.children.items())
        if child.reported is not None
        for nomination in child.reported.recommended
    )


def _keeps_out(one: Standing, command: Command, inputs: Inputs) -> str:
    """Titles count as the child rounds conferred them: their message to the nomination may still be on its way."""
    if one.gone:
        return one.reason.upper()
    conferred = {
        title for child in inputs.children.values() for title in child.conferred.get(one.nomination, ())
    }
    past = Past(one.held, local_date(command.received_at), inputs.programme)
    return "" if in_pool(one, inputs, past, conferred) else "NOT_IN_POOL"


def in_pool(one: Standing, inputs: Inputs, past: Past, conferred: Iterable[str] = ()) -> bool:
    """Whether it holds a title that the stage's pool asks for, of this edition or a past one, not ended since (DR-03)."""
    pool = inputs.stage.pool
    if pool is None:
        return True
    here = {*one.titles, *conferred} - ended_here(one, inputs, past)
    return bool(here & set(pool.holder_of) or past.active(pool.holder_of))


def ended_here(one: Standing, inputs: Inputs, past: Past) -> set[str]:
    """The titles of this edition that are in force no more: the nomination itself goes on naming them (DR-36)."""
    assert inputs.cycle.opened is not None
    mine = names.title_stream(inputs.cycle.opened.cycle, one.nomination, "")
    own = [title.title for title in one.held if title.stream.startswith(mine)]
    return set(own) - {title.title for title in past.active(own)}


def left_behind(children: Mapping[str, State]) -> Iterator[tuple[str, TakeOutcome]]:
    """Reserves whose list was taken, substitutes whose time was not up, and members of late rounds go no further."""
    for stream, child in sorted(children.items()):
        reason = "RESERVE_LAPSED" if child.reported else "ROUND_LAPSED"
        for nomination in (*(awaited(child) if child.reported else child.members), *child.standby):
            yield (
                nomination,
                TakeOutcome(
                    round=stream, round_seq=child.seq, outcome="eliminated", step="pool", reason=reason
                ),
            )


def _tell_dropped(state: State, command: Command, dropped: tuple[Dropped, ...]) -> tuple[Effect, ...]:
    return leave(state, command, "pool", dropped).effects


# ---- eligibility ----


def open_eligibility(state: State, command: Command, inputs: Inputs, step: Eligibility) -> Decision:
    """Everybody is checked at once; those of whom something is unknown are sent back until the window ends (DR-09)."""
    checks = check_all(state, inputs, step)
    unknown = [check for check in checks if check.result == "unknown"]
    checked = Decision(
        events=(EligibilityChecked(step=step.id, results=tuple(checks), as_of=cut_off_day(state)),),
        guards=(cycle_guard(command), *head_guards(present(state, inputs).values(), command)),
    )
    if not unknown:
        opened = Decision(events=(StepOpened(step=step.id, type=step.type),))
        return (
            opened.then(checked)
            .then(_leave_failed(state, command, inputs, step, checks))
            .then(close(state, command, inputs, step.id, "complete"))
        )
    opened = open_window(state, command, inputs, step.id, step.type, step.correction)
    returned = tuple(
        tell(
            command,
            check.nomination,
            TakeOutcome(
                round=state.stream,
                round_seq=state.seq + 1,
                outcome="returned",
                step=step.id,
                reason=missing(check),
            ),
        )
        for check in unknown
    )
    failed = _leave_failed(state, command, inputs, step, checks)
    return opened.then(checked).then(failed).then(Decision(effects=returned))


def missing(check: Checked) -> str:
    """What a nomination lacks, as it is told when it is sent back."""
    return "missing: " + ", ".join(check.unknown)


def close_eligibility(state: State, command: Command, inputs: Inputs, step: Eligibility) -> Decision:
    """Ripe once nothing is unknown any more, or the time for completion is over."""
    checks = check_all(state, inputs, step)
    unknown = [check for check in checks if check.result == "unknown"]
    over = elapsed(state, step.id, command.received_at)
    if unknown and not over:
        return NOTHING
    failed = _leave_failed(state, command, inputs, step, checks, "NOT_COMPLETED")
    checked = Decision(
        events=(EligibilityChecked(step=step.id, results=tuple(checks), as_of=cut_off_day(state)),),
        guards=(cycle_guard(command), *head_guards(present(state, inputs).values(), command)),
    )
    return checked.then(failed).then(
        close(state, command, inputs, step.id, "elapsed" if over else "complete")
    )


def check_all(state: State, inputs: Inputs, step: Eligibility) -> list[Checked]:
    """The verdict on each member present (DR-09)."""
    return [_check(one, state, inputs, step) for one in present(state, inputs).values()]


def cut_off_day(state: State) -> date:
    """The day by which history is judged: that on which the pool was frozen (DR-03)."""
    assert state.frozen_at is not None
    return local_date(state.frozen_at)


def _check(one: Standing, state: State, inputs: Inputs, step: Eligibility) -> Checked:
    """Whoever passes the step by is not asked its predicates; what a title requires, and a bar, hold for everybody."""
    past = Past(one.held, cut_off_day(state), inputs.programme)
    predicates = () if one.nomination in run_of(state, step.id).passed else step.predicates
    asked = (*predicates, *required_titles(inputs.programme, inputs.stage))
    results = [(each.id, each.severity, judge(each, one.facts, past)) for each in asked]
    if past.barred_until():
        results.append((BARRED, "hard", "fail"))
    missed = [(id, severity, result) for id, severity, result in results if result != "pass"]
    bars = [(id, result) for id, severity, result in missed if severity == "hard" and id not in one.waived]
    failed = tuple(id for id, result in bars if result == "fail")
    unknown = tuple(id for id, result in bars if result == "unknown")
    return Checked(
        nomination=one.nomination,
        seq=one.seq,
        result="fail" if failed else "unknown" if unknown else "pass",
        failed=failed,
        unknown=unknown,
        reported=tuple(id for id, severity, _ in missed if severity == "report"),
        waived=tuple(id for id, severity, _ in missed if severity == "hard" and id in one.waived),
        held=one.held,
    )


def _leave_failed(
    state: State,
    command: Command,
    inputs: Inputs,
    step: Eligibility,
    checks: list[Checked],
    unknown_reason: str = "",
) -> Decision:
    out = list(gone(state, inputs))
    for check in checks:
        if check.result == "fail":
            out.append(Dropped(nomination=check.nomination, reason="INELIGIBLE: " + ", ".join(check.failed)))
        elif check.result == "unknown" and unknown_reason:
            out.append(
                Dropped(nomination=check.nomination, reason=f"{unknown_reason}: " + ", ".join(check.unknown))
            )
    return leave(state, command, step.id, out)


# ---- endorsement ----


def close_endorsement(
    state: State, command: Command, inputs: Inputs, step: Endorsement, early: str = ""
) -> Decision:
    """Those approved stay. Early only once nobody waits for a word; at the end, no word is no endorsement."""
    members = present(state, inputs)
    key = (state.stream, step.id)
    asked = asked_about(state, inputs, step.id)
    waiting = [id for id, one in asked.items() if key not in one.endorsed or one.returned]
    over = elapsed(state, step.id, command.received_at)
    if not over and (waiting or not early):
        if early:
            raise Refused("MEMBERS_UNDECIDED", nominations=", ".join(waiting))
        return NOTHING
    here = going(state, inputs)
    silent = tuple(Dropped(nomination=id, reason="NOT_ENDORSED") for id in waiting if id in here)
    guards = (cycle_guard(command), *head_guards(members.values(), command))
    cut = cut_off(state, inputs, run_of(state, step.id).passed)
    left = leave(state, command, step.id, (*cut, *silent))
    return (
        Decision(guards=guards)
        .then(left)
        .then(close(state, command, inputs, step.id, "elapsed" if over else "early", early))
    )
