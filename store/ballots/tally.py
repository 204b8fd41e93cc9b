"""What a ballot counted, and the proof that one paper is in it."""

from __future__ import annotations

from schemas.events import ChannelCounts, Count
from schemas.ledger import Frozen


class SealedTally(Frozen):
    """What a closed ballot counted (DR-22): `counts` in the order of the paper, zeros too; hashes in hex.

    `root` is the RFC 9162 root over all accepted papers by day, voter's token and slot. `channels` are the counts of all
    papers by channel, `valid` those without held or invalidated papers (DR-23).
    """

    ballot: str
    papers: int
    refused: int
    root: str
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
