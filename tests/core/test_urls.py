"""URLs and hosts: every spelling a browser understands, and the properties that hold for any text at all."""

import pickle
import random
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cmp.core import urls
from cmp.core.urls import (
    Url,
    UrlError,
    is_ip,
    parse_host,
    parse_url,
    percent_decoded,
    plain_path,
    query_names,
    query_pairs,
)
from tests.growth import grows_below
from tests.sampled import examples

# WHATWG URL standard, 3.2.
FORBIDDEN_HOST_CODE_POINTS = frozenset("\x00\t\n\r #/:<>?@[\\]^|")
FORBIDDEN_DOMAIN_CODE_POINTS = FORBIDDEN_HOST_CODE_POINTS | set(map(chr, range(0x20))) | {"%", "\x7f"}
SPECIAL = ("http", "https", "ws", "wss", "ftp", "file")

any_text = examples(150, 500)


# ------------------------------------------------------------------------------------------ absolute URLs


@pytest.mark.parametrize(
    "text, expected",
    [
        pytest.param("https://www.example.com/a/b?x=1", "https://www.example.com/a/b?x=1", id="plain"),
        pytest.param("https://site.test", "https://site.test/", id="no path"),
        pytest.param("https://site.test?x", "https://site.test/?x", id="query without path"),
        pytest.param("https://site.test#x", "https://site.test/", id="fragment without path"),
        pytest.param("HtTpS://Site.TEST/A?B", "https://site.test/A?B", id="scheme and host case"),
        pytest.param(" \x00\x1f https://site.test/ \x1f\n", "https://site.test/", id="outer controls"),
        pytest.param("ht\ntps://tra\tcker.test/", "https://tracker.test/", id="tab and newline within"),
        pytest.param("https:/\r/tracker.test/", "https://tracker.test/", id="return between slashes"),
        pytest.param("https://site.test/a?b#c?d#e", "https://site.test/a?b", id="fragment dropped"),
        pytest.param("https://site.test/?", "https://site.test/", id="empty query"),
        pytest.param("https://site.test/?a?b", "https://site.test/?a?b", id="question mark in query"),
        pytest.param("https://site.test/?a/../b\\c", "https://site.test/?a/../b\\c", id="query as written"),
        # Slashes
        pytest.param("https:\\\\tracker.test\\p", "https://tracker.test/p", id="backslashes"),
        pytest.param("https:/\\tracker.test\\a/..\\b", "https://tracker.test/b", id="mixed slashes"),
        pytest.param("https:tracker.test/p", "https://tracker.test/p", id="no slash"),
        pytest.param("https:/tracker.test/p", "https://tracker.test/p", id="one slash"),
        pytest.param("https:////tracker.test/p", "https://tracker.test/p", id="four slashes"),
        pytest.param("https://///\\\\tracker.test", "https://tracker.test/", id="many slashes of both kinds"),
        pytest.param("https://site.test//p//q/", "https://site.test//p//q/", id="empty segments kept"),
        # User and password
        pytest.param("https://user@tracker.test/x", "https://tracker.test/x", id="user"),
        pytest.param("https://user:pw@tracker.test:81/x", "https://tracker.test:81/x", id="password, port"),
        pytest.param("https://user:pw@site.test@tracker.test/x", "https://tracker.test/x", id="last @ wins"),
        pytest.param("https://site.test%2F@tracker.test/x", "https://tracker.test/x", id="%2F before @"),
        pytest.param("https://tracker.test\\@site.test", "https://tracker.test/@site.test", id="\\ then @"),
        pytest.param("https://tracker.test/@site.test", "https://tracker.test/@site.test", id="@ in path"),
        pytest.param("https://tracker.test?@site.test", "https://tracker.test/?@site.test", id="@ in query"),
        pytest.param("https://tracker.test#@site.test/x", "https://tracker.test/", id="@ in fragment"),
        # Ports
        pytest.param("https://site.test:443/", "https://site.test/", id="default port https"),
        pytest.param("http://site.test:80/", "http://site.test/", id="default port http"),
        pytest.param("http://site.test:443/", "http://site.test:443/", id="port of another scheme"),
        pytest.param("https://site.test:/", "https://site.test/", id="empty port"),
        pytest.param("https://site.test:0008443/", "https://site.test:8443/", id="leading zeros in port"),
        pytest.param("https://site.test:0/", "https://site.test:0/", id="port 0"),
        pytest.param("https://site.test:65535/", "https://site.test:65535/", id="port 65535"),
        # Hosts, in full below
        pytest.param("https://tracker.test./p", "https://tracker.test/p", id="trailing dot"),
        pytest.param("https://%74racker.test/", "https://tracker.test/", id="percent-encoded host"),
        pytest.param("https://tracker\u3002test/", "https://tracker.test/", id="ideographic full stop"),
        pytest.param("http://0x7f000001/", "http://127.0.0.1/", id="hexadecimal IPv4"),
        pytest.param("http://[::1]:8080/", "http://[::1]:8080/", id="IPv6 with port"),
        # Paths
        pytest.param("https://site.test/a/./b/../c", "https://site.test/a/c", id="dot segments"),
        pytest.param("https://site.test/../../a", "https://site.test/a", id="above the root"),
        pytest.param("https://site.test/a/.", "https://site.test/a/", id="dot at the end"),
        pytest.param("https://site.test/a/b/..", "https://site.test/a/", id="two dots at the end"),
        pytest.param("https://site.test/a/%2e/b", "https://site.test/a/b", id="encoded dot"),
        pytest.param("https://site.test/a/%2E%2e/b", "https://site.test/b", id="encoded two dots"),
        pytest.param("https://site.test/a/.%2E/b", "https://site.test/b", id="half encoded, second"),
        pytest.param("https://site.test/a/%2e./b", "https://site.test/b", id="half encoded, first"),
        pytest.param("https://site.test/a//../b", "https://site.test/a/b", id="dots remove an empty segment"),
        pytest.param("https://site.test/.../.a/a.", "https://site.test/.../.a/a.", id="dots in names"),
        pytest.param("https://site.test/%252e%252e/", "https://site.test/%252e%252e/", id="%252e stays"),
        pytest.param("https://site.test/%7e~%C3%a4\xe4", "https://site.test/%7e~%C3%a4\xe4", id="as written"),
        pytest.param("https://site.test/a b \x01#", "https://site.test/a%20b%20%01", id="spaces in path"),
        pytest.param("https://site.test/?a b #", "https://site.test/?a%20b%20", id="spaces in query"),
        pytest.param("https://h.test/\ud83c\udf6a\ud800", "https://h.test/\U0001f36a\ufffd", id="surrogate"),
        # Other special schemes
        pytest.param("WSS:\\\\site.test:443", "wss://site.test/", id="wss"),
        pytest.param("ftp://site.test:21/a", "ftp://site.test/a", id="ftp"),
        pytest.param("file:///a/../b", "file:///b", id="file"),
        pytest.param("file:a", "file:///a", id="file without slash"),
        pytest.param("file:\\\\LOCALHOST\\a", "file:///a", id="file on localhost"),
        pytest.param("file://Server/a", "file://server/a", id="file with host"),
        # Schemes the standard does not know
        pytest.param("data:text/html,<a> b\\..?c#d", "data:text/html,<a> b\\..?c", id="data"),
        pytest.param("about:blank", "about:blank", id="about"),
        pytest.param("blob:https://site.test/1-2", "blob:https://site.test/1-2", id="blob"),
        pytest.param("Chrome-Extension://ABC/a/../b\\c", "chrome-extension://abc/b\\c", id="extension"),
        pytest.param("foo://u:p@[0:0::1]:8080?x", "foo://[::1]:8080?x", id="unknown with IPv6 and port"),
        pytest.param("foo:/.//not.a.host/", "foo:/.//not.a.host/", id="unknown without host"),
    ],
)
def test_reads_absolute(text: str, expected: str) -> None:
    assert str(parse_url(text)) == expected


