"""What a report was made from, beside the report: so that it can be shown later that nothing was changed.

May go in here: the manifest's form, signing it, and holding files against it. May not: the reports, printing.

`REPORT.manifest.json` has the SHA-256 of the report, of every capture and of the policy file, the policy's fingerprint,
the digests of its lists, the version of the software and what it was asked; signed with Ed25519 (RFC 8032) if a key is
given. Unsigned it shows an accident; only signed, and checked with a key known from elsewhere, does it show an intent.
"""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cmp import __version__
from cmp.audit.audit import Audit
from cmp.audit.consent_records import digest_of, hashes_at
from cmp.audit.decision_log import Review
from cmp.capture.capture import CaptureError
from cmp.capture.packed import is_packed, unpacked
from cmp.decision_log.chain import End
from cmp.decision_log.folder import DecisionLogError
from cmp.decision_log.verify import check
from cmp.ledger.errors import LedgerError
from cmp.seal.keys import PublicKeys, SigningKeys

_FORM = 1
_GONE, _ANOTHER = "is not there", "is not the file it was made from"


class ManifestError(Exception):
    """A manifest that is not there or is none. Names the file and what to do, in one line."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was held against the manifest. `fault` is "" where it is as it was."""

    what: str
    fault: str = ""


def manifest_file(report: Path) -> Path:
    """Where the manifest of a report lies."""
    return report.with_name(f"{report.name}.manifest.json")


def manifest_text(
    audit: Audit,
    report: Path,
    sha256: str,
    *,
    policy: Path | None,
    asked: Mapping[str, Any],
    keys: SigningKeys | None,
    ledger: str | None = None,
) -> str:
    """The manifest of a report whose bytes have this digest. `policy` is None where the shipped one was taken."""
    form: dict[str, Any] = {
        "consentry_manifest": _FORM,
        "software": {"name": "consentry", "version": __version__},
        "report": {"file": report.name, "sha256": sha256},
        "captures": [{"file": one.file, "sha256": one.sha256} for one in audit.accounts],
        "decision_log": None if audit.log is None else _log_form(audit.log),
        "ledger": None if ledger is None else _ledger_form(ledger, audit),
        "policy": {
            "file": None if policy is None else str(policy),
            "sha256": None if policy is None else _digest(policy),
            "fingerprint": audit.policy.fingerprint,
        },
        "lists": [{"id": source.id, "sha256": source.digest} for source in audit.policy.lists],
        "asked": dict(asked),
    }
    if keys is not None:
        key, signature = keys.sign(_signed_bytes(form))
        form["signature"] = {"key": key, "ed25519": base64.b64encode(signature).decode("ascii")}
    return json.dumps(form, indent=2) + "\n"


def _ledger_form(source: str, audit: Audit) -> dict[str, Any]:
    used = {place: leaf for account in audit.accounts for place, leaf in account.records.items()}
    return {"source": _without_password(source), "records": sorted(used), "sha256": digest_of(used)}


def _without_password(source: str) -> str:
    """The address of a ledger as it may stand in a file."""
    return re.sub(r"(://[^:/@]*):[^@/]*@", r"\1:***@", source)


def _ledger(form: Mapping[str, Any]) -> Check:
    """The records that were evidence must stand in the ledger as they did."""
    what, places = f"{len(form['records'])} records of ledger {form['source']}", form["records"]
    try:
        found = hashes_at(form["source"], places) if places else {}
    except LedgerError as error:
        return Check(what, str(error))
    if len(found) < len(places):
        return Check(what, _GONE)
    return Check(what, "" if digest_of(found) == form["sha256"] else "are not those it was made from")


def _log_form(log: Review) -> dict[str, Any]:
    return {"folder": log.checked.folder, "end": {"line": log.checked.end.seq, "hash": log.checked.end.hash}}


def _log(folder: Path, end: End) -> Check:
    """A log goes on; what it was when the report was made must still be its beginning."""
    what = f"decision log {folder}"
    try:
        broken = [fault for fault in check(folder, kept=end).faults if fault.broken]
    except DecisionLogError as error:
        return Check(what, str(error))
    return Check(what, str(broken[0]) if broken else "")


