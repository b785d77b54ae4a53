"""A manual made by MkDocs, with its search.

python manual.py FOLDER        an empty folder of its own
"""

import sys
from pathlib import Path

from mkdocs.commands.build import build
from mkdocs.config import load_config
from werkzeug.exceptions import NotFound
from werkzeug.middleware.shared_data import SharedDataMiddleware
from wsgi import serve

PAGES = {
    "index.md": "# Kettles\n\nHow to keep one. See [descaling](care/descaling.md).\n\n## Filling\n\nWater, not milk.\n",
    "care/descaling.md": "# Descaling\n\nVinegar dissolves limescale.\n\n```python\nprint('rinse twice')\n```\n",
    "care/storing.md": "# Storing\n\n| Where | For |\n|---|---|\n| Cupboard | a winter |\n\n![No picture](none.png)\n",
}

folder = Path(sys.argv[1])
for name, text in PAGES.items():
    (folder / "docs" / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / "docs" / name).write_text(text, "utf-8")
(folder / "mkdocs.yml").write_text(
    "site_name: Kettles\ntheme: {name: THEME, highlightjs: false}\n".replace("THEME", "mkdocs")
)
build(load_config(str(folder / "mkdocs.yml")))
site = SharedDataMiddleware(NotFound("no such page"), {"/": str(folder / "site")})


def pages(environ, start_response):
    if environ["PATH_INFO"].endswith("/"):
        environ["PATH_INFO"] += "index.html"
    return site(environ, start_response)


serve(pages)
