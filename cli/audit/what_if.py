"""`audit what-if`: a cycle's decisions under changed rules, reviewers or votes. Hypothetical: it reads, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.console import Group, RenderableType
from rich.text import Text

from activities.retaking import Retaker, differs
from cli.audit.reading import in_order
from cli.desk import AtDesk, Cycle, Desk, command
from cli.output import Outcome, number, table
from domain.adjudication import uncounted
from domain.audit.otherwise import Changes, Course, Flip, Place, Told, Where, changed, otherwise
from domain.audit.settings import with_settings
from domain.decision import Decision
from domain.round import run_of
from schemas import names
from schemas.errors import BadUsage, Refused
from schemas.events import TallySealed
from schemas.ledger import JsonObject
from schemas.loading import load_programme
from schemas.programme import Programme
from schemas.units import UnitTree
from store.ballots import BallotBox
from store.contract import EventStore

_PLACES = {
    Where.IN: ("入选", "in"),
    Where.RESERVE: ("递补", "reserve"),
    Where.OUT: ("未入选", "out"),
    Where.ABSENT: ("不在本轮", "not here"),
    Where.UNDECIDED: ("须由人定", "people would decide"),
    Where.UNKNOWN: ("无从知道", "unknown"),
}
_WHYS = {
    "OWN_SCORE": ("本人得分变化", "own score"),
    "SEATS_OR_OTHERS": ("名额或他人变化", "seats, or others moved"),
    "NOT_RECOMMENDED_BELOW": ("下级未推荐", "not recommended below"),
    "NEVER_JUDGED_HERE": ("下级改为推荐，本轮从未评过", "newly recommended below, never judged here"),
    "ELIGIBLE_BUT_NEVER_JUDGED": ("资格改为通过，其后从未评过", "eligible then, never judged afterwards"),
    "UNDECIDED_BELOW": ("下级须由人定", "people would decide below"),
    "NEVER_JUDGED_AFTERWARDS": ("此后各环节从未评过", "never judged in what followed"),
    "CUT_EARLIER": ("此前的环节已落选", "cut earlier in the round"),
    "INELIGIBLE": ("资格不符", "not eligible"),
    "VOTE_NOT_PASSED": ("表决未过", "vote not passed"),
}


@command(
    "audit what-if",
    zh="假如：在改动后的办法下把一届的决定重新作一遍（资格、评审、计票、入选，自下而上），列出谁因此入选或落选。"
    "仅为假设：不写入、不通知任何人，用审计员登录即可。下级新推上来而上级从未评过的人，如实标为无从知道。",
    en="Take a cycle's decisions again under changed rules (eligibility, panels, tallies, selections, from the bottom up) "
    "and list who would be in or out. Hypothetical: it writes nothing and tells nobody; the auditor's login is enough. "
    "Whoever would come up newly was never judged above, and is said to be unknown.",
    example="audit what-if sichuan-craftsman.1 --set province.panel.trim.drop=1 --without-reviewer j-3",
)
async def what_if(
    cycle: Cycle,
    *,
    set_: Annotated[
        tuple[str, ...],
        Parameter(
            name="--set",
            help="改一个值：层级.环节.字段=值 · change a value, such as province.decide.seats=40 or "
            "province.decide.weights.expert.share=60%; may be given again",
        ),
    ] = (),
    programme: Annotated[
        Path | None, Parameter(help="整份改动后的办法文件 · a changed programme's file")
    ] = None,
    without_reviewer: Annotated[
        tuple[str, ...], Parameter(help="不计此评委的评分 · a reviewer whose sheets do not count")
    ] = (),
    without_votes: Annotated[
        tuple[str, ...],
        Parameter(
            help="不计此渠道、此批（VotesHeld 所记）、此投票人，或文件中各投票人（每行一个）的票 · a channel, a cohort as VotesHeld "
            "names it, a voter's token, or a file of tokens, one a line, whose papers do not count"
        ),
    ] = (),
    desk: AtDesk,
) -> Outcome:
    if not (set_ or programme or without_reviewer or without_votes):
        raise BadUsage("USAGE", fault="--set, --programme, --without-reviewer, --without-votes?")
    store = await desk.store()
    retaker = Retaker(store)
    courses = await _courses(store, retaker, cycle)
    pinned = await desk.pinned(cycle)
    changes = Changes(
        programme=_programme(pinned.programme, programme, set_),
        reviewers=_known_reviewers(courses, without_reviewer),
        **await _votes(desk.audit_dsn, courses, without_votes),
    )
    told = otherwise(courses, changes)
    said = {
        "hypothetical": True,
        "cycle": cycle,
        "changes": {
            "programme": str(programme or ""),
            "set": list(set_),
            "without_reviewers": list(without_reviewer),
            "without_votes": list(without_votes),
        },
        "selections": len(told),
        "changed": [_as_json(one) for one in changed(told)],
        "summit": _summit(told, pinned.tree),
    }
    return Outcome(json=said, shown=_shown(list(changed(told)), said, pinned.tree, desk))


# ---- reading ----


async def _courses(store: EventStore, retaker: Retaker, cycle: str) -> list[Course]:
    """The cycle's rounds that reported, children before parents; Integrity DECISION_DIFFERS for a log that does not replay."""
    courses: dict[str, Course] = {}
    reported: dict[str, None] = {}
    async for taken in retaker.run(in_order(store)):
        if taken.difference is not None:
            raise differs(taken.difference)
        stream = taken.events[0].stream
        if names.kind_of(stream) != "round" or names.cycle_of(stream) != cycle or taken.decided is None:
            continue
        course = courses.setdefault(stream, Course(stream))
        decided = taken.decided
        course.hear(decided.folded.state, decided.inputs, decided.decision)
        if _reports(decided.decision):
            reported[stream] = None
    if not courses:
        raise Refused("NOT_FOUND", what=names.cycle_stream(cycle))
    for stream in reported:
        courses[stream].end = await retaker.decider.state(stream)
    return [courses[stream] for stream in reported]


