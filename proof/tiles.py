"""The tree as static files (C2SP tlog-tiles): 256 hashes a tile, a level for each power of 256, and entry bundles.

Tiles are written as the log grows and read back to prove things; where the files lie is the caller's business.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from proof import merkle
from proof.merkle import Frontier

WIDTH = 256
CHECKPOINT = "checkpoint"
TIMESTAMP = "token.tsr"
_ENTRY_MAX = 2**16 - 1
_HASH = 32

Read = Callable[[str], bytes]
"""Gives the bytes of a path below the log's prefix; raises OSError if there are none."""


class File(NamedTuple):
    """A path below the log's prefix, and its bytes."""

    path: str
    content: bytes


def tile_path(level: int | str, index: int, width: int = WIDTH) -> str:
    """`tile/LEVEL/N`, with `.p/WIDTH` for a partial one; level `entries` for bundles."""
    groups = [f"{index % 1000:03}"]
    while index := index // 1000:
        groups.insert(0, f"x{index % 1000:03}")
    partial = f".p/{width}" if width < WIDTH else ""
    return f"tile/{level}/{'/'.join(groups)}{partial}"


def edge_paths(size: int) -> tuple[str, ...]:
    """The partial hash tiles of a tree of `size`, an empty text for a level that has none; lowest level first."""
    paths, level = [], 0
    while size:
        paths.append(tile_path(level, size // WIDTH, size % WIDTH) if size % WIDTH else "")
        size, level = size // WIDTH, level + 1
    return tuple(paths)


class Tiles:
    """The tree's right edge, a list of hashes for the unfinished tile of each level; tiles come out as they fill."""

    def __init__(self, size: int = 0, edge: Sequence[list[bytes]] = ()) -> None:
        self.size = size
        self._edge = [list(level) for level in edge]

    @classmethod
    def resumed(cls, size: int, read: Read) -> Tiles:
        """Take up a published tree again from its partial tiles."""
        levels = enumerate(edge_paths(size))
        return cls(size, [_edge(read, size, level) if path else [] for level, path in levels])

    def append(self, leaf: bytes) -> Iterator[File]:
        """Add a leaf hash; gives the tiles that it fills, lowest level first."""
        self.size += 1
        above, level, index = leaf, 0, self.size
        while True:
            if level == len(self._edge):
                self._edge.append([])
            self._edge[level].append(above)
            if len(self._edge[level]) < WIDTH:
                return
            full, self._edge[level] = self._edge[level], []
            index //= WIDTH
            yield File(tile_path(level, index - 1), b"".join(full))
            above, level = merkle.root(full), level + 1

    def partials(self) -> Iterator[File]:
        """The unfinished tiles of the tree as it stands."""
        for path, hashes in zip(edge_paths(self.size), self._edge, strict=False):
            if path:
                yield File(path, b"".join(hashes))

    def frontier(self) -> Frontier:
        """The same right edge as a frontier, whose root is the tree's."""
        peaks: list[bytes] = []
        for hashes in reversed(self._edge):
            level = Frontier()
            level.extend(hashes)
            peaks += level.peaks
        return Frontier(self.size, peaks)


def subtree_root(read: Read, size: int, low: int, high: int) -> bytes:
    """The root over leaves `low` to `high` (as proofs' ranges are) from the tiles of a tree of `size`."""
    frontier = Frontier()
    level, span = 0, 1
    while low % (span * WIDTH) == 0 and low + span * WIDTH <= high:
        level, span = level + 1, span * WIDTH
    whole = (high - low) // span
    frontier.extend(_row(read, size, level, low // span, low // span + whole))
    peaks, done = frontier.peaks, low + whole * span
    if done == high:
        return frontier.root()
    joined = subtree_root(read, size, done, high)
    for peak in reversed(peaks):
        joined = merkle.node(peak, joined)
    return joined


def consistency_path(read: Read, old: int, new: int) -> tuple[bytes, ...]:
    """The proof that the published tree of `new` leaves extends that of `old`."""
    return tuple(subtree_root(read, new, low, high) for low, high in merkle.consistency_ranges(old, new))


def inclusion_path(read: Read, index: int, size: int) -> tuple[bytes, ...]:
    """The proof that leaf `index` is in the published tree of `size`."""
    return tuple(subtree_root(read, size, low, high) for low, high in merkle.inclusion_ranges(index, size))


def leaf_hashes(read: Read, size: int) -> Iterator[bytes]:
    """All leaf hashes of the published tree of `size`, in order."""
    for index in range((size + WIDTH - 1) // WIDTH):
        yield from _tile(read, size, 0, index)


def bundle(entries: Iterable[bytes]) -> tuple[str, bytes]:
    """Entries with their lengths before them, and the level of their path: `entries`, of two bytes each.

    Where one is too long for that, `entries4`, of four: a spelling of our own beside the format's.
    """
    bodies = list(entries)
    level, width = ("entries", 2) if max(map(len, bodies), default=0) <= _ENTRY_MAX else ("entries4", 4)
    return level, b"".join(len(body).to_bytes(width, "big") + body for body in bodies)


def _row(read: Read, size: int, level: int, first: int, end: int) -> list[bytes]:
    """Hashes `first` to `end` of a level."""
    found: list[bytes] = []
    for index in range(first // WIDTH, (end + WIDTH - 1) // WIDTH):
        found += _tile(read, size, level, index)
    skipped = first // WIDTH * WIDTH
    return found[first - skipped : end - skipped]


def _edge(read: Read, size: int, level: int) -> list[bytes]:
    return _tile(read, size, level, size // WIDTH ** (level + 1))


def _tile(read: Read, size: int, level: int, index: int) -> list[bytes]:
    width = min(WIDTH, size // WIDTH**level - index * WIDTH)
    try:
        hashes = _hashes(read(tile_path(level, index, width)))
    except OSError:  # a partial tile may have been replaced by the full one since
        hashes = _hashes(read(tile_path(level, index)))[:width]
    if len(hashes) != width:
        raise ValueError(f"{tile_path(level, index, width)} has {len(hashes)} hashes")
    return hashes


def _hashes(content: bytes) -> list[bytes]:
    return [content[at : at + _HASH] for at in range(0, len(content), _HASH)]
