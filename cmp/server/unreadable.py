"""What cannot be read as a request: an answer in the one shape, with nothing of what was sent.

May go in here: the one answer that is made before there is a request. May not: errors of requests that were read
(`problems.py`, `unexpected.py`).

aiohttp answers by itself what its parser refuses (a field of more than 8,190 bytes, two lengths), before any middleware
or signal: with a line of the request, and with its own name and version.
"""

from aiohttp import web

from cmp.server.headers import add_fields
from cmp.server.problems import BAD_REQUEST, UNEXPECTED


class _Connection(web.RequestHandler):
    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        # It logs, and closes the connection.
        super().handle_error(request, status, exc, message)
        problem = UNEXPECTED if status >= 500 else BAD_REQUEST
        error = {"code": problem.code, "message": problem.texts["en"]}
        answer = web.json_response({"ok": False, "error": error}, status=status)
        add_fields(answer)
        answer.force_close()
        return answer


class _Server(web.Server):
    def __call__(self) -> web.RequestHandler:
        connection = super().__call__()
        connection.__class__ = _Connection
        return connection


def answer_unreadable(runner: web.AppRunner) -> None:
    """Has a runner that was set up give these answers. aiohttp knows no setting for it."""
    if runner.server is not None:
        runner.server.__class__ = _Server
