"""The button on a placeholder: the vendor's content is there until the page is left, and nothing is kept."""

import asyncio
from collections.abc import Iterator

import pytest
from playwright.async_api import expect

from tests.browser.chromium import needs_chromium
from tests.browser.evasion import DEFAULT, SITES, STRICT, World, read_vectors, refuse, world

pytestmark = [pytest.mark.browser, needs_chromium]
FRAME = next(vector for vector in read_vectors() if vector.id == "iframe")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("once"), [FRAME]) as started:
        yield started


def test_content_is_loaded_once(running: World) -> None:
    async def visit() -> None:
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
