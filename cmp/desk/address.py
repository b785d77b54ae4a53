"""Mail addresses: one spelling for each mailbox, and a form in which one can be shown to whom it need not be told.

May go in here: checking, normalising and comparing addresses, pure. May not: where they are kept (`addresses.py`).
"""

import re
import unicodedata

# RFC 5321, section 4.5.3.1: 64 octets before the @, 255 of a domain, 256 of a path with its brackets.
_LONGEST = 254
_LONGEST_LOCAL = 64
# A local part without quotes (RFC 5322, dot-atom; beyond ASCII as RFC 6532 has it). Quoted ones are not taken.
_LOCAL = re.compile(r"[^\s\x00-\x20\x7f-\x9f()<>\[\]:;@\\,\"]+")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_UNSAFE = re.compile("[\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def normalised(text: str) -> str | None:
    """The address with the domain in lower case and ASCII (RFC 5891) and no space around it; None for no address.

    The local part keeps its case: who receives mail decides whether it matters (RFC 5321, section 2.4).
    """
    text = unicodedata.normalize("NFC", text.strip())
    if len(text) > _LONGEST or _UNSAFE.search(text):
        return None
    local, at, domain = text.rpartition("@")
    if not at or not _LOCAL.fullmatch(local) or len(local.encode()) > _LONGEST_LOCAL:
        return None
    if local.startswith(".") or local.endswith(".") or ".." in local:
        return None
    try:
        domain = domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return None
    labels = domain.split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels):
        return None
    found = f"{local}@{domain}"
    return found if len(found) <= _LONGEST else None


def mailbox(address: str) -> str:
    """What two spellings of one mailbox share. Case counts for nothing in the whole of it.

    Practically no mailbox differs from another in case alone, and an opt-out has to hold however the address was typed.
    """
    return address.casefold()


def masked(address: str) -> str:
    """The address as it stands on a page that others may see too: "a…@shop.test"."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}…@{domain}"
