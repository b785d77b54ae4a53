"""No document is too odd to be checked, and one without a fault can be compiled, decided on and written down."""

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cmp.core.classify import host_suffixes
from cmp.core.consent import NO_CHOICE, Visitor, supposed_visitor
from cmp.core.considered import considered
from cmp.core.cookies import RequestCookie, read_set_cookie
from cmp.core.decide import decide
from cmp.core.decision import EditKind, Reason
from cmp.core.exchange import Exchange, Kind, Phase, Unseen
from cmp.core.forms import decision_form
from cmp.core.policy import Policy, Unknown
from cmp.core.sensitive import KINDS
from cmp.core.signals import Signals
from cmp.core.urls import Url, parse_url
from cmp.policy.compile import compile_policy
from cmp.policy.compose import compose
from cmp.policy.explain import considered_lines, lines
from cmp.policy.lints import advice_of, subject_of
from cmp.policy.load import find_faults
from cmp.policy.promises import answered
from cmp.policy.schema import faults_of_form, schema_of, validator
from cmp.sites import registrable_domain
from cmp.wire.csp import CSP_LIMIT, strict_csp
from cmp.wire.guard import guard_script, guard_table
from tests.core.examples import NOW, compiled, exchange, shop
from tests.policy.from_schema import COOKIES, EVENTS, HOSTS, broken, documents
from tests.wire.test_csp import PAGE, admits, has_path_rules

# -- documents

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
    ["id", "name", "hosts", "path", "query", "category", "cookies", "en", "basis", "catalogue", "events", "sensitive"]
) | st.text(max_size=3)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=6
)
schema: Mapping[str, Any] = schema_of()
from_schema = documents(schema)
SHOP = shop(catalogue={"adopt": []}, sites=["shop.test"], promises=[], controller={"name": "Shop"})
# What the words of `from_schema` refer to, so that most documents have no fault besides those drawn.
_NEEDED: dict[str, Any] = {
    "categories": {
        "necessary": {"basis": "necessary", "title": {"en": "Necessary"}},
        **{id_: {"basis": "consent", "title": {"en": id_}} for id_ in ("analytics", "ads", "chat")},
    },
    "events": {event: {"path": f"/api/{event}*"} for event in EVENTS},
    "vendors": [
        {"id": "stats", "name": "Stats", "category": "analytics", "hosts": ["stats.test"]},
        {"id": "pay", "name": "Pay", "category": "necessary", "hosts": ["pay.test"]},
    ],
}


@st.composite
def policies(draw: st.DrawFn) -> dict[str, Any]:
    """A document from the schema with what its words refer to; of the parts that clash, one is left out."""
    drawn = draw(from_schema)
    document = {**drawn, "sites": ["shop.test"], "languages": ["en"]}
    document["categories"] = {**drawn["categories"], "necessary": _NEEDED["categories"]["necessary"]}
    for id_, category in _NEEDED["categories"].items():
        document["categories"].setdefault(id_, category)
    for category in document["categories"].values():
        _agree(category)
    document["events"] = {**_NEEDED["events"], **drawn.get("events", {})}
    document["vendors"] = _apart([*copy.deepcopy(_NEEDED["vendors"]), *drawn.get("vendors", [])])
    document.setdefault("catalogue", {"adopt": ["hotjar"]})
    document["catalogue"]["categories"] = dict.fromkeys(
        ("advertising", "analytics", "functional", "infrastructure", "media", "social"), "analytics"
    )
    for signal in document.get("signals", {}).values():
        if signal["denies"] != "all":
            signal["denies"] = [id_ for id_ in signal["denies"] if id_ != "necessary"]
    document.get("rights", {}).pop("referTo", None)
    for name in ("contradictions", "presume", "promises"):
        document.pop(name, None)
    return document


def _agree(category: dict[str, Any]) -> None:
    """Takes out what of a category contradicts the rest of it."""
    if category["basis"] == "legitimate-interest":
        category["basis"] = "consent"
    if category["basis"] == "exempt":
        category.setdefault("exemption", "other")
    else:
        category.pop("exemption", None)
    if category["basis"] == "necessary":
        for key in ("never", "default", "after"):
            category.pop(key, None)
    if category.get("never"):
        category.pop("default", None)
        category.pop("after", None)


