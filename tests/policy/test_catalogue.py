"""The shipped vendor catalogue: facts that hold together."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from cmp import resources
from cmp.core.urls import parse_host
from cmp.policy.catalogue import catalogue, catalogue_categories
from cmp.policy.document import read_document
from cmp.policy.schema import validator
from cmp.sites import is_public_suffix

FILES = sorted((resources.policies() / "catalogue").glob("*.json"))
VENDORS: list[tuple[Path, dict[str, Any]]] = [(path, item) for path in FILES for item in read_document(path)["vendors"]]


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


def test_at_least_sixty_vendors_each_once_over_all_files() -> None:
    ids = [item["id"] for _, item in VENDORS]
    assert len(ids) == len(set(ids)) == len(catalogue()) >= 60


def test_no_vendor_is_called_like_a_category() -> None:
    # "adopt" takes both.
    assert not catalogue_categories() & set(catalogue())


def test_a_host_has_one_vendor() -> None:
    owners: dict[str, str] = {}
    for _, item in VENDORS:
        for host in item.get("hosts", []):
            assert owners.setdefault(host, item["id"]) == item["id"], host


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
    assert [host for host in sorted(hosts) if is_public_suffix(host)] == []


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
