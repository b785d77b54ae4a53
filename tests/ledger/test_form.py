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
from cmp.ledger.errors import LedgerError, Reason
from cmp.ledger.leaves import Part
from cmp.ledger.record import Kind, Source, Surface
from cmp.store.address import place_of, without_password
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
        pytest.param({"kind": Kind.EXPIRED}, "kind", id="no choice"),
        pytest.param({"until": -1.0}, "until", id="an end before 1970"),
        pytest.param({"buttons": ("<b>",)}, "buttons", id="markup as button"),
        pytest.param({"receipt": True}, "receipt", id="receipt for a consent"),
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
        pytest.param(
            "sqlite:///consent.db", str(Path("consent.db").absolute()), id="as SQLAlchemy writes it, relative"
        ),
        pytest.param("sqlite:////var/lib/c%20d.db", "/var/lib/c d.db", id="as SQLAlchemy writes it, absolute"),
        pytest.param("postgresql://u:p@host/db", "postgresql://u:p@host/db", id="a server"),
        pytest.param("postgres://host/db?x=1", "postgresql://host/db?x=1", id="a server, short"),
        pytest.param("./postgresql:x", str(Path("postgresql:x").absolute()), id="a file named like a URL"),
    ],
)
def test_address(address: str, expected: str) -> None:
    assert str(place_of(address, LedgerError, "ledger")) == expected


@pytest.mark.parametrize(
    "address, told",
    [
        pytest.param("oracle://u:secret@host/db", "write sqlite:PATH", id="another database"),
        pytest.param("mysql:x", "no ledger of this kind", id="another scheme"),
        pytest.param("sqlite://x.db", "two readings", id="slashes"),
        pytest.param("sqlite:", "names no file", id="no path"),
        pytest.param("", "names no file", id="empty"),
        pytest.param("sqlite::memory:", "names no file", id="memory is not durable"),
    ],
)
def test_address_that_is_none(address: str, told: str) -> None:
    with pytest.raises(LedgerError, match=told) as caught:
        place_of(address, LedgerError, "ledger")
    assert caught.value.reason is Reason.ADDRESS
    assert "secret" not in str(caught.value)


def test_a_server_is_told_without_password_and_options() -> None:
    told = without_password("postgresql://ann:secret@db.test:5432/consent?password=secret&sslmode=require")
    assert told == "postgresql://ann@db.test:5432/consent"


def test_leaves_are_canonical_and_pinned() -> None:
    leaf = leaves.unlinkable_leaf(refused("vendor:chat", "ads", buttons=("accept", "refuse")))
    assert leaf == (
        b'{"buttons":["accept","refuse"],"format":2,"hour":%d,"kind":"refused","notice":"3","policy":"%s",'
        b'"policy_version":"2026-10-01","refused":["ads","vendor:chat"],"surface":"banner"}' % (HOUR, POLICY.encode())
    )
    personal = leaves.personal_leaf(Kind.GIVEN, HOUR, POLICY, b"sealed")
    assert personal == b'{"format":2,"hour":%d,"kind":"given","payload":"%s","policy":"%s"}' % (
        HOUR,
        hashlib.sha256(b"sealed").hexdigest().encode(),
        POLICY.encode(),
    )
    assert leaves.erased_leaf(HOUR, 3, "asked") == (
        b'{"format":2,"hour":%d,"kind":"erased","records":3,"why":"asked"}' % HOUR
    )


@pytest.mark.parametrize(
    "content, part",
    [
        ({"format": 1, "kind": "given", "payload": ""}, Part.PERSONAL),
        ({"format": 2, "kind": "refused", "payload": ""}, Part.PERSONAL),
        ({"format": 2, "kind": "refused"}, Part.UNLINKABLE),
        ({"format": 2, "kind": "policy"}, Part.PUBLIC),
        ({"format": 2, "kind": "given"}, None),
        ({"format": True, "kind": "refused"}, None),
        ({"format": 3, "kind": "refused"}, None),
        ({}, None),
    ],
)
def test_a_leaf_says_itself_what_part_it_belongs_to(content: dict[str, Any], part: Part | None) -> None:
    assert leaves.part_of(content) is part


def test_everything_known_of_a_consent_is_in_its_payload() -> None:
    record = given(
        "ads",
        "vendor:chat",
        refused=frozenset({"social"}),
        signals=Signals(gpc=True, dnt=False),
        buttons=("accept", "refuse"),
        until=AT + 1,
    )
    assert json.loads(leaves.payload(record, Kind.GIVEN, PERSON)) == {
        "format": 2,
        "person": PERSON,
        "kind": "given",
        "at": round(AT * 1000),
        "until": round((AT + 1) * 1000),
        "policy": POLICY,
        "policy_version": "2026-10-01",
        "notice": "3",
        "surface": "banner",
        "buttons": ["accept", "refuse"],
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
        len(sealing.seal(key, person, leaves.payload(record, record.kind, PERSON)))
        for record in (given("a"), given("analytics", "vendor:a-long-name", language="de-CH"), withdrawn("a"))
    }
    assert len(sizes) == 1


def test_surfaces_differ_because_the_question_did() -> None:
    asked = {leaves.unlinkable_leaf(refused(surface=surface)) for surface in Surface}
    assert len(asked) == len(Surface)
