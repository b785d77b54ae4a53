"""Where our own markup goes in a page.

May go in here: the place before anything can run, and the one before anything is to be read. May not: the markup.
"""

import re
from collections.abc import Iterator
from typing import Final

import turbohtml

from cmp.wire.splicing import Edit, Source

_PROLOGUE: Final = re.compile(
    "(?:\ufeff|\u00ef\u00bb\u00bf)?(?:[\\t\\n\\f\\r ]|<!---?>|<!--(?!-?>).*?--!?>|<!doctype[^>]*>|<\\?[^>]*>)*",
    re.IGNORECASE | re.DOTALL,
)


def injections(document: turbohtml.Document, source: "Source", head: str, body_start: str) -> list[Edit]:
    """Our markup: `head` before anything of the page can run, `body_start` before anything is to be read."""
    prologue = _PROLOGUE.match(source.lines)
    top = prologue.end() if prologue is not None else 0
    for element in document.select("html,head"):
        if element.source_location is not None:
            top = max(top, element.source_location.start_tag.end_offset)
    body = document.select_one("body")
    if document.select_one("frameset") is not None:
        return [(top, top, head)]
    if body is not None and body.source_location is not None:
        first = body.source_location.start_tag.end_offset
    else:
        first = max([top, *_ends_of_head(document)])
    return [(top, top, head), (first, first, body_start)]


def _ends_of_head(document: turbohtml.Document) -> Iterator[int]:
    """Where the head's own tag or its last element ends: the body that nobody wrote begins behind it."""
    head = document.select_one("head")
    if head is None:
        return
    for element in (head, *head.find_all(axis=turbohtml.Axis.CHILDREN)):
        place = element.source_location
        if place is not None:
            span = place.end_tag if place.end_tag is not None else place.start_tag
            yield span.end_offset
