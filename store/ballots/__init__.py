"""Public votes at scale: papers in, one tally out, and the proof of each paper."""

from store.ballots.box import BallotBox
from store.ballots.paper import Paper, PaperReceipt, day_and_minute, day_begin, day_number, token
from store.ballots.tally import Inclusion, SealedTally

__all__ = [
    "BallotBox",
    "Inclusion",
    "Paper",
    "PaperReceipt",
    "SealedTally",
    "day_and_minute",
    "day_begin",
    "day_number",
    "token",
]
