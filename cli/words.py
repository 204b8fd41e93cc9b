"""How the log's events, and why somebody left, are called in front of people, in Chinese and English."""

from __future__ import annotations

import re

from runtime.settings import Language
from schemas.events import KEPT_OUT
from schemas.sealed import opened
from schemas.words import (
    CHANNEL_WORDS,
    CYCLE_WORDS,
    RANK_WORDS,
    ROLE_WORDS,
    RULING_WORDS,
    STATUS_WORDS,
    STEP_WORDS,
    TITLE_WORDS,
    withheld_words,
)

# By type, in 中文 and English.
EVENT_WORDS: dict[str, tuple[str, str]] = {
    "ActProposed": ("提出（待第二人确认）", "proposed, awaiting a second person"),
    "ActSeconded": ("第二人确认", "confirmed by a second person"),
    "CycleOpened": ("本届开启", "cycle opened"),
    "IntakeExtended": ("申报期延长", "intake extended"),
    "IntakeShortened": ("申报提前截止", "intake closed early"),
    "QuotaRedistributed": ("名额调剂", "places redistributed"),
    "IntakeClosed": ("申报截止", "intake closed"),
    "WinnersTaken": ("接收各期优胜者", "winners of other cycles taken"),
    "PointsPinned": ("积分锁定", "points pinned"),
    "PersonErased": ("个人信息已销毁", "personal data erased"),
    "PersonHeld": ("个人信息留存", "personal data held"),
    "PersonReleased": ("解除留存", "personal data released"),
    "PointsAdded": ("记分", "points added"),
    "MembersEntered": ("入库", "entered the register"),
    "MemberLeft": ("出库", "left the register"),
    "MembersPaired": ("结对", "paired"),
    "PersonalDataExported": ("导出个人信息", "personal data exported"),
    "OutcomeRecorded": ("登记外部结果", "outcome of elsewhere recorded"),
    "CyclePaused": ("本届暂停", "cycle paused"),
    "CycleResumed": ("本届恢复", "cycle resumed"),
    "CycleCancelled": ("本届取消", "cycle cancelled"),
    "RulesAmended": ("规则修改", "rules amended"),
    "CalendarExtended": ("工作日历补充", "calendar extended"),
    "BallotKeysDestroyed": ("投票密钥销毁", "ballot keys destroyed"),
    "CycleCompleted": ("本届完成", "cycle completed"),
    "GrantsGiven": ("授权", "grants given"),
    "GrantRevoked": ("撤销授权", "grant revoked"),
    "NominationSubmitted": ("申报提交", "nomination submitted"),
    "TeamChanged": ("成员变更", "members changed"),
    "NominationEndorsed": ("同意推荐", "endorsed"),
    "NominationReturned": ("退回补正", "returned for correction"),
    "NominationCorrected": ("补正", "corrected"),
    "NominationRejected": ("不予推荐", "rejected"),
    "NominationWithdrawn": ("撤回", "withdrawn"),
    "ObjectionFiled": ("提出异议", "objection filed"),
    "ObjectionMerged": ("异议并案", "objection merged"),
    "VettingReopened": ("部门事后提出反对", "vetting reopened"),
    "RevocationLeadRecorded": ("撤销线索", "lead to revocation"),
    "ObjectionRefused": ("异议未予受理，存档备查", "objection refused, kept as a lead"),
    "ObjectionRuled": ("异议裁定", "objection ruled on"),
    "NominationDisqualified": ("取消资格", "disqualified"),
    "NominationAdvanced": ("推荐上报", "recommended upward"),
    "NominationEliminated": ("未入选", "eliminated"),
    "NominationConferred": ("获得命名", "title conferred"),
    "RoundOpened": ("评审轮开启", "round opened"),
    "PoolFrozen": ("名单锁定", "pool frozen"),
    "StepOpened": ("环节开始", "step opened"),
    "StepExtended": ("环节延期", "step extended"),
    "EligibilityChecked": ("资格审查", "eligibility checked"),
    "StepHeld": ("环节暂缓，待人处理", "step held for a person"),
    "StepClosed": ("环节结束", "step closed"),
    "MembersOut": ("退出评审", "members out"),
    "SubjectsHeld": ("有异议者暂缓", "subjects held"),
    "SessionInvalidated": ("人数不足，会议无效", "session invalid"),
    "PanelFormed": ("评委组成", "panel formed"),
    "PanelDrawn": ("抽签产生评委", "panel drawn by lot"),
    "ChairNamed": ("指定组长与秘书", "chair named"),
    "JudgeReplaced": ("更换评委", "judge replaced"),
    "JudgeRecused": ("评委回避", "judge recused"),
    "SheetHandedIn": ("评分表提交", "score sheet handed in"),
    "SheetEntered": ("计分员录入", "sheet entered"),
    "SheetDiscrepancy": ("录入不一致", "entries differ"),
    "PanelClosed": ("评审结果", "panel's result"),
    "ClearanceReplied": ("部门回复", "department replied"),
    "ClearanceRequested": ("重新征求意见", "clearance asked again"),
    "FastTracked": ("经绿色通道免经", "passed by on a fast track"),
    "AttendanceRecorded": ("集中培训登记", "attendance recorded"),
    "CongressRecorded": ("职代会表决登记", "congress recorded"),
    "BallotOpened": ("大众票选开启", "public vote opened"),
    "AdjudicationOpened": ("选票核查期", "papers are looked into"),
    "CountsPublished": ("发布阶段票数", "provisional counts published"),
    "ScreeningAsked": ("要求筛查刷票", "screening asked for"),
    "VotesScreened": ("刷票筛查完成", "votes screened"),
    "VotesHeld": ("选票暂扣", "votes held"),
    "VotesReleased": ("选票放行", "votes released"),
    "VotesFrozen": ("投票冻结", "votes frozen"),
    "VotesUnfrozen": ("解除冻结", "votes unfrozen"),
    "AdjudicationClosed": ("核查期满", "papers have been looked into"),
    "VotesInvalidated": ("选票剔除", "votes invalidated"),
    "TallySealed": ("计票封存", "tally sealed"),
    "SelectionMade": ("遴选", "selection made"),
    "TieResolved": ("并列裁定", "tie resolved"),
    "DifferentialWaived": ("免予差额", "differential waived"),
    "RulesWaived": ("免予适用规则", "rules waived"),
    "ListPublished": ("公示", "list published"),
    "ChangeReported": ("公示内容变更", "change reported"),
    "Substituted": ("递补", "substituted"),
    "DecisionTaken": ("审定", "decision taken"),
    "TitlesConferred": ("命名", "titles conferred"),
    "RoundReported": ("评审轮上报", "round reported"),
    "RecommendationAmended": ("推荐名单递补", "recommendation amended"),
    "DeathNoted": ("申报对象逝世", "death noted"),
    "TransferNoted": ("调动", "transfer noted"),
    "PredicateWaived": ("破格", "predicate waived"),
    "TitleConferred": ("称号授予", "title begun"),
    "HonourRecorded": ("外部荣誉录入", "honour of elsewhere recorded"),
    "TitleAssessed": ("年度考核", "assessed"),
    "SharesAgreed": ("成员份额", "members' shares agreed"),
    "LeaderLeft": ("领衔人离开", "leader left"),
    "LeaderReplaced": ("更换领衔人", "leader replaced"),
    "RewardPaid": ("奖励发放", "reward paid"),
    "EntitlementIssued": ("礼遇发出", "entitlement issued"),
    "RewardRecovered": ("追缴", "reward recovered"),
    "RevocationProposed": ("提议撤销命名", "revocation proposed"),
    "RevocationHeard": ("听取本人意见", "holder heard"),
    "RevocationDecided": ("撤销决定", "revocation decided"),
    "RevocationAppealed": ("申诉", "appealed"),
    "AppealRuled": ("申诉裁定", "appeal ruled on"),
    "TitleDelisted": ("摘牌", "delisted"),
    "ReportsExtended": ("上报期限延长", "more time to report"),
    "RoundPaused": ("评审轮暂停", "round paused"),
    "RoundResumed": ("评审轮恢复", "round resumed"),
    "RoundLapsed": ("评审轮失效", "round lapsed"),
}

