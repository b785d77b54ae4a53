"""Pages made by chance, shaped like real ones and then damaged, put through all that happens to a page.

May go in here: making them from a seed, preparing them in a process of their own, and measuring that. May not: what
should come of it.

    python -m tests.wire.fuzzed_pages SEED COUNT      one JSON object: digests, slowest, memory
"""

import ctypes
import hashlib
import json
import random
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cmp.core.consent import NO_CHOICE, Visitor, supposed_visitor
from cmp.core.policy import Policy
from cmp.core.signals import NO_SIGNALS
from cmp.core.urls import Url, parse_url
from cmp.policy.load import load_policy
from cmp.resources import policies
from cmp.seal.site import RESERVED_PATH
from cmp.wire.csp import strict_csp
from cmp.wire.page import page_for
from cmp.wire.page_coding import readable_page

PAGE: Final = parse_url("https://www.shop.example/a/b.html?c=d")

_VOID: Final = ("br", "hr", "img", "input", "link", "meta", "source", "track", "wbr", "base", "embed", "col", "area")
_TAGS: Final = (
    *(
        "div",
        "p",
        "span",
        "a",
        "ul",
        "li",
        "table",
        "tr",
        "td",
        "tbody",
        "b",
        "i",
        "form",
        "button",
        "select",
        "option",
    ),
    *("h1", "section", "svg", "g", "use", "image", "foreignObject", "math", "mi", "template", "noscript", "iframe"),
    *("object", "video", "audio", "picture", "details", "dialog", "x-card", "slot", "frameset", "frame", "html"),
    *("head", "body", "title", "center", "font", "marquee", "nobr", "applet", "optgroup", "caption", "feImage", "set"),
    *_VOID,
)
_RAW: Final = ("script", "style", "textarea", "xmp", "plaintext", "noembed", "noframes")
_NAMES: Final = (
    *("src", "srcset", "href", "xlink:href", "data", "poster", "action", "formaction", "ping", "background", "style"),
    *("srcdoc", "content", "http-equiv", "rel", "as", "type", "class", "id", "title", "alt", "onclick", "imagesrcset"),
    *("data-consent-src", "DATA-CONSENT-X", "integrity", "nonce", "crossorigin", "fill", "filter", "values", "to", "="),
    *("@click", ":key", "v-on:click.prevent", "[hidden]", "(tap)", "#ref", "*ngIf", "x\x00y", "a\xe4", "sandbox"),
)
_HOSTS: Final = (
    *(
        "",
        "//www.google-analytics.com",
        "https://www.googletagmanager.com",
        "//cdn.taboola.com",
        "https://px.ads.example",
    ),
    *(
        "//www.shop.example",
        "https://cdnjs.cloudflare.com",
        "https:\\\\connect.facebook.net",
        "http://[::1]:80",
        "//%67",
    ),
    *("data:text/html;base64,PGI+", "javascript:void 0//", "ht\ntps://static.hotjar.com", "//\xef\xbd\x87oogle.com"),
)
_WORDS: Final = (
    *("stylesheet", "preload", "refresh", "script", "module", "importmap", "text/css", "image/svg+xml", "0;url=/next"),
    *(
        "a b c",
        "&amp;",
        "&#x2f;&#47;",
        "&lt;p&gt;",
        "&notit;",
        "&#0;",
        "&#1114112;",
        "\xfcber",
        "{{ x }}",
        "<%",
    ),
    *("url(//px.ads.example/a.png)", "@import '//cdn.taboola.com/x.css';", "u\\72l('//px.ads.example')", "/* ", "*/"),
    *("gtag('config','G-1');", "fbq('init');", "if (a<b && c>d) {}", "<!--", "-->", "]]>", "<![CDATA[", "</", "<", ">"),
    *('{"imports":{"a":"//px.ads.example/a.js"}}', "\\u003c", "\t", "\r\n", "\r", "\x00", "\x0c", "'", '"', "`"),
)
_CODECS: Final = ("utf-8", "latin-1", "gb18030", "shift_jis", "euc-jp", "utf-16", "iso2022_jp", "koi8-r", "utf-7")


