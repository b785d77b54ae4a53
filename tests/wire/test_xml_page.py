"""Documents in XML: what connects without asking is made inert, the guard stands first, every other byte as it came."""

import random
import tracemalloc

import pytest

from cmp.core.consent import supposed_visitor
from cmp.core.signals import NO_SIGNALS
from cmp.core.urls import parse_url
from cmp.wire.page import document_for
from tests.core.examples import compiled
from tests.growth import grows_below

POLICY, PAGE = compiled(), parse_url("https://www.shop.test/a/b.html")
VISITOR = supposed_visitor(POLICY, "none")
XHTML = "http://www.w3.org/1999/xhtml"
HTML = f'<html xmlns="{XHTML}">'
SHEET = '<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">'
OURS = f'<script xmlns="{XHTML}" src="/.consent/guard.js"></script>'
T = "https://t.stats.test/x"
LINK = f'<link rel="preconnect" href="{T}"/>'
INERT = f'<link rel="preconnect" data-consent-href="{T}"/>'


def document(
    data: bytes,
    media_types: str = "application/xhtml+xml",
    *,
    csp: str = "",
    is_guarded: bool = False,
    is_sheet: bool = False,
    is_copied: bool = False,
) -> bytes:
    return document_for(
        data,
        POLICY,
        VISITOR,
        NO_SIGNALS,
        PAGE,
        media_types=media_types,
        language="en",
        reserved="/.consent/",
        csp=(csp,) if csp else (),
        is_guarded=is_guarded,
        is_part=is_sheet,
        is_sheet=is_sheet,
        is_copied=is_copied,
    ).data


def guarded(text: str, media_types: str = "application/xhtml+xml") -> str:
    return document(text.encode(), media_types, is_guarded=True).decode()


@pytest.mark.parametrize(
    "before, after",
    [
        pytest.param(HTML, "<body/></html>", id="an element"),
        pytest.param(HTML, "text</html>", id="text"),
        pytest.param(HTML, "</html>", id="nothing"),
        pytest.param(HTML, "<!-- a --></html>", id="a comment"),
        pytest.param(HTML, "<![CDATA[a]]></html>", id="marked text"),
        pytest.param(f"<x:html xmlns:x='{XHTML}' title='a > b'\n>", "<x:p/></x:html>", id="prefix, quotes, lines"),
        pytest.param('<svg xmlns="http://www.w3.org/2000/svg">', "<g/></svg>", id="SVG"),
        pytest.param(f'\ufeff<?xml version="1.0" encoding="UTF-8"?>\n<!-- <a> -->{HTML}', "é</html>", id="declared"),
        pytest.param(
            f'<!DOCTYPE html PUBLIC "a" "b" [<!ENTITY a "]><html>">]>\n{HTML}',
            "&a;</html>",
            id="entities",
        ),
        pytest.param(f'<?xml-stylesheet type="text/css" href="a"?>{HTML}', "a</html>", id="style sheet"),
        pytest.param(HTML, "<a>&nowhere;</b", id="a mistake further on"),
        pytest.param(f'<?xml version="1.0" encoding="iso-2022-jp"?>{HTML}', "a</html>", id="declared coding"),
    ],
)
def test_the_guard_stands_first_in_the_first_element(before: str, after: str) -> None:
    assert guarded(before + after) == before + OURS + after


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("<rss><channel/></rss>", id="no element of it is a script"),
        pytest.param(f'<html xmlns="{XHTML}"/>', id="nothing in it"),
        pytest.param(f'<?xml-stylesheet type="text/xsl" href="a"?>{HTML}a</html>', id="XSLT"),
        pytest.param(f'<html xmlns="{XHTML}', id="broken off"),
        pytest.param(f'<html xmlns="{XHTML}" a=b>a</html>', id="a mistake before it"),
        pytest.param("", id="empty"),
    ],
)
def test_other_documents_get_no_guard(text: str) -> None:
    assert guarded(text) == text


