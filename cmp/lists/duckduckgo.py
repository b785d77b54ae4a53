"""DuckDuckGo's tracker data (tds.json): trackers by domain with their rules, owners, and names that hide them.

May go in here: its form and its order of matching (github.com/duckduckgo/tracker-blocklists). May not: surrogates,
which are other people's code; what is stopped gets a stub of ours.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from cmp.core.classify import Party, host_suffixes
from cmp.core.exchange import Kind
from cmp.core.listed import Found, Source
from cmp.core.urls import Url, UrlError, parse_host
from cmp.lists.content import Content, Filed, Filing, FormatError, Trouble, json_of, object_at
from cmp.lists.sequences import Sequence, SequenceError, compile_sequence

# What a tracker without any category falls under: the data has it because it tracks.
NO_CATEGORY = "no category"
# Rules that a visitor can switch off by asking for what they stop.
CLICK_TO_LOAD = "block-ctl-"

_USUAL = {
    "Advertising": "advertising",
    "Ad Motivated Tracking": "advertising",
    "Ad Fraud": "advertising",
    "Action Pixels": "advertising",
    "Third-Party Analytics Marketing": "advertising",
    "Malware": "advertising",
    "Unknown High Risk Behavior": "advertising",
    "Obscure Ownership": "advertising",
    NO_CATEGORY: "advertising",
    "Session Replay": "analytics",
    "Audience Measurement": "analytics",
    "Analytics": "analytics",
    "Tag Manager": "analytics",
    "Social Network": "social",
    "Social - Share": "social",
    "Social - Comment": "social",
    "Badge": "social",
    "block-ctl-fb": "social",
    "block-ctl-yt": "functional",
    "Embedded Content": "functional",
    "Support Chat Widget": "functional",
    "Federated Login": "functional",
    "SSO": "functional",
    "Online Payment": "functional",
    "Content Delivery": "functional",
}

_TYPES: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.DOCUMENT: "main_frame",
        Kind.FRAME: "sub_frame",
        Kind.STYLE: "stylesheet",
        Kind.FETCH: "xmlhttprequest",
        Kind.BEACON: "ping",
        **{kind: kind.value for kind in (Kind.SCRIPT, Kind.IMAGE, Kind.FONT, Kind.MEDIA, Kind.OBJECT, Kind.PING)},
        Kind.WEBSOCKET: "websocket",
        Kind.WORKER: "script",
    }
)


@dataclass(frozen=True, slots=True)
class Condition:
    """Pages and kinds: it holds where the page is one of `domains` (or below), and the kind one of `types`."""

    domains: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()

    def holds(self, page: Url | None, kind: str) -> bool:
        if self.types and kind not in self.types:
            return False
        return not self.domains or (page is not None and any(host in self.domains for host in host_suffixes(page.host)))


@dataclass(frozen=True, slots=True)
class Rule:
    """Part of a tracker's URLs. `action` is "" (stop), "ignore", or a click-to-load action."""

    text: str
    sequence: Sequence
    action: str = ""
    options: Condition | None = None
    exceptions: Condition | None = None


@dataclass(frozen=True, slots=True)
class Tracker:
    """A tracker's domain. `blocked` is what holds where no rule does; `own` are the data's categories for it."""

    domain: str
    owner: str
    blocked: bool
    own: tuple[str, ...]
    rules: tuple[Rule, ...]


class DuckDuckGoContent(Content):
    """The trackers by domain, the owners of domains, and the names that are aliases (CNAME) of trackers."""

    format = "ddg"
    usual = MappingProxyType(_USUAL)

    def __init__(
        self, trackers: Mapping[str, Tracker], owners: Mapping[str, str], aliases: Mapping[str, str], trouble: Trouble
    ) -> None:
        own = dict.fromkeys(_USUAL, 0)
        for tracker in trackers.values():
            own[tracker.own[0]] = own.get(tracker.own[0], 0) + 1
            for rule in tracker.rules:
                if rule.action.startswith(CLICK_TO_LOAD):
                    own[rule.action] = own.get(rule.action, 0) + 1
        rules = sum(max(1, len(tracker.rules)) for tracker in trackers.values())
        super().__init__(rules=rules, own={one: count for one, count in own.items() if count}, trouble=trouble)
        self.trackers, self.owners, self.aliases = trackers, owners, aliases

    def source(self, filing: Filing) -> Source:
        return DuckDuckGoSource(self, filing)


def read_ddg(data: bytes) -> DuckDuckGoContent:
    """Read tracker data. Raises FormatError for what is none."""
    document = object_at(json_of(data))
    if "trackers" not in document:
        raise FormatError('/: has no "trackers": this is no tracker data of DuckDuckGo')
    trouble = Trouble()
    trackers: dict[str, Tracker] = {}
    for domain, entry in object_at(document, "trackers").items():
        if (tracker := _tracker(domain, entry, trouble)) is not None:
            trackers[tracker.domain] = tracker
    if not trackers:
        raise FormatError("/trackers: holds no tracker that can be read")
    owners = _hosts_to_text(document, "domains", trouble)
    return DuckDuckGoContent(trackers, owners, _hosts_to_text(document, "cnames", trouble), trouble)


