"""The two chains of hashes that leaves of format 1 were linked in, before there were trees.

May go in here: what it takes to check that records carried over from chains are all of them. May not: anything new.
"""

import hashlib

from cmp.ledger.leaves import Part

CHAINS = (Part.PERSONAL, Part.UNLINKABLE)


def chain_origin(chain: Part) -> bytes:
    """What stood before a chain's first record."""
    return hashlib.sha256(f"consentry ledger 1 {chain}".encode()).digest()


def chain_hash(last: bytes, hashed: bytes) -> bytes:
    """What committed to a record and all before it: SHA-256(0x02 || the one before || leaf hash)."""
    return hashlib.sha256(b"\x02" + last + hashed).digest()
