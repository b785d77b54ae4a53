"""The canonical bytes of records.

May go in here: which fields are kept in which part, and how they are written; functions of their arguments alone. May
not: hashing them into a tree (`tree.py`), keys and encryption (`sealing.py`), the database.

A leaf is of one of three parts. `PERSONAL`: of somebody with an id; the leaf says nothing about the person, and beside
it lies the encrypted payload. `UNLINKABLE`: a refusal, or a withdrawal by somebody whose consent has no id; a leaf
alone. `PUBLIC`: of nobody; policy versions, disclosures, erasures.
"""

import hashlib
import json
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from cmp.ledger.record import Kind, Record

FORMAT = 2
# Formats of leaves that a ledger may hold. Format 1 was written before there were trees; its leaves stay as they are.
FORMATS = frozenset({1, 2})
_READER = json.JSONDecoder()
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class Part(StrEnum):
    """What a leaf is kept as."""

    PERSONAL = "personal"
    UNLINKABLE = "unlinkable"
    PUBLIC = "public"


KINDS: Mapping[Part, frozenset[str]] = {
    Part.PERSONAL: frozenset({Kind.GIVEN, Kind.CHANGED, Kind.REFUSED, Kind.WITHDRAWN, Kind.EXPIRED}),
    Part.UNLINKABLE: frozenset({Kind.REFUSED, Kind.WITHDRAWN}),
    Part.PUBLIC: frozenset({Kind.ERASED, Kind.DISCLOSED, Kind.POLICY, "migrated"}),
}


def canonical(value: Mapping[str, Any]) -> bytes:
    """JSON in its one canonical form: keys sorted, no spaces, UTF-8.

    For what records hold (ASCII keys, integers, text without lone surrogates) this is RFC 8785.
    """
    return _JSON.encode(value).encode()


def content_of(leaf: bytes) -> Mapping[str, Any]:
    """What a leaf says; nothing for bytes that are no JSON object."""
    try:
        # As text: finding out which UTF it is would take as long again.
        value = _READER.decode(leaf.decode())
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def part_of(content: Mapping[str, Any]) -> Part | None:
    """The part a leaf belongs to, None for a leaf of no format or kind that is known."""
    # As types: in Python `True == 1`.
    if type(content.get("format")) is not int or content["format"] not in FORMATS:
        return None
    kind = content.get("kind")
    part = Part.PERSONAL if "payload" in content else Part.PUBLIC if kind in KINDS[Part.PUBLIC] else Part.UNLINKABLE
    return part if kind in KINDS[part] else None


def unlinkable_leaf(record: Record) -> bytes:
    """What is kept of a refusal: what was asked, what was answered, and the hour.

    Nothing of who answered, or with what: no language, signals, source or exact time. Two people who refused the same
    thing in the same hour have the same bytes.
    """
    return canonical(
        {
            "format": FORMAT,
            "kind": record.kind,
            "hour": record.hour,
            "policy": record.policy,
            "policy_version": record.policy_version,
            "notice": record.notice,
            "surface": record.surface,
            "buttons": list(record.buttons),
            "refused": sorted(record.refused),
        }
    )


def personal_leaf(kind: Kind, hour: int, policy: str, sealed: bytes) -> bytes:
    """What stays of a consent when its payload can no longer be read. `sealed` is the encrypted payload."""
    return canonical(
        {
            "format": FORMAT,
            "kind": kind,
            "hour": hour,
            "policy": policy,
            "payload": hashlib.sha256(sealed).hexdigest(),
        }
    )


def payload(record: Record, kind: Kind, person: str) -> bytes:
    """Everything about a person who consented, to be encrypted. Times are in milliseconds: no number has a fraction."""
    return canonical(
        {
            "format": FORMAT,
            "person": person,
            "kind": kind,
            "at": round(record.at * 1000),
            "until": round(record.until * 1000),
            "policy": record.policy,
            "policy_version": record.policy_version,
            "notice": record.notice,
            "surface": record.surface,
            "buttons": list(record.buttons),
            "source": record.source,
            "language": record.language,
            "granted": sorted(record.granted),
            "refused": sorted(record.refused),
            "gpc": record.signals.gpc,
            "dnt": record.signals.dnt,
        }
    )


def expired_payload(person: str, at: float) -> bytes:
    """What is noted when somebody's grants have run out, to be encrypted."""
    return canonical({"format": FORMAT, "person": person, "kind": Kind.EXPIRED, "at": round(at * 1000)})


def erased_leaf(hour: int, records: int, why: str) -> bytes:
    """That keys were destroyed, of how many records, and why. Not whose: that is the point of it.

    With it an erasure that nobody asked for shows: more records are without a key than were erased.
    """
    return canonical({"format": FORMAT, "kind": Kind.ERASED, "hour": hour, "records": records, "why": why})


def policy_leaf(hour: int, policy: str, id_: str, version: str) -> bytes:
    """That from this hour a policy was served."""
    content = {"format": FORMAT, "kind": Kind.POLICY, "hour": hour, "policy": policy, "id": id_, "version": version}
    return canonical(content)


def disclosed_leaf(hour: int, recipient: str, ground: str, what: str, day: str) -> bytes:
    """That data was disclosed on `day` ("2026-10-07"), to whom, on what ground, and what. Texts of the operator."""
    content = {"format": FORMAT, "kind": Kind.DISCLOSED, "hour": hour, "day": day}
    return canonical(content | {"recipient": recipient, "ground": ground, "what": what})


def migrated_leaf(hour: int, chains: Mapping[str, Mapping[str, Any]], erased: int) -> bytes:
    """That all leaves before this one come from a ledger with two chains, how these ended, and what was erased there.

    `chains` holds size and last hash ("head", hexadecimal) of each, so that heads kept from then go on counting.
    """
    content = {"format": FORMAT, "kind": "migrated", "hour": hour, "chains": dict(chains), "erased": erased}
    return canonical(content)
