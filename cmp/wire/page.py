"""A page of the site put together for one visitor: guard and banner put in, what is denied made inert.

May go in here: which of our parts stand where, in which coding a page is read, and whether it can be at all. May not:
how a part is made (`html.py`, `banner.py`, `guard.py`), HTTP.
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
from cmp.wire.tell_me import CookieLine
from cmp.wire.xml_page import document_without

# Labels of UTF-16 and ISO-2022-JP (Encoding standard, section 4.2): in these, bytes that look like markup are none.
_WIDE: Final = re.compile(r"charset\s*=\s*[\"']?\s*(?:utf-16|ucs-2|unicode|csunicode|iso-10646-ucs-2)", re.IGNORECASE)
_SWITCHING: Final = re.compile(r"charset\s*=\s*[\"']?\s*(?:cs)?iso-?2022-?jp", re.IGNORECASE)
# Nothing beside that one label, so that nobody can read it another way.
_UTF_16: Final = re.compile(
    r"[^,;=\"']*;\s*charset=\"?(?:(?P<big>utf-16be|unicodefffe)|utf-16(?:le)?|ucs-2|unicode(?:feff)?|csunicode"
    r"|iso-10646-ucs-2)\"?\s*",
    re.IGNORECASE,
)
# Which a page says before anything else, whatever its header says (Encoding standard, section 6.1).
_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")
_BYTE_ORDER: Final = ((b"\xef\xbb\xbf", ""), *zip(_WIDE_MARKS, ("utf-16-le", "utf-16-be"), strict=True))
# XML that is of UTF-16 and says so by its first character alone, and what its declaration says of its coding.
_BEGINS_WIDE: Final = {b"<\0": "utf-16le", b"\0<": "utf-16be"}
_NAMED: Final = re.compile(r"charset\s*=", re.IGNORECASE)
_DECLARED: Final = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)")
_UTF_8: Final = re.compile(r"charset\s*=\s*[\"']?\s*utf-?8\s*(?:[\"';,]|$)", re.IGNORECASE)
# What switches ISO-2022-JP to another set. A page may name its coding in a meta tag, or leave it to be guessed.
_ESCAPE: Final = b"\x1b"
_ESCAPES: Final = (_ESCAPE + b"$", _ESCAPE + b"(")
# What may stand before anything that asks for something; a script before it would change how the page is laid out.
_BEFORE_MARKUP: Final = re.compile(rb"(?:[\t\n\f\r ]|<!--[^>\x1b]*-->)*+(?:<!doctype[^>\x1b]*>)?", re.IGNORECASE)
_NONCE: Final = re.compile(r"'nonce-([A-Za-z0-9+/_=-]{1,200})'")


@dataclass(frozen=True, slots=True)
class ReadablePage:
    """A page whose every byte is one character of `text`: of its own bytes, or, where `coding` names a form of UTF-16,
    of the same in UTF-8."""

    text: str
    coding: str = ""

    def in_its_coding(self, text: str) -> bytes:
        """The page with another text, in the coding that it came in. What stays of the text stays byte for byte."""
        data = text.encode("latin-1")
        return _recoded(data, "utf-8", self.coding) if self.coding else data


def readable_page(data: bytes, media_types: str = "") -> ReadablePage | None:
    """The page to be read as ASCII; None for one that no such reading fits.

    `media_types` are the values of its Content-Type fields.
    """
    coding = next((coding for mark, coding in _BYTE_ORDER if data.startswith(mark)), None)
    if coding is None and (named := _UTF_16.fullmatch(media_types)):
        coding = "utf-16-be" if named["big"] else "utf-16-le"
    if coding:
        # A browser reads no half character, and puts a sign for it (Encoding standard, section 14.2.1).
        return None if len(data) % 2 else ReadablePage(_recoded(data, coding, "utf-8").decode("latin-1"), coding)
    if coding is None and (_WIDE.search(media_types) or _switches(data, media_types)):
        return None
    return ReadablePage(data.decode("latin-1"))


def _switches(data: bytes, media_types: str) -> bool:
    """Whether it is, or may be, of ISO-2022-JP."""
    if _SWITCHING.search(media_types):
        return True
    # One byte is looked for many times as fast as two.
    return _ESCAPE in data and any(sign in data for sign in _ESCAPES) and not _UTF_8.search(media_types)


def unread_with_guard(
    data: bytes, media_types: str, policy: Policy, page: Url, *, language: str, reserved: str, csp: Sequence[str]
) -> bytes:
    """A page that `readable_page` does not read, with the guard where its first bytes can be nothing but ASCII."""
    if data.startswith(_WIDE_MARKS) or _WIDE.search(media_types) or not _switches(data, media_types):
        return data
    # Until it switches (Encoding standard, section 12.2.1).
    start = _BEFORE_MARKUP.match(data)
    at = start.end() if start else 0
    guard = guard_elements(policy, page, language, reserved=reserved, csp=csp, nonce=_nonce(csp))
    return data[:at] + guard.encode("ascii") + data[at:]


@dataclass(frozen=True, slots=True)
class Document:
    """A document in XML as its visitor gets it, and what it would have asked for."""

    data: bytes
    stopped: tuple[Stopped, ...]


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
) -> Document:
    """A document in XML with what no CSP holds in it made inert, and the guard put in where `is_guarded`.

    As it came in a coding in which bytes that look like markup are none. The others as `xml_page.document_without`.
    """
    if (order := _BEGINS_WIDE.get(data[:2])) and not _NAMED.search(media_types):
        media_types = f"text/xml; charset={order}"
    declared = _DECLARED.match(data)
    read = readable_page(data, media_types)
    if read is None or (declared and not read.coding and _SWITCHING.search(f"charset={declared[1].decode('latin-1')}")):
        return Document(data, ())
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
    done = document_without(read.text, rewriting, guard=guard, is_part=is_part, is_sheet=is_sheet)
    stopped = tuple(dict.fromkeys(judge.stopped))
    return Document(data if done == read.text else read.in_its_coding(done), stopped)


def _recoded(data: bytes, source: str, target: str) -> bytes:
    # Halves of a pair may stand alone, and come back so.
    return data.decode(source, "surrogatepass").encode(target, "surrogatepass")


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
