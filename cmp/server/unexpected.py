"""What nobody foresaw: an answer in the one shape, and a log line without anything of a person.

May go in here: the one place of the server that catches everything. May not: errors that are foreseen; those are
values (`problems.py`).
"""

import logging

from aiohttp import web
from aiohttp.typedefs import Handler

from cmp.server.answers import failure
from cmp.server.context import POLICIES
from cmp.server.problems import UNEXPECTED
from cmp.terminal import place_of

_log = logging.getLogger("consentry.server")
# What aiohttp itself logs: a request it could not parse, with the address it came from.
HTTP_LOG = logging.getLogger("consentry.server.http")


def setup(app: web.Application) -> None:
    app.middlewares.append(_answer_unexpected)
    if not any(isinstance(found, _Impersonal) for found in HTTP_LOG.filters):
        HTTP_LOG.addFilter(_Impersonal())


@web.middleware
async def _answer_unexpected(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except (web.HTTPException, ConnectionError):
        # The second: the visitor has gone, nobody is left to be told.
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the visitor gets an answer and the site stays up
        _log.error("internal error: %s", place_of(error))
        # Finding out the visitor's own language may be what failed.
        return failure(request, UNEXPECTED, request.app[POLICIES].now.languages[0])


class _Impersonal(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        record.msg = "a request failed: %s"
        record.args = (place_of(error) if error else "unknown",)
        record.exc_info = record.exc_text = None
        return True
