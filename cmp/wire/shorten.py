"""Our own scripts and style sheets in fewer bytes: no comments, no spaces that say nothing, short names.

May go in here: reading just as much JavaScript and CSS as `static/` is written in. May not: other people's scripts.
Properties, texts, patterns and the names of globals are never touched.

Source: ECMA-262, sections 12.9 (literals) and 12.10 (where a line end counts).
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from string import ascii_letters
from typing import Final

_TOKEN: Final = re.compile(
    r"(?P<space>(?:\s|//[^\n]*|/\*.*?\*/)+)"
    r"|(?P<text>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
    r"|(?P<template>`(?:[^`\\]|\\.)*`)"
    r"|(?P<name>[A-Za-z_$][\w$]*)"
    r"|(?P<number>\d[\w.]*)"
    r"|(?P<sign>\.\.\.|=>|[=!]==?|[<>]=|>>>?|<<|\*\*|&&|\|\||\?\?|\?\.|\+\+|--|[-+*/|&^]=|.)",
    re.DOTALL,
)
_PATTERN: Final = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/\w*")
_PIECE: Final = re.compile(r"\$\{([^{}]*)\}")
# fmt: off
_RESERVED: Final = frozenset((
    "async", "await", "break", "case", "catch", "const", "continue", "delete", "do", "else", "false", "finally", "for",
    "function", "if", "in", "instanceof", "let", "new", "null", "of", "return", "this", "throw", "true", "try",
    "typeof", "undefined", "void", "while",
))
# fmt: on
_DECLARING: Final = ("const", "let")
# A brace after one of these begins a block, any other an object or a pattern of one.
_BLOCKS: Final = (")", "=>", "try", "catch", "else", "finally", "do", ";", "}")
_OPENING, _CLOSING = ("(", "[", "{"), (")", "]", "}")
# A line that ends or begins so belongs together with its neighbour, whatever a browser makes of line ends.
# fmt: off
_GOES_ON: Final = frozenset((
    "{", "(", "[", ",", ";", "=", "=>", "===", "!==", "<", ">", "<=", ">=", "&&", "||", "??", "?", ":", "+", "-", "*",
    "!", "|", "&", "+=", "|=",
))
_COMES_AFTER: Final = frozenset((
    ")", "]", "}", ",", ";", ".", "?", ":", "=", "=>", "===", "!==", "&&", "||", "??",
))
# fmt: on
# Between two of these a space is more than looks.
_WORD: Final = re.compile(r"[\w$]")


@dataclass
class _Token:
    """`kind` as in `_TOKEN`, or "pattern"; `opened` the bracket it stands in: "(", "[", "{" (of a block), "o" (an
    object's)."""

    kind: str
    text: str
    opened: str = ""
    on_new_line: bool = False


def shorter_script(text: str) -> str:
    """The script with the same effect in fewer bytes. Raises ValueError where it is not written as we write."""
    tokens = _tokens(text)
    short = _short_names(tokens)
    parts: list[str] = []
    for n, token in enumerate(tokens):
        before = tokens[n - 1] if n else _Token("sign", ";")
        if token.text == "}" and parts[-1:] == [";"]:
            parts.pop()
        if token.on_new_line and before.text not in _GOES_ON and token.text not in _COMES_AFTER:
            parts.append("\n")
        elif _would_run_together(before, token):
            parts.append(" ")
        parts.append(_written(tokens, n, short))
    return "".join(parts)


def _would_run_together(before: _Token, token: _Token) -> bool:
    if token.kind == "sign":
        return token.text[0] in "+-" and before.text[-1] == token.text[0]
    return before.kind in ("name", "number") and bool(_WORD.match(token.text) and _WORD.match(before.text[-1]))


def shorter_style(text: str) -> str:
    """The style sheet without comments, and without spaces where CSS Syntax (level 3, section 4) needs none."""
    parts = re.split(r"(\"(?:[^\"\\\n]|\\.)*\")|/\*.*?\*/", text, flags=re.DOTALL)
    parts[::2] = [re.sub(r"(?<=[\w-]): |\s*([{},;])\s*", _kept_sign, re.sub(r"\s+", " ", part)) for part in parts[::2]]
    return "".join(part or "" for part in parts).replace(";}", "}").strip()


def _kept_sign(found: re.Match[str]) -> str:
    return found[1] or ":"


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    opened: list[str] = []
    at, new_line = 0, False
    while at < len(text):
        matched = None
        if text[at] == "/" and text[at + 1 : at + 2] not in ("/", "*") and _operand_is_next(found):
            matched = _PATTERN.match(text, at)
        kind = "pattern" if matched else ""
        matched = matched or _TOKEN.match(text, at)
        if matched is None:
            raise ValueError(f"no token at {at}: {text[at : at + 20]!r}")
        at, kind, word = matched.end(), kind or matched.lastgroup or "", matched[0]
        if kind == "space":
            new_line = new_line or "\n" in word
            continue
        if word in _CLOSING:
            opened.pop()
        before = found[-1].text if found else ";"
        around = opened[-1] if opened else ""
        if kind == "template":
            found += _template(word, around, new_line)
        else:
            found.append(_Token(kind, word, around, new_line))
        new_line = False
        if word in _OPENING:
            opened.append("o" if word == "{" and before not in _BLOCKS else word)
    return found


def _template(text: str, opened: str, on_new_line: bool) -> Iterator[_Token]:
    """The tokens of a template: its texts, with the signs at their ends, and in between one name or text each."""
    *pieces, last = _PIECE.split(text)
    start = ""
    for n, piece in enumerate(pieces):
        if n % 2:
            if not re.fullmatch(r"[A-Za-z_$][\w$]*|\"\w*\"", piece):
                raise ValueError(f"more than a name in a template: {piece}")
            yield _Token("text" if piece.startswith('"') else "name", piece, opened)
        else:
            yield _Token("text", _no_piece(start + piece) + "${", opened, on_new_line and not n)
        start = "}"
    yield _Token("text", _no_piece(start + last), opened, on_new_line and not pieces)


def _no_piece(text: str) -> str:
    if "${" in text:
        raise ValueError(f"more than a name in a template: {text[:60]}")
    return text


def _operand_is_next(found: Sequence[_Token]) -> bool:
    if not found:
        return True
    last = found[-1]
    return last.text not in (")", "]", "}") if last.kind == "sign" else last.text == "return"


@dataclass(frozen=True, slots=True)
class _Binding:
    """A name and the tokens from `start` to `end` in which it stands for what was declared there."""

    name: str
    start: int
    end: int


def _short_names(tokens: Sequence[_Token]) -> dict[int, str]:
    """The short name for each token that is a name declared around it."""
    closing = _pairs(tokens)
    by_name: dict[str, list[_Binding]] = {}
    for binding in _bindings(tokens, closing):
        by_name.setdefault(binding.name, []).append(binding)
    places: dict[_Binding, list[int]] = {binding: [] for found in by_name.values() for binding in found}
    taken = set(_RESERVED)
    for n, token in enumerate(tokens):
        if token.kind != "name" or _is_property(tokens, n):
            continue
        around = [binding for binding in by_name.get(token.text, ()) if binding.start <= n <= binding.end]
        if around:
            places[min(around, key=lambda binding: binding.end - binding.start)].append(n)
        else:
            taken.add(token.text)
    names = [name for length in (1, 2) for name in map("".join, product(ascii_letters, repeat=length))]
    given: list[tuple[_Binding, str]] = []
    # The most frequent get the shortest; where two are as frequent, the one that comes first.
    for binding in sorted(places, key=lambda binding: (-len(places[binding]), binding.start, binding.name)):
        near = {name for other, name in given if other.start <= binding.end and binding.start <= other.end}
        given.append((binding, next(name for name in names if name not in taken and name not in near)))
    return {n: name for binding, name in given for n in places[binding]}


def _pairs(tokens: Sequence[_Token]) -> dict[int, int]:
    """Where each bracket that opens is closed."""
    found, opened = {}, []
    for n, token in enumerate(tokens):
        if token.kind == "sign" and token.text in _OPENING:
            opened.append(n)
        elif token.kind == "sign" and token.text in _CLOSING:
            found[opened.pop()] = n
    return found


def _bindings(tokens: Sequence[_Token], closing: Mapping[int, int]) -> Iterator[_Binding]:
    opening = {end: start for start, end in closing.items()}
    for n, token in enumerate(tokens):
        names: Iterable[str] = ()
        start = end = n
        if token.text in _DECLARING:
            names = _bound(tokens, n + 1, to_end=True)
            start = max((at for at, until in closing.items() if at < n < until), default=0)
            end = closing.get(start, len(tokens))
            if tokens[start].text == "(":
                end = _end_of_statement(tokens, end + 1, closing)
        elif token.text == "function":
            names = [tokens[n + 1].text, *_bound(tokens, n + 3)]
            end = closing[closing[n + 2] + 1]
        elif token.text == "catch" and tokens[n + 1].text == "(" and not _is_property(tokens, n):
            names, end = _bound(tokens, n + 2), closing[closing[n + 1] + 1]
        elif token.text == "=>":
            start = opening.get(n - 1, n - 1)
            names = _bound(tokens, start + 1) if n - 1 in opening else [tokens[start].text]
            end = closing[n + 1] if tokens[n + 1].text == "{" else _end_of_expression(tokens, n + 1, closing)
        for name in names:
            yield _Binding(name, start, end)


def _end_of_statement(tokens: Sequence[_Token], start: int, closing: Mapping[int, int]) -> int:
    n = start
    while tokens[n].text != "{" and (tokens[n].text != ";" or [one.text for one in tokens[n + 1 : n + 2]] == ["else"]):
        n = closing.get(n, n) + 1
    return closing.get(n, n)


def _end_of_expression(tokens: Sequence[_Token], start: int, closing: Mapping[int, int]) -> int:
    """The last token of the body of an arrow function that is no block."""
    n, conditions = start, 0
    while n < len(tokens):
        word = tokens[n].text
        if word in (",", ";", *_CLOSING) or (word == ":" and not conditions):
            return n - 1
        conditions += (word == "?") - (word == ":")
        n = closing.get(n, n) + 1
    return n - 1


def _bound(tokens: Sequence[_Token], start: int, *, to_end: bool = False) -> Iterator[str]:
    """Names bound from `start` until the bracket around closes; `to_end`: or until the statement ends."""
    depth, in_value = 0, False
    for n in range(start, len(tokens)):
        token = tokens[n]
        if token.text in _CLOSING:
            depth -= 1
        if depth < 0 or (to_end and not depth and token.text in (";", "of")):
            return
        if token.text in _OPENING:
            depth += 1
        if not depth and token.text in ("=", ","):
            in_value = token.text == "="
        elif token.kind == "name" and not in_value and not _is_property(tokens, n):
            yield token.text


def _is_property(tokens: Sequence[_Token], n: int) -> bool:
    before, after = tokens[n - 1].text if n else "", tokens[n + 1].text if n + 1 < len(tokens) else ""
    return before in (".", "?.") or (tokens[n].opened == "o" and before in ("{", ",") and after in (":", "("))


def _written(tokens: Sequence[_Token], n: int, short: Mapping[int, str]) -> str:
    token = tokens[n]
    if n not in short:
        return token.text
    alone = token.opened == "o" and tokens[n - 1].text in ("{", ",") and tokens[n + 1].text in (",", "}")
    return f"{token.text}:{short[n]}" if alone else short[n]
