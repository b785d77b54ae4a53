"""Dates that have passed, or that say nothing.

May go in here: lints against the clock, which is passed in. May not: durations of consent (`consent.py`).
"""

from collections.abc import Iterator
from datetime import UTC, datetime

from cmp.core.lifetimes import read_lifetime
from cmp.policy.compile import moment_of
from cmp.policy.lints.advice import Found, Level, Lint, Subject

_YEAR = 366 * 86_400


def _overdue(subject: Subject) -> Iterator[Found]:
    every, reviewed = subject.document.get("reviewEvery"), subject.day("reviewed")
    if every is None or reviewed is None:
        return
    due = reviewed + (read_lifetime(every).seconds or 0)
    if due < subject.now:
        what = f"the review was due on {_day(due)} (every {every} since {subject.document['reviewed']})"
        yield ("reviewed",), what, "review it, and write the day"


def _never_reviewed(subject: Subject) -> Iterator[Found]:
    if "reviewEvery" in subject.document and "reviewed" not in subject.document:
        yield ("reviewEvery",), "nothing says when the last review was", 'add "reviewed": "2026-10-01"'


def _ahead(subject: Subject) -> Iterator[Found]:
    effective = subject.policy.effective
    if effective is not None and effective > subject.now and not subject.announced:
        what = f"holds from {_day(effective)}; a server that is given it alone holds to it at once"
        yield ("effective",), what, 'name it as "successor" in the policy that holds until then'


def _security(subject: Subject) -> Iterator[Found]:
    if "security" in subject.document:
        expires = datetime.fromisoformat(subject.document["security"]["expires"]).timestamp()
        if expires < subject.now:
            yield ("security", "expires"), f"security.txt has expired on {_day(expires)}", "write a day to come"
        elif expires > subject.now + _YEAR:
            what = f"security.txt holds until {_day(expires)}, more than a year ahead"
            yield ("security", "expires"), what, "write a day within a year"


def _notices(subject: Subject) -> Iterator[Found]:
    for n, notice in enumerate(subject.document.get("notices", [])):
        until = notice.get("until")
        if until is not None and until <= notice["from"]:
            what = f'"{notice["id"]}" ends on {until}, before it begins: nobody ever sees it'
            yield ("notices", n, "until"), what, "write a later day"


def _ended(subject: Subject) -> Iterator[Found]:
    for n, notice in enumerate(subject.document.get("notices", [])):
        until = notice.get("until")
        if until is not None and notice["from"] < until and moment_of(until) < subject.now:
            yield ("notices", n), f'"{notice["id"]}" ended on {until}', "take it out"


def _order(subject: Subject) -> Iterator[Found]:
    changes = subject.document.get("changes", [])
    for n in range(1, len(changes)):
        if changes[n]["date"] > changes[n - 1]["date"]:
            what = f"{changes[n]['date']} stands below {changes[n - 1]['date']}; visitors are shown the newest first"
            yield ("changes", n), what, "put the newest first"


def _other_version(subject: Subject) -> Iterator[Found]:
    changes = subject.document.get("changes", [])
    if changes and changes[0]["version"] != subject.document["version"]:
        what = f'the newest change came with "{changes[0]["version"]}", and this is "{subject.document["version"]}"'
        yield ("changes", 0, "version"), what, "say what changed in this version, or raise the version"


def _day(moment: float) -> str:
    # Past the year 9999 no date can be written.
    return datetime.fromtimestamp(min(moment, 253_402_300_799), tz=UTC).strftime("%Y-%m-%d")


LINTS: tuple[Lint, ...] = (
    Lint("review-overdue", Level.WARNING, _overdue),
    Lint("never-reviewed", Level.WARNING, _never_reviewed),
    Lint("effective-ahead", Level.NOTE, _ahead),
    Lint("security-expires", Level.WARNING, _security, "RFC 9116 section 2.5.5"),
    Lint("notice-unseen", Level.WARNING, _notices),
    Lint("notice-ended", Level.NOTE, _ended),
    Lint("changes-unordered", Level.WARNING, _order),
    Lint("changes-version", Level.NOTE, _other_version),
)
