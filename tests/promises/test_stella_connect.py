"""What Stella Connect promises beyond StellaService; the name of a test says which promise it shows.

May go in here: promises SC-1 to SC-3. May not: those of StellaService (`test_stellaservice.py`), rules taken out of the
policy (`test_mutations.py`).
"""

import pytest

from cmp.audit.finding import Level
from tests.audit import hars
from tests.promises.world import DAY, DROPPED, NOW, World


@pytest.fixture
def world() -> World:
    return World.of("stella-connect")


def test_sc_1_choices_rights_and_receipts_are_german(world: World) -> None:
    with world.served() as site:
        for path, said in (("", "Alle ablehnen"), ("rights", "Ihre Rechte")):
            page = site.get(path, lang="de")
            assert (page.status, '<html lang="de">' in page.text, said in page.text) == (200, True, True), path
        asked = site.post("rights", {"kind": "access", "contact": "ann@visitor.test", "lang": "de"}, form=True)
        receipt = site.get(asked.value("Location").removeprefix(site.site.reserved))
        assert '<html lang="de">' in receipt.text
        assert "Eingegangen" in receipt.text


def test_sc_1_german_is_what_a_visitor_gets_whose_language_is_not_known(world: World) -> None:
    with world.served() as site:
        assert '<html lang="de">' in site.get(lang="fi").text


def test_sc_2_weaknesses_can_be_reported_until_the_operator_has_to_look_at_it_again(world: World) -> None:
    with world.served() as site:
        told = site.get("well-known/security.txt", html=False)
        assert told.status == 200
        assert "Contact: tel:+1-212-366-1483" in told.text
        assert "Expires: 2027-10-01T00:00:00Z" in told.text
        site.goes_on(NOW + 400 * DAY)
        assert site.get("well-known/security.txt", html=False).status == 404


def test_sc_2_the_operator_names_a_mail_address_of_its_own(world: World) -> None:
    own = {"contact": ["mailto:security@operator.test"], "expires": "2027-06-01T00:00:00Z"}
    with world.with_(security=own).served() as site:
        assert "Contact: mailto:security@operator.test" in site.get("well-known/security.txt", html=False).text
    silent = world.with_(security=None, promises=[])
    with silent.served() as site:
        assert site.get("well-known/security.txt", html=False).status == 404


def test_sc_3_a_cookie_that_the_visitor_removed_is_not_put_back(world: World) -> None:
    for choice in ("none", "refuse", "accept"):
        assert world.keeps("uid=91c0ffee27aa44; Max-Age=99", world.url(), choice=choice) == DROPPED
    passing = world.decide(world.url(), kind="document", cookie="stella_session=1", set_cookies=["stella_session=1"])
    assert {edit.kind for edit in passing.edits} == set()


def test_sc_3_an_audit_finds_one_that_came_back(world: World) -> None:
    pages = (
        world.visit(cookie="stella_session=1; uid=91c0ffee27aa44"),
        world.visit("/b", cookie="stella_session=1"),
        world.visit("/c", cookie="stella_session=1", set_cookie=["uid=91c0ffee27aa44; Max-Age=99"]),
    )
    found = world.audit(*pages, hars.request(world.url("/x.js")), choice="accept")
    assert [one.level for one in found if one.code == "track.respawned-cookie"] == [Level.VIOLATION]
