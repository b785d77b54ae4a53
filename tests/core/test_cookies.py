"""Cookies as RFC 6265bis has a browser read them; what is malformed is kept, because it is evidence."""

import calendar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp.core.cookies import RequestCookie, SetCookie, read_cookie_date, read_cookie_header, read_set_cookie

NOW = 1_800_000_000.0
CENTURY = 100 * 366 * 86_400


@pytest.mark.parametrize(
    "line, pairs",
    [
        pytest.param("", [], id="nothing"),
        pytest.param("a=1", [("a", "1")], id="one"),
        pytest.param("a=1; b=2", [("a", "1"), ("b", "2")], id="two"),
        pytest.param("a=1;b=2", [("a", "1"), ("b", "2")], id="no space between"),
        pytest.param(" a = 1 ;\tb\t= 2 ", [("a", "1"), ("b", "2")], id="white space around names and values"),
        pytest.param("a=1; a=2", [("a", "1"), ("a", "2")], id="duplicates stay, in order"),
        pytest.param("a=b=c", [("a", "b=c")], id="only the first equals sign divides"),
        pytest.param("lonely", [("", "lonely")], id="no equals sign: a value without a name"),
        pytest.param("=v", [("", "v")], id="an empty name"),
        pytest.param("a=", [("a", "")], id="an empty value"),
        pytest.param("=", [("", "")], id="neither"),
        pytest.param(";; ;a=1;", [("a", "1")], id="empty pairs"),
        pytest.param('a="1; b"', [("a", '"1'), ("", 'b"')], id="quotes do not protect a semicolon"),
        pytest.param('a="1"', [("a", '"1"')], id="quotes stay in the value"),
        pytest.param("A=1", [("A", "1")], id="names keep their case"),
        pytest.param("$Version=1; a=1", [("$Version", "1"), ("a", "1")], id="RFC 2965 leftovers are cookies"),
    ],
)
def test_reads_a_cookie_header(line: str, pairs: list[tuple[str, str]]) -> None:
    assert read_cookie_header(line) == tuple(RequestCookie(*pair) for pair in pairs)


@pytest.mark.parametrize(
    "line, expected",
    [
        pytest.param("a=1", SetCookie("a", "1"), id="a session cookie"),
        pytest.param("a", SetCookie("", "a"), id="nameless"),
        pytest.param("=_ga=1", SetCookie("", "_ga=1"), id="nameless with an equals sign in the value"),
        pytest.param("", SetCookie("", ""), id="empty"),
        pytest.param(" a = 1 ; Path = / ", SetCookie("a", "1", path="/"), id="white space everywhere"),
        pytest.param('a="x y"; Path=/', SetCookie("a", '"x y"', path="/"), id="quoted value"),
        pytest.param("a=1; Domain=.Site.TEST", SetCookie("a", "1", domain="site.test"), id="domain with a dot"),
        pytest.param("a=1; domain=", SetCookie("a", "1"), id="empty domain"),
        pytest.param(
            "a=1; SECURE; httponly; SameSite=Lax; Partitioned",
            SetCookie("a", "1", secure=True, http_only=True, same_site="lax", partitioned=True),
            id="attributes in any case",
        ),
        pytest.param("a=1; Secure=false", SetCookie("a", "1", secure=True), id="a flag has no value"),
        pytest.param("a=1; Path=/a; Path=/b", SetCookie("a", "1", path="/b"), id="the last of two attributes counts"),
        pytest.param("a=1; Max-Age=5; Max-Age=7", SetCookie("a", "1", max_age=7), id="of two Max-Age the last"),
        pytest.param("a=1; Max-Age=5; Max-Age=x", SetCookie("a", "1", max_age=5), id="an unreadable one is none"),
        pytest.param("a=1; HttpOnlyX; Foo=Bar", SetCookie("a", "1"), id="unknown attributes"),
        pytest.param("Path=/; Path=/x", SetCookie("Path", "/", path="/x"), id="the first pair is the cookie"),
    ],
)
def test_reads_a_set_cookie(line: str, expected: SetCookie) -> None:
    assert read_set_cookie(line) == expected


