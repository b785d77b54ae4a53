"""Decisions that a draft leaves to a person.

May go in here: lints about the mark "undecided". May not: making drafts (`cmp.policy.drafting`).
"""

from collections.abc import Iterator

from cmp.policy.lints.advice import Found, Level, Lint, Subject


def _undecided(subject: Subject) -> Iterator[Found]:
    for list_, key in (("vendors", "id"), ("cookies", "name")):
        for n, entry in enumerate(subject.document.get(list_, [])):
            if "undecided" not in entry:
                continue
            category = subject.categories[entry["category"]]
            state = "stopped, whatever is chosen" if category["never"] else f'"{entry["category"]}" for the time being'
            what = f'"{entry[key]}" is undecided ({state})'
            yield (
                (list_, n),
                what,
                'give it the category it belongs to, or take the entry out; then take "undecided" out',
            )


LINTS: tuple[Lint, ...] = (Lint("undecided", Level.WARNING, _undecided),)
