"""Requests made to pass without what identifies: query, body, Referer and forwarded addresses, as pure edits.

May go in here: taking members and addresses out of texts and bytes. May not: which ones go (`cmp.core`), flows
(`cmp.live`).

A query and a form lose whole members and keep every other byte; JSON is written anew, its numbers as they stood. What
cannot be understood is not passed on in the hope that it holds nothing: the answer is then None, and the caller stops
the request.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Collection
from typing import Any, Literal
from urllib.parse import quote_plus, unquote, unquote_plus

from cmp.core.globs import Glob
from cmp.core.identifiers import identifies
from cmp.core.sensitive import without_addresses
from cmp.core.urls import UrlError, parse_url, query_pairs

_FORM = "application/x-www-form-urlencoded"
# Scripts send JSON under these too: they need no preflight.
_MAYBE_JSON = ("application/json", "text/json", "text/plain", "")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def reduced_target(path_and_query: str, names: Collection[str]) -> str:
    """A request target without the query members called one of `names` (decoded); every other byte as it was.

    A query with nothing left goes with its "?".
    """
    path, mark, query = path_and_query.partition("?")
    if not mark:
        return path_and_query
    parts = query.split("&")
    kept = [part for part in parts if not part or query_pairs(part)[0][0] not in names]
    if len(kept) == len(parts):
        return path_and_query
    return f"{path}?{'&'.join(kept)}" if any(kept) else path


def reduced_body(body: bytes, content_type: str, extra: tuple[Glob, ...] = ()) -> bytes | None:
    """A request's body without what identifies, or None for one that cannot be understood.

    `body` is without its Content-Encoding; `content_type` is the header or its media type; `extra` are a policy's own
    names. Forms lose the members whose name identifies, JSON loses them at every depth, also inside of strings that
    hold JSON; e-mail addresses in other values become "". Other types are not understood.
    """
    if not body:
        return body
    type_ = content_type.partition(";")[0].strip().lower()
    looks_like_json = body.lstrip()[:1] in (b"{", b"[")
    if looks_like_json and (type_ == _FORM or type_ in _MAYBE_JSON or type_.endswith("+json")):
        return _reduced_json(body, extra)
    if type_ == _FORM:
        return _reduced_form(body, extra)
    return None


def _reduced_json(body: bytes, extra: tuple[Glob, ...]) -> bytes | None:
    try:
        text = _reduced_text(body.decode("utf-8"), extra)
    except (ValueError, RecursionError):
        return None
    # Half a surrogate pair can only stand in JSON as an escape, and that is how it came.
    return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text).encode("utf-8")


def _reduced_form(body: bytes, extra: tuple[Glob, ...]) -> bytes | None:
    try:
        text = body.decode("utf-8")
    except ValueError:
        return None
    if _CONTROL.search(body):
        return None
    kept: list[str] = []
    for part in text.split("&"):
        if not part:
            kept.append(part)
            continue
        name, equals, value = part.partition("=")
        if identifies(unquote_plus(name), extra):
            continue
        kept.append(f"{name}{equals}{_changed(value, lambda plain: _reduced_value(plain, extra))}")
    return "&".join(kept).encode("utf-8") if any(kept) else b""


def _changed(value: str, change: Callable[[str], str]) -> str:
    """A form's value with the change made, as it stood where nothing changed."""
    plain = unquote_plus(value)
    changed = change(plain)
    return value if changed == plain else quote_plus(changed)


def trimmed_referrer(value: str, mode: Literal["origin", "none"] | str) -> str | None:
    """A Referer cut to its origin, as browsers write it ("https://site.test/"); None where the field goes.

    Referrer Policy, section 8.4. What is no URL of the network tells no origin and goes.
    """
    if mode != "origin":
        return None
    try:
        url = parse_url(value)
    except UrlError:
        return None
    return f"{url.origin}/" if url.is_network else None


def shortened_address(text: str) -> str:
    """A field value of X-Forwarded-For and its kin with each address cut to its network, ports left out.

    IPv4 keeps 24 bits, IPv6 48: about a street, and what a provider gives to one customer or several. In `Forwarded`
    (RFC 7239) that is done to "for". What is no address becomes "unknown", RFC 7239's word for that.
    """
    return ", ".join(_element(part.strip()) for part in text.split(",") if part.strip())


def _element(text: str) -> str:
    if "=" not in text:
        return _network(text)
    return ";".join(_forwarded_pair(pair.strip()) for pair in text.split(";"))


def _forwarded_pair(text: str) -> str:
    name, _, value = text.partition("=")
    if name.strip().lower() != "for":
        return text
    network = _network(value.strip().strip('"'))
    return f'{name}="[{network}]"' if ":" in network else f"{name}={network}"


_V6_WITH_PORT = re.compile(r"\[([^\]]*)\](?::[0-9]+)?")
_V4_WITH_PORT = re.compile(r"([0-9.]+):[0-9]+")


def _network(text: str) -> str:
    bare = _V6_WITH_PORT.fullmatch(text) or _V4_WITH_PORT.fullmatch(text)
    try:
        address = ipaddress.ip_address((bare[1] if bare else text).partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    bits = 24 if address.version == 4 else 48
    return str(ipaddress.ip_network((address, bits), strict=False).network_address)


# -- JSON, with repeated names and with numbers as written


class _Object(list[tuple[str, Any]]):
    """The members of a JSON object in order, repeated ones too: which of them counts is the reader's choice."""


class _Literal(str):
    """A number as it stood."""

    __slots__ = ()


_DECODER = json.JSONDecoder(
    object_pairs_hook=_Object, parse_int=_Literal, parse_float=_Literal, parse_constant=_Literal
)
# A string that holds a string that holds JSON: deeper is not read, and not passed on.
_STRINGS_DEEP = 4


def _reduced_text(text: str, extra: tuple[Glob, ...], depth: int = 0) -> str:
    """A JSON text, reduced. Raises ValueError for what is none, RecursionError for one that is nested too deeply."""
    value, end = _DECODER.raw_decode(text, len(text) - len(text.lstrip()))
    if text[end:].strip():
        raise ValueError("more text behind the JSON value")
    return _written(value, extra, depth)


def _written(value: Any, extra: tuple[Glob, ...], depth: int) -> str:
    if isinstance(value, _Object):
        members = (
            f"{json.dumps(name, ensure_ascii=False)}:{_written(child, extra, depth)}"
            for name, child in value
            if not identifies(name, extra)
        )
        return f"{{{','.join(members)}}}"
    if isinstance(value, list):
        return f"[{','.join(_written(child, extra, depth) for child in value)}]"
    if isinstance(value, _Literal):
        return value
    if isinstance(value, str):
        return json.dumps(_reduced_value(value, extra, depth), ensure_ascii=False)
    return json.dumps(value)


def _reduced_value(text: str, extra: tuple[Glob, ...], depth: int = 0) -> str:
    """A string value without e-mail addresses; one that holds JSON has that reduced."""
    if text.lstrip()[:1] in ("{", "["):
        if depth >= _STRINGS_DEEP:
            return ""
        try:
            return _reduced_text(text, extra, depth + 1)
        except ValueError:
            # A text that only begins like JSON.
            pass
    bare = without_addresses(text)
    return bare if "%" not in bare or without_addresses(unquote(bare)) == unquote(bare) else ""