def test_a_coding_in_which_bytes_of_markup_are_none_is_read_as_browsers_read_it() -> None:
    letters = f"\x1b$B{LINK}\x1b(B"
    for name, hidden in (("iso-2022-jp", letters), ("windows-1252", "")):
        text = HTML + hidden + LINK + "</html>"
        assert guarded(text, f"text/xml; charset={name}") == HTML + OURS + hidden + INERT + "</html>"


def test_a_document_that_only_says_it_is_of_utf_16_is_read_as_utf_8() -> None:
    text = HTML + LINK + "</html>"
    assert guarded(text, "text/xml; charset=utf-16") == HTML + OURS + INERT + "</html>"


def test_a_document_of_utf_16_is_read_and_stays_of_utf_16() -> None:
    data = (HTML + LINK + "é日</html>").encode("utf-16")
    assert document(data, "text/xml", is_guarded=True).decode("utf-16") == HTML + OURS + INERT + "é日</html>"


def test_the_guard_carries_what_lets_it_run() -> None:
    data = f"{HTML}a</html>".encode()
    assert b'guard.js" nonce="n1"></script>a' in document(data, csp="script-src 'nonce-n1'", is_guarded=True)


PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:l="http://www.w3.org/1999/xlink">'


@pytest.mark.parametrize(
    "text, expected",
    [
        pytest.param(f'<image href="{T}"/>', f'<image data-consent-href="{T}"/>', id="a picture"),
        pytest.param(f'<image l:href="{T}"/>', f'<image data-consent-l-href="{T}"/>', id="a picture as SVG 1.1 has it"),
        pytest.param(f'<rect style="mask:url({T})"/>', '<rect style="mask:url(data:,)"/>', id="style"),
        pytest.param(f'<g filter="url({T})"/>', '<g filter="url(data:,)"/>', id="a style's attribute"),
    ],
)
def test_a_picture_whose_elements_pages_take_over_asks_for_nothing_either(text: str, expected: str) -> None:
    assert document(f"{PICTURE}{text}</svg>".encode(), is_copied=True).decode() == f"{PICTURE}{expected}</svg>"
    assert document(f"{PICTURE}{text}</svg>".encode()).decode() == f"{PICTURE}{text}</svg>"


@pytest.mark.parametrize(
    "before, after",
    [
        pytest.param(HTML + LINK + "</html>", HTML + INERT + "</html>", id="a link"),
        pytest.param(
            f'<h:link xmlns:h="{XHTML}" rel="preconnect" href="{T}"/>',
            f'<h:link xmlns:h="{XHTML}" rel="preconnect" data-consent-href="{T}"/>',
            id="a prefix",
        ),
        pytest.param(
            f'<a><b xmlns="{XHTML}"/>{LINK}<b xmlns="{XHTML}">{LINK}</b></a>',
            f'<a><b xmlns="{XHTML}"/>{LINK}<b xmlns="{XHTML}">{INERT}</b></a>',
            id="a namespace ends with its element",
        ),
        pytest.param(f"{HTML}<x:y/>{LINK}</html>", f"{HTML}<x:y/>{INERT}</html>", id="behind a prefix of nothing"),
        pytest.param(
            f"<!DOCTYPE html [<!ENTITY x \"<link rel='preconnect' href='{T}'/>\">]>{HTML}a&x;b</html>",
            f"<!DOCTYPE html [<!ENTITY x \"<link rel='preconnect' href='{T}'/>\">]>{HTML}ab</html>",
            id="out of an entity",
        ),
        pytest.param(
            f'<!DOCTYPE html [<!ATTLIST link rel CDATA "preconnect" href CDATA "{T}">]>{HTML}<link/></html>',
            f'<!DOCTYPE html [<!ATTLIST link rel CDATA "preconnect" href CDATA "{T}">]>{HTML}<link href=""/></html>',
            id="attributes that are declared",
        ),
        pytest.param(
            f'{HTML}<base href="{T}"/></html>', f'{HTML}<base data-consent-href="{T}"/></html>', id="what links are of"
        ),
        pytest.param(
            f'{HTML}<iframe srcdoc="&lt;img src={T}>"/></html>',
            f'{HTML}<iframe srcdoc="&lt;img data-consent-src={T}&gt;"/></html>',
            id="a frame's own markup",
        ),
        pytest.param("<?xml-stylesheet type='text/xsl' href='data:text/xsl,a'?><a/>", "<a/>", id="a sheet in a URL"),
    ],
)
def test_what_connects_without_asking_is_made_inert(before: str, after: str) -> None:
    assert document(before.encode()).decode() == after


