"""名额 (DR-06): the least that is asked of a unit is reported, and places move between units while intake is open."""

from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import count
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from pydantic import ValidationError

from domain import cycle as cycles
from schemas import names
from schemas.commands import ExtendIntake, PauseCycle, RedistributeQuota
from schemas.errors import EngineError
from schemas.events import (
    ActProposed,
    BelowMinimum,
    GivenPlaces,
    IntakeClosed,
    QuotaRedistributed,
)
from schemas.ledger import Actor
from schemas.units import UnitTree
from tests.domain.specification import (
    DAY,
    INTAKE,
    OFFICER,
    OPERATOR,
    OPERATOR_2,
    World,
    declared,
    refused,
    step,
    two_levels,
)

CYCLE = names.cycle_stream(World.cycle)
COUNTIES = ("901", "902", "903")
QUOTA = 3


def counties(**intake: Any) -> World:
    """Three counties under a province, where people enter at the counties."""
    said = {"steps": [INTAKE | {"quota": QUOTA} | intake, step("endorsement")]}
    return two_levels(said, {"steps": [step("endorsement")]}, *COUNTIES)


def moving(unit: str, to: dict[str, int], reason: str = "调剂") -> RedistributeQuota:
    given = tuple(GivenPlaces(unit=code, places=places) for code, places in to.items())
    return RedistributeQuota(unit=unit, to=given, reason=reason)


def move(world: World, body: RedistributeQuota, *by: Actor) -> None:
    for one in by or (OPERATOR, OPERATOR_2):
        world.do(CYCLE, body, one)


def submit(world: World, unit: str, count: int, first: int = 0) -> None:
    for n in range(first, first + count):
        world.submit(f"{unit}-{n}", unit)


def closed(world: World) -> IntakeClosed:
    world.close_intake()
    [event] = world.events(CYCLE, IntakeClosed)
    assert isinstance(event, IntakeClosed)
    return event


# ---- the least that is asked ----


def test_a_unit_below_its_minimum_is_named_when_intake_closes_and_keeps_what_it_put_forward_dr_06() -> None:
    world = counties(quota_min=2)
    submit(world, "901", 2)
    submit(world, "902", 1)
    assert closed(world).below_minimum == (
        BelowMinimum(unit="902", minimum=2, nominations=1),
        BelowMinimum(unit="903", minimum=2, nominations=0),
    )
    world.begin("902")
    assert list(world.round("902").members) == ["902-0"]


def test_whoever_withdrew_in_time_is_not_counted_for_the_minimum_dr_06() -> None:
    world = counties(quota_min=1)
    for unit in COUNTIES:
        submit(world, unit, 1)
    world.withdraw("903-0")
    assert closed(world).below_minimum == (BelowMinimum(unit="903", minimum=1, nominations=0),)


def test_an_allocation_says_the_minimum_of_the_units_that_it_names_dr_06() -> None:
    said = counties(quota_min=1)
    tree = said.tree.allotted({"901": {"seats": 4, "seats_min": 4}, "902": {"seats": 1}})
    world = World(said.programme, tree).open()
    submit(world, "901", 3)
    assert closed(world).below_minimum == (
        BelowMinimum(unit="901", minimum=4, nominations=3),
        BelowMinimum(unit="903", minimum=1, nominations=0),
    )


def test_without_a_minimum_the_event_is_as_it_always_was_dr_06() -> None:
    event = closed(counties())
    assert event.below_minimum is None
    assert "below_minimum" not in event.new().data
    world = counties(quota_min=1)
    for unit in COUNTIES:
        submit(world, unit, 1)
    assert closed(world).below_minimum is None


# ---- places that move ----


def test_places_that_a_unit_does_not_use_go_to_others_by_two_people_dr_06() -> None:
    world = counties()
    submit(world, "901", 1)
    body = moving("901", {"902": 1, "903": 1})
    move(world, body, OPERATOR)
    assert isinstance(world.streams[CYCLE][-1].event, ActProposed)
    submit(world, "902", QUOTA)
    refused("QUOTA_EXCEEDED", lambda: world.submit("902-x", "902"))
    refused("SECOND_PERSON_REQUIRED", lambda: move(world, body, OPERATOR))
    move(world, body, OPERATOR_2)
    assert world.streams[CYCLE][-1].event == QuotaRedistributed(unit="901", to=body.to, reason="调剂")
    submit(world, "902", 1, first=QUOTA)
    submit(world, "903", QUOTA + 1)
    for unit, quota in (("901", 1), ("902", QUOTA + 1), ("903", QUOTA + 1)):
        refusal = refused("QUOTA_EXCEEDED", partial(world.submit, f"{unit}-x", unit))
        assert refusal.facts["quota"] == str(quota)


