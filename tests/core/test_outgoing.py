"""What requests to others are relieved of."""

from dataclasses import replace
from typing import Any

import pytest

from cmp.core.classify import Party
from cmp.core.consent import NO_CHOICE
from cmp.core.decide import decide
from cmp.core.decision import EditKind
from cmp.core.exchange import Exchange
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
    edits = outgoing_edits(joint, asked(PAY, "https://www.shop.test/a", "x-real-ip"), Party.THIRD)
    assert [(e.kind, e.name) for e in edits] == [
        (EditKind.TRIM_REFERRER, "none"),
        (EditKind.STRIP_HEADER, "x-real-ip"),
    ]