@pytest.mark.parametrize(
    "text, expected",
    [
        pytest.param("https://U@Site.test:81/A?b=C#d", Url("https", "site.test", 81, "/A", "b=C"), id="all"),
        pytest.param("http://site.test", Url("http", "site.test", 80, "/", ""), id="default port 80"),
        pytest.param("wss://site.test", Url("wss", "site.test", 443, "/", ""), id="default port 443"),
        pytest.param("data:,x", Url("data", "", None, ",x", ""), id="opaque path"),
        pytest.param("foo://h", Url("foo", "h", None, "", ""), id="unknown scheme"),
    ],
)
def test_fields(text: str, expected: Url) -> None:
    assert parse_url(text) == expected


@pytest.mark.parametrize(
    "text, why",
    [
        pytest.param("", "relative URL without a base", id="empty"),
        pytest.param("/a", "relative URL without a base", id="path"),
        pytest.param("//site.test/", "relative URL without a base", id="scheme-relative"),
        pytest.param("1http://site.test/", "relative URL without a base", id="digit before scheme"),
        pytest.param("https:", "empty host", id="scheme only"),
        pytest.param("https:///", "empty host", id="slashes only"),
        pytest.param("https://?x", "empty host", id="query only"),
        pytest.param("https://user@/x", "empty host", id="user without host"),
        pytest.param("https://:80/", "empty host", id="port without host"),
        pytest.param("https://./", "empty host", id="dot only"),
        pytest.param("https://site.test../", "host ends in an empty label", id="two trailing dots"),
        pytest.param("https://site.test:65536/", "port above 65535", id="port 65536"),
        pytest.param("https://site.test:" + "9" * 5000, "port above 65535", id="port of 5000 digits"),
        pytest.param("https://site.test:8a/", "bad host or port", id="letter in port"),
        pytest.param("https://site.test:-1/", "bad host or port", id="negative port"),
        pytest.param("https://site.test:80:80/", "bad host or port", id="two ports"),
        pytest.param("https://site.test:\u0661/", "bad host or port", id="Arabic digit in port"),
        pytest.param("https://::1/", "bad host or port", id="IPv6 without brackets"),
        pytest.param("https://[::1/", "bad host or port", id="bracket not closed"),
        pytest.param("https://[::1]x/", "bad host or port", id="text after bracket"),
        pytest.param("https://a b.test/", "forbidden character in host", id="space in host"),
        pytest.param("https://a%00.test/", "forbidden character in host", id="encoded NUL in host"),
        pytest.param("https://a%2Fb.test/", "forbidden character in host", id="encoded slash in host"),
        pytest.param("https://a<b.test/", "forbidden character in host", id="angle bracket in host"),
        pytest.param("https://\ud800.test/", "forbidden character in host", id="surrogate in host"),
        pytest.param("http://256.1.1.1/", "bad IPv4 address", id="IPv4 part too large"),
        pytest.param("foo://a b/", "forbidden character in host", id="space in host of unknown scheme"),
        pytest.param("foo://user@/", "empty host", id="unknown scheme, user without host"),
        pytest.param("file://host:80/", "forbidden character in host", id="file with port"),
        pytest.param(f"https://{'a.' * 125}test/", "host too long", id="host of 254 characters"),
        pytest.param(f"HTTPS://{'a.' * 125}test/", "host too long", id="host of 254 characters, not the fast path"),
        pytest.param(f"foo://{'a.' * 125}test/", "host too long", id="host of 254 characters, unknown scheme"),
    ],
)
def test_refuses(text: str, why: str) -> None:
    with pytest.raises(UrlError) as caught:
        parse_url(text)
    assert caught.value.why == why


