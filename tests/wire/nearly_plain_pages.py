"""Pages made by chance that are nearly plain: what real ones hold, and now and then what only a tree builder can read.

May go in here: making them from a source of chance. May not: what should come of them.
"""

import random
from typing import Final

# Addresses as they stand in attributes.
_ADDRESSES: Final = (
    *("//www.google-analytics.com/x", "https://px.ads.example/a.png?b=1&amp;c=2", "//px.ads.example/a,b 2x", ""),
    *("/own.js", "rel/x.png", "https:\\\\connect.facebook.net/x", "  //cdn.taboola.com ", "#a", "?a=1&b=2"),
    "data:text/html,<img src=//cdn.taboola.com>",
)
_VALUES: Final = (
    *(
        "background:url(//px.ads.example/a)",
        "color:red",
        "url(#a)",
        "a",
        "a b",
        "1",
        "refresh",
        "stylesheet",
        "preload",
    ),
    *("background:url&lpar;//cdn.taboola.com)", "x&#40;y", "0;url=//cdn.taboola.com", "module", "importmap", "image"),
)
_ODD_VALUES: Final = (
    *("x>y", "x<img src=//cdn.taboola.com>y", "=", "a=", "&quot;", "&amp;lt", "'", '"', "</noscript>", "/", "-->"),
    "<p style='background:url(//cdn.taboola.com)'>",
)
_NAMES: Final = (
    *("src", "href", "srcset", "style", "background", "ping", "attributionsrc", "action", "formaction", "class", "id"),
    *("fill", "clip-path", "poster", "data", "srcdoc", "http-equiv", "content", "rel", "type", "title", "hidden"),
    *("xlink:href", "STYLE", "Src", "values", "to", "width", "@c", "as", "data-x", "aria-label"),
)
_VOID: Final = frozenset(
    {
        *("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track"),
        "wbr",
    }
)
_USUAL: Final = (
    *("a", "b", "div", "p", "span", "img", "input", "link", "ul", "li", "form", "button", "i", "h1", "section"),
    *("video", "source", "embed", "object", "meta", "br"),
)
_UNUSUAL: Final = (
    *("abbr", "area", "article", "canvas", "caption", "center", "code", "col", "dd", "details", "dl", "dt", "em"),
    *("figure", "font", "frame", "frameset", "head", "header", "hr", "html", "body", "image", "label", "legend"),
    *("listing", "main", "map", "marquee", "math", "menu", "nobr", "noembed", "noframes", "ol", "optgroup"),
    *("option", "param", "picture", "plaintext", "pre", "s", "select", "slot", "small", "strike", "strong", "sub"),
    *("summary", "svg", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "track", "tt", "u", "var", "wbr"),
    *("x-card", "xmp", "base", "template", "g", "path", "use", "rect", "symbol", "defs", "desc", "fb:like"),
    *("applet", "keygen", "ruby", "rt", "audio", "feImage", "set", "animate", "foreignObject", "mi", "search"),
    *("selectedcontent", "dialog", "script", "style", "title", "textarea", "iframe", "noscript"),
)
_TEXTS: Final = ("x", " ", "\n", "&amp;", "a < b", "<!-- c -->", "<3", "\xe9", "{{x}}", "\r\n")
_ODD_TEXTS: Final = (
    *("<!-- <script src=//cdn.taboola.com> -->", "<!--->", "<!-- a --!> <img src=//cdn.taboola.com> -->", "</", "</>"),
    *("<![CDATA[x]]>", "<?x?>", "<?x <img src=//cdn.taboola.com> ?>", "<![endif]-->", "<![if x>1]>", "<>", "]]>", "\0"),
    *("<!--", "-->", "</br>", "</p>", "\x0c", "<%", "</form>", "</select>", "</svg>", "</head>", "</template>"),
)
_CODES: Final = (
    *("x", "var a=1<2;", "gtag('config')", "fbq('init')", "url(//cdn.taboola.com/x)", "<b>", "\n"),
    *("@import '//px.ads.example/a.css';", "import '//cdn.taboola.com/m.js';", '{"a":"//px.ads.example/a"}'),
)
_ODD_CODES: Final = (
    *("<!--", "<script", "</script ", "-->", "</style", "<img src=//cdn.taboola.com>", "</noscript>", "</script/>"),
)
_IN_TABLES: Final = ("<tr><td>", "</td></tr>", "<tbody>", "<thead>", "<caption>", "<col>", "</table><table>")
# Parts of tags in any order: what one reader takes for a quote, and another for a name.
_PARTS: Final = (
    *(
        "<p",
        "<img src=//cdn.taboola.com/",
        "<script",
        "</script>",
        "</p>",
        "</",
        "<",
        ">",
        '"',
        "'",
        "=",
        " ",
        "/",
        "\n",
    ),
    *(" a", "b", " class=", " style=", " src=", "//px.ads.example/x", "<!--", "-->", "-", "!", "?", "&", "(", "`"),
    *('="x"', "='x'", "<svg>", "</svg>", "<use href=//px.ads.example/x", "/>", "<title>", "</title>", "<noscript>"),
    "</noscript>",
)

