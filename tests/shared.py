"""The folder of real captures and reference data beside the checkout, which a clone on its own does not have.

May go in here: finding it. May not: reading it, copying from it.
"""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the folder ../shared is not beside this checkout")


def shared(path: str) -> Path:
    return SHARED / path
