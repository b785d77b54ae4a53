"""Known trackers in places where their work would go unnoticed.

May go in here: lints that hold a policy against what the shipped catalogue knows of vendors. May not: what the source
document claims (`claims.py`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from cmp.core.classify import host_suffixes
from cmp.policy.catalogue import catalogue
from cmp.policy.lints.advice import Found, Level, Lint, Subject

_TRACKING = frozenset({"advertising", "analytics", "social"})
# What a service that was asked for does not need to work.
_TELLING = ("session-replay", "custom-audience", "mobile-id")


def _necessary(subject: Subject) -> Iterator[Found]:
    by_host = {host: vendor for vendor in catalogue().values() for host in vendor.get("hosts", ())}
    for vendor in subject.whole["vendors"]:
        uses = [vendor["category"], *(use["category"] for use in vendor["uses"])]
        uses += [signature["category"] for signature in vendor["signatures"] if signature["category"]]
        category = next((id_ for id_ in uses if subject.necessary(id_)), None)
        if category is None:
            continue
        if known := _known(vendor, by_host):
            what = f'"{category}" is necessary and holds "{vendor["id"]}", known for {known["category"]}'
        elif told := [technique for technique in _TELLING if technique in vendor["techniques"]]:
            what = f'"{category}" is necessary and holds "{vendor["id"]}", which uses {" and ".join(told)}'
        else:
            continue
        remedy = "give it a category with the basis consent: no choice and no signal switches off what is necessary"
        yield subject.vendor_place(vendor["id"]), what, remedy


def _known(vendor: Mapping[str, Any], by_host: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """What the catalogue knows under the vendor's id or one of its hosts, where that is tracking."""
    candidates = [catalogue().get(vendor["id"])]
    hosts = [*vendor["hosts"], *(signature["host"] for signature in vendor["signatures"] if signature["host"])]
    candidates += [by_host.get(suffix) for host in hosts for suffix in host_suffixes(host)]
    return next((known for known in candidates if known is not None and known["category"] in _TRACKING), None)


def _signal_gap(subject: Subject) -> Iterator[Found]:
    """Advertising that goes on although the browser says no."""
    signal = subject.whole["signals"].get("gpc")
    for id_ in subject.optional:
        ads = [
            vendor["id"]
            for vendor in subject.whole["vendors"]
            if vendor["category"] == id_ and catalogue().get(vendor["id"], {}).get("category") == "advertising"
        ]
        if ads and (signal is None or id_ not in signal["denies"]):
            more = f" and {len(ads) - 1} more" if len(ads) > 1 else ""
            what = f'Global Privacy Control does not deny "{id_}", which holds {ads[0]}{more}, known for advertising'
            where = ("signals",) if "signals" in subject.document else ()
            yield where, what, f'write "gpc": {{"denies": ["{id_}"]}}'


def _open(subject: Subject) -> Iterator[Found]:
    said = subject.whole["unknown"]["host"]
    if said != "deny":
        what = (
            f"unknown hosts pass ({said}): no Content-Security-Policy can list what is denied, so a known tracker "
            "that a script inserts is stopped by the client guard alone"
        )
        yield ("unknown", "host"), what, '"deny", once the list of what is undeclared is worked through'


def _knows_nobody(subject: Subject) -> Iterator[Found]:
    if subject.whole["unknown"]["host"] != "deny" and "catalogue" not in subject.document:
        what = "unknown hosts pass and the catalogue is not adopted, so trackers nobody declared pass as well"
        yield ("unknown", "host"), what, 'write "catalogue": {"adopt": ["*"]}, or "host": "deny"'


LINTS: tuple[Lint, ...] = (
    Lint("necessary-tracker", Level.ERROR, _necessary, "ePrivacy Directive Art. 5(3)"),
    Lint("signal-gap", Level.WARNING, _signal_gap, "11 CCR 7025"),
    Lint("no-catalogue", Level.WARNING, _knows_nobody),
    Lint("unknown-open", Level.NOTE, _open),
)
