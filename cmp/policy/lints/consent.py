"""Whether consent is asked, kept and honoured as the law the policy names has it.

May go in here: lints on defaults, times, signals, rights and ages. May not: what belongs to which category.
"""

from collections.abc import Iterator
from typing import Any

from cmp.core.lifetimes import read_lifetime
from cmp.core.regions import EEA
from cmp.policy.lints.advice import Found, Level, Lint, Subject, Where

_DAY = 86_400
_HALF_A_YEAR, _YEAR, _TWO_YEARS = 181 * _DAY, 365 * _DAY, 732 * _DAY
# Where nothing may be stored before consent: ePrivacy Directive Art. 5(3), PECR 2003 reg. 6.
_ASK_FIRST = EEA | {"GB"}
# The longest an exempt measurement cookie may live: 13 months of up to 31 days.
_MEASURED = 13 * 31 * _DAY


def _seconds(duration: str) -> int:
    return read_lifetime(duration).seconds or 0


def _allowed_first(subject: Subject) -> Iterator[Found]:
    if subject.document.get("preset") != "us":
        for id_, category in subject.optional.items():
            if category["basis"] == "consent" and category["default"] == "allow":
                what = f'"{id_}" rests on consent and is allowed before anybody agreed'
                yield ("categories", id_, "default"), what, 'drop "default", or name the exemption it rests on'
    for n, region in enumerate((subject.whole["regions"] or {"defined": []})["defined"]):
        strict = sorted(place for place in region["places"] if place.partition("-")[0] in _ASK_FIRST)
        for id_, said in region["defaults"].items():
            if strict and said == "allow" and subject.categories[id_]["basis"] == "consent":
                what = f'"{id_}" rests on consent and is allowed in {strict[0]} before anybody agreed'
                yield ("regions", "defined", n, "defaults", id_), what, 'write "deny", or take the place out'


def _times(subject: Subject) -> Iterator[tuple[Where, int, bool]]:
    """Each time until a visitor is asked again: where it stands, seconds, and whether it is one for California."""
    regions = (subject.whole["regions"] or {"defined": []})["defined"]
    for n, region in enumerate(regions):
        if "askAgain" in region:
            californian = any(place in ("US", "US-CA") for place in region["places"])
            yield ("regions", "defined", n, "askAgain"), _seconds(region["askAgain"]), californian
    american = subject.document.get("preset") == "us"
    yield ("consent", "askAgain"), _seconds(subject.whole["consent"]["askAgain"]), american


def _asked_too_soon(subject: Subject) -> Iterator[Found]:
    for where, seconds, californian in _times(subject):
        if seconds < _HALF_A_YEAR and not californian:
            what = f"asks again after {seconds // _DAY} days, also those who refused"
            yield where, what, "six months are good practice"


def _asked_too_soon_there(subject: Subject) -> Iterator[Found]:
    for where, seconds, californian in _times(subject):
        if seconds < _YEAR and californian:
            what = f"asks again after {seconds // _DAY} days where nobody who opted out may be asked for 12 months"
            yield where, what, 'write "12 months"'


def _asked_too_late(subject: Subject) -> Iterator[Found]:
    for where, seconds, _ in _times(subject):
        if seconds > _TWO_YEARS:
            yield where, f"a choice holds {seconds // _DAY} days", "24 months are the longest that an authority names"


def _records(subject: Subject) -> Iterator[Found]:
    kept = subject.whole["consent"].get("keepRecords")
    longest = max(seconds for _, seconds, _ in _times(subject))
    if kept is not None and _seconds(kept) < longest:
        what = f"records are erased after {kept}, while the consent they prove still holds"
        yield ("consent", "keepRecords"), what, "keep them longer than a choice holds"


def _too_young(subject: Subject) -> Iterator[Found]:
    age = subject.whole["consent"].get("minimumAge")
    if age is not None and age < 13:
        what = f"children of {age} cannot consent by themselves anywhere in the Union or the United States"
        yield ("consent", "minimumAge"), what, "13 or more; 16 holds everywhere"


def _young(subject: Subject) -> Iterator[Found]:
    age = subject.whole["consent"].get("minimumAge")
    if age is not None and 13 <= age < 16:
        what = f"{age} suffices only where the law of the country says so"
        yield ("consent", "minimumAge"), what, "16 holds everywhere"


def _claims_signal(subject: Subject) -> Iterator[Found]:
    signal = subject.whole["signals"].get("gpc")
    if signal is not None and signal.get("declare") and not signal["denies"] and subject.optional:
        what = "declares that Global Privacy Control is honoured, and denies nothing for it"
        yield ("signals", "gpc", "declare"), what, 'say in "denies" what it switches off'


def _claims_no_tracking(subject: Subject) -> Iterator[Found]:
    signal = subject.whole["signals"].get("dnt")
    if signal is not None and signal.get("status") == "N":
        left = [id_ for id_ in subject.optional if id_ not in signal["denies"]]
        if left:
            what = f'says "not tracking" (N) and leaves "{left[0]}" on'
            yield ("signals", "dnt", "status"), what, 'write "C" (tracking with consent), or add it to "denies"'


