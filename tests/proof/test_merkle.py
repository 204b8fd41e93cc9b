"""The Merkle tree against its definition, the published vectors of RFC 6962 and pymerkle as an oracle."""

from hashlib import sha256
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree, verify_consistency

from proof import merkle

# The tree of eight entries, and the proofs in it, that Certificate Transparency's own implementations test against.
ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
LEAVES = [merkle.leaf(entry) for entry in ENTRIES]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
A = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
B = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
C = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
D = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
E = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
F = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
INCLUSIONS = [
    (0, 1, []),
    (0, 8, [A, B, C]),
    (5, 8, [D, E, ROOTS[4]]),
    (2, 3, [ROOTS[2]]),
    (1, 5, [ROOTS[1], B, D]),
]
CONSISTENCIES = [(1, 1, []), (1, 8, [A, B, C]), (6, 8, [F, E, ROOTS[4]]), (2, 5, [B, D])]

trees = st.lists(st.binary(max_size=8), min_size=1, max_size=70)


def root_by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962 §2.1 word for word: split at the largest power of two below n."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    left, right = root_by_definition(leaves[:split]), root_by_definition(leaves[split:])
    return sha256(b"\x01" + left + right).digest()


@pytest.mark.parametrize("size", range(9))
def test_roots_match_the_published_vectors(size: int) -> None:
    assert merkle.root(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "path"), INCLUSIONS)
def test_inclusion_paths_match_the_published_vectors(index: int, size: int, path: list[str]) -> None:
    assert [item.hex() for item in merkle.inclusion_path(LEAVES, index, size)] == path


@pytest.mark.parametrize(("old", "new", "path"), CONSISTENCIES)
def test_consistency_paths_match_the_published_vectors(old: int, new: int, path: list[str]) -> None:
    assert [item.hex() for item in merkle.consistency_path(LEAVES, old, new)] == path


@pytest.mark.parametrize("size", [*range(18), 63, 64, 65, 1000])
def test_the_root_is_that_of_the_definition(size: int) -> None:
    leaves = [merkle.leaf(bytes([n % 256, n // 256])) for n in range(size)]
    assert merkle.root(leaves) == root_by_definition(leaves)


@given(trees, st.data())
def test_random_trees_give_the_roots_and_paths_of_an_independent_tree(
    entries: list[bytes], data: st.DataObject
) -> None:
    oracle, leaves = InmemoryTree.init_from_entries(entries), [merkle.leaf(entry) for entry in entries]
    new = data.draw(st.integers(1, len(entries)))
    old = data.draw(st.integers(1, new))
    index = data.draw(st.integers(0, new - 1))
    assert merkle.root(leaves[:new]) == oracle.get_root(new)
    assert list(merkle.inclusion_path(leaves, index, new)) == oracle.prove_inclusion(index + 1, new).path[1:]
    theirs = oracle.prove_consistency(old, new)
    verify_consistency(merkle.root(leaves[:old]), merkle.root(leaves[:new]), theirs, old, new)


@given(trees, st.data())
def test_every_honest_proof_is_accepted_and_every_bent_one_refused(
    entries: list[bytes], data: st.DataObject
) -> None:
    leaves = [merkle.leaf(entry) for entry in entries]
    size = len(leaves)
    index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    root, old_root = merkle.root(leaves), merkle.root(leaves[:old])
    path, growth = merkle.inclusion_path(leaves, index, size), merkle.consistency_path(leaves, old, size)
    assert merkle.verify_inclusion(leaves[index], index, size, path, root)
    assert merkle.verify_consistency(old, size, growth, old_root, root)
    for bent in bendings(path):
        assert not merkle.verify_inclusion(leaves[index], index, size, bent, root)
    for bent in bendings(growth):
        assert not merkle.verify_consistency(old, size, bent, old_root, root)
    other = merkle.leaf(b"another entry")
    assert not merkle.verify_inclusion(other, index, size, path, root)
    assert not merkle.verify_inclusion(leaves[index], index, size, path, other)
    assert not merkle.verify_consistency(old, size, growth, other, root)
    assert not merkle.verify_consistency(old, size, growth, old_root, other)


def bendings(path: tuple[bytes, ...]) -> list[tuple[bytes, ...]]:
    """The path lengthened, cut, and with each of its hashes changed."""
    changed = [(*path[:n], bytes(32), *path[n + 1 :]) for n in range(len(path))]
    return [(*path, bytes(32)), *([path[:-1]] if path else []), *changed]


def test_a_proof_for_another_place_is_refused_and_so_is_a_place_outside_the_tree() -> None:
    path, root = merkle.inclusion_path(LEAVES, 5, 8), merkle.root(LEAVES)
    accepted = [index for index in range(-1, 12) if merkle.verify_inclusion(LEAVES[5], index, 8, path, root)]
    assert accepted == [5]
    assert not merkle.verify_inclusion(LEAVES[5], 5, 5, path, root)
    assert not merkle.verify_inclusion(LEAVES[5], 5, 9, path, root)


def test_from_the_empty_tree_everything_grows_and_nothing_shrinks() -> None:
    root = merkle.root(LEAVES)
    assert merkle.consistency_path(LEAVES, 0, 8) == ()
    assert merkle.verify_consistency(0, 8, (), merkle.EMPTY_ROOT, root)
    assert not merkle.verify_consistency(0, 8, (), root, root)
    assert not merkle.verify_consistency(3, 8, (), merkle.root(LEAVES[:3]), root)
    assert not merkle.verify_consistency(8, 3, (), root, root)
    with pytest.raises(ValueError, match="does not extend"):
        merkle.consistency_path(LEAVES, 8, 3)
    with pytest.raises(ValueError, match="no leaf 8"):
        merkle.inclusion_path(LEAVES, 8, 8)


def test_a_frontier_taken_up_again_goes_on_as_if_it_had_never_stopped() -> None:
    dice, frontier, leaves = Random(1), merkle.Frontier(), []
    for step in range(300):
        leaves.append(merkle.leaf(bytes(dice.randbytes(5))))
        frontier.append(leaves[-1])
        if step % 7 == 0:
            frontier = merkle.Frontier(frontier.size, frontier.peaks)
    assert (frontier.size, frontier.root()) == (300, merkle.root(leaves))
    with pytest.raises(ValueError, match="4 peaks"):
        merkle.Frontier(300, frontier.peaks[1:])
