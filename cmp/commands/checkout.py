"""The tests of a checkout, by name.

May go in here: whether a test that a policy names is there. May not: running it.
"""

import ast
from collections.abc import Callable
from functools import cache
from pathlib import Path

from cmp import resources


def find_tests() -> Callable[[str], str] | None:
    """Says of a pytest node id why there is no such test, "" if there is; None where no tests lie beside the policies,
    as in an installed package."""
    tests = resources.policies().parent / "tests"
    return (lambda node: missing_test(node, tests)) if tests.is_dir() else None


def missing_test(node: str, tests: Path) -> str:
    """Why there is no such test, "" if there is one. The file is named from the checkout, from `tests`, or by its name
    alone where only one in `tests` is called so."""
    name, _, inside = node.partition("::")
    places = (tests.parent / name, tests / name)
    files = [place for place in places if place.is_file()] or sorted(tests.rglob(name) if "/" not in name else ())
    if len(files) != 1:
        return f"there is no test file {name}" if not files else f"several test files are called {name}"
    if not inside:
        return f"{node} names a file and no test in it"
    return "" if inside in _tests_in(files[0]) else f"there is no {inside} in {name}"


@cache
def _tests_in(file: Path) -> frozenset[str]:
    try:
        tree = ast.parse(file.read_text("utf-8"))
    except (OSError, ValueError, SyntaxError):
        return frozenset()
    return frozenset(_functions(tree, ""))


def _functions(node: ast.Module | ast.ClassDef, above: str) -> list[str]:
    found: list[str] = []
    for inner in node.body:
        if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and inner.name.startswith("test"):
            found.append(f"{above}{inner.name}")
        elif isinstance(inner, ast.ClassDef) and inner.name.startswith("Test"):
            found += _functions(inner, f"{above}{inner.name}::")
    return found
