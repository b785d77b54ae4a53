"""Counting what was decided, whatever clients send."""

import json
import tracemalloc

from cmp.capture.flow_exchange import mark_form, mark_of
from cmp.core.consent import NO_CHOICE
from cmp.core.decide import decide
from cmp.live.tally import Tally
from tests.core.examples import compiled, exchange


def _mark(cookie: str) -> str:
    policy = compiled()
    decision = decide(policy, NO_CHOICE, exchange("https://www.shop.test/", cookie=f"{cookie}=1"))
    mark = mark_of(decision, reverse=True, policy=policy.fingerprint, visitor=NO_CHOICE, endpoint=False, enforced=True)
    return json.dumps(mark_form(mark))


def test_marks_that_name_what_a_client_made_long_are_counted_and_not_kept() -> None:
    tally, mark = Tally(), _mark("NAME")
    tracemalloc.start()
    try:
        for n in range(50):
            tally.note(mark.replace("NAME", f"{n}{'x' * 100_000}"))
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()
    assert sum(tally.decided.values()) == sum(tally.stripped.values()) == 50
