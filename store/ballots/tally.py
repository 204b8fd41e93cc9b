"""What a ballot counted, and the proof that one paper is in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from schemas.errors import Integrity
from schemas.events import ChannelCounts, Count
from schemas.ledger import Frozen
from store.ballots.paper import PAPER_BYTES, candidates_of, channel_of, split_row
from store.ballots.rules import Opened

_MINUTES = 24 * 60


class SealedTally(Frozen):
    """What a closed ballot counted (DR-22): `counts` in the order of the paper, zeros too; hashes in hex.

    `root` is the RFC 9162 root over all accepted papers by day, voter's token and slot; `refused` counts refused papers
    up to the first seal, at best effort. `uncounted_root` is the root over the leaves of those papers that do not count, in
    the same order: the two tell the final status of every paper. `channels` are the counts of all papers by channel,
    `valid` those without the papers that were invalidated (DR-23), both in the order of the rules; a ballot without
    channels has one, ``""``.
    """

    ballot: str
    papers: int
    refused: int
    root: str
    uncounted_root: str
    counts: tuple[Count, ...]
    rules_hash: str
    channels: tuple[ChannelCounts, ...] = ()
    valid: tuple[ChannelCounts, ...] = ()


class Inclusion(Frozen):
    """The proof that a leaf is number `index` of the `size` under `root`: hashes in hex, path from the leaf upwards."""

    ballot: str
    leaf: str
    index: int
    size: int
    path: tuple[str, ...]
    root: str


class Counts:
    """Votes by channel and candidate, papers by channel, each called by its place in the rules."""

    def __init__(self) -> None:
        self.votes: Counter[tuple[int, int]] = Counter()
        self.papers: Counter[int] = Counter()

    def add(self, choices: bytes) -> None:
        """Count one paper."""
        channel = channel_of(choices)
        self.papers[channel] += 1
        for candidate in candidates_of(choices):
            self.votes[channel, candidate] += 1

    def without(self, other: Counts) -> Counts:
        """What is left of these when others are taken away."""
        left = Counts()
        left.votes, left.papers = self.votes - other.votes, self.papers - other.papers
        return left

    def by_channel(self, ballot: Opened) -> tuple[ChannelCounts, ...]:
        """The counts of each channel of the rules that has papers."""
        names = ballot.rules.candidates
        return tuple(
            ChannelCounts(
                channel=channel,
                papers=self.papers[number],
                counts=tuple(
                    Count(nomination=name, votes=self.votes[number, n]) for n, name in enumerate(names)
                ),
            )
            for number, channel in enumerate(ballot.rules.channels or ("",))
            if self.papers[number]
        )

    def of_candidates(self, ballot: Opened) -> tuple[Count, ...]:
        """The votes of each candidate in the order of the paper."""
        channels = range(len(ballot.rules.channels or ("",)))
        return tuple(
            Count(nomination=name, votes=sum(self.votes[channel, n] for channel in channels))
            for n, name in enumerate(ballot.rules.candidates)
        )


class Recount:
    """Counts raw rows by itself, each checked against the rules."""

    def __init__(self, ballot: Opened) -> None:
        self.counts = Counts()
        self._ballot = ballot

    def row(self, number: int, papers: bytes, choices: bytes) -> Sequence[tuple[bytes, bytes]]:
        """Count a voter's day and give its papers; raises `Integrity(BALLOT_BROKEN)` where none could be accepted so."""
        try:
            apart = list(split_row(papers, choices))
        except ValueError as fault:
            raise self._broken(number, str(fault)) from fault
        for paper, chosen in apart:
            if reason := self._fault(paper, chosen):
                raise self._broken(number, reason)
            self.counts.add(chosen)
        if len(apart) > 1 and self._ballot.over_the_day(candidates_of(choices)):
            raise self._broken(number, "the voter is past the limits of the day")
        return apart

    def _fault(self, paper: bytes, choices: bytes) -> str:
        channels = {one >> 3 for one in choices[::2]}
        if len(channels) > 1 or max(channels) >= len(self._ballot.rules.channels or ("",)):
            return "the channel is none of the ballot's, or not one"
        if int.from_bytes(paper[PAPER_BYTES - 2 :], "big") >= _MINUTES:
            return "the minute is in no day"
        fault = self._ballot.fault(candidates_of(choices), 0)
        return f"no such paper is accepted ({fault})" if fault else ""

    def _broken(self, number: int, fault: str) -> Integrity:
        return Integrity("BALLOT_BROKEN", ballot=self._ballot.rules.ballot, paper=number, fault=fault)
