"""Everything a policy says to people reaches them: whole, in their language, and nothing before or after its day."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import turbohtml

from cmp.core.consent import NO_CHOICE, Visitor, supposed_visitor
from cmp.core.policy import Policy
from cmp.core.signals import NO_SIGNALS, Signals
from cmp.policy.changes import changes
from cmp.policy.compose import compose
from cmp.policy.in_force import Announced
from cmp.wire import desk_words, policy_words, words
from cmp.wire.about import held, vendor_text
from cmp.wire.banner import answer_html, banner_html, embed_html, preferences_html
from cmp.wire.occasion import Occasion
from cmp.wire.placeholder import frame_attributes
from cmp.wire.tell_me import CookieLine, Fate
from tests.core.examples import compiled, shop
from tests.wire.full import full, full_policy, texts
from tests.wire.test_placeholder import UNKNOWN

DAY = 86_400
NOW = 1_791_376_496.0  # 6 October 2026
FULL = full_policy()
BEFORE = full_policy(version="2", vendors=[{**v, "country": "FR"} for v in full()["vendors"]])
CHOSEN = Visitor(refused=frozenset({"research"}), decided_at=NOW - 90 * DAY, policy=BEFORE.fingerprint)
NEW = Occasion(NOW, lapsed=frozenset({"comfort"}), changes=changes(BEFORE, FULL))


def page(
    policy: Policy = FULL,
    language: str = "en",
    *,
    visitor: Visitor = NO_CHOICE,
    occasion: Occasion | None = None,
    signals: Signals = NO_SIGNALS,
) -> turbohtml.Document:
    html = preferences_html(
        policy,
        visitor,
        signals,
        language,
        reserved="/.consent/",
        token="t",
        back="/",
        occasion=occasion or Occasion(NOW),
    )
    return turbohtml.parse(html)


def banner(visitor: Visitor = NO_CHOICE, occasion: Occasion | None = None, policy: Policy = FULL) -> turbohtml.Document:
    html = banner_html(policy, visitor, NO_SIGNALS, "en", reserved="/.consent/", occasion=occasion)
    return turbohtml.parse(html)


def shown(document: turbohtml.Document, selector: str) -> list[str]:
    return [element.text.strip() for element in document.select(selector)]


@pytest.mark.parametrize(
    "said",
    [
        "Responsible: Shop Ltd",
        "Contact: privacy@shop.test",
        "Client; its own privacy policy holds as well: Client plc (Ireland), https://client.test",
        "Processor: Host Inc (USA)",
        "Whom this is about: EN-buyer, EN-visitor.",
        "EN-newsletter Basis: consent. Kept: EN-kept-a-week. You can stop this at any time.",
        "EN-bills EN-law. Basis: legal duty. This cannot be stopped while you use the service.",
        "Deletion of your data",
        "You get an answer within 20 days. This is free of charge.",
        "You can also write to: rights@shop.test",
        "You can complain to: EN-authority",
        "Last revised: March 2026. In force since 1 April 2026. Last reviewed: 2 May 2026. Version 3.",
        "Found a weakness? Report it to security@shop.test",
        "Do Not Track: EN-dnt",
        "To accept you must be at least 16 years old.",
        "Parts of a page that need what you refuse",
        "Your choice holds for 12 months; then we ask again.",
        "Stated as necessary, treated as consent.",
        "The claim: EN-claim",
        "EN-kept-a-year",
        "Exempt: audience measurement.",
        "EN-analytics (on until you refuse)",
        "Chat (USA; Safe Harbor, void since 2015)",
        "Change of ownership: EN-sale",
    ],
)
def test_the_page_says_everything_the_policy_says(said: str) -> None:
    document = page()
    assert said in " ".join(shown(document, "main")[0].split())


def test_links_lead_to_rights_contacts_and_security() -> None:
    assert [link.attr("href") for link in page().select("section a")] == [
        "mailto:privacy@shop.test",
        "https://client.test",
        "mailto:rights@shop.test",
        "/.consent/rights",
        "mailto:security@shop.test",
    ]


def test_a_policy_that_says_no_more_keeps_a_short_page() -> None:
    document = page(compiled())
    assert not document.select("h2, .consentry-notice, .consentry-news")
    assert not document.select('form[action="/.consent/tell-me"]')


def test_headings_follow_each_other() -> None:
    levels = [int(element.tag[1]) for element in page(occasion=NEW, visitor=CHOSEN).select("h1, h2, h3, h4")]
    assert levels[0] == 1
    assert set(levels[1:]) == {2}


# ------------------------------------------------------------------------------------------------------- notices


@pytest.mark.parametrize(
    "day, told",
    [
        ("2026-08-31", []),
        ("2026-09-01", ["Change of ownership: EN-sale"]),
        ("2026-11-30", ["Change of ownership: EN-sale"]),
        ("2026-12-01", []),
        ("2027-01-01", ["Notice: EN-later"]),
    ],
)
@pytest.mark.parametrize("choice", ["none", "accept"])
def test_a_notice_is_shown_from_its_first_day_until_its_last(day: str, told: list[str], choice: str) -> None:
    occasion = Occasion(datetime.fromisoformat(f"{day}T12:00:00").replace(tzinfo=UTC).timestamp())
    assert shown(page(occasion=occasion), ".consentry-notice") == told
    assert shown(banner(supposed_visitor(FULL, choice), occasion), ".consentry-notice") == told


# -------------------------------------------------------------------------------------------------- what changed


def test_what_changed_is_told_in_the_operators_words_and_counted_out() -> None:
    assert shown(page(visitor=CHOSEN, occasion=NEW), ".consentry-news :is(h2, li, p)") == [
        "What changed since your choice",
        "1 October 2026: EN-change-of-october",
        "Ads receives data in: country not known; before: France.",
        "Chat receives data in: USA; before: France.",
        "Panel receives data in: country not known; before: France.",
        "Pay receives data in: country not known; before: France.",
        "Profiler receives data in: country not known; before: France.",
        "Stats receives data in: country not known; before: France.",
        "So what you allowed before no longer holds, and we ask you again: EN-comfort.",
    ]


def test_the_banner_tells_in_short_and_leads_to_the_rest() -> None:
    document = banner(CHOSEN, NEW)
    assert shown(document, ".consentry-news :is(h3, li, p)") == [
        "What changed since your choice",
        "1 October 2026: EN-change-of-october",
        "So what you allowed before no longer holds, and we ask you again: EN-comfort.",
        "All changes",
    ]
    assert [link.attr("href") for link in document.select(".consentry-news a")] == ["/.consent/"]


@pytest.mark.parametrize(
    "visitor",
    [
        pytest.param(NO_CHOICE, id="who never chose"),
        pytest.param(replace(CHOSEN, policy=FULL.fingerprint), id="who chose under this policy"),
    ],
)
def test_nothing_changed_for(visitor: Visitor) -> None:
    assert not page(visitor=visitor, occasion=Occasion(NOW)).select(".consentry-news")
    assert not banner(visitor, Occasion(NOW)).select(".consentry-news")


def test_who_refused_everything_is_not_asked_again_but_can_read_what_changed() -> None:
    visitor = replace(supposed_visitor(FULL, "refuse"), policy=BEFORE.fingerprint, decided_at=NOW - 90 * DAY)
    occasion = Occasion(NOW, changes=changes(BEFORE, FULL))
    assert not banner(visitor, occasion).select("form")
    assert page(visitor=visitor, occasion=occasion).select(".consentry-news")


def test_a_hundred_changes_are_cut() -> None:
    vendors = [{"id": f"v{n}", "name": f"V{n}", "category": "comfort", "hosts": [f"v{n}.test"]} for n in range(100)]
    new = full_policy(vendors=vendors)
    found = changes(FULL, new)
    document = page(new, visitor=CHOSEN, occasion=Occasion(NOW, changes=found))
    assert shown(document, ".consentry-news li")[-1] == f"and {len(found) - 30} more changes"


def test_what_is_announced_is_told_with_its_day() -> None:
    coming = full_policy(
        version="4",
        effective="2026-12-01",
        changes=[{"version": "4", "date": "2026-12-01", "text": texts("change-of-december")}, *full()["changes"]],
        vendors=[vendor for vendor in full()["vendors"] if vendor["id"] != "ads"],
    )
    assert coming.effective is not None
    occasion = Occasion(NOW, announced=Announced(coming, coming.effective), coming=changes(FULL, coming))
    (section,) = [s for s in page(occasion=occasion).select("section") if "What changes on" in s.text]
    assert [element.text for element in section.select("h2, li")] == [
        "What changes on 1 December 2026",
        "EN-change-of-december",
        "EN-advertising: Ads no longer takes part.",
    ]


# ------------------------------------------------------------------------------------------------------- composed


def test_of_composed_policies_both_parties_and_the_union_of_categories_are_shown() -> None:
    theirs = compiled(
        id="client",
        controller={"name": "Client AG"},
        categories={
            "necessary": {"basis": "necessary", "title": {"en": "Necessary"}},
            "panel": {"basis": "consent", "title": {"en": "Panel"}},
        },
        vendors=None,
        cookies=None,
        signals=None,
    )
    both = compose([compiled(controller={"name": "Agency Ltd"}), theirs])
    document = page(both)
    said = shown(document, "main")[0]
    assert "Responsible: Agency Ltd" in said
    assert "Its policy holds as well: Client AG" in said
    boxes = [box.attr("value") for box in document.select("input[name=category]")]
    assert boxes == [*compiled().optional_categories, "panel"]


# ------------------------------------------------------------------------------------------------------ languages


def english() -> set[str]:
    """Every stretch of English our tables can put into a page, as far as German has not the same."""
    rows = [*words._TABLE, *policy_words._TABLE, *desk_words._TABLE]
    german = {part for row in rows for part in stretches(row[2])}
    found = {part for row in rows for part in stretches(row[1])} - german
    # German words too.
    dates = {"January", "October", "December", "March", "months", "days"}
    return (found - {"was", "Cookie"}) | dates | {"Ireland", "Germany"}


def stretches(text: str) -> list[str]:
    return [part.strip(" .:;,()") for part in re.split(r"{\w+}", text) if len(part.strip(" .:;,()")) > 2]


def nodes(html: str) -> list[str]:
    """What a person reads or hears of a page: text, and the attributes that are read out."""
    document = turbohtml.parse(html)
    spoken = [element.attr(name) for element in document.select("*") for name in ("title", "aria-label", "data-failed")]
    return [*(str(text) for text in spoken if text), *document.select("html")[0].text.split("\n")]


def german_pages(policy: Policy) -> dict[str, str]:
    told = [CookieLine("sid", fate, "DE-purpose", 60.0 if fate is Fate.SET else None) for fate in Fate]
    visitor = replace(CHOSEN, granted=frozenset({"vendor:chat"}), tell_me=True)
    coming = full_policy(version="4", effective="2026-12-01", vendors=[])
    occasion = replace(NEW, announced=Announced(coming, NOW + 60 * DAY), coming=changes(policy, coming))
    given: dict[str, Any] = {"reserved": "/.consent/", "occasion": occasion}
    gpc = Signals(gpc=True)
    decided = supposed_visitor(policy, "refuse")
    return {
        "preferences": preferences_html(policy, visitor, gpc, "de", token="t", back="/", saved=True, **given),
        "banner": banner_html(policy, visitor, gpc, "de", told=told, **given),
        "decided": banner_html(policy, decided, gpc, "de", told=[], **given),
        "embed": embed_html(policy, "chat", "de", reserved="/.consent/", token="t", back="/"),
        "saved": answer_html(policy, "de", saved=True, problem=""),
        "failed": answer_html(policy, "de", saved=False, problem=""),
        "unknown": f"<html lang=de><iframe {frame_attributes(UNKNOWN, 'odd.test', 'de', '/.consent/')}></iframe>",
    }


@pytest.mark.parametrize("name", list(german_pages(FULL)))
def test_a_german_page_is_german_throughout(name: str) -> None:
    html = german_pages(full_policy(languages=["de"]))[name]
    assert 'lang="de"' in html or "lang=de" in html
    found = [
        (part, text)
        for text in nodes(html)
        for part in english()
        if re.search(rf"(?<![\w-]){re.escape(part)}(?![\w-])", text)
    ]
    assert found == []
    assert "EN-" not in html


def test_the_test_for_german_finds_english() -> None:
    html = preferences_html(FULL, CHOSEN, Signals(gpc=True), "en", reserved="/", token="t", back="/", occasion=NEW)
    said = "\n".join(nodes(html))
    assert len([part for part in english() if part in said]) > 40


def test_what_is_on_until_refused_is_said_to_stay_off() -> None:
    told = "What is on until you refuse it stays off once you did."
    allowing, denying = shop()["categories"], shop()["categories"]
    denying["research"]["default"] = "deny"
    assert told in held(compiled(categories=allowing), "", "en")
    assert told not in held(compiled(categories=denying), "", "en")


def test_the_company_of_a_sites_own_cookies_is_said_in_the_visitors_language() -> None:
    vendor = {"id": "v", "name": "V", "company": "The site itself", "category": "analytics", "hosts": ["v.test"]}
    text = vendor_text(compiled(vendors=[vendor]).vendors["v"], "de")
    assert "(die Seite selbst, " in text
