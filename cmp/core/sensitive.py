"""Data that may be told by its form: card numbers, US social-security numbers, places, e-mail addresses.

May go in here: how each is recognised in a value and its names. May not: how a request is read into members
(`members.py`), where the data may go (`decide.py`).

A false alarm stops somebody's request, so a number alone is not enough: the form, the check digit and the issuer must
fit, and a member that is called an id, a time or a random number counts only where the number is written in groups as
cards are. Not known: numbers of other countries' social insurance, places as whole microdegrees, anything encrypted or
hashed, and what a page sends in a form of its own.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from cmp.core.identifiers import identifies
from cmp.core.members import Member, members_of_body, members_of_piece, members_of_text, members_of_url
from cmp.core.urls import Url

CARD_NUMBER = "card-number"
SOCIAL_SECURITY_NUMBER = "social-security-number"
COORDINATES = "coordinates"
EMAIL_ADDRESS = "email-address"
KINDS = frozenset({CARD_NUMBER, SOCIAL_SECURITY_NUMBER, COORDINATES, EMAIL_ADDRESS})


def find_sensitive(text: str) -> frozenset[str]:
    """The kinds of data found in a text: a URL, a form, JSON (nested, and in strings) or a message."""
    return find_in_members(members_of_text(text))


def find_in_url(url: Url) -> frozenset[str]:
    """The kinds found in path and query, percent-decoded once and twice."""
    return find_in_members(members_of_url(url))


def find_in_body(body: bytes, content_type: str) -> frozenset[str]:
    """The kinds found in a request's body, without its Content-Encoding; `content_type` is the header as sent.

    The first mebibyte is read. Between bytes that are no text only longer runs of readable characters are looked
    at. JSON in Base64 is read where it stands as a whole value, as measurement tags send it.
    """
    return find_in_members(members_of_body(body, content_type))


def find_in_piece(text: str) -> frozenset[str]:
    """The kinds found in a part of a body that is too long to be read as a whole.

    Names are taken from what stands before a value; a latitude counts with a longitude of the same part only.
    """
    return find_in_members(members_of_piece(text))


def find_in_members(members: Iterable[Member]) -> frozenset[str]:
    """The kinds found in what was read already."""
    found: set[str] = set()
    latitudes: set[tuple[str, ...]] = set()
    longitudes: set[tuple[str, ...]] = set()
    for member in members:
        value = member.value
        if "@" in value:
            if EMAIL_ADDRESS not in found and _has_address(value):
                found.add(EMAIL_ADDRESS)
            if COORDINATES not in found and _has_map_place(value):
                found.add(COORDINATES)
        if len(value) < _SHORTEST_VALUE or not _DIGIT.search(value):
            continue
        if CARD_NUMBER not in found and _TWELVE.search(value) and _has_card(member):
            found.add(CARD_NUMBER)
        if SOCIAL_SECURITY_NUMBER not in found and _NINE.search(value) and _has_social_security_number(member):
            found.add(SOCIAL_SECURITY_NUMBER)
        if COORDINATES not in found and member.names and "." in value and len(value) <= _PLACE_AT_MOST:
            words = _words(member.names[-1])
            if _is_pair(value, words):
                found.add(COORDINATES)
            elif key := _degree(member, words, _LATITUDE_WORDS, 90):
                latitudes.add(key)
            elif key := _degree(member, words, _LONGITUDE_WORDS, 180):
                longitudes.add(key)
    if latitudes & longitudes:
        found.add(COORDINATES)
    return frozenset(found)


_DIGIT = re.compile("[0-9]")
# Most values have no such row of digits, and are done with.
_TWELVE = re.compile(r"(?:[0-9][ .+\u00a0-]?){12}")
_NINE = re.compile(r"(?:[0-9][ -]?){9}")
_SHORTEST_VALUE = 4
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def _words(name: str) -> tuple[str, ...]:
    """The words of a name in lower case: "geoLat", "geo_lat" and "geo[lat]" are geo and lat."""
    return tuple(word.lower() for word in _WORD.findall(name[-200:]))


# -- card numbers (ISO/IEC 7812: the first digits tell the issuer, the last is a check digit)

# First and last prefix, and how many digits numbers of it have.
_ISSUERS: tuple[tuple[str, str, frozenset[int]], ...] = (
    ("4", "4", frozenset({16})),  # Visa; 13 and 19 digits only under a name that says so
    ("51", "55", frozenset({16})),  # Mastercard
    ("2221", "2720", frozenset({16})),
    ("34", "34", frozenset({15})),  # American Express
    ("37", "37", frozenset({15})),
    ("6011", "6011", frozenset({16})),  # Discover
    ("644", "649", frozenset({16})),
    ("65", "65", frozenset({16})),
    ("36", "36", frozenset({14})),  # Diners Club
    ("38", "39", frozenset({14})),
    ("300", "305", frozenset({14})),
    ("3528", "3589", frozenset({16})),  # JCB
    ("62", "62", frozenset({16, 19})),  # UnionPay
    ("5018", "5018", frozenset({16, 18, 19})),  # Maestro, the prefixes in use
    ("5020", "5020", frozenset({16, 18, 19})),
    ("5038", "5038", frozenset({16, 18, 19})),
    ("5893", "5893", frozenset({16, 18, 19})),
    ("6304", "6304", frozenset({16, 18, 19})),
    ("6759", "6763", frozenset({16, 18, 19})),
    ("2200", "2204", frozenset({16})),  # Mir
)
# Under a name that says card: every length there is, and the whole range of Maestro and the rest.
_NAMED_LENGTHS = range(12, 20)
_NAMED_FIRST = "23456"
# Groups as they are printed on cards. 13 and 19 digits: Visa and UnionPay; 4-6-5 American Express, 4-6-4 Diners Club.
_LAYOUTS = frozenset({(4, 4, 4, 4), (4, 6, 5), (4, 6, 4), (4, 4, 4, 1), (4, 4, 4, 4, 3), (4, 4, 4, 4, 2), (6, 13)})
# By the length of the first group: most groups begin no layout, and are done with.
_LAYOUTS_BY_FIRST = {
    first: tuple(sorted((layout for layout in _LAYOUTS if layout[0] == first), key=len))
    for first in {layout[0] for layout in _LAYOUTS}
}
# So many groups of one run of digits are looked at. Nobody types so many, and the event loop waits for each.
_GROUPS_AT_MOST = 4_096
# Characters of the shortest number that counts without a name: 14 digits, or 13 and what separates them.
_SHORTEST = 14

_SEPARATOR = " +\u00a0-"
_DIGITS_IN_GROUPS = re.compile(rf"[0-9]++(?:[{_SEPARATOR}][0-9]++)*+")
_WHOLE_NUMBER = re.compile(rf"\s*+([0-9](?:[.{_SEPARATOR}]*+[0-9])*+)\s*+")
# What comes before a number and makes it a part of something longer.
_JOINED = re.compile(r"[\w.]$|\w-$")
# What comes behind a number and makes it a part of something longer; a full stop at the end of a sentence does not.
_GOES_ON = re.compile(r"[\w]|\.[0-9]|-[\w]")
_NAME_BEFORE = re.compile(r"([A-Za-z_$][\w.$\[\]-]{0,63})[\"'\\]{0,4}\s{0,4}[:=]\s{0,4}[\"'\\]{0,4}$")

_CARD_WORDS = frozenset(
    {
        *("card", "cardnumber", "cardnum", "cardno", "pan", "cc", "ccnum", "ccnumber", "ccno", "ccn", "creditcard"),
        *("debitcard", "creditcardnumber", "paymentcard", "kartennummer", "kreditkarte"),
    }
)
# Names that number things: a random number of 16 digits has the form of a card number in one case of thirty.
_NUMBERING = frozenset(
    {
        *("id", "ids", "key", "hash", "ts", "time", "timestamp", "date", "rnd", "rand", "random", "cb", "cache", "ord"),
        *("nonce", "seq", "t", "z", "correlator", "token", "sig", "signature", "session", "visitor", "ean", "gtin"),
        *("isbn", "sku", "upc", "barcode", "imei", "tracking", "order", "version", "v", "ver", "build"),
        *("buster",),
        *(
            "cachebuster",
            "bust",
            "checksum",
            "etag",
            "trace",
            "span",
            "ref",
            "code",
            "item",
            "product",
            "asin",
            "pixel",
        ),
    }
)


def _has_card(member: Member) -> bool:
    value = member.value
    numbering = bool(member.names) and _numbers_things(member.names[-1])
    if not numbering and _says_card(member.names) and len(value) <= 64 and (whole := _WHOLE_NUMBER.fullmatch(value)):
        digits = "".join(_DIGIT.findall(whole[1]))
        if len(digits) in _NAMED_LENGTHS and digits[0] in _NAMED_FIRST and luhn(digits):
            return True
    return any(
        grouped or not (member.in_path or numbering or _numbered_before(value, at))
        for at, grouped in _card_numbers(value)
    )


def _card_numbers(text: str) -> Iterator[tuple[int, bool]]:
    """Where numbers stand that are card numbers by their own form, and whether they are written in groups."""
    for run in _DIGITS_IN_GROUPS.finditer(text):
        if run.end() - run.start() < _SHORTEST:
            continue
        groups = list(islice(_DIGIT_RUN.finditer(text, run.start(), run.end()), _GROUPS_AT_MOST + 1))
        # "v2 4111 ...": a group that is part of a word is none, the others may be. Nor is one that was not looked at.
        first = 1 if _JOINED.search(text[max(run.start() - 2, 0) : run.start()]) else 0
        whole = len(groups) <= _GROUPS_AT_MOST and not _GOES_ON.match(text, run.end())
        last = len(groups) - (0 if whole else 1)
        lengths = tuple(group.end() - group.start() for group in groups)
        for index in range(first, last):
            yield from _from_group(text, groups, lengths, index, last)


def _from_group(
    text: str, groups: list[re.Match[str]], lengths: tuple[int, ...], index: int, last: int
) -> Iterator[tuple[int, bool]]:
    start = groups[index].start()
    for layout in ((lengths[index],), *_LAYOUTS_BY_FIRST.get(lengths[index], ())):
        count = len(layout)
        if index + count > last or lengths[index : index + count] != layout:
            continue
        window = groups[index : index + count]
        if len({text[group.start() - 1] for group in window[1:]}) > 1:
            return
        # A hyphen joins: what stands beside it is part of the same thing. After a space a date may follow.
        beside = (text[start - 1 : start] if index else "") + (text[window[-1].end() : window[-1].end() + 1])
        if "-" not in beside and _is_card("".join(group[0] for group in window), grouped=count > 1):
            yield start, count > 1


_DIGIT_RUN = re.compile("[0-9]+")


def _is_card(digits: str, *, grouped: bool) -> bool:
    if len(digits) < _SHORTEST - 1 or len(digits) > max(_NAMED_LENGTHS):
        return False
    fits = any(
        first <= digits[: len(first)] <= last and (grouped or len(digits) in lengths)
        for first, last, lengths in _ISSUERS
    )
    return fits and luhn(digits)


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others (ISO/IEC 7812-1, annex B)."""
    doubled = sum(_DOUBLED[int(digit)] for digit in digits[-2::-2])
    return (doubled + sum(int(digit) for digit in digits[-1::-2])) % 10 == 0


