"""Consent receipts: what somebody chose, under what, and the proof that it is on record, for them to keep.

May go in here: receipts as JSON documents in two published forms, and the export of everything on record. May not:
pages (`record_pages.py`), HTTP, looking anything up.

`receipt_27560` has the fields of ISO/IEC TS 27560:2023 (as the Data Privacy Vocabulary lists them), `receipt_kantara`
those of the Kantara Consent Receipt 1.1.0. What neither the record nor the policy says is "not stated". A receipt
describes purposes and companies by the policy the choice was made under; where that is not at hand, by their ids alone,
never by the words of another policy.
"""

import base64
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cmp.core.policy import Policy
from cmp.ledger.evidence import Evidence
from cmp.wire.about import documents, recipients
from cmp.wire.words import text_of

SCHEMA_27560: Final = "ISO/IEC TS 27560:2023"
VERSION_KANTARA: Final = "KI-CR-v1.1.0"
NOT_STATED: Final = "not stated"
EXPORT: Final = "consentry export 1"

# The states of TS 27560 for kinds of records; what a record grants or refuses beside it is a state of its own.
_STATES: Final = {
    "given": "given",
    "changed": "given",
    "refused": "refused",
    "withdrawn": "withdrawn",
    "expired": "expired",
}


@dataclass(frozen=True, slots=True)
class Issuer:
    """The site a receipt is from: its origin, the address where everything can be changed, and its public keys."""

    origin: str
    choices: str
    keys: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Purpose:
    """What can be chosen, by name ("analytics" or "vendor:chat"), as the policy of that time has it.

    `recipients` are ids of vendors; `data` what of a person is handled, cookies by name.
    """

    name: str
    title: str
    basis: str
    retention: str
    recipients: Sequence[str]
    data: Sequence[str]


def chosen_of(evidence: Sequence[Evidence]) -> Mapping[str, Any] | None:
    """The payload of the newest record that says what was chosen; None where there is none."""
    payloads = (one.entry.payload for one in reversed(evidence))
    return next((payload for payload in payloads if payload is not None and "granted" in payload), None)


def purposes_of(policy: Policy | None, names: Iterable[str], language: str) -> Iterator[Purpose]:
    for name in names:
        yield _purpose(policy, name, language) or Purpose(name, name, NOT_STATED, NOT_STATED, (), ())


def receipt_27560(evidence: Sequence[Evidence], policy: Policy | None, issuer: Issuer, language: str) -> dict[str, Any]:
    """The receipt of somebody's records (oldest first, at least one of them a choice). `policy`: that of the choice."""
    last = _last(evidence)
    names = [*last["granted"], *last["refused"]]
    found = list(purposes_of(policy, names, language))
    controllers = _controllers(policy, issuer)
    vendors = list(dict.fromkeys(id_ for purpose in found for id_ in purpose.recipients))
    return {
        "schema_version": SCHEMA_27560,
        "receipt_id": _receipt_id(evidence),
        "record_id": last["person"],
        "pii_principal_id": last["person"],
        "pii_processing": [
            {
                "privacy_notice": issuer.choices,
                "language": last["language"] or language,
                "purpose": purpose.title,
                "purpose_type": purpose.name,
                "lawful_basis": purpose.basis,
                "pii_information": [{"pii_type": data} for data in purpose.data] or [{"pii_type": NOT_STATED}],
                "pii_controllers": [party["party_id"] for party in controllers],
                "collection_method": f"answer on the site ({last['surface']}, {last['source']})",
                "storage_locations": _countries(policy, purpose) or [NOT_STATED],
                "retention_period": purpose.retention,
                "jurisdiction": _jurisdiction(policy),
                "recipient_third_parties": [f"vendor:{id_}" for id_ in purpose.recipients],
                "withdrawal_method": issuer.choices,
                "privacy_rights": _rights(policy),
                "service": _service(policy, issuer, language),
                "state": _state(evidence, last, purpose.name),
            }
            for purpose in found
        ],
        "party_identification": [*controllers, *(_vendor(policy, id_) for id_ in vendors)],
        "events": [event for one in evidence for event in _events(one)],
        "signals": {"gpc": last["gpc"], "dnt": last["dnt"]},
        "shown": {
            "policy": last["policy"],
            "policy_version": last["policy_version"],
            "notice": last["notice"],
            "surface": last["surface"],
            "buttons": list(last.get("buttons", ())),
        },
        "proofs": [proof_of(one) for one in evidence],
        "keys": {id_: key.hex() for id_, key in issuer.keys.items()},
    }


