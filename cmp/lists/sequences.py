"""Matching the simple regular expressions of tracker data in time linear in the URL.

May go in here: compiling and running the subset that content blockers share: characters, ".", sets, `*`, `+`, `?`, and
groups that only hold text together. May not: anything that needs backtracking; it is refused when a list is read, so
that no list can slow down a proxy.
"""

import re
from dataclasses import dataclass

_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# An atom and how often: an escaped character, a set, or any other character that has no meaning of its own.
_ATOM = re.compile(r"(\\.|\[(?:\\.|[^\]\\])+\]|[^\\\[\](){}*+?|^$])([*+?]?)", re.DOTALL)
_SET = re.compile(r"\[(\^?)((?:\\.|[^\]\\])+)\]", re.DOTALL)
_MEMBER = re.compile(r"(\\.|[^\\])(?:-(\\.|[^\\]))?", re.DOTALL)
_GROUP = re.compile(r"(?<!\\)\((?!\?)((?:\\.|[^\\()|])*)\)(?![*+?{])", re.DOTALL)
# `\d` and the like are sets. Any other escaped letter or digit means something that is not supported.
_CLASSES = {"d": "0123456789", "w": "0123456789abcdefghijklmnopqrstuvwxyz_", "s": " \t\n\r\f\v"}
# Work grows with the length of an expression times that of a URL.
_LONGEST = 1_000


class SequenceError(ValueError):
    """An expression outside the subset. `str()` says why, as a phrase."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """One expression, compiled. It is looked for anywhere in a text, without regard to case (ASCII).

    `literal`: the expression is only this text. `needs` is a text that every match holds, for a quick no.
    """

    literal: str | None
    needs: str
    _steps: tuple[tuple[frozenset[str], bool, bool, bool], ...] = ()

    def found_in(self, text: str) -> bool:
        """Whether it occurs in `text`, which must be lower case."""
        if self.literal is not None:
            return self.literal in text
        return self.needs in text and _run(self._steps, text)


def compile_sequence(expression: str) -> Sequence:
    """Compile an expression. Raises SequenceError."""
    if len(expression) > _LONGEST:
        raise SequenceError(f"is longer than {_LONGEST} characters")
    flat, before = expression, None
    while flat != before:
        before, flat = flat, _GROUP.sub(r"\1", flat)
    steps: list[tuple[frozenset[str], bool, bool, bool]] = []
    literal: list[str] = []
    runs = [""]
    at = 0
    while at < len(flat):
        match = _ATOM.match(flat, at)
        if match is None:
            raise SequenceError(f"uses {flat[at]!r} in a way that is not matched")
        at = match.end()
        characters, negated = _characters(match[1])
        often = match[2]
        steps.append((characters, negated, often in ("*", "?"), often in ("*", "+")))
        if len(characters) == 1 and not negated and not often:
            character = next(iter(characters))
            literal.append(character)
            runs[-1] += character
        else:
            runs.append("")
    if not steps:
        raise SequenceError("is empty")
    if len(literal) == len(steps):
        return Sequence("".join(literal), "")
    if all(optional for _, _, optional, _ in steps):
        raise SequenceError("matches everything")
    return Sequence(None, max(runs, key=len), tuple(steps))


def _characters(atom: str) -> tuple[frozenset[str], bool]:
    """Which characters an atom stands for, and whether all others instead. "." is all others than none."""
    if atom == ".":
        return frozenset(), True
    if not (found := _SET.fullmatch(atom)):
        return _single(atom), False
    members: set[str] = set()
    for first, last in _MEMBER.findall(found[2]):
        if not last:
            members |= _single(first)
            continue
        begin, end = first[-1], last[-1]
        if not begin <= end <= "\x7f":
            raise SequenceError(f"has the range {begin}-{end}, which is none")
        members |= {chr(code).lower() for code in range(ord(begin), ord(end) + 1)}
    return frozenset(members), bool(found[1])


def _single(atom: str) -> frozenset[str]:
    if len(atom) == 2 and atom[1].isalnum():
        if atom[1] not in _CLASSES:
            raise SequenceError(f"uses {atom}, which is not matched")
        return frozenset(_CLASSES[atom[1]])
    return frozenset(atom[-1].lower())


def _run(steps: tuple[tuple[frozenset[str], bool, bool, bool], ...], text: str) -> bool:
    """All ways through the steps at once, one bit a step: bit n is set where the first n steps are done."""
    end = 1 << len(steps)
    optional = [step[2] for step in steps]
    masks: dict[str, tuple[int, int]] = {}
    active = _skip(1, optional)
    for character in text:
        if character not in masks:
            once = again = 0
            for n, (characters, negated, _, repeats) in enumerate(steps):
                if (character in characters) is not negated:
                    once |= 1 << n
                    again |= (1 << (n + 1)) if repeats else 0
            masks[character] = (once, again)
        once, again = masks[character]
        # A match may begin anywhere, so the beginning stays active.
        active = _skip(((active & once) << 1) | (active & again) | 1, optional)
        if active & end:
            return True
    return bool(active & end)


def _skip(active: int, optional: list[bool]) -> int:
    for n, may in enumerate(optional):
        if may and active >> n & 1:
            active |= 1 << (n + 1)
    return active