@pytest.mark.parametrize(
    "before, after",
    [
        pytest.param(LINK, "", id="an element as it stands"),
        pytest.param('<link rel="preconnect" href="{@a}"/>', "", id="a computed address"),
        pytest.param('<meta http-equiv="Refresh" content="0;url={@a}"/>', "", id="a refresh to a computed address"),
        pytest.param(
            '<xsl:element name="link"><xsl:attribute name="rel">preconnect</xsl:attribute>'
            f'<xsl:attribute name="href">{T}</xsl:attribute></xsl:element>',
            "",
            id="an element by instructions",
        ),
        pytest.param(
            f'<xsl:text disable-output-escaping="yes">&lt;link rel="preconnect" href="{T}"></xsl:text>',
            f'<xsl:text disable-output-escaping="no">&lt;link rel="preconnect" href="{T}"></xsl:text>',
            id="text that is written as markup",
        ),
        pytest.param(
            '<xsl:value-of select="a" disable-output-escaping="yes"/>',
            '<xsl:value-of select="a" disable-output-escaping="no"/>',
            id="computed text that is written as markup",
        ),
    ],
)
def test_a_style_sheet_makes_nothing_that_connects_without_asking(before: str, after: str) -> None:
    sheet = document(f"{SHEET}{before}</xsl:stylesheet>".encode(), "text/xsl", is_sheet=True)
    assert sheet.decode() == f"{SHEET}{after}</xsl:stylesheet>"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f'{HTML}<link rel="preconnect" href="https://www.shop.test/"/></html>', id="the site's own"),
        pytest.param(f'<feed xmlns="http://www.w3.org/2005/Atom">{LINK}</feed>', id="a link of another language"),
        pytest.param(f"{HTML}<!-- {LINK} --><![CDATA[{LINK}]]></html>", id="no markup"),
        pytest.param(f'{SHEET}<link rel="preconnect" href="/"/></xsl:stylesheet>', id="the site's own by a sheet"),
        pytest.param(f'{SHEET}<link rel="stylesheet" href="{{@a}}"/></xsl:stylesheet>', id="what a CSP holds"),
        pytest.param(f'{SHEET}<meta http-equiv="x" content="{{@a}}"/></xsl:stylesheet>', id="what leads nowhere"),
        pytest.param(
            f'{SHEET}<xsl:text disable-output-escaping="yes">&lt;!DOCTYPE html></xsl:text></xsl:stylesheet>',
            id="a doctype written by a sheet",
        ),
    ],
)
def test_what_is_harmless_stays(text: str) -> None:
    assert document(text.encode()).decode() == text


def test_every_other_byte_stays_as_it_came() -> None:
    before = (
        b'<?xml version="1.0" encoding="windows-1252"?>\r\n<!-- \x80\xff -->' + HTML.encode() + b"<p  a = '\xe9'\t/>"
    )
    after = b"\x93&amp;&#233;\r<![CDATA[ \x94]]>\n</html >\r\n"
    assert document(before + LINK.encode() + after) == before + INERT.encode() + after


@pytest.mark.parametrize(
    "units, before, unit, after",
    [
        pytest.param(250, HTML, LINK, "</html>", id="links"),
        pytest.param(60, HTML, '<base href="/{}/"/><link rel="preconnect" href="/{}"/>', "</html>", id="bases"),
        pytest.param(1_000, HTML, '<a xmlns:b{}="u">', "", id="prefixes within each other"),
        pytest.param(1_000, HTML, '<a xml:base="/{}">', LINK, id="bases within each other"),
        pytest.param(1_000, SHEET, '<xsl:text disable-output-escaping="yes">a', "", id="texts within each other"),
        pytest.param(1_000, SHEET, "<link>", "", id="elements within each other"),
        pytest.param(1_000, f'{SHEET}<xsl:element name="', "{{' a' ", '"/>', id="names that do not end"),
    ],
)
def test_the_time_grows_with_the_length(units: int, before: str, unit: str, after: str) -> None:
    def made(count: int) -> bytes:
        return (before + "".join(unit.format(n, n) for n in range(count)) + after).encode()

    assert grows_below(32, document, made(units), made(8 * units))


