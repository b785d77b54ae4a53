"""`consentry init`: from a site to a policy draft, and to the commands that run it without changing anything."""

import argparse
import asyncio
import json
import re
import shlex
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from cmp.commands.arguments import OK, UNUSABLE, UsageError
from cmp.commands.asking import Asking, EndOfAnswersError
from cmp.commands.proxy import check_mode
from cmp.commands.site import consent_site
from cmp.commands.writing import writable, write_whole
from cmp.core.lifetimes import read_lifetime
from cmp.core.urls import Url, parse_url
from cmp.policy.drafting import (
    CATEGORIES,
    LANGUAGES,
    SIGNALS,
    Answers,
    FoundCookie,
    FoundVendor,
    draft,
    named_host,
    proposed,
    proposed_signals,
    proposed_site,
    site_host,
    vendor_key,
)
from cmp.policy.faults import PolicyError
from cmp.policy.load import find_faults
from cmp.policy.presets import PRESETS
from cmp.seal.site import Scope
from cmp.terminal import one_line

_QUESTIONS = 10
_LEFT_OUT = "?"


@dataclass
class _Found:
    """What the pages show, each thing once."""

    vendors: dict[str, FoundVendor] = field(default_factory=dict)
    cookies: dict[str, FoundCookie] = field(default_factory=dict)
    languages: list[str] = field(default_factory=list)


def add_to(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "init",
        help="look at a site, ask a few questions, write a policy draft",
        description="Looks at the start page of a site and a few more, asks at most ten questions, writes a policy "
        "draft, and prints the commands that run it in observe mode. Nothing is written before the last answer.",
        epilog="example: consentry init --upstream http://127.0.0.1:8000 --public-origin https://www.shop.example",
    )
    parser.add_argument("--upstream", required=True, metavar="URL", help="the site the proxy will stand in front of")
    parser.add_argument(
        "--public-origin", metavar="URL", help="its address as visitors have it (default: that of the upstream)"
    )
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="where to write (default: asked)")
    parser.add_argument("--force", action="store_true", help="overwrite the file if it is there")
    parser.add_argument("--yes", action="store_true", help="take every default, ask nothing")
    parser.add_argument("--upstream-ca", type=Path, metavar="PEM", help="authorities to trust for the upstream")
    parser.set_defaults(run=run, scope=Scope.HOST.value)


