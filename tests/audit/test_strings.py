"""The industry's consent strings, read as their specifications write them."""

import pytest

from cmp.audit.strings.consent_mode import read_gcd, read_gcs
from cmp.audit.strings.gpp import read_gpp_string, read_us_privacy
from cmp.audit.strings.tcf import read_tc_string

# The two examples of the specifications, and one with vendors as ranges.
PLAIN = (
    "COvFyGBOvFyGBAbAAAENAPCAAOAAAAAAAAAAAEEUACCKAAA.IFoEUQQgAIQwgIwQABAEAAAAOIAACAIAAAAQAIAgEAACEAAAAAgAQBAAAAAAAGBAAgAAA"
    "AAAAFAAECAAAgAAQARAEQAAAAAJAAIAAgAAAYQEAAAQmAgBC3ZAYzUw"
)
NOTHING = "CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYgACPAAAAA.IDKQA4AAgAKAGQAygAAA.YAAAAAAAAAAA"


def bits(*fields: tuple[int, int]) -> str:
    """Fields (value, width) as base64url, filled up with zeros."""
    text = "".join(f"{value:0{width}b}" for value, width in fields)
    text += "0" * (-len(text) % 6)
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return "".join(alphabet[int(text[n : n + 6], 2)] for n in range(0, len(text), 6))


def tc_string(purposes: int, *, vendors: tuple[tuple[int, int], ...] = ((0, 16), (0, 1))) -> str:
    head = ((2, 6), (15_822_430_593, 36), (15_822_430_593, 36), (27, 12), (0, 12), (0, 6), (4, 6), (13, 6), (15, 12))
    return bits(*head, (4, 6), (1, 1), (0, 1), (0, 12), (purposes, 24), (0, 24), (0, 1), (0, 12), *vendors)


def test_the_example_of_the_specification() -> None:
    read = read_tc_string(PLAIN)
    assert read is not None
    assert (read.created, read.platform, read.language) == (1_582_243_059.3, 27, "EN")
    assert read.purposes == {1, 2, 3}
    assert read.vendors == {2, 6, 8}


def test_a_string_without_consent() -> None:
    read = read_tc_string(NOTHING)
    assert read is not None
    assert read.purposes == frozenset()


def test_vendors_as_ranges() -> None:
    vendors = ((700, 16), (1, 1), (2, 12), (0, 1), (9, 16), (1, 1), (20, 16), (23, 16))
    read = read_tc_string(tc_string(0b1011 << 20, vendors=vendors))
    assert read is not None
    assert read.vendors == {9, 20, 21, 22, 23}
    assert read.purposes == {1, 3, 4}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("${GDPR_CONSENT_755}", id="a macro nobody filled in"),
        pytest.param(PLAIN[:30], id="cut off"),
        pytest.param("B" + PLAIN[1:], id="version 1"),
        pytest.param("C" * 60, id="nonsense"),
        pytest.param(tc_string(0, vendors=((1, 16), (1, 1), (9, 12))), id="ranges that are not there"),
        pytest.param(
            tc_string(0, vendors=((1, 16), (1, 1), (4095, 12), *[(1, 1), (0, 16), (65535, 16)] * 9)), id="a bomb"
        ),
    ],
)
def test_what_is_no_tc_string(text: str) -> None:
    assert read_tc_string(text) is None


@pytest.mark.parametrize(
    "text, sections, said, gpc",
    [
        pytest.param("DBABMA~" + PLAIN.partition(".")[0], [2], {}, None, id="Europe"),
        pytest.param(
            "DBACNYA~" + PLAIN.partition(".")[0] + "~1YNN", [2, 6], {6: {"sale": False}}, None, id="and the US"
        ),
        pytest.param(
            "DBABLA~BVQqAAAAAgA.QA",
            [7],
            {7: {"sale": False, "sharing": False, "targeted-advertising": False}},
            False,
            id="US national",
        ),
        pytest.param(
            "DBABLA~" + bits((1, 6), (0, 12), (1, 2), (2, 2), (0, 2), (0, 40)) + "." + bits((1, 2), (1, 1)),
            [7],
            {7: {"sale": True, "sharing": False}},
            True,
            id="opted out of sale, with GPC",
        ),
    ],
)
def test_a_gpp_string(text: str, sections: list[int], said: dict[int, dict[str, bool]], gpc: bool | None) -> None:
    read = read_gpp_string(text)
    assert read is not None
    assert sorted(read.sections) == sections
    assert {number: dict(told.said) for number, told in read.opt_outs.items()} == said
    assert [told.gpc for number, told in read.opt_outs.items() if number == 7] == ([gpc] if 7 in sections else [])


@pytest.mark.parametrize("text", ["", "DBABMA", "XBABMA~1YNN", "DBABLA~B", "${GPP_STRING_1}", "DBACNYA~1YNN"])
def test_what_is_no_gpp_string(text: str) -> None:
    assert read_gpp_string(text) is None


@pytest.mark.parametrize(
    "text, said",
    [
        ("1YNN", {"sale": False}),
        ("1YYN", {"sale": True}),
        ("1---", {}),
        ("2YNN", None),
        ("1YN", None),
        ("${US_PRIVACY}", None),
    ],
)
def test_us_privacy(text: str, said: dict[str, bool] | None) -> None:
    read = read_us_privacy(text)
    assert (None if read is None else dict(read.said)) == said


@pytest.mark.parametrize(
    "text, granted",
    [
        ("G111", {"ad_storage": True, "analytics_storage": True}),
        ("G101", {"ad_storage": False, "analytics_storage": True}),
        ("G1--", {}),
        ("", {}),
    ],
)
def test_gcs(text: str, granted: dict[str, bool]) -> None:
    assert read_gcs(text) == granted


def test_gcd_claims_nothing_of_signals_that_were_never_set() -> None:
    assert read_gcd("13l3l3l3l1") == {}
    assert read_gcd("11t1p1u1l5") == {"ad_storage": True, "analytics_storage": False, "ad_user_data": False}
