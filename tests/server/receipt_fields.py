"""What a receipt must have: fields of ISO/IEC TS 27560:2023 and of the Kantara Consent Receipt 1.1.0, as JSON Schemas.

May go in here: the two lists as they are published. May not: anything of `cmp`. Sources: the comparison of TS 27560 in
the guide "Consent records" of the Data Privacy Vocabulary (w3c/dpv), mandatory fields; the specification's table 4.
"""

from typing import Any

TEXT = {"type": "string", "minLength": 1}
TEXTS = {"type": "array", "items": TEXT}
SOME_TEXTS = {**TEXTS, "minItems": 1}


def required(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(properties), "properties": properties}


def some(of: Any) -> dict[str, Any]:
    return {"type": "array", "items": of, "minItems": 1}


TS_27560 = required(
    schema_version=TEXT,
    receipt_id=TEXT,
    record_id=TEXT,
    pii_principal_id=TEXT,
    pii_processing=some(
        required(
            privacy_notice=TEXT,
            language=TEXT,
            purpose=TEXT,
            purpose_type=TEXT,
            lawful_basis=TEXT,
            pii_information=some(required(pii_type=TEXT)),
            pii_controllers=SOME_TEXTS,
            collection_method=TEXT,
            storage_locations=SOME_TEXTS,
            retention_period=TEXT,
            jurisdiction=TEXT,
            recipient_third_parties=TEXTS,
            withdrawal_method=TEXT,
            privacy_rights=SOME_TEXTS,
            service=TEXT,
        )
    ),
    party_identification=some(
        required(party_id=TEXT, party_address=TEXT, party_name=TEXT, party_contact=TEXT, party_type=TEXT)
    ),
    events=some(
        required(
            event_time={"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"},
            validity_duration=TEXT,
            entity_id=TEXT,
            event_type=TEXT,
            event_state={"enum": ["requested", "given", "refused", "withdrawn", "expired", "invalidated"]},
        )
    ),
)

ADDRESS = {"type": "object", "minProperties": 1}
DISCLOSED = {"properties": {"thirdPartyDisclosure": {"const": True}}}

KANTARA = required(
    version={"const": "KI-CR-v1.1.0"},
    jurisdiction=TEXT,
    consentTimestamp={"type": "integer", "minimum": 0},
    collectionMethod=TEXT,
    consentReceiptID={"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
    language=TEXT,
    piiPrincipalId=TEXT,
    piiControllers=some(
        required(
            piiController=TEXT, contact=TEXT, address={"type": "object", "minProperties": 1}, email=TEXT, phone=TEXT
        )
    ),
    policyUrl={"type": "string", "format": "uri"},
    services=some(
        required(
            service=TEXT,
            purposes=some(
                required(
                    purpose=TEXT,
                    purposeCategory=SOME_TEXTS,
                    consentType={"enum": ["EXPLICIT", "IMPLICIT"]},
                    piiCategory=SOME_TEXTS,
                    primaryPurpose={"type": "boolean"},
                    termination=TEXT,
                    thirdPartyDisclosure={"type": "boolean"},
                )
                | {
                    "if": {"properties": {"thirdPartyDisclosure": {"const": True}}},
                    "then": {"required": ["thirdPartyName"]},
                }
            ),
        )
    ),
    sensitive={"type": "boolean"},
    spiCat=TEXTS,
)
