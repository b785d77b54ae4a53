"""EasyList and EasyPrivacy of the folder of reference data, for us and for the engine we are held against.

May go in here: loading them. May not: timing, data of others: it is read from that folder, which stands beside the
checkout (or where CONSENTRY_SHARED says).
"""

import os
from pathlib import Path
from typing import Any

from cmp.lists.abp import AbpSource, read_abp
from cmp.lists.content import Filing

SHARED = Path(os.environ.get("CONSENTRY_SHARED") or Path(__file__).resolve().parent.parent.parent / "shared")
SKIPPED = "skipped: the folder of reference data is not beside this checkout"
CATEGORIES = {"easylist": "advertising", "easyprivacy": "analytics"}


def list_texts() -> dict[str, bytes]:
    """The lists by name, as they were fetched."""
    return {name: (SHARED / f"lists/uBlockOrigin__{name}.txt").read_bytes() for name in CATEGORIES}


def peer_of_lists() -> Any:
    """One `adblock` engine with all of them."""
    import adblock

    filters = adblock.FilterSet()
    for text in list_texts().values():
        filters.add_filter_list(text.decode())
    return adblock.Engine(filters)


def source_of_lists() -> AbpSource:
    """The same as a policy asks it."""
    texts = list_texts().items()
    return AbpSource([(read_abp(text, again=True), Filing(name, "0" * 64, CATEGORIES[name])) for name, text in texts])
