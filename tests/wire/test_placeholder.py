"""What stands where a vendor's frame would have been is ours, small and safe to put into any page."""

import html

import pytest

from cmp.core.decision import Reason, Ruling
from cmp.wire.placeholder import embed_path, frame, frame_attributes

KNOWN = Ruling(False, Reason.REFUSED, "vendor:tube", "comfort", "tube")
UNKNOWN = Ruling(False, Reason.UNKNOWN_DENIED, "unknown.host")


@pytest.mark.parametrize(
    "vendor, expected",
    [
        ("tube", "/.consent/embed/tube"),
        ("a/../b?c#d", "/.consent/embed/a%2F..%2Fb%3Fc%23d"),
        ("ü", "/.consent/embed/%C3%BC"),
    ],
)
def test_a_known_vendor_has_a_page_of_its_own(vendor: str, expected: str) -> None:
    assert embed_path(vendor, "/.consent/") == expected


def test_a_known_vendor_gets_a_frame_of_ours() -> None:
    assert frame_attributes(KNOWN, "tube.test", "de", "/.c/") == 'src="/.c/embed/tube"'


def test_it_says_what_would_have_been_there() -> None:
    attributes = frame_attributes(KNOWN, "tube.test", "de", "/.c/", 'https://tube.test/v?a=1&b="2')
    assert attributes == 'src="/.c/embed/tube?of=https%3A%2F%2Ftube.test%2Fv%3Fa%3D1%26b%3D%222"'


@pytest.mark.parametrize("language, part", [("en", "not loaded"), ("de-AT", "nicht geladen"), ("fr", "not loaded")])
def test_an_unknown_host_gets_a_sentence(language: str, part: str) -> None:
    attributes = frame_attributes(UNKNOWN, "odd.test", language, "/.c/")
    assert attributes.startswith('srcdoc="')
    page = html.unescape(attributes)
    assert part in page
    assert "odd.test" in page


def test_nothing_gets_out_of_its_attribute() -> None:
    written = frame(UNKNOWN, '"><script>x</script>ü', "de", "/.c/")
    assert written.isascii()
    assert "<script" not in written
    assert written.count("<") == 2
    inside = html.unescape(written[written.index('srcdoc="') + 8 : written.rindex('"')])
    assert "<script" not in inside
