"""What people send to the desk, read from JSON or a form into named texts, and whether it came from a page of ours.

May go in here: the forms a body comes in, the limit on how many come. May not: what the texts mean.
"""

import json
from collections.abc import Collection, Mapping
from email import policy
from email.parser import BytesParser
from urllib.parse import parse_qsl

from aiohttp import web

from cmp.seal.form_token import token_holds
from cmp.server.answers import FORM
from cmp.server.bodies import read_body
from cmp.server.caller import fields
from cmp.server.context import CLOCK, SIGNING_KEYS, SITE
from cmp.server.desk_problems import TOO_MANY_ASKED
from cmp.server.limits import Limit, within
from cmp.server.posting import JSON, shown
from cmp.server.problems import BAD_REQUEST, CROSS_SITE, STALE, UNPROVEN, Failure
from cmp.server.same_origin import Sender, sender_of

Texts = Mapping[str, str]

# RFC 8058, section 3.1: a mail service's one click comes in either form.
MULTIPART = "multipart/form-data"
_MOST_FIELDS = 50

ASKED = web.AppKey("ASKED", Limit)


def setup(app: web.Application) -> None:
    app[ASKED] = Limit(each=20, together=600)


async def read_texts(
    request: web.Request, names: Collection[str], *, types: Collection[str] = (JSON, FORM)
) -> Texts | Failure:
    """The body as texts by name; a name that stands twice, or in JSON one that is not among `names`, is a failure."""
    body = await read_body(request, types)
    if isinstance(body, Failure):
        return body
    if request.content_type == JSON:
        return _read_json(body, names)
    return _read_multipart(request, body) if request.content_type == MULTIPART else _read_form(body)


def sender(request: web.Request) -> Sender:
    """Who sent it, as far as the browser says."""
    by_name = {name: fields(request, name) for name in ("sec-fetch-site", "origin", "referer")}
    return sender_of(by_name, request.app[SITE].origin)


def unproven(request: web.Request, token: str) -> Failure | None:
    """Why this was not sent by a page of ours; None if it was, or if our form's token speaks for it.

    A token is the same for everybody in an hour and gives no permission: it is enough to ask for something, or to be
    left alone.
    """
    by = sender(request)
    if by is Sender.OURS:
        return None
    if by is Sender.FOREIGN:
        return Failure(CROSS_SITE)
    app = request.app
    if not token:
        return Failure(UNPROVEN)
    holds = token_holds(app[SIGNING_KEYS].form_secret, app[SITE].audience, token, app[CLOCK]())
    return None if holds else Failure(STALE)


def too_many(request: web.Request) -> Failure | None:
    """Whether this client, or everybody together, asks for more in a minute than people do."""
    return None if within(request, ASKED) else Failure(TOO_MANY_ASKED)


def _read_json(body: bytes, names: Collection[str]) -> Texts | Failure:
    try:
        pairs = json.loads(body or b"{}", object_pairs_hook=tuple)
    except (ValueError, RecursionError):
        return Failure(BAD_REQUEST, "the body is no JSON")
    if not isinstance(pairs, tuple):
        return Failure(BAD_REQUEST, "the body is no JSON object")
    found = dict(pairs)
    if len(found) != len(pairs):
        return Failure(BAD_REQUEST, "a member is named twice")
    for name, value in found.items():
        if name not in names:
            return Failure(BAD_REQUEST, f"unknown member {shown(name)}")
        if not isinstance(value, str):
            return Failure(BAD_REQUEST, f"{name} is no text")
    return _checked(found)


def _read_form(body: bytes) -> Texts | Failure:
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="replace", max_num_fields=_MOST_FIELDS)
    except ValueError:
        return Failure(BAD_REQUEST, "the body is no form")
    return _single(pairs)


def _read_multipart(request: web.Request, body: bytes) -> Texts | Failure:
    head = request.headers["Content-Type"].encode("ascii", "replace")
    message = BytesParser(policy=policy.HTTP).parsebytes(b"Content-Type: " + head + b"\r\n\r\n" + body)
    pairs = []
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(payload, bytes):
            pairs.append((name, payload.decode("utf-8", "replace").strip()))
    return _single(pairs[:_MOST_FIELDS])


def _single(pairs: list[tuple[str, str]]) -> Texts | Failure:
    found = dict(pairs)
    if len(found) != len(pairs):
        return Failure(BAD_REQUEST, "a field is given twice")
    return _checked(found)


def _checked(found: Texts) -> Texts | Failure:
    """Texts that can be stored: JSON can name halves of characters, and a form can hold zero bytes."""
    for value in found.values():
        if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
            return Failure(BAD_REQUEST, "a text holds what is no character")
    return found
