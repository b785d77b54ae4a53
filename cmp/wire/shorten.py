"""Scripts and styles of ours as they are sent: without comments, and with as little between words as there can be.

May go in here: what makes a file of `static/` shorter and leaves what it does as it is. May not: what a file is for.
"""

import re
from collections import Counter
from itertools import pairwise, product
from typing import Final

from rcssmin import cssmin
from rjsmin import jsmin

# In a script that ran through its tests the two do the same, and a word that always stands there packs better.
_CONST = re.compile(r"\bconst\b(?=[ \[{])")
# Nothing of ours is an empty statement, so what ends before a brace needs no more to say so.
_ENDED = re.compile(r";(?=\})")
# What a script consists of, once it is short: where a pattern may begin, no quotient can.
_TOKEN: Final = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`)"""
    r"""|(?P<pattern>(?<=[(,=>:\[!&|?{};])/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/)"""
    r"""|(?P<name>[A-Za-z_$][\w$]*)|\.\.\.|\?\.|\S"""
)
_DECLARED: Final = re.compile(r"(?:\blet |[,({\[])([a-z]\w{2,})(?=[=,;)}\]])|(?<=[ ,])([A-Z]\w+)(?==)")
# Those first that stand in scripts most: they are packed best.
_LETTERS: Final = "teanrsoilcdpumhfgvbywxkzjqDTRSEACPNLMOIUHBFWVGYKXZQJ"
_WORDS: Final = frozenset(["as", "do", "false", "if", "in", "null", "of", "this", "true", "undefined"])


def shorter_script(text: str) -> str:
    """A script of ours: neither `const` nor `;}` in its strings and patterns, no empty statement before a brace."""
    return _ENDED.sub("", _CONST.sub("let", jsmin(text)))


def shorter_style(text: str) -> str:
    """A style sheet of ours."""
    shorter: str = cssmin(text)
    return shorter


def with_short_names(text: str) -> str:
    """A shorter script whose own variables have names of one letter or two, each the same one everywhere.

    Keys of objects keep theirs, and so does a variable that stands in a template.
    """
    tokens = list(_TOKEN.finditer(text))
    words = ["", *(token[0] for token in tokens), ""]
    uses: Counter[str] = Counter()
    kept, within = set(_WORDS), [""]
    # Where a variable stands, and whether that names a key as well.
    places: list[tuple[re.Match[str], bool]] = []
    for n, token in enumerate(tokens):
        before, word, after = words[n : n + 3]
        if word[0] == "`":
            kept.update(re.findall(r"\w+", word))
        elif word in {"(", "[", "{"}:
            within.append(word)
        elif word in {")", "]", "}"}:
            within.pop()
        elif token["name"]:
            uses[word] += 1
            keyed = within[-1] == "{" and before in {"{", ","}
            if before not in {".", "?."} and not (keyed and after == ":"):
                places.append((token, keyed and after in {",", "}"}))
    own = {small or large for small, large in _DECLARED.findall(text)} - kept
    short = ("".join(name) for length in (1, 2) for name in product(_LETTERS, repeat=length))
    free = (name for name in short if name not in uses and name not in kept)
    names = {word: next(free) for word, _ in uses.most_common() if word in own}
    found, at = [], 0
    for token, keyed in places:
        if token[0] in names:
            found += [text[at : token.start()], f"{token[0]}:" if keyed else "", names[token[0]]]
            at = token.end()
    return _declared_at_once("".join([*found, text[at:]]))


def _declared_at_once(text: str) -> str:
    """With declarations that follow each other in one statement."""
    tokens = list(_TOKEN.finditer(text))
    # The word that the statement began with, for each brace that is open.
    begun = [""]
    found, at = [], 0
    for n, (token, following) in enumerate(pairwise(tokens)):
        word = token[0]
        if n == 0 or tokens[n - 1][0] in {"{", ";"} or text[token.start() - 1] == "\n":
            begun[-1] = word
        if word in {"(", "[", "{"}:
            begun.append("")
        elif word in {")", "]", "}"}:
            begun.pop()
        elif word == ";" and following[0] == begun[-1] == "let":
            found += [text[at : token.start()], ","]
            at = following.end() + (text[following.end()] == " ")
    return "".join([*found, text[at:]])
