"""Arguments about the network around the proxy: each mistake has one line that says what to write."""

import argparse

import pytest

from cmp.cli import main
from cmp.commands.arguments import UNUSABLE, UsageError
from cmp.commands.front import add_front, front_of

REVERSE = ["proxy", "--policy", "policies/strict.json", "--mode", "reverse:http://127.0.0.1:9"]
REGULAR = ["proxy", "--policy", "policies/strict.json", "--mode", "regular"]
MISTAKES = [
    (["--trusted-proxies", "somebody"], "--trusted-proxies: 'somebody' does not appear to be"),
    (["--trusted-proxies", "10.0.0.1/8"], "--trusted-proxies: 10.0.0.1/8 has host bits set"),
    (["--upstream-for", "blog.shop.test"], "write HOST=URL"),
    (["--upstream-for", "=http://127.0.0.1:1"], "--upstream-for =http://127.0.0.1:1: "),
    (["--upstream-for", "a b=http://127.0.0.1:1"], "--upstream-for a b=http://127.0.0.1:1: "),
    (["--upstream-for", "blog.shop.test=127.0.0.1:1"], "--upstream-for blog.shop.test=127.0.0.1:1: "),
    (["--upstream-for", "blog.shop.test=ftp://127.0.0.1"], "no http or https address"),
    (["--upstream-for", "blog.shop.test=http://127.0.0.1/blog"], "write scheme, host and port alone"),
    (
        ["--upstream-for", "a.test=http://x.test", "--upstream-for", "A.test=http://y.test"],
        "a.test has an upstream already",
    ),
    (["--pass-through", "updates.test"], "--pass-through goes with regular mode"),
    (["--exclude", "static/*"], "a path begins with /"),
    (["--exclude", "/*"], "below /.consent/ visitors make their choice"),
    (["--exclude", "/.consent/*"], "below /.consent/ visitors make their choice"),
]


@pytest.mark.parametrize("arguments, said", MISTAKES, ids=lambda value: value if isinstance(value, str) else "")
def test_a_mistake_is_one_line(capsys: pytest.CaptureFixture[str], arguments: list[str], said: str) -> None:
    assert main([*REVERSE, *arguments]) == UNUSABLE
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]


@pytest.mark.parametrize("option", [["--upstream-for", "a.test=http://x.test"], ["--exclude", "/x"]])
def test_what_is_about_a_site_needs_one(capsys: pytest.CaptureFixture[str], option: list[str]) -> None:
    assert main([*REGULAR, *option]) == UNUSABLE
    assert f"{option[0]} goes with --mode reverse:URL" in capsys.readouterr().err


def read(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_front(parser)
    return parser.parse_args(arguments)


def test_upstreams_and_paths_add_up() -> None:
    arguments = read(
        *("--upstream-for", "Blog.Shop.test=https://blog.internal", "--upstream-for", "x.test=http://[::1]:81/"),
        *("--exclude", "/static/*", "--exclude", "/health", "--trusted-proxies", "10.0.0.0/8", "::1"),
    )
    front = front_of(arguments, reverse=True)
    assert {host: (one.scheme, one.host, one.port) for host, one in front.upstreams.items()} == {
        "blog.shop.test": ("https", "blog.internal", 443),
        "x.test": ("http", "::1", 81),
    }
    assert [path for path in ("/static/a.js", "/health", "/other") if front.excludes(path)] == [
        "/static/a.js",
        "/health",
    ]
    assert [str(network) for network in front.trusted] == ["10.0.0.0/8", "::1/128"]


def test_a_browsers_proxy_has_no_front() -> None:
    assert front_of(read(), reverse=False).upstreams == {}
    with pytest.raises(UsageError, match="no site of yours"):
        front_of(read("--exclude", "/x"), reverse=False)
