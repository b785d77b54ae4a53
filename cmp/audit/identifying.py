"""What in the value of a cookie can tell one person from another.

May go in here: the rule for that, and cutting a value into such parts. May not: looking for them anywhere
(`search.py`).

A single capture cannot show that a value differs from visitor to visitor, so this is a guess from its form: long
enough, mixed enough, and none of the things that look mixed and are the same for everybody (times, dates, versions,
addresses, languages, words with a number).
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from urllib.parse import unquote

SHORTEST = 8
_LONGEST = 256

# Google's client id is two numbers that mean nothing apart, the second a time.
_PART = re.compile(r"(?<![0-9])[0-9]{6,10}\.[0-9]{10}(?![0-9])|[A-Za-z0-9][A-Za-z0-9_-]{7,255}")
_RUN = re.compile(r"[A-Za-z0-9]+")
_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")

# The same for everybody, though letters and digits stand in it.
_COMMON = re.compile(
    r"""(?xi)
      [a-z]+[-_]?[0-9]{1,4}[a-z]?                        # word and number: variant12, UTF8
    | [0-9]{1,4}[-_]?[a-z]+                              # number and word: 200OK
    | (?:UA|GTM|GT|AW|DC|G|IM|XA|pub|ca-pub)-[a-z0-9-]+  # accounts of the site's own: UA-1234567-1, GTM-K3ZZZZ
    | [0-9]{1,4}[-_][0-9]{1,2}[-_][0-9]{1,4}(?:T[0-9-]*)?# dates
    | [0-9]{1,2}[-_]?(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[-_]?[0-9]{2,4}
    | v?[0-9]{1,4}(?:[-_x][0-9]{1,4})+                   # versions, sizes: 1-2-3, 1920x1080
    | [a-z]{2,3}[-_][a-z]{2,4}(?:[-_][a-z0-9]{2,8})*     # languages: zh-Hant-TW
    """
)
# Unix times between 2001 and 2096 in seconds, and the same in milliseconds and microseconds.
_TIME = re.compile(r"[1-3][0-9]{9}(?:[0-9]{3}|[0-9]{6})?")
# A calendar day, with or without the time: 20260301, 20260301120000.
_DAY = re.compile(r"(?:19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:[0-2][0-9]|3[01])(?:[0-9]{2,6})?")
_CLIENT_ID = re.compile(r"[0-9]{6,10}\.[0-9]{10}")
_ADDRESS = re.compile(r"(?:https?|wss?)://[^\s\"'|,;]+")


@lru_cache(maxsize=16_384)
def identifying_parts(value: str) -> tuple[str, ...]:
    """The parts of a cookie's value that may identify, each once: without its percent-encoding, URLs left out.

    "GA1.2.1234567890.1600000000" has the part "1234567890.1600000000"; "en-US" and "1" have none.
    """
    if len(value) < SHORTEST:
        return ()
    text = unquote(unquote(value[:4_096])) if "%" in value else value[:4_096]
    return tuple(dict.fromkeys(_parts(_ADDRESS.sub(" ", text))))


def _parts(text: str) -> Iterator[str]:
    for found in _PART.finditer(text):
        part = found[0].rstrip("_-")
        if identifies(part):
            yield part


def identifies(part: str) -> bool:
    """Whether a part of 8 to 256 letters, digits, "_", "-" looks like an identifier."""
    if _CLIENT_ID.fullmatch(part):
        return True
    if not SHORTEST <= len(part) <= _LONGEST or len(set(part)) < 5 or _COMMON.fullmatch(part):
        return False
    return any(_mixed(run) for run in _RUN.findall(part)) or _looks_random(part)


def _mixed(run: str) -> bool:
    if run.isdigit():
        return len(run) >= 9 and len(set(run)) >= 4 and not _TIME.fullmatch(run) and not _DAY.fullmatch(run)
    if len(run) < SHORTEST or run.isalpha() or _COMMON.fullmatch(run):
        return False
    # A single digit may stand in a name ("signInState1st"); more of them that change places with letters do not.
    if sum(char.isdigit() for char in run) < 2:
        return _looks_random(run)
    changes = sum(a.isdigit() != b.isdigit() for a, b in pairwise(run))
    return bool(_HEX.fullmatch(run)) or changes >= 2 or len(run) >= 16


def _looks_random(part: str) -> bool:
    """Letters that no language puts together: capitals and small letters in turn, as in base64."""
    letters = [char for char in part if char.isalpha()]
    changes = sum(a.isupper() != b.isupper() for a, b in pairwise(letters))
    return len(part) >= 16 and changes >= len(part) // 3
