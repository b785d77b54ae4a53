"""How many third-party hosts of one half of a site's captures a draft learnt from the other half does not know.

May go in here: printing what the test of the same counts. May not: timing, data of others.
"""

from collections.abc import Iterator

from benchmarks.reference import SHARED, SKIPPED
from tests.audit.test_learning_halves import SITES, captures_of, halves, share, unknown

_SEEDS = range(10)


def run() -> Iterator[str]:
    if not SHARED.is_dir():
        yield SKIPPED
        return
    for site in SITES:
        counts = []
        for seed in _SEEDS:
            one, other = halves(captures_of(site), seed)
            counts += [unknown(site, one, other), unknown(site, other, one)]
        worst = max(missed / hosts for missed, hosts in counts)
        yield f"{site:22} {100 * share(counts):4.1f} % unknown (aim 5 %), worst half {100 * worst:3.0f} %"
