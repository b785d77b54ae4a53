"""Cookies taken out of, or shortened in, header field lines; every byte not concerned stays as it was.

May go in here: edits of `Cookie` and `Set-Cookie` field values. May not: which cookies are concerned (`cmp.core`).
A parse-and-write round trip would rewrite cookies nobody asked about, so the bytes are spliced.
"""

from collections.abc import Callable, Sequence

from cmp.core.cookies import read_pair, set_cookies_in
from cmp.core.decision import Edit, EditKind

_OF_SET_COOKIES = frozenset(
    {
        *(EditKind.STRIP_SET_COOKIE, EditKind.CAP_SET_COOKIE),
        *(EditKind.SESSION_SET_COOKIE, EditKind.SECURE_SET_COOKIE),
    }
)
HeaderFields = Sequence[tuple[bytes, bytes]]


def strip_request_cookies(fields: HeaderFields, strip: Callable[[str], bool]) -> tuple[tuple[bytes, bytes], ...]:
    """The field lines with every cookie pair gone whose name `strip` says yes to.

    A Cookie field line with nothing left goes altogether; one with nothing to strip stays the same object.
    """
    return tuple(
        (name, kept)
        for name, value in fields
        for kept in ([value] if name.lower() != b"cookie" else _without(value, strip))
    )


def _without(value: bytes, strip: Callable[[str], bool]) -> list[bytes]:
    parts = value.split(b";")
    keep = [not part.strip(b" \t") or not strip(cookie_name(part)) for part in parts]
    if all(keep):
        return [value]
    kept = b";".join(part for part, stays in zip(parts, keep, strict=True) if stays)
    kept = kept.lstrip(b" \t;") if not keep[0] else kept
    return [kept] if kept.strip(b" \t;") else []


def cookie_name(pair: bytes) -> str:
    """The name of one pair as `cmp.core.cookies` reads it, undecodable bytes kept as surrogates."""
    return read_pair(pair.decode("utf-8", "surrogateescape")).name


def edit_set_cookies(fields: HeaderFields, edits: Sequence[Edit]) -> tuple[tuple[bytes, bytes], ...]:
    """The field lines with the Set-Cookie edits carried out.

    An edit's index counts cookies as `cmp.capture.observe` reads them (`set_cookies_in`): a blank line sets none, a
    folded one is one cookie with all its attributes. Counted otherwise, an edit would hit its neighbour, or leave a
    cookie without the HttpOnly that stood behind the fold. What is edited goes out on one line.
    """
    by_index: dict[int, list[Edit]] = {}
    for edit in edits:
        if edit.index is not None and edit.kind in _OF_SET_COOKIES:
            by_index.setdefault(edit.index, []).append(edit)
    found: list[tuple[bytes, bytes]] = []
    count = 0
    for name, value in fields:
        parts = _cookies_in(value) if name.lower() == b"set-cookie" else []
        edited = [_apply(part, by_index.get(index, ())) for index, part in enumerate(parts, count)]
        count += len(parts)
        if edited == parts:
            found.append((name, value))
        else:
            found.extend((name, part) for part in edited if part is not None)
    return tuple(found)


def _cookies_in(value: bytes) -> list[bytes]:
    return [cookie.encode("latin-1") for cookie in set_cookies_in(value.decode("latin-1"))]


def _apply(value: bytes, edits: Sequence[Edit]) -> bytes | None:
    edited: bytes | None = value
    for edit in edits:
        if edited is not None:
            edited = _edited(edited, edit)
    return edited


def _edited(value: bytes, edit: Edit) -> bytes | None:
    match edit.kind:
        case EditKind.STRIP_SET_COOKIE:
            return None
        case EditKind.SESSION_SET_COOKIE:
            return _without_lifetime(value)
        case EditKind.CAP_SET_COOKIE:
            # Max-Age wins over Expires wherever it is understood (RFC 6265bis, section 5.6.2), which is everywhere.
            return _without_lifetime(value) + b"; Max-Age=%d" % (edit.max_age or 0)
        case EditKind.SECURE_SET_COOKIE:
            return value + b"; Secure"
        case _:
            return value


def _without_lifetime(value: bytes) -> bytes:
    pair, *attributes = value.split(b";")
    kept = [
        part for part in attributes if part.partition(b"=")[0].strip(b" \t").lower() not in (b"expires", b"max-age")
    ]
    return b";".join([pair, *kept])
