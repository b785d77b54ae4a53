"""`consentry learn`: from recorded traffic to a draft policy, with what is unknown marked for a decision."""

import argparse
import json
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmp.commands.arguments import OK, UNUSABLE, UsageError, add_format
from cmp.commands.captures import read_captures
from cmp.commands.writing import writable, write_whole
from cmp.decision_log.folder import is_log
from cmp.policy.drafting import CATEGORIES, site_host
from cmp.policy.faults import PolicyError
from cmp.policy.load import find_faults, policy_of
from cmp.policy.presets import PRESETS
from cmp.terminal import one_line

if TYPE_CHECKING:
    from cmp.audit.learning import Coverage, Learned
    from cmp.audit.logged import Logged

# So many names stand in a line.
_NAMES = 8


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "learn",
        help="draw up a draft policy from recorded traffic",
        description="Reads HAR and flow files of a site, the recordings of our own proxy among them, and writes a "
        "draft policy in observe mode: vendors and cookies of the catalogue placed in categories, everything unknown "
        "grouped, stopped and marked for a decision with what the traffic shows of it. The same captures give the same "
        "draft. Exit status 0 once it is written, 2 when a capture cannot be read (the others still count).",
        epilog="example: consentry learn visits/ -o draft.json. After some days in observe mode: consentry learn "
        "--observe-log visits.flow --try newer.flow -o draft.json",
    )
    parser.add_argument(
        "captures", nargs="*", type=Path, metavar="CAPTURE", help="a HAR or flow file, or a folder of them"
    )
    parser.add_argument(
        "--observe-log",
        nargs="+",
        action="extend",
        default=[],
        type=Path,
        metavar="FILE",
        help="what the proxy wrote in observe mode: a recording (--record FILE) or a decision log (--decision-log "
        "FOLDER, which names no site: --site); adds to the captures",
    )
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="where to write the draft")
    parser.add_argument("--force", action="store_true", help="overwrite the file if it is there")
    parser.add_argument(
        "--site",
        action="append",
        default=[],
        metavar="HOST",
        help="a host of the site, with all its sub-domains; can be repeated (default: the site visited most)",
    )
    parser.add_argument("--preset", choices=tuple(PRESETS), default="eu", help="where most visitors are (default: eu)")
    parser.add_argument(
        "--only-seen",
        action="store_true",
        help="adopt the vendors that were seen, not all that the catalogue knows of their kind",
    )
    parser.add_argument(
        "--try",
        dest="against",
        nargs="+",
        action="extend",
        default=[],
        type=Path,
        metavar="CAPTURE",
        help="captures that were kept back: how many of their third-party hosts the draft does not know",
    )
    add_format(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    from cmp.audit.learning import coverage, draft_of, learn

    if not arguments.captures and not arguments.observe_log:
        raise UsageError("learn: name captures, or --observe-log FILE")
    output = writable(arguments.output, force=arguments.force)
    sites = [_site(text) for text in arguments.site]
    folders = [path for path in arguments.observe_log if is_log(path)]
    recorded = [*arguments.captures, *(path for path in arguments.observe_log if path not in folders)]
    captures, unreadable = read_captures(recorded)
    against, unreadable_too = read_captures(arguments.against)
    if not captures and not folders:
        return UNUSABLE
    if not captures and not sites:
        raise UsageError("learn: a decision log does not name the site it is about: add --site HOST")
    logs = list(_logs(folders))
    learned = learn(captures, sites, logs)
    if arguments.only_seen:
        learned = replace(learned, left_open=replace(learned.left_open, whole={}))
    document = draft_of(learned, arguments.preset, ("en",))
    if faults := find_faults(document):
        raise PolicyError(str(output), faults)
    tried = coverage(policy_of(document, str(output)), against) if arguments.against else None
    write_whole(output, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    requests = sum(len(capture.entries) for capture in captures) + sum(log.decisions for log in logs)
    if arguments.format == "json":
        print(json.dumps(_form(learned, document, output, requests, tried), indent=2, ensure_ascii=False))
    else:
        for line in _lines(learned, document, output, requests, tried):
            print(one_line(line))
    return UNUSABLE if unreadable or unreadable_too else OK


def _logs(folders: Sequence[Path]) -> "Iterator[Logged]":
    """Each log added up; what is wrong with one is said, its other lines count."""
    from cmp.audit.logged import read_logged

    for folder in folders:
        logged, checked = read_logged(folder)
        for fault in checked.faults:
            print(f"consentry: {one_line(f'{folder}: {fault}')}", file=sys.stderr)
        if logged.rare:
            what = f"{_count(logged.rare, 'request')} to hosts nobody knows, too few each for the log to name them"
            print(f"consentry: {one_line(f'{folder}: {what}')}", file=sys.stderr)
        yield logged


def _site(text: str) -> str:
    try:
        return site_host(text)
    except ValueError as error:
        raise UsageError(f"--site {error}") from error


def _undecided(document: Mapping[str, Any], list_: str) -> list[dict[str, Any]]:
    """The entries that are marked: what behaves like tracking first, then what was seen most."""
    marked = [entry for entry in document.get(list_, []) if "undecided" in entry]
    key = "id" if list_ == "vendors" else "name"

    def rank(entry: Mapping[str, Any]) -> tuple[int, int, str]:
        seen = entry["undecided"]
        return (-len(seen.get("looksLike", ())), -seen["requests"], entry[key])

    return sorted(marked, key=rank)


def _form(
    learned: "Learned", document: Mapping[str, Any], output: Path, requests: int, tried: "Coverage | None"
) -> dict[str, Any]:
    placed = [
        {"vendor": one.vendor, "category": one.category, "requests": one.requests, "hosts": list(one.hosts)}
        for one in learned.placed
    ]
    return {
        "policy": str(output),
        "sites": list(learned.sites),
        "requests": requests,
        "placed": placed,
        "undecided": {list_: _undecided(document, list_) for list_ in ("vendors", "cookies")},
        "unnameable": list(learned.unnameable),
        "elsewhere": list(learned.elsewhere),
        "tried": None
        if tried is None
        else {"hosts": tried.hosts, "unknown": list(tried.unknown), "share": round(tried.share, 4)},
    }


def _lines(
    learned: "Learned", document: Mapping[str, Any], output: Path, requests: int, tried: "Coverage | None"
) -> Iterator[str]:
    site = ", ".join(learned.sites) or "no site was visited: every page's own site is the first party"
    yield f"{site}: {requests} requests"
    yield ""
    yield f"{_count(len(learned.placed), 'vendor')} of the catalogue:"
    for category in CATEGORIES:
        names = [one.name for one in learned.placed if one.category == category]
        if names:
            yield f"  {category} {len(names)}: {_some(names)}"
    for list_, key in (("vendors", "name"), ("cookies", "name")):
        marked = _undecided(document, list_)
        if marked:
            what = "vendor" if list_ == "vendors" else "cookie"
            yield ""
            yield f"{_count(len(marked), what)} to decide on:"
            for entry in marked:
                yield f"  {entry[key]}: {_evidence(entry)}"
    if learned.unnameable:
        yield ""
        yield f"No policy can name, as everybody's sites are below: {_some(learned.unnameable)}"
    if learned.elsewhere:
        yield f"Left out, pages of other sites (--site takes them in): {_some(learned.elsewhere)}"
    if tried is not None:
        yield ""
        share = f"{len(tried.unknown)} of {_count(tried.hosts, 'third-party host')} unknown ({tried.share:.1%})"
        yield f"Of the captures kept back: {share}{': ' if tried.unknown else ''}{_some(tried.unknown)}"
    yield ""
    yield f"Written: {output}. What is still to be decided: consentry check {shlex.quote(str(output))}"


def _evidence(entry: Mapping[str, Any]) -> str:
    seen = entry["undecided"]
    pages = f" on {_count(seen['pages'], 'page')}" if "pages" in seen else ""
    parts = [f"{_count(seen['requests'], 'request')}{pages}"]
    if "kinds" in seen:
        parts.append(", ".join(seen["kinds"]))
    if "looksLike" in seen:
        parts.append(f"looks like {', '.join(seen['looksLike'])}")
    if "lifetime" in entry:
        parts.append(entry["lifetime"])
    if "identifiers" in seen:
        parts.append(f"identifiers {_some(seen['identifiers'])}")
    if "cookies" in seen:
        parts.append(f"cookies {_some(seen['cookies'])}")
    if "example" in seen:
        parts.append(seen["example"])
    if entry["category"] == "necessary":
        parts.append("necessary for the time being")
    return "; ".join(parts)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def _some(names: "list[str] | tuple[str, ...]") -> str:
    more = f" and {len(names) - _NAMES} more" if len(names) > _NAMES else ""
    return f"{', '.join(names[:_NAMES])}{more}"
