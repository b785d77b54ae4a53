"""Several policies at once: whose answer counts.

May go in here: choosing among rulings on the same question. May not: reaching them (`decide.py`).

Who works for a client keeps the client's promises besides its own, so the strictest answer counts. What one policy
knows, the other need not know: an answer about the unknown counts only where none of them knows it.
"""

from collections.abc import Sequence

from cmp.core.decision import Reason, Ruling

_OF_THE_UNKNOWN = frozenset(
    {Reason.UNKNOWN_DENIED, Reason.UNKNOWN_REPORTED, Reason.UNKNOWN_ALLOWED, Reason.PRESUMED_NECESSARY}
)
# Of several that let it pass, the one that rests on a permission says more than the one that needs none.
_NEEDS_NO_PERMISSION = frozenset({Reason.NECESSARY, Reason.FIRST_PARTY, Reason.NAVIGATION})


def strictest(rulings: Sequence[Ruling]) -> Ruling:
    """The ruling that counts of those that each policy gives; of equally strict ones the first. Needs at least one."""
    if len(rulings) == 1:
        return rulings[0]
    known = [ruling for ruling in rulings if ruling.reason not in _OF_THE_UNKNOWN] or rulings
    return min(known, key=_leniency)


def _leniency(ruling: Ruling) -> int:
    if not ruling.allowed:
        # What no choice can change comes before what the visitor can.
        return 0 if ruling.reason is Reason.NEVER else 1
    if ruling.reduced:
        return 2
    if ruling.reason is Reason.OUT_OF_SCOPE:
        # What one policy leaves alone the others still look at.
        return 7
    if ruling.reason is Reason.DELETION:
        return 5
    if ruling.reason in _OF_THE_UNKNOWN:
        return 6 if ruling.reason is Reason.UNKNOWN_ALLOWED else 5
    return 4 if ruling.reason in _NEEDS_NO_PERMISSION else 3
