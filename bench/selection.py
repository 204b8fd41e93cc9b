"""The constrained choice beside general solvers on the same random instances: `make -s bench-selection`.

Each instance has ten overlapping share rules, half floors and half caps, all of the whole list, most of which bind. Ours
gives more than the peers: the places and the ties of the best list, the reserve and a certificate, which is then checked
again from its record alone.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, floor
from random import Random
from statistics import median
from time import perf_counter
from typing import TypeVar

import numpy as np

from bench import rehearsal
from bench.figures import Figure, show
from bench.selection_peers import PEERS, Numbers, serving
from domain.selection import Candidate, Certificate, Op, Problem, Selected, ShareRule, certify, select

T = TypeVar("T")
Ask = Callable[[str, Numbers], tuple[float, int | None]]
SIZES = {
    "select_50_30": (50, 30),
    "select_1000_200": (1_000, 200),
    "select_8000_200": (8_000, 200),
    "select_100000_1000": (100_000, 1_000),
}
CLASSES = tuple(f"class_{place}" for place in range(10))
MARKS = 10_000
"""Scores are ten-thousandths of a point, from 0 to 100."""


@dataclass(frozen=True)
class Instance:
    """The same question twice: as our problem, and as the numbers that the peers take."""

    problem: Problem
    numbers: Numbers


def instance(size: int, seats: int, seed: int) -> Instance:
    """Classes of 15 % to 60 % of all. Floors and caps lie between what chance gives and a planted list that leans toward
    the rules, a fifth of the way: they bind, and can be kept.
    """
    random = Random(f"{size}/{seats}/{seed}")
    density = [random.uniform(0.15, 0.6) for _ in CLASSES]
    member = np.array([[random.random() < part for _ in range(size)] for part in density])
    scores = np.array([random.randint(0, 100 * MARKS) for _ in range(size)], dtype=np.int64)
    sign = np.array([-1 if place % 2 else 1 for place in range(len(CLASSES))])
    lean = sign @ member + np.array([random.random() for _ in range(size)])
    planted = member[:, np.argsort(-lean)[:seats]]
    rules, least, most = [], [], []
    for place, name in enumerate(CLASSES):
        by_chance, leaning = (
            Fraction(int(member[place].sum()), size),
            Fraction(int(planted[place].sum()), seats),
        )
        wanted = (4 * by_chance + leaning) / 5
        cap = bool(place % 2)
        share = max(wanted, leaning) if cap else min(wanted, leaning)
        rules.append(ShareRule(id=name, op=Op.CAP if cap else Op.FLOOR, share=share, of=frozenset({name})))
        least.append(0 if cap else ceil(share * seats))
        most.append(floor(share * seats) if cap else seats)
    candidates = tuple(
        Candidate(
            id=f"n{one:06d}",
            score=Fraction(int(scores[one]), MARKS),
            tags=frozenset(name for name, has in zip(CLASSES, member[:, one], strict=True) if has),
        )
        for one in range(size)
    )
    problem = Problem(candidates=candidates, seats=seats, exact=True, rules=tuple(rules))
    return Instance(problem, Numbers(seats, scores, member, tuple(least), tuple(most)))


def ours(one: Instance) -> Selected:
    """The list with its reserve and certificate."""
    found = select(one.problem)
    assert isinstance(found, Selected), found
    return found


def timed(act: Callable[[Instance], T], one: Instance) -> tuple[float, T]:
    gc.collect()
    began = perf_counter()
    found = act(one)
    return 1000 * (perf_counter() - began), found


def recheck(one: Instance, found: Selected) -> Certificate:
    """The certificate made again from the list and the recorded multipliers alone."""
    said = found.certificate
    return certify(one.problem, found.selected, said.filled_multipliers, said.multipliers)


def measure(name: str, seeds: Iterable[int], ask: Ask) -> list[Figure]:
    """The medians over the seeds, beside the peer whose median is lowest; and the time of the check of the certificate."""
    size, seats = SIZES[name]
    runs: dict[str, list[float]] = {who: [] for who in ("", "check", *PEERS)}
    unproven = dict.fromkeys(PEERS, 0)
    for seed in seeds:
        one = instance(size, seats, seed)
        took, found = timed(ours, one)
        runs[""].append(took)
        took, again = timed(lambda one, found=found: recheck(one, found), one)  # type: ignore[misc]
        runs["check"].append(took)
        if again != found.certificate or not again.valid:
            raise AssertionError(f"{name}, seed {seed}: the certificate does not hold")
        for peer in PEERS:
            took, optimum = ask(peer, one.numbers)
            runs[peer].append(took)
            unproven[peer] += optimum is None
            if optimum is not None and optimum != found.certificate.score * MARKS:
                raise AssertionError(
                    f"{name}, seed {seed}: {peer} has {optimum}, ours {found.certificate.score}"
                )
    names = {peer: f"{peer}, {unproven[peer]} unproven" if unproven[peer] else peer for peer in PEERS}
    return _figures(name, {names.get(who, who): median(times) for who, times in runs.items()})


def _figures(name: str, medians: dict[str, float]) -> list[Figure]:
    value, check = medians.pop(""), medians.pop("check")
    fastest, *slower = [
        Figure(name, round(value, 1), "ms", peer, round(took, 1), round(value / took, 3))
        for peer, took in sorted(medians.items(), key=lambda pair: pair[1])
    ]
    others = [replace(one, figure=f"{name}_slower_peer") for one in slower]
    return [fastest, *others, Figure(f"{name}_certificate", round(check, 1), "ms")]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.selection", description=__doc__)
    parser.add_argument(
        "--only", choices=(*SIZES, "rehearsal_full"), default="", help="one size instead of all"
    )
    parser.add_argument(
        "--seeds", type=int, default=7, help="how many instances of each size (minutes each for the largest)"
    )
    parser.add_argument("--enterprises", type=int, default=8_000, help="of rehearsal_full")
    parser.add_argument(
        "--nominations", type=int, default=20_000, help="of rehearsal_full, which takes hours"
    )
    parser.add_argument(
        "--day",
        type=int,
        default=75,
        help="seconds that a cycle day of rehearsal_full takes: a township waits 56 days",
    )
    options = parser.parse_args()
    asyncio.run(show(_parts(options)))


async def _parts(options: argparse.Namespace) -> AsyncIterator[list[Figure]]:
    names = [options.only] if options.only in SIZES else [] if options.only else list(SIZES)
    if names:
        with serving() as ask:
            measure("select_50_30", [0], ask)  # pays for imports and caches on either side
            for name in names:
                yield measure(name, range(1, options.seeds + 1), ask)
    if options.only in ("", "rehearsal_full"):
        yield await rehearsal.figures(options.enterprises, options.nominations, options.day)


if __name__ == "__main__":
    main()
