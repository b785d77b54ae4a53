"""GET openapi.json: this API for programs, as OpenAPI 3.1 describes it.

May go in here: the description of each endpoint, and the values the policy in force admits. May not: what an endpoint
does. Each endpoint has its row here (a test holds the two together), so a new one is described or the tests fail.
"""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from aiohttp import web

from cmp import __version__
from cmp.core.policy import Policy
from cmp.server.answers import FORM
from cmp.server.caller import policy_of
from cmp.server.context import SITE
from cmp.server.endpoints import ENDPOINTS
from cmp.server.per_policy import PerPolicy
from cmp.server.posting import JSON

Schema = Mapping[str, Any]

_TEXT: Final[Schema] = {"type": "string"}
_FLAG: Final[Schema] = {"type": "boolean"}
_ANYTHING: Final[Schema] = {"type": "object"}
_HTML, _CSP_SINGLE, _CSP_SEVERAL = "text/html", "application/csp-report", "application/reports+json"
_NUMBER: Final[Schema] = {"type": "string", "description": "The number of a record: 32 hexadecimal digits."}
_LANGUAGE: Final[Schema] = {"type": "string", "description": "A language of the policy; any other is as none."}
_TOKEN: Final[Schema] = {"type": "string", "description": "A form's token, where the browser says nothing of itself."}

# Failures every endpoint can have, and those that only a body can.
_ALWAYS: Final = (400, 404, 405, 500)
_POSTED: Final = (403, 408, 413, 415)
_LEDGER: Final = (429, 503)


def _object(required: Sequence[str] = (), *, open_: bool = False, **properties: Schema) -> Schema:
    """`open_`: members that are not named are let be, as in forms and answers."""
    return _members(properties, required, open_=open_)


def _members(properties: Mapping[str, Schema], required: Sequence[str] = (), *, open_: bool = False) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        **({"required": list(required)} if required else {}),
        **({} if open_ else {"additionalProperties": False}),
    }


