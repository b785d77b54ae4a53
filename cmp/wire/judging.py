"""Each address that a page, a style sheet or a script names, put to `decide`.

May go in here: what an address can be to a browser that reads it another way than we, and keeping what was found. May
not: where an address stands, and what becomes of it.
"""

import base64
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from typing import Final, NamedTuple
from urllib.parse import unquote

from cmp.core.classify import RequestRule
from cmp.core.composed import strictest
from cmp.core.consent import Visitor
from cmp.core.decide import decide
from cmp.core.decision import Reason, Ruling
from cmp.core.exchange import Exchange, Kind
from cmp.core.on_vendors import rule_on_vendor
from cmp.core.policy import Policy, Unknown
from cmp.core.signals import Signals
from cmp.core.urls import Url, UrlError, parse_url
from cmp.sites import registrable_domain
from cmp.wire.code import without_escapes
from cmp.wire.css import CSS_ESCAPE, css_character
from cmp.wire.iso_2022_jp import as_read


class Stopped(NamedTuple):
    """Something the page would have asked for; `url` is the page's own for code that stands in it."""

    url: str
    kind: Kind
    ruling: Ruling


# Code that stands in a page and belongs to a vendor: what it must contain, and the catalogue ids of the vendors. All of
# them must be denied: a loader that others of them may use is left to the CSP and the guard.
_INLINE: Final[tuple[tuple[str, tuple[str, ...]], ...]] = (
    ("gtag(", ("google-analytics", "google-ads", "google-tag-manager")),
    ("googletagmanager.com/gtm.js", ("google-tag-manager",)),
    ("GoogleAnalyticsObject", ("google-analytics",)),
    ("fbq(", ("meta-pixel",)),
    ("_paq", ("matomo",)),
    ("_hjSettings", ("hotjar",)),
    ("clarity.ms/tag", ("microsoft-clarity",)),
    ("_linkedin_partner_id", ("linkedin-insight",)),
    ("TiktokAnalyticsObject", ("tiktok-pixel",)),
    ("uetq", ("microsoft-ads",)),
    ("pintrk(", ("pinterest-tag",)),
    ("snaptr(", ("snap-pixel",)),
    ("rdt(", ("reddit-pixel",)),
    ("twq(", ("twitter-ads",)),
    ("mc.yandex.ru/metrika", ("yandex-metrica",)),
    ("_tfa.push", ("taboola",)),
    ("_qevents", ("quantcast",)),
    ("mixpanel.init(", ("mixpanel",)),
    ("posthog.init(", ("posthog",)),
    ("heap.load(", ("heap",)),
    ("_fs_org", ("fullstory",)),
    ("criteo_q", ("criteo",)),
)


@dataclass
class Judge:
    """Puts each URL of a page to `decide`, and keeps what was stopped and which hosts were named."""

    policy: Policy
    visitor: Visitor
    signals: Signals
    page: Url
    stopped: list[Stopped] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    vendors: set[str] = field(default_factory=set)
    _known: dict[tuple[str, Kind, Url], tuple[Url | None, Ruling] | None] = field(default_factory=dict)

    def stops(self, text: str, kind: Kind, base: Url) -> tuple[Url | None, Ruling] | None:
        """The URL and the ruling where the text names something denied, else None."""
        key = (text, kind, base)
        if key not in self._known:
            self._known[key] = self._first_denied(text, kind, base)
        found = self._known[key]
        if found is not None:
            self.stopped.append(Stopped(str(found[0]) if found[0] is not None else text, kind, found[1]))
        return found

    def _first_denied(self, text: str, kind: Kind, base: Url) -> tuple[Url | None, Ruling] | None:
        for n, way in enumerate(_readings(text)):
            found = self._judge(way, kind, base)
            # The last readings are guesses: they count where they name somebody.
            if found is not None and (n < _CERTAIN or found[1].vendor is not None):
                return found
        return None

    def _judge(self, text: str, kind: Kind, base: Url) -> tuple[Url | None, Ruling] | None:
        try:
            url = parse_url(text, base)
        except UrlError:
            # Unknown, never harmless: a browser may read a host where we do not, and with letters that came later may
            # read anybody's.
            denied = text.strip() != "" and (self.policy.unknown_host is Unknown.DENY or _has_later_letters(text))
            return (None, Ruling(False, Reason.UNKNOWN_DENIED, "unknown.host")) if denied else None
        if not url.is_network:
            # Of what only a policy with a list would stop, the CSP that such content inherits lets nothing pass.
            inside = (way for name in _named_inside(text) for way in _readings(name)) if kind in _RUN else ()
            return next(
                (found for name in inside if (found := self._judge(name, kind, base)) and found[1].vendor is not None),
                None,
            )
        self.hosts.add(url.host)
        asked = Exchange(
            method="GET",
            url=url,
            host_site=registrable_domain(url.host),
            page=self.page,
            page_site=registrable_domain(self.page.host),
            kind=kind,
            signals=self.signals,
        )
        ruling = decide(self.policy, self.visitor, asked).ruling
        if ruling.vendor is not None:
            self.vendors.add(ruling.vendor)
        # On the page's own host whoever sends the page stands between, and reduces.
        passes = ruling.allowed if url.host == self.page.host else ruling.direct
        return None if passes else (url, ruling)

    def stops_code(self, code: str) -> bool:
        """Whether code in the page belongs to vendors that are denied."""
        for sign, vendors in _INLINE:
            known = [self.policy.vendors[id_] for id_ in vendors if id_ in self.policy.vendors]
            if not known or sign not in code:
                continue
            rulings = [self._on_vendor(vendor.id) for vendor in known]
            if not any(ruling.direct for ruling in rulings):
                self.stopped.append(Stopped(str(self.page), Kind.SCRIPT, rulings[0]))
                return True
        return False

    def _on_vendor(self, id_: str) -> Ruling:
        """What is said of a vendor as a whole, by every policy that knows it."""
        rules = [
            (part, RequestRule(f"vendor:{id_}", id_, part.vendors[id_].category))
            for part in self.policy.each
            if id_ in part.vendors
        ]
        return strictest([rule_on_vendor(part, self.visitor, self.signals, rule) for part, rule in rules])


