"""Why a nomination won or lost, step by step, from the log alone: what was found, what cut it, and what would not have.

Marks are told only of panels that have closed (DR-14), votes only of tallies that are sealed, objectors never (DR-29).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from typing import Any, Literal

from domain import nomination as nominations
from domain import round as rounds
from domain.audit.nearness import Nearness, nearness
from domain.audit.past import Past
from domain.problem import problem_of
from domain.scoring import Method
from domain.selection import Problem, RuleCheck, Selected, select
from domain.steps import Inputs, going
from schemas import events as e
from schemas import names
from schemas.errors import Refused
from schemas.ledger import RecordedEvent
from schemas.programme import Condition, Eligibility, Programme, Selection, Step

# ---- what is told ----


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the log something stands: its position in the global order, its stream, and when."""

    position: int | None
    event: str  # stream@seq
    at: datetime


@dataclass(frozen=True, slots=True)
class Missed:
    """A predicate that was not met, and the attested value that it was judged by."""

    predicate: str
    asked: str
    value: int | bool | str | None


@dataclass(frozen=True, slots=True)
class EligibilityTold:
    result: str
    failed: tuple[Missed, ...]
    unknown: tuple[Missed, ...]
    waived: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Word:
    """What somebody said of it: endorsed, returned, corrected, rejected."""

    what: str
    by: str
    role: str
    reason: str
    revision: int
    rank: int | None
    place: Place


@dataclass(frozen=True, slots=True)
class Reply:
    department: str
    outcome: str
    reason: str
    place: Place


@dataclass(frozen=True, slots=True)
class CongressTold:
    entitled: int
    present: int
    approve: int
    against: int
    abstain: int


@dataclass(frozen=True, slots=True)
class MarkTold:
    """One judge's mark; of a judge who is recused it is void."""

    judge: str
    score: Fraction | None
    vote: str | None
    parts: tuple[e.ComponentScore, ...]
    recused: bool


@dataclass(frozen=True, slots=True)
class ReviewTold:
    """A panel's marks and result; `sealed` until it has closed, and then nothing else is told."""

    sealed: bool
    component: str
    marks: tuple[MarkTold, ...] = ()
    result: e.PanelResult | None = None
    trimmed: tuple[Fraction, ...] = ()  # the values that were dropped, one instance each
    version: int = 0


@dataclass(frozen=True, slots=True)
class VoteTold:
    sealed: bool
    component: str
    votes: int = 0
    valid: int = 0
    zeroed: bool = False
    value: Fraction | None = None
    papers: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """One component of a combined score: `points` is what it gave."""

    component: str
    value: Fraction
    weight: Fraction
    points: Fraction


@dataclass(frozen=True, slots=True)
class At:
    """Somebody else at the line: the last who has a seat, or the first who has none."""

    nomination: str
    rank: int
    score: Fraction


@dataclass(frozen=True, slots=True)
class SelectionTold:
    """The choice as it was made, and as it comes out when it is taken again from the same past."""

    seats: int
    candidates: int
    rank: int
    score: Fraction
    parts: tuple[Part, ...]
    standing: Literal["selected", "reserve", "cut"]
    reserve_place: int
    last_in: At | None
    first_out: At | None
    rules: tuple[RuleCheck, ...]
    filled_by: str
    optimality: str
    agrees: bool
    near: Nearness | None
    full: Fraction | None  # the most that a score can be here, where only components on 100 are weighed


@dataclass(frozen=True, slots=True)
class PublicityTold:
    opens_at: datetime
    closes_at: datetime
    objections: tuple[tuple[str, str, str], ...]  # id, ground, outcome


@dataclass(frozen=True, slots=True)
class DecisionTold:
    body: str
    confirmed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class ConferralTold:
    body: str
    titles: tuple[tuple[str, str], ...]  # title, certificate


Detail = (
    EligibilityTold
    | CongressTold
    | ReviewTold
    | VoteTold
    | SelectionTold
    | PublicityTold
    | DecisionTold
    | ConferralTold
)


