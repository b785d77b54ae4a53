"""Time stamps by RFC 3161: that a tree head was there at a time, said by an authority that is not us.

May go in here: asking an authority, and checking what it answered. May not: keeping the answers (`witness.py`).
The package `rfc3161-client` is needed (the extra `timestamps`), and imported only here.
"""

import threading
import urllib.error
import urllib.request
from datetime import datetime
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography import x509

from cmp.ledger.errors import LedgerError, Reason
from cmp.ledger.heads import Head

if TYPE_CHECKING:
    from rfc3161_client import TimeStampRequest, TimeStampResponse

# Seconds for all of an answer, however slowly it comes.
_WAIT = 20.0
# Responses are a few kilobytes, certificates among them.
_LONGEST = 256 * 1024
# RFC 3161, section 3.4.
_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"
# RFC 3161, section 2.4.2: `PKIStatus`. Of these only "granted" is a stamp for what was asked.
_REFUSALS = {1: "granted something else", 2: "rejected", 3: "waiting", 4: "about to be revoked", 5: "revoked"}


def ask(url: str, head: Head, wait: float = _WAIT) -> bytes:
    """The authority's response about a head (DER), with the certificates it was signed with.

    It was held against the question, as RFC 3161 (section 2.4.2) has it: status, message imprint, nonce. Whether its
    signature is the authority's is for who has its root to say (`stamped_at`). Raises LedgerError, after `wait` seconds
    at the latest.
    """
    if urlsplit(url).scheme not in {"http", "https"}:
        raise LedgerError(Reason.ADDRESS, url, "is no address of a time stamp authority", "write http:// or https://")
    try:
        from rfc3161_client import TimestampRequestBuilder, decode_timestamp_response  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise _missing() from error
    asked = TimestampRequestBuilder().data(head.signed_bytes).cert_request(cert_request=True).build()
    answer = _answer(url, asked.as_bytes(), wait)
    try:
        response = decode_timestamp_response(answer)
        fault = _fault(asked, response)
    except ValueError as error:
        raise _unreachable(url, f"does not answer as one ({error})") from error
    if fault:
        what = f"the time stamp authority {fault}"
        raise LedgerError(Reason.FAILED, url, what, "ask who runs it, or name another one")
    return answer


def _fault(asked: "TimeStampRequest", response: "TimeStampResponse") -> str:
    """Why a response is none to what was asked, "" where it is. Raises ValueError for one without a token."""
    if response.status:
        told = " ".join([_REFUSALS.get(response.status, "unknown"), *response.status_string])
        return f"refused (status {response.status}: {told[:200]})"
    token, wanted = response.tst_info, asked.message_imprint
    if token.message_imprint.hash_algorithm != wanted.hash_algorithm:
        told = token.message_imprint.hash_algorithm.dotted_string
        return f"answered with another hash algorithm than it was asked with ({told})"
    if token.message_imprint.message != wanted.message:
        return "answered about something else than it was asked about (another message imprint)"
    # Without it an answer of any other day would do.
    if token.nonce != asked.nonce:
        return "did not repeat the number of this question (nonce): the answer may be an old one"
    if not response.signed_data.certificates:
        return "left out the certificate it signed with, so nobody could check the time stamp later"
    return ""


def _answer(url: str, query: bytes, wait: float) -> bytes:
    """What is answered within `wait` seconds. Raises LedgerError."""
    answered: list[bytes | LedgerError] = []
    # The time limit of a socket begins anew with each byte, so the whole is waited for from outside.
    asking = threading.Thread(target=lambda: answered.append(_posted(url, query, wait)), daemon=True)
    asking.start()
    asking.join(wait)
    if not answered:
        raise _unreachable(url, f"does not answer within {wait:g} seconds")
    if isinstance(answered[0], LedgerError):
        raise answered[0]
    return answered[0]


def _posted(url: str, query: bytes, wait: float) -> bytes | LedgerError:
    request = urllib.request.Request(url, query, {"Content-Type": _QUERY})  # noqa: S310 - the scheme was looked at
    try:
        with urllib.request.urlopen(request, timeout=wait) as reply:  # noqa: S310
            type_, answer = reply.headers.get_content_type(), bytes(reply.read(_LONGEST + 1))
    except TimeoutError:
        return _unreachable(url, f"does not answer within {wait:g} seconds")
    except (OSError, HTTPException, urllib.error.URLError, ValueError) as error:
        return _unreachable(url, f"does not answer as one ({error})")
    if type_ != _REPLY:
        return _unreachable(url, f"does not answer as one (its answer is of the type {type_}, not {_REPLY})")
    if len(answer) > _LONGEST:
        return _unreachable(url, f"does not answer as one (more than {_LONGEST // 1024} kB)")
    return answer


def _unreachable(url: str, what: str) -> LedgerError:
    told = f"the time stamp authority {what}"
    return LedgerError(Reason.UNREACHABLE, url, told, "try again later, or name another one")


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
