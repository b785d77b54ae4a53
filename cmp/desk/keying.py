"""Secrets of the desk, made from the one secret of the server's keys file, and the names of people under them.

May go in here: deriving, hashing. May not: keeping keys (`cmp.seal.keys`).
"""

import hashlib
import hmac

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cmp.desk.address import mailbox, normalised

# Each use has a secret of its own: who learns one has learnt none of the others.
_PEOPLE = b"consentry desk people 1"
_LINKS = b"consentry desk links 1"


def people_secret(form_secret: bytes) -> bytes:
    """What people's names in the desk's file are made with (HKDF, RFC 5869)."""
    return _derived(form_secret, _PEOPLE)


def link_secret(form_secret: bytes) -> bytes:
    """What opt-out links are signed with."""
    return _derived(form_secret, _LINKS)


def person_of(secret: bytes, contact: str) -> bytes:
    """The name a person has in the desk's file: a keyed hash of how they can be reached (HMAC-SHA-256).

    Whoever has the file and not the secret cannot find out whom it stands for, not even by trying all addresses.
    """
    address = normalised(contact)
    text = f"mail:{mailbox(address)}" if address else f"contact:{' '.join(contact.split()).casefold()}"
    return hmac.new(secret, text.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()


def _derived(form_secret: bytes, context: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=context).derive(form_secret)
