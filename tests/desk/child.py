"""A consent server with a desk, as a process to be killed by a test; it says on its output where it listens.

    python -m tests.desk.child FOLDER

May go in here: what has to happen in a process of its own. May not: assertions.
"""

import asyncio
import os
import sys
from pathlib import Path

from cmp.desk.desk import Desk
from cmp.ledger.ledger import Ledger
from cmp.seal.keys import make_keys, read_signing_keys
from cmp.seal.site import ConsentSite
from cmp.server.app import make_app
from cmp.server.listening import run_server, take_port
from tests.desk.offer import desk_policy
from tests.server.site import ORIGIN


async def serve(folder: Path) -> None:
    file = folder / "keys.json"
    keys = read_signing_keys(file) if file.exists() else make_keys(file)
    with Ledger(folder / "ledger.db") as ledger, Desk(folder / "desk.db", keys.form_secret) as desk:
        app = make_app(desk_policy(), ledger, keys, ConsentSite(ORIGIN), desk=desk)
        taken = take_port("127.0.0.1", 0)
        os.write(1, f"{taken.getsockname()[1]}\n".encode())
        await run_server(app, taken, asyncio.Event())


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
