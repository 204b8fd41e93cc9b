"""What the demo tells at its end: facts from the log by the terminal's own commands, as one object and as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from cli.demo.rehearsal import SECONDS_A_DAY, Told
from cli.demo.scenario import Person
from cli.output import Outcome, clock, table, wrapped
from cli.words import channel_words, day_count_words, event_words, rank_words
from runtime import texts
from runtime.settings import CHECKOUT, Language
from schemas import names
from schemas.ledger import JsonObject
from schemas.loading import Opened
from schemas.values import format_instant

Story = list[dict[str, Any]]
_LEVELS = (
    "received",
    "returned",
    "rejected",
    "recommended",
    "silent",
    "eliminated",
    "disqualified",
    "conferred",
)
_ENGLISH = {"returned": "returns", "silent": "silent units"}


async def measure(told: Told) -> JsonObject:
    """All facts, from `cycle status`, `cycle result`, `audit replay` and `audit verify`."""
    verified = (await told.acts.must("audit", "verify")).json
    status = (await told.acts.must("cycle", "status", told.cycle)).json
    result = (await told.acts.must("cycle", "result", told.cycle)).json
    replayed = (await told.acts.must("audit", "replay", told.cycle)).json["story"]
    story: Story = await texts.read(told.acts.door.vault, replayed)
    notes = told.people.notes
    return {
        "rehearsal": status["rehearsal"],
        "cycle": told.cycle,
        "title": told.opened.programme.title.model_dump(),
        "status": status["status"],
        "seed": told.wishes.seed,
        "rules": status["rules"],
        "assumptions": [one.model_dump() for one in told.opened.programme.assumptions],
        "times": _times(told, story),
        "size": _size(told),
        "levels": status["levels"],
        "entries": _entries(told, result),
        "silent_units": _of(story, "IntakeClosed")[0]["data"]["silent"],
        "panels": _panels(story),
        "recusals": _with_stream(story, "JudgeRecused"),
        "votes": _votes(told, story),
        "publicity": _publicity(story),
        "return": _return(story, notes.returned),
        "officer_refused": notes.foreign,
        "double_click": notes.double | _effects(story, notes.double),
        "objections": _objections(told, story),
        "worker_kill": told.kill | {"acts_tried_again": told.acts.tried_again},
        "seats": _seats(story),
        "ties_resolved": _with_stream(story, "TieResolved"),
        "waived": _with_stream(story, "DifferentialWaived"),
        "final": _final(told, story, result),
        "log": _log(told, story, verified),
    }


def _of(story: Story, type_: str) -> Story:
    return [one for one in story if one["type"] == type_]


def _with_stream(story: Story, type_: str) -> list[dict[str, Any]]:
    return [{"round": one["stream"], "at": one["at"]} | one["data"] for one in _of(story, type_)]


def _times(told: Told, story: Story) -> JsonObject:
    first, last = story[0], story[-1]
    days = datetime.fromisoformat(last["at"]) - datetime.fromisoformat(first["at"])
    return {
        "scheduled": {"from": first["at"], "to": last["at"], "days": days.days},
        "recorded": {"from": first["recorded"], "to": last["recorded"]},
        "seconds": int((told.ended - told.began).total_seconds()),
        "cycle_days_a_second": told.wishes.speed / SECONDS_A_DAY,
        "began": format_instant(told.began),
        "ended": format_instant(told.ended),
    }


def _size(told: Told) -> JsonObject:
    ranks = Counter(str(unit.rank) for unit in told.world.active)
    return {
        "units_in_tree": len(told.world.whole.units),
        "units_in_play": dict(ranks),
        "nominations": len(told.people.watch.people),
        "acts": told.acts.done,
    }


def _entries(told: Told, result: JsonObject) -> list[JsonObject]:
    """Where and by which channel people entered, and how many of them were conferred a title."""
    people = told.people.watch.people
    winners = {one["nomination"] for one in result["listed"]}
    entered = Counter(_entry(told, person) for person in people.values())
    conferred = Counter(_entry(told, people[one]) for one in winners)
    return [
        {"rank": rank, "channel": channel, "nominations": count, "conferred": conferred[rank, channel]}
        for (rank, channel), count in sorted(entered.items())
    ]


def _entry(told: Told, person: Person) -> tuple[str, str]:
    return str(told.world.whole.by_code[person.unit].rank), str(person.channel)


def _panels(story: Story) -> list[JsonObject]:
    return [
        {
            "round": one["stream"],
            "step": one["data"]["step"],
            "present": one["data"]["present"],
            "entitled": one["data"]["entitled"],
        }
        for one in _of(story, "PanelClosed")
    ]


def _votes(told: Told, story: Story) -> JsonObject:
    notes = told.people.notes
    sealed = [
        {
            "round": one["stream"],
            "papers": one["data"]["papers"],
            "refused": one["data"].get("refused", 0),
            "choices": sum(count["votes"] for count in one["data"]["counts"]),
            "root": one["data"]["root"],
        }
        for one in _of(story, "TallySealed")
    ]
    return {
        "accepted": notes.papers,
        "handed_in_again": notes.repeated_papers,
        "refused": notes.refused_papers,
        "sealed": sealed,
    }


def _publicity(story: Story) -> list[JsonObject]:
    substitutes = {one["data"].get("into") for one in _of(story, "Substituted")} - {None, ""}
    return [
        {
            "round": one["stream"],
            "step": one["data"]["step"],
            "nominations": len(one["data"]["nominations"]),
            "opens_at": one["data"]["window"]["opens_at"],
            "closes_at": one["data"]["window"]["closes_at"],
            "day_count": one["data"]["day_count"],
            "rehearsal": one["data"]["rehearsal"],
            "substitute": one["data"]["nominations"][0]
            if len(one["data"]["nominations"]) == 1 and one["data"]["nominations"][0] in substitutes
            else "",
        }
        for one in _of(story, "ListPublished")
    ]


def _return(story: Story, note: dict[str, Any]) -> JsonObject:
    mine = [one for one in story if one["stream"].endswith(f"/{note.get('nomination', '-')}")]
    back = next(iter(_of(mine, "NominationReturned")), None)
    again = next(iter(_of(mine, "NominationCorrected")), None)
    if back is None or again is None:
        return {}
    after = [one for one in _of(mine, "NominationEndorsed") if one["seq"] > again["seq"]]
    return {
        "nomination": note["nomination"],
        "by": note["by"],
        "reason": back["data"]["reason"],
        "returned_at": back["at"],
        "corrected_at": again["at"],
        "revision": again["data"]["revision"],
        "endorsed_again": bool(after),
    }


def _effects(story: Story, note: dict[str, Any]) -> JsonObject:
    """How often the double-clicked approval is in the log."""
    mine = [one for one in _of(story, "NominationEndorsed") if one["hash"] in note.get("hash", ())]
    return {"effects": len(mine)}


def _objections(told: Told, story: Story) -> JsonObject:
    notes = told.people.notes
    substituted = next(iter(_with_stream(story, "Substituted")), {})
    ruled = Counter(one["data"]["outcome"] for one in _of(story, "ObjectionRuled"))
    return {
        "filed": len(_of(story, "ObjectionFiled")),
        "ruled": dict(ruled),
        "upheld": notes.upheld,
        "dismissed": notes.dismissed,
        "substituted": substituted,
    }


def _seats(story: Story) -> list[JsonObject]:
    """Every selection: how many stood, how many seats, how many were chosen."""
    return [
        {
            "round": one["stream"],
            "step": one["data"]["step"],
            "candidates": len(one["data"]["ranked"]),
            "seats": one["data"]["seats"],
            "selected": len(one["data"]["selected"]),
            "reserve": len(one["data"].get("reserve", ())),
        }
        for one in _of(story, "SelectionMade")
    ]


def _final(told: Told, story: Story, result: JsonObject) -> JsonObject:
    winners = [_winner(told, one) for one in result["listed"]]
    return {
        "round": result["round"],
        "seats": result["seats"],
        "final": result["final"],
        "conferred": len(winners),
        "by_route": dict(Counter(one["route"] for one in winners)),
        "frontline": sum(one["facts"].get("frontline_worker") == "true" for one in winners),
        "heads": sum(one["facts"].get("enterprise_head") == "true" for one in winners),
        "cut_line": result["cut_line"],
        "absent": absent(story, result),
        "winners": winners,
    }


def absent(story: Story, result: JsonObject) -> list[JsonObject]:
    """The places before the last one listed that are not on the list: who left it, and who was passed over."""
    listed = {one["rank"] for one in result["listed"]} - {None}
    mine = [one for one in story if one["stream"] == result["round"]]
    ranked = [one["data"] for one in _of(mine, "SelectionMade")][-1]
    places = {one["nomination"]: one["rank"] for one in ranked["ranked"]}
    into = {one["data"]["out"]: one["data"].get("into") for one in _of(mine, "Substituted")}
    return [
        {"rank": rank, "selected": who in ranked["selected"], "substitute": places.get(into.get(who))}
        for who, rank in places.items()
        if rank < max(listed, default=0) and rank not in listed
    ]


def _winner(told: Told, listed: dict[str, Any]) -> JsonObject:
    person = told.people.watch.people[listed["nomination"]]
    return {
        "rank": listed["rank"],
        "nomination": listed["nomination"],
        "name": person.name,
        "route": listed["route"],
        "way": [told.world.name_of(code) for code in told.world.path(person)],
        "score": listed["score"],
        "components": {part["component"]: part["value"] for part in listed["components"]},
        "titles": listed["titles"],
        "certificates": listed["certificates"],
        "facts": person.facts,
    }


def _log(told: Told, story: Story, verified: JsonObject) -> JsonObject:
    """What it holds, that it verifies, and that it has everything that was acknowledged, once."""
    hashes = Counter(one["hash"] for one in story)
    promised = {one.hash for one in told.acts.acknowledged}
    return {
        "verified": verified["ok"],
        "streams": verified["streams"],
        "events": verified["events"],
        "positions": verified["positions"],
        "by_type": dict(Counter(one["type"] for one in story)),
        "acknowledged": len(promised),
        "acknowledged_found_once": sum(hashes[one] == 1 for one in promised),
        "refused": dict(told.acts.refused),
    }


# ---- for people ----


def shown(facts: JsonObject, told: Told, language: Language) -> RenderableType:
    """The same facts as text."""
    zh = language is Language.ZH
    return Group(
        *_winners(facts, zh),
        Text(),
        *_levels(facts, language),
        Text(),
        *_incidents(facts, language),
        Text(),
        *_assumed(facts, zh),
        Text(),
        *_held(facts, language),
        Text(),
        *_further(told, zh),
    )


def _winners(facts: JsonObject, zh: bool) -> Iterable[RenderableType]:
    final, times = facts["final"], facts["times"]
    title = facts["title"]["zh" if zh else "en"]
    mark = "【演练】" if zh else "[REHEARSAL] "
    yield Text(f"{mark}{title} · {facts['cycle']}", style="bold")
    columns = (
        ("名次", "姓名", "路径", "经由", "总分", "专家", "公众", "证书")
        if zh
        else ("place", "name", "route", "by way of", "score", "expert", "public", "certificate")
    )
    rows = [
        (
            one["rank"],
            one["name"],
            one["route"],
            " → ".join(one["way"][:-1]),
            _number(one["score"]),
            *(_number(one["components"].get(name)) for name in ("expert", "public")),
            " ".join(one["certificates"]),
        )
        for one in final["winners"]
    ]
    yield table(columns, rows)
    line = final["cut_line"]
    if line and line["last_in"] and line["first_out"]:
        yield Text(
            (
                "遴选时的分数线：入选末位 {} 分（第 {} 名），未入选首位 {} 分（第 {} 名）"
                if zh
                else "cut line as selected: the last in {} (place {}), the first out {} (place {})"
            ).format(
                _number(line["last_in"]["score"]),
                line["last_in"]["rank"],
                _number(line["first_out"]["score"]),
                line["first_out"]["rank"],
            )
        )
    for one in final["absent"]:
        yield Text(_why_absent(one, zh))
    scheduled, recorded = times["scheduled"], times["recorded"]
    yield Text(
        (
            "计划时间（届内） {} – {}，{} 天；记录时间（实际） {} – {}，{} 秒；均为北京时间"
            if zh
            else "scheduled (cycle time) {} – {}, {} days; recorded (real time) {} – {}, {} s; all in Beijing time"
        ).format(
            _clock(scheduled["from"]),
            _clock(scheduled["to"]),
            scheduled["days"],
            _clock(recorded["from"]),
            _clock(recorded["to"]),
            times["seconds"],
        )
    )


def _why_absent(one: JsonObject, zh: bool) -> str:
    rank, substitute = one["rank"], one["substitute"]
    if not one["selected"]:
        return (
            f"第 {rank} 名：依名单的占比等规则未入选"
            if zh
            else f"place {rank}: passed over by a rule of the list, such as a share"
        )
    if substitute is None:
        return (
            f"第 {rank} 名：入选后退出，名额空缺"
            if zh
            else f"place {rank}: left the list, the seat stays empty"
        )
    return (
        f"第 {rank} 名：入选后退出，由第 {substitute} 名递补"
        if zh
        else f"place {rank}: left the list, place {substitute} came in instead"
    )


def _levels(facts: JsonObject, language: Language) -> Iterable[RenderableType]:
    zh = language is Language.ZH
    words = ("收到", "退回次数", "不予推荐", "推荐", "未申报单位", "未入选", "取消资格", "命名")
    columns = ("层级", *words) if zh else ("level", *(_ENGLISH.get(name, name) for name in _LEVELS))
    rows = [(rank_words(one["rank"], language), *(one[name] for name in _LEVELS)) for one in facts["levels"]]
    yield table(columns, rows)
    entered = [
        f"{rank_words(one['rank'], language)} · {channel_words(one['channel'], language)} {one['nominations']} → {one['conferred']}"
        for one in facts["entries"]
    ]
    yield wrapped(
        f"{'申报渠道（申报 → 命名）' if zh else 'entered by (nominations → titles)'}: {'; '.join(entered)}"
    )


def _incidents(facts: JsonObject, language: Language) -> Iterable[RenderableType]:
    zh = language is Language.ZH
    objections, votes, kill = facts["objections"], facts["votes"], facts["worker_kill"]
    lines: list[tuple[str, str, str]] = []

    def tell(zh_name: str, en_name: str, what: str) -> None:
        lines.append((zh_name, en_name, what))

    for one in facts["recusals"]:
        tell("回避", "recusal", f"{one['judge']} ↛ {one['nomination']}（{one['reason']}）")
    for one in facts["panels"]:
        if one["present"] < one["entitled"]:
            tell("法定人数", "quorum", f"{one['round']}: {one['present']}/{one['entitled']}")
    refused = ", ".join(f"{code} {count}" for code, count in votes["refused"].items())
    tell("大众票选", "public vote", f"{votes['accepted']} ✓, {sum(votes['refused'].values())} ✗ ({refused})")
    for one in _notable(facts["publicity"]):
        mark = ("演练 · " if zh else "REHEARSAL · ") if one["rehearsal"] else ""
        who = f" ← {one['substitute']}" if one["substitute"] else f" ({one['nominations']})"
        days = day_count_words(one["day_count"], language)
        when = f"{_clock(one['opens_at'])} – {_clock(one['closes_at'])}"
        tell("公示", "publicity", f"{mark}{one['round']}{who}: {when}, {days}")
    back = facts["return"]
    if back:
        tell(
            "退回与补正",
            "return, correction",
            f"{back['nomination']}: {back['reason']} → v{back['revision']}",
        )
    if facts["officer_refused"]:
        tell(
            "越权被拒",
            "officer refused",
            f"{facts['officer_refused']['code']}: {facts['officer_refused']['message']}",
        )
    double = facts["double_click"]
    if double.get("hash"):
        same = "=" if double["same_receipt"] else "≠"
        tell(
            "双击",
            "double click",
            f"{double['effects']} × {event_words('NominationEndorsed', language)}, {double['hash'][0][:12]} {same} {double['hash'][1][:12]}",
        )
    if objections["upheld"]:
        swap = objections["substituted"]
        tell("异议成立", "objection upheld", f"{swap.get('out', '-')} → {swap.get('into') or '-'}")
    if objections["dismissed"]:
        tell("异议不成立", "objection dismissed", objections["dismissed"]["nomination"])
    log = facts["log"]
    kill_at = _clock(kill["killed_at"]) if "killed_at" in kill else "-"
    tell(
        "工作进程被杀", "worker killed",
        f"{kill.get('signal', '-')} @ {kill_at}; {log['acknowledged_found_once']}/{log['acknowledged']} ✓",
    )  # fmt: skip
    for one in facts["seats"]:
        if one["round"] == facts["final"]["round"]:
            tell("差额", "selection", f"{one['step']}: {one['candidates']} → {one['selected']}")
    tell("命名", "conferred", str(facts["final"]["conferred"]))
    columns = ("事项", "经过") if zh else ("what", "how it went")
    yield table(columns, [(one[0] if zh else one[1], one[2]) for one in lines])


def _notable(publicity: list[JsonObject]) -> list[JsonObject]:
    """The first of the lower ones, and all at the top."""
    top = publicity[-1]["round"] if publicity else ""
    return [one for index, one in enumerate(publicity) if index == 0 or one["round"] == top]


def _assumed(facts: JsonObject, zh: bool) -> Iterable[RenderableType]:
    yield Text(f"{'规则' if zh else 'rules'} {facts['rules']}", style="bold")
    count = len(facts["assumptions"])
    yield Text(f"{count} 项为假定，来源未载：" if zh else f"{count} assumptions that no source states:")
    columns = ("何处", "取值", "理由") if zh else ("where", "value", "why")
    yield table(columns, [(one["path"], one["value"], one["why"]) for one in facts["assumptions"]])


def _held(facts: JsonObject, language: Language) -> Iterable[RenderableType]:
    zh, log = language is Language.ZH, facts["log"]
    yield Text("日志" if zh else "The log", style="bold")
    kinds = sorted(log["by_type"].items(), key=lambda one: -one[1])
    yield wrapped(", ".join(f"{event_words(kind, language)} {count}" for kind, count in kinds))
    yield Text(
        (
            "核验通过：{} 个流散列链完整，{} 条记录，位置 1–{} 无缺，视图与日志一致"
            if zh
            else "verified: {} streams with whole chains, {} events, positions 1–{} dense, views equal the fold"
        ).format(log["streams"], log["events"], log["positions"])
    )


def _further(told: Told, zh: bool) -> Iterable[RenderableType]:
    """What one can type by oneself."""
    yield Text(
        "自己试试：先 make up，另开终端：" if zh else "By hand: `make up`, then in another terminal:",
        style="bold",
    )
    for line in further(told.wishes.programme, told.opened, told.wishes.seed + 1):
        yield Text(f"  {line}")


def further(file: Path, opened: Opened, seed: int) -> list[str]:
    """Commands that work as they stand, typed in this order beside a stack that runs."""
    programme, root = opened.programme, opened.units.root
    cycle = names.cycle_id(programme.programme, programme.edition, "try")
    where = file.relative_to(CHECKOUT)
    unit = min(one.code for one in opened.units.units if one.parent == root)
    operators = "--operator op-1 --operator op-2"
    commands = (
        f"programme check {where}",
        f"cycle start {where} --label try {operators} --begins 2026-01-05T09:00 --speed 20000",
        f"grants give {cycle} --person s-101 --granted-role officer --over {unit} --as op-1 --role operator --unit {root}",
        f"cycle status {cycle}",
        f"audit replay {cycle}",
        "audit verify",
        "--help",
    )
    again = f"--programme {programme.programme} --edition {programme.edition} --seed {seed} --nominations 200"
    return [*(f".venv/bin/python starter.py {one}" for one in commands), f'make demo ARGS="{again}"']


def _number(written: Any) -> str:
    if written is None:
        return ""
    hundredths = round(Fraction(str(written)) * 100)
    return f"{hundredths // 100}.{hundredths % 100:02}"


def _clock(instant: str) -> str:
    return clock(datetime.fromisoformat(instant))


def outcome(facts: JsonObject, told: Told, language: Language) -> Outcome:
    return Outcome(json=facts, shown=shown(facts, told, language))
