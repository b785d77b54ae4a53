"""What the enforcing addon is told: which policy, whether to act on it, and where consent is kept.

May go in here: the values. May not: hooks.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from cmp.core.policy import Policy
from cmp.seal.keys import PublicKeys
from cmp.seal.site import ConsentSite


class Mode(StrEnum):
    """Observe: decide and record, change nothing a visitor could notice. Enforce: carry the decisions out."""

    OBSERVE = "observe"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True)
class ConsentServer:
    """Where the site's consent is kept: the server's address, and the keys its cookies are checked with."""

    site: ConsentSite
    keys: PublicKeys
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Enforcement:
    """One immutable whole; a reload builds a new one and swaps the reference.

    Without a consent server nobody can have made a choice. `clock` gives Unix seconds.
    """

    policy: Policy
    mode: Mode = Mode.ENFORCE
    consent: ConsentServer | None = None
    clock: Callable[[], float] = time.time
