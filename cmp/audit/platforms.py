"""The choice that other consent platforms have stored: read from their cookies, as evidence of what a visitor chose.

May go in here: one reader a platform, and what a stored choice means for the categories of a policy. May not: where
the cookies come from (`replay.py`), and writing any.

Categories of platforms are put into the four words the catalogue uses too. What a platform keeps in the browser's local
storage (Usercentrics among them) no capture shows.

Sources: the platforms' own documentation of their cookies; IAB Tech Lab for `euconsent-v2` and `usprivacy`.
"""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, unquote

from cmp.audit.strings.tcf import read_tc_string
from cmp.core.consent import Visitor
from cmp.core.cookies import RequestCookie
from cmp.core.policy import Policy

WORDS = ("functional", "analytics", "social", "advertising")
# Purposes of the framework, number by number; the first, storing at all, goes with any other.
PURPOSES: Mapping[int, str] = {
    **dict.fromkeys((2, 3, 4, 7), "advertising"),
    **dict.fromkeys((5, 6, 11), "functional"),
    **dict.fromkeys((8, 9, 10), "analytics"),
}


@dataclass(frozen=True, slots=True)
class Stored:
    """A choice: the words agreed to and those refused. A word in neither was not asked about.

    `at` is when it was made, Unix seconds by the clock of the visitor's machine, None where the cookie does not say.
    """

    platform: str
    granted: frozenset[str]
    refused: frozenset[str]
    at: float | None = None

    def visitor(self, policy: Policy) -> Visitor:
        """The choice in the policy's categories. One that none of the words names follows only where all say the same.

        Raises nothing: what cannot be told stays undecided, and the policy's default counts for it.
        """
        granted, refused = set(), set()
        for category in policy.optional_categories:
            said = {category} & (self.granted | self.refused) or self.granted | self.refused
            if said and said <= self.granted:
                granted.add(category)
            elif said and said <= self.refused:
                refused.add(category)
        return Visitor(granted=frozenset(granted), refused=frozenset(refused))


def stored_choice(cookies: Iterable[RequestCookie]) -> Stored | None:
    """What the consent cookies in a request say; None where there is none that can be read."""
    written = {cookie.name: cookie.value for cookie in cookies}
    if written.keys().isdisjoint(_READERS):
        return None
    values = {name: unquote(value) for name, value in written.items()}
    for name, read in _READERS.items():
        if name in values:
            said = read(values[name], values)
            if said:
                granted = frozenset(word for word, yes in said.items() if yes)
                moment = _MOMENTS.get(name)
                return Stored(
                    _PLATFORMS[name],
                    granted,
                    frozenset(said) - granted,
                    None if moment is None else moment(values[name], values),
                )
    return None


Said = Mapping[str, bool]
_Reader = Callable[[str, Mapping[str, str]], Said]


def _one_trust(value: str, all_: Mapping[str, str]) -> Said:
    # The cookie is there from the first page on; the other one says that the banner was answered.
    if "OptanonAlertBoxClosed" not in all_:
        return {}
    groups = dict(
        pair.split(":", 1) for pair in parse_qs(value).get("groups", [""])[0].split(",") if pair.count(":") == 1
    )
    words = {"C0002": "analytics", "C0003": "functional", "C0004": "advertising", "C0005": "social"}
    return {word: groups[group] == "1" for group, word in words.items() if group in groups}


def _cookiebot(value: str, _all: Mapping[str, str]) -> Said:
    # "0" and "-1" stand for visitors who were not asked.
    words = {"preferences": "functional", "statistics": "analytics", "marketing": "advertising"}
    found = dict(re.findall(r"\b(preferences|statistics|marketing):(true|false)\b", value))
    return {words[name]: said == "true" for name, said in found.items()}


def _cookie_yes(value: str, _all: Mapping[str, str]) -> Said:
    pairs = dict(pair.split(":", 1) for pair in value.split(",") if ":" in pair)
    if pairs.get("action") != "yes":
        return {}
    words = {"functional": "functional", "analytics": "analytics", "advertisement": "advertising"}
    return {word: pairs[name] == "yes" for name, word in words.items() if name in pairs}


def _vanilla(value: str, _all: Mapping[str, str]) -> Said:
    form = _json(value)
    named = form.get("categories", form.get("level"))
    if not isinstance(named, list):
        return {}
    words = {"functionality": "functional", "preferences": "functional", "statistics": "analytics"}
    words |= {"ads": "advertising", "marketing": "advertising", "targeting": "advertising"}
    agreed = {words.get(name, name) for name in named if isinstance(name, str)}
    # It lists what was agreed to, so what it does not list was refused, whatever it is called there.
    return {word: word in agreed for word in WORDS}


