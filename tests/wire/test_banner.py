"""The banner and its pages as markup: complete, escaped, equal in their answers, and usable without any script."""

import re

import pytest
import turbohtml
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp import resources
from cmp.core.consent import NO_CHOICE, Visitor, supposed_visitor
from cmp.core.policy import Policy
from cmp.core.signals import NO_SIGNALS, Signals
from cmp.policy.load import load_policy
from cmp.wire.banner import answer_html, banner_html, embed_html, is_decided, preferences_html, state_of
from tests.core.examples import compiled, shop

POLICY = compiled()
EVIL = "\"><script>alert(1)</script>'&ü"


def banner(
    policy: Policy = POLICY,
    visitor: Visitor = NO_CHOICE,
    signals: Signals = NO_SIGNALS,
    language: str = "en",
    problem: str = "",
) -> turbohtml.Document:
    return turbohtml.parse(banner_html(policy, visitor, signals, language, reserved="/.consent/", problem=problem))


def page(
    policy: Policy = POLICY, visitor: Visitor = NO_CHOICE, back: str = "/a?b=1", saved: bool = False
) -> turbohtml.Document:
    return turbohtml.parse(
        preferences_html(
            policy, visitor, NO_SIGNALS, "en", reserved="/.consent/", token="7.abc", back=back, saved=saved
        )
    )


def texts(document: turbohtml.Document, selector: str) -> list[str]:
    return [element.text.strip() for element in document.select(selector)]


@pytest.mark.parametrize(
    "language, answers",
    [("en", ["Accept all", "Refuse all", "Choose"]), ("de", ["Alle annehmen", "Alle ablehnen", "Auswählen"])],
)
def test_the_answers_stand_side_by_side_and_look_alike(language: str, answers: list[str]) -> None:
    document = banner(language=language)
    row = document.select_one(".consentry-answers")
    assert row is not None
    assert texts(document, ".consentry-answers > button, .consentry-answers > details > summary") == answers
    buttons = document.select(".consentry-answers > button")
    assert [button.attr("value") for button in buttons] == ["accept", "refuse"]
    assert all(set(button.attrs) == {"name", "value"} for button in buttons)
    section = document.select_one("section")
    assert section is not None
    assert section.attr("lang") == language


def test_a_region_with_a_name_and_controls_with_names() -> None:
    document = banner()
    section = document.select_one("section")
    assert section is not None
    assert section.attr("role") == "region"
    label = document.select_one(f"#{section.attr('aria-labelledby')}")
    assert label is not None
    assert label.tag == "h2"
    assert all(box.closest("label") is not None for box in document.select("input[type=checkbox]"))
    assert [frame.attr("title") for frame in document.select("iframe")] == ["Answer to your choice"]
    assert texts(document, "th[scope=col]") == ["Purpose", "Why", "How long", "Who receives data"]
    assert document.select_one("p[role=status]") is not None


def test_nothing_optional_is_ticked_beforehand_and_nothing_is_inline() -> None:
    document = banner()
    boxes = document.select("input[type=checkbox]")
    assert [box.attr("value") for box in boxes] == list(POLICY.optional_categories)
    assert not [box for box in boxes if box.attr("checked") is not None]
    for element in document.select("*"):
        assert not [name for name in element.attrs if name == "style" or name.startswith("on")]
    assert all(script.attr("src") == "/.consent/banner.js" for script in document.select("script"))
    assert not document.select("style")


def test_the_form_works_without_scripts() -> None:
    document = banner()
    form = document.select_one("form")
    assert form is not None
    assert (form.attr("method"), form.attr("action"), form.attr("target")) == (
        "post",
        "/.consent/choice",
        "consent-answer",
    )
    assert document.select_one("iframe[name=consent-answer]") is not None
    hidden = {field.attr("name"): field.attr("value") for field in document.select("input[type=hidden]")}
    assert hidden == {"surface": "banner", "answer": "frame", "lang": "en"}
    assert texts(document, "details button[value=save]") == ["Save choice"]


def test_the_table_says_who_receives_what_for_which_purpose() -> None:
    rows = [[cell.text for cell in row.select("th,td")] for row in banner().select("tbody tr")]
    titles = [row[0] for row in rows]
    assert titles == ["Comfort", "Necessary (always on)", "Payment (always on)", "Analytics", "Advertising", "Research"]
    assert rows[3][3] == "Stats (country not known)"
    assert rows[1][3] == "this site only"


