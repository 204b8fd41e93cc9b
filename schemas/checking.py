"""What types alone can't say about a programme: that its parts fit together. All faults are found in one pass.

A draft is read part by part, so that one broken step does not hide what is wrong with the next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import groupby, pairwise
from math import ceil
from pathlib import Path
from typing import Any

from schemas.documents import Node
from schemas.faults import Fault, Place, fault_at, nearest_word
from schemas.feasibility import clashes
from schemas.programme import (
    ANCHOR_LAST_DAY,
    CANDIDATES_MAX,
    ENGINE_FACTS,
    Batches,
    Cadence,
    Channel,
    Clearance,
    Comparator,
    Conferral,
    Congress,
    Eligibility,
    Endorsement,
    ExpertReview,
    Fact,
    FastTrack,
    Feeder,
    Intake,
    Members,
    Pool,
    Predicate,
    Publicity,
    PublicVote,
    Rank,
    Reward,
    Route,
    Selection,
    Step,
    Stuffing,
    SubstitutionLimits,
    Title,
    Units,
)
from schemas.shape import part
from schemas.unit_files import HAVE_UNIONS, TERRITORY, check_units
from schemas.units import SEATS

_OPERATORS = {
    "integer": (">", ">=", "<", "<=", "==", "!="),
    "date": (">", ">=", "<", "<=", "==", "!="),
    "boolean": ("==", "!="),
    "choice": ("==", "!=", "in", "not_in"),
}
_COMPONENT_BY_TYPE = {"expert_review": "expert", "public_vote": "public"}
RECOMMENDATION = "recommendation"
"""The component that a ranked endorsement gives."""
POINTS = "points"
"""The component that the points ledger gives."""
AUTHORITY = "authority"
"""The last tie-breaker: a person decides (DR-17)."""
INCLUDE_ALL = "include_all"
"""Before it: all who are equal at the cut are taken in, up to the ceiling (DR-17)."""


@dataclass(frozen=True)
class DraftStep:
    """A step as written; `step` is None where it cannot be read."""

    place: Place
    node: Node
    type: str
    step: Step | None

    @property
    def component(self) -> str | None:
        """The component of a score that this step gives, even where the rest of it cannot be read."""
        if self.type == "endorsement":
            ranked = (self.node.items or {}).get("ranked")
            return None if ranked is None or ranked.scalar in {None, False} else RECOMMENDATION
        named = (self.node.items or {}).get("component")
        return named.text() if named is not None else _COMPONENT_BY_TYPE.get(self.type)

    @property
    def criteria(self) -> list[str]:
        """The components that the criteria of its rubric give beside it."""
        rubric = (self.node.items or {}).get("rubric")
        return [f"{self.component}_{entry.id}" for entry in _entries(rubric) if entry.id is not None]


@dataclass(frozen=True)
class DraftStage:
    """A stage as written, with those of its steps that have a type."""

    place: Place
    rank: Rank
    pool: Pool | None
    steps: tuple[DraftStep, ...]
    fast_tracks: tuple[Node, ...]

    def of(self, kind: Any) -> Iterator[tuple[DraftStep, Any]]:
        """The readable steps of one kind."""
        return ((draft, draft.step) for draft in self.steps if isinstance(draft.step, kind))


class Draft:
    """A programme's tree, read as far as it can be read."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self.routes: list[Route] = _parts(Route, root.child("routes"))
        self.routes_whole = len(self.routes) == len(_entries(root.child("routes")))
        self.fact_names = set((_items(root.child("facts"))).keys())
        self.facts: dict[str, Fact] = {
            name: fact
            for name, node in _items(root.child("facts")).items()
            if (fact := part(Fact, node)) is not None
        }
        self.titles = {node.id for node in _entries(root.child("titles")) if node.id is not None}
        self.title_list: list[Title] = _parts(Title, root.child("titles"))
        self.stages = [
            self._stage(Rank(key), node)
            for key, node in _items(root.child("stages")).items()
            if key in list(Rank)
        ]

    def _stage(self, rank: Rank, node: Node) -> DraftStage:
        place = ("stages", rank.value)
        held = node.child("pool")
        steps = tuple(
            DraftStep(
                (*place, "steps", entry.id or position), entry, kind.text() if kind else "", part(Step, entry)
            )
            for position, entry in enumerate(_entries(node.child("steps")))
            for kind in (entry.child("type") if entry.items is not None else None,)
        )
        tracks = tuple(_entries(node.child("fast_tracks")))
        return DraftStage(place, rank, part(Pool, held) if held is not None else None, steps, tracks)

    def exclusive(self, title: str) -> set[str]:
        """The titles that nobody holds beside this one, whichever of the two says so."""
        return {other for one in self.title_list if one.id == title for other in one.exclusive_with} | {
            one.id for one in self.title_list if title in one.exclusive_with
        }

    def fault(
        self, place: Place, code: str, nearest: str = "", /, *, on_key: bool = False, **facts: object
    ) -> Fault:
        """A fault at a place of this draft, at the value or at its key."""
        mark = self.root.at(place).mark
        if on_key:
            mark = self.root.at(place[:-1]).keys.get(str(place[-1]), mark)
        return fault_at(mark, place, code, nearest, **facts)


