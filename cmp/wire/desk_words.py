"""What the desk's pages say, in the languages they speak.

May go in here: texts as one table. May not: HTML (`desk_pages.py`), choosing a language (`words.py`), texts of the
policy.
"""

from collections.abc import Mapping
from typing import Final

from cmp.wire.words import LANGUAGES, spoken

# Each row: what it is for, then the text in each language. `{...}` is filled in by the caller, escaped.
_TABLE: Final[tuple[tuple[str, str, str], ...]] = (
    ("rights-title", "Your rights", "Ihre Rechte"),
    ("rights-what", "What you can ask for", "Was Sie verlangen können"),
    ("kind-inform", "To be told what is done with your data", "Auskunft, was mit Ihren Daten geschieht"),
    ("kind-access", "A copy of your data", "Eine Kopie Ihrer Daten"),
    ("kind-correct", "Correction of your data", "Berichtigung Ihrer Daten"),
    ("kind-erase", "Deletion of your data", "Löschung Ihrer Daten"),
    ("kind-restrict", "That your data is only stored for now", "Dass Ihre Daten vorerst nur gespeichert werden"),
    ("kind-object", "Objection to a use of your data", "Widerspruch gegen eine Nutzung Ihrer Daten"),
    ("kind-port", "Your data in a form another service can read", "Ihre Daten in einer Form, die andere lesen können"),
    ("kind-complain", "A complaint", "Eine Beschwerde"),
    ("kind-withdraw", "To take back a consent", "Eine Einwilligung zurücknehmen"),
    ("kind-stop-marketing", "No more marketing", "Keine Werbung mehr"),
    (
        "deadline",
        "You get an answer within {days} days.",
        "Sie erhalten innerhalb von {days} Tagen eine Antwort.",
    ),
    ("free", "This is free of charge.", "Das ist kostenlos."),
    (
        "identity",
        "For a copy, a correction, a restriction or a deletion we first make sure that it is you.",
        "Für Kopie, Berichtigung, Einschränkung oder Löschung stellen wir erst sicher, dass Sie es sind.",
    ),
    (
        "referral",
        "A request about data of one of our clients may be passed on to that client, who then answers.",
        "Eine Anfrage zu Daten eines unserer Kunden wird womöglich an diesen weitergegeben, der dann antwortet.",
    ),
    (
        "limit",
        "One person can make {count} requests a day.",
        "Eine Person kann {count} Anfragen am Tag stellen.",
    ),
    (
        "minimum-age",
        "This service is not for people under {age}.",
        "Dieses Angebot ist nicht für Menschen unter {age}.",
    ),
    ("contact", "You can also write to: {contact}", "Sie können auch schreiben an: {contact}"),
    ("authority", "You can complain to: {authority}", "Beschweren können Sie sich bei: {authority}"),
    ("ask", "Make a request", "Anfrage stellen"),
    ("field-kind", "What do you want?", "Was möchten Sie?"),
    ("field-subject", "Who are you to us?", "Wer sind Sie für uns?"),
    ("field-client", "Which company is it about?", "Um welche Firma geht es?"),
    ("field-purpose", "Which use is it about?", "Um welche Nutzung geht es?"),
    ("field-contact", "How can we reach you? (required)", "Wie erreichen wir Sie? (nötig)"),
    ("field-text", "What else should we know?", "Was sollten wir noch wissen?"),
    ("none-of-these", "not said", "keine Angabe"),
    ("us", "this site itself", "diese Seite selbst"),
    ("send", "Send request", "Anfrage abschicken"),
    ("opt-out-title", "No more mails", "Keine Mails mehr"),
    ("opt-out-from", "{list}, from {client}", "{list}, von {client}"),
    ("opt-out-for", "For the address {address}:", "Für die Adresse {address}:"),
    ("opt-out-button", "Send me no more", "Nichts mehr schicken"),
    (
        "opt-out-days",
        "It takes effect at once, and stands in every list within {days} business days.",
        "Das wirkt sofort und steht innerhalb von {days} Werktagen in jeder Liste.",
    ),
    ("opt-out-done", "You will get no more of these mails.", "Sie erhalten keine solchen Mails mehr."),
    (
        "opt-in-question",
        "You had stopped them and want them again?",
        "Sie hatten sie abbestellt und möchten sie wieder?",
    ),
    ("opt-in-button", "Send me these mails again", "Wieder schicken"),
    ("opt-in-done", "You can get these mails again.", "Sie können diese Mails wieder erhalten."),
    ("opt-out-form", "Mails you do not want any more", "Mails, die Sie nicht mehr möchten"),
    ("field-list", "Which mails?", "Welche Mails?"),
    ("field-address", "Your mail address (required)", "Ihre Mail-Adresse (nötig)"),
    (
        "opt-out-taken",
        "From now on nothing more goes to that address.",
        "Ab jetzt geht an diese Adresse nichts mehr.",
    ),
    ("purposes", "What we do with data beside this site", "Was wir jenseits dieser Seite mit Daten tun"),
    ("stoppable", "You can stop this at any time.", "Sie können das jederzeit beenden."),
    (
        "not-stoppable",
        "This cannot be stopped while you use the service.",
        "Das lässt sich nicht beenden, solange Sie den Dienst nutzen.",
    ),
    ("retention", "How long", "Wie lange"),
    ("asked-first", "Only if you agreed.", "Nur, wenn Sie zugestimmt haben."),
    ("receipt-title", "Your request", "Ihre Anfrage"),
    (
        "receipt-keep",
        "Keep this address: it shows how your request stands, to everybody who has it.",
        "Bewahren Sie diese Adresse auf: Sie zeigt den Stand Ihrer Anfrage, jedem, der sie hat.",
    ),
    ("receipt-reference", "Reference", "Kennzeichen"),
    ("receipt-kind", "Asked for", "Verlangt"),
    ("receipt-subject", "As", "Als"),
    ("receipt-client", "About", "Betrifft"),
    ("receipt-purpose", "Use", "Nutzung"),
    ("receipt-opened", "Received", "Eingegangen"),
    ("receipt-due", "Answer due", "Antwort fällig"),
    ("receipt-state", "State", "Stand"),
    ("receipt-reason", "Reason", "Grund"),
    ("state-open", "being worked on", "in Arbeit"),
    ("state-identity-check", "waits until it is known that it is you", "wartet, bis feststeht, dass Sie es sind"),
    ("state-referred", "passed on to the company it is about", "an die betroffene Firma weitergegeben"),
    ("state-answered", "answered", "beantwortet"),
    ("state-declined", "declined", "abgelehnt"),
    ("state-withdrawn", "taken back by you", "von Ihnen zurückgenommen"),
    ("notices", "Announcements", "Mitteilungen"),
    ("choices", "Privacy choices", "Datenschutz-Auswahl"),
    (
        "not-stored",
        "This could not be stored, so nothing was changed. Please try again",
        "Das konnte nicht gespeichert werden, es wurde also nichts geändert. Bitte versuchen Sie es erneut",
    ),
    (
        "link-unknown",
        "This link is not complete, or not one of ours. Please copy all of it from the mail",
        "Dieser Link ist nicht vollständig oder nicht von uns. Bitte kopieren Sie ihn ganz aus der Mail",
    ),
    (
        "no-contact",
        "Please say how we can reach you: a mail address, for instance",
        "Bitte sagen Sie, wie wir Sie erreichen: etwa mit einer Mail-Adresse",
    ),
    ("no-address", "This is no mail address", "Das ist keine Mail-Adresse"),
    ("unknown-choice", "There is no such choice here", "Diese Auswahl gibt es hier nicht"),
    ("too-long", "This text is too long", "Dieser Text ist zu lang"),
    (
        "too-often",
        "That is more requests than one person can make in a day",
        "Das sind mehr Anfragen, als eine Person am Tag stellen kann",
    ),
    (
        "cannot-stop",
        "This use cannot be stopped",
        "Diese Nutzung lässt sich nicht beenden",
    ),
    ("too-many", "Too many requests at the moment. Please try again later", "Gerade zu viele Anfragen. Bitte später"),
)
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    language: {row[0]: row[1 + at] for row in _TABLE} for at, language in enumerate(LANGUAGES)
}


def desk_word(language: str, key: str) -> str:
    """The text for `key`. Raises KeyError for a key the table does not have."""
    return _WORDS[spoken(language)][key]
