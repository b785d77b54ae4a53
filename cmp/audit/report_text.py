"""An audit for people, on one screen.

May go in here: wording and layout. May not: counting that another report would want too (`audit.py`, `contacts.py`).
At most LINES lines of COLUMNS characters, whatever the captures hold: what does not fit is summed, and the last line
says where the rest is.
"""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from cmp.audit.account import Account
from cmp.audit.audit import Audit
from cmp.audit.contacts import Contact, contacts
from cmp.audit.decision_log import Review
from cmp.audit.detectors import DETECTORS, LOG_DETECTORS
from cmp.audit.finding import Finding, Level
from cmp.audit.report_json import iso_time
from cmp.audit.wording import count_of, file_name, told_by
from cmp.capture.capture import CaptureError
from cmp.core.decision import Reason
from cmp.core.policy import Policy
from cmp.terminal import cell

LINES, COLUMNS = 45, 110

# So many lines are spent, where there is that much to say, on the parts around the table.
_CAPTURES = 8
_FEWEST_CAPTURES = 3
_OWN = 3
_CODES = 9
_NOTES = 3

_WHY = {
    Reason.NECESSARY: "necessary",
    Reason.FIRST_PARTY: "the site's own",
    Reason.NAVIGATION: "a page visited",
    Reason.NEVER: "promised never",
    Reason.REFUSED: "refused",
    Reason.GRANTED: "agreed to",
    Reason.GRANTED_OVER_SIGNAL: "agreed to",
    Reason.GPC: "browser sends GPC",
    Reason.DNT: "browser sends DNT",
    Reason.DEFAULT_DENIED: "no consent",
    Reason.DEFAULT_ALLOWED: "allowed until refused",
    Reason.UNKNOWN_DENIED: "unknown to policy",
    Reason.UNKNOWN_REPORTED: "unknown, reported",
    Reason.UNKNOWN_ALLOWED: "unknown, allowed",
    Reason.OUT_OF_SCOPE: "excluded by the policy",
    Reason.ASKED_FOR: "asked for by the visitor",
    Reason.REGION_ALLOWED: "allowed in the region",
    Reason.REGION_DENIED: "no consent",
    Reason.UNAUTHORISED: "not authorised",
    Reason.OUTSIDE_REGION: "outside the countries",
    Reason.SENSITIVE: "sensitive data",
    Reason.CONFINED: "another's cookie in it",
    Reason.INSECURE: "plain HTTP",
    Reason.REDUCED: "without identifiers",
}


def report(audit: Audit, unreadable: Sequence[CaptureError] = ()) -> str:
    """The report as text that ends with a line feed. `unreadable` are the captures that could not be read."""
    everybody = contacts(one.contacts for one in audit.accounts)
    log = [*_log(audit.log)] if audit.log is not None else []
    if not audit.accounts:
        return _page([*log, "", *_findings(audit), *_gaps(audit)])
    head = [*_held_against(audit, unreadable), *log, "", *_summary(audit, everybody), ""]
    tail = [*_own(audit.policy, everybody), "", *_findings(audit), *_gaps(audit)]
    room = LINES - len(head) - len(tail)
    captures = [*_captures(audit.accounts, room)]
    others = [contact for contact in everybody if not contact.own]
    return _page([*captures, *head, *_table(others, room - len(captures)), *tail])


def _page(lines: Iterable[str]) -> str:
    return "".join(f"{cell(line, COLUMNS).rstrip()}\n" for line in lines)


# ------------------------------------------------------------------------------------------- what was audited


def _held_against(audit: Audit, unreadable: Sequence[CaptureError]) -> Iterator[str]:
    if unreadable:
        names = _names((file_name(error.file) for error in unreadable), 60)
        yield f"Unread    {count_of(len(unreadable), 'capture')} could not be read: {names}"
    policy = audit.policy
    role = "baseline, as no policy is given: " if audit.baseline else ""
    yield f"Policy    {role}{policy.id}, version {policy.version}, fingerprint {policy.fingerprint[:12]}"
    yield f"Choice    {_choice(audit)}"