def check_draft(draft: Draft, folder: Path) -> list[Fault]:
    """Every way in which the parts of a draft do not fit together, its units file in `folder` included."""
    whole: tuple[Callable[[Draft], Iterator[Fault]], ...] = (
        _check_words,
        _check_cadence,
        _check_routes,
        _check_entries,
        _check_facts,
        _check_titles,
        _check_rewards,
        _check_pools,
        _check_feeders,
        _check_quotas,
        _check_members,
        _check_batches,
        _check_publicities,
    )
    each: tuple[Callable[[Draft, DraftStage], Iterator[Fault]], ...] = (
        _check_order,
        _check_fast_tracks,
        _check_substitutions,
        _check_reviews,
        _check_majorities,
        _check_votes,
        _check_candidates,
        _check_components,
        _check_selections,
        _check_predicates,
        _check_grades,
    )
    faults = [fault for check in whole for fault in check(draft)]
    faults += [fault for stage in draft.stages for check in each for fault in check(draft, stage)]
    return faults + list(_check_units(draft, folder))


def _items(node: Node | None) -> dict[str, Node]:
    return {} if node is None else {key: held for key, held in (node.items or {}).items() if not held.removed}


def _entries(node: Node | None) -> list[Node]:
    return [] if node is None else list(node.entries or ())


def _parts(kind: Any, node: Node | None) -> list[Any]:
    return [held for entry in _entries(node) if (held := part(kind, entry)) is not None]


def _check_words(draft: Draft) -> Iterator[Fault]:
    """No word stands twice in one list: whoever wrote it meant another. Of a route's ranks its order says so."""
    for place, node in draft.root.walk():
        if place[:1] == ("routes",):
            continue
        seen: set[str] = set()
        for position, entry in enumerate(_entries(node)):
            word = entry.scalar if isinstance(entry.scalar, str) else entry.id
            if entry.scalar is not None and word in seen and word != "?":
                yield draft.fault((*place, position), "word_repeated", word=word)
            seen |= {word} if word is not None else set()


# ---- routes and entries ----


def _check_cadence(draft: Draft) -> Iterator[Fault]:
    """An anchor is a day that every month has, as cycles open by themselves on it."""
    node = draft.root.child("cadence")
    cadence: Cadence | None = part(Cadence, node) if node is not None else None
    if cadence is not None and cadence.anchor and date.fromisoformat(cadence.anchor).day > ANCHOR_LAST_DAY:
        yield draft.fault(("cadence", "anchor"), "anchor_day", day=cadence.anchor)


def _check_routes(draft: Draft) -> Iterator[Fault]:
    written = {stage.rank for stage in draft.stages}
    summit = draft.routes[0].ranks[-1] if draft.routes else None
    ways: dict[tuple[Rank, ...], str] = {}
    for route in draft.routes:
        place = ("routes", route.id, "ranks")
        if ways.setdefault(route.ranks, route.id) != route.id:
            yield draft.fault(place, "route_repeated", on_key=True, route=route.id, other=ways[route.ranks])
        for position, (below, above) in enumerate(pairwise(route.ranks), 1):
            if not _goes_up(route.ranks[:position], above):
                yield draft.fault((*place, position), "ranks_not_ascending", below=below, above=above)
        if route.ranks[-1] is not summit:
            last = (*place, len(route.ranks) - 1)
            yield draft.fault(last, "summits_differ", rank=route.ranks[-1], summit=summit)
        for position, rank in enumerate(route.ranks):
            if rank not in written:
                near = nearest_word(rank, _items(draft.root.child("stages")))
                yield draft.fault((*place, position), "stage_missing", near, rank=rank, route=route.id)
    yield from _check_unused_stages(draft)


def _goes_up(before: tuple[Rank, ...], rank: Rank) -> bool:
    """The territory's ranks ascend; an industry union stands once on a way, below what has unions."""
    if rank is Rank.INDUSTRY_UNION:
        return rank not in before and before[-1] in TERRITORY[:3]
    if before[-1] is Rank.INDUSTRY_UNION and rank not in HAVE_UNIONS:
        return False
    territory = [TERRITORY.index(one) for one in before if one in TERRITORY]
    return all(one < TERRITORY.index(rank) for one in territory)


def _check_unused_stages(draft: Draft) -> Iterator[Fault]:
    passed = {rank for route in draft.routes for rank in route.ranks}
    for stage in draft.stages:
        if draft.routes_whole and stage.rank not in passed:
            yield draft.fault(stage.place, "stage_unused", on_key=True, rank=stage.rank)


