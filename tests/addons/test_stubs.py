"""What comes back for a request that is stopped, on the wire: as the method asks for it, readable for the page."""

from collections.abc import Iterator

import pytest

from tests.addons.test_enforce import SITE, TRACKER, shop_policy
from tests.live import Upstream, regular, running_proxy, running_upstream, send

FROM_PAGE = (("Referer", f"https://{SITE}/"), ("Origin", f"https://{SITE}"), ("Sec-Fetch-Dest", "empty"))


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    with running_upstream() as found:
        yield found


@pytest.fixture(scope="module")
def proxy(upstream: Upstream) -> Iterator[int]:
    with running_proxy(shop_policy(), regular(upstream)) as running:
        yield running.port


def test_a_call_to_a_known_tracker_gets_an_empty_answer_that_the_page_may_read(proxy: int, upstream: Upstream) -> None:
    got = send(proxy, f"http://{TRACKER}/collect?a=1", *FROM_PAGE, method="POST", body=b"{}")
    assert (got.status, got.body, got.values("Content-Type")) == (200, b"{}", ["application/json"])
    assert got.values("Access-Control-Allow-Origin") == [f"https://{SITE}"]
    assert got.values("X-Content-Type-Options") == ["nosniff"]
    assert upstream.arrived == []


def test_the_question_before_it_is_answered_here_too(proxy: int, upstream: Upstream) -> None:
    asked = (("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "x-key"))
    got = send(proxy, f"http://{TRACKER}/collect", *FROM_PAGE, *asked, method="OPTIONS")
    assert (got.status, got.body) == (204, b"")
    assert (got.values("Access-Control-Allow-Methods"), got.values("Access-Control-Allow-Headers")) == (
        ["PUT"],
        ["x-key"],
    )
    assert upstream.arrived == []


def test_head_gets_the_header_of_what_get_gets(proxy: int) -> None:
    fields = (("Referer", f"https://{SITE}/"), ("Sec-Fetch-Dest", "image"))
    whole = send(proxy, f"http://{TRACKER}/p.gif", *fields)
    head = send(proxy, f"http://{TRACKER}/p.gif", *fields, method="HEAD")
    assert (head.status, head.body) == (200, b"")
    assert dict(head.fields) == dict(whole.fields)
    assert whole.values("Content-Length") == [str(len(whole.body))]


def test_a_call_to_a_host_that_nobody_knows_fails_so_that_the_page_can_tell(proxy: int) -> None:
    got = send(proxy, "http://nobody-knows.test/api", *FROM_PAGE)
    assert got.status == 403
    assert got.values("Access-Control-Allow-Origin") == [f"https://{SITE}"]
