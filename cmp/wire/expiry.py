"""Set-Cookie lines that take denied cookies away, wherever on this site they may have been set.

May go in here: the places a cookie of a given name can live in, and the lines that empty them. May not: which cookies
are denied (`cmp.core`).

A cookie is told from another by name, domain, host-only or not, path and partition (RFC 6265bis, section 5.7; CHIPS for
the partition), and a request shows the name alone: so every place within reach is emptied, the likeliest first. Out of
reach: jars of other sites, sub-domains other than the one asked, paths other than those above the one asked.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from cmp.core.classify import host_suffixes
from cmp.core.urls import is_ip
from cmp.sites import is_public_suffix, registrable_domain

# Servers and proxies on the way bound the size of an answer's head; and a page asked again gets the rest.
MOST_LINES: Final = 40
_DEEPEST: Final = 4

# RFC 9110, section 5.6.2 (the name is a token, RFC 6265 section 4.1.1): nothing that could end a name or a header line.
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
# RFC 6265, section 4.1.1, path-value, without space.
_PATH: Final = re.compile(r"/[!-:<-~]*")
_HOST: Final = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")


def expiring_set_cookies(names: Iterable[str], host: str, path: str, *, secure: bool) -> list[str]:
    """Set-Cookie field values that delete the cookies called `names` as far as an answer to host and path can.

    `secure`: the answer goes over HTTPS, so that Secure cookies and partitioned ones (which must be Secure) are within
    reach. A name that is no token cannot be written into a header and is left out. At most `MOST_LINES` lines: places
    that most cookies live in come first, and each place takes its turn for every name.
    """
    wanted = [name for name in dict.fromkeys(names) if _TOKEN.fullmatch(name)]
    lines: list[str] = []
    for domain, at, partitioned in _places(host, path, secure=secure):
        for name in wanted:
            if len(lines) >= MOST_LINES:
                return lines
            if line := _line(name, domain, at, secure=secure, partitioned=partitioned):
                lines.append(line)
    return lines


def _places(host: str, path: str, *, secure: bool) -> Iterator[tuple[str, str, bool]]:
    """Domain ("" for host-only), path and partition, the likeliest first.

    Scripts of vendors set cookies on the registrable domain with Path=/; sites set them host-only with Path=/.
    """
    parents = _domains(host)
    domains = ["", *reversed(parents)]
    for domain in domains:
        yield domain, "/", False
    if secure:
        for domain in domains:
            yield domain, "/", True
    for at in _paths(path):
        for domain in domains:
            yield domain, at, False
    if secure:
        for at in _paths(path):
            yield "", at, True


def _domains(host: str) -> list[str]:
    """The host and each parent down to the registrable domain: browsers take no cookie for anything above."""
    if is_ip(host) or not _HOST.fullmatch(host) or "." not in host or is_public_suffix(host):
        return []
    site = registrable_domain(host)
    found = []
    for suffix in host_suffixes(host):
        found.append(suffix)
        if suffix == site:
            break
    return found


def _paths(path: str) -> Iterator[str]:
    """The paths above the one asked, longest last, each without and with a slash at its end: those are two paths."""
    if not _PATH.fullmatch(path):
        return
    segments = path.split("/")[1:]
    at = ""
    for n, segment in enumerate(segments[:_DEEPEST]):
        at += f"/{segment}"
        if segment:
            yield at
            if n < len(segments) - 1:
                yield f"{at}/"


def _line(name: str, domain: str, path: str, *, secure: bool, partitioned: bool) -> str:
    """One line, "" where a browser would refuse it for the prefix of the name (RFC 6265bis, section 4.1.3)."""
    prefix = name.lower()
    if prefix.startswith(("__host-", "__hosthttp-")) and (domain or path != "/"):
        return ""
    if prefix.startswith(("__host-", "__hosthttp-", "__secure-", "__http-")) and not secure:
        return ""
    parts = [f"{name}=", f"Path={path}", "Max-Age=0"]
    if domain:
        parts.append(f"Domain={domain}")
    if secure:
        parts.append("Secure")
    if prefix.startswith(("__http-", "__hosthttp-")):
        parts.append("HttpOnly")
    if partitioned:
        parts.append("Partitioned")
    return "; ".join(parts)
