"""What a visitor did, remembered between browser and proxy: a chat cookie lives by it, and nobody else learns of it."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cmp.capture.reading import read_capture
from cmp.core.cookies import SetCookie, read_set_cookie
from cmp.core.decide import decide
from cmp.core.forms import decision_form
from cmp.core.policy import Policy
from cmp.live.enforcement import ConsentServer, Enforcement, EnforcementError, Mode
from cmp.policy.load import policy_of
from cmp.seal.keys import make_keys, read_marker_secret, read_public_keys
from cmp.seal.marker import write_marker
from cmp.seal.site import ConsentSite, Scope
from tests.addons.test_enforce import SITE, shop_document
from tests.live import (
    Arrived,
    Got,
    Upstream,
    answer,
    regular,
    reverse,
    running_proxy,
    running_upstream,
    send,
)

CHAT, OTHER = "chat.customer.test", "ads.test"
HALF_AN_HOUR, YEAR = 30 * 60, 12 * 31 * 86_400
SITE_OF_OURS = ConsentSite(f"http://{SITE}")


def policy(**changes: object) -> Policy:
    document = shop_document(
        categories={
            "necessary": {"basis": "necessary", "title": {"en": "Necessary"}},
            "analytics": {"basis": "consent", "title": {"en": "Analytics"}},
            "chat": {"basis": "consent", "title": {"en": "Chat"}, "after": "chat-opened"},
        },
        vendors=[
            {"id": "chat", "name": "Chat", "category": "chat", "hosts": [CHAT]},
            {"id": "ads", "name": "Ads", "category": "necessary", "hosts": [OTHER]},
        ],
        cookies=[
            {
                "name": "chat",
                "category": "necessary",
                "lifetime": "12 months",
                "before": {"event": "chat-message", "lifetime": "30 minutes"},
            },
            {"name": "_track", "category": "analytics"},
        ],
        events={
            "chat-message": {"path": "/messages", "method": "POST"},
            "chat-opened": {"path": "/open", "method": "POST"},
        },
    )
    return policy_of({**document, **changes}, "shop")


def chat_answers(request: Arrived) -> bytes:
    if request.target.startswith("/gone"):
        return answer(b"bye", ("Set-Cookie", "chat=; Max-Age=0; Path=/"))
    if request.target.startswith("/page"):
        return answer(f'<p><script src="http://{CHAT}/c.js"></script>'.encode(), ("Content-Type", "text/html"))
    if request.target.startswith("/messages?failed"):
        return answer(b"no", status="503 Service Unavailable")
    if request.target.startswith("/messages?cached"):
        return answer(b"yes", ("Cache-Control", "public, max-age=3600"), ("ETag", '"1"'), ("X-Own", "kept"))
    if request.target.startswith("/plain"):
        return answer(b"nothing set")
    return answer(b"hello", ("Set-Cookie", "chat=c1; Max-Age=63072000; Path=/"))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream(chat_answers) as found:
        yield found


@pytest.fixture(autouse=True)
def _fresh(upstream: Upstream) -> None:
    upstream.arrived.clear()


class Jar(dict[str, str]):
    """A browser's cookies for one host; what was set last is in `lines`."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: dict[str, SetCookie] = {}

    def take(self, got: Got) -> None:
        self.lines = {cookie.name: cookie for cookie in map(read_set_cookie, got.values("Set-Cookie"))}
        for name, cookie in self.lines.items():
            if cookie.deletes(0):
                self.pop(name, None)
            else:
                self[name] = cookie.value

    def seconds(self, name: str) -> float | None:
        return self.lines[name].lifetime(0)


@dataclass
class Browser:
    """A browser on the shop's pages, with its jar."""

    port: int
    jar: Jar
    base: str = ""

    def visit(self, target: str, method: str = "GET", *, host: str = SITE, at: str = "") -> Jar:
        fields = [("Host", host), ("Referer", f"http://{SITE}/")]
        if self.jar:
            fields.append(("Cookie", "; ".join(f"{name}={value}" for name, value in self.jar.items())))
        self.jar.take(send(self.port, f"{at}{target}", *fields, method=method))
        return self.jar


