"""Pages built with frameworks: the packages fetched once, the code of a page bundled, its server half run.

May go in here: unpacking packages, calling esbuild, svelte's compiler and node. May not: what the pages are. Nothing
that is fetched or built is committed; it lies beside the virtual environments. Where there is no npm, node or registry
the tests that need it are skipped with the reason.
"""

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from tests.browser.breakage import Awkward
from tests.published import KEPT, Published, unpacked

# Everything that the pages import, with the SHA-256 of the package.
_PACKAGES: Final = tuple(
    Published(name, version, digest, "package/package.json")
    for name, version, digest in (
        ("react", "19.3.1", "56936913918dcf1f7a6fe58784e79df54b18200a88655ce809cf5e9c4ef871aa"),
        ("react-dom", "19.3.1", "8b49975821eec6311e00d2b3f4b8337923253c876517388a33f9839c61ab262e"),
        ("scheduler", "0.28.0", "302995d590e3c0a11eeb40d1d0f299c1df1800135d599d85cdd5faeb614f32d6"),
        ("vue", "3.5.45", "c2ec36a9b719e4277785f1ad36a1bb0424d8d32f0bea24abcce862e26821d585"),
        ("@vue/server-renderer", "3.5.45", "ca4213e4687bb08a8ce794881af0f1fc82076a4197f10a010c00fde97b19d2f9"),
        ("svelte", "5.57.3", "afda776761670addcd6f4345c1b4b0665c8dd11b82961cbfee9696d5d9f4546a"),
        ("clsx", "2.1.1", "6320104b491ca645120e8f99589ce663ff1fb337ba80066719a011bd95320303"),
        ("devalue", "5.9.4", "d3fcc934bb84312e1326fba55d6dbf42249fffb52f4c7cbd1a9986640084576b"),
        ("esm-env", "1.2.2", "426a193e24a734dc94bfe27c4d5595fcd91296562f23beaabc3650fc1446322e"),
        ("preact", "11.2.0", "3c4456766bd32b6b534d52bf4e9c2a29b33e7eedf6e96ed479300ba1a7888ebf"),
        ("htm", "3.1.1", "2425b9bee11409177bcabc7f32e319926fc6690c1701c0b257c88bdff2d5ba90"),
        ("lit", "3.3.3", "92f8d5bcd63e2d5efc41afd0a3d58a0a0f554ef826af9c8e368887c71949fd4d"),
        ("@lit/reactive-element", "2.1.2", "1fdaf29e5284fc7ffeab352c51edb3c017d73c4e98f0cd3dc53fb8dd555775e5"),
        ("lit-html", "3.3.3", "ae004138a6327c362fee8e48db2a8ee9619a6ca3014c802857395e6ac447a0eb"),
        ("lit-element", "4.2.2", "436004379d2f0ce912435c9cbcf9cabb28a3cfd9fb6823c7a7c6d686124b162e"),
        ("htmx.org", "4.0.1", "5fba65616ca148a86d377e9771bcada7f35faee3558651feb929eea425e13b3c"),
        ("alpinejs", "3.17.5", "fe3a5be16ef5d23edc188e8313ebbf6f3373cbed8b939c427060f3a5d2314c0b"),
        ("jquery", "4.0.0", "7ac123e4992439dc6a966cb4444fceb7f4698db94904a1256df542d5deb80f59"),
        ("@hotwired/turbo", "8.0.23", "dfd8a76b28885c010564d828cb21c63f82aeb68b1cd00006152f26c73cae6daa"),
    )
)
_ESBUILD: Final = {
    "x86_64": ("@esbuild/linux-x64", "9573bb2233aab0f9ea7647d5cca9726113cc1768de61d66b17267f4db84488f6"),
    "aarch64": ("@esbuild/linux-arm64", "a96dbfa41d3ef5dbd1ef22b1c10d5187be9267e86093a870f06402a7ec931596"),
}
_ESBUILD_VERSION: Final = "0.28.2"
_COMPILE: Final = """
const { readFileSync, writeFileSync } = require("node:fs");
const [, file, generate] = process.argv;
const { js } = require("svelte/compiler").compile(readFileSync(file, "utf8"), {
  generate, css: "injected", filename: file,
});
writeFileSync(file + ".js", js.code);
"""


def built(pages: Sequence[Awkward]) -> dict[tuple[str, str], str]:
    """What each page needs built, by page and path; the output of its server half under the path ""."""
    if not pages:
        return {}
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node to build pages with: install Debian's package nodejs")
    modules = _modules()
    with tempfile.TemporaryDirectory(dir=KEPT) as folder:
        return {key: text for page in pages for key, text in _built(page, Path(folder), modules, node).items()}


def _modules() -> Path:
    """A folder node_modules with every package."""
    modules = KEPT / "node_modules"
    for package in (*_PACKAGES, _esbuild()):
        unpacked(package, modules / package.package)
    return modules


def _esbuild() -> Published:
    found = _ESBUILD.get(platform.machine())
    if found is None:
        pytest.skip(f"no esbuild for {platform.machine()} is pinned here")
    return Published(found[0], _ESBUILD_VERSION, found[1], "package/bin/esbuild")


def _built(page: Awkward, folder: Path, modules: Path, node: str) -> dict[tuple[str, str], str]:
    own = folder / page.id
    made: dict[tuple[str, str], str] = {}
    environment = {**os.environ, "NODE_PATH": str(modules)}

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=own, env=environment, capture_output=True, text=True, timeout=90, check=False
        )
        assert done.returncode == 0, f"{page.id}: {done.stderr[-2_000:]}"
        return done.stdout

    def bundle(entry: str, to: str, target: str) -> None:
        for svelte in own.glob("*.svelte"):
            run(node, "-e", _COMPILE, svelte.name, target)
        run(
            str(modules / _esbuild().package / "bin" / "esbuild"),
            *(entry, "--bundle", f"--outfile={to}", "--log-level=error", "--jsx=automatic", "--minify"),
            *('--define:process.env.NODE_ENV="production"', "--define:__VUE_OPTIONS_API__=true"),
            *("--define:__VUE_PROD_DEVTOOLS__=false", "--define:__VUE_PROD_HYDRATION_MISMATCH_DETAILS__=true"),
            "--alias:vue=vue/dist/vue.esm-browser.prod.js",
            "--alias:@vue/server-renderer=@vue/server-renderer/dist/server-renderer.esm-browser.prod.js",
            *(["--platform=browser", "--format=iife"] if target == "client" else ["--platform=node", "--format=cjs"]),
        )

    own.mkdir()
    for part in page.parts[1:]:
        (own / part.path).write_text(part.content, "utf-8")
    for file in page.renders:
        bundle(file, "server.cjs", "server")
        made[page.id, ""] = run(node, "server.cjs").strip()
    for line in page.bundles:
        entry, _, to = line.partition(" as ")
        bundle(entry, to, "client")
        made[page.id, to] = (own / to).read_text("utf-8")
    return made
