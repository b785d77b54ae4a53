"""Fields of bits in base64url, as the IAB's consent strings have them.

May go in here: reading numbers off such a text, big-endian, first bit first. May not: what a field means.
"""

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}


class BitsError(ValueError):
    """A text that is too short, or holds a character that base64url does not have."""


class Bits:
    """Six bits a character (base64url without padding), read from the front. Raises BitsError."""

    def __init__(self, text: str) -> None:
        self._number = 0
        for character in text.rstrip("="):
            value = _VALUES.get(character)
            if value is None:
                raise BitsError(f"{character!r} is no character of base64url")
            self._number = self._number << 6 | value
        self._left = 6 * len(text.rstrip("="))

    def number(self, width: int) -> int:
        if width > self._left:
            raise BitsError(f"{width} more bits are needed, {self._left} are there")
        self._left -= width
        return self._number >> self._left & (1 << width) - 1

    def flag(self) -> bool:
        return self.number(1) == 1

    def flags(self, width: int) -> frozenset[int]:
        """The places of the bits that are set, the first bit being 1."""
        field = self.number(width)
        return frozenset(place for place in range(1, width + 1) if field >> (width - place) & 1)

    def letters(self, count: int) -> str:
        return "".join(chr(ord("A") + self.number(6)) for _ in range(count))

    def fibonacci(self) -> int:
        """A number in Fibonacci coding: each bit a Fibonacci number, two ones in a row end it."""
        total, before, this, last = 0, 1, 1, False
        while True:
            bit = self.flag()
            if bit and last:
                return total
            if bit:
                total += this
            before, this, last = this, before + this, bit
