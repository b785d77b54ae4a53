"""Whether a request that changes something was sent by a page of our own.

May go in here: reading the header fields that only a browser can set. May not: form tokens (`cmp.seal`) and what
follows from the answer (`choice.py`).
"""

from collections.abc import Mapping, Sequence
from enum import Enum

from cmp.core.urls import UrlError, parse_url


class Sender(Enum):
    """`UNPROVEN`: nothing says it was us, and nothing says it was not; a form token has to speak for it."""

    OURS = "ours"
    UNPROVEN = "unproven"
    FOREIGN = "foreign"


def sender_of(fields: Mapping[str, Sequence[str]], origin: str) -> Sender:
    """Who sent a request, by its `Sec-Fetch-Site`, `Origin` and `Referer` field lines (names in lower case).

    Fetch metadata comes first (a page that sends no referrer says `Origin: null` even to itself). A browser without it
    says `Origin`; one that leaves even that out of forms says `Referer`. A field given twice proves nothing good.
    """
    site, sent_from, referrer = (fields.get(name, ()) for name in ("sec-fetch-site", "origin", "referer"))
    if site and set(site) != {"none"}:
        return Sender.OURS if list(site) == ["same-origin"] else Sender.FOREIGN
    if sent_from and set(sent_from) != {"null"}:
        return Sender.OURS if list(sent_from) == [origin] and not site else Sender.FOREIGN
    if site or sent_from or not referrer:
        return Sender.UNPROVEN
    return Sender.OURS if [_origin_of(value) for value in referrer] == [origin] else Sender.FOREIGN


def _origin_of(address: str) -> str:
    try:
        return parse_url(address).origin
    except UrlError:
        return ""
