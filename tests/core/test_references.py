"""Which addresses the fields of an answer name, and what is left of a field without them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp.core.exchange import Kind
from cmp.core.references import NAMING, read_references, without

A, B = "https://a.test/x", "https://b.test/y"


def named(field: str, value: str) -> list[tuple[str, Kind]]:
    return [(one.address, one.kind) for one in read_references(field, value).references]


LINKS = [
    pytest.param(f"<{A}>; rel=preload; as=script", [(A, Kind.SCRIPT)], id="preload"),
    pytest.param(f'<{A}>;rel="preload";as="font";crossorigin', [(A, Kind.FONT)], id="in quotes"),
    pytest.param(f"<{A}>; REL=PreConnect", [(A, Kind.OTHER)], id="preconnect, in capitals"),
    pytest.param(f"<{A}>; rel=dns-prefetch", [(A, Kind.OTHER)], id="dns-prefetch"),
    pytest.param(f"<{A}>; rel=prefetch", [(A, Kind.OTHER)], id="prefetch"),
    pytest.param(f"<{A}>; rel=prerender", [(A, Kind.FRAME)], id="prerender"),
    pytest.param(f"<{A}>; rel=stylesheet", [(A, Kind.STYLE)], id="style sheet"),
    pytest.param(
        f'<{A}>; rel=preload; as=image; imagesrcset="/s.gif 1x, {B} 2x"',
        [(A, Kind.IMAGE), ("/s.gif", Kind.IMAGE), (B, Kind.IMAGE)],
        id="pictures by size",
    ),
    pytest.param(f"<{A}>; rel=modulepreload", [(A, Kind.SCRIPT)], id="module"),
    pytest.param(f"<{A}>; rel=compression-dictionary", [(A, Kind.OTHER)], id="dictionary"),
    pytest.param(f'<{A}>; rel="next prefetch"', [(A, Kind.OTHER)], id="one relation of several"),
    pytest.param(f"<{A}>; rel=canonical", [], id="a relation for which nothing is asked"),
    pytest.param(f"<{A}>; title=preload", [], id="the word elsewhere"),
    pytest.param(f"<{A}>; rel=next; rel=preload", [], id="a relation given twice: the first counts"),
    pytest.param(f"<{A}>;rel=preload,<{B}>;rel=preload", [(A, Kind.OTHER), (B, Kind.OTHER)], id="two"),
    pytest.param("<https://a.test/a,b>; rel=preload", [("https://a.test/a,b", Kind.OTHER)], id="a comma in an address"),
    pytest.param(f'<{A}>; title="a, <{B}>; rel=x"; rel=preload', [(A, Kind.OTHER)], id="a comma in quotes"),
    pytest.param(f"</a>; title=(, <{A}>; rel=preconnect", [(A, Kind.OTHER)], id="a round bracket"),
    pytest.param(f"{A}; rel=preload", [], id="without brackets"),
    pytest.param(f"<{A}; rel=preload", [], id="a bracket without an end"),
    pytest.param(f",, <{A}> ;rel = preload ,", [(A, Kind.OTHER)], id="odd commas and spaces"),
]


@pytest.mark.parametrize("value, expected", LINKS)
def test_links_that_browsers_follow_by_themselves(value: str, expected: list[tuple[str, Kind]]) -> None:
    assert named("link", value) == expected


REPORT_TO = f'{{"group": "csp", "max_age": 9, "endpoints": [{{"url": "{A}"}}, {{"url": "{B}"}}]}}'


@pytest.mark.parametrize(
    "field, value, expected",
    [
        pytest.param("reporting-endpoints", f'a="{A}", b="{B}"', [A, B], id="endpoints"),
        pytest.param("reporting-endpoints", f'a="{A}";p=1,b="/own"', [A, "/own"], id="endpoints, with a parameter"),
        pytest.param("reporting-endpoints", "a=token", [], id="an endpoint that is no string"),
        pytest.param("report-to", REPORT_TO, [A, B], id="a group with two endpoints"),
        pytest.param("report-to", f'{{"endpoints": [{{"url": "{A}"}}]}}, {REPORT_TO}', [A, A, B], id="two groups"),
        pytest.param("report-to", f'{{"endpoints": [{{"url": "{A}"}}]}}, {{broken', [A], id="a broken group behind"),
        pytest.param("report-to", '{"endpoints": 4}, [1], 5, {"endpoints": [7]}', [], id="other JSON"),
        pytest.param("nel", '{"report_to": "default", "max_age": 9}', [""], id="a group alone"),
        pytest.param("content-security-policy", f"default-src 'self'; report-uri {A} {B}; x", [A, B], id="report-uri"),
        pytest.param("content-security-policy", f"img-src *,REPORT-URI {A}", [A], id="in the second policy of a field"),
        pytest.param("content-security-policy", f"img-src {A}; report-to group", [], id="what it allows"),
        pytest.param("content-security-policy-report-only", f"report-uri\t{A}", [A], id="report-only"),
        pytest.param("permissions-policy", f'ch-ua-model=(self "{A}" "{B}"), camera=("{A}")', [A, B], id="hints"),
        pytest.param("permissions-policy", "ch-ua-model=*", [], id="hints for everybody name nobody"),
        pytest.param("speculation-rules", f'"/own.json", "{A}"', ["/own.json", A], id="speculation rules"),
        pytest.param("speculation-rules", f'"{A}";a="b", (x)', [A], id="speculation rules with a parameter"),
        pytest.param("refresh", f"5; url={A}", [A], id="refresh"),
        pytest.param("refresh", f"0;URL='{A}' x", [A], id="refresh, in quotes"),
        pytest.param("refresh", f"0;url='//a'{A}'", ["//a", f"//a'{A}"], id="refresh, in three quotes"),
        pytest.param("refresh", f"0, {A}", [A], id="refresh without url="),
        pytest.param("refresh", "5", [], id="refresh of the same page"),
        pytest.param("location", f" {A} ", [A], id="location"),
        pytest.param("sourcemap", A, [A], id="source map"),
        pytest.param("x-sourcemap", "", [], id="an empty one"),
    ],
)
def test_fields_that_name_addresses(field: str, value: str, expected: list[str]) -> None:
    assert [address for address, _ in named(field, value)] == expected


@pytest.mark.parametrize(
    "field, value, gone, expected",
    [
        pytest.param("link", f"<{A}>; rel=preload, <{B}>; rel=preload", {0}, f"<{B}>; rel=preload", id="the first"),
        pytest.param(
            "link", f"<{A}>;rel=preload , </c>;rel=next", {0}, "</c>;rel=next", id="what is no reference stays"
        ),
        pytest.param("link", f"<{A}>; rel=preload", {0}, None, id="the only one"),
        pytest.param("reporting-endpoints", f'a="{A}",b="{B}",c="/c"', {1}, f'a="{A}", c="/c"', id="in the middle"),
        pytest.param("report-to", REPORT_TO, {1}, None, id="a group goes as a whole"),
        pytest.param("nel", '{"report_to": "x"}', {0}, None, id="a group alone"),
        pytest.param(
            "content-security-policy",
            f"default-src 'self';  report-uri {A} {B}; img-src *",
            {0},
            f"default-src 'self';  report-uri {B}; img-src *",
            id="a policy keeps every other byte",
        ),
        pytest.param(
            "permissions-policy",
            f'ch-ua-model=(self "{A}"), camera=()',
            {0},
            "ch-ua-model=(self), camera=()",
            id="features",
        ),
        pytest.param("location", A, {0}, None, id="location"),
        pytest.param("location", A, {1}, A, id="another place"),
        pytest.param(
            "link",
            f"<{A}>;rel=preload ,<{B}>;rel=preload",
            set(),
            f"<{A}>;rel=preload ,<{B}>;rel=preload",
            id="nothing",
        ),
    ],
)
def test_what_is_left_without_some(field: str, value: str, gone: set[int], expected: str | None) -> None:
    assert without(field, value, gone) == expected


@pytest.mark.parametrize("field", sorted(NAMING))
@pytest.mark.parametrize(
    "piece",
    ["<", "(", '"', "\\", "{", "[", ", ", "url=", "report-uri ", 'ch-a=("x" ', '{"a":', ";a=", "9" * 50],
    ids=repr,
)
def test_long_nonsense_is_read_in_good_time(field: str, piece: str) -> None:
    assert len(read_references(field, piece * 20_000).references) <= 20_000


pieces = st.lists(
    st.sampled_from(
        ["<", ">", f"<{A}>", ";", ",", " ", '"', "rel=preload", "=", "(", ")", "\\", f'a="{B}"', "{", "}", "x"]
    ),
    max_size=14,
).map("".join)


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.sampled_from(sorted(NAMING)), pieces, st.data())
def test_what_is_left_names_what_was_left(field: str, value: str, data: st.DataObject) -> None:
    references = read_references(field, value).references
    gone = set(data.draw(st.lists(st.integers(0, max(len(references) - 1, 0)), max_size=3))) if references else set()
    spans = {(references[n].start, references[n].end) for n in gone}
    kept = [one.address for one in references if (one.start, one.end) not in spans]
    left = without(field, value, gone)
    assert [one.address for one in read_references(field, left or "").references] == kept