@contextlib.contextmanager
def shop(
    upstream: Upstream,
    folder: Path,
    *,
    mode: Mode = Mode.ENFORCE,
    record: Path | None = None,
    site: ConsentSite = SITE_OF_OURS,
) -> Iterator[Browser]:
    keys = folder / "keys"
    if not keys.exists():
        make_keys(keys)
    consent = ConsentServer(site, read_public_keys(keys), "127.0.0.1", 9, read_marker_secret(keys))
    with running_proxy(Enforcement(policy(sites=["shop.test"]), mode, consent), reverse(upstream, record)) as proxy:
        yield Browser(proxy.port, Jar())


MARKER = "consent-events"


class TestChat:
    """CU-12: a session without a message ends 30 minutes after the visit, one with messages lasts 12 months."""

    @pytest.fixture
    def browser(self, upstream: Upstream, tmp_path: Path) -> Iterator[Browser]:
        with shop(upstream, tmp_path) as found:
            yield found

    def test_cu_12_half_an_hour_until_a_message_then_twelve_months_from_each_visit(self, browser: Browser) -> None:
        assert browser.visit("/").seconds("chat") == HALF_AN_HOUR
        assert browser.visit("/again").seconds("chat") == HALF_AN_HOUR
        assert MARKER not in browser.jar
        # The message's own answer counts as one after it.
        assert browser.visit("/messages", "POST").seconds("chat") == YEAR
        assert browser.jar.seconds(MARKER) == YEAR
        for _ in range(2):
            assert browser.visit("/").seconds("chat") == YEAR
            assert browser.jar.seconds(MARKER) == YEAR

    def test_cu_12_a_get_of_the_same_path_is_no_message(self, browser: Browser) -> None:
        assert browser.visit("/messages").seconds("chat") == HALF_AN_HOUR
        assert MARKER not in browser.jar

    def test_a_forged_marker_makes_nothing_live_longer(self, browser: Browser) -> None:
        browser.jar[MARKER] = write_marker(b"x" * 32, SITE, ["chat-message"])
        assert browser.visit("/").seconds("chat") == HALF_AN_HOUR

    def test_a_marker_of_another_site_makes_nothing_live_longer(self, browser: Browser, tmp_path: Path) -> None:
        secret = read_marker_secret(tmp_path / "keys")
        assert secret is not None
        browser.jar[MARKER] = write_marker(secret, "other.test", ["chat-message"])
        assert browser.visit("/").seconds("chat") == HALF_AN_HOUR

    def test_of_two_markers_none_counts(self, browser: Browser) -> None:
        good = browser.visit("/messages", "POST")[MARKER]
        browser.jar[MARKER] = f"{good}; {MARKER}={good}"
        assert browser.visit("/").seconds("chat") == HALF_AN_HOUR

    def test_the_site_is_sent_no_marker(self, browser: Browser, upstream: Upstream) -> None:
        browser.visit("/messages", "POST")
        browser.visit("/")
        assert upstream.arrived[1].values("Cookie") == ["chat=c1"]

    @pytest.mark.parametrize("target", ["/", "/messages?failed"])
    def test_what_failed_is_not_remembered(self, browser: Browser, target: str) -> None:
        assert MARKER not in browser.visit("/messages?failed", "POST")
        assert MARKER not in browser.visit(target)

    def test_an_answer_with_a_marker_is_in_no_shared_cache(self, browser: Browser) -> None:
        got = send(browser.port, "/messages?cached", ("Host", SITE), method="POST")
        assert MARKER in got.values("Set-Cookie")[0]
        assert (got.values("Cache-Control"), got.values("ETag")) == (["private, no-cache"], [])
        assert got.values("X-Own") == ["kept"]
        plain = send(browser.port, "/messages?cached", ("Host", SITE))
        assert plain.values("Cache-Control") == ["public, max-age=3600"]

    def test_it_is_not_set_again_without_need(self, browser: Browser) -> None:
        browser.visit("/messages", "POST")
        assert browser.visit("/plain").lines == {}

    def test_taking_the_cookie_away_prolongs_nothing(self, browser: Browser) -> None:
        browser.visit("/messages", "POST")
        assert MARKER not in browser.visit("/gone").lines

    def test_it_lasts_as_long_as_what_depends_on_the_event(self, browser: Browser) -> None:
        # On having opened the chat only the category does: it is asked for again after the period of consent.
        assert browser.visit("/open", "POST").seconds(MARKER) == 182 * 86_400
        assert browser.visit("/messages", "POST").seconds(MARKER) == YEAR

    def test_a_second_event_is_added_to_the_first(self, browser: Browser) -> None:
        first = browser.visit("/messages", "POST")[MARKER]
        both = browser.visit("/open", "POST")[MARKER]
        assert both != first
        assert browser.visit("/").seconds("chat") == YEAR

    def test_cu_10_the_chat_may_load_once_the_visitor_opened_it(self, browser: Browser) -> None:
        def admitted() -> bool:
            fields = [("Host", SITE), ("Accept", "text/html"), ("Sec-Fetch-Dest", "document")]
            fields += [("Cookie", f"{name}={value}") for name, value in browser.jar.items()]
            got = send(browser.port, "/page", *fields)
            admits = CHAT in " ".join(got.values("Content-Security-Policy"))
            assert (f'<script src="http://{CHAT}'.encode() in got.body) is admits
            return admits

        assert not admitted()
        browser.visit("/open", "POST")
        assert admitted()

    def test_sc_3_what_the_visitor_removed_is_not_made_again(self, browser: Browser) -> None:
        browser.visit("/messages", "POST")
        removed = set(browser.jar)
        browser.jar.clear()
        assert browser.visit("/plain").lines == {}
        # The site may set its own again; for how long is decided as for somebody new.
        assert browser.visit("/").seconds("chat") == HALF_AN_HOUR
        assert set(browser.jar.lines) == removed - {MARKER}