def test_attributes_that_every_element_gets_are_not_multiplied() -> None:
    def with_attribute(length: int) -> bytes:
        declared = f'<!DOCTYPE html [<!ATTLIST a b CDATA "{"x" * length}">]>'
        return f"{declared}{HTML}{'<a/>' * 20_000}{LINK}</html>".encode()

    assert grows_below(4, document, with_attribute(1), with_attribute(500_000))


def test_what_grows_to_be_too_much_is_cut_off_where_reading_ended() -> None:
    nested = '<a xml:base="/b">' * 20
    assert document(f'{HTML}{nested}<a xml:base="/b">{LINK}'.encode()).decode() == HTML + nested


def test_a_large_document_is_read_as_a_whole() -> None:
    paragraph = f"<p>{'a ' * 100}</p>{LINK}"
    count = 2**21 // len(paragraph)
    assert document(f"{HTML}{paragraph * count}</html>".encode()).count(b"data-consent-href") == count


def test_the_memory_grows_with_the_length() -> None:
    def most(links: int) -> int:
        data = f"{HTML}{LINK * links}</html>".encode()
        tracemalloc.start()
        document(data)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    document(f"{HTML}{LINK}</html>".encode())
    assert most(2_000) < 16 * most(250)


def test_a_page_in_an_address_gets_the_guard_that_it_gets_in_html() -> None:
    frame = '<iframe src="data:text/html,&lt;script>1&lt;/script>&amp;"/>'
    plain = '<iframe src="data:text/html,&lt;p>&amp;"/>'
    made = document(f"{HTML}{frame}{plain}</html>".encode(), is_guarded=True).decode()
    assert made.startswith(f'{HTML}{OURS}<iframe src="data:text/html,%3Cscript')
    assert made.endswith(f'%3Cscript%3E1%3C/script%3E&amp;"/>{plain}</html>')


_PIECES = (HTML, SHEET, LINK, "<a>", "</a>", "/>", ">", "<", "&x;", "&#0;", '"', "'", "<!--", "-->", "<![CDATA[", "]]>",
           "<!DOCTYPE a [", "<!ENTITY x '<link/>'>", "]>", "<?xml-stylesheet a='b'?>", 'xml:base="/c"', 'xmlns:q="r"',
           "</html>", "<xsl:element name='{a}'>", "<iframe srcdoc='&lt;img&gt;'>", "é", "\ufeff", "\0")  # fmt: skip


def test_no_document_is_a_mistake_and_each_comes_out_alike() -> None:
    seeded = random.Random(4)
    whole = (
        f"<!DOCTYPE html [<!ENTITY x '<link/>'><!ATTLIST link href CDATA '{T}'>]>{HTML}<a xml:base='{T}'>{LINK}&x;</a>"
        f"<iframe srcdoc='&lt;img src={T}>'/>{SHEET}{LINK}<xsl:element name='{{a}}'/></xsl:stylesheet></html>"
    )
    for _ in range(300):
        text = whole
        for _ in range(seeded.randint(1, 4)):
            at = seeded.randint(0, len(text))
            text = text[:at] + seeded.choice((*_PIECES, "")) + text[at + seeded.choice((0, 0, 1, 5)) :]
        data = text.encode(seeded.choice(("utf-8", "utf-8", "utf-16")))
        is_sheet = seeded.random() < 0.3
        once, again = (document(data, "text/xml", is_guarded=not is_sheet, is_sheet=is_sheet) for _ in range(2))
        assert once == again
        if data.decode("utf-8", "replace").count(T) == 0:
            assert b"data-consent-" not in once