def _tracker(domain: str, entry: Any, trouble: Trouble) -> Tracker | None:
    place = f"/trackers/{domain}"
    try:
        host = parse_host(domain)
    except UrlError as error:
        trouble.add(place, domain, error.why)
        return None
    if not isinstance(entry, dict) or entry.get("default") not in ("block", "ignore"):
        trouble.add(place, str(entry), 'has no "default" that is block or ignore')
        return None
    owner = entry.get("owner")
    name = owner.get("name") if isinstance(owner, dict) else None
    rules = []
    for n, rule in enumerate(_list(entry.get("rules"))):
        try:
            rules.append(_rule(rule))
        except _UnusableRuleError as error:
            trouble.add(
                f"{place}/rules/{n}", str(rule.get("rule", rule)) if isinstance(rule, dict) else str(rule), str(error)
            )
    categories = [one for one in _list(entry.get("categories")) if isinstance(one, str)]
    strictest = sorted(dict.fromkeys(categories), key=_strictness) or [NO_CATEGORY]
    return Tracker(host, str(name or ""), entry["default"] == "block", tuple(strictest), tuple(rules))


def _strictness(own: str) -> int:
    order = tuple(_USUAL)
    return order.index(own) if own in order else len(order)


class _UnusableRuleError(ValueError):
    pass


def _rule(entry: Any) -> Rule:
    if not isinstance(entry, dict) or not isinstance(entry.get("rule"), str):
        raise _UnusableRuleError('has no "rule"')
    action = entry.get("action", "")
    if action == "block":
        action = ""
    if action not in ("", "ignore") and not str(action).startswith(CLICK_TO_LOAD):
        # As the reference has it: the rule is as if it were not there.
        raise _UnusableRuleError(f"has the unknown action {action!r}")
    try:
        sequence = compile_sequence(entry["rule"])
    except SequenceError as error:
        raise _UnusableRuleError(str(error)) from error
    return Rule(entry["rule"], sequence, action, _condition(entry, "options"), _condition(entry, "exceptions"))


def _condition(entry: Mapping[str, Any], key: str) -> Condition | None:
    if key not in entry:
        return None
    found = entry[key]
    if not isinstance(found, dict):
        raise _UnusableRuleError(f'has "{key}" that are no object')
    return Condition(*(frozenset(str(one).lower() for one in _list(found.get(name))) for name in ("domains", "types")))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _hosts_to_text(document: Mapping[str, Any], key: str, trouble: Trouble) -> dict[str, str]:
    found = document.get(key, {})
    if not isinstance(found, dict):
        trouble.add(f"/{key}", str(found), "is no JSON object")
        return {}
    whole = {}
    for host, text in found.items():
        if isinstance(text, str):
            whole[host.lower()] = text
        else:
            trouble.add(f"/{key}/{host}", str(text), "is no text")
    return whole


class DuckDuckGoSource(Filed):
    """The data, filed under the categories of a policy. It is about third parties and hidden ones only."""

    def __init__(self, content: DuckDuckGoContent, filing: Filing) -> None:
        super().__init__(filing)
        self._content = content

    def request(self, url: Url, page: Url | None, kind: Kind, *, third_party: bool) -> tuple[Found, ...]:
        tracker, host = self._tracker(url.host, third_party=third_party)
        if tracker is None or self._same_owner(tracker, page):
            return ()
        word = _TYPES.get(kind, "other")
        # Ports are not part of what rules are about.
        text = f"{host}{url.path}{'?' if url.query else ''}{url.query}".lower()
        for rule in tracker.rules:
            if rule.sequence.found_in(text) and (rule.options is None or rule.options.holds(page, word)):
                return self._by_rule(tracker, rule, page, word)
        return self._found(tracker.own, tracker.domain, tracker) if tracker.blocked else ()

    def cookie(self, name: str, url: Url, page: Url | None, party: Party) -> tuple[Found, ...]:  # noqa: ARG002
        """Cookies of a tracker are its identifiers, whether or not its requests can be stopped."""
        tracker, _ = self._tracker(url.host, third_party=party is Party.THIRD)
        if tracker is None or self._same_owner(tracker, page):
            return ()
        return self._found(tracker.own, tracker.domain, tracker)

    def _tracker(self, host: str, *, third_party: bool) -> tuple[Tracker | None, str]:
        """The tracker a host is of, and the host it is known by: the site's own names may be aliases of trackers."""
        trackers, aliases = self._content.trackers, self._content.aliases
        for suffix in host_suffixes(host):
            if suffix in trackers:
                return (trackers[suffix], host) if third_party else (None, host)
        if (hidden := aliases.get(host)) is not None:
            return next(((trackers[s], hidden) for s in host_suffixes(hidden) if s in trackers), (None, host))
        return None, host

    def _same_owner(self, tracker: Tracker, page: Url | None) -> bool:
        if page is None:
            return False
        owner = next((found for host in host_suffixes(page.host) if (found := self._content.owners.get(host))), "")
        return bool(owner) and owner in (tracker.owner, self._content.owners.get(tracker.domain))

    def _by_rule(self, tracker: Tracker, rule: Rule, page: Url | None, word: str) -> tuple[Found, ...]:
        excepted = rule.exceptions is not None and rule.exceptions.holds(page, word)
        if excepted or rule.action == "ignore":
            return self._found(tracker.own, rule.text, tracker, exception=True)
        if rule.action:
            return self._found((rule.action,), rule.text, tracker)
        return self._found(tracker.own, rule.text, tracker)

    def _found(self, own: Iterable[str], text: str, tracker: Tracker, *, exception: bool = False) -> tuple[Found, ...]:
        category = self._filing.under(own)
        if not category:
            return ()
        return (Found(self._filing.rule(text), category, tracker.owner or None, exception=exception),)
