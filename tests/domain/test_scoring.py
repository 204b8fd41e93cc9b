"""Scores, votes, weights and rounding: DR-13, DR-15, DR-16, DR-19, DR-24."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.scoring import (
    Method,
    PanelHold,
    PanelScore,
    VoteCount,
    combine_channels,
    composite,
    count_votes,
    decimal,
    display,
    meets,
    normalise,
    on_hundred,
    panel_score,
    parse_score,
    rounded,
    vote_result,
)
from schemas.errors import Refused

F = Fraction
TEN = (F(0), F(10), F(1, 10))


def scores(*texts):
    return [F(text) for text in texts]


# ---- entry ----


@pytest.mark.parametrize(("text", "value"), [("9.5", "9.5"), ("10", "10"), (" 0 ", "0"), ("９．５", "9.5")])
def test_dr_16_a_score_on_the_scale_is_taken_exactly_and_full_width_digits_are_read(text, value):
    assert parse_score(text, *TEN) == F(value)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("NaN", "SCORE_NOT_A_NUMBER"),
        ("inf", "SCORE_NOT_A_NUMBER"),
        ("", "SCORE_NOT_A_NUMBER"),
        ("优", "SCORE_NOT_A_NUMBER"),
        ("1e1", "SCORE_NOT_A_NUMBER"),
        ("9,5", "SCORE_NOT_A_NUMBER"),
        ("1/3", "SCORE_NOT_A_NUMBER"),
        ("9.5\n9", "SCORE_NOT_A_NUMBER"),
        ("105", "SCORE_OUT_OF_RANGE"),
        ("-0.1", "SCORE_OUT_OF_RANGE"),
        ("9.55", "SCORE_NOT_A_STEP"),
    ],
)
def test_dr_16_a_score_off_the_scale_is_refused_with_its_own_code(text, code):
    with pytest.raises(Refused) as refusal:
        parse_score(text, *TEN)
    assert refusal.value.code == code
    assert "<" not in refusal.value.message("zh") + refusal.value.message("en")


def test_steps_are_counted_from_the_minimum():
    assert parse_score("7.5", F(5, 2), F(10), F(5)) == F(15, 2)
    with pytest.raises(Refused, match="SCORE_NOT_A_STEP"):
        parse_score("5", F(5, 2), F(10), F(5))


# ---- panel ----


def test_dr_16_the_trimmed_mean_drops_one_instance_of_equal_extremes():
    result = panel_score(scores("9", "9", "8", "7", "7"), drop=1, min_left=3)
    assert result == PanelScore(F(8), Method.TRIMMED, counted=3, dropped=2)


def test_dr_16_too_few_scores_to_trim_give_the_plain_mean_and_a_flag():
    result = panel_score(scores("9", "8", "6", "6"), drop=1, min_left=3)
    assert result == PanelScore(F(29, 4), Method.PLAIN, counted=4, flag="TOO_FEW_TO_TRIM")


def test_dr_16_too_few_scores_to_trim_hold_where_the_programme_says_so():
    held = panel_score(scores("9", "8", "6", "6"), drop=1, min_left=3, otherwise="stop")
    assert held == PanelHold(have=4, need=5, reason="TOO_FEW_TO_TRIM")


def test_dr_16_below_the_minimum_number_of_scores_the_step_holds():
    assert panel_score(scores("9", "8"), scores_min=3) == PanelHold(have=2, need=3, reason="TOO_FEW_SCORES")
    assert panel_score([], scores_min=0) == PanelHold(have=0, need=1, reason="TOO_FEW_SCORES")


def test_a_mean_of_thirds_stays_exact():
    assert panel_score(scores("8", "8", "9")) == PanelScore(F(25, 3), Method.PLAIN, counted=3)


@given(st.lists(st.integers(0, 100).map(F), min_size=5, max_size=12), st.randoms(use_true_random=False))
def test_a_panel_score_does_not_depend_on_the_order_and_lies_between_the_kept_extremes(given_scores, random):
    shuffled = random.sample(given_scores, len(given_scores))
    result = panel_score(given_scores, drop=1, min_left=3)
    assert result == panel_score(shuffled, drop=1, min_left=3)
    assert isinstance(result, PanelScore)
    kept = sorted(given_scores)[1:-1]
    assert kept[0] <= result.value <= kept[-1]


# ---- votes ----


@pytest.mark.parametrize(
    ("part", "whole", "share", "comparator", "passes"),
    [
        (6, 9, (2, 3), ">=", True),  # 三分之二以上 includes the number
        (6, 9, (2, 3), ">", False),
        (5, 10, (1, 2), ">", False),  # 过半数 is more than half
        (6, 11, (1, 2), ">", True),
        (63, 180, (35, 100), ">=", True),  # floats give 62
        (0, 0, (2, 3), ">=", False),
    ],
)
def test_dr_15_thresholds_are_exact_fractions_with_a_written_comparator(
    part, whole, share, comparator, passes
):
    num, den = share
    assert meets(part, whole, num, den, comparator) is passes


def test_dr_15_abstentions_count_as_present_but_not_as_cast():
    count = VoteCount(entitled=9, present=7, approve=4, reject=1, abstain=2)
    assert not vote_result(count, "present", 2, 3, ">=").passed
    assert vote_result(count, "cast", 2, 3, ">=").passed
    assert vote_result(count, "entitled", 2, 3, ">=").base == 9


def test_dr_13_the_recused_leave_both_the_votes_and_the_base():
    votes = {"j1": "approve", "j2": "approve", "j3": "reject"}
    panel = ["j1", "j2", "j3", "j4"]
    assert count_votes(votes, panel, panel, recused=["j1"]) == VoteCount(
        entitled=3, present=3, approve=1, reject=1
    )
    kept = count_votes(votes, panel, panel, recused=["j1"], recused_count=True)
    assert kept == VoteCount(entitled=4, present=4, approve=1, reject=1)


def test_a_vote_from_outside_the_panel_is_refused():
    with pytest.raises(Refused, match="NOT_ON_PANEL"):
        count_votes({"x": "approve"}, ["j1"], ["j1"])


def test_whoever_voted_is_present():
    assert count_votes({"j1": "return"}, ["j1", "j2"], []) == VoteCount(entitled=2, present=1, sent_back=1)


# ---- components ----


def test_dr_19_the_top_has_100_and_the_others_pro_rata():
    assert normalise({"a": 300, "b": 100, "c": 0}, "top").values == {"a": F(100), "b": F(100, 3), "c": F(0)}


def test_dr_19_by_share_the_values_add_up_to_100():
    assert normalise({"a": 3, "b": 1}, "share").values == {"a": F(75), "b": F(25)}


def test_dr_19_by_rank_equals_share_a_place_and_the_next_place_is_skipped():
    values = normalise({"a": 9, "b": 5, "c": 5, "d": 1}, "rank").values
    assert values == {"a": F(100), "b": F(75), "c": F(75), "d": F(25)}


@pytest.mark.parametrize("method", ["top", "share", "rank"])
def test_dr_19_all_zeros_give_zeros_and_a_flag_not_a_division_error(method):
    result = normalise({"a": 0, "b": 0}, method)
    assert result.values == {"a": 0, "b": 0}
    assert result.flags == ("ALL_ZERO",)
    assert normalise({}, method).flags == ("ALL_ZERO",)


def test_dr_24_channels_are_weighed_inside_the_public_component():
    tallies = {"wechat": {"a": 10, "b": 5}, "web": {"a": 0, "b": 8}, "paper": {"a": 0, "b": 0}}
    weights = {"wechat": F(4, 10), "web": F(4, 10), "paper": F(2, 10)}
    result = combine_channels(tallies, weights)
    assert result.values == {"a": F(40), "b": F(60)}
    assert result.flags == ("ALL_ZERO:paper",)


def test_dr_19_weights_that_are_not_exactly_100_percent_are_refused():
    with pytest.raises(Refused, match="WEIGHTS_NOT_WHOLE"):
        composite({"expert": F(1), "public": F(1)}, {"expert": F("0.3"), "public": F("0.6")})


def test_a_weighted_component_without_a_value_is_refused():
    with pytest.raises(Refused, match="COMPONENT_MISSING"):
        composite({"expert": F(1)}, {"expert": F("0.7"), "public": F("0.3")})


def test_dr_19_the_composite_is_exact():
    panel = on_hundred(F("9.1"), F(10))
    assert composite({"expert": panel, "public": F(100, 3)}, {"expert": F("0.7"), "public": F("0.3")}) == F(
        "73.7"
    )


# ---- rounding ----


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [("0.125", 2, "0.13"), ("2.5", 0, "3"), ("-2.5", 0, "-3"), ("2/3", 3, "0.667"), ("9.995", 2, "10.00")],
)
def test_dr_16_halves_round_up_once_at_the_end(value, places, text):
    assert display(F(value), places) == text


@given(st.decimals(-1000, 1000, places=5), st.integers(0, 4))
def test_rounding_agrees_with_the_decimal_library(value, places):
    expected = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    assert rounded(F(value), places) == F(expected)


def test_exact_text_is_decimal_where_it_can_be():
    assert [decimal(F(text)) for text in ("9.55", "10", "1/3", "-1/8")] == ["9.55", "10", "1/3", "-0.125"]
