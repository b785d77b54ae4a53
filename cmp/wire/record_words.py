"""What the pages about a person's own record say, in the languages they speak.

May go in here: texts as one table. May not: HTML (`record_pages.py`), choosing a language (`words.py`), texts of the
policy.
"""

from collections.abc import Mapping
from typing import Final

from cmp.wire.words import LANGUAGES, spoken

# Each row: what it is for, then the text in each language. `{...}` is filled in by the caller, escaped.
_TABLE: Final[tuple[tuple[str, str, str], ...]] = (
    ("title", "What is stored about you", "Was über Sie gespeichert ist"),
    ("cookie", "In your browser", "In Ihrem Browser"),
    (
        "cookie-none",
        "Your browser holds no choice of yours for this site.",
        "Ihr Browser hat für diese Seite keine Auswahl gespeichert.",
    ),
    (
        "cookie-what",
        "A cookie that says what you chose on {day}:",
        "Ein Cookie, das sagt, was Sie am {day} gewählt haben:",
    ),
    ("record", "In this site’s records", "In den Aufzeichnungen dieser Seite"),
    (
        "record-none",
        "Nothing that leads to you. If you refused, the records say that somebody did, and in which hour.",
        "Nichts, was zu Ihnen führt. Wenn Sie abgelehnt haben, steht dort, dass jemand das tat, und in welcher Stunde.",
    ),
    ("number", "Number", "Nummer"),
    ("when", "When (UTC)", "Wann (UTC)"),
    ("what", "What", "Was"),
    ("state-given", "allowed", "erlaubt"),
    ("state-refused", "refused", "abgelehnt"),
    ("state-withdrawn", "taken back", "zurückgenommen"),
    ("state-expired", "run out", "abgelaufen"),
    ("until", "Holds until (UTC)", "Gilt bis (UTC)"),
    ("policy", "Policy", "Richtlinie"),
    ("signals", "Browser’s signals", "Signale des Browsers"),
    ("none", "none", "keine"),
    ("purposes", "Your choice", "Ihre Auswahl"),
    ("basis", "Rests on", "Beruht auf"),
    ("recipients", "Received by", "Empfänger"),
    ("nobody", "this site only", "nur diese Seite"),
    ("not-stated", "not stated", "nicht angegeben"),
    ("proof", "Proof", "Nachweis"),
    (
        "proof-is",
        "Record {index} of {size} in this site’s ledger, under a signed head. The files hold the proof.",
        "Aufzeichnung {index} von {size} im Verzeichnis dieser Seite, unter einer Signatur. Der Nachweis steht in den "
        "Dateien.",
    ),
    ("proof-none", "This site signs no proofs.", "Diese Seite signiert keine Nachweise."),
    ("receipt", "Receipt of your choice", "Beleg über Ihre Auswahl"),
    ("show-receipt", "Show the receipt", "Beleg zeigen"),
    ("download-27560", "Receipt as a file (ISO/IEC TS 27560)", "Beleg als Datei (ISO/IEC TS 27560)"),
    ("download-kantara", "Receipt as a file (Kantara)", "Beleg als Datei (Kantara)"),
    ("export", "Everything as a file", "Alles als Datei"),
    (
        "keep",
        "Keep this receipt. Whoever knows its number can see and erase the record, so show it to nobody who should "
        "not.",
        "Bewahren Sie den Beleg auf. Wer die Nummer kennt, kann die Aufzeichnung sehen und löschen: Zeigen Sie sie "
        "niemandem, der das nicht soll.",
    ),
    ("withdraw-title", "Take everything back", "Alles zurücknehmen"),
    ("withdraw", "Withdraw", "Zurücknehmen"),
    ("erase-title", "Erase the record", "Aufzeichnung löschen"),
    (
        "erase-what",
        "What you allowed is taken back, and nobody can read the record of it any more, you included. Download the "
        "receipt first if you may need it.",
        "Was Sie erlaubt haben, wird zurückgenommen, und niemand kann die Aufzeichnung mehr lesen, auch Sie nicht. "
        "Laden Sie vorher den Beleg herunter, falls Sie ihn brauchen.",
    ),
    ("erase", "Erase", "Löschen"),
    ("erased", "The record is erased.", "Die Aufzeichnung ist gelöscht."),
    (
        "refusal-title",
        "A receipt of your refusal",
        "Ein Beleg über Ihre Ablehnung",
    ),
    (
        "refusal-what",
        "Nothing about your refusal leads to you. If you want to be able to show it, it is stored once more, with a "
        "number that you alone get.",
        "Nichts an Ihrer Ablehnung führt zu Ihnen. Wenn Sie sie belegen möchten, wird sie noch einmal gespeichert, mit "
        "einer Nummer, die nur Sie bekommen.",
    ),
    ("refusal", "Make a receipt", "Beleg ausstellen"),
    ("by-number", "You have the number of a receipt?", "Sie haben die Nummer eines Belegs?"),
    ("choices", "Change your choice", "Auswahl ändern"),
    ("opt-out", "Do not sell or share my personal information", "Meine Daten nicht verkaufen oder weitergeben"),
    (
        "opt-out-what",
        "With one click everything of this list is off for this browser, and stays off:",
        "Mit einem Klick ist alles aus dieser Liste in diesem Browser aus und bleibt aus:",
    ),
    ("opt-out-nothing", "This site does none of it.", "Diese Seite tut nichts davon."),
    ("opt-out-done", "Opt-out request honoured.", "Widerspruch beachtet."),
    ("opt-out-button", "Opt out", "Widersprechen"),
)
_WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    language: {row[0]: row[1 + at] for row in _TABLE} for at, language in enumerate(LANGUAGES)
}


def record_word(language: str, key: str) -> str:
    """The text for `key`. Raises KeyError for a key the table does not have."""
    return _WORDS[spoken(language)][key]