def _log(log: Review) -> Iterator[str]:
    checked, counts = log.checked, log.actions
    state = "broken" if checked.broken else "whole"
    lines = f"{state}, {count_of(checked.lines, 'line')}{', being written' if checked.running else ''}"
    yield f"Log       {file_name(checked.folder)} ({lines}), end {checked.end.seq}:{checked.end.hash[:12]}"
    lost = f"; at least {log.lost} more are missing" if log.lost else ""
    said = f"{counts['block']} stopped, {counts['edit']} edited, {counts['allow']} passed as they are{lost}"
    yield f"          {count_of(sum(counts.values()), 'decision')}: {said}"
    stopped = [f"{one.rule} {one.count}" for one in log.counted if one.action == "block"]
    if stopped:
        yield f"          stopped most: {_names(stopped, COLUMNS - 30)}"
    if log.agreement is not None:
        found = log.agreement.compared - log.agreement.lacking
        yield f"          {found} of the {log.agreement.compared} decisions replayed here are among them"


def _captures(accounts: Sequence[Account], room: int) -> Iterator[str]:
    if len(accounts) == 1:
        yield from _one_capture(accounts[0])
        return
    title = f"Captures  {len(accounts)}, {count_of(sum(done.entries for done in accounts), 'request')}"
    yield f"{title:58}{'allow':>7}{'edit':>7}{'block':>7}"
    most = min(_CAPTURES, max(_FEWEST_CAPTURES, room // 2 - 2))
    # Of ten thousand no more are held than are shown.
    several = most if len(accounts) <= most else most - 1
    shown = heapq.nsmallest(several, accounts, key=lambda done: -done.actions["block"])
    for done in shown:
        counts = "".join(f"{count:7}" for count in done.actions.values())
        blind = "" if done.assessable else "  cookies not assessable"
        yield f"  {cell(file_name(done.file), 55):56}{counts}{blind}"
    if len(accounts) > len(shown):
        yield f"  and {len(accounts) - len(shown)} more"


def _one_capture(done: Account) -> Iterator[str]:
    yield f"Capture   {file_name(done.file)} ({done.creator or done.form}), sha256 {done.sha256[:12]}"
    if done.page:
        time = None if done.page_time is None else iso_time(done.page_time)
        yield f"Page      {done.page}, {time or 'time not recorded'}"
    skipped = sum(done.skipped.values())
    yield f"Traffic   {count_of(done.entries, 'request')}{f', {skipped} more skipped' if skipped else ''}"


def _choice(audit: Audit) -> str:
    if audit.choice is not None:
        return f"{audit.choice}, supposed for every visitor"
    recorded = sum(done.recorded for done in audit.accounts)
    told = [f"as recorded live ({count_of(recorded, 'request')})"] if recorded else []
    if named := told_by(audit.accounts):
        told.append(f"as {' and '.join(named)} say")
    return f"{'; '.join(told)}; elsewhere none" if told else "none: the visitor is supposed not to have chosen yet"


# ------------------------------------------------------------------------------------------- what would have happened


def _summary(audit: Audit, everybody: Sequence[Contact]) -> Iterator[str]:
    counts = audit.actions
    yield (
        f"{counts['block']} of {count_of(sum(counts.values()), 'request')} would have been stopped, {counts['edit']} "
        f"more passed with cookies changed, {counts['allow']} passed as they are."
    )
    if known := [contact for contact in everybody if contact.known]:
        yield f"Known companies contacted: {len(known)}, kept away altogether: {_kept_away(known)}"
    if unknown := [contact for contact in everybody if not contact.known and not contact.own]:
        names = _names((contact.name for contact in unknown), 45)
        yield f"Sites unknown to the policy: {len(unknown)}, kept away altogether: {_kept_away(unknown)}: {names}"


def _kept_away(asked: Sequence[Contact]) -> int:
    return sum(contact.stopped == contact.requests for contact in asked)


_WIDTHS = (28, 14, 9, 16, 16)


def _table(others: Sequence[Contact], room: int) -> Iterator[str]:
    """At most `room` lines, the last one for those that do not fit."""
    if not others:
        yield "No request went to anybody else."
        return
    yield _row("Company (country)", "Category", "Requests", "Cookies sent", "Cookies set") + "What happens"
    shown = others if len(others) < room else others[: max(room - 2, 0)]
    for contact in shown:
        name = cell(contact.name, _WIDTHS[0] - (7 if contact.country else 2))
        name = f"{name} ({contact.country})" if contact.country else name
        category = _names(contact.categories, _WIDTHS[1] - 1) if contact.known else "unknown"
        sent, set_ = _names(contact.sent, _WIDTHS[3] - 2), _names(contact.set, _WIDTHS[4] - 2)
        yield _row(name, category, f"{contact.requests:6}", sent, set_) + _outcome(contact)
    rest = others[len(shown) :]
    if rest:
        requests = sum(contact.requests for contact in rest)
        yield (
            f"and {len(rest)} more, {count_of(requests, 'request')}, "
            f"{sum(contact.stopped for contact in rest)} stopped: see all with consentry audit --format json"
        )


def _row(*cells: str) -> str:
    return "".join(f"{cell(text, width - 1):{width}}" for text, width in zip(cells, _WIDTHS, strict=True))


def _outcome(contact: Contact) -> str:
    why = _WHY.get(contact.reason, contact.reason.value)
    if contact.stopped == contact.requests:
        return f"stopped: {why}"
    if contact.stopped:
        return f"{contact.stopped} stopped: {why}"
    if contact.stripped:
        return "passes without cookies"
    return f"passes: {why}"


def _own(policy: Policy, everybody: Sequence[Contact]) -> Iterator[str]:
    own = [contact for contact in everybody if contact.own]
    if not own:
        return
    # Where the policy names its sites, pages of others may have been visited too.
    who = "Pages visited" if policy.sites else "The site itself"
    sites = _names((contact.name for contact in own), 40)
    stripped = {name: reason for contact in own for name, reason in contact.stripped.items()}
    taken = f"{count_of(len(stripped), 'cookie')} taken out:" if stripped else "no cookie taken out."
    yield ""
    yield f"{who} ({sites}): {count_of(sum(contact.requests for contact in own), 'request')}, {taken}"
    for reason in list(dict.fromkeys(stripped.values()))[:_OWN]:
        names = [name for name, why in stripped.items() if why is reason]
        yield f"  {_WHY.get(reason, reason.value)}: {_names(names, COLUMNS - 30)}"


# ------------------------------------------------------------------------------------------- what was found


def _findings(audit: Audit) -> Iterator[str]:
    found = Counter((finding.level, finding.code) for finding in audit.findings)
    order = {one.CODE: (n, one.MEANING) for n, one in enumerate((*DETECTORS, *LOG_DETECTORS))}
    rows = [key for key in found if key[0] is not Level.NOT_ASSESSABLE]
    if not rows:
        seen = all(done.assessable for done in audit.accounts)
        clean = seen and (audit.log is None or not audit.log.lacks)
        yield "Findings: none." if clean else "Findings: none, but not everything could be assessed."
        return
    yield "Findings in what was delivered, each a vendor, site or cookie:"
    rows.sort(key=lambda key: (key[0].rank, order[key[1]][0]))
    for level, code in rows[:_CODES]:
        yield f"  {level.value:10} {code:30}{found[level, code]:5}  {order[code][1]}"
    if rows[_CODES:]:
        yield f"  and {sum(found[key] for key in rows[_CODES:])} of {count_of(len(rows[_CODES:]), 'other kind')}"


def _gaps(audit: Audit) -> Iterator[str]:
    """What could not be assessed, and what else must be known of the captures."""
    missing: dict[str, list[Finding]] = {}
    for finding in audit.findings:
        # What a log lacks is said where the log is.
        if finding.level is Level.NOT_ASSESSABLE and not _in_log(audit, finding):
            missing.setdefault(finding.evidence["missing"], []).append(finding)
    for part, found in missing.items():
        where = "" if len(audit.accounts) == 1 else f" in {len(found)} of {len(audit.accounts)} captures"
        yield f"Not assessable{where}, no {part} recorded: {_names(found[0].evidence['not_assessed'], 55)}"
    if len(audit.accounts) == 1:
        texts = [note.text for note in audit.accounts[0].notes]
        yield from (f"Note: {text}" for text in texts[:_NOTES])
        if texts[_NOTES:]:
            yield f"Note: and {len(texts) - _NOTES} more"
    elif notes := Counter(note.code for done in audit.accounts for note in done.notes):
        yield f"Notes: {_names((f'{code} ({count})' for code, count in sorted(notes.items())), 90)}"


def _in_log(audit: Audit, finding: Finding) -> bool:
    return audit.log is not None and finding.capture == audit.log.checked.folder


# ------------------------------------------------------------------------------------------- words


def _names(names: Iterable[str], width: int = 80) -> str:
    """As many names as fit, the others counted: "NID, IDE +3". At least one, cut if need be."""
    all_ = [cell(name or "(no name)", width) for name in names]
    for shown in range(len(all_), 0, -1):
        rest = f" +{len(all_) - shown}" if shown < len(all_) else ""
        text = ", ".join(all_[:shown]) + rest
        if len(text) <= width:
            return text
        if shown == 1:
            return cell(all_[0], width - len(rest)) + rest
    return ""
