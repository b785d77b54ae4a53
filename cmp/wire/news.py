"""What is new to a visitor, as HTML: notices in force, what changed since their choice, what is announced.

May go in here: markup for these, every value escaped. May not: finding out what is new (`occasion.py` holds it), what a
policy says at any time (`about.py`).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any, Final

from cmp.core.consent import Visitor
from cmp.core.policy import Policy
from cmp.policy.changes import Change
from cmp.seal.holding import category_of
from cmp.wire.about import documents
from cmp.wire.occasion import Occasion
from cmp.wire.policy_words import change_text, date_text, policy_word, title_of
from cmp.wire.words import text_of

# A policy may take over a hundred companies at once; nobody reads on.
_CHANGES_SHOWN: Final = 30


def notices_html(policy: Policy, language: str, now: float) -> list[str]:
    """The notices in force, each with what kind it is."""
    today = _day(now)
    return [
        f'<p class="consentry-notice"><strong>{_p(language, "notice-" + notice["kind"])}:</strong> '
        f"{escape(text_of(notice['text'], language))}</p>"
        for document in documents(policy)
        for notice in document.get("notices", ())
        if notice["from"] <= today and ("until" not in notice or today < notice["until"])
    ]


def news_html(
    policy: Policy, visitor: Visitor, occasion: Occasion, language: str, *, heading: str, more: str = ""
) -> list[str]:
    """What changed since the visitor's choice, in the operator's words and counted out; nothing where nothing did.

    `heading` is the element for the title, such as "h2". With `more`, an address, what was counted out is left to the
    page there.
    """
    if visitor.decided_at is None or visitor.policy == policy.fingerprint:
        return []
    told = _operators_words(policy, language, _day(visitor.decided_at), _day(occasion.now))
    asked = {category_of(policy, name): None for name in sorted(occasion.lapsed)}
    names = [title_of(category, language) for id_, category in policy.categories.items() if id_ in asked]
    counted = [] if more else _listed(occasion.changes, policy, language)
    if not told and not names and not occasion.changes:
        return []
    return [
        '<div class="consentry-news">',
        f"<{heading}>{_p(language, 'changed')}</{heading}>",
        *([f"<ul>{''.join(f'<li>{text}</li>' for text in told)}</ul>"] if told else []),
        *counted,
        *([f"<p>{_p(language, 'changed-ask').format(categories=escape(', '.join(names)))}</p>"] if names else []),
        *([f'<p><a href="{escape(more)}">{_p(language, "changed-more")}</a></p>'] if more else []),
        "</div>",
    ]


def announced_html(policy: Policy, occasion: Occasion, language: str) -> list[str]:
    """The policy that follows: from when, and what will be different."""
    if occasion.announced is None:
        return []
    coming = occasion.announced.policy
    since = _day(occasion.announced.since)
    known = {_key(change) for document in documents(policy) for change in document.get("changes", ())}
    told = [
        escape(text_of(change["text"], language))
        for document in documents(coming)
        for change in document.get("changes", ())
        if _key(change) not in known
    ]
    return [
        "<section>",
        f"<h2>{_p(language, 'announced').format(date=escape(date_text(language, since)))}</h2>",
        *([f"<ul>{''.join(f'<li>{text}</li>' for text in told)}</ul>"] if told else []),
        *_listed(occasion.coming, coming, language),
        "</section>",
    ]


def _operators_words(policy: Policy, language: str, since: str, today: str) -> list[str]:
    """Each change that is dated on the day `since` or later and not in the future, newest first."""
    found = [
        (change["date"], text_of(change["text"], language))
        for document in documents(policy)
        for change in document.get("changes", ())
        if since <= change["date"] <= today
    ]
    found.sort(key=lambda change: change[0], reverse=True)
    return [f"{escape(date_text(language, date))}: {escape(text)}" for date, text in found]


def _listed(found: Sequence[Change], policy: Policy, language: str) -> list[str]:
    if not found:
        return []
    items = [f"<li>{escape(change_text(change, policy, language))}</li>" for change in found[:_CHANGES_SHOWN]]
    if len(found) > _CHANGES_SHOWN:
        items.append(f"<li>{_p(language, 'changes-more').format(count=len(found) - _CHANGES_SHOWN)}</li>")
    return [f"<ul>{''.join(items)}</ul>"]


def _key(change: Mapping[str, Any]) -> tuple[str, str]:
    return change["version"], change["date"]


def _day(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d")


def _p(language: str, key: str) -> str:
    return escape(policy_word(language, key))
