"""Months feed a quarter, and one programme another (DR-38)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain import cycle as cycles
from domain import eligibility, feeding
from schemas import names
from schemas.commands import CloseIntake, Confer, SubmitNomination
from schemas.events import FactValue, WinnersTaken
from schemas.ledger import Actor, HeadIs
from schemas.programme import Channel, Feeder, Predicate, SubjectType
from schemas.units import UnitTree
from tests.domain.specification import COUNCIL, COUNCIL_2, INTAKE, World, choice, declared, panel, step

MONTHS = Feeder.model_validate({"id": "months", "programme": "harbour"})
TREE = UnitTree.model_validate({"root": "9", "units": [{"code": "9", "name": "测试省", "rank": "province"}]})
ROUTES = [{"id": "river", "ranks": ["province"]}]
FACTS = {
    "years": {"type": "integer", "label": {"zh": "年数"}},
    "prior_award": {"type": "boolean", "label": {"zh": "曾获月奖"}, "attested": "engine"},
    "award_count": {"type": "integer", "label": {"zh": "获奖次数"}, "attested": "engine"},
}
FEED = INTAKE | {"channels": ["unit", "feed"], "quota": 1}


def month(period: str, *winners: str, **facts: Any) -> World:
    """A month's cycle that conferred a title on these."""
    steps = [INTAKE, step("conferral", body="council", grades=[{"title": "pilot"}])]
    world = World(declared(ROUTES, {"province": {"steps": steps}}), TREE, cycle=f"harbour.1.{period}").open()
    for id in winners:
        world.submit_as(
            f"{id}-{period}", subject=id, facts=tuple(FactValue(id=k, value=v) for k, v in facts.items())
        )
    world.close_intake()
    world.begin()
    world.open_step("conferral")
    world.at(Confer(step="conferral"), COUNCIL)
    world.at(Confer(step="conferral"), COUNCIL_2)
    world.report()
    return world


def source(world: World, feeder: Feeder = MONTHS) -> feeding.Source:
    """What a feeder reads of a completed cycle."""
    won = feeding.won(world.cycle, [world.round()], feeder)
    states = {id: world.nomination(id) for id in won}
    entries = [
        feeding.Entry(state.subject, state.submitted, state.facts, won[id])
        for id, state in states.items()
        if state.submitted
    ]
    return feeding.Source(world.cycle, tuple(entries))


def quarter(
    *sources: feeding.Source, period: str = "2020-Q3", taken: tuple[str, ...] = (), **said: Any
) -> World:
    """A quarter's cycle, open, with these months to take from."""
    feeders = [{"id": "months", "programme": "harbour"} | said]
    steps = [FEED, panel(), choice(2)]
    programme = declared(
        ROUTES, {"province": {"steps": steps}}, programme="quarters", facts=FACTS, feeders=feeders
    )
    world = World(programme, TREE, cycle=f"quarters.1.{period}").open()
    world.feeds = feeding.Feeds(
        {"months": sources}, {"months": frozenset(taken)}, {"cycle/quarters.1.2020-Q2": 0}
    )
    return world


def taken(world: World) -> WinnersTaken:
    [event] = world.events(names.cycle_stream(world.cycle), WinnersTaken)
    assert isinstance(event, WinnersTaken)
    return event


def test_a_winner_of_several_months_enters_the_quarter_once_and_keeps_all_awards_dr_38() -> None:
    july, august = month("2020-07", "jia", "yi", years=7), month("2020-08", "jia", years=8)
    world = quarter(source(july), source(august))
    world.close_intake()
    event = taken(world)
    assert (event.persons, event.award_count, event.late) == (2, 3, ())
    assert event.sources == ("harbour.1.2020-07", "harbour.1.2020-08")
    jia = next(one for one in event.winners if one.subject == "jia")
    assert [award.cycle for award in jia.awards] == list(event.sources)
    assert jia.facts == (FactValue(id="years", value=8),)  # as last attested
    world.begin()
    members = world.round().members.values()
    assert sorted(member.subject for member in members) == ["jia", "yi"]
    assert world.nomination(next(m.nomination for m in members if m.subject == "jia")).facts == {"years": 8}


def test_a_months_late_result_is_taken_by_the_next_quarter_which_says_so_dr_38() -> None:
    june, july = month("2020-06", "bing"), month("2020-07", "yi")
    world = quarter(source(june), source(july))
    world.close_intake()
    assert taken(world).late == ("harbour.1.2020-06",)
    assert taken(world).persons == 2


