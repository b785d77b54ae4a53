"""Real applications, what somebody does with each, and all that can be seen of it with the proxy and without it.

May go in here: installing them (`served/requirements.txt`), starting each from `served/` on loopback, once for every
site so that no visit sees another's data, and doing the steps. May not: what should come of it.

A step, besides what a person does (`act` of `breakage.py`):

    go PATH          open it in the tab
    as NAME          go on in another tab
    see SELECTOR     wait until that is there and the page is still, then note everything there is of it
"""

import asyncio
import contextlib
import hashlib
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import BrowserContext, Page
from playwright.async_api import Error as PlaywrightError

from demo.__main__ import port_of
from tests.browser.breakage import act, note, plain, seen
from tests.browser.evasion import BARE, SITES, Certified, certified, one_policy, one_visitor, refuse
from tests.live import running_command
from tests.published import KEPT

SERVED: Final = Path(__file__).parent / "served"
_REQUIREMENTS: Final = SERVED / "requirements.txt"
# Milliseconds for what a step waits for, also where the machine is busy.
_LONGEST: Final = 120_000
# Until nothing has changed for a while: lists that are still filled and windows that fade are not the same twice.
_STILL: Final = """() => new Promise((resolve) => {
  const done = () => { watch.disconnect(); resolve(); };
  let rest = setTimeout(done, 1000);
  const watch = new MutationObserver(() => { clearTimeout(rest); rest = setTimeout(done, 1000); });
  watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  setTimeout(done, 15000);
})"""


@dataclass(frozen=True)
class Application:
    """One file of `served/`, and what somebody does there. `differs`: what no two visits have alike."""

    name: str
    steps: tuple[str, ...]
    differs: str = "(?!)"


