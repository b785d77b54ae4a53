"""Whether the value of a cookie looks like an identifier: something that stands in other texts only if it was copied.

May go in here: the rule for that, from the form of the value alone. May not: cutting values into parts and looking for
them (`cmp.audit.identifying`), names that identify (`identifiers.py`).
"""

import re
from itertools import pairwise

# A shorter value stands in other texts by chance.
SHORTEST = 12
_RUN = re.compile(r"[A-Za-z0-9]+")
# The same for everybody, though letters and digits stand in it: words with a number, dates, sizes.
_COMMON = re.compile(r"[A-Za-z]*[0-9]{0,4}[A-Za-z]?|[0-9]{1,4}[A-Za-z]*|[0-9]{1,4}[Tx][0-9]{1,4}")


def looks_like_identifier(value: str) -> bool:
    """Whether a value is at least 12 characters long and holds more than words and short numbers.

    Of letters and digits between other characters one run must mix them, change between capitals and small letters, or
    be a number of nine digits or more. Who may send a cookie can choose its value: "checkout-step-2024" must not become
    something that no address may hold.
    """
    if len(value) < SHORTEST or len(set(value)) < 5:
        return False
    return any(_mixed(run) for run in _RUN.findall(value))


def _mixed(run: str) -> bool:
    if run.isdigit():
        return len(run) >= 9
    if run.isalpha():
        # "checkoutStep" is words; capitals and small letters in turn are no language's.
        changes = sum(a.isupper() != b.isupper() for a, b in pairwise(run))
        return len(run) >= SHORTEST and changes >= len(run) // 3
    return len(run) >= 4 and not _COMMON.fullmatch(run)
