"""What nobody foresaw: an answer in the one shape, and a log line without anything of a person.

May go in here: the one place of the server that catches everything. May not: errors that are foreseen; those are
values (`problems.py`).
"""

import logging

from aiohttp import web
from aiohttp.typedefs import Handler

from cmp.server.answers import failure
from cmp.server.context import POLICIES
from cmp.server.few_lines import FewLines
from cmp.server.problems import NOT_FOUND, UNEXPECTED
from cmp.terminal import place_of

_log = logging.getLogger("consentry.server")
# What aiohttp itself logs: a request it could not parse, with the address it came from.
HTTP_LOG = logging.getLogger("consentry.server.http")
# One for all applications of a process, as the loggers are.
LINES = FewLines()
_UNREAD = "a request failed: %s"


def setup(app: web.Application) -> None:
    app.middlewares.append(_answer_unexpected)
    # What is there already is not added again, for the second application of a process.
    HTTP_LOG.addFilter(_IMPERSONAL)
    for log in (HTTP_LOG, _log):
        log.addFilter(LINES)


@web.middleware
async def _answer_unexpected(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except web.HTTPNotFound:
        # A target that is no path at all, as of CONNECT and OPTIONS *: no route is asked.
        return failure(request, NOT_FOUND)
    except (web.HTTPException, ConnectionError):
        # The second: the visitor has gone, nobody is left to be told.
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the visitor gets an answer and the site stays up
        _log.error("internal error: %s", place_of(error))
        # Finding out the visitor's own language may be what failed.
        return failure(request, UNEXPECTED, request.app[POLICIES].now.languages[0])


def unread() -> int:
    """How many requests could not be read since the process began."""
    return LINES.seen(_UNREAD)


class _Impersonal(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        record.msg = _UNREAD
        record.args = (place_of(error) if error else "unknown",)
        record.exc_info = record.exc_text = None
        return True


_IMPERSONAL = _Impersonal()
