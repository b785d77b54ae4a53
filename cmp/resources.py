"""Where the project's data lies: policies, schemas, the catalogue, static files.

May go in here: finding data in a wheel, an editable install or a checkout. May not: reading or checking it.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _data(name: str) -> Path:
    packaged = _PACKAGE / "data" / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name


def policies() -> Path:
    """The folder of shipped policies, with `schema/` and `catalogue/` inside."""
    return _data("policies")


def static() -> Path:
    """The folder of files the consent server serves."""
    return _data("static")