def _check_entries(draft: Draft) -> Iterator[Fault]:
    """Nominations enter at a stage's first step; the lowest stage of each route has such an entry. Nothing is written of
    sponsors whom no channel asks for, or of reports where nothing lies below.
    """
    above = {rank for route in draft.routes for rank in route.ranks[1:]}
    for stage in draft.stages:
        waits = draft.root.at(stage.place).child("reports_within")
        if waits is not None and draft.routes_whole and stage.rank not in above:
            yield draft.fault((*stage.place, "reports_within"), "nothing_below", on_key=True, rank=stage.rank)
        for at, intake in stage.of(Intake):
            if at.node.child("sponsors_min") is not None and Channel.JOINT not in intake.channels:
                yield draft.fault((*at.place, "sponsors_min"), "sponsors_of_none", on_key=True)
        for position, draft_step in enumerate(stage.steps):
            if draft_step.type == "intake" and position > 0:
                yield draft.fault(draft_step.place, "intake_not_first")
    by_rank = {stage.rank: stage for stage in draft.stages}
    for rank in dict.fromkeys(route.ranks[0] for route in draft.routes):
        lowest = by_rank.get(rank)
        if lowest is not None and lowest.steps and "intake" not in {step.type for step in lowest.steps}:
            yield draft.fault(lowest.place, "intake_missing", on_key=True, rank=rank)


def _check_pools(draft: Draft) -> Iterator[Fault]:
    """A pool names titles that a stage further down confers, or that only past editions or others gave (DR-03)."""
    given = {
        grade.title
        for stage in draft.stages
        for _, conferral in stage.of(Conferral)
        for grade in conferral.grades
    }
    for stage in draft.stages:
        ways = [route.ranks for route in draft.routes if stage.rank in route.ranks]
        ranks = {rank for way in ways for rank in way[: way.index(stage.rank)]}
        below = {
            grade.title
            for lower in draft.stages
            if lower.rank in ranks
            for _, conferral in lower.of(Conferral)
            for grade in conferral.grades
        }
        passed = draft.routes_whole and ways
        readable = passed and all(step.step is not None for lower in draft.stages for step in lower.steps)
        for position, title in enumerate(stage.pool.holder_of if stage.pool else ()):
            place = (*stage.place, "pool", "holder_of", position)
            if title not in draft.titles:
                yield draft.fault(place, "title_unknown", nearest_word(title, draft.titles), title=title)
            elif title in given - below and readable:
                yield draft.fault(
                    place, "pool_not_below", nearest_word(title, below), title=title, rank=stage.rank
                )


def _check_members(draft: Draft) -> Iterator[Fault]:
    """Members are declared of types that the programme takes, as a range (DR-40)."""
    types = [draft.root.child("subject"), *_entries(draft.root.child("subjects"))]
    taken = [node.text() for node in types if node is not None]
    for kind, node in _items(draft.root.child("members")).items():
        place, members = ("members", kind), part(Members, node)
        if kind not in taken:
            yield draft.fault(place, "members_of_none", nearest_word(kind, taken), on_key=True, kind=kind)
        if members is not None and members.minimum > members.maximum:
            yield draft.fault((*place, "minimum"), "limits_crossed", less="minimum", more="maximum")


def _check_batches(draft: Draft) -> Iterator[Fault]:
    """The seats of one batch fit into the register, or no batch would ever be opened (DR-41)."""
    node = draft.root.child("batches")
    batches: Batches | None = part(Batches, node) if node is not None else None
    summits = {route.ranks[-1] for route in draft.routes}
    seats = [one.seats for stage in draft.stages if {stage.rank} == summits for _, one in stage.of(Selection)]
    if batches is not None and batches.cap is not None and seats and seats[-1] > batches.cap:
        yield draft.fault(("batches", "cap"), "cap_below_seats", cap=batches.cap, seats=seats[-1])


def _check_quotas(draft: Draft) -> Iterator[Fault]:
    """What is asked of a unit at least is no more than it may, and of somebody (DR-06)."""
    for stage in draft.stages:
        for at, intake in stage.of(Intake):
            place, minimum = (*at.place, "quota_min"), intake.quota_min or 0
            if minimum > (intake.quota or minimum):
                yield draft.fault(place, "limits_crossed", less="quota_min", more="quota")
            if minimum and set(intake.channels) == {Channel.FEED}:
                yield draft.fault(place, "minimum_of_nobody")


def _check_feeders(draft: Draft) -> Iterator[Fault]:
    """Winners who are to be nominated need an intake that takes them, and the other way round (DR-38)."""
    feeders = _parts(Feeder, draft.root.child("feeders"))
    pools = [feeder for feeder in feeders if feeder.gives == "pool"]
    takes = [
        (at.place, intake)
        for stage in draft.stages
        for at, intake in stage.of(Intake)
        if Channel.FEED in intake.channels
    ]
    if pools and not takes:
        yield draft.fault(("feeders", pools[0].id), "feed_nowhere", feeder=pools[0].id)
    if takes and not _entries(draft.root.child("feeders")):
        yield draft.fault((*takes[0][0], "channels"), "feed_from_nowhere")


