"""Privacy signals are read exactly as their specifications say."""

import pytest

from cmp.core.signals import Signals, read_dnt, read_gpc


@pytest.mark.parametrize(
    "lines, expected",
    [
        pytest.param([], False, id="no field"),
        pytest.param(["1"], True, id="1"),
        pytest.param([" 1 "], True, id="white space around it is not part of the value"),
        pytest.param(["\t1\t"], True, id="tabs too"),
        pytest.param(["1, 1"], True, id="two fields joined on the way"),
        pytest.param(["0, 1"], True, id="one of the joined ones is 1"),
        pytest.param(["1", "1"], True, id="sent twice"),
        pytest.param(["0", "1"], True, id="one of several is 1"),
        pytest.param(["", "1"], True, id="an empty one besides"),
        pytest.param([""], False, id="empty"),
        pytest.param(["0"], False, id="0"),
        pytest.param(["1;x"], False, id="there is no extension mechanism"),
        pytest.param(["1 1"], False, id="not joined by a comma"),
        pytest.param(["11"], False, id="11"),
        pytest.param(["01"], False, id="01"),
        pytest.param(["1.0"], False, id="1.0"),
        pytest.param(["true"], False, id="true"),
        pytest.param(["?1"], False, id="a structured boolean"),
        pytest.param(['"1"'], False, id="quoted"),
        pytest.param(["\u0661"], False, id="a digit of another script"),
        pytest.param(["\u00a01"], False, id="other white space is part of the value"),
    ],
)
def test_only_a_sec_gpc_of_exactly_1_opts_out(lines: list[str], expected: bool) -> None:
    assert read_gpc(lines) is expected


@pytest.mark.parametrize(
    "lines, expected",
    [
        pytest.param([], None, id="no field"),
        pytest.param([""], None, id="empty"),
        pytest.param(["1"], True, id="1"),
        pytest.param(["0"], False, id="0"),
        pytest.param([" 1 "], True, id="white space around it"),
        pytest.param(["1xyz"], True, id="1 with an extension"),
        pytest.param(["0!"], False, id="0 with an extension"),
        pytest.param(["10"], True, id="a digit can be an extension"),
        pytest.param(["2"], None, id="2"),
        pytest.param(["unspecified"], None, id="a word"),
        pytest.param(["true"], None, id="true"),
        pytest.param(["0", "1"], True, id="of several that differ the wish holds"),
        pytest.param(["0, 1"], True, id="of several joined on the way too"),
        pytest.param(["0,0"], False, id="twice 0 joined"),
        pytest.param(["x", "0"], False, id="an unusable one besides"),
    ],
)
def test_dnt_is_its_first_character(lines: list[str], expected: bool | None) -> None:
    assert read_dnt(lines) is expected


def test_only_signals_that_ask_for_less_have_a_token() -> None:
    assert Signals(gpc=True, dnt=True).tokens == ("gpc", "dnt")
    assert Signals(gpc=False, dnt=False).tokens == ()
    assert Signals().tokens == ()
