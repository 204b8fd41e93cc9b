"""What identifiers are called in front of people, in 中文 and English; errors and the terminal tell them by these."""

from __future__ import annotations

import re

CYCLE_WORDS: dict[str, tuple[str, str]] = {
    "new": ("未开启", "not opened"),
    "open": ("进行中", "open"),
    "paused": ("已暂停", "paused"),
    "cancelled": ("已取消", "cancelled"),
    "completed": ("已完成", "completed"),
}
"""How a cycle stands."""

STATUS_WORDS: dict[str, tuple[str, str]] = {
    "open": ("评选中", "still in it"),
    "returned": ("已退回，待补正", "returned, awaiting correction"),
    "rejected": ("不予推荐", "rejected"),
    "withdrawn": ("已撤回", "withdrawn"),
    "disqualified": ("已取消资格", "disqualified"),
    "eliminated": ("落选", "not selected"),
    "conferred": ("获得命名", "conferred"),
    "recommended": ("已推荐上报", "recommended"),
}
"""How a nomination stands."""

TITLE_WORDS: dict[str, tuple[str, str]] = {
    "new": ("尚未授予", "not conferred"),
    "active": ("有效", "in force"),
    "expired": ("已到期", "expired"),
    "revocation_proposed": ("已提议撤销", "proposed for revocation"),
    "revocation_heard": ("已听取本人意见，待决定是否撤销", "awaiting the decision on its revocation"),
    "revoked": ("已撤销", "revoked"),
    "revocation_appealed": ("申诉中", "under appeal"),
    "delisted": ("已摘牌", "delisted"),
}
"""How a title stands."""

_WITHHELD_WORDS: dict[str, tuple[str, str]] = TITLE_WORDS | {
    "leader left": ("领衔人已离开", "leader left"),
    "shares not agreed": ("成员份额尚未约定", "shares not agreed"),
}


def withheld_words(why: str) -> tuple[str, str]:
    """Why a reward is not paid now, as `domain.title` says it."""
    if failed := re.fullmatch(r"assessment of year (\d+) not passed", why):
        return f"第 {failed[1]} 年考核未合格", why
    return _WITHHELD_WORDS.get(why, (why, why))


