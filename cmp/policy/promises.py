"""What keeps each promise of a policy, for each mode of the proxy.

May go in here: the judgement whether a promise is kept, organisational, or kept by nothing. May not: where detectors
and tests are found (both are passed in), and printing.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cmp.policy.references import kept_by

MODES = ("reverse", "regular")
_DETECTOR = "detector:"
# Parts of a policy that the consent server shows or acts on. A name ending in ":" or "." stands for all that begin so.
SERVED = (
    *("category:", "vendor:", "cookie:", "purpose:", "optOut:", "signal:", "rights", "rights.", "consent.", "desk."),
    *("notices", "changes", "security", "reviewEvery", "successor", "dataSubjects", "languages", "source.dated"),
    *("parties", "regions", "transfers", "location"),
)
# Parts that decide what passes.
ENFORCED = (
    *("category:", "vendor:", "cookie:", "event:", "signal:", "sensitive:", "unknown.", "outgoing.", "transport."),
    # Whom nobody writes to any more: an answer the desk gives to whoever sends the mail.
    "optOut:",
    *("sites", "exclude", "location", "transfers", "authorisation", "parties", "regions", "identifiers"),
    *("consent.askAgain", "consent.tellMe", "successor"),
)


class State(StrEnum):
    """Organisational: nothing on the wire could keep it, and the policy says why."""

    KEPT = "kept"
    ORGANISATIONAL = "organisational"
    UNKEPT = "unkept"


@dataclass(frozen=True, slots=True)
class Answered:
    """One promise. `by` has for each mode what keeps it there; an empty list means that this mode cannot.

    `missing` says what it would need, and is empty unless nothing keeps it. `test` is a pytest node id, "" for none.
    """

    id: str
    title: str
    shows: tuple[str, ...]
    state: State
    by: Mapping[str, tuple[str, ...]]
    test: str
    reason: str
    missing: tuple[str, ...]


def answered(
    document: Mapping[str, Any], detectors: Collection[str], tested: Callable[[str], str] | None = None
) -> list[Answered]:
    """Every promise of a document without faults, in its order.

    `detectors` are the codes that exist; `tested` says of a node id why there is no such test ("" if there is), None
    where there are no tests to look at.
    """
    language = document.get("languages", ["en"])[0]
    return [_answered(promise, language, detectors, tested) for promise in document.get("promises", [])]


def _answered(
    promise: Mapping[str, Any], language: str, detectors: Collection[str], tested: Callable[[str], str] | None
) -> Answered:
    by = {mode: tuple(names) for mode, names in kept_by(promise).items()}
    missing = tuple(_missing(promise, {name for names in by.values() for name in names}, detectors, tested))
    state = State.ORGANISATIONAL if promise["shows"] == ["declared"] else State.KEPT
    return Answered(
        id=promise["id"],
        title=_text(promise["title"], language),
        shows=tuple(promise["shows"]),
        state=State.UNKEPT if missing else state,
        by=by,
        test=promise.get("test", ""),
        reason=_text(promise.get("reason", ""), language),
        missing=missing,
    )


def _missing(
    promise: Mapping[str, Any], names: set[str], detectors: Collection[str], tested: Callable[[str], str] | None
) -> list[str]:
    shows, found = promise["shows"], []
    if "enforced" in shows and not any(_is_one_of(name, ENFORCED) for name in names):
        found.append("it is to be enforced, and no rule enforces it")
    if "served" in shows and not any(_is_one_of(name, SERVED) for name in names):
        found.append("it is to be served, and nothing that is served shows it")
    named = sorted(name.removeprefix(_DETECTOR) for name in names if name.startswith(_DETECTOR))
    if "audited" in shows and not named:
        found.append("it is to be audited, and no detector is named")
    found += [f'there is no detector "{code}"' for code in named if code not in detectors]
    if "declared" in shows and "reason" not in promise:
        found.append("it is declared without a reason")
    if set(shows) & {"enforced", "served", "audited"}:
        if "test" not in promise:
            found.append("no test is named")
        elif tested is not None and (why := tested(promise["test"])):
            found.append(why)
    return found


def _is_one_of(name: str, table: tuple[str, ...]) -> bool:
    return any(name == part or (part.endswith((":", ".")) and name.startswith(part)) for part in table)


def _text(texts: Any, language: str) -> str:
    return texts if isinstance(texts, str) else str(texts[language])
