"""What keeps a promise, and what it needs to count as kept."""

from typing import Any

import pytest

from cmp.policy.promises import ENFORCED, SERVED, State, answered
from cmp.policy.references import known_rules
from cmp.policy.schema import schema_of

CODES = frozenset({"decl.region"})


def promise(**more: Any) -> dict[str, Any]:
    return {"id": "SP-1", "title": "All is well", "shows": ["enforced"], **more}


def judged(one: dict[str, Any], why: str = "") -> tuple[State, tuple[str, ...]]:
    (found,) = answered({"promises": [one]}, CODES, lambda _: why)
    return found.state, found.missing


RULE = {"keptBy": ["category:analytics"], "test": "test_it.py::test_it"}


@pytest.mark.parametrize(
    "more, state",
    [
        pytest.param(RULE, State.KEPT, id="a rule and a test"),
        pytest.param(
            {**RULE, "keptBy": {"reverse": [], "regular": ["unknown.host"]}}, State.KEPT, id="one mode cannot"
        ),
        pytest.param({**RULE, "shows": ["served"], "keptBy": ["rights.contact"]}, State.KEPT, id="served"),
        pytest.param({**RULE, "shows": ["served"], "keptBy": ["optOut:surveys"]}, State.KEPT, id="served by a list"),
        pytest.param({**RULE, "shows": ["audited"], "keptBy": ["detector:decl.region"]}, State.KEPT, id="audited"),
        pytest.param({"shows": ["declared"], "reason": "Off the wire"}, State.ORGANISATIONAL, id="declared"),
        pytest.param(
            {**RULE, "shows": ["enforced", "declared"], "reason": "Staff are trained"},
            State.KEPT,
            id="in part declared",
        ),
    ],
)
def test_a_promise_that_is_kept_or_organisational(more: dict[str, Any], state: State) -> None:
    assert judged(promise(**more)) == (state, ())


@pytest.mark.parametrize(
    "more, missing",
    [
        pytest.param({}, ["no rule enforces it", "no test is named"], id="nothing at all"),
        pytest.param({**RULE, "keptBy": ["rights.contact"]}, ["no rule enforces it"], id="a part that decides nothing"),
        pytest.param(
            {**RULE, "keptBy": {"reverse": [], "regular": []}}, ["no rule enforces it"], id="no mode can keep it"
        ),
        pytest.param(
            {**RULE, "shows": ["served"], "keptBy": ["unknown.host"]}, ["nothing that is served"], id="not served"
        ),
        pytest.param({**RULE, "shows": ["audited"]}, ["no detector is named"], id="no detector"),
        pytest.param(
            {**RULE, "shows": ["audited"], "keptBy": ["detector:decl.moon"]},
            ['there is no detector "decl.moon"'],
            id="an unknown detector",
        ),
        pytest.param(
            {**RULE, "keptBy": ["category:a", "detector:decl.moon"]},
            ['there is no detector "decl.moon"'],
            id="an unknown detector beside a rule",
        ),
        pytest.param({"keptBy": ["category:a"]}, ["no test is named"], id="no test"),
        pytest.param({"shows": ["declared"]}, ["without a reason"], id="declared without a reason"),
        pytest.param({**RULE, "shows": ["enforced", "declared"]}, ["without a reason"], id="in part, without a reason"),
    ],
)
def test_a_promise_that_nothing_keeps_says_what_it_needs(more: dict[str, Any], missing: list[str]) -> None:
    state, found = judged(promise(**more))
    assert state is State.UNKEPT
    assert len(found) == len(missing)
    for said, expected in zip(found, missing, strict=True):
        assert expected in said


def test_a_test_that_is_not_there_keeps_nothing() -> None:
    assert judged(promise(**RULE), "there is no test file test_it.py") == (
        State.UNKEPT,
        ("there is no test file test_it.py",),
    )


def test_where_there_are_no_tests_a_name_suffices() -> None:
    (found,) = answered({"promises": [promise(**RULE)]}, CODES, None)
    assert found.state is State.KEPT


def test_what_keeps_it_is_told_for_each_mode() -> None:
    one, other = answered(
        {"promises": [promise(**RULE), promise(keptBy={"reverse": [], "regular": ["unknown.host"]})]}, CODES
    )
    assert one.by == {"reverse": ("category:analytics",), "regular": ("category:analytics",)}
    assert other.by == {"reverse": (), "regular": ("unknown.host",)}


def test_the_title_is_in_the_policy_s_first_language() -> None:
    title = {"en": "All is well", "de": "Alles ist gut"}
    (found,) = answered({"languages": ["de", "en"], "promises": [promise(title=title, reason=title)]}, CODES)
    assert (found.title, found.reason) == ("Alles ist gut", "Alles ist gut")


def names_of_the_schema() -> list[str]:
    """Every name `keptBy` may hold, with an id where there is one to be filled in."""
    schema = schema_of()
    pattern = schema["$defs"]["promise"]["properties"]["keptBy"]["oneOf"][0]["items"]["pattern"]
    found: list[str] = []
    for part in _alternatives(pattern[2:-2]):
        head, bracket, inner = part.partition("(")
        found += [head + name for name in inner.removesuffix(")").split("|")] if bracket else [part]
    return [name.replace("\\", "").replace(".+", "x") for name in found]


def _alternatives(text: str) -> list[str]:
    depth, parts = 0, [""]
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


@pytest.mark.parametrize("name", names_of_the_schema())
def test_every_name_that_may_keep_a_promise_is_enforced_served_or_a_detector(name: str) -> None:
    kept = {
        state
        for shows in ("enforced", "served", "audited")
        for state in [judged(promise(shows=[shows], keptBy=[name], test="t.py::test_t"))[0]]
    }
    assert State.KEPT in kept or name == "detector:x"


def test_no_table_names_what_no_promise_can() -> None:
    names = names_of_the_schema()
    for part in (*ENFORCED, *SERVED):
        assert any(name == part or (part[-1] in ":." and name.startswith(part)) for name in names), part
    assert known_rules({"categories": {}}) <= set(names)
