"""Why a nomination won or lost, step by step, from the log alone: what was found, what cut it, and what would not have.

Marks are told only of panels that have closed (DR-14), votes only of tallies that are sealed, objectors never (DR-29).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from domain import nomination as nominations
from domain import round as rounds
from domain.audit.explained import (
    At,
    ConferralTold,
    CongressTold,
    Cut,
    DecisionTold,
    Detail,
    EligibilityTold,
    Explanation,
    LevelTold,
    MarkTold,
    Missed,
    Part,
    PassedTold,
    Place,
    PublicityTold,
    Reply,
    ReviewTold,
    SelectionTold,
    StepTold,
    TrainingTold,
    Vacancy,
    VoteTold,
    Word,
)
from domain.audit.nearness import nearness
from domain.audit.past import Past
from domain.scoring import Method
from schemas import events as e
from schemas import names
from schemas.errors import Refused
from schemas.ledger import RecordedEvent
from schemas.programme import Condition, Eligibility, ExpertReview, Programme, Selection, Step


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
    for at in range(len(submitted.path)):
        told = _level(past, id, names.round_on_way(past.cycle, submitted.route, submitted.path, at))
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
    """What ended it: a person's act on the nomination itself, or else what the round says of its leaving."""
    if not state.gone:
        return None
    left = next(_left(levels), None)
    for _, recorded, event in reversed(list(past.of(stream))):
        match event:
            case e.NominationRejected() | e.NominationWithdrawn() | e.NominationDisqualified():
                reason = f"{state.status.upper()}: {event.reason}"
                round_, step = (left.round, left.step) if left else ("", "")
                return Cut(reason, round_, step, _place(recorded), recorded.actor.id)
            case e.NominationEliminated():
                return left or Cut(event.reason, event.round, event.step, _place(recorded))
            case _:
                pass
    return left


def _left(levels: tuple[LevelTold, ...]) -> Iterator[Cut]:
    """Where a round says that it left, the highest first."""
    for level in reversed(levels):
        if level.dropped:
            yield Cut(level.dropped, level.round, "pool", level.entered)
        for step in level.steps:
            if step.out and step.place:
                yield Cut(step.out, level.round, step.step, step.place)


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
            case e.FastTracked() if self._id in event.nominations:
                track = self._track(moment, event)
                self._change(step, passed=PassedTold(event.fast_track, track, _place(recorded)))
                return
            case e.Substituted() if (
                event.limit and self._id in self._past.round(self._stream, moment).standby
            ):
                seat = Vacancy(event.out, event.limit, _place(recorded))
                self._change(step, vacancies=(*self._told[step].vacancies, seat))
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
                return self._review(event.step, moment)
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
            case e.AttendanceRecorded():
                return TrainingTold(id in event.attended)
            case e.DecisionTaken():
                removed = {one.nomination: one.reason for one in event.removed}
                return DecisionTold(event.body, id in event.confirmed, removed.get(id, ""))
            case e.TitlesConferred():
                given = tuple((one.title, one.certificate) for one in event.conferred if one.nomination == id)
                order = rounds.run_of(self._past.round(self._stream, moment), event.step).resolution
                return ConferralTold(event.body, given, order if id in order else ())
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

    def _objections(self, step: str) -> tuple[tuple[str, str, str, str], ...]:
        state = self._past.nomination(self._id, self._past.end)
        here = (
            (id, one)
            for id, one in state.objections.items()
            if (one.round, one.step) == (self._stream, step) and not one.department
        )
        return tuple(
            (id, one.ground, one.outcome or "open", one.postmark.isoformat() if one.postmark else "")
            for id, one in here
        )

    # -- eligibility, review, choice

    def _track(self, moment: int, event: e.FastTracked) -> str:
        """What the track asks, in the words of the programme."""
        stage = rounds.stage_of(self._state, self._past.programme_at(moment))
        who = next(one.who for one in stage.fast_tracks if one.id == event.fast_track)
        return f"{who.fact} {who.op} {_value(who.value)}"

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

    def _review(self, step: str, moment: int) -> ReviewTold:
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
        declared = rounds.stage_of(self._state, self._past.programme_at(moment)).step(step)
        flag = _flag(declared, result)
        return ReviewTold(
            False, run.panel.component, marks, result, _trimmed(marks, result), run.panel.version, flag
        )

    def _selection(self, moment: int, made: e.SelectionMade) -> SelectionTold | None:
        ranked = {one.nomination: one for one in made.ranked}
        if self._id not in ranked:
            return None
        choice = self._past.question(moment)
        mine = ranked[self._id]
        at = {one: At(one, ranked[one].rank, ranked[one].score) for one in ranked}
        chosen = set(made.selected)
        kept = "selected" if self._id in chosen else "reserve" if self._id in made.reserve else "cut"
        checked = choice.checked(choice.made.certificate)
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
            rules=checked.rules,
            faults=checked.faults,
            filled_by=checked.filled_by,
            optimality=checked.optimality,
            agrees=choice.agrees(),
            near=nearness(choice.settled, self._id),
            full=_full(choice.step),
        )


# ---- what details are made of ----


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


def _flag(step: Step, result: e.PanelResult | None) -> str:
    """What a person should know of a result: that it is not trimmed although the programme trims (DR-16)."""
    trims = isinstance(step, ExpertReview) and step.trim is not None
    plain = trims and result is not None and result.method == Method.PLAIN
    return "TOO_FEW_TO_TRIM" if plain else ""


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
