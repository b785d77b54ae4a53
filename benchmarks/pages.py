"""Pages of 50 kB with tags to neutralise: through the proxy, through mitmdump and Privoxy, and rewriting alone.

May go in here: what is measured side by side. May not: the processes at both ends (`loopback.py`).

All proxies stand before one origin and are asked in turn, round after round. Where other work shares the machine, the
processor time of a request says more than requests a second. No consent server stands behind: there is no banner in the
pages. Privoxy is given its shipped filters for tracking pixels
and banners, the nearest it has to what is done here; it does its work in threads, on all processors.
"""

import importlib
import importlib.util
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from benchmarks import loopback
from benchmarks.proxy import Measured, consentry, mitmdump
from cmp import resources
from cmp.core.consent import Visitor, supposed_visitor
from cmp.core.policy import Policy
from cmp.core.signals import NO_SIGNALS
from cmp.core.urls import parse_url
from cmp.policy.load import load_policy
from cmp.wire.html import rewrite_page

_ROUNDS = 3
_PAGES = 100
# What a request is: its name in `loopback`, what it says, and the aim of the proxy's speed beside mitmdump's.
_KINDS = (("pages", "pages that all differ", 1.2), ("page", "one page again and again", 1.5))
_PRIVOXY_AIM = 2.0
_SELECTOLAX_AIM = 1.5
_URL = parse_url("https://shop.test/page/1")
_FILTERS = "+filter{webbugs} +filter{banners-by-size} +filter{banners-by-link}"


def run() -> Iterator[str]:
    yield from _alone()
    with ExitStack() as started:
        origin = started.enter_context(loopback.origin())
        found = {
            "mitmdump": started.enter_context(mitmdump(origin)),
            "consentry proxy": started.enter_context(consentry(origin)),
        }
        program = shutil.which("privoxy") or shutil.which("/usr/sbin/privoxy")
        if program is None:
            yield "no Privoxy here (Debian package privoxy): not compared with it"
        else:
            found["privoxy"] = started.enter_context(_privoxy(program, origin))
        for client, what, aim in _KINDS:
            measured = {name: Measured(one.port, one.pid, client) for name, one in found.items()}
            for _ in range(_ROUNDS):
                for one in measured.values():
                    one.go_round()
            yield from _told(what, aim, measured)


def _told(what: str, aim: float, measured: dict[str, Measured]) -> Iterator[str]:
    speeds = ", ".join(f"{name} {statistics.median(one.speeds):.0f}" for name, one in measured.items())
    yield f"{what}, requests/s: {speeds}"
    ours = measured["consentry proxy"]
    for name, wanted in (("mitmdump", aim), ("privoxy", _PRIVOXY_AIM)):
        if name not in measured:
            continue
        other = measured[name]
        ratio = statistics.median(mine / its for mine, its in zip(ours.speeds, other.speeds, strict=True))
        work = statistics.median(its / max(mine, 1) for mine, its in zip(ours.work, other.work, strict=True))
        yield f"    {ratio:.2f} of {name}'s (aim {wanted}); {work:.2f} of them for the same processor time"


def _alone() -> Iterator[str]:
    pages = [loopback.page_of(n) for n in range(_PAGES)]
    speeds: dict[str, float] = {}
    for name in ("default", "strict"):
        policy = load_policy(resources.policies() / f"{name}.json")
        visitor = supposed_visitor(policy, "refuse")
        rewrite = partial(_rewrite, policy, visitor)
        # What a policy finds out once is no part of a page.
        rewrite(loopback.page_of(_PAGES))
        first = _milliseconds(rewrite, pages)
        again = _milliseconds(rewrite, pages[-1:] * _PAGES)
        speeds[name] = first
        yield f"rewriting under {name}: {first:.2f} ms of processor time a page, {again:.3f} ms when asked for again"
    if importlib.util.find_spec("selectolax") is None:
        yield "no selectolax here: rewriting not compared with it"
        return
    parser = importlib.import_module("selectolax.lexbor").LexborHTMLParser
    other = _milliseconds(lambda text: parser(text).html, pages)
    ratios = ", ".join(f"{other / first:.2f} under {name}" for name, first in speeds.items())
    yield f"    selectolax parses and serialises it in {other:.2f} ms: {ratios} of its speed (aim {_SELECTOLAX_AIM})"


def _rewrite(policy: Policy, visitor: Visitor, text: str) -> object:
    return rewrite_page(text, policy, visitor, NO_SIGNALS, _URL, head="", body_start="")


def _milliseconds(work: Callable[[str], object], pages: list[str]) -> float:
    """Of processor time for each page."""
    start = time.process_time()
    for page in pages:
        work(page)
    return (time.process_time() - start) * 1000 / len(pages)


@contextmanager
def _privoxy(program: str, origin: int) -> Iterator[Measured]:
    port = loopback.free_port()
    settings = next(path for path in (Path(program).parents[1] / "etc/privoxy", Path("/etc/privoxy")) if path.exists())
    with tempfile.TemporaryDirectory() as folder:
        actions = Path(folder, "own.action")
        actions.write_text(f"{{{_FILTERS}}}\n/\n", encoding="ascii")
        config = Path(folder, "config")
        config.write_text(
            f"confdir {settings}\nlogdir {folder}\nactionsfile {actions}\nfilterfile default.filter\n"
            f"listen-address 127.0.0.1:{port}\naccept-intercepted-requests 1\nkeep-alive-timeout 300\n"
            f"default-server-timeout 60\nconnection-sharing 1\nmax-client-connections 128\n"
            f"forward / 127.0.0.1:{origin}\n",
            encoding="ascii",
        )
        with loopback.program([program, "--no-daemon", str(config)]) as running:
            loopback.wait_for(port)
            yield Measured(port, running.pid)
