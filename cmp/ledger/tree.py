"""The Merkle tree of RFC 9162, section 2.1, over hashes of leaves: growing it, proving with it, checking proofs.

May go in here: functions and values of their arguments alone. May not: what a leaf says (`leaves.py`), where hashes are
kept (`nodes.py`).

Leaves count from 0. A tree of any size is a row of perfect trees, the largest first, whose roots are its *peaks*: one
for each bit of the size. From the peaks alone a leaf can be added and the root computed, so nobody who appends or reads
through has to hold more than some forty hashes.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

HASH_BYTES = 32
# The root of the tree with no leaves: the hash of nothing.
EMPTY = hashlib.sha256().digest()
# Levels between those whose nodes are kept: a node for every 256 leaves, for every 65,536, and so on.
STEP = 8

Range = tuple[int, int]
"""Leaves from the first number up to but not including the second."""


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 || leaf)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Node:
    """The root of a perfect tree of 2^level leaves: the `index`-th of its level, from 0."""

    level: int
    index: int
    hash: bytes


@dataclass(slots=True)
class Frontier:
    """The right edge of a growing tree: its size and its peaks, the largest first."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, size: int, peaks: bytes) -> "Frontier":
        """From `size` and the peaks one after the other. Raises ValueError where they do not belong together."""
        if size < 0 or len(peaks) != HASH_BYTES * size.bit_count():
            raise ValueError("a tree has one peak for each bit of its size")
        return cls(size, [peaks[at : at + HASH_BYTES] for at in range(0, len(peaks), HASH_BYTES)])

    @property
    def packed(self) -> bytes:
        return b"".join(self.peaks)

    @property
    def root(self) -> bytes:
        """The tree's root (RFC 9162, section 2.1.1)."""
        if not self.peaks:
            return EMPTY
        *others, root = self.peaks
        for peak in reversed(others):
            root = node_hash(peak, root)
        return root

    def append(self, hashed: bytes) -> list[Node]:
        """Adds a leaf by its hash; the nodes this completes of the levels that are kept."""
        level, index, kept = 0, self.size, []
        while index & 1:
            hashed = node_hash(self.peaks.pop(), hashed)
            index >>= 1
            level += 1
            if level % STEP == 0:
                kept.append(Node(level, index, hashed))
        self.peaks.append(hashed)
        self.size += 1
        return kept


def root_over(hashes: Iterable[bytes]) -> bytes:
    """The root of a tree with these leaves."""
    frontier = Frontier()
    for hashed in hashes:
        frontier.append(hashed)
    return frontier.root


Kept = Callable[[int, int, int], Sequence[bytes]]
"""The kept hashes of a level (a multiple of `STEP`; 0: the leaves), from an index up to but not including another."""


def root_of(kept: Kept, leaves: Range) -> bytes:
    """The root over a range of leaves that begins where a tree of its size can, from hashes that are kept."""
    start, end = leaves
    if (count := end - start) <= 0:
        return EMPTY
    if count & (count - 1):
        middle = start + _split(count)
        return node_hash(root_of(kept, (start, middle)), root_of(kept, (middle, end)))
    level = (count.bit_length() - 1) // STEP * STEP
    return root_over(kept(level, start >> level, end >> level))


# ----------------------------------------------------------------------------------------------- proofs


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges whose roots are the proof that leaf `index` is in the tree of `size` leaves.

    PATH(m, D_n) of RFC 9162, section 2.1.3.1, in its order: from the leaf to the root.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    found: list[Range] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start = middle
    return found[::-1]


def consistency_ranges(first: int, second: int) -> list[Range]:
    """The ranges whose roots are the proof that the tree of `first` leaves is the beginning of that of `second`.

    PROOF(m, D_n) of RFC 9162, section 2.1.4.1, in its order.
    """
    if not 0 < first <= second:
        raise ValueError(f"no tree of {first} leaves is the beginning of one of {second}")
    found: list[Range] = []
    start, end, whole = 0, second, True
    while first < end:
        middle = start + _split(end - start)
        if first <= middle:
            found.append((middle, end))
            end = middle
        else:
            found.append((start, middle))
            start, whole = middle, False
    return [*([] if whole else [(start, end)]), *found[::-1]]


def included(hashed: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether a proof shows that the leaf with this hash is the `index`-th of the tree with this size and root.

    RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, hashed
    for sibling in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(sibling, found)
            while at and not at & 1:
                at >>= 1
                last >>= 1
        else:
            found = node_hash(found, sibling)
        at >>= 1
        last >>= 1
    return last == 0 and found == root


def consistent(first: int, first_root: bytes, second: int, second_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether a proof shows that the tree of `first` leaves is the beginning of the tree of `second`.

    RFC 9162, section 2.1.4.2. The empty tree is the beginning of every tree, and needs no proof.
    """
    if not 0 <= first <= second:
        return False
    if first in (0, second):
        return not path and first_root == (EMPTY if first == 0 else second_root)
    # A perfect tree is itself a node of the larger one.
    steps = [first_root, *path] if first & (first - 1) == 0 else list(path)
    if not steps:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at >>= 1
        last >>= 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while at and not at & 1:
                at >>= 1
                last >>= 1
        else:
            new = node_hash(new, step)
        at >>= 1
        last >>= 1
    return last == 0 and old == first_root and new == second_root


def _split(count: int) -> int:
    """The largest power of two smaller than `count`."""
    return 1 << (count - 1).bit_length() - 1
