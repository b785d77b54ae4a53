"""The frame that every page of ours has, and the small parts that several pages share.

May go in here: markup that says nothing by itself. May not: texts, what a page is about.
"""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

from cmp.wire.words import spoken

STYLE_FILE: Final = "banner.css"


def page_html(title: str, content: Iterable[str], language: str, reserved: str) -> str:
    """A whole page; without `reserved` one that needs no file of ours. `title` is plain text, `content` markup."""
    style = f'<link rel="stylesheet" href="{escape(reserved)}{STYLE_FILE}">' if reserved else ""
    return in_ascii(
        f'<!doctype html>\n<html lang="{spoken(language)}">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{escape(title)}</title>\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta name="robots" content="noindex">\n<meta name="color-scheme" content="light dark">\n{style}\n</head>\n'
        '<body class="consentry-page">\n<main class="consentry">\n'
        + "\n".join(content)
        + "\n</main>\n</body>\n</html>\n"
    )


def in_ascii(text: str) -> str:
    """Markup that stands in a page of any ASCII-compatible encoding: other characters as references."""
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


def hidden(values: Mapping[str, str]) -> list[str]:
    """Hidden fields of a form; none for an empty value."""
    return [f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in values.items() if value]


def status(message: str) -> str:
    # Always there, empty at first: screen readers announce what changes in a region they know (WCAG 4.1.3).
    return f'<p class="consentry-status" role="status">{escape(message)}</p>'
