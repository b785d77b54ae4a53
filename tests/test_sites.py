"""Registrable domains: where one site ends and the next begins."""

import pytest

from cmp.sites import is_public_suffix, registrable_domain


@pytest.mark.parametrize(
    "host, site",
    [
        ("example.com", "example.com"),
        ("a.b.example.com", "example.com"),
        ("www.example.co.uk", "example.co.uk"),
        pytest.param("shop.github.io", "shop.github.io", id="below a private suffix each is its own site"),
        pytest.param("a.shop.github.io", "shop.github.io", id="and has sub-domains"),
        pytest.param("github.io", "github.io", id="a public suffix is its own site"),
        pytest.param("co.uk", "co.uk", id="another one"),
        pytest.param("www.site.test", "site.test", id="a suffix the list does not know is one label"),
        pytest.param("site.test", "site.test", id="nothing to cut there"),
        pytest.param("test", "test", id="a single label"),
        pytest.param("localhost", "localhost", id="this machine"),
        pytest.param("192.0.2.1", "192.0.2.1", id="an IPv4 address"),
        pytest.param("[2001:db8::1]", "[2001:db8::1]", id="an IPv6 address"),
        pytest.param("city.kawasaki.jp", "city.kawasaki.jp", id="an exception to a wildcard"),
        pytest.param("a.b.c.kawasaki.jp", "b.c.kawasaki.jp", id="a wildcard"),
        pytest.param("www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn", id="an international suffix"),
        pytest.param("", "", id="no host"),
    ],
)
def test_the_site_of_a_host(host: str, site: str) -> None:
    assert registrable_domain(host) == site


@pytest.mark.parametrize(
    "host, expected",
    [
        ("com", True),
        ("co.uk", True),
        ("github.io", True),
        ("example.com", False),
        ("shop.github.io", False),
        ("test", False),
        ("localhost", False),
        ("192.0.2.1", False),
        ("[::1]", False),
    ],
)
def test_a_public_suffix_is_nobodys_site(host: str, expected: bool) -> None:
    assert is_public_suffix(host) is expected
