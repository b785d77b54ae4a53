"""Pages that try to reach a tracker do not, in real Chromium, through the real proxy, for somebody who has refused.

`make test` visits one of each family, `make soak` all.
"""

import asyncio
import random
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser.chromium import needs_chromium
from tests.browser.evasion import BARE, DEFAULT, SITES, STRICT, Vector, World, read_vectors, refuse, world
from tests.live import ROOT

VECTORS = read_vectors()
FAMILIES = {family: tuple(found) for family, found in groupby(VECTORS, key=lambda vector: vector.family)}
POLICIES = {STRICT: "strict", DEFAULT: "default"}
# So many stand in the files, and so many of them are not stopped under a policy.
PINNED = 1106
LIMITS = {"strict": 7, "default": 44}
# A page is visited again where its vector did nothing: what a browser fetches ahead (speculation rules, prefetch) is at
# its discretion, and a busy one leaves it.
_VISITS_MORE = 10


def some() -> tuple[Vector, ...]:
    """One of each family, always the same ones."""
    seeded = random.Random(7)
    return tuple(seeded.choice(found) for found in FAMILIES.values())


class Visits:
    def __init__(self, vectors: tuple[Vector, ...], arrived: dict[str, list[str]]) -> None:
        self.vectors = vectors
        self._arrived = arrived

    def of(self, vector: Vector, site: str) -> list[str]:
        return self._arrived.get(f"{vector.id}-{site}", [])

    def without_effect(self) -> tuple[Vector, ...]:
        """Vectors that did not do everywhere what they are said to do: reach the bare site's tracker, and ours where
        the documentation calls them a limit."""
        sites = {
            vector: [BARE, *(site for site, name in POLICIES.items() if name in vector.leaks)] for vector in VECTORS
        }
        return tuple(vector for vector in self.vectors if not all(self.of(vector, site) for site in sites[vector]))

    def add(self, arrived: dict[str, list[str]]) -> None:
        for visit, found in arrived.items():
            self._arrived[visit] = [*self._arrived.get(visit, []), *found]

    def leaks(self, site: str) -> dict[str, list[str]]:
        return {vector.id: found for vector in self.vectors if (found := self.of(vector, site))}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("evasion"), VECTORS) as started:
        yield started


@pytest.fixture(
    scope="module",
    params=[pytest.param("some"), pytest.param("all", marks=[pytest.mark.soak, pytest.mark.timeout(3600)])],
)
def visits(request: pytest.FixtureRequest, running: World) -> Visits:
    chosen = some() if request.param == "some" else VECTORS
    visits = Visits(chosen, running.visit(chosen))
    for _ in range(_VISITS_MORE):
        if late := visits.without_effect():
            visits.add(running.visit(late))
    return visits


@pytest.mark.browser
@needs_chromium
class TestInChromium:
    def test_without_the_proxy_every_page_reaches_its_tracker(self, visits: Visits) -> None:
        reached = visits.leaks(BARE)
        assert [vector.id for vector in visits.vectors if vector.id not in reached] == []

    @pytest.mark.parametrize("site", POLICIES, ids=POLICIES.get)
    def test_after_a_refusal_nothing_arrives(self, visits: Visits, site: str) -> None:
        limits = {vector.id for vector in visits.vectors if POLICIES[site] in vector.leaks}
        leaks = visits.leaks(site)
        assert {id_: found for id_, found in leaks.items() if id_ not in limits} == {}
        # What the documentation calls a limit is one still.
        assert [id_ for id_ in sorted(limits) if id_ not in leaks] == []


@pytest.mark.browser
@needs_chromium
def test_by_the_button_on_a_placeholder_content_is_there_until_the_page_is_left_and_nothing_is_kept(
    running: World,
) -> None:
    async def visit() -> None:
        running.recorder.arrived.clear()
        async with running.visitor() as visitor:
            for site in (STRICT, DEFAULT):
                await refuse(visitor, SITES[site])
                page, visited = await visitor.new_page(), f"iframe-{site}"
                await page.goto(f"https://{SITES[site]}/v/iframe/")
                placeholder = page.frame_locator("iframe[src*='/embed/']")
                button = placeholder.get_by_role("button", name="once")
                await expect(button).to_be_visible()
                kept = await visitor.cookies()
                assert visited not in running.recorder.arrived
                await button.click()
                content = placeholder.frame_locator("iframe.consentry-once")
                await expect(content.get_by_text("tracker")).to_be_visible()
                assert "GET /f.html" in running.recorder.arrived.pop(visited)
                assert await visitor.cookies() == kept
                await page.reload()
                await expect(button).to_be_visible()
                assert visited not in running.recorder.arrived
                await page.close()

    asyncio.run(visit())


def test_the_vectors_are_as_many_as_ever() -> None:
    assert len({vector.id for vector in VECTORS}) == len(VECTORS) == PINNED
    assert {name: sum(name in vector.leaks for vector in VECTORS) for name in LIMITS} == LIMITS
    # A host label holds no more (RFC 1035, section 2.3.4), and the visit's own letter goes with it.
    assert [vector.id for vector in VECTORS if len(vector.id) > 61 or not vector.id.replace("-", "").isalnum()] == []


def test_what_is_not_stopped_is_documented() -> None:
    text = Path(ROOT / "docs" / "limits.md").read_text("utf-8")
    assert [vector.id for vector in VECTORS if vector.leaks and f"`{vector.id}`" not in text] == []
