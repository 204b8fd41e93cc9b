"""A command told by the events that it brought: its body, or the few bodies that it may have had.

Which of them it was says the request's hash that every event carries. What events do not keep (how a judge wrote a
number, marks that were refused, grants and ties that were there already) is left out; `LOSSY` names these kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import product
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from domain import nomination, title
from domain import round as rounds
from schemas import commands as c
from schemas import events as e
from schemas.ledger import JsonObject, RecordedEvent

Bodies = Iterable[Any]
Events = Sequence[RecordedEvent]

LOSSY = frozenset(
    {"hand_in_sheet", "enter_sheet", "declare_ties", "resolve_tie", "give_grants", "close_early", "confer"}
)
"""Kinds whose events hold what was decided on, but not every letter of what was asked."""
PROPOSED, SECONDED = e.ActProposed.__name__, e.ActSeconded.__name__
_TIES = set(get_args(c.Tie.model_fields["tie"].annotation))
UNTOLD = "-"
"""For a reason that nobody kept."""


def is_proposal(events: Events) -> bool:
    """Whether a first person asked for an act that takes two: all of it is told where it is seconded, if it ever is."""
    return events[0].type == PROPOSED


def told(events: Events) -> Events:
    """The events without the word that a second person asked for them, and without what a cycle's end brings along."""
    return tuple(event for event in events if event.type not in (SECONDED, e.BallotKeysDestroyed.__name__))


def bodies(events: Events, state: Any) -> Iterator[Any]:
    """The bodies that the command of these events may have had, the likeliest first; `state` is its stream's before.

    Of an act that nobody seconded, only what its reason tells.
    """
    events = told(events)
    plainly = _BY_TYPE.get(events[0].type, _nothing)
    for make in (_of_engine if events[0].actor == c.ENGINE else _of_people, plainly):
        try:
            yield from make(events, state)
        except (ValidationError, KeyError):  # not of this shape: another kind of command brought these
            continue


def _nothing(_events: Events, _state: Any) -> Bodies:
    return ()


# ---- the engine's own ----


def _of_engine(events: Events, _state: Any) -> Bodies:
    first, types = events[0], {event.type: event.data for event in events}
    if e.RoundReported.__name__ in types:
        yield c.ReportRound()
    if e.RoundLapsed.__name__ in types:
        yield c.LapseRound(reason=types[e.RoundLapsed.__name__]["reason"])
    if e.VotesScreened.__name__ in types:
        found = [_like(c.FoundCohort, event.data) for event in events if event.type == e.VotesHeld.__name__]
        yield _like(c.HoldVotes, types[e.VotesScreened.__name__], cohorts=tuple(found))
    if first.type in _OF_ENGINE:
        yield from _OF_ENGINE[first.type](first.data)
    elif "step" in first.data and first.stream.startswith("round/"):
        step = first.data["step"]
        yield from (c.CloseStep(step=step), c.RearmStep(step=step), c.AmendRecommendation(), c.ReportRound())
    elif first.type == e.RecommendationAmended.__name__:
        yield c.AmendRecommendation()


def _outcome(outcome: str, data: JsonObject) -> c.TakeOutcome:
    return c.TakeOutcome.model_validate({"round_seq": 0, **data, "outcome": outcome})


_OF_ENGINE: dict[str, Callable[[JsonObject], Bodies]] = {
    e.IntakeClosed.__name__: lambda _: (c.CloseIntake(),),
    e.CycleCompleted.__name__: lambda data: (c.CompleteCycle(conferred=data["conferred"]),),
    e.RoundOpened.__name__: lambda _: (c.OpenRound(),),
    e.PoolFrozen.__name__: lambda _: (c.FreezePool(),),
    e.StepOpened.__name__: lambda data: (c.OpenStep(step=data["step"]), c.CloseStep(step=data["step"])),
    e.CountsPublished.__name__: lambda data: (_like(c.PublishCounts, data),),
    e.TallySealed.__name__: lambda data: (_like(c.SealTally, data),),
    e.NominationAdvanced.__name__: lambda data: (_outcome("advanced", data),),
    e.NominationEliminated.__name__: lambda data: (_outcome("eliminated", data),),
    e.NominationReturned.__name__: lambda data: (_outcome("returned", data),),
    e.NominationConferred.__name__: lambda data: (_outcome("conferred", data),),
}


