"""The desk's pages: rights and how to use them, the receipt of a request, the opt-out page.

May go in here: markup from the policy's texts and our own words, every value escaped. May not: what is offered and what
happens (`cmp.server`), HTTP.

Every page works without JavaScript, and looking at one changes nothing: mail scanners and browsers that load links
ahead follow them too. What changes something is a form's POST. The markup is ASCII, other characters as references.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from cmp.wire.desk_words import desk_word
from cmp.wire.frame import hidden, page_html, status
from cmp.wire.words import spoken

# How long a text may be that somebody writes; the server holds to it as well.
_TEXT_LIMIT: Final = 4_000
_CONTACT_LIMIT: Final = 254


@dataclass(frozen=True, slots=True)
class Option:
    """One entry of a list to choose from: what is sent, and what is read."""

    value: str
    title: str


@dataclass(frozen=True, slots=True)
class PurposeLine:
    """A purpose off the web, as it is listed. `facts` are sentences."""

    title: str
    facts: Sequence[str]


@dataclass(frozen=True, slots=True)
class RightsPage:
    """What the rights page shows. `facts` are sentences about deadlines, limits and contacts.

    `filled` are values of the form as they were sent, for who has to correct something.
    """

    kinds: Sequence[Option]
    facts: Sequence[str]
    notices: Sequence[str] = ()
    purposes: Sequence[PurposeLine] = ()
    subjects: Sequence[Option] = ()
    clients: Sequence[Option] = ()
    askable: Sequence[Option] = ()
    lists: Sequence[Option] = ()
    list_clients: Sequence[Option] = ()
    filled: Mapping[str, str] | None = None


def rights_html(shown: RightsPage, language: str, *, reserved: str, token: str, problem: str = "") -> str:
    """The page with everything one can ask for and the form to do it."""
    filled = shown.filled or {}
    content = [
        f"<h1>{_w(language, 'rights-title')}</h1>",
        status(problem),
        *_notices(shown.notices, language),
        *_section(shown, language),
        *_purposes(shown.purposes, language),
    ]
    if shown.kinds:
        content += [
            f'<h2 id="ask">{_w(language, "ask")}</h2>',
            f'<form class="consentry-form" method="post" action="{escape(reserved)}rights">',
            *hidden({"lang": spoken(language), "token": token}),
            _select("kind", _w(language, "field-kind"), shown.kinds, filled),
            *_optional_select("subject", _w(language, "field-subject"), shown.subjects, filled, language),
            *_optional_select("client", _w(language, "field-client"), shown.clients, filled, language),
            *_optional_select("purpose", _w(language, "field-purpose"), shown.askable, filled, language),
            _input("contact", _w(language, "field-contact"), filled.get("contact", ""), "email"),
            f'<p class="consentry-field"><label for="desk-text">{_w(language, "field-text")}</label><br>'
            f'<textarea id="desk-text" name="text" rows="6" cols="40" maxlength="{_TEXT_LIMIT}">\n'
            f"{escape(filled.get('text', ''))}</textarea></p>",
            f"<p><button>{_w(language, 'send')}</button></p>",
            "</form>",
        ]
    if shown.lists:
        content += [
            f"<h2>{_w(language, 'opt-out-form')}</h2>",
            f'<form class="consentry-form" method="post" action="{escape(reserved)}opt-out">',
            *hidden({"lang": spoken(language), "token": token}),
            _select("list", _w(language, "field-list"), shown.lists, filled),
            *_optional_select("for", _w(language, "field-client"), shown.list_clients, filled, language, own=True),
            _input("address", _w(language, "field-address"), "", "email"),
            f"<p><button>{_w(language, 'opt-out-button')}</button></p>",
            "</form>",
        ]
    content.append(f'<p><a href="{escape(reserved)}">{_w(language, "choices")}</a></p>')
    return page_html(desk_word(language, "rights-title"), content, language, reserved)


def receipt_html(facts: Iterable[tuple[str, str]], language: str, *, reserved: str) -> str:
    """How a request stands. `facts` are pairs of a key of the word table and a text."""
    rows = [f'<tr><th scope="row">{_w(language, key)}</th><td>{escape(text)}</td></tr>' for key, text in facts if text]
    content = [
        f"<h1>{_w(language, 'receipt-title')}</h1>",
        f"<table><tbody>{''.join(rows)}</tbody></table>",
        f"<p>{_w(language, 'receipt-keep')}</p>",
        f'<p><a href="{escape(reserved)}rights">{_w(language, "rights-title")}</a></p>',
    ]
    return page_html(desk_word(language, "receipt-title"), content, language, reserved)


def opt_out_html(title: str, address: str, days: int, language: str, *, reserved: str, token: str) -> str:
    """What an opt-out link opens: the same whether or not the address is on the list, or known at all.

    `title` says which mails, `address` is masked already, `token` is the link's.
    """
    content = [
        f"<h1>{_w(language, 'opt-out-title')}</h1>",
        f"<p>{_w(language, 'opt-out-for').format(address=escape(address))} <strong>{escape(title)}</strong></p>",
        *_one_button(f"{reserved}opt-out/{token}", "opt-out", desk_word(language, "opt-out-button"), language),
        f"<p>{_w(language, 'opt-out-days').format(days=days)}</p>",
        f"<h2>{_w(language, 'opt-in-question')}</h2>",
        *_one_button(f"{reserved}opt-in/{token}", "opt-in", desk_word(language, "opt-in-button"), language),
    ]
    return page_html(desk_word(language, "opt-out-title"), content, language, reserved)


def changed_html(key: str, facts: Iterable[str], language: str, *, reserved: str, opt_in: str = "") -> str:
    """What was done. `key` is a word, `opt_in` the token with which an opt-out can be taken back ("": none)."""
    content = [
        f'<h1 role="status">{_w(language, key)}</h1>',
        *(f"<p>{escape(fact)}</p>" for fact in facts if fact),
    ]
    if opt_in:
        content += _one_button(f"{reserved}opt-in/{opt_in}", "opt-in", desk_word(language, "opt-in-button"), language)
    return page_html(desk_word(language, key), content, language, reserved)


def _section(shown: RightsPage, language: str) -> list[str]:
    listed = "".join(f"<li>{escape(kind.title)}</li>" for kind in shown.kinds)
    head = [f"<h2>{_w(language, 'rights-what')}</h2>", f"<ul>{listed}</ul>"] if listed else []
    return [*head, *(f"<p>{escape(fact)}</p>" for fact in shown.facts if fact)]


def _notices(texts: Sequence[str], language: str) -> list[str]:
    if not texts:
        return []
    return [f"<h2>{_w(language, 'notices')}</h2>", *(f"<p><strong>{escape(text)}</strong></p>" for text in texts)]


def _purposes(purposes: Sequence[PurposeLine], language: str) -> list[str]:
    if not purposes:
        return []
    items = [
        f"<li><strong>{escape(purpose.title)}</strong> {escape(' '.join(fact for fact in purpose.facts if fact))}</li>"
        for purpose in purposes
    ]
    return [f"<h2>{_w(language, 'purposes')}</h2>", f"<ul>{''.join(items)}</ul>"]


def _one_button(action: str, choice: str, label: str, language: str) -> list[str]:
    return [
        f'<form class="consentry-form" method="post" action="{escape(action)}">',
        *hidden({"choice": choice, "lang": spoken(language)}),
        f"<p><button>{escape(label)}</button></p>",
        "</form>",
    ]


def _optional_select(
    name: str, label: str, options: Sequence[Option], filled: Mapping[str, str], language: str, *, own: bool = False
) -> list[str]:
    if not options:
        return []
    nobody = Option("", desk_word(language, "us" if own else "none-of-these"))
    return [_select(name, label, [nobody, *options], filled)]


def _select(name: str, label: str, options: Sequence[Option], filled: Mapping[str, str]) -> str:
    """`label` is escaped already."""
    listed = "".join(
        f'<option value="{escape(option.value)}"{" selected" if filled.get(name) == option.value else ""}>'
        f"{escape(option.title)}</option>"
        for option in options
    )
    return (
        f'<p class="consentry-field"><label for="desk-{name}">{label}</label><br>'
        f'<select id="desk-{name}" name="{name}">{listed}</select></p>'
    )


def _input(name: str, label: str, value: str, autocomplete: str) -> str:
    # Not type=email: browsers would refuse addresses that mail servers take, and a telephone number.
    return (
        f'<p class="consentry-field"><label for="desk-{name}">{label}</label><br><input id="desk-{name}" name="{name}"'
        f' value="{escape(value)}" autocomplete="{autocomplete}" maxlength="{_CONTACT_LIMIT}" required></p>'
    )


def _w(language: str, key: str) -> str:
    return escape(desk_word(language, key))
