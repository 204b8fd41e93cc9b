"""A sealed ballot's tree, too large to keep whole: its leaves come once, and enough stays for the proof of any of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from proof.merkle import Frontier, inclusion_ranges, node, root

PAGE_LEVEL = 8
PAGE_LEAVES = 1 << PAGE_LEVEL


class Node(NamedTuple):
    """A full subtree: number `n` of those of 2^level leaves."""

    level: int
    n: int


class Tree:
    """Takes leaves in their order in constant memory; `nodes` are what is to be kept since they were last taken away."""

    def __init__(self) -> None:
        self.nodes: list[tuple[int, int, bytes]] = []
        self._pages = Frontier()  # whose leaves are the pages' roots
        self._page: list[bytes] = []

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return self._pages.size * PAGE_LEAVES + len(self._page)

    def append(self, leaf: bytes) -> None:
        """Add the next leaf."""
        self._page.append(leaf)
        if len(self._page) == PAGE_LEAVES:
            self._turn(_root_of_full(self._page))
            self._page.clear()

    def finish(self) -> bytes:
        """The root; what lies below the last page is kept too."""
        rest = Frontier()
        rest.extend(self._page)
        whole = Frontier(self.size, [*self._pages.peaks, *rest.peaks])
        at = self._pages.size * PAGE_LEAVES
        for level, peak in zip(_levels(rest.size), rest.peaks, strict=True):
            self.nodes.append((level, at >> level, peak))
            at += 1 << level
        return whole.root()

    def _turn(self, joined: bytes) -> None:
        """Keep a page's root, and the roots of what it makes full."""
        n, level = self._pages.size, PAGE_LEVEL
        self.nodes.append((level, n, joined))
        left = list(self._pages.peaks)
        while n & 1:
            joined = node(left.pop(), joined)
            n, level = n >> 1, level + 1
            self.nodes.append((level, n, joined))
        self._pages = Frontier(self._pages.size + 1, [*left, joined])


def outside_the_page(index: int, size: int) -> list[Node]:
    """The kept subtrees that the proof of leaf `index` needs beside the leaves of its own page."""
    ranges = inclusion_ranges(index, size)
    return [one for low, high in ranges if not _on_page_of(index, low, high) for one in _full(low, high)]


def path(index: int, size: int, page: Sequence[bytes], kept: Mapping[Node, bytes]) -> tuple[bytes, ...]:
    """The inclusion proof of leaf `index`; `page` are the leaves of its page, `kept` what `outside_the_page` names."""
    first = index >> PAGE_LEVEL << PAGE_LEVEL
    found = []
    for low, high in inclusion_ranges(index, size):
        if _on_page_of(index, low, high):
            found.append(root(page[low - first : high - first]))
        else:
            found.append(Frontier(high - low, [kept[one] for one in _full(low, high)]).root())
    return tuple(found)


def _on_page_of(index: int, low: int, high: int) -> bool:
    return low >> PAGE_LEVEL == index >> PAGE_LEVEL == (high - 1) >> PAGE_LEVEL


def _full(low: int, high: int) -> Iterator[Node]:
    """The full subtrees that make up a range which begins where its largest one may, largest first."""
    for level in _levels(high - low):
        yield Node(level, low >> level)
        low += 1 << level


def _levels(size: int) -> Iterable[int]:
    return (level for level in range(size.bit_length() - 1, -1, -1) if size >> level & 1)


def _root_of_full(leaves: Sequence[bytes]) -> bytes:
    hashes = list(leaves)
    while len(hashes) > 1:
        hashes = [node(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]
