"""Cookies are taken out of header bytes; every byte not concerned stays as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp.capture.observe import request_cookies, set_cookie_lines
from cmp.core.decision import Edit, EditKind, Reason, Ruling
from cmp.wire.cookies import cookie_name, edit_set_cookies, strip_request_cookies
from tests.sampled import examples

RULING = Ruling(False, Reason.REFUSED, "test")
Fields = tuple[tuple[bytes, bytes], ...]


def stripped(line: bytes, *names: str) -> list[bytes]:
    return [value for _, value in strip_request_cookies([(b"cookie", line)], names.__contains__)]


@pytest.mark.parametrize(
    "line, names, expected",
    [
        pytest.param(b"a=1; t=2; b=3", ["t"], [b"a=1; b=3"], id="in the middle"),
        pytest.param(b"t=2; a=1", ["t"], [b"a=1"], id="first"),
        pytest.param(b"a=1; t=2", ["t"], [b"a=1"], id="last"),
        pytest.param(b"t=2", ["t"], [], id="alone: the line goes"),
        pytest.param(b"t=2; u=3", ["t", "u"], [], id="all of them"),
        pytest.param(b"t=1; a=1; t=2", ["t"], [b"a=1"], id="duplicates"),
        pytest.param(b"a=1;t=2;b=3", ["t"], [b"a=1;b=3"], id="no spaces"),
        pytest.param(b"a=1 ;  t=2 ;\tb=3", ["t"], [b"a=1 ;\tb=3"], id="odd spaces stay with their neighbours"),
        pytest.param(b" t = 2; a=1", ["t"], [b"a=1"], id="white space around the name"),
        pytest.param(b"a=1;; t=2;", ["t"], [b"a=1;;"], id="empty pairs"),
        pytest.param(b"t=2;; ", ["t"], [], id="nothing but separators left"),
        pytest.param(b"; t=2; a=1", ["t"], [b"; a=1"], id="an empty pair first"),
        pytest.param(b"tt=1; at=2; t2=3", ["t"], [b"tt=1; at=2; t2=3"], id="names are compared whole"),
        pytest.param(b"T=1", ["t"], [b"T=1"], id="and with their case"),
        pytest.param(b"a=t=2; t=1", ["t"], [b"a=t=2"], id="an equals sign in a value"),
        pytest.param(b"lonely; a=1", [""], [b"a=1"], id="without a name"),
        pytest.param(b"lonely; a=1", ["lonely"], [b"lonely; a=1"], id="a lonely value is no name"),
        pytest.param(b"\xff=1; a=\xfe", ["\udcff"], [b"a=\xfe"], id="bytes that are no UTF-8"),
        pytest.param("ü=1; a=ä".encode(), ["ü"], ["a=ä".encode()], id="bytes that are"),
        pytest.param(b"a=\x00\x01; t=1", ["t"], [b"a=\x00\x01"], id="controls in a value"),
        pytest.param(b"a=1", ["t"], [b"a=1"], id="nothing to strip"),
        pytest.param(b"", ["t"], [b""], id="an empty line"),
    ],
)
def test_strips_by_name(line: bytes, names: list[str], expected: list[bytes]) -> None:
    assert stripped(line, *names) == expected


def test_every_cookie_line_is_looked_at_and_no_other_line() -> None:
    fields = ((b"Cookie", b"t=1"), (b"X-Cookie", b"t=1"), (b"cOOKIE", b"a=1; t=2"), (b"set-cookie", b"t=3"))
    kept = strip_request_cookies(fields, {"t"}.__contains__)
    assert kept == ((b"X-Cookie", b"t=1"), (b"cOOKIE", b"a=1"), (b"set-cookie", b"t=3"))


def test_a_line_with_nothing_to_strip_stays_the_same_object() -> None:
    value = b"a=1;  b=2 ; "
    assert strip_request_cookies([(b"cookie", value)], {"t"}.__contains__)[0][1] is value


pairs = st.lists(
    st.sampled_from([b"a=1", b" t=2", b"t", b"", b" ", b"=x", b"\tb = 3 ", b"\xff=\xfe", b" t =", b"tt=1"]), max_size=8
).map(b";".join)


@examples(150, 500)
@given(st.lists(pairs, max_size=3), st.sets(st.sampled_from(["a", "t", "", "b", "\udcff", "tt"])))
def test_what_is_left_is_what_was_there_without_the_stripped(values: list[bytes], names: set[str]) -> None:
    fields = [(b"cookie", value) for value in values]
    kept = strip_request_cookies(fields, names.__contains__)

    def read(lines: list[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
        headers = [(name.decode(), value.decode("utf-8", "surrogateescape")) for name, value in lines]
        return [(cookie.name, cookie.value) for cookie in request_cookies(headers)]

    assert read(list(kept)) == [pair for pair in read(fields) if pair[0] not in names]
    # Byte for byte: the pairs that stay, in order, are the ones that came.
    reference = [part for value in values for part in value.split(b";") if part.strip(b" \t")]
    reference = [part for part in reference if cookie_name(part) not in names]
    left = [part for _, value in kept for part in value.split(b";") if part.strip(b" \t")]
    assert [part.strip(b" \t") for part in left] == [part.strip(b" \t") for part in reference]


def edited(fields: Fields, *edits: tuple[EditKind, int]) -> Fields:
    made = [Edit(kind, "x", RULING, index, 60 if kind is EditKind.CAP_SET_COOKIE else None) for kind, index in edits]
    return edit_set_cookies(fields, made)


STRIP, CAP, SESSION = EditKind.STRIP_SET_COOKIE, EditKind.CAP_SET_COOKIE, EditKind.SESSION_SET_COOKIE
SECURE = EditKind.SECURE_SET_COOKIE


@pytest.mark.parametrize(
    "line, kind, expected",
    [
        pytest.param(b"a=1; Path=/", STRIP, [], id="strip"),
        pytest.param(b"a=1; Max-Age=9; Path=/", SESSION, [b"a=1; Path=/"], id="session: Max-Age goes"),
        pytest.param(b"a=1; expires=Thu, 15 Jan 2037; Secure", SESSION, [b"a=1; Secure"], id="session: Expires goes"),
        pytest.param(b"a=1;EXPIRES = x;\tmax-age =9", SESSION, [b"a=1"], id="session: odd spacing and case"),
        pytest.param(
            b"a=1; Max-Age=9; Max-Age=8; HttpOnly", SESSION, [b"a=1; HttpOnly"], id="session: each of several"
        ),
        pytest.param(b"a=1; Max-Age", SESSION, [b"a=1"], id="session: without a value"),
        pytest.param(b"Max-Age=9; Path=/", SESSION, [b"Max-Age=9; Path=/"], id="session: a cookie called so stays"),
        pytest.param(b"a=1; XMax-Age=9", SESSION, [b"a=1; XMax-Age=9"], id="session: no other attribute"),
        pytest.param(b"a=\xff ;  Path=/;; Secure", SESSION, [b"a=\xff ;  Path=/;; Secure"], id="session: bytes stay"),
        pytest.param(b"a=1; Max-Age=99; Path=/", CAP, [b"a=1; Path=/; Max-Age=60"], id="cap"),
        pytest.param(b"a=1; Expires=Thu, 15 Jan 2037", CAP, [b"a=1; Max-Age=60"], id="cap: replaces Expires"),
    ],
)
def test_edits_a_set_cookie(line: bytes, kind: EditKind, expected: list[bytes]) -> None:
    assert [value for _, value in edited(((b"Set-Cookie", line),), (kind, 0))] == expected


def test_an_index_counts_set_cookie_lines_only() -> None:
    fields = ((b"A", b"1"), (b"Set-Cookie", b"a=1"), (b"B", b"2"), (b"set-cookie", b"b=1"), (b"SET-COOKIE", b"c=1"))
    assert edited(fields, (STRIP, 1)) == (fields[0], fields[1], fields[2], fields[4])
    assert edited(fields, (STRIP, 0), (STRIP, 2)) == (fields[0], fields[2], fields[3])


def test_a_blank_set_cookie_line_does_not_shift_the_count() -> None:
    fields = ((b"Set-Cookie", b""), (b"Set-Cookie", b" \t"), (b"Set-Cookie", b"t=1"), (b"Set-Cookie", b"a=1"))
    assert edited(fields, (STRIP, 0)) == (fields[0], fields[1], fields[3])


def test_cookies_that_a_capture_joined_count_once_each() -> None:
    fields = ((b"Set-Cookie", b"a=1\nb=2"), (b"Set-Cookie", b"t=1"), (b"Set-Cookie", b"c=1"))
    assert edited(fields, (STRIP, 2)) == (fields[0], fields[2])
    assert edited(fields, (STRIP, 1)) == ((b"Set-Cookie", b"a=1"), fields[1], fields[2])


@pytest.mark.parametrize(
    "line, kind, expected",
    [
        pytest.param(
            b"a=1; Path=/; Max-Age=9;\r\n HttpOnly",
            SESSION,
            [b"a=1; Path=/; HttpOnly"],
            id="folded: what is behind the fold stays",
        ),
        pytest.param(
            b"a=1;\r\n\tMax-Age=99;\r\n  HttpOnly; Secure",
            CAP,
            [b"a=1; HttpOnly; Secure; Max-Age=60"],
            id="folded twice",
        ),
        pytest.param(b"a=1; Secure\r\n ; HttpOnly", SECURE, [b"a=1; Secure ; HttpOnly; Secure"], id="folded, secured"),
        pytest.param(b"a=1;\r\n HttpOnly", STRIP, [], id="folded: goes as a whole"),
        pytest.param(
            b"a=1; Expires=Thu, 15 Jan 2037 00:00:00 GMT, b=2; HttpOnly",
            SESSION,
            [b"a=1; HttpOnly"],
            id="joined by a comma: a browser takes it for one cookie",
        ),
        pytest.param(
            b"a=1; Path=/, b=2; Max-Age=99; HttpOnly",
            CAP,
            [b"a=1; Path=/, b=2; HttpOnly; Max-Age=60"],
            id="comma in a path",
        ),
    ],
)
def test_an_edited_cookie_keeps_its_other_attributes(line: bytes, kind: EditKind, expected: list[bytes]) -> None:
    assert [value for _, value in edited(((b"Set-Cookie", line),), (kind, 0))] == expected


def test_a_folded_cookie_that_nothing_is_done_to_stays_as_it_was() -> None:
    fields = ((b"Set-Cookie", b"a=1;\r\n HttpOnly"), (b"Set-Cookie", b"t=1"))
    assert edited(fields, (STRIP, 1)) == (fields[0],)


def test_edits_of_the_request_leave_the_answer_alone() -> None:
    fields = ((b"Set-Cookie", b"x=1"),)
    assert edit_set_cookies(fields, [Edit(EditKind.STRIP_COOKIE, "x", RULING)]) == fields


@examples(150, 500)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"Set-Cookie", b"set-cookie", b"X-Other"]),
            st.lists(st.sampled_from([b"a=1", b"", b" ", b"\r\n ", b"\n", b"b=2; Path=/", b"\xff"]), max_size=4).map(
                b"".join
            ),
        ),
        max_size=5,
    ).map(tuple),
    st.sets(st.integers(0, 6)),
)
def test_what_is_decided_on_is_what_is_edited(fields: Fields, drop: set[int]) -> None:
    def read(lines: Fields) -> list[str]:
        return set_cookie_lines([(name.decode(), value.decode("utf-8", "surrogateescape")) for name, value in lines])

    kept = edited(fields, *((STRIP, index) for index in sorted(drop)))
    assert read(kept) == [line for index, line in enumerate(read(fields)) if index not in drop]
    assert [field for field in kept if field[0] == b"X-Other"] == [field for field in fields if field[0] == b"X-Other"]


@pytest.mark.parametrize(
    "line, expected",
    [
        pytest.param(b"a=1; Path=/", b"a=1; Path=/; Secure", id="attributes"),
        pytest.param(b"a=1", b"a=1; Secure", id="none"),
        pytest.param(b"a=secure", b"a=secure; Secure", id="the word in the value"),
    ],
)
def test_a_cookie_is_made_secure_and_else_stays_as_it_was(line: bytes, expected: bytes) -> None:
    edit = Edit(EditKind.SECURE_SET_COOKIE, "a", RULING, 0)
    assert edit_set_cookies([(b"Set-Cookie", line)], [edit]) == ((b"Set-Cookie", expected),)


def test_a_cookie_is_cut_and_made_secure_at_once() -> None:
    edits = [Edit(EditKind.CAP_SET_COOKIE, "a", RULING, 0, 60), Edit(EditKind.SECURE_SET_COOKIE, "a", RULING, 0)]
    fields = edit_set_cookies([(b"Set-Cookie", b"a=1; Max-Age=99; Path=/")], edits)
    assert fields == ((b"Set-Cookie", b"a=1; Path=/; Max-Age=60; Secure"),)


def test_an_edit_of_the_request_changes_no_answer() -> None:
    edits = [Edit(kind, "a", RULING, 0) for kind in (EditKind.STRIP_COOKIE, EditKind.STRIP_QUERY, EditKind.MARK_EVENT)]
    assert edit_set_cookies([(b"Set-Cookie", b"a=1")], edits) == ((b"Set-Cookie", b"a=1"),)
