"""What a detector says: one finding, as data.

May go in here: the value, its levels, and how values out of traffic may stand in it. May not: finding.

A report is personal data as soon as it holds an identifier: cookie values stand in a finding as hash and length only,
URLs without the values of their query.
"""

import hashlib
import json
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from cmp.core.urls import Url, query_pairs

_URL_LENGTH = 200
# The keys of the evidence that name what a finding is about.
_NAMING = ("cookie", "field", "member", "site", "recipient", "missing", "data", "signal")


class Level(Enum):
    """How much a finding says, the gravest first.

    Violation: the declared policy was broken. Potential: it looks like a breach, but of no declared policy, or a
    person has to judge. Note: worth knowing. Not assessable: evidence is missing; never to be read as clean.
    """

    VIOLATION = "violation"
    POTENTIAL = "potential"
    NOTE = "note"
    NOT_ASSESSABLE = "not-assessable"

    @property
    def rank(self) -> int:
        """0 for the gravest."""
        return list(Level).index(self)

    @property
    def lower(self) -> "Level":
        """The next that is less grave; a note stays one."""
        return {Level.VIOLATION: Level.POTENTIAL, Level.POTENTIAL: Level.NOTE}.get(self, self)

    def reaches(self, threshold: "Level") -> bool:
        """Whether it is at least as grave. What cannot be assessed is no clean result, so the lowest bar catches it."""
        if self is Level.NOT_ASSESSABLE:
            return threshold in (Level.NOTE, Level.NOT_ASSESSABLE)
        return self.rank <= threshold.rank


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found in one capture.

    `capture` is its file, `entry` the index of the first entry that shows it and `time` that entry's (Unix seconds);
    None where the finding is about the capture as a whole, or the time unseen. `category`, `vendor` and `rule` are ids
    of the policy. `evidence` holds plain JSON values, with the same keys for the same `code`; where requests raced with
    a choice, "races" counts them besides.
    """

    code: str
    level: Level
    capture: str
    entry: int | None = None
    time: float | None = None
    host: str | None = None
    category: str | None = None
    vendor: str | None = None
    rule: str | None = None
    evidence: dict[str, Any] = field(default_factory=dict)

    @property
    def about(self) -> dict[str, Any]:
        """What the finding is about, whichever capture shows it: the vendor or else the host's site, cookie, field."""
        named = {key: self.evidence[key] for key in _NAMING if self.evidence.get(key) is not None}
        who = self.vendor if self.vendor is not None or "site" in named else self.host
        return {"category": self.category, "who": who, **named}

    @property
    def identity(self) -> str:
        """The same for the same thing in any capture: the first 32 digits of a SHA-256 over code and `about`."""
        text = json.dumps([self.code, self.about], sort_keys=True)
        return hashlib.sha256(text.encode("ascii")).hexdigest()[:32]


def hashed(value: str) -> dict[str, Any]:
    """A cookie's value as it may be told: enough to see that two are the same, not enough to use it."""
    digest = hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
    return {"sha256": digest[:12], "length": len(value)}


def without_values(url: Url) -> str:
    """The URL with the names of its query but not their values, at most 200 characters."""
    names = "&".join(dict.fromkeys(name for name, _ in query_pairs(url.query)))
    text = f"{url.origin}{url.path}{'?' if names else ''}{names}"
    return text if len(text) <= _URL_LENGTH else f"{text[: _URL_LENGTH - 1]}…"
