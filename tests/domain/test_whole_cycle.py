"""A programme that the code has never seen runs from submission to conferral: other ranks, other order, other seats."""

from fractions import Fraction

from schemas import names
from schemas.commands import (
    CloseStepEarly,
    CompleteCycle,
    Confer,
    Decide,
    Endorse,
    FormPanel,
    FreezePool,
    HandInSheet,
    OpenRound,
    ReplyClearance,
    ResolveTie,
    WrittenMark,
)
from schemas.events import SelectionMade, TitlesConferred
from schemas.units import UnitTree
from tests.domain.specification import (
    COUNCIL,
    COUNCIL_2,
    INTAKE,
    JUDGES,
    OFFICER,
    SAFETY,
    TAX,
    World,
    choice,
    declared,
    fold,
    judged,
    panel,
    step,
)
from tests.domain.specification import OPERATOR as OPERATOR_1

FRONT = {"id": "f", "fact": "frontline", "op": "==", "value": True}
LIMITS = {"per_day": 3, "choices_min": 1, "choices_max": 3}
CRAFT = {"id": "craft", "fact": "years", "op": ">=", "value": 5}
WEIGHTS = [{"component": "public", "share": "40%"}, {"component": "expert", "share": "60%"}]

TOWNSHIP = [
    INTAKE,
    step("eligibility", predicates=[CRAFT], correction={"days": 3, "unit": "work_day"}),
    step("endorsement", ranked=True),
    choice(3, component="recommendation", reserve=1),
    step("conferral", body="council", grades=[{"title": "helper"}]),
]
PREFECTURE = [
    step(
        "clearance",
        departments=["tax", "safety"],
        applies_when={"id": "h", "fact": "head", "op": "==", "value": True},
    ),
    step("public_vote", limits=LIMITS, normalise="share"),
    panel(),
    choice(3) | {"weights": WEIGHTS, "differential": "4/3", "ties": ["expert", "authority"], "reserve": 2},
    step("publicity", period={"days": 7, "unit": "natural_day"}),
]
NATION = [
    panel(
        "jury",
        mode="vote",
        threshold={"share": "1/2", "comparator": ">", "base": "entitled"},
        component="jury",
    ),
    choice(
        2,
        component="jury",
        ties=["authority"],
        shares=[{"id": "front", "who": FRONT, "op": ">=", "share": "50%", "base": "seats"}],
    ),
    step("publicity"),
    step("decision", body="council"),
    step(
        "conferral",
        body="council",
        grades=[{"title": "gold_pilot", "seats": 1, "also": True}, {"title": "pilot"}],
    ),
]
UNITS = [
    {"code": "9", "name": "测试国", "rank": "nation"},
    {"code": "91", "parent": "9", "name": "测试州甲", "rank": "prefecture"},
    {"code": "911", "parent": "91", "name": "测试镇甲", "rank": "township"},
    {"code": "912", "parent": "91", "name": "测试镇乙", "rank": "township"},
    {"code": "92", "parent": "9", "name": "测试州乙", "rank": "prefecture"},
]


def harbour() -> World:
    """Two townships put people forward; the other prefecture has nobody and costs no round."""
    stages = {
        "township": {"steps": TOWNSHIP},
        "prefecture": {"steps": PREFECTURE, "pool": {"holder_of": ["helper"]}},
        "nation": {"steps": NATION},
    }
    routes = [{"id": "river", "ranks": ["township", "prefecture", "nation"]}]
    tree = UnitTree.model_validate({"root": "9", "units": UNITS})
    world = World(declared(routes, stages), tree).open(invited=("911", "912", "92"))
    for id, unit, facts in (
        ("a", "911", {"years": 9, "frontline": True, "head": False}),
        ("b", "911", {"years": 9, "frontline": False, "head": True}),
        ("c", "911", {"frontline": True, "head": False}),
        ("d", "911", {"years": 2, "head": False}),
        ("e", "912", {"years": 7, "frontline": False, "head": False}),
        ("f", "912", {"years": 7, "frontline": True, "head": False}),
    ):
        world.submit(id, unit, **facts)
    world.close_intake()
    return world


def confer(world: World, unit: str = "") -> None:
    if "conferral" not in world.round(unit).steps:
        world.open_step("conferral", unit)
    for by in (COUNCIL, COUNCIL_2):
        world.at(Confer(step="conferral"), by, unit)


