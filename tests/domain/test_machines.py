"""Whatever is asked of a nomination or a round, by whomever, in whatever order and however late: what always holds."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from domain import cycle as cycles
from domain import nomination
from domain import round as rounds
from schemas import names
from schemas.commands import (
    ENGINE,
    CloseIntake,
    CloseIntakeEarly,
    CloseStep,
    CloseStepEarly,
    Confer,
    Correct,
    Decide,
    DeclareTies,
    Disqualify,
    Endorse,
    ExtendIntake,
    ExtendStep,
    FileObjection,
    FormPanel,
    FreezePool,
    HandInSheet,
    LapseRound,
    OpenRound,
    OpenStep,
    PauseCycle,
    PauseRound,
    RearmStep,
    Recuse,
    Reject,
    Removal,
    ReopenVetting,
    ReplaceJudge,
    ReplyClearance,
    ReportChange,
    ReportRound,
    RequestClearance,
    ResolveTie,
    ResumeCycle,
    ResumeRound,
    ReturnForCorrection,
    RuleOnObjection,
    SealTally,
    TakeOutcome,
    Tie,
    WaiveDifferential,
    Withdraw,
    WrittenMark,
)
from schemas.errors import EngineError
from schemas.events import (
    Count,
    DecisionTaken,
    FactValue,
    IntakeClosed,
    IntakeShortened,
    ObjectionFiled,
    ObjectionRefused,
    PoolFrozen,
    TitlesConferred,
)
from schemas.ledger import Actor
from tests.domain.specification import (
    APPLICANT,
    COUNCIL,
    COUNCIL_2,
    DAY,
    FOLDS,
    HANDLER,
    HANDLER_2,
    INTAKE,
    JUDGES,
    OFFICER,
    OPERATOR,
    OPERATOR_2,
    SAFETY,
    SPARE_JUDGE,
    STRANGER,
    TAX,
    World,
    choice,
    fold,
    one_level,
    panel,
    step,
)

MEMBERS = ("a", "b", "c", "d", "e")
SEATS = 2
PEOPLE = (
    TAX,
    *(OPERATOR, OPERATOR_2, OFFICER, HANDLER, HANDLER_2, *JUDGES, SPARE_JUDGE),
    APPLICANT,
    STRANGER,
)
BODIES = (COUNCIL, COUNCIL_2, TAX, SAFETY)
LIMITS = {"per_day": 5, "choices_min": 1, "choices_max": 5}
FACTS: dict[str, Any] = {"years": 9, "frontline": True}
CRAFT = {"id": "craft", "fact": "years", "op": ">=", "value": 5}
STEPS: dict[str, dict[str, Any]] = {
    one["id"]: one
    for one in (
        step("eligibility", predicates=[CRAFT], correction={"days": 3, "unit": "work_day"}),
        step("endorsement", ranked=True),
        step(
            "clearance", departments=["tax"], silence="consent", valid_for={"days": 90, "unit": "natural_day"}
        ),
        step("public_vote", limits=LIMITS),
        panel(),
        choice(SEATS, reserve=2, differential="3/2"),
        step("publicity"),
        step("decision", body="council"),
        step(
            "conferral",
            body="council",
            grades=[{"title": "gold_pilot", "seats": 1, "also": True}, {"title": "pilot", "seats": 1}],
        ),
    )
}
CYCLE = names.cycle_stream(World.cycle)
ROUND = names.round_stream(World.cycle, names.ROOT_ROUTE, "9")
IDS = st.sampled_from(MEMBERS)
STEP_IDS = st.sampled_from(list(STEPS))
WAITS = st.sampled_from((timedelta(), timedelta(hours=1), DAY, 4 * DAY, 9 * DAY))


def facts(years: int | None) -> tuple[FactValue, ...]:
    return () if years is None else (FactValue(id="years", value=years),)


NOMINATION_BODIES = st.one_of(
    st.builds(Endorse, round=st.just(ROUND), recommendation_rank=st.none() | st.integers(1, 5)),
    st.builds(ReturnForCorrection, round=st.just(ROUND), reason=st.just("r")),
    st.builds(Reject, round=st.just(ROUND), reason=st.just("r")),
    st.builds(Correct, facts=st.sampled_from((None, 1, 9)).map(facts)),
    st.builds(Withdraw, reason=st.just("r")),
    st.builds(Disqualify, reason=st.just("r")),
    st.builds(
        FileObjection,
        objection=st.sampled_from(("o1", "o2")),
        round=st.just(ROUND),
        entry=st.just("x"),
        commitment=st.just("0"),
        ground=st.just("g"),
        anonymous=st.booleans(),
    ),
    st.builds(
        ReopenVetting,
        round=st.just(ROUND),
        step=st.just("clearance"),
        department=st.sampled_from(("tax", "army")),
        reason=st.just("r"),
    ),
    st.builds(
        RuleOnObjection,
        objection=st.sampled_from(("o1", "o2", "clearance-tax-1", "clearance-tax-2")),
        outcome=st.sampled_from(("upheld", "dismissed")),
        reason=st.just("r"),
    ),
)


def outcomes(state: rounds.State) -> st.SearchStrategy[TakeOutcome]:
    kinds = st.sampled_from(("advanced", "eliminated", "returned"))
    return st.builds(TakeOutcome, round=st.just(ROUND), round_seq=st.just(state.seq), outcome=kinds)


PEOPLE_S_ROUND_BODIES = st.one_of(
    st.builds(FormPanel, step=STEP_IDS, judges=st.just(tuple(judge.id for judge in JUDGES))),
    st.builds(
        ReplaceJudge,
        step=st.just("expert_review"),
        judge=st.sampled_from([judge.id for judge in JUDGES]),
        by=st.just(SPARE_JUDGE.id),
        reason=st.just("r"),
    ),
    st.builds(Recuse, step=st.just("expert_review"), nomination=IDS, reason=st.just("r")),
    st.builds(
        DeclareTies,
        step=st.just("expert_review"),
        ties=st.builds(
            Tie,
            judge=st.sampled_from([judge.id for judge in JUDGES]),
            nomination=IDS,
            tie=st.sampled_from(("kin", "mentor")),
        ).map(lambda tie: (tie,)),
    ),
    st.builds(
        ReportChange,
        step=st.just("publicity"),
        nomination=IDS,
        change=st.sampled_from(("material", "typographical")),
        what=st.just("deeds"),
        reason=st.just("r"),
    ),
    st.builds(RequestClearance, step=st.just("clearance"), nominations=IDS.map(lambda id: (id,))),
    st.builds(
        HandInSheet,
        step=STEP_IDS,
        marks=st.lists(
            st.builds(WrittenMark, nomination=IDS, score=st.sampled_from(("80", "90", "90.25", "101", "x"))),
            min_size=1,
            max_size=4,
        ).map(tuple),
    ),
    st.builds(
        ReplyClearance,
        step=st.just("clearance"),
        department=st.sampled_from(("tax", "army")),
        nomination=IDS,
        outcome=st.sampled_from(("clear", "object")),
    ),
    st.builds(
        ResolveTie,
        step=STEP_IDS,
        order=st.permutations(MEMBERS).map(lambda o: tuple(o)[:3]),
        reason=st.just("r"),
    ),
    st.builds(WaiveDifferential, step=STEP_IDS, reason=st.just("r")),
    st.builds(CloseStepEarly, step=STEP_IDS, reason=st.just("r")),
    st.builds(
        Decide,
        step=STEP_IDS,
        remove=st.lists(st.builds(Removal, nomination=IDS, reason=st.just("r")), max_size=1).map(tuple),
    ),
    st.builds(Confer, step=STEP_IDS, leave_out_held=st.booleans()),
)
ENGINE_BODIES = st.one_of(
    st.just(OpenRound()),
    st.just(FreezePool()),
    st.just(ReportRound()),
    st.builds(OpenStep, step=STEP_IDS),
    st.builds(CloseStep, step=STEP_IDS),
    st.builds(RearmStep, step=STEP_IDS),
    st.builds(
        SealTally,
        step=st.just("public_vote"),
        ballot=st.just("b"),
        papers=st.just(3),
        refused=st.just(0),
        root=st.just("0"),
        counts=st.just(tuple(Count(nomination=id, votes=n) for n, id in enumerate(MEMBERS))),
    ),
)


class Machine(RuleBasedStateMachine):
    """A world of one unit, and what always holds of it."""

    def __init__(self) -> None:
        super().__init__()
        self.world = one_level(*STEPS.values())
        self.kept: dict[str, tuple[int, Any]] = {}
        self.ended: dict[str, object] = {}
        self.ends: dict[str, datetime] = {}
        self.decided: dict[str, dict[str, rounds.Standing]] = {}

    def attempt(self, stream: str, body: Any, by: Actor | None = None) -> None:
        """A command that may well be refused; anything but a refusal with a code is a bug."""
        with suppress(EngineError):
            self.world.do(stream, body, by or ENGINE)

    def nomination_stream(self, id: str) -> str:
        return names.nomination_stream(World.cycle, id)

    @initialize()
    def submitted(self) -> None:
        for id in MEMBERS:
            self.world.submit(id, **({} if id == "e" else FACTS))
        self.world.close_intake()
        self.world.begin()

    @rule(wait=WAITS)
    def time_goes_on(self, wait: timedelta) -> None:
        self.world.now += wait

    @rule(by=st.sampled_from((OPERATOR, STRANGER)), resume=st.booleans())
    def pause_or_resume(self, by: Actor, resume: bool) -> None:
        body = ResumeCycle() if resume else PauseCycle(reason="r")
        self.attempt(names.cycle_stream(World.cycle), body, by)

    @rule(by=st.sampled_from((OPERATOR, STRANGER)), resume=st.booleans())
    def pause_or_resume_the_round(self, by: Actor, resume: bool) -> None:
        self.attempt(ROUND, ResumeRound() if resume else PauseRound(reason="r"), by)

    @rule(id=IDS, body=NOMINATION_BODIES, by=st.sampled_from(PEOPLE))
    def somebody_asks_of_a_nomination(self, id: str, body: Any, by: Actor) -> None:
        self.attempt(self.nomination_stream(id), body, by)

    # -- what always holds

    @invariant()
    def folding_twice_gives_the_same(self) -> None:
        for stream, written in self.world.streams.items():
            initial, evolve = FOLDS[names.kind_of(stream)]
            seen, state = self.kept.get(stream, (0, initial))
            for one in written[seen:]:
                state = evolve(state, one, stream)
            self.kept[stream] = (len(written), state)
            assert state == fold(stream, written)

    @invariant()
    def what_is_over_stays_over(self) -> None:
        for id in MEMBERS:
            state = self.world.nomination(id)
            if state.over:
                assert self.ended.setdefault(id, state.status) is state.status
        if self.world.round().over:
            seen = len(self.world.streams[ROUND])
            assert self.ended.setdefault(ROUND, seen) == seen

    @invariant()
    def nobody_without_a_grant_wrote_anything(self) -> None:
        for written in self.world.streams.values():
            for one in written:
                if one.actor in (STRANGER.id, APPLICANT.id):
                    assert isinstance(one.event, ObjectionFiled | ObjectionRefused)


class IntakeMachine(RuleBasedStateMachine):
    """People submit, and operators move the end of the intake to and fro, and stop and start the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.world = one_level(intake=INTAKE | {"quota": 90})
        self.acknowledged: list[str] = []

    @property
    def state(self) -> cycles.State:
        state: cycles.State = self.world.state(CYCLE)
        return state

    @property
    def closes_at(self) -> datetime:
        return cycles.intake_closes_at(self.state)

    @rule(wait=WAITS)
    def time_goes_on(self, wait: timedelta) -> None:
        self.world.now += wait

    @rule(resume=st.booleans())
    def pause_or_resume(self, resume: bool) -> None:
        with suppress(EngineError):
            self.world.do(CYCLE, ResumeCycle() if resume else PauseCycle(reason="r"), OPERATOR)

    @rule()
    def somebody_submits(self) -> None:
        runs = self.state.status is cycles.Status.OPEN and not self.state.intake_closed
        id = f"n-{len(self.acknowledged)}"
        with suppress(EngineError):
            self.world.submit(id)
            self.acknowledged.append(id)
        assert (id in self.acknowledged) == (runs and self.world.now < self.closes_at)

    @rule(earlier=st.booleans(), wait=WAITS, by=st.permutations((OPERATOR, OPERATOR_2)))
    def two_move_the_end(self, earlier: bool, wait: timedelta, by: list[Actor]) -> None:
        at = self.world.now + wait if earlier else self.closes_at + wait
        body = (CloseIntakeEarly if earlier else ExtendIntake)(rank="province", closes_at=at, reason="r")
        for one in by:
            with suppress(EngineError):
                self.world.do(CYCLE, body, one)

    @rule()
    def the_engine_closes(self) -> None:
        self.world.do(CYCLE, CloseIntake())

    @invariant()
    def no_end_was_moved_into_the_past(self) -> None:
        for written in self.world.streams[CYCLE]:
            if isinstance(written.event, IntakeShortened):
                assert written.at <= written.event.closes_at < written.event.was

    @invariant()
    def all_who_were_acknowledged_count(self) -> None:
        for closed in self.world.events(CYCLE, IntakeClosed):
            assert closed.nominations == len(self.acknowledged)


