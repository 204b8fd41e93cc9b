"""The shipped rules against ballot-stuffing on crowds they were not tuned to: what they hold of bots and of the honest."""

from __future__ import annotations

import time
from statistics import median

from bench.figures import Figure
from tests.support.crowd import HELD_OUT, Crowd, measured, screened

CROWDS = 5


def figures() -> list[Figure]:
    """Recall and false holds as the median over the crowds, and papers a second through all three readings."""
    crowds = [Crowd(seed) for seed in HELD_OUT[:CROWDS]]
    results = [measured(crowd) for crowd in crowds]
    recall = [one.recall_permille / 10 for one in results]
    false = [round(one.false_permille / 10, 3) for one in results]
    return [
        Figure("stuffing_recall", median(recall), "% of bots' papers held", "aim: at least", 95.0),
        Figure("stuffing_recall_least", min(recall), "% in the worst crowd", "aim: at least", 95.0),
        Figure("stuffing_false_holds", median(false), "% of honest papers held", "aim: at most", 0.5),
        Figure("stuffing_false_holds_most", max(false), "% in the worst crowd", "aim: at most", 0.5),
        Figure(
            "stuffing_screened", round(median(map(_rate, crowds)), 0), "papers/s of one core, three readings"
        ),
    ]


def _rate(crowd: Crowd) -> float:
    begun = time.process_time()
    screening = screened(crowd.papers)
    for one in crowd.papers:
        screening.name(one.trace)
    return len(crowd.papers) / (time.process_time() - begun)