def test_a_place_that_somebody_holds_is_not_given_away_dr_06() -> None:
    world = counties()
    submit(world, "901", 2)
    refusal = refused("QUOTA_IN_USE", lambda: move(world, moving("901", {"902": 1, "903": 1})))
    assert refusal.facts == {"unit": "901", "quota": "3", "used": "2", "asked": "2"}
    move(world, moving("901", {"902": 1}), OPERATOR)
    submit(world, "901", 1, first=2)
    refused("QUOTA_IN_USE", lambda: move(world, moving("901", {"902": 1}), OPERATOR_2))
    world.withdraw("901-1")
    move(world, moving("901", {"902": 1}), OPERATOR_2)
    refused("QUOTA_EXCEEDED", lambda: world.submit("901-x", "901"))


def test_what_was_received_can_be_given_on_and_back_dr_06() -> None:
    world = counties()
    move(world, moving("901", {"902": 3}))
    move(world, moving("902", {"903": 5}, "再调"))
    move(world, moving("903", {"901": 1}, "退回"))
    assert [_fits(world, unit) for unit in COUNTIES] == [1, 1, 7]


def test_of_two_who_take_the_same_place_one_decides_again_dr_06() -> None:
    world = counties()
    submit(world, "901", 2)
    late = world.command(names.nomination_stream(World.cycle, "x"), world.submission("x", "901"), OFFICER)
    decided = world.decide(late)
    move(world, moving("901", {"902": 1}))
    refused("WRONG_EXPECTED_HEAD", lambda: world.write(late, decided))
    refused("QUOTA_EXCEEDED", lambda: world.submit("x", "901"))

    body = moving("902", {"903": 4}, "又")
    move(world, body, OPERATOR)
    second = world.command(CYCLE, body, OPERATOR_2)
    decided = world.decide(second)
    submit(world, "902", 1)
    refused("WRONG_EXPECTED_HEAD", lambda: world.write(second, decided))
    refused("QUOTA_IN_USE", lambda: move(world, body, OPERATOR_2))


def test_places_move_only_to_where_intake_is_open_or_was_extended_dr_06_dr_08() -> None:
    world = counties()
    world.now += 20 * DAY
    refused("STAGE_CLOSED", lambda: move(world, moving("901", {"902": 1})))
    extension = ExtendIntake(rank="county", closes_at=world.now + DAY, reason="r")
    for by in (OPERATOR, OPERATOR_2):
        world.do(CYCLE, extension, by)
    move(world, moving("901", {"902": 1}))
    assert _fits(world, "902") == QUOTA + 1
    assert closed(world).nominations == QUOTA + 1
    refused("STAGE_CLOSED", lambda: move(world, moving("901", {"902": 1})))


def test_places_may_move_while_the_cycle_is_paused() -> None:
    world = counties()
    world.do(CYCLE, PauseCycle(reason="r"), OPERATOR)
    move(world, moving("901", {"902": 1}))
    assert world.events(CYCLE, QuotaRedistributed)


def test_places_are_those_of_units_that_have_a_quota_and_are_moved_by_operators_of_the_whole_dr_06() -> None:
    world = counties()
    refused("NOT_FOUND", lambda: move(world, moving("909", {"902": 1})))
    refused("NOT_FOUND", lambda: move(world, moving("901", {"909": 1})))
    refused("NO_INTAKE_HERE", lambda: move(world, moving("9", {"902": 1})))
    refused("NO_INTAKE_HERE", lambda: move(world, moving("901", {"9": 1})))
    refused("NOT_AUTHORISED", lambda: move(world, moving("901", {"902": 1}), OFFICER))
    refused("NO_QUOTA", lambda: move(counties(quota=None), moving("901", {"902": 1})))


