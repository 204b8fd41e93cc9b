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


TITLE_ACT_WORDS: dict[str, tuple[str, str]] = {
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
}
"""What people do to a title, by the command's kind."""

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
