"""Where a visitor is, as far as the policy has a source for it.

May go in here: taking the place from what the policy names. May not: believing a header; only who asks knows whether
it came through the operator's own edge.
"""

from collections.abc import Callable, Sequence

from cmp.core.policy import Policy
from cmp.core.regions import read_place


def place_of(policy: Policy, field_lines: Callable[[str], Sequence[str]]) -> str:
    """The visitor's place (ISO 3166), "" where nobody knows. `field_lines` gives the field lines of a name.

    A header given twice says nothing: one of the two may be the visitor's own. Of a composed policy the first part
    with a source is asked.
    """
    for part in policy.each:
        regions = part.regions
        if regions.fixed:
            return regions.fixed
        if regions.header:
            lines = field_lines(regions.header)
            return read_place(lines[0]) if len(lines) == 1 else ""
    return ""
