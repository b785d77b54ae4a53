"""A page of the site put together for one visitor: guard and banner put in, what is denied made inert.

May go in here: which of our parts stand where. May not: how a part is made (`html.py`, `banner.py`, `guard.py`),
codings (`page_coding.py`), HTTP.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from cmp.core.consent import Visitor
from cmp.core.policy import Policy
from cmp.core.signals import Signals
from cmp.core.urls import Url
from cmp.wire.banner import banner_html
from cmp.wire.consent_mode import consent_mode
from cmp.wire.html import Rewriting, Rewritten, rewrite_page
from cmp.wire.judging import Judge, Stopped
from cmp.wire.keeper import guard_elements, inline_guard
from cmp.wire.occasion import Occasion
from cmp.wire.page_coding import is_of_utf_16, may_switch, readable_page
from cmp.wire.tell_me import CookieLine
from cmp.wire.xml_page import document_without

# XML that is of UTF-16 and says so by its first character alone, and what its declaration says of its coding.
_BEGINS_WIDE: Final = {b"<\0": "utf-16le", b"\0<": "utf-16be"}
_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_NAMED: Final = re.compile(r"charset\s*=", re.IGNORECASE)
_DECLARED: Final = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)")
_NONCE: Final = re.compile(r"'nonce-([A-Za-z0-9+/_=-]{1,200})'")


@dataclass(frozen=True, slots=True)
class Document:
    """A document in XML as its visitor gets it, and what it would have asked for."""

    data: bytes
    stopped: tuple[Stopped, ...]
    # The coding that its header has to name; "" where it is read so by everybody.
    to_say: str = ""


def document_for(
    data: bytes,
    policy: Policy,
    visitor: Visitor,
    signals: Signals,
    document: Url,
    *,
    media_types: str,
    language: str,
    reserved: str,
    csp: Sequence[str] = (),
    is_guarded: bool = False,
    is_part: bool = False,
    is_sheet: bool = False,
    is_copied: bool = False,
) -> Document:
    """A document in XML with what no CSP holds in it made inert, and the guard put in where `is_guarded`.

    As it came in a coding in which bytes that look like markup are none. The others as `xml_page.document_without`.
    """
    if (order := _BEGINS_WIDE.get(data[:2])) and not _NAMED.search(media_types):
        media_types = f"text/xml; charset={order}"
    declared = _DECLARED.match(data)
    if declared and may_switch(declared[1].decode("latin-1")) and not _NAMED.search(media_types):
        media_types = "text/xml; charset=iso-2022-jp"
    told = ""
    if is_of_utf_16(media_types) and b"\0" not in data[:2] and not data.startswith(_WIDE_MARKS):
        # It begins with markup (XML 1.0, section 2.1), so it is none, and browsers do not agree on what it is.
        told, media_types = "utf-8", "text/xml; charset=utf-8"
    read = readable_page(data, media_types)
    nonce = _nonce(csp)
    judge = Judge(policy, visitor, signals, document)
    head, guard = "", ""
    if is_guarded:
        head = guard_elements(policy, document, language, reserved=reserved, csp=csp, nonce=nonce)
        guard = f'<script xmlns="http://www.w3.org/1999/xhtml" src="{escape(reserved)}guard.js"{nonce}></script>'
    rewriting = Rewriting(
        judge,
        reserved,
        language,
        document,
        head=head,
        boxed_head=lambda: inline_guard(policy, visitor, signals, document, nonce) if is_guarded else "",
    )
    done = document_without(read.text, rewriting, guard=guard, is_part=is_part, is_sheet=is_sheet, is_copied=is_copied)
    stopped = tuple(dict.fromkeys(judge.stopped))
    return Document(data if done == read.text else read.in_its_coding(done), stopped, told or read.to_say)


def page_for(
    text: str,
    policy: Policy,
    visitor: Visitor,
    signals: Signals,
    page: Url,
    *,
    language: str,
    reserved: str,
    csp: Sequence[str] = (),
    alone: bool = True,
    problem: str = "",
    occasion: Occasion | None = None,
    told: Sequence[CookieLine] | None = None,
) -> Rewritten:
    """The page as a visitor of the site gets it. `alone`: a person may see it on its own, not only in a frame.

    `csp` are the site's own policies: where one of them names a nonce, our scripts carry it. The others as
    `banner.banner_html` takes them.
    """
    nonce = _nonce(csp)
    head = guard_elements(policy, page, language, reserved=reserved, csp=csp, nonce=nonce)
    body_start = ""
    if alone:
        body_start = banner_html(
            policy, visitor, signals, language, reserved=reserved, problem=problem, occasion=occasion, told=told
        ).replace("<script ", f"<script{nonce} ")
        # A framework that takes over a whole document (React) passes over elements that it has none of, no others.
        body_start = f"<consentry-banner>{body_start.rstrip()}</consentry-banner>"
    return rewrite_page(
        text,
        policy,
        visitor,
        signals,
        page,
        head=head + consent_mode(text, policy, visitor, signals, page, nonce=nonce),
        body_start=body_start,
        frame_head=head,
        boxed_head=lambda: inline_guard(policy, visitor, signals, page, nonce),
        reserved=reserved,
        language=language,
    )


def _nonce(csp: Sequence[str]) -> str:
    """The attribute that makes scripts of ours run in a page with these policies of its site's."""
    nonces = _NONCE.findall(" ".join(csp))
    return f' nonce="{escape(nonces[0])}"' if nonces else ""
