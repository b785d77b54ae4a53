"""A shipped policy put to work, so that a test can ask what becomes of a request, a cookie, a page, a visitor.

May go in here: building exchanges, pages, captures and servers for one policy document, and asking the real parts.
May not: assertions, and what a promise says (`test_*.py`).

A world is made from a policy *document*: `mutation.py` takes rules out of it, and a test adds what an operator would.
"""

import copy
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cmp import resources
from cmp.audit.detectors import DETECTORS
from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding
from cmp.audit.replay import replay
from cmp.capture.carrying import Carrying
from cmp.capture.observe import observe_request, with_answer
from cmp.core.consent import Visitor
from cmp.core.decide import decide
from cmp.core.decision import Decision, EditKind
from cmp.core.exchange import Exchange
from cmp.core.policy import Policy
from cmp.core.signals import NO_SIGNALS, Signals
from cmp.core.urls import parse_url
from cmp.policy.document import read_document
from cmp.policy.load import policy_of
from cmp.seal.site import RESERVED_PATH
from cmp.wire.csp import strict_csp
from cmp.wire.guard import guard_table
from cmp.wire.html import Rewritten, rewrite_page
from tests.audit import hars
from tests.promises.serving import Served, serving

Document = dict[str, Any]
Names = Sequence[str]

REVERSE, REGULAR = "reverse", "regular"
DROPPED, SESSION = "dropped", "session"
"""What becomes of a Set-Cookie beside a number of seconds: never set; gone when the browser closes."""

MINUTE, DAY = 60, 86_400
MONTH, YEAR = 31 * DAY, 366 * DAY
NOW = 1_791_376_496.0


@cache
def shipped(name: str) -> Document:
    """A shipped policy's document. Not to be changed: `World.of` copies it."""
    return read_document(resources.policies() / f"{name}.json")


@lru_cache(maxsize=16)
def _compiled(name: str, document: str) -> Policy:
    """Most worlds have the document of another one, and a policy does not change."""
    return policy_of(json.loads(document), str(resources.policies() / f"{name}.json"))