def _apart(vendors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The vendors, each with hosts and an id of its own."""
    taken: set[str] = set()
    for n, vendor in enumerate(vendors):
        vendor.pop("catalogue", None)
        vendor["id"] = vendor["id"] if n < 2 else f"vendor-{n}"
        vendor["hosts"] = [host for host in vendor.get("hosts", []) if host not in taken]
        taken |= set(vendor["hosts"])
        for use in vendor.get("uses", []):
            use.pop("hosts", None)
        vendor["uses"] = [use for use in vendor.get("uses", []) if len(use) > 1]
        for signature in vendor.get("signatures", []):
            if not signature.get("path", "/x").strip("/*"):
                signature.setdefault("host", "stats.test")
    return vendors


anything = (
    policies()
    | from_schema
    | broken(policies(), values, keys)
    | broken(st.just(SHOP), values, keys)
    | st.dictionaries(keys, values, max_size=3)
)

# -- what is asked of a policy

hosts = st.sampled_from([*(host for host in HOSTS if host.isascii()), "www.shop.test", "unknown.test", "x.stats.test"])
urls = st.builds(
    lambda scheme, host, path: parse_url(f"{scheme}://{host}{path}"),
    st.sampled_from(["https", "http", "wss"]),
    hosts,
    st.sampled_from(
        ["/", "/collect?tid=1&v=2&uid=3", "/collect/x", "/billing/1", "/api/message", "/tr", "/api/open?a"]
    ),
)
names = st.sampled_from([*(name.replace("*", "1") for name in COOKIES), "", "x"])


@st.composite
def exchanges(draw: st.DrawFn) -> Exchange:
    url, kind = draw(urls), draw(st.sampled_from(Kind))
    page = url if kind is Kind.DOCUMENT else draw(st.none() | urls)
    tails = st.sampled_from(["", "; Max-Age=0", "; Max-Age=99999999", "; HttpOnly", "; Secure; Max-Age=9"])
    answers = draw(st.lists(st.tuples(names, tails), max_size=2))
    carried = [*sorted(KINDS), "cookie:sid"]
    return Exchange(
        method=draw(st.sampled_from(["GET", "POST"])),
        url=url,
        host_site=registrable_domain(url.host),
        page=page,
        page_site=registrable_domain(page.host) if page else "",
        kind=kind,
        phase=Phase.RESPONSE if answers else Phase.REQUEST,
        time=NOW,
        signals=draw(signals),
        cookies=tuple(RequestCookie(name, "1") for name in draw(st.lists(names, max_size=3))),
        set_cookies=tuple(read_set_cookie(f"{name}=1{tail}") for name, tail in answers),
        unseen=frozenset(draw(st.lists(st.sampled_from(Unseen), max_size=1))),
        referrer=draw(st.sampled_from(["", "https://www.shop.test/a?b", "https://www.shop.test/", "nonsense"])),
        header_names=frozenset(draw(st.lists(st.sampled_from(["x-client-data", "x-forwarded-for", "cookie"])))),
        content_type=draw(st.sampled_from(["", "application/json", "text/ping", "image/png"])),
        carries=frozenset(draw(st.lists(st.sampled_from(carried), max_size=2))),
    )


signals = st.builds(Signals, gpc=st.booleans(), dnt=st.none() | st.booleans())


@st.composite
def visitors(draw: st.DrawFn, policy: Policy) -> Visitor:
    things = st.lists(st.sampled_from([*policy.categories, *(f"vendor:{id_}" for id_ in policy.vendors)]), max_size=3)
    return Visitor(
        granted=frozenset(draw(things)),
        refused=frozenset(draw(things)),
        shown_with=draw(signals),
        place=draw(st.sampled_from(["", "DE", "US", "US-CA", "GB"])),
        events=frozenset(draw(st.lists(st.sampled_from(EVENTS), max_size=2))),
    )


# -- properties

each = {"derandomize": True, "deadline": None, "suppress_health_check": list(HealthCheck)}
some, many = settings(max_examples=50, **each), settings(max_examples=2_000, **each)  # type: ignore[arg-type]


@some
@given(st.data(), anything)
def test_checking_never_fails_and_what_passes_can_be_worked_with(data: st.DataObject, document: Any) -> None:
    _check_what_passes(data, document)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@many
@given(st.data(), anything)
def test_over_many_documents_checking_never_fails(data: st.DataObject, document: Any) -> None:
    _check_what_passes(data, document)


def _check_what_passes(data: st.DataObject, document: Any) -> None:
    faults = find_faults(document)
    # However it is checked that a document fits the schema, it is the schema that says so.
    assert bool(faults_of_form(document)) is not validator().is_valid(document)
    for fault in faults:
        assert fault.what
        assert fault.remedy
        assert fault.pointer == "" or fault.pointer.startswith("/")
    if faults:
        return
    policy = compile_policy(document)
    assert policy.fallback.csp.isprintable()
    for advice in advice_of(subject_of(document, policy, NOW)):
        assert advice.what
        assert advice.remedy
    for promise in answered(document, {"x"}):
        assert promise.title
    # Who works for a client holds to both.
    composed = compose([policy, compiled()])
    for asked in (policy, composed):
        visitor = data.draw(visitors(asked))
        _check_a_decision(asked, visitor, data.draw(exchanges()))
        _check_what_is_written(asked, visitor, data.draw(signals))
    for choice in ("none", "refuse", "accept"):
        visitor = supposed_visitor(policy, choice)
        asked_for = exchange("https://www.shop.test/collect?tid=1", cookie="_st=1; x", set_cookies=["sid=1; Max-Age=9"])
        _check_a_decision(policy, visitor, asked_for)
    _check_a_decision(policy, NO_CHOICE, exchange("https://who.test/"))


def _check_a_decision(policy: Policy, visitor: Visitor, asked: Exchange) -> None:
    decision = decide(policy, visitor, asked)
    assert json.loads(json.dumps(decision_form(decision)))["action"] == decision.action
    assert all(line.strip() for line in lines(policy, decision))
    told = considered(policy, visitor, asked)
    answers = [one.ruling for one in told if one.about == "request" and one.ruling is not None]
    assert decision.ruling in answers
    assert all(line.strip() for line in considered_lines(policy, told))
    if policy.parts:
        parts = [decide(part, visitor, asked).ruling for part in policy.parts]
        if decision.ruling not in parts:
            # What one says of vendors that another names, neither says alone (`test_compose.py`).
            assert decision.ruling.reason in (Reason.OUTSIDE_REGION, Reason.UNAUTHORISED)
            assert any(ruling.allowed and ruling.vendor == decision.ruling.vendor for ruling in parts)
        if any(not ruling.allowed and not ruling.rule.startswith("unknown.") for ruling in parts):
            assert decision.blocked, "the strictest counts"
    marked = {edit.name for edit in decision.edits if edit.kind is EditKind.MARK_EVENT}
    assert marked <= set(decision.events) <= {event.id for event in policy.events}


def _check_what_is_written(policy: Policy, visitor: Visitor, sent: Signals) -> None:
    json.dumps(guard_table(policy, visitor, sent, PAGE))
    script = guard_script(policy, visitor, sent, PAGE)
    assert "</" not in script
    assert "<!--" not in script
    csp = strict_csp(policy, visitor, sent, PAGE, ["pay.test", "unknown.test"], reserved="/.consent/")
    assert (csp is None) is (policy.unknown_host is not Unknown.DENY)
    if csp is not None:
        assert csp.isascii()
        assert csp.isprintable()
        assert len(csp) <= CSP_LIMIT


@some
@given(st.data(), policies())
def test_the_header_admits_a_host_if_and_only_if_it_is_allowed_directly(data: st.DataObject, document: Any) -> None:
    _check_what_is_admitted(data, document)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@many
@given(st.data(), policies())
def test_over_many_policies_the_header_admits_what_is_allowed(data: st.DataObject, document: Any) -> None:
    _check_what_is_admitted(data, document)


def _check_what_is_admitted(data: st.DataObject, document: Any) -> None:
    document = {**document, "unknown": {"host": "deny"}}
    if find_faults(document):
        return
    own = compile_policy(document)
    policy = data.draw(st.sampled_from([own, compose([own, compiled()])]))
    visitor, sent = data.draw(visitors(policy)), data.draw(signals)
    named = data.draw(st.lists(hosts, max_size=4))
    csp = strict_csp(policy, visitor, sent, PAGE, named, reserved="/.consent/")
    assert csp is not None
    known = {*policy.requests.by_host, *policy.sites, *named}
    below = {f"y.{host}" for host in known if not host[0].isdigit()}
    for host in {*known, *below, "never-named.test"}:
        direct = _allowed_directly(policy, visitor, sent, host)
        if admits(csp, host, PAGE):
            # What goes to the page's own host passes the proxy, and is stopped there.
            own_host = host == PAGE.host
            assert direct or own_host or any(has_path_rules(part, host) for part in policy.each), host
        elif direct and len(csp) < CSP_LIMIT - 300:
            # Kept out though allowed is what nobody named: hosts below those declared, other hosts of the site.
            assert host not in {*named, *policy.sites}, host
            assert host not in known or any(suffix in known for suffix in list(host_suffixes(host))[1:]), host


def _allowed_directly(policy: Policy, visitor: Visitor, sent: Signals, host: str) -> bool:
    asked = Exchange(
        method="GET",
        url=Url("https", host, 443, "/", ""),
        host_site=registrable_domain(host),
        page=PAGE,
        page_site=registrable_domain(PAGE.host),
        kind=Kind.SCRIPT,
        signals=sent,
    )
    return decide(policy, visitor, asked).ruling.direct


# -- the strategies themselves


def test_most_of_what_is_made_to_fit_fits_and_has_every_part_of_a_policy() -> None:
    """Otherwise the properties above would hold of nothing."""
    fitting: list[bool] = []
    parts: set[str] = set()

    @settings(max_examples=300, database=None, **each)  # type: ignore[arg-type]
    @given(policies())
    def count(document: dict[str, Any]) -> None:
        fitting.append(not find_faults(document))
        parts.update(document if fitting[-1] else ())

    count()
    assert sum(fitting) > len(fitting) / 2
    never_drawn = {"$schema", "successor", "contradictions", "presume", "promises"}
    # One or the other may be left out by chance.
    assert len(set(schema["properties"]) - never_drawn - parts) <= 3
