"""A refusal tells kinds, statuses and ranks in words of its language, beside the identifier where one may type it."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from domain.authority import ROLES
from schemas.commands import Body
from schemas.errors import Refused
from schemas.programme import LadderStep, Rank, Step, SubjectType
from schemas.sealed import reference
from schemas.words import ACT_WORDS, LADDER_WORDS, OTHER_ACTS, RANK_WORDS, STEP_WORDS, SUBJECT_WORDS

SEALED = reference("ab" * 16, "cd" * 32)


@pytest.mark.parametrize(
    ("code", "facts", "zh", "en"),
    [
        (
            "NOT_AUTHORISED",
            {"actor": "s-1 (officer, 9)", "action": "decide", "unit": "9", "roles": "body:council"},
            "s-1 (officer, 9) 无权对 9 办理“审定（decide）”；请由审定机构（body:council）办理。",
            (
                "s-1 (officer, 9) holds no grant for the decision on a list (decide) on 9; "
                "ask somebody with one as body:council."
            ),
        ),
        (
            "NOT_AUTHORISED",
            {"actor": "s-1 (judge)", "action": "privacy read", "unit": "9", "roles": "handler"},
            "s-1 (judge) 无权对 9 办理“查阅保管库中的文字（privacy read）”；请由异议受理人（handler）办理。",
            (
                "s-1 (judge) holds no grant for reading words in the vault (privacy read) on 9; "
                "ask somebody with one as handler."
            ),
        ),
        (
            "STAGE_MISMATCH",
            {"current": "public_vote", "action": "close_early"},
            "当前环节：大众票选（public_vote）；不能办理“提前结束环节（close_early）”。",
            "The current step is public vote (public_vote); closing a step early (close_early) does not belong to it.",
        ),
        (
            "STAGE_MISMATCH",
            {"current": "final (selection)", "action": "hand_in_sheet"},
            "当前环节：final（遴选）；不能办理“提交评分表（hand_in_sheet）”。",
            "The current step is final (selection); handing in a score sheet (hand_in_sheet) does not belong to it.",
        ),
        (
            "STAGE_MISMATCH",
            {"current": "final", "action": "of newer code"},
            "当前环节：final；不能办理“of newer code”。",
            "The current step is final; of newer code does not belong to it.",
        ),
        (
            "STAGE_MISMATCH",
            {"current": "-", "action": "open_step final"},
            "当前环节：无；不能办理“开始环节（open_step final）”。",
            "The current step is none; opening a step (open_step final) does not belong to it.",
        ),
        (
            "STAGE_MISMATCH",
            {"current": "paused", "action": "enter_register"},
            "当前环节：已暂停（paused）；不能办理“入库（enter_register）”。",
            "The current step is paused; entering a batch in the register (enter_register) does not belong to it.",
        ),
        (
            "ENDS_BY_ITSELF",
            {"step": "departments", "type": "clearance"},
            "departments（征求部门意见）在有关各方办理后自行结束，不能提前结束。",
            "departments (clearance) ends by itself once those concerned have acted; it is not closed early.",
        ),
        (
            "NO_INTAKE_HERE",
            {"unit": "51", "rank": "province"},
            "51（省）不受理申报。",
            "51 (province) takes no nominations.",
        ),
        (
            "RULES_IN_FORCE",
            {"ranks": "county, province"},
            "县、省已开始，规则不得修改。",
            "county, province has begun: its rules are in force and cannot be amended.",
        ),
        (
            "CHANNEL_NOT_OPEN",
            {"unit": "51", "channel": "self"},
            "51 不接受“个人自荐（self）”渠道的申报。",
            "51 takes no nominations by the channel oneself (self).",
        ),
        (
            "SUBJECT_UNFIT",
            {"subject": "work_team"},
            "本项目不受理班组（work_team）。",
            "This programme does not take a work team (work_team).",
        ),
        (
            "OBJECTION_RULED",
            {"objection": "o-1", "outcome": "upheld"},
            "异议 o-1 已裁定（成立）。",
            "Objection o-1 is ruled on already (upheld).",
        ),
        (
            "LADDER_NOT_REACHED",
            {"nomination": "n-1", "act": "zero", "share": "3%", "needed": "-"},
            "对 n-1 还不能采取“票数清零（zero）”：被暂扣或剔除的选票占 3%，处置阶梯要求 -。",
            (
                "counting none of its papers (zero) is not open against n-1: 3% of the papers are held or invalidated, "
                "the ladder asks for -."
            ),
        ),
        (
            "ROLE_UNKNOWN",
            {"role": "boss", "known": "operator, department:tax"},
            "本评选办法没有角色 boss；可授的角色为经办人（operator）、部门（department:tax）。",
            "The programme has no role boss; its roles are operator, department:tax.",
        ),
        (
            "EXTENSION_NEEDS_HIGHER_AUTHORITY",
            {"step": "review", "seen": "expert", "authority": "officer / body:council @ 51", "actor": "s-1"},
            "review 延期前评分已揭晓（expert）：须由上级推荐单位人员（officer）或审定机构（body:council） @ 51 两人办理，s-1 不在其列。",
            (
                "Scores have been seen (expert): extending review takes two people of officer / body:council @ 51; "
                "s-1 is none of them."
            ),
        ),
        (
            "STAGE_CLOSED",
            {"step": "cycle/x.1/intake/county", "closed_at": "2026-05-08 16:00:00+00:00"},
            "县申报期（cycle/x.1/intake/county） 已于 北京时间 2026-05-09 00:00:00 截止。",
            "the intake of the county (cycle/x.1/intake/county) closed at 2026-05-09 00:00:00 Beijing time.",
        ),
        (
            "SHARES_NOT_WHOLE",
            {"total": "a member is named twice"},
            "成员份额合计应恰为 100%：有成员列了两次。",
            "The members' shares must be a whole, each member once: a member is named twice.",
        ),
        (
            "FACTS_INVALID",
            {"fault": "years: 'ten' is not a integer"},
            "申报事项有误：years：'ten' 不是整数。",
            "A fact is wrong: years: 'ten' is not a integer.",
        ),
        (
            "FACTS_INVALID",
            {"fault": "age: not declared by the programme"},
            "申报事项有误：age：办法未设此项。",
            "A fact is wrong: age: not declared by the programme.",
        ),
        (
            "POINTS_INVALID",
            {"fault": "earned_on 2026-05-09 is after 2026-05-08"},
            "积分有误：earned_on 2026-05-09 晚于 2026-05-08。",
            "The points are wrong: earned_on 2026-05-09 is after 2026-05-08.",
        ),
        ("NOT_FOUND", {"what": "subject ab12"}, "找不到 对象 ab12。", "There is no subject ab12."),
        ("NOT_FOUND", {"what": "cycle/x.1"}, "找不到 cycle/x.1。", "There is no cycle/x.1."),
        (
            "CONFERRAL_BLOCKED",
            {"nominations": "n-1 gold: INELIGIBLE craft, age; n-2 gold: TITLE_HELD"},
            (
                "以下命名不符合规定，整批不予命名：n-1 gold：不符合资格条件（INELIGIBLE craft, age）；"
                "n-2 gold：已有此称号（TITLE_HELD）；请先办理取消资格、撤回或破格。"
            ),
            (
                "These may not be conferred, so none is: n-1 gold: not eligible (INELIGIBLE craft, age); "
                "n-2 gold: holds the title already (TITLE_HELD); "
                "disqualify, withdraw or waive first."
            ),
        ),
        (
            "AWAITING_CORRECTION",
            {"reason": SEALED},
            "已退回补正：（见保管库）。",
            "It was returned for correction: (in the vault).",
        ),
    ],
)
def test_a_refusal_in_both_languages(code: str, facts: dict[str, Any], zh: str, en: str) -> None:
    refusal = Refused(code, **facts)
    assert (refusal.message("zh"), refusal.message("en")) == (zh, en)
    assert refusal.facts == facts, "programs read what was raised"


def test_every_command_and_every_act_that_needs_a_grant_has_words() -> None:
    kinds = {body.model_fields["kind"].default for body in get_args(get_args(Body)[0])}
    assert ROLES.keys() <= kinds
    assert ACT_WORDS.keys() == kinds | OTHER_ACTS


def test_every_kind_of_step_subject_rank_and_act_against_stuffing_has_words() -> None:
    steps = {step.model_fields["type"].default for step in get_args(get_args(Step)[0])}
    assert steps <= STEP_WORDS.keys()
    assert RANK_WORDS.keys() == set(Rank)
    assert SUBJECT_WORDS.keys() == set(SubjectType)
    assert LADDER_WORDS.keys() == set(get_args(LadderStep.model_fields["act"].annotation))
