"""What visitors read, or do not get to read.

May go in here: lints on titles, reasons and names shown. May not: missing translations of what is there: those are
faults (`meaning.py`).
"""

from collections.abc import Iterator

from cmp.policy.lints.advice import Found, Level, Lint, Subject

# A word of two languages may be the same; a sentence is not.
_SENTENCE = 20
_EXAMPLE = "clients/example.json"


def _same_title(subject: Subject) -> Iterator[Found]:
    language = subject.whole["languages"][0]
    seen: dict[str, str] = {}
    for id_, category in subject.categories.items():
        title = category["title"][language]
        if title in seen:
            what = f'"{id_}" is called "{title}", as "{seen[title]}" is: nobody can tell them apart'
            yield ("categories", id_, "title"), what, "give each a title of its own"
        seen.setdefault(title, id_)


def _no_reason(subject: Subject) -> Iterator[Found]:
    for id_ in subject.optional:
        if "reason" not in subject.categories[id_]:
            what = f'visitors are asked for "{id_}" without being told what for'
            yield ("categories", id_), what, 'add "reason"'


def _untranslated(subject: Subject) -> Iterator[Found]:
    for id_, category in subject.categories.items():
        for key in ("reason", "retention"):
            shown = [category.get(key, {}).get(language, "") for language in subject.whole["languages"]]
            if len(set(shown)) < len(shown) and len(shown[0]) >= _SENTENCE:
                what = f"says the same in {' and '.join(subject.whole['languages'])}"
                yield ("categories", id_, key), what, "translate it, or drop the language"


def _example(subject: Subject) -> Iterator[Found]:
    for n, party in enumerate(subject.document.get("parties", [])):
        if party.get("policy") == _EXAMPLE:
            what = f'"{_EXAMPLE}" is an example, and no client\'s policy'
            yield ("parties", n, "policy"), what, "put the client's own policy in its place"


LINTS: tuple[Lint, ...] = (
    Lint("same-title", Level.WARNING, _same_title),
    Lint("no-reason", Level.WARNING, _no_reason, "GDPR Art. 4(11)"),
    Lint("untranslated", Level.NOTE, _untranslated),
    Lint("example-client", Level.WARNING, _example),
)
