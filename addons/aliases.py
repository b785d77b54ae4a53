"""Looks up whether a host of the page's own site is another name for somebody else's, before the request is decided.

May go in here: which requests it is asked for, and the note it leaves on the flow. May not: asking
(`cmp.live.aliases`), deciding (`addons.enforce`, which comes after).
"""

import logging

from mitmproxy import http

from cmp.capture.flow_exchange import ALIASES, flow_url, header_list
from cmp.capture.observe import page_of
from cmp.core.urls import UrlError
from cmp.live.aliases import AliasLookup
from cmp.sites import registrable_domain

logger = logging.getLogger(__name__)


class LookUpAliases:
    """For a browser's proxy. In front of a site the proxy knows its own hosts, and their names lead to it."""

    def __init__(self, lookup: AliasLookup) -> None:
        self._lookup = lookup

    async def requestheaders(self, flow: http.HTTPFlow) -> None:
        host = _own_part(flow)
        if host is not None and (names := await self._lookup.of(host)):
            flow.metadata[ALIASES] = " ".join(names)


def _own_part(flow: http.HTTPFlow) -> str | None:
    """The request's host where it is another one of its page's site; None else.

    The page's own host is what the visitor asked for, whoever's servers it runs on.
    """
    try:
        url, page = flow_url(flow, reverse=False), page_of(header_list(flow.request.headers))
    except UrlError:
        return None
    if page is None or page.host == url.host:
        return None
    return url.host if registrable_domain(page.host) == registrable_domain(url.host) != "" else None
