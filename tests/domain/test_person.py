"""A person's data is erased by two people, once nothing needs it any more; what is erased stays erased (DR-46)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain import nomination, person, title
from schemas.canonical import payload_hash
from schemas.commands import ErasePerson, HoldPerson, ReleasePerson
from schemas.events import ActProposed, ActSeconded, Event, PersonErased, PersonHeld, PersonReleased
from schemas.ledger import Actor
from tests.domain.specification import OFFICER, OPERATOR, OPERATOR_2, Given, given, one_level

STREAM = "person/harbour/5f0c"
CYCLE = "harbour.1"
ERASE = ErasePerson(cycle=CYCLE, basis="request", document="a" * 64, reason="retention over")
ERASED = PersonErased(cycle=CYCLE, basis="request", document="a" * 64, reason="retention over")
PROPOSED = ActProposed(act=payload_hash(ERASE), kind="erase_person", reason="retention over")
SECONDED = ActSeconded(act=payload_hash(ERASE), kind="erase_person", proposed_by=OPERATOR.id)
HELD = PersonHeld(cycle=CYCLE, reason="audit 7")


def of_person(*events: Event | tuple[Event, Actor], needed_by: tuple[str, ...] = ()) -> Given:
    world = one_level()
    inputs = person.Inputs(world.tree, world.state("authority/harbour.1"), needed_by)
    return given(STREAM, inputs, *events)


def test_a_person_is_erased_by_two_people_dr_46() -> None:
    decision = of_person().when(ERASE, OPERATOR).then(PROPOSED)
    assert decision.subject == "5f0c"
    of_person((PROPOSED, OPERATOR)).when(ERASE, OPERATOR).then_refused("SECOND_PERSON_REQUIRED")
    of_person((PROPOSED, OPERATOR)).when(ERASE, OPERATOR_2).then(SECONDED, ERASED)
    of_person().when(ERASE, OFFICER).then_refused("NOT_AUTHORISED")


def test_an_erasure_is_proposed_anew_where_who_proposed_it_may_not_any_more_dr_46() -> None:
    world = one_level()
    world.revoke(OPERATOR)
    inputs = person.Inputs(world.tree, world.state("authority/harbour.1"), ())
    given(STREAM, inputs, (PROPOSED, OPERATOR)).when(ERASE, OPERATOR_2).then(PROPOSED)


def test_who_is_erased_stays_erased_and_asking_again_gets_the_first_receipt_dr_46() -> None:
    gone = of_person((PROPOSED, OPERATOR), (SECONDED, OPERATOR_2), (ERASED, OPERATOR_2))
    again = gone.when(ERASE, OPERATOR).decision()
    assert (again.events, again.already) == ((), "before")
    gone.when(HoldPerson(cycle=CYCLE, reason="late"), OPERATOR).then_refused("ERASED")


def test_a_hold_keeps_a_person_until_it_is_released_dr_46() -> None:
    of_person().when(HoldPerson(cycle=CYCLE, reason="audit 7"), OPERATOR).then(HELD)
    assert "audit 7" in str(of_person(HELD).when(ERASE, OPERATOR).then_refused("LEGAL_HOLD"))
    over = PersonReleased(cycle=CYCLE, reason="closed")
    of_person(HELD).when(ReleasePerson(cycle=CYCLE, reason="closed"), OPERATOR).then(over)
    of_person().when(ReleasePerson(cycle=CYCLE, reason="closed"), OPERATOR).then()
    of_person(HELD, over).when(ERASE, OPERATOR).then(PROPOSED)


def test_what_still_needs_the_data_keeps_it_dr_46() -> None:
    refusal = (
        of_person(needed_by=("nomination/harbour.1/n1",)).when(ERASE, OPERATOR).then_refused("LEGAL_HOLD")
    )
    assert "nomination/harbour.1/n1" in str(refusal)


@pytest.mark.parametrize(
    ("changes", "needed"),
    [
        ({"status": nomination.Status.OPEN}, True),
        ({"status": nomination.Status.RETURNED}, True),
        ({"status": nomination.Status.CONFERRED}, False),
        ({"status": nomination.Status.RECOMMENDED}, False),
        ({"status": nomination.Status.ELIMINATED}, False),
        (
            {
                "status": nomination.Status.CONFERRED,
                "objections": {"o1": nomination.Objection("round/harbour.1/all/9", "publicity")},
            },
            True,
        ),
    ],
    ids=["running", "returned", "conferred", "recommended", "eliminated", "objected to"],
)
def test_a_nomination_needs_its_person_while_something_of_it_is_open_dr_46(
    changes: dict[str, Any], needed: bool
) -> None:
    state = replace(nomination.State(), **changes)
    assert list(person.needed_by([("n", state)], [])) == (["n"] if needed else [])


def test_a_disputed_title_needs_its_person_and_a_standing_one_does_not_dr_46() -> None:
    disputed = {
        status for status in title.Status if list(person.needed_by([], [("t", title.State(status=status))]))
    }
    assert disputed == {title.Status.PROPOSED, title.Status.HEARD, title.Status.APPEALED}
