"""A long mixed run through the real proxy, with hooks failing now and then: nothing leaks, and replay agrees.

`make test` runs a seeded sample, `make soak` the whole.
"""

import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from mitmproxy import http
from mitmproxy.master import Master

from cmp.capture.reading import read_capture
from cmp.core.decide import decide
from cmp.core.forms import decision_form
from tests.addons.test_enforce import SITE, STRANGER, TRACKER, from_upstream, shop_policy
from tests.live import Upstream, regular, running_proxy, running_upstream, send

HOOKS = ("_decide_request", "_decide_answer")
COOKIES = ("session=1", "_track=2", "_track_more=3", "basket=4", "unheard=5")
KINDS = ("document", "script", "image", "iframe", "empty", "")


def _failing_sometimes(chance: float, seed: int) -> Callable[[Master], None]:
    """Make each step of the addon raise by chance."""
    dice = random.Random(seed)

    def change(master: Master) -> None:
        addon = master.addons.get("enforce")
        for name in HOOKS:
            step = getattr(addon, name)

            def sometimes(flow: http.HTTPFlow, step: Callable[[http.HTTPFlow], None] = step) -> None:
                if dice.random() < chance:
                    raise RuntimeError("made to fail")
                step(flow)

            setattr(addon, name, sometimes)

    return change


def _request(port: int, dice: random.Random) -> None:
    host = dice.choice((SITE, SITE, TRACKER, STRANGER, f"a.b.{TRACKER}"))
    fields = [("Cookie", "; ".join(dice.sample(COOKIES, dice.randint(1, len(COOKIES)))))]
    if kind := dice.choice(KINDS):
        fields.append(("Sec-Fetch-Dest", kind if host == SITE else kind.replace("document", "iframe")))
    if host != SITE or dice.random() < 0.5:
        fields.append(("Referer", f"http://{SITE}/page"))
    if dice.random() < 0.2:
        fields.append(("Sec-GPC", "1"))
    method = dice.choice(("GET", "GET", "POST"))
    body = b"x" * dice.choice((0, 10, 70_000)) if method == "POST" else b""
    path = dice.choice(("/", "/a.js", "/p.gif?id=1", "/g/collect?tid=1&v=2"))
    send(port, f"http://{host}{path}", *fields, method=method, body=body)


def _leaks(upstream: Upstream) -> list[str]:
    found = [request.target for request in upstream.arrived if request.host != SITE]
    sent = " ".join(value for request in upstream.arrived for value in request.values("Cookie"))
    return found + [name for name in ("_track", "unheard") if name in sent]


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(60, id="sample"),
        pytest.param(1_500, id="full", marks=pytest.mark.soak),
    ],
)
def test_nothing_leaks_while_hooks_fail_by_chance(count: int) -> None:
    with running_upstream(from_upstream) as upstream:
        policy = shop_policy(sites=["shop.test"])
        with running_proxy(policy, regular(upstream), change=_failing_sometimes(0.3, seed=7)) as proxy:
            dice = random.Random(11)
            for _ in range(count):
                _request(proxy.port, dice)
        assert upstream.arrived
        assert _leaks(upstream) == []


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(60, id="sample"),
        pytest.param(1_000, id="full", marks=pytest.mark.soak),
    ],
)
def test_a_mixed_run_replays_to_the_same_decisions(count: int, tmp_path: Path) -> None:
    record, policy = tmp_path / "run.flow", shop_policy()
    with running_upstream(from_upstream) as upstream:
        with running_proxy(policy, regular(upstream, record)) as proxy:
            dice = random.Random(int(os.environ.get("CONSENTRY_SEED", "5")))
            for _ in range(count):
                _request(proxy.port, dice)
        assert _leaks(upstream) == []
    capture = read_capture(record)
    assert len(capture.entries) == count
    for entry in capture.entries:
        assert entry.recorded is not None
        assert entry.visitor is not None
        assert decision_form(decide(policy, entry.visitor, entry.asked)) == entry.recorded.decision
