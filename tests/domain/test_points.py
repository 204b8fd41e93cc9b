"""The points ledger: entries only added, a standing that is a function of them and of the day (DR-39)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given as for_all
from hypothesis import strategies as st

from domain import points
from schemas.commands import AddPoints
from schemas.events import Event, PointsAdded, PointsPinned, SubjectPoints
from schemas.programme import Points
from tests.domain.specification import (
    OFFICER,
    OPERATOR,
    STRANGER,
    Given,
    World,
    choice,
    given,
    one_level,
)

STREAM = "points/harbour/subject"
FOUR_AND_X = Points.model_validate(
    {
        "dimensions": [
            {"id": "training", "label": {"zh": "培训"}, "cap": 10},
            {"id": "exchange", "label": {"zh": "交流"}},
            {"id": "tackling", "label": {"zh": "攻关"}, "valid_days": 365},
            {"id": "cooperation", "label": {"zh": "协作"}},
            {"id": "x", "label": {"zh": "其他"}, "open": True},
        ]
    }
)


def ledger(*events: Event) -> Given:
    world = one_level()
    grants = world.state("authority/harbour.1")
    programme = world.programme.model_copy(update={"points": FOUR_AND_X})
    return given(STREAM, points.Inputs(programme, world.tree, grants), *events)


def entry(points: int = 4, dimension: str = "training", **said: Any) -> AddPoints:
    common = {
        "cycle": "harbour.1",
        "unit": "9",
        "dimension": dimension,
        "points": points,
        "evidence": "a" * 64,
    }
    return AddPoints.model_validate(common | {"earned_on": "2024-03-01", "reason": "送技入企"} | said)


def added(points: int = 4, dimension: str = "training", **said: Any) -> PointsAdded:
    body = entry(points, dimension, **said)
    return PointsAdded(**body.model_dump(exclude={"kind", "expires_on"}), expires_on=body.expires_on or "")


def stands(*entries: PointsAdded, on: str = "2024-03-04") -> points.Standing:
    return points.standing(points.State(entries), FOUR_AND_X, date.fromisoformat(on))


def test_points_are_entered_with_their_evidence_by_an_officer_of_the_unit_dr_39() -> None:
    decision = ledger().when(entry(), OFFICER).decision()
    assert decision.events == (added(),)
    assert (decision.subject, decision.grant) == ("subject", "grant-2")
    ledger().when(entry(), STRANGER).then_refused("NOT_AUTHORISED")


def test_the_same_evidence_earns_points_once_until_they_are_taken_back_dr_39() -> None:
    ledger(added()).when(entry(), OPERATOR).then_refused("EVIDENCE_COUNTED")
    back = ledger(added()).when(entry(-4), OPERATOR).decision().events
    assert back == (added(-4),)
    assert ledger(added(), added(-4)).when(entry(), OPERATOR).decision().events == (added(),)
    assert ledger(added()).when(entry(dimension="exchange"), OPERATOR).decision().events


@pytest.mark.parametrize(
    "body",
    [
        entry(0),
        entry(earned_on="2024-03-05"),
        entry(earned_on="2024-02-30"),
        entry(expires_on="2024-03-01"),
        entry(item="志愿服务"),
        entry(dimension="x"),
    ],
    ids=[
        "nothing",
        "tomorrow",
        "no day",
        "over before it began",
        "an item of a fixed one",
        "an open one of nothing",
    ],
)
def test_points_that_cannot_be_are_refused_with_what_is_wrong_dr_39(body: AddPoints) -> None:
    assert ledger().when(body, OPERATOR).then_refused("POINTS_INVALID").facts["fault"]


def test_four_dimensions_are_fixed_and_one_is_open_dr_39() -> None:
    ledger().when(entry(dimension="singing"), OPERATOR).then_refused("NOT_FOUND")
    [event] = ledger().when(entry(dimension="x", item="志愿服务"), OPERATOR).decision().events
    assert stands(event).dimensions["x"] == 4  # type: ignore[arg-type]


def test_a_dimension_counts_up_to_its_cap_and_no_further_dr_39() -> None:
    entries = (added(8), added(8, evidence="b" * 64), added(5, "exchange"))
    assert stands(*entries).dimensions["training"] == 10
    assert stands(*entries).total == 15
    assert (
        stands(*entries, added(-9)).dimensions["training"] == 7
    )  # taken from what was earned, not from the cap


def test_points_expire_by_what_was_written_or_by_the_dimension_dr_39() -> None:
    [event] = ledger().when(entry(dimension="tackling"), OPERATOR).decision().events
    assert isinstance(event, PointsAdded)
    assert event.expires_on == "2025-03-01"
    [sooner] = ledger().when(entry(dimension="tackling", expires_on="2024-06-01"), OPERATOR).decision().events
    assert isinstance(sooner, PointsAdded)
    assert sooner.expires_on == "2024-06-01"
    assert [
        stands(event, on=day).total for day in ("2024-02-29", "2024-03-01", "2025-02-28", "2025-03-01")
    ] == [0, 4, 4, 0]


@for_all(
    st.lists(st.tuples(st.integers(-9, 9), st.sampled_from(["training", "exchange"]), st.integers(1, 28)))
)
def test_a_standing_does_not_depend_on_the_order_of_entries_dr_39(made: list[tuple[int, str, int]]) -> None:
    entries = [added(n, where, earned_on=f"2024-02-{day:02d}") for n, where, day in made]
    assert stands(*entries) == stands(*reversed(entries))


def test_points_are_pinned_when_intake_closes_and_weigh_in_the_selection_dr_39() -> None:
    world = one_level(choice(2, component="points"))
    world = World(world.programme.model_copy(update={"points": FOUR_AND_X}), world.tree).open()
    for id in "abc":
        world.submit(id)
    world.ledgers = {
        "subject-a": points.State((added(4),)),
        "subject-b": points.State((added(8), added(8, "exchange"))),
        "subject-c": points.State((added(-3),)),
    }
    world.close_intake()
    [pinned] = world.events("cycle/harbour.1", PointsPinned)
    earned = {"subject-a": 4, "subject-b": 16, "subject-c": -3}
    assert pinned.standings == tuple(SubjectPoints(subject=s, points=n) for s, n in earned.items())
    world.begin()
    world.ledgers = {}  # what is earned later counts no more
    world.open_step("selection")
    ranked = {one.nomination: one.score for one in world.round().ranked}
    assert ranked == {"b": 100, "a": 25, "c": 0}
