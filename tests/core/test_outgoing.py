"""What requests to others are relieved of."""

from dataclasses import replace
from typing import Any

import pytest

from cmp.core.classify import Party
from cmp.core.consent import NO_CHOICE, Visitor
from cmp.core.decide import decide
from cmp.core.decision import EditKind, Reason
from cmp.core.exchange import Exchange, Kind
from cmp.core.outgoing import outgoing_edits
from tests.core.examples import compiled, exchange

PAY, OWN = "https://pay.test/", "https://www.shop.test/x"


def asked(url: str = PAY, referrer: str = "https://www.shop.test/order/7?x=1", *headers: str) -> Exchange:
    return replace(exchange(url), referrer=referrer, header_names=frozenset(headers))


@pytest.mark.parametrize(
    "wanted, referrer, edit",
    [
        pytest.param("origin", "https://www.shop.test/order/7", "origin", id="cut to the origin"),
        pytest.param("origin", "https://www.shop.test/", None, id="it is one already"),
        pytest.param("origin", "", None, id="there is none"),
        pytest.param("origin", "what is this", "origin", id="what cannot be read is no origin"),
        pytest.param("none", "https://www.shop.test/", "none", id="dropped"),
        pytest.param("keep", "https://www.shop.test/order/7", None, id="kept"),
    ],
)
def test_the_referrer(wanted: str, referrer: str, edit: str | None) -> None:
    policy = compiled(outgoing={"referrer": wanted})
    found = [e.name for e in decide(policy, NO_CHOICE, asked(PAY, referrer)).edits if e.kind is EditKind.TRIM_REFERRER]
    assert found == ([] if edit is None else [edit])


def test_headers_are_dropped_for_others_only() -> None:
    policy = compiled(outgoing={"drop": ["X-Client-Data"]})
    there = [e.name for e in decide(policy, NO_CHOICE, asked(PAY, "", "x-client-data", "accept")).edits]
    here = [e.name for e in decide(policy, NO_CHOICE, asked(OWN, "", "x-client-data")).edits]
    assert (there, here) == (["x-client-data"], [])


@pytest.mark.parametrize("url", [pytest.param(PAY, id="another's server"), pytest.param(OWN, id="the site's own")])
@pytest.mark.parametrize(
    "wanted, kinds",
    [
        pytest.param("shorten", [EditKind.SHORTEN_ADDRESS], id="shortened"),
        pytest.param("drop", [EditKind.STRIP_HEADER], id="dropped"),
        pytest.param("keep", [], id="kept"),
    ],
)
def test_addresses(url: str, wanted: str, kinds: list[EditKind]) -> None:
    policy = compiled(outgoing={"forwardedFor": wanted})
    assert [e.kind for e in decide(policy, NO_CHOICE, asked(url, "", "x-forwarded-for")).edits] == kinds


def test_of_several_policies_the_one_that_tells_least_counts() -> None:
    both: dict[str, Any] = {"referrer": "none", "forwardedFor": "drop"}
    one, other = compiled(outgoing={"referrer": "origin", "forwardedFor": "shorten"}), compiled(outgoing=both)
    joint = replace(one, parts=(one, other))
    edits = outgoing_edits(joint, NO_CHOICE, asked(PAY, "https://www.shop.test/a", "x-real-ip"), Party.THIRD)
    assert [(e.kind, e.name) for e in edits] == [
        (EditKind.TRIM_REFERRER, "none"),
        (EditKind.STRIP_HEADER, "x-real-ip"),
    ]


REFUSED = Visitor(refused=frozenset({"advertising"}))
GRANTED = Visitor(granted=frozenset({"advertising"}))