def _reports(decision: Decision) -> bool:
    return any(type(event).__name__ == "RoundReported" for event in decision.events)


# ---- what is changed ----


def _programme(pinned: Programme, file: Path | None, settings: tuple[str, ...]) -> Programme | None:
    if file is None and not settings:
        return None
    return with_settings(load_programme(file) if file else pinned, settings)


def _known_reviewers(courses: Iterable[Course], asked: tuple[str, ...]) -> frozenset[str]:
    """Refused NOT_ON_PANEL for somebody who sat on no panel of the cycle."""
    sat = {judge for course in courses for run in course.end.steps.values() for judge in run.judges}
    for one in asked:
        if one not in sat:
            raise Refused("NOT_ON_PANEL", actor=one)
    return frozenset(asked)


async def _votes(dsn: str, courses: list[Course], asked: tuple[str, ...]) -> dict[str, Any]:
    """Channels are in the sealed tallies; for cohorts and single voters the box counts its papers again, by a login that reads.

    Refused NOT_FOUND where none of these voters voted.
    """
    sealed = [
        (run_of(course.end, step), tally) for course in courses for step, tally in course.tallies.items()
    ]
    channels = {one.channel for _, tally in sealed for one in tally.valid} & set(asked)
    cohorts = {id for run, _ in sealed for id in run.cohorts} & set(asked)
    voters = frozenset(token for one in asked if one not in channels | cohorts for token in _tokens(one))
    tallies: dict[str, TallySealed] = {}
    if (voters or cohorts) and sealed:
        async with BallotBox(dsn) as box:
            for run, tally in sealed:
                again = await box.recount(tally.ballot, run.invalid | voters, uncounted(run) | cohorts)
                tallies[tally.ballot] = tally.model_copy(update={"valid": again.valid})
    if voters and all(tally.valid == tallies[tally.ballot].valid for _, tally in sealed):
        raise Refused("NOT_FOUND", what=", ".join(sorted(voters)))
    return {"channels": channels, "tallies": tallies}


