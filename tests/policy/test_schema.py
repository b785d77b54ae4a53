"""The form of a policy: where each fault is, what is wrong, and what to write instead."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cmp.policy.schema import faults_of_form, schema_of, validator
from tests.core.examples import shop

Change = Callable[[dict[str, Any]], object]


def test_the_example_has_no_fault() -> None:
    assert faults_of_form(shop()) == []


def put(path: str, value: Any) -> Change:
    """Set the value at a JSON pointer."""

    def change(document: dict[str, Any]) -> None:
        *parents, last = (part.replace("~1", "/").replace("~0", "~") for part in path[1:].split("/"))
        place: Any = document
        for part in parents:
            place = place[int(part)] if isinstance(place, list) else place[part]
        place[int(last) if isinstance(place, list) else last] = value

    return change


def drop(path: str) -> Change:
    def change(document: dict[str, Any]) -> None:
        *parents, last = path[1:].split("/")
        place: Any = document
        for part in parents:
            place = place[int(part)] if isinstance(place, list) else place[part]
        del place[last]

    return change


VENDOR = {"id": "v", "name": "V", "category": "analytics"}


@pytest.mark.parametrize(
    "change, pointer, what, remedy",
    [
        pytest.param(
            drop("/version"), "", '"version" is missing', 'write for example "version": "2018', id="missing key"
        ),
        pytest.param(
            put("/catagories", {}),
            "/catagories",
            'key "catagories" is not known',
            'did you mean "categories"?',
            id="misspelt",
        ),
        pytest.param(
            put("/unknown/cookies", "deny"),
            "/unknown/cookies",
            "is not known",
            'did you mean "cookie"?',
            id="misspelt, deep",
        ),
        pytest.param(
            put("/unknown/xyz", 1), "/unknown/xyz", "is not known", "known here: host, cookie", id="unknown key"
        ),
        pytest.param(put("/a~1b~0c", 1), "/a~1b~0c", "is not known", "known here:", id="a key that needs escapes"),
        pytest.param(put("/consentry", 2), "/consentry", "2 is not 1", "This is the first", id="format of the future"),
        pytest.param(put("/consentry", True), "/consentry", "true is not 1", "write for example 1", id="true is no 1"),
        pytest.param(
            put("/id", "Shop"), "/id", '"Shop" does not have the form', 'example "stellaservice"', id="capital id"
        ),
        pytest.param(
            put("/id", "shop\n"), "/id", "does not have the form", "stellaservice", id="line feed behind the id"
        ),
        pytest.param(put("/id", 7), "/id", "7 is not of type string", "stellaservice", id="id of a wrong type"),
        pytest.param(put("/id", "x" * 65), "/id", "longer than 64 characters", "stellaservice", id="long id"),
        pytest.param(put("/version", ""), "/version", "is too short", "2018", id="empty version"),
        pytest.param(
            put("/title", "Shop"), "/title", '"Shop" is not of type object', '{"en"', id="title without language"
        ),
        pytest.param(put("/title", {}), "/title", "{} is too short", '{"en"', id="title in no language"),
        pytest.param(
            put("/title", {"EN": "x"}),
            "/title",
            '"EN" does not have the form',
            "a language tag such as",
            id="capital language",
        ),
        pytest.param(put("/languages", []), "/languages", "[] is too short", '["en"]', id="no languages"),
        pytest.param(
            put("/languages", ["en", "en"]), "/languages", "lists something twice", '["en"]', id="a language twice"
        ),
        pytest.param(put("/categories", {}), "/categories", "{} is too short", '"necessary"', id="no categories"),
        pytest.param(
            put("/categories/accept", {"basis": "consent", "title": {"en": "A"}}),
            "/categories",
            '"accept" is a word with a meaning of its own',
            "none, accept and refuse",
            id="a category called accept",
        ),
        pytest.param(
            put("/categories/My Stats", {"basis": "consent", "title": {"en": "A"}}),
            "/categories",
            '"My Stats" does not have the form',
            "lower-case letters, digits and single hyphens",
            id="a category with a space",
        ),
        pytest.param(
            put("/categories/analytics/basis", "habit"),
            "/categories/analytics/basis",
            '"habit" is none of "necessary", "consent"',
            "exempt: allowed until the visitor objects",
            id="basis",
        ),
        pytest.param(
            drop("/categories/analytics/basis"),
            "/categories/analytics",
            '"basis" is missing',
            'write for example "basis": "consent"',
            id="a category without basis",
        ),
        pytest.param(
            put("/categories/analytics/default", True),
            "/categories/analytics/default",
            'true is none of "deny", "allow"',
            'write for example "deny"',
            id="a default of true",
        ),
        pytest.param(
            put("/categories/analytics/never", "yes"),
            "/categories/analytics/never",
            "not of type boolean",
            "",
            id="never: yes",
        ),
        pytest.param(put("/vendors", {}), "/vendors", "{} is not of type array", "acme-stats", id="vendors as object"),
        pytest.param(
            put("/vendors/0", {"id": "v", "category": "analytics"}),
            "/vendors/0",
            '"name" is missing',
            'write for example "name": "Acme Stats"',
            id="a vendor without name",
        ),
        pytest.param(
            put("/vendors/0/hosts", ["https://pay.test/"]),
            "/vendors/0/hosts/0",
            '"https://pay.test/" does not have the form',
            "No scheme, port, path or wildcard",
            id="a URL for a host",
        ),
        pytest.param(
            put("/vendors/0/hosts", ["*.pay.test"]),
            "/vendors/0/hosts/0",
            "does not have the form",
            "wildcard",
            id="a wildcard",
        ),
        pytest.param(
            put("/vendors/0/hosts", ["pay.test\r\nX: y"]),
            "/vendors/0/hosts/0",
            "does not have the form",
            "example.test",
            id="a header in a host",
        ),
        pytest.param(
            put("/vendors/0/hosts", ["pay.test\n"]),
            "/vendors/0/hosts/0",
            "does not have the form",
            "",
            id="a line feed behind",
        ),
        pytest.param(
            put("/vendors/0/country", "Ireland"),
            "/vendors/0/country",
            "does not have the form",
            '"IE"',
            id="a country's name",
        ),
        pytest.param(
            put("/vendors/0/techniques", ["fingerprint"]),
            "/vendors/0/techniques/0",
            '"fingerprint" is none of "beacon"',
            '"pixel"',
            id="an unknown technique",
        ),
        pytest.param(
            put("/vendors/0/signatures", [{"query": ["a"]}]),
            "/vendors/0/signatures/0",
            '"host" is missing',
            '"path"',
            id="a query alone",
        ),
        pytest.param(
            put("/vendors/0/signatures", [{"path": "collect"}]),
            "/vendors/0/signatures/0/path",
            '"collect" does not have the form',
            "/tr*",
            id="a path without slash",
        ),
        pytest.param(
            put("/vendors/0/signatures", [{"path": "/a\r\nb"}]),
            "/vendors/0/signatures/0/path",
            "does not have the form",
            "/tr*",
            id="a line feed in a path",
        ),
        pytest.param(
            put("/vendors/0/signatures", [{"path": "/a?b=1"}]),
            "/vendors/0/signatures/0/path",
            "does not have the form",
            "/tr*",
            id="a query in a path would never fit",
        ),
        pytest.param(
            put("/cookies/0", {"name": "a", "category": "necessary", "lifetime": "one year"}),
            "/cookies/0/lifetime",
            '"one year" does not have the form',
            'write for example "session"',
            id="a lifetime in words",
        ),
        pytest.param(
            put("/cookies/0/lifetime", "13 months\n"),
            "/cookies/0/lifetime",
            "does not have the form",
            "",
            id="line feed behind",
        ),
        pytest.param(
            put("/cookies/0", {"name": "a"}),
            "/cookies/0",
            '"category" is missing',
            '"category": "necessary"',
            id="no category",
        ),
        pytest.param(
            put("/cookies/0/name", "a\r\nb"),
            "/cookies/0/name",
            "does not have the form",
            '"_ga"',
            id="a line feed in a name",
        ),
        pytest.param(
            put("/cookies/0/name", "a;b"), "/cookies/0/name", "does not have the form", '"_ga"', id="a semicolon"
        ),
        pytest.param(
            put("/cookies/0/name", "a=b"), "/cookies/0/name", "does not have the form", '"_ga"', id="an equals sign"
        ),
        pytest.param(put("/cookies/0/name", "a b"), "/cookies/0/name", "does not have the form", '"_ga"', id="a space"),
        pytest.param(put("/cookies/0/name", ""), "/cookies/0/name", "does not have the form", '"_ga"', id="no name"),
        pytest.param(
            put("/cookies/0/party", "second"),
            "/cookies/0/party",
            'none of "first", "third"',
            '"first"',
            id="second party",
        ),
        pytest.param(
            put("/unknown/host", "block"),
            "/unknown/host",
            '"block" is none of "deny", "report", "allow"',
            "",
            id="unknown: block",
        ),
        pytest.param(
            put("/presume", ["everything"]), "/presume/0", 'none of "http-only-session"', "", id="presume everything"
        ),
        pytest.param(
            put("/signals/gpp", {"denies": "all"}),
            "/signals/gpp",
            "is not known",
            'did you mean "gpc"?',
            id="a misspelt signal",
        ),
        pytest.param(
            put("/signals/gpc", {"denies": "everything"}),
            "/signals/gpc/denies",
            '"everything" is not "all"',
            'write for example ["advertising", "social"]',
            id="denies everything",
        ),
        pytest.param(
            drop("/signals/gpc/denies"), "/signals/gpc", '"denies" is missing', "", id="a signal that denies nothing"
        ),
        pytest.param(
            put("/catalogue", {"adopt": "*"}),
            "/catalogue/adopt",
            '"*" is not of type array',
            '["*"]',
            id="adopt as text",
        ),
        pytest.param(
            put("/promises", [{"id": "SS8", "title": "Refuse", "shows": ["enforced"]}]),
            "/promises/0/id",
            '"SS8" does not have the form',
            '"SS-8"',
            id="a promise's id",
        ),
        pytest.param(
            put("/promises", [{"id": "SS-8", "title": "Refuse", "shows": []}]),
            "/promises/0/shows",
            "too short",
            "",
            id="shows",
        ),
    ],
)
def test_a_broken_policy(change: Change, pointer: str, what: str, remedy: str) -> None:
    document = shop()
    change(document)
    faults = faults_of_form(document)
    assert [fault.pointer for fault in faults] == [pointer]
    assert what in faults[0].what
    assert remedy in faults[0].remedy
    assert faults[0].remedy


def test_every_missing_key_is_named_once() -> None:
    assert [fault.what for fault in faults_of_form({})] == [
        f'"{key}" is missing' for key in ("consentry", "id", "version", "title", "categories")
    ]
    assert [fault.what for fault in faults_of_form(shop(vendors=[{}]))] == [
        f'"{key}" is missing' for key in ("id", "category", "name")
    ]


def test_faults_come_in_the_order_of_the_document() -> None:
    cookies = [{"name": "a", "category": "X"} for _ in range(12)]
    document = {**shop(version=3), "cookies": cookies}
    expected = ["/version", *(f"/cookies/{n}/category" for n in range(12))]
    assert [fault.pointer for fault in faults_of_form(document)] == expected


def test_a_long_value_is_cut_in_the_message() -> None:
    (fault,) = faults_of_form(shop(version=["x"] * 10_000))
    assert len(fault.what) < 150


def described(schema: dict[str, Any], where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in schema.get("properties", {}).items():
        yield f"{where}/{name}", field
        yield from described(field, f"{where}/{name}")
    for name, definition in schema.get("$defs", {}).items():
        yield f"#{name}", definition
        yield from described(definition, f"#{name}")


SCHEMAS: dict[str, Any] = {name: schema_of(name) for name in ("policy", "catalogue")}
FIELDS = [(f"{name} {where}", field) for name, schema in SCHEMAS.items() for where, field in described(schema)]


@pytest.mark.parametrize("field", [pytest.param(field, id=where) for where, field in FIELDS])
def test_every_field_is_described_with_an_example_that_fits(field: dict[str, Any]) -> None:
    root = next(schema for schema in SCHEMAS.values() if any(field is other for _, other in described(schema)))
    if set(field) == {"$ref"}:
        field = root["$defs"][field["$ref"].rpartition("/")[2]]
    assert len(field["description"]) > 5
    assert field["examples"]
    checker = validator("policy" if root is SCHEMAS["policy"] else "catalogue").evolve(
        schema={**field, "$defs": root["$defs"]}
    )
    for example in field["examples"]:
        assert checker.is_valid(example), example


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_one(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_pattern_is_anchored_at_both_ends(name: str) -> None:
    for pattern in re.findall(r"'pattern': ('[^']*'|\"[^\"]*\")", str(SCHEMAS[name])):
        assert pattern[1] == "^"
        assert pattern[-2] == "$"
