"""How a refusal's facts are said: kinds, statuses, ranks and reasons in words, beside the identifier where one types it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from schemas.words import (
    ACT_WORDS,
    BLOCK_WORDS,
    CHANNEL_WORDS,
    CYCLE_WORDS,
    LADDER_WORDS,
    PLACE_WORDS,
    RANK_WORDS,
    ROLE_WORDS,
    RULING_WORDS,
    STATUS_WORDS,
    STEP_WORDS,
    SUBJECT_WORDS,
    TITLE_WORDS,
    withheld_words,
)

Said = tuple[str, str]
Tell = Callable[[str], Said]
"""A fact in 中文 and English; what has no words is said as it is."""
_Words = Mapping[str, Said]

_GATE_WORDS = {"none": ("未开启", "not opened"), "closed": ("已结束", "closed")}  # as the ballot box is told
_TYPE_WORDS = {"integer": "整数", "boolean": "是或否", "choice": "所列选项", "date": "日期"}
_FAULTS: tuple[tuple[str, str], ...] = (
    (r"(.+): not declared by the programme", r"\1：办法未设此项"),
    (r"(.+): attested by the engine alone", r"\1：只由系统核实"),
    (r"(.+): given twice", r"\1：写了两次"),
    (r"(earned_on .+) is after (.+)", r"\1 晚于 \2"),
    (r"(expires_on .+) is not after (.+)", r"\1 不晚于 \2"),
    (r"Invalid isoformat string: (.+)", r"\1 不是日期"),
    (r"leader: (\d+)", r"领衔人 \1 名"),
    (r"a member is named twice", "有成员列了两次"),
)
"""What the domain says of a fault, and the same in 中文."""


def _plain(words: _Words) -> Tell:
    return lambda fact: words.get(fact, (fact, fact))


def _beside(words: _Words) -> Tell:
    """The words, and the identifier in brackets; once where they are the same."""
    return lambda fact: _with(words.get(fact, (fact, fact)), fact)


def _with(words: Said, fact: str) -> Said:
    zh, en = words
    return (zh if zh == fact else f"{zh}（{fact}）", en if en == fact else f"{en} ({fact})")


def beside_role(fact: str) -> Said:
    """A role in words; in English, as in a grant, it is called by its id."""
    words = ROLE_WORDS.get(fact.partition(":")[0])
    return (f"{words}（{fact}）" if words else f" {fact} ", fact)


def _act(fact: str) -> Said:
    """`close_early`, or `open_step` and which."""
    kind = fact if fact in ACT_WORDS else fact.partition(" ")[0]
    return _with(ACT_WORDS.get(kind, (fact, fact)), fact)


def _current(fact: str) -> Said:
    """A step by its id, which may be that of its kind, or with its kind; a cycle's status; `-` for none."""
    if fact == "-":
        return "无", "none"
    if found := re.fullmatch(r"(.+) \((.+)\)", fact):
        zh, en = STEP_WORDS.get(found[2], (found[2], found[2]))
        return f"{found[1]}（{zh}）", f"{found[1]} ({en})"
    return _beside(STEP_WORDS | CYCLE_WORDS)(fact)


def _step(fact: str) -> Said:
    """The address of a window; that of an intake by its rank."""
    if fact == "members":
        return "成员名单", "the list of members"
    if (found := re.fullmatch(r"(?:.+/)?intake/(\w+)", fact)) and found[1] in RANK_WORDS:
        zh, en = RANK_WORDS[found[1]]
        return f"{zh}申报期（{fact}）", f"the intake of the {en} ({fact})"
    return fact, fact


def _ranks(fact: str) -> Said:
    zh, en = zip(*map(_plain(RANK_WORDS), fact.split(", ")), strict=True)
    return "、".join(zh), ", ".join(en)


def _roles(fact: str) -> Said:
    return "、".join(beside_role(role)[0] for role in fact.split(", ")), fact


def _authority(fact: str) -> Said:
    """`ROLE / ROLE @ UNIT`."""
    roles, at, unit = fact.partition(" @ ")
    return "或".join(beside_role(role)[0] for role in roles.split(" / ")) + at + unit, fact


def _place(fact: str) -> Said:
    for begins, (zh, en) in PLACE_WORDS.items():
        if fact == begins or fact.startswith(f"{begins} "):
            rest = fact.removeprefix(begins)
            return zh + rest, en + rest
    return fact, fact


def _fault(fact: str) -> Said:
    if found := re.fullmatch(r"(.+): (.+) is not a (\w+)", fact):
        return f"{found[1]}：{found[2]} 不是{_TYPE_WORDS.get(found[3], found[3])}", fact
    for said, zh in _FAULTS:
        if found := re.fullmatch(said, fact):
            return found.expand(zh), fact
    return fact, fact


def _blocked(fact: str) -> Said:
    """`NOMINATION TITLE: CODE DETAILS; …`."""
    told = [_one_blocked(one) for one in fact.split("; ")]
    return "；".join(zh for zh, _ in told), "; ".join(en for _, en in told)


def _one_blocked(fact: str) -> Said:
    who, colon, why = fact.partition(": ")
    zh, en = _with(BLOCK_WORDS.get(why.partition(" ")[0], (why, why)), why)
    return f"{who}：{zh}" if colon else fact, f"{who}: {en}" if colon else fact


FACTS_TOLD: dict[str, dict[str, Tell]] = {
    "CYCLE_NOT_OPEN": {"status": _plain(CYCLE_WORDS | _GATE_WORDS)},
    "NOMINATION_OVER": {"status": _plain(STATUS_WORDS)},
    "NOTHING_TO_CORRECT": {"status": _plain(STATUS_WORDS)},
    "TITLE_STATUS": {"status": _plain(TITLE_WORDS), "action": _plain(ACT_WORDS)},
    "REWARD_WITHHELD": {"why": withheld_words},
    "NOT_AUTHORISED": {"action": _act},
    "STAGE_MISMATCH": {"current": _current, "action": _act},
    "STAGE_CLOSED": {"step": _step},
    "STAGE_NOT_OPEN": {"step": _step},
    "ENDS_BY_ITSELF": {"type": _plain(STEP_WORDS)},
    "NO_INTAKE_HERE": {"rank": _plain(RANK_WORDS)},
    "RULES_IN_FORCE": {"ranks": _ranks},
    "CHANNEL_NOT_OPEN": {"channel": _beside(CHANNEL_WORDS)},
    "SUBJECT_UNFIT": {"subject": _beside(SUBJECT_WORDS)},
    "OBJECTION_RULED": {"outcome": _plain(RULING_WORDS)},
    "LADDER_NOT_REACHED": {"act": _beside(LADDER_WORDS)},
    "ROLE_UNKNOWN": {"known": _roles},
    "EXTENSION_NEEDS_HIGHER_AUTHORITY": {"authority": _authority},
    "NOT_FOUND": {"what": _place},
    "FACTS_INVALID": {"fault": _fault},
    "POINTS_INVALID": {"fault": _fault},
    "MEMBERS_INVALID": {"fault": _fault},
    "SHARES_NOT_WHOLE": {"total": _fault},
    "CONFERRAL_BLOCKED": {"nominations": _blocked},
}
"""By an error's code and the fact's name."""
