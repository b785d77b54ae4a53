"""What was decided before is decided alike again: whatever else was asked in between, and by whom.

Each policy here is used for thousands of questions that differ in one place or two, so that a ruling kept by too few of
the things it depends on would be given to a question that it is not the answer to.
"""

import random
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import fields, replace
from functools import partial
from typing import Any, TypeVar

import pytest

from cmp.core.classify import Party, RequestRule
from cmp.core.composed import strictest
from cmp.core.consent import Visitor
from cmp.core.cookies import RequestCookie, read_set_cookie
from cmp.core.decide import decide
from cmp.core.exchange import Exchange, Kind, Phase, Unseen
from cmp.core.kept import Kept, kept_by_text, once
from cmp.core.on_requests import request_steps, rule_on_request
from cmp.core.policy import Policy
from cmp.core.signals import Signals
from cmp.core.urls import parse_url
from cmp.lists.abp import AbpSource, read_abp
from cmp.lists.content import Filing
from cmp.policy.compose import compose
from cmp.sites import registrable_domain
from tests.core.examples import NOW, compiled, exchange, shop
from tests.shipped import shipped_policy

Item = TypeVar("Item")


def busy(**changes: Any) -> Policy:
    """A policy with all that a decision can depend on."""
    categories = shop()["categories"]
    categories["comfort"]["after"] = "chat-opened"
    categories["analytics"]["treatment"] = "reduce"
    uses = [{"category": "payment", "pages": ["/billing*"]}, {"category": "advertising", "paths": ["/tr*"]}]
    vendors = [{**vendor, **({"uses": uses} if vendor["id"] == "stats" else {})} for vendor in shop()["vendors"]]
    whole: dict[str, Any] = {
        "categories": categories,
        "vendors": vendors,
        "sites": ["shop.test"],
        "events": {"chat-opened": {"path": "/chat/open"}},
        "exclude": [{"paths": ["/hooks/*"]}],
        "outgoing": {"pings": "analytics", "referrer": "origin"},
        "transport": {"https": "require", "secureCookies": True},
        "sensitive": [{"data": "card-number", "to": ["vendor:pay"]}],
        "regions": {
            "source": {"header": "X-Place"},
            "defined": [{"id": "us", "places": ["US"], "defaults": {"comfort": "allow"}}],
        },
    }
    return compiled(**{**whole, **changes})


def listed() -> Policy:
    filters = b"[Adblock Plus 2.0]\n||unknown.test^$script\n||unknown.test/a^\n@@||unknown.test/collect\n||else.test^"
    source = AbpSource([(read_abp(filters), Filing("ads", "0" * 64, "advertising"))])
    return replace(compiled(unknown={"host": "report", "cookie": "report"}), lists=(source,))


POLICIES: dict[str, Callable[[], Policy]] = {
    "plain": compiled,
    "one site": partial(compiled, sites=["shop.test"]),
    "everything": busy,
    "everything, wherever the page is": partial(busy, sites=None, exclude=None),
    "two policies": lambda: compose([busy(), compiled(unknown={"host": "report", "cookie": "allow"})]),
    "lists": listed,
    "default.json": partial(shipped_policy, "default"),
}
HOSTS: tuple[str, ...] = (
    *("www.shop.test", "shop.test", "help.shop.test", "stats.test", "x.stats.test", "ads.test", "social.test"),
    *("pay.test", "chat.test", "profiler.test", "panel.test", "unknown.test", "else.test", "192.0.2.1"),
    "www.google.com",
)
PATHS: tuple[str, ...] = (
    *("/", "/a", "/tr", "/%74r?x", "/collect?tid=1&v=2", "/collect", "/chat/open", "/hooks/a", "/billing/1"),
    *("/ads/ga-audiences", "/gtm.js?id=1", "/x/matomo.php?idsite=1&rec=1"),
)
NAMES = ("comfort", "analytics", "advertising", "research", "vendor:stats", "vendor:chat", "functional", "social")
COOKIES = ("sid", "_st", "_st_1", "ad_id", "theme", "who", "csrf_1", "_ga")


