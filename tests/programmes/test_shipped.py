"""The programmes that come with the engine say what their sources say, and mark what these do not."""

from collections import Counter
from fractions import Fraction
from functools import cache
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
from ruamel.yaml import YAML

from schemas.editor import programme_json_schema, schema_text
from schemas.loading import check_programme, load_programme, open_programme
from schemas.programme import Channel, Programme, Rank, Selection
from tests.programmes.drafting import SOUND, spoiled

PROGRAMMES = Path(__file__).parents[2] / "programmes"
SHIPPED = sorted(PROGRAMMES.glob("*/*.yaml"))
FIRST, FOURTH = PROGRAMMES / "sichuan-craftsman/1.yaml", PROGRAMMES / "sichuan-craftsman/4.yaml"
QINGZHOU = PROGRAMMES / "qingzhou-double-three/1.yaml"


def selection(programme: Programme, rank: Rank, name: str) -> Selection:
    step = programme.stages[rank].step(name)
    assert isinstance(step, Selection)
    return step


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_shipped_programme_can_be_opened(path: Path) -> None:
    opened = open_programme(path)
    assert (opened.programme.programme, str(opened.programme.edition)) == (path.parent.name, path.stem)
    assert opened.programme.assumptions
    assert all(assumption.why for assumption in opened.programme.assumptions)


def test_the_three_of_the_demo_are_there() -> None:
    assert {FIRST, FOURTH, QINGZHOU} <= set(SHIPPED)


def test_sichuan_has_its_units_and_schematic_unions() -> None:
    ranks = Counter(unit.rank for unit in open_programme(FIRST).units.units)
    assert ranks == {
        Rank.PROVINCE: 1,
        Rank.PREFECTURE: 21,
        Rank.COUNTY: 183,
        Rank.TOWNSHIP: 3111,
        Rank.INDUSTRY_UNION: 48,
    }


def test_the_first_edition_chooses_thirty_of_fifty() -> None:
    first = load_programme(FIRST)
    final = selection(first, Rank.PROVINCE, "final")
    assert selection(first, Rank.PROVINCE, "shortlist").seats == 50
    assert (final.seats, final.differential) == (30, Fraction(5, 3))
    assert len(first.sponsors) == 5
    assert {route.id: route.ranks for route in first.routes} == {
        "territorial": (Rank.ENTERPRISE, Rank.TOWNSHIP, Rank.COUNTY, Rank.PREFECTURE, Rank.PROVINCE),
        "industry": (Rank.ENTERPRISE, Rank.INDUSTRY_UNION, Rank.PROVINCE),
    }


def test_what_sources_state_is_not_marked_as_assumed_and_the_rest_is() -> None:
    assumed = {assumption.path for assumption in load_programme(FIRST).assumptions}
    province = "stages.province.steps"
    assert f"{province}.final.weights" in assumed
    assert f"{province}.publicity.period" in assumed
    assert "stages.township" in assumed
    assert not assumed & {
        f"{province}.final.seats",
        f"{province}.final.differential",
        f"{province}.shortlist.seats",
    }


def test_the_fourth_edition_names_two_hundred_and_lets_the_unaffiliated_in() -> None:
    fourth = load_programme(FOURTH)
    assert selection(fourth, Rank.PROVINCE, "final").seats == 200
    assert len(fourth.facts["sector"].of) == 6
    intake = fourth.stages[Rank.COUNTY].steps[0]
    assert intake.type == "intake"
    assert intake.channels == (Channel.SELF, Channel.JOINT)
    assert [(reward.type, reward.amount_fen) for reward in fourth.rewards] == [
        ("cash", 2_000_000),
        ("entitlement", None),
    ]


def test_guangzhou_s_districts_industries_and_enterprises_choose_their_own() -> None:
    """S1, 登榜: 各区、行业和企业开展本级工匠选评; the unions are schematic, and the steps assumed."""
    opened = open_programme(PROGRAMMES / "guangzhou-climb/1.yaml")
    assert {route.id: route.ranks for route in opened.programme.routes} == {
        "territorial": (Rank.ENTERPRISE, Rank.COUNTY, Rank.PREFECTURE),
        "industry": (Rank.ENTERPRISE, Rank.INDUSTRY_UNION, Rank.PREFECTURE),
    }
    conferred = {
        rank: {grade.title for step in stage.steps if step.type == "conferral" for grade in step.grades}
        for rank, stage in opened.programme.stages.items()
    }
    assert conferred[Rank.ENTERPRISE] == {"enterprise_craftsman"}
    assert conferred[Rank.COUNTY] == conferred[Rank.INDUSTRY_UNION] == {"district_craftsman"}
    assumed = {assumption.path for assumption in opened.programme.assumptions}
    assert {f"stages.{rank}" for rank in ("enterprise", "county", "industry_union")} <= assumed
    unions = [unit for unit in opened.units.units if unit.rank is Rank.INDUSTRY_UNION]
    assert unions
    assert all("示意" in unit.name for unit in unions)


