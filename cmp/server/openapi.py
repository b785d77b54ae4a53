"""GET openapi.json: this API for programs, as OpenAPI 3.1 describes it.

May go in here: the description of each endpoint, and the values the policy in force admits. May not: what an endpoint
does. Each endpoint has its row here (a test holds the two together), so a new one is described or the tests fail.
"""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from aiohttp import web

from cmp.core.policy import Policy
from cmp.server.answers import FORM
from cmp.server.caller import policy_of
from cmp.server.context import SITE
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
from cmp.server.endpoints import ENDPOINTS
from cmp.server.per_policy import PerPolicy
from cmp.server.posting import JSON

_HTML, _CSP_SINGLE, _CSP_SEVERAL = "text/html", "application/csp-report", "application/reports+json"
_NUMBER: Final[Schema] = {"type": "string", "description": "The number of a record: 32 hexadecimal digits."}
_LANGUAGE: Final[Schema] = {"type": "string", "description": "A language of the policy; any other is as none."}
_TOKEN: Final[Schema] = {"type": "string", "description": "A form's token, where the browser says nothing of itself."}

# Failures every endpoint can have, and those that only a body can.
_ALWAYS: Final = (400, 404, 405, 500)
_POSTED: Final = (403, 408, 413, 415)
_LEDGER: Final = (429, 503)


_STATE: Final = success(
    decided=FLAG,
    state=TEXT,
    granted=list_of(TEXT),
    refused=list_of(TEXT),
    categories=list_of(
        shape(
            ["id", "title", "necessary", "allowed", "reason"],
            id=TEXT,
            title=TEXT,
            necessary=FLAG,
            allowed=FLAG,
            reason=TEXT,
        )
    ),
    tellMe=FLAG,
    signals=shape(["gpc", "dnt"], gpc=FLAG, dnt={"type": ["boolean", "null"]}),
    policy=shape(["id", "version", "fingerprint"], id=TEXT, version=TEXT, fingerprint=TEXT),
    language=TEXT,
)
# No JSON: a page, or a form of its own.
_PAGE: Final = None
_COOKIE: Final[Schema] = {"type": ["object", "null"]}


def describe(policy: Policy, reserved: str) -> Mapping[str, Any]:
    """The whole description. `reserved` is the path all of it lies under."""
    return {
        **opening(
            "Consentry: a visitor's choices",
            "Success is {ok: true, ...}, an error {ok: false, error: {code, message}}, or a page where a browser asks "
            "for one. Whoever changes something says where it comes from: Sec-Fetch-Site, Origin, or, to take "
            "permission away alone, a form's token.",
        ),
        "servers": [{"url": reserved.rstrip("/")}],
        "paths": {path: dict(operations) for path, operations in _paths(policy).items()},
        "components": {"schemas": {"Error": ERROR, "State": _STATE}},
    }