def township(world: World, unit: str, order: str) -> None:
    world.begin(unit)
    world.open_step("intake", unit)
    world.open_step("eligibility", unit)
    if unit == "911":
        world.correct("c", years=6)
        world.close_step("eligibility", unit)
    world.open_step("endorsement", unit)
    for rank, id in enumerate(order, 1):
        world.on(id, Endorse(round=world.round_stream(unit), recommendation_rank=rank))
    world.at(CloseStepEarly(step="endorsement", reason="办结"), OFFICER, unit)
    world.open_step("selection", unit)
    confer(world, unit)
    world.report(unit)


def prefecture(world: World) -> None:
    world.at(FreezePool(), unit="91")
    world.open_step("clearance", "91")
    for by, department in ((TAX, "tax"), (SAFETY, "safety")):
        body = ReplyClearance(step="clearance", department=department, nomination="b", outcome="clear")
        world.at(body, by, "91")
    world.close_step("clearance", "91")
    world.open_step("public_vote", "91")
    world.pass_window("public_vote", "91")
    world.seal("public_vote", {"a": 10, "b": 40, "c": 30, "e": 15, "f": 5}, "91")
    judged(world, {"a": "90", "b": "60", "c": "85", "e": "70", "f": "80.5"}, unit="91")
    world.open_step("selection", "91")
    world.open_step("publicity", "91")
    world.withdraw("c")
    world.close_step("publicity", "91")
    world.now = max(one.window.closes_at for one in world.round("91").published.values())
    world.close_step("publicity", "91")
    world.report("91")


def nation(world: World) -> None:
    world.at(FreezePool())
    world.open_step("jury")
    world.at(FormPanel(step="jury", judges=tuple(judge.id for judge in JUDGES)), OPERATOR_1)
    for judge, votes in zip(JUDGES, ("aeb", "aeb", "ab"), strict=True):
        marks = tuple(
            WrittenMark(nomination=id, vote="approve" if id in votes else "reject")
            for id in world.round().members
        )
        world.at(HandInSheet(step="jury", marks=marks), judge)
    world.close_step("jury")
    world.open_step("selection")
    world.open_step("publicity")
    world.pass_window("publicity")
    world.open_step("decision")
    for by in (COUNCIL, COUNCIL_2):
        world.at(Decide(step="decision"), by)
    world.open_step("conferral")
    world.at(ResolveTie(step="conferral", order=("a", "b"), reason="会议研究"), OPERATOR_1)
    confer(world)
    world.report()


def run() -> World:
    world = harbour()
    world.at(OpenRound())
    world.at(OpenRound(), unit="91")
    township(world, "911", "acb")
    township(world, "912", "fe")
    prefecture(world)
    nation(world)
    reported = world.round().reported
    assert reported is not None
    world.do(names.cycle_stream(World.cycle), CompleteCycle(conferred=reported.conferred))
    return world


def test_a_programme_never_seen_runs_to_conferral() -> None:
    world = run()
    assert world.state(names.cycle_stream(World.cycle)).conferred == 3
    assert world.round("911").reported is not None
    assert list(world.round("91").members) == ["a", "b", "f"]
    [event] = world.events(world.round_stream(), TitlesConferred)
    assert [(one.nomination, one.title, one.certificate) for one in event.conferred] == [
        ("a", "gold_pilot", "harbour-1-9-0001"),
        ("a", "pilot", "harbour-1-9-0002"),
        ("b", "pilot", "harbour-1-9-0003"),
    ]
    ends = {id: (world.nomination(id).status, world.nomination(id).reason) for id in "abcdef"}
    assert ends == {
        "a": ("conferred", ""),
        "b": ("conferred", ""),
        "c": ("withdrawn", "测试"),
        "d": ("eliminated", "INELIGIBLE: craft"),
        "e": ("eliminated", "RESERVE_LAPSED"),
        "f": ("eliminated", "VOTE_NOT_PASSED"),
    }


def test_everybody_who_lost_can_be_told_by_which_rule_and_on_what_score() -> None:
    world = run()
    [made] = world.events(world.round_stream("91"), SelectionMade)
    assert [(one.nomination, one.rank, one.score) for one in made.ranked] == [
        ("c", 1, 63),
        ("a", 2, 58),
        ("b", 3, 52),
        ("f", 4, Fraction("50.3")),
        ("e", 5, 48),
    ]
    for id in "def":
        assert world.nomination(id).outcomes


def test_the_whole_cycle_folded_twice_is_the_same_and_runs_the_same_dr_45() -> None:
    once, again = run(), run()
    assert once.streams == again.streams
    for stream, written in once.streams.items():
        assert fold(stream, written) == fold(stream, written)


def test_a_unit_with_nothing_to_decide_has_no_round() -> None:
    world = harbour()
    world.at(OpenRound())
    opened = world.round().opened
    assert opened is not None
    assert opened.children == (world.round_stream("91"),)
