"""What a page tells Google's tags before the first of them: Consent Mode, version 2, with the visitor's own answer.

May go in here: the command and what is said in it. May not: whether a tag may load (`cmp.core`, `html.py`).

A signal that nobody has set is none that is denied, so each is set, before any tag can ask. Google's documentation:
developers.google.com/tag-platform/security/guides/consent.
"""

import json
import re
from typing import Final

from cmp.core.consent import Visitor, permit
from cmp.core.exchange import Exchange, Kind
from cmp.core.on_requests import rule_on_request
from cmp.core.policy import Policy
from cmp.core.signals import Signals
from cmp.core.urls import Url, parse_url
from cmp.sites import registrable_domain

# What makes a page one with a tag of Google's in it.
_TAGS: Final = ("googletagmanager.com", "google-analytics.com", "googleadservices.com", "dataLayer")
_CALL: Final = re.compile(r"gtag\s*\(")
# Each signal is granted where the request it is about is permitted.
_MEASURES: Final = parse_url("https://www.google-analytics.com/g/collect")
_ADVERTISES: Final = parse_url("https://googleads.g.doubleclick.net/pagead/viewthroughconversion/")
_OF_ADVERTISING: Final = ("ad_storage", "ad_user_data", "ad_personalization")
# No tag's request tells these two apart: granted where nothing at all is refused.
_OF_THE_SITE: Final = ("functionality_storage", "personalization_storage")


def consent_mode(text: str, policy: Policy, visitor: Visitor, signals: Signals, page: Url, *, nonce: str = "") -> str:
    """The script element for a page with a tag of Google's in it, "" for any other. `nonce` is an attribute of it."""
    if not _has_tag(text):
        return ""
    said = {
        name: "granted" if granted else "denied" for name, granted in granted_signals(policy, visitor, signals, page)
    }
    commands: list[list[object]] = [["consent", "default", said]]
    if said["ad_storage"] == "denied":
        commands.append(["set", "ads_data_redaction", True])
    calls = "".join(f"say({json.dumps(command)[1:-1]});" for command in commands)
    # A tag takes the arguments object of a call for a command, no array.
    return (
        f"<script{nonce}>(function(){{window.dataLayer=window.dataLayer||[];"
        f"function say(){{window.dataLayer.push(arguments)}}{calls}}})()</script>"
    )


def _has_tag(text: str) -> bool:
    # Words are looked for one by one: many times as fast as a choice of them.
    return any(word in text for word in _TAGS) or ("gtag" in text and _CALL.search(text) is not None)


def granted_signals(policy: Policy, visitor: Visitor, signals: Signals, page: Url) -> list[tuple[str, bool]]:
    """Each signal of Consent Mode and whether it is granted, in Google's order."""

    def permitted(url: Url) -> bool:
        asked = Exchange(
            method="GET",
            url=url,
            host_site=registrable_domain(url.host),
            page=page,
            page_site=registrable_domain(page.host),
            kind=Kind.FETCH,
            signals=signals,
        )
        return rule_on_request(policy, visitor, asked).direct

    advertises, measures = permitted(_ADVERTISES), permitted(_MEASURES)
    everything = all(
        permit(part, visitor, signals, category, None).allowed
        for part in policy.each
        for category in part.optional_categories
    )
    return [
        *((name, advertises) for name in _OF_ADVERTISING),
        ("analytics_storage", measures),
        *((name, everything) for name in _OF_THE_SITE),
        ("security_storage", True),
    ]
