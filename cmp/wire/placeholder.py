"""What stands in a page where a denied vendor's frame would have been.

May go in here: the markup of the placeholder. May not: whether there is one (`html.py`) and what the page behind it
says (`banner.embed_html`).

A vendor the policy knows gets a frame of our own (`{reserved}embed/VENDOR`), which speaks the visitor's language and
offers to load it, once or always; a host nobody knows gets a sentence.
"""

from html import escape
from typing import Final
from urllib.parse import quote

from cmp.core.decision import Ruling
from cmp.wire.words import spoken

_UNKNOWN: Final = {
    "en": "{host}: not loaded, because this site has not said what it is for.",
    "de": "{host}: nicht geladen, weil diese Seite nicht gesagt hat, wozu es dient.",
}


def embed_path(vendor: str, reserved: str, url: str = "") -> str:
    """Where the page for a vendor that was not loaded stands; `url` is what would have been there."""
    of = f"?of={quote(url, safe='')}" if url else ""
    return f"{reserved}embed/{quote(vendor, safe='')}{of}"


def frame_attributes(ruling: Ruling, host: str, language: str, reserved: str, url: str = "") -> str:
    """The attributes that fill a frame with the placeholder, ready to stand in a tag. ASCII, values quoted."""
    if ruling.vendor is not None:
        return f'src="{escape(embed_path(ruling.vendor, reserved, url))}"'
    text = escape(_UNKNOWN[spoken(language)].format(host=host))
    page = f'<!doctype html><html lang="{spoken(language)}"><title>{text}</title><p>{text}</p>'
    return f'srcdoc="{_ascii(escape(page))}"'


def frame(ruling: Ruling, host: str, language: str, reserved: str, url: str = "") -> str:
    """A whole frame, for elements that cannot hold the placeholder themselves (`object`, `embed`)."""
    attributes = frame_attributes(ruling, host, language, reserved, url)
    return f'<iframe class="consentry-embed" title="{_ascii(escape(host))}" {attributes}></iframe>'


def _ascii(text: str) -> str:
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")
