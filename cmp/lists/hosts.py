"""Hosts files, and plain lists of domains.

May go in here: both forms of a line. A line with an address ("0.0.0.0 ads.example") names one host, as in a hosts
file; a name alone ("ads.example") names a domain with all that is below it. May not: other syntax of host lists.
"""

import ipaddress
from collections.abc import Mapping

from cmp.core.classify import Party, host_suffixes
from cmp.core.exchange import Kind
from cmp.core.listed import Found, Source
from cmp.core.urls import Url, UrlError, is_ip, parse_host
from cmp.lists.content import Content, Filed, Filing, FormatError, Trouble, text_of
from cmp.sites import is_public_suffix

# What every hosts file has for the machine itself: no faults.
_LOCAL = frozenset(
    {
        *("localhost", "localhost.localdomain", "local", "broadcasthost", "0.0.0.0"),  # noqa: S104
        *("ip6-localhost", "ip6-loopback", "ip6-localnet", "ip6-mcastprefix", "ip6-allnodes", "ip6-allrouters"),
        "ip6-allhosts",
    }
)


class HostsContent(Content):
    """Hosts, each with whether it stands for everything below it too."""

    format = "hosts"

    def __init__(self, hosts: Mapping[str, bool], trouble: Trouble) -> None:
        super().__init__(rules=len(hosts), own={}, trouble=trouble)
        self.hosts = hosts

    def source(self, filing: Filing) -> Source:
        return HostsSource(self, filing)


def read_hosts(data: bytes) -> HostsContent:
    """Read a hosts file or a list of domains. Raises FormatError for what has more bad lines than good ones."""
    hosts: dict[str, bool] = {}
    trouble = Trouble()
    for number, raw in enumerate(text_of(data).split("\n"), 1):
        line = raw.partition("#")[0].strip()
        if line:
            _line(hosts, line, number, trouble)
    if not hosts or trouble.count > len(hosts):
        first = f": {trouble.shown[0].place}: {trouble.shown[0].why}" if trouble.count else ""
        raise FormatError(f"is no hosts file and no list of domains{first}")
    return HostsContent(hosts, trouble)


def _line(hosts: dict[str, bool], line: str, number: int, trouble: Trouble) -> None:
    first, *rest = line.split()
    if not rest:
        _add(hosts, first.removeprefix("*.").removeprefix("."), line, number, trouble, below=True)
        return
    try:
        ipaddress.ip_address(first.partition("%")[0])
    except ValueError:
        trouble.add(number, line, "begins with no address")
        return
    for name in rest:
        if name.lower() not in _LOCAL:
            _add(hosts, name, line, number, trouble, below=False)


def _add(hosts: dict[str, bool], name: str, line: str, number: int, trouble: Trouble, *, below: bool) -> None:
    try:
        host = parse_host(name)
    except UrlError as error:
        trouble.add(number, line, error.why)
        return
    if is_ip(host) or "." not in host or not all(c.isalnum() or c in "-_." for c in host):
        trouble.add(number, line, "names no host of the web")
    elif below and host.count(".") <= 2 and is_public_suffix(host):
        trouble.add(number, line, "names a public suffix: everybody's sites would fall under it")
    else:
        hosts[host] = hosts.get(host, False) or below


class HostsSource(Filed):
    """The hosts, all under one category. A host of the page itself is not meant: the visitor went there."""

    def __init__(self, content: HostsContent, filing: Filing) -> None:
        super().__init__(filing)
        self._hosts = content.hosts

    def request(self, url: Url, page: Url | None, kind: Kind, *, third_party: bool) -> tuple[Found, ...]:  # noqa: ARG002
        for suffix in host_suffixes(url.host):
            below = self._hosts.get(suffix)
            if below is None or not (below or suffix == url.host):
                continue
            if page is not None and suffix in host_suffixes(page.host):
                return ()
            return (Found(self._filing.rule(suffix), self._filing.category),)
        return ()

    def cookie(self, name: str, url: Url, page: Url | None, party: Party) -> tuple[Found, ...]:  # noqa: ARG002
        return ()