# ------------------------------------------------------------------------------------------ relative URLs

BASE = "https://site.test:8443/d/e/f?q=1"


@pytest.mark.parametrize(
    "base, text, expected",
    [
        pytest.param(BASE, "", "https://site.test:8443/d/e/f?q=1", id="empty"),
        pytest.param(BASE, "#x", "https://site.test:8443/d/e/f?q=1", id="fragment"),
        pytest.param(BASE, "?x", "https://site.test:8443/d/e/f?x", id="query"),
        pytest.param(BASE, "?", "https://site.test:8443/d/e/f", id="empty query"),
        pytest.param(BASE, "g", "https://site.test:8443/d/e/g", id="name"),
        pytest.param(BASE, "g?x#y", "https://site.test:8443/d/e/g?x", id="name and query"),
        pytest.param(BASE, "./g", "https://site.test:8443/d/e/g", id="dot"),
        pytest.param(BASE, "..\\g", "https://site.test:8443/d/g", id="dots and backslash"),
        pytest.param(BASE, "../../../g", "https://site.test:8443/g", id="above the root"),
        pytest.param(BASE, "..", "https://site.test:8443/d/", id="two dots"),
        pytest.param(BASE, "/g", "https://site.test:8443/g", id="absolute path"),
        pytest.param(BASE, "\\g", "https://site.test:8443/g", id="absolute path, backslash"),
        pytest.param(BASE, "//tracker.test/x", "https://tracker.test/x", id="scheme-relative"),
        pytest.param(BASE, "\\\\tracker.test\\x", "https://tracker.test/x", id="two backslashes"),
        pytest.param(BASE, "/\t/tracker.test", "https://tracker.test/", id="scheme-relative, tab between"),
        pytest.param(BASE, "////tracker.test", "https://tracker.test/", id="scheme-relative, four slashes"),
        pytest.param(BASE, "//user:pw@site.test@tracker.test/x", "https://tracker.test/x", id="several @"),
        pytest.param(BASE, "https:g", "https://site.test:8443/d/e/g", id="same scheme, no slash"),
        pytest.param(BASE, "HTTPS:/g", "https://site.test:8443/g", id="same scheme, one slash"),
        pytest.param(BASE, "https:\\\\tracker.test", "https://tracker.test/", id="same scheme, backslashes"),
        pytest.param(BASE, "https:?x", "https://site.test:8443/d/e/f?x", id="same scheme, query"),
        pytest.param(BASE, "http:g", "http://g/", id="other scheme, no slash"),
        pytest.param(BASE, "wss:/g", "wss://g/", id="other scheme, one slash"),
        pytest.param(BASE, "data:g", "data:g", id="other scheme, opaque"),
        pytest.param(BASE, "a:b/c", "a:b/c", id="name with colon is a scheme"),
        pytest.param(BASE, "1:b", "https://site.test:8443/d/e/1:b", id="digit and colon are a name"),
        pytest.param("https://site.test", "g", "https://site.test/g", id="base without path"),
        pytest.param("file:///a/b", "c", "file:///a/c", id="file"),
        pytest.param("file:///a/b", "//host/c", "file://host/c", id="file, scheme-relative"),
        pytest.param("foo://h/a/b", "../c\\d", "foo://h/c\\d", id="unknown scheme"),
        pytest.param("foo://h", "c", "foo://h/c", id="unknown scheme, no path"),
        pytest.param("foo://h/a", "//i/c", "foo://i/c", id="unknown scheme, scheme-relative"),
        pytest.param("foo:/a/b", "foo:c", "foo:c", id="unknown scheme is never relative to itself"),
        pytest.param("foo://h/a", "foo:/c", "foo:/c", id="unknown scheme, one slash"),
        pytest.param("about:blank", "#x", "about:blank", id="opaque base, fragment"),
    ],
)
def test_reads_relative(base: str, text: str, expected: str) -> None:
    assert str(parse_url(text, parse_url(base))) == expected


