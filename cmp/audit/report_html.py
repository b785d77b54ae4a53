"""An audit as one HTML file that people read: opens from disk, needs no network and no script, prints well.

May go in here: the order of the parts and their markup. May not: counting and matching (`contacts.py`, `promised.py`),
pictures (`charts.py`), style (`static/report.css`, which is put into the file).

Sources: WCAG 2.2 (1.3.1 structure, 1.4.1 no meaning by colour alone, 1.4.3 contrast, 2.4.6 headings).
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import islice
from typing import Any

from cmp import __version__
from cmp.audit.account import Account
from cmp.audit.audit import DRAWN, Audit
from cmp.audit.charts import Bar, bars, timeline
from cmp.audit.contacts import Contact, contacts
from cmp.audit.explained import Explained, all_explained
from cmp.audit.finding import Finding, Level
from cmp.audit.promised import Promised, promises_touched
from cmp.audit.report_json import iso_time
from cmp.audit.wording import choice_in_words, count_of, file_name, in_words, told_by
from cmp.capture.capture import CaptureError
from cmp.resources import static
from cmp.terminal import one_line

# So many of each are shown, which bounds the page and the memory it is made in; what is left out is counted, and stands
# in the JSON report.
_COMPANIES_DRAWN = 15
_ROWS = 200

_LEVEL_WORDS = {
    Level.VIOLATION: ("Violations", "the declared policy was broken"),
    Level.POTENTIAL: ("Potential breaches", "a person has to judge"),
    Level.NOTE: ("Notes", "worth knowing"),
    Level.NOT_ASSESSABLE: ("Not assessable", "evidence is missing: never to be read as clean"),
}


def report(audit: Audit, unreadable: Sequence[CaptureError] = ()) -> str:
    """The whole file, ending with a line feed. The same input gives the same bytes."""
    everybody = contacts(one.contacts for one in audit.accounts)
    parts = [
        ("in-short", "In short", _in_short(audit, everybody)),
        ("who", "Who was contacted", _who(everybody)),
        ("when", "When", _when(audit.accounts)),
        ("findings", "What was found", _findings(audit)),
        ("promises", "Promise by promise", _promises(promises_touched(audit))),
        ("missing", "What could not be assessed", _missing(audit, unreadable)),
        ("made-from", "What this report was made from", _made_from(audit)),
    ]
    shown = [(id_, title, body) for id_, title, lines in parts if (body := "\n".join(lines))]
    return "\n".join([*_head(audit), *_contents(shown), *_sections(shown), "</main>", "</body>", "</html>", ""])


def _head(audit: Audit) -> Iterator[str]:
    title = f"Audit: {_names(file_name(done.file) for done in audit.accounts)}"
    style = (static() / "report.css").read_text("utf-8")
    yield '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">'
    yield (
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">"
    )
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield '<meta name="referrer" content="no-referrer">'
    yield f"<title>{_e(title)}</title>\n<style>\n{style}</style>\n</head>\n<body>\n<main>"
    yield f"<h1>{_e(title)}</h1>"
    policy = audit.policy
    held = "known trackers need consent (no policy was given)" if audit.baseline else f"the policy {policy.id}"
    yield f'<p class="soft">Held against {_e(held)}, version {_e(policy.version)}. Visitor: {_e(_visitor(audit))}.</p>'


def _visitor(audit: Audit) -> str:
    if audit.choice is not None:
        return {"refuse": "has refused everything", "accept": "has accepted everything"}.get(
            audit.choice, "has not chosen yet" if audit.choice == "none" else f"has chosen {audit.choice}"
        )
    recorded = sum(done.recorded for done in audit.accounts)
    told = told_by(audit.accounts)
    if not recorded and told:
        return f"has chosen what {' and '.join(told)} say, before that nothing"
    return "as recorded with each request" if recorded else "has not chosen yet"


def _contents(parts: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    yield '<nav aria-label="Contents"><ul>'
    yield from (f'<li><a href="#{id_}">{_e(title)}</a></li>' for id_, title, _ in parts)
    yield "</ul></nav>"


def _sections(parts: Sequence[tuple[str, str, str]]) -> Iterator[str]:
    for id_, title, body in parts:
        yield f'<section aria-labelledby="{id_}">\n<h2 id="{id_}">{_e(title)}</h2>\n{body}\n</section>'


# ------------------------------------------------------------------------------------------- in short, who, when


def _in_short(audit: Audit, everybody: Sequence[Contact]) -> Iterator[str]:
    known = [contact for contact in everybody if contact.known and not contact.own]
    unknown = [contact for contact in everybody if not contact.known and not contact.own]
    actions = audit.actions
    requests = sum(actions.values())
    yield (
        f"<p>{count_of(requests, 'request')} went to {count_of(len(known), 'known company', 'known companies')} and "
        f"{count_of(len(unknown), 'unknown site')} besides the site itself. Under the policy {actions['block']} would "
        f"have been stopped, {actions['edit']} would have passed with changes, {actions['allow']} unchanged.</p>"
    )
    levels = Counter(finding.level for finding in audit.findings)
    yield '<ul class="tiles">'
    for level, (title, meaning) in _LEVEL_WORDS.items():
        yield f'<li class="{level.value}"><b>{levels[level]}</b>{title}<br><span class="soft">{meaning}</span></li>'
    yield "</ul>"
    if known_already := sum(map(audit.is_known, audit.findings)):
        yield f"<p>{count_of(known_already, 'finding')} of these were known before this audit.</p>"
    if not all(done.assessable for done in audit.accounts):
        yield "<p><strong>Cookies could not be assessed in every capture:</strong> see what is missing.</p>"


def _who(everybody: Sequence[Contact]) -> Iterator[str]:
    others = [contact for contact in everybody if not contact.own]
    if not others:
        yield "<p>No request went to anybody but the site itself.</p>"
        return
    drawn = [Bar(one.name, one.requests, one.stopped) for one in others[:_COMPANIES_DRAWN]]
    yield bars("Requests by company, and how many the policy stops", drawn)
    yield '<p class="key soft"><i class="block"></i>stopped<i class="allow"></i>passes</p>'
    rows = (
        (
            f"{contact.name}{f' ({contact.country})' if contact.country else ''}",
            ", ".join(contact.categories) if contact.known else "unknown",
            contact.requests,
            contact.stopped,
            _names(contact.sent, 8),
            _names(contact.set, 8),
        )
        for contact in others
    )
    yield from _table(
        "Everybody else who was contacted",
        ("Company (country)", "Category", "Requests", "Stopped", "Cookies sent", "Cookies set"),
        rows,
        len(others),
    )


def _when(accounts: Sequence[Account]) -> Iterator[str]:
    timed = sum(done.start is not None for done in accounts)
    if not timed:
        yield "<p>The captures have no times.</p>"
        return
    yield '<p class="key soft"><i class="allow"></i>allowed<i class="edit"></i>changed<i class="block"></i>stopped</p>'
    for done in islice((done for done in accounts if done.start is not None), DRAWN):
        start = done.start or 0.0
        rows = sorted({mark.row for mark in done.marks}, key=lambda row: (row == "unknown", row))
        yield f"<h3>{_e(file_name(done.file))}</h3>"
        told = f": {done.page}" if done.page else ""
        yield f'<p class="soft">From {_e(iso_time(start) or "a time no calendar has")}{_e(told)}</p>'
        yield timeline(f"Requests of {file_name(done.file)} by category over time", rows, done.marks)
        yield from _chosen(done, start)
    if timed > DRAWN:
        yield f"<p>{count_of(timed - DRAWN, 'more capture')} not drawn.</p>"


def _chosen(done: Account, start: float) -> Iterator[str]:
    """The choices within a capture, with what tells of them, in seconds after its first request."""
    told = [_e(choice_in_words(chosen, start)) for chosen in done.chosen if chosen.earliest >= start]
    if told:
        yield f"<p>Choices: {'; '.join(told)}.</p>"


# ------------------------------------------------------------------------------------------- findings and promises


class _Kind:
    """Findings of one kind, by level and detector: how many there are, and those that are shown.

    Where there are more than fit, what says the same of another capture makes room for what has not been said yet.
    """

    def __init__(self) -> None:
        self.count = 0
        self._new: dict[str, tuple[int, Finding]] = {}
        self._again: list[tuple[int, Finding]] = []

    def add(self, finding: Finding) -> None:
        place = self.count, finding
        self.count += 1
        full = len(self._new) + len(self._again) == _ROWS
        if finding.identity in self._new:
            if not full:
                self._again.append(place)
            return
        if full and self._again:
            self._again.pop()
        elif full:
            return
        self._new[finding.identity] = place

    @property
    def shown(self) -> list[Finding]:
        """At most _ROWS, in the order they were added."""
        return [finding for _, finding in sorted([*self._new.values(), *self._again], key=lambda placed: placed[0])]


def _findings(audit: Audit) -> Iterator[str]:
    words = all_explained()
    found: dict[tuple[Level, str], _Kind] = {}
    for finding in audit.findings:
        found.setdefault((finding.level, finding.code), _Kind()).add(finding)
    if not found:
        clean = all(done.assessable for done in audit.accounts)
        yield "<p>Nothing was found.</p>" if clean else "<p>Nothing was found in what could be assessed.</p>"
        return
    order = list(words)
    for level, code in sorted(found, key=lambda key: (key[0].rank, order.index(key[1]))):
        if level is not Level.NOT_ASSESSABLE:
            yield from _of_one_kind(audit, level, words[code], found[level, code])


def _of_one_kind(audit: Audit, level: Level, words: Explained, findings: _Kind) -> Iterator[str]:
    title = f'<span class="{level.value}">{level.value}</span>: {_e(words.meaning)} ({findings.count})'
    yield f"<h3>{title}</h3>\n<p><code>{words.code}</code>. {_e(words.parts['Why it matters'])}</p>"
    several = len(audit.accounts) > 1
    names = ("What", "Host", "Category", "Rule", *(("Capture",) if several else ()), "Evidence")
    yield _table_start(words.meaning, names)
    for finding in findings.shown:
        known = " (known before)" if audit.is_known(finding) else ""
        cells = [in_words(finding) + known, finding.host or "", finding.category or "", finding.rule or ""]
        cells += [file_name(finding.capture)] if several else []
        shown = json.dumps(finding.evidence, ensure_ascii=False)
        evidence = f"<details><summary>show</summary><code>{_e(shown)}</code></details>"
        yield f"<tr>{''.join(f'<td>{_e(text)}</td>' for text in cells)}<td>{evidence}</td></tr>"
    yield "</tbody></table></div>"
    if findings.count > _ROWS:
        yield (
            f"<p>The table shows {_ROWS}, each about something else as far as there is; "
            f"{findings.count - _ROWS} more stand in the JSON report.</p>"
        )


def _promises(promises: Sequence[Promised]) -> Iterator[str]:
    if not promises:
        return
    yield (
        "<p>A promise is touched by a finding that rests on a rule or a detector that keeps the promise. "
        "No finding means that these captures do not show it broken, not that it is kept everywhere.</p>"
    )
    rows = ((one.id, one.title, _state(one), ", ".join(one.by) or "organisational") for one in promises)
    yield from _table(
        "The policy's promises", ("Promise", "What it says", "In these captures", "Kept by"), rows, len(promises)
    )


def _state(promise: Promised) -> str:
    if not promise.by:
        return "cannot be seen in traffic"
    if promise.gravest is None:
        return "not assessable" if promise.unassessed else "no finding"
    return f"{promise.gravest.value}: {', '.join(f'{code} ({count})' for code, count in promise.found.items())}"


# ------------------------------------------------------------------------------------------- evidence


class _Lines:
    """Items of a list, so many of a kind at most, and how many of which kind were left out."""

    def __init__(self) -> None:
        self.items: list[str] = []
        self._kinds = Counter[str]()

    def add(self, kind: str, file: str, text: str) -> None:
        self._kinds[kind] += 1
        if self._kinds[kind] <= _ROWS:
            self.items.append(f"<li>{_e(file)}: {_e(text)}</li>")

    @property
    def left_out(self) -> Mapping[str, int]:
        return {kind: count - _ROWS for kind, count in self._kinds.items() if count > _ROWS}


def _missing(audit: Audit, unreadable: Sequence[CaptureError]) -> Iterator[str]:
    unread, gaps, notes = _Lines(), _Lines(), _Lines()
    for error in unreadable:
        unread.add("unread", "Could not be read", str(error))
    for finding in audit.findings:
        if finding.level is Level.NOT_ASSESSABLE:
            gaps.add(f"no {finding.evidence['missing']} recorded", file_name(finding.capture), in_words(finding))
    for done in audit.accounts:
        for note in done.notes:
            notes.add(note.code, file_name(done.file), note.text)
    lines = [*unread.items, *gaps.items, *notes.items]
    if not lines:
        yield "<p>The captures show everything that the detectors look at.</p>"
        return
    yield "<ul>"
    yield from lines
    yield "</ul>"
    if left_out := {**unread.left_out, **gaps.left_out, **notes.left_out}:
        told = ", ".join(f"{kind} ({count})" for kind, count in left_out.items())
        yield f"<p>More such lines stand in the JSON report: {_e(told)}.</p>"


def _made_from(audit: Audit) -> Iterator[str]:
    policy = audit.policy
    rows = (
        (
            done.file,
            done.sha256,
            done.creator or done.form,
            done.entries,
            sum(done.skipped.values()),
        )
        for done in audit.accounts
    )
    yield from _table("Captures", ("File", "SHA-256", "Made by", "Entries", "Skipped"), rows, len(audit.accounts))
    named = f"Policy {_e(policy.id)}, version {_e(policy.version)}"
    yield f"<ul><li>{named}, fingerprint <code>{_e(policy.fingerprint)}</code></li>"
    for source in policy.lists:
        yield f"<li>List {_e(source.id)}, SHA-256 <code>{_e(source.digest)}</code></li>"
    yield f"<li>Consentry {_e(__version__)}</li></ul>"
    yield (
        "<p>Values of cookies and of queries do not stand in this report: values are told by the beginning of their "
        "SHA-256 and their length. The same captures and policy give the same report, byte for byte.</p>"
    )


# ------------------------------------------------------------------------------------------- markup


def _table(caption: str, names: Sequence[str], rows: Iterable[Sequence[Any]], total: int) -> Iterator[str]:
    yield _table_start(caption, names)
    for _, row in zip(range(_ROWS), rows, strict=False):
        yield f"<tr>{''.join(map(_data, row))}</tr>"
    yield "</tbody></table></div>"
    if total > _ROWS:
        yield f"<p>{total - _ROWS} more stand in the JSON report.</p>"


def _table_start(caption: str, names: Iterable[str]) -> str:
    heads = "".join(f'<th scope="col">{_e(name)}</th>' for name in names)
    return f'<div class="wide"><table><caption>{_e(caption)}</caption><thead><tr>{heads}</tr></thead><tbody>'


def _data(value: Any) -> str:
    return f'<td class="number">{value}</td>' if isinstance(value, int) else f"<td>{_e(str(value))}</td>"


def _e(text: str) -> str:
    return escape(one_line(text))


def _names(names: Iterable[str], most: int = 3) -> str:
    each = iter(names)
    shown = [name or "(no name)" for name in islice(each, most)]
    more = sum(1 for _ in each)
    return ", ".join(shown) + (f" and {more} more" if more else "")