def test_sc_3_no_cookie_is_set_that_was_neither_sent_nor_set_by_the_site(upstream: Upstream, tmp_path: Path) -> None:
    with shop(upstream, tmp_path) as browser:
        for target, method in (("/plain", "GET"), ("/plain", "POST"), ("/plain/page.html", "GET")):
            browser.jar.clear()
            assert browser.visit(target, method).lines == {}


SENT = (("Host", SITE), ("Cookie", f"a=1; {MARKER}=v1.x; session=2"))
ELSEWHERE = {"rollout": {"paths": ["/elsewhere/*"]}}
EXCLUDED = {"exclude": [{"host": "shop.test", "paths": ["/x*"]}]}
NO_EVENTS: dict[str, object] = {"events": {}, "cookies": []}


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({}, id="within"),
        pytest.param(ELSEWHERE, id="outside the rollout"),
        pytest.param(EXCLUDED, id="excluded path"),
        pytest.param(NO_EVENTS, id="policy without events"),
    ],
)
def test_no_part_of_the_site_is_sent_the_marker(upstream: Upstream, mode: Mode, changes: dict[str, object]) -> None:
    more = {"categories": CATEGORIES_WITHOUT} if changes is NO_EVENTS else {}
    allowing = {"unknown": {"host": "allow", "cookie": "allow"}, "sites": ["shop.test"]}
    with running_proxy(Enforcement(policy(**changes, **more, **allowing), mode), reverse(upstream)) as proxy:
        send(proxy.port, "/x", *SENT)
    assert upstream.arrived[0].values("Cookie") == ["a=1; session=2"]


