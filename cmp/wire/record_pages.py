"""A person's own pages: what is stored about them, a receipt, opting out of sale and sharing.

May go in here: markup from records, receipts and our own words, every value escaped. May not: looking records up, HTTP,
what a receipt holds (`receipts.py`).

Every page works without JavaScript, and looking at one changes nothing. A number that leads to a record never stands in
an address, which servers and browsers keep: it goes with a form's POST.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from cmp.wire.frame import hidden, page_html, status
from cmp.wire.policy_words import date_text, policy_word
from cmp.wire.receipts import NOT_STATED
from cmp.wire.record_words import record_word
from cmp.wire.words import spoken


@dataclass(frozen=True, slots=True)
class RecordPage:
    """What the page shows. `cookie` says what the browser holds (`granted`, `refused`, `day`), None where nothing.

    `receipt` is that of the person's records (`receipts.receipt_27560`), None where there are none; `number` is the
    records' number where the person gave it, "" where it stands in their cookie; `refused`: a receipt can be asked for.
    """

    cookie: Mapping[str, Any] | None
    receipt: Mapping[str, Any] | None
    number: str = ""
    refused: bool = False
    message: str = ""


def record_html(shown: RecordPage, language: str, *, reserved: str, token: str) -> str:
    """Everything that is stored about somebody, and what they can do with it."""
    fields = {"lang": spoken(language), "token": token, "record": shown.number}
    content = [
        f"<h1>{_w(language, 'title')}</h1>",
        status(shown.message),
        f"<h2>{_w(language, 'cookie')}</h2>",
        *_cookie(shown.cookie, language),
        f"<h2>{_w(language, 'record')}</h2>",
    ]
    if shown.receipt is None:
        content.append(f"<p>{_w(language, 'record-none')}</p>")
        if shown.refused:
            content += [f"<h2>{_w(language, 'refusal-title')}</h2>", f"<p>{_w(language, 'refusal-what')}</p>"]
            content += _button(f"{reserved}receipt", fields, record_word(language, "refusal"))
        content += _by_number(language, reserved, token)
    else:
        content += receipt_parts(shown.receipt, language)
        content += _files(shown, language, reserved, fields)
        if not shown.number:
            content.append(f"<h2>{_w(language, 'withdraw-title')}</h2>")
            content += _button(f"{reserved}withdraw", fields, record_word(language, "withdraw"))
        content += [f"<h2>{_w(language, 'erase-title')}</h2>", f"<p>{_w(language, 'erase-what')}</p>"]
        content += _button(f"{reserved}erase", fields, record_word(language, "erase"))
    content.append(f'<p><a href="{escape(reserved)}?lang={spoken(language)}">{_w(language, "choices")}</a></p>')
    return page_html(record_word(language, "title"), content, language, reserved)


def receipt_html(shown: RecordPage, language: str, *, reserved: str, token: str) -> str:
    """The receipt alone, as a page to keep or print. Raises ValueError where there is none."""
    if shown.receipt is None:
        raise ValueError("receipt: there is none to show")
    content = [
        f"<h1>{_w(language, 'receipt')}</h1>",
        status(shown.message),
        f"<p>{_w(language, 'keep')}</p>",
        *receipt_parts(shown.receipt, language),
        *_files(shown, language, reserved, {"lang": spoken(language), "token": token, "record": shown.number}),
        f'<p><a href="{escape(reserved)}record?lang={spoken(language)}">{_w(language, "title")}</a></p>',
    ]
    return page_html(record_word(language, "receipt"), content, language, reserved)


def receipt_parts(receipt: Mapping[str, Any], language: str) -> list[str]:
    """A receipt as tables: what is so of all of it, each choice, and what happened when."""
    signals = [name.upper() for name, said in receipt["signals"].items() if said]
    facts = [
        ("number", receipt["record_id"]),
        ("policy", f"{receipt['shown']['policy_version']} ({receipt['shown']['policy']})"),
        ("signals", ", ".join(signals) or record_word(language, "none")),
        ("proof", _proof(receipt["proofs"], language)),
    ]
    rows = "".join(f'<tr><th scope="row">{_w(language, key)}</th><td>{escape(text)}</td></tr>' for key, text in facts)
    parties = {party["party_id"]: party["party_name"] for party in receipt["party_identification"]}
    return [
        f"<table><tbody>{rows}</tbody></table>",
        *_table(
            record_word(language, "purposes"),
            ("purposes", "what", "basis", "recipients"),
            [
                (
                    one["purpose"],
                    record_word(language, f"state-{one['state']}"),
                    _basis(one["lawful_basis"], language),
                    ", ".join(parties[id_] for id_ in one["recipient_third_parties"])
                    or record_word(language, "nobody"),
                )
                for one in receipt["pii_processing"]
            ],
            language,
        ),
        *_table(
            record_word(language, "when"),
            ("when", "what", "purposes"),
            [
                (
                    event["event_time"].replace("T", " ").rstrip("Z"),
                    record_word(language, f"state-{event['event_state']}"),
                    ", ".join(event["purposes"]),
                )
                for event in receipt["events"]
            ],
            language,
        ),
    ]


def opt_out_html(
    titles: Sequence[str], language: str, *, reserved: str, token: str, back: str, done: bool, problem: str = ""
) -> str:
    """Opting out of sale and sharing with one button (11 CCR 7026). `titles` are of what it switches off."""
    listed = "".join(f"<li>{escape(title)}</li>" for title in titles)
    content = [
        f"<h1>{_w(language, 'opt-out')}</h1>",
        status(problem or (record_word(language, "opt-out-done") if done else "")),
    ]
    if titles:
        content += [
            f"<p>{_w(language, 'opt-out-what')}</p>",
            f"<ul>{listed}</ul>",
            *_button(
                f"{reserved}do-not-sell",
                {"lang": spoken(language), "token": token, "back": back, "surface": "preferences"},
                record_word(language, "opt-out-button"),
            ),
        ]
    else:
        content.append(f"<p>{_w(language, 'opt-out-nothing')}</p>")
    content.append(f'<p><a href="{escape(reserved)}?lang={spoken(language)}">{_w(language, "choices")}</a></p>')
    return page_html(record_word(language, "opt-out"), content, language, reserved)


def _cookie(cookie: Mapping[str, Any] | None, language: str) -> list[str]:
    if cookie is None:
        return [f"<p>{_w(language, 'cookie-none')}</p>"]
    rows = [
        (record_word(language, f"state-{state}"), ", ".join(cookie[name]))
        for name, state in (("granted", "given"), ("refused", "refused"))
        if cookie[name]
    ]
    listed = "".join(f"<li>{escape(state)}: {escape(names)}</li>" for state, names in rows)
    day = escape(date_text(language, cookie["day"]))
    return [f"<p>{_w(language, 'cookie-what').format(day=day)}</p>", f"<ul>{listed}</ul>" if listed else ""]


def _files(shown: RecordPage, language: str, reserved: str, fields: Mapping[str, str]) -> list[str]:
    forms = [("27560", "download-27560")]
    if any(one["state"] == "given" for one in (shown.receipt or {})["pii_processing"]):
        forms.append(("kantara", "download-kantara"))
    return [
        *(
            line
            for form, key in forms
            for line in _button(f"{reserved}receipt", {**fields, "form": form}, record_word(language, key))
        ),
        *_button(f"{reserved}export", fields, record_word(language, "export")),
    ]


def _by_number(language: str, reserved: str, token: str) -> list[str]:
    return [
        f"<h2>{_w(language, 'by-number')}</h2>",
        f'<form class="consentry-form" method="post" action="{escape(reserved)}record">',
        *hidden({"lang": spoken(language), "token": token}),
        f'<p class="consentry-field"><label for="record-number">{_w(language, "number")}</label><br>'
        '<input id="record-number" name="record" maxlength="32" autocomplete="off" required></p>',
        f"<p><button>{_w(language, 'show-receipt')}</button></p>",
        "</form>",
    ]


def _button(action: str, fields: Mapping[str, str], label: str) -> list[str]:
    return [
        f'<form class="consentry-form" method="post" action="{escape(action)}">',
        *hidden(fields),
        f"<p><button>{escape(label)}</button></p>",
        "</form>",
    ]


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], language: str) -> list[str]:
    head = "".join(f'<th scope="col">{_w(language, name)}</th>' for name in heads)
    body = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    return [
        f'<div class="consentry-scroll" tabindex="0" role="group" aria-label="{escape(caption)}">'
        f"<table><caption>{escape(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    ]


def _proof(proofs: Sequence[Mapping[str, Any]], language: str) -> str:
    inclusion = proofs[-1]["inclusion"]
    if inclusion is None:
        return record_word(language, "proof-none")
    return record_word(language, "proof-is").format(index=inclusion["index"], size=inclusion["head"]["size"])


def _basis(text: str, language: str) -> str:
    return record_word(language, "not-stated") if text == NOT_STATED else policy_word(language, f"basis-{text}")


def _w(language: str, key: str) -> str:
    return escape(record_word(language, key))
