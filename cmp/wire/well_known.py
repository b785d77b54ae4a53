"""What the operator states under /.well-known/: that GPC is honoured, the tracking status, where to report weaknesses.

May go in here: the content of those resources, from the policy. May not: HTTP (`cmp.server`), which requests reach them
(the proxy forwards `/.well-known/NAME` to `{reserved}well-known/NAME` for each name that `stated` has).

These are statements in the operator's name: what the operator's own document does not declare does not exist.
Sources: Global Privacy Control, section 4; Tracking Preference Expression, sections 6.2 to 6.5; RFC 9116.
"""

import json
from typing import Any, Final

from cmp.core.policy import Policy

GPC: Final = "gpc.json"
DNT: Final = "dnt/"
SECURITY: Final = "security.txt"

# The type of a tracking status resource (Tracking Preference Expression, section 6.5.1).
TRACKING_STATUS: Final = "application/tracking-status+json"


def stated(policy: Policy) -> frozenset[str]:
    """The names below /.well-known/ that this policy states something under."""
    own = policy.each[0].document
    return frozenset(
        name
        for name, said in (
            (GPC, _signal(policy, "gpc").get("declare")),
            (DNT, _signal(policy, "dnt").get("status")),
            (SECURITY, own.get("security")),
        )
        if said
    )


def gpc_support(policy: Policy) -> str:
    """The GPC support resource. `lastUpdate` is left out where the document has no date of its own."""
    own = policy.each[0].document
    dates = [own.get("effective", ""), *(change["date"] for change in own.get("changes", ())), own.get("reviewed", "")]
    dated = (own.get("source") or {}).get("dated", "")
    last = next((date for date in dates if date), dated if len(dated) == len("2026-12-01") else "")
    return json.dumps({"gpc": True, **({"lastUpdate": last} if last else {})})


def tracking_status(policy: Policy, reserved: str) -> str:
    """The site-wide tracking status resource, with the page on which the policy stands and choices are made."""
    return json.dumps({"tracking": _signal(policy, "dnt")["status"], "policy": reserved, "config": reserved})


def status_depends_on_dnt(policy: Policy) -> bool:
    """Whether what is tracked differs by the DNT field, so that caches must not mix the two up."""
    return bool(policy.each[0].signals["dnt"].denies)


def security_txt(policy: Policy, origin: str) -> str:
    """The security.txt file. `origin` is the site's; only an https one can be named as canonical (section 2.5.2)."""
    security = policy.each[0].document["security"]
    lines = [
        *(f"Contact: {contact}" for contact in security["contact"]),
        f"Expires: {security['expires']}",
        f"Preferred-Languages: {', '.join(policy.languages)}",
    ]
    if origin.startswith("https://"):
        lines.append(f"Canonical: {origin}/.well-known/{SECURITY}")
    if "policy" in security:
        lines.append(f"Policy: {security['policy']}")
    return "".join(f"{line}\r\n" for line in lines)


def security_expires(policy: Policy) -> str:
    """From when security.txt is stale (date and time in UTC, RFC 3339): it is not to be used then (section 2.5.5)."""
    return str(policy.each[0].document["security"]["expires"])


def _signal(policy: Policy, name: str) -> Any:
    return policy.each[0].document.get("signals", {}).get(name, {})
