"""Small captures made for a test: HAR documents, and the values read from them.

May go in here: building what a test audits. May not: assertions.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cmp.audit.audit import find_all
from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding
from cmp.audit.replay import replay
from cmp.capture.capture import Capture
from cmp.capture.har import read_har
from cmp.core.consent import Visitor
from cmp.core.policy import Policy
from cmp.policy.load import policy_of

SITE = "https://shop.example/"
START = 1_750_000_000.0

Json = dict[str, Any]

POLICY: Json = {
    "consentry": 1,
    "id": "test",
    "version": "1",
    "title": {"en": "Test"},
    "categories": {
        "necessary": {"basis": "necessary", "title": {"en": "Necessary"}},
        "analytics": {"basis": "consent", "title": {"en": "Analytics"}},
        "advertising": {"basis": "consent", "title": {"en": "Advertising"}},
    },
    "vendors": [
        {
            "id": "stats",
            "name": "Stats",
            "company": "Acme Statistics",
            "country": "IE",
            "category": "analytics",
            "hosts": ["stats.test"],
            "signatures": [{"path": "/collect", "query": ["tid", "v"]}],
            "cookies": [{"name": "_st", "lifetime": "30 days"}],
        },
        {
            "id": "ads",
            "name": "Ads",
            "company": "Big Ads",
            "country": "US",
            "category": "advertising",
            "hosts": ["ads.test"],
            "cookies": [{"name": "uid", "hosts": ["ads.test"], "lifetime": "13 months"}],
        },
        {
            "id": "platform",
            "name": "Consent platform",
            "category": "necessary",
            "hosts": ["consent.test"],
            "cookies": [{"name": "choice*", "lifetime": "1 year"}],
        },
    ],
    "cookies": [
        {"name": "session", "category": "necessary", "party": "first", "lifetime": "session"},
        {"name": "language", "category": "necessary", "party": "first", "lifetime": "30 days"},
    ],
    "unknown": {"host": "deny", "cookie": "deny"},
    "signals": {"gpc": {"denies": ["advertising"], "grantOverrides": False}},
}
# A vendor that records what people do, and what such a recording looks like.
RECORDER: Json = {
    "id": "rec",
    "name": "Rec",
    "company": "Recorders",
    "category": "analytics",
    "hosts": ["rec.test"],
    "techniques": ["session-replay"],
}
MOVES = '[{"type":3,"data":{"source":1,"positions":[{"x":1,"y":2}]},"timestamp":1750000000000}]'


def policy(**changes: object) -> Policy:
    """The policy above with some of its keys replaced."""
    return policy_of({**POLICY, **changes}, "test")


def request(
    url: str,
    kind: str = "script",
    *,
    cookie: str = "",
    set_cookie: Sequence[str] = (),
    answered: bool = True,
    page: str = "page_1",
    method: str = "GET",
    body: str = "",
    body_type: str = "application/x-www-form-urlencoded",
    status: int = 200,
    answers: Sequence[tuple[str, str]] = (),
    text: str = "",
    secure: bool = True,
    **headers: str,
) -> Json:
    """One HAR entry; `headers` are further request headers, "_" written for "-", `answers` those of the answer.

    With `secure` the cookies are set as they should be, so that only what a test is about is found.
    """
    sent = [{"name": name.replace("_", "-"), "value": value} for name, value in headers.items()]
    sent.append({"name": "Sec-Fetch-Dest", "value": kind})
    if cookie:
        sent.append({"name": "Cookie", "value": cookie})
    back = [{"name": "Set-Cookie", "value": f"{value}{'; Secure' * secure}"} for value in set_cookie]
    back.append({"name": "Content-Type", "value": "text/html"})
    back.extend({"name": name, "value": value} for name, value in answers)
    entry: Json = {"request": {"method": "POST" if body else method, "url": url, "headers": sent}}
    if body:
        entry["request"]["postData"] = {"mimeType": body_type, "text": body}
    if page:
        entry["pageref"] = page
    if answered:
        content = {"mimeType": "text/html", "size": 10, "text": text}
        entry["response"] = {"status": status, "headers": back, "content": content}
    return entry


def document(url: str = SITE, **more: Any) -> Json:
    """The entry of a page that is visited. It carries a declared cookie, so that the capture shows cookies at all."""
    return request(url, "document", **{"cookie": "session=1", **more})


def har(*entries: Json, creator: str = "tests", times: bool = True) -> bytes:
    """A HAR file; its entries follow each other by a second."""
    stamped = []
    for n, entry in enumerate(entries):
        moment = datetime.fromtimestamp(START + n, UTC).isoformat()
        stamped.append({**entry, "startedDateTime": moment} if times else entry)
    log = {"version": "1.2", "creator": {"name": creator, "version": "1"}, "pages": [], "entries": stamped}
    return json.dumps({"log": log}).encode()


def captured(*entries: Json, file: str = "test.har", creator: str = "tests", times: bool = True) -> Capture:
    return read_har(har(*entries, creator=creator, times=times), file)


def findings(
    *entries: Json,
    choice: str | None = None,
    under: Policy | None = None,
    baseline: bool = False,
    creator: str = "tests",
    times: bool = True,
) -> list[Finding]:
    """What is found in a capture of these entries."""
    capture = captured(*entries, creator=creator, times=times)
    return find_all(Evidence(replay(under or policy(), capture, choice), baseline))


def under(base: Policy, *entries: Json, visitors: Mapping[int, Visitor] | None = None) -> list[Finding]:
    """What is found where our own proxy recorded the visitors of some entries (by index)."""
    capture = captured(*entries)
    recorded = tuple(replace(entry, visitor=(visitors or {}).get(entry.index)) for entry in capture.entries)
    return find_all(Evidence(replay(base, replace(capture, entries=recorded)), False))


def of(code: str, found: Sequence[Finding]) -> list[Finding]:
    """The findings of one detector."""
    return [finding for finding in found if finding.code == code]
