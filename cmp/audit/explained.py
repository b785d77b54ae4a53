"""What a detector's docstring says, part by part: for its page in the documentation, and for reports.

May go in here: reading the fixed headings of such a docstring. May not: detecting, layout.
"""

from dataclasses import dataclass
from textwrap import dedent

from cmp.audit.detectors import DETECTORS, LOG_DETECTORS, Described

# In the order in which every detector has them.
HEADINGS = ("What it finds", "Why it matters", "Example", "Does not see", "Sources")
_USUAL_LEVEL = (
    "a violation; potential where no policy was declared, or where a person has to look because the request was never "
    "answered or no page is known"
)


@dataclass(frozen=True, slots=True)
class Explained:
    """One detector in words. `parts` holds the text under each of HEADINGS, `level` what its findings weigh.

    A docstring without a level means the usual one.
    """

    code: str
    meaning: str
    parts: dict[str, str]
    level: str


def explained(detector: Described) -> Explained:
    """The parts of the detector's docstring. Raises ValueError where one is missing or stands in the wrong place."""
    title, _, rest = dedent(detector.__doc__ or "").strip().partition("\n")
    if title != detector.CODE:
        raise ValueError(f"the docstring of {detector.CODE} begins with {title!r} instead of its code")
    parts: dict[str, list[str]] = {}
    level: list[str] = []
    into = level
    for line in rest.splitlines():
        if line in HEADINGS:
            into = parts.setdefault(line, [])
        elif line.startswith("Level: "):
            into = level
            into.append(line.removeprefix("Level: "))
        else:
            into.append(line.strip())
    if tuple(parts) != HEADINGS:
        raise ValueError(f"the docstring of {detector.CODE} has not the headings {', '.join(HEADINGS)}")
    texts = {heading: _joined(lines) for heading, lines in parts.items()}
    return Explained(detector.CODE, detector.MEANING, texts, _joined(level) or _USUAL_LEVEL)


def all_explained() -> dict[str, Explained]:
    """Every detector in words, by its code, in the order of the report."""
    return {detector.CODE: explained(detector) for detector in (*DETECTORS, *LOG_DETECTORS)}


def _joined(lines: list[str]) -> str:
    """The lines of a paragraph as one; an empty line between paragraphs stays."""
    return "\n\n".join(" ".join(part.split()) for part in "\n".join(lines).split("\n\n") if part.strip())