_DEEPEST: Final = 7


class NearlyPlain:
    """`oddity`: how often something odd comes, from 0 for never to 1."""

    def __init__(self, dice: random.Random, oddity: float) -> None:
        self._dice, self._oddity = dice, oddity

    def page(self) -> str:
        dice = self._dice
        kind = dice.random()
        if kind < 0.1 * self._oddity:
            return "".join(dice.choice(_PARTS) for _ in range(dice.randint(2, 25)))
        text = self._pieces(0) if kind < 0.3 else self._document()
        if dice.random() < 0.15 * self._oddity:
            at = dice.randrange(len(text) + 1)
            to = min(len(text), at + dice.randint(0, 8))
            part = dice.choice(("", dice.choice(_PARTS), text[at:to] * 2))
            text = text[:at] + part + text[to if dice.random() < 0.5 else at :]
        return text.encode("latin-1", "replace").decode("latin-1")

    def _odd(self, share: float) -> bool:
        return self._dice.random() < share * self._oddity

    def _document(self) -> str:
        dice = self._dice
        html, head = (
            dice.choice(("<html>", "<html lang=en>", f"<html{self._attributes()}>", "", "<!-- c --><html>")),
            "",
        )
        for _ in range(dice.randint(0, 6)):
            head += dice.choice(
                (
                    *("<meta charset=utf-8>", "<title>x</title>", "\n", "<!-- d -->", f"<meta{self._attributes()}>"),
                    *(f"<link{self._attributes()}>", f"<script{self._attributes()}>{self._code()}</script>"),
                    *(f"<style>{self._code()}</style>", f"<noscript>{self._pieces(5)}</noscript>"),
                    f"<base{self._attributes()}>" if dice.random() < 0.4 else self._piece(4) if self._odd(0.3) else "",
                )
            )
        begin = dice.choice(
            ("<!doctype html>", "<!DOCTYPE html>\n", "", "\n", "<?xml version='1.0'?>\n<!doctype html>")
        )
        opened = dice.choice(("<head>", "<head>\n", f"<head{self._attributes()}>", ""))
        body = dice.choice(
            ("</head><body>", "</head>\n<body class=x>", f"<body{self._attributes()}>", "</head>", "<body>")
        )
        return f"{begin}{html}{opened}{head}{body}{self._pieces(0)}{dice.choice(('', '</body></html>', '</body>'))}"

    def _pieces(self, depth: int) -> str:
        number = self._dice.choice((0, 1, 1, 2, 3, 5) if depth else (2, 5, 9))
        return "".join(self._text() if self._dice.random() < 0.4 else self._piece(depth) for _ in range(number))

    def _text(self) -> str:
        return self._dice.choice(_ODD_TEXTS if self._odd(0.1) else _TEXTS)

    def _code(self) -> str:
        odd = self._odd(0.2)
        return "".join(self._dice.choice(_ODD_CODES if odd else _CODES) for _ in range(self._dice.randint(0, 4)))

    def _piece(self, depth: int) -> str:
        dice, kind = self._dice, self._dice.random()
        if depth > _DEEPEST:
            return self._text()
        if kind < 0.12:
            tag = dice.choice(("script", "style", "title", "textarea", "iframe", "noscript"))
            content = self._pieces(depth + 4) if tag == "noscript" else self._code()
            return f"<{tag}{self._attributes()}>{content}" + ("" if self._odd(0.02) else f"</{tag}>")
        if kind < 0.2:
            return f"<svg{self._attributes()}>{''.join(self._in_svg(depth) for _ in range(dice.randint(0, 4)))}</svg>"
        if kind < 0.25:
            inside = "".join(self._option(depth) for _ in range(dice.randint(0, 3)))
            return f"<select{self._attributes()}>{inside}" + ("" if self._odd(0.02) else "</select>")
        if kind < 0.32:
            inside = "".join(dice.choice((*_IN_TABLES, self._piece(depth + 1))) for _ in range(dice.randint(0, 6)))
            return f"<table{self._attributes()}>{inside}</table>"
        tag = dice.choice(_UNUSUAL if self._odd(0.3) else _USUAL)
        tag = tag.upper() if dice.random() < 0.03 else tag
        if tag.lower() in _VOID:
            return f"<{tag}{self._attributes()}{dice.choice(('', '', '/', ' /'))}>"
        return f"<{tag}{self._attributes()}>{self._pieces(depth + 1)}" + (f"</{tag}>" if dice.random() < 0.9 else "")

    def _in_svg(self, depth: int) -> str:
        if self._odd(0.1):
            return self._dice.choice((self._piece(depth + 1), "<title>a<b>c</title>", self._text(), "<style>a</style>"))
        tag = self._dice.choice(("path", "use", "g", "image", "a", "feImage", "set", "clipPath"))
        if self._dice.random() < 0.2:
            return self._dice.choice(("<title>x</title>", "<desc>x</desc>", "<g></g>"))
        return f"<{tag}{self._attributes()}" + self._dice.choice(("/>", " />", f"></{tag}>", f">x</{tag}>"))

    def _option(self, depth: int) -> str:
        if self._odd(0.1):
            return self._piece(depth + 1)
        return self._dice.choice(
            (f"<option{self._attributes()}>x</option>", "<option>y", "<optgroup label=x>", "<!--c-->")
        )

    def _attributes(self) -> str:
        return "".join(self._attribute() for _ in range(self._dice.choice((0, 0, 0, 1, 1, 2, 3))))

    def _attribute(self) -> str:
        dice = self._dice
        name, quote, kind = dice.choice(_NAMES), dice.choice(('"', '"', "'")), dice.random()
        value = self._pieces(5) if name == "srcdoc" else dice.choice(_ADDRESSES if dice.random() < 0.5 else _VALUES)
        if self._odd(0.1):
            value = dice.choice(_ODD_VALUES)
        space = dice.choice(("/", "", "\f", " = ", ' "b ', " =")) if self._odd(0.04) else dice.choice((" ", " ", "\n"))
        if kind < 0.1:
            return space + name
        if kind < 0.85:
            escaped = value.replace(quote, "&quot;" if quote == '"' else "&#39;")
            return f"{space}{name}{dice.choice(('=', '=', '=', ' = '))}{quote}{escaped}{quote}"
        if self._odd(0.2):
            return space + name + dice.choice(("=", '"', "'", "==", '="')) + value
        bare = "".join(char for char in value if char not in " \n\"'<>=`")
        return f"{space}{name}={bare or 'x'}"