class Dice(random.Random):
    """Values that a decision depends on, few of each kind, so that many questions differ in little."""

    def one(self, *values: Item) -> Item:
        return self.choice(values)

    def some(self, *values: Item) -> frozenset[Item]:
        return frozenset(self.sample(values, min(self.one(0, 0, 1, 2), len(values))))

    def signals(self) -> Signals:
        return Signals(self.one(False, False, True), self.one(None, None, True, False))

    def visitor(self) -> Visitor:
        return Visitor(
            granted=self.some(*NAMES),
            refused=self.some(*NAMES),
            decided_at=self.one(None, NOW),
            policy=self.one("", "f" * 64),
            shown_with=self.signals(),
            place=self.one("", "US", "DE"),
            events=self.some("chat-opened"),
            tell_me=self.one(False, True),
        )

    def exchange(self) -> Exchange:
        scheme = self.one("https", "https", "http", "wss")
        url = parse_url(f"{scheme}://{self.choice(HOSTS)}{self.choice(PATHS)}")
        page = self.one(None, *(parse_url(f"https://{host}{path}") for host in HOSTS[:3] for path in ("/", "/billing")))
        page = parse_url(f"http://{page.host}/") if page is not None and self.random() < 0.1 else page
        kind = self.choice(tuple(Kind))
        page = url if kind is Kind.DOCUMENT else page
        answered = self.random() < 0.3
        set_cookies = (
            [f"{self.choice(COOKIES)}=1{self.one('', '; Max-Age=99999999', '; HttpOnly')}"] if answered else []
        )
        return Exchange(
            method=self.one("GET", "GET", "POST"),
            url=url,
            host_site=registrable_domain(url.host),
            page=page,
            page_site=registrable_domain(page.host) if page is not None else "",
            kind=kind,
            phase=Phase.RESPONSE if answered else Phase.REQUEST,
            time=NOW,
            signals=self.signals(),
            cookies=tuple(RequestCookie(name, "1") for name in sorted(self.some(*COOKIES))),
            set_cookies=tuple(map(read_set_cookie, set_cookies)),
            unseen=self.some(*Unseen),
            referrer=self.one("", "https://www.shop.test/a?b"),
            header_names=self.one(frozenset[str](), frozenset({"x-forwarded-for", "referer"})),
            content_type=self.one("", "", "application/json", "image/png"),
            carries=self.one(*[frozenset[str]()] * 8, frozenset({"card-number"}), frozenset({"cookie:sid"})),
            fetch_site=self.one("", "cross-site"),
            status=self.one(0, 200, 404),
        )


# What only makes sense together.
_TOGETHER = (("url", "host_site"), ("page", "page_site"), ("phase", "set_cookies"))


def questions(dice: Dice, number: int) -> Iterator[tuple[Visitor, Exchange]]:
    """Rows of questions, of which each differs from the one before in a few things of the request or the visitor."""
    for n in range(number):
        other = dice.visitor(), dice.exchange()
        if n % 30 == 0:
            visitor, asked = other
        else:
            if n % 3 == 0:
                name = dice.one("granted", "refused", "shown_with", "place", "events", "policy")
                visitor = replace(visitor, **{name: getattr(other[0], name)})
            names = dice.choice([*_TOGETHER, *((field.name,) for field in fields(Exchange) if field.init)])
            asked = replace(asked, **{name: getattr(other[1], name) for name in names})
        yield visitor, asked


def fresh(policy: Policy) -> Policy:
    """The same policy, by which nothing was decided yet."""
    return replace(policy, parts=tuple(replace(part) for part in policy.parts))


def _check(name: str, number: int) -> None:
    policy = POLICIES[name]()
    for visitor, asked in questions(Dice(name), number):
        decision = decide(policy, visitor, asked)
        assert decision == decide(fresh(policy), visitor, asked)
        if not policy.parts:
            assert decision.ruling == request_steps(policy, visitor, asked)[1]
        for part in policy.each:
            for by_host in (True, False):
                assert part.requests.find(asked.url, asked.page, by_host=by_host) == _looked_up(part, asked, by_host)


def _looked_up(policy: Policy, asked: Exchange, by_host: bool) -> RequestRule | None:
    """The rule by asking each that the policy has for the host, and each endpoint."""
    index, labels = policy.requests, asked.url.host.split(".")
    suffixes = [".".join(labels[n:]) for n in range(len(labels))] if by_host else []
    each = [*(rule for suffix in suffixes for rule in index.by_host.get(suffix, ())), *index.endpoints]
    return next((rule for rule in each if rule.matches(asked.url, asked.page)), None)


@pytest.mark.parametrize("name", POLICIES)
def test_a_question_has_the_answer_it_has_when_it_is_the_first(name: str) -> None:
    _check(name, 1_500)


@pytest.mark.soak
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("name", POLICIES)
def test_each_of_very_many_questions_has_the_answer_it_has_when_it_is_the_first(name: str) -> None:
    _check(name, 100_000)


def test_of_a_composed_policy_the_strictest_answer_counts_though_each_was_given_before() -> None:
    policy, dice = POLICIES["two policies"](), Dice(3)
    for _ in range(300):
        visitor, asked = dice.visitor(), dice.exchange()
        each = [request_steps(part, visitor, asked)[1] for part in policy.parts]
        assert rule_on_request(policy, visitor, asked) == strictest(each)