APPLICATIONS: Final = (
    Application(
        "chat",
        (
            "go /?name=ann",
            "see li:text-is('ann is here')",
            "as bob",
            "go /?name=bob",
            "see li:text-is('bob is here')",
            "type input | hello, <b>Ann</b>",
            "click button",
            "as ann",
            "see li:text-is('bob: hello, <b>Ann</b>')",
            "type input | héllo 🙂",
            "press input | Enter",
            "type input | /file",
            "press input | Enter",
            "as bob",
            "see li:text-is('ann: héllo 🙂') + li:text-is('100000 bytes')",
            "type input | /bye",
            "press input | Enter",
            "see output:text-is('4000 bye bob')",
            "as ann",
            "see li:text-is('bob is gone')",
        ),
    ),
    Application(
        "manual",
        (
            "go /",
            "see h2:has-text('Filling')",
            "click p a:text-is('descaling')",
            "see code:has-text('rinse twice')",
            "click a[data-bs-target='#mkdocs_search_modal']",
            "see #mkdocs_search_modal.show",
            "type #mkdocs-search-query | cupboard",
            "see #mkdocs-search-results a:text-is('Storing')",
            "click #mkdocs-search-results a[href$='storing/']",
            "see td:text-is('a winter')",
            "press body | ?",
            "see #mkdocs_keyboard_modal.show",
            "go /nowhere",
            "see body",
        ),
        # Room for a bar that stays on top: our link to the choices stands above it.
        differs=r"(?<=top: )\d+px",
    ),
    Application(
        "django_admin",
        (
            "go /admin/",
            "type #id_username | ann",
            "type #id_password | kettle-4711",
            "see #login-form",
            "click [type=submit]",
            "see #user-tools",
            "click a[href='/admin/library/author/add/']",
            "type #id_name | Woolf",
            "type #id_book_set-0-title | Orlando",
            "click .add-row a",
            "type #id_book_set-1-title | Flush",
            "choose #id_book_set-1-cover | flush.txt",
            "see #id_book_set-1-title",
            "click [name=_save]",
            "see .success:has-text('added successfully')",
            "go /admin/library/book/",
            "see .field-title a:text-is('Flush')",
            "type #searchbar | orl",
            "press #searchbar | Enter",
            "see .paginator:has-text('1 book')",
            "click .field-title a",
            "click .select2-selection",
            "type .select2-search__field | Woo",
            "see .select2-results__option:text-is('Woolf')",
            "press .select2-search__field | Enter",
            "click #calendarlink0",
            "see #calendarbox0",
            "click #calendarbox0 .calendar-cancel a",
            "type #id_bought | 2024-02-29",
            "type #id_about | <script>alert(1)</script> https://elsewhere.example/?a=1&b=2",
            "click [name=_continue]",
            "see .success:has-text('You may edit it again')",
            "click .deletelink",
            "see h1:has-text('Delete')",
            "click [type=submit][value^=Yes]",
            "see .success:has-text('was deleted')",
            "click #logout-form button",
            "see h1:has-text('Logged out')",
        ),
        # Tokens, and where a list or a calendar opens: the link to the choices stands above it.
        differs=r"(?<=top: )[\d.]+px|csrfmiddlewaretoken[^>]*>\[\w+\]|(?<=value=\\\")\w{64}(?=\\\")"
        r"|data-select2-id=\\\"-?\d+\\\"",
    ),
    Application(
        "figures",
        (
            "go /",
            "click h2 a:text-is('kitchen')",
            "see .CodeMirror-code",
            "click h3 a:text-is('things')",
            "see .rows-and-columns",
            "click .suggested-facets a:text-is('room')",
            "see #facet-room li:has-text('attic')",
            "click #facet-room a:text-is('attic')",
            "see h3:has-text('40 rows')",
            "click th[data-column=count] svg",
            "see .dropdown-menu a:has-text('Sort descending')",
            "click .dropdown-menu a:has-text('Sort descending')",
            "see .rows-and-columns .col-count:text-is('22')",
            "type .filter-row:first-child .filter-value | 4",
            "click [type=submit][value=Apply]",
            "see h3:has-text('0 rows')",
            "go /kitchen",
            "press .CodeMirror textarea | Control+a",
            "type .CodeMirror textarea | select count(*) as n from few",
            "click #sql-format",
            "click h1",
            "see .CodeMirror-line:has-text('few')",
            "click [type=submit][value='Run SQL']",
            "see td.col-n:text-is('15')",
            "go /kitchen/things/7.json",
            "see body",
            "go /nowhere",
            "see h1:has-text('404')",
        ),
        # How long questions took, where a menu opens (the link to the choices stands above it), a cursor that blinks.
        differs=r"(?<=took )[\d.]+m?s|(?<=query_ms\\\": )[\d.]+|(?<=top: )[\d.]+px"
        r"|CodeMirror-cursors\\\"( style=\\\"[^\\]*\\\")?",
    ),
    Application(
        "shop",
        (
            "go /",
            "see h3 a[title='Kettle 12']",
            "type #id_q | k12",
            "press #id_q | Enter",
            "see strong:text-is('1')",
            "click h3 a[title='Kettle 12']",
            "see #add_to_basket_form",
            "click #add_to_basket_form button",
            "see .alert:has-text('Kettle 12')",
            "click .basket-mini .dropdown-toggle",
            "see .basket-mini .dropdown-menu.show",
            "click .basket-mini .dropdown-menu a:text-is('View basket')",
            "press #id_form-0-quantity | ArrowUp",
            "click #basket_formset button:has-text('Update')",
            "see .price_color:has-text('£25.00')",
            "click a:text-is('Proceed to checkout')",
            "type #id_username | bob@example.test",
            "see #id_username",
            "click form.card button[type=submit]",
            "type #id_first_name | Bob",
            "type #id_last_name | O'Neill & <Sons>",
            "type #id_line1 | 1 High Street",
            "type #id_line4 | Leeds",
            "type #id_postcode | LS1 1AA",
            "see #id_country",
            "click button:has-text('Continue')",
            "see .error-block:has-text('not valid for Sweden')",
            "type #id_country | United",
            "click button:has-text('Continue')",
            "click #view_preview",
            "see #place-order",
            "click #place-order",
            "see h1:has-text('confirmation')",
            "go /accounts/login/?next=/dashboard/",
            "type #id_login-username | ann@example.test",
            "type #id_login-password | kettle-4711",
            "click button[name=login_submit]",
            "click h1:has-text('Dashboard')",
            "go /dashboard/catalogue/?title=Kettle+03",
            "click tbody td a:text-is('Kettle 03')",
            "see .tox-edit-area__iframe",
            "click a[href='#product_category']",
            "see #product_category.active .select2-selection",
            "click a[href='#product_images']",
            "choose #id_images-1-original | cup.txt",
            "click a[href='#product_details']",
            "type #id_title | Fine ",
            "click button[value=continue]",
            "see .alert:has-text('not valid')",
            "go /dashboard/orders/",
            "see td a:text-is('View')",
            "click td input[type=checkbox]",
            "click .select2-selection[aria-labelledby^=select2-new_status]",
            "click .select2-results__option:text-is('Sent')",
            "click button[value=change_order_statuses]",
            "see td:text-is('Sent')",
            "click a[href='#']:has-text('Offers')",
            "click .dropdown-menu.show a:text-is('Offers')",
            "see h1:has-text('Offers')",
            "click #logout_form button",
            "see #login_link",
        ),
        # Tokens, minutes, ids made up anew.
        differs=r"csrfmiddlewaretoken[^>]*>\[\w+\]|(?<=value=\\\")\w{64}(?=\\\")"
        r"|\d+\w* \w{3} \d{4},? [\d:]+( [ap]\.m\.)?|(?<=select2-new_status-)\w\w(?=-)",
    ),
)


