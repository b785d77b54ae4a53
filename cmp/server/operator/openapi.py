"""The operator listener's calls for programs, as OpenAPI 3.1 describes them.

    GET openapi.json

May go in here: the description of each call. May not: what a call does. Roles and members of a body are those the call
registered with; what is said besides has its row here (a test holds the two together).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web

from cmp.desk.addresses import Origin
from cmp.desk.opt_outs import Change, Source
from cmp.desk.states import State
from cmp.server.describing import (
    ANYTHING,
    ERROR,
    FLAG,
    TEXT,
    Schema,
    in_path,
    in_query,
    list_of,
    members,
    opening,
    ref,
    shape,
    success,
)
from cmp.server.operator.calls import CALLS, EVERYBODY, LONGEST, MOST, Call, Calls, Entry
from cmp.server.posting import JSON

_DAY: Final[Schema] = {"type": "string", "description": "A day such as 2026-10-01."}
_WHOLE: Final[Schema] = {"type": "integer"}
_SAID: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": LONGEST}
_OR_NONE: Final[Schema] = {"type": ["string", "null"]}
_CLIENT: Final[Schema] = {
    "type": ["string", "null"],
    "description": 'A client the policy names; "" is the operator itself.',
}

# Members of bodies, the same wherever they stand.
_MEMBERS: Final[Mapping[str, Schema]] = {
    "client": _CLIENT,
    "addresses": {"type": "array", "items": TEXT, "minItems": 1, "maxItems": MOST},
    "address": _SAID,
    "change": {"enum": list(Change)},
    "source": _SAID,
    "upto": _WHOLE,
    "list": _SAID,
    "state": {"enum": list(State)},
    "reason": _OR_NONE,
    "identified": FLAG,
    "referTo": _OR_NONE,
    "contact": _SAID,
    "given": FLAG,
    "authority": _SAID,
    "ground": _SAID,
    "what": _SAID,
    "on": _DAY,
    "person": _OR_NONE,
}
_IMPORTED: Final[Schema] = {"enum": [Source.OPERATOR, Source.IMPORT]}


@dataclass(frozen=True, slots=True)
class _Row:
    """What the registration of a call does not say.

    `answer` is the form of its JSON, None where it answers in none; `text` another media type it answers in; `rest`
    what its path ends with, for a name that takes more; `own` members that are other than elsewhere.
    """

    summary: str
    answer: Schema | None
    query: Sequence[str] = ()
    required: Sequence[str] = ()
    statuses: Sequence[int] = ()
    rest: str = ""
    text: str = ""
    own: Mapping[str, Schema] | None = None


_REQUEST: Final = success(request=ANYTHING)
_ROWS: Final[Mapping[tuple[str, str], _Row]] = {
    ("GET", "whoami"): _Row("Whose token it is", success(name=TEXT, role=TEXT, client=_OR_NONE)),
    ("GET", "opt-outs"): _Row("How many opt-outs wait on each list", success(optOuts=list_of(ANYTHING))),
    ("GET", "opt-outs/"): _Row(
        "A list, as JSON or CSV",
        success(list=TEXT, client=TEXT, upto=_WHOLE, erased=_WHOLE, optOuts=list_of(ANYTHING)),
        query=("format",),
        rest="list",
        text="text/csv",
    ),
    ("POST", "opt-outs/"): _Row(
        "Put addresses on a list, or take them off",
        success(changed=_WHOLE, due=_DAY),
        required=("addresses",),
        rest="list",
        own={"source": _IMPORTED},
    ),
    ("POST", "opt-out-history/"): _Row(
        "What happened to one address", success(history=list_of(ANYTHING)), required=("address",), rest="list"
    ),
    ("POST", "entered/"): _Row(
        "Say that a list was taken over up to an entry", success(entered=_WHOLE), required=("upto",), rest="list"
    ),
    ("POST", "addresses"): _Row(
        "Say where addresses come from",
        success(registered=_WHOLE, noAddresses=list_of(TEXT)),
        required=("addresses", "source"),
        own={"source": {"enum": list(Origin)}},
    ),
    ("POST", "invitations"): _Row(
        "Ask who may be invited, and by which link they opt out",
        success(invitations=list_of(ANYTHING)),
        required=("addresses", "list"),
    ),
    ("GET", "requests"): _Row(
        "Rights requests",
        success(requests=list_of(ANYTHING), more=_WHOLE, overdue=_WHOLE),
        query=("state",),
    ),
    ("GET", "requests/"): _Row("One request", _REQUEST, rest="reference"),
    ("POST", "requests/"): _Row("Move a request on", _REQUEST, required=("state",), statuses=(409,), rest="reference"),
    ("POST", "consents/"): _Row(
        "Enter a consent or an objection that came another way",
        success(purpose=TEXT, given=FLAG),
        required=("contact", "given", "source"),
        statuses=(409,),
        rest="purpose",
    ),
    ("POST", "permission/"): _Row(
        "Ask whether a person may be contacted",
        success(purpose=TEXT, permitted=FLAG, history=list_of(ANYTHING)),
        required=("contact",),
        rest="purpose",
    ),
    ("GET", "disclosures"): _Row("What was disclosed to authorities", success(disclosures=list_of(ANYTHING))),
    ("POST", "disclosures"): _Row(
        "Enter a disclosure", success(on=_DAY), required=("authority", "ground", "what", "on")
    ),
    ("GET", "notices"): _Row("Notices, now or on a day", success(notices=list_of(ANYTHING)), query=("at", "kind")),
    ("GET", "statistics"): _Row(
        "Numbers, without groups so small that they tell of somebody",
        success(smallestGroup=_WHOLE, tables={"type": "object", "additionalProperties": ref("Table")}),
    ),
    ("GET", "access-log"): _Row("Who called what", success(accesses=list_of(ANYTHING)), query=("before",)),
    ("POST", "purge"): _Row("Remove what is kept of a person", success(removed=ANYTHING), own={"contact": _OR_NONE}),
    ("GET", "metrics"): _Row("Numbers in the text form of Prometheus", None, text="text/plain"),
    ("GET", "openapi.json"): _Row("This description", ANYTHING),
}
_TABLE: Final = shape(
    ["groups", "total"],
    groups={"type": "object", "additionalProperties": {"type": ["integer", "null"]}},
    total={"type": ["integer", "null"]},
)
# Failures every call can have, and those that only a body can.
_ALWAYS: Final = (400, 401, 403, 404, 405, 429, 500, 503)
_POSTED: Final = (408, 413, 415)


def describe(calls: Calls) -> Mapping[str, Any]:
    """The whole description. Raises KeyError for a call that has no row."""
    paths: dict[str, dict[str, Any]] = {
        f"/{name}": {"get": _probe(summary)}
        for name, summary in (("health", "Whether the server answers"), ("ready", "Whether choices can be stored"))
    }
    for method, name, entry in calls.all():
        row = _ROWS[method, name]
        path = f"/{name}{{{row.rest}}}" if row.rest else f"/{name}"
        paths.setdefault(path, {})[method.lower()] = _operation(method, row, entry)
    return {
        **opening(
            "Consentry: the operator's calls",
            "Success is {ok: true, ...}, an error {ok: false, error: {code, message}}. Roles are viewer, operator and "
            "auditor; x-roles says who may make a call. Called from this machine alone, by the address it listens on.",
        ),
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {"Error": ERROR, "Table": _TABLE},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _probe(summary: str) -> Schema:
    return {"summary": summary, "security": [], "responses": _responses(summary, {JSON: success()}, (403, 503))}


def _operation(method: str, row: _Row, entry: Entry) -> Schema:
    known = {**_MEMBERS, **(row.own or {})}
    content = ({} if row.answer is None else {JSON: row.answer}) | ({row.text: TEXT} if row.text else {})
    operation: dict[str, Any] = {
        "summary": row.summary,
        "x-roles": sorted(entry.roles),
        "parameters": [
            *([in_path(row.rest, TEXT)] if row.rest else []),
            *(in_query(name, TEXT) for name in row.query),
            *([in_query("client", TEXT)] if method == "GET" else []),
        ],
        "responses": _responses(
            row.summary, content, (*_ALWAYS, *row.statuses, *(_POSTED if method == "POST" else ()))
        ),
    }
    if method == "POST":
        body = members({name: known[name] for name in sorted(entry.members | {"client"})}, row.required)
        operation["requestBody"] = {"required": bool(row.required), "content": {JSON: {"schema": body}}}
    return operation


def _responses(summary: str, content: Mapping[str, Schema], failures: Sequence[int]) -> Schema:
    done = {"description": summary, "content": {media: {"schema": schema} for media, schema in content.items()}}
    failed = {"description": "Not done", "content": {JSON: {"schema": ref("Error")}}}
    return {"200": done, **{str(status): failed for status in sorted(set(failures))}}


def setup(app: web.Application) -> None:
    """Last of all: what is described is what has registered."""
    calls = app[CALLS]

    async def show(_call: Call) -> web.Response:
        return web.Response(text=text, content_type=JSON)

    calls.add("GET", "openapi.json", show, EVERYBODY, entered=False)
    text = json.dumps(describe(calls))
