"""Well-known resources of the operator's site: ours where the policy declares them, the site's own otherwise."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cmp.core.policy import Policy
from cmp.live.enforcement import ConsentServer, Enforcement, Mode
from cmp.seal.keys import make_keys
from cmp.seal.site import ConsentSite
from tests.addons.test_enforce import SITE, shop_policy
from tests.live import Arrived, Upstream, answer, regular, reverse, running_proxy, running_upstream, send

GPC = {"signals": {"gpc": {"denies": "all", "declare": True}}}
DNT = {"signals": {"dnt": {"denies": [], "status": "D", "statement": {"en": "Not answered at present"}}}}
SECURITY = {"security": {"contact": ["mailto:security@shop.test"], "expires": "2099-01-01T00:00:00Z"}}
ALL = {"signals": {**GPC["signals"], **DNT["signals"]}, **SECURITY}


def answers(request: Arrived) -> bytes:
    return answer(request.target.encode(), ("Content-Type", "text/plain"), ("Set-Cookie", "_track=1"))


@pytest.fixture(scope="module")
def site() -> Iterator[Upstream]:
    with running_upstream(answers) as found:
        yield found


@pytest.fixture(scope="module")
def server() -> Iterator[Upstream]:
    """Stands for the consent server: what arrives there is for it."""
    with running_upstream(answers) as found:
        yield found


@pytest.fixture(autouse=True)
def _fresh(site: Upstream, server: Upstream) -> None:
    site.arrived.clear()
    server.arrived.clear()


def enforcement(policy: Policy, server: Upstream, folder: Path, mode: Mode | None = None) -> Enforcement:
    keys = make_keys(folder / "keys")
    return Enforcement(
        policy, mode, ConsentServer(ConsentSite(f"http://{SITE}"), keys.public, "127.0.0.1", server.port)
    )


@pytest.mark.parametrize("mode", [*Mode])
@pytest.mark.parametrize(
    "path, declared, ours",
    [
        pytest.param("gpc.json", GPC, "gpc.json", id="gpc"),
        pytest.param("dnt/", DNT, "dnt/", id="dnt"),
        pytest.param("dnt/status-1", DNT, "dnt/status-1", id="dnt of a path"),
        pytest.param("security.txt", SECURITY, "security.txt", id="security"),
        pytest.param("%67pc.json", GPC, "gpc.json", id="spelt otherwise"),
        pytest.param("gpc.json", DNT, "", id="gpc not declared"),
        pytest.param("gpc.json", {"signals": {"gpc": {"denies": "all"}}}, "", id="gpc honoured but not declared"),
        pytest.param("dnt/", GPC, "", id="dnt not declared"),
        pytest.param("security.txt", GPC, "", id="security not declared"),
        pytest.param("security.txt.sig", ALL, "", id="another name"),
        pytest.param("change-password", ALL, "", id="another resource"),
    ],
)
def test_what_the_policy_declares_is_ours(
    site: Upstream, server: Upstream, tmp_path: Path, path: str, declared: dict[str, object], ours: str, mode: Mode
) -> None:
    now = enforcement(shop_policy(**declared), server, tmp_path, mode)
    with running_proxy(now, reverse(site)) as proxy:
        got = send(proxy.port, f"/.well-known/{path}", ("Host", SITE))
    asked = [request.target for request in server.arrived if "health" not in request.target]
    if ours:
        assert (asked, site.arrived) == ([f"/.consent/well-known/{ours}"], [])
    else:
        assert (asked, [request.target for request in site.arrived]) == ([], [f"/.well-known/{path}"])
    assert got.status == 200


def test_without_a_consent_server_they_are_the_sites(site: Upstream) -> None:
    with running_proxy(shop_policy(**ALL), reverse(site)) as proxy:
        send(proxy.port, "/.well-known/gpc.json", ("Host", SITE))
    assert [request.target for request in site.arrived] == ["/.well-known/gpc.json"]


def test_a_browsers_proxy_leaves_every_sites_own(site: Upstream) -> None:
    with running_proxy(shop_policy(**ALL), regular(site)) as proxy:
        send(proxy.port, f"http://{SITE}/.well-known/gpc.json", ("Sec-Fetch-Dest", "document"))
    assert [request.target for request in site.arrived] == ["/.well-known/gpc.json"]