def test_twenty_years_in_the_craft_are_more_than_twenty_and_no_bar() -> None:
    """DR-09, and the youngest craftsman of thirty."""
    check = load_programme(FOURTH).stages[Rank.COUNTY].step("eligibility")
    assert check.type == "eligibility"
    (predicate,) = check.predicates
    assert (predicate.op, predicate.value, predicate.severity) == (">", 20, "report")


def test_qingzhou_chooses_each_level_from_the_titles_of_the_one_below() -> None:
    """DR-03."""
    opened = open_programme(QINGZHOU)
    pools = {rank: stage.pool.holder_of for rank, stage in opened.programme.stages.items() if stage.pool}
    assert pools == {
        Rank.TOWNSHIP: ("chief_craftsman", "craftsman", "seed_craftsman"),
        Rank.COUNTY: ("township_craftsman",),
    }
    assert Counter(unit.rank for unit in opened.units.units) == {
        Rank.COUNTY: 1,
        Rank.TOWNSHIP: 13,
        Rank.ENTERPRISE: 1,
    }


def test_weifang_of_2025_visits_after_the_experts_and_trains_after_the_publicity() -> None:
    steps = load_programme(PROGRAMMES / "weifang-craftsman/3.yaml").stages[Rank.PREFECTURE].steps
    assert [step.id for step in steps] == [
        *("eligibility", "expert_review", "site_visit", "selection", "publicity", "training", "conferral")
    ]


def test_two_provinces_are_in_one_edition_below_a_root_that_they_share_dr_02() -> None:
    opened = open_programme(PROGRAMMES / "sichuan-chongqing-contest/1.yaml")
    tree = opened.units
    assert {unit.name for unit in tree.units if unit.parent == tree.root} == {"四川省", "重庆市"}
    assert {unit.rank for unit in tree.units if unit.parent == tree.root} == {Rank.PROVINCE}
    assert tree.by_code[tree.root].rank is opened.programme.summit


def test_the_schema_for_editors_is_current() -> None:
    assert (PROGRAMMES / "programme.schema.json").read_text(encoding="utf-8") == schema_text()


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_shipped_programme_fits_the_schema_and_names_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# yaml-language-server: $schema=../programme.schema.json\n")
    assert list(validator().iter_errors(YAML(typ="safe", pure=True).load(text))) == []


@pytest.mark.parametrize(
    "edit",
    [
        ("quota: 3", "quota: '?'"),
        ("quota: 3", "quota: {assumed: 3, why: a guess}"),
        ("channels: [unit, self]", "channels: [unit, '?']"),
        ("programme: ferry-pilots", "extends: ferry-pilots@1"),
    ],
)
def test_the_schema_admits_the_forms_of_a_file(edit: tuple[str, str]) -> None:
    assert list(validator().iter_errors(YAML(typ="safe", pure=True).load(spoiled(SOUND, edit)))) == []


def test_the_schema_admits_parts_and_removals_where_a_file_extends() -> None:
    text = "extends: ferry-pilots@1\nrewards: ~\nstages: {province: {steps: [{id: final, seats: 3}, {id: vote, remove: true}]}}"
    assert list(validator().iter_errors(YAML(typ="safe", pure=True).load(text))) == []


@pytest.mark.parametrize(
    "edit",
    [
        ("quota: 3", "quotta: 3"),
        ("quota: 3", "quota: {assumed: 3}"),
        ("quota: 3", "quota: {assumed: three, why: a guess}"),
        ('share: "35%"', "share: 0.35"),
        ("type: publicity, ", ""),
        ("programme: ferry-pilots\n", ""),
        ("steps:", "steps: {a: 1}\n    was:"),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(edit: tuple[str, str]) -> None:
    assert list(validator().iter_errors(YAML(typ="safe", pure=True).load(spoiled(SOUND, edit)))) != []


@cache
def validator() -> jsonschema.Draft202012Validator:
    schema = programme_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_checking_a_shipped_programme_finds_nothing() -> None:
    assert [check_programme(path).faults for path in SHIPPED] == [()] * len(SHIPPED)