@dataclass(frozen=True, slots=True)
class StepTold:
    """A step that the nomination was in; `out` is why it left there."""

    step: str
    type: str
    opened_at: datetime
    closed_at: datetime | None = None
    place: Place | None = None  # of what decided it
    detail: Detail | None = None
    words: tuple[Word, ...] = ()
    replies: tuple[Reply, ...] = ()
    instead_of: str = ""  # whose seat it took from the reserve
    out: str = ""


@dataclass(frozen=True, slots=True)
class LevelTold:
    round: str
    unit: str
    rank: str
    steps: tuple[StepTold, ...]
    entered: Place
    dropped: str  # why it was not taken into the pool
    recommended: Place | None


@dataclass(frozen=True, slots=True)
class Cut:
    """What ended it: the code of the rule, where, and the event that says so."""

    reason: str
    round: str
    step: str
    place: Place


@dataclass(frozen=True, slots=True)
class Explanation:
    cycle: str
    nomination: str
    subject: str
    unit: str
    route: str
    channel: str
    status: str
    titles: tuple[str, ...]
    submitted: Place
    levels: tuple[LevelTold, ...]
    cut: Cut | None


# ---- telling ----


def explain(past: Past, nomination: str) -> Explanation:
    """The whole way of one nomination. Raises Refused NOT_FOUND."""
    stream = names.nomination_stream(past.cycle, nomination)
    if stream not in past.streams:
        raise Refused("NOT_FOUND", what=stream)
    state = past.nomination(nomination, past.end)
    submitted, first = state.submitted, past.events[past.streams[stream][0]]
    assert submitted is not None
    levels = tuple(_levels(past, nomination, submitted))
    return Explanation(
        cycle=past.cycle,
        nomination=nomination,
        subject=first.subject,
        unit=submitted.unit,
        route=submitted.route,
        channel=submitted.channel,
        status=state.status,
        titles=state.titles,
        submitted=_place(first),
        levels=levels,
        cut=_cut(past, stream, state, levels),
    )


def _place(event: RecordedEvent) -> Place:
    return Place(event.position, f"{event.stream}@{event.seq}", event.at)


def _levels(past: Past, id: str, submitted: e.NominationSubmitted) -> Iterator[LevelTold]:
    """The rounds on its way whose pool it came to."""
    for number, unit in enumerate(submitted.path):
        last = number == len(submitted.path) - 1
        route = names.ROOT_ROUTE if last else submitted.route
        told = _level(past, id, names.round_stream(past.cycle, route, unit))
        if told is not None:
            yield told


def _level(past: Past, id: str, stream: str) -> LevelTold | None:
    state = past.round(stream, past.end)
    entered: Place | None = None
    dropped, recommended = "", None
    for _, recorded, event in past.of(stream):
        match event:
            case e.PoolFrozen():
                out = {one.nomination: one.reason for one in event.dropped}
                if id in out or any(one.nomination == id for one in event.members):
                    entered, dropped = _place(recorded), out.get(id, "")
            case e.RoundReported() | e.RecommendationAmended() if id in event.recommended:
                recommended = recommended or _place(recorded)
            case _:
                pass
    if entered is None or state.opened is None:
        return None
    return LevelTold(
        round=stream,
        unit=state.opened.unit,
        rank=state.opened.rank,
        steps=() if dropped else tuple(_Steps(past, id, stream, state).told()),
        entered=entered,
        dropped=dropped,
        recommended=recommended,
    )


