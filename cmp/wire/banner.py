"""The banner in the page, the preferences page, and the small answers around them, as HTML.

May go in here: markup built from the policy's texts and our own words, every value escaped. May not: what a policy says
beside the choices (`about.py`, `news.py`), policy logic (what may pass is `cmp.core`), scripts and styles
(`static/banner.js`, `static/banner.css`, so that a strict CSP holds), HTTP.

The markup is ASCII only, other characters as references: it stands in pages of any ASCII-compatible encoding. It needs
no JavaScript: the form posts into a small frame, so that what somebody has typed into the page stays there.

What a form sends to `{reserved}choice`: `choice` is "accept", "refuse" or "save" (then `category`, repeated, holds the
categories granted and `vendor`, repeated, the single vendors; what is not named is refused); without `choice`, `vendor`
is granted besides what holds. `surface`, `lang`, and where they apply `answer=frame`, `token` and `back` go with it.
`static/banner.js` sends the same as JSON. To `{reserved}tell-me` goes `tell`, "on" or "off".

Sources: WCAG 2.2 (2.1.1, 2.1.2, 2.4.11, 3.2.6, 4.1.2, 4.1.3): a non-modal region first in the page, in flow and without
a trap, native controls, the link back to the choices always at the end of that region, at the top of the page.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape
from typing import Final

from cmp.core.consent import Visitor, permit
from cmp.core.policy import Basis, Category, Policy, Vendor
from cmp.core.signals import Signals
from cmp.wire import about, news
from cmp.wire.frame import STYLE_FILE, hidden, in_ascii, page_html, status
from cmp.wire.occasion import Occasion
from cmp.wire.placeholder import embed_path
from cmp.wire.policy_words import policy_word
from cmp.wire.record_words import record_word
from cmp.wire.tell_me import CookieLine
from cmp.wire.words import company_name, country_name, spoken, text_of, word

SCRIPT_FILE: Final = "banner.js"
# The page's frame that takes the answer to a form sent without JavaScript.
ANSWER_FRAME: Final = "consent-answer"
# A banner stands in every page: a long list of companies is for the preferences page.
_VENDORS_SHOWN: Final = 8
_COOKIES_SHOWN: Final = 60
_NAME_SHOWN: Final = 100
_SIGNAL_NAMES: Final = {"gpc": "Global Privacy Control", "dnt": "Do Not Track"}


def is_decided(policy: Policy, visitor: Visitor) -> bool:
    """Whether nothing is left to ask: every category the visitor can switch has been granted or refused."""
    decided = visitor.granted | visitor.refused
    return all(category in decided for category in policy.optional_categories)


def state_of(policy: Policy, visitor: Visitor) -> str:
    """The visitor's choices in one line, the same for everybody with the same choices.

    It stands in the page as `data-state` and `{reserved}state` answers it, so that a page out of the back-forward cache
    can tell whether it is still true.
    """
    optional = policy.optional_categories
    said = [
        f"{name}={'refused' if name in visitor.refused else 'granted'}"
        for name in sorted(visitor.granted | visitor.refused)
        if name in optional or (name.startswith("vendor:") and name.removeprefix("vendor:") in policy.vendors)
    ]
    return " ".join(said) or "undecided"


# The two plain answers, side by side.
_ANSWERS = ("accept", "refuse")


def banner_html(
    policy: Policy,
    visitor: Visitor,
    signals: Signals,
    language: str,
    *,
    reserved: str,
    problem: str = "",
    occasion: Occasion | None = None,
    told: Sequence[CookieLine] | None = None,
) -> str:
    """What is put first into the body. Once everything is decided on, the link back to the choices is left, with what
    has to be shown all the same: notices in force, a signal that is honoured, cookies where they were asked for.

    `problem` is a text for the visitor, such as that choices cannot be saved at the moment. Without an `occasion`
    nothing that depends on the day is shown. `told` are the cookies of this page, for a visitor who wants to be told.
    """
    asked = not is_decided(policy, visitor)
    link = f'<a class="consentry-reopen" href="{escape(reserved)}">{_w(language, "reopen")}</a>'
    content = [
        f'<link rel="stylesheet" href="{escape(reserved)}{STYLE_FILE}">',
        f'<script src="{escape(reserved)}{SCRIPT_FILE}" defer></script>',
    ]
    notices = news.notices_html(policy, language, occasion.now) if occasion is not None else []
    if asked:
        new = (
            news.news_html(policy, visitor, occasion, language, heading="h3", more=reserved)
            if occasion is not None
            else []
        )
        content += [
            f'<h2 id="consentry-title">{_w(language, "title")}</h2>',
            *notices,
            *new,
            f"<p>{_w(language, 'sentence')}</p>",
            *_signal_notes(policy, visitor, signals, language),
            f'<p class="consentry-no-cookies" hidden>{_w(language, "no-cookies")}</p>',
            status(problem),
            _form(policy, visitor, language, reserved=reserved, target=ANSWER_FRAME, shown=_VENDORS_SHOWN),
            f'<iframe class="consentry-answer" name="{ANSWER_FRAME}" title="{_w(language, "answer-title")}"></iframe>',
        ]
    else:
        content += [*notices, *_signal_notes(policy, visitor, signals, language, asked=False)]
        content += [status(problem)] if problem else []
    content += _told(told, language) if told is not None else []
    # 11 CCR 7026(a): a link of its own, on every page, for those it is a right of.
    foot = [link, *([_opt_out_link(language, reserved)] if visitor.place[:2] == "US" else [])]
    label = 'aria-labelledby="consentry-title"' if asked else f'aria-label="{_w(language, "reopen")}"'
    return in_ascii(
        f'<section class="consentry{"" if asked else " consentry-decided"}" role="region" {label}'
        f' lang="{spoken(language)}" data-state="{escape(state_of(policy, visitor))}"'
        f' data-reserved="{escape(reserved)}" data-failed="{_w(language, "failed")}">\n'
        + "\n".join([*content, f'<p class="consentry-foot">{" ".join(foot)}</p>', "</section>"])
        + "\n"
    )


def preferences_html(
    policy: Policy,
    visitor: Visitor,
    signals: Signals,
    language: str,
    *,
    reserved: str,
    token: str,
    back: str,
    saved: bool = False,
    problem: str = "",
    occasion: Occasion | None = None,
) -> str:
    """The page on which every choice can be seen and changed, and with it all the policy says to people.

    `back` is a path on our own origin, or "". Without an `occasion` nothing that depends on the day is shown.
    """
    title = text_of(policy.titles, language) or word(language, "title")
    new: list[str] = []
    if occasion is not None:
        new += news.notices_html(policy, language, occasion.now)
        new += news.news_html(policy, visitor, occasion, language, heading="h2")
        new += news.announced_html(policy, occasion, language)
    message = problem or (word(language, "saved") if saved else "")
    content = [
        f"<h1>{escape(title)}</h1>",
        status(message),
        *new,
        f"<p>{_w(language, 'sentence')}</p>",
        *_signal_notes(policy, visitor, signals, language),
        *about.dnt_html(policy, language),
        _form(policy, visitor, language, reserved=reserved, token=token, back=back, opened=True),
        f"<p>{_w(language, 'withdraw')} {_w(language, 'reach')}</p>",
        *([f"<p>{about.held(policy, visitor.place, language)}</p>"] if policy.optional_categories else []),
        *_own_links(policy, language, reserved),
        *_tell_me(policy, visitor, language, {"token": token, "back": back}, reserved),
        *about.about_html(policy, language, reserved=reserved),
        *_back_link(back, language),
    ]
    return page_html(title, content, language, reserved)


def buttons_of(surface: str) -> tuple[str, ...]:
    """The buttons that answer the question on a surface ("banner", "preferences", "embed"), as they stand there."""
    return ("always",) if surface == "embed" else (*_ANSWERS, "save")


def embed_html(
    policy: Policy, vendor_id: str, language: str, *, reserved: str, token: str, back: str, once: str = ""
) -> str:
    """What stands in the frame of a vendor that was not loaded. Raises KeyError for a vendor nobody declared.

    `once` is the address of what would be there, "" where it may not be loaded even with consent.
    """
    vendor = policy.vendors[vendor_id]
    name = escape(vendor.name)
    content = [
        f"<h1>{_w(language, 'embed-title').format(vendor=name)}</h1>",
        f"<p>{_embed_why(vendor, language)}</p>",
        *(_once_form(vendor, language, reserved, token, once) if once else []),
        f'<form method="post" action="{escape(reserved)}choice" target="_top">',
        *hidden({"surface": "embed", "lang": spoken(language), "token": token, "back": back, "vendor": vendor.id}),
        f"<button>{_w(language, 'embed-always').format(vendor=name)}</button>",
        "</form>",
        f'<p><a href="{escape(reserved)}" target="_top">{_w(language, "embed-choices")}</a></p>',
    ]
    return page_html(word(language, "embed-title").format(vendor=vendor.name), content, language, reserved)


def _once_form(vendor: Vendor, language: str, reserved: str, token: str, url: str) -> list[str]:
    # Sent into this very frame: nothing else of the page changes, and nothing is kept.
    return [
        f'<form method="post" action="{escape(embed_path(vendor.id, reserved))}">',
        *hidden({"lang": spoken(language), "token": token, "of": url}),
        f"<button>{_w(language, 'embed-once').format(vendor=escape(vendor.name))}</button>",
        "</form>",
    ]


def once_html(policy: Policy, vendor_id: str, language: str, *, reserved: str, url: str) -> str:
    """A page that is nothing but the vendor's content. Raises KeyError for a vendor nobody declared."""
    name = escape(policy.vendors[vendor_id].name)
    content = [
        f'<iframe class="consentry-once" title="{name}" src="{escape(url)}" allowfullscreen'
        ' allow="autoplay; encrypted-media; fullscreen; picture-in-picture"'
        # Whose page it stands in is what many players ask for; which page is not said.
        ' referrerpolicy="strict-origin"></iframe>'
    ]
    return page_html(policy.vendors[vendor_id].name, content, language, reserved)


