"""Members that identify are known by their names, in the ways names are written."""

import pytest

from cmp.core.globs import Glob
from cmp.core.identifiers import IDENTIFIERS, identifies, mobile_identifier


@pytest.mark.parametrize(
    "name",
    [
        *("uid", "user_id", "userId", "USER-ID", "p_user_id", "cid", "client_id", "ga_client_id", "_ga", "_ga_ABC123"),
        *("gclid", "fbclid", "msclkid", "ttclid", "twclid", "dclid", "yclid", "mc_eid", "_hsenc", "email", "mail"),
        *("phone", "ip", "uip", "device_id", "idfa", "gaid", "adid", "aaid", "sessionid", "PHPSESSID", "sid"),
        *("fbp", "WT.vtid", "ud[em]", "user[email]", "user.id", "device[hash]", "ep.user_id", "data[visitor][id]"),
    ],
)
def test_a_name_that_identifies(name: str) -> None:
    assert identifies(name)


@pytest.mark.parametrize(
    "name",
    [
        *("id", "q", "page", "v", "tid", "en", "dl", "title", "lang", "width", "country", "campaign", "utm_source"),
        *(
            "gl",
            "ga",
            "name",
            "item[id]",
            "product.name",
            "valid",
            "zip",
            "ship",
            "email_template_color",
            "",
            "[]",
            "_",
        ),
        *("account_id", "member_id", "paid", "grid", "clip"),
    ],
)
def test_a_name_that_does_not(name: str) -> None:
    assert not identifies(name)


def test_a_policy_adds_names_of_its_own() -> None:
    extra = (Glob("respondent*"), Glob("rID"))
    assert [identifies(name, extra) for name in ("respondentCode", "RESPONDENT", "rID", "rid", "resp")] == [
        *(True, True, True, False, False)
    ]


def test_every_pattern_is_one_that_can_match() -> None:
    # Names are compared in lower case, and one without "_" with the name's "_" left out.
    texts = [text for group in IDENTIFIERS.values() for text in group]
    assert [text for text in texts if text != text.lower() or "-" in text] == []
    assert len(texts) == len(set(texts))
    assert all(identifies(text.replace("*", "x")) for text in texts)


UUID = "1209d0b9-b959-42e6-b921-aa5d9d08c1af"


@pytest.mark.parametrize(
    "name, value, expected",
    [
        pytest.param("idfa", UUID, True, id="of an iPhone"),
        pytest.param("gps_adid", UUID.upper(), True, id="of an Android phone, in capitals"),
        pytest.param("device[ifa]", UUID, True, id="in brackets"),
        pytest.param("android_id", "9774d56d682e549c", True, id="Android id"),
        pytest.param("dpidmd5", "d41d8cd98f00b204e9800998ecf8427e", True, id="MD5"),
        pytest.param("advertiser_id", UUID, True, id="as Facebook's library calls it"),
        pytest.param("idfa", "00000000-0000-0000-0000-000000000000", False, id="switched off"),
        pytest.param("idfa", "${IDFA}", False, id="placeholder"),
        pytest.param("idfa", "", False, id="empty"),
        pytest.param("adid", "1234567", False, id="of an advertisement"),
        pytest.param("session", UUID, False, id="another name"),
        pytest.param("idfa", "a" * 100_000, False, id="far too long"),
    ],
)
def test_a_mobile_identifier_has_its_name_and_its_form(name: str, value: str, expected: bool) -> None:
    assert mobile_identifier(name, value) is expected
