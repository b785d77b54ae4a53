"""The tree of RFC 9162: beside a second implementation written from its text, and every proof altered."""

import random

import pytest

from cmp.ledger import tree
from cmp.ledger.tree import (
    EMPTY,
    Frontier,
    consistency_ranges,
    consistent,
    included,
    inclusion_ranges,
    leaf_hash,
    root_of,
)
from tests.ledger import reference_tree as reference

LEAVES = [f"leaf {number}".encode() for number in range(70)]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
PAIRS = [(first, second) for second in range(1, 40) for first in range(1, second + 1)]


def kept(level: int, start: int, end: int) -> list[bytes]:
    """What a store keeps: leaves, and the roots of 256 leaves each."""
    size = 1 << level
    return [reference.mth(LEAVES[index * size : (index + 1) * size]) for index in range(start, end)]


def proof(ranges: list[tuple[int, int]]) -> list[bytes]:
    return [root_of(kept, leaves) for leaves in ranges]


# From the examples of RFC 6962 and 9162 that certificate logs are tested with.
KNOWN_LEAVES = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")] + [
    bytes.fromhex("606162636465666768696a6b6c6d6e6f")
]
KNOWN_ROOTS = {
    0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


@pytest.mark.parametrize("size", KNOWN_ROOTS)
def test_roots_are_those_that_certificate_logs_are_tested_with(size: int) -> None:
    frontier = Frontier()
    for leaf in KNOWN_LEAVES[:size]:
        frontier.append(leaf_hash(leaf))
    assert frontier.root.hex() == KNOWN_ROOTS[size] == reference.mth(KNOWN_LEAVES[:size]).hex()


def test_a_tree_grown_leaf_by_leaf_has_the_root_of_the_definition_and_can_be_packed_at_any_size() -> None:
    frontier = Frontier()
    for size in range(len(LEAVES)):
        assert frontier.root == reference.mth(LEAVES[:size])
        frontier = Frontier.of(frontier.size, frontier.packed)
        frontier.append(HASHES[size])


def test_nodes_of_every_eighth_level_are_kept_as_they_are_completed() -> None:
    frontier, found = Frontier(), []
    for number in range(1025):
        found += frontier.append(leaf_hash(b"%d" % number))
    assert [(node.level, node.index) for node in found] == [(8, 0), (8, 1), (8, 2), (8, 3)]
    assert found[2].hash == reference.mth([b"%d" % number for number in range(512, 768)])


@pytest.mark.parametrize("size, peaks", [(1, b""), (0, b"x" * 32), (3, b"x" * 32), (-1, b"")])
def test_peaks_that_do_not_fit_the_size_are_no_tree(size: int, peaks: bytes) -> None:
    with pytest.raises(ValueError, match="one peak for each bit"):
        Frontier.of(size, peaks)


def test_every_inclusion_proof_is_the_rfcs_and_leads_to_the_root() -> None:
    for size in range(1, 40):
        root = reference.mth(LEAVES[:size])
        for index in range(size):
            path = proof(inclusion_ranges(index, size))
            assert path == reference.path(index, LEAVES[:size])
            assert included(HASHES[index], index, size, path, root)
            assert reference.root_from_path(LEAVES[index], index, size, path) == root


def test_every_consistency_proof_is_the_rfcs_and_holds() -> None:
    for first, second in PAIRS:
        path = proof(consistency_ranges(first, second))
        assert path == reference.subproof(first, LEAVES[:second])
        roots = reference.mth(LEAVES[:first]), reference.mth(LEAVES[:second])
        assert consistent(first, roots[0], second, roots[1], path)


def altered(path: list[bytes], chance: random.Random) -> list[list[bytes]]:
    """The path cut, lengthened, and with one bit changed."""
    found = [[*path, EMPTY], [EMPTY, *path]]
    if path:
        at = chance.randrange(len(path))
        flipped = bytes([path[at][0] ^ (1 << chance.randrange(8))]) + path[at][1:]
        found += [path[:-1], path[1:], [*path[:at], flipped, *path[at + 1 :]]]
    return found


def test_no_altered_inclusion_proof_holds() -> None:
    chance = random.Random(9162)
    for size in range(1, 40):
        root = reference.mth(LEAVES[:size])
        for index in range(size):
            path = reference.path(index, LEAVES[:size])
            assert not any(included(HASHES[index], index, size, other, root) for other in altered(path, chance))
            assert not any(included(HASHES[index], other, size, path, root) for other in range(size) if other != index)
            assert not included(HASHES[(index + 1) % 70], index, size, path, root)
            assert not included(HASHES[index], index, size, path, EMPTY)
    assert not included(HASHES[0], -1, 3, [], HASHES[0])


def test_no_altered_consistency_proof_holds() -> None:
    chance = random.Random(2141)
    for first, second in PAIRS:
        path = reference.subproof(first, LEAVES[:second])
        old, new = reference.mth(LEAVES[:first]), reference.mth(LEAVES[:second])
        assert not any(consistent(first, old, second, new, other) for other in altered(path, chance))
        if first < second:
            assert not consistent(first, new, second, new, path)
            assert not consistent(first, old, second, old, path)
    assert consistent(0, EMPTY, 5, reference.mth(LEAVES[:5]), [])
    assert not consistent(0, HASHES[0], 5, reference.mth(LEAVES[:5]), [])
    assert not consistent(6, EMPTY, 5, EMPTY, [])


def test_a_node_cannot_be_shown_as_a_leaf() -> None:
    """What the prefixes are for (RFC 9162, section 2.1.1)."""
    pair = HASHES[0] + HASHES[1]
    assert leaf_hash(pair) != tree.node_hash(HASHES[0], HASHES[1])


@pytest.mark.parametrize("index, size", [(0, 0), (5, 5), (-1, 5)])
def test_a_leaf_that_is_not_there_has_no_proof(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="has no leaf"):
        inclusion_ranges(index, size)
