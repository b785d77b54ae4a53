"""A real site, captured once and served back on loopback, browsed in real Chromium through the proxy.

What reached third parties must be what `explain` says, to the request; and the flow file of the visit, replayed, must
give the decisions taken live. `make test` browses two, `make soak` the others.
"""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
from playwright.sync_api import Page, Request

from addons.connect_to import Route
from cmp import resources
from cmp.capture.reading import read_capture
from cmp.core.decide import decide
from cmp.core.forms import decision_form
from cmp.core.urls import parse_url
from cmp.policy.document import read_document
from cmp.policy.load import policy_of
from cmp.proxy import ProxySettings
from cmp.sites import registrable_domain
from tests.browser.captured_site import Asked, read_site, serving
from tests.browser.chromium import needs_chromium, running_chromium
from tests.called import called
from tests.live import running_proxy
from tests.shared import needs_shared, shared

pytestmark = [pytest.mark.browser, pytest.mark.shared, needs_chromium, needs_shared]


def strict(**changes: object) -> dict[str, Any]:
    return {**read_document(resources.policies() / "strict.json"), **changes}


FONTS = [{"id": "google-fonts", "catalogue": "google-fonts", "category": "necessary"}]
NGHTTP2 = ("captures/har/micmro__chrome_h2_www.nghttp2.org.har", "https://www.nghttp2.org/")
SITESPEED = ("captures/har/sitespeedio__run.sitespeed.io.har", "https://run.sitespeed.io/")
H2O = ("captures/har/micmro__chrome_h2_h2o.examp1e.net.har", "https://h2o.examp1e.net/")
CNN_MOBILE = ("captures/odd/janodvarko__www-cnn-com.har", "http://www.cnn.com/")


@pytest.mark.parametrize(
    "capture, start, document, reached, stopped",
    [
        pytest.param(
            *NGHTTP2,
            strict(),
            {"ajax.googleapis.com"},
            {"fonts.googleapis.com", "platform.twitter.com"},
            id="nghttp2-strict",
            marks=pytest.mark.soak,
        ),
        pytest.param(
            *NGHTTP2,
            strict(vendors=FONTS),
            {"ajax.googleapis.com", "fonts.googleapis.com", "fonts.gstatic.com"},
            {"platform.twitter.com"},
            id="nghttp2-fonts-authorised",
        ),
        pytest.param(
            *SITESPEED, strict(), set(), {"www.google-analytics.com"}, id="sitespeed-strict", marks=pytest.mark.soak
        ),
        pytest.param(
            *H2O, strict(), set(), {"www.google-analytics.com", "ghbtns.com"}, id="h2o-strict", marks=pytest.mark.soak
        ),
        pytest.param(*CNN_MOBILE, strict(), set(), {"bango.net"}, id="cnn-mobile-plain-http"),
    ],
)
def test_third_parties_are_reached_as_explained(
    capture: str, start: str, document: Mapping[str, Any], reached: set[str], stopped: set[str], tmp_path: Path
) -> None:
    home = registrable_domain(parse_url(start).host)
    policy_file = tmp_path / "policy.json"
    policy_file.write_text(json.dumps(document))
    policy, record = policy_of(document, "strict"), tmp_path / "visit.flow"
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    asked: list[dict[str, str]] = []
    ended: list[str] = []

    with serving(read_site(shared(capture)), authority, reached) as site:
        settings = ProxySettings(
            "regular",
            routes=(Route("", 80, "127.0.0.1", site.port), Route("", 443, "127.0.0.1", site.tls_port)),
            record=record,
            upstream_ca=tmp_path / "ca.pem",
            confdir=tmp_path / "conf",
        )
        with running_proxy(policy, settings) as proxy, running_chromium(proxy.port) as browser:
            page = browser.new_page(ignore_https_errors=True)
            page.on(
                "request",
                lambda request: asked.append(
                    {
                        "url": request.url,
                        "page": start,
                        "type": _kind(request),
                        "method": request.method,
                    }
                ),
            )
            page.on("requestfinished", lambda request: ended.append(request.url))
            page.on("requestfailed", lambda request: ended.append(request.url))
            page.goto(start, wait_until="load")
            page.mouse.wheel(0, 5_000)
            _settle(page, asked, ended)
            assert page.title()

    def third_party(url: str) -> bool:
        return registrable_domain(parse_url(url).host) != home

    third = [question for question in asked if third_party(question["url"])]
    judged = list(zip(third, _explain(policy_file, third, tmp_path), strict=True))
    allowed = [Asked(question["method"], question["url"]) for question, found in judged if found["action"] != "block"]
    arrived = [request for request in site.asked if third_party(request.url)]
    assert Counter(arrived) == Counter(allowed)
    assert {parse_url(request.url).host for request in arrived} == reached
    assert {parse_url(question["url"]).host for question, found in judged if found["action"] == "block"} == stopped
    assert [request for request in site.asked if not third_party(request.url)]

    recorded = read_capture(record)
    seen = Counter(str(entry.asked.url) for entry in recorded.entries)
    assert not Counter(str(parse_url(question["url"])) for question in third) - seen
    for entry in recorded.entries:
        assert entry.recorded is not None
        assert entry.visitor is not None
        assert decision_form(decide(policy, entry.visitor, entry.asked)) == entry.recorded.decision


def _settle(page: Page, asked: list[dict[str, str]], ended: list[str]) -> None:
    """Wait until what the page asked for has come, and it has asked for nothing new for a second. (An icon, which is
    not counted, can leave the browser never idle.)"""
    for _ in range(180):
        before = len(asked)
        page.wait_for_timeout(1_000)
        if len(asked) == len(ended) == before:
            return


def _kind(request: Request) -> str:
    if not request.is_navigation_request():
        return request.resource_type
    return "document" if request.frame.parent_frame is None else "frame"


def _explain(policy: Path, questions: list[dict[str, str]], folder: Path) -> list[dict[str, Any]]:
    batch = folder / "asked.jsonl"
    batch.write_text("".join(json.dumps(question) + "\n" for question in questions))
    said = called("explain", "--policy", str(policy), "--batch", str(batch))
    assert said.status == 0, said.err
    return [json.loads(line) for line in said.out.splitlines()]
