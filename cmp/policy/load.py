"""A policy file in one step: read, check, compile.

May go in here: the order of the steps. May not: the steps.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cmp import resources
from cmp.core.policy import Policy
from cmp.policy.compile import compile_policy
from cmp.policy.document import read_document
from cmp.policy.faults import Fault, PolicyError
from cmp.policy.meaning import faults_of_meaning
from cmp.policy.schema import faults_of_form


def find_faults(document: Mapping[str, Any]) -> list[Fault]:
    """Everything that keeps a document from being a policy; faults of meaning only once its form is right."""
    return faults_of_form(document) or faults_of_meaning(document)


def policy_of(document: Mapping[str, Any], file: str) -> Policy:
    """The compiled policy. Raises PolicyError."""
    if faults := find_faults(document):
        raise PolicyError(file, faults)
    return compile_policy(document)


def load_policy(path: Path) -> Policy:
    """The compiled policy of a file. Raises DocumentError or PolicyError."""
    return policy_of(read_document(path), str(path))


def default_policy() -> Policy:
    """The shipped `default.json`: known trackers need consent."""
    return load_policy(resources.policies() / "default.json")
