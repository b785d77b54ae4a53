"""The demo's policy declares the demo's site: every third party but the forgotten one, and every cookie."""

import asyncio
from pathlib import Path

import pytest

from cmp.core.urls import parse_url
from cmp.policy.load import load_policy
from demo import names
from demo.site import serve_site
from demo.visit import Visitor

POLICY = Path(names.__file__).with_name("policy.json")
CATEGORIES = {
    names.LIBRARY: "necessary",
    names.FONTS: "functional",
    names.CHAT: "functional",
    names.VIDEO: "functional",
    names.STATS: "analytics",
    names.SOCIAL: "social",
    names.AUDIENCE: "advertising",
    names.AD_TAG: "advertising",
    names.AD_PIXEL: "advertising",
    names.AD_SYNC: "advertising",
    names.UNLISTED: None,
}


@pytest.mark.parametrize("host", names.THIRD_PARTIES)
def test_each_third_party_has_its_category(host: str) -> None:
    rule = load_policy(POLICY).requests.find(parse_url(f"https://{host}/"))
    assert (rule.category if rule else None) == CATEGORIES[host]


def test_the_sites_own_collection_endpoint_is_the_analytics_vendors() -> None:
    rule = load_policy(POLICY).requests.find(parse_url(f"https://{names.SITE}/collect?v=2&tid=BL-1&cid=1"))
    assert rule is not None
    assert rule.vendor == "clickmeter"


def test_every_cookie_is_declared_but_that_of_the_forgotten_pixel() -> None:
    async def walk() -> dict[str, tuple[str, ...]]:
        async with serve_site() as site, Visitor(routes=site.routes) as visitor:
            for path in ("/", "/chat"):
                await visitor.visit(site.url(path))
            return visitor.jar()

    policy = load_policy(POLICY)
    undeclared = {
        (host, name)
        for host, cookies in asyncio.run(walk()).items()
        for name in cookies
        if not any(rule.name.matches(name) and _on(host, rule.hosts) for rule in policy.cookies.exact.get(name, ()))
    }
    assert undeclared == {(names.UNLISTED, "uid")}


def _on(kept_for: str, hosts: frozenset[str]) -> bool:
    """Whether a rule's hosts and the host or domain a cookie is kept for have one in common."""
    return not hosts or any(kept_for.endswith(host) or host.endswith(kept_for) for host in hosts)