@pytest.mark.parametrize("text", ["", "a", "/a", "//a", "?a"])
def test_refuses_relative_to_opaque(text: str) -> None:
    with pytest.raises(UrlError, match="no hierarchy"):
        parse_url(text, parse_url("about:blank"))


# ------------------------------------------------------------------------------------------------- hosts


@pytest.mark.parametrize(
    "text, expected",
    [
        pytest.param("Site.TEST", "site.test", id="case"),
        pytest.param("site.test.", "site.test", id="trailing dot"),
        pytest.param("localhost", "localhost", id="one label"),
        pytest.param("_dmarc.a_b.test", "_dmarc.a_b.test", id="underscore"),
        pytest.param("-a-.a--b.test", "-a-.a--b.test", id="hyphens anywhere"),
        pytest.param("a" * 64 + ".test", "a" * 64 + ".test", id="long ASCII label"),
        pytest.param("%53ite%2Etest", "site.test", id="percent-encoded"),
        # IDNA
        pytest.param("b\xfccher.test", "xn--bcher-kva.test", id="umlaut"),
        pytest.param("B\xdcCHER.test", "xn--bcher-kva.test", id="capital umlaut"),
        pytest.param("bu\u0308cher.test", "xn--bcher-kva.test", id="combining umlaut"),
        pytest.param("b%C3%BCcher.test", "xn--bcher-kva.test", id="percent-encoded umlaut"),
        pytest.param("XN--Bcher-KVA.test", "xn--bcher-kva.test", id="A-label"),
        pytest.param("\uff38\uff2e--bcher-kva.test", "xn--bcher-kva.test", id="fullwidth A-label prefix"),
        pytest.param("\uff54racker.test", "tracker.test", id="fullwidth letter"),
        pytest.param("tracker\u3002test", "tracker.test", id="ideographic full stop"),
        pytest.param("tracker\uff0etest\uff61", "tracker.test", id="fullwidth and halfwidth full stops"),
        pytest.param("tra\xadcker.test", "tracker.test", id="soft hyphen"),
        pytest.param("tra%C2%ADcker.test", "tracker.test", id="percent-encoded soft hyphen"),
        pytest.param("\ufefftra\u200bcker\ufe0f.test", "tracker.test", id="invisible characters"),
        pytest.param("\xad" * 5000 + "tracker.test", "tracker.test", id="5000 soft hyphens"),
        pytest.param("\u24e3racker.test", "tracker.test", id="circled letter"),
        pytest.param("\U0001d4e3racker.test", "tracker.test", id="mathematical capital"),
        pytest.param("\u212aelvin.test", "kelvin.test", id="Kelvin sign"),
        pytest.param("fa\xdf.test", "xn--fa-hia.test", id="sharp s stays"),
        pytest.param("\u03a3\u03c2.test", "xn--3xab.test", id="final sigma stays"),
        pytest.param("\u0915\u094d\u200d\u0937.test", "xn--11b2ezcw70k.test", id="joiner stays"),
        pytest.param("\u2603.test", "xn--n3h.test", id="symbol"),
        # IPv4
        pytest.param("192.0.2.1", "192.0.2.1", id="IPv4"),
        pytest.param("192.0.2.1.", "192.0.2.1", id="IPv4, trailing dot"),
        pytest.param("127.1", "127.0.0.1", id="IPv4, two parts"),
        pytest.param("192.0.513", "192.0.2.1", id="IPv4, three parts"),
        pytest.param("2130706433", "127.0.0.1", id="IPv4, one part"),
        pytest.param("0177.0.0.1", "127.0.0.1", id="IPv4, octal"),
        pytest.param("0X7F.1", "127.0.0.1", id="IPv4, hexadecimal"),
        pytest.param("0x", "0.0.0.0", id="IPv4, empty hexadecimal"),
        pytest.param("0" * 5000 + "1", "0.0.0.1", id="IPv4, 5000 zeros"),
        pytest.param("0xffffffff", "255.255.255.255", id="IPv4, highest"),
        pytest.param("\uff11\uff12\uff17.1", "127.0.0.1", id="IPv4, fullwidth"),
        pytest.param("%31%32%37.1", "127.0.0.1", id="IPv4, percent-encoded"),
        pytest.param("1.test", "1.test", id="number not last"),
        pytest.param("a." * 124 + "test.", "a." * 124 + "test", id="252 characters and a dot"),
        pytest.param("0xg", "0xg", id="not quite hexadecimal"),
        # IPv6
        pytest.param("[::]", "[::]", id="IPv6, all zero"),
        pytest.param("[2001:DB8:0:0:1:0:0:1]", "[2001:db8::1:0:0:1]", id="IPv6, first of two equal runs"),
        pytest.param("[1:0:0:2:0:0:0:3]", "[1:0:0:2::3]", id="IPv6, longest run"),
        pytest.param("[1:2:3:4:5:6:7::]", "[1:2:3:4:5:6:7:0]", id="IPv6, one zero is written out"),
        pytest.param("[10:0:0:0a::1]", "[10:0:0:a::1]", id="IPv6, groups ending and beginning in 0"),
        pytest.param("[::ffff:192.0.2.1]", "[::ffff:c000:201]", id="IPv6, dotted end"),
    ],
)
def test_reads_host(text: str, expected: str) -> None:
    assert parse_host(text) == expected
    assert parse_host(expected) == expected
    assert parse_url(f"https://{text}/").host == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(".", id="dot"),
        pytest.param("\xad", id="soft hyphen only"),
        pytest.param("site.test..", id="two trailing dots"),
        pytest.param("site.test:80", id="port"),
        pytest.param("site.test/", id="slash"),
        pytest.param("site.test ", id="space at the end"),
        pytest.param("user@site.test", id="user"),
        pytest.param("a%2541", id="percent after decoding"),
        pytest.param("a%ff.test", id="not UTF-8"),
        pytest.param("a\x7f.test", id="delete"),
        pytest.param("*.site.test", id="wildcard"),
        pytest.param("\uff0a.site.test", id="fullwidth asterisk"),
        pytest.param("a\u2100b.test", id="compatibility form with a slash"),
        pytest.param("a\u3000b.test", id="ideographic space"),
        pytest.param("a\uff05b.test", id="fullwidth percent"),
        pytest.param("a\u202eb.test", id="right-to-left override"),
        pytest.param("a\u1e9e.test", id="capital sharp s"),
        pytest.param("a\U000e0fff.test", id="unassigned"),
        pytest.param("xn--\xfc.test", id="A-label prefix and non-ASCII"),
        pytest.param("\xe9" * 64 + ".test", id="long international label"),
        pytest.param("\xe9." * 1100 + "test", id="long international host"),
        pytest.param("a" * 249 + ".test", id="254 characters"),
        pytest.param("1.2.3.4.5", id="IPv4, five parts"),
        pytest.param("1.2.3.4.0", id="IPv4, five parts, last zero"),
        pytest.param("1..2", id="IPv4, empty part"),
        pytest.param("1.2.3.256", id="IPv4, last too large"),
        pytest.param("1.256.1", id="IPv4, middle too large"),
        pytest.param("4294967296", id="IPv4, above 32 bits"),
        pytest.param("9" * 5000, id="IPv4, 5000 digits"),
        pytest.param("0x100000000", id="IPv4, hexadecimal above 32 bits"),
        pytest.param("08", id="IPv4, bad octal"),
        pytest.param("site.09", id="last label is a number"),
        pytest.param("site.0x1", id="last label is hexadecimal"),
        pytest.param("[]", id="IPv6, empty"),
        pytest.param("[::1", id="IPv6, not closed"),
        pytest.param("[:1]", id="IPv6, one colon"),
        pytest.param("[1::2::3]", id="IPv6, two gaps"),
        pytest.param("[::1%25eth0]", id="IPv6, zone"),
        pytest.param("[::1%eth0]", id="IPv6, zone as written by tools"),
        pytest.param("[::1.2.3]", id="IPv6, short dotted end"),
        pytest.param("[\uff11::]", id="IPv6, fullwidth"),
    ],
)
def test_refuses_host(text: str) -> None:
    with pytest.raises(UrlError):
        parse_host(text)