def test_what_an_earlier_quarter_took_or_a_later_month_gave_is_not_taken_dr_38() -> None:
    months = [source(month(period, "jia")) for period in ("2020-06", "2020-09", "2020-10")]
    world = quarter(*months, taken=("harbour.1.2020-06",))
    world.close_intake()
    assert taken(world).sources == ("harbour.1.2020-09",)


def test_no_two_quarters_take_the_same_month_dr_38() -> None:
    world = quarter(source(month("2020-07", "jia")))
    world.feeds = replace(world.feeds, siblings={"cycle/quarters.1.2020-Q2": 7})
    stream = names.cycle_stream(world.cycle)
    world.now = cycles.intake_closes_at(world.state(stream))
    decision = world.decide(world.command(stream, CloseIntake()))
    assert HeadIs(stream="cycle/quarters.1.2020-Q2", seq=7) in decision.guards  # else it is decided again


def test_winners_take_no_seat_of_their_unit_and_who_is_nominated_already_stays_dr_38() -> None:
    world = quarter(source(month("2020-07", "jia", "yi", "bing")))
    world.submit_as("own", subject="jia")  # the quota of one is used up
    world.close_intake()
    world.begin()
    assert len(world.round().members) == 3
    assert "own" in world.round().members


def test_preference_nominates_nobody_but_attests_who_won_before_dr_38() -> None:
    world = quarter(source(month("2020-07", "jia")), source(month("2020-08", "jia")), gives="preference")
    world.programme = world.programme.model_copy(
        update={"stages": declared(ROUTES, {"province": {"steps": [INTAKE, panel(), choice(2)]}}).stages}
    )
    world.submit_as("a", subject="jia")
    world.submit_as("b", subject="yi")
    world.close_intake()
    world.begin()
    assert sorted(world.round().members) == ["a", "b"]
    standings = world._round_inputs(
        world.command(world.round_stream(), Confer(step="x")), world.state("authority/-")
    ).standings
    assert standings["a"].facts == {"prior_award": True, "award_count": 2}
    assert standings["b"].facts == {"prior_award": False, "award_count": 0}
    twice = Predicate.model_validate({"id": "twice", "fact": "award_count", "op": ">=", "value": 2})
    assert [eligibility.test(twice, standings[id].facts) for id in "ab"] == ["pass", "fail"]


def test_a_type_of_subject_that_is_not_taken_here_is_left_out_dr_38() -> None:
    july = source(month("2020-07", "jia"))
    [entry] = july.entries
    world = quarter(replace(july, entries=(replace(entry, kind=SubjectType.TEAM),)))
    world.close_intake()
    assert (taken(world).winners, taken(world).left_out) == ((), ("jia",))


def test_only_the_titles_that_a_feeder_names_count_dr_38() -> None:
    july = month("2020-07", "jia")
    feeder = MONTHS.model_copy(update={"titles": ("gold_pilot",)})
    assert source(july, feeder).entries == ()
    recommended = MONTHS.model_copy(update={"take": "recommended"})
    assert [entry.awards[0].title for entry in source(july, recommended).entries] == [""]


def test_nobody_claims_what_the_engine_attests_or_enters_as_a_winner_unasked_dr_38() -> None:
    world = quarter(source(month("2020-07", "jia")))
    with pytest.raises(Exception, match="FACTS_INVALID"):
        world.submit("x", prior_award=True)
    said: dict[str, Any] = {
        "unit": "9",
        "route": "river",
        "channel": Channel.FEED,
        "subject": "jia",
        "entry": "e",
        "commitment": "c",
    }
    body = SubmitNomination(nomination="n", cycle=world.cycle, **said)
    stream = names.nomination_stream(world.cycle, "n")
    with pytest.raises(Exception, match="CHANNEL_NOT_OPEN"):
        world.do(stream, body, Actor(id="mallory", role="engine"))


def test_winners_from_a_place_that_leads_nowhere_are_named_as_left_out_dr_38() -> None:
    july = month("2020-07", "jia")
    units = [
        {"code": "8", "name": "测试国", "rank": "nation"},
        {"code": "9", "parent": "8", "name": "测试省", "rank": "province"},
    ]
    world = quarter(source(july))
    event = feeding.take(
        world.cycle,
        declared(
            [{"id": "river", "ranks": ["nation"]}],
            {"nation": {"steps": [INTAKE]}},
            feeders=[MONTHS.model_dump()],
        ),
        UnitTree.model_validate({"root": "8", "units": units}),
        world.feeds,
    )[0]
    assert (event.winners, event.left_out) == ((), ("jia",))
