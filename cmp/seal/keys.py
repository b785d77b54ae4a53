"""Signing keys: a file only its owner can read, several keys for rotation, and the public half alone for the proxy.

Beside it lies the proxy's own secret, for the marker cookie (`marker.py`); a secret for audit visits has a file too.

May go in here: making, reading and using Ed25519 keys (RFC 8032), and those secrets. May not: what is signed.
"""

import base64
import binascii
import json
import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cmp.core.kept import Kept

# Signatures over what is said to many: up to four kilobytes each with what they are over.
_REMEMBERED = 256


class KeysError(Exception):
    """A key file that cannot be used. Names the file, what is wrong and what to do, in one line."""


@dataclass(frozen=True, eq=False)
class PublicKeys:
    """The keys signatures are checked with, by key id. Compared and hashed as itself: one object, one set of keys."""

    keys: Mapping[str, Ed25519PublicKey]

    def verifies(self, key_id: str, signature: bytes, data: bytes) -> bool:
        """Whether the signature was made over exactly `data` with the key called `key_id`."""
        key = self.keys.get(key_id)
        if key is None:
            return False
        try:
            key.verify(signature, data)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class SigningKeys:
    """The keys of a consent server: it signs with the first, and still accepts what the others signed.

    `form_secret` is for form tokens, which only the server itself checks. Of `retired` keys only the public half is
    left: they sign nothing any more, and what they signed goes on holding.
    """

    keys: Mapping[str, Ed25519PrivateKey]
    form_secret: bytes = field(repr=False)
    retired: Mapping[str, Ed25519PublicKey] = field(default_factory=dict)
    _signed: Kept[bytes] = field(default_factory=lambda: Kept(_REMEMBERED), init=False, repr=False, compare=False)

    @cached_property
    def public(self) -> PublicKeys:
        return PublicKeys({**{id_: key.public_key() for id_, key in self.keys.items()}, **self.retired})

    def public_bytes(self) -> Mapping[str, bytes]:
        """The public keys by id, 32 bytes each, the one that signs first."""
        return {id_: key.public_bytes_raw() for id_, key in self.public.keys.items()}

    def sign(self, data: bytes) -> tuple[str, bytes]:
        """The id of the key used and the signature (64 bytes)."""
        id_, key = next(iter(self.keys.items()))
        return id_, key.sign(data)

    def sign_same(self, data: bytes) -> tuple[str, bytes]:
        """As `sign`, for what many people get word for word: the signature is remembered, and with it `data`.

        It is the one that `sign` would make again: nothing in it is random (RFC 8032, section 5.1.6).
        """
        id_, key = next(iter(self.keys.items()))
        signature = self._signed.get(data)
        if signature is None:
            signature = key.sign(data)
            self._signed.put(data, signature)
        return id_, signature


def make_keys(path: Path) -> SigningKeys:
    """New keys in a new file of mode 0600; beside it their public half (FILE.pub) and a marker secret (FILE.marker).

    Raises KeysError.
    """
    id_, key = secrets.token_hex(4), Ed25519PrivateKey.generate()
    secret = secrets.token_bytes(32)
    private = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    document = {"form": 1, "keys": [{"id": id_, "private": _text(private)}], "form_secret": _text(secret)}
    public = {"form": 1, "keys": [{"id": id_, "public": _text(key.public_key().public_bytes_raw())}]}
    _write_new(path, document, 0o600)
    _write_new(public_file(path), public, 0o644)
    marker_secret(path)
    return SigningKeys({id_: key}, secret)


def announce_key(path: Path) -> str:
    """Adds a key that signs nothing yet to a key file, and its public half to FILE.pub; its id. Raises KeysError.

    Proxies that read FILE.pub from then on accept what it will sign: the first half of a rotation without a gap. Where
    one waits already, that is the one.
    """
    keys = read_signing_keys(path)
    waiting = list(keys.keys)[1:]
    if waiting:
        return waiting[0]
    id_ = secrets.token_hex(4)
    _replace(path, SigningKeys({**keys.keys, id_: Ed25519PrivateKey.generate()}, keys.form_secret, keys.retired))
    return id_


def rotate_keys(path: Path) -> tuple[str, str]:
    """Lets the key that waits sign from now on, a new one where none does; the ids of it and of the one before.

    Of the one before only the public half is kept, so what it signed goes on holding and it signs nothing any more.
    The secrets in the file stay. A server reads the file when it starts. Raises KeysError.
    """
    new = announce_key(path)
    keys = read_signing_keys(path)
    old, key = next(iter(keys.keys.items()))
    others = {id_: other for id_, other in keys.keys.items() if id_ != old}
    retired = {old: key.public_key(), **keys.retired}
    _replace(path, SigningKeys({new: others.pop(new), **others}, keys.form_secret, retired))
    return new, old


