"""The Merkle tree of RFC 9162 over leaf hashes: roots, an append-only frontier, inclusion and consistency proofs.

Hashes are 32 bytes; an index counts from 0; a proof lists its hashes from the leaves up, as the RFC does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

EMPTY_ROOT = sha256().digest()

Range = tuple[int, int]


def leaf(body: bytes) -> bytes:
    """The hash of an entry, SHA-256(0x00 ‖ body)."""
    return sha256(b"\x00" + body).digest()


def node(left: bytes, right: bytes) -> bytes:
    """The hash above two subtrees, SHA-256(0x01 ‖ left ‖ right)."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """The tree's right edge: `peaks` are the roots of its full subtrees, largest first, one for each bit of `size`."""

    __slots__ = ("peaks", "size")

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        self.size = size
        self.peaks = list(peaks)
        if size < 0 or len(self.peaks) != size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} peaks, not {len(self.peaks)}")

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash; about two hashes of work over any run of appends."""
        joined, above = leaf, self.size
        while above & 1:
            joined = node(self.peaks.pop(), joined)
            above >>= 1
        self.peaks.append(joined)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes in their order: level by level, a third faster than one by one."""
        nodes, above = list(leaves), self.size
        smaller: list[bytes] = []
        self.size += len(nodes)
        while nodes:
            if above & 1:
                nodes.insert(0, self.peaks.pop())
            if len(nodes) & 1:
                smaller.append(nodes.pop())
            above >>= 1
            pairs = zip(nodes[::2], nodes[1::2], strict=True)
            nodes = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
        self.peaks += reversed(smaller)

    def root(self) -> bytes:
        """The root over all leaves so far; of none, SHA-256 of nothing."""
        if not self.peaks:
            return EMPTY_ROOT
        *larger, joined = self.peaks
        for peak in reversed(larger):
            joined = node(peak, joined)
        return joined

    def copy(self) -> Frontier:
        """A frontier of its own with the same leaves behind it."""
        return Frontier(self.size, self.peaks)


def root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes in their order."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()


def inclusion_ranges(index: int, size: int) -> tuple[Range, ...]:
    """The half-open ranges of leaves whose roots prove leaf `index` in a tree of `size`; ValueError if outside."""
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    low, high, beside = 0, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            beside.append((middle, high))
            high = middle
        else:
            beside.append((low, middle))
            low = middle
    return tuple(reversed(beside))


def consistency_ranges(old: int, new: int) -> tuple[Range, ...]:
    """The ranges of leaves whose roots prove that a tree of `new` extends one of `old`; ValueError if it cannot."""
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} does not extend one of {old}")
    if old in (0, new):
        return ()
    low, high, beside = 0, new, []
    while high != old:
        middle = low + _split(high - low)
        if old <= middle:
            beside.append((middle, high))
            high = middle
        else:
            beside.append((low, middle))
            low = middle
    if low:
        beside.append((low, high))
    return tuple(reversed(beside))


def inclusion_path(leaves: Sequence[bytes], index: int, size: int) -> tuple[bytes, ...]:
    """The proof that leaf `index` is in the tree of the first `size` leaves (RFC 9162, 2.1.3.1)."""
    return tuple(root(leaves[low:high]) for low, high in inclusion_ranges(index, size))


def consistency_path(leaves: Sequence[bytes], old: int, new: int) -> tuple[bytes, ...]:
    """The proof that the first `new` leaves extend the first `old` (RFC 9162, 2.1.4.1); empty from 0 or to itself."""
    return tuple(root(leaves[low:high]) for low, high in consistency_ranges(old, new))


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `path` leads from the leaf at `index` to the root over `size` leaves (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    at, last, joined = index, size - 1, leaf
    for beside in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            joined = node(beside, joined)
            at, last = _past_left_edges(at, last)
        else:
            joined = node(joined, beside)
        at, last = at >> 1, last >> 1
    return last == 0 and joined == root


def verify_consistency(old: int, new: int, path: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether `path` proves that the tree of `new` leaves extends that of `old` (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    if old == 0:
        return not path and old_root == EMPTY_ROOT
    first, *rest = (old_root, *path) if old.bit_count() == 1 else (*path,) or (b"",)
    at, last = old - 1, new - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old_joined = new_joined = first
    for beside in rest:
        if last == 0:
            return False
        if at & 1 or at == last:
            old_joined, new_joined = node(beside, old_joined), node(beside, new_joined)
            at, last = _past_left_edges(at, last)
        else:
            new_joined = node(new_joined, beside)
        at, last = at >> 1, last >> 1
    return last == 0 and (old_joined, new_joined) == (old_root, new_root)


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _past_left_edges(at: int, last: int) -> tuple[int, int]:
    while at and not at & 1:
        at, last = at >> 1, last >> 1
    return at, last
