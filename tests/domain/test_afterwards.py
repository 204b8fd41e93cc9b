"""After a round has reported and before its parent's cut-off: seats given up go to the reserve (DR-31)."""

from typing import Any

from domain.nomination import Status
from schemas.commands import (
    AmendRecommendation,
    FileObjection,
    FreezePool,
    OpenRound,
    PauseCycle,
    ResumeCycle,
    RuleOnObjection,
)
from schemas.events import ListPublished, PoolFrozen, RecommendationAmended, Substituted
from schemas.names import cycle_stream
from tests.domain.specification import (
    DAY,
    HANDLER,
    INTAKE,
    OPERATOR,
    STRANGER,
    World,
    choice,
    judged,
    panel,
    refused,
    step,
    two_levels,
)

COUNTY = "91"
PEOPLE = {"a": ("90", True), "b": ("80", False), "c": ("70", False), "d": ("60", True)}
FRONT = {"id": "f", "fact": "frontline", "op": "==", "value": True}
HALF = {"id": "front", "who": FRONT, "op": ">=", "share": "1/2"}


def reported(
    *after: dict[str, Any], reserve: int = 2, substitute: dict[str, Any] | bool = True, **selection: Any
) -> World:
    """A county chose two of four and reported them; the province's round is open and has not cut off."""
    county = [
        INTAKE,
        panel(),
        choice(2, reserve=reserve, **selection),
        step("publicity", substitute=substitute),
        *after,
    ]
    province = {"steps": [step("decision", body="council")]}
    world = two_levels({"steps": county}, province, COUNTY)
    for id, (_, frontline) in PEOPLE.items():
        world.submit(id, COUNTY, frontline=frontline)
    world.close_intake()
    world.at(OpenRound())
    world.begin(COUNTY)
    judged(world, {id: mark for id, (mark, _) in PEOPLE.items()}, unit=COUNTY)
    world.open_step("selection", COUNTY)
    world.open_step("publicity", COUNTY)
    world.pass_window("publicity", COUNTY)
    world.report(COUNTY)
    return world


def amend(world: World) -> list[str]:
    return [type(event).__name__ for event in world.at(AmendRecommendation(), unit=COUNTY)]


def pool(world: World) -> list[str]:
    [frozen] = world.events(world.round_stream(), PoolFrozen)
    return sorted(member.nomination for member in frozen.members)


def pass_own_period(world: World, id: str) -> None:
    world.now = world.round(COUNTY).published[id].window.closes_at


def object_to(world: World, id: str) -> None:
    filed = FileObjection(
        objection="o", round=world.round_stream(COUNTY), entry="e", commitment="0" * 64, ground="g"
    )
    world.on(id, filed, STRANGER)


def test_a_seat_given_up_after_the_report_goes_to_the_reserve_with_a_period_of_its_own_dr_31() -> None:
    world = reported()
    world.withdraw("a")
    assert amend(world) == ["Substituted", "ListPublished"]
    notice = world.events(world.round_stream(COUNTY), ListPublished)[-1]
    assert (notice.nominations, notice.window.opens_at) == (("c",), world.now)
    assert world.round(COUNTY).reported.recommended == ("a", "b")  # type: ignore[union-attr]
    assert amend(world) == []
    pass_own_period(world, "c")
    assert amend(world) == ["RecommendationAmended"]
    assert world.nomination("c").level == 1
    world.at(FreezePool())
    assert pool(world) == ["b", "c"]
    assert world.nomination("d").status is Status.ELIMINATED


def test_a_substitute_whose_period_still_runs_at_the_cut_off_lapses_dr_31() -> None:
    world = reported()
    world.withdraw("a")
    amend(world)
    world.at(FreezePool())
    assert pool(world) == ["b"]
    assert world.nomination("c").status is Status.ELIMINATED
    pass_own_period(world, "c")
    assert amend(world) == []


def test_after_the_cut_off_the_child_s_list_is_not_touched_dr_31() -> None:
    world = reported()
    world.at(FreezePool())
    world.withdraw("a")
    assert amend(world) == []
    assert world.events(world.round_stream(COUNTY), Substituted) == []


def test_before_the_report_and_at_the_summit_there_is_nothing_to_amend() -> None:
    world = reported()
    assert world.at(AmendRecommendation()) == ()
    assert amend(world) == []


def test_with_no_reserve_the_seat_stays_vacant_after_the_report_too_dr_31() -> None:
    world = reported(reserve=0)
    world.withdraw("a")
    assert amend(world) == ["Substituted"]
    assert world.events(world.round_stream(COUNTY), Substituted)[0].into == ""
    world.at(FreezePool())
    assert pool(world) == ["b"]


def test_limits_of_substitution_hold_after_the_report_too_dr_31() -> None:
    world = reported(substitute={"times_max": 1, "within": {"days": 90, "unit": "natural_day"}})
    for id, limit in (("a", None), ("b", "times_max")):
        world.now += DAY
        world.withdraw(id)
        amend(world)
        assert world.events(world.round_stream(COUNTY), Substituted)[-1].limit == limit
    assert list(world.round(COUNTY).members) == ["c"]
    late = reported(substitute={"within": {"days": 6, "unit": "natural_day"}})
    late.now += 9 * DAY
    late.withdraw("a")
    assert amend(late) == ["Substituted"]
    assert late.events(late.round_stream(COUNTY), Substituted)[0].limit == "within"


def test_composition_is_checked_again_after_the_report_dr_25_dr_31() -> None:
    world = reported(shares=[HALF])
    world.withdraw("a")
    amend(world)
    [substituted] = world.events(world.round_stream(COUNTY), Substituted)
    assert substituted.into == "d"


def test_an_objection_to_the_substitute_keeps_it_out_until_it_is_dismissed_dr_28_dr_31() -> None:
    world = reported()
    world.withdraw("a")
    amend(world)
    object_to(world, "c")
    pass_own_period(world, "c")
    assert amend(world) == []
    ruling = RuleOnObjection(objection="o", outcome="dismissed", reason="r")
    world.on("c", ruling, HANDLER)
    assert amend(world) == ["RecommendationAmended"]


def test_a_substitute_who_leaves_too_is_followed_by_the_next_dr_31() -> None:
    world = reported()
    world.withdraw("a")
    amend(world)
    world.withdraw("c")
    assert amend(world) == ["Substituted", "ListPublished"]
    pass_own_period(world, "d")
    amend(world)
    [amended] = world.events(world.round_stream(COUNTY), RecommendationAmended)
    assert (amended.recommended, amended.reserve) == (("b", "d"), ())


def test_nobody_joins_past_a_step_that_they_have_not_taken() -> None:
    world = reported(step("decision", id="word", body="council"))
    world.withdraw("a")
    assert amend(world) == []


def test_a_pause_gives_the_substitute_s_period_its_days_back() -> None:
    world = reported()
    world.withdraw("a")
    amend(world)
    was = world.round(COUNTY).published["c"].window
    world.do(cycle_stream(world.cycle), PauseCycle(reason="r"), OPERATOR)
    world.now += 7 * DAY
    world.do(cycle_stream(world.cycle), ResumeCycle(), OPERATOR)
    refused("CYCLE_PAUSED", lambda: object_to(world, "c"))
    assert amend(world) == ["StepExtended"]
    assert world.round(COUNTY).published["c"].window.closes_at >= was.closes_at + 7 * DAY
    assert amend(world) == []
    object_to(world, "c")
