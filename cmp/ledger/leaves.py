"""The canonical bytes of a record, and the hashes over them.

May go in here: which fields are kept in which part, how they are written, how leaves are hashed and chained; functions
of their arguments alone. May not: keys and encryption (`sealing.py`), the database.

A ledger has two chains. `PERSONAL` holds the records of people who consented: a leaf that says nothing about the
person, and beside it the encrypted payload. `UNLINKABLE` holds refusals, and withdrawals by people whose consent has
no id: a leaf alone. They are apart so that the exact times inside payloads do not bracket the refusals between them.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from cmp.ledger.record import Kind, Record

FORMAT = 1


class Chain(StrEnum):
    """The value is the name of the chain's table too."""

    PERSONAL = "personal"
    UNLINKABLE = "unlinkable"


KINDS: Mapping[Chain, frozenset[str]] = {
    Chain.PERSONAL: frozenset({Kind.GIVEN, Kind.WITHDRAWN}),
    Chain.UNLINKABLE: frozenset({Kind.REFUSED, Kind.WITHDRAWN}),
}


def canonical(value: Mapping[str, Any]) -> bytes:
    """JSON in its one canonical form: keys sorted, no spaces, UTF-8.

    For what records hold (ASCII keys, integers, text without lone surrogates) this is RFC 8785.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


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
            "refused": sorted(record.refused),
        }
    )


def personal_leaf(record: Record, sealed: bytes) -> bytes:
    """What stays of a consent when its payload can no longer be read. `sealed` is the encrypted payload."""
    return canonical(
        {
            "format": FORMAT,
            "kind": record.kind,
            "hour": record.hour,
            "policy": record.policy,
            "payload": hashlib.sha256(sealed).hexdigest(),
        }
    )


def payload(record: Record, person: str) -> bytes:
    """Everything about a person who consented, to be encrypted. `at` is in milliseconds: no number has a fraction."""
    return canonical(
        {
            "format": FORMAT,
            "person": person,
            "kind": record.kind,
            "at": round(record.at * 1000),
            "policy": record.policy,
            "policy_version": record.policy_version,
            "notice": record.notice,
            "surface": record.surface,
            "source": record.source,
            "language": record.language,
            "granted": sorted(record.granted),
            "refused": sorted(record.refused),
            "gpc": record.signals.gpc,
            "dnt": record.signals.dnt,
        }
    )


def leaf_hash(leaf: bytes) -> bytes:
    """The hash of a leaf of a Merkle tree: SHA-256(0x00 || leaf), RFC 9162, section 2.1.1."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def chain_hash(previous: bytes, leaf: bytes) -> bytes:
    """The hash that commits to a record and to all before it: SHA-256(0x02 || previous || leaf hash).

    RFC 9162 uses 0x00 for leaves and 0x01 for inner nodes; a third prefix keeps a link of the chain from ever being
    shown as a node of a tree. `leaf` is the leaf's hash.
    """
    return hashlib.sha256(b"\x02" + previous + leaf).digest()


def origin(chain: Chain) -> bytes:
    """What stands before the first record. It differs by chain, so a record cannot be moved to the other one."""
    return hashlib.sha256(f"consentry ledger {FORMAT} {chain}".encode()).digest()


@dataclass(frozen=True, slots=True)
class Head:
    """A chain's state: how many records, and the chain hash of the last one. Whoever keeps it can tell what is cut."""

    chain: Chain
    size: int
    hash: bytes


def follow(head: Head, leaf: bytes) -> Head:
    """The head after one more record. `leaf` is the leaf's hash."""
    return Head(head.chain, head.size + 1, chain_hash(head.hash, leaf))