def _cut(past: Past, stream: str, state: nominations.State, levels: tuple[LevelTold, ...]) -> Cut | None:
    """What the round says of its leaving, where a round did it; else the nomination's own last word."""
    if not state.gone:
        return None
    for level in reversed(levels):
        if level.dropped:
            return Cut(level.dropped, level.round, "pool", level.entered)
        for step in level.steps:
            if step.out and step.place:
                return Cut(step.out, level.round, step.step, step.place)
    for _, recorded, event in reversed(list(past.of(stream))):
        match event:
            case e.NominationEliminated():
                return Cut(event.reason, event.round, event.step, _place(recorded))
            case e.NominationRejected():
                return Cut(f"REJECTED: {event.reason}", event.round, event.step, _place(recorded))
            case e.NominationWithdrawn() | e.NominationDisqualified():
                return Cut(f"{state.status.upper()}: {event.reason}", "", "", _place(recorded))
            case _:
                pass
    return None


class _Steps:
    """The steps of one round as one of its members passed them."""

    def __init__(self, past: Past, id: str, stream: str, state: rounds.State) -> None:
        self._past = past
        self._id = id
        self._stream = stream
        self._state = state
        self._told: dict[str, StepTold] = {}

    def told(self) -> Iterator[StepTold]:
        for moment, recorded, event in self._past.of(self._stream):
            self._take(moment, recorded, event)
            if any(step.out for step in self._told.values()):
                break
        self._hear()
        yield from self._told.values()

    def _take(self, moment: int, recorded: RecordedEvent, event: Any) -> None:
        step = getattr(event, "step", "")
        match event:
            case e.StepOpened():
                self._told[step] = StepTold(step, event.type, recorded.at)
                return
            case e.StepClosed():
                self._change(step, closed_at=recorded.at)
                return
            case e.MembersOut():
                reasons = {one.nomination: one.reason for one in event.out}
                if self._id in reasons:
                    self._change(step or self._state.current, out=reasons[self._id], place=_place(recorded))
                return
            case e.Substituted() if event.out == self._id:
                self._change(step, out=f"SUBSTITUTED: {event.reason}", place=_place(recorded))
                return
            case e.Substituted() if event.into == self._id:
                self._change(step, instead_of=event.out, place=_place(recorded))
                return
            case e.ClearanceReplied() if event.nomination == self._id:
                reply = Reply(event.department, event.outcome, event.reason, _place(recorded))
                self._change(step, replies=(*self._told[step].replies, reply))
                return
            case _:
                pass
        detail = self._detail(moment, event)
        if detail is not None and step in self._told:
            self._change(step, detail=detail, place=_place(recorded))

    def _change(self, step: str, **changes: Any) -> None:
        if step in self._told:
            self._told[step] = replace(self._told[step], **changes)
        elif changes.get("out"):  # as the round ended
            at = changes["place"].at
            self._told[step] = replace(StepTold(step, step, at), **changes)

    def _detail(self, moment: int, event: Any) -> Detail | None:
        id = self._id
        match event:
            case e.EligibilityChecked():
                one = next((one for one in event.results if one.nomination == id), None)
                return self._eligibility(one, event.step, moment) if one else None
            case e.CongressRecorded():
                vote = next((one for one in event.votes if one.nomination == id), None)
                return _congress(event, vote) if vote else None
            case e.PanelFormed() | e.PanelDrawn() | e.PanelClosed():
                return self._review(event.step)
            case e.BallotOpened() if id in event.candidates:
                return VoteTold(sealed=True, component="")
            case e.TallySealed():
                return _vote(event, id)
            case e.SelectionMade():
                return self._selection(moment, event)
            case e.ListPublished() if id in event.nominations:
                return PublicityTold(
                    event.window.opens_at, event.window.closes_at, self._objections(event.step)
                )
            case e.DecisionTaken():
                removed = {one.nomination: one.reason for one in event.removed}
                return DecisionTold(event.body, id in event.confirmed, removed.get(id, ""))
            case e.TitlesConferred():
                given = tuple((one.title, one.certificate) for one in event.conferred if one.nomination == id)
                return ConferralTold(event.body, given)
            case _:
                return None

    # -- words in the nomination's own stream

    def _hear(self) -> None:
        stream = names.nomination_stream(self._past.cycle, self._id)
        last = ""
        for _, recorded, event in self._past.of(stream):
            match event:
                case e.NominationEndorsed() | e.NominationReturned() | e.NominationRejected() if (
                    event.round == self._stream and event.step in self._told
                ):
                    last = event.step
                    self._hear_one(last, recorded, event)
                case e.NominationCorrected() if last:
                    self._hear_one(last, recorded, event)
                case e.NominationAdvanced() if last:
                    break
                case _:
                    pass

    def _hear_one(self, step: str, recorded: RecordedEvent, event: Any) -> None:
        word = Word(
            what=recorded.type,
            by=recorded.actor.id,
            role=recorded.actor.role,
            reason=getattr(event, "reason", ""),
            revision=getattr(event, "revision", 0),
            rank=getattr(event, "recommendation_rank", None),
            place=_place(recorded),
        )
        self._change(step, words=(*self._told[step].words, word))

    def _objections(self, step: str) -> tuple[tuple[str, str, str], ...]:
        state = self._past.nomination(self._id, self._past.end)
        here = (
            (id, one)
            for id, one in state.objections.items()
            if (one.round, one.step) == (self._stream, step) and not one.department
        )
        return tuple((id, one.ground, one.outcome or "open") for id, one in here)

    # -- eligibility, review, choice

    def _eligibility(self, one: e.Checked, step: str, moment: int) -> EligibilityTold:
        facts = self._past.nomination(self._id, moment).facts
        declared = _conditions(self._past.programme_at(moment), self._state, step)

        def missed(id: str) -> Missed:
            condition = declared.get(id)
            fact = condition.fact if condition else None
            return Missed(id, _asked(condition), facts.get(fact) if fact else None)

        return EligibilityTold(
            one.result, tuple(map(missed, one.failed)), tuple(map(missed, one.unknown)), one.waived
        )

    def _review(self, step: str) -> ReviewTold:
        """As the panel's last result has it; a recusal after the close changes it."""
        run = rounds.run_of(self._state, step)
        if run.panel is None:
            return ReviewTold(sealed=True, component="")
        result = next((one for one in run.panel.results if one.nomination == self._id), None)
        marks = tuple(
            MarkTold(
                judge,
                mark.score,
                mark.vote,
                mark.parts or (),
                recused=(judge, self._id) in run.recused,
            )
            for judge, sheet in sorted(run.sheets.items())
            for mark in [sheet.get(self._id)]
            if mark is not None
        )
        return ReviewTold(
            False, run.panel.component, marks, result, _trimmed(marks, result), run.panel.version
        )

    def _selection(self, moment: int, made: e.SelectionMade) -> SelectionTold | None:
        ranked = {one.nomination: one for one in made.ranked}
        if self._id not in ranked:
            return None
        choice = choice_at(self._past, self._stream, moment)
        mine = ranked[self._id]
        at = {one: At(one, ranked[one].rank, ranked[one].score) for one in ranked}
        chosen = set(made.selected)
        kept = "selected" if self._id in chosen else "reserve" if self._id in made.reserve else "cut"
        certificate = made.certificate
        return SelectionTold(
            seats=made.seats,
            candidates=len(made.ranked),
            rank=mine.rank,
            score=mine.score,
            parts=_parts(choice.step, mine),
            standing=kept,  # type: ignore[arg-type] # one of the three
            reserve_place=made.reserve.index(self._id) + 1 if kept == "reserve" else 0,
            last_in=min((at[one] for one in chosen), key=lambda one: (one.score, -one.rank), default=None),
            first_out=max(
                (at[one] for one in ranked if one not in chosen),
                key=lambda one: (one.score, -one.rank),
                default=None,
            ),
            rules=tuple(RuleCheck.model_validate(one) for one in certificate.get("rules", ())),
            filled_by=certificate.get("filled_by", ""),
            optimality=certificate.get("optimality", ""),
            agrees=choice.agrees(),
            near=nearness(choice.problem, self._id),
            full=_full(choice.step),
        )


