"""How one site's consent is reached and remembered: values that server and proxy must share.

May go in here: the reserved path, the cookie's name and scope. May not: keys (`keys.py`) and the cookie's content
(`cookie.py`).
"""

from dataclasses import dataclass
from enum import StrEnum

RESERVED_PATH = "/.consent/"


class Scope(StrEnum):
    """Which hosts share a choice: the one host, or every host of the registrable domain."""

    HOST = "host"
    SITE = "site"


@dataclass(frozen=True, slots=True)
class ConsentSite:
    """The public origin a consent server speaks for.

    `origin` is such as "https://www.shop.example"; `domain` the registrable domain for `Scope.SITE`, "" otherwise.
    """

    origin: str
    scope: Scope = Scope.HOST
    domain: str = ""
    reserved: str = RESERVED_PATH

    @property
    def secure(self) -> bool:
        return self.origin.startswith("https://")

    @property
    def audience(self) -> str:
        """Whom a consent cookie is made out to: the host, or the domain. A cookie for somebody else counts as none."""
        return self.domain if self.scope is Scope.SITE else self.origin.partition("://")[2]

    @property
    def cookie_name(self) -> str:
        """With the prefix that keeps sub-domains and plain HTTP from setting it (RFC 6265bis, section 4.1.3).

        A plain http origin, which only development has, cannot use a prefix.
        """
        if not self.secure:
            return "consent"
        return "__Secure-consent" if self.scope is Scope.SITE else "__Host-consent"

    def set_cookie(self, value: str, max_age: int) -> str:
        """The Set-Cookie field value that remembers a choice for `max_age` seconds; 0 forgets it."""
        attributes = [f"{self.cookie_name}={value}", "Path=/", f"Max-Age={max_age}", "HttpOnly"]
        if self.scope is Scope.SITE:
            attributes.append(f"Domain={self.domain}")
        if self.secure:
            attributes.append("Secure")
        return "; ".join([*attributes, "SameSite=Lax"])