@pytest.mark.parametrize(
    "patterns, headers, gone",
    [
        pytest.param(
            ["sec-ch-ua-*"], ["sec-ch-ua", "sec-ch-ua-model", "sec-ch-ua-arch"], 2, id="hints that are asked for"
        ),
        pytest.param(["Sec-CH-*"], ["sec-ch-ua", "sec-ch-dpr", "accept"], 2, id="every hint, in capitals"),
        pytest.param(["*"], ["sec-gpc", "dnt", "host", "connection", "x"], 1, id="a signal stays whatever the pattern"),
        pytest.param(["x-*-id"], ["x-device-id", "x-id"], 1, id="a star in the middle"),
    ],
)
def test_headers_are_dropped_by_pattern(patterns: list[str], headers: list[str], gone: int) -> None:
    edits = decide(compiled(outgoing={"drop": patterns}), NO_CHOICE, asked(PAY, "", *headers)).edits
    assert len(edits) == gone
    assert not {"sec-gpc", "dnt", "host", "sec-ch-ua"} & {edit.name for edit in edits if "sec-ch-ua-*" in patterns}


@pytest.mark.parametrize("url", [pytest.param(PAY, id="another's server"), pytest.param(OWN, id="the site's own")])
def test_what_the_browser_says_for_advertisers_goes_unless_permitted(url: str) -> None:
    policy = compiled(outgoing={"adFeatures": "advertising"})
    seen = asked(url, "", "sec-browsing-topics", "attribution-reporting-eligible", "accept")
    names = [(edit.kind, edit.name) for edit in decide(policy, REFUSED, seen).edits]
    expected = ["attribution-reporting-eligible", "sec-browsing-topics"]
    assert names == [(EditKind.STRIP_HEADER, name) for name in expected]
    assert decide(policy, GRANTED, seen).edits == ()
    assert decide(compiled(), REFUSED, seen).edits == ()


class TestSignals:
    def added(self, insert: str | None, visitor: Visitor, *, gpc: bool = False) -> list[str]:
        rule = {"denies": ["advertising"], **({"insert": insert} if insert else {})}
        edits = decide(compiled(signals={"gpc": rule}), visitor, replace(exchange(PAY, gpc=gpc))).edits
        assert all(edit.ruling.reason is Reason.SIGNAL for edit in edits)
        return [edit.name for edit in edits if edit.kind is EditKind.ADD_SIGNAL]

    @pytest.mark.parametrize(
        "insert, visitor, expected",
        [
            pytest.param(None, REFUSED, [], id="not unless the policy says so"),
            pytest.param("never", REFUSED, [], id="never"),
            pytest.param("refused", REFUSED, ["sec-gpc"], id="for who refused what it denies"),
            pytest.param(
                "refused", Visitor(refused=frozenset({"comfort"})), [], id="not for who refused something else"
            ),
            pytest.param("refused", NO_CHOICE, [], id="nor for who said nothing"),
            pytest.param("always", NO_CHOICE, ["sec-gpc"], id="for everybody, where everybody wants it"),
        ],
    )
    def test_are_said_for_whom_the_policy_declares(
        self, insert: str | None, visitor: Visitor, expected: list[str]
    ) -> None:
        assert self.added(insert, visitor) == expected

    def test_that_the_browser_sends_are_not_said_again(self) -> None:
        assert self.added("always", NO_CHOICE, gpc=True) == []


class TestClickIds:
    """A click's number in the address of a page."""

    def taken(self, url: str, visitor: Visitor = REFUSED, kind: Kind = Kind.DOCUMENT, **outgoing: str) -> list[str]:
        policy = compiled(outgoing=outgoing or {"clickIds": "advertising"})
        edits = decide(policy, visitor, exchange(url, kind=kind)).edits
        return [edit.name for edit in edits if edit.kind is EditKind.STRIP_QUERY]

    @pytest.mark.parametrize("host", ["www.shop.test", "elsewhere.test"])
    def test_goes_where_it_is_not_permitted(self, host: str) -> None:
        assert self.taken(f"https://{host}/a?id=7&gclid=x&FBCLID=y&utm_source=z") == ["FBCLID", "gclid"]

    def test_stays_where_it_is(self) -> None:
        assert self.taken(f"{OWN}?gclid=x", GRANTED) == []

    def test_stays_where_the_policy_says_nothing_of_it(self) -> None:
        assert self.taken(f"{OWN}?gclid=x", referrer="keep") == []

    def test_is_no_matter_of_what_a_page_loads(self) -> None:
        assert self.taken(f"{OWN}?gclid=x", kind=Kind.IMAGE) == []
