"""What may stand in the log in plain words: names that come from visitors' requests, and places.

May go in here: shortening and hashing single words. May not: putting lines together (`rows.py`).

A cookie's name is no secret, but some sites put an account number into it, and a path often holds one. So the part of a
name that looks like an identifier is cut off, and a place stands as a keyed digest.
"""

import hashlib
import re

from cmp.core.identifying import looks_like_identifier

_LONGEST = 40
# A word, a separator, or up to three digits: what goes on after that is taken for somebody's.
_PART = re.compile(r"[A-Za-z]+[0-9]{0,2}(?![A-Za-z0-9])|[0-9]{1,3}(?![A-Za-z0-9])|[_.:$\[\]-]+")
_WORD = 20
# So many characters of a path count; browsers send longer ones, and they are digested on the proxy's machine.
PATH_LENGTH = 1_024


def shortened(name: str) -> str:
    """The name up to where it begins to look like an identifier, "*" for the rest: "_hjSession_31415926" is
    "_hjSession_*".

    Names of up to 40 letters, short numbers and separators stay whole.
    """
    end = 0
    for part in _PART.finditer(name[: _LONGEST + 1]):
        if part.start() != end or len(part[0]) > _WORD or looks_like_identifier(part[0]):
            break
        end = part.end()
    return name if end == len(name) and end <= _LONGEST else f"{name[: min(end, _LONGEST)]}*"


def digest(key: bytes, text: str, size: int = 8) -> str:
    """`size` bytes of a keyed digest (BLAKE2b, RFC 7693), in hexadecimal."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=key, digest_size=size).hexdigest()


def place_digest(key: bytes, host: str, path: str) -> str:
    """Where a request went, without its query, as nobody who lacks the key can guess it."""
    return digest(key, f"{host.lower()}{path.partition('?')[0].partition('#')[0][:PATH_LENGTH]}")


def visit_key(visit: str) -> bytes:
    """The key for the places of an audit visit. It follows from the visit's id, so that an auditor can find them."""
    return hashlib.sha256(f"consentry audit visit {visit}".encode()).digest()
