"""The consent cookie: a visitor's choices, signed, so that no database stands in the way of a page.

May go in here: a `Visitor` to cookie text and back. May not: header fields (`site.py`), what of it still holds
(`holding.py`) and what a choice permits.

The form is `1.PAYLOAD.KEY.SIGNATURE`, payload and signature base64url without padding; the signature (Ed25519) covers
"consent-cookie." and everything before its own dot. The payload carries choices, policy and day, for each grant the
terms it was given under, and whether the visitor wants to be told of each cookie: nothing that tells two people with
the same choices apart, unless they consented and were given an id for their record.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from cmp.core.consent import NO_CHOICE, Visitor
from cmp.core.cookies import RequestCookie
from cmp.core.policy import Policy
from cmp.core.signals import Signals
from cmp.seal.holding import DAY, TERMS_DIGITS, holding
from cmp.seal.keys import PublicKeys, SigningKeys
from cmp.seal.site import ConsentSite

# Browsers keep no cookie whose name and value are longer than 4,096 bytes together (RFC 6265bis, section 5.6).
LIMIT = 3_980
_FOR = b"consent-cookie."
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
_NO_TERMS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Written:
    """What a cookie says word for word, whatever of it still holds. `terms` by name granted, empty in older cookies."""

    visitor: Visitor
    record: str = ""
    terms: Mapping[str, str] = field(default_factory=lambda: _NO_TERMS)


@dataclass(frozen=True, slots=True)
class Remembered:
    """What holds of a cookie: the visitor, and the id of the consent's record ("" for a refusal).

    `lapsed` are the names (as in `Visitor.granted`) that were granted under terms which have changed since; `written`
    is the cookie itself, None where there is none.
    """

    visitor: Visitor
    record: str = ""
    lapsed: frozenset[str] = frozenset()
    written: Written | None = field(default=None, compare=False)


NOBODY = Remembered(NO_CHOICE)


def write_cookie(
    keys: SigningKeys, site: ConsentSite, visitor: Visitor, record: str = "", terms: Mapping[str, str] = _NO_TERMS
) -> str:
    """The cookie's value. `visitor.decided_at` is kept to the day; a refusal never carries a record's id.

    `terms` are those of each name granted (`holding.terms_of`). A visitor without a policy has chosen nothing, and
    `decided_at` is the day since which they want to be told.
    """
    granted = sorted(visitor.granted)
    payload: dict[str, Any] = {
        "a": site.audience,
        "g": granted,
        "r": sorted(visitor.refused),
        "p": visitor.policy,
        "d": int((visitor.decided_at or 0) // DAY),
        "s": [int(visitor.shown_with.gpc), -1 if visitor.shown_with.dnt is None else int(visitor.shown_with.dnt)],
    }
    digests = [terms.get(name, "") for name in granted]
    if set(map(len, digests)) == {TERMS_DIGITS}:
        payload["t"] = "".join(digests)
    if visitor.tell_me:
        payload["m"] = 1
    if record and visitor.granted:
        payload["i"] = record
    key_id = next(iter(keys.keys))
    text = _JSON.encode(payload).encode("utf-8")
    signed = f"1.{_encode(text)}.{key_id}"
    # Signing takes longer than all the rest of it, and who refused the same on the same day gets the same cookie.
    sign = keys.sign if visitor.granted else keys.sign_same
    _, signature = sign(_FOR + signed.encode("ascii"))
    return f"{signed}.{_encode(signature)}"


def read_cookie(
    keys: PublicKeys,
    site: ConsentSite,
    cookies: Iterable[RequestCookie],
    now: float,
    policy: Policy,
    *,
    place: str = "",
) -> Remembered:
    """What the request's consent cookie says at `now` (Unix seconds) under the policy, for a visitor at `place`.

    No cookie, two of them (one may have been planted by a sub-domain), a forged, foreign, malformed, expired or
    future one: nobody, at that place. Under another policy than it was given for, a grant holds as long as the terms of
    its category are the same; a refusal does in any case.
    """
    nobody = Remembered(replace(NO_CHOICE, place=place)) if place else NOBODY
    ours = site.cookie_name
    found = [cookie.value for cookie in cookies if cookie.name == ours]
    if len(found) != 1 or len(found[0]) > LIMIT:
        return nobody
    try:
        written = _verified(keys, site.audience, found[0])
    except _NotOursError:
        return nobody
    visitor = replace(written.visitor, place=place) if place else written.visitor
    held = holding(policy, visitor, written.terms, now)
    if held is None:
        return nobody
    visitor, lapsed = held
    if not written.visitor.policy:
        visitor = replace(visitor, decided_at=None)
    return Remembered(visitor, written.record, lapsed, written)


def record_named(text: str) -> str:
    """The id of the record that a cookie of our form names, "" for none. No signature is checked: whose cookie it is,
    and whether anything of it holds, this does not say."""
    parts = text.split(".")
    if len(text) > LIMIT or len(parts) != 4 or parts[0] != "1":
        return ""
    try:
        payload = json.loads(_decode(parts[1]))
    except (ValueError, RecursionError):
        return ""
    named = payload.get("i") if isinstance(payload, dict) else None
    return named if isinstance(named, str) else ""


class _NotOursError(ValueError):
    """Not a cookie we made for this audience. Raised, not returned, so that the cache keeps good ones only."""


@lru_cache(maxsize=16_384)
def _verified(keys: PublicKeys, audience: str, text: str) -> Written:
    """Checking a signature costs more than everything else a request needs, so what was checked is remembered."""
    signed, _, signature = text.rpartition(".")
    version, _, rest = signed.partition(".")
    payload_text, _, key_id = rest.partition(".")
    try:
        if version != "1" or not keys.verifies(key_id, _decode(signature), _FOR + signed.encode("ascii")):
            raise _NotOursError
        payload = json.loads(_decode(payload_text))
        if payload["a"] != audience:
            raise _NotOursError
        gpc, dnt = payload["s"]
        visitor = Visitor(
            granted=frozenset(payload["g"]),
            refused=frozenset(payload["r"]),
            decided_at=float(payload["d"] * DAY),
            policy=payload["p"],
            shown_with=Signals(gpc=bool(gpc), dnt=None if dnt < 0 else bool(dnt)),
            tell_me=bool(payload.get("m", 0)),
        )
        terms = _terms(payload["g"], payload.get("t", ""))
    except (ValueError, KeyError, TypeError) as error:
        raise _NotOursError from error
    return Written(visitor, payload.get("i", ""), terms)


def _terms(granted: list[str], text: str) -> Mapping[str, str]:
    digests = [text[at : at + TERMS_DIGITS] for at in range(0, len(text), TERMS_DIGITS)]
    return MappingProxyType(dict(zip(granted, digests, strict=True)) if digests else {})


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    """Raises ValueError for what `_encode` would have written otherwise: padded, with odd characters or unused bits."""
    data = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    if _encode(data) != text:
        raise ValueError("a text that is not written in the one way")
    return data