def _tokens(asked: str) -> list[str]:
    """A voter's token, or those in a file."""
    file = Path(asked)
    return file.read_text("utf-8").split() if file.is_file() else [asked]


# ---- saying ----


def _summit(told: tuple[Told, ...], tree: UnitTree) -> JsonObject:
    """The highest round's list, as it was and as it would be."""
    top = next((one for one in reversed(told) if one.round.endswith(f"/{tree.root}")), None)
    if top is None:
        return {}
    return {
        "round": top.round,
        "lost": sorted(top.lost),
        "gained": list(top.gained),
        "undecided": sorted(top.undecided),
    }


def _as_json(told: Told) -> JsonObject:
    return {
        "round": told.round,
        "step": told.step,
        "seats": {"before": told.seats[0], "after": told.seats[1]},
        "outcome": told.outcome,
        "flips": [_flip(flip) for flip in told.flips],
        "moved": [_flip(flip) for flip in told.moved],
        "went_on": {"lost": sorted(told.lost), "gained": list(told.gained)},
        "notes": list(told.notes),
    }


def _flip(flip: Flip) -> JsonObject:
    return {
        "nomination": flip.nomination,
        "before": _place(flip.before),
        "after": _place(flip.after),
        "why": flip.why,
    }


def _place(place: Place) -> JsonObject:
    score: Fraction | None = place.score
    return {"where": str(place.where), "rank": place.rank, "score": None if score is None else str(score)}


def _shown(told: list[Told], said: JsonObject, tree: UnitTree, desk: Desk) -> RenderableType:
    banner = desk.say(
        "【假设】以下没有发生：未写入任何记录，未通知任何人。",
        "HYPOTHETICAL: none of this happened; nothing was written, nobody is told.",
    )
    parts: list[RenderableType] = [Text(banner, style="bold reverse")]
    if not told:
        parts.append(Text(desk.say("谁也不变。", "Nothing would be another.")))
    for one in told:
        parts += [Text(), Text(_heading(one, tree, desk), style="bold"), _table(one, desk)]
        parts += [Text(note) for note in one.notes]
    parts += [Text(), Text(_sum(said, desk), style="bold")]
    return Group(*parts)


def _heading(told: Told, tree: UnitTree, desk: Desk) -> str:
    unit = told.round.rsplit("/", 1)[-1]
    before, after = told.seats
    seats = f"{before} → {after}" if before != after else str(before)
    held = f" · {told.outcome}" if told.outcome else ""
    words = desk.say(f"名额 {seats}", f"{seats} seats") if before or after else ""
    return f"{tree.by_code[unit].name}（{told.round}/{told.step}） {words}{held}"


def _table(told: Told, desk: Desk) -> RenderableType:
    columns = (
        desk.say("申报", "nomination"),
        desk.say("原来", "as it was"),
        desk.say("假设", "if so"),
        desk.say("缘由", "because"),
    )
    rows = [
        (
            one.nomination,
            _words(one.before, desk),
            _words(one.after, desk),
            desk.say(*_WHYS.get(one.why, (one.why,) * 2)),
        )
        for one in (*told.flips, *told.moved)
    ]
    return table(columns, rows)


def _words(place: Place, desk: Desk) -> str:
    where = desk.say(*_PLACES[place.where])
    at = f" #{place.rank}" if place.rank is not None else ""
    return where + at + (f" ({number(place.score)})" if place.score is not None else "")


def _sum(said: JsonObject, desk: Desk) -> str:
    """What it comes to, at the highest round."""
    flips = sum(len(one["flips"]) for one in said["changed"])
    lost, gained, open_ = (len(said["summit"].get(key, ())) for key in ("lost", "gained", "undecided"))
    zh = f"假设如此：{len(said['changed'])} 份名单有变，{flips} 人次进出；最终名单少 {lost} 人，多 {gained} 人，{open_} 人须由人定。"
    en = f"If so: {len(said['changed'])} lists are others, {flips} go in or out; {lost} leave the final list, {gained} join it, {open_} are for people to decide."
    return desk.say(zh, en)
