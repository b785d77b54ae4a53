#!/usr/bin/env python3
"""Records the visits of `scenarios.py` with a real Chromium, as small HAR files beside this one.

    PYTHONPATH=. python tests/ground_truth/record.py [NAME ...]      record them (or these) anew

May go in here: serving the pages on loopback, driving the browser, and reducing what Playwright writes to what findings
rest on: no date, no version, no path of a machine. May not: what must be found.
"""

import argparse
import asyncio
import contextlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import trustme
from aiohttp import web
from playwright.sync_api import Browser, Page, WebSocket

from tests.browser.captured_site import CapturedSite, serving
from tests.browser.chromium import running_chromium
from tests.ground_truth.scenarios import SCENARIOS, SITE, Answer, Scenario

FOLDER = Path(__file__).resolve().parent / "captures"
START = 1_790_000_000
# A picture of one pixel.
_GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
_TYPES = {".js": "text/javascript", ".gif": "image/gif", ".png": "image/gif", ".json": "application/json"}
# Headers that findings rest on; everything else tells of a machine, a browser or a day.
_SENT = {"accept", "cookie", "content-type", "if-none-match", "origin", "referer", "sec-fetch-dest", "sec-fetch-mode"}
_SENT |= {"sec-fetch-site", "sec-gpc", "upgrade"}
_BACK = {"content-type", "etag", "location", "set-cookie", "tk"}


@dataclass
class ScenarioSite(CapturedSite):
    """The hosts of one scenario after the other."""

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    hosts: frozenset[str] = frozenset()
    scenario: Scenario = SCENARIOS[0]

    async def answer(self, request: web.Request) -> web.StreamResponse:  # type: ignore[override]
        url = f"{request.scheme}://{request.host}{request.raw_path}"
        if request.headers.get("Upgrade", "").lower() == "websocket":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            with contextlib.suppress(asyncio.TimeoutError):
                await socket.receive(timeout=2)
            return socket
        found = self.scenario.answers.get(url)
        if found is None:
            found = Answer(self.scenario.page if url == SITE else "")
        elif url == SITE and not found.body and self.scenario.page:
            found = Answer(self.scenario.page, found.status, found.cookies, found.headers)
        return _response(url, found)


def _response(url: str, found: Answer) -> web.Response:
    path = urlsplit(url).path
    kind = _TYPES.get(path[path.rfind(".") :] if "." in path else "", "text/html")
    body = _GIF if kind == "image/gif" else _document(found.body) if kind == "text/html" else found.body.encode()
    response = web.Response(status=found.status, body=b"" if found.status in (204, 302) else body)
    response.headers["Content-Type"] = kind
    for line in found.cookies:
        response.headers.add("Set-Cookie", line)
    for name, value in found.headers:
        response.headers.add(name, value)
    return response


def _document(body: str) -> bytes:
    return f'<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>shop</title>{body}'.encode()


@contextlib.contextmanager
def stage() -> Iterator[tuple[ScenarioSite, Browser]]:
    """The hosts of every scenario on loopback, and a browser that finds them."""
    named = {urlsplit(url).hostname for one in SCENARIOS for url in (*one.answers, *one.visits)}
    hosts = {host for host in named if host} | {"*.test", "*.example", "*.shop.example", "*.ads.test"}
    site = ScenarioSite()
    with serving(site, trustme.CA(), hosts):
        rules = f"MAP *:443 127.0.0.1:{site.tls_port}, MAP *:80 127.0.0.1:{site.port}"
        with running_chromium(None, f"--host-resolver-rules={rules}") as browser:
            yield site, browser


def recorded(site: ScenarioSite, browser: Browser, scenario: Scenario, folder: Path) -> dict[str, Any]:
    """The HAR of one visit, reduced."""
    site.scenario = scenario
    file = folder / f"{scenario.name}.har"
    context = browser.new_context(
        ignore_https_errors=True,
        record_har_path=file,
        record_har_content="embed",
        locale="en-GB",
        extra_http_headers=dict(scenario.signals),
    )
    before = (("shop.example", "session=1"), *scenario.before)
    context.add_cookies(
        [
            {"name": name, "value": value, "domain": host, "path": "/", "secure": True, "sameSite": "None"}
            for host, pair in before
            for name, _, value in (pair.partition("="),)
        ]
    )
    page = context.new_page()
    silent: list[WebSocket] = []
    page.on("websocket", lambda socket: _await_message(socket, silent))
    for url in scenario.visits:
        page.goto(url, wait_until="networkidle")
    if scenario.act:
        page.evaluate(scenario.act)
        page.wait_for_load_state("networkidle")
    _see_out(page, silent)
    context.close()
    return _reduced(json.loads(file.read_text("utf-8")))


def _await_message(socket: WebSocket, silent: list[WebSocket]) -> None:
    silent.append(socket)
    socket.once("framesent", lambda _: silent.remove(socket))


def _see_out(page: Page, silent: list[WebSocket]) -> None:
    """Every connection of these pages says something once it is open; a network is called idle before that."""
    for _ in range(1_200):
        if not silent:
            return
        page.wait_for_timeout(50)


def _reduced(har: dict[str, Any]) -> dict[str, Any]:
    """What findings rest on. Requests follow each other by a second, in the order in which they began."""
    entries = sorted(har["log"]["entries"], key=lambda entry: entry["startedDateTime"])
    kept = [_entry(entry, START + at) for at, entry in enumerate(entries)]
    return {"log": {"version": "1.2", "creator": {"name": "Playwright", "version": ""}, "pages": [], "entries": kept}}


def _entry(entry: dict[str, Any], time: int) -> dict[str, Any]:
    request, response = entry["request"], entry["response"]
    reduced: dict[str, Any] = {
        "pageref": entry.get("pageref", ""),
        "startedDateTime": datetime.fromtimestamp(time, UTC).isoformat(),
        "request": {
            "method": request["method"],
            "url": request["url"],
            "headers": _headers(request["headers"], _SENT),
            "bodySize": max(request.get("bodySize", 0), 0),
        },
        "response": {
            "status": response["status"],
            "headers": _headers(response["headers"], _BACK),
            "content": {key: response["content"][key] for key in ("size", "mimeType") if key in response["content"]},
            "redirectURL": response.get("redirectURL", ""),
        },
    }
    if "postData" in request:
        reduced["request"]["postData"] = {key: request["postData"].get(key, "") for key in ("mimeType", "text")}
    for key in ("_resourceType", "_webSocketMessages"):
        if key in entry:
            reduced[key] = entry[key]
    for message in reduced.get("_webSocketMessages", ()):
        message.pop("time", None)
    return reduced


def _headers(headers: list[dict[str, str]], wanted: set[str]) -> list[dict[str, str]]:
    kept = [{"name": one["name"].lower(), "value": one["value"]} for one in headers if one["name"].lower() in wanted]
    return sorted(kept, key=lambda one: one["name"])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="scenarios to record; none: all")
    names = set(parser.parse_args().names)
    FOLDER.mkdir(exist_ok=True)
    with stage() as (site, browser), tempfile.TemporaryDirectory() as folder:
        for scenario in SCENARIOS:
            if not names or scenario.name in names:
                har = recorded(site, browser, scenario, Path(folder))
                (FOLDER / f"{scenario.name}.har").write_text(json.dumps(har, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