@pytest.mark.parametrize(
    "text, seconds",
    [
        ("0", 0),
        ("1", 1),
        ("31536000", 31_536_000),
        pytest.param("-1", 0, id="negative: at once"),
        pytest.param("-99999999999999999999", 0, id="very negative"),
        pytest.param("000000000000060", 60, id="leading zeros"),
        pytest.param("9" * 500, CENTURY, id="huge"),
        pytest.param("", None, id="empty"),
        pytest.param("-", None, id="a minus alone"),
        pytest.param("+5", None, id="a plus"),
        pytest.param("5 ", 5, id="white space behind"),
        pytest.param("5s", None, id="garbage behind"),
        pytest.param("1e5", None, id="no floats"),
        pytest.param('"5"', None, id="quoted"),
        pytest.param("\u0665", None, id="a digit of another script"),
        pytest.param("0" * 1025, None, id="an overlong one is passed over by browsers: it takes nothing away"),
        pytest.param("-" + "1" * 1024, None, id="an overlong negative one neither"),
    ],
)
def test_max_age(text: str, seconds: int | None) -> None:
    assert read_set_cookie(f"a=1; Max-Age={text}").max_age == seconds


def moment(*parts: int) -> float:
    return float(calendar.timegm((*parts, 0, 0, 0)))


@pytest.mark.parametrize(
    "text, expected",
    [
        pytest.param("Wed, 21 Oct 2026 07:28:00 GMT", moment(2026, 10, 21, 7, 28, 0), id="as it should be"),
        pytest.param("Wed, 21-Oct-2026 07:28:00 GMT", moment(2026, 10, 21, 7, 28, 0), id="hyphens"),
        pytest.param("Wednesday, 21-Oct-26 07:28:00 GMT", moment(2026, 10, 21, 7, 28, 0), id="RFC 850"),
        pytest.param("Wed Oct 21 07:28:00 2026", moment(2026, 10, 21, 7, 28, 0), id="asctime"),
        pytest.param("21 oct 2026 7:8:9", moment(2026, 10, 21, 7, 8, 9), id="single digits, small letters"),
        pytest.param("2026 Oct 21 07:28:00", moment(2026, 10, 21, 7, 28, 0), id="year first, four digits are no day"),
        pytest.param("07:28:00 21 October 2026 +0200", moment(2026, 10, 21, 7, 28, 0), id="a zone is not looked at"),
        pytest.param("1 Jan 70 00:00:00", 0.0, id="70 is 1970"),
        pytest.param("1 Jan 69 00:00:00", moment(2069, 1, 1, 0, 0, 0), id="69 is 2069"),
        pytest.param("1 Jan 99 00:00:00", moment(1999, 1, 1, 0, 0, 0), id="99 is 1999"),
        pytest.param("1 Jan 00 00:00:00", moment(2000, 1, 1, 0, 0, 0), id="00 is 2000"),
        pytest.param("Thu, 01-Jan-1970 00:00:01 GMT", 1.0, id="the usual deletion"),
        pytest.param("29 Feb 2028 00:00:00", moment(2028, 2, 29, 0, 0, 0), id="a leap day"),
        pytest.param("31 Dec 9999 23:59:59", moment(9999, 12, 31, 23, 59, 59), id="the last second"),
        pytest.param("1 Jan 2030 00:00:00x", moment(2030, 1, 1, 0, 0, 0), id="letters behind the time"),
        pytest.param("1st Jan 2030th 00:00:00", moment(2030, 1, 1, 0, 0, 0), id="letters behind the numbers"),
        pytest.param("1 Janitor 2030 00:00:00", moment(2030, 1, 1, 0, 0, 0), id="three letters make a month"),
        pytest.param(" " * 300 + "1 Jan 2030 00:00:00", moment(2030, 1, 1, 0, 0, 0), id="padded"),
        pytest.param("", None, id="empty"),
        pytest.param("0", None, id="nought"),
        pytest.param("-1", None, id="minus one"),
        pytest.param("Session", None, id="a word"),
        pytest.param("2026-10-21T07:28:00Z", None, id="ISO 8601 has no month name"),
        pytest.param("29 Feb 2027 00:00:00", None, id="no such day"),
        pytest.param("31 Apr 2027 00:00:00", None, id="no such day in April"),
        pytest.param("0 Jan 2030 00:00:00", None, id="day nought"),
        pytest.param("32 Jan 2030 00:00:00", None, id="day 32"),
        pytest.param("1 Jan 1600 00:00:00", None, id="before 1601"),
        pytest.param("1 Jan 100 00:00:00", None, id="a year of three digits"),
        pytest.param("1 Jan 20300 00:00:00", None, id="a year of five digits"),
        pytest.param("1 Jan 2030 24:00:00", None, id="hour 24"),
        pytest.param("Sat, 29 Feb 2027 00:00:00 GMT", None, id="no such day, written as usual"),
        pytest.param("Sat, 01 Jan 2030 24:00:00 GMT", None, id="hour 24, written as usual"),
        pytest.param("Sat, 01 Jan 1600 00:00:00 GMT", None, id="before 1601, written as usual"),
        pytest.param(
            "Sat, 01 Jan 0030 00:00:00 GMT", moment(2030, 1, 1, 0, 0, 0), id="a year that begins with noughts"
        ),
        pytest.param("Mar, 01 Jan 2030 00:00:00 GMT", moment(2030, 3, 1, 0, 0, 0), id="a month for a weekday"),
        pytest.param("Sat, 01 Jab 2030 00:00:00 GMT", None, id="no month, written as usual"),
        pytest.param("1 Jan 2030 00:60:00", None, id="minute 60"),
        pytest.param("1 Jan 2030 00:00:60", None, id="second 60"),
        pytest.param("1 Jan 2030 00:00", None, id="no seconds"),
        pytest.param("1 Jan 2030", None, id="no time"),
        pytest.param("Jan 2030 00:00:00", None, id="no day"),
    ],
)
def test_cookie_dates(text: str, expected: float | None) -> None:
    assert read_cookie_date(text) == expected


