"""How facts of a policy are said to visitors: roles, bases, days, durations, changes, cookies.

May go in here: such words as one table, and putting values into them. May not: HTML, texts the policy itself has
(`words.text_of`), the controls of the banner (`words.py`).
"""

from collections.abc import Mapping
from typing import Final

from cmp.core.lifetimes import UNIT_SECONDS, read_lifetime
from cmp.core.policy import Category, Policy
from cmp.policy.changes import Change, ChangeKind
from cmp.wire.words import LANGUAGES, company_name, country_name, spoken, text_of

# Each row: what it is for, then the text in each language. `{...}` is filled in by the caller, escaped.
_TABLE: Final[tuple[tuple[str, str, str], ...]] = (
    ("who", "Who is responsible", "Wer verantwortlich ist"),
    ("role-controller", "Controller", "Verantwortlicher"),
    ("role-joint-controller", "Joint controller", "Gemeinsam Verantwortlicher"),
    ("role-processor", "Processor", "Auftragsverarbeiter"),
    (
        "role-client",
        "Client; its own privacy policy holds as well",
        "Auftraggeber; dessen eigene Datenschutzerklärung gilt ebenfalls",
    ),
    ("role-further", "Its policy holds as well", "Auch dessen Datenschutzerklärung gilt"),
    ("subjects", "Whom this is about: {subjects}.", "Um wen es geht: {subjects}."),
    ("kept-for", "Kept: {retention}", "Aufbewahrt: {retention}"),
    ("rests-on", "Basis: {basis}.", "Grundlage: {basis}."),
    ("rights-link", "How to use these rights", "So nutzen Sie diese Rechte"),
    ("notice-material-change", "Change", "Änderung"),
    ("notice-merger", "Change of ownership", "Wechsel des Eigentümers"),
    ("notice-incident", "Incident", "Vorfall"),
    ("notice-other", "Notice", "Hinweis"),
    ("changed", "What changed since your choice", "Was sich seit Ihrer Auswahl geändert hat"),
    (
        "changed-ask",
        "So what you allowed before no longer holds, and we ask you again: {categories}.",
        "Was Sie hier vorher erlaubt haben, gilt deshalb nicht mehr, und wir fragen neu: {categories}.",
    ),
    ("changed-more", "All changes", "Alle Änderungen"),
    ("announced", "What changes on {date}", "Was sich am {date} ändert"),
    ("changes-more", "and {count} more changes", "und {count} weitere Änderungen"),
    ("revision", "About this policy", "Zu dieser Datenschutzerklärung"),
    ("revised", "Last revised: {date}.", "Zuletzt überarbeitet: {date}."),
    ("version", "Version {version}.", "Fassung {version}."),
    ("effective", "In force since {date}.", "In Kraft seit {date}."),
    ("reviewed", "Last reviewed: {date}.", "Zuletzt geprüft: {date}."),
    (
        "security",
        "Found a weakness? Report it to {contact}",
        "Eine Schwachstelle gefunden? Melden Sie sie an {contact}",
    ),
    ("dnt", "Do Not Track: {statement}", "Do Not Track: {statement}"),
    (
        "minimum-age",
        "To accept you must be at least {age} years old.",
        "Annehmen darf nur, wer mindestens {age} Jahre alt ist.",
    ),
    (
        "features",
        "Parts of a page that need what you refuse, such as a video or a chat, then stay off.",
        "Teile einer Seite, die Abgelehntes brauchen, etwa ein Video oder ein Chat, bleiben dann aus.",
    ),
    ("holds", "Your choice holds for {time}; then we ask again.", "Ihre Auswahl gilt für {time}, dann fragen wir neu."),
    (
        "holds-apart",
        "What you accept holds for {granted}, what you refuse for {refused}; then we ask again.",
        "Was Sie annehmen, gilt für {granted}, was Sie ablehnen, für {refused}; dann fragen wir neu.",
    ),
    (
        "stays-off",
        "What is on until you refuse it stays off once you did.",
        "Was an ist, bis Sie es ablehnen, bleibt danach aus.",
    ),
    ("until-refused", "on until you refuse", "an, bis Sie ablehnen"),
    ("claimed", "Stated as {claimed}, treated as {basis}.", "Angegeben als {claimed}, behandelt als {basis}."),
    ("claim", "The claim: {claim}", "Die Angabe dazu: {claim}"),
    ("basis-necessary", "necessary", "notwendig"),
    ("basis-consent", "consent", "Einwilligung"),
    ("basis-exempt", "exempt from consent until you refuse", "ohne Einwilligung erlaubt, bis Sie ablehnen"),
    ("basis-legitimate-interest", "legitimate interest", "berechtigtes Interesse"),
    ("basis-interest", "legitimate interest", "berechtigtes Interesse"),
    ("basis-contract", "contract", "Vertrag"),
    ("basis-legal", "legal duty", "gesetzliche Pflicht"),
    ("basis-none", "needing no basis", "ohne Grundlage zulässig"),
    ("basis-never", "never done", "gar nicht"),
    ("exemption-audience-measurement", "Exempt: audience measurement", "Ausnahme: Reichweitenmessung"),
    ("exemption-uk-statistics", "Exempt: statistics (United Kingdom)", "Ausnahme: Statistik (Vereinigtes Königreich)"),
    ("exemption-other", "Exempt by law", "Gesetzliche Ausnahme"),
    ("transfer-adequacy", "adequacy decision", "Angemessenheitsbeschluss"),
    ("transfer-scc-2021", "standard clauses of 2021", "Standardvertragsklauseln von 2021"),
    ("transfer-dpf", "Data Privacy Framework", "Datenschutzrahmen EU-USA"),
    ("transfer-bcr", "binding corporate rules", "verbindliche interne Vorschriften"),
    ("transfer-consent", "with consent", "mit Einwilligung"),
    ("transfer-contract", "for a contract", "für einen Vertrag"),
    ("transfer-none", "no basis for the transfer", "ohne Grundlage für die Übermittlung"),
    (
        "transfer-scc-2010",
        "standard clauses of 2010, repealed since",
        "Standardvertragsklauseln von 2010, inzwischen aufgehoben",
    ),
    ("transfer-privacy-shield", "Privacy Shield, void since 2020", "Privacy Shield, seit 2020 ungültig"),
    ("transfer-safe-harbor", "Safe Harbor, void since 2015", "Safe Harbor, seit 2015 ungültig"),
    ("tell", "Every cookie, as it is set", "Jedes Cookie, sobald es gesetzt wird"),
    (
        "tell-what",
        "If you like, the top of each page lists the cookies it sets, those it refuses, and those your browser sent.",
        "Auf Wunsch steht oben auf jeder Seite, welche Cookies sie setzt, welche sie abweist und welche Ihr Browser "
        "mitgeschickt hat.",
    ),
    ("tell-on", "Tell me of each cookie", "Jedes Cookie melden"),
    ("tell-off", "Stop telling me", "Nicht mehr melden"),
    ("told", "Cookies of this page", "Cookies dieser Seite"),
    ("told-none", "none", "keine"),
    ("told-set", "set, {time}", "gesetzt, {time}"),
    ("told-deleted", "deleted", "gelöscht"),
    ("told-refused", "not set: refused", "nicht gesetzt: abgewiesen"),
    ("told-sent", "sent by your browser", "von Ihrem Browser geschickt"),
    ("told-withheld", "sent by your browser, not passed on", "von Ihrem Browser geschickt, nicht weitergegeben"),
    ("told-more", "and {count} more", "und {count} weitere"),
    ("own-cookie", "Remembers your privacy choices", "Merkt sich Ihre Datenschutz-Auswahl"),
    ("session", "until the browser closes", "bis der Browser geschlossen wird"),
    ("undeclared", "no lifetime stated", "ohne Angabe der Dauer"),
    ("for", "for {time}", "für {time}"),
    ("category-added", "New: {category}.", "Neu: {category}."),
    ("category-removed", "No longer done: {category}.", "Entfällt: {category}."),
    ("category-never", "No longer done, whatever was chosen: {category}.", "Unabhängig von der Wahl aus: {category}."),
    (
        "category-basis",
        "{category}: was {before}, is now {after}.",
        "{category}: bisher {before}, jetzt {after}.",
    ),
    ("vendor-added", "{category}: {name} ({country}) now takes part.", "{category}: {name} ({country}) kommt dazu."),
    ("vendor-removed", "{category}: {name} no longer takes part.", "{category}: {name} ist nicht mehr dabei."),
    (
        "vendor-company",
        "{name} belongs to {after}, before to {before}.",
        "{name} gehört zu {after}, bisher zu {before}.",
    ),
    (
        "vendor-country",
        "{name} receives data in: {after}; before: {before}.",
        "{name} erhält Daten in: {after}; bisher: {before}.",
    ),
    (
        "vendor-category",
        "{name} is used for: {after}; before: {before}.",
        "{name} wird genutzt für: {after}; bisher: {before}.",
    ),
    ("cookie-added", "{category}: new cookie {name}, {after}.", "{category}: neues Cookie {name}, {after}."),
    ("cookie-removed", "{category}: no cookie {name} any more.", "{category}: das Cookie {name} entfällt."),
    (
        "cookie-longer",
        "Cookie {name} stays longer: {after}; before: {before}.",
        "Das Cookie {name} bleibt länger: {after}; bisher: {before}.",
    ),
    (
        "cookie-shorter",
        "Cookie {name} stays less long: {after}; before: {before}.",
        "Das Cookie {name} bleibt kürzer: {after}; bisher: {before}.",
    ),
)
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    language: {row[0]: row[1 + at] for row in _TABLE} for at, language in enumerate(LANGUAGES)
}

