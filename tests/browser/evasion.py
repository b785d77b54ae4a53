"""Pages that try to reach a tracker, and a place where it shows whether they did.

May go in here: the vectors (`vectors/*.txt`), serving them, recording who is reached, and visiting them in one
browser. May not: what should come of it.

Every vector is visited three times at once: on a site behind the proxy with `policies/strict.json`, on one with
`policies/default.json`, and on the bare site. The bare visit is the control, and the clock: once it has reached the
tracker, the other two get at least as long again.
"""

import asyncio
import base64
import contextlib
import hashlib
import ssl
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from playwright.async_api import BrowserContext, Page, async_playwright
from playwright.async_api import Error as PlaywrightError

from cmp.resources import policies
from demo.__main__ import port_of
from tests.browser.chromium import LONGEST, QUIET, chromium_path
from tests.browser.page_files import Part, read_pages
from tests.live import running_command

FOLDER = Path(__file__).parent / "vectors"
# A vendor of the catalogue with every host below its domain; each visit has a host of its own there.
TRACKER = "taboola.com"
# A host that nobody has to agree to: of the catalogue's infrastructure.
LIBRARIES = "cdnjs.cloudflare.com"
# How a vector's host says on which site it was visited.
SITES = {"s": "strict.test", "d": "default.test", "c": "bare.test"}
STRICT, DEFAULT, BARE = SITES
# Vectors visited at once, seconds for the control to arrive, and the least that the other two then get.
_AT_ONCE = 8
_LONGEST = 9.0
_AFTER = 0.6

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
_TRACKER_ANSWERS = {
    "js": ("text/javascript", b"globalThis.reached = true;"),
    "css": ("text/css", b"body { color: red }"),
    "gif": ("image/gif", PIXEL),
    "html": ("text/html", b"<!doctype html><p>tracker"),
    "svg": ("image/svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg"><g id="x"/></svg>'),
    "json": ("application/json", b"{}"),
}


@dataclass(frozen=True, slots=True)
class Vector:
    """`parts` begins with the page. `leaks`: the policies under which it is not stopped.

    `apart`: it takes a part of the browser down where it is not stopped, and is visited there by a browser of its own.
    """

    id: str
    family: str
    parts: tuple[Part, ...]
    scripts: bool
    leaks: frozenset[str]
    apart: bool


def read_vectors() -> tuple[Vector, ...]:
    """Every vector, in the order of files and pages. The format stands in `vectors/README.md`."""
    return tuple(
        Vector(
            page.id,
            page.file,
            page.parts,
            "noscript" not in page.said,
            frozenset(page.about("limit")),
            "control apart" in page.said,
        )
        for page in read_pages(FOLDER)
    )


@dataclass
class Recorder:
    """Everything that came to a tracker: visit (such as "svg-style-img-s") -> what arrived, in order."""

    vectors: dict[str, Vector]
    arrived: dict[str, list[str]] = field(default_factory=dict)
    port: int = 0
    tls_port: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def note(self, visit: str, what: str) -> None:
        with self._changed:
            self.arrived.setdefault(visit, []).append(what)
            self._changed.notify_all()

    def wait_for(self, visit: str, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: visit in self.arrived, seconds)

    def connected(self, name: str | None) -> None:
        host = (name or "").rstrip(".").lower()
        if host.endswith("." + TRACKER):
            self.note(host.removesuffix("." + TRACKER), "connection")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ValueError, ssl.SSLError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            fields = {line.partition(":")[0].lower(): line.partition(":")[2].strip() for line in lines if line}
            method, target, _ = first.split(" ")
            await reader.readexactly(int(fields.get("content-length", "0")))
            host = fields.get("host", "").partition(":")[0].rstrip(".").lower()
            for cookie in fields.get("cookie", "").split(";"):
                name = cookie.partition("=")[0].strip()
                if name.startswith("_ga_"):
                    self.note(name.removeprefix("_ga_"), f"cookie at {host}")
            writer.write(self._answer(method, host, target))
            await writer.drain()
        writer.close()

    def _answer(self, method: str, host: str, target: str) -> bytes:
        path = target.partition("?")[0]
        site = next((key for key, name in SITES.items() if name == host), None)
        if site is None:
            if host.endswith("." + TRACKER):
                self.note(host.removesuffix("." + TRACKER), f"{method} {path}")
            type_, body = _TRACKER_ANSWERS.get(path.rpartition(".")[2], ("text/plain", b"x"))
            fields = [("Content-Type", type_), ("Access-Control-Allow-Origin", "*"), ("Timing-Allow-Origin", "*")]
            return _bytes("200 OK", fields, body)
        _, _, rest = path.partition("/v/")
        id_, _, name = rest.partition("/")
        vector = self.vectors.get(id_)
        part = next((part for part in vector.parts if part.path == name), None) if vector is not None else None
        if part is None:
            return _bytes("200 OK", [("Content-Type", "image/gif")], PIXEL)
        content = self._filled(part.content, id_, site).replace("\\x1b", "\x1b").replace("\\x00", "\x00")
        fields = [(key, self._filled(value, id_, site)) for key, value in part.fields]
        moved = any(key.lower() == "location" for key, _ in fields)
        return _bytes("302 Found" if moved else "200 OK", fields, content.encode(part.charset, "surrogateescape"))

    def _filled(self, text: str, id_: str, site: str) -> str:
        visit = f"{id_}-{site}"
        host = f"{visit}.{TRACKER}"
        values = {
            "{H}": host,
            "{F}": "".join(chr(ord(char) + 0xFEE0) if char.islower() else char for char in host),
            "{E}": "".join(f"%{ord(char):x}" if char.islower() else char for char in host),
            "{B}": base64.b64encode(f"https://{host}/p".encode()).decode(),
            "{P}": base64.b64encode(f"p{{background:url(https://{host}/p.gif)}}".encode()).decode(),
            "{Q}": "".join(f"%{ord(char):02x}%00" for char in f"p{{background:url(https://{host}/p.gif)}}"),
            "{L}": "A" * 100_001,
            "{M}": "".join(chr(0x1D41A + ord(char) - 97) if char.islower() else char for char in host),
            "{U}": "".join(chr(0x1CCD6 + ord(char) - 97) if char.islower() else char for char in host),
            "{T}": f"https://{host}",
            "{S}": f"https://{visit}.metrics.{SITES[site]}",
            "{O}": f"https://{SITES[site]}",
            "{D}": SITES[site],
            "{V}": f"/v/{id_}",
            "{C}": f"_ga_{visit}",
        }
        for sign, value in values.items():
            text = text.replace(sign, value)
        return text


def _bytes(status: str, fields: Iterable[tuple[str, str]], body: bytes) -> bytes:
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in fields)]
    lines += ["Cache-Control: no-store", "Connection: close", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + body


@contextlib.contextmanager
def recording(vectors: Sequence[Vector], context: ssl.SSLContext) -> Iterator[Recorder]:
    """The bare site and every tracker, on loopback."""
    recorder = Recorder({vector.id: vector for vector in vectors})
    context.sni_callback = lambda _socket, name, _context: recorder.connected(name)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> list[asyncio.Server]:
        plain = await asyncio.start_server(recorder.serve, "127.0.0.1", 0)
        secure = await asyncio.start_server(recorder.serve, "127.0.0.1", 0, ssl=context)
        recorder.port, recorder.tls_port = (server.sockets[0].getsockname()[1] for server in (plain, secure))
        return [plain, secure]

    async def stop(servers: list[asyncio.Server]) -> None:
        for server in servers:
            server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    servers = asyncio.run_coroutine_threadsafe(start(), loop).result(20)
    try:
        yield recorder
    finally:
        asyncio.run_coroutine_threadsafe(stop(servers), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


@dataclass(frozen=True)
class Certified:
    """One certificate for every host, and its key's digest as Chromium takes it on its command line."""

    pem: Path
    context: ssl.SSLContext
    digest: str


def certified(folder: Path) -> Certified:
    authority = trustme.CA()
    certificate = authority.issue_cert(*SITES.values(), f"*.{TRACKER}", LIBRARIES)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    pem = folder / "sites.pem"
    pem.write_bytes(certificate.private_key_pem.bytes() + chain)
    key = x509.load_pem_x509_certificate(chain).public_key()
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return Certified(pem, context, base64.b64encode(hashlib.sha256(spki).digest()).decode())


@dataclass
class World:
    """Both proxies in front of the site, and where they listen."""

    folder: Path
    recorder: Recorder
    ports: dict[str, int]
    digest: str

    def visit(self, vectors: Sequence[Vector], sites: str = STRICT + DEFAULT + BARE) -> dict[str, list[str]]:
        """Visit each vector on each site; what arrived from each visit."""
        arrived: dict[str, list[str]] = {}
        for together, where in _turns(vectors, sites):
            arrived |= asyncio.run(self._visit_all(together, where))
        return arrived

    async def _visit_all(self, vectors: Sequence[Vector], sites: str) -> dict[str, list[str]]:
        self.recorder.arrived.clear()
        async with self.visitor() as visitor:
            for site in sites.replace(BARE, ""):
                await refuse(visitor, SITES[site])
            free = asyncio.Semaphore(_AT_ONCE)

            async def one(vector: Vector) -> None:
                async with free:
                    await self._one(vector, sites, visitor)

            await asyncio.gather(*(one(vector) for vector in vectors))
            # A busy machine is no proof that a page does nothing.
            again = [vector for vector in vectors if f"{vector.id}-{BARE}" not in self.recorder.arrived]
            if BARE in sites:
                await asyncio.gather(*(one(vector) for vector in again))
        return {key: list(dict.fromkeys(found)) for key, found in self.recorder.arrived.items()}

    async def _one(self, vector: Vector, sites: str, visitor: BrowserContext) -> None:
        pages = [await visitor.new_page() for _ in sites]
        if not vector.scripts:
            for page in pages:
                session = await visitor.new_cdp_session(page)
                await session.send("Emulation.setScriptExecutionDisabled", {"value": True})
        begun = time.monotonic()
        await asyncio.gather(*(_open(page, vector, site) for page, site in zip(pages, sites, strict=True)))
        control = f"{vector.id}-{BARE}"
        if BARE in sites:
            await asyncio.to_thread(self.recorder.wait_for, control, _LONGEST)
            for site in _reached_all_the_same(vector, sites):
                await asyncio.to_thread(self.recorder.wait_for, f"{vector.id}-{site}", _LONGEST / 2)
        await asyncio.sleep(max(_AFTER if BARE in sites else _LONGEST / 2, time.monotonic() - begun))
        for page in pages:
            await page.close()

    def visitor(self) -> contextlib.AbstractAsyncContextManager[BrowserContext]:
        return one_visitor(self.folder, self.ports, self.recorder.tls_port, self.digest)


def _turns(vectors: Sequence[Vector], sites: str) -> Iterator[tuple[Sequence[Vector], str]]:
    """Which vectors share a browser, and on which sites. One that takes it down is alone where it is not stopped."""
    apart = [vector for vector in vectors if vector.apart]
    stopped = [vector for vector in apart if not vector.leaks]
    turns = [([vector for vector in vectors if not vector.apart], sites), (stopped, sites.replace(BARE, ""))]
    turns += [([vector], site) for vector in apart for site in sites if site == BARE or vector.leaks]
    yield from ((together, where) for together, where in turns if together and where)


@contextlib.asynccontextmanager
async def one_visitor(folder: Path, ports: dict[str, int], others: int, digest: str) -> AsyncIterator[BrowserContext]:
    """One profile of its own; every host that is none of the sites is on the port `others`. Not an incognito one: there
    Chromium makes no connection ahead of a request."""
    maps = [f"MAP {SITES[site]}:443 127.0.0.1:{port}" for site, port in ports.items()]
    maps += [f"MAP *:443 127.0.0.1:{others}", "MAP * 127.0.0.1"]
    arguments = [
        *(flag for flag in QUIET if flag not in ("--disable-quic", "--disable-background-networking")),
        f"--host-resolver-rules={', '.join(maps)}",
        f"--ignore-certificate-errors-spki-list={digest}",
        "--autoplay-policy=no-user-gesture-required",
        "--short-reporting-delay",
    ]
    with tempfile.TemporaryDirectory(dir=folder) as profile:
        async with async_playwright() as playwright:
            visitor = await playwright.chromium.launch_persistent_context(
                profile, executable_path=chromium_path(), headless=True, args=arguments, timeout=LONGEST
            )
            visitor.set_default_timeout(LONGEST)
            try:
                yield visitor
            finally:
                await visitor.close()


def _reached_all_the_same(vector: Vector, sites: str) -> list[str]:
    """The sites under whose policy the vector is not stopped, as the documentation says."""
    return [site for site in sites if site != BARE and SITES[site].removesuffix(".test") in vector.leaks]


async def _open(page: Page, vector: Vector, site: str) -> None:
    with contextlib.suppress(PlaywrightError):
        await page.goto(f"https://{SITES[site]}/v/{vector.id}/", wait_until="load", timeout=8_000)


async def refuse(visitor: BrowserContext, host: str) -> None:
    page = await visitor.new_page()
    await page.goto(f"https://{host}/v/", wait_until="load")
    done = await page.evaluate(
        """async () => (await fetch("/.consent/choice", {
          method: "POST", credentials: "same-origin", headers: {"Content-Type": "application/json"},
          body: JSON.stringify({choice: "refuse", surface: "banner", language: "en"}),
        })).status"""
    )
    assert done == 200, done
    await page.close()


@contextlib.contextmanager
def world(folder: Path, vectors: Sequence[Vector]) -> Iterator[World]:
    certificate = certified(folder)
    with (
        recording(vectors, certificate.context) as recorder,
        both_policies(folder, certificate, recorder.port) as ports,
    ):
        yield World(folder, recorder, {**ports, BARE: recorder.tls_port}, certificate.digest)


@contextlib.contextmanager
def both_policies(folder: Path, certificate: Certified, upstream: int) -> Iterator[dict[str, int]]:
    """`consentry up` in front of a site on loopback, once with each of two shipped policies: the port of each."""
    with (
        one_policy(folder, certificate, STRICT, upstream) as strict,
        one_policy(folder, certificate, DEFAULT, upstream) as default,
    ):
        yield {STRICT: strict, DEFAULT: default}


@contextlib.contextmanager
def one_policy(folder: Path, certificate: Certified, site: str, upstream: int) -> Iterator[int]:
    """`consentry up` with the shipped policy of that site, in front of a port on loopback."""
    policy = SITES[site].removesuffix(".test")
    own = folder / policy
    own.mkdir()
    command = ["-m", "cmp", "up", "--upstream", f"http://127.0.0.1:{upstream}", "--port", "0"]
    command += ["--policy", str(policies() / f"{policy}.json"), "--public-origin", f"https://{SITES[site]}"]
    command += ["--keys", str(own / "keys.json"), "--ledger", f"sqlite:{own / 'ledger.db'}"]
    command += ["--confdir", str(own / "authority"), "--certificate", str(certificate.pem)]
    with running_command(command, ready="consentry up:") as (_, line):
        yield port_of(line)
