"""The shipped vendor catalogue: facts that hold together."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cmp import resources
from cmp.core.classify import Party, host_suffixes
from cmp.core.urls import parse_host, parse_url
from cmp.policy.catalogue import catalogue, catalogue_categories
from cmp.policy.document import read_document
from cmp.policy.schema import validator
from cmp.sites import is_public_suffix
from tests.shipped import shipped_policy

FILES = sorted((resources.policies() / "catalogue").glob("*.json"))
VENDORS: list[tuple[Path, dict[str, Any]]] = [(path, item) for path in FILES for item in read_document(path)["vendors"]]
COOKIES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (item, cookie) for _, item in VENDORS for cookie in item.get("cookies", [])
]
PAGE = parse_url("https://shop.example/")


def _example_of(signature: dict[str, Any]) -> str:
    """A URL that the signature describes: stars stand for "1", names without a value have the value 1."""
    pairs = [text if "=" in text else f"{text}=1" for text in signature.get("query", [])]
    path = signature.get("path", "/").replace("*", "1")
    path = path if path.startswith("/") else f"/{path}"
    return f"https://{signature.get('host', 'stats.shop.example')}{path}?{'&'.join(pairs).replace('*', '1')}"


def _whose(url: str) -> str | None:
    rule = shipped_policy("default").requests.find(parse_url(url), PAGE)
    return rule.vendor if rule else None


def test_six_categories() -> None:
    assert catalogue_categories() == {"advertising", "analytics", "functional", "infrastructure", "media", "social"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_has_the_form_of_its_schema_and_the_name_of_its_category(path: Path) -> None:
    document = read_document(path)
    assert [error.message for error in validator("catalogue").iter_errors(document)] == []
    assert document["category"] == path.stem


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_vendors_are_sorted_by_id(path: Path) -> None:
    ids = [item["id"] for item in read_document(path)["vendors"]]
    assert ids == sorted(ids)


def test_at_least_four_hundred_vendors_each_once_over_all_files() -> None:
    ids = [item["id"] for _, item in VENDORS]
    assert len(ids) == len(set(ids)) == len(catalogue())
    assert sum(bool(item.get("hosts") or item.get("signatures")) for _, item in VENDORS) >= 400


def test_at_least_six_hundred_cookies_with_usual_lifetime_and_purpose() -> None:
    whole = {cookie["name"] for _, cookie in COOKIES if cookie.get("lifetime") and cookie.get("purpose")}
    assert len(whole) >= 600


def test_every_cookie_says_what_it_is_for_and_how_long_it_lives_unless_the_site_decides_that() -> None:
    assert [(item["id"], cookie["name"]) for item, cookie in COOKIES if not cookie.get("purpose")] == []
    own = {item["id"] for _, item in VENDORS if item["company"] == "The site itself"}
    assert [(v["id"], cookie["name"]) for v, cookie in COOKIES if "lifetime" not in cookie and v["id"] not in own] == []


def test_no_vendor_is_called_like_a_category() -> None:
    # "adopt" takes both.
    assert not catalogue_categories() & set(catalogue())


def test_a_host_has_one_vendor() -> None:
    owners: dict[str, str] = {}
    for _, item in VENDORS:
        for host in item.get("hosts", []):
            assert owners.setdefault(host, item["id"]) == item["id"], host


def test_a_vendor_names_no_host_below_another_of_its_own() -> None:
    for _, item in VENDORS:
        hosts = set(item.get("hosts", []))
        assert [host for host in hosts if hosts.intersection([*host_suffixes(host)][1:])] == [], item["id"]


def test_a_request_to_a_host_is_of_the_vendor_that_names_it() -> None:
    named = [
        (item["id"], url)
        for _, item in VENDORS
        for host in item.get("hosts", [])
        for url in (f"https://{host}/", f"https://a.{host}/b/c.js")
    ]
    assert [(vendor, url, found) for vendor, url in named if (found := _whose(url)) != vendor] == []


def test_a_request_of_a_signature_is_of_the_vendor_that_names_it() -> None:
    named = [(item["id"], _example_of(one)) for _, item in VENDORS for one in item.get("signatures", [])]
    assert [(vendor, url, found) for vendor, url in named if (found := _whose(url)) != vendor] == []


def test_a_cookie_is_of_the_vendor_that_names_it() -> None:
    # No pattern of one vendor swallows a name of another, and no two claim the same name at the same place.
    known, lost = shipped_policy("default").cookies, []
    for item, cookie in COOKIES:
        name, stranger = cookie["name"].replace("*", "1"), "shop.example"
        for host in cookie.get("hosts", [stranger]):
            rule = known.find(name, host, Party.FIRST if host == stranger else Party.THIRD)
            if rule is None or rule.vendor != item["id"]:
                lost.append((item["id"], cookie["name"], host, rule.id if rule else None))
    assert lost == []


def test_a_host_a_cookie_is_limited_to_is_no_other_vendors_whole() -> None:
    owners = {host: item["id"] for _, item in VENDORS for host in item.get("hosts", [])}
    companies = {item["id"]: item["company"] for _, item in VENDORS}
    strangers = [
        (item["id"], cookie["name"], host)
        for item, cookie in COOKIES
        for host in cookie.get("hosts", [])
        for owner in [next((owners[suffix] for suffix in host_suffixes(host) if suffix in owners), item["id"])]
        if companies[owner] != item["company"]
    ]
    assert strangers == []


def test_hosts_are_written_as_they_are_compared_and_are_nobodys_suffix() -> None:
    hosts = {
        host
        for _, item in VENDORS
        for host in [
            *item.get("hosts", []),
            *(signature["host"] for signature in item.get("signatures", []) if "host" in signature),
            *(host for cookie in item.get("cookies", []) for host in cookie.get("hosts", [])),
        ]
    }
    assert [host for host in sorted(hosts) if parse_host(host) != host or host.startswith(".") or ".." in host] == []
    # Of such a host a signature names one folder.
    in_folders = {
        signature["host"]
        for _, item in VENDORS
        for signature in item.get("signatures", [])
        if "host" in signature and signature.get("path", "*").count("/") > 1
    }
    assert [host for host in sorted(hosts - in_folders) if is_public_suffix(host)] == []


def test_a_signature_says_more_than_a_host_of_its_vendor() -> None:
    for _, item in VENDORS:
        for signature in item.get("signatures", []):
            assert signature.get("path") or signature.get("query"), item["id"]
            if "host" not in signature:
                assert signature["path"].strip("/*"), item["id"]


def test_a_vendor_can_be_recognised() -> None:
    assert [
        item["id"] for _, item in VENDORS if not (item.get("hosts") or item.get("signatures") or item.get("cookies"))
    ] == []


def test_a_vendor_declares_no_cookie_twice() -> None:
    for _, item in VENDORS:
        names = [(cookie["name"], tuple(sorted(cookie.get("hosts", [])))) for cookie in item.get("cookies", [])]
        assert len(names) == len(set(names)), item["id"]


def test_a_cookie_pattern_is_no_catch_all() -> None:
    short = [
        (item["id"], cookie["name"])
        for _, item in VENDORS
        for cookie in item.get("cookies", [])
        if "*" in cookie["name"] and len(cookie["name"].strip("*_-")) < 2 and "hosts" not in cookie
    ]
    assert short == []


def test_no_control_character_anywhere() -> None:
    for path in FILES:
        text = json.dumps(read_document(path), ensure_ascii=False)
        assert not re.search(r"\\[nrtbf]|\\u00[01]|[\x7f-\x9f]", text), path.name
