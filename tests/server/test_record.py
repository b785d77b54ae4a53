"""What a person can do with their own record: see, take away, prove, take back, erase; and receipts of refusals."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from jsonschema import Draft202012Validator

from cmp.ledger.leaves import Part
from cmp.ledger.reading import entries
from cmp.ledger.verify import verify
from tests.ledger.reference_tree import root_from_path
from tests.server.ed25519_reference import verify_ed25519
from tests.server.receipt_fields import KANTARA, TS_27560
from tests.server.site import NOW, OPTIONAL, ORIGIN, Answer, Running, running, shop_policy

BROWSER = {"Accept": "text/html,*/*"}
CONTROLLER = {"name": "Shop Ltd", "contact": "privacy@shop.test", "address": "1 High Street", "country": "IE"}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for all that only adds records."""
    with running(tmp_path_factory.mktemp("shop"), policy=shop_policy(controller=CONTROLLER)) as found:
        yield found


def accepted(server: Running, *granted: str, **fields: str) -> Answer:
    return server.post_json("choice", {"granted": list(granted or OPTIONAL)}, **fields)


def receipt(server: Running, chosen: Answer, form: str = "27560") -> Any:
    answer = server.get(f"receipt?form={form}", Cookie=chosen.consent)
    assert answer.status == 200, answer.text
    return answer.json


# ------------------------------------------------------------------------------------------------------ receipts


@pytest.mark.parametrize("granted", [("analytics",), OPTIONAL], ids=["one", "all"])
@pytest.mark.parametrize("form, fields", [("27560", TS_27560), ("kantara", KANTARA)])
def test_a_receipt_has_every_field_its_form_asks_for(
    shop: Running, granted: tuple[str, ...], form: str, fields: Mapping[str, Any]
) -> None:
    document = receipt(shop, accepted(shop, *granted), form)
    assert list(Draft202012Validator(fields).iter_errors(document)) == []


@pytest.mark.parametrize("field", ["pii_principal_id", "events", "pii_processing"])
def test_the_published_list_notices_a_field_that_is_missing(shop: Running, field: str) -> None:
    document = receipt(shop, accepted(shop))
    del document[field]
    assert not Draft202012Validator(TS_27560).is_valid(document)


def test_a_receipt_says_what_was_chosen_and_by_whom_it_is_used(shop: Running) -> None:
    chosen = accepted(shop, "analytics", Sec_GPC="1", Accept_Language="de")
    document = shop.get("receipt?lang=de", Cookie=chosen.consent).json
    states = {one["purpose_type"]: one["state"] for one in document["pii_processing"]}
    assert states == {"analytics": "given", "comfort": "refused", "advertising": "refused", "research": "refused"}
    (analytics,) = [one for one in document["pii_processing"] if one["purpose_type"] == "analytics"]
    assert analytics["purpose"] == "DE analytics"
    assert analytics["recipient_third_parties"] == ["vendor:stats"]
    assert {"pii_type": "cookie _st"} in analytics["pii_information"]
    assert document["signals"] == {"gpc": True, "dnt": None}
    by_state = {event["event_state"]: event for event in document["events"]}
    assert by_state["given"]["purposes"] == ["analytics"]
    assert by_state["given"]["event_time"] == "2026-10-07T12:34:56Z"
    assert re.fullmatch(r"PT\d+S", by_state["given"]["validity_duration"])
    assert by_state["refused"]["purposes"] == ["advertising", "comfort", "research"]
    parties = {party["party_id"]: party for party in document["party_identification"]}
    assert parties["controller"]["party_name"] == "Shop Ltd"
    assert parties["controller"]["party_contact"] == "privacy@shop.test"
    assert parties["vendor:stats"]["party_type"] == "third-party"