class NominationMachine(Machine):
    """Endorsement runs, and rounds' outcomes arrive in whatever order and more than once."""

    @initialize()
    def submitted(self) -> None:
        super().submitted()
        self.world.open_step("eligibility")
        self.world.pass_window("eligibility")
        self.world.open_step("endorsement")

    @rule(id=IDS, data=st.data())
    def a_round_tells_it_something(self, id: str, data: st.DataObject) -> None:
        body = data.draw(outcomes(self.world.round()))
        self.attempt(self.nomination_stream(id), body)
        self.attempt(self.nomination_stream(id), body)

    @invariant()
    def it_advances_once_a_round_and_no_old_endorsement_stands(self) -> None:
        for id in MEMBERS:
            state: nomination.State = self.world.nomination(id)
            told = Counter(
                type(one.event).__name__
                for one in self.world.streams[self.nomination_stream(id)]
                if hasattr(one.event, "round_seq")
            )
            assert max(told.values(), default=0) <= 1
            ranks = {number for (_, number), holder in self.world.claims.items() if holder == id}
            if state.status is nomination.Status.OPEN:
                assert {given.rank for given in state.endorsed.values()} - {None} <= ranks


class RoundMachine(Machine):
    """Engine and people ask for anything of a round; one rule does what comes next, so that rounds come to an end."""

    @rule(body=ENGINE_BODIES)
    def the_engine_asks(self, body: Any) -> None:
        self.attempt(ROUND, body)

    @rule(body=PEOPLE_S_ROUND_BODIES, by=st.sampled_from((*PEOPLE, *BODIES)))
    def somebody_asks_of_the_round(self, body: Any, by: Actor) -> None:
        self.attempt(ROUND, body, by)

    @rule(step_id=STEP_IDS, by=st.sampled_from((OPERATOR, OPERATOR_2)))
    def somebody_extends(self, step_id: str, by: Actor) -> None:
        end = self.world.now.replace(hour=0, minute=0) + 9 * DAY
        self.attempt(ROUND, ExtendStep(step=step_id, closes_at=end, reason="r"), by)

    @rule()
    def it_lapses_in_the_end(self) -> None:
        if self.world.round().current in ("decision", "conferral"):
            self.attempt(ROUND, LapseRound(reason="r"))

    @rule(steps=st.integers(1, 4))
    def what_comes_next(self, steps: int) -> None:
        for _ in range(steps):
            self._next()

    def _next(self) -> None:
        state = self.world.round()
        self.attempt(names.cycle_stream(World.cycle), ResumeCycle(), OPERATOR)
        self.attempt(ROUND, ResumeRound(), OPERATOR)
        waiting = [id for id in STEPS if rounds.run_of(state, id).closed_at is None]
        if not waiting:
            self.attempt(ROUND, ReportRound())
            return
        self.attempt(ROUND, OpenStep(step=waiting[0]))
        self._people(waiting[0])
        run = rounds.run_of(self.world.round(), waiting[0])
        if run.window:
            self.world.now = max(self.world.now, run.window.closes_at)
        self.attempt(ROUND, CloseStep(step=waiting[0]))
        if waiting[0] == "public_vote":
            counts = tuple(Count(nomination=id, votes=n) for n, id in enumerate(MEMBERS))
            self.attempt(
                ROUND,
                SealTally(step="public_vote", ballot="b", papers=10, refused=0, root="0", counts=counts),
            )

    def _people(self, step_id: str) -> None:
        members = list(self.world.round().members)
        match step_id:
            case "endorsement":
                for rank, id in enumerate(members, 1):
                    body = Endorse(round=ROUND, recommendation_rank=rank)
                    self.attempt(self.nomination_stream(id), body, OFFICER)
            case "expert_review":
                form = FormPanel(step=step_id, judges=tuple(judge.id for judge in JUDGES))
                self.attempt(ROUND, form, OPERATOR)
                marks = tuple(WrittenMark(nomination=id, score=str(90 - MEMBERS.index(id))) for id in members)
                for judge in JUDGES if marks else ():
                    self.attempt(ROUND, HandInSheet(step=step_id, marks=marks), judge)
            case "selection":
                for by in (OPERATOR, OPERATOR_2):
                    self.attempt(ROUND, WaiveDifferential(step=step_id, reason="r"), by)
            case "decision" | "conferral":
                act = Decide(step=step_id) if step_id == "decision" else Confer(step=step_id)
                for by in (COUNCIL, COUNCIL_2):
                    self.attempt(ROUND, act, by)

    # -- what always holds

    @invariant()
    def members_reserve_and_those_out_partition_the_pool(self) -> None:
        state = self.world.round()
        frozen = self.world.events(ROUND, PoolFrozen)
        if not frozen:
            return
        pool = [one.nomination for one in (*frozen[0].members, *frozen[0].dropped)]
        assert len(frozen) == 1
        assert sorted((*state.members, *state.standby, *state.out)) == sorted(pool)

    @invariant()
    def seats_are_never_exceeded(self) -> None:
        state = self.world.round()
        if state.selection:
            assert len(state.members) <= SEATS
        given = Counter(title for titles in state.conferred.values() for title in titles)
        assert all(number <= 1 for number in given.values())

    @invariant()
    def nobody_is_conferred_who_has_left(self) -> None:
        for id in self.world.round().conferred:
            assert self.world.nomination(id).status is nomination.Status.CONFERRED

    @invariant()
    def certificates_have_no_gap(self) -> None:
        numbers = [
            int(one.certificate.rsplit("-", 1)[-1])
            for event in self.world.events(ROUND, TitlesConferred)
            for one in event.conferred
        ]
        assert numbers == list(range(1, len(numbers) + 1))

    @invariant()
    def no_publicity_period_is_shortened(self) -> None:
        for id, publication in self.world.round().published.items():
            end = self.ends.setdefault(id, publication.window.closes_at)
            assert publication.window.closes_at >= end
            self.ends[id] = publication.window.closes_at

    @invariant()
    def publicity_closes_only_over_and_uncontested(self) -> None:
        state = self.world.round()
        closed_at = rounds.run_of(state, "publicity").closed_at
        if closed_at is not None and "publicity" not in self.ended:
            self.ended["publicity"] = True
            for id in state.members:
                standing = self.world.standing(id)
                assert state.published[id].window.closes_at <= closed_at
                assert set(standing.objections) <= state.held.get(id, frozenset())

    @invariant()
    def nobody_is_confirmed_or_conferred_while_an_objection_to_them_is_open(self) -> None:
        for event in self.world.events(ROUND, DecisionTaken):
            self.decided.setdefault("decision", {id: self.world.standing(id) for id in event.confirmed})
        for id in self.world.round().conferred:
            self.decided.setdefault("conferral", {})
            if id not in self.decided["conferral"]:
                self.decided["conferral"][id] = self.world.standing(id)
        held = self.world.round().held
        for id, standing in self.decided.get("decision", {}).items():
            assert not set(standing.objections) & held.get(id, frozenset())
        for standing in self.decided.get("conferral", {}).values():
            assert not standing.disputed

    @invariant()
    def the_counted_result_has_no_mark_of_the_recused(self) -> None:
        run = rounds.run_of(self.world.round(), "expert_review")
        for one in run.panel.results if run.panel else ():
            away = {judge for judge, id in run.recused if id == one.nomination and judge in run.judges}
            assert one.counted <= len(run.judges) - len(away)


MODEST = settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestIntakeHolds = IntakeMachine.TestCase
TestIntakeHolds.settings = MODEST
TestNominationHolds = NominationMachine.TestCase
TestNominationHolds.settings = settings(MODEST, max_examples=15)
TestRoundHolds = RoundMachine.TestCase
TestRoundHolds.settings = MODEST


def test_the_round_machine_s_own_way_leads_to_conferral() -> None:
    machine = RoundMachine()
    machine.submitted()
    for _ in range(len(STEPS) + 1):
        machine.what_comes_next(steps=1)
    machine.certificates_have_no_gap()
    state = machine.world.round()
    assert (state.certificates, state.over) == (2, True)
