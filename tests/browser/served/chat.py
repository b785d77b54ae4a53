"""A chat on websockets: its page, and a room in which everybody hears what one says.

python chat.py
"""

import asyncio
import http

from websockets.asyncio.server import Request, Response, ServerConnection, broadcast, serve

PAGE = """<!doctype html><html lang=en><meta charset=utf-8><title>Chat</title><h1>Chat</h1>
<form><input name=line autocomplete=off aria-label="What to say"><button>Say</button></form><output></output><ul></ul>
<script>
const own = new URLSearchParams(location.search).get("name");
const socket = new WebSocket(location.origin.replace(/^http/, "ws") + "/room?name=" + own);
const said = (text) => {
  document.querySelector("ul").append(Object.assign(document.createElement("li"), { textContent: text }));
};
socket.onopen = () => { document.querySelector("output").textContent = "connected" };
socket.onmessage = ({ data }) => said(typeof data === "string" ? data : data.size + " bytes");
socket.onclose = ({ code, reason }) => { document.querySelector("output").textContent = code + " " + reason };
document.querySelector("form").onsubmit = (event) => {
  event.preventDefault();
  const line = event.target.elements.line;
  socket.send(line.value === "/file" ? new Uint8Array(100000) : line.value);
  line.value = "";
};
</script></html>"""

there: set[ServerConnection] = set()


async def talk(connection: ServerConnection) -> None:
    name = connection.request.path.rpartition("=")[2]
    there.add(connection)
    broadcast(there, f"{name} is here")
    try:
        async for message in connection:
            if message == "/bye":
                await connection.close(4000, "bye " + name)
            else:
                broadcast(there, message if isinstance(message, bytes) else f"{name}: {message}")
    finally:
        there.discard(connection)
        broadcast(there, f"{name} is gone")


def page(connection: ServerConnection, request: Request) -> Response | None:
    if request.headers.get("Upgrade"):
        return None
    found = request.path.startswith("/?")
    response = connection.respond(http.HTTPStatus.OK if found else http.HTTPStatus.NOT_FOUND, PAGE if found else "?")
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "text/html; charset=utf-8"
    return response


async def main() -> None:
    async with serve(talk, "127.0.0.1", 0, process_request=page) as server:
        print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await server.serve_forever()


asyncio.run(main())