EVERY_WORDS: dict[str, tuple[str, str]] = {
    "1y": ("每年", "every year"),
    "2y": ("每两年", "every two years"),
    "3y": ("每三年", "every three years"),
    "quarter": ("每季", "every quarter"),
    "month": ("每月", "every month"),
}
"""How often a programme opens by itself."""

REWARD_WORDS: dict[str, tuple[str, str]] = {
    "due": ("应发", "due"),
    "paid": ("已发", "paid"),
    "withheld": ("暂缓", "withheld"),
}
"""How a period of a reward stands."""

HOLD_WORDS: dict[str, tuple[str, str]] = {
    "TIE_UNRESOLVED": ("并列待裁定", "a tie to resolve"),
    "DIFFERENTIAL_UNMET": ("未达差额", "too few candidates for the differential"),
    "RULES_INFEASIBLE": ("规则不能同时满足", "no list keeps the rules"),
    "RULES_BROKEN": ("名单不符合比例要求", "the list does not keep the rules"),
    "TOO_MANY_CANDIDATES": ("候选人过多", "too many candidates for a ballot"),
    "QUORUM_UNMET": ("未达法定人数", "no quorum"),
    "CHAIR_MISSING": ("未指定组长", "no chair"),
    "CONGRESS_UNRECORDED": ("职代会表决未登记", "the workers' congress is not recorded"),
    "TRAINING_UNRECORDED": ("集中培训未登记", "the training is not recorded"),
    "SCORES_MISSING": ("有效评分不足", "too few marks"),
    "TOO_FEW_TO_TRIM": ("评分不足以去掉高低分", "too few marks to trim"),
    "CLEARANCE_PENDING": ("部门尚未答复", "departments have not answered"),
    "CLEARANCE_EXPIRED": ("部门意见已过有效期或未征求", "departments' answers ran out or were not asked for"),
    "OBJECTION_OPEN": ("异议尚未裁定", "an objection is not ruled on"),
    "ROUND_PAUSED": ("已暂停", "paused"),
    "DECISION_OVERDUE": ("审定逾期", "the decision is overdue"),
    "CONFERRAL_OVERDUE": ("命名逾期", "the conferral is overdue"),
}
"""Why a round waits for a person; what to do about it is in the runbook, by the code."""