# ---- the order of steps ----


def _check_order(draft: Draft, stage: DraftStage) -> Iterator[Fault]:
    """Publicity comes before training, decision and conferral, conferral last (DR-27, DR-32, DR-33)."""
    done: list[str] = []
    for step in stage.steps:
        ends = ("conferral", "decision", "training") if step.type == "publicity" else ("conferral",)
        after = next((end for end in ends if end in done), "")
        if after and step.type != "conferral":
            yield draft.fault(step.place, "step_out_of_order", step=step.type, after=after)
        elif step.type == "training" and "publicity" not in {one.type for one in stage.steps}:
            yield draft.fault(step.place, "training_unpublished")
        if step.type == "conferral" and "conferral" in done:
            yield draft.fault(step.place, "conferral_twice")
        done.append(step.type)


def _check_fast_tracks(draft: Draft, stage: DraftStage) -> Iterator[Fault]:
    """A fast track leads past steps of its stage that measure nothing, and past no other."""
    passable = [step.step.id for step in stage.steps if step.step is not None and _passable(step, stage)]
    unread = [step.node.id for step in stage.steps if step.step is None]
    for position, node in enumerate(stage.fast_tracks):
        place = (*stage.place, "fast_tracks", node.id or position)
        track: FastTrack | None = part(FastTrack, node)
        for number, id in enumerate(track.passes if track else ()):
            if id not in (*passable, *unread):
                near, known = nearest_word(id, passable), ", ".join(passable) or "—"
                yield draft.fault((*place, "passes", number), "pass_unfit", near, step=id, known=known)
        if track is not None:
            yield from _check_predicate(draft, (*place, "who"), track.who)


def _passable(draft_step: DraftStep, stage: DraftStage) -> bool:
    """Whether a step only lets on or not: what is ranked, scored or weighed would be missing where it is chosen."""
    match draft_step.step:
        case Eligibility() | Clearance() | Congress():
            return True
        case Endorsement() as step:
            return not step.ranked
        case ExpertReview() as step:
            chosen = [choice for _, choice in stage.of(Selection)]
            named = {weight.component for choice in chosen for weight in choice.weights}
            named |= {name for choice in chosen for name in choice.ties}
            return step.mode == "vote" and step.component not in named
        case _:
            return False


_REVIEWS = ("endorsement", "expert_review", "selection")
_TWO_REVIEWS_THREE_PUBLICITIES = ["unit", "review", "region", "review", "public"]


def _check_publicities(draft: Draft) -> Iterator[Fault]:
    """两审三公示 (DR-28): on every route these three publicities and two reviews, in this order and no other.

    What the unit does before its own publicity is its own affair; several steps may make up one review.
    """
    declared = draft.root.child("two_reviews_three_publicities")
    if declared is None or declared.scalar is not True:
        return
    whole = {stage.rank: stage.steps for stage in draft.stages}
    shortest = {stage.rank: _not_passed(stage) for stage in draft.stages}
    for route in draft.routes:
        for code, stages in (("publicities_order", whole), ("publicities_passed_by", shortest)):
            found = _phases(step for rank in route.ranks for step in stages.get(rank, ()))
            if found != _TWO_REVIEWS_THREE_PUBLICITIES and "?" not in found:
                wanted = " → ".join(_TWO_REVIEWS_THREE_PUBLICITIES)
                has = " → ".join(found) or "—"
                yield draft.fault(("routes", route.id), code, route=route.id, found=has, wanted=wanted)
                break


def _not_passed(stage: DraftStage) -> tuple[DraftStep, ...]:
    """The steps that are left to whoever is on all fast tracks of the stage."""
    tracks: list[FastTrack | None] = [part(FastTrack, node) for node in stage.fast_tracks]
    passed = {id for track in tracks if track is not None for id in track.passes}
    return tuple(step for step in stage.steps if step.node.id not in passed)


def _phases(steps: Iterable[DraftStep]) -> list[str]:
    """What the steps are to 两审三公示, from the unit's own publicity on."""
    phases = [phase for step in steps if (phase := _phase(step))]
    own = phases.index("unit") if "unit" in phases else 0
    return [phase for phase, _ in groupby(phases[own:])]


def _phase(step: DraftStep) -> str:
    """What a step is to 两审三公示: the audience of a publicity, a review, or nothing; `?` where it cannot be read."""
    if step.type == "publicity":
        return step.step.audience if isinstance(step.step, Publicity) else "?"
    return "review" if step.type in _REVIEWS else ""


# ---- facts and predicates ----


def _check_facts(draft: Draft) -> Iterator[Fault]:
    for name, fact in draft.facts.items():
        place = ("facts", name)
        if (fact.type == "choice") != bool(fact.of):
            code = "choice_without_values" if fact.type == "choice" else "values_without_choice"
            yield draft.fault(place if fact.type == "choice" else (*place, "of"), code, fact=name)
        if fact.attested == "engine" and (ENGINE_FACTS.get(name) != fact.type or fact.required):
            near = nearest_word(name, ENGINE_FACTS)
            known = ", ".join(f"{id} ({type_})" for id, type_ in ENGINE_FACTS.items())
            yield draft.fault(place, "engine_fact", near, fact=name, known=known)
        if name == POINTS and fact.attested != "engine" and draft.root.child(POINTS) is not None:
            yield draft.fault(place, "points_attested")


