"""Judging in groups (分组评审, DR-13): who is in which, which parts of a panel meet, and one scale for all of them.

A group is a value of the programme's choice fact. Who is judged in it is written down when the panel is formed, and stays:
judges were named, or drawn, for those members.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from domain.round import Standing, StepRun
from domain.scoring import Normalisation, normalise
from schemas.commands import GroupPlace
from schemas.errors import Refused
from schemas.events import ComponentScore, PanelResult
from schemas.programme import ExpertReview, Programme


class Sitting(NamedTuple):
    """A part of a panel, or all of it under "": who judges, and whom."""

    group: str
    judges: tuple[str, ...]
    members: tuple[str, ...]


# ---- forming ----


def members_of(
    programme: Programme, step: ExpertReview, members: Mapping[str, Standing], places: Sequence[GroupPlace]
) -> dict[str, tuple[str, ...]]:
    """The members of each group that has any, in the order of the fact's values.

    What a fact leaves unknown a person says, as nobody is judged by chance or by nobody: Refused GROUP_UNPLACED unless
    it is said of exactly these, GROUPS_DIFFER for a place in a group that there is not.
    """
    assert step.groups is not None
    known, fact = programme.groups_of(step), step.groups.fact
    said = {id: str(one.facts[fact]) for id, one in members.items() if one.facts.get(fact) in known}
    unknown = [id for id in members if id not in said]
    if sorted(one.nomination for one in places) != sorted(unknown):
        raise Refused("GROUP_UNPLACED", fact=fact, nominations=", ".join(unknown) or "-")
    placed = {one.nomination: one.group for one in places}
    must_be(step, known, [*known, *sorted(set(placed.values()) - set(known))])
    group = said | placed
    found = {one: tuple(id for id in members if group[id] == one) for one in known}
    return {one: ids for one, ids in found.items() if ids}


def must_be(step: ExpertReview, wanted: Collection[str], named: Collection[str]) -> None:
    """Raises Refused GROUPS_DIFFER unless the groups named are those, each once."""
    if sorted(wanted) != sorted(named):
        said = ", ".join(named) or "-"
        raise Refused("GROUPS_DIFFER", step=step.id, wanted=", ".join(wanted) or "-", named=said)


# ---- judging ----


def sittings(run: StepRun, members: Iterable[str]) -> tuple[Sitting, ...]:
    """The parts of the panel that have anybody of these to judge; a group without members asks for nobody."""
    if not run.seated:
        return (Sitting("", run.judges, tuple(members)),)
    by_group: dict[str, list[str]] = {group: [] for group in run.seated}
    for id in members:
        if id in run.grouped:
            by_group[run.grouped[id]].append(id)
    return tuple(Sitting(group, run.seated[group], tuple(ids)) for group, ids in by_group.items() if ids)


def attending(run: StepRun, group: str) -> tuple[str, ...]:
    """The judges of a group who handed in a sheet with a mark in it; of a whole panel, who handed in any."""
    if not run.seated:
        return tuple(run.sheets)
    return tuple(
        judge
        for judge in run.seated.get(group, ())
        if any(run.grouped.get(id) == group for id in run.sheets.get(judge, ()))
    )


def without(run: StepRun, away: Collection[str]) -> StepRun:
    """The panel as if these had not sat."""

    def left(judges: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(judge for judge in judges if judge not in away)

    return replace(
        run,
        judges=left(run.judges),
        seated={group: left(judges) for group, judges in run.seated.items()},
        sheets={judge: sheet for judge, sheet in run.sheets.items() if judge not in away},
    )


# ---- one scale ----


def on_one_scale(run: StepRun, step: ExpertReview, results: Iterable[PanelResult]) -> tuple[PanelResult, ...]:
    """Each result with its group; where the programme says so, brought to 0 … 100 among those of its group (DR-19)."""
    if not run.seated:
        return tuple(results)
    grouped = [one.model_copy(update={"group": run.grouped[one.nomination]}) for one in results]
    if step.groups is None or step.groups.normalise is None:
        return tuple(grouped)
    scaled: dict[str, PanelResult] = {}
    for group in run.seated:
        within = [one for one in grouped if one.group == group]
        scaled |= {one.nomination: one for one in _scaled(within, step.groups.normalise)}
    return tuple(scaled[one.nomination] for one in grouped)


def _scaled(results: Sequence[PanelResult], how: Normalisation) -> Iterable[PanelResult]:
    """A criterion is a component too, and breaks ties between groups: it is brought to the same scale."""
    values = normalise({one.nomination: one.value for one in results}, how).values
    by_criterion: dict[str, dict[str, Fraction]] = {}
    for one in results:
        for part in one.parts or ():
            by_criterion.setdefault(part.component, {})[one.nomination] = part.value
    scaled = {name: normalise(given, how).values for name, given in by_criterion.items()}
    for one in results:
        parts = tuple(
            ComponentScore(component=part.component, value=scaled[part.component][one.nomination])
            for part in one.parts or ()
        )
        said = {"value": values[one.nomination], "raw": one.value, "parts": parts or None}
        yield one.model_copy(update=said)


def all_zero(results: Iterable[PanelResult]) -> tuple[str, ...]:
    """`ALL_ZERO:<group>` for each group that was brought to one scale and had nothing but zeros (DR-19)."""
    most: dict[str, Fraction] = {}
    for one in results:
        if one.group is not None and one.raw is not None:
            most[one.group] = max(one.raw, most.get(one.group, one.raw))
    return tuple(f"ALL_ZERO:{group}" for group, highest in most.items() if not highest)
