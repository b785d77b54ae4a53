"""Pages tell what is new, and a visitor who asked for it is told of each cookie as it is set."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from cmp.core.consent import Visitor, supposed_visitor
from cmp.core.policy import Policy
from cmp.live.enforcement import ConsentServer, Enforcement
from cmp.seal.cookie import write_cookie
from cmp.seal.keys import SigningKeys, make_keys
from cmp.seal.site import ConsentSite
from tests.addons.test_enforce import SITE, shop_policy
from tests.live import Arrived, Upstream, answer, reverse, running_proxy, running_upstream, send

NOW = 1_800_000_000.0
SITE_OF_OURS = ConsentSite(f"http://{SITE}")


def site_answers(_request: Arrived) -> bytes:
    cookies = (("Set-Cookie", "_track=t; Path=/"), ("Set-Cookie", "session=s; Path=/"))
    return answer(b"<html><body><p>page</body></html>", ("Content-Type", "text/html"), *cookies)


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream(site_answers) as found:
        yield found


@contextlib.contextmanager
def shop(upstream: Upstream, folder: Path, policy: Policy, now: float = NOW) -> Iterator[tuple[int, SigningKeys]]:
    keys = make_keys(folder / "keys")
    consent = ConsentServer(SITE_OF_OURS, keys.public, "127.0.0.1", 9)
    with running_proxy(Enforcement(policy, None, consent, clock=lambda: now), reverse(upstream)) as proxy:
        yield proxy.port, keys


def page(port: int, *cookies: str) -> str:
    fields = [("Cookie", cookie) for cookie in cookies]
    got = send(port, "/", ("Host", SITE), ("Accept", "text/html"), ("Sec-Fetch-Dest", "document"), *fields)
    return got.body.decode()


@pytest.mark.parametrize("wants", [pytest.param(True, id="who asked"), pytest.param(False, id="who did not")])
def test_ss_8_each_cookie_is_told_of_as_it_is_set(upstream: Upstream, tmp_path: Path, wants: bool) -> None:
    policy = shop_policy(consent={"tellMe": True})
    supposed = supposed_visitor(policy, "refuse")
    visitor = Visitor(supposed.granted, supposed.refused, NOW, policy.fingerprint, tell_me=wants)
    with shop(upstream, tmp_path, policy) as (port, keys):
        body = page(port, f"consent={write_cookie(keys, SITE_OF_OURS, visitor)}; _track=1; basket=2")
    assert [name in body for name in ("_track", "session", "basket")] == [wants] * 3


@pytest.mark.parametrize(
    "days, shown", [pytest.param(0, True, id="in force"), pytest.param(60, False, id="when it is over")]
)
def test_hc_21_a_notice_stands_on_every_page_while_it_is_in_force(
    upstream: Upstream, tmp_path: Path, days: int, shown: bool
) -> None:
    text = "We become a part of Example Corporation"
    notice = {"id": "merger", "kind": "merger", "from": "2027-01-01", "until": "2027-02-01", "text": {"en": text}}
    with shop(upstream, tmp_path, shop_policy(notices=[notice]), now=NOW + days * 86_400) as (port, _):
        assert (text in page(port)) is shown
