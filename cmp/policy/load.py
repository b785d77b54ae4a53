"""A policy file in one step: read, check, compile, and the files it names with it.

May go in here: the order of the steps, and which files belong together. May not: the steps.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cmp import resources
from cmp.core.policy import Policy
from cmp.garbage import undisturbed
from cmp.lists.content import ListError
from cmp.lists.resolve import EntryError, Resolved, resolve
from cmp.lists.store import FOLDER
from cmp.policy.compile import compile_policy
from cmp.policy.compose import compose
from cmp.policy.document import read_document
from cmp.policy.faults import Fault, PolicyError, pointer
from cmp.policy.meaning import faults_of_meaning
from cmp.policy.schema import faults_of_form


def find_faults(document: Mapping[str, Any]) -> list[Fault]:
    """Everything that keeps a document from being a policy; faults of meaning only once its form is right."""
    return faults_of_form(document) or faults_of_meaning(document)


def policy_of(document: Mapping[str, Any], file: str) -> Policy:
    """The compiled policy. Files it names are looked for beside `file`. Raises DocumentError or PolicyError."""
    return _Loading().policy(document, Path(file))


def load_policy(path: Path) -> Policy:
    """The compiled policy of a file. Raises DocumentError or PolicyError."""
    return load_with_files(path)[0]


def load_with_files(path: Path) -> tuple[Policy, tuple[Path, ...]]:
    """The compiled policy of a file, and every file it was made from, that one first."""
    loading = _Loading()
    # What is made here stays and holds no cycle; of a large policy, looking for some takes a third of the time.
    with undisturbed():
        policy = loading.policy(read_document(path), path)
    return policy, tuple(loading.files)


def default_policy() -> Policy:
    """The shipped `default.json`: known trackers need consent."""
    return load_policy(resources.policies() / "default.json")


class _Loading:
    """One policy and the files it leads to; `files` in the order they were met."""

    def __init__(self) -> None:
        self.files: list[Path] = []

    def policy(self, document: Mapping[str, Any], file: Path, above: tuple[Path, ...] = ()) -> Policy:
        if faults := find_faults(document):
            raise PolicyError(str(file), faults)
        self.files.append(file)
        way = (*above, file.resolve())
        found = self._lists(document, file)
        parts = [compile_policy(document, found.sources, found.digests)]
        for n, party in enumerate(document.get("parties", [])):
            if "policy" in party:
                part = self._named(party["policy"], ("parties", n, "policy"), file, way)
                if part.successor is not None:
                    what = f'"{party["policy"]}" has a successor, which would never take over here'
                    remedy = "put the successor into its place on the day, or take the key out of it"
                    raise PolicyError(str(file), [Fault(pointer(("parties", n, "policy")), what, remedy)])
                parts.append(part)
        # What a composed policy is composed of is asked alike.
        parts = [single for part in parts for single in part.each]
        policy = compose(parts) if len(parts) > 1 else parts[0]
        if "successor" not in document:
            return policy
        successor = self._named(document["successor"], ("successor",), file, way)
        if successor.effective is None:
            what = f'"{document["successor"]}" does not say from when it holds'
            raise PolicyError(
                str(file), [Fault("/successor", what, 'add "effective" to it: a date such as "2027-01-01"')]
            )
        return replace(policy, successor=successor)

    def _lists(self, document: Mapping[str, Any], file: Path) -> Resolved:
        try:
            found = resolve(document.get("lists", []), document["categories"], file.parent / FOLDER)
        except EntryError as error:
            where = pointer(("lists", error.entry, *([error.key] if error.key else ())))
            raise PolicyError(str(file), [Fault(where, error.what, error.remedy)]) from error
        except ListError as error:
            raise PolicyError(str(file), [Fault("/lists", str(error), "consentry lists show tells more")]) from error
        self.files += found.files
        return found

    def _named(self, name: str, where: tuple[str | int, ...], file: Path, above: tuple[Path, ...]) -> Policy:
        path = file.parent / name
        if path.resolve() in above:
            what = f'"{name}" leads back to this file'
            raise PolicyError(str(file), [Fault(pointer(where), what, "take it out, or name another file")])
        return self.policy(read_document(path), path, above)
