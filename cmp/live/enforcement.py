"""What the enforcing addon is told: which policy, whether to act on it, and where consent is kept.

May go in here: the values. May not: hooks.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from cmp.core.policy import Policy
from cmp.live.arrival import Front
from cmp.seal.keys import PublicKeys
from cmp.seal.site import RESERVED_PATH, ConsentSite


class Mode(StrEnum):
    """Observe: decide and record, change nothing a visitor could notice. Enforce: carry the decisions out."""

    OBSERVE = "observe"
    ENFORCE = "enforce"


class EnforcementError(ValueError):
    """A policy that this proxy cannot enforce as it was set up. `str()` is one clear line with the next step."""


@dataclass(frozen=True, slots=True)
class ConsentServer:
    """Where the site's consent is kept: the server's address, and the keys its cookies are checked with.

    `marker` is the secret of the cookie that remembers events (`cmp.seal.keys.read_marker_secret`).
    """

    site: ConsentSite
    keys: PublicKeys
    host: str
    port: int
    marker: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Enforcement:
    """One immutable whole; a reload builds a new one and swaps the reference.

    `mode` is what the operator said when starting; where nothing was said the policy's own counts, else enforce.
    Without a consent server nobody can have made a choice. `clock` gives Unix seconds. `front` is the network around
    the operator's site. Raises EnforcementError.
    """

    policy: Policy
    mode: Mode | None = None
    consent: ConsentServer | None = None
    clock: Callable[[], float] = time.time
    front: Front = field(default_factory=Front)

    def __post_init__(self) -> None:
        if self.consent is not None and self.consent.marker is None and self.policy.events:
            raise EnforcementError(
                f"policy {self.policy.id} remembers events ({', '.join(event.id for event in self.policy.events)}) and "
                "there is no marker secret: keep FILE.marker beside the keys FILE (mode 0600), or make new keys"
            )

    @property
    def enforces(self) -> bool:
        """Whether decisions are carried out on the part of the traffic that the policy's rollout names."""
        return (self.mode or Mode(self.policy.mode or Mode.ENFORCE)) is Mode.ENFORCE

    @property
    def reserved(self) -> str:
        """The path of our own on the operator's site."""
        return self.consent.site.reserved if self.consent is not None else RESERVED_PATH
