"""What the source document claims, and what does not hold of it.

May go in here: lints on claims, legal bases and transfers. May not: traffic (`trackers.py`), dates of the policy itself
(`dates.py`).
"""

import re
from collections.abc import Iterator, Mapping

from cmp.policy.lints.advice import Found, Level, Lint, Subject, Where

# Since when nothing can rest on it, and by what.
_OBSOLETE: Mapping[str, tuple[str, str]] = {
    "safe-harbor": ("Safe Harbor", "void since 6 October 2015 (CJEU C-362/14)"),
    "privacy-shield": ("the Privacy Shield", "void since 16 July 2020 (CJEU C-311/18)"),
    "scc-2010": (
        "the clauses of Decision 2010/87/EU",
        "repealed; 27 December 2022 was their last day (Decision (EU) 2021/914 Art. 4)",
    ),
}


def _exceeded(subject: Subject) -> Iterator[Found]:
    for id_, category in subject.categories.items():
        claimed, basis = category.get("claimed"), category["basis"]
        if claimed == "consent" and basis != "consent" and not category["never"]:
            what = f'the source asks for consent to "{id_}", this policy does not (basis {basis})'
            yield ("categories", id_, "basis"), what, 'write "basis": "consent"'


def _differs(subject: Subject) -> Iterator[Found]:
    for id_, category in subject.categories.items():
        claimed, basis = category.get("claimed"), category["basis"]
        if claimed is not None and claimed not in (basis, "consent"):
            said = {"none": "names no basis for it", "necessary": "calls it necessary"}.get(claimed, f"names {claimed}")
            held = "it never passes" if category["never"] else f"the assessment is {basis}"
            what = f'the source {said}; for "{id_}" {held}'
            remedy = 'nothing, if "claim" says why' if "claim" in category else 'say why in "claim"'
            yield ("categories", id_, "claimed"), what, remedy


def _contradictions(subject: Subject) -> Iterator[Found]:
    language = subject.whole["languages"][0]
    for n, contradiction in enumerate(subject.document.get("contradictions", [])):
        between = " and ".join(contradiction["between"])
        what = f"{between} contradict each other: {contradiction['text'][language]}"
        yield ("contradictions", n), what, "mend the source; until then the reading named here is enforced"


def _obsolete(subject: Subject) -> Iterator[Found]:
    stated: list[tuple[Where, str]] = []
    if basis := (subject.whole["transfers"] or {}).get("basis"):
        stated.append((("transfers", "basis"), basis))
    for n, vendor in enumerate(subject.document.get("vendors", [])):
        if basis := vendor.get("transferBasis"):
            stated.append((("vendors", n, "transferBasis"), basis))
    for where, basis in stated:
        if basis in _OBSOLETE:
            name, why = _OBSOLETE[basis]
            remedy = "find out what it rests on today: adequacy, dpf, scc-2021 or bcr, or end the transfer"
            yield where, f"nothing can rest on {name}: {why}", remedy


# An address is personal data as long as somebody can tell whose it was.
_ANONYMOUS = re.compile(r"anonym|unpersönlich|nicht personenbezogen|not personal", re.IGNORECASE)
_ADDRESS = re.compile(r"\bIP[- ]?(?:address|adress|number|nummer)|\bIPs?\b", re.IGNORECASE)
_DENIED = re.compile(r"\b(?:not|no|never|nicht|nie|kein\w*)\b[^.;]{0,20}anonym", re.IGNORECASE)


def _anonymous(subject: Subject) -> Iterator[Found]:
    for id_, category in subject.categories.items():
        for key in ("reason", "retention"):
            for language, text in category.get(key, {}).items():
                for sentence in re.split(r"[.;!?]\s", text):
                    if _ADDRESS.search(sentence) and _ANONYMOUS.search(sentence) and not _DENIED.search(sentence):
                        what = "calls an IP address anonymous"
                        remedy = "say what is kept of it and for how long; an address is personal data"
                        yield ("categories", id_, key, language), what, remedy


LINTS: tuple[Lint, ...] = (
    Lint("claim-exceeded", Level.WARNING, _exceeded),
    Lint("claim-differs", Level.NOTE, _differs),
    Lint("contradiction", Level.NOTE, _contradictions),
    Lint("obsolete-transfer", Level.WARNING, _obsolete, "GDPR Art. 44 to 46"),
    Lint("anonymous-ip", Level.NOTE, _anonymous, "CJEU C-582/14"),
)