def test_a_long_list_of_companies_is_for_the_preferences_page() -> None:
    policy = load_policy(resources.policies() / "default.json")
    html = banner_html(policy, NO_CHOICE, NO_SIGNALS, "en", reserved="/.consent/")
    assert len(html) < 12_000
    assert "more</a>" in html
    whole = page(policy)
    assert len(whole.select("td li")) == len(policy.vendors)


@pytest.mark.parametrize(
    "choice, decided",
    [("none", False), ("refuse", True), ("accept", True), ("analytics", True)],
)
def test_who_has_decided_sees_only_the_way_back(choice: str, decided: bool) -> None:
    visitor = supposed_visitor(POLICY, choice)
    document = banner(visitor=visitor)
    assert is_decided(POLICY, visitor) is decided
    assert bool(document.select("form")) is not decided
    links = document.select("section a.consentry-reopen")
    assert [(link.attr("href"), link.text) for link in links] == [("/.consent/", "Privacy choices")]
    last = document.select("section *")[-1]
    assert last.tag == "a"
    section = document.select_one("section")
    assert section is not None
    assert section.attr("data-state") == state_of(POLICY, visitor)


def test_a_choice_about_one_company_alone_leaves_the_question_open() -> None:
    assert not is_decided(POLICY, Visitor(granted=frozenset({"vendor:chat"})))


def test_a_policy_with_nothing_to_choose_asks_nothing() -> None:
    policy = compiled(
        categories={"necessary": {"basis": "necessary", "title": {"en": "Necessary"}}},
        vendors=[],
        cookies=[],
        signals=None,
    )
    assert is_decided(policy, NO_CHOICE)
    assert not banner(policy).select("form")
    assert not page(policy).select("button")


@pytest.mark.parametrize(
    "one, other, same",
    [
        (NO_CHOICE, Visitor(decided_at=5.0), True),
        (NO_CHOICE, Visitor(refused=frozenset({"analytics"})), False),
        (Visitor(granted=frozenset({"analytics"})), Visitor(refused=frozenset({"analytics"})), False),
        (Visitor(granted=frozenset({"vendor:chat"})), NO_CHOICE, False),
        (Visitor(granted=frozenset({"nonsense"})), NO_CHOICE, True),
    ],
)
def test_the_state_tells_choices_apart_and_nothing_else(one: Visitor, other: Visitor, same: bool) -> None:
    assert (state_of(POLICY, one) == state_of(POLICY, other)) is same


GPC = "Opt-out request honoured (Global Privacy Control)."
DNT = "Opt-out request honoured (Do Not Track)."
OVERRIDE = " If you accept all the same, that holds for this site."


@pytest.mark.parametrize(
    "signals, choice, notes",
    [
        (Signals(), "none", []),
        (Signals(dnt=False), "none", []),
        (Signals(gpc=True), "none", [GPC + OVERRIDE]),
        (Signals(dnt=True), "none", [DNT]),
        (
            Signals(gpc=True, dnt=True),
            "none",
            ["Opt-out request honoured (Global Privacy Control, Do Not Track)."],
        ),
        pytest.param(Signals(gpc=True), "refuse", [GPC], id="shown after the choice too, without the offer"),
        pytest.param(Signals(gpc=True), "accept", [], id="not honoured where the visitor agreed all the same"),
    ],
)
def test_a_signal_is_shown_to_be_honoured(signals: Signals, choice: str, notes: list[str]) -> None:
    visitor = supposed_visitor(POLICY, choice, signals)
    assert texts(banner(visitor=visitor, signals=signals), ".consentry-signal") == notes


def test_a_signal_that_denies_nothing_is_not_said_to_be_honoured() -> None:
    policy = compiled(signals={"dnt": {"denies": [], "status": "D"}, "gpc": {"denies": ["profiling"]}})
    assert texts(banner(policy, signals=Signals(dnt=True, gpc=True)), ".consentry-signal") == []


def test_a_problem_is_told_whether_decided_or_not() -> None:
    for visitor in (NO_CHOICE, supposed_visitor(POLICY, "refuse")):
        assert texts(banner(visitor=visitor, problem=EVIL), "[role=status]") == [EVIL]