def _named_inside(url: str, depth: int = 0) -> Iterator[str]:
    """The addresses that stand in the content of a data: or javascript: URL, and in those in it."""
    head, _, content = url.lstrip(_CONTROLS).partition(":")
    scheme = _BREAKS.sub("", head).lower()
    if scheme not in ("data", "javascript"):
        return
    if scheme == "data" and content.partition(",")[0].lower().rstrip().endswith("base64"):
        try:
            coded = unquote(content.partition(",")[2], "latin-1")
            content = "," + base64.b64decode(coded.rstrip("= ") + "==").decode("latin-1").replace("%", "%25")
        except ValueError:
            return
    content = unquote(content, "latin-1").replace("\0", "")
    if "\x1b" in content:
        # Perhaps in ISO-2022-JP, where it only switches.
        content = as_read(content.encode("latin-1", "replace"))
    plain = unescape(content)
    # As a page, as CSS or code in it, or as another such URL; tabs and line ends are no part of an address.
    ways = (plain, CSS_ESCAPE.sub(css_character, plain), without_escapes(plain), unquote(plain, "latin-1"))
    # What is in Base64 shows no address.
    inner: dict[str, None] = {}
    for text in dict.fromkeys(ways):
        for read in dict.fromkeys((text, _BREAKS.sub("", text))):
            # Such an address is no base: behind a scheme a host comes next, with slashes or without.
            yield from (_SCHEME.sub(r"\1//", found[0]) for found in _ABSOLUTE.finditer(read))
            inner |= dict.fromkeys(_INNER.findall(read)) if depth < _DEEPEST else {}
    for coded in inner:
        yield from _named_inside(f"data:;base64{coded}", depth + 1)


# What a data: URL is run as; in a picture nothing is asked for (SVG 2, section 2.2.5).
_RUN: Final = frozenset({Kind.FRAME, Kind.OBJECT, Kind.SCRIPT, Kind.STYLE})
RUNS: Final = re.compile("[\\x00- ]*j[\t\n\r]*a[\t\n\r]*v[\t\n\r]*a[\t\n\r]*s[\t\n\r]*c", re.IGNORECASE)
_CONTROLS: Final = "".join(map(chr, range(0x21)))
_BREAKS: Final = re.compile("[\\t\\n\\r]")
_ABSOLUTE: Final = re.compile(
    r"(?:(?:http|ws)s?:[\\/]*+|[\\/]{2,}+)[^\\/\s\"'`()<>,;][^\s\"'`()<>,;]{0,2000}+", re.IGNORECASE
)
_SCHEME: Final = re.compile(r"^(\w+:)[\\/]*")
_INNER: Final = re.compile(r";\s*+base64\s*+(,[A-Za-z0-9+/=%\s]++)", re.IGNORECASE)
# Pages in addresses in each other: deeper than anybody writes them.
_DEEPEST: Final = 3


_UTF_8: Final = re.compile("[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
# Something that is not ASCII before the path.
_ODD_HOST: Final = re.compile(r"(?:[\\/][\t\n\r]*+[\\/]|:)[^\\/?#]*?[^\x00-\x7f]")
# Legacy encodings (Encoding standard, section 4.2) in which other bytes are letters that make a host.
_CERTAIN: Final = 2
# What `iso_2022_jp.as_read` makes of a switch.
_SWITCHED: Final = re.compile("\x9b(?:\xa8[\xc2\xca\xc9]|\xa4[\xc0\xc2])")
_CODINGS: Final = ("cp932", "euc_jp", "gb18030", "big5hkscs", "euc_kr", "mac_roman", "cp1252")


def _has_later_letters(text: str) -> bool:
    """Whether letters stand in it that Unicode did not have when this Python was made (UTS 46 may make others of
    them)."""
    if text.isascii():
        return False
    whole = _UTF_8.sub(lambda found: found[0].encode("latin-1").decode("utf-8", "replace"), text)
    return any(unicodedata.category(char) == "Cn" for char in whole)


def _readings(text: str) -> Iterator[str]:
    """What a URL of a Latin-1 text can be to a browser: the same in ASCII, else perhaps UTF-8 or another coding under
    it.

    Full-width letters make a host (UTS 46), so a tracker could be named by bytes that say nothing in Latin-1.
    """
    yield text
    if text.isascii():
        return
    # References to a character may stand beside bytes of another.
    yield _UTF_8.sub(lambda found: found[0].encode("latin-1").decode("utf-8", "replace"), text)
    if _ODD_HOST.search(text):
        data = b"".join(
            char.encode("latin-1" if char <= "\xff" else "utf-8", "surrogatepass" if char > "\xff" else "strict")
            for char in _SWITCHED.sub("", text)
        )
        yield from (data.decode(coding, "replace") for coding in _CODINGS)
