"""In which coding a page is read, so that no browser reads it in another.

May go in here: what the first bytes, the header and the page itself say of its coding; its bytes as text, and the other
way round. May not: what is put into a page (`page.py`), how ISO-2022-JP switches (`iso_2022_jp.py`), HTTP.

In most codings, bytes that look like markup are markup. Where they may not be, in forms of UTF-16 and in ISO-2022-JP,
one coding is chosen, as browsers do (Encoding standard, section 6.1; HTML standard, section 13.2.3.2), and where
anything could be taken for something else, the header is to say which.
"""

import re
from dataclasses import dataclass
from typing import Final

from cmp.wire import iso_2022_jp

# Labels of UTF-16 and ISO-2022-JP (Encoding standard, section 4.2).
_WIDE: Final = re.compile(r"charset\s*=\s*[\"']?\s*(?:utf-16|ucs-2|unicode|csunicode|iso-10646-ucs-2)", re.IGNORECASE)
_SWITCHING: Final = re.compile(r"\s*[\"']?\s*(?:cs)?iso-?2022-?jp", re.IGNORECASE)
# Nothing beside that one label, so that nobody can read it another way.
_UTF_16: Final = re.compile(
    r"[^,;=\"']*;\s*charset=\"?(?:(?P<big>utf-16be|unicodefffe)|utf-16(?:le)?|ucs-2|unicode(?:feff)?|csunicode"
    r"|iso-10646-ucs-2)\"?\s*",
    re.IGNORECASE,
)
_ISO_2022_JP: Final = re.compile(r"[^,;=\"']*;\s*charset=\"?(?:csiso2022jp|iso-2022-jp)\"?\s*", re.IGNORECASE)
_UTF_8: Final = re.compile(r"charset\s*=\s*[\"']?\s*utf-?8\s*(?:[\"';,]|$)", re.IGNORECASE)
_LABEL: Final = re.compile(r"charset\s*=\s*[\"']?\s*([^\s\"';,/>]*)", re.IGNORECASE)
_SWITCHED: Final = "iso-2022-jp"
_SWITCHING_LABELS: Final = frozenset({"csiso2022jp", _SWITCHED})
# Of the others those in use, in all of which ASCII is ASCII.
_PLAIN_LABELS: Final = frozenset(
    {
        *("utf-8", "utf8", "us-ascii", "latin1", "koi8-r", "koi8-u", "ibm866", "macintosh", "tis-620", "windows-874"),
        *(f"iso-8859-{number}" for number in range(1, 17)),
        *(f"windows-125{number}" for number in range(9)),
        *("shift_jis", "sjis", "x-sjis", "windows-31j", "euc-jp", "euc-kr", "ks_c_5601-1987"),
        *("gb2312", "gbk", "x-gbk", "gb18030", "big5", "big5-hkscs"),
    }
)
# Which a page says before anything else, whatever its header says (Encoding standard, section 6.1).
_BYTE_ORDER: Final = ((b"\xef\xbb\xbf", ""), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_WIDE_MARKUP: Final = {b"<\0": "utf-16-le", b"\0<": "utf-16-be"}
# What switches ISO-2022-JP to another set. A page may name its coding in a meta tag, or leave it to be guessed.
_ESCAPE: Final = b"\x1b"
_ESCAPES: Final = (_ESCAPE + b"$", _ESCAPE + b"(")


@dataclass(frozen=True, slots=True)
class ReadablePage:
    """A page whose every byte is one character of `text`: of its own bytes, or, where `coding` names a form of UTF-16,
    of the same in UTF-8, or in ISO-2022-JP of what `iso_2022_jp.py` makes of them.

    `to_say`: the label that its header has to have; "" where it is read so by everybody.
    """

    text: str
    coding: str = ""
    to_say: str = ""

    def in_its_coding(self, text: str) -> bytes:
        """The page with another text, in the coding that it came in. What stays of the text stays byte for byte."""
        if self.coding == _SWITCHED:
            return iso_2022_jp.as_sent(text)
        data = text.encode("latin-1")
        return _recoded(data, "utf-8", self.coding) if self.coding else data


def readable_page(data: bytes, media_types: str = "") -> ReadablePage:
    """The page to be read as ASCII. `media_types` are the values of its Content-Type fields."""
    coding = next((coding for mark, coding in _BYTE_ORDER if data.startswith(mark)), None)
    if coding is None and (named := _UTF_16.fullmatch(media_types)):
        coding = "utf-16-be" if named["big"] else "utf-16-le"
    if coding:
        return _wide_page(data, coding)
    if coding is None and _ISO_2022_JP.fullmatch(media_types):
        return ReadablePage(iso_2022_jp.as_read(data), _SWITCHED)
    if coding is None and (_WIDE.search(media_types) or _switches(data, media_types)):
        return _page_in_doubt(data, media_types)
    return ReadablePage(data.decode("latin-1"))


def is_of_utf_16(media_types: str) -> bool:
    """Whether the values of Content-Type fields name a form of UTF-16."""
    return _WIDE.search(media_types) is not None


def may_switch(label: str) -> bool:
    """Whether a browser may take that label for one of ISO-2022-JP."""
    return _SWITCHING.match(label) is not None


def _switches(data: bytes, media_types: str) -> bool:
    """Whether it is, or may be, of ISO-2022-JP."""
    if any(map(may_switch, _LABEL.findall(media_types))):
        return True
    # One byte is looked for many times as fast as two.
    return _ESCAPE in data and any(sign in data for sign in _ESCAPES) and not _UTF_8.search(media_types)


def _page_in_doubt(data: bytes, media_types: str) -> ReadablePage:
    """The page in the first coding that its header or itself names. What reads it otherwise is told."""
    if _WIDE.search(media_types) and (coding := _WIDE_MARKUP.get(data[:2])):
        page = _wide_page(data, coding)
        return ReadablePage(page.text, coding, to_say=coding.replace("16-", "16"))
    text = data.decode("latin-1")
    labels = (label.lower() for label in _LABEL.findall(f"{media_types}\n{text}"))
    label = next((label for label in labels if label in _PLAIN_LABELS or label in _SWITCHING_LABELS), None)
    if label in _SWITCHING_LABELS:
        return ReadablePage(iso_2022_jp.as_read(data), _SWITCHED, to_say=_SWITCHED)
    # Nobody guesses that a page may be of ISO-2022-JP any more, as that was used to hide markup.
    return ReadablePage(text, to_say=label or ("utf-8" if _is_utf_8(data) else "windows-1252"))


def _wide_page(data: bytes, coding: str) -> ReadablePage:
    # Half a character at its end shows nothing but that it is one (Encoding standard, section 14.2.1).
    whole = data[: len(data) // 2 * 2]
    return ReadablePage(_recoded(whole, coding, "utf-8").decode("latin-1"), coding)


def _is_utf_8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _recoded(data: bytes, source: str, target: str) -> bytes:
    # Halves of a pair may stand alone, and come back so.
    return data.decode(source, "surrogatepass").encode(target, "surrogatepass")
