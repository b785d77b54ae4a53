"""The two pictures of the HTML report, as SVG: who was contacted how often, and when.

May go in here: drawing. May not: counting, which is done by the caller, and scripts. Each picture has a title and a
description in words, and every number in it stands in a table too.
"""

from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from cmp.core.decision import Action
from cmp.terminal import cell

_WIDTH = 760
_LABEL = 220
_ROW = 22


class Bar(NamedTuple):
    """Requests to one company: how many in all, and how many of them would have been stopped."""

    name: str
    requests: int
    stopped: int


class Mark(NamedTuple):
    """One request: seconds since the first, the row it belongs to, and what becomes of it."""

    at: float
    row: str
    action: Action


def bars(title: str, companies: Sequence[Bar]) -> str:
    """Horizontal bars, one a company; the stopped part in its own colour."""
    if not companies:
        return ""
    most = max(bar.requests for bar in companies)
    room = _WIDTH - _LABEL - 60
    parts = []
    for number, bar in enumerate(companies):
        y = number * _ROW
        whole = max(2.0, room * bar.requests / most)
        stopped = whole * bar.stopped / bar.requests
        parts.append(_text(_LABEL - 8, y + 15, bar.name, "end"))
        parts.append(_box(_LABEL, y + 4, stopped, "block"))
        parts.append(_box(_LABEL + stopped, y + 4, whole - stopped, "allow"))
        parts.append(_text(_LABEL + whole + 6, y + 15, str(bar.requests), "start"))
    words = "; ".join(f"{bar.name} {bar.requests}, stopped {bar.stopped}" for bar in companies)
    return _svg(title, words, len(companies) * _ROW + 6, parts)


def timeline(title: str, rows: Sequence[str], marks: Sequence[Mark]) -> str:
    """One row a category, one stroke a request, over the time since the first request."""
    if not marks or not rows:
        return ""
    seconds = max(0.001, *(mark.at for mark in marks))
    room = _WIDTH - _LABEL - 20
    place = {row: number for number, row in enumerate(rows)}
    bottom = len(rows) * _ROW + 4
    parts = [_text(_LABEL - 8, place[row] * _ROW + 15, row, "end") for row in rows]
    # Strokes at the same place would only make the file longer.
    drawn = dict.fromkeys((round(room * mark.at / seconds), mark.row, mark.action) for mark in marks)
    parts += [_box(_LABEL + x, place[row] * _ROW + 4, 2.5, action.value) for x, row, action in drawn]
    parts.append(f'<line class="axis" x1="{_LABEL}" y1="{bottom}" x2="{_LABEL + room}" y2="{bottom}"/>')
    for share in (0, 0.25, 0.5, 0.75, 1):
        anchor = "start" if share == 0 else "end" if share == 1 else "middle"
        parts.append(_text(_LABEL + room * share, bottom + 15, f"{seconds * share:.1f} s", anchor))
    words = "; ".join(_row_in_words(row, marks) for row in rows)
    return _svg(title, words, bottom + 22, parts)


def _row_in_words(row: str, marks: Sequence[Mark]) -> str:
    own = [mark for mark in marks if mark.row == row]
    stopped = sum(mark.action is Action.BLOCK for mark in own)
    return f"{row}: {len(own)} requests from {own[0].at:.1f} to {own[-1].at:.1f} s, {stopped} stopped" if own else row


def _svg(title: str, words: str, height: float, parts: Sequence[str]) -> str:
    return "".join(_lines(title, words, height, parts))


def _lines(title: str, words: str, height: float, parts: Sequence[str]) -> Iterator[str]:
    yield f'<svg role="img" viewBox="0 0 {_WIDTH} {_number(height)}" width="{_WIDTH}" height="{_number(height)}">'
    yield f"<title>{escape(cell(title, 200))}</title><desc>{escape(cell(words, 2_000))}</desc>"
    yield from parts
    yield "</svg>"


def _box(x: float, y: float, width: float, kind: str) -> str:
    if width <= 0:
        return ""
    return f'<rect class="{kind}" x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="14"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{_number(x)}" y="{_number(y)}" text-anchor="{anchor}">{escape(cell(text, 32))}</text>'


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