def _klaro(value: str, _all: Mapping[str, str]) -> Said:
    services = [yes for yes in _json(value).values() if isinstance(yes, bool)]
    # Services have names of the site's own, so only "all" and "none" can be told.
    if not services or len(set(services)) > 1:
        return {}
    return dict.fromkeys(WORDS, services[0])


def _didomi(value: str, _all: Mapping[str, str]) -> Said:
    purposes = _didomi_form(value).get("purposes")
    if not isinstance(purposes, dict):
        return {}
    said: dict[str, bool] = {}
    for key, yes in (("enabled", True), ("disabled", False)):
        named = purposes.get(key)
        for name in named if isinstance(named, list) else ():
            word = _didomi_word(str(name))
            # Of several purposes under one word, the one that was refused counts.
            said[word] = said.get(word, True) and yes
    return said


def _didomi_form(value: str) -> dict[str, Any]:
    try:
        return _json(base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode("utf-8"))
    except (binascii.Error, UnicodeDecodeError):
        return {}


def _didomi_word(name: str) -> str:
    if "advert" in name or {"ad", "ads", "geolocation"} & set(name.split("_")):
        return "advertising"
    return "analytics" if "measure" in name or "analytics" in name or "market_research" in name else "functional"


def _tcf(value: str, _all: Mapping[str, str]) -> Said:
    string = read_tc_string(value)
    if string is None:
        return {}
    said: dict[str, bool] = {}
    for number, word in PURPOSES.items():
        said[word] = said.get(word, False) or number in string.purposes
    return said


def _us_privacy(value: str, _all: Mapping[str, str]) -> Said:
    match = re.fullmatch(r"1[YN-]([YN])[YN-]", value.upper())
    # It speaks of selling only; that nobody opted out is no consent.
    return {"advertising": False} if match and match[1] == "Y" else {}


def _json(text: str) -> dict[str, Any]:
    try:
        form = json.loads(text)
    except ValueError:
        return {}
    return form if isinstance(form, dict) else {}


def _moment_of(found: object) -> float | None:
    """Unix seconds of what platforms write for a moment: milliseconds, or ISO 8601 (UTC where it names no zone)."""
    if isinstance(found, str) and re.fullmatch("[0-9]{12,14}", found):
        return int(found) / 1000
    if isinstance(found, int) and not isinstance(found, bool):
        return found / 1000 if 10**11 < found < 10**14 else None
    if not isinstance(found, str):
        return None
    try:
        moment = datetime.fromisoformat(found[:40])
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _first(pattern: str) -> Callable[[str, Mapping[str, str]], float | None]:
    def moment(value: str, _all: Mapping[str, str]) -> float | None:
        found = re.search(pattern, value)
        return _moment_of(found[1]) if found else None

    return moment


def _vanilla_moment(value: str, _all: Mapping[str, str]) -> float | None:
    form = _json(value)
    return _moment_of(form.get("lastConsentTimestamp", form.get("consentTimestamp")))


# Where a platform's cookie says when it was answered. A TC string does so to the day only (its fields of 2023 on).
_MOMENTS: Mapping[str, Callable[[str, Mapping[str, str]], float | None]] = {
    "OptanonConsent": lambda _value, all_: _moment_of(all_["OptanonAlertBoxClosed"]),
    "CookieConsent": _first(r"\butc:([0-9]{13})\b"),
    "cookieyes-consent": _first(r"\blastRenewedDate:([0-9]{13})\b"),
    "cc_cookie": _vanilla_moment,
    "didomi_token": lambda value, _all: _moment_of(_didomi_form(value).get("updated")),
}

# In this order: a platform's own cookie says more than the string it keeps for others.
_READERS: Mapping[str, _Reader] = {
    "OptanonConsent": _one_trust,
    "CookieConsent": _cookiebot,
    "cookieyes-consent": _cookie_yes,
    "didomi_token": _didomi,
    "cc_cookie": _vanilla,
    "klaro": _klaro,
    "euconsent-v2": _tcf,
    "usprivacy": _us_privacy,
}
_PLATFORMS = {
    "OptanonConsent": "OneTrust",
    "CookieConsent": "Cookiebot",
    "cookieyes-consent": "CookieYes",
    "didomi_token": "Didomi",
    "cc_cookie": "vanilla-cookieconsent",
    "klaro": "klaro",
    "euconsent-v2": "TCF",
    "usprivacy": "US Privacy",
}