def _paths(policy: Policy) -> Mapping[str, Mapping[str, Any]]:
    category = {"type": "string", "enum": sorted(policy.optional_categories)} if policy.optional_categories else TEXT
    choosable = sorted(id_ for id_, one in policy.vendors.items() if one.category in policy.optional_categories)
    vendor = {"type": "string", "enum": choosable} if choosable else TEXT
    surface = {"type": "string", "enum": ["banner", "preferences", "embed"]}
    common = {"surface": surface, "language": _LANGUAGE, "token": _TOKEN}
    granted = list_of(category)
    vendors = shape(granted=list_of(vendor))
    choice: Schema = {
        "oneOf": [
            members({"choice": {"enum": ["accept", "refuse"]}, "vendors": vendors, **common}, ["choice"]),
            members({"granted": granted, "vendors": vendors, **common}, ["granted"]),
            members({"vendors": vendors, **common}, ["vendors"]),
        ]
    }
    form_common = {"surface": surface, "lang": _LANGUAGE, "token": _TOKEN, "back": TEXT, "answer": TEXT}
    choice_form = {
        "oneOf": [
            shape(["choice"], open_=True, choice={"enum": ["accept", "refuse"]}, **form_common),
            shape(
                ["choice"],
                open_=True,
                choice={"enum": ["save"]},
                category=list_of(category),
                vendor=list_of(vendor),
                **form_common,
            ),
            # Without a choice the vendors are granted besides what holds.
            {**shape(["vendor"], open_=True, vendor=list_of(vendor), **form_common), "not": {"required": ["choice"]}},
        ]
    }
    bare, bare_form = members(common), members(form_common, open_=True)
    own = {"record": _NUMBER, "lang": _LANGUAGE, "token": _TOKEN}
    form = {"enum": ["27560", "kantara"]}
    own_body = members(own), members(own, open_=True)
    receipt_body = members({"form": form, **own}), members({"form": form, **own}, open_=True)
    language = in_query("lang", _LANGUAGE)
    back = in_query("back", TEXT)
    taken = partial(_post, 200, "State", statuses=(*_LEDGER, 409))
    return {
        "/": {"get": _get("The preferences page, complete without JavaScript", _PAGE, [language, back])},
        "/state": {"get": _get("What holds for this visitor", ref("State"), [language])},
        "/choice": {"post": taken("Choose", choice, choice_form)},
        "/withdraw": {"post": taken("Take everything back", bare, bare_form)},
        "/do-not-sell": {
            "get": _get(
                "Opting out of sale and sharing: what it is about",
                success(categories=list_of(TEXT), optedOut=FLAG),
                [language, back],
            ),
            "post": taken("Opt out of sale and sharing", bare, bare_form),
        },
        "/tell-me": {
            "post": _post(
                200,
                "State",
                "Be told of each cookie, or no longer",
                shape(["tellMe"], tellMe=FLAG, language=_LANGUAGE, token=_TOKEN),
                shape(["tell"], open_=True, tell={"enum": ["on", "off"]}, lang=_LANGUAGE, token=_TOKEN, back=TEXT),
            )
        },
        "/record": {
            "get": _get(
                "What is stored about this person",
                success(cookie=_COOKIE, records=list_of(ANYTHING)),
                [language],
                _LEDGER,
            ),
            "post": _post(200, success(), "The same by the number of a record", *own_body, statuses=_LEDGER),
        },
        "/receipt": {
            "get": _get(
                "The receipt of a consent", ANYTHING, [language, in_query("form", form)], (*_LEDGER, 409), plain=True
            ),
            "post": _post(
                200,
                ANYTHING,
                "The receipt of a record; without a number and after a refusal, one is made",
                *receipt_body,
                statuses=(*_LEDGER, 409),
            ),
        },
        "/export": {
            "get": _get("Everything stored about this person", ANYTHING, [language], _LEDGER, plain=True),
            "post": _post(200, ANYTHING, "The same by the number of a record", *own_body, statuses=_LEDGER),
        },
        "/erase": {
            "post": _post(
                200,
                success(erased=FLAG),
                "Take everything back and erase the record",
                *own_body,
                statuses=_LEDGER,
            )
        },
        "/keys.json": {"get": _get("Public keys", success(keys={"type": "object", "additionalProperties": TEXT}))},
        "/openapi.json": {"get": _get("This description", ANYTHING, plain=True)},
        "/health": {"get": _get("Whether the server answers", success())},
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
            "get": _get("What stands where a vendor's content would be", _PAGE, [in_path("vendor", TEXT), back]),
            "post": _form_page("That content, this once", [in_path("vendor", TEXT)]),
        },
        "/well-known/{name}": {
            "get": _get("What the policy states in the operator's name", None, [in_path("name", TEXT)])
        },
        "/rights": {
            "get": _get("What can be asked for", success(), [language]),
            "post": _post(200, success(), "Ask for it", ANYTHING, ANYTHING, statuses=(409, *_LEDGER)),
        },
        "/request/{reference}": {
            "get": _get("How a request stands", success(), [in_path("reference", TEXT), language], (503,))
        },
        "/opt-out": {"post": _post(200, success(), "No more mails", ANYTHING, ANYTHING, statuses=(409, *_LEDGER))},
        "/opt-out/{token}": {
            "get": _get("What an opt-out link is about", _PAGE, [in_path("token", TEXT), language], (503,)),
            "post": {
                **_post(200, success(), "No more mails", ANYTHING, ANYTHING, statuses=(409, *_LEDGER)),
                "parameters": [in_path("token", TEXT)],
            },
        },
        "/opt-in/{token}": {
            "post": {
                **_post(200, success(), "Mails again", ANYTHING, ANYTHING, statuses=(409, *_LEDGER)),
                "parameters": [in_path("token", TEXT)],
            }
        },
        "/notices": {"get": _get("Notices in force", success(), [language])},
    }


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
        content[_HTML] = {"schema": TEXT}
    return {
        "summary": summary,
        "parameters": list(parameters),
        "responses": {"200": {"description": summary, "content": content}, **_failures((*_ALWAYS, *statuses))},
    }


def _file(summary: str, media_type: str) -> Schema:
    return {
        "summary": summary,
        "responses": {
            "200": {"description": summary, "content": {media_type: {"schema": TEXT}}},
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
    schema = ref(answer) if isinstance(answer, str) else answer
    return {
        "summary": summary,
        "requestBody": {
            "required": True,
            "content": {JSON: {"schema": body}, FORM: {"schema": body if form is None else form}},
        },
        "responses": {
            str(status): {
                "description": "Done",
                "content": {JSON: {"schema": schema}, _HTML: {"schema": TEXT}},
            },
            "303": {"description": "Done, after a form: back to its page"},
            **_failures((*_ALWAYS, *_POSTED, *statuses)),
        },
    }


def _form_page(summary: str, parameters: Sequence[Schema]) -> Schema:
    return {
        "summary": summary,
        "parameters": list(parameters),
        "requestBody": {"required": True, "content": {FORM: {"schema": ANYTHING}}},
        "responses": {
            "200": {"description": summary, "content": {_HTML: {"schema": TEXT}}},
            **_failures((*_ALWAYS, *_POSTED)),
        },
    }


def _failures(statuses: Sequence[int]) -> Mapping[str, Any]:
    content = {JSON: {"schema": ref("Error")}, _HTML: {"schema": TEXT}}
    return {str(status): {"description": "Not done", "content": content} for status in sorted(set(statuses))}


DESCRIPTIONS: web.AppKey[PerPolicy[str]] = web.AppKey("DESCRIPTIONS")


def setup(app: web.Application) -> None:
    reserved = app[SITE].reserved
    app[DESCRIPTIONS] = PerPolicy(lambda policy: json.dumps(describe(policy, reserved)))
    app[ENDPOINTS].add("GET", "openapi.json", _show)


async def _show(request: web.Request) -> web.Response:
    return web.Response(text=request.app[DESCRIPTIONS].of(policy_of(request)), content_type=JSON)
