"""Seats split in proportion, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import floor
from typing import NamedTuple


class Split(NamedTuple):
    """How many seats each may have; where `equals` compete for the last ones, how many they may have `together`."""

    seats: dict[str, int]
    equals: tuple[str, ...] = ()
    together: int = 0


def largest_remainder(parts: Mapping[str, Fraction], seats: int) -> Split:
    """`seats` in proportion to `parts`: whole numbers first, the rest to the largest remainders (DR-06).

    Where equal remainders compete for the last seats, each of them may have one, and the list decides whose it is: nobody
    is favoured by a code or an order, and together they have no more than there are.
    """
    total = sum(parts.values(), Fraction(0))
    exact = {name: part * seats / total if total else Fraction(0) for name, part in parts.items()}
    found = {name: floor(share) for name, share in exact.items()}
    left = seats - sum(found.values()) if total else 0
    by_remainder: dict[Fraction, list[str]] = {}
    for name, share in exact.items():
        by_remainder.setdefault(share - found[name], []).append(name)
    for remainder in sorted(by_remainder, reverse=True):
        equals = by_remainder[remainder]
        if not remainder or left <= 0:
            break
        together = sum(found[name] for name in equals) + left
        for name in equals:
            found[name] += 1
        left -= len(equals)
        if left < 0:
            return Split(found, tuple(equals), together)
    return Split(found)