def _replace(path: Path, keys: SigningKeys) -> None:
    """Writes a key file and its public half anew, each as a whole. The public half comes first: nothing is ever signed
    with a key that nobody can check.
    """
    private = Encoding.Raw, PrivateFormat.Raw, NoEncryption()
    own = [{"id": id_, "private": _text(key.private_bytes(*private))} for id_, key in keys.keys.items()]
    retired = [{"id": id_, "public": _text(key.public_bytes_raw())} for id_, key in keys.retired.items()]
    public = [{"id": id_, "public": _text(raw)} for id_, raw in keys.public_bytes().items()]
    documents = (
        (public_file(path), {"form": 1, "keys": public}, 0o644),
        (path, {"form": 1, "keys": [*own, *retired], "form_secret": _text(keys.form_secret)}, 0o600),
    )
    for file, document, mode in documents:
        draft = file.with_name(file.name + ".new")
        draft.unlink(missing_ok=True)
        _write_new(draft, document, mode)
        draft.replace(file)


def public_file(path: Path) -> Path:
    """Where the public half of a key file lies: what a proxy checks choices with."""
    return path.with_name(path.name + ".pub")


def marker_file(path: Path) -> Path:
    """Where the marker secret lies that goes with a key file, or with its public half."""
    return path.with_name(path.name.removesuffix(".pub") + ".marker")


def read_marker_secret(path: Path) -> bytes | None:
    """The marker secret beside a key file or its public half, None where there is none. Raises KeysError as
    `read_secret` does."""
    file = marker_file(path)
    return read_secret(file, "marker_secret") if file.exists() else None


def marker_secret(path: Path) -> bytes:
    """The marker secret beside a key file, made (in a new file of mode 0600) where there is none. Raises KeysError."""
    return secret_of(marker_file(path), "marker_secret")


def secret_of(file: Path, name: str) -> bytes:
    """The secret called `name` in a file, made (in a new file of mode 0600) where there is none. Raises KeysError."""
    if file.exists():
        return read_secret(file, name)
    secret = secrets.token_bytes(32)
    _write_new(file, {"form": 1, name: _text(secret)}, 0o600)
    return secret


def read_secret(file: Path, name: str) -> bytes:
    """The secret called `name` in a file. Raises KeysError where it cannot be used, also where others than the owner
    may read it."""
    document, noun = _read(file), name.replace("_", " ")
    if file.stat().st_mode & 0o077:
        raise KeysError(f"{file}: others may read this secret: chmod 600 {file}")
    try:
        secret = _bytes(document[name])
    except (KeyError, TypeError, ValueError) as error:
        raise KeysError(f"{file}: holds no {noun} ({error}): delete it to have a new one made") from error
    if len(secret) < 16:
        raise KeysError(f"{file}: holds no {noun}: delete it to have a new one made")
    return secret


def read_signing_keys(path: Path) -> SigningKeys:
    """The private keys of a file. Raises KeysError, also where others than the owner may read it."""
    document = _read(path)
    if path.stat().st_mode & 0o077:
        raise KeysError(f"{path}: others may read these keys: chmod 600 {path}")
    try:
        own = [k for k in document["keys"] if "private" in k]
        keys = {str(k["id"]): Ed25519PrivateKey.from_private_bytes(_bytes(k["private"])) for k in own}
        retired = _public_of(k for k in document["keys"] if "private" not in k)
        secret = _bytes(document["form_secret"])
    except (KeyError, TypeError, ValueError) as error:
        raise KeysError(f"{path}: holds no signing keys ({error}): make new ones, or restore a backup") from error
    if not keys or len(secret) < 16:
        raise KeysError(f"{path}: holds no signing keys: make new ones, or restore a backup")
    return SigningKeys(keys, secret, retired)


def read_public_keys(path: Path) -> PublicKeys:
    """The public keys of a public file, or of a private one. Raises KeysError."""
    document = _read(path)
    try:
        if any("private" in key for key in document["keys"]):
            return read_signing_keys(path).public
        keys = _public_of(document["keys"])
    except (KeyError, TypeError, ValueError) as error:
        raise KeysError(
            f"{path}: holds no public keys ({error}): name the .pub file beside the server's keys"
        ) from error
    return PublicKeys(keys)


def _public_of(documents: Iterable[Mapping[str, Any]]) -> dict[str, Ed25519PublicKey]:
    return {str(k["id"]): Ed25519PublicKey.from_public_bytes(_bytes(k["public"])) for k in documents}


def _read(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise KeysError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise KeysError(f"{path}: is no key file: {error}") from error
    if not isinstance(document, dict) or document.get("form") != 1:
        raise KeysError(f"{path}: is no key file of a form this version knows")
    return document


def _write_new(path: Path, document: Mapping[str, Any], mode: int) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise KeysError(f"{path}: cannot be written: {error.strerror}") from error


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("a key is not base64") from error
