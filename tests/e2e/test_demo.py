"""`starter.py demo` as somebody runs it: a process of its own, its one JSON object held to what it must show."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from fractions import Fraction
from typing import Any

import psutil
import pytest

from runtime.settings import CHECKOUT
from schemas.loading import load_programme, programme_hash

SECONDS = 400
FILE = CHECKOUT / "programmes" / "sichuan-craftsman" / "1.yaml"
Facts = dict[str, Any]


@pytest.fixture(scope="module")
def demo() -> subprocess.CompletedProcess[str]:
    """One run; every test reads from it."""
    return subprocess.run(
        [sys.executable, "starter.py", "demo", "--json", "--language", "en"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.fixture(scope="module")
def facts(demo: subprocess.CompletedProcess[str]) -> Facts:
    assert demo.returncode == 0, demo.stderr + demo.stdout
    told: Facts = json.loads(demo.stdout)
    return told


def level(facts: Facts, rank: str) -> Facts:
    return next(one for one in facts["levels"] if one["rank"] == rank)


def test_a_demo_ends_well_with_one_object_and_nothing_beside_it(
    demo: subprocess.CompletedProcess[str], facts: Facts
) -> None:
    assert len(demo.stdout.splitlines()) == 1
    assert facts["status"] == "completed"


def test_it_names_the_rules_that_it_ran_by_and_what_was_assumed_in_them(facts: Facts) -> None:
    programme = load_programme(FILE)
    assert facts["rules"] == programme_hash(programme)
    assert facts["assumptions"] == [one.model_dump() for one in programme.assumptions]
    assert len(facts["assumptions"]) > 0


def test_it_is_a_rehearsal_in_every_notice_with_both_times(facts: Facts) -> None:
    assert facts["rehearsal"] is True
    assert all(notice["rehearsal"] for notice in facts["publicity"])
    assert facts["times"]["scheduled"]["from"].startswith("2026-03-02")
    assert facts["times"]["scheduled"]["days"] > 30


def test_each_level_received_returned_rejected_and_recommended_and_some_units_stayed_silent(
    facts: Facts,
) -> None:
    enterprise, township = level(facts, "enterprise"), level(facts, "township")
    assert enterprise["received"] == facts["size"]["nominations"]
    assert enterprise["silent"] == len(facts["silent_units"]) == 4
    assert enterprise["rejected"] == township["rejected"] == 1
    assert township["returned"] == 1
    received = level(facts, "province")["received"]
    assert (
        received == level(facts, "prefecture")["recommended"] + level(facts, "industry_union")["recommended"]
    )


def test_a_judge_is_recused_and_a_panel_counts_without_one_of_its_judges(facts: Facts) -> None:
    assert [one["judge"] for one in facts["recusals"]] == ["j-51-1"]
    absent = [one for one in facts["panels"] if one["present"] < one["entitled"]]
    assert [(one["present"], one["entitled"]) for one in absent] == [(2, 3)]


def test_votes_are_accepted_and_refused_and_what_was_sealed_is_what_was_accepted(facts: Facts) -> None:
    votes = facts["votes"]
    assert votes["refused"] == {"LIMIT_REACHED": 1, "ALREADY_VOTED": 1, "NOT_A_CANDIDATE": 1}
    assert votes["handed_in_again"] == 1
    assert [one["papers"] for one in votes["sealed"]] == [votes["accepted"]]


def test_every_list_is_published_for_its_work_days_and_says_how_they_are_counted(facts: Facts) -> None:
    assert {one["day_count"] for one in facts["publicity"]} == {"5个工作日（不含发布当日）"}
    assert all(one["closes_at"] > one["opens_at"] for one in facts["publicity"])


def test_a_nomination_is_returned_corrected_and_approved_anew(facts: Facts) -> None:
    assert facts["return"]["revision"] == 2
    assert facts["return"]["returned_at"] < facts["return"]["corrected_at"]
    assert facts["return"]["endorsed_again"]


def test_an_officer_of_another_unit_is_refused(facts: Facts) -> None:
    assert (facts["officer_refused"]["code"], facts["officer_refused"]["exit_code"]) == ("NOT_AUTHORISED", 1)


def test_a_double_click_has_one_effect_and_the_same_receipt(facts: Facts) -> None:
    assert facts["double_click"]["same_receipt"]
    assert facts["double_click"]["effects"] == 1


def test_an_upheld_objection_brings_in_the_reserve_with_a_publicity_period_of_its_own(facts: Facts) -> None:
    objections, final = facts["objections"], facts["final"]
    assert objections["ruled"] == {"upheld": 1, "dismissed": 1}
    assert objections["upheld"]["people"] == 2
    assert not objections["upheld"]["first_alone_had_effect"]
    swap = objections["substituted"]
    assert swap["out"] == objections["upheld"]["nomination"]
    own = next(one for one in facts["publicity"] if one["substitute"] == swap["into"])
    whole = next(one for one in facts["publicity"] if one["round"] == own["round"] and not one["substitute"])
    assert own["opens_at"] > whole["opens_at"]
    assert own["closes_at"] >= whole["closes_at"]  # the same night, where all was ruled on the first day
    winners = {one["nomination"] for one in final["winners"]}
    assert swap["into"] in winners
    assert swap["out"] not in winners
    assert objections["dismissed"]["nomination"] in winners


def test_the_worker_is_killed_and_nothing_that_was_acknowledged_is_lost(facts: Facts) -> None:
    assert facts["worker_kill"]["signal"] == "SIGKILL"
    assert 0 < facts["worker_kill"]["acknowledged_before"] < facts["log"]["acknowledged"]
    assert facts["log"]["acknowledged_found_once"] == facts["log"]["acknowledged"]


def test_fifty_stand_for_thirty_titles_and_thirty_are_conferred(facts: Facts) -> None:
    selections = {one["step"]: one for one in facts["seats"] if one["round"] == facts["final"]["round"]}
    assert selections["shortlist"]["candidates"] > 50
    assert selections["shortlist"]["selected"] == selections["final"]["candidates"] == 50
    assert selections["final"]["selected"] == facts["final"]["conferred"] == 30
    certificates = [one for winner in facts["final"]["winners"] for one in winner["certificates"]]
    assert sorted(certificates) == [f"sichuan-craftsman-1-51-{number:04}" for number in range(1, 31)]


def test_each_winner_has_a_route_and_components_that_make_the_score(facts: Facts) -> None:
    assert set(facts["final"]["by_route"]) == {"territorial", "industry"}
    for winner in facts["final"]["winners"]:
        parts = {name: Fraction(value) for name, value in winner["components"].items()}
        assert Fraction(winner["score"]) == parts["expert"] * Fraction(7, 10) + parts["public"] * Fraction(
            3, 10
        )
        assert winner["name"].startswith("测试·")
    assert facts["final"]["frontline"] * 100 >= 35 * 30
    assert facts["final"]["heads"] * 100 <= 10 * 30
    line = facts["final"]["cut_line"]
    assert Fraction(line["last_in"]["score"]) >= 0
    assert line["first_out"]["rank"] > 0


def test_the_log_verifies(facts: Facts) -> None:
    log = facts["log"]
    assert log["verified"]
    assert log["events"] == log["positions"] == sum(log["by_type"].values())


def test_ctrl_c_leaves_no_process_behind() -> None:
    process = subprocess.Popen(
        [sys.executable, "starter.py", "demo"],
        cwd=CHECKOUT,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"LC_ALL": "C.UTF-8"},
    )
    assert process.stderr is not None
    lines = iter(process.stderr.readline, "")
    assert any(" is open" in line for line in lines)  # servers, a worker and a cycle are there
    started = psutil.Process(process.pid).children(recursive=True)
    assert started
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    _, alive = psutil.wait_procs(started, timeout=10)
    assert alive == []
