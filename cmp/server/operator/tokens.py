"""Who may use the operator listener: a file of tokens, of each only the SHA-256.

May go in here: making a token, reading the file, recognising a token. May not: what a role may do (`calls.py`).

A token is 256 random bits, so a plain hash of it is enough: there is nothing to guess.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

_NAME = re.compile(r"[a-z0-9]+([._-][a-z0-9]+)*")
_LONGEST_NAME = 64
_DIGEST = re.compile(r"[0-9a-f]{64}")


class TokensError(Exception):
    """A token file that cannot be used. Names the file, what is wrong and what to do, in one line."""


class Role(StrEnum):
    """`VIEWER` reads, `OPERATOR` reads and changes, `AUDITOR` reads the access log and numbers."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class Holder:
    """Whose token it is. `client` is the only client they see, None for all."""

    name: str
    role: Role
    client: str | None
    sha256: str


def make_token(file: Path, told: str) -> str:
    """Adds a token for `NAME:ROLE` or `NAME:ROLE:CLIENT` to the file, made with mode 0600 if it is not there.

    The token itself, which is kept nowhere. Raises TokensError.
    """
    holders = list(read_holders(file)) if file.exists() else []
    token = secrets.token_urlsafe(32)
    holder = _holder(told, _digest(token))
    if any(other.name == holder.name for other in holders):
        raise TokensError(f"{file}: there is a token of {holder.name} already: take it out of the file, or use a name")
    _write(file, [*holders, holder])
    return token


def read_holders(file: Path) -> Sequence[Holder]:
    """Everybody the file names. Raises TokensError, also where others than the owner may read it."""
    try:
        if file.stat().st_mode & 0o077:
            raise TokensError(f"{file}: others may read these tokens: chmod 600 {file}")
        document = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise TokensError(
            f"{file}: cannot be read: {error.strerror}: make it with consentry serve --make-token NAME:ROLE "
            f"--operator-tokens {file}"
        ) from error
    except ValueError as error:
        raise TokensError(f"{file}: is no token file: {error}") from error
    try:
        if document["form"] != 1:
            raise TokensError(f"{file}: is no token file of a form this version knows")
        return [_read(one) for one in document["tokens"]]
    except (KeyError, TypeError, ValueError) as error:
        raise TokensError(f"{file}: is no token file: {error}") from error


class TokenFile:
    """The tokens of a file as it is now: who is taken out of it is out at once. Raises TokensError when opened."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._state = _state(file)
        self._holders = read_holders(file)

    def holder_of(self, token: str) -> Holder | None:
        """Whose token it is; None for nobody's. Raises TokensError when the file can no longer be used."""
        state = _state(self.file)
        if state != self._state or state is None:
            self._holders = read_holders(self.file)
            self._state = state
        digest = _digest(token)
        found = None
        # Every one is compared, in constant time: neither which nor how much of it fits can be measured.
        for holder in self._holders:
            if hmac.compare_digest(holder.sha256, digest):
                found = holder
        return found


def _holder(told: str, sha256: str) -> Holder:
    name, _, rest = told.partition(":")
    role, _, client = rest.partition(":")
    try:
        return _read({"name": name, "role": role, "client": client or None, "sha256": sha256})
    except ValueError as error:
        raise TokensError(f"--make-token {told}: {error}") from error


def _read(one: Mapping[str, Any]) -> Holder:
    name, role, client = one["name"], one["role"], one.get("client")
    for text in (name, client or "x"):
        if not isinstance(text, str) or len(text) > _LONGEST_NAME or not _NAME.fullmatch(text):
            raise ValueError("write NAME:ROLE or NAME:ROLE:CLIENT, names in lower case without spaces")
    if role not in set(Role):
        raise ValueError(f"a role is one of {', '.join(Role)}")
    if not isinstance(one["sha256"], str) or not _DIGEST.fullmatch(one["sha256"]):
        raise ValueError("sha256 is 64 hexadecimal digits")
    return Holder(name, Role(role), client, one["sha256"])


def _write(file: Path, holders: Sequence[Holder]) -> None:
    document = {
        "form": 1,
        "tokens": [
            {"name": one.name, "role": one.role.value, "client": one.client, "sha256": one.sha256} for one in holders
        ],
    }
    draft = file.with_name(file.name + "-new")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as new:
            json.dump(document, new, indent=2)
            new.write("\n")
            new.flush()
            os.fsync(new.fileno())
        draft.rename(file)
    except OSError as error:
        raise TokensError(f"{file}: cannot be written: {error.strerror}") from error


def _state(file: Path) -> tuple[int, int, int, int] | None:
    try:
        state = file.stat()
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns, state.st_mode


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
