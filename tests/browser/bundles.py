"""Pages built with frameworks: the packages fetched once, the code of a page bundled, its server half run.

May go in here: unpacking packages, calling esbuild, svelte's compiler, Next and node. May not: what the pages are.
Nothing that is fetched or built is committed; it lies beside the virtual environments. Where there is no npm, node or
registry the tests that need it are skipped with the reason.
"""

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
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
# Next, for pages that it exports, and what it needs; its compiler is for one kind of processor.
_NEXT_VERSION: Final = "16.4.6"
_NEXT_PACKAGES: Final = tuple(
    Published(name, version, digest, "package/package.json")
    for name, version, digest in (
        ("next", _NEXT_VERSION, "954cc114e2e4f57464f6d2f6640ec9b7a8e493ad4373c692b2d37d135da2806a"),
        ("@next/env", _NEXT_VERSION, "5f4bef2762c82df93bcebb536a261db6b93011de61077c10553110b955f6bab0"),
        ("@swc/helpers", "0.5.23", "3de0ff851b7c1d1c7d79655750b18a3b48cf59f56c8fec7bf8a29b250405b945"),
        ("baseline-browser-mapping", "2.11.39", "fbb695249d641e8942179a11849a3ed4e203ea05e183e0d2235209d5d9a59cc7"),
        ("caniuse-lite", "1.0.30001826", "33e5942420b2d187ab1543bd251e12938b2e4087c724ae0ae08f002d244499d8"),
        ("postcss", "8.5.23", "d2cf324ff10baf8c34e1c79309bf2bfe15ee9b6e957f665737b9a9604c0744f1"),
        ("nanoid", "3.3.20", "5ae134779aa22c2c04b691d361bc1f3c004c354e81c7ee166ea1c6e848eedc4f"),
        ("picocolors", "1.1.1", "d3aedb2807967b7eb37fd11b03b7e3701e725af79c650d0812ff7213f8f882d9"),
        ("source-map-js", "1.2.4", "fcf3dbdffc360eb9194d7003bef68e557b8380fc7de6c24418873f64d66d9241"),
        ("styled-jsx", "5.1.6", "42484b6c98ce658ee672927a3f7b9ac8920dfff3e406c01fbd62e2a8761bb7f9"),
        ("client-only", "0.0.1", "dcd7bc3868e2d3518d08944559952e4a68f581d89a84b6892de9fd8f40860b19"),
        ("tslib", "2.9.1", "8092ae46b512c361b086443cc1b6ae94bfe2587b75034663e4b89d24ba40670a"),
    )
)
_NEXT_COMPILER: Final = {
    "x86_64": ("@next/swc-linux-x64-gnu", "9695f19eb812ce0f0de0eb6a1065a4ae040270d5eaef3962e7082cfd8c709e0d"),
    "aarch64": ("@next/swc-linux-arm64-gnu", "e253ba86f5a1242108600445612f533b94c6d6a6a31e84de2bbc05a8ad0bb85f"),
}
_NEXT_NEEDS: Final = (20, 9)
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
    made: dict[tuple[str, str], str] = {}
    # Whichever test needs it first makes it.
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT) as folder:
        for page in pages:
            make = _exported if page.exported else _built
            made |= make(page, Path(folder), _modules(exported=page.exported), node)
    return made


def _modules(*, exported: bool) -> Path:
    """A folder node_modules with every package, for pages that Next exports those of Next too."""
    modules = KEPT / "node_modules"
    for package in (*_PACKAGES, *((*_NEXT_PACKAGES, _next_compiler()) if exported else (_esbuild(),))):
        unpacked(package, modules / package.package)
    return modules


def _esbuild() -> Published:
    return _for_this_machine(_ESBUILD, _ESBUILD_VERSION, "package/bin/esbuild")


def _next_compiler() -> Published:
    return _for_this_machine(_NEXT_COMPILER, _NEXT_VERSION, "package/package.json")


def _for_this_machine(made: Mapping[str, tuple[str, str]], version: str, path: str) -> Published:
    found = made.get(platform.machine())
    if found is None:
        pytest.skip(f"no {' or '.join(name for name, _ in made.values())} for {platform.machine()}")
    return Published(found[0], version, found[1], path)


def _exported(page: Awkward, folder: Path, modules: Path, node: str) -> dict[tuple[str, str], str]:
    """The page's project as Next exports it: a page under its path with a slash at the end, all else under its own."""
    version = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    if tuple(int(part) for part in version.strip().removeprefix("v").split(".")[:2]) < _NEXT_NEEDS:
        pytest.skip(f"Next needs node {'.'.join(map(str, _NEXT_NEEDS))} or later, this one is {version.strip()}")
    own = folder / page.id
    for part in page.parts[1:]:
        (own / part.path).parent.mkdir(parents=True, exist_ok=True)
        (own / part.path).write_text(part.content.replace("{V}", f"/p/{page.id}"), "utf-8")
    done = subprocess.run(
        [node, str(modules / "next/dist/bin/next"), "build"],
        cwd=own,
        env={**os.environ, "CI": "true", "NEXT_TELEMETRY_DISABLED": "1"},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, f"{page.id}: {(done.stderr + done.stdout)[-2_000:]}"
    out = own / "out"
    return {
        (page.id, file.relative_to(out).as_posix().removesuffix("index.html")): file.read_text("utf-8")
        for file in out.rglob("*")
        if file.is_file()
    }


def _built(page: Awkward, folder: Path, modules: Path, node: str) -> dict[tuple[str, str], str]:
    own = folder / page.id
    made: dict[tuple[str, str], str] = {}
    environment = {**os.environ, "NODE_PATH": str(modules)}

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=own, env=environment, capture_output=True, text=True, timeout=500, check=False
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
