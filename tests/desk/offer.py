"""A policy that offers everything at the desk, and what differs from it.

May go in here: values. May not: assertions, files.
"""

from typing import Any

from cmp.core.policy import Policy
from tests.server.site import shop_policy

NOW = 1_791_376_496
"""2026-10-07 12:34:56 UTC, a Wednesday."""
SECRET = b"s" * 32

DESK: dict[str, Any] = {
    "parties": [{"id": "client", "role": "client", "name": "Our clients"}],
    "optOuts": [
        {
            "id": "surveys",
            "title": {"en": "Invitations to surveys", "de": "Einladungen zu Umfragen"},
            "perClient": True,
            "dueBusinessDays": 10,
        },
        {"id": "marketing", "title": {"en": "Our own news", "de": "Unsere Neuigkeiten"}, "dueBusinessDays": 10},
    ],
    "rights": {
        "offered": ["inform", "access", "correct", "erase", "object", "port", "complain", "withdraw"],
        "contact": "privacy@shop.test",
        "authority": {"en": "The authority", "de": "Die Behörde"},
        "deadlineDays": 30,
        "identityCheck": True,
        "referTo": "client",
        "free": True,
        "limit": {"perDay": 3, "text": {"en": "Three a day are plenty", "de": "Drei am Tag sind genug"}},
        "purge": True,
    },
    "purposes": [
        {
            "id": "promotion",
            "title": {"en": "News by mail", "de": "Neuigkeiten per Mail"},
            "basis": "interest",
            "canStop": True,
        },
        {
            "id": "service-mail",
            "title": {"en": "Mails about your account", "de": "Mails zu Ihrem Konto"},
            "reason": {"en": "You could not use the service without", "de": "Ohne geht der Dienst nicht"},
            "basis": "contract",
            "canStop": False,
        },
        {"id": "testimonials", "title": {"en": "Publishing praise", "de": "Lob zeigen"}, "basis": "consent"},
    ],
    "dataSubjects": [
        {"id": "client-staff", "title": {"en": "Staff of a client", "de": "Bei einem Kunden beschäftigt"}},
        {"id": "respondent", "title": {"en": "Respondent", "de": "Befragte"}},
    ],
    "notices": [
        {
            "id": "merger",
            "kind": "merger",
            "from": "2026-10-01",
            "until": "2026-11-01",
            "text": {"en": "We merge with Sample", "de": "Wir gehen mit Muster zusammen"},
        },
        {
            "id": "later",
            "kind": "material-change",
            "from": "2026-12-01",
            "text": {"en": "New terms", "de": "Neue Bedingungen"},
        },
    ],
    "desk": {
        "clients": [{"id": "acme", "name": "Acme"}, {"id": "bolt", "name": "Bolt"}],
        "recordSource": True,
        "disclosures": True,
        "smallestGroup": 10,
        "accessLog": True,
    },
    "consent": {"minimumAge": 16, "keepRecords": "5 years"},
}


def desk_policy(**changes: Any) -> Policy:
    """The shop with a desk; a change replaces a top-level key, None takes it out."""
    return shop_policy(**{**DESK, **changes})
