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
    r"[\x00- ]*+data: *(?P<type>text/html[^,]*?)(?P<coded>; *base64 *)?,(?P<page>[^#]*+)", re.IGNORECASE
)
# In these ASCII is no ASCII.
_WIDE: Final = re.compile("utf-?16|ucs|unicode", re.IGNORECASE)
_RUNS: Final = re.compile(r"script|\bon[a-z]+\s*=|srcdoc|data:", re.IGNORECASE)
# What may stand in an address as it is.
_KEPT: Final = "!$&'()*+,;=:@/?-._~"


class DataPage(NamedTuple):
    """`type` with its parameters, and the page's bytes as Latin-1 text."""

    type: str
    text: str

    @property
    def runs_code(self) -> bool:
        return _RUNS.search(unescape(self.text)) is not None

    def address(self) -> str:
        return f"data:{self.type},{quote(self.text, _KEPT, 'latin-1')}"


def data_page(address: str) -> DataPage | None:
    """The page in an address, a Latin-1 text; None where there is none, or one in a coding that does not begin with
    ASCII."""
    found = _ADDRESS.match(_BREAKS.sub("", address))
    if found is None or _WIDE.search(found["type"]):
        return None
    page = unquote_to_bytes(found["page"].encode("latin-1", "replace"))
    if found["coded"]:
        try:
            page = base64.b64decode(page.translate(None, b" \f").rstrip(b"=") + b"==")
        except ValueError:
            # To a browser it is no page either (Infra standard, section 6, "forgiving-base64 decode").
            return None
    return DataPage(found["type"], page.decode("latin-1"))
