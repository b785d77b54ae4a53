"""What a command does not load, as it would only make it start later."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cmp import resources

ROOT = Path(__file__).parents[2]

# Each takes longer to load than the commands below to do their work.
SLOW = ("aiohttp", "alembic", "jsonschema", "mitmproxy", "requests", "sqlalchemy", "tldextract")

HAR = """{"log": {"version": "1.2", "creator": {"name": "t", "version": "1"}, "entries": [{
    "startedDateTime": "2026-01-05T10:00:00Z", "time": 1,
    "request": {"method": "GET", "url": "http://127.0.0.1/", "httpVersion": "HTTP/1.1", "headers": [], "cookies": [],
                "queryString": [], "headersSize": -1, "bodySize": 0},
    "response": {"status": 204, "statusText": "", "httpVersion": "HTTP/1.1", "headers": [], "cookies": [],
                 "content": {"size": 0, "mimeType": ""}, "redirectURL": "", "headersSize": -1, "bodySize": 0},
    "cache": {}, "timings": {"send": 0, "wait": 1, "receive": 0}}]}}"""

SEEN = "import sys; from cmp.cli import main; main(sys.argv[1:]); print(*sys.modules, file=sys.stderr)"


def loaded_by(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", SEEN, *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stderr.splitlines()[-1].split())


@pytest.fixture
def har(tmp_path: Path) -> str:
    path = tmp_path / "visit.har"
    path.write_text(HAR)
    return str(path)


def test_a_policy_that_names_no_host_is_checked_without_anything_slow() -> None:
    loaded = loaded_by("check", str(resources.policies() / "default.json"))
    assert "cmp.policy.load" in loaded
    assert loaded.isdisjoint(SLOW)


def test_a_har_file_is_audited_without_mitmproxy_and_a_database_library(har: str) -> None:
    loaded = loaded_by("audit", "--policy", str(resources.policies() / "default.json"), har)
    assert "cmp.audit.detectors" in loaded
    assert loaded.isdisjoint({*SLOW} - {"requests", "tldextract"})
