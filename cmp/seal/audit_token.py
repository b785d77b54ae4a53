"""The token by which somebody agrees to be linked in the decision log: an audit visit.

May go in here: making a token and checking one. May not: taking it off a request (`cmp.live.audit_visit`), what is
logged (`cmp.decision_log`).

Whoever audits a site wants to find the own visit in the log, and nobody else's is in it. So the operator makes a token
and gives it to the auditor, whose browser sends it along. It holds the visit's id and when it ends, under a MAC
(HMAC-SHA-256, RFC 2104) by a secret that the proxy reads. It opens nothing else, and is never forwarded.
"""

import base64
import hashlib
import hmac
import re
import secrets

# What the secret is called in its file (`cmp.seal.keys.secret_of`).
SECRET = "audit_secret"  # noqa: S105 - the name of a key, not its value
_FORM = re.compile(r"a1\.([0-9a-f]{12})\.([0-9]{1,12})\.([A-Za-z0-9_-]{22})")


def make_token(secret: bytes, ends: int) -> tuple[str, str]:
    """A token for one new visit until `ends` (Unix seconds), and the id by which the log calls it."""
    visit = secrets.token_hex(6)
    return f"a1.{visit}.{ends}.{_mac(secret, visit, ends)}", visit


def visit_of(secret: bytes, token: str, now: float) -> str:
    """The id of the visit a token is for; "" for one that is not ours, or has ended."""
    found = _FORM.fullmatch(token)
    if found is None:
        return ""
    visit, ends = found[1], int(found[2])
    valid = hmac.compare_digest(_mac(secret, visit, ends), found[3])
    return visit if valid and now < ends else ""


def _mac(secret: bytes, visit: str, ends: int) -> str:
    digest = hmac.digest(secret, f"consentry audit visit|{visit}|{ends}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest[:16]).decode("ascii").rstrip("=")
