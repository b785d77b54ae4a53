"""What Google's tags say of consent in their requests: `gcs` and `gcd`.

May go in here: reading the two. May not: judging them.

Neither is documented by Google; the letters of `gcd` are as several independent readings of its debug output agree.
Where they do not agree (a signal that was never set), nothing is claimed.
"""

import re
from collections.abc import Mapping

# The order in which `gcd` tells them.
SIGNALS = ("ad_storage", "analytics_storage", "ad_user_data", "ad_personalization")
_GCS = re.compile(r"G1([01])([01])")
_GCD = re.compile(r"1[0-9]([a-z])1([a-z])1([a-z])1([a-z])[0-9].*")
_GRANTED = frozenset("nrtv")
_DENIED = frozenset("mpqu")


def read_gcs(text: str) -> Mapping[str, bool]:
    """Whether each signal is granted, as far as `gcs` says; empty for what is no such value."""
    match = _GCS.fullmatch(text)
    return {} if match is None else dict(zip(SIGNALS, (digit == "1" for digit in match.groups()), strict=False))


def read_gcd(text: str) -> Mapping[str, bool]:
    """Whether each signal is granted, as far as `gcd` says it of a signal; empty for what is no such value."""
    match = _GCD.fullmatch(text)
    if match is None:
        return {}
    told = dict(zip(SIGNALS, match.groups(), strict=True))
    return {name: letter in _GRANTED for name, letter in told.items() if letter in _GRANTED | _DENIED}
