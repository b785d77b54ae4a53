"""The policies that come with the product."""

import re
from pathlib import Path

import pytest

from cmp import resources
from cmp.core.consent import NO_CHOICE
from cmp.core.decide import decide
from cmp.core.exchange import Kind
from cmp.core.on_cookies import rule_on_cookie
from cmp.core.policy import Unknown
from cmp.policy.document import read_document
from cmp.policy.load import default_policy, find_faults, load_policy
from tests.core.examples import exchange

POLICIES = sorted(resources.policies().glob("*.json"))
SOURCES = {
    "stellaservice": "SS",
    # The promises of StellaService in German, and three more.
    "stella-connect": "(?:SS|SC)",
    "hellocustomer": "HC",
    "customersat": "CS",
    "customerly": "CU",
}
# A client's own policy, which those of its processors are composed with.
CLIENTS = sorted((resources.policies() / "clients").glob("*.json"))
PROCESSORS = ("stellaservice", "stella-connect", "customersat")
PROMISES = Path(__file__).parents[2] / "shared" / "promises.md"


def test_seven_policies() -> None:
    assert {path.stem for path in POLICIES} == {"default", "strict", *SOURCES}


def test_one_example_of_a_clients_policy() -> None:
    assert [path.stem for path in CLIENTS] == ["example"]
    assert find_faults(read_document(CLIENTS[0])) == []


@pytest.mark.parametrize("name", PROCESSORS)
def test_who_works_for_a_client_is_composed_with_the_clients_policy(name: str) -> None:
    policy = load_policy(resources.policies() / f"{name}.json")
    assert [part.id for part in policy.parts] == [name, "example-hotels"]
    assert policy.sites == {
        *load_policy(CLIENTS[0]).sites,
        *read_document(resources.policies() / f"{name}.json")["sites"],
    }


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_a_policy_has_no_fault_and_is_called_like_its_file(path: Path) -> None:
    assert find_faults(read_document(path)) == []
    assert load_policy(path).id == path.stem


def test_no_two_policies_have_the_same_fingerprint() -> None:
    assert len({load_policy(path).fingerprint for path in POLICIES}) == len(POLICIES)


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_policy_denies_what_it_does_not_name(name: str) -> None:
    policy = load_policy(resources.policies() / f"{name}.json")
    assert (policy.unknown_host, policy.unknown_cookie, policy.presume_http_only_session) == (
        *(Unknown.DENY, Unknown.DENY),
        False,
    )


def test_default_and_strict_differ_in_what_is_unknown_only() -> None:
    default, strict = (read_document(resources.policies() / f"{name}.json") for name in ("default", "strict"))
    differing = {key for key in {*default, *strict} if default.get(key) != strict.get(key)}
    assert differing == {"id", "title", "unknown", "presume"}
    assert default_policy().unknown_host is Unknown.REPORT


@pytest.mark.parametrize("path", POLICIES, ids=lambda path: path.stem)
def test_a_well_known_tracker_is_stopped_before_any_choice(path: Path) -> None:
    policy = load_policy(path)
    asked = exchange("https://www.google-analytics.com/g/collect?v=2&tid=G-1")
    ruling = decide(policy, NO_CHOICE, asked).ruling
    assert (ruling.allowed, ruling.vendor) == (False, "google-analytics")


@pytest.mark.parametrize("name", ["default", "strict"])
@pytest.mark.parametrize(
    "cookie",
    [
        pytest.param("sessionid", id="Django's session"),
        pytest.param("csrftoken", id="Django's forms"),
        pytest.param("messages", id="Django's messages"),
        pytest.param("oscar_open_basket", id="what lies in the basket of Oscar"),
        pytest.param("session", id="Flask's session"),
        pytest.param("_xsrf", id="Tornado's forms"),
        pytest.param("username-lab-shop-test", id="who is signed in to Jupyter"),
    ],
)
def test_what_a_framework_needs_travels_before_any_choice_and_nobody_has_to_declare_it(name: str, cookie: str) -> None:
    asked = exchange("https://www.shop.test/admin/", kind=Kind.DOCUMENT)
    ruling = rule_on_cookie(load_policy(resources.policies() / f"{name}.json"), NO_CHOICE, asked, cookie)
    assert (ruling.allowed, ruling.reported, ruling.category) == (True, False, "necessary")


@pytest.mark.parametrize("name", SOURCES)
def test_a_source_policy_invents_no_host_of_somebody_real(name: str) -> None:
    """What it names itself is on its own domain, out of the catalogue, or reserved for examples (RFC 2606)."""
    document = read_document(resources.policies() / f"{name}.json")
    own = document["sites"][0]
    for vendor in document["vendors"]:
        for host in [*vendor.get("hosts", []), *(one.get("host", "") for one in vendor.get("signatures", []))]:
            assert f".{host}".endswith((f".{own}", ".example.test")), host


@pytest.mark.shared
@pytest.mark.skipif(not PROMISES.is_file(), reason="../shared/promises.md is not there")
@pytest.mark.parametrize("name, prefix", SOURCES.items())
def test_a_source_policy_lists_every_promise_of_its_document(name: str, prefix: str) -> None:
    listed = re.findall(rf"^\| ({prefix}-[0-9]+) \|", PROMISES.read_text("utf-8"), re.MULTILINE)
    assert listed
    promises = [promise["id"] for promise in read_document(resources.policies() / f"{name}.json")["promises"]]
    assert sorted(promises) == sorted(listed)
