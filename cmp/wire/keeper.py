"""The guard's element and, behind it, a few lines that notice when the guard did not arrive.

May go in here: what stands first in a page of the site for the guard's sake. May not: the guard itself (`guard.py`).
What the lines do stands in `static/keeper.js`.
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from typing import Final

from cmp import resources
from cmp.core.consent import Visitor
from cmp.core.policy import OnError, Policy
from cmp.core.signals import Signals
from cmp.core.urls import Url, is_ip
from cmp.sites import registrable_domain
from cmp.wire.guard import guard_for
from cmp.wire.shorten import shorter_script
from cmp.wire.words import word

# Where the arguments go, in the file and in what is sent.
_PLACE: Final = ("/* ARGUMENTS */", "ARGUMENTS")
# CSP 3, section 6.8.3: which directive says whether an inline script runs.
_DIRECTIVES: Final = ("script-src-elem", "script-src", "default-src")
# CSP 3, section 6.7.3.3: beside one of these the word 'unsafe-inline' counts for nothing.
_MORE_EXACT: Final = ("'nonce-", "'sha256-", "'sha384-", "'sha512-", "'strict-dynamic'")
# So often the guard is asked for again.
_MORE_TRIES: Final = 2
# So many sites a page may reach without its guard: what is said in each page stays short.
_MOST_SITES: Final = 20


def guard_elements(policy: Policy, page: Url, language: str, *, reserved: str, csp: Sequence[str], nonce: str) -> str:
    """Both script elements, ASCII. `csp` are the site's own policies, `nonce` is an attribute for a script element.

    Where the site's own policies let no inline script of ours run, the guard stands alone.
    """
    address = f"{reserved}guard.js"
    guard = f'<script src="{escape(address)}"{nonce}></script>'
    if not nonce and not all(_permits_inline(line) for field in csp for line in field.split(",")):
        return guard
    own = "" if policy.on_error is OnError.BLOCK else _own_site_alone(policy, page)
    told = [_MORE_TRIES, address, nonce, own, word(language, "unguarded"), word(language, "reload")]
    said = json.dumps(told)[1:-1].replace("<", "\\u003c").replace("&", "\\u0026")
    return f"{guard}<script{nonce}>{_source().replace(_PLACE[1], said)}</script>"


def inline_guard(policy: Policy, visitor: Visitor, signals: Signals, page: Url, nonce: str) -> str:
    """The guard whole, for a frame that cannot ask for it as this visitor. Where the site's own policies let no inline
    script run, those of the frame do not run either."""
    return f"<script{nonce}>{guard_for(policy, visitor, signals, page)}</script>"


def _own_site_alone(policy: Policy, page: Url) -> str:
    own = sorted(policy.sites)[:_MOST_SITES] or [registrable_domain(page.host)]
    sites = " ".join(f"{site} *.{site}" for site in own if not is_ip(site))
    return f"default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob: {sites}; object-src 'none'"


def _permits_inline(csp: str) -> bool:
    """Whether one policy lets an inline script without a nonce run (CSP 3, section 6.7.3.3)."""
    said: dict[str, list[str]] = {}
    for directive in csp.lower().split(";"):
        name, *sources = directive.split() or [""]
        said.setdefault(name, sources)
    sources = next((said[name] for name in _DIRECTIVES if name in said), ["'unsafe-inline'"])
    return "'unsafe-inline'" in sources and not any(source.startswith(_MORE_EXACT) for source in sources)


@lru_cache(maxsize=1)
def _source() -> str:
    text = (resources.static() / "keeper.js").read_text("utf-8")
    return shorter_script(text.replace(*_PLACE))
