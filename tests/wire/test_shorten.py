"""Scripts and style sheets in fewer bytes: the names of what a script makes for itself change, nothing else."""

import re

import pytest

from cmp import resources
from cmp.wire.shorten import shorter_script, shorter_style

SCRIPTS = ("guard.js", "banner.js")


@pytest.mark.parametrize(
    "text, expected",
    [
        pytest.param("const one = 1;\n// why\nuse(one);", "const a=1;use(a)", id="names and comments"),
        pytest.param("const one = two.one;", "const a=two.one;", id="not properties"),
        pytest.param("use({ one: 1, two });", "use({one:1,two});", id="nor keys"),
        pytest.param("const one = 1; use({ one, two: one });", "const a=1;use({one:a,two:a});", id="keys left out"),
        pytest.param("const { one, two: three } = use;", "const{one:a,two:b}=use;", id="what is taken apart"),
        pytest.param("use((one) => one, (two) => two);", "use((a)=>a,(a)=>a);", id="each on its own"),
        pytest.param("const one = 1; use((two) => one + two);", "const a=1;use((b)=>a+b);", id="one within another"),
        pytest.param("use((name) => name); name();", "use((a)=>a);name();", id="a global of the same name"),
        pytest.param(
            "try { a(); } catch (error) { b(error); }", "try{a()}catch(c){b(c)}", id="free names are not taken"
        ),
        pytest.param('const one = "a  // b", two = `x ${one} y`;', 'const a="a  // b",b=`x ${a} y`;', id="texts"),
        pytest.param("use(/a \\/ [/ ]b/g, 4 / 2);", "use(/a \\/ [/ ]b/g,4/2);", id="patterns"),
        pytest.param("let one = 1, two;\ntwo = one\nuse(two)", "let b=1,a;a=b\nuse(a)", id="where a line end counts"),
        pytest.param("for (const one of two) use(one);", "for(const a of two)use(a);", id="a loop"),
        pytest.param("const one = async (two) => { await two; };", "const b=async(a)=>{await a};", id="words"),
        pytest.param("use(1 + +one, 2 - -one);", "use(1+ +one,2- -one);", id="signs that would run together"),
    ],
)
def test_what_is_shortened(text: str, expected: str) -> None:
    done = shorter_script(text)
    assert re.sub(r";?$", "", done) == re.sub(r";?$", "", expected)


@pytest.mark.parametrize(
    "text", ["const a = `${b + 1}`;", "const a = `${ {b: 1} }`;", "use(a));"], ids=["sum", "braces", "brackets"]
)
def test_what_is_not_written_as_we_write_is_refused(text: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        shorter_script(text)


LITERAL = r'"(?:[^"\\\n]|\\.)*"|(?<=[(,=:!&] )/(?:[^/\\\n]|\\.)+/|(?<=\()/(?:[^/\\\n]|\\.)+/'


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_text_and_no_pattern_of_ours_changes(name: str) -> None:
    text = (resources.static() / name).read_text("utf-8")
    literals = re.findall(LITERAL, "\n".join(line for line in text.split("\n") if not line.strip().startswith("//")))
    assert len(literals) > 20
    done = shorter_script(text)
    kept = [literal for literal in literals if "$" not in literal and literal != "/* TABLE */"]
    assert [literal for literal in kept if literal not in done] == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_property_of_ours_changes(name: str) -> None:
    text = (resources.static() / name).read_text("utf-8")
    code = re.sub(r"^\s*//.*$|/\*.*?\*/", "", text, flags=re.MULTILINE)
    asked = re.findall(r"(?<!\.)\.([a-z]\w+)\b", code)
    assert sorted(asked) == sorted(re.findall(r"(?<!\.)\.([a-z]\w+)\b", shorter_script(text)))


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_same_script_gives_the_same_bytes(name: str) -> None:
    text = (resources.static() / name).read_text("utf-8")
    assert shorter_script(text) == shorter_script(text)


def test_a_style_sheet_keeps_every_rule_and_value() -> None:
    text = (resources.static() / "banner.css").read_text("utf-8")
    done = shorter_style(text)
    assert done.count("{") == text.count("{")
    values = re.findall(r"(?<=: )[^;{}]+(?=;)", re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL))
    assert len(values) > 100
    assert [value for value in values if value.replace(", ", ",") not in done] == []
    assert shorter_style("a :hover { color: red; }\n.b > .c { d: 1px  2px }") == "a :hover{color:red}.b > .c{d:1px 2px}"