_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def _says_card(names: tuple[str, ...]) -> bool:
    return any(not _CARD_WORDS.isdisjoint(words) or "".join(words) in _CARD_WORDS for words in map(_words, names[-3:]))


def _numbers_things(name: str) -> bool:
    words = _words(name)
    if not words:
        # "_" and the like: what keeps an answer from being cached.
        return bool(name)
    return words[-1] in _NUMBERING or words[-1].endswith(("id", "ids")) or identifies(name)


def _numbered_before(text: str, at: int) -> bool:
    """Whether a number in running text has a name before it that numbers things, or is a segment of a path."""
    before = text[max(0, at - 80) : at]
    if before.endswith("/"):
        return True
    named = _NAME_BEFORE.search(before)
    return named is not None and _numbers_things(named[1])


# -- US social-security numbers (Social Security Administration, POMS RM 10201.035: what was never assigned)

_GROUPED_SSN = re.compile(r"(?<![\w.+/-])([0-9]{3})([- ])([0-9]{2})\2([0-9]{4})(?![\w/-]|\.[0-9]|[ +][0-9])")
_BARE_SSN = re.compile(r"\s*([0-9]{3})([0-9]{2})([0-9]{4})\s*")
_SSN_CUE = re.compile(r"\bssn\b|social\s?security", re.IGNORECASE)
# Characters, before and behind a number, in which a cue may stand.
_CUE_BEFORE, _CUE_BEHIND = 40, 20


