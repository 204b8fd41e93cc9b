"""Every error that a person or a program can meet, split by blame.

EngineError
├── Refused      a rule said no; nothing was written           exit 1
├── BadUsage     the command line is off                       exit 2
├── BadFile      a file that somebody wrote has faults         exit 3
├── Conflict     somebody was faster, or a key was reused      exit 4
├── Unavailable  a server is away; the same call may be tried  exit 5
└── Integrity    the log is not what it must be                exit 6
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any, ClassVar

from schemas.sealed import opened
from schemas.told import FACTS_TOLD, beside_role
from schemas.values import SHANGHAI

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")

# code: (中文, English); `{name}` is filled from the error's facts.
CATALOGUE: dict[str, tuple[str, str]] = {
    # authority
    "NOT_AUTHORISED": (
        "{actor} 无权对 {unit} 办理“{action}”；请由{roles}办理。",
        "{actor} holds no grant for {action} on {unit}; ask {roles}.",
    ),
    "ROLE_UNKNOWN": (
        "本评选办法没有角色 {role}；可授的角色为{known}。",
        "The programme has no role {role}; its roles are {known}.",
    ),
    "LAST_OPERATOR": (
        "{grant} 是最后一名经办人的授权，不能撤销；请先授予他人。",
        "{grant} is the last operator's grant and stays: give one to somebody else first.",
    ),
    "ALREADY_ON_PANEL": ("{actor} 已是本轮评委。", "{actor} is on this round's panel already."),
    "NOT_ON_PANEL": ("{actor} 不是本轮评委。", "{actor} is not on this round's panel."),
    "NOT_IN_GROUP": (
        "{actor} 不在 {nomination} 所在的评审组。",
        "{actor} is not of the group that judges {nomination}.",
    ),
    "RECUSED": (
        "{actor} 已对 {nomination} 回避，不得评审。",
        "{actor} is recused from {nomination} and may not judge it.",
    ),
    "SECOND_PERSON_REQUIRED": (
        "此事须由两人办理：{actor} 已提出，须另一人确认。",
        "This act takes two people: {actor} proposed it, another person must confirm.",
    ),
    # time and place
    "STAGE_CLOSED": ("{step} 已于 {closed_at} 截止。", "{step} closed at {closed_at}."),
    "STAGE_MISMATCH": (
        "当前环节：{current}；不能办理“{action}”。",
        "The current step is {current}; {action} does not belong to it.",
    ),
    "ROUND_NOT_OPEN": (
        "没有已开启的 {round}；地址为 round/CYCLE/ROUTE/UNIT，各路线交汇处 ROUTE 为 all。",
        "{round} has not opened, if there is one: an address is round/CYCLE/ROUTE/UNIT, `all` where routes meet.",
    ),
    "STAGE_NOT_OPEN": ("{step} 将于 {opens_at} 开始。", "{step} opens at {opens_at}."),
    "CYCLE_PAUSED": ("本届已暂停，恢复后再办理。", "The cycle is paused; try again after it resumes."),
    "ROUND_PAUSED": (
        "{round} 已暂停，恢复后再办理。",
        "{round} is paused; try again after it resumes.",
    ),
    "CYCLE_NOT_OPEN": ("本届未开启或已结束（{status}）。", "The cycle is not open ({status})."),
    "CALENDAR_YEAR_MISSING": (
        "{year} 年的工作日历缺失；请在 {file} 中补充后重试。",
        "There is no work-day calendar for {year}; add it to {file} and try again.",
    ),
    "CALENDAR_DAY_KNOWN": (
        "本届工作日历已有 {day}，不能改动；已定期限确需变更的，请延长相应期限。",
        "The cycle's calendar knows {day}, which stays as it is; where an end must change, extend that period.",
    ),
    # scores
    "SCORE_NOT_A_NUMBER": ("评分“{score}”不是数字。", "The score {score!r} is not a number."),
    "SCORE_OUT_OF_RANGE": (
        "评分 {score} 超出范围 {minimum}–{maximum}。",
        "The score {score} is outside {minimum} to {maximum}.",
    ),
    "SCORE_NOT_A_STEP": (
        "评分 {score} 不符合从 {minimum} 起每 {step} 一档的要求。",
        "The score {score} is not on the steps of {step} from {minimum}.",
    ),
    "WEIGHTS_NOT_WHOLE": (
        "权重合计为 {total}%，应恰为 100%。",
        "The weights add up to {total} %, not exactly 100 %.",
    ),
    "NOT_ON_LIST": (
        "{nomination} 不在本名单的候选人之中。",
        "{nomination} is not among this list's candidates.",
    ),
    "COMPONENT_MISSING": (
        "缺少分项 {component} 的结果。",
        "There is no result for the component {component}.",
    ),
    # store
    "KEY_REUSED": (
        "命令编号 {command_id} 已用于另一内容；请换新的编号。",
        "Command id {command_id} was used for other content; use a new id.",
    ),
    "WRONG_EXPECTED_HEAD": (
        "{stream} 已有更新的记录，请重试。",
        "{stream} has moved on; load it and decide again.",
    ),
    "LOG_BEHIND": (
        "{stream} 缺少已知的第 {seq} 号记录：数据库可能来自旧备份；请停止写入并执行恢复。",
        "{stream} lacks event {seq} that was seen before: the database may be an old backup; stop and recover.",
    ),
    "LOG_BROKEN": (
        "{stream} 第 {seq} 号记录校验不符：{fault}。",
        "{stream} event {seq} does not verify: {fault}.",
    ),
    "EVENT_UNKNOWN": (
        "{stream} 第 {seq} 号记录的类型 {type} 由较新的程序写入，本程序不认识；请升级。",
        "{stream} event {seq} is a {type}, written by newer code than this; upgrade.",
    ),
    "DOCUMENT_UNREADABLE": (
        "本程序读不了固定的文件 {hash}，它由另一版本的程序写入：{fault}。",
        "The pinned document {hash} is not read by this code, as other code wrote it: {fault}.",
    ),
    "STORE_UNAVAILABLE": (
        "数据库暂不可用：{fault}；可用同一编号重试。",
        "The database is away: {fault}; retry with the same command id.",
    ),
    # people's decisions
    "CYCLE_EXISTS": (
        "{cycle} 已开启，内容不同；请使用新的届次。",
        "{cycle} is open already, with other content; use another edition.",
    ),
    "RULES_IN_FORCE": (
        "{ranks}已开始，规则不得修改。",
        "{ranks} has begun: its rules are in force and cannot be amended.",
    ),
    "AMENDMENT_TOO_WIDE": (
        "只能修改尚未开始的层级的环节；{field} 不得改变。",
        "Only the steps of levels that have not begun can be amended; {field} must stay.",
    ),
    "NOTHING_AMENDED": ("规则没有变化。", "The rules are the same."),
    "NOT_AN_EXTENSION": (
        "新的截止时间 {asked} 不晚于 {was}。",
        "The new end {asked} is not later than {was}.",
    ),
    "NOT_EARLIER": (
        "新的截止时间 {asked} 须不早于现在 {now}、早于原截止时间 {was}。",
        "The new end {asked} is not between now, {now}, and the present one, {was}.",
    ),
    "EXTENSION_NEEDS_HIGHER_AUTHORITY": (
        "{step} 延期前评分已揭晓（{seen}）：须由上级{authority} 两人办理，{actor} 不在其列。",
        "Scores have been seen ({seen}): extending {step} takes two people of {authority}; {actor} is none of them.",
    ),
    "NOMINATION_EXISTS": ("申报 {nomination} 已存在。", "Nomination {nomination} exists already."),
    "NOMINATION_OVER": ("{nomination} 已终结（{status}）。", "{nomination} is over ({status})."),
    "NO_INTAKE_HERE": ("{unit}（{rank}）不受理申报。", "{unit} ({rank}) takes no nominations."),
    "CHANNEL_NOT_OPEN": (
        "{unit} 不接受“{channel}”渠道的申报。",
        "{unit} takes no nominations by the channel {channel}.",
    ),
    "TOO_FEW_SPONSORS": (
        "联名须 {needed} 人以上，现 {have} 人。",
        "A joint nomination needs {needed} sponsors, has {have}.",
    ),
    "QUOTA_EXCEEDED": ("{unit} 的名额为 {quota}，已满。", "{unit} may put forward {quota}, and has."),
    "NO_QUOTA": ("{unit} 的名额没有上限，无可调剂。", "{unit} has no quota: there are no places to move."),
    "QUOTA_IN_USE": (
        "{unit} 的名额为 {quota}，已用 {used}，不能调出 {asked}。",
        "{unit} may put forward {quota} and has {used}: it cannot give away {asked}.",
    ),
    "FACTS_INVALID": ("申报事项有误：{fault}。", "A fact is wrong: {fault}."),
    "NO_WAY_UP": ("{unit} 不能经 {route} 逐级上报。", "There is no way up from {unit} by {route}."),
    "RANK_REQUIRED": ("{step} 须给出推荐排序。", "{step} needs a recommendation rank."),
    "RANK_TAKEN": (
        "推荐排序 {rank} 已给 {holder}。",
        "The recommendation rank {rank} is {holder}'s.",
    ),
    "RETURNS_EXHAUSTED": (
        "已退回 {times} 次，不得再退；请推荐或不予推荐。",
        "It was returned {times} time(s) and may not be again: endorse or reject it.",
    ),
    "AWAITING_CORRECTION": ("已退回补正：{reason}。", "It was returned for correction: {reason}."),
    "NOTHING_TO_CORRECT": ("该申报未被退回（{status}）。", "The nomination was not returned ({status})."),
    "OBJECTION_EXISTS": ("异议 {objection} 已受理。", "Objection {objection} is filed already."),
    "OBJECTION_RULED": (
        "异议 {objection} 已裁定（{outcome}）。",
        "Objection {objection} is ruled on already ({outcome}).",
    ),
    "ANONYMOUS_OBJECTION": (
        "异议须实名，匿名的仅在规定允许并附证据时受理；本件未予受理，已存档备查。",
        "An objection must be in one's real name, or with evidence where that is enough: it is refused, and kept as a lead.",
    ),
    "LATE_OBJECTION": (
        "公示期已过，异议未予受理；已存档备查。",
        "The publicity period is over: the objection is refused, and kept as a lead.",
    ),
    "DECIDED_OBJECTION": (
        "评选结果已定，异议不再影响本次结果；已存档备查，可作为撤销线索。",
        "All is decided: the objection holds nothing any more, and is kept as a lead, perhaps to a revocation.",
    ),
    "NOT_PUBLISHED": ("{nomination} 不在公示期内。", "{nomination} is not published."),
    "NOT_A_MEMBER": ("{nomination} 不在 {round}。", "{nomination} is not in {round}."),
    "MEMBERS_UNDECIDED": ("尚有未办结的申报：{nominations}。", "These still wait for a word: {nominations}."),
    "PUBLICITY_NEVER_SHORTENED": (
        "公示期不得缩短：{step} 最早于 {earliest} 结束。",
        "A publicity period is never shortened: {step} ends at {earliest} at the soonest.",
    ),
    "VOTE_NEVER_SHORTENED": (
        "大众票选的投票期是对投票人的承诺，不得缩短（{step}）。",
        "A public vote's window is a promise to voters and is never shortened ({step}).",
    ),
    "ENDS_BY_ITSELF": (
        "{step}（{type}）在有关各方办理后自行结束，不能提前结束。",
        "{step} ({type}) ends by itself once those concerned have acted; it is not closed early.",
    ),
    "SUMMIT_ROUND": (
        "{round} 是最高一级的评审轮，不能单独取消；要终止本届，请由两人 `cycle cancel`。",
        "{round} is the summit's round and is not cancelled by itself: two people end the cycle by `cycle cancel`.",
    ),
    "QUORUM_UNMET": (
        "{step} 已交评分表 {present} 份（评委 {entitled} 人），未达法定人数。",
        "{step} has {present} sheet(s) of {entitled} judges, which is no quorum.",
    ),
    "SCORES_MISSING": (
        "{nominations} 的有效评分不足。",
        "There are too few marks of {nominations}.",
    ),
    "TOO_FEW_TO_TRIM": (
        "{nominations} 的有效评分不足以去掉最高分和最低分。",
        "There are too few marks of {nominations} to drop the highest and the lowest.",
    ),
    "REPLIES_MISSING": (
        "部门对 {nominations} 尚未答复，沉默不视为同意。",
        "Departments have not answered about {nominations}, and silence is not consent.",
    ),
    "TIE_UNRESOLVED": (
        "{nominations} 并列，须先裁定。",
        "{nominations} are tied: resolve that first.",
    ),
    "OBJECTION_OPEN": (
        "对 {nominations} 的异议尚未裁定。",
        "Objections to {nominations} are not ruled on yet.",
    ),
    "PANEL_SIZE": ("评委应为 {needed} 人，现 {have} 人。", "The panel has {needed} judges, not {have}."),
    "GROUP_SIZE": (
        "{group} 组的评委应为 {needed} 人，现 {have} 人。",
        "The group {group} has {needed} judges, not {have}.",
    ),
    "GROUPS_DIFFER": (
        "{step} 的评审组为 {wanted}，所写为 {named}。",
        "{step} judges in the groups {wanted}; named are {named}.",
    ),
    "GROUP_UNPLACED": (
        "{nominations} 的 {fact} 未填，无从分组：请为其（且只为其）指定评审组。",
        "{fact} is not known of {nominations}: say the group of each of them, and of nobody else.",
    ),
    "PANEL_FORMED": ("{step} 的评委已组成。", "The panel of {step} is formed already."),
    "DRAWN_BY_LOT": ("{step} 的评委须抽签产生。", "The panel of {step} is drawn by lot."),
    "POOL_TOO_SMALL": (
        "可抽取的 {kind} 须有 {needed} 人，现 {have} 人。",
        "The pool needs {needed} of {kind}, and has {have}.",
    ),
    "NOT_NEXT_DRAWN": (
        "按抽签次序应由 {next} 递补。",
        "By the order of the draw {next} comes next.",
    ),
    "KEEPER_IS_JUDGE": (
        "{actor} 是本轮评委，不得兼任计分员或秘书。",
        "{actor} is a judge of the panel, and can be neither its scorekeeper nor its secretary.",
    ),
    "SCOREKEEPERS_ENTER": (
        "{step} 的评分由两名计分员分别录入。",
        "The sheets of {step} are entered by two scorekeepers.",
    ),
    "CRITERIA_MISSING": (
        "{nomination} 须逐项评分：{criteria}。",
        "{nomination} needs one score for each criterion: {criteria}.",
    ),
    "RECUSAL_TOO_LATE": (
        "{step} 的结果已用于遴选或公示；请改提异议。",
        "The result of {step} is already selected on or published: file an objection instead.",
    ),
    "RECUSAL_LEAVES_TOO_FEW": (
        "回避后 {nominations} 的有效评分不足；请改提异议。",
        "Without these marks {nominations} would have too few: file an objection instead.",
    ),
    "COUNT_IMPOSSIBLE": (
        "{nomination} 的票数不符：赞成＋反对＋弃权须不超过到会 {present}，到会须不超过应到 {entitled}，且每人只列一次。",
        "The count on {nomination} cannot be: for + against + abstain ≤ {present} present ≤ {entitled} entitled, once each.",
    ),
    "PASSED_BY": (
        "{nomination} 经绿色通道 {fast_track} 免经 {step}，本环节对其无须办理。",
        "On the fast track {fast_track} {nomination} passes {step} by: nothing is asked about it there.",
    ),
    "CONDITION_MISSING": (
        "对 {nomination} 有条件同意的，须写明条件。",
        "A conditional answer on {nomination} says what the condition is.",
    ),
    "CLEARANCE_EXPIRED": (
        "{step} 对 {nominations} 的意见已过有效期、尚待答复或从未征求；请（重新）征求意见。",
        "The answers of {step} on {nominations} have run out, are awaited or were never asked for: `clearance request` them.",
    ),
    "SUBJECTS_HELD": (
        "{nominations} 尚有未裁定的异议；请先裁定，或明确将其留下。",
        "An objection to {nominations} is still open: rule on it, or leave them out explicitly.",
    ),
    "VOTE_MISSING": ("{nomination} 缺少表决意见。", "There is no vote on {nomination}."),
    "NOTHING_TO_RESOLVE": ("{step} 没有待裁定事项。", "{step} waits for nobody's resolution."),
    "TIE_NOT_COVERED": (
        "排序须包括全部并列者，缺 {nominations}。",
        "The order must name all who are tied; it lacks {nominations}.",
    ),
    "DUPLICATE_NOMINATION": (
        "该申报对象本届已由 {existing} 申报。",
        "The subject is in this cycle already, by nomination {existing}.",
    ),
    # titles
    "SEATS_EXCEEDED": (
        "名额 {seats} 个，名单 {wanted} 人，且未经遴选排序：整批不予命名。",
        "There are {seats} seat(s) for {wanted} on a list that no selection ranked: the whole batch is refused.",
    ),
    "RULES_BROKEN": (
        "名单不符合比例要求：{rules}；暂不命名、不上报。可两人以 `waive rules` 免予后再办理。",
        "The list does not keep {rules}: it is neither conferred nor sent on until two people `waive rules`.",
    ),
    "CONFERRAL_BLOCKED": (
        "以下命名不符合规定，整批不予命名：{nominations}；请先办理取消资格、撤回或破格。",
        "These may not be conferred, so none is: {nominations}; disqualify, withdraw or waive first.",
    ),
    "BARRED": (
        "该申报对象的称号曾被撤销，{until} 前不得再次申报。",
        "A title of the subject was revoked: it may not be put forward before {until}.",
    ),
    "TITLE_STATUS": (
        "{title} 当前为“{status}”，不能办理“{action}”。",
        "{title} is {status}: {action} does not belong to that.",
    ),
    "APPEAL_OVER": ("{title} 的申诉已有结论。", "The appeal about {title} has been ruled on."),
    "NOT_YET": ("{what} 须在 {on} 及以后办理。", "{what} is not before {on}."),
    "NO_ASSESSMENT": ("称号 {title} 未规定年度考核。", "The title {title} has no annual assessment."),
    "SHARES_NOT_WHOLE": (
        "成员份额合计应恰为 100%：{total}。",
        "The members' shares must be a whole, each member once: {total}.",
    ),
    "SHARES_IN_USE": (
        "{title} 已按成员份额发放，份额不得改变。",
        "Rewards of {title} were paid by these shares; they cannot change.",
    ),
    "REWARD_WITHHELD": (
        "{item} 第 {period} 期暂不能发放：{why}。",
        "{item}, period {period}, may not be paid now: {why}.",
    ),
    "NOT_FOUND": ("找不到 {what}。", "There is no {what}."),
    "REHEARSAL_STUCK": (
        "演练停在 {step}：{held}。{detail}",
        "The rehearsal stands still at {step}: {held}. {detail}",
    ),
    # periods and schedules
    "WRONG_PERIOD": (
        "{period} 不是 {programme} 的一期；年写作 2020，季写作 2020-Q3，月写作 2020-09。",
        "{period} is no period of {programme}: a year is 2020, a quarter 2020-Q3, a month 2020-09.",
    ),
    "NOT_RECURRING": (
        "{programme} 未写明周期或起始日（cadence 的 every 与 anchor；日在 1 至 28 之间），不能按期开启。",
        "{programme} does not say how often and from which day, 1 to 28, it opens (every and anchor of its cadence).",
    ),
    "SCHEDULE_EXISTS": (
        "{schedule} 已按另一内容设定；请先删除。",
        "{schedule} is scheduled already, with other content; delete that schedule first.",
    ),
    # teams
    "SUBJECT_UNFIT": ("本项目不受理{subject}。", "This programme does not take a {subject}."),
    "MEMBERS_INVALID": ("成员有误：{fault}。", "The members are wrong: {fault}."),
    # points
    "POINTS_INVALID": ("积分有误：{fault}。", "The points are wrong: {fault}."),
    "EVIDENCE_COUNTED": (
        "该佐证材料已在 {dimension} 记过分。",
        "This evidence has earned points in {dimension} already.",
    ),
    # register
    "FIGURE_MISSING": (
        "名额按 {figure} 分配，但没有单位有此数；请在单位文件中加列 figure:{figure}，或以 --seats 给出名额分配表。",
        "Seats are allotted by {figure}, which no unit has: add the column figure:{figure} to the units, or an allocation by --seats.",
    ),
    "CAP_EXCEEDED": (
        "总数不得超过 {cap}：已有（含在办批次）{have}，本批 {asked}。",
        "There is room for {cap} in all: {have} are taken or promised, and this batch asks for {asked}.",
    ),
    "PAIR_INVALID": ("不能结对：{fault}。", "They cannot be paired: {fault}."),
    # vault
    "ERASED": (
        "{subject} 的个人信息已销毁，无法恢复。",
        "The personal data of {subject} was erased and cannot come back.",
    ),
    "LEGAL_HOLD": (
        "个人信息仍须保留，不得销毁：{why}。",
        "The personal data is still needed and cannot be erased: {why}.",
    ),
    "VAULT_KEY_WRONG": (
        "保管库密钥与建库时的不同；请停止写入并核对 XUANSHU_VAULT_KEK。",
        "The vault was begun under another wrapping key: stop and check XUANSHU_VAULT_KEK.",
    ),
    "VAULT_BROKEN": ("保管库中 {place} 的内容校验不符。", "What the vault holds at {place} does not verify."),
    "PAYLOAD_SEALED": (
        "Temporal 中的内容无法解封（密钥 {key}）：{fault}；请核对 XUANSHU_PAYLOAD_KEYS。",
        "What Temporal holds cannot be opened (key {key}): {fault}. Check XUANSHU_PAYLOAD_KEYS.",
    ),
    # Temporal's histories
    "HISTORY_BROKEN": (
        "存档的历史 {workflow}（{run}）校验不符：{fault}。",
        "The kept history of {workflow} ({run}) does not verify: {fault}.",
    ),
    "HISTORY_DIFFERS": (
        "{workflow}（{run}）的历史以现行代码重放结果不同：{fault}；已重放 {replayed} 份，{differ} 份不同。",
        "The history of {workflow} ({run}) replays otherwise under this code: {fault}; {differ} of {replayed} differ.",
    ),
    # ballot box
    "BALLOT_CLOSED": ("投票 {ballot} 已截止。", "The ballot {ballot} is closed."),
    "BALLOT_PAUSED": (
        "投票 {ballot} 已暂停，恢复后再投。",
        "The ballot {ballot} is paused and takes no papers for now: try again when it goes on.",
    ),
    "TALLY_SEALED": (
        "{ballot} 的计票已封存，不能再剔除或放行选票；重启计票须另行授权。",
        "The tally of {ballot} is sealed: no paper can be invalidated or released any more; opening it again needs an authority of its own.",
    ),
    "NO_STUFFING_RULES": (
        "环节 {step} 的方案没有反刷票规则（stuffing）。",
        "The programme has no rules against stuffing for the step {step}.",
    ),
    "LADDER_NOT_REACHED": (
        "对 {nomination} 还不能采取“{act}”：被暂扣或剔除的选票占 {share}，处置阶梯要求 {needed}。",
        "{act} is not open against {nomination}: {share} of the papers are held or invalidated, the ladder asks for {needed}.",
    ),
    "BALLOT_OPEN": (
        "投票 {ballot} 尚未截止，不能封存。",
        "The ballot {ballot} is not closed yet; close it before sealing.",
    ),
    "TOO_MANY_CANDIDATES": (
        "一张选票最多列 {maximum} 名候选人，本次有 {count} 名。",
        "A ballot takes at most {maximum} candidates; this one has {count}.",
    ),
    "BALLOT_RULES_DIFFER": (
        "投票 {ballot} 已按另一规则开启。",
        "The ballot {ballot} was opened with other rules.",
    ),
    "TALLY_DIFFERS": (
        "投票 {ballot} 重新计票的结果与封存的计票不符：{fault}。",
        "The recount of {ballot} is not the sealed tally: {fault}.",
    ),
    "BALLOT_BROKEN": (
        "投票 {ballot} 第 {paper} 号选票校验不符：{fault}。",
        "Paper {paper} of the ballot {ballot} does not verify: {fault}.",
    ),
    "ALREADY_VOTED": (
        "今日已为该候选人投满 {per_candidate} 票。",
        "This candidate has had your {per_candidate} vote(s) of today.",
    ),
    "LIMIT_REACHED": ("每日最多投 {per_day} 票。", "A voter has {per_day} vote(s) a day."),
    "NOT_A_CANDIDATE": (
        "所选（{choices}）中有人不在候选人之中。",
        "Not all of {choices} are candidates of this ballot.",
    ),
    "TOO_MANY_CHOICES": ("每张选票最多选 {maximum} 项。", "A paper has at most {maximum} choice(s)."),
    "TOO_FEW_CHOICES": ("每张选票至少选 {minimum} 项。", "A paper has at least {minimum} choice(s)."),
    "TOTAL_REACHED": (
        "本次投票每人共 {in_total} 票，已投满。",
        "A voter has {in_total} vote(s) in all in this ballot.",
    ),
    "CANDIDATE_TOTAL_REACHED": (
        "本次投票对该候选人最多 {candidate_in_total} 票，已投满。",
        "This candidate has had your {candidate_in_total} vote(s) of this ballot.",
    ),
    "NOT_A_CHANNEL": ("本次投票没有“{channel}”渠道。", "This ballot has no channel {channel}."),
    "TALLY_NOT_SEALED": (
        "投票 {ballot} 尚未封存计票，封存后才有证明。",
        "The tally of {ballot} is not sealed yet; proofs are given from then on.",
    ),
    "DUPLICATE_CHOICE": ("同一张选票上不得重复选同一候选人。", "A paper may not name a candidate twice."),
    # the vote intake
    "BAD_TOKEN": (
        "投票凭证在此无效；请重新验证身份。",
        "The voter's pass is not valid here: identify yourself again.",
    ),
    "BALLOT_KEY_DESTROYED": (
        "投票 {ballot} 的密钥已销毁，不再受理身份验证。",
        "The key of the ballot {ballot} is destroyed: no voter can be identified any more.",
    ),
    "IDENTITY_REFUSED": ("身份验证未通过：{fault}。", "The identity was not shown: {fault}."),
    "IDENTITY_AWAY": (
        "身份服务（{by}）暂不可用，请稍后再试。",
        "The identity service ({by}) is away: try again later.",
    ),
    "TOO_MANY_TRIES": (
        "尝试超过 {maximum} 次，请稍后再试。",
        "More than {maximum} tries: wait, then try again.",
    ),
    "TOO_MANY_CODES": (
        "您所在的网络一小时内已索取 {maximum} 条验证码，请稍后再试，或换用其他网络、其他方式验证身份。",
        "Your network has asked for {maximum} codes within an hour: try later, from another network, or another way.",
    ),
    "NOT_THE_DAY": (
        "凭证与选票只在当日（{day}）有效，票箱中没有此票；请重新验证身份。",
        "A pass and its papers are for their own day ({day}), and this paper is not in the box: identify yourself again.",
    ),
    "DAY_ENDING": (
        "{day} 刚刚结束，此票可能仍在入箱途中；请稍候用同一选票重试。",
        "{day} has just ended and this paper may still be on its way into the box: try again with it in a moment.",
    ),
    "OVERLOADED": (
        "投票人数过多，请稍后用同一选票编号重试；本次未受理。",
        "Too many are voting at once: nothing was taken, try again with the same paper in a moment.",
    ),
    "NO_SUCH_ROUTE": ("没有此地址：{path}。", "There is nothing at {path}."),
    "METHOD_NOT_ALLOWED": ("{path} 不接受 {method}。", "{path} does not take {method}."),
    "LENGTH_MISSING": ("请求须写明 Content-Length。", "The request must say its Content-Length."),
    "BODY_TOO_LARGE": ("请求超过 {maximum} 字节。", "The request is larger than {maximum} bytes."),
    "NOT_JSON": ("请求的 Content-Type 应为 application/json。", "The Content-Type must be application/json."),
    "BODY_MALFORMED": ("请求内容有误：{fault}", "The request is malformed: {fault}"),
    "BROKEN": ("服务内部出错，已记录；请稍后重试。", "The service failed, and noted why; try again later."),
    # files
    "FILE_FAULTS": ("{file} 有 {count} 处错误。", "{file} has {count} fault(s)."),
    "VALUES_UNSUPPLIED": (
        "{file} 有 {count} 处待定（?），填写后才能开启。",
        "{file} has {count} value(s) still open (?): supply them before a cycle is opened.",
    ),
    # servers and settings
    "SETTING_MISSING": (
        "缺少设置 {setting}；请设置环境变量 {variable}，或先用 `make up` 启动本地服务。",
        "The setting {setting} is missing: set {variable}, or start the local servers with `make up`.",
    ),
    "SETTING_WRONG": ("设置有误：{fault}。", "Wrong settings: {fault}."),
    "ADDRESS_UNUSABLE": ("无法在 {address} 上监听：{fault}。", "Nothing can listen at {address}: {fault}."),
    "TEMPORAL_UNAVAILABLE": (
        "无法连接 Temporal（{address}）：{fault}。",
        "Temporal cannot be reached at {address}: {fault}.",
    ),
    "SERVER_DID_NOT_START": (
        "{server} 未能启动：{fault}；日志见 {log}。",
        "{server} did not start: {fault}; its log is {log}.",
    ),
    "DEMO_REFUSED": (
        "演练中断：`{words}` 未获准（{refusal}）：{fault}",
        "The demo broke off: `{words}` was refused ({refusal}): {fault}",
    ),
    "DEMO_STALLED": (
        "演练停滞：{seconds} 秒内无新记录；待办：{waits}；工作进程日志末尾：{last}",
        "The demo stalled: nothing was recorded for {seconds} s; waiting: {waits}; the worker's last words: {last}",
    ),
    "SERVER_DIED": ("{server} 意外停止；日志见 {log}。", "{server} stopped unexpectedly; its log is {log}."),
    "STACK_RUNNING": (
        "{place} 已有服务在运行（进程 {pid}）；请先 `make down`，或设置另一个 XUANSHU_DATA_DIR。",
        "A stack already runs in {place} (process {pid}): `make down` first, or set another XUANSHU_DATA_DIR.",
    ),
    # the terminal
    "USAGE": ("用法有误：{fault}", "Wrong words: {fault}"),
    "ADDRESS": ("地址“{written}”应写作 {expected}。", "The address {written} should be {expected}."),
    "INSTANT": (
        "时间“{written}”应写作 2026-05-20T18:00 或带时区的形式。",
        "The time {written} should be written 2026-05-20T18:00, with a zone or in Beijing time.",
    ),
    "PAIR": ("“{written}”应写作 名称{separator}值。", "{written} should be written NAME{separator}VALUE."),
    "KEY_NAME": (
        "公钥名称“{name}”须有 1 至 255 字节，不含空白、控制字符和加号，如 awards.example.org/log。",
        "A key's name has 1 to 255 bytes without spaces, control characters and plus signs, such as awards.example.org/log, not {name!r}.",
    ),
    "OUT_FILE": (
        "不能写入 {file}（{fault}）：已有的文件不会被覆盖，文件夹须已存在；未写入任何文件。",
        "{file} cannot be written ({fault}): no file is written over, its folder must be there; none was written.",
    ),
    "LOG_OVERDUE": (
        "{stream} 第 {seq} 号记录写入已逾 {seconds} 秒仍未排入全局顺序；请检查排序进程。",
        "{stream} event {seq} has no place in the global order after {seconds} s; look at the sequencer.",
    ),
    "LOG_DIFFERS": (
        "日志自第 {position} 位起与 {source} 不符：{fault}。",
        "From position {position} on, the log is not what {source} says: {fault}.",
    ),
    "LOG_UNSIGNED": (
        "日志第 {position} 位写入已逾 {seconds} 秒仍未被签署；请检查排序进程与签名密钥。",
        "Position {position} of the log is still not signed after {seconds} s; look at the sequencer and its key.",
    ),
    "CHECKPOINT_BAD": (
        "{source} 的检查点无效：{fault}。",
        "The checkpoint of {source} is not valid: {fault}.",
    ),
    "TIMESTAMP_BAD": (
        "{authority} 于 {day} 对检查点 {size} 所发时间戳无效：{fault}。",
        "The time-stamp of {authority} of {day} on the checkpoint at {size} is not valid: {fault}.",
    ),
    "CERTIFICATES_UNREADABLE": (
        "读不出所信任的证书 {file}：{fault}。",
        "The trusted certificates in {file} cannot be read: {fault}.",
    ),
    "PUBLISHED_AWAY": (
        "读不到已发布的日志 {place}：{fault}。",
        "The published log at {place} cannot be read: {fault}.",
    ),
    "NOT_SIGNED_YET": (
        "{stream} 第 {seq} 号记录尚未签署，请稍后再试。",
        "{stream} event {seq} is not signed yet; try again in some seconds.",
    ),
    "FOLDER_AWAY": (
        "文件夹 {place} 写不进去：{fault}。",
        "The folder {place} cannot be written: {fault}.",
    ),
    "PUBLISHING": (
        "另一进程正在向 {place} 发布。",
        "Another process publishes to {place}.",
    ),
    "SETTING": (
        "“{written}”无法设定：{fault}。",
        "{written!r} cannot be set: {fault}.",
    ),
    "DECISION_DIFFERS": (
        "位置 {position}：{stream} 第 {seq} 号记录 {type} 与重新作出的决定不符：{field} 记为“{recorded}”，重算为“{retaken}”。",
        "position {position}: {stream} event {seq}, {type}, is not what its decision gives: {field} was recorded as {recorded}, taken again it is {retaken}.",
    ),
    "VIEWS_DIFFER": (
        "查询视图与日志不一致：{fault}；请以 `views rebuild` 重建。",
        "The read side is not what the log says: {fault}; `views rebuild` makes it anew.",
    ),
    "PLACE_UNREACHABLE": (
        "{place} 不可用：{fault}；请换一个 XUANSHU_DATA_DIR。",
        "{place} cannot be used: {fault}; set another XUANSHU_DATA_DIR.",
    ),
}


class EngineError(Exception):
    """Base of all; `code` is stable for programs, `message()` is for people."""

    exit_code: ClassVar[int] = 1

    def __init__(self, code: str, **facts: Any) -> None:
        self.code = code
        self.facts = {key: str(value) for key, value in facts.items()}
        super().__init__(code, self.facts)

    def message(self, language: str = "zh") -> str:
        """The sentence for a person, in `zh` or `en`; instants in it are told in Beijing time."""
        chinese = language == "zh"
        facts = _Facts({name: _told(fact, chinese) for name, fact in self.facts.items()})
        for name, told in FACTS_TOLD.get(self.code, {}).items():
            if name in facts:
                facts[name] = told(facts[name])[not chinese]
        if self.code == "NOT_AUTHORISED":
            facts["roles"] = _who_may(self.facts.get("roles", ""), chinese)
        return CATALOGUE[self.code][not chinese].format_map(facts)

    def __str__(self) -> str:
        return f"{self.code}: {self.message('zh')} / {self.message('en')}"


class Refused(EngineError):
    """A rule refused the command; nothing was written."""


class BadUsage(EngineError):
    """The caller's words are off."""

    exit_code = 2