def _check_predicates(draft: Draft, stage: DraftStage) -> Iterator[Fault]:
    for step in stage.steps:
        for place, node in step.node.walk(step.place):
            predicate = part(Predicate, node) if "fact" in (node.items or {}) else None
            if predicate is not None:
                yield from _check_predicate(draft, place, predicate)


def _check_predicate(draft: Draft, place: Place, predicate: Predicate) -> Iterator[Fault]:
    if predicate.fact not in draft.fact_names:
        near = nearest_word(predicate.fact, draft.fact_names)
        yield draft.fault((*place, "fact"), "fact_unknown", near, fact=predicate.fact)
        return
    fact = draft.facts.get(predicate.fact)
    if fact is None or (fact.type == "choice" and not fact.of):
        return
    if predicate.op not in _OPERATORS[fact.type]:
        allowed = " ".join(_OPERATORS[fact.type])
        yield draft.fault((*place, "op"), "operator_unfit", op=predicate.op, type=fact.type, allowed=allowed)
    elif not _fits(fact, predicate):
        near = nearest_word(predicate.value, fact.of)
        wanted = _wanted(fact, predicate.op)
        written = draft.root.at((*place, "value")).text()
        yield draft.fault(
            (*place, "value"), "value_unfit", near, value=written, fact=predicate.fact, wanted=wanted
        )


def _fits(fact: Fact, predicate: Predicate) -> bool:
    value = predicate.value
    match fact.type:
        case "integer":
            return type(value) is int
        case "boolean":
            return isinstance(value, bool)
        case "date":
            return isinstance(value, str) and _is_date(value)
        case _:
            many = predicate.op in {"in", "not_in"}
            chosen = value if isinstance(value, tuple) else (value,)
            return isinstance(value, tuple) == many and set(chosen) <= set(fact.of)


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _wanted(fact: Fact, op: str) -> str:
    if fact.type != "choice":
        return {"integer": "42", "boolean": "true, false", "date": "2024-01-30"}[fact.type]
    return f"[{', '.join(fact.of)}]" if op in {"in", "not_in"} else ", ".join(fact.of)


# ---- reviews and votes ----


def _check_reviews(draft: Draft, stage: DraftStage) -> Iterator[Fault]:
    for at, review in stage.of(ExpertReview):
        size = review.panel_size
        if review.scores_min > size:
            yield draft.fault(
                (*at.place, "scores_min"), "scores_min_over_panel", scores=review.scores_min, size=size
            )
        if review.trim and 2 * review.trim.drop + review.trim.min_left > size:
            needed = 2 * review.trim.drop + review.trim.min_left
            yield draft.fault((*at.place, "trim"), "trim_never", needed=needed, size=size)
        if review.scale and (review.scale.maximum - review.scale.minimum) % review.scale.step:
            yield draft.fault((*at.place, "scale", "step"), "step_uneven", step=review.scale.step)
        fields = _fields(draft, review)
        kinds = review.draw.kinds if review.draw else {}
        of_all = sum(least for kind, least in kinds.items() if kind not in fields)
        wanted = of_all + max((kinds.get(field, 0) for field in fields), default=0)
        if wanted > size:
            yield draft.fault((*at.place, "draw", "kinds"), "kinds_over_panel", wanted=wanted, size=size)
        if review.groups:
            yield from _check_groups(draft, (*at.place, "groups", "fact"), review.groups.fact)
        for key in ("scale", "trim", "rubric") if review.mode == "vote" else ("threshold",):
            if getattr(review, key):
                yield draft.fault((*at.place, key), "mode_unfit", on_key=True, key=key, mode=review.mode)


def _check_majorities(draft: Draft, stage: DraftStage) -> Iterator[Fault]:
    """More than all never come, and are never for anybody; none always do (DR-15)."""
    for at, step in stage.of(Congress | ExpertReview):
        if step.quorum == 1 and step.quorum_comparator is Comparator.MORE_THAN:
            yield draft.fault((*at.place, "quorum"), "more_than_all")
        if step.quorum == 0 and step.quorum_comparator is Comparator.AT_LEAST:
            yield draft.fault((*at.place, "quorum"), "quorum_of_none")
        if step.threshold and step.threshold.share == 1 and step.threshold.comparator is Comparator.MORE_THAN:
            yield draft.fault((*at.place, "threshold", "share"), "more_than_all")
        if step.threshold and step.threshold.share == 0 and step.threshold.comparator is Comparator.AT_LEAST:
            yield draft.fault((*at.place, "threshold", "share"), "threshold_of_none")