@pytest.mark.parametrize(
    "host, expected",
    [
        pytest.param("192.0.2.1", True, id="IPv4"),
        pytest.param("[::1]", True, id="IPv6"),
        pytest.param("site.test", False, id="name"),
        pytest.param("a1", False, id="name ending in a digit"),
        pytest.param("", False, id="empty"),
        pytest.param("127.1", False, id="IPv4 not in canonical form"),
        pytest.param("256.0.0.1", False, id="not quite IPv4"),
        pytest.param("::1", False, id="IPv6 without brackets"),
        pytest.param("[site.test]", False, id="brackets only"),
        pytest.param("\u0661", False, id="Arabic digit"),
    ],
)
def test_is_ip(host: str, expected: bool) -> None:
    assert is_ip(host) is expected


# --------------------------------------------------------------------------------------- origin and query


@pytest.mark.parametrize(
    "text, origin, is_network",
    [
        pytest.param("https://site.test/a", "https://site.test", True, id="default port"),
        pytest.param("https://site.test:8443/a", "https://site.test:8443", True, id="other port"),
        pytest.param("ws://[::1]:80/", "ws://[::1]", True, id="websocket"),
        pytest.param("ftp://site.test/", "ftp://site.test", False, id="ftp"),
        pytest.param("chrome-extension://abc/x", "chrome-extension://abc", False, id="extension"),
        pytest.param("data:,x", "null", False, id="data"),
        pytest.param("file:///x", "null", False, id="file"),
        pytest.param("blob:https://site.test/1-2", "https://site.test", False, id="blob"),
        pytest.param("blob:null/1-2", "null", False, id="blob of an opaque origin"),
        pytest.param("blob:blob:https://site.test/1", "null", False, id="blob in blob"),
    ],
)
def test_origin(text: str, origin: str, is_network: bool) -> None:
    url = parse_url(text)
    assert url.origin == origin
    assert url.is_network is is_network