# ---- a selection, taken again ----


@dataclass(frozen=True, slots=True)
class Choice:
    """What a selection stood on, rebuilt from the past just before it was made, and what was recorded."""

    round: str
    state: rounds.State
    inputs: Inputs
    step: Selection
    made: e.SelectionMade

    @property
    def problem(self) -> Problem:
        """With as many seats as were given: equals at the cut may all have been taken in (DR-17)."""
        members = going(self.state, self.inputs)
        problem = problem_of(self.state, self.inputs, members, self.step)
        return problem.model_copy(update={"seats": self.made.seats})

    def agrees(self) -> bool:
        """Whether choosing again gives the same list and the same scores as were recorded."""
        problem = self.problem
        outcome = select(problem)
        scores = {one.nomination: one.score for one in self.made.ranked}
        same = {one.id: one.score for one in problem.candidates} == scores
        return same and isinstance(outcome, Selected) and outcome.selected == self.made.selected


def choice_at(past: Past, stream: str, moment: int) -> Choice:
    """The choice that was made at this moment."""
    made = past.typed[moment]
    assert isinstance(made, e.SelectionMade)
    state = past.round(stream, moment)
    inputs = past.inputs(state, moment)
    step = inputs.stage.step(made.step)
    assert isinstance(step, Selection)
    return Choice(stream, state, inputs, step, made)