ACT_WORDS: dict[str, tuple[str, str]] = {
    "open_cycle": ("开启一届", "opening a cycle"),
    "extend_intake": ("延长申报期", "extending the intake"),
    "close_intake_early": ("提前截止申报", "closing the intake early"),
    "redistribute_quota": ("调剂名额", "moving places between units"),
    "close_intake": ("截止申报", "closing the intake"),
    "pause_cycle": ("暂停本届", "pausing the cycle"),
    "resume_cycle": ("恢复本届", "resuming the cycle"),
    "cancel_cycle": ("取消本届", "cancelling the cycle"),
    "amend_rules": ("修改规则", "amending the rules"),
    "extend_calendar": ("补充工作日历", "adding years to the calendar"),
    "complete_cycle": ("完成本届", "completing the cycle"),
    "give_grants": ("授权", "giving grants"),
    "revoke_grant": ("撤销授权", "revoking a grant"),
    "submit": ("提交申报", "submitting a nomination"),
    "change_team": ("变更成员", "changing the members"),
    "endorse": ("同意推荐", "endorsing"),
    "return": ("退回补正", "returning for correction"),
    "correct": ("补正", "correcting a nomination"),
    "reject": ("不予推荐", "rejecting"),
    "withdraw": ("撤回", "withdrawing"),
    "object": ("提出异议", "an objection"),
    "reopen_vetting": ("部门事后提出反对", "reopening the vetting"),
    "rule": ("裁定异议", "ruling on an objection"),
    "note_death": ("登记逝世", "noting a death"),
    "note_transfer": ("登记调动", "noting a transfer"),
    "waive_predicate": ("破格", "waiving a predicate"),
    "disqualify": ("取消资格", "disqualifying"),
    "outcome": ("告知评审结果", "telling a nomination its outcome"),
    "open_round": ("开启评审轮", "opening a round"),
    "freeze_pool": ("锁定名单", "freezing the pool"),
    "amend_recommendation": ("递补推荐名单", "amending a recommendation"),
    "open_step": ("开始环节", "opening a step"),
    "close_step": ("结束环节", "closing a step"),
    "rearm_step": ("重设环节期限", "setting a step's window again"),
    "seal_tally": ("封存计票", "sealing the tally"),
    "publish_counts": ("发布阶段票数", "publishing provisional counts"),
    "screen_votes": ("筛查刷票", "screening votes"),
    "hold_votes": ("暂扣选票", "holding votes"),
    "invalidate_votes": ("剔除选票", "invalidating votes"),
    "release_votes": ("放行选票", "releasing votes"),
    "freeze_votes": ("冻结投票", "freezing votes"),
    "unfreeze_votes": ("解除冻结", "unfreezing votes"),
    "report_round": ("评审轮上报", "reporting a round"),
    "lapse_round": ("评审轮失效", "letting a round lapse"),
    "pause_round": ("暂停评审轮", "pausing a round"),
    "resume_round": ("恢复评审轮", "resuming a round"),
    "cancel_round": ("取消评审轮", "cancelling a round"),
    "extend_reports": ("延长上报期限", "giving more time to report"),
    "form_panel": ("组成评委", "forming a panel"),
    "replace_judge": ("更换评委", "replacing a judge"),
    "recuse": ("回避", "recusing oneself"),
    "draw_panel": ("抽签产生评委", "drawing a panel"),
    "name_chair": ("指定组长与秘书", "naming a chair"),
    "declare_ties": ("申报评委的利害关系", "declaring ties of judges"),
    "hand_in_sheet": ("提交评分表", "handing in a score sheet"),
    "enter_sheet": ("录入评分表", "entering a score sheet"),
    "record_congress": ("登记职代会表决", "recording a workers' congress"),
    "record_attendance": ("登记集中培训", "recording attendance"),
    "report_change": ("报告公示内容变更", "reporting a change"),
    "request_clearance": ("重新征求意见", "asking departments again"),
    "reply_clearance": ("部门回复", "a department's reply"),
    "resolve_tie": ("裁定并列", "resolving a tie"),
    "waive_differential": ("免予差额", "waiving the differential"),
    "waive_rules": ("免予适用规则", "waiving rules"),
    "extend_step": ("延长环节期限", "extending a step"),
    "close_early": ("提前结束环节", "closing a step early"),
    "decide": ("审定", "the decision on a list"),
    "confer": ("命名", "conferring titles"),
    "confer_title": ("授予称号", "beginning a title"),
    "record_honour": ("录入外部荣誉", "recording an honour of elsewhere"),
    "assess_title": ("年度考核", "an assessment"),
    "agree_shares": ("约定成员份额", "agreeing on members' shares"),
    "leader_left": ("登记领衔人离开", "noting that the leader left"),
    "replace_leader": ("更换领衔人", "replacing the leader"),
    "pay_reward": ("发放奖励", "paying a reward"),
    "recover_rewards": ("追缴奖励", "recovering rewards"),
    "propose_revocation": ("提议撤销命名", "proposing to revoke it"),
    "hear_holder": ("听取本人意见", "hearing the holder"),
    "decide_revocation": ("决定撤销命名", "deciding on its revocation"),
    "appeal_revocation": ("申诉", "an appeal"),
    "rule_on_appeal": ("裁定申诉", "ruling on an appeal"),
    "delist_title": ("摘牌", "delisting"),
    "add_points": ("记分", "adding points"),
    "enter_register": ("入库", "entering a batch in the register"),
    "leave_register": ("出库", "leaving the register"),
    "pair_members": ("结对", "pairing members"),
    "record_outcome": ("登记外部结果", "recording an outcome of elsewhere"),
    "note_export": ("导出个人信息", "noting an export of personal data"),
    "hold_person": ("留存个人信息", "holding personal data"),
    "release_person": ("解除留存", "releasing personal data"),
    "erase_person": ("销毁个人信息", "erasing personal data"),
    "export": ("导出含姓名的表", "exporting papers with names"),
    "privacy read": ("查阅保管库中的文字", "reading words in the vault"),
}
"""What people and the engine do, by the command's kind; and what is no command, but needs a grant (`OTHER_ACTS`)."""

OTHER_ACTS = frozenset(("export", "privacy read"))

