"""What a record and an address may be, and the bytes and hashes a record becomes."""

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given as draw
from hypothesis import settings
from hypothesis import strategies as st

from cmp.core.signals import Signals
from cmp.ledger import leaves, sealing
from cmp.ledger.address import ledger_file
from cmp.ledger.errors import LedgerError, Reason
from cmp.ledger.leaves import Chain
from cmp.ledger.record import Kind, Source, Surface
from tests.ledger.records import AT, HOUR, POLICY, given, refused, withdrawn

PERSON = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    "changes, field",
    [
        pytest.param({"policy": "AB" * 32}, "policy", id="fingerprint in capitals"),
        pytest.param({"policy": "ab"}, "policy", id="fingerprint cut"),
        pytest.param({"policy": POLICY + "\n"}, "policy", id="fingerprint with newline"),
        pytest.param({"policy_version": ""}, "policy_version", id="no policy version"),
        pytest.param({"policy_version": "1\n2"}, "policy_version", id="control character"),
        pytest.param({"policy_version": "\ud800"}, "policy_version", id="lone surrogate"),
        pytest.param({"notice": "a b"}, "notice", id="space in notice version"),
        pytest.param({"language": "en; q=1"}, "language", id="header value as language"),
        pytest.param({"language": "english-please-no"}, "language", id="no language tag"),
        pytest.param({"at": -1.0}, "at", id="before 1970"),
        pytest.param({"at": float("nan")}, "at", id="not a number"),
        pytest.param({"at": AT * 1000}, "at", id="milliseconds"),
        pytest.param({"granted": frozenset()}, "granted", id="given without a grant"),
        pytest.param({"granted": frozenset({"Ads"})}, "granted", id="id in capitals"),
        pytest.param({"granted": frozenset({"ads", "<b>"})}, "granted", id="markup as id"),
        pytest.param({"refused": frozenset({"vendor:"})}, "refused", id="vendor without id"),
        pytest.param({"refused": frozenset({"analytics"})}, "granted", id="granted and refused"),
        pytest.param({"person": "0" * 31}, "person", id="id cut"),
        pytest.param({"kind": Kind.REFUSED, "refused": frozenset({"ads"})}, "granted", id="refusal that grants"),
        pytest.param({"kind": Kind.WITHDRAWN, "granted": frozenset()}, "refused", id="withdrawal of nothing"),
        pytest.param(
            {"kind": Kind.REFUSED, "granted": frozenset(), "refused": frozenset({"ads"}), "person": PERSON},
            "person",
            id="refusal with an id",
        ),
    ],
)
def test_a_record_that_cannot_be_true_is_refused(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        replace(given(), **changes)


@pytest.mark.parametrize(
    "address, expected",
    [
        pytest.param("sqlite:/var/lib/consent.db", "/var/lib/consent.db", id="absolute"),
        pytest.param("SQLite:consent.db", str(Path("consent.db").absolute()), id="relative, scheme in capitals"),
        pytest.param("consent.db", str(Path("consent.db").absolute()), id="plain path"),
        pytest.param("/a b/c?d#e%20.db", "/a b/c?d#e%20.db", id="a path is taken literally"),
        pytest.param("./postgresql:x", str(Path("postgresql:x").absolute()), id="a file named like a URL"),
    ],
)
def test_address(address: str, expected: str) -> None:
    assert str(ledger_file(address)) == expected


@pytest.mark.parametrize(
    "address, told",
    [
        pytest.param("postgresql://u:secret@host/db", "write sqlite:PATH", id="another database"),
        pytest.param("mysql:x", "no ledger of this kind", id="another scheme"),
        pytest.param("sqlite:///x.db", "two readings", id="slashes"),
        pytest.param("sqlite:", "names no file", id="no path"),
        pytest.param("", "names no file", id="empty"),
        pytest.param("sqlite::memory:", "names no file", id="memory is not durable"),
    ],
)
def test_address_that_is_none(address: str, told: str) -> None:
    with pytest.raises(LedgerError, match=told) as caught:
        ledger_file(address)
    assert caught.value.reason is Reason.ADDRESS
    assert "secret" not in str(caught.value)


def test_leaves_are_canonical_and_pinned() -> None:
    leaf = leaves.unlinkable_leaf(refused("vendor:chat", "ads"))
    assert leaf == (
        b'{"format":1,"hour":%d,"kind":"refused","notice":"3","policy":"%s","policy_version":"2026-10-01",'
        b'"refused":["ads","vendor:chat"],"surface":"banner"}' % (HOUR, POLICY.encode())
    )
    personal = leaves.personal_leaf(given(), b"sealed")
    assert personal == b'{"format":1,"hour":%d,"kind":"given","payload":"%s","policy":"%s"}' % (
        HOUR,
        hashlib.sha256(b"sealed").hexdigest().encode(),
        POLICY.encode(),
    )
    # RFC 9162, section 2.1.1.
    hashed = leaves.leaf_hash(leaf)
    assert hashed == hashlib.sha256(b"\x00" + leaf).digest()
    # Before the first record stands a fixed value by chain; 0x02 is no prefix of a Merkle tree.
    start = hashlib.sha256(b"consentry ledger 1 unlinkable").digest()
    assert leaves.origin(Chain.UNLINKABLE) == start
    assert leaves.chain_hash(start, hashed) == hashlib.sha256(b"\x02" + start + hashed).digest()
    assert leaves.origin(Chain.UNLINKABLE) != leaves.origin(Chain.PERSONAL)


def test_everything_known_of_a_consent_is_in_its_payload() -> None:
    record = given("ads", "vendor:chat", refused=frozenset({"social"}), signals=Signals(gpc=True, dnt=False))
    assert json.loads(leaves.payload(record, PERSON)) == {
        "format": 1,
        "person": PERSON,
        "kind": "given",
        "at": round(AT * 1000),
        "policy": POLICY,
        "policy_version": "2026-10-01",
        "notice": "3",
        "surface": "banner",
        "source": "json",
        "language": "en",
        "granted": ["ads", "vendor:chat"],
        "refused": ["social"],
        "gpc": True,
        "dnt": False,
    }


@settings(derandomize=True, max_examples=200, deadline=None)
@draw(
    fields=st.fixed_dictionaries(
        {
            "at": st.floats(min_value=HOUR, max_value=HOUR + 3599.9),
            "language": st.sampled_from(["", "de", "pt-BR", "zh-Hant-TW"]),
            "source": st.sampled_from(Source),
            "signals": st.builds(Signals, gpc=st.booleans(), dnt=st.sampled_from([True, False, None])),
        }
    ),
    make=st.sampled_from([refused, withdrawn]),
)
def test_two_people_who_refuse_the_same_in_the_same_hour_are_the_same_bytes(fields: dict[str, Any], make: Any) -> None:
    assert leaves.unlinkable_leaf(make("ads", **fields)) == leaves.unlinkable_leaf(make("ads"))


@settings(derandomize=True, max_examples=200, deadline=None)
@draw(payload=st.dictionaries(st.text(), st.integers() | st.text(), max_size=4), flipped=st.integers(min_value=0))
def test_only_the_right_key_opens_a_payload_and_only_unchanged(payload: dict[str, Any], flipped: int) -> None:
    key, person = sealing.new_key(), sealing.new_id()
    sealed = sealing.seal(key, person, json.dumps(payload).encode())
    assert sealing.unseal(key, person, sealed) == payload
    assert sealing.unseal(sealing.new_key(), person, sealed) is None
    assert sealing.unseal(key, sealing.new_id(), sealed) is None
    damaged = bytearray(sealed)
    damaged[flipped % len(sealed)] ^= 1
    assert sealing.unseal(key, person, bytes(damaged)) is None


def test_length_tells_nothing_of_what_was_granted() -> None:
    key, person = sealing.new_key(), sealing.new_id()
    sizes = {
        len(sealing.seal(key, person, leaves.payload(record, PERSON)))
        for record in (given("a"), given("analytics", "vendor:a-long-name", language="de-CH"), withdrawn("a"))
    }
    assert len(sizes) == 1


def test_surfaces_differ_because_the_question_did() -> None:
    asked = {leaves.unlinkable_leaf(refused(surface=surface)) for surface in Surface}
    assert len(asked) == len(Surface)
