"""The first-party relay: to declared hosts of a reduced vendor and nobody else, with nothing that identifies."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from mitmproxy import http

from addons.connect_to import Route
from addons.enforce import Enforce
from cmp.capture.reading import read_capture
from cmp.core.consent import Visitor, supposed_visitor
from cmp.core.decide import decide
from cmp.core.forms import decision_form
from cmp.core.policy import Policy
from cmp.live.enforcement import ConsentServer, Enforcement
from cmp.seal.cookie import write_cookie
from cmp.seal.keys import SigningKeys, make_keys
from cmp.seal.site import ConsentSite
from tests.addons.test_enforce import SITE, shop_policy
from tests.addons.tls_front import Front, tls_front
from tests.live import Arrived, Got, Upstream, answer, reverse, running_proxy, running_upstream, send

API, TRACKER, INTERNAL = "api.feedback.test", "px.tracker.test", "169.254.169.254"
RELAY = "/.consent/relay"
NOW = 1_800_000_000.0
FORM = ("Content-Type", "application/x-www-form-urlencoded")
SITE_OF_OURS = ConsentSite(f"http://{SITE}")

LOCATIONS = {
    "/to-declared": f"https://{API}/other?x=1",
    "/to-path": "../deeper",
    "/to-stranger": "https://evil.test/steal",
    "/to-plain": f"http://{API}/x",
    "/to-internal": f"https://{INTERNAL}/latest",
}


TYPES = {
    "/script": "text/javascript",
    "/module": "Application/JavaScript; charset=utf-8",
    "/xml": "application/xml",
    "/xslt": "application/xslt+xml",
    "/odd": "text/plain, application/javascript",
    "/untyped": "",
    "/styles": "text/css; charset=utf-8",
    "/linked": "application/ld+json",
    "/film": "video/mp4",
}


def policy(**changes: object) -> Policy:
    categories = {
        "necessary": {"basis": "necessary", "title": {"en": "Necessary"}},
        "analytics": {"basis": "consent", "title": {"en": "Analytics"}},
        "trends": {"basis": "consent", "title": {"en": "Trends"}, "treatment": "reduce"},
        "profiles": {"basis": "consent", "title": {"en": "Profiles"}, "treatment": "reduce", "never": True},
    }
    vendors = [
        {
            "id": "feedback",
            "name": "Feedback",
            "category": "trends",
            "hosts": [API],
            "uses": [{"category": "analytics", "paths": ["/profile*"]}],
        },
        {"id": "tracker", "name": "Tracker", "category": "analytics", "hosts": ["tracker.test", TRACKER]},
        {"id": "profiler", "name": "Profiler", "category": "profiles", "hosts": ["profiler.test"]},
    ]
    return shop_policy(**{"categories": categories, "vendors": vendors, "sites": ["shop.test"], **changes})


def vendor_answers(request: Arrived) -> bytes:
    path = request.target.partition("?")[0]
    if path in LOCATIONS:
        return answer(b"", ("Location", LOCATIONS[path]), status="302 Found")
    types = {"/page": "text/html", "/picture": "image/svg+xml", "/data": "application/json", **TYPES}
    stated = types.get(path, "text/plain")
    return answer(
        b"<script>alert(1)</script>",
        *([("Content-Type", stated)] if stated else []),
        ("Set-Cookie", "visitor=v; Path=/"),
        ("Clear-Site-Data", '"cookies"'),
        ("Strict-Transport-Security", "max-age=1"),
        ("Service-Worker-Allowed", "/"),
        ("Refresh", "0; url=https://evil.test/"),
        ("ETag", '"for-you-alone"'),
        ("Cache-Control", "max-age=99999"),
    )


@dataclass
class World:
    """A proxy in front of a site, with a vendor behind TLS; both are the same recording upstream."""

    port: int
    upstream: Upstream
    front: Front
    keys: SigningKeys
    policy: Policy

    def relay(self, target: str, *fields: tuple[str, str], method: str = "GET", body: bytes = b"") -> Got:
        named = {name for name, _ in fields}
        page = [("Host", SITE), ("Referer", f"http://{SITE}/account/42"), ("Accept", "*/*")]
        page = [field for field in page if field[0] not in named]
        return send(self.port, f"{RELAY}/{target}", *page, *fields, method=method, body=body)

    def cookie(self, choice: str) -> tuple[str, str]:
        supposed = supposed_visitor(self.policy, choice)
        visitor = Visitor(supposed.granted, supposed.refused, NOW, self.policy.fingerprint)
        return "Cookie", f"consent={write_cookie(self.keys, SITE_OF_OURS, visitor)}"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream(vendor_answers) as found:
        yield found


@contextlib.contextmanager
def running_world(upstream: Upstream, folder: Path, record: Path | None = None) -> Iterator[World]:
    declared, keys = policy(), make_keys(folder / "keys.json")
    consent = ConsentServer(SITE_OF_OURS, keys.public, "127.0.0.1", 9)
    with tls_front(upstream.port, folder, API, TRACKER, "profiler.test") as front:
        # Whatever is asked for by HTTPS is here, so that nothing that should not leave has anywhere else to go.
        settings = replace(
            reverse(upstream, record),
            routes=(Route("", 443, "127.0.0.1", front.port),),
            upstream_ca=front.authority,
            confdir=folder,
        )
        with running_proxy(Enforcement(declared, None, consent, clock=lambda: NOW), settings) as proxy:
            yield World(proxy.port, upstream, front, keys, declared)


# One proxy at a time: what is recorded is a class of its own below.
@pytest.fixture(scope="class")
def world(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(upstream, tmp_path_factory.mktemp("world")) as found:
        yield found


@pytest.fixture(autouse=True)
def _fresh(upstream: Upstream) -> None:
    upstream.arrived.clear()


class TestOnTheWire:
    def test_ss_2_feedback_reaches_the_analyst_without_what_identifies(self, world: World) -> None:
        body = b"score=5&email=jane%40doe.test&comment=fine"
        personal = (
            ("Cookie", "session=1; visitor=2"),
            ("X-Forwarded-For", "203.0.113.7"),
            ("Origin", f"http://{SITE}"),
        )
        got = world.relay(f"feedback/{API}/v1/answers?survey=7&uid=17", FORM, *personal, method="POST", body=body)
        (arrived,) = world.upstream.arrived
        assert (arrived.method, arrived.target, arrived.body) == (
            "POST",
            "/v1/answers?survey=7",
            b"score=5&comment=fine",
        )
        assert {name.lower() for name, _ in arrived.fields} <= {
            "host",
            "accept",
            "content-type",
            "content-length",
            "connection",
        }
        assert arrived.values("Host") == [API]
        assert world.front.names[-1] == API
        assert got.status == 200

    @pytest.mark.parametrize("choice", ["none", "refuse", "accept"])
    def test_hc_5_whatever_was_chosen_it_stays_reduced(self, world: World, choice: str) -> None:
        cookies = [world.cookie(choice)] if choice != "none" else []
        world.relay(f"feedback/{API}/v1?uid=17&score=5", *cookies)
        (arrived,) = world.upstream.arrived
        assert (arrived.target, arrived.values("Cookie"), arrived.values("Referer")) == ("/v1?score=5", [], [])

    @pytest.mark.parametrize(
        "target",
        [
            pytest.param("feedback/evil.test/x", id="host of nobody"),
            pytest.param(f"feedback/{INTERNAL}/latest/meta-data", id="address inside"),
            pytest.param("feedback/localhost/x", id="this machine"),
            pytest.param("feedback/[::1]/x", id="this machine, IPv6"),
            pytest.param(f"feedback/sub.{API}/x", id="below a declared host"),
            pytest.param("feedback/feedback.test/x", id="above a declared host"),
            pytest.param(f"feedback/{API}:8443/x", id="another port"),
            pytest.param(f"feedback/{API}@evil.test/x", id="declared host as a user name"),
            pytest.param(f"feedback/evil.test%2F{API}/x", id="host with an encoded slash"),
            pytest.param(f"feedback/{API}%00.evil.test/x", id="host with an encoded null"),
            pytest.param(f"feedback/{API}%23.evil.test/x", id="host with an encoded hash"),
            pytest.param(f"feedback//{API}/x", id="empty host"),
            pytest.param("feedback/https://evil.test/x", id="whole address"),
            pytest.param(f"tracker/{TRACKER}/x", id="vendor that is not to be reduced"),
            pytest.param(f"tracker/{API}/x", id="host of another vendor"),
            pytest.param(f"feedback/{TRACKER}/x", id="host of another vendor under this name"),
            pytest.param(f"nobody/{API}/x", id="vendor that is not declared"),
            pytest.param(f"/{API}/x", id="no vendor"),
            pytest.param("feedback", id="no host"),
            pytest.param("", id="nothing"),
            pytest.param(f"feedback/{API}/profile/17", id="path of a category that is not to be reduced"),
            pytest.param(f"feedback/{API}/%70rofile/17", id="the same, spelt otherwise"),
            pytest.param(f"feedback/{API}/x/../profile/17", id="the same, by way of another"),
            pytest.param("profiler/profiler.test/x", id="category that never passes"),
        ],
    )
    def test_nothing_else_is_reached(self, world: World, target: str) -> None:
        connections = len(world.front.names)
        assert world.relay(target).status in (400, 403)
        assert (world.upstream.arrived, len(world.front.names)) == ([], connections)

    @pytest.mark.parametrize(
        "fields",
        [
            pytest.param([("Sec-Fetch-Dest", "document"), ("Sec-Fetch-Site", "none")], id="page of its own"),
            pytest.param([("Sec-Fetch-Dest", "serviceworker"), ("Service-Worker", "script")], id="service worker"),
            pytest.param([("Sec-Fetch-Dest", "worker")], id="worker"),
            pytest.param([("Sec-Fetch-Dest", "object")], id="plug-in"),
            pytest.param([("Sec-Fetch-Dest", "script")], id="script without permission"),
            pytest.param([("Sec-Fetch-Dest", "empty"), ("Sec-Fetch-Site", "cross-site")], id="from another site"),
            pytest.param([("Referer", "http://evil.test/")], id="from another site, as far as it says"),
            pytest.param([("Upgrade", "websocket"), ("Connection", "Upgrade")], id="WebSocket"),
        ],
    )
    def test_it_is_for_what_a_page_of_the_site_sends_and_shows(
        self, world: World, fields: list[tuple[str, str]]
    ) -> None:
        assert world.relay(f"feedback/{API}/x", *fields).values("X-Consentry") == ["blocked"]
        assert world.upstream.arrived == []

    @pytest.mark.parametrize(
        "content_type, body",
        [
            pytest.param("application/json", b"{no json", id="broken"),
            pytest.param("multipart/form-data; boundary=x", b"--x--", id="another type"),
            pytest.param("application/x-www-form-urlencoded", b"a=" + b"x" * 70_000, id="too large"),
        ],
    )
    @pytest.mark.parametrize("choice", ["refuse", "accept"])
    def test_a_body_that_cannot_be_reduced_does_not_leave(
        self, world: World, content_type: str, body: bytes, choice: str
    ) -> None:
        fields = (("Content-Type", content_type), world.cookie(choice))
        got = world.relay(f"feedback/{API}/x", *fields, method="POST", body=body)
        assert got.values("X-Consentry") == ["blocked"]
        assert world.upstream.arrived == []

    @pytest.mark.parametrize("path", ["page", "picture", "data"])
    def test_the_answer_does_nothing_on_the_sites_own_origin(self, world: World, path: str) -> None:
        got = world.relay(f"feedback/{API}/{path}")
        assert got.body == b"<script>alert(1)</script>"
        (csp,) = got.values("Content-Security-Policy")
        assert {"default-src 'none'", "sandbox"} <= set(csp.split("; "))
        assert got.values("X-Content-Type-Options") == ["nosniff"]
        assert got.values("Cache-Control") == ["no-store"]
        gone = (
            "Set-Cookie",
            "Clear-Site-Data",
            "Strict-Transport-Security",
            "Service-Worker-Allowed",
            "Refresh",
            "ETag",
        )
        assert [got.values(name) for name in gone] == [[]] * len(gone)

    @pytest.mark.parametrize("path", ["script", "module", "xml", "xslt", "odd", "untyped", "page"])
    def test_without_permission_nothing_comes_back_as_a_script(self, world: World, path: str) -> None:
        # A browser without Fetch Metadata does not say that it asks for one.
        assert world.relay(f"feedback/{API}/{path}").values("Content-Type") == ["text/plain"]

    @pytest.mark.parametrize("path", ["picture", "data", "styles", "linked", "film"])
    def test_what_is_shown_or_read_keeps_its_type(self, world: World, path: str) -> None:
        expected = {"picture": "image/svg+xml", "data": "application/json"}.get(path) or TYPES[f"/{path}"]
        assert world.relay(f"feedback/{API}/{path}").values("Content-Type") == [expected]

    def test_with_permission_a_script_stays_one(self, world: World) -> None:
        got = world.relay(f"feedback/{API}/script", world.cookie("accept"), ("Sec-Fetch-Dest", "script"))
        assert got.values("Content-Type") == ["text/javascript"]

    @pytest.mark.parametrize(
        "path, location",
        [
            pytest.param("to-declared", [f"{RELAY}/feedback/{API}/other?x=1"], id="declared host"),
            pytest.param("to-path", [f"{RELAY}/feedback/{API}/deeper"], id="path"),
            pytest.param("to-stranger", [], id="host of nobody"),
            pytest.param("to-plain", [], id="plain HTTP"),
            pytest.param("to-internal", [], id="address inside"),
        ],
    )
    def test_a_redirect_leads_through_the_relay_or_nowhere(self, world: World, path: str, location: list[str]) -> None:
        got = world.relay(f"feedback/{API}/{path}")
        assert got.values("Location") == location
        assert len(world.upstream.arrived) == 1

    @pytest.mark.parametrize(
        "spelling", [f"/%2econsent/relay/feedback/{API}/x?uid=1", f"/x/../.consent/rela%79/feedback/{API}/x?uid=1"]
    )
    def test_every_spelling_of_the_path_is_the_relay(self, world: World, spelling: str) -> None:
        send(world.port, spelling, ("Host", SITE), ("Accept", "*/*"), ("Cookie", "session=1"))
        (arrived,) = world.upstream.arrived
        assert (arrived.host, arrived.target, arrived.values("Cookie")) == (API, "/x", [])

    def test_the_paths_own_encoding_arrives_as_it_was(self, world: World) -> None:
        world.relay(f"feedback/{API}/a%2Fb%20c//d?q=%41+%26&n=1")
        assert [request.target for request in world.upstream.arrived] == ["/a%2Fb%20c//d?q=%41+%26&n=1"]


def test_what_is_recorded_replays_to_the_same_decisions(upstream: Upstream, tmp_path: Path) -> None:
    file = tmp_path / "visit.flow"
    with running_world(upstream, tmp_path, file) as world:
        world.relay(f"feedback/{API}/v1?uid=17&score=5", ("Cookie", "session=1"))
        world.relay(f"feedback/{API}/v1", FORM, method="POST", body=b"uid=1&a=2")
        world.relay("feedback/evil.test/v1")
    sent, posted, refused = read_capture(file).entries
    for entry in (sent, posted, refused):
        assert entry.recorded is not None
        assert entry.visitor is not None
        assert decision_form(decide(world.policy, entry.visitor, entry.asked)) == entry.recorded.decision
    assert [entry.recorded.decision["reason"] for entry in (sent, posted) if entry.recorded] == ["reduced"] * 2
    assert str(sent.asked.url) == f"https://{API}/v1?uid=17&score=5"
    assert sent.delivered is not None
    assert str(sent.delivered.url) == f"https://{API}/v1?score=5"
    assert posted.body == b"a=2"
    assert refused.delivered is None


@pytest.mark.parametrize("step", ["_decide_request", "_decide_body", "_edit_request", "_decide_answer"])
def test_where_a_step_fails_nothing_of_the_site_leaves_and_nothing_of_the_vendor_comes(
    upstream: Upstream, tmp_path: Path, step: str
) -> None:
    def failing(self: Enforce, flow: http.HTTPFlow, *arguments: object, **more: object) -> None:
        if step == "_edit_request":
            # Fails when the vendor's address is on it already.
            edit(self, flow, *arguments, **more)  # type: ignore[arg-type]
        raise RuntimeError("made to fail")

    edit = Enforce._edit_request
    with pytest.MonkeyPatch.context() as patch, running_world(upstream, tmp_path) as world:
        patch.setattr(Enforce, step, failing)
        got = world.relay(f"feedback/{API}/v1?uid=17", ("Cookie", "session=1"))
    # What nobody recognised is a request to the site, which has none of the vendor's.
    assert [request.host for request in upstream.arrived if step != "_decide_answer"] in ([], [SITE])
    assert all("uid" not in request.target for request in upstream.to(API))
    assert got.values("Set-Cookie") == []
    assert b"alert" not in got.body or got.values("Content-Security-Policy")
