"""Cookies as they stand in headers: names, values and attributes, nothing thrown away.

May go in here: reading `Cookie` and `Set-Cookie` field values the way a browser or server does. May not: what a
cookie is for (`classify.py`) and changing bytes on the wire (`cmp.wire.cookies`).

Malformed and duplicate cookies are kept: they are evidence, and a reader that drops what it dislikes lets it pass.
"""

import calendar
import re
from dataclasses import dataclass
from typing import NamedTuple

_SPACE = " \t"
# Browsers pass over an attribute with a longer value (RFC 6265bis, section 5.6): a Max-Age of a
# thousand zeros takes no cookie away.
_ATTRIBUTE_LIMIT = 1024


class RequestCookie(NamedTuple):
    """One pair of a `Cookie` header. A pair without "=" has the empty name (RFC 6265bis, section 5.6)."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class SetCookie:
    """One `Set-Cookie` field value, read as RFC 6265bis section 5.6 has a browser read it.

    `expires` is Unix seconds; `max_age` seconds as sent. Neither: the cookie ends with the browser session.
    """

    name: str
    value: str
    expires: float | None = None
    max_age: int | None = None
    domain: str = ""
    path: str = ""
    secure: bool = False
    http_only: bool = False
    same_site: str = ""
    partitioned: bool = False

    @property
    def read_as(self) -> str:
        """The name that servers read. Of a cookie without one browsers send the value alone (RFC 6265bis, section
        5.8.3), and what stands before its "=" is a name then."""
        return self.name or self.value.lstrip("= \t").partition("=")[0].strip(_SPACE)

    def lifetime(self, at: float) -> float | None:
        """Seconds it lives when set at `at` (Unix seconds), or None for a session cookie. Max-Age wins over Expires."""
        if self.max_age is not None:
            return self.max_age
        return None if self.expires is None else self.expires - at

    def deletes(self, at: float) -> bool:
        """Whether it takes a cookie away rather than setting one."""
        lifetime = self.lifetime(at)
        return lifetime is not None and lifetime <= 0


def read_pair(text: str) -> RequestCookie:
    """One `name=value` of a Cookie header, white space around name and value dropped."""
    name, equals, value = text.partition("=")
    if not equals:
        return RequestCookie("", text.strip(_SPACE))
    return RequestCookie(name.strip(_SPACE), value.strip(_SPACE))


def read_cookie_header(value: str) -> tuple[RequestCookie, ...]:
    """Every pair of one `Cookie` field value, in order, duplicates kept."""
    return tuple([read_pair(part) for part in value.split(";") if part.strip(_SPACE)])


def set_cookies_in(value: str) -> list[str]:
    """The cookies that one `Set-Cookie` field value sets, each with its attributes.

    A line that is continued in the next one (obs-fold, which begins with white space) is one cookie, as browsers have
    it: the fold counts as a space (RFC 9112, section 5.2). Captures join several cookies with bare line feeds. A comma
    separates nothing: dates hold them, and browsers take what follows for a part of the attribute.
    """
    if "\n" not in value:
        return [value.strip("\r")] if value.strip("\r\t ") else []
    return [part.strip("\r") for part in _FOLD.sub(" ", value).split("\n") if part.strip("\r\t ")]


_FOLD = re.compile(r"\r*\n[ \t]+")


def read_set_cookie(value: str) -> SetCookie:
    """One `Set-Cookie` field value. As in browsers, unknown and overlong attributes and unreadable dates do nothing."""
    pair, _, rest = value.partition(";")
    cookie = read_pair(pair)
    expires: float | None = None
    max_age: int | None = None
    texts = {"domain": "", "path": "", "samesite": ""}
    flags = dict.fromkeys(("secure", "httponly", "partitioned"), False)
    for part in rest.split(";"):
        key, _, text = part.partition("=")
        key, text = key.strip(_SPACE).lower(), text.strip(_SPACE)
        if len(text) > _ATTRIBUTE_LIMIT:
            continue
        if key == "expires":
            moment = read_cookie_date(text)
            expires = moment if moment is not None else expires
        elif key == "max-age":
            max_age = _read_max_age(text) if _MAX_AGE.fullmatch(text) else max_age
        elif key in texts:
            texts[key] = text
        elif key in flags:
            flags[key] = True
    return SetCookie(
        name=cookie.name,
        value=cookie.value,
        expires=expires,
        max_age=max_age,
        domain=texts["domain"].lstrip(".").lower(),
        path=texts["path"],
        secure=flags["secure"],
        http_only=flags["httponly"],
        same_site=texts["samesite"].lower(),
        partitioned=flags["partitioned"],
    )


_MAX_AGE = re.compile(r"-?[0-9]+")
# A century: longer is the same as forever to every browser, and int() of a megabyte of digits is slow.
_MAX_AGE_LIMIT = 100 * 366 * 86_400


def _read_max_age(text: str) -> int:
    if text.startswith("-"):
        return 0
    digits = text.lstrip("0")
    return min(int(digits or "0"), _MAX_AGE_LIMIT) if len(digits) < 12 else _MAX_AGE_LIMIT


_DELIMITERS = re.compile(r"[\x09\x20-\x2f\x3b-\x40\x5b-\x60\x7b-\x7e]+")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[^0-9].*)?", re.DOTALL)
_DAY = re.compile(r"([0-9]{1,2})(?:[^0-9].*)?", re.DOTALL)
_YEAR = re.compile(r"([0-9]{2,4})(?:[^0-9].*)?", re.DOTALL)
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, 1)}
# As servers write it (RFC 9110, section 5.6.7), and with hyphens as many did before; read by the rules below it is the
# same.
_USUAL_DATE = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ([0-9]{2})[ -]([A-Z][a-z]{2})[ -]([1-9][0-9]{3})"
    r" ([0-9]{2}):([0-9]{2}):([0-9]{2}) GMT"
)
_MONTHS_AS_WRITTEN = {name.title(): number for name, number in _MONTHS.items()}


def read_cookie_date(text: str) -> float | None:
    """A cookie date as Unix seconds, or None where RFC 6265 section 5.1.1 gives up on it."""
    if (usual := _USUAL_DATE.fullmatch(text)) and usual[2] in _MONTHS_AS_WRITTEN:
        day, named, year, hour, minute, second = usual.groups()
        return _moment(int(year), _MONTHS_AS_WRITTEN[named], int(day), (int(hour), int(minute), int(second)))
    time: tuple[int, int, int] | None = None
    day = month = year = None
    for token in _DELIMITERS.split(text):
        if time is None and (found := _TIME.fullmatch(token)):
            time = (int(found[1]), int(found[2]), int(found[3]))
        elif day is None and (found := _DAY.fullmatch(token)):
            day = int(found[1])
        elif month is None and token[:3].lower() in _MONTHS:
            month = _MONTHS[token[:3].lower()]
        elif year is None and (found := _YEAR.fullmatch(token)):
            year = int(found[1])
    if time is None or day is None or month is None or year is None:
        return None
    if year < 100:
        year += 1900 if year >= 70 else 2000
    return _moment(year, month, day, time)


def _moment(year: int, month: int, day: int, time: tuple[int, int, int]) -> float | None:
    hour, minute, second = time
    if not (1 <= day <= 31 and 1601 <= year <= 9999 and hour <= 23 and minute <= 59 and second <= 59):
        return None
    if day > calendar.monthrange(year, month)[1]:
        return None
    return float(calendar.timegm((year, month, day, hour, minute, second, 0, 0, 0)))
