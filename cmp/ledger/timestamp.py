"""Time stamps by RFC 3161: that a tree head was there at a time, said by an authority that is not us.

May go in here: asking an authority, and checking what it answered. May not: keeping the answers (`witness.py`).
The package `rfc3161-client` is needed (the extra `timestamps`), and imported only here.
"""

import urllib.error
import urllib.request
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from cmp.ledger.errors import LedgerError, Reason
from cmp.ledger.heads import Head

_WAIT = 20.0
# Responses are a few kilobytes, certificates among them.
_LONGEST = 256 * 1024


def ask(url: str, head: Head) -> bytes:
    """The authority's response about a head (DER), with the certificates it was signed with. Raises LedgerError."""
    if urlsplit(url).scheme not in {"http", "https"}:
        raise LedgerError(Reason.ADDRESS, url, "is no address of a time stamp authority", "write http:// or https://")
    try:
        from rfc3161_client import TimestampRequestBuilder, decode_timestamp_response  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise _missing() from error
    asked = TimestampRequestBuilder().data(head.signed_bytes).cert_request(cert_request=True).build()
    request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
        url, asked.as_bytes(), {"Content-Type": "application/timestamp-query"}
    )
    try:
        with urllib.request.urlopen(request, timeout=_WAIT) as reply:  # noqa: S310
            answer = bytes(reply.read(_LONGEST))
        response = decode_timestamp_response(answer)
    except (OSError, urllib.error.URLError, ValueError) as error:
        what = f"the time stamp authority does not answer as one ({error})"
        raise LedgerError(Reason.UNREACHABLE, url, what, "try again later, or name another one") from error
    if response.status not in {0, 1}:
        what = f"the time stamp authority refused (status {response.status})"
        raise LedgerError(Reason.FAILED, url, what, "ask who runs it")
    return answer


def stamped_at(answer: bytes, head: Head, certificates: Path) -> datetime:
    """When the authority says the head was there. Raises ValueError for an answer that does not show it.

    `certificates` is a file of PEM with the roots that are trusted. Raises LedgerError for one that holds none.
    """
    try:
        from rfc3161_client import VerificationError, VerifierBuilder, decode_timestamp_response  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise _missing() from error
    try:
        roots = x509.load_pem_x509_certificates(certificates.read_bytes())
    except (OSError, ValueError) as error:
        what = f"holds no certificates ({error})"
        raise LedgerError(Reason.MISSING, certificates, what, "name the root of the time stamp authority") from error
    verifier = VerifierBuilder(roots=list(roots)).build()
    try:
        response = decode_timestamp_response(answer)
        verifier.verify_message(response, head.signed_bytes)
    except (VerificationError, ValueError) as error:
        raise ValueError(f"the time stamp does not verify: {error}") from error
    return response.tst_info.gen_time


def _missing() -> LedgerError:
    what = "time stamps need the package rfc3161-client"
    return LedgerError(Reason.MISSING, "rfc3161-client", what, 'pip install "consentry[timestamps]"')
