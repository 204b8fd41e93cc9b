"""What if: a cycle's decisions taken again under changed rules, and who would be in or out where.

Hypothetical in all that it says. Panels, tallies, eligibility and selections are taken again, round after round from
the bottom; what people did in between stays as it was. Whoever would come up newly was never judged further up: there
nobody knows, and that is what is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any

from domain import entry, groups, review
from domain import round as rounds
from domain.audit.asked import Question, question_of
from domain.choice import chosen, ranked
from domain.decision import Decision
from domain.problem import Scores, problem_of, scores_of
from domain.round import run_of
from domain.selection import DifferentialUnmet, Infeasible, Outcome, Problem, Selected, TieUnresolved
from domain.steps import Inputs, going, present
from domain.vote import counted_as
from schemas.errors import EngineError, Refused
from schemas.events import EligibilityChecked, FastTracked, PanelResult, Ranked, TallySealed
from schemas.programme import Eligibility, ExpertReview, Programme, PublicVote, Selection, Stage, Step

RETAKEN = (ExpertReview, PublicVote, Eligibility, Selection)
"""The steps that are taken again; another step that the changed programme has otherwise stays as it was."""


class Where(StrEnum):
    """Where a nomination stands at a round's selection, or as one that flows through."""

    IN = "in"
    RESERVE = "reserve"
    OUT = "out"
    ABSENT = "absent"
    """Not there at all."""
    UNDECIDED = "undecided"
    """A person would have to decide: equals at the line, or rules that cannot all hold."""
    UNKNOWN = "unknown"
    """Never judged here, so nobody can say."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where somebody stands, at which rank and score, as far as these are known."""

    where: Where
    rank: int | None = None
    score: Fraction | None = None


ABSENT = Place(Where.ABSENT)


@dataclass(frozen=True, slots=True)
class Flip:
    """Somebody whose place, rank or score is another; `why` is the code of the first reason."""

    nomination: str
    before: Place
    after: Place
    why: str