def answer_html(policy: Policy, language: str, *, saved: bool, problem: str) -> str:
    """What the banner's frame shows after a form was sent without JavaScript. Plain: it needs no file of ours."""
    lines = [word(language, "saved"), word(language, "saved-next")] if saved else [problem or word(language, "failed")]
    title = text_of(policy.titles, language) or word(language, "answer-title")
    return page_html(title, [f'<p role="status">{escape(" ".join(lines))}</p>'], language, "")


def _form(
    policy: Policy,
    visitor: Visitor,
    language: str,
    *,
    reserved: str,
    target: str = "",
    token: str = "",
    back: str = "",
    shown: int | None = None,
    opened: bool = False,
) -> str:
    """The form with its two plain answers and, behind "Choose", the single ones. `shown` bounds the vendors listed."""
    chooser = [
        *_boxes(policy, visitor, language),
        *_table(policy, language, reserved, shown),
        f'<p><button name="choice" value="save">{_w(language, "save")}</button></p>',
    ]
    answers = [
        f'<button name="choice" value="{value}">{_w(language, value)}</button>'
        for value in _ANSWERS
        if policy.optional_categories
    ]
    if not policy.optional_categories:
        chooser = list(_table(policy, language, reserved, shown))
    target_attribute = f' target="{target}"' if target else ""
    lines = [
        f'<form class="consentry-form" method="post" action="{escape(reserved)}choice"{target_attribute}>',
        *hidden(
            {
                "surface": "banner" if target else "preferences",
                "answer": "frame" if target else "",
                "lang": spoken(language),
                "token": token,
                "back": back,
            }
        ),
        '<div class="consentry-answers">',
        *answers,
        *([] if opened else [f"<details><summary>{_w(language, 'choose')}</summary>", *chooser, "</details>"]),
        "</div>",
        about.conditions(policy, language),
        *(chooser if opened else []),
        "</form>",
    ]
    return "\n".join(lines)


