"""What the banner, the preferences page and the placeholders say, in the languages they speak.

May go in here: texts as one table, and choosing a language. May not: HTML, policy texts (they come from the policy and
are chosen with `text_of`).
"""

from collections.abc import Mapping, Sequence
from typing import Final

# Each row: what it is for, then the text in each language. `{...}` is filled in by the caller, escaped.
_TABLE: Final[tuple[tuple[str, str, str], ...]] = (
    ("title", "Your privacy choices", "Ihre Datenschutz-Auswahl"),
    (
        "sentence",
        "With your consent, this site lets other companies help it. It works fully without.",
        "Mit Ihrer Einwilligung lässt sich diese Seite von anderen Firmen helfen. Sie funktioniert auch ohne.",
    ),
    ("accept", "Accept all", "Alle annehmen"),
    ("refuse", "Refuse all", "Alle ablehnen"),
    ("choose", "Choose", "Auswählen"),
    ("save", "Save choice", "Auswahl speichern"),
    ("reopen", "Privacy choices", "Datenschutz-Auswahl"),
    ("details", "All companies and your rights", "Alle Firmen und Ihre Rechte"),
    ("table", "What it is about", "Worum es geht"),
    ("purpose", "Purpose", "Zweck"),
    ("why", "Why", "Warum"),
    ("retention", "How long", "Wie lange"),
    ("vendors", "Who receives data", "Wer Daten erhält"),
    ("always", "always on", "immer an"),
    ("nobody", "this site only", "nur diese Seite"),
    ("unstated", "not stated", "nicht angegeben"),
    ("more", "and {count} more", "und {count} weitere"),
    ("nowhere", "country not known", "Land nicht bekannt"),
    ("site-itself", "the site itself", "die Seite selbst"),
    ("signal", "Opt-out request honoured ({signals}).", "Widerspruch beachtet ({signals})."),
    (
        "signal-override",
        "If you accept all the same, that holds for this site.",
        "Wenn Sie trotzdem annehmen, gilt das für diese Seite.",
    ),
    (
        "no-cookies",
        "Your browser keeps no cookies, so no choice can be remembered: everything optional stays off.",
        "Ihr Browser speichert keine Cookies, also kann keine Auswahl behalten werden: Alles Freiwillige bleibt aus.",
    ),
    ("answer-title", "Answer to your choice", "Antwort auf Ihre Auswahl"),
    ("saved", "Your choice is saved.", "Ihre Auswahl ist gespeichert."),
    (
        "saved-next",
        "It holds from the next page on, or when you load this page again.",
        "Sie gilt ab der nächsten Seite oder wenn Sie diese Seite neu laden.",
    ),
    (
        "failed",
        "Your choice could not be saved. Everything optional stays off; please try again.",
        "Ihre Auswahl konnte nicht gespeichert werden. Alles Freiwillige bleibt aus; bitte versuchen Sie es erneut.",
    ),
    (
        "unguarded",
        "This page is not shown, because what keeps your privacy choices in it could not be loaded.",
        "Diese Seite wird nicht gezeigt, weil der Schutz Ihrer Datenschutz-Auswahl nicht geladen werden konnte.",
    ),
    ("reload", "Load it again", "Neu laden"),
    ("back", "Back to the page", "Zurück zur Seite"),
    (
        "withdraw",
        "You can change your mind at any time: refuse here what you accepted before.",
        "Sie können Ihre Meinung jederzeit ändern: Lehnen Sie hier ab, was Sie vorher angenommen haben.",
    ),
    (
        "reach",
        "We then delete the cookies on this site. Cookies that other companies keep on their own sites are out of our "
        "reach: your browser’s settings can delete those.",
        "Wir löschen dann die Cookies auf dieser Seite. Cookies, die andere Firmen auf ihren eigenen Seiten halten, "
        "erreichen wir nicht: Sie löschen sie in den Einstellungen Ihres Browsers.",
    ),
    ("controller", "Responsible: {name}", "Verantwortlich: {name}"),
    ("contact", "Contact: {contact}", "Kontakt: {contact}"),
    ("single", "Single companies", "Einzelne Firmen"),
    ("embed-title", "{vendor}: not loaded", "{vendor}: nicht geladen"),
    (
        "embed-why",
        "This part of the page comes from {company} ({country}). It loads only with your consent, because loading it "
        "tells them that you are here.",
        "Dieser Teil der Seite kommt von {company} ({country}). Er wird nur mit Ihrer Einwilligung geladen, weil das "
        "Laden verrät, dass Sie hier sind.",
    ),
    ("embed-once", "Load {vendor} once", "{vendor} einmal laden"),
    ("embed-always", "Always load {vendor}", "{vendor} immer laden"),
    ("embed-choices", "All privacy choices", "Die ganze Datenschutz-Auswahl"),
)

LANGUAGES: Final = ("en", "de")
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    language: {row[0]: row[1 + at] for row in _TABLE} for at, language in enumerate(LANGUAGES)
}