_MONTHS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": (
        *("January", "February", "March", "April", "May", "June"),
        *("July", "August", "September", "October", "November", "December"),
    ),
    "de": (
        *("Januar", "Februar", "März", "April", "Mai", "Juni"),
        *("Juli", "August", "September", "Oktober", "November", "Dezember"),
    ),
}
_UNITS: Final[Mapping[str, Mapping[str, tuple[str, str]]]] = {
    "en": {unit: (unit, f"{unit}s") for unit in UNIT_SECONDS},
    "de": {
        "second": ("Sekunde", "Sekunden"),
        "minute": ("Minute", "Minuten"),
        "hour": ("Stunde", "Stunden"),
        "day": ("Tag", "Tage"),
        "week": ("Woche", "Wochen"),
        "month": ("Monat", "Monate"),
        "year": ("Jahr", "Jahre"),
    },
}


def policy_word(language: str, key: str) -> str:
    """The text for `key`. Raises KeyError for a key the table does not have."""
    return _WORDS[spoken(language)][key]


def date_text(language: str, date: str) -> str:
    """A day, month or year ("2018-10-04", "2018-10", "2018") for people."""
    year, month, day = (*(int(part) for part in date.split("-")), 0, 0)[:3]
    name = _MONTHS[spoken(language)][month - 1] if month else ""
    number = f"{day}." if day and spoken(language) == "de" else str(day or "")
    return " ".join(part for part in (number, name, str(year)) if part)