@pytest.mark.parametrize(
    "query, expected",
    [
        pytest.param("", (), id="empty"),
        pytest.param("a=1&b=2", (("a", "1"), ("b", "2")), id="two"),
        pytest.param("b=1&a=2&b=1", (("b", "1"), ("a", "2"), ("b", "1")), id="order and repeats"),
        pytest.param("&&a=1&", (("a", "1"),), id="empty parts"),
        pytest.param("a&=b&=", (("a", ""), ("", "b"), ("", "")), id="missing name or value"),
        pytest.param("a=b=c", (("a", "b=c"),), id="second equals sign"),
        pytest.param("a+b=c+d%2Be", (("a b", "c d+e"),), id="plus"),
        pytest.param("a;b=1", (("a;b", "1"),), id="semicolon does not split"),
        pytest.param("%61%26=%C3%A4", (("a&", "\xe4"),), id="percent-encoded"),
        pytest.param("a=%ff%zz%", (("a", "\ufffd%zz%"),), id="broken encoding"),
        pytest.param("\xe4=\ud800", (("\xe4", "\ufffd"),), id="raw text and surrogate"),
    ],
)
def test_query(query: str, expected: tuple[tuple[str, str], ...]) -> None:
    assert query_pairs(query) == expected
    assert query_names(query) == {name for name, _ in expected}


# ------------------------------------------------------------------------------------------------- errors


def test_error_names_text_and_reason() -> None:
    with pytest.raises(UrlError) as caught:
        parse_url("https://a b\n\x07\xe4\ud800/")
    assert caught.value.text == r"https://a b\n\x07\xe4\ud800/"
    assert str(caught.value) == r'forbidden character in host: "https://a b\n\x07\xe4\ud800/"'


@pytest.mark.parametrize("text", ["/" + "a" * 500, "/" + "\ud800" * 500, "/" + "a" * 118 + "\n"])
def test_error_is_short(text: str) -> None:
    with pytest.raises(UrlError) as caught:
        parse_url(text)
    assert len(caught.value.text) == 120
    assert caught.value.text.endswith("...")


def test_error_survives_pickling() -> None:
    error = UrlError("/" + "\x00" * 500, "why")
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - our own bytes


# --------------------------------------------------------------------------------------------- properties

