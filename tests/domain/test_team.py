"""Teams, studios and other subjects with members (DR-40), and who may put whom forward (DR-05)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain import nomination
from schemas.commands import ChangeTeam, Withdraw
from schemas.errors import Refused
from schemas.events import GrantTerms, TeamMember
from schemas.ledger import Actor, Release
from schemas.programme import SubjectType
from schemas.units import UnitTree
from tests.domain.specification import INTAKE, OFFICER, STRANGER, World, at, declared

TREE = UnitTree.model_validate({"root": "9", "units": [{"code": "9", "name": "测试省", "rank": "province"}]})
TEAM = {"minimum": 2, "maximum": 3}


def team(*people: str, leader: str = "") -> tuple[TeamMember, ...]:
    """Invented people, the first of them the leader unless told."""
    leader = leader or people[0]
    return tuple(
        TeamMember(subject=one, entry=f"e-{one}", commitment="0" * 64, leader=one == leader) for one in people
    )


def contest(channels: list[str] | None = None, **rule: Any) -> World:
    said: dict[str, Any] = {"subject": "team", "subjects": ["person"], "members": {"team": TEAM | rule}}
    intake = INTAKE | {"channels": channels or ["unit"]}
    programme = declared([{"id": "river", "ranks": ["province"]}], {"province": {"steps": [intake]}}, **said)
    return World(programme, TREE).open()


def refused(act: Any) -> Refused:
    with pytest.raises(Refused) as met:
        act()
    return met.value


def test_a_team_is_put_forward_with_its_leader_and_members_whom_events_know_by_random_ids_dr_40() -> None:
    world = contest()
    [event] = world.submit_as("t", members=team("jia", "yi"))
    assert event.members == team("jia", "yi")  # type: ignore[attr-defined]
    assert world.nomination("t").members == team("jia", "yi")


@pytest.mark.parametrize(
    "members",
    [
        (),
        team("jia"),
        team("jia", "yi", "bing", "ding"),
        team("jia", "jia"),
        team("jia", "yi", leader="bing"),
    ],
    ids=["none", "too few", "too many", "one twice", "no leader"],
)
def test_a_team_of_the_wrong_people_is_refused_dr_40(members: tuple[TeamMember, ...]) -> None:
    assert refused(lambda: contest().submit_as("t", members=members)).code == "MEMBERS_INVALID"


def test_one_person_is_in_one_team_unless_the_programme_allows_more_dr_40() -> None:
    world = contest()
    world.submit_as("t", members=team("jia", "yi"))
    refusal = refused(lambda: world.submit_as("u", members=team("bing", "yi")))
    assert (refusal.code, refusal.facts["existing"]) == ("DUPLICATE_NOMINATION", "t")
    several = contest(in_several=True)
    several.submit_as("t", members=team("jia", "yi"))
    assert several.submit_as("u", members=team("bing", "yi"))


def test_a_member_of_a_team_may_also_be_put_forward_alone_dr_40() -> None:
    world = contest()
    world.submit_as("t", members=team("jia", "yi"))
    assert world.submit_as("p", subject="jia", subject_type=SubjectType.PERSON)
    alone = refused(lambda: world.submit_as("q", subject_type=SubjectType.PERSON, members=team("a", "b")))
    assert alone.code == "MEMBERS_INVALID"
    assert refused(lambda: world.submit_as("r", subject_type=SubjectType.SITE)).code == "SUBJECT_UNFIT"


def test_members_change_until_they_are_frozen_and_who_left_is_free_dr_40() -> None:
    world = contest(freeze_on="2024-03-06")
    world.submit_as("t", members=team("jia", "yi"))
    world.on("t", ChangeTeam(members=team("jia", "bing")))
    assert world.nomination("t").members == team("jia", "bing")
    assert world.submit_as("u", members=team("yi", "ding"))
    assert (
        refused(lambda: world.on("t", ChangeTeam(members=team("jia", "ding")))).code == "DUPLICATE_NOMINATION"
    )
    assert (
        refused(lambda: world.on("t", ChangeTeam(members=team("a", "b")), STRANGER)).code == "NOT_AUTHORISED"
    )
    world.now = at("2024-03-06 23:59")
    world.on("t", ChangeTeam(members=team("jia", "wu")))
    world.now += timedelta(minutes=1)
    assert refused(lambda: world.on("t", ChangeTeam(members=team("jia", "ji")))).code == "STAGE_CLOSED"


def test_without_a_day_of_their_own_members_are_frozen_when_intake_closes_dr_40() -> None:
    world = contest()
    world.submit_as("t", members=team("jia", "yi"))
    world.close_intake()
    assert refused(lambda: world.on("t", ChangeTeam(members=team("jia", "bing")))).code == "STAGE_CLOSED"


def test_a_team_that_withdraws_while_intake_is_open_frees_its_members_dr_40() -> None:
    world = contest()
    world.submit_as("t", members=team("jia", "yi"))
    command = world.command("nomination/harbour.1/t", Withdraw(reason="r"), OFFICER)
    inputs = replace(world.inputs(command), intake_open=True)
    decision = nomination.decide(world.nomination("t"), command, Withdraw(reason="r"), inputs)
    released = {(one.cycle, one.subject) for one in decision.effects if isinstance(one, Release)}
    assert released == {("harbour.1", "subject-t"), ("harbour.1/members", "jia"), ("harbour.1/members", "yi")}


def test_a_studio_is_a_unit_with_one_leader_dr_40() -> None:
    programme = declared(
        [{"id": "river", "ranks": ["province"]}],
        {"province": {"steps": [INTAKE]}},
        subject="studio",
        members={"studio": {"maximum": 12}},
    )
    world = World(programme, TREE).open()
    assert world.submit_as("s", members=team("jia"))
    assert refused(lambda: world.submit_as("z")).code == "MEMBERS_INVALID"


def test_a_subject_put_forward_by_a_second_channel_is_told_of_the_first_dr_05() -> None:
    world = contest(channels=["unit", "association"])
    association = Actor(id="officer-1", role="association")
    assert (
        refused(
            lambda: world.submit_as("t", by=association, channel="association", members=team("a", "b"))
        ).code
        == "NOT_AUTHORISED"
    )
    world.grant(GrantTerms(id="association-1", person="officer-1", role="association", unit="9"))
    world.submit_as("t", by=association, channel="association", subject="team-1", members=team("jia", "yi"))
    refusal = refused(lambda: world.submit_as("u", subject="team-1", members=team("jia", "yi")))
    assert (refusal.code, refusal.facts["existing"]) == ("DUPLICATE_NOMINATION", "t")
    assert (
        refused(lambda: world.submit_as("v", by=OFFICER, channel="association", members=team("x", "y"))).code
        == "NOT_AUTHORISED"
    )