class BadFile(EngineError):
    """A file has faults; `faults` lists every one of them as text lines."""

    exit_code = 3

    def __init__(self, code: str, faults: tuple[str, ...] = (), **facts: Any) -> None:
        self.faults = faults
        super().__init__(code, **facts)


def unopened(file: object, fault: OSError) -> BadFile:
    """A file that cannot even be opened, and why."""
    match fault:
        case FileNotFoundError():
            why = "找不到文件 / there is no such file"
        case IsADirectoryError():
            why = "是文件夹，不是文件 / it is a folder, not a file"
        case PermissionError():
            why = "无权读取 / it may not be read"
        case _:
            why = f"无法打开 / it cannot be opened: {fault.strerror or fault}"
    return BadFile("FILE_FAULTS", (f"{file}: {why}",), file=file, count=1)


class Conflict(EngineError):
    """Somebody was faster, or an id was used for something else."""

    exit_code = 4


class Unavailable(EngineError):
    """Outcome unknown or server away; the same command id may be tried again."""

    exit_code = 5


class Integrity(EngineError):
    """The log is not what it must be; nothing may be written until a person has looked."""

    exit_code = 6


def _told(fact: str, chinese: bool) -> str:
    if not _INSTANT.fullmatch(fact):
        words: str = opened(fact, lambda _: "（见保管库）" if chinese else "(in the vault)")
        return words
    moment = datetime.fromisoformat(fact).astimezone(SHANGHAI).replace(microsecond=0, tzinfo=None)
    return f"北京时间 {moment}" if chinese else f"{moment} Beijing time"


def _who_may(roles: str, chinese: bool) -> str:
    """Those who may, by their roles; an error of older code, in a history or on its way, names none."""
    if not roles:
        return "有授权的人员" if chinese else "somebody who does"
    if chinese:
        return "或".join(beside_role(role)[0] for role in roles.split(", "))
    return "somebody with one as " + roles.replace(", ", " or ")


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return f"<{key}>"
