"""What holds in a jurisdiction unless the policy says otherwise.

May go in here: tables of defaults, each with its source. May not: applying them (`complete.py`).
"""

from collections.abc import Mapping
from typing import Any

# A choice holds six months before the visitor is asked again (CNIL, délibération 2020-092; Garante 10 June 2021;
# guidance of the Irish DPC).
_HALF_A_YEAR = "182 days"

_ASK_FIRST: Mapping[str, Any] = {
    "signals": {
        "gpc": {"denies": "all", "grantOverrides": True},
        "dnt": {"denies": "all", "grantOverrides": True},
    },
    "consent": {"askAgain": _HALF_A_YEAR},
    "default": "deny",
}

PRESETS: Mapping[str, Mapping[str, Any]] = {
    # ePrivacy Directive Art. 5(3): nothing that is not necessary before consent.
    "eu": _ASK_FIRST,
    # Privacy and Electronic Communications Regulations 2003, reg. 6; what the Data (Use and Access) Act 2025 exempts is
    # declared by category ("basis": "exempt").
    "uk": _ASK_FIRST,
    # California: allowed until the visitor opts out; the signal is an opt-out and outweighs an earlier grant, and after
    # an opt-out nobody is asked again for twelve months (11 CCR 7025(c), 7026).
    "us": {
        "signals": {"gpc": {"denies": "all", "grantOverrides": True}},
        "consent": {"askAgain": "12 months"},
        "default": "allow",
    },
}

# Where a policy names no jurisdiction it says itself what signals deny.
NO_PRESET: Mapping[str, Any] = {"signals": {}, "consent": {"askAgain": _HALF_A_YEAR}, "default": "deny"}


def preset_of(document: Mapping[str, Any]) -> Mapping[str, Any]:
    return PRESETS[document["preset"]] if "preset" in document else NO_PRESET