def _pair(name: str) -> tuple[Policy, tuple[Visitor, Exchange], tuple[Visitor, Exchange]]:
    """A policy and two questions that differ in one thing, which the answer depends on."""
    asked, granted = exchange("https://ads.test/", gpc=True), Visitor(granted=frozenset({"advertising"}))
    if name == "signals shown":
        return POLICIES["plain"](), (replace(granted, shown_with=Signals(gpc=True)), asked), (granted, asked)
    if name == "place":
        chat = exchange("https://chat.test/")
        return POLICIES["everything"](), (Visitor(place="US"), chat), (Visitor(place="DE"), chat)
    stats = exchange("https://stats.test/")
    if name == "type of the body":
        return POLICIES["everything"](), (Visitor(), stats), (Visitor(), replace(stats, content_type="image/png"))
    other = Visitor(refused=frozenset({"vendor:stats"}))
    return POLICIES["plain"](), (Visitor(granted=frozenset({"analytics"})), stats), (other, stats)


@pytest.mark.parametrize("name", ["signals shown", "place", "type of the body", "choice"])
def test_another_answer_follows_from_what_else_it_depends_on(name: str) -> None:
    policy, *pair = _pair(name)
    for _ in range(2):
        first, second = (decide(policy, visitor, asked).ruling for visitor, asked in pair)
        assert first.allowed is not second.allowed, name
    assert first == decide(fresh(policy), *pair[0]).ruling


def test_a_cookie_is_looked_up_anew_for_another_host_or_party() -> None:
    policy = compiled()
    for _ in range(2):
        found = [
            policy.cookies.find(name, host, party) is not None
            for name, host, party in (
                ("ad_id", "ads.test", Party.THIRD),
                ("ad_id", "shop.test", Party.THIRD),
                ("theme", "shop.test", Party.FIRST),
                ("theme", "shop.test", Party.THIRD),
            )
        ]
        assert found == [True, False, True, False]


def test_ever_new_hosts_take_no_more_memory() -> None:
    policy, visitor = compiled(), Visitor()
    for n in range(9_000):
        url = parse_url(f"https://h{n}.test/")
        decide(policy, visitor, Exchange("GET", url, url.host, cookies=(RequestCookie(f"c{n}", ""),)))
    assert len(policy.settled_requests) <= 8_192
    assert len(policy.settled_vendors) <= 8_192


@pytest.mark.parametrize("written", ["type of the body", "method"])
def test_what_a_client_writes_as_it_likes_makes_no_rulings_without_end(written: str) -> None:
    policy, stats = busy(), exchange("https://stats.test/")
    for n in range(100):
        typed, sent = replace(stats, content_type=f"image/x-{n}"), replace(stats, method=f"DO{n}")
        decide(policy, Visitor(), typed if written == "type of the body" else sent)
    assert len(policy.settled_requests) <= 2


def test_names_of_cookies_without_end_are_not_kept() -> None:
    policy, asked = compiled(), exchange("https://www.shop.test/")
    decide(policy, Visitor(), replace(asked, cookies=(RequestCookie("_st", ""),)))
    tracemalloc.start()
    try:
        for n in range(50):
            decide(policy, Visitor(), replace(asked, cookies=(RequestCookie(f"{n}{'x' * 100_000}", ""),)))
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("length, asked", [(10, 1), (11, 3)], ids=["up to the longest", "longer"])
def test_answers_on_texts_are_kept_up_to_a_length(length: int, asked: int) -> None:
    heard: list[str] = []

    @kept_by_text(4, longest=10)
    def answer(text: str) -> str:
        heard.append(text)
        return text.upper()

    assert [answer("x" * length) for _ in range(3)] == ["X" * length] * 3
    assert len(heard) == asked


@pytest.mark.parametrize("asked_again, kept", [(True, 0), (False, None)], ids=["used", "unused"])
def test_what_is_not_asked_for_is_forgotten_first(asked_again: bool, kept: int | None) -> None:
    answers = Kept[int](100)
    answers.put("first", 0)
    for n in range(1, 500):
        answers.put(n, n)
        if asked_again:
            answers.get("first")
    assert answers.get("first") == kept
    assert answers.get(499) == 499
    assert len(answers) <= 100


def test_a_property_is_made_once_for_each_object() -> None:
    class Text:
        def __init__(self, text: str) -> None:
            self.text, self.asked = text, 0

        @once
        def length(self) -> int:
            self.asked += 1
            return len(self.text)

    one, other = Text("one"), Text("other")
    assert [one.length, one.length, other.length] == [3, 3, 5]
    assert (one.asked, other.asked) == (1, 1)
