"""Many names in few bytes, for a script that only asks whether a name is one of them.

May go in here: the hash that script and table share, and how hashes are packed. May not: which names, and what follows
from the answer.

Each name is a number of so many bits that a name which is none of them is taken for one with a probability of at most
`ODDS`, as long as there are no more than 4,294 (a hash has 32 bits: beyond that it is their number divided by 2^32).
The numbers are sorted, and each distance to the next is Rice-coded: as many ones as the distance fills steps of
2^`low`, a nought, and the rest in `low` bits. Bytes are filled from their lowest bit, and written in Base64.

Sources: Fowler, Noll, Vo (FNV-1a); the last step of MurmurHash3 (Appleby, public domain); Golomb, "Run-length
encodings" (1966), and Rice for steps of two's powers.
"""

import math
from base64 import b64encode
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

ODDS: Final = 1e-6
_BITS: Final = 32
_MASK: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Packed:
    """`names` as packed, and `clashing`: those that could not be without another known name being taken for them."""

    names: frozenset[str]
    clashing: frozenset[str]
    shift: int

    @property
    def form(self) -> list[int | str]:
        """[how many bits a hash is shifted by, `low`, how many numbers, the packed distances]."""
        numbers = sorted({hash_of(name) >> self.shift for name in self.names})
        distances = [after - before for before, after in zip([0, *numbers], numbers, strict=False)]
        mean = (1 << (_BITS - self.shift)) / max(len(numbers), 1)
        # The best step is a little below the mean distance; which power of two that is, sizes tell.
        near = max(int(math.log2(mean)), 1)
        low = min((near - 1, near), key=lambda low: sum((distance >> low) + 1 + low for distance in distances))
        return [self.shift, low, len(numbers), _packed(distances, low)]


def pack(names: Collection[str], known: Iterable[str] = ()) -> Packed:
    """A set of the names. None of the `known` that are not among them is taken for one: what clashes is left out."""
    bits = min(_BITS, math.ceil(math.log2(max(len(names), 1) / ODDS)))
    shift = _BITS - bits
    others = {hash_of(name) >> shift for name in {*known} - {*names}}
    clashing = frozenset(name for name in names if hash_of(name) >> shift in others)
    return Packed(frozenset(names) - clashing, clashing, shift)


# As many as the shipped catalogue knows, twice.
@lru_cache(maxsize=1 << 14)
def hash_of(name: str) -> int:
    """32 bits of a name in ASCII."""
    found = 0x811C9DC5
    for sign in name.encode("ascii"):
        found = (found ^ sign) * 0x01000193 & _MASK
    found = (found ^ found >> 16) * 0x85EBCA6B & _MASK
    found = (found ^ found >> 13) * 0xC2B2AE35 & _MASK
    return found ^ found >> 16


def _packed(distances: Iterable[int], low: int) -> str:
    bits, length = 0, 0
    parts = bytearray()
    for distance in distances:
        steps = distance >> low
        # Ones for the steps, a nought, the rest: lowest bit first.
        bits |= ((1 << steps) - 1 | (distance & (1 << low) - 1) << steps + 1) << length
        length += steps + 1 + low
        whole = length // 8
        parts += (bits & (1 << 8 * whole) - 1).to_bytes(whole, "little")
        bits, length = bits >> 8 * whole, length - 8 * whole
    if length:
        parts.append(bits)
    return b64encode(bytes(parts)).decode("ascii").rstrip("=")
