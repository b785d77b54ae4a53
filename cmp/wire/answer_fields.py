"""Fields taken out of an answer, or addresses out of what they hold; every byte not concerned stays as it was.

May go in here: carrying out such edits on header field lists. May not: which ones (`cmp.core.answers`), what a field
names (`cmp.core.references`), Set-Cookies (`cookies.py`).
"""

from collections import Counter
from collections.abc import Sequence

from cmp.core.answers import OF_ADVERTISING
from cmp.core.decision import Edit, EditKind
from cmp.core.references import in_one_line, read_references, without

Fields = Sequence[tuple[bytes, bytes]]


def edit_answer_fields(fields: Fields, edits: Sequence[Edit]) -> tuple[tuple[bytes, bytes], ...]:
    """The fields with the edits on fields of the answer carried out.

    An edit's index counts the addresses of all fields of its name, in order, as `cmp.capture.observe` does. A field
    with nothing left goes.
    """
    gone = {edit.name for edit in edits if edit.kind is EditKind.STRIP_ANSWER_HEADER}
    cut: dict[str, set[int]] = {}
    for edit in edits:
        if edit.kind is EditKind.STRIP_FROM_ANSWER_HEADER and edit.index is not None:
            cut.setdefault(edit.name, set()).add(edit.index)
    if not gone and not cut:
        return tuple(fields)
    counts: Counter[str] = Counter()
    found: list[tuple[bytes, bytes]] = []
    for name, value in in_one_line([(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields]):
        key = name.lower()
        if key in gone:
            continue
        kept = value if key not in cut else _without(key, value, cut[key], counts)
        if kept is not None:
            found.append((name.encode("latin-1"), kept.encode("latin-1")))
    return tuple(found)


# Connections, requests and reports that no CSP holds back, and advertising functions.
_ACTING = frozenset(
    name.encode("ascii")
    for name in OF_ADVERTISING | {"link", "nel", "report-to", "reporting-endpoints", "speculation-rules", "alt-svc"}
)


def without_acting_fields(fields: Fields) -> tuple[tuple[bytes, bytes], ...]:
    """The fields without those that have a browser connect, ask or report by itself, whomever they name."""
    return tuple((name, value) for name, value in fields if name.lower() not in _ACTING)


def _without(key: str, text: str, places: set[int], counts: Counter[str]) -> str | None:
    held, before = len(read_references(key, text).references), counts[key]
    counts[key] += held
    here = {place - before for place in places if before <= place < before + held}
    return without(key, text, here)
