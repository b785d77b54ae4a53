"""The project's data is found from a checkout and from an installed package."""

from pathlib import Path

import pytest

from cmp import resources


def test_from_a_checkout() -> None:
    assert (resources.policies() / "schema" / "policy.schema.json").is_file()
    assert (resources.policies() / "catalogue").is_dir()
    assert resources.static().is_dir()


def test_from_a_package_its_own_copy_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("policies", "static"):
        (tmp_path / "cmp" / "data" / name).mkdir(parents=True)
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "cmp")
    assert resources.policies() == tmp_path / "cmp" / "data" / "policies"
    assert resources.static() == tmp_path / "cmp" / "data" / "static"
