"""Form tokens: proof that a form was handed out by us, for browsers that give no better one.

May go in here: making and checking tokens. May not: when one is asked for (`cmp.server`).

A token is `HOUR.MAC` (HMAC-SHA-256 over purpose, audience and hour): it is the same for everybody in that hour, so it
identifies nobody, and a page of somebody else cannot read it out of ours.
"""

import hashlib
import hmac

_HOUR = 3600
# A form may stay open for a working day.
_HOURS_VALID = 12


def make_token(secret: bytes, audience: str, now: float) -> str:
    hour = int(now // _HOUR)
    return f"{hour}.{_mac(secret, audience, hour)}"


def token_holds(secret: bytes, audience: str, token: str, now: float) -> bool:
    """Whether the token was made by us for this audience, not in the future and not too long ago."""
    hour_text, _, mac = token.partition(".")
    if not (hour_text.isascii() and hour_text.isdigit() and len(hour_text) < 12):
        return False
    hour = int(hour_text)
    if not 0 <= int(now // _HOUR) - hour <= _HOURS_VALID:
        return False
    return hmac.compare_digest(_mac(secret, audience, hour).encode(), mac.encode("utf-8", "replace"))


def _mac(secret: bytes, audience: str, hour: int) -> str:
    return hmac.new(secret, f"consent-form|{audience}|{hour}".encode(), hashlib.sha256).hexdigest()
