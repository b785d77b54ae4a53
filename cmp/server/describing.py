"""Pieces of an OpenAPI 3.1 description, for visitors' and for operators' calls alike.

May go in here: schemas of the one success and the one error shape, short ways to write a schema or a parameter. May
not: what an endpoint takes or answers (`openapi.py`, `operator/openapi.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cmp import __version__

Schema = Mapping[str, Any]

TEXT: Final[Schema] = {"type": "string"}
FLAG: Final[Schema] = {"type": "boolean"}
ANYTHING: Final[Schema] = {"type": "object"}


def opening(title: str, description: str) -> Schema:
    """What every description begins with."""
    licence = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    info = {"title": title, "version": __version__, "description": description, "license": licence}
    return {"openapi": "3.1.0", "info": info}


def shape(required: Sequence[str] = (), *, open_: bool = False, **properties: Schema) -> Schema:
    """`open_`: members that are not named are let be, as in forms and answers."""
    return members(properties, required, open_=open_)


def members(properties: Mapping[str, Schema], required: Sequence[str] = (), *, open_: bool = False) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        **({"required": list(required)} if required else {}),
        **({} if open_ else {"additionalProperties": False}),
    }


def list_of(of: Schema) -> Schema:
    return {"type": "array", "items": of}


def success(**properties: Schema) -> Schema:
    return shape(["ok", *properties], open_=True, ok={"const": True}, **properties)


ERROR: Final = shape(["ok", "error"], ok={"const": False}, error=shape(["code", "message"], code=TEXT, message=TEXT))


def ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def in_query(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "schema": schema}


def in_path(name: str, schema: Schema) -> Schema:
    return {"name": name, "in": "path", "required": True, "schema": schema}
