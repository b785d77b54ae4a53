"""One mitmproxy flow as an exchange: the same reading for live traffic and for recorded flows.

May go in here: taking URL, headers and times from an `HTTPFlow`, and the mark our proxy leaves in it. May not: changing
a flow's messages (`addons`), reading flow files (`flows.py`).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cmp.capture.observe import Headers, observe_request, page_of, with_answer
from cmp.core.consent import Visitor
from cmp.core.decision import Decision
from cmp.core.exchange import Exchange, Kind
from cmp.core.forms import decision_form, read_visitor_form, visitor_form
from cmp.core.kept import kept_by_text
from cmp.core.urls import Url, UrlError, parse_host, parse_url, plain_path

if TYPE_CHECKING:
    # Captures of other forms are read without it: it takes longer to load than most of them to read.
    from mitmproxy import http

# Where in `flow.metadata` our proxy keeps its mark; reverting a flow wipes it, so it is read first.
MARK = "consentry"
# Note on a flow to a site that visitors reach by HTTPS, TLS ending in front of our proxy.
HTTPS = "consentry.https"
# Note on a flow of an audit visit: the visit's id (`cmp.seal.audit_token`).
VISIT = "consentry.visit"
# Note on a flow that a trusted proxy passed on under another Host: the name visitors know the site by.
HOST = "consentry.host"
# Note on a flow through the relay on the operator's site: the path below which the relay lies.
RELAY = "consentry.relay"
# Note on a flow whose host is another name for hosts of other sites (CNAME): those, with spaces between.
ALIASES = "consentry.aliases"
# With one of these in the Host header, the URL put together from it would have another path, or another host.
_NO_HOST = re.compile(r"[/\\?#@]")


def header_list(headers: "http.Headers") -> Headers:
    """Field lines as text. Bytes that are no UTF-8 survive as surrogates, so that nothing a server sent is lost."""
    return [
        (name.decode("utf-8", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
        for name, value in headers.fields
    ]


def observe_flow(flow: "http.HTTPFlow", *, reverse: bool, endpoint: bool = False) -> Exchange:
    """The exchange of a flow as it stands, with its answer where there is one.

    With `reverse` the flow came to the operator's own site: its public name is in the Host header and its page is the
    site itself; with `endpoint` it is for our own reserved path there. Otherwise the host is the one that is really
    connected to. Raises UrlError for a target that is no URL.

    A flow through the relay is the vendor's exchange: its URL is the vendor's, and cookies of the site are none of it.
    What our proxy found the request to carry is taken from its mark: not every body is kept.
    """
    request = flow.request
    found = relayed(flow) if reverse else None
    headers, url = header_list(request.headers), flow_url(flow, reverse=reverse)
    exchange = observe_asked(request.method, url, headers, time=request.timestamp_start, reverse=reverse, through=found)
    if found_before := _carried(flow):
        exchange = replace(exchange, carries=found_before)
    if isinstance(names := flow.metadata.get(ALIASES), str):
        exchange = replace(exchange, aliases=tuple(names.split()))
    if endpoint:
        exchange = replace(exchange, kind=Kind.CONSENT)
    answer = flow.response
    return exchange if answer is None else with_answer(exchange, header_list(answer.headers), answer.status_code)


def observe_asked(
    method: str, url: Url, headers: Headers, *, time: float, reverse: bool, through: "Relayed | None" = None
) -> Exchange:
    """The exchange of a request that came to our proxy. `through`: what it stands for, if it came by the relay."""
    page = url if reverse else None
    if through is not None:
        page = page_of(headers) or url
        url = through.url
        headers = [(name, value) for name, value in headers if name.lower() != "cookie"]
    return observe_request(method, url, headers, time=time, page=page)


def flow_url(flow: "http.HTTPFlow", *, reverse: bool) -> Url:
    """The URL the browser asked for. Raises UrlError."""
    request = flow.request
    if reverse:
        scheme = "https" if flow.client_conn.tls or flow.metadata.get(HTTPS) else "http"
        stated = flow.metadata.get(HOST) or request.host_header or request.host
        if _NO_HOST.search(stated):
            raise UrlError(stated, "forbidden character in host")
        return parse_url(f"{scheme}://{stated}{request.path}")
    host = f"[{request.host}]" if ":" in request.host and not request.host.startswith("[") else request.host
    return parse_url(f"{request.scheme}://{host}:{request.port}{request.path}")


def _carried(flow: "http.HTTPFlow") -> frozenset[str]:
    text = flow.metadata.get(MARK)
    if not isinstance(text, str) or '"carries":[]' in text:
        # The common case, without reading the mark.
        return frozenset()
    mark = read_mark(flow)
    return mark.carries if mark is not None else frozenset()


@dataclass(frozen=True, slots=True)
class Relayed:
    """A request through the relay, `RELAY/VENDOR/HOST/PATH?QUERY`: the vendor it names, and the URL it stands for."""

    vendor: str
    url: Url


def relayed(flow: "http.HTTPFlow") -> Relayed | None:
    """What a flow noted as going through the relay stands for, before or after it was sent on its way; None for others.

    Raises UrlError for one that names no host.
    """
    below = flow.metadata.get(RELAY)
    if not isinstance(below, str):
        return None
    request = flow.request
    return relayed_target(below, request.host_header or request.host, request.path)


def relayed_target(below: str, host: str, target: str) -> Relayed:
    """What a request to the relay below a path stands for, or one that was sent on its way. Raises UrlError."""
    path, mark, query = target.partition("?")
    plain = parse_url(f"http://relay{path}").path
    if not plain_path(plain).startswith(below):
        return Relayed("", parse_url(f"https://{host}{target}"))
    vendor, _, rest = plain_path(plain).removeprefix(below).partition("/")
    named, _, wanted = rest.partition("/")
    return Relayed(vendor, parse_url(f"https://{parse_host(named)}/{wanted}{mark}{query}"))


@dataclass(frozen=True, slots=True)
class Mark:
    """What our proxy decided on a flow: the visitor it saw, the policy's fingerprint and the decision's JSON form.

    `endpoint`: the request was for our own reserved path. `enforced`: the decision was carried out, not only observed.
    `tags`: what was (or would have been) stopped inside the page itself, as the forms of `stopped_form`. `carries`:
    what URL and body were found to carry, because a body that was passed on as it came is not kept. `stopped`:
    kept from being forwarded though the decision lets it pass, because identifiers could not be taken out of it, or the
    relay does not carry it. `kind`: what it was asked for, as `Kind` calls it; "" where nobody could look.
    """

    reverse: bool
    policy: str
    visitor: Visitor
    decision: Mapping[str, Any]
    endpoint: bool = False
    enforced: bool = True
    tags: tuple[Mapping[str, Any], ...] = ()
    carries: frozenset[str] = frozenset()
    stopped: bool = False
    kind: str = ""

    @property
    def blocked(self) -> bool:
        """Whether the request was kept from being forwarded."""
        return self.enforced and (self.stopped or self.decision["action"] == "block")


def mark_of(
    decision: Decision,
    *,
    reverse: bool,
    policy: str,
    visitor: Visitor,
    endpoint: bool = False,
    enforced: bool = True,
    carries: frozenset[str] = frozenset(),
    stopped: bool = False,
    kind: str = "",
) -> Mark:
    form = decision_form(decision)
    return Mark(reverse, policy, visitor, form, endpoint, enforced, carries=carries, stopped=stopped, kind=kind)


def leave_mark(flow: "http.HTTPFlow", mark: Mark) -> None:
    """Write the mark as one JSON text, which every version of the flow format keeps as it is."""
    flow.metadata[MARK] = json.dumps(mark_form(mark), sort_keys=True, separators=(",", ":"))


def mark_form(mark: Mark) -> dict[str, Any]:
    """The mark as plain JSON values."""
    return {
        "form": 1,
        "reverse": mark.reverse,
        "policy": mark.policy,
        "visitor": visitor_form(mark.visitor),
        "decision": mark.decision,
        "endpoint": mark.endpoint,
        "enforced": mark.enforced,
        "tags": list(mark.tags),
        "carries": sorted(mark.carries),
        "stopped": mark.stopped,
        "kind": mark.kind,
    }


def read_mark(flow: "http.HTTPFlow") -> Mark | None:
    """The mark of a flow; None where it has none, or one that was not written by `leave_mark`."""
    return mark_of_text(flow.metadata.get(MARK))


def mark_of_text(text: object) -> Mark | None:
    """The mark in the text of a flow's note; None where it is none."""
    return _mark_of_text(text) if isinstance(text, str) else None


# Most requests of a site have the mark of another one. A longer one is read each time, so that few of them cannot fill
# the memory.
@kept_by_text(256, longest=8_192)
def _mark_of_text(text: str) -> Mark | None:
    try:
        return mark_of_form(json.loads(text))
    except (ValueError, RecursionError):
        return None


def mark_of_form(form: Any) -> Mark | None:
    """The mark of plain JSON values; None for what `mark_form` did not make."""
    try:
        if form["form"] != 1:
            return None
        return Mark(
            bool(form["reverse"]),
            form["policy"],
            read_visitor_form(form["visitor"]),
            form["decision"],
            bool(form["endpoint"]),
            bool(form["enforced"]),
            tuple(form["tags"]),
            # Captures from before these were recorded say nothing of them.
            frozenset(form.get("carries", ())),
            bool(form.get("stopped", False)),
            form.get("kind", ""),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
