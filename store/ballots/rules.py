"""What a ballot was opened with, and whether a paper can be looked at under it at all (DR-21)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from schemas.errors import Refused
from schemas.ledger import Frozen
from schemas.programme import VoterLimits
from store.ballots.paper import candidates_of

_MARKS_MAX = 100_000


class Rules(Frozen):
    """What is pinned and hashed at opening. Without channels papers count alike, and the channel is not kept."""

    ballot: str
    limits: VoterLimits
    candidates: tuple[str, ...]
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Opened:
    """A ballot that is open to this process: its rules and the sheets it knows, by day."""

    number: int
    rules: Rules
    rules_hash: bytes
    traced: bool = False  # what the intake saw of papers' senders is kept for a while (DR-23)
    sheets: dict[int, int] = field(default_factory=dict)
    marks: dict[tuple[tuple[int, ...], str], bytes] = field(default_factory=dict)  # what `marked` gave before

    @cached_property
    def channels(self) -> dict[str, int]:
        """The number of each channel; empty if any is good and none is kept."""
        return {name: number for number, name in enumerate(self.rules.channels)}

    @cached_property
    def places(self) -> dict[str, int]:
        """Where each candidate stands on the paper."""
        return {name: place for place, name in enumerate(self.rules.candidates)}

    @cached_property
    def facts(self) -> dict[str, object]:
        """What sentences of refusal say of the rules."""
        limits, ballot = self.rules.limits, self.rules.ballot
        return {
            "ballot": ballot,
            "what": f"ballot {ballot}",
            "step": ballot,
            "per_day": limits.per_day,
            "per_candidate": limits.per_candidate_per_day,
            "in_total": limits.in_total,
            "candidate_in_total": limits.per_candidate_in_total,
            "minimum": limits.choices_min,
            "maximum": limits.choices_max,
        }

    def marked(self, choices: tuple[int, ...], channel: str) -> bytes:
        """How many choices, and the choices as they are kept, filled up to the most that a paper may have.

        Raises `Refused` for a paper that no moment would make good.
        """
        number = self.channels.get(channel, -1) if self.channels else 0
        if fault := self.fault(choices, number):
            raise Refused(fault, **self.facts | {"choices": "、".join(map(str, choices)), "channel": channel})
        kept = b"".join([(number << 11 | one).to_bytes(2, "big") for one in choices])
        mark = (bytes([len(choices)]) + kept).ljust(1 + 2 * self.rules.limits.choices_max, b"\x00")
        if len(self.marks) < _MARKS_MAX:
            self.marks[choices, channel] = mark
        return mark

    def fault(self, choices: Sequence[int], channel: int) -> str:
        """Why no moment would make a paper good that has these choices, or nothing; `channel` is negative if unknown."""
        limits = self.rules.limits
        if not limits.choices_min <= len(choices) <= limits.choices_max:
            return "TOO_FEW_CHOICES" if len(choices) < limits.choices_min else "TOO_MANY_CHOICES"
        if not 0 <= min(choices) <= max(choices) < len(self.rules.candidates):
            return "NOT_A_CANDIDATE"
        if channel < 0:
            return "NOT_A_CHANNEL"
        if len(set(choices)) == len(choices):
            return "LIMIT_REACHED" if len(choices) > limits.per_day else ""
        return self.over_the_day(choices) if limits.repeats else "DUPLICATE_CHOICE"

    def over_the_day(self, chosen: Sequence[int]) -> str:
        """The limit that a voter would pass with these choices on one day, or nothing."""
        limits = self.rules.limits
        if len(chosen) > 1 and _most(chosen) > limits.per_candidate_per_day:
            return "ALREADY_VOTED"
        return "LIMIT_REACHED" if len(chosen) > limits.per_day else ""

    def over_the_total(self, chosen: Sequence[int]) -> str:
        """The limit that a voter would pass with these choices altogether, or nothing."""
        limits = self.rules.limits
        if limits.per_candidate_in_total and _most(chosen) > limits.per_candidate_in_total:
            return "CANDIDATE_TOTAL_REACHED"
        return "TOTAL_REACHED" if limits.in_total and len(chosen) > limits.in_total else ""

    def over_a_limit(self, today: bytes, before: bytes, new: bytes) -> str:
        """Why a paper with the choices `new` is refused to a voter with these of today, and `before` in total."""
        over = self.over_the_day(candidates_of(today + new))
        return over or self.over_the_total(candidates_of(before + new)) or "LIMIT_REACHED"


def opened(number: int, body: bytes, traced: bool = False) -> Opened:
    """Read rules as they were pinned."""
    return Opened(number, Rules.model_validate_json(body), sha256(body).digest(), traced)


def _most(chosen: Sequence[int]) -> int:
    return max(Counter(chosen).values(), default=0)
