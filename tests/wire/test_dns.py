"""One question to a name server, and what its answer says; whatever comes from the network."""

import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp.wire.dns import DnsError, dns_question, read_aliases
from tests.name_server import packed, reply

HOST = "metrics.shop.test"
QUESTION = dns_question(HOST, 7)


def test_a_question_asks_for_addresses_and_for_recursion() -> None:
    expected = b"\0\x07\x01\0\0\x01\0\0\0\0\0\0" + packed(HOST) + b"\0\x01\0\x01"
    assert dns_question(HOST, 7) == expected


@pytest.mark.parametrize("host", ["", ".", "a..b", "a" * 64, ".".join(["a" * 60] * 5)], ids=repr)
def test_what_is_no_name_is_not_asked_about(host: str) -> None:
    with pytest.raises(DnsError):
        dns_question(host, 1)


@pytest.mark.parametrize(
    "records, names",
    [
        pytest.param([], (), id="no alias"),
        pytest.param([(HOST, "c.tracker.test")], ("c.tracker.test",), id="one"),
        pytest.param([(HOST, "a.test"), ("a.test", "b.test")], ("a.test", "b.test"), id="a chain"),
        pytest.param([("a.test", "b.test"), (HOST, "a.test")], ("a.test", "b.test"), id="in any order"),
        pytest.param([("METRICS.Shop.TEST", "C.Tracker.Test")], ("c.tracker.test",), id="in capitals"),
        pytest.param([("other.test", "b.test")], (), id="about another name"),
        pytest.param([(HOST, "a.test"), ("a.test", HOST)], ("a.test", HOST), id="a circle ends"),
        pytest.param([(HOST, HOST)], (HOST,), id="itself"),
    ],
)
def test_aliases_are_followed(records: list[tuple[str, str]], names: tuple[str, ...]) -> None:
    assert read_aliases(reply(QUESTION, *records), HOST, 7).names == names


def test_the_shortest_time_counts() -> None:
    assert read_aliases(reply(QUESTION, (HOST, "a.test"), seconds=42), HOST, 7).seconds == 42


def test_a_name_may_lead_back_to_one_before() -> None:
    target = b"\x01c\xc0\x14"  # "c", then what stands at 20: "shop.test"
    record = b"\xc0\x0c" + struct.pack("!HHIH", 5, 1, 9, len(target)) + target
    message = struct.pack("!6H", 7, 0x8180, 1, 1, 0, 0) + QUESTION[12:] + record
    assert read_aliases(message, HOST, 7).names == ("c.shop.test",)


def test_what_was_cut_off_counts_as_far_as_it_came() -> None:
    whole = reply(QUESTION, (HOST, "a.test"), ("a.test", "b.test"))
    assert read_aliases(whole[:-40] if len(whole) > 100 else whole[:-20], HOST, 7).names == ("a.test",)


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(reply(QUESTION, number=8), id="another number"),
        pytest.param(QUESTION, id="a question"),
        pytest.param(reply(dns_question("evil.test", 7), ("evil.test", "a.test")), id="another name"),
        pytest.param(struct.pack("!6H", 7, 0x8180, 1, 0, 0, 0) + b"\xc0\x0c", id="a name that leads to itself"),
        pytest.param(struct.pack("!6H", 7, 0x8180, 1, 0, 0, 0) + b"\xc0\x20", id="a name that leads forward"),
        pytest.param(struct.pack("!6H", 7, 0x8180, 1, 0, 0, 0) + b"\x50", id="a label that is too long"),
    ],
)
def test_what_is_no_answer_to_the_question_is_none(message: bytes) -> None:
    with pytest.raises(DnsError):
        read_aliases(message, HOST, 7)


def test_a_long_chain_ends() -> None:
    names = [HOST, *(f"n{n}.test" for n in range(40))]
    assert len(read_aliases(reply(QUESTION, *pairwise(names)), HOST, 7).names) == 16


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.binary(max_size=120))
def test_nothing_from_the_network_does_more_than_be_refused(tail: bytes) -> None:
    start = struct.pack("!6H", 7, 0x8180, 1, 3, 0, 0) + QUESTION[12:]
    try:
        found = read_aliases(start + tail, HOST, 7)
    except DnsError:
        return
    assert len(found.names) <= 16
