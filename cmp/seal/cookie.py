"""The consent cookie: a visitor's choices, signed, so that no database stands in the way of a page.

May go in here: a `Visitor` to cookie text and back. May not: header fields (`site.py`) and what a choice permits.

The form is `1.PAYLOAD.KEY.SIGNATURE`, payload and signature base64url without padding; the signature (Ed25519) covers
"consent-cookie." and everything before its own dot. The payload carries choices, policy and day, nothing that tells two
people with the same choices apart, unless they consented and were given an id for their record.
"""

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from cmp.core.consent import NO_CHOICE, Visitor
from cmp.core.cookies import RequestCookie
from cmp.core.signals import Signals
from cmp.seal.keys import PublicKeys, SigningKeys
from cmp.seal.site import CHOICE_DAYS, ConsentSite

_LIMIT = 4_000
_DAY = 86_400
_FOR = b"consent-cookie."


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a cookie says: the visitor, and the id of the consent's record ("" for a refusal)."""

    visitor: Visitor
    record: str = ""


NOBODY = Remembered(NO_CHOICE)


def write_cookie(keys: SigningKeys, site: ConsentSite, visitor: Visitor, record: str = "") -> str:
    """The cookie's value. `visitor.decided_at` is kept to the day; a refusal never carries a record's id."""
    payload: dict[str, Any] = {
        "a": site.audience,
        "g": sorted(visitor.granted),
        "r": sorted(visitor.refused),
        "p": visitor.policy,
        "d": int((visitor.decided_at or 0) // _DAY),
        "s": [int(visitor.shown_with.gpc), -1 if visitor.shown_with.dnt is None else int(visitor.shown_with.dnt)],
    }
    if record and visitor.granted:
        payload["i"] = record
    key_id = next(iter(keys.keys))
    text = json.dumps(payload, sort_keys=True, separators=(",", ":")).encode("utf-8")
    signed = f"1.{_encode(text)}.{key_id}"
    _, signature = keys.sign(_FOR + signed.encode("ascii"))
    return f"{signed}.{_encode(signature)}"


def read_cookie(
    keys: PublicKeys, site: ConsentSite, cookies: Iterable[RequestCookie], now: float, policy: str
) -> Remembered:
    """What the request's consent cookie says at `now` (Unix seconds) under the policy with that fingerprint.

    No cookie, two of them (one may have been planted by a sub-domain), a forged, foreign, malformed, expired or
    future one: nobody. Under another policy than it was given for a grant no longer holds, a refusal does.
    """
    found = [cookie.value for cookie in cookies if cookie.name == site.cookie_name]
    if len(found) != 1 or len(found[0]) > _LIMIT:
        return NOBODY
    try:
        remembered = _verified(keys, site.audience, found[0])
    except _NotOursError:
        return NOBODY
    decided_at = remembered.visitor.decided_at
    if decided_at is None or not decided_at - _DAY <= now < decided_at + (CHOICE_DAYS + 1) * _DAY:
        return NOBODY
    if remembered.visitor.policy != policy:
        return Remembered(replace(remembered.visitor, granted=frozenset()), remembered.record)
    return remembered


class _NotOursError(ValueError):
    """Not a cookie we made for this audience. Raised, not returned, so that the cache keeps good ones only."""


@lru_cache(maxsize=16_384)
def _verified(keys: PublicKeys, audience: str, text: str) -> Remembered:
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
            decided_at=float(payload["d"] * _DAY),
            policy=payload["p"],
            shown_with=Signals(gpc=bool(gpc), dnt=None if dnt < 0 else bool(dnt)),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise _NotOursError from error
    return Remembered(visitor, payload.get("i", ""))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
