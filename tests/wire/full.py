"""A policy that says everything a policy can say to people, in two languages, each text once.

May go in here: values. May not: assertions.
"""

from typing import Any

from cmp.core.policy import Policy
from cmp.policy.load import policy_of
from tests.core.examples import shop


def texts(what: str) -> dict[str, str]:
    """Two texts that no table of words has."""
    return {"en": f"EN-{what}", "de": f"DE-{what}"}


def full(**changes: Any) -> dict[str, Any]:
    """The document; a change replaces a top-level key, None takes it out."""
    categories = {
        "necessary": {"basis": "necessary", "title": texts("necessary"), "retention": texts("kept-a-day")},
        "comfort": {
            "basis": "consent",
            "title": texts("comfort"),
            "reason": texts("comfort-reason"),
            "retention": texts("kept-a-year"),
            "claimed": "necessary",
            "claim": texts("claim"),
        },
        "payment": {"basis": "necessary", "title": texts("payment")},
        "analytics": {"basis": "exempt", "exemption": "audience-measurement", "title": texts("analytics")},
        "advertising": {"basis": "consent", "title": texts("advertising")},
        "research": {"basis": "consent", "title": texts("research")},
        "profiling": {"basis": "consent", "never": True, "title": texts("profiling"), "claimed": "legitimate-interest"},
    }
    vendors = [
        {**vendor, **({"country": "US", "transferBasis": "safe-harbor"} if vendor["id"] == "chat" else {})}
        for vendor in shop()["vendors"]
    ]
    document = shop(
        languages=["en", "de"],
        title=texts("title"),
        version="3",
        categories=categories,
        vendors=vendors,
        controller={"name": "Shop Ltd", "contact": "privacy@shop.test"},
        source={"document": "Privacy", "dated": "2026-03"},
        effective="2026-04-01",
        reviewed="2026-05-02",
        changes=[
            {"version": "3", "date": "2026-10-01", "material": True, "text": texts("change-of-october")},
            {"version": "2", "date": "2025-01-01", "text": texts("change-of-old")},
        ],
        parties=[
            {"id": "client", "role": "client", "name": "Client plc", "contact": "https://client.test", "country": "IE"},
            {"id": "host", "role": "processor", "name": "Host Inc", "country": "US"},
        ],
        consent={"askAgain": "12 months", "minimumAge": 16, "tellMe": True},
        rights={
            "offered": ["access", "erase", "complain"],
            "contact": "rights@shop.test",
            "authority": texts("authority"),
            "deadlineDays": 20,
        },
        purposes=[
            {"id": "news", "title": texts("newsletter"), "basis": "consent", "retention": texts("kept-a-week")},
            {"id": "bills", "title": texts("bills"), "reason": texts("law"), "basis": "legal", "canStop": False},
        ],
        dataSubjects=[{"id": "buyer", "title": texts("buyer")}, {"id": "visitor", "title": texts("visitor")}],
        notices=[
            {"id": "sale", "kind": "merger", "from": "2026-09-01", "until": "2026-12-01", "text": texts("sale")},
            {"id": "past", "kind": "incident", "from": "2026-01-01", "until": "2026-02-01", "text": texts("past")},
            {"id": "later", "kind": "other", "from": "2027-01-01", "text": texts("later")},
        ],
        security={"contact": ["mailto:security@shop.test"], "expires": "2027-06-01T00:00:00Z"},
        signals={
            "gpc": {"denies": ["advertising"], "grantOverrides": True, "declare": True},
            "dnt": {"denies": [], "status": "D", "statement": texts("dnt")},
        },
    )
    return {key: value for key, value in {**document, **changes}.items() if value is not None}


def full_policy(**changes: Any) -> Policy:
    return policy_of(full(**changes), "full.json")