ROLE_WORDS: dict[str, str] = {
    "operator": "经办人",
    "officer": "推荐单位人员",
    "handler": "异议受理人",
    "judge": "评委",
    "scorekeeper": "计分员",
    "finance": "财务人员",
    "association": "行业协会",
    "department": "部门",
    "body": "审定机构",
    "applicant": "申报人",
    "public": "异议人",
    "engine": "系统",
}
"""A role in 中文, by what stands before its colon; in English, as in a grant, it is called by its id."""

STEP_WORDS: dict[str, tuple[str, str]] = {
    "intake": ("受理", "intake"),
    "pool": ("名单锁定", "pool"),
    "report": ("上报", "report"),
    "eligibility": ("资格审查", "eligibility"),
    "endorsement": ("单位推荐", "endorsement"),
    "clearance": ("征求部门意见", "clearance"),
    "congress": ("职代会", "workers' congress"),
    "expert_review": ("专家评审", "expert review"),
    "public_vote": ("大众票选", "public vote"),
    "selection": ("遴选", "selection"),
    "publicity": ("公示", "publicity"),
    "training": ("集中培训", "training"),
    "decision": ("审定", "decision"),
    "conferral": ("命名", "conferral"),
}
"""The kinds of step, and the two moments of a round that are none."""

RANK_WORDS: dict[str, tuple[str, str]] = {
    "enterprise": ("企业", "enterprise"),
    "township": ("乡镇街道", "township"),
    "county": ("县", "county"),
    "prefecture": ("市州", "prefecture"),
    "province": ("省", "province"),
    "nation": ("全国", "nation"),
    "industry_union": ("产业工会", "industry union"),
}

CHANNEL_WORDS: dict[str, tuple[str, str]] = {
    "unit": ("单位推荐", "the unit"),
    "self": ("个人自荐", "oneself"),
    "joint": ("联名推荐", "joint sponsors"),
    "association": ("行业协会推荐", "an association"),
    "feed": ("前期获奖", "an earlier award"),
}

SUBJECT_WORDS: dict[str, tuple[str, str]] = {
    "person": ("个人", "person"),
    "team": ("团队", "team"),
    "work_team": ("班组", "work team"),
    "organisation": ("单位", "organisation"),
    "studio": ("工作室", "studio"),
    "project": ("项目", "project"),
    "work": ("作品", "work"),
    "site": ("阵地", "site"),
    "event": ("活动", "event"),
}

RULING_WORDS: dict[str, tuple[str, str]] = {
    "upheld": ("成立", "upheld"),
    "dismissed": ("不成立", "dismissed"),
    "open": ("尚未裁定", "not ruled on yet"),
}
"""How an objection was ruled on."""

LADDER_WORDS: dict[str, tuple[str, str]] = {
    "freeze": ("冻结", "freezing its votes"),
    "invalidate": ("剔除选票", "invalidating its papers"),
    "zero": ("票数清零", "counting none of its papers"),
    "disqualify": ("取消资格", "disqualifying"),
}
"""What is done about stuffed votes, by its name on a programme's ladder."""

BLOCK_WORDS: dict[str, tuple[str, str]] = {
    "BARRED": ("称号被撤销后尚在禁止申报期内", "barred after a revocation"),
    "NOT_IN_POOL": ("不在来源范围", "not in the pool that the title draws from"),
    "TITLE_HELD": ("已有此称号", "holds the title already"),
    "EXCLUSIVE": ("与另一称号不可兼得", "not beside another title"),
    "REQUIRES": ("缺少所要求的称号", "lacks a title that is required"),
    "INELIGIBLE": ("不符合资格条件", "not eligible"),
}
"""Why a title may not be conferred, by the code that the reason begins with."""

PLACE_WORDS: dict[str, tuple[str, str]] = {
    "subject": ("对象", "subject"),
    "ballot": ("投票", "ballot"),
    "receipt": ("回执", "receipt"),
    "document": ("文件", "document"),
    "checkpoint": ("检查点", "checkpoint"),
    "vault entry": ("保管库条目", "vault entry"),
    "external title": ("外部荣誉", "external title"),
    "register:": ("登记库：", "register:"),
}
"""What was looked for and not found, where it is not an address."""
