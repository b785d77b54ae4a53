"""Datasette on a small database: filters, facets, sorting, questions in SQL, what came as a table and as JSON.

python figures.py FOLDER        an empty folder of its own
"""

import socket
import sqlite3
import sys
from pathlib import Path

import uvicorn
from datasette.app import Datasette

database = Path(sys.argv[1]) / "kitchen.db"
rooms = ("kitchen", "cellar", "attic")
with sqlite3.connect(database) as made:
    made.execute("CREATE TABLE rooms (id INTEGER PRIMARY KEY, name TEXT)")
    made.executemany("INSERT INTO rooms VALUES (?, ?)", enumerate(rooms, 1))
    made.execute(
        "CREATE TABLE things"
        " (id INTEGER PRIMARY KEY, name TEXT, count INTEGER, told TEXT, room INTEGER REFERENCES rooms(id))"
    )
    made.executemany(
        "INSERT INTO things VALUES (?, ?, ?, ?, ?)",
        [
            (n, f"thing {n}", n * 7 % 23, f"<b>{n}</b> https://elsewhere.example/?a={n}&b=2", n % 3 + 1)
            for n in range(1, 121)
        ],
    )
    made.execute("CREATE VIEW few AS SELECT name, count FROM things WHERE count < 3")

shown = Datasette(
    [str(database)], settings={"force_https_urls": True, "default_page_size": 20}, metadata={"title": "Kitchen"}
)
with socket.create_server(("127.0.0.1", 0)) as listening:
    print(f"listening on http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    # Longer than anybody waits between two steps: what is asked for as it ends its connections gets no answer.
    settings = uvicorn.Config(shown.app(), log_level="critical", timeout_keep_alive=600)
    uvicorn.Server(settings).run(sockets=[listening])
