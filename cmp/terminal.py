"""Text out of traffic, made safe for a terminal.

May go in here: what a terminal must not be sent, and cutting a text to a column. May not: wording and layout.
"""

import re

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text with control characters, bidi overrides and lone surrogates escaped. Line feeds and tabs stay."""
    return _UNPRINTABLE.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def cell(text: str, width: int) -> str:
    """The text as one line of at most `width` characters, for a column of a table."""
    line = printable(text.replace("\n", "\\x0a").replace("\t", "\\x09"))
    return line if len(line) <= width else f"{line[: width - 1]}…"