def duration_text(language: str, seconds: float) -> str:
    """A duration for people: in the largest unit it is a whole number of, else rounded in the largest that fits."""
    unit = next(
        (unit for unit, most in _WHOLE if seconds % UNIT_SECONDS[unit] == 0 < _count(seconds, unit) <= most), ""
    )
    unit = unit or next((unit for unit, _ in _WHOLE if _count(seconds, unit) >= 2), "second")
    count = _count(seconds, unit)
    one, several = _UNITS[spoken(language)][unit]
    return f"{count} {one if count == 1 else several}"


# Units from large to small, and the most of each that people still take in: 182 days are not 26 weeks.
_WHOLE: Final = (("year", 50), ("month", 60), ("week", 8), ("day", 400), ("hour", 72), ("minute", 120), ("second", 120))


def _count(seconds: float, unit: str) -> int:
    return round(seconds / UNIT_SECONDS[unit])


def lifetime_text(language: str, declared: str) -> str:
    """A declared lifetime ("session", "13 months", "" for none) as part of a sentence."""
    if not declared:
        return policy_word(language, "undeclared")
    seconds = read_lifetime(declared).seconds
    return delivered_text(language, seconds)


def delivered_text(language: str, seconds: float | None) -> str:
    """How long a cookie lives, None for until the browser closes."""
    if seconds is None:
        return policy_word(language, "session")
    return policy_word(language, "for").format(time=duration_text(language, seconds))


def title_of(category: Category | None, language: str) -> str:
    """A category's name for people."""
    return "" if category is None else text_of(category.titles, language) or category.id


def change_text(change: Change, policy: Policy, language: str) -> str:
    """One difference as a sentence. `policy` is the newer of the two."""
    before, after = (_value(change.kind, value, policy, language) for value in (change.before, change.after))
    return policy_word(language, change.kind.value).format(
        category=title_of(change.category, language),
        name=change.name,
        before=before,
        after=after,
        country=country_name(language, change.after) if change.kind is ChangeKind.VENDOR_ADDED else "",
    )


def _value(kind: ChangeKind, value: str, policy: Policy, language: str) -> str:
    match kind:
        case ChangeKind.CATEGORY_BASIS:
            return policy_word(language, f"basis-{value}")
        case ChangeKind.VENDOR_COMPANY:
            return company_name(language, value)
        case ChangeKind.VENDOR_COUNTRY:
            return country_name(language, value)
        case ChangeKind.VENDOR_CATEGORY:
            return title_of(policy.categories.get(value), language) or value
        case ChangeKind.COOKIE_ADDED | ChangeKind.COOKIE_LONGER | ChangeKind.COOKIE_SHORTER:
            return lifetime_text(language, value)
        case _:
            return value
