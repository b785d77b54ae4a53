"""`consentry up` in front of the demo site, in real Chromium: what the visitor chose is what happens."""

import contextlib
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.chromium import needs_chromium
from tests.browser.world import NECESSARY_COOKIES, NECESSARY_HOSTS, TRACKERS, World, choose, jar, see, world
from tests.waiting import wait_for

pytestmark = [pytest.mark.browser, needs_chromium]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("up")) as found:
        yield found


@pytest.mark.parametrize("javascript", [pytest.param(True, id="with-javascript"), pytest.param(False, id="without")])
def test_every_step_of_a_choice_holds(plain: World, javascript: bool) -> None:
    with contextlib.closing(plain.visitor(javascript=javascript)) as visitor:
        page = visitor.new_page()

        assert set(see(page, plain)) <= NECESSARY_HOSTS, "no choice"
        assert jar(visitor) <= NECESSARY_COOKIES

        choose(page, plain, "Refuse all", javascript=javascript)
        assert set(see(page, plain)) <= NECESSARY_HOSTS, "refused"
        assert jar(visitor) <= NECESSARY_COOKIES
        assert "consent" in jar(visitor)

        choose(page, plain, "Accept all", javascript=javascript)
        awaited = TRACKERS if javascript else {"px.adsphere.test"}
        accepted = set(see(page, plain, awaiting=awaited))
        assert accepted >= awaited, "accepted"
        assert "beacon.unlisted.test" not in accepted, "never declared, so never accepted"
        if javascript:
            assert wait_for(lambda: {"_bl_stats", "bl_visitor"} <= jar(visitor))

        choose(page, plain, "Refuse all", javascript=javascript)
        assert set(see(page, plain)) <= NECESSARY_HOSTS, "withdrawn"
        assert jar(visitor) <= NECESSARY_COOKIES


@pytest.mark.parametrize("javascript", [pytest.param(True, id="with-javascript"), pytest.param(False, id="without")])
@pytest.mark.parametrize("button", ["Refuse all", "Accept all"])
def test_a_half_filled_form_survives_a_choice(plain: World, javascript: bool, button: str) -> None:
    with contextlib.closing(plain.visitor(javascript=javascript)) as visitor:
        page = visitor.new_page()
        see(page, plain, "/demo-request")
        field = page.locator(
            "form:not([action^='/.consent']) input[type=text], form:not([action^='/.consent']) input:not([type])"
        ).first
        field.fill("half a name")
        choose(page, plain, button, javascript=javascript)
        expect(field).to_have_value("half a name")


def test_the_form_still_works_after_a_refusal(plain: World) -> None:
    with contextlib.closing(plain.visitor()) as visitor:
        page = visitor.new_page()
        see(page, plain)
        choose(page, plain, "Refuse all")
        see(page, plain, "/survey")
        before = len(plain.site.origin.survey_answers)
        form = page.locator("form[action='/survey/answers']")
        form.locator("input[name=recommend]").last.check()
        form.get_by_role("button").click()
        expect(page).to_have_url(f"{plain.origin}/survey/thanks")
        assert len(plain.site.origin.survey_answers) == before + 1


def test_the_banner_weighs_both_answers_alike(plain: World) -> None:
    with contextlib.closing(plain.visitor()) as visitor:
        page = visitor.new_page()
        see(page, plain)
        banner = page.locator("section.consentry")
        accept, refuse = (banner.get_by_role("button", name=name) for name in ("Accept all", "Refuse all"))
        first, second = accept.bounding_box(), refuse.bounding_box()
        assert first is not None
        assert second is not None
        assert abs(first["height"] - second["height"]) < 1
        assert min(first["height"], second["height"]) >= 44
        styles = [
            button.evaluate("e => { const s = getComputedStyle(e); return [s.color, s.backgroundColor, s.fontSize] }")
            for button in (accept, refuse)
        ]
        assert styles[0] == styles[1]
