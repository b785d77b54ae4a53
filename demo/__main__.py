"""`make demo`: one visitor walks through every choice, in front of a site that tracks; what happened is printed.

May go in here: the walk, and what is printed of it. May not: the site, the visitor (`site.py`, `visit.py`), or any way
of protecting anybody other than the product's own commands.

The site is ours, with its third parties, all on loopback. `consentry up` stands in front of it. A second proxy, which
only observes, records what the visitor's browser sends to anybody: the auditor's tap. Its recordings are audited.
"""

import asyncio
import contextlib
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cmp.audit.decision_log import review
from cmp.cli import main as consentry
from cmp.ledger.statistics import statistics_of
from cmp.ledger.verify import verify
from demo.names import SITE
from demo.site import Site, running_site
from demo.visit import Visit, Visitor

HERE = Path(__file__).resolve().parent
POLICY = HERE / "policy.json"
OUTPUT = HERE.parent / "demo-output"
ORIGIN = f"http://{SITE}"
CHOICE = "/.consent/choice"


def main() -> int:
    started = time.monotonic()
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir()
    with (
        running_site() as site,
        _command("up", *_up(site), ready="consentry up:") as line,
        _kept_port() as tap_port,
        _kept_port() as aside_port,
    ):
        stage = Stage(site, port_of(line), tap_port, aside_port)
        print(f"The site {SITE} and its third parties run on loopback; consentry up stands in front of the site.\n")
        asyncio.run(stage.show_all())
    _show_ledger()
    _show_log()
    print(f"Done in {time.monotonic() - started:.0f} s. Recordings, ledger, decision log and keys: {OUTPUT.name}/")
    return 0 if stage.kept else 1


@dataclass(frozen=True)
class Step:
    """One step of the walk: what the visitor does first, and the choice that holds while the pages are visited."""

    title: str
    choice: str
    press: str = ""
    gpc: bool = False
    fresh: bool = False


STEPS = (
    Step("The visitor has made no choice", "none", fresh=True),
    Step("The visitor refuses", "refuse", press="refuse"),
    Step("The visitor accepts", "accept", press="accept"),
    Step("The visitor withdraws", "refuse", press="withdraw"),
    Step("Another visitor refuses, with Global Privacy Control on", "refuse", press="refuse", gpc=True, fresh=True),
)


class Stage:
    """The running site with `consentry up` before it, and the visitors who walk through the steps."""

    def __init__(self, site: Site, up_port: int, tap_port: int, aside_port: int) -> None:
        self._site, self._up_port = site, up_port
        self._tap_port, self._aside_port = tap_port, aside_port
        self.kept = True

    async def show_all(self) -> None:
        async with contextlib.AsyncExitStack() as visitors:
            visitors.enter_context(self._tap(None, to_site=self._up_port))
            visitor: Visitor | None = None
            for number, step in enumerate(STEPS, 1):
                if visitor is None or step.fresh:
                    visitor = await visitors.enter_async_context(self._visitor(gpc=step.gpc))
                print(f"{number}. {step.title}")
                record = OUTPUT / f"{number}-{step.press or 'none'}{'-gpc' if step.gpc else ''}.flow"
                await self._show(visitor, step, record, to_site=self._up_port)
                self._audit(record, step.choice, expect_findings=False)
        print("For comparison, the same visit without Consentry in front of the site")
        async with self._visitor() as visitor:
            record = OUTPUT / "unprotected.flow"
            await self._show(visitor, STEPS[0], record, to_site=self._site.port)
        self._audit(record, "none", expect_findings=True)

    def _visitor(self, *, gpc: bool = False) -> Visitor:
        return Visitor(proxy=_loopback(self._tap_port), gpc=gpc)

    async def _show(self, visitor: Visitor, step: Step, record: Path, *, to_site: int) -> None:
        if step.press:
            # What came before the choice belongs to the step before; so it goes past this step's recording.
            with visitor.behind(_loopback(self._aside_port)):
                # The first choice is made in the banner; once it is gone, on the page its link leads to.
                page = await visitor.visit(f"{ORIGIN}/privacy")
                if not any(form.action == CHOICE for form in page.forms):
                    page = await visitor.visit(f"{ORIGIN}/.consent/")
                await _press(visitor, page, step.press)
        self._site.hits.clear()
        with self._tap(record, to_site=to_site):
            pages = [await visitor.visit(f"{ORIGIN}{path}") for path in ("/", "/survey", "/chat")]
        print(f"   pages: {', '.join(str(page.status) for page in pages)}")
        reached = sorted(self._site.reached().items())
        print(f"   third parties reached: {', '.join(f'{host} {count}' for host, count in reached) or 'none'}")
        for host, names in sorted(visitor.jar().items()):
            print(f"   cookies kept for {host}: {', '.join(sorted(names))}")
        if to_site == self._up_port:
            print(f"   the ledger holds: {_ledger_counts()}")

    @contextlib.contextmanager
    def _tap(self, record: Path | None, *, to_site: int) -> Iterator[None]:
        """A proxy that only observes, between the visitor and everybody: the auditor's recording. Without one, on a
        port of its own beside it."""
        arguments = ["--mode", "regular", "--observe", "--policy", str(POLICY), "--confdir", str(OUTPUT / "authority")]
        port, recording = (self._tap_port, ["--record", str(record)]) if record else (self._aside_port, [])
        arguments += ["--port", str(port), *recording]
        for route in (f"{SITE}:80:127.0.0.1:{to_site}", f":80:127.0.0.1:{self._site.port}"):
            arguments += ["--connect-to", route]
        with _command("proxy", *arguments, ready="consentry proxy:"):
            yield

    def _audit(self, record: Path, choice: str, *, expect_findings: bool) -> None:
        # It ends by itself, so it needs no process of its own, which would take longer to start than it takes.
        with contextlib.redirect_stdout(io.StringIO()) as said:
            status = consentry(["audit", str(record), "--policy", str(POLICY), "--choice", choice, "--format", "json"])
        if status not in (0, 1):
            raise SystemExit(status)
        report = json.loads(said.getvalue())
        breaches = [f for f in report["findings"] if f["level"] == "violation"]
        others = [f for f in report["findings"] if f["level"] != "violation"]
        counted = f"{len(breaches)} violations ({_by_code(breaches)}); to look at: {_by_code(others)}"
        print(f'   audit of the recording, as "{choice}": {counted}\n')
        self.kept = self.kept and bool(breaches) == expect_findings