def test_padding_cannot_turn_a_far_date_into_a_past_one() -> None:
    # A reader that cuts at a round number of characters sees "20" for the year, which is 2020: a deletion.
    padding = " " * (200 - len("1 Jan 00:00:00 20"))
    assert read_set_cookie(f"a=1; Expires={padding}1 Jan 00:00:00 2040").expires == moment(2040, 1, 1, 0, 0, 0)
    assert read_set_cookie(f"a=1; Expires=1 Jan 00:00:00 {'-' * 1100} 2040").expires is None


@pytest.mark.parametrize(
    "line, lifetime, deletes",
    [
        pytest.param("a=1", None, False, id="ends with the session"),
        pytest.param("a=1; Max-Age=60", 60, False, id="Max-Age"),
        pytest.param("a=; Max-Age=0", 0, True, id="Max-Age nought"),
        pytest.param("a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", -NOW, True, id="Expires in the past"),
        pytest.param("a=1; Expires=Fri, 15 Jan 2027 08:00:10 GMT", 10, False, id="Expires in ten seconds"),
        pytest.param("a=1; Expires=Fri, 15 Jan 2027 08:00:00 GMT", 0, True, id="Expires now"),
        pytest.param(
            "a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 60, False, id="Max-Age wins over a later Expires"
        ),
        pytest.param("a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60", 60, False, id="and over an earlier one"),
        pytest.param("a=1; Max-Age=0; Expires=Fri, 15 Jan 2040 08:00:00 GMT", 0, True, id="also when it deletes"),
        pytest.param("a=1; Max-Age=soon; Expires=Fri, 15 Jan 2027 08:00:10 GMT", 10, False, id="unless unreadable"),
        pytest.param("a=", None, False, id="an empty value alone deletes nothing"),
    ],
)
def test_how_long_a_cookie_lives(line: str, lifetime: float | None, deletes: bool) -> None:
    cookie = read_set_cookie(line)
    assert (cookie.lifetime(NOW), cookie.deletes(NOW)) == (lifetime, deletes)


@settings(derandomize=True, max_examples=200, deadline=None)
@given(
    st.text(max_size=60) | st.lists(st.sampled_from(["a", "=", ";", " ", "Expires", "Max-Age", "1", "-"])).map("".join)
)
def test_no_text_is_too_odd_to_read(text: str) -> None:
    cookie = read_set_cookie(text)
    cookie.deletes(NOW)
    assert cookie.name == cookie.name.strip(" \t")
    assert len(read_cookie_header(text)) <= text.count(";") + 1


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.datetimes().filter(lambda at: at.year >= 1601))
def test_every_date_a_server_writes_is_read_back(at: object) -> None:
    from datetime import datetime

    assert isinstance(at, datetime)
    at = at.replace(microsecond=0)
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    expected = float(calendar.timegm(at.timetuple()))
    for gap in " -":
        text = f"Mon, {at.day:02}{gap}{months[at.month - 1]}{gap}{at.year:04} {at:%H:%M:%S} GMT"
        assert read_cookie_date(text) == expected
        # In another form than the usual one, by the rules for any.
        assert read_cookie_date(text.removeprefix("Mon, ")) == expected
