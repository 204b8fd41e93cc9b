"""What goes with a title, as entries of a ledger: what falls due when, from whom, to whom, exact to the fen (DR-34)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

from domain.history import years_after
from schemas.programme import Reward

Key = tuple[str, str, str, str]
WHOLE = (("", Fraction(1)),)


@dataclass(frozen=True, slots=True)
class Entry:
    """One payment, or one entitlement to issue (of no amount)."""

    item: str
    period: str  # from 1
    payer: str
    payee: str  # a member's subject id; empty: the title's own
    amount_fen: int
    due_on: date
    expires_on: date | None = None

    @property
    def key(self) -> Key:
        """What is paid once, within one title of one edition."""
        return (self.item, self.period, self.payer, self.payee)


def split(amount: int, shares: Sequence[Fraction], remainder: Literal["first", "last"]) -> list[int]:
    """Whole fen by share, which add up to `amount` exactly: what does not divide goes to the first or the last part.

    The shares are a whole.
    """
    parts = [int(amount * share) for share in shares]
    parts[0 if remainder == "first" else -1] += amount - sum(parts)
    return parts


def entries(
    reward: Reward, effective_on: date, until: date, shares: Sequence[tuple[str, Fraction]] = ()
) -> list[Entry]:
    """The entries that fall due up to and including `until`; a team's by member, once that is agreed."""
    payees = tuple(shares) if reward.members and shares else WHOLE
    return [
        Entry(reward.item, str(n + 1), payer, payee, part, due_on, _expires(reward, due_on))
        for n, amount in enumerate(_amounts(reward, effective_on, until))
        if (due_on := years_after(effective_on, n)) <= until
        for payer, payee, part in _shared_out(reward, amount, payees)
    ]


def _amounts(reward: Reward, effective_on: date, until: date) -> Sequence[int]:
    """What each period is worth."""
    total = reward.amount_fen or 0
    match reward.type:
        case "cash" | "entitlement":
            return (total,)
        case "instalments":
            parts = reward.parts or 1
            return reward.instalments or split(total, [Fraction(1, parts)] * parts, reward.remainder)
        case "yearly":
            begun = max(until.year - effective_on.year + 1, 0)
            return (total,) * min(begun, reward.years or begun)


def _shared_out(
    reward: Reward, amount: int, payees: Sequence[tuple[str, Fraction]]
) -> list[tuple[str, str, int]]:
    payers = tuple((payer.id, payer.share) for payer in reward.payers) or WHOLE
    borne = split(amount, [share for _, share in payers], reward.remainder)
    return [
        (payer, payee, part)
        for (payer, _), of_payer in zip(payers, borne, strict=True)
        for (payee, _), part in zip(
            payees, split(of_payer, [share for _, share in payees], reward.remainder), strict=True
        )
    ]


def _expires(reward: Reward, due_on: date) -> date | None:
    return years_after(due_on, reward.valid_years) if reward.valid_years else None