def test_a_kantara_receipt_is_of_what_was_granted_alone(shop: Running) -> None:
    document = receipt(shop, accepted(shop, "analytics", "comfort"), "kantara")
    (service,) = document["services"]
    assert [purpose["purposeCategory"] for purpose in service["purposes"]] == [["analytics"], ["comfort"]]
    assert document["consentTimestamp"] == int(NOW)
    assert document["piiControllers"][0]["email"] == "privacy@shop.test"


def test_a_receipt_tells_everything_that_happened_to_a_consent(shop: Running) -> None:
    first = accepted(shop, "analytics")
    second = accepted(shop, "analytics", "comfort", Cookie=first.consent)
    document = receipt(shop, second)
    assert [event["purposes"] for event in document["events"] if event["event_state"] == "given"] == [
        ["analytics"],
        ["analytics", "comfort"],
    ]
    assert len(document["proofs"]) == 2


def test_a_choice_under_a_policy_that_is_gone_is_not_described_in_anothers_words(tmp_path: Path) -> None:
    with running(tmp_path) as before:
        chosen = accepted(before, "analytics")
    with running(tmp_path, keys=before.keys, policy=shop_policy(version="2")) as server:
        document = receipt(server, chosen)
    (analytics,) = [one for one in document["pii_processing"] if one["purpose_type"] == "analytics"]
    assert (analytics["purpose"], analytics["lawful_basis"]) == ("analytics", "not stated")
    assert document["shown"]["policy"] == before.policy.fingerprint
    assert list(Draft202012Validator(TS_27560).iter_errors(document)) == []


# ------------------------------------------------------------------------------------------------------ proofs


def proven(document: Any, proof: Any) -> bytes | None:
    """What a receipt's proof shows was recorded, by means that share no line with ours; None where it shows nothing."""
    leaf, inclusion = proof["leaf"].encode(), proof["inclusion"]
    head = inclusion["head"]
    steps = [bytes.fromhex(step) for step in inclusion["path"]]
    root = root_from_path(leaf, inclusion["index"], head["size"], steps)
    if root is None or root.hex() != head["root"]:
        return None
    said = {name: head[name] for name in ("hour", "ledger", "root", "size")}
    signed = b"consentry ledger head 2\n" + json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    if not verify_ed25519(bytes.fromhex(document["keys"][head["key"]]), signed, base64.b64decode(head["signature"])):
        return None
    sealed, key = base64.b64decode(proof["sealed"]), base64.b64decode(proof["key"])
    if hashlib.sha256(sealed).hexdigest() != json.loads(leaf)["payload"]:
        return None
    context = b"consentry ledger payload 1 " + bytes.fromhex(document["pii_principal_id"])
    return AESGCM(key).decrypt(sealed[:12], sealed[12:], context)


def test_the_proof_in_a_receipt_leads_from_what_was_chosen_to_the_signed_head(shop: Running) -> None:
    for number in range(3):
        accepted(shop, OPTIONAL[number])
    chosen = accepted(shop, "analytics")
    accepted(shop, "comfort")
    document = receipt(shop, chosen)
    (proof,) = document["proofs"]
    shown = proven(document, proof)
    assert shown is not None
    recorded = json.loads(shown)
    assert recorded["granted"] == ["analytics"]
    assert recorded["person"] == document["pii_principal_id"]
    assert document["keys"] == shop.get("keys.json").json["keys"]


@pytest.mark.parametrize("part", ["leaf", "path", "index", "size", "root", "signature", "sealed"])
def test_a_proof_of_which_anything_was_changed_shows_nothing(shop: Running, part: str) -> None:
    accepted(shop)
    document = receipt(shop, accepted(shop, "analytics"))
    (proof,) = document["proofs"]
    inclusion, head = proof["inclusion"], proof["inclusion"]["head"]
    if part == "leaf":
        proof["leaf"] = proof["leaf"].replace('"kind":"given"', '"kind":"changed"')
    elif part == "path":
        inclusion["path"][0] = "0" * 64
    elif part == "index":
        inclusion["index"] -= 1
    elif part == "size":
        head["size"] += 1
    elif part == "root":
        head["root"] = "0" * 64
    else:
        holder = head if part == "signature" else proof
        raw = bytearray(base64.b64decode(holder[part]))
        raw[20] ^= 1
        holder[part] = base64.b64encode(raw).decode()
    try:
        shown = proven(document, proof)
    except InvalidSignature:
        shown = None
    assert shown is None


