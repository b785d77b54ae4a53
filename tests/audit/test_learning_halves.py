"""How much of a site a draft knows that was learnt from half of its traffic.

Counted: every host of a third party in the other half once, however often it was asked for; a page that was gone to is
none. Unknown is a host that falls under the draft's rule for unknown hosts. A half is each request with a probability
of one half (seeded), over all captures of a site; where a site has two captures, each is also a half by itself.

What a half cannot know is who was asked once, in the other half, and is nobody the catalogue has. That is why a draft
names registrable domains, takes in all that the catalogue has of the kinds in use, and those whom redirects and frames
name. Without the last two every sixth host would be unknown.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import pytest

from cmp.audit.learning import Coverage, Learned, coverage, draft_of, learn
from cmp.capture.capture import Capture
from cmp.capture.reading import read_capture
from cmp.policy.compile import compile_policy
from tests.sampled import so_many
from tests.shared import needs_shared, shared

# The fewest third-party hosts that make a share of them mean something.
_ENOUGH = 15
_MOST = 0.05
# Pairs of halves for each site.
_SEEDS = range(so_many(2, 10))

# The captures with so many third-party hosts, by site.
SITES = {
    "aftonbladet.se": ("sitespeedio__aftonbladet.se", "sitespeedio__aftonbladet.se-redirecting-to-www"),
    "bbc.co.uk": ("micmro__www.bbc.co.uk.160529_8V_7R3",),
    "bbc.com": ("micmro__www.bbc.com",),
    "cnn.com": ("haralyzer__cnn", "haralyzer__cnn-chrome"),
    "expressen.se": ("sitespeedio__expressen",),
    "ferguson.com": ("sitespeedio__ferguson",),
    "nytimes.com": ("sitespeedio__www.nytimes.com",),
    "verizonwireless.com": ("sitespeedio__case-sensitive-protocol",),
}

pytestmark = needs_shared


@cache
def captures_of(site: str) -> list[Capture]:
    return [read_capture(shared(f"captures/har/{name}.har")) for name in SITES[site]]


@cache
def whole(site: str) -> tuple[Learned, Coverage]:
    """What is learnt of everything there is of a site, and how much of the same that knows."""
    found = learn(captures_of(site))
    return found, covered(found, captures_of(site))


def unknown(site: str, learnt: Sequence[Capture], other: Sequence[Capture]) -> tuple[int, int]:
    """How many hosts of the other half are unknown, and how many it has."""
    found = covered(learn(learnt, [site]), other)
    return len(found.unknown), found.hosts


def covered(found: Learned, by: Sequence[Capture]) -> Coverage:
    return coverage(compile_policy(draft_of(found, "eu", ("en",))), by)


def halves(captures: Sequence[Capture], seed: int) -> tuple[list[Capture], ...]:
    chance = random.Random(seed)
    sides = [[chance.random() < 0.5 for _ in capture.entries] for capture in captures]

    def half(wanted: bool) -> list[Capture]:
        return [
            replace(
                capture,
                entries=tuple(entry for entry, side in zip(capture.entries, each, strict=True) if side is wanted),
            )
            for capture, each in zip(captures, sides, strict=True)
        ]

    return half(True), half(False)


def share(counts: Sequence[tuple[int, int]]) -> float:
    return sum(unknown for unknown, _ in counts) / sum(hosts for _, hosts in counts)


@pytest.mark.parametrize("site", SITES)
def test_a_site_here_has_enough_third_parties_and_is_the_one_visited_most(site: str) -> None:
    found, known = whole(site)
    assert found.sites == (site,)
    assert known.hosts >= _ENOUGH


@pytest.mark.sampled
@pytest.mark.parametrize("site", SITES)
def test_of_the_other_half_at_most_five_in_a_hundred_hosts_are_unknown(site: str) -> None:
    counts = []
    for seed in _SEEDS:
        one, other = halves(captures_of(site), seed)
        counts += [unknown(site, one, other), unknown(site, other, one)]
    assert share(counts) <= _MOST, counts


@pytest.mark.parametrize("site", ["aftonbladet.se", "cnn.com"])
def test_one_capture_of_a_site_tells_of_another(site: str) -> None:
    one, *others = captures_of(site)
    counts = [unknown(site, [one], others), unknown(site, others, [one])]
    assert share(counts) <= _MOST, counts


@pytest.mark.parametrize("site", SITES)
def test_everything_is_known_of_what_was_learnt(site: str) -> None:
    assert whole(site)[1].unknown == ()
