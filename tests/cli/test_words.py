"""What lies in the vault is said to lie there, in both languages, and never shown as a reference."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import get_args

import pytest

from cli.words import (
    EVERY_WORDS,
    GATE_WORDS,
    HOLD_WORDS,
    LIMIT_WORDS,
    METHOD_WORDS,
    OUT_WORDS,
    day_count_words,
    hold_words,
    out_words,
    told_words,
)
from domain.authority import ROLES
from domain.cycle import Status as CycleStatus
from domain.nomination import Status as NominationStatus
from domain.periods import RECURRING
from domain.publicity import day_count
from domain.scoring import Method
from domain.title import Status as TitleStatus
from runtime.settings import CHECKOUT, Language
from schemas.commands import ENGINE, OBJECTOR_ROLE
from schemas.errors import CATALOGUE, Refused
from schemas.events import ObjectionRefused, Substituted
from schemas.ledger import GateStatus
from schemas.programme import Channel, DayUnit, Period
from schemas.sealed import entries_in, opened, reference
from schemas.words import CHANNEL_WORDS, ROLE_WORDS, TITLE_WORDS

SEALED = reference("ab" * 16, "cd" * 32)


@pytest.mark.parametrize(
    ("language", "said"), [(Language.ZH, "（见保管库）"), (Language.EN, "(in the vault)")]
)
def test_words_in_the_vault_are_said_to_be_there(language: Language, said: str) -> None:
    assert told_words(f"REJECTED: {SEALED}", language) == f"REJECTED: {said}"
    assert out_words(SEALED, language) == said
    assert told_words("缺材料", language) == "缺材料"


@pytest.mark.parametrize(
    ("language", "rule", "place"),
    [
        (Language.ZH, "受规则 heads, front 限制", "名次在名额之外"),
        (Language.EN, "kept out by the rules heads, front", "ranked below the seats"),
    ],
)
def test_whom_rules_kept_out_of_a_selection_is_told_the_rules_and_not_the_place(
    language: Language, rule: str, place: str
) -> None:
    assert out_words("NOT_SELECTED: rank 7, seats 30, kept out by heads, front", language) == rule
    assert out_words("NOT_SELECTED: rank 31, seats 30", language) == place


def test_every_reason_to_leave_a_round_has_words() -> None:
    told = (CHECKOUT / "docs" / "events.md").read_text("utf-8")
    reasons = told.partition("## Why a member leaves")[2].partition("\n## ")[0]
    assert set(re.findall(r"`([A-Z_]{4,})", reasons)) <= OUT_WORDS.keys()


@pytest.mark.parametrize(
    ("code", "status", "zh", "en"),
    [
        ("CYCLE_NOT_OPEN", CycleStatus.CANCELLED, "已取消", "cancelled"),
        ("CYCLE_NOT_OPEN", CycleStatus.NEW, "未开启", "not opened"),
        ("CYCLE_NOT_OPEN", "closed", "已结束", "closed"),
        ("NOMINATION_OVER", NominationStatus.WITHDRAWN, "已撤回", "withdrawn"),
        ("NOTHING_TO_CORRECT", NominationStatus.OPEN, "评选中", "still in it"),
        ("CYCLE_NOT_OPEN", "of newer code", "of newer code", "of newer code"),
    ],
)
def test_a_refusal_tells_a_status_in_its_own_language(code: str, status: str, zh: str, en: str) -> None:
    refusal = Refused(code, status=status, nomination="n-1")
    assert f"（{zh}）" in refusal.message("zh")
    assert f"({en})" in refusal.message("en")
    assert refusal.facts["status"] == status


def test_a_refusal_tells_how_a_title_stands_and_what_was_asked_in_its_own_language() -> None:
    refusal = Refused("TITLE_STATUS", title="title/x.1/a/pilot", status="revoked", action="pay_reward")
    assert refusal.message("zh") == "title/x.1/a/pilot 当前为“已撤销”，不能办理“发放奖励”。"
    assert refusal.message("en") == "title/x.1/a/pilot is revoked: paying a reward does not belong to that."
    assert (refusal.facts["status"], refusal.facts["action"]) == ("revoked", "pay_reward")
    newer = Refused("TITLE_STATUS", title="t", status="lent", action="lend_title")
    assert newer.message("zh") == "t 当前为“lent”，不能办理“lend_title”。"


def test_every_status_of_a_title_has_words() -> None:
    assert {*TitleStatus, "expired"} == TITLE_WORDS.keys()


def test_who_may_is_told_in_words_of_people_beside_what_a_grant_says() -> None:
    refusal = Refused(
        "NOT_AUTHORISED",
        actor="s-1 (officer, 9)",
        action="decide",
        unit="9",
        roles="operator, department:tax, body:council, retired",
    )
    assert refusal.message("zh") == (
        "s-1 (officer, 9) 无权对 9 办理“审定（decide）”；"
        "请由经办人（operator）或部门（department:tax）或审定机构（body:council）或 retired 办理。"
    )
    assert refusal.message("en") == (
        "s-1 (officer, 9) holds no grant for the decision on a list (decide) on 9; "
        "ask somebody with one as operator or department:tax or body:council or retired."
    )
    assert refusal.facts["roles"] == "operator, department:tax, body:council, retired"


def test_a_refusal_of_older_code_that_names_no_roles_reads_as_it_did() -> None:
    refusal = Refused("NOT_AUTHORISED", actor="s-1 (officer, 9)", action="decide", unit="9")
    assert refusal.message("zh") == "s-1 (officer, 9) 无权对 9 办理“审定（decide）”；请由有授权的人员办理。"
    assert (
        refusal.message("en")
        == "s-1 (officer, 9) holds no grant for the decision on a list (decide) on 9; ask somebody who does."
    )


def test_every_role_that_may_act_has_words() -> None:
    assert {role for roles in ROLES.values() for role in roles} | {
        Channel.ASSOCIATION,
        ENGINE.role,
        OBJECTOR_ROLE,
    } <= ROLE_WORDS.keys()


def test_every_channel_cadence_method_and_status_of_a_gate_has_words() -> None:
    assert set(CHANNEL_WORDS) == set(Channel)
    assert set(GATE_WORDS) == set(GateStatus)
    assert set(EVERY_WORDS) == set(RECURRING)
    assert set(METHOD_WORDS) == {*Method, "vote"}


def test_every_limit_of_substitution_and_every_refusal_of_an_objection_has_words() -> None:
    limit = get_args(Substituted.model_fields["limit"].annotation)[0]
    assert set(LIMIT_WORDS) == set(get_args(limit))
    reasons = get_args(ObjectionRefused.model_fields["reason"].annotation)
    assert {f"{reason.upper()}_OBJECTION" for reason in reasons} <= CATALOGUE.keys()


def test_every_code_of_a_held_round_has_words_beside_it() -> None:
    told = (CHECKOUT / "docs" / "runbook.md").read_text("utf-8")
    table = told.partition("## A held round")[2].partition("\n## ")[0]
    codes = {
        code
        for row in table.splitlines()
        for code in re.findall(r"`([A-Z_]{4,})`", row[: row.find(" | ", 2)])
    }
    assert codes == HOLD_WORDS.keys()
    assert hold_words("TIE_UNRESOLVED", Language.ZH) == "并列待裁定（TIE_UNRESOLVED）"
    assert (
        hold_words("QUORUM_UNMET ROUND_PAUSED", Language.EN)
        == "no quorum, paused (QUORUM_UNMET ROUND_PAUSED)"
    )


def test_references_are_found_and_opened_wherever_they_stand() -> None:
    value = {"reason": SEALED, "removed": [{"reason": f"x {SEALED}"}], "rank": 1, "what": "sealed:ab"}
    assert list(entries_in(value)) == ["ab" * 16] * 2
    assert opened(value, str.upper) == {
        "reason": "AB" * 16,
        "removed": [{"reason": f"x {'AB' * 16}"}],
        "rank": 1,
        "what": "sealed:ab",
    }


def test_people_are_told_instants_in_beijing_time_and_programs_in_utc() -> None:
    refusal = Refused("STAGE_CLOSED", step="intake", closed_at=datetime(2024, 3, 5, 16, 0, 0, 5, UTC))
    assert refusal.message("zh") == "intake 已于 北京时间 2024-03-06 00:00:00 截止。"
    assert refusal.message("en") == "intake closed at 2024-03-06 00:00:00 Beijing time."
    assert refusal.facts["closed_at"] == "2024-03-05 16:00:00.000005+00:00"
    assert (
        Refused("STAGE_CLOSED", step="2024-03-05", closed_at="-").message("en") == "2024-03-05 closed at -."
    )


@pytest.mark.parametrize(
    ("period", "en"),
    [
        (Period(days=5, unit=DayUnit.WORK_DAY), "5 work days, not counting the day of publication"),
        (
            Period(days=7, unit=DayUnit.NATURAL_DAY, count_first_day=True),
            "7 natural days, counting the day of publication",
        ),
    ],
)
def test_how_a_notice_counts_its_days_is_told_in_english_too(period: Period, en: str) -> None:
    assert day_count_words(day_count(period), Language.EN) == en
    assert day_count_words(day_count(period), Language.ZH) == day_count(period)
    assert day_count_words("of newer code", Language.EN) == "of newer code"