def receipt_kantara(
    evidence: Sequence[Evidence], policy: Policy | None, issuer: Issuer, language: str
) -> dict[str, Any] | None:
    """The same as a Kantara receipt, which knows consent alone: None where nothing is granted."""
    last = _last(evidence)
    if not last["granted"]:
        return None
    controllers = _controllers(policy, issuer)
    return {
        "version": VERSION_KANTARA,
        "jurisdiction": _jurisdiction(policy),
        "consentTimestamp": last["at"] // 1000,
        "collectionMethod": f"answer on the site ({last['surface']}, {last['source']})",
        "consentReceiptID": str(uuid.uuid5(uuid.UUID(last["person"]), _receipt_id(evidence))),
        "publicKey": ", ".join(key.hex() for key in issuer.keys.values()),
        "language": last["language"] or language,
        "piiPrincipalId": last["person"],
        "piiControllers": [
            {
                "piiController": party["party_name"],
                "onBehalf": False,
                "contact": party["party_contact"],
                "address": {"addressCountry": party["party_country"], "streetAddress": party["party_address"]},
                "email": party["party_contact"] if "@" in party["party_contact"] else NOT_STATED,
                "phone": NOT_STATED,
                "piiControllerUrl": issuer.origin,
            }
            for party in controllers
        ],
        "policyUrl": issuer.choices,
        "services": [
            {
                "service": _service(policy, issuer, language),
                "purposes": [
                    {
                        "purpose": purpose.title,
                        "purposeCategory": [purpose.name],
                        "consentType": "EXPLICIT",
                        "piiCategory": list(purpose.data) or [NOT_STATED],
                        "primaryPurpose": False,
                        "termination": _until(last),
                        "thirdPartyDisclosure": bool(purpose.recipients),
                        **_third_parties(policy, purpose),
                    }
                    for purpose in purposes_of(policy, last["granted"], language)
                ],
            }
        ],
        "sensitive": False,
        "spiCat": [],
        "proofs": [proof_of(one) for one in evidence],
    }


def proof_of(one: Evidence) -> dict[str, Any]:
    """What shows that a record is in the tree, and what it says: everything somebody else needs to check it.

    The leaf is hashed as RFC 9162 has it, and leads over the inclusion proof to the signed head; it names the SHA-256
    of `sealed`, which `key` opens (AES-256-GCM: nonce of 12 bytes, ciphertext, tag; docs/ledger.md) to the record.
    """
    return {
        "leaf": one.entry.leaf.decode(),
        "sealed": base64.b64encode(one.sealed).decode("ascii"),
        "key": base64.b64encode(one.key).decode("ascii"),
        "inclusion": None if one.proof is None else one.proof.document,
    }


def export_of(
    evidence: Sequence[Evidence],
    receipt: Mapping[str, Any] | None,
    cookie: Mapping[str, Any] | None,
    *,
    issuer: Issuer,
    made: float,
) -> dict[str, Any]:
    """Everything that is on record of somebody, to take elsewhere. `made` is Unix seconds."""
    return {
        "form": EXPORT,
        "site": issuer.origin,
        "made": time_of(made * 1000),
        "cookie": cookie,
        "records": [dict(one.entry.payload or {}) for one in evidence],
        "receipt": receipt,
    }


