"""A real Chromium for tests, and why there is none where there is none.

May go in here: starting the browser so that it talks to loopback only. May not: what is tested.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

# Milliseconds for whatever a test waits for in a browser. It ends what hangs; a busy machine is far slower than
# Playwright supposes.
LONGEST = 180_000
# Features that are off: what would ask the network on the browser's own account, and what takes half the time of a
# window and no page sees, as the suggestions below the address bar, which are two pages of their own.
_OFF = (
    *("OptimizationHints", "MediaRouter", "Translate", "HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable"),
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "AimEnabled", "LensOverlay", "DestroyProfileOnBrowserClose"),
    "PaintHolding",
)
# Everything the browser would ask the network for on its own account.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-domain-reliability",
    f"--disable-features={','.join(_OFF)}",
)


def chromium_path() -> str | None:
    return shutil.which(os.environ.get("CHROMIUM") or "chromium")


needs_chromium = pytest.mark.skipif(
    chromium_path() is None, reason="no Chromium: install Debian's package chromium or set CHROMIUM"
)


@contextlib.contextmanager
def running_chromium(proxy_port: int | None = None, *arguments: str) -> Iterator[Browser]:
    """A headless browser whose every connection goes to the proxy on loopback (or nowhere, without one)."""
    network = (
        [f"--proxy-server=127.0.0.1:{proxy_port}", "--proxy-bypass-list=<-loopback>"]
        if proxy_port
        else ["--host-resolver-rules=MAP * 127.0.0.1"]
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(), headless=True, args=[*QUIET, *network, *arguments], timeout=LONGEST
        )
        browser.on("context", lambda context: context.set_default_timeout(LONGEST))
        try:
            yield browser
        finally:
            browser.close()
