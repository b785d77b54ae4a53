"""Fields taken out of an answer, and addresses out of fields: the bytes that are not meant stay."""

import pytest

from cmp.core.decision import Edit, EditKind, Reason, Ruling
from cmp.wire.answer_fields import edit_answer_fields
from cmp.wire.signals import with_gpc

RULING = Ruling(False, Reason.REFUSED, "test")
Fields = tuple[tuple[bytes, bytes], ...]


def whole(name: str) -> Edit:
    return Edit(EditKind.STRIP_ANSWER_HEADER, name, RULING)


def part(name: str, index: int) -> Edit:
    return Edit(EditKind.STRIP_FROM_ANSWER_HEADER, name, RULING, index)


LINK = b"<https://a.test/>;rel=preload ,</b>; rel=next,\t<https://c.test/\xff>;rel=preload"


@pytest.mark.parametrize(
    "fields, edits, expected",
    [
        pytest.param(
            ((b"A", b"1"), (b"ETag", b'"x"'), (b"eTAG", b"y")), [whole("etag")], ((b"A", b"1"),), id="whole fields"
        ),
        pytest.param(
            ((b"Link", LINK),),
            [part("link", 0)],
            ((b"Link", b"</b>; rel=next, <https://c.test/\xff>;rel=preload"),),
            id="a part",
        ),
        pytest.param(
            ((b"Link", LINK),),
            [part("link", 1)],
            ((b"Link", b"<https://a.test/>;rel=preload, </b>; rel=next"),),
            id="bytes",
        ),
        pytest.param(
            ((b"Link", LINK), (b"X", b"1"), (b"link", b"<https://d.test/>;rel=preload")),
            [part("link", 2)],
            ((b"Link", LINK), (b"X", b"1")),
            id="counted over all fields of the name; one with nothing left goes",
        ),
        pytest.param(
            ((b"Link", b'</a>; title="x'), (b"X", b"1"), (b"link", b'", <https://d.test/>;rel=preload')),
            [part("link", 0)],
            ((b"Link", b'</a>; title="x, "'), (b"X", b"1")),
            id="what begins in one line and ends in the next",
        ),
        pytest.param(((b"Link", LINK),), [part("report-to", 0)], ((b"Link", LINK),), id="another field"),
        pytest.param(((b"Link", LINK),), [part("link", 9)], ((b"Link", LINK),), id="a place that is not there"),
        pytest.param(
            ((b"ETag", b"x"),),
            [Edit(EditKind.STRIP_HEADER, "etag", RULING)],
            ((b"ETag", b"x"),),
            id="an edit of the request",
        ),
    ],
)
def test_edits_an_answers_fields(fields: Fields, edits: list[Edit], expected: Fields) -> None:
    assert edit_answer_fields(fields, edits) == expected


@pytest.mark.parametrize(
    "fields, expected",
    [
        pytest.param(((b"A", b"1"),), ((b"A", b"1"), (b"Sec-GPC", b"1")), id="added"),
        pytest.param(
            ((b"sec-gpc", b"0"), (b"A", b"1")), ((b"A", b"1"), (b"Sec-GPC", b"1")), id="in place of what means nothing"
        ),
        pytest.param(((b"DNT", b"0"),), ((b"DNT", b"0"), (b"Sec-GPC", b"1")), id="Do Not Track stays as it is"),
    ],
)
def test_a_signal_is_said_once(fields: Fields, expected: Fields) -> None:
    assert with_gpc(fields) == expected
