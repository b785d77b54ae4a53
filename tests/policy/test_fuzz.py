"""No document is too odd to be checked, and one without a fault can be compiled and decided on."""

import copy
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cmp.core.consent import NO_CHOICE, supposed_visitor
from cmp.core.decide import decide
from cmp.policy.compile import compile_policy
from cmp.policy.load import find_faults
from tests.core.examples import exchange, shop

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False)
    | st.text(max_size=6)
    | st.sampled_from(
        ["*", "all", "deny", "allow", "consent", "necessary", "analytics", "a.test", "1 day", "/", "/*", "x\n"]
    )
)
keys = st.sampled_from(
    ["id", "name", "hosts", "path", "query", "category", "cookies", "en", "basis", "catalogue"]
) | st.text(max_size=3)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """The shop's policy with some places overwritten, dropped or doubled."""
    document = copy.deepcopy(
        shop(catalogue={"adopt": []}, sites=["shop.test"], promises=[], controller={"name": "Shop"})
    )
    for _ in range(draw(st.integers(1, 3))):
        place: Any = document
        while True:
            inner = list(place.keys() if isinstance(place, dict) else range(len(place)))
            if not inner:
                break
            key = draw(st.sampled_from(inner))
            if isinstance(place[key], dict | list) and place[key] and draw(st.integers(0, 3)):
                place = place[key]
                continue
            match draw(st.integers(0, 3)):
                case 0:
                    del place[key]
                case 1 if isinstance(place, list):
                    place.append(copy.deepcopy(place[key]))
                case 2 if isinstance(place, dict):
                    place[draw(keys)] = draw(values)
                case _:
                    place[key] = draw(values)
            break
    return document


@settings(derandomize=True, deadline=None, max_examples=300, suppress_health_check=list(HealthCheck))
@given(documents() | st.dictionaries(keys, values, max_size=3))
def test_checking_never_fails_and_what_passes_can_be_decided_on(document: dict[str, Any]) -> None:
    faults = find_faults(document)
    for fault in faults:
        assert fault.what
        assert fault.remedy
        assert fault.pointer == "" or fault.pointer.startswith("/")
    if faults:
        return
    policy = compile_policy(document)
    assert policy.fallback.csp.isprintable()
    for choice in ("none", "refuse", "accept"):
        visitor = supposed_visitor(policy, choice)
        for url in ("https://www.shop.test/collect?tid=1&v=1", "https://ads.test/"):
            asked = exchange(url, cookie="_st=1; sid=2; x", set_cookies=["_st=1; Max-Age=99999999", "sid=1; Max-Age=9"])
            decide(policy, visitor, asked)
    decide(policy, NO_CHOICE, exchange("https://who.test/"))