class Maker:
    """Pages from one source of chance."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice

    def page(self) -> bytes:
        kind = self._dice.random()
        text = self._big() if kind < 0.03 else self._document()
        data = text.encode(self._dice.choice(_CODECS) if kind > 0.7 else "utf-8", "xmlcharrefreplace")
        for _ in range(self._dice.choice((0, 0, 1, 3, 10))):
            data = self._damaged(data)
        return data

    def _big(self) -> str:
        begin, unit, end = self._dice.choice(_BIG)
        return begin + unit * self._dice.randint(200, 4_000) + end

    def _document(self) -> str:
        dice = self._dice
        start = dice.choice(
            ("<!doctype html>", "<!DOCTYPE html PUBLIC '-//W3C//DTD HTML 4.01//EN'>", "\ufeff", "", "<?xml?>")
        )
        charset = dice.choice(
            ("", "<meta charset=gb18030>", "<meta http-equiv=Content-Type content='text/html;charset=x'>")
        )
        inside = "".join(self._piece(0) for _ in range(dice.randint(0, 25)))
        if dice.random() < 0.3:
            return start + charset + inside
        head = f"{charset}<title>{self._word()}</title>{self._piece(3)}"
        return f"{start}<html lang=en><head>{head}</head><body>{inside}</body></html>"

    def _piece(self, depth: int) -> str:
        dice = self._dice
        kind = dice.random()
        if depth > 6 or kind < 0.3:
            return self._word()
        if kind < 0.45:
            tag = dice.choice(_RAW)
            content = " ".join(self._word() for _ in range(dice.randint(0, 6)))
            return f"<{tag}{self._attributes()}>{content}" + (f"</{tag}>" if dice.random() < 0.95 else "")
        tag = dice.choice(_TAGS)
        tag = tag.upper() if dice.random() < 0.1 else tag
        if tag in _VOID:
            return f"<{tag}{self._attributes()}{dice.choice(('', ' /', '/'))}>"
        content = "".join(self._piece(depth + 1) for _ in range(dice.randint(0, 3)))
        return f"<{tag}{self._attributes()}>{content}" + (f"</{tag}>" if dice.random() < 0.9 else "")

    def _attributes(self) -> str:
        return "".join(self._attribute() for _ in range(self._dice.choice((0, 0, 1, 2, 4))))

    def _attribute(self) -> str:
        dice = self._dice
        name, quote = dice.choice(_NAMES), dice.choice(('"', "'", '"', ""))
        value = (
            self._word()
            if dice.random() < 0.4
            else dice.choice(_HOSTS) + dice.choice(("/x.js", "/a b", "?q=1&amp;r", ""))
        )
        if name.startswith("srcdoc"):
            value = self._piece(5)
        if quote:
            value = value.replace(quote, "&quot;" if quote == '"' else "&#39;")
        space = dice.choice((" ", "  ", "\n", "/", "\t"))
        return f"{space}{name}" + ("" if dice.random() < 0.1 else dice.choice(("=", " = ")) + quote + value + quote)

    def _word(self) -> str:
        return self._dice.choice(_WORDS)

    def _damaged(self, data: bytes) -> bytes:
        dice = self._dice
        at = dice.randrange(len(data) + 1)
        to = min(len(data), at + dice.randint(0, 60))
        match dice.randrange(6):
            case 0:
                return data[:at]
            case 1:
                return data[:at] + data[to:]
            case 2:
                return data[:to] + data[at:to] * dice.randint(1, 20) + data[to:]
            case 3:
                return data[:at] + bytes([dice.randrange(256)]) + data[at + 1 :]
            case 4:
                return (
                    data[:at]
                    + dice.choice((b"\x00", b"<", b'"', b"\xff\xfe", b"\r", b"<!--", b"<svg><style>"))
                    + data[at:]
                )
            case _:
                return data[:at] + data[at:to].swapcase() + data[to:]


# One thing very often, or very long. What could cost more than in proportion to its length stands here.
_BIG: Final = (
    ("", "<div>", ""),
    ("<p>", "<b><i><a href=/x>", "<p>"),
    ("<table>", "<tr><td><table>", "x"),
    ("", "<svg><style>", "<img src=//cdn.taboola.com>"),
    ("<div ", "a=1 b='2' ", ">"),
    ("<img src=x ", "src=//cdn.taboola.com/a ", ">"),
    ("<img srcset='", "//px.ads.example/a 1x, /b 2x,", "'>"),
    ("<a title='", "<p>&amp;\xe4\x00", "'>x</a>"),
    ("<style>", "url(//px.ads.example/a)", "</style>"),
    ("<style>", "@import '//cdn.taboola.com';", ""),
    ("<style>", "url(", ""),
    ("<style>", "'\\", ""),
    ("<style>", "/*", "</style>"),
    ('<p style="', "background:url(//px.ads.example/a);", '">'),
    ("", "<!--", ""),
    ("", "<!-- --!><!---->", "<p>"),
    ("<!doctype html>", "<!doctype html><?x?>", "<p>"),
    ("", "<html lang=en><body class=x background=//px.ads.example>", ""),
    ("", "<noscript><img src=//cdn.taboola.com/p>", ""),
    ("", "<template><template>", "<img src=//cdn.taboola.com>"),
    ("", "<iframe srcdoc=\"<iframe srcdoc='<b>'>\"></iframe>", ""),
    ('<script type=importmap>{"imports":{', '"a":"//px.ads.example/a",', "}}</script>"),
    ("<script>window.__DATA__=", '{"url":"https:\\/\\/cdn.taboola.com\\/x","n":[1,2,3]},', "</script>"),
    ("<script type=module>", "import '//px.ads.example/m.js';", "</script>"),
    ("<script type=speculationrules>", '"//px.ads.example/m",', "</script>"),
    ("<meta http-equiv=refresh content='0;", " url = ", "//px.ads.example'>"),
    ("", "&#x2f;&amp;&notin", ""),
    ("", "\r\n\r", "<img src=//cdn.taboola.com>"),
    ("<p data-consent-", "x", "=1>"),
    ("<svg>", "<set attributeName=href to=//px.ads.example /><image href=//cdn.taboola.com />", ""),
    ("", "<link rel=preload imagesrcset='//px.ads.example/a 1x'>", ""),
    ("<select>", "<option><optgroup>", "<img src=//cdn.taboola.com>"),
)


def pages(seed: int, count: int) -> Iterator[bytes]:
    """So many pages. The same seed makes the same ones, in any process."""
    for number in range(count):
        yield Maker(random.Random(seed * 1_000_003 + number)).page()


def prepared(data: bytes, policy: Policy, visitor: Visitor, page: Url = PAGE) -> bytes:
    """The body and the CSP that a visitor gets."""
    read = readable_page(data, "text/html")
    done = page_for(read.text, policy, visitor, NO_SIGNALS, page, language="en", reserved=RESERVED_PATH)
    csp = strict_csp(policy, visitor, NO_SIGNALS, page, done.named_hosts, reserved=RESERVED_PATH)
    return read.in_its_coding(done.text) + b"\0" + (csp or "").encode("ascii")


def _resident() -> int:
    """Bytes of this process's memory that are in use now. Linux: proc(5), statm."""
    # What is free and not given back yet is as much as the last pages were long: malloc_trim(3).
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * 4096