# --------------------------------------------------------------------------------------------------- refusals


def test_a_refusal_has_no_receipt_until_somebody_asks(server: Running) -> None:
    refused = server.post_json("choice", {"choice": "refuse"})
    assert server.get("receipt", Cookie=refused.consent).code == "no-record"
    assert list(entries(server.ledger, Part.PERSONAL)) == []
    asked = server.post_json("receipt", {}, Cookie=refused.consent)
    assert asked.set_cookies == []
    assert list(Draft202012Validator(TS_27560).iter_errors(asked.json)) == []
    assert {event["event_state"] for event in asked.json["events"]} == {"refused"}
    number = asked.json["record_id"]
    again = server.post_json("receipt", {"record": number})
    assert again.json["receipt_id"] == asked.json["receipt_id"]
    assert server.post_json("receipt", {"record": number, "form": "kantara"}).code == "no-consent"
    assert [entry.kind for entry in entries(server.ledger, Part.PERSONAL)] == ["refused"]


def test_who_chose_nothing_has_nothing_to_get_a_receipt_of(shop: Running) -> None:
    answer = shop.post_json("receipt", {})
    assert (answer.status, answer.code) == (409, "no-choice")


def test_the_receipt_of_a_refusal_can_be_erased_by_its_number_and_the_refusal_stays(server: Running) -> None:
    refused = server.post_json("choice", {"choice": "refuse"})
    number = server.post_json("receipt", {}, Cookie=refused.consent).json["record_id"]
    assert server.post_json("erase", {"record": number}).json == {"ok": True, "erased": True}
    assert server.post_json("erase", {"record": number}).json == {"ok": True, "erased": False}
    assert server.post_json("receipt", {"record": number}).code == "no-record"
    assert server.get("state", Cookie=refused.consent).json["decided"] is True


@pytest.mark.parametrize("number", ["0" * 32, "x", "0" * 31, "' OR 1=1 --", "\u00fc" * 32])
def test_a_number_nobody_has_leads_to_nothing(shop: Running, number: str) -> None:
    for name in ("record", "receipt", "export"):
        assert shop.post_json(name, {"record": number}).code == "no-record"
    assert shop.post_json("erase", {"record": number}).json["erased"] is False


# ------------------------------------------------------------------------------------------ seeing and taking away


def test_the_export_holds_everything_on_record(shop: Running) -> None:
    chosen = accepted(shop, "analytics")
    found = shop.get("export", Cookie=chosen.consent).json
    assert found["form"] == "consentry export 1"
    assert found["site"] == ORIGIN
    (record,) = found["records"]
    assert record["granted"] == ["analytics"]
    assert found["cookie"]["granted"] == ["analytics"]
    assert found["cookie"]["record"] == found["receipt"]["record_id"] == record["person"]


def test_the_export_of_who_refused_holds_the_cookie_alone(shop: Running) -> None:
    refused = shop.post_json("choice", {"choice": "refuse"})
    found = shop.get("export", Cookie=refused.consent).json
    assert (found["records"], found["receipt"]) == ([], None)
    assert found["cookie"]["refused"] == sorted(OPTIONAL)


def test_files_are_downloads_in_a_browser(shop: Running) -> None:
    chosen = accepted(shop)
    for name, file in (("receipt?form=kantara", "consent-receipt-kantara.json"), ("export", "consent-export.json")):
        answer = shop.get(name, Cookie=chosen.consent, Accept=BROWSER["Accept"])
        assert answer.value("Content-Disposition") == f'attachment; filename="{file}"'
        assert answer.value("Content-Type").startswith("application/json")