def _loopback(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _by_code(findings: list[dict[str, str]]) -> str:
    counts = Counter(finding["code"] for finding in findings)
    return ", ".join(f"{code} {count}" for code, count in sorted(counts.items())) or "nothing"


async def _press(visitor: Visitor, page: Visit, button: str) -> None:
    """Choose as somebody without JavaScript does: by the form in the page."""
    answer = await visitor.submit(page, page.form(CHOICE), {"choice": "refuse" if button == "withdraw" else button})
    if answer.status >= 400:
        raise SystemExit(f"the choice {button} was answered with {answer.status}: {answer.text[:200]}")


DECISIONS = OUTPUT / "decisions"
LEDGER = f"sqlite:{OUTPUT / 'ledger.db'}"


def _ledger_counts() -> str:
    counts = Counter[str]()
    for kinds in statistics_of(LEDGER).choices.values():
        counts.update(kinds)
    return ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())) or "nothing: nobody has chosen"


def _show_ledger() -> None:
    faults = verify(LEDGER)
    said = "every record is there and unchanged" if not faults else str(faults[0])
    print(f"The ledger holds {_ledger_counts()}; verified: {said}.")


def _show_log() -> None:
    """Ended with the proxy: what it did, without saying for whom."""
    found = review(DECISIONS)
    counts = ", ".join(f"{action} {count}" for action, count in found.actions.items())
    state = "broken" if found.checked.broken else "whole"
    print(f"The decision log holds {sum(found.actions.values())} decisions: {counts}. It is {state}.")


# -- commands of the product that run until they are ended, as processes of their own

_CONSENTRY = (sys.executable, "-m", "cmp")


def _up(site: Site) -> list[str]:
    return [
        *("--upstream", f"http://127.0.0.1:{site.port}", "--policy", str(POLICY), "--public-origin", ORIGIN),
        *("--ledger", LEDGER, "--keys", str(OUTPUT / "keys.json"), "--port", "0"),
        *("--record", str(OUTPUT / "site.flow"), "--confdir", str(OUTPUT / "authority")),
        *("--decision-log", str(DECISIONS)),
    ]


def port_of(line: str) -> int:
    """The port in a line such as "consentry up: enforces demo 1 at http://x (127.0.0.1:4711)"."""
    return int(line.partition("127.0.0.1:")[2].split(")")[0].split(",")[0])


@contextlib.contextmanager
def _kept_port() -> Iterator[int]:
    """A port for one proxy after the other: while nobody listens there, no other program gets it as a free one."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", 0))
        port = int(taken.getsockname()[1])
        if sys.platform != "linux":
            # Elsewhere nobody can listen on a port that somebody else has, listening or not.
            taken.close()
        yield port


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(HERE.parent), "PYTHONUNBUFFERED": "1"}


@contextlib.contextmanager
def _command(*arguments: str, ready: str) -> Iterator[str]:
    """Run a command of the product until the block ends; gives the line that says it is ready."""
    process = subprocess.Popen([*_CONSENTRY, *arguments], stdout=subprocess.PIPE, text=True, env=_environment())
    try:
        for line in process.stdout or ():
            if line.startswith(ready):
                yield line
                break
        else:
            raise SystemExit(f"consentry {arguments[0]} did not start")
    finally:
        process.terminate()
        process.wait(180)
        if process.stdout:
            process.stdout.close()


if __name__ == "__main__":
    sys.exit(main())
