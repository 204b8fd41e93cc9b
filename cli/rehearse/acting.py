"""What every open round waits for, as the commands of those who are awaited: each with a key, so that it is done once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from cli.rehearse.party import (
    OPERATORS,
    Entrant,
    Party,
    body_members,
    clerk,
    judges,
    officer,
    operator,
    scorekeepers,
)
from domain import clearance, composition
from domain import round as rounds
from domain.review import TRIM, marked_by
from schemas import names
from schemas.commands import (
    Body,
    CloseStepEarly,
    Confer,
    Decide,
    DrawPanel,
    Endorse,
    EnterSheet,
    ExtendStep,
    FormPanel,
    GroupJudges,
    GroupPlace,
    HandInSheet,
    NameChair,
    RecordAttendance,
    RecordCongress,
    ReplyClearance,
    RequestClearance,
    ResolveTie,
    WaiveDifferential,
    WaiveRules,
    WrittenMark,
    WrittenPart,
)
from schemas.errors import Refused
from schemas.events import CongressVote
from schemas.ledger import Actor
from schemas.programme import (
    Clearance,
    Conferral,
    Congress,
    Decision,
    Department,
    Endorsement,
    ExpertReview,
    Programme,
    Scale,
    Step,
    Training,
)

DONE_REASON = "均已办理 · all have been decided"


class Deed(NamedTuple):
    """A command that somebody is awaited for."""

    key: str
    stream: str
    body: Body
    actor: Actor


class Scene(NamedTuple):
    """What those who act can see: who is behind a nomination, and how members stand."""

    party: Party
    cycle: str
    people: Mapping[str, Entrant]
    standings: Mapping[str, rounds.Standing]
    others: tuple[rounds.State, ...] = ()  # all other rounds, where this one may wait for them


def awaited(scene: Scene, programme: Programme, state: rounds.State) -> Iterator[Deed]:
    """Everything that the round waits for now; what was done before comes again under the same key."""
    run = rounds.run_of(state, state.current)
    if state.over or state.opened is None or not state.current:
        return
    step = rounds.step_of(state, programme, state.current)
    if run.held:
        yield from _held(scene, programme, state, step)
    if run.closed_at is None:
        yield from _at(scene, state, step)


def _at(scene: Scene, state: rounds.State, step: Step) -> Iterator[Deed]:
    match step:
        case Endorsement():
            yield from _endorsement(scene, state, step)
        case Clearance():
            yield from _clearance(scene, state, step)
        case Congress():
            yield from _congress(scene, state, step)
        case ExpertReview():
            yield from _review(scene, state, step)
        case Training():
            yield _training(scene, state, step)
        case Decision():
            yield from (_deed(state, Decide(step=step.id), one) for one in body_members(step.body))
        case Conferral() if rounds.run_of(state, step.id).held != "TIE_UNRESOLVED":
            yield from (_deed(state, Confer(step=step.id), one) for one in body_members(step.body))


def _deed(state: rounds.State, body: Body, actor: Actor, about: str = "") -> Deed:
    return Deed(f"{state.stream}/{state.current}/{body.kind}/{actor.id}/{about}", state.stream, body, actor)


def waits_below(state: rounds.State) -> bool:
    """Whether the round may wait for what departments say in others."""
    return rounds.run_of(state, state.current).held == clearance.EXPIRED


def _held(scene: Scene, programme: Programme, state: rounds.State, step: Step) -> Iterator[Deed]:
    """Ties are ordered by one operator; two waive a differential that is not met, scores to trim that are too few, and
    the rules that a list lost, and call a panel together again; departments are asked about a late substitute.
    """
    run = rounds.run_of(state, step.id)
    about = f"{run.held}@{state.seq}"
    both = [Actor(id=person, role="operator") for person in OPERATORS]
    if run.held == "TIE_UNRESOLVED":
        order = ResolveTie(
            step=step.id, order=tuple(sorted(run.tied)), reason="会议研究 · decided in session"
        )
        yield _deed(state, order, operator(), about)
    if run.held == "DIFFERENTIAL_UNMET":
        waived = WaiveDifferential(step=step.id, reason="等额 · as many as seats")
        yield from (_deed(state, waived, one) for one in both)
    if run.held == clearance.EXPIRED:
        for asked, clearing in _clearances(programme, (state, *scene.others)):
            yield from _asked_late(scene, state, asked, clearing)
    if run.held == composition.RULES_BROKEN:
        yield from set_aside(state, run.held_for)
    if run.held == "TOO_FEW_TO_TRIM":
        plain = WaiveRules(step=step.id, rules=(TRIM,), reason="按平均分计 · the plain mean")
        yield from (_deed(state, plain, one, about) for one in both)
    if run.held == "QUORUM_UNMET" and run.window is not None:
        again = run.window.closes_at + (run.window.closes_at - run.window.opens_at)
        extended = ExtendStep(
            step=step.id, closes_at=again, reason="评委未到齐，重新评审 · the panel meets again"
        )
        yield from (_deed(state, extended, one, _session(run)) for one in both)


def _endorsement(scene: Scene, state: rounds.State, step: Endorsement) -> Iterator[Deed]:
    assert state.opened is not None
    unit = officer(state.opened.unit)
    here = [id for id in rounds.asked(state, step.id) if not scene.standings[id].gone]
    order = sorted(here, key=lambda id: (-scene.people[id].merit, id))
    waiting = False
    for rank, id in enumerate(order, 1):
        one = scene.standings[id]
        if (state.stream, step.id) in one.endorsed and not one.returned:
            continue
        waiting = True
        endorse = Endorse(round=state.stream, step=step.id, recommendation_rank=rank if step.ranked else None)
        key = f"{state.stream}/{step.id}/endorse/{id}/{one.seq}"
        yield Deed(key, names.nomination_stream(scene.cycle, id), endorse, unit)
    if not waiting:
        yield _deed(state, CloseStepEarly(step=step.id, reason=DONE_REASON), unit)


def _clearance(scene: Scene, state: rounds.State, step: Clearance) -> Iterator[Deed]:
    replies = rounds.run_of(state, step.id).replies
    for id in rounds.asked(state, step.id):
        one = scene.standings[id]
        for department in () if one.gone else clearance.concerned(step, one):
            if (department.id, id) not in replies:
                yield _deed(state, _reply(scene, step, department, id), clerk(department.id), id)


def _reply(scene: Scene, step: Clearance, department: Department, nomination: str) -> ReplyClearance:
    objects = scene.party.draw(department.id, scene.people[nomination].number).randrange(60) == 0
    return ReplyClearance(
        step=step.id,
        department=department.id,
        nomination=nomination,
        outcome="object" if objects else "clear",
    )


def before_acting_again(
    refusal: Refused,
    scene: Scene,
    programme: Programme,
    state: rounds.State,
    all_rounds: Iterable[rounds.State],
) -> Iterator[Deed]:
    """What lets a body confer that was refused; the refusal itself if nobody here can."""
    match refusal.code:
        case clearance.EXPIRED:
            return asked_anew(scene, programme, state, all_rounds)
        case composition.RULES_BROKEN:
            return set_aside(state, str(refusal.facts["rules"]))
        case _:
            raise refusal


def set_aside(state: rounds.State, rules: str) -> Iterator[Deed]:
    """Two operators set aside the rules that a list lost (DR-25)."""
    body = WaiveRules(
        step=state.current, rules=tuple(rules.split(", ")), reason="会议研究 · decided in session"
    )
    for person in OPERATORS:
        yield _deed(state, body, Actor(id=person, role="operator"), rules)


def asked_anew(
    scene: Scene, programme: Programme, state: rounds.State, all_rounds: Iterable[rounds.State]
) -> Iterator[Deed]:
    """Whoever is in line for a title here is asked about once more, wherever answers have a time or there are none, and
    answered (DR-11).
    """
    for asked, step in _clearances(programme, all_rounds):
        yield from _anew(scene, state, asked, step)


def _clearances(
    programme: Programme, all_rounds: Iterable[rounds.State]
) -> Iterator[tuple[rounds.State, Clearance]]:
    """Wherever departments are asked."""
    for asked in all_rounds:
        for step in rounds.stage_of(asked, programme).steps if asked.opened else ():
            if isinstance(step, Clearance):
                yield asked, step


def _in_line(
    scene: Scene, state: rounds.State, asked: rounds.State, step: Clearance
) -> dict[str, rounds.Standing]:
    """Whoever is on the list here about whom departments were not asked there, or whose answers have a time."""
    run = rounds.run_of(asked, step.id)
    answered = run.opened_with if step.valid_for is None else frozenset[str]()
    there = asked.members.keys() - run.passed.keys() - answered if run.closed_at is not None else ()
    return {id: scene.standings[id] for id in state.members if id in there and not scene.standings[id].gone}


def _anew(scene: Scene, state: rounds.State, asked: rounds.State, step: Clearance) -> Iterator[Deed]:
    key, here = f"{asked.stream}/{step.id}/again/{asked.seq}", _in_line(scene, state, asked, step)
    if not here:
        return
    yield Deed(key, asked.stream, RequestClearance(step=step.id, nominations=tuple(here)), operator())
    for id, one in here.items():
        for department in clearance.concerned(step, one):
            said = _reply(scene, step, department, id)
            yield Deed(f"{key}/{department.id}/{id}", asked.stream, said, clerk(department.id))


def _asked_late(scene: Scene, state: rounds.State, asked: rounds.State, step: Clearance) -> Iterator[Deed]:
    """Departments are asked about them once, and answer when they are: not before, as people act at once."""
    run, key = rounds.run_of(asked, step.id), f"{asked.stream}/{step.id}/late"
    here = _in_line(scene, state, asked, step)
    if new := tuple(id for id in here if id not in run.asked_again):
        yield Deed(f"{key}/{new}", asked.stream, RequestClearance(step=step.id, nominations=new), operator())
    for id, one in here.items():
        for department in clearance.concerned(step, one) if id in run.asked_again else ():
            if (department.id, id) not in run.replies:
                said = _reply(scene, step, department, id)
                yield Deed(f"{key}/{department.id}/{id}", asked.stream, said, clerk(department.id))


def _congress(scene: Scene, state: rounds.State, step: Congress) -> Iterator[Deed]:
    """A hundred are entitled, all but a few come, and the better are carried by more."""
    assert state.opened is not None
    votes = []
    for id in rounds.asked(state, step.id):
        against = (1000 - scene.people[id].merit) // 25
        votes.append(CongressVote(nomination=id, approve=90 - against, against=against, abstain=5))
    record = RecordCongress(step=step.id, entitled=100, present=95, document="0" * 64, votes=tuple(votes))
    yield _deed(state, record, officer(state.opened.unit), str(len(votes)))


def _review(scene: Scene, state: rounds.State, step: ExpertReview) -> Iterator[Deed]:
    run = rounds.run_of(state, step.id)
    if not run.judges:
        yield _deed(state, _panel(scene, state, step), operator())
        return
    if step.chaired and not run.chair:
        yield _deed(state, NameChair(step=step.id, chair=run.judges[0], secretary=OPERATORS[1]), operator())
    roles = {judge.id: judge.role for judge in judges(step, scene.party.programme)}
    for judge in run.judges:
        if judge not in run.sheets:
            marks = tuple(_mark(scene, step, judge, id) for id in marked_by(state, step.id, judge))
            if marks and not step.scorekeepers:
                sheet = HandInSheet(step=step.id, marks=marks)
                yield _deed(state, sheet, Actor(id=judge, role=roles[judge]), _session(run))
            for keeper in scorekeepers(step) if marks else ():
                entered = EnterSheet(step=step.id, judge=judge, marks=marks)
                yield _deed(state, entered, keeper, f"{judge}/{_session(run)}")


def _training(scene: Scene, state: rounds.State, step: Training) -> Deed:
    """Nearly everybody comes."""
    assert state.opened is not None
    came = [id for id in state.members if scene.party.draw(step.id, scene.people[id].number).randrange(40)]
    attended = tuple(came or state.members)
    record = RecordAttendance(step=step.id, attended=attended, document="0" * 64)
    return _deed(state, record, officer(state.opened.unit), str(len(state.members)))


def _session(run: rounds.StepRun) -> str:
    """Which one of a panel's sessions: an invalid one is held again in a longer window."""
    return str(run.window.closes_at) if run.window else ""