def _fields(draft: Draft, review: ExpertReview) -> tuple[str, ...]:
    """The groups in which it judges, as far as they are known."""
    fact = draft.facts.get(review.groups.fact) if review.groups else None
    return fact.of if fact else ()


def _check_groups(draft: Draft, place: Place, name: str) -> Iterator[Fault]:
    """Groups are the values of a declared choice (DR-13)."""
    if name not in draft.fact_names:
        yield draft.fault(place, "fact_unknown", nearest_word(name, draft.fact_names), fact=name)
    elif name in draft.facts and draft.facts[name].type != "choice":
        yield draft.fault(place, "groups_by_choice", fact=name, type=draft.facts[name].type)


def _check_substitutions(draft: Draft, stage: DraftStage) -> Iterator[Fault]:
    """Limits are of something: somebody stands in reserve, and departments have a word (DR-31)."""
    asked = any(step.type == "clearance" for each in draft.stages for step in each.steps)
    chosen: DraftStep | None = None
    for at in stage.steps:
        chosen = at if at.type == "selection" else chosen
        limits = at.step.substitute if isinstance(at.step, Publicity) else None
        if not isinstance(limits, SubstitutionLimits):
            continue
        if chosen is None or (isinstance(chosen.step, Selection) and not chosen.step.reserve):
            yield draft.fault((*at.place, "substitute"), "limits_of_nothing", on_key=True)
        elif not (limits.after_vetting or asked):
            yield draft.fault((*at.place, "substitute", "after_vetting"), "vetting_nowhere", on_key=True)


def _check_votes(draft: Draft, stage: DraftStage) -> Iterator[Fault]:
    for at, vote in stage.of(PublicVote):
        limits, place = vote.limits, (*at.place, "limits")
        for less, bounds in (
            ("choices_min", ("choices_max", "per_day", "in_total")),
            ("per_candidate_per_day", ("per_day",)),
            ("per_candidate_in_total", ("in_total",)),
        ):
            low = getattr(limits, less)
            crossed = [more for more in bounds if (getattr(limits, more) or low or 0) < (low or 0)]
            if crossed:
                yield draft.fault((*place, less), "limits_crossed", less=less, more=crossed[0])
        if vote.stuffing is not None:
            if vote.adjudication is None:
                yield draft.fault((*at.place, "stuffing"), "stuffing_without_adjudication", on_key=True)
            yield from _check_stuffing(draft, (*at.place, "stuffing"), vote.stuffing)


def _check_candidates(draft: Draft, stage: DraftStage) -> Iterator[Fault]:
    """A selection leaves no more than the ballot after it can name."""
    before: tuple[Place, Selection] | None = None
    for at in stage.steps:
        if isinstance(at.step, Selection):
            before = (at.place, at.step)
        if isinstance(at.step, PublicVote) and before is not None:
            place, selection = before
            key = "seats" if selection.ceiling is None else "ceiling"
            most = selection.ceiling or selection.seats
            if most > CANDIDATES_MAX:
                yield draft.fault(
                    (*place, key),
                    "candidates_too_many",
                    step=selection.id,
                    most=most,
                    vote=at.step.id,
                    maximum=CANDIDATES_MAX,
                )


def _check_stuffing(draft: Draft, place: Place, stuffing: Stuffing) -> Iterator[Fault]:
    """Heavier acts need no less than lighter ones (DR-23)."""
    steps = stuffing.ladder
    for n, (before, after) in enumerate(pairwise(steps), 1):
        if after.share < before.share or after.act in [one.act for one in steps[:n]]:
            yield draft.fault((*place, "ladder", n), "ladder_falls", act=after.act)


# ---- selection ----


def _check_components(draft: Draft, stage: DraftStage) -> Iterator[Fault]:
    """Weights and ties name what earlier steps of the stage have measured."""
    known: list[str] = [POINTS] if draft.root.child(POINTS) is not None else []
    for step in stage.steps:
        if step.component in known:
            yield draft.fault(step.place, "component_repeated", component=step.component)
        elif step.component is not None:
            known += [step.component, *step.criteria]
        if step.type == "selection":
            yield from _check_weights(draft, step, known)
            yield from _check_ties(draft, step, known)


def _check_weights(draft: Draft, step: DraftStep, known: list[str]) -> Iterator[Fault]:
    for position, node in enumerate(_entries(step.node.child("weights"))):
        named = node.child("component") if node.items is not None else None
        if named is not None and isinstance(named.scalar, str) and named.scalar not in known:
            place = (*step.place, "weights", position, "component")
            near, have = nearest_word(named.scalar, known), ", ".join(known) or "—"
            yield draft.fault(place, "component_unknown", near, component=named.scalar, known=have)


