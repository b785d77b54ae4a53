"""Every capture of ../shared: read or refused in one line, with the figures written down beside this file.

The figures were checked against counts that do not use our reader (see the tests below) before they were pinned.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cmp.capture.capture import Capture, CaptureError
from cmp.capture.reading import read_capture
from cmp.core.exchange import Kind
from tests.shared import needs_shared, shared

CAPTURES = shared("captures")
FIGURES: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_name("shared_figures.json").read_text())

pytestmark = [pytest.mark.shared, needs_shared]


def figures(path: Path) -> dict[str, Any]:
    """What is pinned of a capture. A third party is a site asked for that is not the site of the page."""
    try:
        capture = read_capture(path)
    except CaptureError as error:
        # Which mitmproxy it is that refuses an old flow is no figure.
        return {"refused": re.sub(r"(mitmproxy) [0-9.]+", r"\1", str(error).removeprefix(f"{path}: "))}
    exchanges = [one.asked for one in capture.entries]
    return {
        "form": capture.form,
        "entries": len(exchanges),
        "skipped": len(capture.skipped),
        "set_cookies": sum(len(exchange.set_cookies) for exchange in exchanges),
        "third_parties": len({exchange.host_site for exchange in exchanges if not exchange.same_site}),
    }


def test_there_is_a_figure_for_every_capture() -> None:
    found = {str(path.relative_to(CAPTURES)) for path in CAPTURES.rglob("*") if path.is_file()}
    assert len(found) == 145
    assert found == set(FIGURES)


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_a_capture_has_its_figures(name: str) -> None:
    assert figures(CAPTURES / name) == FIGURES[name]


# ------------------------------------------------------------------------------- counts without our reader


def plain_entries(path: Path) -> list[Any]:
    """The entries by nothing but the standard library's json; none for a file that has none."""
    text = path.read_bytes().decode("utf-8-sig")
    try:
        entries = json.loads(text[max(text.find("{"), 0) : text.rfind("}") + 1])["log"]["entries"]
    except (ValueError, KeyError, TypeError):
        return []
    assert isinstance(entries, list)
    return entries


def set_cookie_values(entries: list[Any]) -> Iterator[str]:
    for entry in entries:
        for header in entry.get("response", {}).get("headers", []):
            if header["name"].lower() == "set-cookie":
                yield header["value"]


HARS = sorted(name for name in FIGURES if name.endswith(".har"))


@pytest.mark.parametrize("name", HARS)
def test_entries_and_set_cookies_agree_with_a_plain_count(name: str) -> None:
    entries = plain_entries(CAPTURES / name)
    usable = [e for e in entries if re.match("https?://", e.get("request", {}).get("url", ""))]
    figure = FIGURES[name]
    assert (figure.get("entries", 0), figure.get("skipped", 0)) == (len(usable), len(entries) - len(usable))
    # Each line of a header value is one Set-Cookie.
    counted = sum(len([line for line in value.split("\n") if line]) for value in set_cookie_values(usable))
    assert figure.get("set_cookies", 0) == counted


# The tools whose captures in the published table of capture facts are all here. From there: entries, Set-Cookie
# headers, and how many of those hold several cookies joined by line feeds. Last, the cookies in them: 898, 147 and 32
# are in the table too; chrome-har's is counted here, as its own lists leave 55 of them out.
TABLE = {
    "WebPagetest": (2778, 898, 0, 898),
    "chrome-har": (930, 237, 181, 880),
    "Chrome HAR Capturer": (292, 90, 40, 147),
    "Fiddler": (120, 32, 0, 32),
    "mitmproxy": (19, 0, 0, 0),
}


def test_sums_by_tool_agree_with_the_table() -> None:
    entries, headers, joined, cookies = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for name in HARS:
        if "refused" in FIGURES[name]:
            continue
        capture = read_capture(CAPTURES / name)
        tool = next((tool for tool in TABLE if re.fullmatch(rf"{tool}( [0-9.]+)?", capture.creator)), "")
        values = list(set_cookie_values(plain_entries(CAPTURES / name)))
        entries[tool] += len(capture.entries) + len(capture.skipped)
        headers[tool] += len(values)
        joined[tool] += sum("\n" in value for value in values)
        cookies[tool] += sum(len(one.asked.set_cookies) for one in capture.entries)
    assert {tool: (entries[tool], headers[tool], joined[tool], cookies[tool]) for tool in TABLE} == TABLE


# --------------------------------------------------------------------------- the same traffic in two forms


TWINS = sorted(
    name.removesuffix(".mitm") for name in FIGURES if name.replace(".mitm", ".har") in FIGURES.keys() - {name}
)


def described(capture: Capture) -> list[tuple[Any, ...]]:
    """What both forms hold of each exchange: also what its headers say of kind and page."""
    return [
        (
            one.asked.method,
            str(one.asked.url),
            one.answer.status if one.answer else 0,
            len(one.asked.set_cookies),
            one.asked.kind,
            str(one.asked.page),
            [cookie.name for cookie in one.asked.cookies],
            round(one.asked.time, 3),
        )
        for one in capture.entries
    ]


def test_there_are_seven_twins() -> None:
    assert [Path(name).name.removeprefix("mitmproxy__") for name in TWINS] == [
        "corrupted_gzip_body",
        "diff_data",
        "error_log",
        "event_stream",
        "incomplete_log",
        "successful_log",
        "websocket",
    ]


# Recorded through WireGuard, which knows the address only, while the HAR has the name from the Host header.
NAMED = {"flows/mitmproxy__event_stream": ("//3.33.235.18/", "//clientstream.launchdarkly.com/")}


@pytest.mark.parametrize("name", TWINS)
def test_flow_file_and_har_of_the_same_traffic_read_alike(name: str) -> None:
    flows = described(read_capture(CAPTURES / f"{name}.mitm"))
    address, host = NAMED.get(name, ("", ""))
    named = [(method, url.replace(address, host), *rest) for method, url, *rest in flows]
    assert named == described(read_capture(CAPTURES / f"{name}.har"))


# ------------------------------------------------------------------------------------ pages, by eye


@pytest.mark.parametrize(
    "name, documents",
    [
        # Redirects are followed to the page that answers.
        ("har/haralyzer__cnn-chrome.har", ["cnn.com", "www.cnn.com", "edition.cnn.com"]),
        ("har/sitespeedio__browsertime-recalculate-style.har", ["www.wikpedia.org", "www.wikipedia.org"]),
        # Two and a half runs of a page in one file.
        ("har/sitespeedio__www.sitespeed.io-redirecting-to-https.har", ["www.sitespeed.io"] * 2),
        # Certificate status requests before and beside the page ask for HTML.
        ("har/micmro__wpt_h2_www.filamentgroup.com.har", ["ocsp.comodoca.com"] * 2 + ["www.filamentgroup.com"]),
        # An application's traffic has no page.
        ("har/tweaselORG__first-run.har", []),
    ],
)
def test_documents_are_those_a_person_sees_in_the_file(name: str, documents: list[str]) -> None:
    entries = read_capture(CAPTURES / name).entries
    assert [one.asked.url.host for one in entries if one.asked.kind is Kind.DOCUMENT] == documents
