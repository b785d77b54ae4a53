"""A second implementation of RFC 9162, section 2.1, as its text says it: recursive, slow, knowing nothing of ours.

May go in here: the definitions of the RFC over lists of leaves. May not: anything of `cmp`.
"""

import hashlib
from collections.abc import Sequence


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def split(n: int) -> int:
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(leaves: Sequence[bytes]) -> bytes:
    """Section 2.1.1."""
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return sha(b"\x00" + leaves[0])
    k = split(len(leaves))
    return sha(b"\x01" + mth(leaves[:k]) + mth(leaves[k:]))


def path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """Section 2.1.3.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def subproof(m: int, leaves: Sequence[bytes], whole: bool = True) -> list[bytes]:
    """Section 2.1.4.1."""
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*subproof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*subproof(m - k, leaves[k:], False), mth(leaves[:k])]


def root_from_path(leaf: bytes, m: int, n: int, steps: Sequence[bytes]) -> bytes | None:
    """The root a path leads to, told by the recursion of section 2.1.3.1 read backwards; None for a wrong length."""
    if n == 1:
        return sha(b"\x00" + leaf) if not steps else None
    if not steps:
        return None
    k, last = split(n), steps[-1]
    if m < k:
        left = root_from_path(leaf, m, k, steps[:-1])
        return None if left is None else sha(b"\x01" + left + last)
    right = root_from_path(leaf, m - k, n - k, steps[:-1])
    return None if right is None else sha(b"\x01" + last + right)
