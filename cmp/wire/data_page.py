"""A page that stands whole in an address (`data:text/html,...`; RFC 2397 and Fetch standard, section 6).

May go in here: taking such an address apart and putting something first into its page. May not: what that is, and
judging what the address names (`judging.py`).
"""

import base64
import re
from html import unescape
from typing import Final, NamedTuple
from urllib.parse import quote, unquote_to_bytes

# A browser takes no notice of these in an address, wherever they stand (URL standard, section 4.4).
_BREAKS: Final = re.compile("[\t\n\r]")
_ADDRESS: Final = re.compile(
    r"[\x00- ]*+data: *(?P<type>[^,]*?)(?P<coded>; *base64 *)?,(?P<page>[^#]*+)", re.IGNORECASE
)
_HTML: Final = re.compile("text/html", re.IGNORECASE)
# What a browser may read as XML, in which our own markup would be none.
_XML: Final = re.compile("[^;]*(?:xml|xsl)", re.IGNORECASE)
# In these ASCII is no ASCII. A page can also say so by its first bytes (Encoding standard, section 6.1), or itself and
# then switches (section 12.2).
_WIDE: Final = re.compile("utf-?16|ucs|unicode|2022", re.IGNORECASE)
_SWITCHES: Final = re.compile("\x1b[$(]")
_WIDE_MARKS: Final = ("\xff\xfe", "\xfe\xff")
_RUNS: Final = re.compile(r"script|\bon[a-z]+\s*=|srcdoc|data:", re.IGNORECASE)
# What puts a document together of pieces.
_COMPOSES: Final = re.compile("<!entity", re.IGNORECASE)
# What may stand in an address as it is.
_KEPT: Final = "!$&'()*+,;=:@/?-._~"


class DataPage(NamedTuple):
    """`type` with its parameters, and the page's bytes as Latin-1 text."""

    type: str
    text: str

    @property
    def runs_code(self) -> bool:
        text = unescape(self.text)
        return any(_RUNS.search(way) is not None for way in (text, _BREAKS.sub("", text)))

    @property
    def is_wide(self) -> bool:
        return (
            _WIDE.search(self.type) is not None
            or self.text.startswith(_WIDE_MARKS)
            or _SWITCHES.search(self.text) is not None
        )

    def address(self) -> str:
        return f"data:{self.type},{quote(self.text, _KEPT, 'latin-1')}"


def data_page(address: str) -> DataPage | None:
    """The page in an address, a Latin-1 text; None where there is none, or one in a coding that does not begin with
    ASCII."""
    page = _document(address)
    return page if page is not None and _HTML.match(page.type) and not page.is_wide else None


def runs_unguarded(address: str) -> bool:
    """Whether in an address stands a document that may run code and that we cannot put our own markup into."""
    page = _document(address)
    if page is None:
        return False
    if _HTML.match(page.type):
        return page.is_wide
    return _XML.match(page.type) is not None and (
        page.is_wide or page.runs_code or _COMPOSES.search(page.text) is not None
    )


def _document(address: str) -> DataPage | None:
    found = _ADDRESS.match(_BREAKS.sub("", address))
    if found is None:
        return None
    page = unquote_to_bytes(found["page"].encode("latin-1", "replace"))
    if found["coded"]:
        try:
            page = base64.b64decode(page.translate(None, b" \f").rstrip(b"=") + b"==")
        except ValueError:
            # To a browser it is no page either (Infra standard, section 6, "forgiving-base64 decode").
            return None
    return DataPage(found["type"], page.decode("latin-1"))
