"""What can become of a rights request: its states, and which may follow which.

May go in here: the tables and what they say. May not: rows (`requests.py`), words for people (`cmp.wire`).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class State(StrEnum):
    """`IDENTITY_CHECK`: it waits until it is known who asks. `REFERRED`: the client it was passed on to answers."""

    OPEN = "open"
    IDENTITY_CHECK = "identity-check"
    REFERRED = "referred"
    ANSWERED = "answered"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


FOLLOWING: Final[Mapping[State, frozenset[State]]] = {
    State.IDENTITY_CHECK: frozenset({State.OPEN, State.REFERRED, State.DECLINED, State.WITHDRAWN}),
    State.OPEN: frozenset(
        {State.IDENTITY_CHECK, State.REFERRED, State.ANSWERED, State.DECLINED, State.WITHDRAWN},
    ),
    State.REFERRED: frozenset({State.OPEN, State.ANSWERED, State.DECLINED, State.WITHDRAWN}),
    State.ANSWERED: frozenset(),
    State.DECLINED: frozenset(),
    State.WITHDRAWN: frozenset(),
}
SETTLED: Final = frozenset(state for state, following in FOLLOWING.items() if not following)

# The rights a policy may offer: GDPR Art. 12 to 22, 7(3), 77.
KINDS: Final = (
    "inform",
    "access",
    "correct",
    "erase",
    "restrict",
    "object",
    "port",
    "complain",
    "withdraw",
    "stop-marketing",
)
# For these a stranger could obtain, alter or destroy somebody's data (GDPR Art. 12(6)). Objecting and withdrawing
# must be as easy as consenting was, and being informed or complaining needs no proof.
NEEDS_IDENTITY: Final = frozenset({"access", "correct", "erase", "restrict", "port"})


def first_state(kind: str, *, identity_check: bool) -> State:
    """The state of a new request, where the policy does or does not declare that identities are checked."""
    return State.IDENTITY_CHECK if identity_check and kind in NEEDS_IDENTITY else State.OPEN