def verify(report: Path, keys: PublicKeys | None) -> list[Check]:
    """Hold a report, and what it was made from, against its manifest. Raises ManifestError.

    Files are looked for where they were, then beside the report. `keys`: whose signature is asked for.
    """
    form = _read(manifest_file(report))
    try:
        return list(_checks(form, report, keys))
    except (KeyError, TypeError, AttributeError) as error:
        raise ManifestError(f"{manifest_file(report)}: damaged: {error!r}: make the report anew") from error


def _checks(form: Mapping[str, Any], report: Path, keys: PublicKeys | None) -> Iterator[Check]:
    yield _signature(form, keys)
    yield _same("report", [report], form["report"]["sha256"])
    for capture in form["captures"]:
        what = f"capture {capture['file']}"
        held = _same(what, _places(capture["file"], report), capture["sha256"])
        yield held if held.fault != _GONE else _same_in_archive(what, Path(capture["file"]), capture["sha256"])
    # Manifests from before logs were read say nothing of one.
    if log := form.get("decision_log"):
        yield _log(Path(log["folder"]), End(log["end"]["line"], log["end"]["hash"]))
    if ledger := form.get("ledger"):
        yield _ledger(ledger)
    policy = form["policy"]
    if policy["file"] is not None:
        yield _same(f"policy {policy['file']}", _places(policy["file"], report), policy["sha256"])
    if form["software"]["version"] != __version__:
        yield Check(f"software: made with version {form['software']['version']}, this is {__version__}")


def _signature(form: Mapping[str, Any], keys: PublicKeys | None) -> Check:
    stated = form.get("signature")
    if stated is None:
        return Check("signature", "the manifest is not signed" if keys is not None else "")
    what = f"signature by key {stated['key']}"
    if keys is None:
        return Check(what, "no key given to check it with: --keys FILE.pub")
    try:
        signature = base64.b64decode(stated["ed25519"], validate=True)
    except binascii.Error:
        return Check(what, "is no signature")
    return Check(what, "" if keys.verifies(stated["key"], signature, _signed_bytes(form)) else "does not fit")


def _same(what: str, places: Sequence[Path], digest: str) -> Check:
    for place in places:
        if place.is_file():
            return Check(what, "" if _digest(place) == digest else _ANOTHER)
    return Check(what, _GONE)


def _same_in_archive(what: str, file: Path, digest: str) -> Check:
    """A capture that was read out of an archive is named by both: "visits.zip/a.har"."""
    archive = next((parent for parent in file.parents if parent.is_file()), None)
    if archive is None:
        return Check(what, _GONE)
    try:
        data = archive.read_bytes()
        inside = {one.file: one.data for one in unpacked(data, str(archive))} if is_packed(data[:512]) else {}
    except CaptureError as error:
        return Check(what, error.why)
    if str(file) not in inside:
        return Check(what, _GONE)
    same = hashlib.sha256(inside[str(file)]).hexdigest() == digest
    return Check(what, "" if same else _ANOTHER)


def _places(file: str, report: Path) -> Sequence[Path]:
    return [Path(file), report.parent / Path(file).name]


def _signed_bytes(form: Mapping[str, Any]) -> bytes:
    """What is signed: the form without its signature, keys sorted, no spaces, ASCII."""
    rest = {name: value for name, value in form.items() if name != "signature"}
    return json.dumps(rest, sort_keys=True, separators=(",", ":")).encode("ascii")


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _read(file: Path) -> Mapping[str, Any]:
    try:
        form = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise ManifestError(f"{file}: cannot be read: {error.strerror}: it is written with -o FILE") from error
    except ValueError as error:
        raise ManifestError(f"{file}: not JSON: {error}: make the report anew") from error
    if not isinstance(form, dict) or form.get("consentry_manifest") != _FORM:
        raise ManifestError(f"{file}: no manifest of form {_FORM}: make the report anew")
    return form
