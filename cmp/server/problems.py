"""Everything that can be wrong with a request or with us, as values.

May go in here: codes, HTTP statuses and what visitors are told. May not: turning a problem into an answer
(`answers.py`). The codes are a contract: they are never renamed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cmp.wire.words import LANGUAGES, spoken, word


@dataclass(frozen=True, slots=True)
class Problem:
    """`texts` by language; English is always there."""

    status: int
    code: str
    texts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Failure:
    """A problem that occurred. `detail` is added to the text: never anything of a person, never longer than a line."""

    problem: Problem
    detail: str = ""

    def message(self, language: str) -> str:
        text = self.problem.texts.get(spoken(language)) or self.problem.texts["en"]
        return f"{text}: {self.detail}" if self.detail else text

    def for_page(self, language: str) -> str:
        """The message for a person: what a program did wrong is said to programs, in English, alone."""
        shown = Failure(self.problem) if self.problem.code == BAD_REQUEST.code else self
        return shown.message(language)


def _problem(status: int, code: str, en: str, de: str) -> Problem:
    return Problem(status, code, MappingProxyType({"en": en, "de": de}))


NOT_FOUND = _problem(404, "not-found", "There is nothing here", "Hier ist nichts")
METHOD = _problem(405, "method", "This is not done with this method", "Dafür ist diese Methode nicht da")
CROSS_SITE = _problem(
    403,
    "cross-site",
    "The choice did not come from this site and was not taken",
    "Die Auswahl kam nicht von dieser Seite und wurde nicht übernommen",
)
UNPROVEN = _problem(
    403,
    "unproven",
    "Your browser does not say where this form comes from, so nothing new was allowed. Please open the privacy "
    "settings and choose there",
    "Ihr Browser sagt nicht, woher dieses Formular kommt, deshalb wurde nichts Neues erlaubt. Bitte öffnen Sie die "
    "Datenschutz-Einstellungen und wählen Sie dort",
)
STALE = _problem(
    403,
    "stale-form",
    "This form is too old. Please open the privacy settings and choose again",
    "Dieses Formular ist zu alt. Bitte öffnen Sie die Datenschutz-Einstellungen und wählen Sie noch einmal",
)
MEDIA_TYPE = _problem(
    415, "media-type", "Neither JSON nor a form was sent", "Es wurde weder JSON noch ein Formular geschickt"
)
TOO_LARGE = _problem(413, "too-large", "More than 16 kB was sent", "Es wurden mehr als 16 kB geschickt")
TOO_SLOW = _problem(408, "too-slow", "The request took too long to arrive", "Die Anfrage kam zu langsam an")
EXPECTATION = _problem(
    417,
    "expectation",
    "The request expects something of the server that it does not do",
    "Die Anfrage erwartet vom Server etwas, das er nicht tut",
)
BAD_REQUEST = _problem(400, "bad-request", "The request cannot be understood", "Die Anfrage ist nicht zu verstehen")
UNKNOWN_CATEGORY = _problem(
    400, "unknown-category", "No such category to choose", "Eine solche Kategorie steht nicht zur Wahl"
)
UNKNOWN_VENDOR = _problem(
    400, "unknown-vendor", "No such vendor to choose", "Ein solcher Anbieter steht nicht zur Wahl"
)
NOTHING_TO_CHOOSE = _problem(
    400,
    "nothing-to-choose",
    "This site uses only what is necessary: there is nothing to choose",
    "Diese Seite nutzt nur Notwendiges: Es gibt nichts auszuwählen",
)
NO_RECORD = _problem(
    404,
    "no-record",
    "There is no record of a choice of yours here, or it was erased",
    "Hier gibt es keine Aufzeichnung einer Auswahl von Ihnen, oder sie wurde gelöscht",
)
NO_CHOICE = _problem(
    409,
    "no-choice",
    "You have made no choice yet, so there is nothing to give a receipt of",
    "Sie haben noch nichts gewählt, also gibt es nichts zu belegen",
)
NO_CONSENT = _problem(
    409,
    "no-consent",
    "A Kantara receipt is of a consent, and nothing is allowed",
    "Ein Kantara-Beleg gilt einer Einwilligung, und es ist nichts erlaubt",
)
NOT_READ = _problem(
    503,
    "not-read",
    "The records cannot be read at the moment. Please try again",
    "Die Aufzeichnungen sind gerade nicht lesbar. Bitte versuchen Sie es erneut",
)
NOT_ERASED = _problem(
    503,
    "not-erased",
    "The record could not be erased, and what you allowed still holds. Please try again",
    "Die Aufzeichnung konnte nicht gelöscht werden, und was Sie erlaubt haben, gilt noch. Bitte versuchen Sie es "
    "erneut",
)
TOO_MANY_CHOICES = _problem(
    429,
    "too-many",
    "Too many requests in a minute. Please try again in a moment",
    "Zu viele Anfragen in einer Minute. Bitte versuchen Sie es gleich noch einmal",
)
TOO_MANY = _problem(429, "too-many", "Too many reports", "Zu viele Meldungen")
NOT_SAVED = Problem(503, "not-saved", MappingProxyType({language: word(language, "failed") for language in LANGUAGES}))
# The same to a program; but who had allowed something must not read that it is off.
NOT_WITHDRAWN = _problem(
    503,
    "not-saved",
    "Your choice could not be saved, and what you allowed before still holds. Please try again",
    "Ihre Auswahl konnte nicht gespeichert werden, und was Sie vorher erlaubt haben, gilt noch. Bitte versuchen Sie es "
    "erneut",
)
UNEXPECTED = _problem(
    500,
    "internal",
    "Something went wrong here. Nothing was changed",
    "Hier ging etwas schief. Es wurde nichts geändert",
)
