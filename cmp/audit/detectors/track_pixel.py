"""track.pixel

What it finds
    A picture of a third party that nothing knows, too small to be seen (at most 100 bytes, or no body at all), whose
    request carries a query with values or a cookie, or whose answer sets one: it looks like a counting pixel.
Why it matters
    The request is the purpose of such a picture. Pixels are on nearly every site that tracks, and lists miss a quarter
    of them.
Example
    `<img src="https://cnt.test/p.gif?site=17&page=checkout">`, answered with a GIF of 43 bytes.
Does not see
    Pixels that answer with a redirect, a script or a larger picture; captures that tell neither status nor size. It
    finds spacers and status lamps that happen to be asked for with a query: a person has to look.
Sources
    Fouad et al. 2020 ("Missed by filter lists"); Ruohonen and Leppänen 2018.

Level: potential where the request or the answer carries what may identify somebody, else a note; a violation where a
promise of the policy names this detector.
"""

from collections.abc import Iterator

from cmp.audit.behaviour import is_pixel, may_identify, unknown_third_parties
from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding
from cmp.audit.gather import looks_like
from cmp.capture.capture import Gap
from cmp.core.exchange import Unseen

CODE = "track.pixel"
MEANING = "looks like a counting pixel, of nobody that is known"
NEEDS: frozenset[Unseen | Gap] = frozenset({Unseen.PAGE, Gap.DETAILS})


def find(evidence: Evidence) -> Iterator[Finding]:
    found = [message for message in unknown_third_parties(evidence) if is_pixel(message.seen)]
    return looks_like(evidence, CODE, found, may_identify)
