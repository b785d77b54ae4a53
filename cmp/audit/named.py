"""The records of a ledger that a capture itself names: a consent's record has an id, and the consent cookie carries it.

May go in here: finding these ids. May not: reading a ledger (`consent_records.py`), which an audit without one does
not load.
"""

from cmp.capture.capture import Capture
from cmp.seal.cookie import record_named


def records_named(capture: Capture) -> frozenset[str]:
    """The ids of records that consent cookies in the capture name, sent or set."""
    values = {cookie.value for entry in capture.entries for cookie in entry.asked.cookies}
    values.update(cookie.value for entry in capture.entries for cookie in entry.asked.set_cookies)
    return frozenset(named for value in values if value.startswith("1.") and (named := record_named(value)))