# ---------------------------------------------------------------------------------------------------- installing them


def interpreter() -> str:
    """A Python that has all of it. Skips the test where the packages cannot be had."""
    named = hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:12]
    folder = KEPT / f"applications-{sys.version_info.major}.{sys.version_info.minor}-{named}"
    python = folder / "bin" / "python"
    ready = folder / "ready"
    if not ready.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        _run([sys.executable, "-m", "venv", "--clear", str(folder)], "make a virtual environment")
        install = [str(python), "-m", "pip", "install", "-q", "--no-input", "--disable-pip-version-check"]
        _run([*install, "--no-deps", "-r", str(_REQUIREMENTS)], "install the applications")
        ready.touch()
    return str(python)


def _run(command: list[str], what: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        pytest.skip(f"cannot {what} of {_REQUIREMENTS.name}: {said[-1] if said else done.returncode}")


# --------------------------------------------------------------------------------------------------------- visiting


@contextlib.contextmanager
def _secured(certificate: Certified, upstream: int) -> Iterator[int]:
    """A port with TLS that passes every byte on to another without: the site with no proxy of ours in front."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def one_way(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while part := await reader.read(65_536):
                writer.write(part)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection("127.0.0.1", upstream)
        await asyncio.gather(one_way(reader, outer), one_way(inner, writer))

    async def start() -> asyncio.Server:
        return await asyncio.start_server(serve, "127.0.0.1", 0, ssl=certificate.context)

    async def stop(server: asyncio.Server) -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    server = asyncio.run_coroutine_threadsafe(start(), loop).result(20)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(stop(server), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def visited(application: Application, folder: Path) -> dict[str, dict[str, Any]]:
    """What was seen at each step, by site."""
    python = interpreter()
    certificate = certified(folder)
    with contextlib.ExitStack() as stack:
        ports = {}
        for site, host in SITES.items():
            own = folder / f"{application.name} at {host}"
            own.mkdir()
            command = [str(SERVED / f"{application.name}.py"), str(own)]
            _, line = stack.enter_context(running_command(command, ready="listening on", python=python))
            front = _secured(certificate, port_of(line)) if site == BARE else None
            ports[site] = stack.enter_context(front or one_policy(folder, certificate, site, port_of(line)))
        return asyncio.run(_visit(application, folder, ports, certificate))


async def _visit(
    application: Application, folder: Path, ports: dict[str, int], certificate: Certified
) -> dict[str, dict[str, Any]]:
    async with one_visitor(folder, ports, ports[BARE], certificate.digest) as visitor:
        for site in ports:
            if site == BARE:
                await (await visitor.new_page()).goto(f"https://{SITES[site]}/v/")
            else:
                await refuse(visitor, SITES[site])
        found = await asyncio.gather(*(_use(visitor, application, SITES[site]) for site in ports))
    return dict(zip(ports, found, strict=True))


async def _use(visitor: BrowserContext, application: Application, host: str) -> dict[str, Any]:
    noted: dict[str, Any] = {}
    told: list[str] = []
    tabs: dict[str, Page] = {}
    name = "ann"
    for number, step in enumerate(application.steps):
        word, _, rest = step.partition(" ")
        if word == "as":
            name = rest
            continue
        if name not in tabs:
            tabs[name] = await visitor.new_page()
            tabs[name].set_default_timeout(_LONGEST)
            note(tabs[name], told)
        try:
            if word == "go":
                await tabs[name].goto(f"https://{host}{rest}", wait_until="load")
            elif word == "see":
                await tabs[name].locator(rest).first.wait_for()
                await tabs[name].wait_for_load_state("load")
                await tabs[name].evaluate(_STILL)
                noted[f"{number} {step}"] = await seen(tabs[name])
            else:
                await act(tabs[name], step)
        except (PlaywrightError, TimeoutError) as error:
            noted["failed"] = f"{step}: {str(error) or error!r}"
            break
    for tab in tabs.values():
        # What is said of an answer that is still on its way belongs to the visit.
        with contextlib.suppress(PlaywrightError):
            await tab.wait_for_load_state("networkidle")
        await tab.close()
    alike = re.sub(application.differs, "…", plain(json.dumps({**noted, "told": sorted(told)}), host))
    return dict(json.loads(alike))
