"""Pages and style sheets on their way to a visitor of the operator's site: waited for, rewritten for this visitor, and
sent on.

May go in here: when a page is waited for, and putting the pieces of `cmp.wire` together on one answer. May not: how a
page is rewritten, what a CSP or a banner says (`cmp.wire`), whether something is allowed (`cmp.core`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from mitmproxy import http

from cmp.capture.flow_exchange import Mark, flow_url, header_list, leave_mark, read_mark
from cmp.capture.observe import content_type, field_lines, observe_request
from cmp.core.consent import Visitor
from cmp.core.decision import EditKind
from cmp.core.exchange import Exchange, Kind, Unseen
from cmp.core.forms import ruling_form
from cmp.core.policy import Unknown
from cmp.core.urls import Url
from cmp.live.enforcement import Enforcement
from cmp.live.originals import keep_answer, keep_request
from cmp.seal.cookie import read_cookie
from cmp.wire.caching import private_answer, unconditional_request
from cmp.wire.csp import strict_csp
from cmp.wire.expiry import expiring_set_cookies
from cmp.wire.files import rewrite_file, speculation_stopped
from cmp.wire.guard import guard_for
from cmp.wire.html import Rewritten, rewrite_page
from cmp.wire.judging import Stopped
from cmp.wire.occasion import Occasion
from cmp.wire.packing import unpacked
from cmp.wire.page import document_for, page_for
from cmp.wire.page_coding import ReadablePage, readable_page
from cmp.wire.tell_me import CookieLine, cookie_lines
from cmp.wire.words import pick_language, word

# Note on a flow whose body we still want to see: "rewrite", "guess", "watch", "worker", "xml", "sheet", "rules",
# "file", or "watch file".
PAGE = "consentry.page"

# A larger page is sent on unread, under the strict CSP alone (bytes).
PAGE_LIMIT = 8 * 1024 * 1024
_HTML = "text/html"
_CSS = "text/css"
# No type, or one that says nothing: browsers look at the bytes (MIME Sniffing, sections 5 and 7).
_SAYING_NOTHING = ("", "unknown/unknown", "application/unknown")
# What they take for a page, of whatever follows (section 7.1; Chromium looks for nothing behind the name); and a type
# that is none by its grammar, but one of a page to Chromium.
_PAGE_START = re.compile(
    r"(?:\u00ef\u00bb\u00bf)?[\t\n\f\r ]{0,500}+"
    r"<(?:!doctype html|!--|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p)",
    re.IGNORECASE,
)
_NEARLY_HTML = re.compile(r"\s*text/html[\s(]", re.IGNORECASE)
# Read by other rules than HTML, so not rewritten: a CSP holds them, and the guard goes into them.
_XHTML = "application/xhtml+xml"
_IN_XML = ("application/xml", "text/xml", "text/xsl")
# What a page's header names to be fetched ahead (HTML standard, section 7.6.3); of another type they are not read.
_RULES = "application/speculationrules+json"
# One that cannot be read sends the browser to an address that stands in it (Loading Signed Exchanges, section 4.5).
_EXCHANGE = "application/signed-exchange"
_PAGE_KINDS = (Kind.DOCUMENT, Kind.FRAME)
# Whatever comes for these is run under the CSP that comes with it: XML, SVG, what a browser takes for HTML by looking
# at it, and workers, which the CSP of their page does not hold (CSP 3, section 4.2; HTML standard, section 10.2.4).
_RUN_KINDS = (*_PAGE_KINDS, Kind.OBJECT, Kind.WORKER)
# Fetch Metadata, section 2.1: whose scripts run in a realm of their own, where the page's guard is not. Worklets ask
# for nothing.
_WORKERS = ("worker", "sharedworker", "serviceworker")
# HTML standard, section 2.1.8 (JavaScript MIME type essence match), as far as browsers meet them.
_SCRIPTS = ("text/javascript", "application/javascript", "application/x-javascript", "application/ecmascript")
# ECMA-262, section 11.2.1: a directive counts only where nothing but comments stands before it.
_STRICT = re.compile(rb"(?:\s|/\*.*?\*/|//[^\n]*+\n)*+[\"']use strict[\"']", re.DOTALL)
# Answers without a body, or with a part of one.
_BODILESS = (101, 204, 205, 304)
_PARTIAL = 206
# What we can unpack with a bound on the result; asked for in place of what the browser could take.
_CODINGS = (b"gzip", b"deflate")
_UNPACKED = frozenset({"gzip", "x-gzip", "deflate"})
# What browsers undo (RFC 9110, section 8.4.1). Where something else is named, the body is shown as it comes.
_UNDONE = _UNPACKED | {"br", "zstd"}


@dataclass
class Watch:
    """Passes a body on as it comes and keeps what has passed, up to the limit."""

    data: bytearray = field(default_factory=bytearray)

    def __call__(self, part: bytes) -> bytes:
        if len(self.data) <= PAGE_LIMIT:
            self.data += part
        return part


def is_page(answer: http.Response, exchange: Exchange) -> bool:
    """Whether a browser makes a document of the answer."""
    return exchange.kind in _PAGE_KINDS or content_type(header_list(answer.headers)) in (_HTML, _XHTML)


def ask_for_page(flow: http.HTTPFlow, now: Enforcement, exchange: Exchange) -> None:
    """Make sure the site answers a page request with a page we can read, and not with "what you have is current"."""
    is_read = exchange.kind in _PAGE_KINDS or _dest(flow) == "speculationrules" or _is_worker(flow)
    is_file = exchange.kind is Kind.STYLE or _is_module(flow)
    is_sheet = _is_sheet(flow) or exchange.kind is Kind.OBJECT or (_may_be_copied(flow) and _reads_files(now))
    if not (is_read or is_sheet or (is_file and _reads_files(now))):
        return
    keep_request(flow)
    fields = flow.request.headers.fields
    if is_read:
        fields = unconditional_request(fields)
    flow.request.headers.fields = tuple(
        (name, _readable_codings(value) if name.lower() == b"accept-encoding" else value) for name, value in fields
    )


def _dest(flow: http.HTTPFlow) -> str:
    found: str = flow.request.headers.get("sec-fetch-dest", "")
    return found.lower()


def _is_module(flow: http.HTTPFlow) -> bool:
    """Whether it is asked for as a module, or as a script of which its page is told more (HTML standard, section
    8.1.4.2)."""
    return _dest(flow) == "script" and flow.request.headers.get("sec-fetch-mode", "").lower() == "cors"


def _is_worker(flow: http.HTTPFlow) -> bool:
    return _dest(flow) in _WORKERS or flow.request.headers.get("service-worker", "").lower() == "script"


def _readable_codings(asked: bytes) -> bytes:
    return b", ".join(coding for coding in _CODINGS if coding in asked.lower()) or b"identity"


def await_page(flow: http.HTTPFlow, answer: http.Response, now: Enforcement, mark: Mark, exchange: Exchange) -> None:
    """Where the answer is a page: see to it that its body comes by `prepare`. What is not read gets the CSP at once."""
    media_type = content_type(header_list(answer.headers))
    is_html = media_type == _HTML
    # On plain HTTP nobody can tell a worker's script from another.
    perhaps_worker = Unseen.KIND in exchange.unseen and media_type in _SCRIPTS
    is_rules = media_type == _RULES
    if media_type == _EXCHANGE and mark.enforced:
        keep_answer(flow, answer)
        _hold_as_text(answer)
        return
    if _is_sheet(flow) or (exchange.kind in (Kind.STYLE, Kind.FETCH, Kind.OTHER) and _is_part(flow, media_type)):
        _await_sheet(flow, answer, mark)
        return
    if _may_be_copied(flow) and _is_xml(media_type):
        if _reads_files(now):
            _await_sheet(flow, answer, mark)
        return
    if (exchange.kind is Kind.STYLE or media_type == _CSS or _is_module(flow)) and exchange.kind not in _RUN_KINDS:
        _await_file(flow, answer, now, mark)
        return
    if not (is_html or is_rules or media_type == _XHTML or exchange.kind in _RUN_KINDS or perhaps_worker):
        return
    if answer.status_code in _BODILESS or flow.request.method == "HEAD":
        return
    keep_answer(flow, answer)
    if is_rules:
        _await_rules(flow, answer, mark)
        return
    if not mark.enforced:
        _add_csp(answer, now, mark, exchange, named_hosts=frozenset())
        if is_html:
            answer.stream = Watch()
            flow.metadata[PAGE] = "watch"
    elif (
        answer.status_code != _PARTIAL
        and not _too_long(answer)
        and (read_as := _read_as(flow, answer, media_type, exchange))
    ):
        answer.stream = False
        flow.metadata[PAGE] = read_as
    elif perhaps_worker:
        if _add_csp(answer, now, mark, exchange, named_hosts=frozenset()):
            answer.headers.fields = private_answer(answer.headers.fields)
    else:
        _hold_unread(answer, now, mark, exchange)


def _await_file(flow: http.HTTPFlow, answer: http.Response, now: Enforcement, mark: Mark) -> None:
    """Where the unknown is denied the CSP of its page holds what a style sheet or a module asks for."""
    whole = answer.status_code not in (*_BODILESS, _PARTIAL) and flow.request.method != "HEAD" and not _too_long(answer)
    if not (whole and _reads_files(now)):
        return
    keep_answer(flow, answer)
    answer.stream = False if mark.enforced else Watch()
    flow.metadata[PAGE] = "file" if mark.enforced else "watch file"


def _await_sheet(flow: http.HTTPFlow, answer: http.Response, mark: Mark) -> None:
    """No CSP holds what a page that is made by XSLT connects to."""
    if mark.enforced and answer.status_code not in (*_BODILESS, _PARTIAL) and flow.request.method != "HEAD":
        keep_answer(flow, answer)
        if _too_long(answer):
            return
        answer.stream = False
        flow.metadata[PAGE] = "sheet"


def _reads_files(now: Enforcement) -> bool:
    return now.policy.unknown_host is not Unknown.DENY


def _read_as(flow: http.HTTPFlow, answer: http.Response, media_type: str, exchange: Exchange) -> str:
    """What its body is waited for as, "" where it is not."""
    if media_type == _HTML:
        return "rewrite"
    if _is_worker(flow):
        return "worker"
    if media_type in _SAYING_NOTHING and exchange.kind in (*_PAGE_KINDS, Kind.OBJECT):
        return "" if "nosniff" in answer.headers.get("x-content-type-options", "").lower() else "guess"
    return "xml" if _is_xml(media_type) and exchange.kind in (*_PAGE_KINDS, Kind.OBJECT) else ""


def _is_xml(media_type: str) -> bool:
    """MIME Sniffing, section 4.6."""
    return media_type in _IN_XML or media_type.endswith("+xml")


def _is_sheet(flow: http.HTTPFlow) -> bool:
    """Whether it is asked for as a style sheet in XSLT."""
    return _dest(flow) == "xslt"


def _may_be_copied(flow: http.HTTPFlow) -> bool:
    """Whether it is a picture whose elements a page may take over (SVG 2, section 5.5), and not one that is shown."""
    return _dest(flow) == "image" and flow.request.headers.get("sec-fetch-mode", "").lower() != "no-cors"


def _is_part(flow: http.HTTPFlow, media_type: str) -> bool:
    """Whether a style sheet in XSLT may read it (XSLT 1.0, section 12.1): nothing says so, but scripts seldom ask so.
    On plain HTTP a style sheet of another kind cannot be told by its request."""
    asked = (_dest(flow), flow.request.headers.get("sec-fetch-mode", "").lower())
    if asked == ("empty", "same-origin"):
        return _is_xml(media_type) or media_type in ("text/plain", *_SAYING_NOTHING)
    return asked == ("", "") and _is_xml(media_type)


def _is_like_a_page(read: ReadablePage, answer: http.Response) -> bool:
    stated = answer.headers.get_all("content-type")
    return not read.coding and bool(_PAGE_START.match(read.text) or any(map(_NEARLY_HTML.match, stated)))


def _await_rules(flow: http.HTTPFlow, answer: http.Response, mark: Mark) -> None:
    if not mark.enforced:
        return
    # For this visitor, as they are or held.
    answer.headers.fields = private_answer(answer.headers.fields)
    if answer.status_code == _PARTIAL or _too_long(answer):
        _hold_as_text(answer)
    else:
        answer.stream = False
        flow.metadata[PAGE] = "rules"


def _hold_as_text(answer: http.Response) -> None:
    """Send on what makes a browser ask for something as what nobody takes for it; no CSP holds it."""
    answer.headers["Content-Type"] = "text/plain"


def _hold_unread(answer: http.Response, now: Enforcement, mark: Mark, exchange: Exchange) -> None:
    """Send on what was not rewritten under a CSP, whatever the policy says of the unknown: never open."""
    if not _add_csp(answer, now, mark, exchange, named_hosts=frozenset()):
        answer.headers.add("Content-Security-Policy", now.policy.fallback.csp)
    # The CSP is this visitor's.
    answer.headers.fields = private_answer(answer.headers.fields)


def _too_long(answer: http.Response) -> bool:
    length = answer.headers.get("content-length", "")
    return length.isdigit() and int(length) > PAGE_LIMIT


def is_waiting(flow: http.HTTPFlow) -> bool:
    return PAGE in flow.metadata


def prepare(flow: http.HTTPFlow, answer: http.Response, now: Enforcement, *, consent_up: bool) -> None:
    """Rewrite the page for its visitor, or in observe mode list what rewriting would stop."""
    mark = read_mark(flow)
    if mark is None:
        raise RuntimeError("the request's mark is gone")
    if flow.metadata[PAGE] in ("file", "watch file"):
        _rewrite_file(flow, answer, now, mark)
        return
    exchange = _exchange(flow, mark)
    if flow.metadata[PAGE] in ("xml", "sheet"):
        _rewrite_document(flow, answer, now, mark, exchange)
        return
    if flow.metadata[PAGE] == "watch":
        watched = bytes(answer.stream.data) if isinstance(answer.stream, Watch) else b""
        if (read := _readable(answer, watched)) is not None:
            rewritten = rewrite_page(
                read.text, now.policy, mark.visitor, exchange.signals, exchange.url, head="", body_start=""
            )
            leave_mark(flow, replace(mark, tags=_tags(rewritten.stopped)))
        return
    if flow.metadata[PAGE] == "worker":
        _guard_worker(flow, answer, now, mark, exchange)
        return
    if flow.metadata[PAGE] == "rules":
        _judge_rules(flow, answer, now, mark, exchange)
        return
    read = _readable(answer, answer.raw_content or b"")
    if flow.metadata[PAGE] == "guess":
        if read is None or not _is_like_a_page(read, answer):
            _hold_unread(answer, now, mark, exchange)
            return
        # Rewritten, it is to be nothing else.
        answer.headers["Content-Type"] = _HTML
    if read is None:
        _hold_unread(answer, now, mark, exchange)
    else:
        rewritten = _rewrite(flow, answer, now, mark, exchange=exchange, text=read.text, consent_up=consent_up)
        answer.headers.pop("Content-Encoding", None)
        answer.content = read.in_its_coding(rewritten.text)
        if read.to_say:
            answer.headers["Content-Type"] = f"text/html; charset={read.to_say}"
        leave_mark(flow, replace(mark, tags=_tags(rewritten.stopped)))
        _add_csp(answer, now, mark, exchange, named_hosts=frozenset(rewritten.named_hosts))
        answer.headers.fields = private_answer(answer.headers.fields)
    for line in _expiries(mark, exchange):
        answer.headers.add("Set-Cookie", line)


def let_pass_unread(flow: http.HTTPFlow, answer: http.Response, now: Enforcement) -> None:
    """Send on a page that turned out too long to be waited for."""
    mark = read_mark(flow)
    if mark is None:
        raise RuntimeError("the request's mark is gone")
    exchange = _exchange(flow, mark)
    read_as = flow.metadata.pop(PAGE)
    if read_as in ("file", "sheet"):
        return
    if read_as == "rules":
        _hold_as_text(answer)
        return
    _hold_unread(answer, now, mark, exchange)
    for line in _expiries(mark, exchange):
        answer.headers.add("Set-Cookie", line)


def _rewrite_document(
    flow: http.HTTPFlow, answer: http.Response, now: Enforcement, mark: Mark, exchange: Exchange
) -> None:
    """Make inert what no CSP holds in a document of XML, or in what a page is made of by XSLT."""
    is_page = flow.metadata[PAGE] == "xml"
    data = _content(answer, answer.raw_content or b"")
    if data is not None:
        done = document_for(
            data,
            now.policy,
            mark.visitor,
            exchange.signals,
            exchange.url,
            media_types=", ".join(_media_types(answer)),
            language=_language(flow, now),
            reserved=now.reserved,
            csp=answer.headers.get_all("Content-Security-Policy"),
            is_guarded=is_page and _is_guarded(now, exchange),
            is_part=not is_page,
            is_sheet=_is_sheet(flow),
            is_copied=_may_be_copied(flow),
        )
        leave_mark(flow, replace(mark, tags=_tags(done.stopped)))
        if done.to_say:
            _say_coding(answer, done.to_say)
        if done.data != data:
            answer.headers.pop("Content-Encoding", None)
            answer.content = done.data
            answer.headers.fields = private_answer(answer.headers.fields)
    if is_page:
        _hold_unread(answer, now, mark, exchange)
        for line in _expiries(mark, exchange):
            answer.headers.add("Set-Cookie", line)


def _judge_rules(flow: http.HTTPFlow, answer: http.Response, now: Enforcement, mark: Mark, exchange: Exchange) -> None:
    """Hold speculation rules that would ask for something denied, and those that cannot be read."""
    content = _content(answer, answer.raw_content or b"")
    if content is None:
        _hold_as_text(answer)
        return
    stopped = speculation_stopped(content.decode("latin-1"), now.policy, mark.visitor, exchange.signals, exchange.url)
    if stopped:
        _hold_as_text(answer)
        leave_mark(flow, replace(mark, tags=_tags(stopped)))


def _rewrite_file(flow: http.HTTPFlow, answer: http.Response, now: Enforcement, mark: Mark) -> None:
    """Make what a style sheet or module of the site names inert where it is denied. A page that names the digest of one
    goes without it then: what it says of its bytes is not true any more."""
    watched = answer.stream.data if isinstance(answer.stream, Watch) else None
    read = _readable(answer, (answer.raw_content or b"") if watched is None else bytes(watched))
    if read is None:
        return
    if read.to_say and watched is None:
        _say_coding(answer, read.to_say)
    url = flow_url(flow, reverse=mark.reverse)
    asked = observe_request(
        flow.request.method, url, header_list(flow.request.headers), time=flow.request.timestamp_start
    )
    kind = Kind.SCRIPT if _is_module(flow) else Kind.STYLE
    done = rewrite_file(read.text, now.policy, mark.visitor, asked.signals, url, kind=kind, page=asked.page or url)
    leave_mark(flow, replace(mark, tags=_tags(done.stopped)))
    if watched is not None or done.for_all:
        return
    if done.text != read.text:
        answer.headers.pop("Content-Encoding", None)
        answer.content = read.in_its_coding(done.text)
    answer.headers.fields = private_answer(answer.headers.fields)


def _guard_worker(flow: http.HTTPFlow, answer: http.Response, now: Enforcement, mark: Mark, exchange: Exchange) -> None:
    """Put the guard first into a worker, whose realm the guard of its page does not reach, and a CSP beside it. What a
    module imports is asked for before the guard runs."""
    script = _content(answer, answer.raw_content or b"")
    if script is not None:
        guard = _guard(now, mark.visitor, exchange, exchange.url)
        answer.headers.pop("Content-Encoding", None)
        own = exchange.url
        done = rewrite_file(
            script.decode("latin-1"), now.policy, mark.visitor, exchange.signals, own, kind=Kind.SCRIPT, page=own
        )
        leave_mark(flow, replace(mark, tags=_tags(done.stopped)))
        script = done.text.encode("latin-1")
        answer.content = b"".join([b'"use strict";' if _STRICT.match(script) else b"", guard, b"\n", script])
    _hold_unread(answer, now, mark, exchange)


def guard_answer(now: Enforcement, visitor: Visitor, exchange: Exchange) -> http.Response:
    """The visitor's guard, for when the consent server cannot send it."""
    fields = {"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "no-store"}
    # As the consent server makes it.
    home = replace(exchange.url, path="/", query="")
    return http.Response.make(200, _guard(now, visitor, exchange, home), fields)


def _guard(now: Enforcement, visitor: Visitor, exchange: Exchange, page: Url) -> bytes:
    return guard_for(now.policy, visitor, exchange.signals, page).encode("ascii")


def _rewrite(
    flow: http.HTTPFlow,
    answer: http.Response,
    now: Enforcement,
    mark: Mark,
    *,
    exchange: Exchange,
    text: str,
    consent_up: bool,
) -> Rewritten:
    language = _language(flow, now)
    if not _is_guarded(now, exchange):
        return rewrite_page(
            text,
            now.policy,
            mark.visitor,
            exchange.signals,
            exchange.url,
            head="",
            body_start="",
            reserved=now.reserved,
            language=language,
        )
    return page_for(
        text,
        now.policy,
        mark.visitor,
        exchange.signals,
        exchange.url,
        language=language,
        reserved=now.reserved,
        csp=answer.headers.get_all("Content-Security-Policy"),
        alone=exchange.may_be_on_its_own,
        problem="" if consent_up else word(language, "failed"),
        occasion=_occasion(now, mark, exchange),
        told=_told(answer, now, mark, exchange, language),
    )


def _is_guarded(now: Enforcement, exchange: Exchange) -> bool:
    return now.consent is not None and exchange.kind in _PAGE_KINDS


def _language(flow: http.HTTPFlow, now: Enforcement) -> str:
    accept = ", ".join(field_lines(header_list(flow.request.headers), "accept-language"))
    return pick_language(accept, now.policy.languages)


def _occasion(now: Enforcement, mark: Mark, exchange: Exchange) -> Occasion:
    """What is new to the visitor. Our own cookie is still in the request: no edit takes it out."""
    lapsed: frozenset[str] = frozenset()
    if now.consent is not None:
        consent, place = now.consent, mark.visitor.place
        found = read_cookie(consent.keys, consent.site, exchange.cookies, now.clock(), now.policy, place=place)
        lapsed = found.lapsed
    return Occasion(now.clock(), lapsed)


def _told(
    answer: http.Response, now: Enforcement, mark: Mark, exchange: Exchange, language: str
) -> tuple[CookieLine, ...] | None:
    """The cookies of this page, for a visitor who wants to be told of each."""
    if not (now.policy.tell_me and mark.visitor.tell_me):
        return None
    edits = [(edit["edit"], edit["name"]) for edit in mark.decision["edits"]]
    return cookie_lines(
        now.policy,
        exchange,
        language,
        delivered=(*answer.headers.get_all("Set-Cookie"), *_expiries(mark, exchange)),
        refused=[name for kind, name in edits if kind == EditKind.STRIP_SET_COOKIE],
        withheld=[name for kind, name in edits if kind == EditKind.STRIP_COOKIE],
    )


def _content(answer: http.Response, raw: bytes) -> bytes | None:
    """The body without its coding; None for one that cannot be read, or not within the limit."""
    stated = {coding.strip() for coding in answer.headers.get("content-encoding", "").lower().split(",")}
    codings = stated & _UNDONE
    data = unpacked(raw, PAGE_LIMIT) if codings and codings <= _UNPACKED else None
    if not codings or (data is None and not stated <= _UNDONE | {"", "identity"}):
        data = raw
    return None if data is None or len(data) > PAGE_LIMIT else data


def _say_coding(answer: http.Response, coding: str) -> None:
    """Have every browser read it in the coding that we read it in."""
    stated = _media_types(answer)
    media_type = stated[-1].partition(";")[0].strip() if stated else ""
    answer.headers["Content-Type"] = f"{media_type or _CSS}; charset={coding}"


def _readable(answer: http.Response, raw: bytes) -> ReadablePage | None:
    """None for a page we cannot read: it goes out under the CSP alone."""
    data = _content(answer, raw)
    return None if data is None else readable_page(data, ", ".join(_media_types(answer)))


def _media_types(answer: http.Response) -> list[str]:
    return answer.headers.get_all("content-type")


def _add_csp(
    answer: http.Response, now: Enforcement, mark: Mark, exchange: Exchange, *, named_hosts: frozenset[str]
) -> bool:
    """Add the visitor's CSP. Whether there is one."""
    reserved = now.reserved
    csp = strict_csp(now.policy, mark.visitor, exchange.signals, exchange.url, named_hosts, reserved=reserved)
    if csp is None:
        return False
    suffix = "" if mark.enforced else "-Report-Only"
    answer.headers.add(f"Content-Security-Policy{suffix}", csp)
    return True


def _tags(stopped: Sequence[Stopped]) -> tuple[dict[str, str | None], ...]:
    return tuple({"url": str(url), "kind": kind.value, **ruling_form(ruling)} for url, kind, ruling in stopped)


def _expiries(mark: Mark, exchange: Exchange) -> list[str]:
    """Take away what the visitor decided against, as far as it still comes with the request."""
    if not mark.visitor.decided or not exchange.may_be_on_its_own:
        return []
    names = [edit["name"] for edit in mark.decision["edits"] if edit["edit"] == "strip-cookie"]
    return expiring_set_cookies(names, exchange.url.host, exchange.url.path, secure=exchange.url.scheme == "https")


def _exchange(flow: http.HTTPFlow, mark: Mark) -> Exchange:
    """The page's request once more: what the pieces need of it the edits did not touch."""
    url = flow_url(flow, reverse=mark.reverse)
    return observe_request(
        flow.request.method, url, header_list(flow.request.headers), time=flow.request.timestamp_start, page=url
    )
