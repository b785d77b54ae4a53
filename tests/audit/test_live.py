"""What our own proxy recorded, audited: enforcement leaves nothing to find, and replay confirms every decision."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cmp.audit.audit import audit
from cmp.audit.finding import Level
from cmp.capture.reading import read_capture
from tests.addons.test_enforce import FROM_SITE, SITE, TRACKER, from_upstream, shop_policy
from tests.live import Upstream, regular, running_proxy, running_upstream, send


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream(from_upstream) as found:
        yield found


def test_enforced_traffic_breaks_no_promise(upstream: Upstream, tmp_path: Path) -> None:
    record, policy = tmp_path / "visit.flow", shop_policy()
    with running_proxy(policy, regular(upstream, record)) as proxy:
        send(proxy.port, f"http://{SITE}/", ("Accept", "text/html"), ("Cookie", "session=1; _track=2; unheard=3"))
        send(proxy.port, f"http://{SITE}/g/collect?tid=1", *FROM_SITE)
        send(proxy.port, f"http://{TRACKER}/p.gif", ("Sec-Fetch-Dest", "image"), *FROM_SITE)
    found = audit(policy, [read_capture(record)], baseline=False)
    (done,) = found.accounts
    assert (done.live.compared, done.live.differ) == (3, 0)
    assert found.actions == {"allow": 0, "edit": 1, "block": 2}
    assert not found.reaches(Level.POTENTIAL)