@dataclass(frozen=True, slots=True)
class Told:
    """One selection of a round, imagined, or a round without any: seats, what became of it, who stands otherwise, and who went on."""

    round: str
    step: str
    seats: tuple[int, int]
    outcome: str
    others: tuple[Flip, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def flips(self) -> tuple[Flip, ...]:
        """Who would be in where they were out, or the other way round, or in reserve, or where nobody knows."""
        return tuple(one for one in self.others if one.before.where != one.after.where)

    @property
    def moved(self) -> tuple[Flip, ...]:
        """Who would stand as they did, at another rank or score."""
        return tuple(one for one in self.others if one.before.where == one.after.where)

    @property
    def lost(self) -> frozenset[str]:
        """Who went on, to the next selection or up, and would not."""
        return frozenset(self.before) - set(self.after) - self.undecided

    @property
    def undecided(self) -> frozenset[str]:
        """Whom people would have had to decide on."""
        return frozenset(one.nomination for one in self.others if one.after.where == Where.UNDECIDED)

    @property
    def gained(self) -> tuple[str, ...]:
        """Who did not go on, and would."""
        return tuple(id for id in self.after if id not in self.before)


@dataclass(frozen=True, slots=True)
class Changes:
    """What is imagined: another programme, reviewers whose sheets do not count, channels, tallies counted again."""

    programme: Programme | None = None
    reviewers: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    tallies: Mapping[str, TallySealed] = field(default_factory=dict)  # by ballot


@dataclass(slots=True)
class Course:
    """One round as it ran: its eligibility checks, tallies and selection with what they stood on, and its end."""

    stream: str
    checked: dict[str, tuple[rounds.State, Inputs]] = field(default_factory=dict)  # by step
    tallies: dict[str, TallySealed] = field(default_factory=dict)  # by step
    questions: dict[str, Question] = field(default_factory=dict)  # by step, in order
    end: rounds.State = rounds.initial

    def hear(self, state: Any, inputs: Any, decision: Decision) -> None:
        """One decision of this round, with the state before it."""
        if question := question_of(state, inputs, decision):
            self.questions[question.step.id] = question
        for event in decision.events:
            match event:
                case FastTracked():
                    state = rounds.passing(state, event)
                case EligibilityChecked():
                    self.checked[event.step] = (state, inputs)
                case TallySealed():
                    self.tallies[event.step] = event


def otherwise(courses: Iterable[Course], changes: Changes) -> tuple[Told, ...]:
    """The rounds of a cycle imagined, in the order in which they reported: each child before its parent."""
    told: dict[str, tuple[Told, ...]] = {}
    for course in courses:
        children = course.end.opened.children if course.end.opened else ()
        below = [told[child][-1] for child in children if child in told]
        told[course.stream] = _Imagined(course, changes, below).told()
    return tuple(one for some in told.values() for one in some)


class _Imagined:
    """One round, taken again step by step; what went wrong on the way is noted."""

    def __init__(self, course: Course, changes: Changes, below: list[Told]) -> None:
        self._course = course
        self._changes = changes
        self._notes: list[str] = []
        self._whys: dict[str, str] = {id: "NOT_RECOMMENDED_BELOW" for one in below for id in one.lost}
        self._new: dict[str, str] = {id: "NEVER_JUDGED_HERE" for one in below for id in one.gained}
        self._undecided: dict[str, str] = {id: "UNDECIDED_BELOW" for one in below for id in one.undecided}

    def told(self) -> tuple[Told, ...]:
        course = self._course
        went_up = course.end.reported.recommended if course.end.reported else ()
        self._check()
        if not course.questions:
            through = tuple(id for id in went_up if id not in self._whys | self._undecided)
            flips = self._flips(*({id: Place(Where.IN) for id in ids} for ids in (went_up, through)))
            return (self._one("", (0, 0), "", flips, went_up, through),)
        *earlier, last = course.questions.values()
        told = [self._selection(one, one.made.selected) for one in earlier]
        return *told, self._selection(last, went_up)

    def _selection(self, question: Question, went_on: tuple[str, ...]) -> Told:
        """One selection taken again; who falls out of its list, or comes into it, does so for all that follows."""
        seats, step = question.made.seats, question.step.id
        before = _places(question.made.selected, question.made.reserve, question.made.ranked)
        try:
            asked = self._asked(question)
            outcome = chosen(asked.problem, asked.step)
        except EngineError as refusal:
            self._undecided |= dict.fromkeys(before, refusal.code)
            after = {id: Place(Where.UNDECIDED) for id in before}
            return self._one(step, (seats, seats), refusal.code, self._flips(before, after), went_on, ())
        after = self._stand(outcome, asked)
        flips = self._flips(before, after)
        on = self._going_on(question, outcome, went_on)
        cut = [id for id in went_on if id not in on and id not in self._undecided]
        self._whys = dict.fromkeys(cut, "CUT_EARLIER") | self._whys
        self._new |= {id: "NEVER_JUDGED_AFTERWARDS" for id in on if id not in went_on}
        now = max(asked.step.seats, len(on)) if seats != asked.step.seats else seats
        return self._one(step, (seats, now), _code(outcome), flips, went_on, on)

    def _one(
        self,
        step: str,
        seats: tuple[int, int],
        outcome: str,
        flips: tuple[Flip, ...],
        before: tuple[str, ...],
        after: tuple[str, ...],
    ) -> Told:
        notes, self._notes = tuple(self._notes), []
        return Told(self._course.stream, step, seats, outcome, flips, before, after, notes)

    # ---- what is taken again ----

    def _stage(self, inputs: Inputs) -> Stage | None:
        """The stage of the changed programme, if it still has one at this rank; other changes are noted."""
        changed = self._changes.programme
        if changed is None:
            return inputs.stage
        rank = next(rank for rank, stage in inputs.programme.stages.items() if stage is inputs.stage)
        stage = changed.stages.get(rank)
        if stage is not None:
            now = {step.id: step for step in stage.steps}
            apart = [one.id for one in inputs.stage.steps if now.get(one.id) != one]
            apart += [id for id in now if id not in {one.id for one in inputs.stage.steps}]
            kept = [id for id in apart if not isinstance(now.get(id), RETAKEN)]
            kept += ["fast_tracks"] if stage.fast_tracks != inputs.stage.fast_tracks else []
            self._note(*(f"NOT_RETAKEN: {id}" for id in kept))
        return stage

    def _note(self, *notes: str) -> None:
        self._notes += [note for note in notes if note not in self._notes]

    def _check(self) -> None:
        """Eligibility under the changed conditions: who passed and would not, and who did not and would."""
        for id, (state, inputs) in self._course.checked.items():
            stage = self._stage(inputs)
            was = inputs.stage.step(id)
            step = next((one for one in stage.steps if one.id == id), None) if stage else None
            if not (isinstance(was, Eligibility) and isinstance(step, Eligibility)) or was == step:
                continue
            now = {one.nomination: one.result for one in entry.check_all(state, inputs, step)}
            for one in entry.check_all(state, inputs, was):
                if one.result == "pass" and now[one.nomination] != "pass":
                    self._whys.setdefault(one.nomination, "INELIGIBLE")
                if one.result != "pass" and now[one.nomination] == "pass":
                    self._new.setdefault(one.nomination, "ELIGIBLE_BUT_NEVER_JUDGED")

    def _asked(self, question: Question) -> _Asked:
        """The selection as it would have been asked; Refused NOT_FOUND where the changed programme has no such step."""
        stage = self._stage(question.inputs)
        step = next((one for one in stage.steps if one.id == question.step.id), None) if stage else None
        if stage is None or not isinstance(step, Selection):
            raise Refused("NOT_FOUND", what=f"{self._course.stream}/{question.step.id}")
        programme = self._changes.programme or question.inputs.programme
        inputs = replace(question.inputs, programme=programme, stage=stage)
        state = self._judged(question, stage)
        left = {id: one for id, one in state.members.items() if id not in self._whys | self._undecided}
        state = replace(state, members=left)
        members = going(state, inputs)
        problem = problem_of(state, inputs, members, step)
        return _Asked(step, problem, scores_of(state, present(state, inputs), step))

    def _judged(self, question: Question, stage: Stage) -> rounds.State:
        """The state with the components that its panels and votes would have given."""
        state = question.state
        for step in stage.steps:
            if isinstance(step, ExpertReview) and run_of(state, step.id).panel is not None:
                state = self._panel(state, question.inputs.stage, step)
            if isinstance(step, PublicVote) and step.id in self._course.tallies:
                sealed = self._course.tallies[step.id]
                sealed = self._changes.tallies.get(sealed.ballot, sealed)
                values = counted_as(sealed, step, self._changes.channels)
                state = replace(state, components=state.components | {step.component: values})
        return state

    def _panel(self, state: rounds.State, was: Stage, step: ExpertReview) -> rounds.State:
        """A panel's component anew, from the sheets that count; as it was where nothing about it is changed."""
        run, away = run_of(state, step.id), self._changes.reviewers
        if step in was.steps and not away & set(run.judges):
            return state
        left = groups.without(run, away)
        imagined = replace(state, steps=state.steps | {step.id: left})
        judged = [one.nomination for one in run.panel.results] if run.panel else []
        for unmet in review.without_quorum(left, step, judged):
            have = f"{len(groups.attending(left, unmet.group))}/{step.panel_size}"
            self._note(f"QUORUM_UNMET: {step.id} {unmet.group} {have}".replace("  ", " "))
        if _grouped_by(step) != _grouped_by(next((one for one in was.steps if one.id == step.id), None)):
            self._note(f"NOT_RETAKEN: {step.id}.groups")
        told = review.results_of(imagined, judged, step)
        results: list[PanelResult] = []
        for id, result in ((id, told[id]) for id in state.members if id in told):
            if result is None:
                self._undecided.setdefault(id, "SCORES_MISSING")
            elif result.passed:
                results.append(result)
            else:
                self._whys.setdefault(id, "VOTE_NOT_PASSED")
        return replace(imagined, components=imagined.components | _components(step, results))

    # ---- what comes of it ----

    def _stand(self, outcome: Outcome, asked: _Asked) -> dict[str, Place]:
        """Everybody's place; where a person would have to decide, only those above the line are sure, if no rule binds."""
        order = ranked(asked.problem, asked.scores)
        if isinstance(outcome, Selected):
            return _places(outcome.selected, outcome.reserve, order)
        open_ = set(outcome.tied) if isinstance(outcome, TieUnresolved) and not asked.problem.rules else None
        undecided = [one for one in order if open_ is None or one.nomination in open_]
        self._undecided |= {one.nomination: _code(outcome) for one in undecided}
        line = min((one.rank for one in undecided), default=1)
        return _places([one.nomination for one in order if one.rank < line], (), order)

    def _going_on(self, question: Question, outcome: Outcome, went_on: tuple[str, ...]) -> tuple[str, ...]:
        """The list without those who left it in fact; as many seats as were then filled from the reserve are again."""
        if not isinstance(outcome, Selected):
            return ()
        left = {id for id in question.made.selected if id not in went_on}
        stays = tuple(id for id in outcome.selected if id not in left)
        joined = sum(id not in question.made.selected for id in went_on)
        free = min(len(outcome.selected) - len(stays), joined)
        return stays + tuple(id for id in outcome.reserve if id not in left)[:free]

    def _flips(self, before: Mapping[str, Place], after: Mapping[str, Place]) -> tuple[Flip, ...]:
        """Everybody whose place is another, and those who would be here newly."""
        flips = []
        for id in dict.fromkeys((*before, *after)):
            was, now = before.get(id, ABSENT), after.get(id, ABSENT)
            if id in self._undecided:
                now = replace(now, where=Where.UNDECIDED)
            elif now is ABSENT and id in self._whys:
                now = Place(Where.OUT)
            if was != now:
                why = self._undecided.get(id) or self._whys.get(id) or _because(was, now)
                flips.append(Flip(id, was, now, why))
        new, self._new = self._new, {}
        unknown = (Flip(id, ABSENT, Place(Where.UNKNOWN), why) for id, why in new.items())
        return (*flips, *unknown)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A selection as it would have been asked."""

    step: Selection
    problem: Problem
    scores: Scores


def _grouped_by(step: Step | None) -> str:
    """By which fact a review judges in groups, which nobody can form again afterwards; empty for other steps."""
    return step.groups.fact if isinstance(step, ExpertReview) and step.groups else ""


def _components(step: ExpertReview, results: list[PanelResult]) -> dict[str, dict[str, Fraction]]:
    found: dict[str, dict[str, Fraction]] = {
        step.component: {one.nomination: one.value for one in results},
    }
    for one in results:
        for part in one.parts or ():
            found.setdefault(part.component, {})[one.nomination] = part.value
    return found


def _places(selected: Iterable[str], reserve: Iterable[str], order: Iterable[Ranked]) -> dict[str, Place]:
    chosen_, waiting = set(selected), set(reserve)
    return {
        one.nomination: Place(
            Where.IN
            if one.nomination in chosen_
            else Where.RESERVE
            if one.nomination in waiting
            else Where.OUT,
            one.rank,
            one.score,
        )
        for one in order
    }


def _because(was: Place, now: Place) -> str:
    """By their own score, or because others moved and they did not."""
    return "OWN_SCORE" if was.score != now.score else "SEATS_OR_OTHERS"


def _code(outcome: Outcome) -> str:
    match outcome:
        case TieUnresolved():
            return "TIE_UNRESOLVED"
        case DifferentialUnmet():
            return "DIFFERENTIAL_UNMET"
        case Infeasible():
            return "RULES_INFEASIBLE"
        case Selected():
            return ""


def changed(told: Iterable[Told]) -> Iterator[Told]:
    """The rounds in which anything is another."""
    return (one for one in told if one.others or one.outcome or one.notes or one.seats[0] != one.seats[1])