def test_a_marker_outlives_the_proxy(upstream: Upstream, tmp_path: Path) -> None:
    with shop(upstream, tmp_path) as browser:
        jar = browser.visit("/messages", "POST")
    with shop(upstream, tmp_path) as browser:
        browser.jar = jar
        assert browser.visit("/").seconds("chat") == YEAR


def test_for_a_whole_domain_it_is_made_out_to_the_domain(upstream: Upstream, tmp_path: Path) -> None:
    with shop(upstream, tmp_path, site=ConsentSite(f"http://{SITE}", Scope.SITE, "shop.test")) as browser:
        assert browser.visit("/messages", "POST").lines[MARKER].domain == "shop.test"
        assert browser.visit("/", host="help.shop.test").seconds("chat") == YEAR


def test_observing_remembers_nothing(upstream: Upstream, tmp_path: Path) -> None:
    with shop(upstream, tmp_path, mode=Mode.OBSERVE) as browser:
        assert set(browser.visit("/messages", "POST").lines) == {"chat"}
        assert browser.jar.seconds("chat") == 63_072_000


def test_a_recorded_chat_replays_to_the_live_decisions(upstream: Upstream, tmp_path: Path) -> None:
    record = tmp_path / "visit.flow"
    with shop(upstream, tmp_path, record=record) as browser:
        browser.visit("/")
        browser.visit("/messages", "POST")
        browser.visit("/")
    entries = read_capture(record).entries
    assert [sorted(entry.visitor.events) for entry in entries if entry.visitor] == [[], [], ["chat-message"]]
    for entry in entries:
        assert entry.recorded is not None
        assert entry.visitor is not None
        expected = decide(policy(sites=["shop.test"]), entry.visitor, entry.asked)
        assert decision_form(expected) == entry.recorded.decision
    assert entries[1].recorded is not None
    assert entries[1].recorded.decision["events"] == ["chat-message"]


def test_a_policy_with_events_needs_a_secret(tmp_path: Path) -> None:
    consent = ConsentServer(SITE_OF_OURS, make_keys(tmp_path / "keys").public, "127.0.0.1", 9)
    with pytest.raises(EnforcementError, match=r"chat-message.*FILE\.marker") as raised:
        Enforcement(policy(), None, consent)
    assert "\n" not in str(raised.value)
    assert Enforcement(policy(events={}, categories=CATEGORIES_WITHOUT, cookies=[]), None, consent).enforces


CATEGORIES_WITHOUT = {
    "necessary": {"basis": "necessary", "title": {"en": "Necessary"}},
    "chat": {"basis": "consent", "title": {"en": "Chat"}},
}


class TestBrowsersProxy:
    """A browser's proxy remembers on the host where the event was seen."""

    @pytest.fixture
    def proxy(self, upstream: Upstream) -> Iterator[int]:
        with running_proxy(policy(), regular(upstream)) as running:
            yield running.port

    def test_the_site_where_it_was_seen_gets_a_marker_and_is_sent_none(self, proxy: int, upstream: Upstream) -> None:
        browser = Browser(proxy, Jar())
        browser.visit("/open", "POST", host=SITE, at=f"http://{SITE}")
        assert MARKER in browser.jar
        assert browser.visit("/x", host=SITE, at=f"http://{SITE}")[MARKER]
        assert [request.values("Cookie") for request in upstream.to(SITE)] == [[], ["chat=c1"]]

    def test_no_other_host_is_sent_the_marker_or_believes_it(self, proxy: int, upstream: Upstream) -> None:
        browser = Browser(proxy, Jar())
        browser.visit("/messages", "POST", host=SITE, at=f"http://{SITE}")
        assert browser.visit("/", host=OTHER, at=f"http://{OTHER}").seconds("chat") == HALF_AN_HOUR
        assert upstream.to(OTHER)[0].values("Cookie") == ["chat=c1"]