def _panel(scene: Scene, state: rounds.State, step: ExpertReview) -> FormPanel | DrawPanel:
    """Named in groups, the judges of each are others; whom the fact leaves out is placed in the first group."""
    programme, here = scene.party.programme, {id: scene.standings[id] for id in rounds.asked(state, step.id)}
    fields = programme.groups_of(step)
    by_field = {
        id: one.facts.get(step.groups.fact) for id, one in here.items() if step.groups and not one.gone
    }
    places = tuple(GroupPlace(nomination=id, group=fields[0]) for id, one in by_field.items() if one is None)
    if step.draw is not None:
        seed = f"TEST {state.stream}"
        return DrawPanel(step=step.id, seed=seed, seed_source="演练 · a rehearsal", places=places)
    people = [judge.id for judge in judges(step, programme)]
    if not fields:
        return FormPanel(step=step.id, judges=tuple(people[: step.panel_size]))
    meeting = {fields[0] if one is None else one for one in by_field.values()}
    seated = tuple(
        GroupJudges(group=field, judges=tuple(people[n * step.panel_size :][: step.panel_size]))
        for n, field in enumerate(fields)
        if field in meeting
    )
    return FormPanel(step=step.id, groups=seated, places=places)


def _mark(scene: Scene, step: ExpertReview, judge: str, nomination: str) -> WrittenMark:
    entrant = scene.people[nomination]
    doubt = scene.party.draw(step.id, judge, entrant.number).randrange(1000)
    if step.mode == "vote":
        return WrittenMark(nomination=nomination, vote="approve" if entrant.merit + doubt > 400 else "reject")
    assert step.scale is not None
    mark = score(step.scale, (entrant.merit * 4 + doubt) // 5)
    if step.rubric:
        parts = tuple(WrittenPart(criterion=one.id, score=mark) for one in step.rubric)
        return WrittenMark(nomination=nomination, parts=parts)
    return WrittenMark(nomination=nomination, score=mark)


def score(scale: Scale, thousandths: int) -> str:
    """A mark on the scale's steps, as the judge writes it: exact, with at most three decimals."""
    steps = (scale.maximum - scale.minimum) / scale.step * thousandths / 1000
    value = scale.minimum + scale.step * (steps.numerator // steps.denominator)
    whole, part = divmod(value.numerator * 1000 // value.denominator, 1000)
    return f"{whole}.{part:03}".rstrip("0").rstrip(".")
