"""Tiles: their paths, that a tree grown in any steps gives the same files, and that proofs out of them are the tree's."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from proof import merkle, tiles
from proof.tiles import Tiles

SIZE = 70_000
LEAVES = [merkle.leaf(n.to_bytes(4, "big")) for n in range(SIZE)]


class Shelf:
    """Files in memory, as a folder has them."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def read(self, path: str) -> bytes:
        try:
            return self.files[path]
        except KeyError:
            raise FileNotFoundError(path) from None

    def grow(self, old: int, new: int) -> Tiles:
        grown = Tiles.resumed(old, self.read)
        for leaf in LEAVES[old:new]:
            self.files |= dict(grown.append(leaf))
        self.files |= dict(grown.partials())
        return grown


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    made = Shelf()
    made.grow(0, SIZE)
    return made


def test_a_tiles_path_is_in_groups_of_three_digits() -> None:
    assert tiles.tile_path(0, 0) == "tile/0/000"
    assert tiles.tile_path(3, 1234067) == "tile/3/x001/x234/067"
    assert tiles.tile_path(1, 273, 17) == "tile/1/273.p/17"
    assert tiles.tile_path("entries", 1000) == "tile/entries/x001/000"


def test_the_specifications_example_has_its_tiles(shelf: Shelf) -> None:
    partial = sorted(path for path in shelf.files if ".p/" in path)
    assert partial == ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"]
    assert sum(path.startswith("tile/0/") for path in shelf.files) == 274
    assert {len(content) for path, content in shelf.files.items() if ".p/" not in path} == {8192}


@pytest.mark.parametrize(
    "sizes", [[0, 1, 255, 256, 257, 600, 65_536, 65_537, SIZE], [0, 65_535, 65_536, SIZE]]
)
def test_a_tree_grown_in_steps_has_the_same_tiles_and_root(shelf: Shelf, sizes: list[int]) -> None:
    made = Shelf()
    for old, new in pairwise(sizes):
        grown = made.grow(old, new)
        assert grown.frontier().root() == merkle.root(LEAVES[:new])
    full = {path for path in made.files if ".p/" not in path}
    assert {path: made.files[path] for path in full} == {
        path: content for path, content in shelf.files.items() if ".p/" not in path
    }


def test_proofs_out_of_tiles_are_those_of_the_tree(shelf: Shelf) -> None:
    dice = Random(1)
    for size in (1, 255, 256, 257, 65_536, SIZE):
        index, old = dice.randrange(size), dice.randint(1, size)
        made = Shelf()
        made.grow(0, size)
        assert tiles.inclusion_path(made.read, index, size) == merkle.inclusion_path(LEAVES, index, size)
        assert tiles.consistency_path(made.read, old, size) == merkle.consistency_path(LEAVES, old, size)
        assert list(tiles.leaf_hashes(made.read, size)) == LEAVES[:size]


def test_an_older_tree_is_read_from_the_full_tiles_that_came_after(shelf: Shelf) -> None:
    assert tiles.consistency_path(shelf.read, 300, 1000) == merkle.consistency_path(LEAVES, 300, 1000)


def test_a_tile_that_is_too_short_is_no_tile() -> None:
    made = Shelf()
    made.grow(0, 10)
    made.files["tile/0/000.p/10"] = made.files["tile/0/000.p/10"][:-32]
    with pytest.raises(ValueError, match="9 hashes"):
        tiles.inclusion_path(made.read, 3, 10)


def test_entries_are_told_apart_by_their_lengths_and_long_ones_have_a_level_of_their_own() -> None:
    assert tiles.bundle([b"a", b"", b"bc"]) == ("entries", b"\x00\x01a\x00\x00\x00\x02bc")
    level, content = tiles.bundle([b"a", bytes(65_536)])
    assert (level, content[:9]) == ("entries4", b"\x00\x00\x00\x01a\x00\x01\x00\x00")
