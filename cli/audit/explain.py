"""`audit explain`: why a nomination won or lost, from the log alone, with Temporal stopped and no name in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from fractions import Fraction
from typing import Annotated

from cyclopts import Parameter
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.audit.past import is_rehearsal, past_of
from cli.desk import AtDesk, Desk, command, nomination_at
from cli.output import Outcome, clock, jsonable, number
from cli.words import (
    beside,
    event_words,
    limit_words,
    method_words,
    out_words,
    rank_words,
    role_words,
    ruling_words,
    status_words,
    step_words,
    told_words,
)
from domain.audit.explain import explain
from domain.audit.explained import (
    ConferralTold,
    CongressTold,
    Cut,
    DecisionTold,
    EligibilityTold,
    Explanation,
    LevelTold,
    MarkTold,
    Place,
    PublicityTold,
    ReviewTold,
    SelectionTold,
    StepTold,
    TrainingTold,
    Vacancy,
    VoteTold,
    Word,
)
from domain.audit.nearness import Line, Nearness, RuleChange
from domain.audit.past import Past
from domain.selection import Op, Optimality, RuleCheck
from schemas.programme import Programme
from schemas.units import UnitTree


@command(
    "audit explain",
    zh="说明一项申报为何入选或落选：各级各环节的时间、评委打分与分项、名次、由哪条规则在日志何处定下、"
    "起作用的名额与比例、距入选线多远，以及足以改变结果的最小变动（重新遴选算出）。无须 Temporal；未结束的评审不显示评分。",
    en="Why a nomination won or lost: each step at each level with dates, marks by judge and component, places, the rule "
    "and the log position that cut it, the binding seats and share rules, how far from the line, and the smallest "
    "change that would have decided otherwise, found by choosing again. Needs no Temporal; open panels stay sealed.",
    example="audit explain sichuan-craftsman.1/N-0003",
)
async def why(
    nomination: Annotated[str, Parameter(help="申报：CYCLE/ID 或流 · a nomination: CYCLE/ID or its stream")],
    *,
    desk: AtDesk,
) -> Outcome:
    where = nomination_at(nomination)
    past = await past_of(desk, where.cycle)
    told = explain(past, where.id)
    said = jsonable(told) | {"rehearsal": is_rehearsal(past)}
    return Outcome(json=said, shown=Group(*_page(told, past, desk, rehearsal=said["rehearsal"])))


# ---- the page ----


def _page(told: Explanation, past: Past, desk: Desk, *, rehearsal: bool) -> Iterator[Text | Padding | Table]:
    tree = past.tree
    if rehearsal:
        yield Text(
            desk.say("【演练】届内时间快于实际时间", "REHEARSAL: cycle time ran faster than real time")
        )
    yield Text(f"{told.cycle}/{told.nomination}", style="bold")
    yield Text(
        desk.say("对象 ", "subject ")
        + f"{told.subject} · {_unit(told.unit, tree)} · {told.route} · {clock(told.submitted.at)}"
        + desk.say("（北京时间）", " (Beijing)")
    )
    yield Text()
    yield from _verdict(told, past, desk)
    for level in told.levels:
        yield Text()
        yield from _level(level, tree, desk)


def _unit(code: str, tree: UnitTree) -> str:
    unit = tree.by_code.get(code)
    return f"{unit.name}（{code}）" if unit else code


def _at(place: Place, desk: Desk) -> str:
    where = str(place.position) if place.position else "·"
    return desk.say(f"日志位置 {where}，{place.event}", f"log position {where}, {place.event}")


def exactly(value: Fraction) -> str:
    """A number for people, and exactly where four decimals are not enough: `83.4167 (1001/12)`."""
    shown = number(value)
    return shown if Fraction(shown) == value else f"{shown} ({value})"


def _title(id: str, programme: Programme, desk: Desk) -> str:
    """What the title is called, and its id."""
    title = programme.title_of(id)
    if title is None:
        return id
    label = desk.say(title.label.zh, title.label.en or title.label.zh)
    return beside(label, id, desk.language)


def _verdict(told: Explanation, past: Past, desk: Desk) -> Iterator[Text | Padding]:
    """The outcome, what cut it, and the last choice that it came to: what decides is there."""
    tree, programme = past.tree, past.programme_at(past.end - 1)
    titles = desk.say("、", ", ").join(_title(id, programme, desk) for id in told.titles)
    words = status_words(told.status, desk.language) + (desk.say("：", ": ") + titles if titles else "")
    yield Text(words, style="bold green" if told.status in ("conferred", "recommended") else "bold")
    if told.cut:
        at = (step for level in told.levels if level.round == told.cut.round for step in level.steps)
        rules = next((_rules_against(step.detail) for step in at if step.step == told.cut.step), ())
        yield Padding(_cut(told.cut, rules, tree, desk), (0, 0, 0, 2))
    for step in (step for level in told.levels for step in level.steps if step.instead_of):
        yield Padding(Text(f"{_substituted(step, desk)} {_position(step.place)}"), (0, 0, 0, 2))
    last = next(
        (
            (level, step.step, step.detail)
            for level in reversed(told.levels)
            for step in reversed(level.steps)
            if isinstance(step.detail, SelectionTold)
        ),
        None,
    )
    if last and _decides(told, *last):
        _, _, detail = last
        for line in _selection(detail, desk):
            yield Padding(line, (0, 0, 0, 2))
        yield from (Padding(line, (0, 0, 0, 2)) for line in _near(detail, desk))


def _decides(told: Explanation, level: LevelTold, step: str, detail: SelectionTold) -> bool:
    """For whoever won, what they won by; for who lost, only the choice that they lost."""
    return (
        told.cut is None
        or detail.standing != "selected"
        or (told.cut.round, told.cut.step) == (level.round, step)
    )


def _cut(cut: Cut, rules: Iterable[str], tree: UnitTree, desk: Desk) -> Text:
    where = ""
    if cut.round:
        unit = _unit(cut.round.rsplit("/", 1)[-1], tree)
        where = f"{unit} · {step_words(cut.step, desk.language)}（{cut.step}）"
    by = f" {cut.by}" if cut.by else ""
    why = _reason(cut.reason, rules, desk) + by
    return Text(desk.say(f"止于 {where}：{why}", f"ended at {where}: {why}") + f"\n{_at(cut.place, desk)}")


def _reason(reason: str, rules: Iterable[str], desk: Desk) -> str:
    """The words and the code; where a rule decided, and not the number of seats, that rule."""
    named = ", ".join(rules)
    if named and reason.startswith("NOT_SELECTED"):
        return desk.say(f"因规则 {named} 未入选 [{reason}]", f"not selected because of {named} [{reason}]")
    return f"{out_words(reason, desk.language)} [{told_words(reason, desk.language)}]"


def _rules_against(detail: object) -> tuple[str, ...]:
    """The rules without which it would have been selected."""
    if not isinstance(detail, SelectionTold) or detail.near is None or detail.standing == "selected":
        return ()
    return tuple(rule.rule for rule in detail.near.rules) or detail.near.together


# ---- a level and its steps ----


def _level(level: LevelTold, tree: UnitTree, desk: Desk) -> Iterator[Text | Table]:
    yield Text(f"{rank_words(level.rank, desk.language)} · {_unit(level.unit, tree)}", style="bold")
    made = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    for _ in range(4):
        made.add_column(overflow="fold")
    made.add_row("", _day(level.entered), desk.say("进入名单", "in the pool"), _position(level.entered))
    if level.dropped:
        made.add_row("", "", out_words(level.dropped, desk.language), "")
    for step in level.steps:
        made.add_row(*_row(step, desk))
    if level.recommended:
        made.add_row(
            "",
            _day(level.recommended),
            desk.say("推荐上报", "recommended upward"),
            _position(level.recommended),
        )
    yield made


def _day(place: Place) -> str:
    return _date(place.at)


def _date(moment: datetime) -> str:
    return clock(moment)[:10]


def _position(place: Place | None) -> str:
    return f"@{place.position}" if place and place.position else ""


def _row(step: StepTold, desk: Desk) -> tuple[Text, str, Text, str]:
    opened, closed = _date(step.opened_at), _date(step.closed_at) if step.closed_at else ""
    until = f" – {closed[5:]}" if closed not in ("", opened) else ""
    found = [
        *_passed(step, desk),
        *(_word(one, desk) for one in step.words),
        *_replies(step, desk),
        *_detail(step, desk),
    ]
    if step.instead_of:
        found.append(_substituted(step, desk))
    found += [_vacancy(one, desk) for one in step.vacancies]
    if step.out:
        found.append(f"✗ {_reason(step.out, _rules_against(step.detail), desk)}")
    return (
        Text(step_words(step.type, desk.language)),
        f"{opened}{until}",
        Text("\n".join(found) or desk.say("通过", "went on")),
        _position(step.place),
    )


def _passed(step: StepTold, desk: Desk) -> Iterator[str]:
    if step.passed:
        track, asked, where = step.passed.fast_track, step.passed.asked, _position(step.passed.place)
        yield desk.say(
            f"经绿色通道 {track}（{asked}）免经此环节 {where}",
            f"passed by on the fast track {track} ({asked}) {where}",
        )


def _substituted(step: StepTold, desk: Desk) -> str:
    return desk.say(f"递补 {step.instead_of} 的席位", f"came in from the reserve for {step.instead_of}")


def _vacancy(seat: Vacancy, desk: Desk) -> str:
    why, where = limit_words(seat.limit, desk.language), _position(seat.place)
    return desk.say(
        f"{seat.out} 的席位空缺，不递补：{why} [{seat.limit}] {where}",
        f"the seat of {seat.out} stayed vacant: {why} [{seat.limit}] {where}",
    )


def _word(word: Word, desk: Desk) -> str:
    rank = desk.say(f"，排序 {word.rank}", f", rank {word.rank}") if word.rank else ""
    reason = desk.say("：", ": ") + told_words(word.reason, desk.language) if word.reason else ""
    by = beside(word.by, role_words(word.role, desk.language), desk.language)
    return f"{event_words(word.what, desk.language)} {by}{rank}{reason} {_position(word.place)}"


def _replies(step: StepTold, desk: Desk) -> Iterator[str]:
    said = {
        "clear": ("无意见", "clear"),
        "object": ("反对", "objects"),
        "conditional": ("有条件", "conditional"),
    }
    for reply in step.replies:
        reason = told_words(reply.reason, desk.language)
        yield f"{reply.department}{desk.say('：', ': ')}{desk.say(*said[reply.outcome])} {reason} {_position(reply.place)}"


def _detail(step: StepTold, desk: Desk) -> Iterator[str]:
    match step.detail:
        case EligibilityTold() as found:
            yield from _eligibility(found, desk)
        case CongressTold() as voted:
            yield desk.say(
                f"应到 {voted.entitled}，实到 {voted.present}：同意 {voted.approve}，反对 {voted.against}，弃权 {voted.abstain}",
                f"{voted.present} of {voted.entitled} present: {voted.approve} for, {voted.against} against, {voted.abstain} abstain",
            )
        case ReviewTold() as found:
            yield from _review(found, desk)
        case VoteTold() as vote:
            yield _vote(vote, desk)
        case SelectionTold() as choice:
            yield from (line.plain for line in _selection(choice, desk))
        case PublicityTold() as published:
            window = f"{clock(published.opens_at)} – {clock(published.closes_at)}"
            yield window + desk.say("（北京时间）", " (Beijing)")
            for id, on, ruled, postmark in published.objections:
                outcome = ruling_words(ruled, desk.language)
                ground = told_words(on, desk.language)
                by_post = desk.say(f"，邮戳 {postmark}", f", postmarked {postmark}") if postmark else ""
                yield desk.say(
                    f"异议 {id}（{ground}{by_post}）：{outcome}",
                    f"objection {id} ({ground}{by_post}): {outcome}",
                )
        case TrainingTold() as trained:
            yield desk.say("已参加", "attended") if trained.attended else desk.say("未参加", "absent")
        case DecisionTold() as decided:
            word = desk.say("确认", "confirmed") if decided.confirmed else desk.say("移除", "removed")
            yield f"{decided.body}{desk.say('：', ': ')}{word} {told_words(decided.reason, desk.language)}".rstrip()
        case ConferralTold() as given:
            yield from (f"{title} {certificate}" for title, certificate in given.titles)
            if given.ordered:
                order = ", ".join(given.ordered)
                yield desk.say(
                    f"并列者经裁定排序：{order}", f"equals, as a person put them in order: {order}"
                )
        case None:
            pass


def _eligibility(found: EligibilityTold, desk: Desk) -> Iterator[str]:
    words = {"pass": ("符合", "passed"), "fail": ("不符合", "failed"), "unknown": ("缺材料", "unknown")}
    yield desk.say(*words[found.result])
    for one in (*found.failed, *found.unknown):
        value = desk.say("未填", "not given") if one.value is None else one.value
        yield desk.say(
            f"　要求 {one.predicate}：{one.asked}；所填 {value}",
            f"  {one.predicate} asks {one.asked}; attested {value}",
        )
    if found.waived:
        yield desk.say("　破格：", "  waived: ") + ", ".join(found.waived)


def _review(found: ReviewTold, desk: Desk) -> Iterator[str]:
    if found.sealed:
        yield desk.say("评审未结束，评分封存", "the panel has not closed: its marks are sealed")
        return
    result = found.result
    if result is not None:
        method = method_words(result.method, desk.language)
        yield desk.say(
            f"{found.component} {exactly(result.value)}（{method}，计 {result.counted} 份）",
            f"{found.component} {exactly(result.value)} ({method}, {result.counted} counted)",
        )
        if result.group is not None:
            yield _group(result.group, result.raw, desk)
    yield "　" + "  ".join(_mark(mark, desk) for mark in found.marks)
    if found.trimmed:
        trimmed = ", ".join(map(number, found.trimmed))
        yield desk.say(f"　去掉的高低分：{trimmed}", f"  trimmed, lowest and highest: {trimmed}")
    if found.flag:
        yield desk.say("　评分不足以去掉高低分，按平均分计", "  too few marks to trim: the plain mean")
    if found.version > 1:
        yield desk.say("　评审结束后因回避重新计算", "  computed again after the close, for a recusal")


def _group(group: str, raw: Fraction | None, desk: Desk) -> str:
    zh = f"，组内折算前 {exactly(raw)}" if raw is not None else ""
    en = f"; {exactly(raw)} before it was brought to the scale of all groups" if raw is not None else ""
    return desk.say(f"　{group} 组{zh}", f"  group {group}{en}")


def _mark(mark: MarkTold, desk: Desk) -> str:
    value = number(mark.score) if mark.score is not None else (mark.vote or "")
    parts = "".join(f" {one.component}={number(one.value)}" for one in mark.parts)
    void = desk.say("（回避，不计）", " (recused, void)") if mark.recused else ""
    return f"{mark.judge}={value}{f' [{parts.strip()}]' if parts else ''}{void}"


def _vote(vote: VoteTold, desk: Desk) -> str:
    if vote.sealed or vote.value is None:
        return desk.say("投票未计，封存", "not counted yet: sealed")
    less = desk.say("，票数清零", ", zeroed") if vote.zeroed else ""
    return desk.say(
        f"{vote.component} {exactly(vote.value)}：得票 {vote.votes}，有效 {vote.valid}{less}（共 {vote.papers} 张选票）",
        f"{vote.component} {exactly(vote.value)}: {vote.votes} votes, {vote.valid} valid{less}, of {vote.papers} papers",
    )


# ---- the choice ----

_PROOFS = {
    Optimality.UNCONSTRAINED: ("不受规则限制时也是最优", "the best even without the rules"),
    Optimality.DUAL: ("达到精确上界，最优", "optimal: it reaches an exact bound"),
    Optimality.SEARCH: ("精确穷举证明最优", "optimal: an exact search found nothing better"),
    Optimality.SOLVER: ("求解器结论，未经精确证明", "optimal by the solver's word alone"),
    Optimality.NONE: ("并非最优，或不合规则", "not the best list, or against a rule"),
}


def _selection(choice: SelectionTold, desk: Desk) -> Iterator[Text]:
    standing = {
        "selected": desk.say("入选", "selected"),
        "reserve": desk.say(f"候补第 {choice.reserve_place}", f"in reserve, place {choice.reserve_place}"),
        "cut": desk.say("未入选", "not selected"),
    }[choice.standing]
    yield Text(
        desk.say(
            f"{standing}：{choice.candidates} 人中第 {choice.rank} 名，名额 {choice.seats}，总分 {exactly(choice.score)}",
            f"{standing}: place {choice.rank} of {choice.candidates} for {choice.seats} seats, score {exactly(choice.score)}",
        )
    )
    if choice.parts:
        yield Text(
            "　"
            + " + ".join(
                f"{one.component} {number(one.value)}×{number(one.weight * 100)}%" for one in choice.parts
            )
        )
    at = [
        (desk.say("最后入选", "last in"), choice.last_in),
        (desk.say("首位落选", "first out"), choice.first_out),
    ]
    ends = [
        desk.say(
            f"{word}：第 {one.rank} 名 {exactly(one.score)}（{one.nomination}）",
            f"{word}: place {one.rank}, {exactly(one.score)} ({one.nomination})",
        )
        for word, one in at
        if one is not None
    ]
    yield Text("　" + desk.say("；", "; ").join(ends))
    for check in choice.rules:
        yield Text("　" + _rule(check, desk))


def _rule(check: RuleCheck, desk: Desk) -> str:
    sign = "≥" if check.op is Op.FLOOR else "≤"
    binds = (
        desk.say("，正好卡住", ", just met") if check.applicable and check.counted == check.required else ""
    )
    return f"{check.rule} {sign} {check.required}/{check.base}: {check.counted}{binds}"


def _near(choice: SelectionTold, desk: Desk) -> Iterator[Text]:
    near = choice.near
    if near is None:
        return
    certificate = desk.say("证书", "certificate")
    shown = desk.say(*_PROOFS[choice.optimality])
    if choice.filled_by is not Optimality.UNCONSTRAINED:
        shown = desk.say("规则所限，不能再多选，", "the rules let no more seats be filled; ") + shown
    again = (
        desk.say("重新遴选结果一致", "choosing again gives the same list")
        if choice.agrees
        else desk.say(
            "重新遴选结果与记录不一致！请用 audit replay",
            "choosing again does NOT give what is recorded: see audit replay",
        )
    )
    yield Text(
        f"{certificate}: {shown}; {again}",
        style="" if choice.agrees else "bold red",
    )
    for fault in choice.faults:
        yield Text(f"  {fault}", style="bold red")
    lost = choice.standing != "selected"
    yield Text(
        desk.say(
            "足以入选的最小变动（其余不变）：",
            "The smallest changes that would have selected it, all else as it was:",
        )
        if lost
        else desk.say("入选余量：", "By how much it was in:"),
        style="bold",
    )
    found = list(_changes(near, choice, desk, lost=lost))
    yield from (
        Text(f"  · {line}")
        for line in found or [desk.say("没有单项变动足以改变", "no single change would do")]
    )


def _changes(near: Nearness, choice: SelectionTold, desk: Desk, *, lost: bool) -> Iterator[str]:
    if near.below_minimum is not None:
        yield desk.say(
            f"低于最低分 {exactly(near.below_minimum)}",
            f"below the minimum score by {exactly(near.below_minimum)}",
        )
    if near.line is not None:
        yield _line(near.line, choice, desk, lost=lost)
    elif not lost:
        yield desk.say(
            "席位不取决于分数：没有别人能补上", "the seat depends on no score: nobody else could fill it"
        )
    if near.seats is not None:
        yield desk.say(f"名额增加 {near.seats.more} 个", f"{near.seats.more} more seat(s)")
    for rule in near.rules:
        yield _rule_change(rule, desk, lost=lost)
    if near.together:
        rules = ", ".join(near.together)
        yield desk.say(f"以下规则同时不适用：{rules}", f"without these rules, all together: {rules}")


def _line(line: Line, choice: SelectionTold, desk: Desk, *, lost: bool) -> str:
    score = exactly(line.score)
    if not lost:
        return desk.say(
            f"分数高出所需 {exactly(-line.gap)}（线 {score}）",
            f"{exactly(-line.gap)} above the line of {score}",
        )
    at = {
        "selected": desk.say("达到即入选", "reaching it is enough"),
        "tied": desk.say("达到则并列，须超过", "reaching it is a tie, more is needed"),
        "out": desk.say("须超过", "more than it is needed"),
    }[line.at]
    parts = desk.say("；", "; ").join(
        f"{part.component} +{exactly(line.gap / part.weight)}" for part in choice.parts if 0 < part.weight < 1
    )
    by = desk.say(f"，仅凭一项则：{parts}", f"; by one component alone: {parts}") if parts else ""
    full = choice.full
    beyond = (
        desk.say("（超出满分，不可能）", " (beyond the scale: impossible)")
        if full and line.score > full
        else ""
    )
    return desk.say(
        f"总分再高 {exactly(line.gap)}，即 {score}{beyond}：{at}{by}",
        f"a score higher by {exactly(line.gap)}, that is {score}{beyond}: {at}{by}",
    )


def _rule_change(rule: RuleChange, desk: Desk, *, lost: bool) -> str:
    cap = rule.op is Op.CAP
    if not lost:
        return desk.say(
            f"凭规则 {rule.rule} 入选：无此规则则落选", f"in by the rule {rule.rule}: without it, out"
        )
    now = f"{rule.counted}/{rule.base}, {'≤' if cap else '≥'} {rule.required}"
    if rule.heads is not None:
        to = rule.required + (rule.heads if cap else -rule.heads)
        return desk.say(
            f"规则 {rule.rule}（{now}）放宽 {rule.heads} 人至 {to}",
            f"the rule {rule.rule} ({now}) moved by {rule.heads} to {to}",
        )
    if rule.share is not None:
        return desk.say(
            f"规则 {rule.rule}（{now}）比例改为 {rule.share}",
            f"the rule {rule.rule} ({now}) at a share of {rule.share}",
        )
    return desk.say(f"规则 {rule.rule}（{now}）不适用", f"the rule {rule.rule} ({now}) lifted")
