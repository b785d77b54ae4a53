"""An audit as JSON, for scripts.

May go in here: the form, whose field names are a contract: they stay, more may be added. May not: anything that differs
between two runs over the same input: no clock, no machine, and ASCII only, so that the bytes are the same everywhere.
"""

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from cmp.audit.account import Account
from cmp.audit.audit import Audit
from cmp.audit.choices import Chosen
from cmp.audit.contacts import Contact, contacts
from cmp.audit.decision_log import Review
from cmp.audit.finding import Finding, Level
from cmp.capture.capture import CaptureError


def report(audit: Audit, unreadable: Sequence[CaptureError] = ()) -> str:
    """The report as one JSON text that ends with a line feed. `unreadable` are the captures that could not be read."""
    return "".join(pieces(audit, unreadable))


def pieces(audit: Audit, unreadable: Sequence[CaptureError] = ()) -> Iterator[str]:
    """The same text piece by piece, so that nothing but the piece is in memory: as `json.dumps` would indent it."""
    yield from written(_members(audit, unreadable))
    yield "\n"


def written(value: Any, depth: int = 0) -> Iterator[str]:
    """A value as `json.dumps(value, indent=2)` writes it, piece by piece: an iterator that stands in it, or in an
    object or a list in it, is written as a list, one item after the other."""
    if not _holds_iterator(value):
        yield _indented(value, depth)
        return
    opens, closes = "{}" if isinstance(value, dict) else "[]"
    lead = opens
    for item in value.items() if isinstance(value, dict) else value:
        name, one = (f"{json.dumps(item[0])}: ", item[1]) if isinstance(value, dict) else ("", item)
        yield f"{lead}\n{'  ' * (depth + 1)}{name}"
        if isinstance(value, Iterator):
            yield _indented(one, depth + 1)
        else:
            yield from written(one, depth + 1)
        lead = ","
    yield f"{opens}{closes}" if lead == opens else f"\n{'  ' * depth}{closes}"


def _indented(value: Any, depth: int) -> str:
    # A line feed within a string is written as an escape, so each one is a line's end.
    return json.dumps(value, indent=2).replace("\n", "\n" + "  " * depth)


def _holds_iterator(value: Any) -> bool:
    if isinstance(value, Iterator):
        return True
    if isinstance(value, dict):
        return any(map(_holds_iterator, value.values()))
    return isinstance(value, list) and any(map(_holds_iterator, value))


def report_form(audit: Audit, unreadable: Sequence[CaptureError] = ()) -> dict[str, Any]:
    """The report as plain JSON values."""
    members = _members(audit, unreadable)
    return {name: list(value) if isinstance(value, map) else value for name, value in members.items()}


def _members(audit: Audit, unreadable: Sequence[CaptureError]) -> dict[str, Any]:
    """Its members, what there may be many of as iterators."""
    policy = audit.policy
    codes = Counter(finding.code for finding in audit.findings)
    levels = Counter(finding.level for finding in audit.findings)
    return {
        "policy": {
            "id": policy.id,
            "version": policy.version,
            "fingerprint": policy.fingerprint,
            "baseline": audit.baseline,
        },
        "choice": audit.choice,
        "captures": map(_capture_form, audit.accounts),
        "unreadable": [{"file": error.file, "why": error.why} for error in unreadable],
        "decisions": dict(audit.actions),
        "decision_log": None if audit.log is None else _log_form(audit.log),
        "companies": map(_company_form, contacts(one.contacts for one in audit.accounts)),
        "findings": map(_finding_form, audit.findings),
        "summary": {
            "by_code": dict(sorted(codes.items())),
            "by_level": {level.value: levels[level] for level in Level},
        },
    }


def _log_form(log: Review) -> dict[str, Any]:
    checked, agreement = log.checked, log.agreement
    return {
        "folder": checked.folder,
        "whole": not checked.broken,
        "running": checked.running,
        "segments": checked.segments,
        "lines": checked.lines,
        "end": {"line": checked.end.seq, "hash": checked.end.hash},
        "decisions": dict(log.actions),
        "lost": log.lost,
        "rules": [
            {
                "where": one.where,
                "action": one.action,
                "reason": one.reason,
                "rule": one.rule,
                "category": one.category,
                "vendor": one.vendor,
                "count": one.count,
            }
            for one in log.counted
        ],
        "unknown_sites": [{"site": site, "count": count} for site, count in log.unknown],
        "visits": dict(log.visits),
        "agreement": None if agreement is None else {"compared": agreement.compared, "lacking": agreement.lacking},
    }


def _capture_form(done: Account) -> dict[str, Any]:
    clock = done.clock
    return {
        "file": done.file,
        "sha256": done.sha256,
        "form": done.form,
        "creator": done.creator,
        "entries": done.entries,
        "skipped": sum(done.skipped.values()),
        "skipped_because": dict(done.skipped),
        "assessable": done.assessable,
        "unseen": sorted(part.value for part in done.unseen),
        "notes": [{"code": note.code, "text": note.text} for note in done.notes],
        "decisions": dict(done.actions),
        "clock": None if clock is None else {"behind": clock.behind, "hosts": clock.hosts, "spread": clock.spread},
        "choices": [_choice_form(chosen) for chosen in done.chosen],
        "live": {"compared": done.live.compared, "differ": done.live.differ, "first": done.live.first},
    }


def _choice_form(chosen: Chosen) -> dict[str, Any]:
    """Made between `time` and `until`; null for one made before the capture began."""
    return {
        "time": _moment(chosen.earliest),
        "until": _moment(chosen.latest),
        "choice": chosen.said,
        "source": chosen.source,
        "site": chosen.site or None,
    }


def _moment(seconds: float) -> str | None:
    return iso_time(seconds) if math.isfinite(seconds) else None


def _company_form(contact: Contact) -> dict[str, Any]:
    return {
        "name": contact.name,
        "country": contact.country or None,
        "known": contact.known,
        "own": contact.own,
        "categories": list(contact.categories),
        "requests": contact.requests,
        "stopped": contact.stopped,
        "cookies_sent": list(contact.sent),
        "cookies_set": list(contact.set),
        "cookies_stripped": list(contact.stripped),
        "reasons": {reason.value: count for reason, count in sorted(contact.why.items())},
    }


def _finding_form(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "level": finding.level.value,
        "capture": finding.capture,
        "entry": finding.entry,
        "time": None if finding.time is None else iso_time(finding.time),
        "host": finding.host,
        "category": finding.category,
        "vendor": finding.vendor,
        "rule": finding.rule,
        "evidence": finding.evidence,
    }


def iso_time(seconds: float) -> str | None:
    """A moment as ISO 8601 in UTC, to the millisecond; None for one no calendar has."""
    try:
        moment = datetime.fromtimestamp(round(seconds, 3), UTC)
    except (OverflowError, ValueError, OSError):
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