def _unread_statement(subject: Subject) -> Iterator[Found]:
    signal = subject.whole["signals"].get("dnt")
    if signal is not None and signal.get("status") == "D" and "statement" not in signal:
        what = "disregards Do Not Track (D) without saying why"
        yield ("signals", "dnt"), what, 'add "statement" with the reason'


def _deadline(subject: Subject) -> Iterator[Found]:
    days, limit = subject.document.get("rights", {}).get("deadlineDays", 0), 45
    if subject.document.get("preset") != "us":
        limit = 31
    if days > limit:
        what = f"answers to requests within {days} days, where {limit} are the longest"
        yield ("rights", "deadlineDays"), what, f"write {limit - 1 if limit == 31 else limit} or less"


def _nobody_to_ask(subject: Subject) -> Iterator[Found]:
    controller: dict[str, Any] = subject.whole["controller"] or {}
    if "contact" not in controller and "contact" not in subject.document.get("rights", {}):
        where = ("controller",) if controller else ()
        yield where, "nobody is named to turn to", 'add "controller": {"name": "...", "contact": "..."}'


def _unlisted(subject: Subject) -> Iterator[Found]:
    listed = subject.whole["authorisation"] == "listed"
    for n, vendor in enumerate(subject.document.get("vendors", [])):
        never = subject.categories[vendor["category"]]["never"]
        if listed and "authorised" not in vendor and not never:
            what = f'"{vendor["id"]}" is not authorised, so it never passes, whatever the visitor chose'
            yield ("vendors", n), what, 'add "authorised": true, or false to say that it is meant'
        elif not listed and vendor.get("authorised") is True:
            what = f'"{vendor["id"]}" is authorised where every vendor is'
            yield ("vendors", n, "authorised"), what, 'write "authorisation": "listed", or drop it'


def _measured_long(subject: Subject) -> Iterator[Found]:
    for n, cookie in enumerate(subject.whole["cookies"]):
        exempt = subject.categories[cookie["category"]]["basis"] == "exempt"
        seconds = read_lifetime(cookie.get("lifetime", "session")).seconds or 0
        if exempt and seconds > _MEASURED:
            what = f'"{cookie["name"]}" lives {cookie["lifetime"]} without consent'
            yield ("cookies", n, "lifetime"), what, 'write "13 months", and "renewal": "fixed"'


def _longer_than_browsers(subject: Subject) -> Iterator[Found]:
    for n, cookie in enumerate(subject.whole["cookies"]):
        seconds = read_lifetime(cookie.get("lifetime", "session")).seconds or 0
        if seconds > 403 * _DAY:
            what = (
                f'"{cookie["name"]}" is declared for {cookie["lifetime"]}, and browsers keep none longer than 400 days'
            )
            yield ("cookies", n, "lifetime"), what, 'write "13 months"'


def _partly(subject: Subject) -> Iterator[Found]:
    share, paths = subject.whole["rollout"]["share"], subject.whole["rollout"]["paths"]
    if subject.document.get("mode") == "observe":
        yield (
            ("mode",),
            "nothing is stopped: what would be is listed",
            'write "enforce" once the list is worked through',
        )
    elif share < 1 or paths:
        which = " and ".join(
            [*([f"{share:.0%} of the visitors"] if share < 1 else []), *(["some paths"] if paths else [])]
        )
        yield ("rollout",), f"holds for {which} only", 'take "rollout" out once it is to hold for all'


LINTS: tuple[Lint, ...] = (
    Lint("allowed-before-consent", Level.WARNING, _allowed_first, "CJEU C-673/17; ePrivacy Directive Art. 5(3)"),
    Lint("asked-too-soon", Level.WARNING, _asked_too_soon, "CNIL délibération 2020-092; Garante 10 June 2021"),
    Lint("asked-too-soon-california", Level.WARNING, _asked_too_soon_there, "Cal. Civ. Code 1798.135(c)(4)"),
    Lint("asked-too-late", Level.NOTE, _asked_too_late, "AEPD, guide on the use of cookies"),
    Lint("records-too-short", Level.WARNING, _records, "GDPR Art. 7(1)"),
    Lint("age-below-13", Level.WARNING, _too_young, "GDPR Art. 8(1); 16 CFR 312"),
    Lint("age-below-16", Level.NOTE, _young, "GDPR Art. 8(1)"),
    Lint("signal-claim", Level.WARNING, _claims_signal, "Global Privacy Control, section on the support resource"),
    Lint("not-tracking-claim", Level.WARNING, _claims_no_tracking, "Tracking Preference Expression, tracking status N"),
    Lint(
        "disregard-unexplained", Level.WARNING, _unread_statement, "Tracking Preference Expression, tracking status D"
    ),
    Lint("deadline-too-long", Level.WARNING, _deadline, "GDPR Art. 12(3); Cal. Civ. Code 1798.130(a)(2)"),
    Lint("no-contact", Level.NOTE, _nobody_to_ask, "GDPR Art. 13(1)(a)"),
    Lint("authorisation-unclear", Level.WARNING, _unlisted),
    Lint("exempt-too-long", Level.WARNING, _measured_long, "CNIL délibération 2020-091"),
    Lint("longer-than-browsers", Level.NOTE, _longer_than_browsers, "RFC 6265bis"),
    Lint("partly-enforced", Level.NOTE, _partly),
)
