"""A policy nobody has anything to say about, and builders to change it.

May go in here: values. May not: assertions, files, the shipped catalogue.
"""

from typing import Any


def quiet(**changes: Any) -> dict[str, Any]:
    """A policy nobody has anything to say about; a change replaces a top-level key, None takes it out."""
    document = {
        "consentry": 1,
        "id": "quiet",
        "version": "2",
        "title": {"en": "Privacy at the shop"},
        "controller": {"name": "Shop Ltd", "contact": "privacy@shop.test", "country": "IE"},
        "sites": ["shop.test"],
        "categories": {
            "necessary": {"basis": "necessary", "title": {"en": "Necessary"}},
            "analytics": consent("Analytics"),
            "advertising": consent("Advertising"),
        },
        "vendors": [
            vendor("stats", hosts=["stats.test"], cookies=[{"name": "_st", "lifetime": "1 year"}]),
            vendor("ads", category="advertising", hosts=["ads.test"]),
        ],
        "cookies": [{"name": "sid", "category": "necessary", "lifetime": "session"}],
        "signals": {"gpc": {"denies": "all"}, "dnt": {"denies": "all"}},
        **changes,
    }
    return {key: value for key, value in document.items() if value is not None}


def vendor(id_: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "name": id_.title(), "country": "IE", "category": "analytics", **more}


def consent(title: str, **more: Any) -> dict[str, Any]:
    return {"basis": "consent", "title": {"en": title}, "reason": {"en": "To make it better"}, **more}


def categories(**more: Any) -> dict[str, Any]:
    """The categories of the quiet policy, those named changed or added."""
    return {
        id_: {**quiet()["categories"].get(id_, {}), **change}
        for id_, change in {**quiet()["categories"], **more}.items()
    }


def cookies(*more: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"category": "analytics", "lifetime": "1 day", **cookie} for cookie in more]
