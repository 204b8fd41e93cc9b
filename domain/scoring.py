"""Scores, votes and weights, exact from entry to order: fractions inside, decimal text at the boundary.

Rounding (ROUND_HALF_UP) happens once, at the end, and for display; where a programme lets the rounded value count, it
orders by `rounded`. What needs a person is a value (`PanelHold`), not an error.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from math import floor
from typing import Literal, assert_never
from unicodedata import normalize

from schemas.errors import Refused
from schemas.programme import Comparator

HUNDRED = Fraction(100)
ZERO = Fraction(0)
_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?\Z")

Vote = Literal["approve", "reject", "abstain", "return"]
Base = Literal["present", "cast", "entitled"]
Normalisation = Literal["top", "share", "rank"]


class Method(StrEnum):
    """How a panel's score came about."""

    TRIMMED = "trimmed"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class PanelScore:
    """A panel's result: `counted` scores went into `value`, `dropped` were trimmed; `flag` is a code or empty."""

    value: Fraction
    method: Method
    counted: int
    dropped: int = 0
    flag: Literal["", "TOO_FEW_TO_TRIM"] = ""


@dataclass(frozen=True, slots=True)
class PanelHold:
    """There are too few valid scores: the step holds for a person (DR-16)."""

    have: int
    need: int
    reason: Literal["TOO_FEW_SCORES", "TOO_FEW_TO_TRIM"]


@dataclass(frozen=True, slots=True)
class VoteCount:
    """A panel's votes on one subject; those recused are in no number unless the programme counts them (DR-13)."""

    entitled: int
    present: int
    approve: int = 0
    reject: int = 0
    abstain: int = 0
    sent_back: int = 0

    @property
    def cast(self) -> int:
        """Votes that say something: abstaining and silent members are present but cast none (DR-15)."""
        return self.approve + self.reject + self.sent_back

    def base(self, base: Base) -> int:
        """The number of the named base."""
        match base:
            case "present":
                return self.present
            case "cast":
                return self.cast
            case "entitled":
                return self.entitled
            case _:
                assert_never(base)


@dataclass(frozen=True, slots=True)
class VoteResult:
    """Whether a subject passed: `yes` of `base`."""

    passed: bool
    yes: int
    base: int


@dataclass(frozen=True, slots=True)
class Normalised:
    """A component's values on 0 to 100 by id; `flags` holds a code for each thing that a person should know."""

    values: dict[str, Fraction]
    flags: tuple[str, ...] = ()


# ---- scores ----


def parse_score(text: str, minimum: Fraction, maximum: Fraction, step: Fraction) -> Fraction:
    """A judge's score from text such as `9.5`; full-width digits are normalised (DR-16).

    Raises Refused SCORE_NOT_A_NUMBER, SCORE_OUT_OF_RANGE, SCORE_NOT_A_STEP.
    """
    plain = normalize("NFKC", text).strip()
    if not _DECIMAL.match(plain):
        raise Refused("SCORE_NOT_A_NUMBER", score=text)
    return check_score(Fraction(plain), minimum, maximum, step)


def check_score(score: Fraction, minimum: Fraction, maximum: Fraction, step: Fraction) -> Fraction:
    """The score itself if it is on the scale. Raises Refused SCORE_OUT_OF_RANGE, SCORE_NOT_A_STEP."""
    if not minimum <= score <= maximum:
        raise Refused(
            "SCORE_OUT_OF_RANGE", score=decimal(score), minimum=decimal(minimum), maximum=decimal(maximum)
        )
    if (score - minimum) % step:
        raise Refused("SCORE_NOT_A_STEP", score=decimal(score), minimum=decimal(minimum), step=decimal(step))
    return score


def panel_score(
    scores: Sequence[Fraction],
    drop: int = 0,
    min_left: int = 1,
    scores_min: int = 1,
    otherwise: Literal["mean", "stop"] = "mean",
) -> PanelScore | PanelHold:
    """The mean of the valid scores, without the `drop` highest and lowest by value, one instance each (DR-16).

    Trims only if `min_left` scores remain, else takes the plain mean with a flag, or holds. Below `scores_min` it holds.
    """
    if len(scores) < max(scores_min, 1):
        return PanelHold(len(scores), max(scores_min, 1), "TOO_FEW_SCORES")
    if not drop:
        return PanelScore(_mean(scores), Method.PLAIN, len(scores))
    need = 2 * drop + max(min_left, 1)
    if len(scores) >= need:
        kept = sorted(scores)[drop:-drop]
        return PanelScore(_mean(kept), Method.TRIMMED, len(kept), 2 * drop)
    if otherwise == "stop":
        return PanelHold(len(scores), need, "TOO_FEW_TO_TRIM")
    return PanelScore(_mean(scores), Method.PLAIN, len(scores), flag="TOO_FEW_TO_TRIM")


def on_hundred(score: Fraction, maximum: Fraction) -> Fraction:
    """A score pro rata on 0 to 100, so that components of other scales can be weighed together."""
    return score * HUNDRED / maximum


# ---- votes ----


def meets(part: int, whole: int, num: int, den: int, comparator: Comparator | str) -> bool:
    """Whether part/whole reaches num/den, in integers (DR-15): `>=` for 三分之二以上, `>` for 过半数. Nothing of 0 does."""
    if whole <= 0:
        return False
    left, right = part * den, whole * num
    return left >= right if Comparator(comparator) is Comparator.AT_LEAST else left > right


