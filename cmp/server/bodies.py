"""Request bodies: read whole, but never more than fits and never for longer than patience lasts.

May go in here: bounds on size and time, the media type. May not: what the bytes mean (`posting.py`, `report.py`).
"""

import asyncio
from collections.abc import Collection

from aiohttp import web

from cmp.server.problems import BAD_REQUEST, MEDIA_TYPE, TOO_LARGE, TOO_SLOW, Failure

LIMIT = 16 * 1024
# Seconds for a body to arrive: a choice is a few hundred bytes.
PATIENCE = 10.0


async def read_body(request: web.Request, types: Collection[str]) -> bytes | Failure:
    """The body, if it is of one of these media types (lower case, without parameters)."""
    if request.content_type not in types or len(request.headers.getall("Content-Type", [])) != 1:
        return Failure(MEDIA_TYPE)
    if request.headers.getall("Content-Encoding", []) not in ([], ["identity"]):
        # Nobody compresses a few hundred bytes, save to make megabytes of them.
        return Failure(MEDIA_TYPE)
    if (request.content_length or 0) > LIMIT:
        return Failure(TOO_LARGE)
    try:
        if request.content.is_eof():
            # All of it came with the head, as it does for a choice: nothing to wait for.
            whole = request.content.read_nowait()
            return whole if len(whole) <= LIMIT else Failure(TOO_LARGE)
        body = bytearray()
        async with asyncio.timeout(PATIENCE):
            while chunk := await request.content.readany():
                body += chunk
                if len(body) > LIMIT:
                    return Failure(TOO_LARGE)
    except TimeoutError:
        return Failure(TOO_SLOW)
    except web.RequestPayloadError:
        return Failure(BAD_REQUEST, "the body broke off")
    return bytes(body)
