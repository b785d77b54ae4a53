"""The script that keeps a page's own scripts to the decision, with the table it looks things up in.

May go in here: writing down, for one visitor, which cookie names and which hosts are permitted. May not: rules of its
own; every verdict is `permit`'s, in the order of precedence of `cmp.core.classify`. What the script does with the table
stands in `static/guard.js`.

The table names exceptions to what holds for the unknown, so a policy that denies the unknown lists what is permitted,
any other lists what is denied. It is the same for every visitor with the same choices, and for every page that no rule
singles out.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from cmp import resources
from cmp.core.classify import CookieRule, Party, QueryRule, RequestRule, host_suffixes
from cmp.core.consent import Visitor
from cmp.core.globs import Glob
from cmp.core.on_vendors import rule_on_vendor
from cmp.core.policy import Policy, Unknown
from cmp.core.signals import Signals
from cmp.core.urls import Url, plain_path
from cmp.sites import registrable_domain
from cmp.wire.name_set import pack
from cmp.wire.shorten import shorter_script, with_short_names

# Where the table goes, in the file and in the shorter script.
_PLACE: Final = ("/* TABLE */ null", "TABLE")
# What a table without packed names needs nothing of.
_UNPACKING: Final = re.compile(r"/\* PACKED \*/.*?/\* END \*/", re.DOTALL)
# Fewer names than these are written out, and nothing about them is left to chance.
_PACKED_FROM: Final = 64


def guard_script(policy: Policy, visitor: Visitor, signals: Signals, page: Url | None = None) -> str:
    """The whole script, to stand between `<script>` and `</script>` before any other.

    `page` is a page of the site. It is needed only where the policy names no `sites`: without it the script takes the
    host it runs on (without "www.") and everything below for the site's own.
    """
    if page is not None:
        # Without what no rule looks at, so that one script serves many pages.
        path = page.path if policy.requests.by_page or policy.cookies.by_path else "/"
        page = Url(page.scheme, page.host, page.port, path, "")
    return _script(policy, visitor, signals, page)


def guard_for(policy: Policy, visitor: Visitor, signals: Signals, page: Url) -> str:
    """The script for a visitor; when and under which policy they chose, it does not look at."""
    visitor = replace(visitor, decided_at=None, policy="", tell_me=False)
    return guard_script(policy, visitor, signals, page).strip()


@lru_cache(maxsize=256)
def _script(policy: Policy, visitor: Visitor, signals: Signals, page: Url | None) -> str:
    table = guard_table(policy, visitor, signals, page)
    return _source(_holds_packed(table)).replace(_PLACE[1], _as_script(table))


def guard_table(policy: Policy, visitor: Visitor, signals: Signals, page: Url | None = None) -> dict[str, Any]:
    """What the script looks up: verdicts are 1 (permitted) and 0; `d` lists names with 0, `a` with 1.

    `o` the site's own host suffixes (None: the page's host); `n` whether rules for hosts hold on them too; `t` a table
    for each policy that is asked: `u` the verdict on unknown hosts; `d`, `a`, `r` host suffixes (`r`: with rules [path,
    what must stand in the query, verdict], the first that fits); `h` more of `d` and of `a`, packed (`name_set.py`; 0:
    none), which do not count on the site's own hosts; `e` rules like those of `r`, for any host; `c` cookies: `u`, `d`,
    `a`, `h` alike, `x` names with [host suffix, verdict], `g` globs with 0 and with 1, `p` [glob, host suffix,
    verdict], before those of `g` as long as they are.
    """
    own = sorted(policy.sites) or ([registrable_domain(page.host)] if page is not None else None)
    known = frozenset(
        suffix for part in policy.each for host in part.requests.by_host for suffix in host_suffixes(host)
    )
    written = frozenset(name for part in policy.each for name in part.cookies.exact)
    asked = [
        _Asked(part, visitor, signals, page, own, alone=not policy.parts, hosts=known, names=written)
        for part in policy.each
    ]
    tables = [{**_hosts(ask), "c": _cookies(ask)} for ask in asked]
    return {"o": own, "n": int(bool(policy.sites)), "t": tables}


@dataclass(frozen=True, slots=True)
class _Asked:
    """One policy asked for a page of one visitor.

    `alone`: no other is asked besides. Then what the look-up finds anyway can be left out of the table. `hosts` and
    `names`: what any of the policies says something of, so that none is taken for another.
    """

    policy: Policy
    visitor: Visitor
    signals: Signals
    page: Url | None
    own: list[str] | None
    alone: bool
    hosts: frozenset[str]
    names: frozenset[str]


def _as_script(table: Mapping[str, Any]) -> str:
    # "<" could begin a tag or a comment that ends the script element early (HTML standard, section 4.12.1.3).
    return json.dumps(table, separators=(",", ":")).replace("<", "\\u003c")


def _holds_packed(table: Mapping[str, Any]) -> bool:
    return any(form for asked in table["t"] for part in (asked, asked["c"]) for form in part["h"])


@lru_cache(maxsize=2)
def _source(unpacks: bool = True) -> str:
    """The script without a table; with what a packed name set is read by, or without."""
    text = (resources.static() / "guard.js").read_text("utf-8")
    if not unpacks:
        text = _UNPACKING.sub("", text)
    return with_short_names(shorter_script(text.replace(*_PLACE)))


def _hosts(ask: _Asked) -> dict[str, Any]:
    policy = ask.policy
    unknown = int(policy.unknown_host is not Unknown.DENY)

    def form(rule: RequestRule) -> list[Any]:
        verdict = int(rule_on_vendor(policy, ask.visitor, ask.signals, rule).direct)
        return [rule.path.text if rule.path else "", _query(rule.query), verdict]

    def counts(rule: RequestRule) -> bool:
        # Of bodies the script sees nothing: rules about them are kept on the wire.
        return rule.holds_on(ask.page) and not rule.body

    ends = [form(rule) for rule in policy.requests.endpoints if counts(rule)]
    plain: dict[str, int] = {}
    detailed: dict[str, list[list[Any]]] = {}
    for host, rules in policy.requests.by_host.items():
        forms = [form(rule) for rule in rules if counts(rule)]
        if not forms:
            continue
        # A rule without path and query fits always, so those after it are never asked.
        last = next((n for n, (path, query, _) in enumerate(forms) if not path and not query), None)
        forms = forms if last is None else forms[: last + 1]
        verdicts = {verdict for _, _, verdict in forms}
        if last is not None and len(verdicts) == 1:
            plain[host] = verdicts.pop()
        else:
            detailed[host] = forms
    # Left out is what the look-up finds anyway. Not on the site's own hosts, where another verdict holds otherwise,
    # only where no endpoint can come between, and no other policy that may know the host is asked.
    if ask.alone and all(verdict == unknown for _, _, verdict in ends):
        plain = {
            host: verdict
            for host, verdict in plain.items()
            if verdict != _inherited(host, plain, detailed, unknown)
            or any(suffix in policy.sites for suffix in host_suffixes(host))
        }
    return {
        "u": unknown,
        **_listed(plain, ask.hosts, lambda host: "." in host and not _is_own(host, ask.own)),
        "r": dict(sorted(detailed.items())),
        "e": ends,
    }


def _listed(verdicts: Mapping[str, int], known: frozenset[str], may_be_packed: Callable[[str], bool]) -> dict[str, Any]:
    found: dict[str, Any] = {"h": [0, 0]}
    for key, verdict in (("d", 0), ("a", 1)):
        names = [name for name, given in verdicts.items() if given == verdict]
        many = [name for name in names if name.isascii() and may_be_packed(name)]
        if len(many) >= _PACKED_FROM:
            packed = pack(many, known)
            names = [name for name in names if name not in packed.names]
            found["h"][verdict] = packed.form
        found[key] = " ".join(sorted(names))
    return found


def _is_own(host: str, own: list[str] | None) -> bool:
    return own is not None and _within_reach(host, own)


def _query(query: QueryRule) -> list[str]:
    return sorted(query.names) + [f"{name}={glob.text}" for name, glob in query.values]


def _inherited(host: str, plain: Mapping[str, int], detailed: Mapping[str, object], unknown: int) -> int | None:
    """The verdict without an entry for the host itself; None where it depends on the path."""
    for suffix in list(host_suffixes(host))[1:]:
        if suffix in detailed:
            return None
        if suffix in plain:
            return plain[suffix]
    return unknown


@dataclass(frozen=True, slots=True)
class _Entry:
    """A cookie rule for one host suffix ("": any)."""

    name: Glob
    host: str
    verdict: int


def _cookies(ask: _Asked) -> dict[str, Any]:
    policy, own = ask.policy, ask.own
    unknown = int(policy.unknown_cookie is not Unknown.DENY)

    def entries(rules: Iterable[CookieRule]) -> Iterator[_Entry]:
        for rule in rules:
            # A page's scripts write cookies of its own site only. For which paths, the server alone is asked: here a
            # rule for some paths counts where the page is on one.
            if rule.party is not Party.THIRD and _on_path(rule, ask.page):
                verdict = int(rule_on_vendor(policy, ask.visitor, ask.signals, rule).allowed)
                for host in sorted(rule.hosts, key=len, reverse=True) or [""]:
                    if _within_reach(host, own):
                        yield _Entry(rule.name, host, verdict)

    patterns = sorted(
        # Where two fit alike, the core asks those with a literal first character first.
        (entry for start in sorted(policy.cookies.patterns, reverse=True) for entry in entries(_at(policy, start))),
        key=lambda entry: (-len(entry.name.text), -len(entry.host)),
    )
    if ask.alone:
        patterns = _that_count(patterns, unknown)
    by_start = _by_start(patterns)
    names: dict[str, int] = {}
    detailed: dict[str, list[list[Any]]] = {}
    for name, rules in sorted(policy.cookies.exact.items()):
        found = sorted(entries(rules), key=lambda entry: -len(entry.host))
        verdicts = {entry.verdict for entry in found}
        if not found or (ask.alone and verdicts == {_by_pattern(by_start, name, unknown)}):
            continue
        everywhere = any(not entry.host for entry in found)
        if everywhere and len(verdicts) == 1 and " " not in name:
            names[name] = verdicts.pop()
        else:
            detailed[name] = [[entry.host, entry.verdict] for entry in found]
    globs: list[list[str]] = [[], []]
    ordered = []
    by_length: dict[int, list[_Entry]] = {}
    for entry in patterns:
        by_length.setdefault(len(entry.name.text), []).append(entry)
    for entry in patterns:
        # Where length does not tell which comes first, the order has to.
        rivals = (other for other in by_length[len(entry.name.text)] if other.verdict != entry.verdict)
        if entry.host or " " in entry.name.text or any(_overlap(other.name, entry.name) for other in rivals):
            ordered.append([entry.name.text, entry.host, entry.verdict])
        else:
            globs[entry.verdict].append(entry.name.text)
    return {
        "u": unknown,
        **_listed(names, ask.names, lambda _: True),
        "x": detailed,
        "p": ordered,
        "g": [" ".join(sorted(texts)) for texts in globs],
    }


def _that_count(patterns: list[_Entry], unknown: int) -> list[_Entry]:
    """Without those that say what holds for the unknown anyway, where no later one could say otherwise."""
    kept: list[_Entry] = []
    for entry in reversed(patterns):
        if entry.verdict != unknown or any(o.verdict != unknown and _overlap(o.name, entry.name) for o in kept):
            kept.append(entry)
    return kept[::-1]


def _overlap(one: Glob, other: Glob) -> bool:
    """False only where no text fits both."""
    starts = one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix)
    return starts and (one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix))


def _by_start(patterns: Iterable[_Entry]) -> dict[str, list[_Entry]]:
    """Patterns by the letter that names must begin with, each list with those that take any."""
    found: dict[str, list[_Entry]] = {start: [] for start in ["", *(entry.name.prefix[:1] for entry in patterns)]}
    for entry in patterns:
        for start in [entry.name.prefix[0]] if entry.name.prefix else found:
            found[start].append(entry)
    return found


def _by_pattern(by_start: Mapping[str, list[_Entry]], name: str, unknown: int) -> int | None:
    """The verdict on a cookie without an entry for its name; None where it depends on the host."""
    for entry in by_start.get(name[:1], by_start[""]):
        if entry.name.matches(name):
            return None if entry.host else entry.verdict
    return unknown


def _on_path(rule: CookieRule, page: Url | None) -> bool:
    if not rule.paths:
        return True
    return page is not None and any(glob.matches(plain_path(page.path)) for glob in rule.paths)


def _at(policy: Policy, start: str) -> tuple[CookieRule, ...]:
    return policy.cookies.patterns[start]


def _within_reach(host: str, own: list[str] | None) -> bool:
    """Whether a rule for that host suffix can concern a page of the site."""
    if not host or own is None:
        return True
    return any(host in host_suffixes(site) or site in host_suffixes(host) for site in own)
