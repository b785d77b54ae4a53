"""Text out of traffic, made safe for a terminal or a log.

May go in here: what a terminal must not be sent, what a log may hold of an error, and cutting a text to a column. May
not: wording and layout.
"""

import re
import traceback

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text with control characters, bidi overrides and lone surrogates escaped. Line feeds and tabs stay."""
    return _UNPRINTABLE.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def one_line(text: str) -> str:
    """The text as one line, so that what came out of traffic or a file cannot write a line of its own."""
    return printable(text.replace("\n", "\\x0a").replace("\t", "\\x09"))


def cell(text: str, width: int) -> str:
    """The text as one line of at most `width` characters, for a column of a table."""
    line = one_line(text)
    return line if len(line) <= width else f"{line[: width - 1]}…"


def place_of(error: BaseException) -> str:
    """The kind of an error and where it arose. Not its message: that quotes what was being worked on."""
    steps = traceback.extract_tb(error.__traceback__)[-3:]
    return " < ".join([type(error).__name__, *(f"{step.filename}:{step.lineno}" for step in reversed(steps))])
