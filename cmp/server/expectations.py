"""What a request expects before its body (RFC 9110, section 10.1.1): 100-continue, and nothing else.

May go in here: the answer to the field `Expect`. May not: what is then done with the request. aiohttp asks this before
any middleware, and by itself would answer in plain text.
"""

from collections.abc import Awaitable, Callable

from aiohttp import HttpVersion11, web

from cmp.server.caller import fields

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def only_continue(
    refusal: Callable[[web.Request], web.StreamResponse],
) -> Callable[[web.Request], Awaitable[web.StreamResponse | None]]:
    """For a route: goes on where a client waits for a 100, and answers with `refusal` to any other expectation."""

    async def expected(request: web.Request) -> web.StreamResponse | None:
        if request.version < HttpVersion11:
            # Such a client cannot be answered with a 100; the field is to be ignored.
            return None
        if {value.strip().lower() for value in fields(request, "Expect")} - {"100-continue"}:
            return refusal(request)
        await request.writer.write(_CONTINUE)
        # The answer itself has not begun.
        request.writer.output_size = 0
        return None

    return expected
