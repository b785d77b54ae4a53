"""Name and attributes of the consent cookie, by scope and scheme."""

import pytest

from cmp.seal.site import ConsentSite, Scope

AGE = "Max-Age=1000"


@pytest.mark.parametrize(
    "site, line",
    [
        (ConsentSite("https://www.shop.test"), f"__Host-consent=v; Path=/; {AGE}; HttpOnly; Secure; SameSite=Lax"),
        (
            ConsentSite("https://www.shop.test", Scope.SITE, "shop.test"),
            f"__Secure-consent=v; Path=/; {AGE}; HttpOnly; Domain=shop.test; Secure; SameSite=Lax",
        ),
        (ConsentSite("http://shop.test:8080"), f"consent=v; Path=/; {AGE}; HttpOnly; SameSite=Lax"),
        (
            ConsentSite("http://www.shop.test", Scope.SITE, "shop.test"),
            f"consent=v; Path=/; {AGE}; HttpOnly; Domain=shop.test; SameSite=Lax",
        ),
    ],
)
def test_the_cookie_by_scope_and_scheme(site: ConsentSite, line: str) -> None:
    assert site.set_cookie("v", 1_000) == line


def test_a_host_cookie_names_no_domain_and_the_whole_host() -> None:
    # Otherwise browsers refuse the prefix (RFC 6265bis, section 4.1.3.2).
    line = ConsentSite("https://www.shop.test").set_cookie("v", 1_000)
    assert "Domain" not in line
    assert "Path=/;" in line