def test_the_preferences_page_shows_what_holds_and_can_take_it_back() -> None:
    visitor = Visitor(granted=frozenset({"analytics", "vendor:chat"}), refused=frozenset({"comfort"}))
    document = page(visitor=visitor, saved=True)
    ticked = [(box.attr("name"), box.attr("value")) for box in document.select("input[checked]")]
    assert ticked == [("category", "analytics"), ("vendor", "chat")]
    assert texts(document, "[role=status]") == ["Your choice is saved."]
    hidden = {field.attr("name"): field.attr("value") for field in document.select("input[type=hidden]")}
    assert hidden == {"surface": "preferences", "lang": "en", "token": "7.abc", "back": "/a?b=1"}
    assert [link.attr("href") for link in document.select("main > p > a")] == [
        "/.consent/record?lang=en",
        "/.consent/do-not-sell?lang=en",
        "/a?b=1",
    ]
    assert texts(document, "button") == ["Accept all", "Refuse all", "Save choice"]
    html = document.select_one("html")
    assert html is not None
    assert html.attr("lang") == "en"
    assert texts(document, "title") == ["Privacy at the shop"]


@pytest.mark.parametrize("back", ["", "//evil.test", "/\\evil.test", "https://evil.test", "javascript:alert(1)"])
def test_there_is_no_way_back_to_elsewhere(back: str) -> None:
    links = [link.attr("href") or "" for link in page(back=back).select("main > p > a")]
    assert all(link.startswith("/.consent/") for link in links)


def test_an_embed_tells_who_and_offers_to_load() -> None:
    document = turbohtml.parse(embed_html(POLICY, "chat", "de", reserved="/.consent/", token="t", back="/x"))
    assert texts(document, "h1") == ["Chat: nicht geladen"]
    hidden = {field.attr("name"): field.attr("value") for field in document.select("input[type=hidden]")}
    assert hidden == {"surface": "embed", "lang": "de", "token": "t", "back": "/x", "vendor": "chat"}
    form = document.select_one("form")
    assert form is not None
    assert form.attr("target") == "_top"
    with pytest.raises(KeyError):
        embed_html(POLICY, "nobody", "de", reserved="/.consent/", token="t", back="/x")


@pytest.mark.parametrize(
    "saved, problem, expected",
    [
        (True, "", "Your choice is saved. It holds from the next page on, or when you load this page again."),
        (False, EVIL, EVIL),
        (False, "", "Your choice could not be saved. Everything optional stays off; please try again."),
    ],
)
def test_the_answer_without_scripts(saved: bool, problem: str, expected: str) -> None:
    document = turbohtml.parse(answer_html(POLICY, "en", saved=saved, problem=problem))
    assert texts(document, "[role=status]") == [expected]


def evil_policy() -> Policy:
    text = {"en": EVIL}
    categories = {
        "necessary": {"basis": "necessary", "title": text},
        "x": {"basis": "consent", "title": text, "reason": text, "retention": text},
    }
    vendors = [{"id": "v", "name": EVIL, "company": EVIL, "category": "x", "hosts": ["v.test"]}]
    controller = {"name": EVIL, "contact": EVIL}
    return compiled(title=text, categories=categories, vendors=vendors, cookies=[], signals=None, controller=controller)


def test_every_text_is_escaped_and_ascii() -> None:
    policy, visitor = evil_policy(), Visitor(granted=frozenset({"vendor:v"}))
    made = [
        banner_html(policy, NO_CHOICE, NO_SIGNALS, EVIL, reserved="/.c/", problem=EVIL),
        preferences_html(policy, visitor, NO_SIGNALS, "de", reserved="/.c/", token=EVIL, back="/" + EVIL, problem=EVIL),
        embed_html(policy, "v", "en", reserved="/.c/", token=EVIL, back=EVIL),
        answer_html(policy, "en", saved=False, problem=EVIL),
    ]
    for html in made:
        assert html.isascii()
        assert "alert(1)</script" not in html
        document = turbohtml.parse(html)
        assert all(script.attr("src") == "/.c/banner.js" for script in document.select("script"))
        assert not [e for e in document.select("*") if [n for n in e.attrs if not re.fullmatch(r"[a-z-]+", n)]]
    assert EVIL in turbohtml.parse(made[1]).select("tr:last-child td")[2].text


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.text(max_size=30), st.text(max_size=30), st.sampled_from(["en", "de", "fr", ""]))
def test_no_value_changes_the_shape_of_a_page(value: str, other: str, language: str) -> None:
    def shape(token: str, problem: str) -> list[str]:
        html = preferences_html(
            POLICY, NO_CHOICE, NO_SIGNALS, language, reserved="/.c/", token="t" + token, back="/", problem="p" + problem
        )
        return [element.tag for element in turbohtml.parse(html).select("*")]

    assert shape(value, other) == shape("", "")


def test_the_examples_have_an_id_for_each_vendor() -> None:
    assert {vendor["id"] for vendor in shop()["vendors"]} == set(POLICY.vendors)
