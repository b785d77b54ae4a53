"""A page of the site put together for one visitor: guard and banner put in, what is denied made inert.

May go in here: which of our parts stand where, and whether a page can be read at all. May not: how a part is made
(`html.py`, `banner.py`, `guard.py`), HTTP.
"""

import re
from collections.abc import Sequence
from html import escape
from typing import Final

from cmp.core.consent import Visitor
from cmp.core.policy import Policy
from cmp.core.signals import Signals
from cmp.core.urls import Url
from cmp.wire.banner import banner_html
from cmp.wire.consent_mode import consent_mode
from cmp.wire.html import Rewritten, rewrite_page
from cmp.wire.keeper import guard_elements
from cmp.wire.occasion import Occasion
from cmp.wire.tell_me import CookieLine

# Labels of UTF-16 and ISO-2022-JP (Encoding standard, section 4.2): in these, bytes that look like markup are none.
_NO_ASCII: Final = re.compile(
    r"charset\s*=\s*[\"']?\s*(?:utf-16|ucs-2|unicode|csunicode|iso-10646-ucs-2|(?:cs)?iso-?2022-?jp)", re.IGNORECASE
)
_UTF_8: Final = re.compile(r"charset\s*=\s*[\"']?\s*utf-?8\s*(?:[\"';,]|$)", re.IGNORECASE)
# What switches ISO-2022-JP to another set. A page may name its coding in a meta tag, or leave it to be guessed.
_ESCAPES: Final = (b"\x1b$", b"\x1b(")
_NONCE: Final = re.compile(r"'nonce-([A-Za-z0-9+/_=-]{1,200})'")


def readable_page(data: bytes, media_types: str = "") -> str | None:
    """The page with each byte as one character; None for one that no ASCII-compatible reading fits.

    `media_types` are the values of its Content-Type fields.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or _NO_ASCII.search(media_types):
        return None
    if any(sign in data for sign in _ESCAPES) and not _UTF_8.search(media_types):
        return None
    return data.decode("latin-1")


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
    nonces = _NONCE.findall(" ".join(csp))
    nonce = f' nonce="{escape(nonces[0])}"' if nonces else ""
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
        reserved=reserved,
        language=language,
    )
