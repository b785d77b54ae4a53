"""How commands that stay begin: what they load is not looked through for garbage, and they say when they are at work.

May go in here: the one place where starting ends. May not: what is started.
"""

from cmp.garbage import settled, undisturbed

__all__ = ["at_work", "undisturbed"]


def at_work(told: str) -> None:
    """The line on stdout that whoever started the command waits for. Its `run` is `undisturbed` until then."""
    settled()
    print(told, flush=True)