def _check_ties(draft: Draft, step: DraftStep, known: list[str]) -> Iterator[Fault]:
    ties = _entries(step.node.child("ties"))
    words = (*known, INCLUDE_ALL, AUTHORITY)
    for position, node in enumerate(ties):
        place = (*step.place, "ties", position)
        after = [other.scalar for other in ties[position + 1 :]]
        if node.scalar == AUTHORITY and after:
            yield draft.fault(place, "authority_not_last")
        elif node.scalar == INCLUDE_ALL and set(after) - {AUTHORITY}:
            yield draft.fault(place, "include_all_not_last")
        elif isinstance(node.scalar, str) and node.scalar not in words:
            near = nearest_word(node.scalar, words)
            yield draft.fault(place, "component_unknown", near, component=node.scalar, known=", ".join(words))
    wishes = {node.id for node in _entries(step.node.child("prefer")) if node.id is not None}
    for name in sorted(wishes & set(known)):
        yield draft.fault((*step.place, "prefer", name), "component_repeated", component=name)


def _check_selections(draft: Draft, stage: DraftStage) -> Iterator[Fault]:
    before: Selection | None = None
    for at, selection in stage.of(Selection):
        ratio = selection.differential
        if ratio is not None and ratio < 1:
            yield draft.fault((*at.place, "differential"), "differential_below_one", ratio=ratio)
        elif before is not None and ceil((ratio or 1) * selection.seats) > before.seats:
            needed, place = ceil((ratio or 1) * selection.seats), "seats" if ratio is None else "differential"
            yield draft.fault(
                (*at.place, place), "candidates_too_few", needed=needed, seats=before.seats, step=before.id
            )
        before = selection
        most = 100 + sum(wish.bonus or 0 for wish in selection.prefer)
        if selection.minimum_score is not None and selection.minimum_score > most:
            yield draft.fault(
                (*at.place, "minimum_score"),
                "minimum_unreachable",
                minimum=selection.minimum_score,
                most=most,
            )
        yield from _check_shares(draft, at, selection)
        yield from _check_seats(draft, at, selection)


def _check_seats(draft: Draft, at: DraftStep, selection: Selection) -> Iterator[Fault]:
    """Seats of parts are within the whole, and a ceiling goes with taking in equals."""
    for key, parts, seats in (
        ("off_quota", selection.off_quota, selection.seats),
        ("categories", selection.categories, selection.on_quota_seats),
    ):
        wanted = sum(one.seats or 0 for one in parts)
        if wanted > seats >= 0:
            yield draft.fault((*at.place, key), "part_seats_exceed", wanted=wanted, seats=seats)
    if (INCLUDE_ALL in selection.ties) != (selection.ceiling is not None):
        key = "ties" if selection.ceiling is None else "ceiling"
        yield draft.fault((*at.place, key), "ceiling_alone")
    if selection.ceiling is not None and selection.ceiling <= selection.seats:
        yield draft.fault(
            (*at.place, "ceiling"), "ceiling_low", ceiling=selection.ceiling, seats=selection.seats
        )
    yield from _check_class_names(draft, at, selection)


def _check_class_names(draft: Draft, at: DraftStep, selection: Selection) -> Iterator[Fault]:
    """Rules, classes, categories and tracks are named apart, since bases and explanations refer to them."""
    seen = {"list", "seats", "on_quota", "no_category"}
    for key in ("classes", "shares", "categories", "off_quota"):
        for one in getattr(selection, key):
            if one.id in seen:
                yield draft.fault((*at.place, key, one.id), "class_repeated", name=one.id)
            seen.add(one.id)


def _check_shares(draft: Draft, at: DraftStep, selection: Selection) -> Iterator[Fault]:
    place = (*at.place, "shares")
    bases = {rule.id: rule.base for rule in selection.shares}
    classes = [one.id for one in selection.classes]
    for rule in selection.shares:
        known = ["list", "seats", *classes, *(name for name in bases if name != rule.id)]
        if rule.base not in known:
            near = nearest_word(rule.base, known)
            yield draft.fault(
                (*place, rule.id, "base"), "base_unknown", near, base=rule.base, known=", ".join(known)
            )
        elif _in_circle(rule.id, bases):
            yield draft.fault((*place, rule.id, "base"), "base_circle", rule=rule.id)
    for clash in clashes(selection, draft.facts):
        rules = ", ".join(clash.rules)
        yield draft.fault((*place, clash.rules[0]), clash.code, rules=rules, amount=clash.amount)


def _in_circle(start: str, bases: dict[str, str]) -> bool:
    seen, at = {start}, bases[start]
    while at in bases and at not in seen:
        seen.add(at)
        at = bases[at]
    return at == start


# ---- titles ----


def _check_grades(draft: Draft, stage: DraftStage) -> Iterator[Fault]:
    for at, conferral in stage.of(Conferral):
        given: set[str] = set()
        held: set[str] = set()
        for position, grade in enumerate(conferral.grades):
            place = (*at.place, "grades", position)
            if grade.title not in draft.titles:
                near = nearest_word(grade.title, draft.titles)
                yield draft.fault((*place, "title"), "title_unknown", near, title=grade.title)
            if grade.title in given:
                yield draft.fault((*place, "title"), "title_repeated", title=grade.title)
            for title in sorted(held & draft.exclusive(grade.title)):
                yield draft.fault((*place, "title"), "grades_exclusive", title=grade.title, other=title)
            held |= {grade.title} if grade.also else set()
            all_left = grade.seats is None and grade.who is None and not grade.also
            if all_left and position < len(conferral.grades) - 1:
                yield draft.fault(place, "grade_takes_all", title=grade.title)
            given.add(grade.title)
        yield from _check_grade_seats(draft, stage, at, conferral)