def _has_social_security_number(member: Member) -> bool:
    value = member.value
    words = _words(member.names[-1]) if member.names else ()
    said = "ssn" in words or "social" in words or "".join(words).startswith(("ssn", "socialsecurity"))
    if said and (bare := _BARE_SSN.fullmatch(value)) and _assigned(bare[1], bare[2], bare[3]):
        return True
    for found in _GROUPED_SSN.finditer(value):
        if not _assigned(found[1], found[3], found[4]):
            continue
        # Three numbers with spaces between them stand in many texts: there they must be the whole, or be named.
        if found[2] == "-" or said or value.strip() == found[0] or _has_cue(value, found):
            return True
    return False


def _has_cue(text: str, number: re.Match[str]) -> bool:
    """Whether the text beside a number says what it is: near on both sides, as the work must stay linear."""
    start, end = number.span()
    before = _SSN_CUE.search(text, max(0, start - _CUE_BEFORE), start)
    return before is not None or _SSN_CUE.search(text, end, end + _CUE_BEHIND) is not None


def _assigned(area: str, group: str, serial: str) -> bool:
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


# -- places: a latitude and a longitude, in degrees with at least two decimals (about a kilometre)

_LATITUDE_WORDS = frozenset({"lat", "latitude"})
_LONGITUDE_WORDS = frozenset({"lon", "lng", "long", "longitude"})
_PAIR_WORDS = frozenset(
    {
        *("latlng", "latlon", "latlong", "lnglat", "lonlat", "ll", "sll", "geo", "geolocation", "geoloc", "coord"),
        *(
            "coords",
            "coordinate",
            "coordinates",
            "gps",
            "location",
            "loc",
            "position",
            "pos",
            "point",
            "near",
            "center",
        ),
    }
)
# Places on a screen are called so as well; those have no four decimals.
_ALSO_ON_SCREENS = frozenset({"position", "pos", "point", "center", "loc"})
_DEGREES = re.compile(r"\s*([+-]?[0-9]{1,3}\.[0-9]{2,20})\s*")
_PAIR = re.compile(
    r"\s*(?:geo:|point\()?\s*([+-]?[0-9]{1,3}\.[0-9]{2,20})(?:\s*[,;|]\s*|\s+)([+-]?[0-9]{1,3}\.[0-9]{2,20})"
    r"(?:[,;|\s)].{0,40})?",
    re.IGNORECASE,
)
_PLACE_AT_MOST = 120
# The place in the address of a map: ".../@52.5200,13.4050,15z".
_MAP_PLACE = re.compile(r"@(-?[0-9]{1,2}\.[0-9]{3,20}),(-?[0-9]{1,3}\.[0-9]{3,20})")