def _boxes(policy: Policy, visitor: Visitor, language: str) -> list[str]:
    """A box for each category that can be switched, ticked only where it was granted, and for each single vendor
    that was granted on its own, so that it can be withdrawn like any other choice."""
    lines = [f"<fieldset><legend>{_w(language, 'choose')}</legend>"]
    for id_ in policy.optional_categories:
        title = text_of(policy.categories[id_].titles, language) or id_
        lines.append(_box("category", id_, title, id_ in visitor.granted and id_ not in visitor.refused))
    lines.append("</fieldset>")
    named = (name.removeprefix("vendor:") for name in sorted(visitor.granted) if name.startswith("vendor:"))
    single = [policy.vendors[id_] for id_ in named if id_ in policy.vendors]
    if single:
        lines.append(f"<fieldset><legend>{_w(language, 'single')}</legend>")
        lines += [_box("vendor", vendor.id, vendor.name, True) for vendor in single]
        lines.append("</fieldset>")
    return lines


def _box(name: str, value: str, label: str, checked: bool) -> str:
    mark = " checked" if checked else ""
    return (
        f'<label class="consentry-box"><input type="checkbox" name="{name}" value="{escape(value)}"{mark}>'
        f" <span>{escape(label)}</span></label>"
    )


@lru_cache(maxsize=16)
def _table(policy: Policy, language: str, reserved: str, shown: int | None) -> tuple[str, ...]:
    """Purpose, why, how long, and who receives data, a row for each category in use: the same for every visitor."""
    heads = ("purpose", "why", "retention", "vendors")
    lines = [
        '<div class="consentry-scroll" tabindex="0" role="group"'
        f' aria-label="{_w(language, "table")}"><table><caption>{_w(language, "table")}</caption><thead><tr>',
        *(f'<th scope="col">{_w(language, head)}</th>' for head in heads),
        "</tr></thead><tbody>",
    ]
    by_category = about.recipients(policy)
    for category in policy.categories.values():
        if not category.never:
            vendors = by_category.get(category.id, ())
            # What is claimed and exempt is for who reads on: a banner stands in every page.
            notes = about.category_notes(policy, category, language) if shown is None else ""
            lines.append(_row(category, vendors, language, reserved, shown=shown, notes=notes))
    return (*lines, "</tbody></table></div>")


