"""Arguments about the operator's public site, shared by the commands that serve or enforce its consent.

May go in here: `--public-origin` and `--scope`, and the `ConsentSite` they make. May not: addresses we listen on.
"""

import argparse

from cmp.commands.arguments import UsageError
from cmp.core.urls import UrlError, is_ip, parse_url
from cmp.seal.site import ConsentSite, Scope
from cmp.sites import is_public_suffix, registrable_domain


def add_site(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--public-origin",
        metavar="URL",
        help="the site's address as visitors have it, such as https://www.shop.example",
    )
    parser.add_argument(
        "--scope",
        choices=[scope.value for scope in Scope],
        default=Scope.HOST.value,
        help="whether a choice holds for the one host or for all hosts of its site (default: host)",
    )


def consent_site(arguments: argparse.Namespace, default_origin: str) -> ConsentSite:
    """The site of the arguments. Raises UsageError, also for a scope that no browser would keep a cookie for."""
    text = arguments.public_origin or default_origin
    try:
        url = parse_url(text)
    except UrlError as error:
        raise UsageError(f"--public-origin: {error}") from error
    if url.scheme not in ("http", "https") or url.path not in ("", "/") or url.query:
        raise UsageError(f"--public-origin {text}: write scheme and host alone, such as https://www.shop.example")
    if Scope(arguments.scope) is Scope.HOST:
        return ConsentSite(url.origin)
    domain = registrable_domain(url.host)
    if "." not in domain or is_ip(url.host) or is_public_suffix(domain):
        raise UsageError(f"--scope site: {url.host} is of no domain that several hosts could share; use --scope host")
    return ConsentSite(url.origin, Scope.SITE, domain)
