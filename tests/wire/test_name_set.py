"""Sets of names in few bytes: every name of a set is found in what was packed, hardly another one is."""

import random
import string
from base64 import b64decode

import pytest

from cmp.wire.name_set import ODDS, hash_of, pack

_RANDOM = random.Random(7)


def _names(count: int) -> list[str]:
    found = {"".join(_RANDOM.choices(string.ascii_lowercase + "-._", k=_RANDOM.randint(1, 25))) for _ in range(count)}
    return sorted(found)


def unpacked(form: list[int | str]) -> set[int]:
    """Read as the page above `pack` says, bit by bit."""
    _, low, count, text = form
    assert isinstance(low, int)
    assert isinstance(count, int)
    assert isinstance(text, str)
    data = b64decode(text + "=" * (-len(text) % 4))
    bits = iter([byte >> n & 1 for byte in data for n in range(8)])
    found, number = set(), 0
    for _ in range(count):
        while next(bits):
            number += 1 << low
        number += sum(next(bits) << n for n in range(low))
        found.add(number)
    return found


@pytest.mark.parametrize("count", [1, 2, 63, 500, 2_300, 6_000])
def test_what_was_packed_comes_out_again(count: int) -> None:
    packed = pack(_names(count))
    assert unpacked(packed.form) == {hash_of(name) >> packed.shift for name in packed.names}
    assert packed.clashing == frozenset()


def test_every_name_is_found_and_hardly_another_one() -> None:
    names = _names(2_300)
    packed = pack(names)
    numbers = unpacked(packed.form)
    assert len(numbers) / 2 ** (32 - packed.shift) <= ODDS
    assert all(hash_of(name) >> packed.shift in numbers for name in names)
    others = set(_names(30_000)) - set(names)
    assert [name for name in others if hash_of(name) >> packed.shift in numbers] == []


def test_hashes_are_spread_evenly_over_their_leading_bits() -> None:
    counts = [0] * 64
    for n in range(64_000):
        counts[hash_of(f"host{n}.example") >> 26] += 1
    # Chi squared with 63 degrees of freedom: above 120 once in a hundred thousand.
    assert sum((count - 1000) ** 2 / 1000 for count in counts) < 120


def test_a_known_name_is_never_taken_for_another() -> None:
    names = _names(64)
    shift = pack(names).shift
    wanted = hash_of(names[0]) >> shift
    twin = next(name for n in range(1 << 30) if hash_of(name := f"twin{n}") >> shift == wanted) if shift > 20 else None
    packed = pack(names, known=[*names, twin] if twin else names)
    assert packed.clashing == (frozenset(names[:1]) if twin else frozenset())


def test_few_bits_go_to_each_name() -> None:
    form = pack(_names(2_300)).form
    assert len(str(form[3])) * 6 / 2_300 < 23
