"""What can be wrong with a request to the desk, as values.

May go in here: codes, HTTP statuses and what people are told. May not: turning one into an answer (`answers.py`). The
codes are a contract: they are never renamed.
"""

from types import MappingProxyType

from cmp.server.problems import Problem
from cmp.wire.desk_words import desk_word
from cmp.wire.words import LANGUAGES


def _problem(status: int, code: str, key: str) -> Problem:
    return Problem(status, code, MappingProxyType({language: desk_word(language, key) for language in LANGUAGES}))


NOT_STORED = _problem(503, "not-stored", "not-stored")
LINK_UNKNOWN = _problem(404, "unknown-link", "link-unknown")
NO_CONTACT = _problem(400, "no-contact", "no-contact")
NO_ADDRESS = _problem(400, "no-address", "no-address")
UNKNOWN_CHOICE = _problem(400, "unknown-choice", "unknown-choice")
TOO_LONG = _problem(400, "too-long", "too-long")
TOO_OFTEN = _problem(429, "too-often", "too-often")
CANNOT_STOP = _problem(409, "cannot-stop", "cannot-stop")
TOO_MANY_ASKED = _problem(429, "too-many", "too-many")