# ---- people's ----


def _like(body: type[BaseModel], data: Mapping[str, Any], **more: Any) -> Any:
    """The body whose fields are those of the event, as far as both have them."""
    said = {name: data[name] for name in body.model_fields if name in data and name != "kind"}
    return body.model_validate(said | more)


def _of_people(events: Events, state: Any) -> Bodies:
    """Where another event than the first tells what it was."""
    for event in events:
        if event.type == e.StepClosed.__name__ and event.data.get("reason"):
            yield c.CloseStepEarly(step=event.data["step"], reason=event.data["reason"])
        if event.type == e.RoundLapsed.__name__:
            yield c.CancelRound(reason=event.data["reason"])
    if events[0].type == PROPOSED:
        yield from _of_proposal(events[0].data, state)


def _of_proposal(data: JsonObject, state: Any) -> Bodies:
    """What a kind and a reason tell: acts on the whole of something, and what a held step waits for."""
    whole = {
        "cancel_cycle": c.CancelCycle,
        "disqualify": c.Disqualify,
        "cancel_round": c.CancelRound,
        "delist_title": c.DelistTitle,
    }
    kind, reason = data["kind"], data["reason"]
    if kind in whole:
        yield whole[kind](reason=reason)
    if kind == "waive_differential" and isinstance(state, rounds.State):
        yield from (c.WaiveDifferential(step=step, reason=reason) for step in state.steps)
    if kind == "rule" and isinstance(state, nomination.State):
        for objection in state.objections:
            yield c.RuleOnObjection(objection=objection, outcome="upheld", reason=reason)
    if kind == "decide_revocation" and isinstance(state, title.State):
        yield c.DecideRevocation(outcome="revoked", reason=reason)
        yield c.DecideRevocation(outcome="kept", reason=reason)
    if kind == "rule_on_appeal" and isinstance(state, title.State):
        yield c.RuleOnAppeal(outcome="upheld", reason=reason)
        yield c.RuleOnAppeal(outcome="restored", reason=reason)
    if kind == "decide" and isinstance(state, rounds.State):
        yield c.Decide(step=state.current)
    if kind == "confer" and isinstance(state, rounds.State):
        for held in (False, True):
            yield c.Confer(step=state.current, leave_out_held=held)


def _opened(events: Events, _state: Any) -> Bodies:
    yield _like(c.OpenCycle, events[0].data, rules=events[0].rules)


def _submitted(events: Events, _state: Any) -> Bodies:
    data = events[0].data
    yield _like(
        c.SubmitNomination, data, subject=events[0].subject, subject_type=data.get("subject_type") or None
    )


def _objected(events: Events, state: Any) -> Bodies:
    data = events[0].data
    if "into" in data:
        first = state.objections[data["into"]]
        data = data | {"round": first.round, "ground": first.ground}
    yield _like(c.FileObjection, data, anonymous=data.get("reason") == "anonymous")
    yield _like(c.FileObjection, data, anonymous=data.get("reason") != "anonymous")


def _taken(events: Events, _state: Any) -> Bodies:
    data = events[0].data
    yield c.Decide.model_validate({"step": data["step"], "remove": data.get("removed", ())})


def _conferred(events: Events, _state: Any) -> Bodies:
    data = events[0].data
    late = tuple(dict.fromkeys(one["nomination"] for one in data["conferred"] if one.get("posthumous")))
    for posthumous, held in product(dict.fromkeys(((), late)), (False, True)):
        yield _like(c.Confer, data, posthumous=posthumous, leave_out_held=held)
    yield _like(c.Confer, data, posthumous=late, leave_out_held=True)


def _recused(events: Events, _state: Any) -> Bodies:
    """A judge's own recusal, or ties that somebody declared."""
    recused = [event.data for event in events if event.type == e.JudgeRecused.__name__]
    if all(one["reason"] in _TIES for one in recused):
        ties = [_like(c.Tie, one, tie=one["reason"]) for one in recused]
        yield c.DeclareTies(step=recused[0]["step"], ties=tuple(ties))
    yield _like(c.Recuse, recused[0])