def count_votes(
    votes: Mapping[str, Vote],
    panel: Collection[str],
    present: Collection[str],
    recused: Collection[str] = (),
    recused_count: bool = False,
) -> VoteCount:
    """The votes on one subject by judge; the recused leave numerator and base, or the numerator alone (DR-13).

    Whoever voted is present. Raises Refused NOT_ON_PANEL for a vote from outside.
    """
    members, away = set(panel), set(recused)
    for judge in sorted(votes.keys() - members):
        raise Refused("NOT_ON_PANEL", actor=judge)
    counted = members if recused_count else members - away
    here = (set(present) | votes.keys()) & counted
    by_vote = Counter(vote for judge, vote in votes.items() if judge not in away)
    return VoteCount(
        entitled=len(counted),
        present=len(here),
        approve=by_vote["approve"],
        reject=by_vote["reject"],
        abstain=by_vote["abstain"],
        sent_back=by_vote["return"],
    )


def vote_result(count: VoteCount, base: Base, num: int, den: int, comparator: Comparator | str) -> VoteResult:
    """Whether the approvals reach num/den of the named base (DR-15)."""
    whole = count.base(base)
    return VoteResult(meets(count.approve, whole, num, den, comparator), count.approve, whole)


# ---- components ----


def normalise(tally: Mapping[str, int | Fraction], method: Normalisation) -> Normalised:
    """A tally by id on 0 to 100 (DR-19): `top` is 100 and the others pro rata, `share` of the total, or `rank`.

    By rank the best has 100, each place below 100/n less, equals share a place. All zeros stay zeros, and are flagged.
    """
    if not any(tally.values()):
        return Normalised(dict.fromkeys(tally, ZERO), ("ALL_ZERO",))
    match method:
        case "top":
            top = Fraction(max(tally.values()))
            values = {key: votes * HUNDRED / top for key, votes in tally.items()}
        case "share":
            total = Fraction(sum(tally.values()))
            values = {key: votes * HUNDRED / total for key, votes in tally.items()}
        case "rank":
            better = _better_than(tally)
            values = {
                key: HUNDRED * (len(tally) - better[votes]) / len(tally) for key, votes in tally.items()
            }
        case _:
            assert_never(method)
    return Normalised(values)


def combine_channels(
    tallies: Mapping[str, Mapping[str, int]], weights: Mapping[str, Fraction], method: Normalisation = "top"
) -> Normalised:
    """The public component from its channels, each normalised by itself and weighed, such as 40/30/20/10 (DR-24).

    A channel without votes gives 0 and a flag `ALL_ZERO:<channel>`. Raises Refused WEIGHTS_NOT_WHOLE, COMPONENT_MISSING.
    """
    parts = {channel: normalise(tally, method) for channel, tally in tallies.items()}
    keys = dict.fromkeys(key for tally in tallies.values() for key in tally)
    values = {
        key: composite({channel: part.values.get(key, ZERO) for channel, part in parts.items()}, weights)
        for key in keys
    }
    flags = tuple(f"{flag}:{channel}" for channel in sorted(parts) for flag in parts[channel].flags)
    return Normalised(values, flags)


def composite(components: Mapping[str, Fraction], weights: Mapping[str, Fraction]) -> Fraction:
    """The weighted sum, exact (DR-19). Raises Refused WEIGHTS_NOT_WHOLE unless weights are exactly 100 %,
    COMPONENT_MISSING where a weighted component has no value.
    """
    total = sum(weights.values(), ZERO)
    if total != 1:
        raise Refused("WEIGHTS_NOT_WHOLE", total=total * 100)
    for component in sorted(weights.keys() - components.keys()):
        raise Refused("COMPONENT_MISSING", component=component)
    return sum((components[name] * weight for name, weight in weights.items()), ZERO)


# ---- rounding, once, at the end ----


def rounded(value: Fraction, places: int) -> Fraction:
    """`value` to `places` decimals, halves away from zero (ROUND_HALF_UP, DR-16)."""
    unit = 10**places
    units = floor(abs(value) * unit + Fraction(1, 2))
    return Fraction(units if value >= 0 else -units, unit)


def display(value: Fraction, places: int) -> str:
    """Decimal text with exactly `places` decimals: `85.67`."""
    units = int(rounded(value, places) * 10**places)
    whole, part = divmod(abs(units), 10**places)
    sign = "-" if units < 0 else ""
    return f"{sign}{whole}.{part:0{places}d}" if places else f"{sign}{whole}"


def decimal(value: Fraction) -> str:
    """Exact decimal text where there is one (`9.55`), else the fraction (`1/3`)."""
    places = 0
    while (value * 10**places).denominator != 1:
        places += 1
        if places > 30:
            return str(value)
    return display(value, places)


def _mean(scores: Sequence[Fraction]) -> Fraction:
    return sum(scores, ZERO) / len(scores)


def _better_than(tally: Mapping[str, int | Fraction]) -> dict[int | Fraction, int]:
    """How many have more, by number of votes."""
    better: dict[int | Fraction, int] = {}
    for place, votes in enumerate(sorted(tally.values(), reverse=True)):
        better.setdefault(votes, place)
    return better
