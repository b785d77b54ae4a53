"""Addresses are read as strictly as the standard library does."""

import ipaddress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp.core.networks import read_address

_NUMBER = st.one_of(
    st.integers(0, 300).map(str), st.sampled_from(["", "00", "01", "+1", "1_0", " 1", "\u0661", "1\n", "0x1"])
)


@pytest.mark.parametrize(
    "text, address",
    [
        pytest.param("10.2.3.4", "10.2.3.4", id="IPv4"),
        pytest.param("255.255.255.255", "255.255.255.255", id="the last"),
        pytest.param("[2001:DB8::1]", "2001:db8::1", id="IPv6 in brackets"),
        pytest.param("fe80::1%eth0", "fe80::1", id="without its zone"),
        pytest.param("::ffff:10.2.3.4", "10.2.3.4", id="IPv4 written as IPv6"),
        pytest.param("10.2.3.256", None, id="too large a number"),
        pytest.param("10.2.3.04", None, id="a leading zero, which some read as octal"),
        pytest.param("10.2.3", None, id="three numbers"),
        pytest.param("10.2.3.4\n", None, id="a line end"),
        pytest.param("10.2.3.\u0664", None, id="digits of another script"),
        pytest.param("unknown", None, id="a word"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_reads_an_address(text: str, address: str | None) -> None:
    assert read_address(text) == (None if address is None else ipaddress.ip_address(address))


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.lists(_NUMBER, min_size=2, max_size=5).map(".".join))
def test_reads_an_ipv4_address_as_the_standard_library_does(text: str) -> None:
    try:
        expected = ipaddress.IPv4Address(text)
    except ValueError:
        expected = None
    assert read_address(text) == expected
