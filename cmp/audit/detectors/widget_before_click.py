"""widget.before-click

What it finds
    A social widget or embed (a vendor with the technique "social-widget") that was loaded though the visitor granted
    neither the vendor nor its category: from the vendor's host, or from the site's own host by its path.
Why it matters
    A like button reports the visitor's address and the page to the network before anybody touched it: CJEU C-40/17
    (Fashion ID).
Example
    A page loads `https://connect.facebook.test/sdk.js` while the "click to load" placeholder should stand there.
Does not see
    Widgets of vendors that the policy, or the catalogue it uses, does not call so; copies under a path that no
    signature of the vendor names. A click shows in a capture as a grant only where our proxy recorded the visitor.
Sources
    CJEU C-40/17; Roosendaal 2010.

Level: a violation where the policy asks for consent; a note where it lets the widget load without.
"""

from collections.abc import Iterator

from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding
from cmp.audit.gather import without_grant
from cmp.core.exchange import Unseen

CODE = "widget.before-click"
MEANING = "social widgets loaded before the visitor asked for them"
# A known vendor is known by its host alone, whatever else is missing.
NEEDS: frozenset[Unseen] = frozenset()

TECHNIQUE = "social-widget"


def find(evidence: Evidence) -> Iterator[Finding]:
    return without_grant(evidence, CODE, TECHNIQUE)