def run(arguments: argparse.Namespace) -> int:
    check_mode(f"reverse:{arguments.upstream}", "--upstream")
    upstream = parse_url(arguments.upstream)
    public = parse_url(consent_site(arguments, upstream.origin).origin)
    if arguments.output is not None:
        writable(str(arguments.output), force=arguments.force)
    asking = Asking(_QUESTIONS, defaults=arguments.yes)
    try:
        found = _look(asking, upstream, public, arguments.upstream_ca)
        answers = _answers(asking, found, public)
        output = arguments.output or asking.ask(
            "Where is the draft to be written?",
            f"{_file_name(answers.name)}.json",
            lambda text: writable(text, force=arguments.force),
        )
    except EndOfAnswersError as error:
        print(f"consentry: the answers ended at: {one_line(str(error))} Nothing was written.", file=sys.stderr)
        return UNUSABLE
    except KeyboardInterrupt:
        print("\nconsentry init: stopped, nothing was written", file=sys.stderr)
        raise
    today = datetime.fromtimestamp(time.time(), UTC).strftime("%Y-%m-%d")
    document = draft(answers, list(found.cookies.values()), today)
    if faults := find_faults(document):
        raise PolicyError(str(output), faults)
    write_whole(output, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    _tell_what_next(asking, arguments, answers, found, output)
    return OK


# ------------------------------------------------------------------------------------------------ looking


def _look(asking: Asking, upstream: Url, public: Url, ca: Path | None) -> _Found:
    from cmp.commands.visiting import visit
    from cmp.wire.inventory import cookies_set, languages_of, vendors_on

    asking.tell(f"Looking at {upstream.origin} ...")
    try:
        seen = asyncio.run(visit(upstream, public, ca))
    except ValueError as error:
        raise UsageError(f"--upstream-ca {error}") from error
    if seen.problem:
        state = (
            "could not be looked at" if not any(page.html for page in seen.pages) else "was not looked at to the end"
        )
        asking.tell(f"{upstream.origin} {state}: {one_line(seen.problem)}. What it has must come from you.")
    found = _Found()
    for page in seen.pages:
        for vendor in vendors_on(page.html, page.url):
            found.vendors.setdefault(vendor.key, vendor)
        for cookie in cookies_set(page.set_cookies, page.url, time.time()):
            found.cookies.setdefault(cookie.name, cookie)
        found.languages += [language for language in languages_of(page.html) if language not in found.languages]
    pages = sum(1 for page in seen.pages if page.html)
    if pages:
        asking.tell(
            f"{pages} {'page' if pages == 1 else 'pages'} read: {len(found.vendors)} third parties, "
            f"{len(found.cookies)} cookies set by the site itself"
        )
    return found


# ------------------------------------------------------------------------------------------------ asking


def _answers(asking: Asking, found: _Found, public: Url) -> Answers:
    name, contact = asking.ask(
        "Who runs the site, and where does one write about privacy? Name, and after a comma a mail or web address.",
        named_host(public.host),
        _read_controller,
    )
    preset = asking.ask(
        "Where are most visitors? eu, uk: nothing before they agree; us: until they opt out.",
        "eu",
        lambda text: _one_of(text.lower(), tuple(PRESETS)),
    )
    sites = asking.ask(
        "Which hosts are the site's own? Each with all its sub-domains; commas between them. none: each page's own.",
        proposed_site(public.host) or "none",
        lambda text: tuple(dict.fromkeys(site_host(host) for host in _list(text) if text.lower() != "none")),
    )
    languages = asking.ask(
        f"In which languages are visitors spoken to, the preferred one first? There are texts in "
        f"{', '.join(LANGUAGES)}; others can be added to the file.",
        ", ".join(language for language in found.languages if language in LANGUAGES) or LANGUAGES[0],
        lambda text: tuple(dict.fromkeys(_one_of(language.lower(), LANGUAGES) for language in _list(text))),
    )
    cookies = _ask_categories(
        asking,
        "Which category does each cookie of the site belong to?",
        {cookie.name: (proposed(cookie.category), cookie.lifetime) for cookie in found.cookies.values()},
        _cookie_name,
    )
    vendors = _ask_categories(
        asking,
        "Which category does each third party belong to?",
        {vendor.key: (proposed(vendor.category), vendor.name) for vendor in found.vendors.values()},
        vendor_key,
    )
    usual = proposed_signals(preset)
    signals = asking.ask(
        "Which signals of the browser count as a refusal? gpc (Global Privacy Control), dnt (Do Not Track), or none.",
        ", ".join(name for name in SIGNALS if name in usual) or "none",
        lambda text: (
            frozenset() if text.lower() == "none" else frozenset(_one_of(one.lower(), SIGNALS) for one in _list(text))
        ),
    )
    keep = asking.ask(
        "How long are records of consent kept?", "5 years", lambda text: _read_retention(text, PRESETS[preset])
    )
    age = asking.ask(
        "From which age may somebody agree? 13 to 21, or none: nothing is said of it.",
        "none",
        _read_age,
    )
    return Answers(name, contact, preset, sites, languages, cookies, vendors, signals, keep, age)


def _ask_categories(
    asking: Asking, question: str, guesses: Mapping[str, tuple[str | None, str]], read_name: Callable[[str], str]
) -> dict[str, str]:
    """Names and categories. What is left out stays undeclared, and is stopped once the policy is enforced."""
    lines = [f"     {name} = {guess or _LEFT_OUT}   ({remark})" for name, (guess, remark) in guesses.items()]
    if lines:
        how = f"Write what differs, as NAME=CATEGORY with commas between; {_LEFT_OUT} leaves one undeclared: stopped."
    else:
        how = "None was found. Write those there are, as NAME=CATEGORY with commas between."
    how += f"\n   Categories: {', '.join(CATEGORIES)}"

    def read(text: str) -> dict[str, str]:
        chosen = {name: guess for name, (guess, _) in guesses.items()}
        for part in _list(text):
            name, equals, category = (piece.strip() for piece in part.rpartition("="))
            if not equals:
                raise ValueError(f'"{part}": write NAME=CATEGORY')
            known = name if name in guesses else read_name(name)
            chosen[known] = None if category == _LEFT_OUT else _one_of(category, CATEGORIES)
        return {name: category for name, category in chosen.items() if category is not None}

    return asking.ask("\n".join([question, *lines, f"   {how}"]), "", read, "as listed" if lines else "none")


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _one_of(text: str, known: tuple[str, ...]) -> str:
    if text not in known:
        raise ValueError(f'"{text}" is none of: {", ".join(known)}')
    return text


def _read_controller(text: str) -> tuple[str, str]:
    name, comma, contact = (part.strip() for part in text.rpartition(","))
    if not comma:
        name, contact = contact, ""
    if not 0 < len(name) <= 200 or not name.isprintable() or ("@" in name and not contact):
        raise ValueError("a name is needed, and after it an address: Example Ltd, privacy@example.com")
    if comma and not (re.fullmatch(r"[^\s@]+@[^\s@]+|https?://\S+", contact) and len(contact) <= 200):
        raise ValueError(f'"{contact}" is no address: write a mail address, or a web address with https://')
    return name, contact


def _cookie_name(text: str) -> str:
    if not re.fullmatch(r"[^\x00-\x20\x7f=;,]{1,256}", text) or not text.isprintable():
        raise ValueError(f'"{text}" is no name of a cookie')
    return text


def _read_retention(text: str, preset: Mapping[str, Mapping[str, str]]) -> str:
    kept, holds = read_lifetime(text.lower()), read_lifetime(preset["consent"]["askAgain"])
    if kept.seconds is None or kept.seconds < (holds.seconds or 0):
        raise ValueError(f"a choice holds {holds.text}: keep the record of it at least that long, such as 5 years")
    return kept.text


def _read_age(text: str) -> int | None:
    if text.lower() == "none":
        return None
    if not text.isascii() or not text.isdigit() or not 13 <= int(text) <= 21:
        raise ValueError("write a number from 13 to 21, or none")
    return int(text)


# ------------------------------------------------------------------------------------------------ writing


def _file_name(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")[:60] or "policy"


def _tell_what_next(
    asking: Asking, arguments: argparse.Namespace, answers: Answers, found: _Found, output: Path
) -> None:
    undeclared = [name for name in found.cookies if name not in answers.cookies]
    undeclared += [name for name in found.vendors if name not in answers.vendors]
    asking.tell(f"\nWritten: {one_line(str(output))}")
    if undeclared:
        asking.tell(f"Undeclared, so stopped once it is enforced: {one_line(', '.join(undeclared))}")
    if not answers.contact:
        asking.tell('Still to be named: where one writes about privacy ("contact" beside "name" of the controller)')
    if unseen := [name for name in answers.cookies if name not in found.cookies]:
        asking.tell(f'Still to be named: how long these live ("lifetime"): {one_line(", ".join(unseen))}')
    policy, flows = shlex.quote(str(output)), shlex.quote(str(output.with_suffix(".flow")))
    up = f"consentry up --upstream {shlex.quote(arguments.upstream)} --policy {policy}"
    if arguments.public_origin:
        up += f" --public-origin {shlex.quote(arguments.public_origin)}"
    if arguments.upstream_ca:
        up += f" --upstream-ca {shlex.quote(str(arguments.upstream_ca))}"
    asking.tell(
        "\nRead it, then let it look on. Nothing a visitor could notice changes:\n\n"
        f"    consentry check {policy}\n"
        f"    {up} --mode observe --record {flows}\n\n"
        "What it would have stopped, after some visits through http://127.0.0.1:8080/:\n\n"
        f"    consentry audit {flows} --policy {policy}\n\n"
        'Once that is right, write "mode": "enforce" into the file and leave out --mode.'
    )
