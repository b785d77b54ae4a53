"""Files of the site's own that make a browser ask for something: style sheets, modules, speculation rules.

May go in here: one such file rewritten or judged for a visitor. May not: pages (`html.py`), HTTP.
"""

from dataclasses import dataclass, replace
from typing import Final

from cmp.core.consent import Visitor
from cmp.core.exchange import Kind
from cmp.core.kept import Kept
from cmp.core.policy import Policy
from cmp.core.signals import Signals
from cmp.core.urls import Url
from cmp.wire.code import IMPORTS, MAY_IMPORT, imports_without, speculated_addresses
from cmp.wire.css import MAY_NAME_HOST, css_without
from cmp.wire.html import LONGEST_KEPT, MOST_KEPT
from cmp.wire.judging import Judge, Stopped


@dataclass(frozen=True, slots=True)
class RewrittenFile:
    """`for_all`: nothing in it belongs to a vendor, so that it is the same whatever somebody chose."""

    text: str
    stopped: tuple[Stopped, ...]
    for_all: bool


_FILES: Final = Kept[RewrittenFile](MOST_KEPT)


def rewrite_file(
    text: str, policy: Policy, visitor: Visitor, signals: Signals, file: Url, *, kind: Kind, page: Url
) -> RewrittenFile:
    """Rewrite a style sheet or a script, given as Latin-1 text, that a page loads. The address of what it imports, and
    all that a style sheet names, becomes an empty one where it is denied; every other byte stays.

    The same text gives the same text.
    """
    sign = MAY_NAME_HOST if kind is Kind.STYLE else MAY_IMPORT
    if not sign.search(text):
        return RewrittenFile(text, (), for_all=True)
    visitor = replace(visitor, decided_at=None, policy="", tell_me=False)
    kept = len(text) <= LONGEST_KEPT
    key = (text, kind, policy, visitor, signals, file, page)
    done = _FILES.get(key) if kept else None
    if done is None:
        judge = Judge(policy, visitor, signals, page)
        rewritten = (
            css_without(text, lambda name, kind: judge.stops(name, kind, file) is not None)
            if kind is Kind.STYLE
            else imports_without(text, lambda name: judge.stops(name, Kind.SCRIPT, file) is not None, pattern=IMPORTS)
        )
        done = RewrittenFile(rewritten, tuple(dict.fromkeys(judge.stopped)), for_all=not judge.vendors)
        if kept:
            _FILES.put(key, done)
    return done


def speculation_stopped(
    text: str, policy: Policy, visitor: Visitor, signals: Signals, file: Url
) -> tuple[Stopped, ...]:
    """What a file of speculation rules (HTML standard, section 7.6), given as Latin-1 text, would ask for that is
    denied."""
    judge = Judge(policy, visitor, signals, file)
    for address in speculated_addresses(text):
        judge.stops(address, Kind.OTHER, file)
    return tuple(dict.fromkeys(judge.stopped))