@pytest.mark.parametrize(
    "language, title", [("en", "What is stored about you"), ("de", "Was über Sie gespeichert ist")]
)
def test_the_page_works_without_a_script_in_the_visitors_language(shop: Running, language: str, title: str) -> None:
    chosen = accepted(shop, "analytics")
    page = shop.get(f"record?lang={language}", Cookie=chosen.consent, **BROWSER)
    assert f"<title>{title.encode('ascii', 'xmlcharrefreplace').decode()}</title>" in page.text
    assert "<script" not in page.text
    for action in ("receipt", "export", "withdraw", "erase"):
        assert f'method="post" action="/.consent/{action}"' in page.text
    # The number stands on the page, never in an address.
    number = receipt(shop, chosen)["record_id"]
    assert number in page.text
    assert not re.search(rf'(href|action)="[^"]*{number}', page.text)


def test_every_form_of_the_page_does_what_it_says(server: Running) -> None:
    chosen = accepted(server, "analytics")
    page = server.get("record", Cookie=chosen.consent, **BROWSER).text
    token = re.findall(r'name="token" value="([^"]+)"', page)[0]
    # A browser that says nothing of where the form comes from: the token speaks for it.
    sent = {"token": token, "lang": "en"}
    silent = {"Sec_Fetch_Site": "", "Cookie": chosen.consent}
    assert server.post_form("receipt", {**sent, "form": "27560"}, **silent).json["pii_principal_id"]
    assert server.post_form("export", sent, **silent).json["records"]
    assert "Receipt of your choice" in server.post_form("receipt", sent, **silent).text
    assert server.post_form("withdraw", sent, **silent).status == 303
    assert "is erased" in server.post_form("erase", sent, **silent).text


def test_a_receipts_page_is_for_people(server: Running) -> None:
    refused = server.post_json("choice", {"choice": "refuse"})
    page = server.post_form("receipt", {"lang": "de"}, Cookie=refused.consent)
    assert "Beleg &#252;ber Ihre Auswahl" in page.text
    number = re.findall(r'name="record" value="([0-9a-f]{32})"', page.text)[0]
    shown = server.post_form("record", {"record": number})
    assert 'action="/.consent/withdraw"' not in shown.text
    assert number in shown.text


@pytest.mark.parametrize("name", ["record", "receipt", "export", "erase"])
def test_another_site_gets_nothing_done(shop: Running, name: str) -> None:
    chosen = accepted(shop)
    answer = shop.post_form(name, {}, Sec_Fetch_Site="cross-site", Cookie=chosen.consent)
    assert answer.status == 403
    assert answer.set_cookies == []


# ------------------------------------------------------------------------------------------------------ erasing


def test_erasing_takes_everything_back_and_nobody_can_read_the_record(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        chosen = accepted(server, "analytics")
        number = receipt(server, chosen)["record_id"]
        erased = server.post_json("erase", {}, Cookie=f"{chosen.consent}; _st=1")
        assert erased.json == {"ok": True, "erased": True}
        assert erased.consent != chosen.consent
        state = server.get("state", Cookie=erased.consent).json
        assert (state["granted"], state["refused"]) == ([], sorted(OPTIONAL))
        assert any(line.startswith("_st=;") for line in erased.set_cookies)
        assert server.post_json("receipt", {"record": number}).code == "no-record"
        # Like the cookie of anybody who refused that day.
        assert erased.consent == server.post_json("choice", {"choice": "refuse"}).consent
        file = server.ledger
    assert [entry.payload for entry in entries(file, Part.PERSONAL)] == [None, None]
    assert verify(file) == []


def test_erasing_with_nothing_on_record_says_so(shop: Running) -> None:
    assert shop.post_json("erase", {}).json == {"ok": True, "erased": False}