MARK_WORDS: dict[str, tuple[str, str]] = {
    "NOT_A_MEMBER": ("不在本轮", "not in the round"),
    "PASSED_BY": ("经绿色通道免经此环节", "passes the step by"),
    "NOT_IN_GROUP": ("不在该评委的评审组", "not of the judge's group"),
    "RECUSED": ("已回避", "recused"),
    "VOTE_MISSING": ("缺少表决意见", "no vote"),
    "CRITERIA_MISSING": ("未逐项评分", "not one score for each criterion"),
    "SCORE_NOT_A_NUMBER": ("评分不是数字", "not a number"),
    "SCORE_OUT_OF_RANGE": ("评分超出范围", "off the scale"),
    "SCORE_NOT_A_STEP": ("评分不合分档", "not on the scale's steps"),
}
"""Why a judge's mark does not count (DR-16)."""

METHOD_WORDS: dict[str, tuple[str, str]] = {
    "trimmed": ("去掉高低分的平均分", "trimmed mean"),
    "plain": ("平均分", "mean"),
    "vote": ("表决", "vote"),
}
"""How a panel's result came about."""

GATE_WORDS: dict[str, tuple[str, str]] = {
    "open": ("投票中", "open"),
    "paused": ("已暂停", "paused"),
    "closed": ("已截止", "closed"),
}
"""How a vote stands, as its gate says."""

OUT_WORDS: dict[str, tuple[str, str]] = {
    "INELIGIBLE": ("不符合资格条件", "not eligible"),
    "NOT_SELECTED": ("名次在名额之外", "ranked below the seats"),
    "NOT_ENDORSED": ("期满未获推荐", "not endorsed in time"),
    "CLEARANCE_OBJECTED": ("部门意见反对", "a department objected"),
    "CLEARANCE_SILENT": ("部门未回复", "a department did not reply"),
    "CONGRESS_NOT_PASSED": ("职代会未通过", "the workers' congress did not pass it"),
    "CONGRESS_WITHOUT_QUORUM": ("职代会未达到会人数", "the workers' congress had no quorum"),
    "NOT_TRAINED": ("未参加集中培训", "did not attend the training"),
    "VOTE_NOT_PASSED": ("表决未通过", "the vote did not pass"),
    "VOTES_STUFFED": ("因刷票取消资格", "disqualified for stuffed votes"),
    "NO_GRADE_LEFT": ("称号名额已满", "no seat of any title left"),
    "RESERVE_LAPSED": ("候补未递补", "in reserve, not needed"),
    "COMPOSITION": ("为保持构成比例退出", "left for the composition of the list"),
    "NOT_COMPLETED": ("逾期未补正", "not completed in time"),
    "NOT_IN_POOL": ("不在来源范围", "not in the pool that this level draws from"),
    "HELD_AT_CUT_OFF": ("截止时异议未决", "held by an objection at the cut-off"),
    "ROUND_LAPSED": ("评审轮失效", "its round lapsed"),
    "REJECTED": ("不予推荐", "rejected"),
    "RETURNED": ("退回未补正", "returned and not corrected"),
    "ELIMINATED": ("已淘汰", "eliminated"),
    "WITHDRAWN": ("撤回", "withdrawn"),
    "DISQUALIFIED": ("取消资格", "disqualified"),
    "SUBSTITUTED": ("退出名单，有候补的由其递补", "left the list; the reserve fills the seat where it can"),
}
"""Why somebody left a round, by the code that the reason begins with."""

