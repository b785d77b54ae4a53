"""Tree heads: how large the tree was and what its root was, signed by who keeps the ledger.

May go in here: the value, its one line of JSON, signing and checking. May not: where heads are kept (`store.py`,
`witness.py`), whose keys these are (`cmp.seal.keys`).
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cmp.ledger.leaves import canonical
from cmp.ledger.tree import HASH_BYTES

# Ties a signature to its use: keys sign cookies too.
_FOR = b"consentry ledger head 2\n"
_SIGNATURE_BYTES = 64


class Signs(Protocol):
    """The part of `cmp.seal.keys.SigningKeys` that the ledger needs."""

    def sign(self, data: bytes, /) -> tuple[str, bytes]:
        """The id of the key used and its Ed25519 signature."""

    def public_bytes(self) -> Mapping[str, bytes]:
        """The public keys by id, 32 bytes each, the one that signs first."""


@dataclass(frozen=True, slots=True)
class Head:
    """The ledger (a random id, hexadecimal), how many leaves it had, and their root. `hour` is when, Unix seconds."""

    ledger: str
    size: int
    root: bytes
    hour: int

    @property
    def signed_bytes(self) -> bytes:
        content = {"ledger": self.ledger, "size": self.size, "root": self.root.hex(), "hour": self.hour}
        return _FOR + canonical(content)


@dataclass(frozen=True, slots=True)
class SignedHead:
    """A head, and the Ed25519 signature (RFC 8032) over it with the key called `key`."""

    head: Head
    key: str
    signature: bytes

    @property
    def document(self) -> dict[str, Any]:
        return {
            "ledger": self.head.ledger,
            "size": self.head.size,
            "root": self.head.root.hex(),
            "hour": self.head.hour,
            "key": self.key,
            "signature": base64.b64encode(self.signature).decode("ascii"),
        }

    def holds(self, keys: Mapping[str, bytes]) -> bool:
        """Whether the signature is that of the key it names, among these."""
        public = keys.get(self.key)
        if public is None:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(self.signature, self.head.signed_bytes)
        except (InvalidSignature, ValueError):
            return False
        return True


def sign_head(signer: Signs, head: Head) -> SignedHead:
    return SignedHead(head, *signer.sign(head.signed_bytes))


def read_head(document: object) -> SignedHead:
    """A head from its JSON document, or the text of it. Raises ValueError."""
    if isinstance(document, str | bytes):
        document = json.loads(document)
    if not isinstance(document, dict):
        raise ValueError("a tree head is a JSON object")  # noqa: TRY004 - what was read is wrong, not who called
    try:
        ledger, size, hour, key = (document[name] for name in ("ledger", "size", "hour", "key"))
        root, signature = bytes.fromhex(document["root"]), base64.b64decode(document["signature"], validate=True)
    except (KeyError, TypeError, binascii.Error) as error:
        raise ValueError(f"no tree head: {error}") from error
    if not (isinstance(ledger, str) and isinstance(key, str) and type(size) is int and type(hour) is int):
        raise ValueError("no tree head: ledger and key are texts, size and hour are whole numbers")
    if size < 0 or len(root) != HASH_BYTES or len(signature) != _SIGNATURE_BYTES:
        raise ValueError("no tree head: size, root or signature cannot be one")
    return SignedHead(Head(ledger, size, root, hour), key, signature)
