"""Once sealed scores have been seen, a window is moved by a higher authority alone, and the event says so (DR-08, DR-16)."""

from __future__ import annotations

from datetime import datetime

from domain.round import run_of
from schemas.commands import ExtendStep
from schemas.events import GrantTerms, StepExtended
from schemas.ledger import Actor
from tests.domain.specification import (
    COUNCIL,
    COUNCIL_2,
    DAY,
    OPERATOR,
    OPERATOR_2,
    World,
    choice,
    judged,
    one_level,
    panel,
    refused,
    step,
)
from tests.domain.test_outcome import two_levels

BELOW, BELOW_2 = Actor(id="below-1", role="operator"), Actor(id="below-2", role="operator")


def closes_at(world: World, step_id: str, unit: str = "") -> datetime:
    window = run_of(world.round(unit), step_id).window
    assert window is not None
    return window.closes_at


def longer(world: World, step_id: str, unit: str = "") -> ExtendStep:
    return ExtendStep(step=step_id, closes_at=closes_at(world, step_id, unit) + DAY, reason="汛期")


def county_with_operators() -> World:
    world = two_levels()
    world.grant(
        *(
            GrantTerms(id=f"county-{actor.id}", person=actor.id, role="operator", unit="901")
            for actor in (BELOW, BELOW_2)
        )
    )
    return world.begin("901")


def selected_in_the_county() -> World:
    world = county_with_operators()
    judged(world, {"a": "90", "b": "80", "c": "70"}, unit="901")
    world.open_step("selection", "901")
    world.open_step("conferral", "901")
    return world


def test_while_scores_are_sealed_two_of_the_round_s_own_operators_extend_it_without_a_mark_dr_08() -> None:
    world = county_with_operators()
    world.open_step("expert_review", "901")
    later = longer(world, "expert_review", "901")
    world.at(later, BELOW, "901")
    extended = world.at(later, BELOW_2, "901")[-1]
    assert isinstance(extended, StepExtended)
    assert (extended.closes_at, extended.seen) == (later.closes_at, None)
    assert "seen" not in extended.new().data


def test_once_scores_have_been_seen_only_the_unit_above_extends_and_the_event_is_marked_dr_08() -> None:
    world = selected_in_the_county()
    later = longer(world, "conferral", "901")
    told = refused("EXTENSION_NEEDS_HIGHER_AUTHORITY", lambda: world.at(later, BELOW, "901"))
    assert "operator @ 9" in told.message("en")
    world.at(later, OPERATOR, "901")
    refused("SECOND_PERSON_REQUIRED", lambda: world.at(later, OPERATOR, "901"))
    extended = world.at(later, OPERATOR_2, "901")[-1]
    assert isinstance(extended, StepExtended)
    assert (extended.closes_at, extended.seen) == (later.closes_at, ("expert",))
    assert closes_at(world, "conferral", "901") == later.closes_at


def test_at_the_root_it_is_the_body_that_decides_there_dr_08() -> None:
    world = one_level(
        panel(),
        choice(1),
        step("decision", body="council"),
        step("conferral", body="council", grades=[{"title": "pilot", "seats": 1}]),
    )
    world.submit("a")
    world.close_intake()
    world.begin()
    judged(world, {"a": "90"})
    world.open_step("selection")
    world.open_step("decision")
    later = longer(world, "decision")
    told = refused("EXTENSION_NEEDS_HIGHER_AUTHORITY", lambda: world.at(later, OPERATOR))
    assert told.facts["authority"] == "body:council @ 9"
    world.at(later, COUNCIL)
    assert world.at(later, COUNCIL_2)[-1] == StepExtended(
        step="decision",
        was=later.closes_at - DAY,
        closes_at=later.closes_at,
        reason="汛期",
        seen=("expert",),
    )


def test_where_no_body_decides_at_the_root_its_operators_are_the_highest_and_the_event_is_marked_dr_08() -> (
    None
):
    world = one_level(panel(), choice(1), step("endorsement"))
    world.submit("a")
    world.close_intake()
    world.begin()
    judged(world, {"a": "90"})
    world.open_step("selection")
    world.open_step("endorsement")
    later = longer(world, "endorsement")
    world.at(later, OPERATOR)
    extended = world.at(later, OPERATOR_2)[-1]
    assert isinstance(extended, StepExtended)
    assert extended.seen == ("expert",)