def _list(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def _success(**properties: Schema) -> Schema:
    return _object(["ok", *properties], open_=True, ok={"const": True}, **properties)


_ERROR: Final = _object(
    ["ok", "error"], ok={"const": False}, error=_object(["code", "message"], code=_TEXT, message=_TEXT)
)
_STATE: Final = _success(
    decided=_FLAG,
    state=_TEXT,
    granted=_list(_TEXT),
    refused=_list(_TEXT),
    categories=_list(
        _object(
            ["id", "title", "necessary", "allowed", "reason"],
            id=_TEXT,
            title=_TEXT,
            necessary=_FLAG,
            allowed=_FLAG,
            reason=_TEXT,
        )
    ),
    tellMe=_FLAG,
    signals=_object(["gpc", "dnt"], gpc=_FLAG, dnt={"type": ["boolean", "null"]}),
    policy=_object(["id", "version", "fingerprint"], id=_TEXT, version=_TEXT, fingerprint=_TEXT),
    language=_TEXT,
)
# No JSON: a page, or a form of its own.
_PAGE: Final = None
_COOKIE: Final[Schema] = {"type": ["object", "null"]}


def describe(policy: Policy, reserved: str) -> Mapping[str, Any]:
    """The whole description. `reserved` is the path all of it lies under."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Consentry: a visitor's choices",
            "version": __version__,
            "description": "Success is {ok: true, ...}, an error {ok: false, error: {code, message}}, or a page where "
            "a browser asks for one. Whoever changes something says where it comes from: Sec-Fetch-Site, Origin, or, "
            "to take permission away alone, a form's token.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": reserved.rstrip("/")}],
        "paths": {path: dict(operations) for path, operations in _paths(policy).items()},
        "components": {"schemas": {"Error": _ERROR, "State": _STATE}},
    }


def _paths(policy: Policy) -> Mapping[str, Mapping[str, Any]]:
    category = {"type": "string", "enum": sorted(policy.optional_categories)} if policy.optional_categories else _TEXT
    choosable = sorted(id_ for id_, one in policy.vendors.items() if one.category in policy.optional_categories)
    vendor = {"type": "string", "enum": choosable} if choosable else _TEXT
    surface = {"type": "string", "enum": ["banner", "preferences", "embed"]}
    common = {"surface": surface, "language": _LANGUAGE, "token": _TOKEN}
    granted = _list(category)
    vendors = _object(granted=_list(vendor))
    choice: Schema = {
        "oneOf": [
            _members({"choice": {"enum": ["accept", "refuse"]}, "vendors": vendors, **common}, ["choice"]),
            _members({"granted": granted, "vendors": vendors, **common}, ["granted"]),
            _members({"vendors": vendors, **common}, ["vendors"]),
        ]
    }
    form_common = {"surface": surface, "lang": _LANGUAGE, "token": _TOKEN, "back": _TEXT, "answer": _TEXT}
    choice_form = {
        "oneOf": [
            _object(["choice"], open_=True, choice={"enum": ["accept", "refuse"]}, **form_common),
            _object(
                ["choice"],
                open_=True,
                choice={"enum": ["save"]},
                category=_list(category),
                vendor=_list(vendor),
                **form_common,
            ),
            # Without a choice the vendors are granted besides what holds.
            {**_object(["vendor"], open_=True, vendor=_list(vendor), **form_common), "not": {"required": ["choice"]}},
        ]
    }
    bare, bare_form = _members(common), _members(form_common, open_=True)
    own = {"record": _NUMBER, "lang": _LANGUAGE, "token": _TOKEN}
    form = {"enum": ["27560", "kantara"]}
    own_body = _members(own), _members(own, open_=True)
    receipt_body = _members({"form": form, **own}), _members({"form": form, **own}, open_=True)
    language = _query("lang", _LANGUAGE)
    back = _query("back", _TEXT)
    taken = partial(_post, 200, "State", statuses=(*_LEDGER, 409))
    return {
        "/": {"get": _get("The preferences page, complete without JavaScript", _PAGE, [language, back])},
        "/state": {"get": _get("What holds for this visitor", _ref("State"), [language])},
        "/choice": {"post": taken("Choose", choice, choice_form)},
        "/withdraw": {"post": taken("Take everything back", bare, bare_form)},
        "/do-not-sell": {
            "get": _get(
                "Opting out of sale and sharing: what it is about",
                _success(categories=_list(_TEXT), optedOut=_FLAG),
                [language, back],
            ),
            "post": taken("Opt out of sale and sharing", bare, bare_form),
        },
        "/tell-me": {
            "post": _post(
                200,
                "State",
                "Be told of each cookie, or no longer",
                _object(["tellMe"], tellMe=_FLAG, language=_LANGUAGE, token=_TOKEN),
                _object(["tell"], open_=True, tell={"enum": ["on", "off"]}, lang=_LANGUAGE, token=_TOKEN, back=_TEXT),
            )
        },
        "/record": {
            "get": _get(
                "What is stored about this person",
                _success(cookie=_COOKIE, records=_list(_ANYTHING)),
                [language],
                _LEDGER,
            ),
            "post": _post(200, _success(), "The same by the number of a record", *own_body, statuses=_LEDGER),
        },
        "/receipt": {
            "get": _get(
                "The receipt of a consent", _ANYTHING, [language, _query("form", form)], (*_LEDGER, 409), plain=True
            ),
            "post": _post(
                200,
                _ANYTHING,
                "The receipt of a record; without a number and after a refusal, one is made",
                *receipt_body,
                statuses=(*_LEDGER, 409),
            ),
        },
        "/export": {
            "get": _get("Everything stored about this person", _ANYTHING, [language], _LEDGER, plain=True),
            "post": _post(200, _ANYTHING, "The same by the number of a record", *own_body, statuses=_LEDGER),
        },
        "/erase": {
            "post": _post(
                200,
                _success(erased=_FLAG),
                "Take everything back and erase the record",
                *own_body,
                statuses=_LEDGER,
            )
        },
        "/keys.json": {"get": _get("Public keys", _success(keys={"type": "object", "additionalProperties": _TEXT}))},
        "/openapi.json": {"get": _get("This description", _ANYTHING, plain=True)},
        "/health": {"get": _get("Whether the server answers", _success())},
        "/report": {
            "post": {
                "summary": "Reports of what a browser stopped (CSP)",
                "requestBody": {"content": {type_: {"schema": {}} for type_ in (_CSP_SINGLE, _CSP_SEVERAL)}},
                "responses": {"204": {"description": "Counted"}, **_failures((*_ALWAYS, *_POSTED, 429))},
            }
        },
        "/guard.js": {"get": _file("The client guard for this visitor", "text/javascript")},
        "/banner.js": {"get": _file("The banner's script", "text/javascript")},
        "/banner.css": {"get": _file("The style of every page", "text/css")},
        "/embed/{vendor}": {
            "get": _get("What stands where a vendor's content would be", _PAGE, [_path("vendor", _TEXT), back]),
            "post": _form_page("That content, this once", [_path("vendor", _TEXT)]),
        },
        "/well-known/{name}": {
            "get": _get("What the policy states in the operator's name", None, [_path("name", _TEXT)])
        },
        "/rights": {
            "get": _get("What can be asked for", _success(), [language]),
            "post": _post(200, _success(), "Ask for it", _ANYTHING, _ANYTHING, statuses=(409, *_LEDGER)),
        },
        "/request/{reference}": {
            "get": _get("How a request stands", _success(), [_path("reference", _TEXT), language], (503,))
        },
        "/opt-out": {"post": _post(200, _success(), "No more mails", _ANYTHING, _ANYTHING, statuses=(409, *_LEDGER))},
        "/opt-out/{token}": {
            "get": _get("What an opt-out link is about", _PAGE, [_path("token", _TEXT), language], (503,)),
            "post": {
                **_post(200, _success(), "No more mails", _ANYTHING, _ANYTHING, statuses=(409, *_LEDGER)),
                "parameters": [_path("token", _TEXT)],
            },
        },
        "/opt-in/{token}": {
            "post": {
                **_post(200, _success(), "Mails again", _ANYTHING, _ANYTHING, statuses=(409, *_LEDGER)),
                "parameters": [_path("token", _TEXT)],
            }
        },
        "/notices": {"get": _get("Notices in force", _success(), [language])},
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _get(
    summary: str,
    schema: Schema | None,
    parameters: Sequence[Schema] = (),
    statuses: Sequence[int] = (),
    *,
    plain: bool = False,
) -> Schema:
    """`schema` None: a page, or another form than JSON; `plain`: never a page."""
    content = {} if schema is None else {JSON: {"schema": schema}}
    if schema is None:
        content = {"*/*": {}}
    elif not plain:
        content[_HTML] = {"schema": _TEXT}
    return {
        "summary": summary,
        "parameters": list(parameters),
        "responses": {"200": {"description": summary, "content": content}, **_failures((*_ALWAYS, *statuses))},
    }


def _file(summary: str, media_type: str) -> Schema:
    return {
        "summary": summary,
        "responses": {
            "200": {"description": summary, "content": {media_type: {"schema": _TEXT}}},
            "304": {"description": "As the caller has it"},
            **_failures(_ALWAYS),
        },
    }


def _post(
    status: int,
    answer: Schema | str,
    summary: str,
    body: Schema,
    form: Schema | None = None,
    *,
    statuses: Sequence[int] = (),
) -> Schema:
    schema = _ref(answer) if isinstance(answer, str) else answer
    return {
        "summary": summary,
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": body}, FORM: {"schema": body if form is None else form}},
        },
        "responses": {
            str(status): {
                "description": "Done",
                "content": {JSON: {"schema": schema}, _HTML: {"schema": _TEXT}},
            },
            "303": {"description": "Done, after a form: back to its page"},
            **_failures((*_ALWAYS, *_POSTED, *statuses)),
        },
    }


def _form_page(summary: str, parameters: Sequence[Schema]) -> Schema:
    return {
        "summary": summary,
        "parameters": list(parameters),
        "requestBody": {"required": True, "content": {FORM: {"schema": _ANYTHING}}},
        "responses": {
            "200": {"description": summary, "content": {_HTML: {"schema": _TEXT}}},
            **_failures((*_ALWAYS, *_POSTED)),
        },
    }


def _failures(statuses: Sequence[int]) -> Mapping[str, Any]:
    content = {JSON: {"schema": _ref("Error")}, _HTML: {"schema": _TEXT}}
    return {str(status): {"description": "Not done", "content": content} for status in sorted(set(statuses))}


def _query(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "schema": schema}


def _path(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": schema}


DESCRIPTIONS: web.AppKey[PerPolicy[str]] = web.AppKey("DESCRIPTIONS")


def setup(app: web.Application) -> None:
    reserved = app[SITE].reserved
    app[DESCRIPTIONS] = PerPolicy(lambda policy: json.dumps(describe(policy, reserved)))
    app[ENDPOINTS].add("GET", "openapi.json", _show)


async def _show(request: web.Request) -> web.Response:
    return web.Response(text=request.app[DESCRIPTIONS].of(policy_of(request)), content_type=JSON)
