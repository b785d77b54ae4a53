"""A request that passes, relieved of what the decision says: cookies, members of the query and the body, headers.

May go in here: carrying request edits out on a flow. May not: which edits (`cmp.core`), how bytes change (`cmp.wire`).
Bytes that no edit is about stay as they are, and the original is kept beside.
"""

from collections.abc import Sequence

from mitmproxy import http

from cmp.core.decision import Edit, EditKind
from cmp.core.outgoing import OF_A_PERSON
from cmp.core.policy import Policy
from cmp.live import bodies
from cmp.live.bodies import BUFFERED, ends_within
from cmp.live.originals import keep_request
from cmp.live.visitors import MARKERS
from cmp.wire.cookies import strip_request_cookies
from cmp.wire.reduce import reduced_target, shortened_address, trimmed_referrer
from cmp.wire.signals import with_gpc

# What a message is delimited and routed by: without these it would be another message.
_FRAMING = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade"})


def take_marker(flow: http.HTTPFlow) -> None:
    """Take the cookie that remembers events out of the request, whatever is enforced: it is between browser and us."""
    fields = flow.request.headers.fields
    kept = strip_request_cookies(fields, MARKERS.__contains__)
    if kept != fields:
        keep_request(flow)
        flow.request.headers.fields = kept


def edit_request(flow: http.HTTPFlow, edits: Sequence[Edit], *, reduced: bool = False) -> None:
    """Carry the request edits out, but for those on the body. `reduced`: it may hold nothing that identifies.

    What stands behind "#" goes always: browsers send no fragment, so nobody looked at what is in it.
    """
    by_kind: dict[EditKind, list[str]] = {}
    for edit in edits:
        by_kind.setdefault(edit.kind, []).append(edit.name)
    request = flow.request
    cookies = set(by_kind.get(EditKind.STRIP_COOKIE, ()))
    fields = strip_request_cookies(request.headers.fields, cookies.__contains__) if cookies else request.headers.fields
    gone = set(by_kind.get(EditKind.STRIP_HEADER, ())) | (OF_A_PERSON if reduced else frozenset())
    shorten = set(by_kind.get(EditKind.SHORTEN_ADDRESS, ()))
    # Asked for twice, the stricter counts.
    trim = by_kind.get(EditKind.TRIM_REFERRER, [])
    mode = "none" if "none" in trim else next(iter(trim), None)
    changed = _fields(fields, gone - _FRAMING, shorten, mode)
    if EditKind.ADD_SIGNAL in by_kind:
        changed = with_gpc(changed)
    target = without_fragment(request.path)
    if names := set(by_kind.get(EditKind.STRIP_QUERY, ())):
        target = reduced_target(target, names)
    if changed != request.headers.fields or target != request.path:
        keep_request(flow)
        request.headers.fields = changed
        request.path = target


def without_fragment(target: str) -> str:
    """A request's target up to the first "#" (RFC 9112, section 3.2: none of its forms has a fragment)."""
    return target.partition("#")[0] or "/"


def _fields(
    fields: Sequence[tuple[bytes, bytes]], gone: set[str], shorten: set[str], referrer: str | None
) -> tuple[tuple[bytes, bytes], ...]:
    kept: list[tuple[bytes, bytes]] = []
    for name, value in fields:
        key = name.decode("latin-1").lower()
        if key in gone:
            continue
        if key == "referer" and referrer is not None:
            trimmed = trimmed_referrer(value.decode("utf-8", "surrogateescape"), referrer)
            if trimmed is not None:
                kept.append((name, trimmed.encode("ascii", "replace")))
        elif key in shorten:
            kept.append((name, shortened_address(value.decode("latin-1")).encode("latin-1", "replace")))
        else:
            kept.append((name, value))
    return tuple(kept)


def reducible(request: http.Request) -> bool:
    """Whether a body may be waited for, so that it can be reduced: none, or a small one of known length.

    After a switch of protocols nobody looks at what is sent.
    """
    return "upgrade" not in request.headers and ends_within(request, BUFFERED)


def reduce_body(flow: http.HTTPFlow, policy: Policy) -> bool:
    """Take out of the body what identifies. False for one that cannot be understood: it may not be forwarded."""
    keep_request(flow)
    return bodies.reduce_body(flow.request, tuple(glob for part in policy.each for glob in part.identifiers))