# ISO 3166-1 alpha-2 codes that stand in the catalogue; any other is shown as its code.
_COUNTRY_TABLE: Final[tuple[tuple[str, str, str], ...]] = (
    ("AE", "United Arab Emirates", "Vereinigte Arabische Emirate"),
    ("AM", "Armenia", "Armenien"),
    ("AR", "Argentina", "Argentinien"),
    ("AT", "Austria", "Österreich"),
    ("AU", "Australia", "Australien"),
    ("BE", "Belgium", "Belgien"),
    ("BG", "Bulgaria", "Bulgarien"),
    ("BR", "Brazil", "Brasilien"),
    ("CA", "Canada", "Kanada"),
    ("CH", "Switzerland", "Schweiz"),
    ("CN", "China", "China"),
    ("CR", "Costa Rica", "Costa Rica"),
    ("CY", "Cyprus", "Zypern"),
    ("CZ", "Czechia", "Tschechien"),
    ("DE", "Germany", "Deutschland"),
    ("DK", "Denmark", "Dänemark"),
    ("EE", "Estonia", "Estland"),
    ("ES", "Spain", "Spanien"),
    ("FI", "Finland", "Finnland"),
    ("FR", "France", "Frankreich"),
    ("GB", "United Kingdom", "Vereinigtes Königreich"),
    ("GR", "Greece", "Griechenland"),
    ("HU", "Hungary", "Ungarn"),
    ("IE", "Ireland", "Irland"),
    ("IL", "Israel", "Israel"),
    ("IN", "India", "Indien"),
    ("IS", "Iceland", "Island"),
    ("IT", "Italy", "Italien"),
    ("JP", "Japan", "Japan"),
    ("KR", "South Korea", "Südkorea"),
    ("LT", "Lithuania", "Litauen"),
    ("LU", "Luxembourg", "Luxemburg"),
    ("LV", "Latvia", "Lettland"),
    ("MT", "Malta", "Malta"),
    ("MY", "Malaysia", "Malaysia"),
    ("NL", "Netherlands", "Niederlande"),
    ("NO", "Norway", "Norwegen"),
    ("NZ", "New Zealand", "Neuseeland"),
    ("PL", "Poland", "Polen"),
    ("PT", "Portugal", "Portugal"),
    ("RO", "Romania", "Rumänien"),
    ("RU", "Russia", "Russland"),
    ("SE", "Sweden", "Schweden"),
    ("SG", "Singapore", "Singapur"),
    ("SI", "Slovenia", "Slowenien"),
    ("TR", "Turkey", "Türkei"),
    ("TW", "Taiwan", "Taiwan"),
    ("UA", "Ukraine", "Ukraine"),
    ("US", "USA", "USA"),
    ("VN", "Vietnam", "Vietnam"),
)
_COUNTRIES: Final = {row[0]: dict(zip(LANGUAGES, row[1:], strict=True)) for row in _COUNTRY_TABLE}

# What the catalogue has as the company of cookies that common software of a site sets.
_SITE_ITSELF: Final = "The site itself"

# What a person's browser sends is at most a handful of languages; a longer header is somebody else's.
_HEADER_LIMIT: Final = 1_000


def spoken(language: str) -> str:
    """The language of the table for a language tag: its primary subtag where we speak it, else English."""
    primary = language.partition("-")[0].lower()
    return primary if primary in _WORDS else LANGUAGES[0]


def word(language: str, key: str) -> str:
    """The text for `key`. Raises KeyError for a key the table does not have."""
    return _WORDS[spoken(language)][key]


def country_name(language: str, code: str) -> str:
    """The country's name, its code where the table has no name, and words where nobody knows ("ZZ")."""
    if code == "ZZ":
        return word(language, "nowhere")
    return _COUNTRIES.get(code, {}).get(spoken(language), code)


def company_name(language: str, company: str) -> str:
    """The company's name, and words where the catalogue names no company: what every site sets by itself."""
    return word(language, "site-itself") if company == _SITE_ITSELF else company


def text_of(texts: Mapping[str, str], language: str) -> str:
    """A policy's text in the language nearest to `language`: the tag itself, its primary subtag, English, any.

    "" where there is none at all.
    """
    for tag in (language, language.partition("-")[0], LANGUAGES[0]):
        if tag in texts:
            return texts[tag]
    return next(iter(texts.values()), "")


def pick_language(accept_language: str, offered: Sequence[str]) -> str:
    """The language to answer in, of those offered; the first of them where the header asks for none.

    Accept-Language is read with quality values (RFC 9110, sections 12.4.2 and 12.5.4). A range fits a tag it is a
    prefix of (RFC 4647, section 3.3.1, basic filtering); "de-AT" also fits an offered "de", as people expect.
    Of ranges with the same quality the first in the header counts. Raises IndexError where nothing is offered.
    """
    if not accept_language:
        return offered[0]
    refused: set[str] = set()
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept_language[:_HEADER_LIMIT].split(",")):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = _quality(parameters)
        if not name or quality is None:
            continue
        if quality > 0:
            wanted.append((-quality, place, name))
        else:
            refused.add(name)
    left = [tag for tag in offered if not any(_fits(name, tag.lower()) for name in refused)]
    for _, _, name in sorted(wanted):
        if name == "*":
            if left:
                return left[0]
            continue
        for fits in (_fits, _shortened_fits):
            if found := next((tag for tag in left if fits(name, tag.lower())), None):
                return found
    return offered[0]


def _quality(parameters: Sequence[str]) -> float | None:
    """The weight of one range: 1 without one, None where it cannot be read."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() != "q":
            continue
        digits = value.strip()
        if not digits.isascii() or not digits.replace(".", "", 1).isdigit() or len(digits) > 5:
            return None
        quality = float(digits)
        return quality if quality <= 1 else None
    return 1.0


def _fits(name: str, tag: str) -> bool:
    return tag == name or tag.startswith(name + "-")


def _shortened_fits(name: str, tag: str) -> bool:
    return name.startswith(tag + "-")
