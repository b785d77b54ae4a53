"""Opt-out links: a token that says which mailbox wants out of which list of which client, signed and unreadable.

May go in here: making and reading tokens, pure. May not: paths and pages (`cmp.server`).

A token is "1" and the base64url of MAC and ciphertext: HMAC-SHA-256 over "consentry opt-out link." and a JSON array of
list, client and address; the array under AES-256-CTR with the first half of the MAC as its counter. (A synthetic
initialisation vector as in RFC 5297: the same link is always the same token, and nothing depends on chance.) So a link
in a log or a browser's history tells nobody an address. It holds for ever, because old mails have to work, and it can
do one thing only. Spaces at the end keep the length from telling much.
"""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CTR

from cmp.desk.address import normalised

_LONGEST = 1_500
_STEP = 48
_MAC_BYTES = 32
_FOR = b"consentry opt-out link."
_CIPHER = b"consentry opt-out cipher"
_VERSION = "1"


@dataclass(frozen=True, slots=True)
class Link:
    """`list` is the id of an opt-out list, `client` of a client ("" for a list that all share)."""

    list: str
    client: str
    address: str


def make_token(secret: bytes, link: Link) -> str:
    """The token of a link: the same for the same link, fit for a path."""
    text = json.dumps([link.list, link.client, link.address], separators=(",", ":"), ensure_ascii=False).encode()
    padded = text.ljust(-(-len(text) // _STEP) * _STEP)
    mac = _mac(secret, padded)
    return _VERSION + _encode(mac + _crypt(secret, mac, padded))


def read_token(secret: bytes, token: str) -> Link | None:
    """The link a token of ours stands for; None for anything else."""
    if len(token) > _LONGEST or not token.isascii() or not token.startswith(_VERSION):
        return None
    sealed = _decode(token.removeprefix(_VERSION))
    if sealed is None:
        return None
    mac, padded = sealed[:_MAC_BYTES], _crypt(secret, sealed[:_MAC_BYTES], sealed[_MAC_BYTES:])
    # Compared before anything of it is looked at, in the same time whether the first byte differs or the last.
    if not hmac.compare_digest(_mac(secret, padded), mac):
        return None
    list_, client, address = json.loads(padded)
    known = normalised(address)
    return Link(list_, client, known) if known else None


def _mac(secret: bytes, text: bytes) -> bytes:
    return hmac.new(secret, _FOR + text, hashlib.sha256).digest()


def _crypt(secret: bytes, mac: bytes, text: bytes) -> bytes:
    """Encrypts or decrypts: the same in counter mode."""
    key = hmac.new(secret, _CIPHER, hashlib.sha256).digest()
    return Cipher(AES256(key), CTR(mac[:16])).encryptor().update(text)


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes | None:
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return None
    # The last character can hold bits that are not used: only one spelling of a token is ours.
    return data if len(data) > _MAC_BYTES and _encode(data) == text else None