def _formed(events: Events, _state: Any) -> Bodies:
    """A panel that judges in groups is named by its groups, a whole one by its judges."""
    data = events[0].data
    said = [_like(c.GroupJudges, one) for one in data.get("groups", ())]
    yield c.FormPanel(
        step=data["step"], judges=() if said else data["judges"], groups=tuple(said), places=_places(data)
    )


def _drawn(events: Events, _state: Any) -> Bodies:
    yield _like(c.DrawPanel, events[0].data, places=_places(events[0].data))


def _places(data: JsonObject) -> tuple[c.GroupPlace, ...]:
    groups = data.get("groups", ())
    return tuple(
        c.GroupPlace(nomination=id, group=one["group"]) for one in groups for id in one.get("placed", ())
    )


def _sheet(body: type[BaseModel]) -> Callable[[Events, Any], Bodies]:
    def make(events: Events, _state: Any) -> Bodies:
        data = events[0].data
        marks = [*map(_written, data["marks"]), *map(_refused, data.get("refused", ()))]
        yield _like(body, data, marks=marks)

    return make


def _written(mark: JsonObject) -> JsonObject:
    if mark.get("vote"):
        return {"nomination": mark["nomination"], "vote": mark["vote"]}
    if mark.get("parts"):
        parts = [{"criterion": one["component"], "score": _decimal(one["value"])} for one in mark["parts"]]
        return {"nomination": mark["nomination"], "parts": parts}
    return {"nomination": mark["nomination"], "score": _decimal(mark["score"])}


def _refused(dropped: JsonObject) -> JsonObject:
    return {"nomination": dropped["nomination"], "score": UNTOLD}