def _degree(member: Member, words: tuple[str, ...], wanted: frozenset[str], most: int) -> tuple[str, ...]:
    """What a latitude and its longitude have in common: their names without the word that tells them apart."""
    at = next((index for index, word in enumerate(words) if word in wanted or word.endswith(_LONG_ENDINGS[most])), -1)
    if at < 0 or not (found := _DEGREES.fullmatch(member.value)) or abs(float(found[1])) > most:
        return ()
    if not float(found[1]):
        return ()
    return (*member.names[:-1], *words[:at], "*", *words[at + 1 :])


_LONG_ENDINGS = {90: "latitude", 180: "longitude"}


def _is_pair(value: str, words: tuple[str, ...]) -> bool:
    named = {*words, "".join(words)} & _PAIR_WORDS
    if not named or not (found := _PAIR.fullmatch(value)):
        return False
    if named <= _ALSO_ON_SCREENS and min(len(part.partition(".")[2]) for part in found.groups()) < 3:
        return False
    return _on_earth(float(found[1]), float(found[2]))


def _on_earth(one: float, other: float) -> bool:
    """Whether the two can be a place, in either order; 0,0 is what programs write for no place."""
    return bool(one or other) and min(abs(one), abs(other)) <= 90 and max(abs(one), abs(other)) <= 180


def _has_map_place(text: str) -> bool:
    return any(_on_earth(float(found[1]), float(found[2])) for found in _MAP_PLACE.finditer(text))


# -- e-mail addresses (the forms that mail systems give out, not all that RFC 5322 allows)

_LOCAL = re.compile(r"(?<![\w.+-])[\w.+-]++@")
_DOMAIN = re.compile(r"((?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,8})([A-Za-z]{2,24}|xn--[a-z0-9-]{2,59})(?![\w@-])")
_LOCAL_AT_MOST = 64
_DOMAIN_AT_MOST = 255
# "logo@2x.png", "library@3.min.js": files.
_FILE_ENDINGS = frozenset(
    {
        *("png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "css", "js", "mjs", "cjs", "ts", "map", "json"),
        *("html", "htm", "php", "xml", "txt", "woff", "ttf", "otf", "eot", "mp", "pdf", "zip", "gz"),
    }
)
_USER_OF_A_URL = re.compile(r"//[^/?#&=@\s]{0,128}$")


def without_addresses(text: str) -> str:
    """The text with every e-mail address in it taken out."""
    if "@" not in text:
        return text
    kept, end = [], 0
    for start, stop in _addresses(text):
        kept.append(text[end:start])
        end = stop
    return "".join([*kept, text[end:]])


def _has_address(text: str) -> bool:
    return next(_addresses(text), None) is not None


def _addresses(text: str) -> Iterator[tuple[int, int]]:
    """Where the addresses in a text begin and end."""
    for local in _LOCAL.finditer(text):
        if len(local[0]) > _LOCAL_AT_MOST + 1 or not local[0].strip(".-+_@"):
            continue
        domain = _DOMAIN.match(text, local.end(), local.end() + _DOMAIN_AT_MOST)
        if domain is None or domain[2].lower() in _FILE_ENDINGS:
            continue
        if not _USER_OF_A_URL.search(text[max(0, local.end() - 132) : local.end() - 1]):
            yield local.start(), domain.end()
