"""Proofs that a record is in the tree, and that one tree is the beginning of another.

May go in here: proofs as values and as JSON, making them from what a ledger holds, checking them with nothing else at
hand. May not: the arithmetic (`tree.py`), what a receipt looks like.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from cmp.ledger.contents import Contents, Stored
from cmp.ledger.heads import SignedHead, read_head
from cmp.ledger.tree import HASH_BYTES, consistency_ranges, consistent, included, inclusion_ranges, leaf_hash

_INCLUSION, _CONSISTENCY = "consentry inclusion proof 1", "consentry consistency proof 1"
# A tree of 2^64 leaves has proofs of this many hashes.
_LONGEST = 128


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """That the leaf with this hash is number `index` of the tree with this head (RFC 9162, section 2.1.3)."""

    leaf_hash: bytes
    index: int
    path: tuple[bytes, ...]
    head: SignedHead

    @property
    def document(self) -> dict[str, Any]:
        return {
            "proof": _INCLUSION,
            "index": self.index,
            "leaf_hash": self.leaf_hash.hex(),
            "path": [hashed.hex() for hashed in self.path],
            "head": self.head.document,
        }

    def fault(self, keys: Mapping[str, bytes], leaf: bytes | None = None) -> str:
        """What is wrong with it, "" for nothing. `leaf`: the bytes that are to be proven, where they are at hand."""
        if leaf is not None and leaf_hash(leaf) != self.leaf_hash:
            return "is a proof of another record"
        head = self.head.head
        if not included(self.leaf_hash, self.index, head.size, self.path, head.root):
            return "does not lead from the record to the root of the tree"
        return _signature_fault(self.head, keys)


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """That the tree of the first head is the beginning of the second's (RFC 9162, section 2.1.4)."""

    first: SignedHead
    second: SignedHead
    path: tuple[bytes, ...]

    @property
    def document(self) -> dict[str, Any]:
        return {
            "proof": _CONSISTENCY,
            "first": self.first.document,
            "second": self.second.document,
            "path": [hashed.hex() for hashed in self.path],
        }

    def fault(self, keys: Mapping[str, bytes]) -> str:
        """What is wrong with it, "" for nothing."""
        first, second = self.first.head, self.second.head
        if first.ledger != second.ledger:
            return "is about two ledgers"
        if not consistent(first.size, first.root, second.size, second.root, self.path):
            return "does not lead from the one tree to the other"
        return _signature_fault(self.first, keys) or _signature_fault(self.second, keys)


def prove(contents: Contents, index: int) -> InclusionProof:
    """The proof for a leaf, under the newest head that covers it. Raises ValueError where leaf or head is missing.

    Over a database this reads some twenty rows and a few hundred hashes, however large the tree is.
    """
    head = newest_head(contents)
    if not 0 <= index < head.head.size:
        told = f"the newest signed head is of {head.head.size} records, counted from 0: none is number {index}"
        raise ValueError(told)
    hashed, *path = contents.roots([(index, index + 1), *inclusion_ranges(index, head.head.size)])
    return InclusionProof(hashed, index, tuple(path), head)


def prove_inclusion(connection: Connection, index: int) -> InclusionProof:
    """The same over an open connection."""
    return prove(Stored(connection), index)


def prove_consistency(contents: Contents, first: SignedHead, second: SignedHead | None = None) -> ConsistencyProof:
    """The proof that the tree of `first` is the beginning of that of `second`, or of the newest head.

    Raises ValueError where there can be none. That both heads are of this tree is for `fault` to find.
    """
    second = second or newest_head(contents)
    sizes = first.head.size, second.head.size
    if sizes[0] > sizes[1]:
        raise ValueError(f"a tree of {sizes[0]} records is not the beginning of one of {sizes[1]}")
    path = contents.roots(consistency_ranges(*sizes)) if sizes[0] else []
    return ConsistencyProof(first, second, tuple(path))


def newest_head(contents: Contents) -> SignedHead:
    """The signed head of the largest tree. Raises ValueError where none was signed."""
    found: SignedHead | None = None
    for found in contents.heads():  # noqa: B007 - the last of them
        pass
    if found is None:
        raise ValueError("it has no signed head: a server that has keys signs one with each commit")
    return found


def read_proof(document: object) -> InclusionProof | ConsistencyProof:
    """A proof from its JSON document. Raises ValueError."""
    if not isinstance(document, dict):
        raise ValueError("a proof is a JSON object")  # noqa: TRY004 - what was read is wrong, not who called
    try:
        path = _hashes(document["path"])
        match document["proof"]:
            case str(form) if form == _INCLUSION:
                (hashed,) = _hashes([document["leaf_hash"]])
                if type(document["index"]) is not int:
                    raise ValueError("index is a whole number")
                return InclusionProof(hashed, document["index"], path, read_head(document["head"]))
            case str(form) if form == _CONSISTENCY:
                return ConsistencyProof(read_head(document["first"]), read_head(document["second"]), path)
            case form:
                raise ValueError(f"it is of no kind that is known ({form!r})")
    except KeyError as error:
        raise ValueError(f"it lacks {error}") from error


def _hashes(texts: object) -> tuple[bytes, ...]:
    if not isinstance(texts, list) or len(texts) > _LONGEST or not all(isinstance(text, str) for text in texts):
        raise ValueError("hashes are a list of hexadecimal texts")
    found = tuple(bytes.fromhex(text) for text in texts)
    if any(len(hashed) != HASH_BYTES for hashed in found):
        raise ValueError("a hash is 64 hexadecimal digits")
    return found


def _signature_fault(head: SignedHead, keys: Mapping[str, bytes]) -> str:
    if head.key not in keys:
        return f"has a head signed with the key {head.key}, which is not among those given"
    return "" if head.holds(keys) else "has a head whose signature is not that key's"