def time_of(milliseconds: float) -> str:
    """A moment as RFC 3339 has it, in UTC, to the second."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# ------------------------------------------------------------------------------------------------------ parts


def _last(evidence: Sequence[Evidence]) -> Mapping[str, Any]:
    last = chosen_of(evidence)
    if last is None:
        raise ValueError("evidence: holds no choice")
    return last


def _state(evidence: Sequence[Evidence], last: Mapping[str, Any], name: str) -> str:
    if name not in last["granted"]:
        return "refused" if last["granted"] else _STATES[last["kind"]]
    newest = (evidence[-1].entry.payload or {})["kind"]
    return "expired" if newest == "expired" else "given"


def _receipt_id(evidence: Sequence[Evidence]) -> str:
    newest = evidence[-1].entry
    return f"{(newest.payload or {})['person']}-{newest.index}"


def _events(one: Evidence) -> Iterator[dict[str, Any]]:
    """One event a state: a choice that grants some and refuses the rest is two."""
    payload = one.entry.payload or {}
    kind = payload["kind"]
    common = {
        "event_time": time_of(payload["at"]),
        "entity_id": payload["person"],
        "event_type": "explicit" if kind != "expired" else "automatic",
        "record": one.entry.index,
    }
    if payload.get("granted"):
        duration = _until(payload)
        yield {**common, "validity_duration": duration, "event_state": "given", "purposes": payload["granted"]}
    if payload.get("refused"):
        state = "refused" if payload.get("granted") else _STATES[kind]
        until = "until changed"
        yield {**common, "validity_duration": until, "event_state": state, "purposes": payload["refused"]}
    if "granted" not in payload:
        yield {**common, "validity_duration": "until changed", "event_state": _STATES[kind], "purposes": []}


def _until(payload: Mapping[str, Any]) -> str:
    """How long what was granted holds, as an ISO 8601 duration of seconds."""
    until = payload.get("until", 0)
    return f"PT{timedelta(milliseconds=until - payload['at']) // timedelta(seconds=1)}S" if until else NOT_STATED


def _purpose(policy: Policy | None, name: str, language: str) -> Purpose | None:
    if policy is None:
        return None
    vendor = policy.vendors.get(name.removeprefix("vendor:")) if name.startswith("vendor:") else None
    category = policy.categories.get(vendor.category if vendor is not None else name)
    if category is None:
        return None
    taking = (vendor,) if vendor is not None else recipients(policy).get(category.id, ())
    title = text_of(category.titles, language) or category.id
    return Purpose(
        name=name,
        title=f"{vendor.name}: {title}" if vendor is not None else title,
        basis=category.basis.value,
        retention=text_of(category.retention, language) or NOT_STATED,
        recipients=[one.id for one in taking],
        data=_data(policy, category.id, {one.id for one in taking}, own=vendor is None),
    )


def _data(policy: Policy, category: str, vendors: set[str], *, own: bool) -> list[str]:
    """What of a person is handled: the cookies declared, and what whoever is contacted sees."""
    cookies = [
        cookie["name"]
        for document in documents(policy)
        for cookies, counted in (
            *((vendor["cookies"], vendor["id"] in vendors) for vendor in document.get("vendors", ())),
            ([one for one in document.get("cookies", ()) if one.get("category") == category], own),
        )
        if counted
        for cookie in cookies
    ]
    seen = ["network address", "browser and device", "page visited"] if vendors else []
    return [*seen, *(f"cookie {name}" for name in dict.fromkeys(cookies))]


def _controllers(policy: Policy | None, issuer: Issuer) -> list[dict[str, str]]:
    own = (documents(policy)[0].get("controller") if policy is not None else None) or {}
    contact = own.get("contact") or (policy.contact if policy is not None else "") or issuer.choices
    found = [_party("controller", own.get("name") or issuer.origin, contact, own, "controller")]
    parties = documents(policy)[0].get("parties", ()) if policy is not None else ()
    joint = [one for one in parties if one["role"] in ("controller", "joint-controller")]
    found += [_party(one["id"], one["name"], one.get("contact", ""), one, one["role"]) for one in joint]
    return found


def _party(id_: str, name: str, contact: str, said: Mapping[str, Any], type_: str) -> dict[str, str]:
    return {
        "party_id": id_,
        "party_name": name,
        "party_address": said.get("address") or NOT_STATED,
        "party_country": said.get("country") or NOT_STATED,
        "party_contact": contact or NOT_STATED,
        "party_type": type_,
    }


def _vendor(policy: Policy | None, id_: str) -> dict[str, str]:
    vendor = policy.vendors[id_] if policy is not None else None
    name, country = (vendor.company, vendor.country) if vendor is not None else (id_, "")
    said = {"country": "" if country == "ZZ" else country}
    return _party(f"vendor:{id_}", name, "", said, "third-party")


def _countries(policy: Policy | None, purpose: Purpose) -> list[str]:
    if policy is None:
        return []
    named = {policy.vendors[id_].country for id_ in purpose.recipients} - {"ZZ", ""}
    return sorted(named)


def _jurisdiction(policy: Policy | None) -> str:
    own = (documents(policy)[0].get("controller") if policy is not None else None) or {}
    return own.get("country") or NOT_STATED


def _rights(policy: Policy | None) -> list[str]:
    rights = documents(policy)[0].get("rights") if policy is not None else None
    return ["withdraw", *(right for right in (rights or {}).get("offered", ()) if right != "withdraw")]


def _service(policy: Policy | None, issuer: Issuer, language: str) -> str:
    return (text_of(policy.titles, language) if policy is not None else "") or issuer.origin


def _third_parties(policy: Policy | None, purpose: Purpose) -> dict[str, str]:
    names = [policy.vendors[id_].company for id_ in purpose.recipients] if policy is not None else []
    return {"thirdPartyName": ", ".join(dict.fromkeys(names))} if names else {}