def _row(
    category: Category, vendors: Sequence[Vendor], language: str, reserved: str, *, shown: int | None, notes: str
) -> str:
    title = escape(text_of(category.titles, language) or category.id)
    if category.necessary:
        title += f" <small>({_w(language, 'always')})</small>"
    elif category.basis is Basis.EXEMPT:
        title += f" <small>({escape(policy_word(language, 'until-refused'))})</small>"
    cells = [text_of(texts, language) for texts in (category.reasons, category.retention)]
    listed = vendors if shown is None else vendors[:shown]
    who = [f"<li>{about.vendor_text(vendor, language)}</li>" for vendor in listed]
    if len(listed) < len(vendors):
        more = _w(language, "more").format(count=len(vendors) - len(listed))
        who.append(f'<li><a href="{escape(reserved)}">{more}</a></li>')
    received = f"<ul>{''.join(who)}</ul>" if who else _w(language, "nobody")
    why, how_long = (escape(cell) if cell else _w(language, "unstated") for cell in cells)
    return f'<tr><th scope="row">{title}</th><td>{why}{notes}</td><td>{how_long}</td><td>{received}</td></tr>'


def _embed_why(vendor: Vendor, language: str) -> str:
    country = country_name(language, vendor.country)
    return _w(language, "embed-why").format(
        company=escape(company_name(language, vendor.company)), country=escape(country)
    )


