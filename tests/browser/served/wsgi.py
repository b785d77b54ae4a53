"""A WSGI application on a free port of loopback."""

import logging
from collections.abc import Callable
from typing import Any

from werkzeug.serving import make_server


def serve(application: Callable[..., Any]) -> None:
    """Until the process is ended. Nothing is logged: nobody reads it."""
    logging.disable()
    server = make_server("127.0.0.1", 0, application, threaded=True)
    print(f"listening on http://127.0.0.1:{server.port}", flush=True)
    server.serve_forever()
