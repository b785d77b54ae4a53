"""Every request of the real captures: what is found in it was read by a person, and nothing else is found."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cmp.capture.bodies import posted
from cmp.core.sensitive import COORDINATES, find_in_body, find_in_url
from cmp.core.urls import UrlError, parse_url
from tests.shared import needs_shared, shared

pytestmark = [pytest.mark.shared, needs_shared]


def requests(path: Path) -> Iterator[dict[str, Any]]:
    try:
        document = json.loads(path.read_bytes().decode("utf-8-sig", "replace"))
    except ValueError:
        return
    entries = document.get("log", {}).get("entries", [])
    yield from (entry["request"] for entry in entries if "url" in entry["request"])


def test_nothing_is_found_by_mistake() -> None:
    counted, bodies, hits = 0, 0, []
    for path in sorted(shared("captures/har").glob("*.har")):
        for request in requests(path):
            try:
                url = parse_url(request["url"])
            except UrlError:
                continue
            counted += 1
            body, type_ = posted(request.get("postData"))
            bodies += bool(body)
            found = find_in_url(url) | find_in_body(body, type_)
            hits += [(url.host, kind) for kind in found]
    assert (counted, bodies) == (4_757, 59)
    # A bid request with the visitor's latitude and longitude.
    assert hits == [("usw-lax.adsrvr.org", COORDINATES)]
