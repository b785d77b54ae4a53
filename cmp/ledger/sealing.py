"""Encrypting what is known about a person, so that destroying one key destroys it all.

May go in here: ids, keys, encryption and its inverse. May not: where keys are kept (`store.py`).
"""

import json
import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

ID_BYTES = 16
KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
# Lengths outlive the key. In steps of this size they do not tell how many things were granted.
_STEP = 512
_CONTEXT = b"consentry ledger payload 1 "


def new_id() -> bytes:
    """128 random bits."""
    return secrets.token_bytes(ID_BYTES)


def new_key() -> bytes:
    """A key for one person's records. A few dozen random 96-bit nonces a key stay far below AES-GCM's limit of 2^32."""
    return secrets.token_bytes(KEY_BYTES)


def seal(key: bytes, person: bytes, payload: bytes) -> bytes:
    """Nonce (12 bytes), ciphertext and tag (16 bytes): AES-256-GCM (NIST SP 800-38D), bound to the person's id."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    # Spaces after the closing brace are still JSON.
    padded = payload.ljust(-(-len(payload) // _STEP) * _STEP)
    return nonce + AESGCM(key).encrypt(nonce, padded, _CONTEXT + person)


def unseal(key: bytes, person: bytes, sealed: bytes) -> dict[str, Any] | None:
    """The payload, or None when this key does not open it or nothing usable is inside."""
    inside = opened(key, person, sealed)
    try:
        value = None if inside is None else json.loads(inside)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def opened(key: bytes, person: bytes, sealed: bytes) -> bytes | None:
    """The bytes of the payload, None when this key does not open it. By its tag it is what was sealed."""
    if len(key) != KEY_BYTES or len(sealed) < _NONCE_BYTES + _TAG_BYTES:
        return None
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _CONTEXT + person)
    except InvalidTag:
        return None