@pytest.mark.parametrize("to", [{"901": 1}, {"902": 0}, {}])
def test_places_go_to_other_units_at_least_one_each(to: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        moving("901", to)
    twice = GivenPlaces(unit="902", places=1)
    with pytest.raises(ValidationError):
        RedistributeQuota(unit="901", to=(twice, twice), reason="r")


def test_a_unit_that_gave_places_away_is_asked_for_as_many_as_before_dr_06() -> None:
    world = counties(quota_min=2)
    submit(world, "901", 1)
    move(world, moving("901", {"902": 2}))
    assert closed(world).below_minimum[0] == BelowMinimum(unit="901", minimum=2, nominations=1)  # type: ignore[index]


def test_a_unit_with_two_ways_up_gives_places_on_both_or_on_none_dr_06() -> None:
    world = _two_ways()
    world.submit_as("a", "E1", route="trade")
    refused("QUOTA_IN_USE", lambda: move(world, moving("E1", {"E2": 2})))
    move(world, moving("E1", {"E2": 1}))
    world.submit_as("b", "E1", route="river")
    for route in ("river", "trade"):
        refused("QUOTA_EXCEEDED", partial(world.submit_as, "x", "E1", route=route))
    assert _fits(world, "E2") == 3


def test_a_place_of_one_way_up_does_not_become_one_of_two_dr_06() -> None:
    """E2 has no places by the union: there are no more of them afterwards than before."""
    world = _two_ways()
    refusal = refused("NO_WAY_UP", lambda: move(world, moving("E2", {"E1": 1})))
    assert (refusal.facts["unit"], refusal.facts["route"]) == ("E2", "trade")


def _two_ways() -> World:
    """E1 goes up through its county or its union, E2 through the county alone; two places each, on each way."""
    routes = [
        {"id": "river", "ranks": ["enterprise", "county", "province"]},
        {"id": "trade", "ranks": ["enterprise", "industry_union", "province"]},
    ]
    stage = {"steps": [step("endorsement")]}
    first = {"steps": [INTAKE | {"quota": 2}, step("endorsement")]}
    stages = {"enterprise": first, "county": stage, "industry_union": stage, "province": stage}
    units = [
        {"code": "9", "name": "测试省", "rank": "province"},
        {"code": "901", "name": "测试县", "rank": "county", "parent": "9"},
        {"code": "9I1", "name": "测试工会", "rank": "industry_union", "parent": "9"},
        {"code": "E1", "name": "测试一厂", "rank": "enterprise", "parent": "901", "industry": "9I1"},
        {"code": "E2", "name": "测试二厂", "rank": "enterprise", "parent": "901"},
    ]
    return World(declared(routes, stages), UnitTree.model_validate({"root": "9", "units": units})).open()


def _fits(world: World, unit: str) -> int:
    """How many the unit can put forward from here on."""
    for n in count():
        code = code_of(partial(world.submit, f"fill-{unit}-{n}", unit))
        if code:
            assert code == "QUOTA_EXCEEDED"
            return n
    raise AssertionError("a quota has an end")


def code_of(act: Callable[[], object]) -> str:
    """Of the refusal; empty where there is none."""
    try:
        act()
    except EngineError as refusal:
        return refusal.code
    return ""


UNITS = st.sampled_from(COUNTIES)


class Allocation(RuleBasedStateMachine):
    """Units put forward and take back, and two operators move places to and fro, also where they cannot."""

    def __init__(self) -> None:
        super().__init__()
        self.world = counties()
        self.count = 0

    def used(self) -> Counter[str]:
        return Counter(held.unit for held in self.world.reserved.values())

    def quota(self, unit: str) -> int:
        state: cycles.State = self.world.state(CYCLE)
        return QUOTA + state.received.get(unit, 0) - state.given.get(unit, 0)

    @rule(unit=UNITS)
    def somebody_is_put_forward(self, unit: str) -> None:
        has_room = self.used()[unit] < self.quota(unit)
        self.count += 1
        code = code_of(lambda: self.world.submit(f"n{self.count}", unit))
        assert code == ("" if has_room else "QUOTA_EXCEEDED")

    @rule(data=st.data())
    def somebody_withdraws(self, data: st.DataObject) -> None:
        if self.world.reserved:
            held = data.draw(st.sampled_from(sorted(one.nomination for one in self.world.reserved.values())))
            self.world.withdraw(held)

    @rule(unit=UNITS, to=st.dictionaries(UNITS, st.integers(1, 4), min_size=1, max_size=2))
    def places_are_moved(self, unit: str, to: dict[str, int]) -> None:
        to.pop(unit, None)
        fits = self.used()[unit] + sum(to.values()) <= self.quota(unit)
        if to:
            body = moving(unit, to, f"r{self.count}")
            self.count += 1
            assert code_of(lambda: move(self.world, body)) == ("" if fits else "QUOTA_IN_USE")

    @invariant()
    def no_unit_has_more_than_its_quota_and_all_together_have_what_they_had(self) -> None:
        assert all(self.used()[unit] <= self.quota(unit) for unit in COUNTIES)
        assert sum(map(self.quota, COUNTIES)) == QUOTA * len(COUNTIES)

    def teardown(self) -> None:
        for unit in COUNTIES:
            _fits(self.world, unit)
        assert len(self.world.reserved) == QUOTA * len(COUNTIES)


TestPlacesAreNeverLostNorUsedTwice = Allocation.TestCase
TestPlacesAreNeverLostNorUsedTwice.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
