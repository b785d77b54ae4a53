"""Holding a running server against its own OpenAPI description, with a tool that knows nothing else of it.

May go in here: running the tool. May not: which server, which endpoints. The tool is a process of its own: as a plugin
it would come into every other test.
"""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "negative_data_rejection",
)

# Too long (RFC 9110, section 15.5.14) is refused as well; the tool's own list of refusals lacks it.
SETTINGS = """[checks]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 409, 413, 415, 422, 428]
"""


def faults(url: str, folder: Path, examples: int, *more: str, phases: str) -> str:
    """What the tool says of a server whose description is at `url`/openapi.json; "" for no fault."""
    if importlib.util.find_spec("schemathesis") is None:
        pytest.skip("schemathesis is not installed: pip install -e .[dev]")
    (folder / "schemathesis.toml").write_text(SETTINGS, "utf-8")
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", "--url", url]
    command += ["--seed", "20261122", "--max-examples", str(examples), "--phases", phases]
    command += ["--checks", ",".join(CHECKS), "--no-color", *more]
    command += ["--generation-database", "none", "--suppress-health-check", "all"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=3500, check=False
    )
    return "" if done.returncode == 0 else done.stdout[-20_000:] + done.stderr[-5_000:]
