"""The house: imports run downward, and each part knows only what it may (docs/architecture.md)."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.conftest import FIRST

ROOT = Path(__file__).parent.parent
MODULES = sorted(path for folder in ("cmp", "addons") for path in (ROOT / folder).rglob("*.py"))

# From the top down. A unit imports units further down only; units of one layer do not know each other, save for the
# neighbours named below.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("cmp.__main__", "cmp.cli", "cmp.commands", "cmp.proxy", "cmp.up"),
    ("cmp.server", "cmp.audit", "addons"),
    ("cmp.live",),
    ("cmp.capture", "cmp.wire"),
    (
        "cmp.policy",
        "cmp.lists",
        "cmp.ledger",
        "cmp.decision_log",
        "cmp.desk",
        "cmp.garbage",
        "cmp.seal",
        "cmp.resources",
        "cmp.sites",
        "cmp.terminal",
    ),
    ("cmp.store",),
    ("cmp.core",),
    # The version alone.
    ("cmp",),
)
NEIGHBOURS = {
    "cmp.__main__": {"cmp.cli"},
    "cmp.cli": {"cmp.commands"},
    "cmp.commands": {"cmp.proxy", "cmp.up"},
    "cmp.up": {"cmp.proxy"},
    "cmp.decision_log": {"cmp.sites"},
    "cmp.lists": {"cmp.sites"},
    "cmp.policy": {"cmp.garbage", "cmp.lists", "cmp.resources", "cmp.sites", "cmp.terminal"},
}
RANK = {unit: rank for rank, layer in enumerate(LAYERS) for unit in layer}


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def unit_of(module: str) -> str:
    """The unit a module belongs to: the longest name of the table it falls under."""
    parts = module.split(".")
    names = (".".join(parts[:n]) for n in range(len(parts), 0, -1))
    return next((name for name in names if name in RANK and (name != "cmp" or module == "cmp")), module)


KNOWN = frozenset(name_of(module) for module in MODULES)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def imports(path: Path) -> Iterator[str]:
    """The full name of everything a module imports, wherever in it: in functions and for type checkers too."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            module = node.module or ""
            # `from cmp import resources` imports a module, `from cmp import __version__` a name.
            yield from {
                f"{module}.{alias.name}" if f"{module}.{alias.name}" in KNOWN else module for alias in node.names
            }


every_module = pytest.mark.parametrize("path", MODULES, ids=name_of)
every_addon = pytest.mark.parametrize("path", [path for path in MODULES if path.parent.name == "addons"], ids=name_of)
every_core = pytest.mark.parametrize("path", [path for path in MODULES if path.parent.name == "core"], ids=name_of)


@every_module
def test_a_module_has_its_place_in_the_house(path: Path) -> None:
    assert unit_of(name_of(path)) in RANK


@every_module
def test_imports_run_downward(path: Path) -> None:
    unit = unit_of(name_of(path))
    ours = {unit_of(module) for module in imports(path) if module.split(".")[0] in ("cmp", "addons")} - {unit}
    wrong = {other for other in ours if RANK[other] <= RANK[unit] and other not in NEIGHBOURS.get(unit, ())}
    assert wrong == set()


@every_module
def test_a_module_says_what_may_go_in_it(path: Path) -> None:
    assert ast.get_docstring(tree_of(path))


@every_core
def test_the_core_imports_the_standard_library_and_itself_only(path: Path) -> None:
    wrong = {
        module
        for module in imports(path)
        if not module.startswith("cmp.core") and module.split(".")[0] not in sys.stdlib_module_names
    }
    assert wrong == set()


@every_core
def test_the_core_asks_nobody_for_time_chance_or_data(path: Path) -> None:
    asking = {
        "time",
        "datetime",
        "random",
        "secrets",
        "os",
        "io",
        "pathlib",
        "socket",
        "logging",
        "threading",
        "asyncio",
    }
    assert {module.split(".")[0] for module in imports(path)} & asking == set()
    calls = {
        node.func.id
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert calls & {"open", "print", "input"} == set()


@every_addon
def test_an_addon_is_not_called_like_somebody_elses_package(path: Path) -> None:
    # `mitmdump -s` leaves the folder at the front of the import path.
    assert path.stem not in sys.stdlib_module_names
    assert path.stem not in packages_distributions()


@every_addon
def test_an_addon_imports_ours_and_mitmproxy_only(path: Path) -> None:
    allowed = {"cmp", "mitmproxy"} | sys.stdlib_module_names
    assert {module.split(".")[0] for module in imports(path)} - allowed == set()


@every_addon
def test_an_addon_keeps_no_state_in_its_module(path: Path) -> None:
    mutable = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp, ast.Call)
    for node in tree_of(path).body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, mutable):
            continue
        target = node.targets[0] if isinstance(node, ast.Assign) else node.target
        assert isinstance(target, ast.Name)
        made = node.value.func if isinstance(node.value, ast.Call) else None
        logger = isinstance(made, ast.Attribute) and made.attr == "getLogger"
        constant = target.id.isupper() and isinstance(node.value, ast.Dict | ast.Call)
        assert target.id == "addons" or logger or constant, f"{path.name}:{node.lineno}: {target.id}"


@every_addon
def test_an_addon_changes_no_global(path: Path) -> None:
    assert not [node for node in ast.walk(tree_of(path)) if isinstance(node, ast.Global)]


def test_the_server_starts_without_mitmproxy_and_the_proxy_without_aiohttp() -> None:
    for path in MODULES:
        unit, used = unit_of(name_of(path)), {module.split(".")[0] for module in imports(path)}
        if unit == "cmp.server":
            assert "mitmproxy" not in used, path
        if unit in ("addons", "cmp.proxy"):
            assert "aiohttp" not in used, path


def test_every_file_that_is_begun_first_is_there() -> None:
    """A name that fits no file would let one of the longest begin last."""
    assert [name for name in FIRST if not (ROOT / "tests" / name).is_file()] == []