def _parts(step: Selection, ranked: e.Ranked) -> tuple[Part, ...]:
    values = {one.component: one.value for one in ranked.components}
    weighed = (
        Part(one.component, value, one.share, value * one.share)
        for one in step.weights
        for value in [values.get(one.component, Fraction(0))]
    )
    bonuses = (
        Part(wish.id, wish.bonus, Fraction(1), wish.bonus)
        for wish in step.prefer
        if wish.bonus and wish.id in values
    )
    return (*weighed, *bonuses)


def _full(step: Selection) -> Fraction:
    """The highest score that there can be: every component on 100, and every bonus."""
    return 100 + sum((wish.bonus for wish in step.prefer if wish.bonus), Fraction(0))


def _trimmed(marks: tuple[MarkTold, ...], result: e.PanelResult | None) -> tuple[Fraction, ...]:
    """The lowest and highest that did not count (DR-16): values, since which of two equals was dropped means nothing."""
    if result is None or result.method != Method.TRIMMED:
        return ()
    scores = sorted(mark.score for mark in marks if mark.score is not None and not mark.recused)
    drop = result.dropped // 2
    return (*scores[:drop], *scores[len(scores) - drop :])


def _congress(event: e.CongressRecorded, vote: e.CongressVote) -> CongressTold:
    return CongressTold(event.entitled, event.present, vote.approve, vote.against, vote.abstain)


def _vote(event: e.TallySealed, id: str) -> VoteTold | None:
    counted = {one.nomination: one.votes for one in event.counts}
    if id not in counted:
        return None
    value = next((one for one in event.values if one.nomination == id), None)
    return VoteTold(
        sealed=False,
        component=event.component,
        votes=counted[id],
        valid=value.counted if value else counted[id],
        zeroed=id in event.zeroed,
        value=value.value if value else None,
        papers=event.papers,
    )


def _conditions(programme: Programme, state: rounds.State, step: str) -> Mapping[str, Condition]:
    declared: Step = rounds.stage_of(state, programme).step(step)
    return {one.id: one for one in declared.predicates} if isinstance(declared, Eligibility) else {}


def _asked(condition: Condition | None) -> str:
    """A condition as text: `years_in_craft > 20`."""
    if condition is None:
        return ""
    if condition.any_of or condition.all_of:
        parts = [_asked(part) for part in condition.any_of or condition.all_of]
        return f"({' | '.join(parts)})" if condition.any_of else f"({' & '.join(parts)})"
    if condition.history is not None:
        return f"{condition.history.kind}({', '.join(condition.history.titles)})"
    return f"{condition.fact} {condition.op} {_value(condition.value)}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ", ".join(value) if isinstance(value, tuple) else str(value)