# Whole texts rarely get past the scheme, so most examples are put together from telling pieces.
PIECES = [
    *("https:", "HTTP:", "wss:", "ftp:", "file:", "foo:", "data:", "blob:", "/", "//", "\\", "?", "#", "@"),
    *("[", "]", "[::1]", "[1:0:0:2::]", "::", ":", ".", "..", "%2e", "%2E.", "%", "%00", "%C2%AD", "%ff"),
    *("a", "Z", "site.test", "xn--", "xn--fa-hia", "0x", "0x7f", "017", "127.1", "256", "09", ":443"),
    *(":065536", "&", "=", "+", " ", "\t", "\x00", "\xdf", "\u1e9e", "\xad", "\u3002", "\uff0f", "\u0308"),
    *("\u200d", "\u0130", "\ufdfa", "\ud800", "\udc00"),
]
texts = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=8).map(lambda pieces: "https://" + "".join(pieces)),
    st.text(st.characters(exclude_categories=())),
    st.text(st.characters(exclude_categories=())).map(lambda text: f"http://{text}"),
    st.text("ab.-:/?#%@\\0x1 ").map(lambda text: f"https://a.test{text}"),
)
BASES = ("https://site.test:8443/d/e/f?q=1", "http://b.test", "file:///a", "foo://h", "about:blank")
bases = st.sampled_from([None, *map(parse_url, BASES)])


@any_text
@given(texts, bases)
@example("https://[::1]]", None)
def test_any_text_is_url_or_error(text: str, base: Url | None) -> None:
    try:
        outcome: Url | UrlError = parse_url(text, base)
    except UrlError as error:
        outcome = error
    if isinstance(outcome, UrlError):
        assert len(outcome.text) <= 120
        assert str(outcome) == f'{outcome.why}: "{outcome.text}"'
        assert str(outcome).isprintable()
    else:
        assert outcome.origin
        assert query_names(outcome.query) == {name for name, _ in query_pairs(outcome.query)}


@any_text
@given(texts)
def test_any_text_is_host_or_error(text: str) -> None:
    try:
        host = parse_host(text)
    except UrlError:
        return
    assert parse_host(host) == host
    assert is_ip(host) is (host.startswith("[") or host.rpartition(".")[2].isdigit())


@any_text
@given(st.text(st.characters(exclude_categories=())))
def test_any_query_splits(query: str) -> None:
    assert len(query_pairs(query)) == len([part for part in query.split("&") if part])


@any_text
@given(texts, bases)
def test_written_url_reads_the_same(text: str, base: Url | None) -> None:
    try:
        url = parse_url(text, base)
    except UrlError:
        return
    if url.scheme in SPECIAL:
        assert parse_url(str(url)) == url
        assert parse_url(str(url), parse_url("https://other.test/a/b?c")) == url


@any_text
@given(texts, bases)
def test_host_has_no_forbidden_code_point(text: str, base: Url | None) -> None:
    try:
        url = parse_url(text, base)
    except UrlError:
        return
    name = url.host
    if name.startswith("["):
        name = name[1:-1].replace(":", "")
        assert name.isalnum() or not name
    assert not FORBIDDEN_HOST_CODE_POINTS.intersection(name)
    if url.scheme in SPECIAL:
        assert not FORBIDDEN_DOMAIN_CODE_POINTS.intersection(name)
        assert name.isascii()
        assert name == name.lower()
        assert not name.endswith(".")
        assert url.host or url.scheme == "file"
        assert url.path.startswith("/")
        assert "\\" not in url.path


plain_texts = st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["http", "https", "ws", "wss"]),
    st.text("abx019_-.", min_size=1, max_size=12),
    st.text("/a.%2e;:@!^\"'é ", max_size=12).map(lambda path: f"/{path}"),
    st.sampled_from(["", "?", "?a=1&b", "?/..\\%2e?", "? "]),
    st.sampled_from(["", "#", "#a\n?b", "# "]),
)


plain_paths = st.builds(
    "{}{}{}".format,
    st.text("/a.%2e;:@!^\"'é \\", max_size=12).map(lambda path: f"/{path}"),
    st.sampled_from(["", "?", "?a=1&b", "?/..\\%2e?", "? "]),
    st.sampled_from(["", "#", "#a\n?b", "# "]),
)


@any_text
@given(st.one_of(plain_texts, plain_paths, texts), bases)
@example("/a?#b", parse_url("https://a.test/"))
@example("//b.test", parse_url("https://a.test/"))
@example("/\\b.test", parse_url("https://a.test/"))
@example("https://www.example.com/a/b?x=1", None)
@example("https://a.test", None)
@example("https://a.test/.well-known/x", None)
@example("https://a.test/x\n", None)
@example("https://a.test?x#\n", None)
@example("https://a.test/?#", None)
@example("https://a.test/#?", None)
def test_fast_path_agrees_with_the_standard(text: str, base: Url | None) -> None:
    try:
        expected: Url | str = urls._parse_any(text, base)
    except UrlError as error:
        expected = error.why
    try:
        actual: Url | str = parse_url(text, base)
    except UrlError as error:
        actual = error.why
    assert actual == expected
    if isinstance(actual, Url) and isinstance(expected, Url):
        assert actual.written == expected.written


