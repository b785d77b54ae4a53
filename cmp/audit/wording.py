"""A finding as one plain sentence, and the small words that the reports for people share.

May go in here: how the evidence of each kind of finding is put into words. May not: values out of traffic that the
evidence does not already hold shortened, and layout.
"""

from collections.abc import Iterable
from pathlib import PurePath

from cmp.audit.account import Account
from cmp.audit.choices import EVENT, LEDGER, Chosen
from cmp.audit.finding import Finding

_DAY = 86_400


def in_words(finding: Finding) -> str:
    """Who or what, how often, and where first: no name of a code, no sentence that needs the policy to be read."""
    evidence = finding.evidence
    if "missing" in evidence:
        return f"no {evidence['missing']} recorded: {', '.join(evidence['not_assessed'])} could not be assessed"
    subject = _subject(finding)
    count = evidence.get("count")
    times = "" if not isinstance(count, int) else f", {count} {'time' if count == 1 else 'times'}"
    return f"{subject}{times}{_lifetime(evidence.get('lifetime'))}{_first(finding)}"


def count_of(number: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 request", "2 requests"; `many` where an s is not enough."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def file_name(path: str) -> str:
    """A capture's name without the folders it lies in, which are nobody's business."""
    return PurePath(path).name


def _subject(finding: Finding) -> str:
    evidence = finding.evidence
    recipient = evidence.get("recipient")
    for key, what in (("cookie", "the cookie"), ("field", "the field"), ("member", "the value")):
        if key in evidence:
            site = f" of {evidence['site']}" if "site" in evidence else ""
            goes = f" goes to {recipient}" if recipient else f" is {evidence['what']}" if "what" in evidence else ""
            return f"{what} {evidence[key] or '(no name)'}{site}{goes}"
    if finding.vendor is not None:
        return f"{finding.vendor} ({finding.host}) is asked" if finding.host else finding.vendor
    return f"{finding.host} is asked" if finding.host else finding.rule or "the site"


def _lifetime(seconds: object) -> str:
    if seconds == "session":
        return ", until the browser closes"
    if isinstance(seconds, int):
        return f", for {round(seconds / _DAY)} days" if seconds >= 2 * _DAY else f", for {seconds} seconds"
    return ""


def _first(finding: Finding) -> str:
    return "" if finding.entry is None else f", first in entry {finding.entry}"


def told_by(accounts: Iterable[Account]) -> list[str]:
    """What tells of the visitors' choices, but for what our own proxy recorded."""
    sources = dict.fromkeys(source for done in accounts for source in done.sources)
    platforms = [source for source in sources if source not in (EVENT, LEDGER)]
    named = {EVENT: "the events given", LEDGER: "the ledger's records"}
    told = [words for source, words in named.items() if source in sources]
    return [*told, f"the cookies of {', '.join(platforms)} in the capture"] if platforms else told


def choice_in_words(chosen: Chosen, start: float) -> str:
    """A choice and when it was made, in seconds after `start`."""
    told = {EVENT: "said by the auditor", LEDGER: "in the ledger"}.get(chosen.source, f"cookie of {chosen.source}")
    when = f"at {chosen.earliest - start:.1f} s"
    if chosen.latest - chosen.earliest >= _EXACT:
        when = f"between {chosen.earliest - start:.1f} and {chosen.latest - start:.1f} s"
    return f"{chosen.said.replace(',', ', ')} {when} ({told})"


# Seconds.
_EXACT = 0.05