def _check_grade_seats(
    draft: Draft, stage: DraftStage, at: DraftStep, conferral: Conferral
) -> Iterator[Fault]:
    """Grades share out the seats of the last selection; those given `also` use none of their own. Without a selection
    nobody can say who has the first of several.
    """
    seats = [selection.seats for _, selection in stage.of(Selection)]
    if not any(step.type == "selection" for step in stage.steps):
        for position, grade in enumerate(conferral.grades if len(conferral.grades) > 1 else ()):
            if grade.seats is not None:
                place = (*at.place, "grades", position, "seats")
                yield draft.fault(place, "grade_unranked", title=grade.title)
    if not seats:
        return
    alone = sum(grade.seats or 0 for grade in conferral.grades if not grade.also)
    most = max(alone, *(grade.seats or 0 for grade in conferral.grades))
    if most > seats[-1]:
        yield draft.fault((*at.place, "grades"), "grade_seats_exceed", wanted=most, seats=seats[-1])


def _check_titles(draft: Draft) -> Iterator[Fault]:
    """A title names others that are declared, and leans on none that leans on it."""
    titles = [part(Title, node) for node in _entries(draft.root.child("titles"))]
    needs = {one.id: one.requires.title for one in titles if one is not None and one.requires is not None}
    for title in filter(None, titles):
        place = ("titles", title.id)
        named: list[tuple[Place, str]] = [
            ((*place, "exclusive_with", position), other)
            for position, other in enumerate(title.exclusive_with)
        ]
        named += [((*place, "requires", "title"), needs[title.id])] if title.id in needs else []
        for at, other in named:
            if other not in draft.titles:
                yield draft.fault(at, "title_unknown", nearest_word(other, draft.titles), title=other)
        if title.id in needs and _in_circle(title.id, needs):
            yield draft.fault((*place, "requires"), "requires_circle", title=title.id)


def _check_rewards(draft: Draft) -> Iterator[Fault]:
    seen: set[tuple[str, str]] = set()
    for position, node in enumerate(_entries(draft.root.child("rewards"))):
        reward, place = part(Reward, node), ("rewards", node.id or position)
        if reward is None:
            continue
        if reward.title not in draft.titles:
            near = nearest_word(reward.title, draft.titles)
            yield draft.fault((*place, "title"), "title_unknown", near, title=reward.title)
        if (reward.type == "entitlement") != (reward.amount_fen is None) and not reward.instalments:
            code = "amount_unfit" if reward.type == "entitlement" else "amount_missing"
            yield draft.fault(place, code)
        if (reward.title, reward.item) in seen:
            yield draft.fault(place, "reward_repeated", item=reward.item, title=reward.title)
        seen.add((reward.title, reward.item))


# ---- units ----


def _check_units(draft: Draft, folder: Path) -> Iterator[Fault]:
    """The units file is there, its tree is a tree, and its root has the rank where the routes meet (DR-02)."""
    node = draft.root.child("units")
    units: Units | None = part(Units, node) if node is not None else None
    if units is None or draft.root.at(("units", "file")).text() == "?":
        return
    path = folder / units.file
    if not path.is_file():
        yield draft.fault(("units", "file"), "file_missing", file=path)
        return
    tree, faults = check_units(path, root=units.root)
    for fault in faults:
        lost = fault.code == "root_missing"
        yield draft.fault(("units", "root"), fault.code, root=units.root) if lost else fault
    summits = {route.ranks[-1] for route in draft.routes}
    if tree is not None:
        yield from _check_figures(draft, {SEATS, *(name for unit in tree.units for name in unit.figures)})
    if tree is not None and len(summits) == 1 and tree.by_code[tree.root].rank not in summits:
        rank, summit = tree.by_code[tree.root].rank, summits.pop()
        yield draft.fault(("units", "root"), "root_rank", root=tree.root, rank=rank, summit=summit)


def _check_figures(draft: Draft, known: set[str]) -> Iterator[Fault]:
    """Seats are allotted by figures that the units file has, or by the allocation that a cycle is started with (DR-06)."""
    for stage in draft.stages:
        for at, selection in stage.of(Selection):
            for position, one in enumerate(selection.children.allot if selection.children else ()):
                if one.figure not in known:
                    place = (*at.place, "children", "allot", position, "figure")
                    near, have = nearest_word(one.figure, known), ", ".join(sorted(known)) or "—"
                    yield draft.fault(place, "figure_unknown", near, figure=one.figure, known=have)