LIMIT_WORDS: dict[str, tuple[str, str]] = {
    "times_max": ("递补次数已满", "the reserve came in as often as it may"),
    "within": ("已过递补期限", "it was too late for a substitution"),
    "after_vetting": ("因审查未通过而空缺", "who fails the vetting is not replaced"),
}
"""Which limit of the programme kept the reserve out of a seat (DR-31)."""


def limit_words(limit: str, language: Language) -> str:
    return _pick(LIMIT_WORDS, limit, language)


def told_words(text: str, language: Language) -> str:
    """A reason or ground; where the words lie in the vault, that they do (`privacy read` shows them to who may)."""
    said: str = opened(text, lambda _: "（见保管库）" if language is Language.ZH else "(in the vault)")
    return said


def out_words(reason: str, language: Language) -> str:
    """The words for a reason that begins with a code, whose details are in the log; a reason in words as it is."""
    code, rules = reason.partition(":")[0], reason.partition(KEPT_OUT)[2]
    if rules and reason.startswith("NOT_SELECTED"):
        return f"受规则 {rules} 限制" if language is Language.ZH else f"kept out by the rules {rules}"
    return _pick(OUT_WORDS, code, language) if code in OUT_WORDS else told_words(reason, language)


def event_words(type_: str, language: Language) -> str:
    """The words for an event's type; the type itself where newer code wrote it."""
    return _pick(EVENT_WORDS, type_, language)


def cycle_words(status: str, language: Language) -> str:
    return _pick(CYCLE_WORDS, status, language)


def every_words(every: str, language: Language) -> str:
    return _pick(EVERY_WORDS, every, language)


def gate_words(status: str, language: Language) -> str:
    return _pick(GATE_WORDS, status, language)


def status_words(status: str, language: Language) -> str:
    return _pick(STATUS_WORDS, status, language)


def beside(words: str, more: str, language: Language) -> str:
    """Words, and more in brackets."""
    return f"{words}（{more}）" if language is Language.ZH else f"{words} ({more})"


def hold_words(code: str, language: Language) -> str:
    """Why a round waits, and the code, or both codes where it is paused as well."""
    words = ("，" if language is Language.ZH else ", ").join(
        _pick(HOLD_WORDS, one, language) for one in code.split()
    )
    return beside(words, code, language)


def mark_words(code: str, language: Language) -> str:
    """Why a mark does not count, and the code."""
    words = _pick(MARK_WORDS, code, language)
    return code if words == code else beside(words, code, language)


def method_words(method: str, language: Language) -> str:
    return _pick(METHOD_WORDS, method, language)


def day_count_words(told: str, language: Language) -> str:
    """How a notice counts its days; the event has it as the notice prints it, in 中文."""
    found = re.fullmatch(r"(\d+)个(工作日|自然日)（(不?)含发布当日）", told)
    if language is Language.ZH or found is None:
        return told
    unit = "work" if found[2] == "工作日" else "natural"
    return f"{found[1]} {unit} days, {'not ' if found[3] else ''}counting the day of publication"


def role_words(role: str, language: Language) -> str:
    """A role in words, with whose it is where it is of one department or body; in English its id, as in a grant."""
    kind, colon, whose = role.partition(":")
    return f"{ROLE_WORDS.get(kind, kind)}{colon}{whose}" if language is Language.ZH else role


def ruling_words(outcome: str, language: Language) -> str:
    return _pick(RULING_WORDS, outcome, language)


def title_words(status: str, language: Language) -> str:
    return _pick(TITLE_WORDS, status, language)


def reward_words(status: str, language: Language) -> str:
    """`due`, `paid`, or `withheld: ` and why."""
    stands, _, why = status.partition(": ")
    said = _pick(REWARD_WORDS, stands, language)
    if not why:
        return said
    return (
        f"{said}：{withheld_words(why)[0]}"
        if language is Language.ZH
        else f"{said}: {withheld_words(why)[1]}"
    )


def step_words(type_: str, language: Language) -> str:
    """The words for a kind of step; an id that is no kind as it is."""
    return _pick(STEP_WORDS, type_, language)


def rank_words(rank: str, language: Language) -> str:
    return _pick(RANK_WORDS, rank, language)


def channel_words(channel: str, language: Language) -> str:
    return _pick(CHANNEL_WORDS, channel, language)


def _pick(words: dict[str, tuple[str, str]], key: str, language: Language) -> str:
    zh, en = words.get(key, (key, key))
    return zh if language is Language.ZH else en
