"""Scripts as they are sent: their variables have short names, and nothing else has changed."""

import pytest

from cmp.wire.shorten import with_short_names


@pytest.mark.parametrize(
    "script, expected",
    [
        pytest.param("let first=1;use(first)", "let t=1;use(t)", id="a variable"),
        pytest.param("let word=a.word;b?.word", "let t=a.word;b?.word", id="not a property"),
        pytest.param("let word=1;use({word:2,other:word})", "let t=1;use({word:2,other:t})", id="not a key"),
        pytest.param("let word=1;use({word})", "let t=1;use({word:t})", id="a key that is a variable as well"),
        pytest.param("let{word}=a;use(word)", "let{word:t}=a;use(t)", id="taken out of an object"),
        pytest.param('let word="word";use(word)', 'let t="word";use(t)', id="not in a string"),
        pytest.param('let word=/a"word/;use(word)', 'let t=/a"word/;use(t)', id="not in a pattern"),
        pytest.param("let word=1;use(`${word}`)", "let word=1;use(`${word}`)", id="not what stands in a template"),
        pytest.param("let word=[1];use(...word)", "let t=[1];use(...t)", id="spread out"),
        pytest.param("let f=(word)=>t(word)", "let f=(e)=>t(e)", id="no name twice"),
        pytest.param("let a=1;let b=2;use(a,b)", "let a=1,b=2;use(a,b)", id="declarations one after the other"),
        pytest.param("let f=()=>{let a=1};let b=2", "let f=()=>{let a=1},b=2", id="with a function between"),
        pytest.param("use(1);let b=2", "use(1);let b=2", id="not behind another statement"),
        pytest.param("for(let n=0;n<2;n++)b(n);let c=2", "for(let n=0;n<2;n++)b(n);let c=2", id="nor behind a loop"),
    ],
)
def test_variables_get_short_names(script: str, expected: str) -> None:
    assert with_short_names(script) == expected