def _signal_notes(
    policy: Policy, visitor: Visitor, signals: Signals, language: str, *, asked: bool = True
) -> list[str]:
    """That the browser's signal is honoured, where it switches anything off (11 CCR 7025(c)(6)); nothing where the
    policy disregards it, or the visitor agreed all the same."""
    honoured = [token for token in signals.tokens if _denies(policy, visitor, signals, token)]
    if not honoured:
        return []
    names = ", ".join(_SIGNAL_NAMES[token] for token in honoured)
    override = asked and all(
        part.signals[token].grant_overrides for part in policy.each for token in honoured if token in part.signals
    )
    texts = [
        word(language, "signal").format(signals=names),
        *([word(language, "signal-override")] if override else []),
    ]
    return [f'<p class="consentry-signal">{escape(" ".join(texts))}</p>']


def _denies(policy: Policy, visitor: Visitor, signals: Signals, token: str) -> bool:
    return any(
        category in part.optional_categories and not permit(part, visitor, signals, category, None).allowed
        for part in policy.each
        if token in part.signals
        for category in part.signals[token].denies
    )


def _tell_me(policy: Policy, visitor: Visitor, language: str, fields: Mapping[str, str], reserved: str) -> list[str]:
    """The switch for being told of each cookie, where the policy offers it."""
    if not policy.tell_me:
        return []
    switch = "off" if visitor.tell_me else "on"
    return [
        "<section>",
        f"<h2>{escape(policy_word(language, 'tell'))}</h2>",
        f"<p>{escape(policy_word(language, 'tell-what'))}</p>",
        f'<form class="consentry-form" method="post" action="{escape(reserved)}tell-me">',
        *hidden({"lang": spoken(language), **fields}),
        f'<p><button name="tell" value="{switch}">{escape(policy_word(language, f"tell-{switch}"))}</button></p>',
        "</form>",
        "</section>",
    ]


def _told(lines: Sequence[CookieLine], language: str) -> list[str]:
    items = [
        f"<li><code>{escape(line.name[:_NAME_SHOWN]) or '&#8203;'}</code>: {escape(line.text(language))}</li>"
        for line in lines[:_COOKIES_SHOWN]
    ]
    if len(lines) > _COOKIES_SHOWN:
        more = policy_word(language, "told-more").format(count=len(lines) - _COOKIES_SHOWN)
        items.append(f"<li>{escape(more)}</li>")
    title = policy_word(language, "told") + ("" if lines else f": {policy_word(language, 'told-none')}")
    listed = [f'<ul aria-labelledby="consentry-told">{"".join(items)}</ul>'] if items else []
    return ['<div class="consentry-told">', f'<p id="consentry-told">{escape(title)}</p>', *listed, "</div>"]


def _own_links(policy: Policy, language: str, reserved: str) -> list[str]:
    """Ways to a person's own record, and, on every visitor's page, to opting out of sale and sharing."""
    record = f'<a href="{escape(reserved)}record?lang={spoken(language)}">{escape(record_word(language, "title"))}</a>'
    return [
        f"<p>{record}</p>",
        *([f"<p>{_opt_out_link(language, reserved)}</p>"] if policy.optional_categories else []),
    ]


def _opt_out_link(language: str, reserved: str) -> str:
    href = f"{escape(reserved)}do-not-sell?lang={spoken(language)}"
    return f'<a href="{href}">{escape(record_word(language, "opt-out"))}</a>'


def _back_link(back: str, language: str) -> list[str]:
    if not back.startswith("/") or back.startswith(("//", "/\\")):
        return []
    return [f'<p><a href="{escape(back)}">{_w(language, "back")}</a></p>']


def _w(language: str, key: str) -> str:
    return escape(word(language, key))