def _decimal(text: str) -> str:
    """A score as people write it: a finite decimal, which every mark on a scale is."""
    value = Fraction(text)
    places = next((n for n in range(30) if (value * 10**n).denominator == 1), 0)
    whole = str(abs(value.numerator * 10**places // value.denominator)).rjust(places + 1, "0")
    sign = "-" if value < 0 else ""
    return sign + (f"{whole[:-places]}.{whole[-places:]}" if places else whole)


def _paid(events: Events, _state: Any) -> Bodies:
    data = events[0].data
    for payer, payee in product(
        dict.fromkeys(("", data.get("payer", ""))), dict.fromkeys(("", data.get("payee", "")))
    ):
        yield _like(c.PayReward, data, payer=payer, payee=payee)


def _points(events: Events, _state: Any) -> Bodies:
    for expires in dict.fromkeys((events[0].data.get("expires_on") or None, None)):
        yield _like(c.AddPoints, events[0].data, expires_on=expires)


def _registered(body: type[BaseModel]) -> Callable[[Events, Any], Bodies]:
    def make(events: Events, _state: Any) -> Bodies:
        yield _like(body, {"subject": events[0].subject, **events[0].data})

    return make


def _title(events: Events, _state: Any) -> Bodies:
    yield _like(c.ConferTitle, events[0].data, subject=events[0].subject)


def _plainly(body: Any) -> Callable[[Events, Any], Bodies]:
    def make(events: Events, _state: Any) -> Bodies:
        yield _like(body, events[0].data)

    return make


def _invalidated(events: Events, _state: Any) -> Bodies:
    data = events[0].data
    yield _like(c.InvalidateVotes, data, disqualify=data["effect"] == "disqualify")


def _early(events: Events, _state: Any) -> Bodies:
    """A step without members is complete whenever it is closed: the reason is not kept."""
    yield c.CloseStepEarly(step=events[0].data["step"], reason=UNTOLD)


def _meant(body: type[BaseModel]) -> Callable[[Events, Any], Bodies]:
    """The event tells the step, the command told it or not."""

    def make(events: Events, _state: Any) -> Bodies:
        yield from (_like(body, events[0].data, **unsaid) for unsaid in ({}, {"step": ""}))

    return make


_BY_TYPE: dict[str, Callable[[Events, Any], Bodies]] = {
    e.CycleOpened.__name__: _opened,
    e.NominationSubmitted.__name__: _submitted,
    e.ObjectionFiled.__name__: _objected,
    e.ObjectionMerged.__name__: _objected,
    e.ObjectionRefused.__name__: _objected,
    e.DecisionTaken.__name__: _taken,
    e.TitlesConferred.__name__: _conferred,
    e.PanelFormed.__name__: _formed,
    e.PanelDrawn.__name__: _drawn,
    e.JudgeRecused.__name__: _recused,
    e.SheetHandedIn.__name__: _sheet(c.HandInSheet),
    e.SheetEntered.__name__: _sheet(c.EnterSheet),
    e.RewardPaid.__name__: _paid,
    e.EntitlementIssued.__name__: _paid,
    e.PointsAdded.__name__: _points,
    e.MemberLeft.__name__: _registered(c.LeaveRegister),
    e.OutcomeRecorded.__name__: _registered(c.RecordOutcome),
    e.StepClosed.__name__: _early,
    e.NominationEndorsed.__name__: _meant(c.Endorse),
    e.NominationReturned.__name__: _meant(c.ReturnForCorrection),
    e.NominationRejected.__name__: _meant(c.Reject),
    e.VotesInvalidated.__name__: _invalidated,
    e.TitleConferred.__name__: _title,
} | {
    event.__name__: _plainly(body)
    for event, body in {
        e.IntakeExtended: c.ExtendIntake,
        e.IntakeShortened: c.CloseIntakeEarly,
        e.QuotaRedistributed: c.RedistributeQuota,
        e.CyclePaused: c.PauseCycle,
        e.CycleResumed: c.ResumeCycle,
        e.CycleCancelled: c.CancelCycle,
        e.RulesAmended: c.AmendRules,
        e.CalendarExtended: c.ExtendCalendar,
        e.GrantsGiven: c.GiveGrants,
        e.GrantRevoked: c.RevokeGrant,
        e.NominationCorrected: c.Correct,
        e.TeamChanged: c.ChangeTeam,
        e.NominationWithdrawn: c.Withdraw,
        e.VettingReopened: c.ReopenVetting,
        e.RevocationLeadRecorded: c.ReopenVetting,
        e.ObjectionRuled: c.RuleOnObjection,
        e.PersonalDataExported: c.NoteExport,
        e.DeathNoted: c.NoteDeath,
        e.TransferNoted: c.NoteTransfer,
        e.PredicateWaived: c.WaivePredicate,
        e.NominationDisqualified: c.Disqualify,
        e.ScreeningAsked: c.ScreenVotes,
        e.VotesReleased: c.ReleaseVotes,
        e.VotesFrozen: c.FreezeVotes,
        e.VotesUnfrozen: c.UnfreezeVotes,
        e.RoundPaused: c.PauseRound,
        e.RoundResumed: c.ResumeRound,
        e.ReportsExtended: c.ExtendReports,
        e.ChairNamed: c.NameChair,
        e.JudgeReplaced: c.ReplaceJudge,
        e.CongressRecorded: c.RecordCongress,
        e.AttendanceRecorded: c.RecordAttendance,
        e.ChangeReported: c.ReportChange,
        e.ClearanceRequested: c.RequestClearance,
        e.ClearanceReplied: c.ReplyClearance,
        e.TieResolved: c.ResolveTie,
        e.DifferentialWaived: c.WaiveDifferential,
        e.RulesWaived: c.WaiveRules,
        e.StepExtended: c.ExtendStep,
        e.HonourRecorded: c.RecordHonour,
        e.TitleAssessed: c.AssessTitle,
        e.SharesAgreed: c.AgreeShares,
        e.LeaderLeft: c.NoteLeaderLeft,
        e.LeaderReplaced: c.ReplaceLeader,
        e.RewardRecovered: c.RecoverRewards,
        e.RevocationProposed: c.ProposeRevocation,
        e.RevocationHeard: c.HearHolder,
        e.RevocationDecided: c.DecideRevocation,
        e.RevocationAppealed: c.AppealRevocation,
        e.AppealRuled: c.RuleOnAppeal,
        e.TitleDelisted: c.DelistTitle,
        e.MembersEntered: c.EnterRegister,
        e.MembersPaired: c.PairMembers,
        e.PersonHeld: c.HoldPerson,
        e.PersonReleased: c.ReleasePerson,
        e.PersonErased: c.ErasePerson,
    }.items()
}