@pytest.mark.parametrize(
    "text, plain",
    [
        pytest.param("https://www.example.com/a/b?x=1", True, id="ordinary"),
        pytest.param("http://localhost", True, id="host only"),
        pytest.param("https://xn--bcher-kva.test/a.b/c..?/../#x", True, id="A-label, dots in names"),
        pytest.param("https://a.test/x/../y", False, id="dot segments"),
        pytest.param("https://a.test/x/%2e%2e/y", False, id="encoded dot segments"),
        pytest.param("https://127.0.0.1/", False, id="IPv4"),
        pytest.param("https://a.test./", False, id="trailing dot"),
        pytest.param("https://a.test:443/", False, id="port"),
        pytest.param("https://u@a.test/", False, id="user"),
        pytest.param("https://a.test/ ", False, id="space"),
    ],
)
def test_what_takes_the_fast_path(text: str, plain: bool) -> None:
    assert bool(urls._PLAIN.fullmatch(text)) is plain


# ---------------------------------------------------------------------------------------------- long texts


@pytest.mark.parametrize(
    "unit, template",
    [
        pytest.param("/", "https:{}", id="slashes"),
        pytest.param("@", "https://{}a.test", id="user parts"),
        pytest.param(":", "https://{}", id="colons"),
        pytest.param("a.", "https://{}test", id="labels"),
        pytest.param("a.", "https://{}!", id="labels the fast path gives up on"),
        pytest.param("1.", "https://{}1", id="IPv4 parts"),
        pytest.param("9", "https://{}", id="IPv4 digits"),
        pytest.param("9", "https://a.test:{}", id="port digits"),
        pytest.param("1:", "https://[{}]", id="IPv6 groups"),
        pytest.param("%41", "https://{}", id="percent-encoded host"),
        pytest.param("\xe9", "https://{}", id="international label"),
        pytest.param("\xe9.", "https://{}test", id="international labels"),
        pytest.param("\u0301\u0323", "https://a{}", id="combining marks"),
        pytest.param("\xad", "https://{}a.test", id="soft hyphens"),
        pytest.param("/..", "https://a.test{}", id="dot segments"),
        pytest.param("/a", "https://a.test{} ", id="segments the fast path gives up on"),
        pytest.param(" ", "https://a.test/{}x", id="spaces in path"),
        pytest.param("\t", "https:{}//a.test/", id="tabs"),
        pytest.param("\ud800", "https://a.test/{}", id="surrogates"),
        pytest.param("a", "{}:", id="scheme"),
        pytest.param("blob:", "{}", id="blobs"),
        pytest.param("a=%ff&", "https://a.test/?{}", id="query"),
    ],
)
def test_long_text_takes_linear_time(unit: str, template: str) -> None:
    def look_at(length: int) -> None:
        try:
            url = parse_url(template.format(unit * (length // len(unit))))
        except UrlError:
            return
        assert url.origin
        assert str(url)
        query_names(url.query)

    assert grows_below(32, look_at, 100_000, 800_000)


@pytest.mark.parametrize(
    "path, plain",
    [
        pytest.param("/%74r", "/tr", id="lower-case-letter"),
        pytest.param("/%54%52", "/TR", id="upper-case-letters"),
        pytest.param("/%67/c%6fllect", "/g/collect", id="within-a-path"),
        pytest.param("/%2Djs%5f%7E%2e", "/-js_~.", id="marks"),
        pytest.param("/a%2Fb%20c%3Fd%25", "/a%2Fb%20c%3Fd%25", id="what-means-something-stays"),
        pytest.param("/a%2fb", "/a%2Fb", id="digits-in-upper-case"),
        pytest.param("/%zz%4", "/%zz%4", id="no-encoding-at-all"),
        pytest.param("/plain", "/plain", id="nothing-to-do"),
    ],
)
def test_needless_encoding_of_a_path_is_undone(path: str, plain: str) -> None:
    assert plain_path(path) == plain


def test_needless_encoding_is_exactly_that_of_unreserved_characters() -> None:
    unreserved = {chr(n) for n in range(128) if chr(n).isalnum() or chr(n) in "-._~"}
    decoded = {chr(n) for n in range(128) if plain_path(f"/%{n:02X}") == f"/{chr(n)}"}
    assert decoded == unreserved


# What escapes are made of, in pieces: halves of them, and such that one more step would make another escape.
PIECES = [f"%{byte:02X}" for byte in range(256)] + [
    "%2f",
    "%3a",
    "%e2%82",
    "%",
    "%%",
    "%2",
    "%25",
    "2",
    "F",
    "a",
    "/",
    "\u00e9",
]


def test_many_escapes_are_undone_as_few_are() -> None:
    chance = random.Random(20)
    for _ in range(5_000):
        text = "".join(chance.choices(PIECES, k=chance.randrange(1, 40)))
        assert percent_decoded(text) == unquote(text)
