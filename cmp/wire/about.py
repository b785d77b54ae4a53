"""What a policy says of itself beside the choices, as HTML: who, why, how long, since when.

May go in here: markup from the policy's document and our own words, every value escaped. May not: the controls
(`banner.py`), what is new to a visitor (`news.py`), checking a document (what is compiled is right).

What a document does not name is not shown. Of a composed policy every part's document is read, the operator's own
first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from typing import Any

from cmp.core.policy import Category, Policy, Vendor
from cmp.seal.holding import grant_seconds, lasting, refusal_seconds
from cmp.wire.desk_words import desk_word
from cmp.wire.policy_words import date_text, duration_text, policy_word
from cmp.wire.words import company_name, country_name, text_of, word

Document = Mapping[str, Any]


def documents(policy: Policy) -> tuple[Document, ...]:
    return tuple(part.document for part in policy.each)


# ---------------------------------------------------------------------------------------- beside the choice


def conditions(policy: Policy, language: str) -> str:
    """What stands beside the choice: what may stay off, and who may not accept."""
    if not policy.optional_categories:
        return ""
    ages = [document.get("consent", {}).get("minimumAge") or 0 for document in documents(policy)]
    age = [policy_word(language, "minimum-age").format(age=max(ages))] if max(ages, default=0) else []
    return f'<p class="consentry-conditions">{escape(" ".join([policy_word(language, "features"), *age]))}</p>'


def held(policy: Policy, place: str, language: str) -> str:
    """How long a choice holds for a visitor at `place`."""
    granted, refused = grant_seconds(policy, place), refusal_seconds(policy, place)
    if granted == refused:
        said = _p(language, "holds").format(time=duration_text(language, granted))
    else:
        said = _p(language, "holds-apart").format(
            granted=duration_text(language, granted), refused=duration_text(language, refused)
        )
    return f"{said} {_p(language, 'stays-off')}" if lasting(policy, policy.optional_categories, place) else said


def dnt_html(policy: Policy, language: str) -> list[str]:
    """What the operator says of Do Not Track."""
    said = [document.get("signals", {}).get("dnt", {}).get("statement") for document in documents(policy)]
    return [f"<p>{_p(language, 'dnt').format(statement=escape(text_of(text, language)))}</p>" for text in said if text]


# ------------------------------------------------------------------------------------------------ in the table


def category_notes(policy: Policy, category: Category, language: str) -> str:
    """What is claimed of a category beside what it counts as, and what exempts it; "" for most."""
    lines: list[str] = []
    for document in documents(policy):
        found = document.get("categories", {}).get(category.id)
        if found is None:
            continue
        claimed, basis = found.get("claimed", ""), found["basis"]
        treated = "never" if category.never else category.basis.value
        if claimed and claimed != treated:
            lines.append(
                _p(language, "claimed").format(
                    claimed=_p(language, f"basis-{claimed}"), basis=_p(language, f"basis-{treated}")
                )
            )
        if "claim" in found:
            lines.append(_p(language, "claim").format(claim=escape(text_of(found["claim"], language))))
        if basis == "exempt":
            lines.append(_p(language, f"exemption-{found.get('exemption', 'other')}") + ".")
    return "".join(f"<br><small>{line}</small>" for line in dict.fromkeys(lines))


def recipients(policy: Policy) -> Mapping[str, Sequence[Vendor]]:
    """Vendors by category, also by those that only some of their requests belong to."""
    return _recipients(_ByFingerprint(policy.fingerprint, policy))


@dataclass(frozen=True, slots=True)
class _ByFingerprint:
    """A policy as a key: what has the same fingerprint has the same vendors."""

    fingerprint: str
    policy: Policy = field(compare=False)


# A banner stands in every page, and a policy may have thousands of vendors.
@lru_cache(maxsize=8)
def _recipients(key: _ByFingerprint) -> Mapping[str, Sequence[Vendor]]:
    policy = key.policy
    found: dict[str, dict[str, Vendor]] = {}
    for vendor in policy.vendors.values():
        found.setdefault(vendor.category, {})[vendor.id] = vendor
    for document in documents(policy):
        for vendor in document.get("vendors", ()):
            for use in (*vendor["uses"], *vendor["signatures"]):
                if use["category"] and use["category"] != policy.vendors[vendor["id"]].category:
                    found.setdefault(use["category"], {})[vendor["id"]] = policy.vendors[vendor["id"]]
    return {category: tuple(vendors.values()) for category, vendors in found.items()}


def vendor_text(vendor: Vendor, language: str) -> str:
    """Name, company, country and what a transfer there rests on."""
    company = f"{escape(company_name(language, vendor.company))}, " if vendor.company != vendor.name else ""
    basis = f"; {_p(language, f'transfer-{vendor.transfer_basis}')}" if vendor.transfer_basis else ""
    return f"{escape(vendor.name)} ({company}{escape(country_name(language, vendor.country))}{basis})"


# ------------------------------------------------------------------------------------------------ below the choices


def about_html(policy: Policy, language: str, *, reserved: str) -> list[str]:
    """Everything else the policy says to people, in sections."""
    sections = (
        ("who", _who(policy, language)),
        ("", _purposes(policy, language)),
        ("", _rights(policy, language, reserved)),
        ("revision", _revision(policy, language)),
    )
    lines: list[str] = []
    for heading, content in sections:
        if content:
            title = [f"<h2>{_p(language, heading)}</h2>"] if heading else []
            lines += ["<section>", *title, *content, "</section>"]
    return lines


def _who(policy: Policy, language: str) -> list[str]:
    own = documents(policy)[0]
    named = {policy.controller}
    lines = [
        _controller(own, language) if policy.controller else "",
        _contact(word(language, "contact"), policy.contact) if policy.contact else "",
    ]
    for party in own.get("parties", ()):
        named.add(party["name"])
        lines.append(_party(party, language))
    # Who works for a client says so under "parties"; a part nobody named is named here all the same.
    for part in policy.each[1:]:
        if part.controller and part.controller not in named:
            named.add(part.controller)
            lines.append(f"{_p(language, 'role-further')}: {escape(part.controller)}")
    subjects = [
        text_of(one["title"], language) for document in documents(policy) for one in _of(document, "dataSubjects")
    ]
    if subjects:
        lines.append(_p(language, "subjects").format(subjects=escape(", ".join(dict.fromkeys(subjects)))))
    return [f"<p>{line}</p>" for line in lines if line]


def _controller(own: Document, language: str) -> str:
    controller = own["controller"]
    address = f", {escape(controller['address'])}" if "address" in controller else ""
    country = f" ({escape(country_name(language, controller['country']))})" if "country" in controller else ""
    return escape(word(language, "controller")).format(name=escape(controller["name"])) + address + country


def _party(party: Mapping[str, Any], language: str) -> str:
    country = f" ({escape(country_name(language, party['country']))})" if "country" in party else ""
    contact = f", {_link(party['contact'])}" if "contact" in party else ""
    role = _p(language, f"role-{party['role']}")
    return f"{role}: {escape(party['name'])}{country}{contact}"


def _purposes(policy: Policy, language: str) -> list[str]:
    items = [_purpose(purpose, language) for document in documents(policy) for purpose in _of(document, "purposes")]
    if not items:
        return []
    return [f"<h2>{_d(language, 'purposes')}</h2>", f"<ul>{''.join(f'<li>{item}</li>' for item in items)}</ul>"]


def _purpose(purpose: Mapping[str, Any], language: str) -> str:
    said = [
        _ended(escape(text_of(purpose.get("reason", {}), language))),
        _p(language, "rests-on").format(basis=_p(language, f"basis-{purpose['basis']}")),
        _p(language, "kept-for").format(retention=_ended(escape(text_of(purpose["retention"], language))))
        if "retention" in purpose
        else "",
        _d(language, "stoppable" if purpose.get("canStop", True) else "not-stoppable"),
    ]
    return f"<strong>{escape(text_of(purpose['title'], language))}</strong> {' '.join(text for text in said if text)}"


def _rights(policy: Policy, language: str, reserved: str) -> list[str]:
    rights = documents(policy)[0].get("rights")
    if not rights:
        return []
    listed = "".join(f"<li>{_d(language, f'kind-{right}')}</li>" for right in rights["offered"])
    free = f" {_d(language, 'free')}" if rights.get("free", True) else ""
    said = [
        _d(language, "deadline").format(days=rights.get("deadlineDays", 30)) + free,
        _contact(desk_word(language, "contact"), rights["contact"]) if "contact" in rights else "",
        _d(language, "authority").format(authority=escape(text_of(rights["authority"], language)))
        if "authority" in rights
        else "",
    ]
    return [
        f"<h2>{_d(language, 'rights-title')}</h2>",
        f"<ul>{listed}</ul>",
        *(f"<p>{text}</p>" for text in said if text),
        f'<p><a href="{escape(reserved)}rights">{_p(language, "rights-link")}</a></p>',
    ]


def _revision(policy: Policy, language: str) -> list[str]:
    own = documents(policy)[0]
    dates = [
        ("revised", (own.get("source") or {}).get("dated") or _newest(own)),
        ("effective", own.get("effective", "")),
        ("reviewed", own.get("reviewed", "")),
    ]
    said = [_p(language, key).format(date=escape(date_text(language, date))) for key, date in dates if date]
    security = own.get("security")
    if not said and not security:
        return []
    said.append(_p(language, "version").format(version=escape(policy.version)))
    lines = [f"<p>{' '.join(said)}</p>"]
    if security:
        lines.append(f"<p>{_contact(policy_word(language, 'security'), security['contact'][0])}</p>")
    return lines


def _newest(document: Document) -> str:
    return max((change["date"] for change in document.get("changes", ())), default="")


def _of(document: Document, key: str) -> Iterator[Mapping[str, Any]]:
    yield from document.get(key, ())


def _contact(sentence: str, contact: str) -> str:
    return escape(sentence).format(contact=_link(contact))


def _ended(text: str) -> str:
    """A text of the policy with more to follow it in one line."""
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def _link(contact: str) -> str:
    """A mail or web address to follow; anything else as it is written."""
    shown = contact.removeprefix("mailto:").removeprefix("tel:")
    if contact.startswith(("https://", "http://", "mailto:", "tel:")):
        return f'<a href="{escape(contact)}">{escape(shown)}</a>'
    if "@" in contact and " " not in contact:
        return f'<a href="mailto:{escape(contact)}">{escape(shown)}</a>'
    return escape(shown)


def _p(language: str, key: str) -> str:
    return escape(policy_word(language, key))


def _d(language: str, key: str) -> str:
    return escape(desk_word(language, key))
