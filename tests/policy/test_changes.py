"""What is different between two policies, as far as it matters to who agreed."""

from typing import Any

import pytest

from cmp.core.policy import Policy
from cmp.policy.changes import Change, ChangeKind, changes
from cmp.policy.compose import compose
from tests.core.examples import compiled, shop

OLD = compiled()


def vendors(**changed: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The shop's vendors; a change updates one or adds it, None takes it out."""
    found = {vendor["id"]: vendor for vendor in shop()["vendors"]}
    for id_, change in changed.items():
        if change is None:
            del found[id_]
        else:
            found[id_] = {**found.get(id_, {"id": id_}), **change}
    return list(found.values())


def cookies(**lifetimes: str | None) -> list[dict[str, Any]]:
    return [
        {**cookie, "lifetime": lifetimes[cookie["name"]]} if lifetimes.get(cookie["name"]) else cookie
        for cookie in shop()["cookies"]
        if lifetimes.get(cookie["name"], "") is not None
    ]


def categories(**changed: dict[str, Any]) -> dict[str, Any]:
    found = shop()["categories"]
    return {id_: {**found.get(id_, {"title": {"en": id_}}), **changed.get(id_, {})} for id_ in {**found, **changed}}


def told(found: tuple[Change, ...]) -> list[tuple[str, str, str, str, str]]:
    return [
        (change.kind.value, change.category.id if change.category else "", change.name, change.before, change.after)
        for change in found
    ]


@pytest.mark.parametrize(
    "changed, expected",
    [
        pytest.param({}, [], id="nothing"),
        pytest.param({"title": {"en": "Another title"}, "version": "2"}, [], id="wording and version"),
        pytest.param(
            {
                "vendors": vendors(
                    heat={"name": "Heat", "category": "analytics", "country": "US", "hosts": ["heat.test"]}
                )
            },
            [("vendor-added", "analytics", "Heat", "", "US")],
            id="a vendor more",
        ),
        pytest.param(
            {"vendors": vendors(ads=None)}, [("vendor-removed", "advertising", "Ads", "", "ZZ")], id="a vendor less"
        ),
        pytest.param(
            {"vendors": vendors(chat={"country": "US"})},
            [("vendor-country", "comfort", "Chat", "ZZ", "US")],
            id="a vendor in another country",
        ),
        pytest.param(
            {"vendors": vendors(chat={"company": "Big Chat Inc"})},
            [("vendor-company", "comfort", "Chat", "Chat", "Big Chat Inc")],
            id="a vendor of another company",
        ),
        pytest.param(
            {"vendors": vendors(chat={"category": "advertising"})},
            [("vendor-category", "advertising", "Chat", "comfort", "advertising")],
            id="a vendor in another category",
        ),
        pytest.param(
            {"vendors": vendors(chat={"uses": [{"category": "advertising", "pages": ["/shop*"]}]})},
            [("vendor-category", "advertising", "Chat", "comfort", "advertising")],
            id="a vendor in a further category on some pages",
        ),
        pytest.param(
            {"cookies": cookies(theme="2 years")},
            [("cookie-longer", "comfort", "theme", "1 year", "2 years")],
            id="a cookie that lives longer",
        ),
        pytest.param(
            {"cookies": cookies(cart="session")},
            [("cookie-shorter", "necessary", "cart", "2 days", "session")],
            id="a cookie that lives less long",
        ),
        pytest.param({"cookies": cookies(theme="366 days")}, [], id="the same lifetime in other words"),
        pytest.param(
            {"cookies": cookies(theme=None)}, [("cookie-removed", "comfort", "theme", "", "1 year")], id="a cookie less"
        ),
        pytest.param(
            {"cookies": [*cookies(), {"name": "seen", "category": "comfort"}]},
            [("cookie-added", "comfort", "seen", "", "")],
            id="a cookie more, without a lifetime",
        ),
        pytest.param(
            {"categories": categories(maps={"basis": "consent"})},
            [("category-added", "maps", "", "", "")],
            id="a category more",
        ),
        pytest.param(
            {"categories": categories(research={"never": True, "default": "deny"})},
            [("category-never", "research", "", "", "")],
            id="a category that is never allowed again",
        ),
        pytest.param(
            {"categories": categories(payment={"basis": "consent"})},
            [("category-basis", "payment", "", "necessary", "consent")],
            id="a category on another basis",
        ),
    ],
)
def test_each_difference_is_found(changed: dict[str, Any], expected: list[tuple[str, ...]]) -> None:
    assert told(changes(OLD, compiled(**changed))) == expected


def test_a_category_that_is_gone_is_told_by_the_name_it_had() -> None:
    new = compiled(categories=categories(maps={"basis": "consent"}))
    (change,) = changes(new, OLD)
    assert change.kind is ChangeKind.CATEGORY_REMOVED
    assert change.category is not None
    assert change.category.titles == {"en": "maps"}


@pytest.mark.parametrize(
    "changed",
    [
        {"vendors": vendors(chat={"country": "US"})},
        {"vendors": vendors(chat={"company": "Other"})},
        {"vendors": vendors(chat={"uses": [{"category": "advertising", "pages": ["/shop*"]}]})},
        {"vendors": vendors(chat=None)},
        {"cookies": cookies(theme="2 years")},
        {"cookies": cookies(theme=None)},
        {"categories": categories(comfort={"basis": "exempt", "exemption": "other"})},
        {"categories": categories(comfort={"never": True})},
    ],
    ids=str,
)
def test_whoever_is_asked_again_is_told_of_what(changed: dict[str, Any]) -> None:
    new = compiled(**changed)
    asked = {id_ for id_ in OLD.terms if new.terms.get(id_) != OLD.terms[id_]}
    about = {change.category.id for change in changes(OLD, new) if change.category is not None}
    named = {name for change in changes(OLD, new) for name in (change.before, change.after)}
    assert asked
    assert asked <= about | named


def test_of_composed_policies_the_union_is_compared() -> None:
    def with_client(**changed: Any) -> Policy:
        return compose([OLD, compiled(id="client", **changed)])

    theirs = {"vendors": vendors(heat={"name": "Heat", "category": "analytics", "hosts": ["heat.test"]})}
    assert told(changes(with_client(), with_client(**theirs))) == [("vendor-added", "analytics", "Heat", "", "ZZ")]
    assert changes(with_client(), with_client()) == ()
