"""What a visitor posted, read from JSON or from a form into one value.

May go in here: the two forms a choice comes in. May not: whether what it names exists (`choices.py`).
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from cmp.ledger.record import Source, Surface
from cmp.server.answers import FORM
from cmp.server.problems import BAD_REQUEST, Failure

JSON = "application/json"
TYPES = frozenset({JSON, FORM})

_MEMBERS = {"choice": str, "granted": list, "vendors": dict, "surface": str, "language": str, "token": str}
_SURFACES = {surface.value: surface for surface in Surface}
_MOST_FIELDS = 500
# Longer bodies are not worth the memory.
_REMEMBERED = 128


@dataclass(frozen=True, slots=True)
class Posting:
    """`choice` is "accept", "refuse" or "save" (what is ticked), "" where nothing was chosen in words.

    `granted` is None where no categories were given at all, which is something else than none of them. `back` and
    `in_frame` say where a form's answer is shown; `language` what it was written in, "" where it does not say.
    """

    source: Source
    choice: str = ""
    granted: tuple[str, ...] | None = None
    vendors: tuple[str, ...] = ()
    surface: Surface = Surface.BANNER
    language: str = ""
    token: str = ""
    back: str = ""
    in_frame: bool = False


def read_posting(media_type: str, body: bytes) -> Posting | Failure:
    """Reads a body of one of `TYPES`."""
    if media_type != JSON:
        return _read_form(body)
    return _read_short_json(body) if len(body) <= _REMEMBERED else _read_json(body)


@lru_cache(maxsize=256)
def _read_short_json(body: bytes) -> Posting | Failure:
    """Nearly everybody posts one of a few bodies."""
    return _read_json(body)


def _read_json(body: bytes) -> Posting | Failure:
    try:
        # As `json.loads` does it, but for making a decoder at each call.
        body = body or b"{}"
        document = _DECODER.decode(body.decode(json.detect_encoding(body), "surrogatepass"))
    except (ValueError, RecursionError):
        return Failure(BAD_REQUEST, "the body is no JSON, or names a member twice")
    if not isinstance(document, dict):
        return Failure(BAD_REQUEST, "the body is no JSON object")
    for name, value in document.items():
        if name not in _MEMBERS:
            return Failure(BAD_REQUEST, f"unknown member {shown(name)}")
        if not isinstance(value, _MEMBERS[name]):
            return Failure(BAD_REQUEST, f"{name} is of the wrong type")
    if "choice" in document and (document["choice"] not in ("accept", "refuse") or "granted" in document):
        return Failure(BAD_REQUEST, 'choice is "accept" or "refuse", and goes without granted')
    granted = document.get("granted")
    vendors = document.get("vendors", {})
    if not _texts(granted or []) or not set(vendors) <= {"granted"} or not _texts(vendors.get("granted", [])):
        return Failure(BAD_REQUEST, "granted is a list of ids")
    surface = _surface(document.get("surface", Surface.BANNER.value))
    if surface is None:
        return Failure(BAD_REQUEST, "surface is banner, preferences or embed")
    return Posting(
        source=Source.JSON,
        choice=document.get("choice", ""),
        granted=None if granted is None else tuple(granted),
        vendors=tuple(vendors.get("granted", [])),
        surface=surface,
        language=document.get("language", ""),
        token=document.get("token", ""),
    )


def _read_form(body: bytes) -> Posting | Failure:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="replace", max_num_fields=_MOST_FIELDS)
    except ValueError:
        return Failure(BAD_REQUEST, "the body is no form")
    several: dict[str, list[str]] = {}
    for name, value in pairs:
        several.setdefault(name, []).append(value)
    for name in ("choice", "back", "token", "answer", "surface", "lang"):
        if len(several.get(name, ())) > 1:
            return Failure(BAD_REQUEST, f"{name} is given twice")
    one = {name: values[0] for name, values in several.items()}
    choice = one.get("choice", "")
    if choice not in ("", "accept", "refuse", "save"):
        return Failure(BAD_REQUEST, "choice is accept, refuse or save")
    surface = _surface(one.get("surface", Surface.BANNER.value))
    if surface is None:
        return Failure(BAD_REQUEST, "surface is banner, preferences or embed")
    return Posting(
        source=Source.FORM,
        choice=choice,
        # A form that is saved with no box ticked sends no category: that is none of them.
        granted=tuple(several.get("category", ())) if choice == "save" else None,
        vendors=tuple(several.get("vendor", ())),
        surface=surface,
        language=one.get("lang", ""),
        token=one.get("token", ""),
        back=one.get("back", ""),
        in_frame=one.get("answer") == "frame",
    )


def shown(text: str) -> str:
    """A text out of a request, safe and short enough to be named in an answer."""
    return ascii(text if len(text) <= 60 else f"{text[:60]}...")


def _surface(text: str) -> Surface | None:
    return _SURFACES.get(text)


def _texts(values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, str) for value in values)


def _object(pairs: list[tuple[str, Any]]) -> Mapping[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        # Two readers could take two different ones for the choice.
        raise ValueError("a member is named twice")
    return document


_DECODER = json.JSONDecoder(object_pairs_hook=_object)
