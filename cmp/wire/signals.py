"""Privacy signals said for a visitor who has expressed the preference to us.

May go in here: adding a signal to a request's fields. May not: for whom (`cmp.core.outgoing`). Nothing here takes a
signal away: an intermediary must not.
"""

from collections.abc import Sequence


def with_gpc(fields: Sequence[tuple[bytes, bytes]]) -> tuple[tuple[bytes, bytes], ...]:
    """The fields with `Sec-GPC: 1`, once.

    Global Privacy Control, section 3.2: an intermediary may insert it where it has reason to believe that the person
    has this preference, and may remove other values, which mean nothing.
    """
    kept = [(name, value) for name, value in fields if name.lower() != b"sec-gpc"]
    return (*kept, (b"Sec-GPC", b"1"))