def _timed(data: bytes, policy: Policy, visitor: Visitor) -> tuple[bytes, float]:
    """What comes of it, and the processor time in seconds for each byte, of what a page of 4 kB may take at least."""
    began = time.process_time()
    done = prepared(data, policy, visitor)
    return done, (time.process_time() - began) / max(len(data), 4_000)


def _main(seed: int, count: int) -> None:
    strict, default = (load_policy(policies() / f"{name}.json") for name in ("strict", "default"))
    asked = [(strict, NO_CHOICE), (default, supposed_visitor(default, "refuse"))]
    digest, of_a_third, slowest, at_worst, after_a_tenth = hashlib.sha256(), "", 0.0, 0, 0
    for number, data in enumerate(pages(seed, count)):
        for policy, visitor in asked:
            done, cost = _timed(data, policy, visitor)
            if cost > slowest and number >= count // 10:
                # Once more, as another page than the one that is kept: what took long for a reason outside of the page
                # (memory cleared up, a machine that stood still) does not do so again.
                _, again = _timed(data + b"  ", policy, visitor)
                if min(cost, again) > slowest:
                    slowest, at_worst = min(cost, again), number
            digest.update(done)
            digest.update(b"\1")
        if number + 1 == count // 3:
            of_a_third = digest.hexdigest()
        if number == count // 10:
            after_a_tenth = _resident()
    print(  # noqa: T201
        json.dumps(
            {
                "digest": digest.hexdigest(),
                "of_a_third": of_a_third,
                "slowest": slowest * 1e6,
                "at": at_worst,
                "grown": _resident() - after_a_tenth,
            }
        )
    )


if __name__ == "__main__":
    _main(int(sys.argv[1]), int(sys.argv[2]))