@dataclass(frozen=True)
class World:
    """One policy at work. `name` is the shipped file beside which others are looked for; `silenced` are codes of
    detectors that an audit here goes without."""

    name: str
    document: Document
    silenced: frozenset[str] = frozenset()

    @classmethod
    def of(cls, name: str) -> "World":
        return cls(name, copy.deepcopy(shipped(name)))

    def with_(self, **changes: Any) -> "World":
        """The same world after an operator's change: top-level keys of the document, replaced; None takes one out."""
        document = {**copy.deepcopy(self.document), **changes}
        return replace(self, document={key: value for key, value in document.items() if value is not None})

    def plus(self, list_: str, *items: Mapping[str, Any]) -> "World":
        """The same world with more entries in a list of the document."""
        return self.with_(**{list_: [*copy.deepcopy(self.document.get(list_, [])), *items]})

    @cached_property
    def policy(self) -> Policy:
        return _compiled(self.name, json.dumps(self.document))

    @property
    def home(self) -> str:
        """The site the shipped policy is about, whatever the document here says."""
        return str(shipped(self.name)["sites"][0])

    def url(self, path: str = "/", host: str = "www") -> str:
        """An address on the site."""
        return f"https://{host}.{self.home}{path}"

    # -------------------------------------------------------------------------------------------- deciding

    def visitor(
        self,
        choice: str = "none",
        *,
        gpc: bool = False,
        dnt: bool | None = None,
        older: bool = False,
        events: Names = (),
        at: float | None = None,
    ) -> Visitor:
        """A visitor who chose "none", "refuse", "accept", or what is named, joined with commas ("a,vendor:b").

        `older`: when they chose, their browser did not send the signals yet. `at` is when they chose, Unix seconds.
        """
        optional = frozenset(self.policy.optional_categories)
        named = {"none": frozenset[str](), "refuse": frozenset[str](), "accept": optional}
        granted = named[choice] if choice in named else frozenset(choice.split(","))
        return Visitor(
            granted=granted,
            refused=frozenset() if choice == "none" else optional - granted,
            decided_at=at,
            policy=self.policy.fingerprint,
            shown_with=NO_SIGNALS if older else Signals(gpc=gpc, dnt=dnt),
            events=frozenset(events),
        )

    def exchange(
        self,
        url: str,
        *,
        page: str | None = "",
        kind: str = "script",
        method: str = "GET",
        cookie: str = "",
        set_cookies: Names = (),
        gpc: bool = False,
        dnt: bool | None = None,
        body: bytes = b"",
        content_type: str = "",
        seen: Iterable[Exchange] = (),
        referrer: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Exchange:
        """An exchange as the edges read it: `page` is the site's first page unless said (None: nobody can tell).

        `seen` are exchanges that went before, from which it is known what values confined cookies have.
        """
        lines = [*(headers or {}).items()]
        lines += [("Cookie", cookie)] if cookie else []
        lines += [("Sec-GPC", "1")] if gpc else []
        lines += [("DNT", "1" if dnt else "0")] if dnt is not None else []
        lines += [("Referer", referrer)] if referrer else []
        content_type = "text/ping" if kind == "ping" else content_type
        lines += [("Content-Type", content_type)] if content_type else []
        asked = observe_request(
            method,
            parse_url(url),
            lines,
            time=NOW,
            word=kind,
            top_level=kind == "document",
            page=None if page is None else parse_url(page or self.url()),
        )
        carrying = Carrying(self.policy)
        for before in seen:
            carrying.learn(before)
        asked = replace(asked, carries=carrying.of(asked, body, content_type))
        return with_answer(asked, [("Set-Cookie", line) for line in set_cookies]) if set_cookies else asked

    def decide(
        self,
        url: str,
        *,
        choice: str = "none",
        gpc: bool = False,
        dnt: bool | None = None,
        older: bool = False,
        events: Names = (),
        **asked: Any,
    ) -> Decision:
        """What is decided on an exchange; `asked` as in `exchange`."""
        visitor = self.visitor(choice, gpc=gpc, dnt=dnt, older=older, events=events)
        return decide(self.policy, visitor, self.exchange(url, gpc=gpc, dnt=dnt, **asked))

    def reaches(self, url: str, *, mode: str = REGULAR, **how: Any) -> bool:
        """Whether a request that the page makes gets to `url`.

        In regular mode the proxy decides. In reverse mode it does not see requests to others: the page's own CSP and
        the rewriting of its tags both have to let it through, and nobody takes identifiers out of it.
        """
        decided = self.decide(url, **how)
        if mode == REGULAR or self._ours(url) or decided.blocked:
            return not decided.blocked
        page = how.get("page") or self.url()
        shown = self.page(_tag(url, how.get("kind", "script")), page=page, **{k: how[k] for k in _VISITING if k in how})
        return shown.admits(url) and not shown.rewritten.stopped

    def sends(self, cookie: str, url: str, **how: Any) -> bool:
        """Whether a cookie called `cookie` gets to `url` with a request that passes."""
        decided = self.decide(url, cookie=f"{cookie}=4a1f9c07e2", **how)
        return not decided.blocked and (EditKind.STRIP_COOKIE, cookie) not in edits(decided)

    def keeps(self, set_cookie: str, url: str, **how: Any) -> int | str:
        """How long the browser keeps a cookie that `url` answers with: seconds, SESSION, or DROPPED."""
        asked = self.exchange(url, set_cookies=[set_cookie], **{k: v for k, v in how.items() if k not in _WHO})
        visitor = self.visitor(**{k: v for k, v in how.items() if k in _VISITING})
        decided = decide(self.policy, visitor, asked)
        by_kind = {edit.kind: edit for edit in decided.edits if edit.index == 0}
        if decided.blocked or EditKind.STRIP_SET_COOKIE in by_kind:
            return DROPPED
        lifetime = asked.set_cookies[0].lifetime(NOW)
        if lifetime is None or EditKind.SESSION_SET_COOKIE in by_kind:
            return SESSION
        cap = by_kind.get(EditKind.CAP_SET_COOKIE)
        return int(lifetime) if cap is None or cap.max_age is None else cap.max_age

    def _ours(self, url: str) -> bool:
        host = urlsplit(url).hostname or ""
        return any(host == site or host.endswith(f".{site}") for site in self.policy.sites)

    # -------------------------------------------------------------------------------------------- the wire

    def page(
        self,
        html: str,
        *,
        page: str = "",
        choice: str = "none",
        gpc: bool = False,
        dnt: bool | None = None,
        older: bool = False,
        events: Names = (),
    ) -> "Page":
        """A page of the site as this visitor gets it in reverse mode."""
        visitor = self.visitor(choice, gpc=gpc, dnt=dnt, older=older, events=events)
        signals, url = Signals(gpc=gpc, dnt=dnt), parse_url(page or self.url())
        rewritten = rewrite_page(
            f"<!doctype html><html><head></head><body>{html}</body></html>",
            *(self.policy, visitor, signals, url),
            head="",
            body_start="",
        )
        csp = strict_csp(self.policy, visitor, signals, url, rewritten.named_hosts, reserved=RESERVED_PATH)
        return Page(rewritten, csp, guard_table(self.policy, visitor, signals, url))

    # -------------------------------------------------------------------------------------------- auditing

    def audit(self, *entries: hars.Json, choice: str | None = None) -> list[Finding]:
        """What is found in a capture of these entries (`hars.request`, `World.visit`)."""
        evidence = Evidence(replay(self.policy, hars.captured(*entries), choice), baseline=False)
        heard = [detector for detector in DETECTORS if detector.CODE not in self.silenced]
        return [finding for detector in heard for finding in detector.find(evidence)]

    def visit(self, path: str = "/", *, host: str = "www", **more: Any) -> hars.Json:
        """The entry of a page of the site. Some cookie travels with it, so that the capture shows cookies at all."""
        return hars.request(self.url(path, host), "document", **more)

    # -------------------------------------------------------------------------------------------- serving

    @contextmanager
    def served(self, at: float = NOW, folder: Path | None = None) -> Iterator["Served"]:
        """The consent server of this site, running; `at` is its time, Unix seconds.

        `folder` holds what an earlier one left, for one that is started again.
        """
        with tempfile.TemporaryDirectory(prefix="promise-") as fresh, serving(self, folder or Path(fresh), at) as found:
            yield found


_VISITING = ("choice", "gpc", "dnt", "older", "events")
_WHO = ("choice", "older", "events")


def edits(decided: Decision) -> set[tuple[EditKind, str]]:
    """What is changed in a message, by kind and name."""
    return {(edit.kind, edit.name) for edit in decided.edits}


def codes(found: Iterable[Finding]) -> set[str]:
    return {finding.code for finding in found}


@dataclass(frozen=True)
class Page:
    """A page as a visitor gets it: rewritten, with its CSP (None: there is none) and the table of its guard."""

    rewritten: Rewritten
    csp: str | None
    guard: Mapping[str, Any] = field(repr=False)

    @property
    def html(self) -> str:
        return self.rewritten.text

    def admits(self, url: str) -> bool:
        """Whether the CSP lets the page ask for `url` (CSP 3, section 6.7.2.8, as far as our own sources need it)."""
        if self.csp is None:
            return True
        sources = self.csp.partition("default-src ")[2].partition(";")[0].split()
        host = urlsplit(url).hostname or ""
        return any(_fits(source.removesuffix(":*"), host) for source in sources if not source.startswith("'"))


def _fits(source: str, host: str) -> bool:
    return host.endswith(source[1:]) if source.startswith("*.") else host == source


_TAGS = {
    "script": '<script src="{}"></script>',
    "image": '<img src="{}">',
    "frame": '<iframe src="{}"></iframe>',
    "style": '<link rel="stylesheet" href="{}">',
    "ping": '<a href="/" ping="{}">away</a>',
}


def _tag(url: str, kind: str) -> str:
    """Markup that makes a browser ask for `url`; what only scripts do (a beacon) has none."""
    return _TAGS.get(kind, "").format(url.replace("&", "&amp;"))
