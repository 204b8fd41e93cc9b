"""The whole log checked in one pass: rows in global order against their hashes, chains, order and signed roots.

Made for millions of events: a row costs one hash of its body, half of one of the tree, and a look at three fields. What
is remembered is a head a stream and the tree's right edge. What events *mean* is not looked at here.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import NamedTuple, NoReturn

import msgspec

from proof.merkle import Frontier
from schemas.errors import Integrity

Row = tuple[int, str, int, bytes, bytes, bytes]
"""Position (from 1), stream, seq, body, previous hash, hash: as `read_all.sql` gives them, hashes of 32 bytes."""

_GENESIS = bytes(32)


class SignedRoot(NamedTuple):
    """What a checkpoint says: the root over the first `size` events."""

    size: int
    root: bytes


class _Placed(msgspec.Struct):
    """The fields of a body that name its place."""

    stream: str
    seq: int
    prev: str


class LogStream:
    """Takes the log's rows page by page; the first that is not what it must be raises Integrity `LOG_BROKEN`.

    `signed` are the roots that the log must pass through, in any order. `heads` is each stream's last (seq, hash).
    """

    def __init__(self, signed: Iterable[SignedRoot] = ()) -> None:
        self.tree = Frontier()
        self.heads: dict[str, tuple[int, bytes]] = {}
        self._signed = sorted(signed, reverse=True)
        self._decode = msgspec.json.Decoder(_Placed).decode

    @property
    def position(self) -> int:
        """How many events were read."""
        return self.tree.size

    def feed(self, rows: Iterable[Row]) -> None:
        """Check the rows that follow; raises Integrity `LOG_BROKEN` with the first fault's stream and seq."""
        leaves = self._leaves(rows)
        while self._signed and self._signed[-1].size <= self.tree.size + len(leaves):
            wanted = self._signed.pop()
            upto = wanted.size - self.tree.size
            self.tree.extend(leaves[:upto])
            leaves = leaves[upto:]
            if self.tree.root() != wanted.root:
                self._fault("*", wanted.size, "the events are not those that the checkpoint signs")
        self.tree.extend(leaves)

    def finish(self) -> None:
        """The log has no more rows; Integrity `LOG_BROKEN` if a checkpoint signed more than there are."""
        if self._signed:
            wanted = self._signed[0].size
            self._fault(
                "*", self.position + 1, f"the log ends at {self.position}, a checkpoint signs {wanted}"
            )

    def _leaves(self, rows: Iterable[Row]) -> list[bytes]:
        """The leaf hash of each row, once it was found to follow its stream's head."""
        leaves: list[bytes] = []
        add, heads, decode = leaves.append, self.heads, self._decode
        at = self.tree.size
        for position, stream, seq, body, prev, kept in rows:
            at += 1
            if position != at or body is None:
                self._fault(stream or "*", seq or at, f"the global order has a hole at position {at}")
            leaf = sha256(b"\x00" + body).digest()
            if leaf != kept:
                self._fault(stream, seq, "the body does not have the kept hash")
            last, head = heads.get(stream) or (0, _GENESIS)
            if seq != last + 1:
                self._fault(stream, last + 1, f"the event is missing, position {at} holds {seq}")
            if prev != head:
                self._fault(stream, seq, "the previous hash is another")
            try:
                said = decode(body)
            except (msgspec.DecodeError, UnicodeDecodeError):
                self._fault(stream, seq, "the body is not an event")
            if said.stream != stream or said.seq != seq or said.prev != prev.hex():
                self._fault(stream, seq, "the body belongs to another place in the log")
            heads[stream] = (seq, leaf)
            add(leaf)
        return leaves

    def _fault(self, stream: str, seq: int, fault: str) -> NoReturn:
        raise Integrity("LOG_BROKEN", stream=stream, seq=seq, fault=fault)
