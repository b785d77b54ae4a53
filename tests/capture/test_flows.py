"""Flow files: what the two views of a flow are, and that damage costs no more than what it hit."""

import contextlib
import io
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mitmproxy import flow, http
from mitmproxy.io import FlowWriter, tnetstring
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.test import tflow, tutils

from cmp.capture.capture import Answer, Capture, CaptureError
from cmp.capture.flow_exchange import MARK, leave_mark, mark_of
from cmp.capture.flows import read_flows
from cmp.capture.reading import read_capture
from cmp.capture.tnetstring import TnetstringError, read_value
from cmp.core.consent import Visitor
from cmp.core.decision import Decision, Edit, EditKind, Reason, Ruling
from cmp.core.exchange import Kind, Phase, Unseen
from tests.growth import grows_below


def made(host: str = "site.test", at: float = 1_000.0, **headers: str) -> http.HTTPFlow:
    """A flow with an answer, both with one cookie."""
    request = tutils.treq(
        method=b"GET",
        scheme=b"https",
        host=host,
        port=443,
        authority=b"",
        path=b"/p",
        headers=http.Headers([(b"Host", host.encode()), (b"Cookie", b"a=1; b=2")]),
        timestamp_start=at,
    )
    response = tutils.tresp(headers=http.Headers([(b"Set-Cookie", b"c=3"), (b"Content-Type", b"Text/HTML; x=y")]))
    one = tflow.tflow(req=request, resp=response)
    for name, value in headers.items():
        one.request.headers[name.replace("_", "-")] = value
    return one


def written(*flows: flow.Flow) -> bytes:
    file = io.BytesIO()
    writer = FlowWriter(file)
    for one in flows:
        writer.add(one)
    return file.getvalue()


def read(*flows: flow.Flow) -> Capture:
    return read_flows(written(*flows), "a.mitm")


def hosts(capture: Capture) -> list[str]:
    return [one.asked.url.host for one in capture.entries]


# ------------------------------------------------------------------------------------------- one flow


def test_a_flow_becomes_an_exchange_with_its_answer() -> None:
    capture = read(made(Sec_Fetch_Dest="document"))
    (one,) = capture.entries
    assert (capture.file, capture.form, capture.creator) == ("a.mitm", "flows", "mitmproxy")
    assert (capture.skipped, capture.notes, capture.unseen) == ((), (), frozenset())
    assert len(capture.sha256) == 64
    assert one.asked is one.delivered
    assert str(one.asked.url) == "https://site.test/p"
    assert (one.asked.kind, one.asked.time) == (Kind.DOCUMENT, 1_000.0)
    assert [cookie.name for cookie in one.asked.cookies] == ["a", "b"]
    assert [cookie.name for cookie in one.asked.set_cookies] == ["c"]
    assert one.answer == Answer(200, "text/html", 7)
    assert (one.visitor, one.recorded) == (None, None)


def test_flows_stand_in_time_order() -> None:
    capture = read(made("b.test", at=2), made("c.test", at=3), made("a.test", at=1))
    assert [(one.index, one.asked.url.host) for one in capture.entries] == [(2, "a.test"), (0, "b.test"), (1, "c.test")]


@pytest.mark.parametrize("moment", [0.0, -1.0, float("nan"), float("inf")])
def test_a_time_that_is_none_is_unseen(moment: float) -> None:
    (one,) = read(made(at=moment)).entries
    assert (one.asked.time, Unseen.TIME in one.asked.unseen) == (0.0, True)


def test_what_is_no_http_exchange_is_skipped_with_its_reason() -> None:
    tunnel = made()
    tunnel.request.method = "CONNECT"
    nameless = made()
    nameless.request.host = ""
    capture = read(tflow.ttcpflow(), tflow.tudpflow(), tflow.tdnsflow(), tunnel, nameless, made())
    assert [(skipped.index, skipped.why[:26]) for skipped in capture.skipped] == [
        (0, "tcp flow, not HTTP"),
        (1, "udp flow, not HTTP"),
        (2, "dns flow, not HTTP"),
        (3, "a tunnel, its requests sta"),
        (4, "the request's target is no"),
    ]
    assert [one.index for one in capture.entries] == [5]
    only_tcp = read(tflow.ttcpflow())
    assert (len(only_tcp.entries), len(only_tcp.skipped)) == (0, 1)


def test_a_request_without_an_answer_is_one_without_an_answer() -> None:
    broken = made()
    broken.response = None
    broken.error = flow.Error("connection reset")
    (one,) = read(broken).entries
    assert (one.asked.phase, one.answer) == (Phase.REQUEST, None)


def test_a_body_that_was_streamed_through_has_no_size() -> None:
    streamed = made()
    assert streamed.response
    streamed.response.data.content = None
    (one,) = read(streamed).entries
    assert one.answer == Answer(200, "text/html", None)


def test_a_websocket_is_told_by_its_handshake() -> None:
    (one,) = read(tflow.twebsocketflow()).entries
    assert one.asked.kind is Kind.WEBSOCKET


# ---------------------------------------------------------------------------------------- the two views


VISITOR = Visitor(granted=frozenset({"stats"}), policy="f00d")
ALLOWED = Decision(Ruling(allowed=True, reason=Reason.REFUSED, rule="r"))
EDITED = Decision(ALLOWED.ruling, edits=(Edit(EditKind.STRIP_COOKIE, "a", ALLOWED.ruling),))
BLOCKED = Decision(Ruling(allowed=False, reason=Reason.REFUSED, rule="r"))


def edit(one: http.HTTPFlow) -> None:
    """What our proxy does: keep the original, its answer's headers too, then change both sides."""
    one.backup()
    one.request.headers["Cookie"] = "b=2"
    assert one.response
    del one.response.headers["Set-Cookie"]


def mark(one: http.HTTPFlow, decision: Decision, *, reverse: bool = False) -> None:
    leave_mark(one, mark_of(decision, reverse=reverse, policy="f00d", visitor=VISITOR))


def test_what_was_only_observed_was_delivered() -> None:
    seen = made()
    leave_mark(seen, mark_of(BLOCKED, reverse=False, policy="f00d", visitor=VISITOR, enforced=False))
    (entry,) = read_flows(written(seen), "f").entries
    assert entry.recorded is not None
    assert entry.delivered == entry.asked


def test_an_edited_flow_has_two_views() -> None:
    edited = made()
    edit(edited)
    mark(edited, EDITED)
    (one,) = read(edited).entries
    assert one.delivered
    assert [cookie.name for cookie in one.asked.cookies] == ["a", "b"]
    assert [cookie.name for cookie in one.asked.set_cookies] == ["c"]
    assert [cookie.name for cookie in one.delivered.cookies] == ["b"]
    assert one.delivered.set_cookies == ()
    assert one.answer == Answer(200, "text/html", 7)
    assert one.visitor == VISITOR
    assert one.recorded
    assert (one.recorded.policy, one.recorded.decision["action"]) == ("f00d", "edit")


def test_a_marked_flow_without_edits_has_one_view() -> None:
    passed = made()
    mark(passed, ALLOWED)
    (one,) = read(passed).entries
    assert one.asked == one.delivered
    assert one.visitor == VISITOR


@pytest.mark.parametrize("backed_up", [True, False])
def test_a_blocked_flow_has_no_answer_of_the_server_and_was_not_delivered(backed_up: bool) -> None:
    blocked = made()
    blocked.response = None
    if backed_up:
        blocked.backup()
    blocked.response = http.Response.make(200, b"", {"Set-Cookie": "ours=1"})
    mark(blocked, BLOCKED)
    (one,) = read(blocked).entries
    assert (one.asked.phase, one.asked.set_cookies) == (Phase.REQUEST, ())
    assert [cookie.name for cookie in one.asked.cookies] == ["a", "b"]
    assert (one.delivered, one.answer) == (None, None)
    assert one.recorded
    assert one.recorded.decision["action"] == "block"


def test_changes_by_others_are_reverted_in_both_views() -> None:
    edited = made()
    edit(edited)
    (one,) = read(edited).entries
    assert one.asked is one.delivered
    assert [cookie.name for cookie in one.asked.cookies] == ["a", "b"]


@pytest.mark.parametrize("marked", [True, False])
def test_a_flow_of_a_reverse_proxy_has_its_public_name(marked: bool) -> None:
    one = made("10.0.0.5")
    one.request.headers["Host"] = "shop.test"
    if marked:
        mark(one, ALLOWED, reverse=True)
    else:
        one.client_conn.proxy_mode = ProxyMode.parse("reverse:http://10.0.0.5")
    (entry,) = read(one).entries
    assert entry.asked.url.host == "shop.test"
    assert entry.asked.page_site == "shop.test"


@pytest.mark.parametrize("text", ["", "{", "[]", '{"form": 2}', '{"form": 1}', 5, {"form": 1}])
def test_a_mark_that_is_none_of_ours_is_no_mark(text: Any) -> None:
    one = made()
    one.metadata[MARK] = text
    (entry,) = read(one).entries
    assert (entry.visitor, entry.recorded) == (None, None)


@pytest.mark.parametrize("decision", [None, {}, {"action": 5}, [], "block"])
def test_a_mark_with_a_broken_decision_costs_its_flow_at_most(decision: Any) -> None:
    broken, good = made("broken.test"), made("good.test")
    mark(broken, ALLOWED)
    broken.metadata[MARK] = json.dumps({**json.loads(broken.metadata[MARK]), "decision": decision})
    capture = read(broken, good)
    assert "good.test" in hosts(capture)
    assert len(capture.entries) + len(capture.skipped) == 2


def test_a_broken_backup_costs_its_flow_alone() -> None:
    broken, good = made("broken.test"), made("good.test")
    edit(broken)
    state = broken.get_state()
    del state["backup"]["request"]["path"]
    capture = read_flows(tnetstring.dumps(state) + written(good), "a.mitm")
    assert hosts(capture) == ["good.test"]
    assert [skipped.why for skipped in capture.skipped] == ["a damaged flow (TypeError)"]


# -------------------------------------------------------------------------------------------- versions


def with_version(version: Any, host: str = "site.test") -> bytes:
    return tnetstring.dumps({**made(host).get_state(), "version": version})


@pytest.mark.parametrize(
    "version, why",
    [
        ([0, 10, 1], "flow format version 0.10 is too old for mitmproxy"),
        (999, "flow format version 999 is not known to mitmproxy"),
        (-1, "flow format version -1 is too old for mitmproxy"),
        ([0, 99], "flow format version 0.99 is not known to mitmproxy"),
        ([], "a flow format version that is no number"),
        ("21", "a flow format version that is no number"),
        ([["x"]], "a flow format version that is no number"),
    ],
)
def test_a_format_version_that_cannot_be_read_is_refused_in_one_line(version: Any, why: str) -> None:
    with pytest.raises(CaptureError) as caught:
        read_flows(with_version(version) * 2, "old.mitm")
    assert str(caught.value).startswith(f"old.mitm: {why}")
    assert "\n" not in str(caught.value)


def test_beside_readable_flows_an_unreadable_version_costs_its_flow_alone() -> None:
    capture = read_flows(with_version(999, "a.test") + written(made("b.test")), "a.mitm")
    assert hosts(capture) == ["b.test"]
    assert [skipped.index for skipped in capture.skipped] == [0]


# ---------------------------------------------------------------------------------------------- damage


ONE, TWO, THREE = (written(made(f"{name}.test", at=at)) for at, name in enumerate(("one", "two", "three"), 1))
BOMB = b"0:~"
for _ in range(300):
    BOMB = b"%d:%b]" % (len(BOMB), BOMB)
EDITED_FLOW = made("edited.test", at=2)
edit(EDITED_FLOW)
mark(EDITED_FLOW, EDITED)


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


@pytest.mark.parametrize(
    "data, found",
    [
        pytest.param(ONE + TWO[:-1], ["one"], id="last byte missing"),
        pytest.param(ONE + TWO[:100], ["one"], id="truncated"),
        pytest.param(ONE + TWO[:3], ["one"], id="truncated in the length"),
        pytest.param(ONE[40:] + TWO, ["two"], id="beginning missing"),
        pytest.param(ONE + b"garbage 7" + TWO, ["one", "two"], id="garbage that ends in a digit"),
        pytest.param(ONE + bytes(10_000) + TWO + b"\n\n" + THREE + b"\n", ["one", "two", "three"], id="gaps"),
        pytest.param(ONE + flipped(TWO, 0) + THREE, ["one", "three"], id="no digit in the length"),
        pytest.param(ONE + b"9" + TWO + THREE, ["one", "two", "three"], id="length too long"),
        pytest.param(ONE + b"0" + TWO[1:] + THREE, ["one", "three"], id="length too short"),
        pytest.param(ONE + TWO.replace(b":", b";", 1) + THREE, ["one", "three"], id="no colon"),
        pytest.param(ONE + flipped(TWO, len(TWO) // 2) + THREE, None, id="bit flipped inside"),
        pytest.param(ONE + TWO[:-1] + b"]" + THREE, ["one", "three"], id="type flipped"),
        pytest.param(ONE + b"999999999999:" + TWO, ["one", "two"], id="twelve digits of length"),
        pytest.param(ONE + b"9" * 5_000 + b":" + TWO, ["one", "two"], id="five thousand digits of length"),
        pytest.param(ONE + b"0000000000000" + TWO, ["one", "two"], id="zeros before the length"),
        pytest.param(ONE + b"-1:" + TWO, ["one", "two"], id="negative length"),
        pytest.param(ONE + BOMB + TWO, ["one", "two"], id="nested deeply"),
        pytest.param(ONE + tnetstring.dumps([1, [2]]) + TWO, ["one", "two"], id="a list"),
        pytest.param(ONE + tnetstring.dumps({"a": 1}) + TWO, ["one", "two"], id="no flow"),
        pytest.param(ONE + tnetstring.dumps({"version": 21, "type": "http"}) + TWO, ["one", "two"], id="no request"),
        pytest.param(ONE + tnetstring.dumps({"version": 21, "type": "x"}) + TWO, ["one", "two"], id="unknown type"),
        pytest.param(ONE + tnetstring.dumps({"version": 21, "type": [1]}) + TWO, ["one", "two"], id="odd type"),
        pytest.param(
            ONE + tnetstring.dumps({"version": {"a": 1}, "type": "http"}) + TWO, ["one", "two"], id="odd version"
        ),
        pytest.param(ONE + b"4:1:a,}" + TWO, ["one", "two"], id="a key without a value"),
        pytest.param(ONE + b"7:0:~1:a,}" + TWO, ["one", "two"], id="a key that is no text"),
        pytest.param(ONE + b"2:\xff\xfe;" + TWO, ["one", "two"], id="no UTF-8"),
        pytest.param(ONE + b"5000:" + b"9" * 5_000 + b"#" + TWO, ["one", "two"], id="a giant number"),
        pytest.param(ONE + written(EDITED_FLOW)[:-1] + THREE, ["one", "three"], id="damaged around its backup"),
    ],
)
def test_damage_costs_what_it_hit(data: bytes, found: list[str] | None) -> None:
    capture = read_flows(data, "a.mitm")
    if found is None:
        assert {"one.test", "three.test"} <= set(hosts(capture))
        return
    assert hosts(capture) == [f"{name}.test" for name in found]
    assert capture.skipped
    assert {note.code for note in capture.notes} <= {"damaged"}
    assert all("\n" not in skipped.why for skipped in capture.skipped)


def test_what_was_lost_is_said() -> None:
    capture = read_flows(ONE + b"x" * 17 + TWO + THREE[:50], "a.mitm")
    texts = [
        f"17 bytes from offset {len(ONE)} are damaged (no length prefix)",
        f"50 bytes from offset {len(ONE) + 17 + len(TWO)} are damaged (a length that runs past the end)",
    ]
    assert [(note.code, note.text) for note in capture.notes] == [("damaged", text) for text in texts]
    assert [(skipped.index, skipped.why) for skipped in capture.skipped] == [(1, texts[0]), (3, texts[1])]
    assert [one.index for one in capture.entries] == [0, 2]


@pytest.mark.parametrize("data", [b"", b"12", b"12:", b"5:hello,", b"0:~" * 1_000, BOMB, ONE[:-1], bytes(1_000)])
def test_a_file_without_a_flow_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(CaptureError) as caught:
        read_flows(data, "x.mitm")
    assert str(caught.value).startswith("x.mitm: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


def many_candidates(count: int = 1_000) -> bytes:
    """Many dictionaries one behind the other: each holds all later ones as a text, and one long damaged end."""
    tail = b"," + b"0:~" * (20 * count) + b"?"
    width = len(b"%09d:1:a,%09d:" % (0, 0))
    parts = [
        b"%09d:1:a,%09d:" % (width - 10 + left * width + len(tail), left * width) for left in reversed(range(count))
    ]
    return b"!" + b"".join(parts) + tail + b"}"


@pytest.mark.parametrize(
    "units, crafted",
    [
        pytest.param(200_000, lambda n: b"1:" * n, id="colons"),
        pytest.param(400_000, lambda n: b"1" * n, id="digits"),
        pytest.param(40_000, lambda n: b"8:1:aaaa,a}" * n, id="small candidates"),
        pytest.param(100_000, lambda n: b"-1:" * n + b"0:,", id="negative lengths"),
        pytest.param(100_000, lambda n: b"%d:" % (3 * n + 3) + b"-1:" * n + b"0:,]", id="negative lengths in a list"),
        pytest.param(1_000, many_candidates, id="overlapping candidates"),
        pytest.param(100_000, lambda n: b"0:~" * n + ONE, id="tiny values"),
    ],
)
def test_the_time_for_crafted_bytes_grows_with_their_length(units: int, crafted: Callable[[int], bytes]) -> None:
    def read(data: bytes) -> None:
        with contextlib.suppress(CaptureError):
            assert hosts(read_flows(data, "a.mitm")) == ["one.test"]

    assert grows_below(32, read, crafted(units // 8), crafted(units))


def test_giving_up_is_said() -> None:
    capture = read_flows(ONE + many_candidates() + TWO, "a.mitm")
    assert hosts(capture) == ["one.test"]
    assert capture.notes[0].text.endswith("; gave up looking for more)")


@pytest.mark.parametrize("seed", range(60))
def test_random_damage_never_raises(seed: int) -> None:
    """Bits flipped, stretches lost, doubled or overwritten: the untouched last flow is found every time."""
    chance = random.Random(seed)
    data = bytearray(ONE + written(EDITED_FLOW) + THREE)
    changes: list[Callable[[int], None]] = [
        lambda at: data.__setitem__(at, chance.randrange(256)),
        lambda at: data.__delitem__(slice(at, at + chance.randrange(30))),
        lambda at: data.__setitem__(slice(at, at), data[at : at + chance.randrange(300)]),
        lambda at: data.__setitem__(slice(at, at + 4), b"%d:" % chance.randrange(10**6)),
    ]
    for _ in range(chance.randrange(1, 8)):
        chance.choice(changes)(chance.randrange(max(len(data), 1)))
    capture = read_flows(bytes(data) + b"\n" + TWO, "a.mitm")
    assert "two.test" in hosts(capture)


# ------------------------------------------------------------------------------------------ the encoding


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False)
    | st.binary()
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text("abc") | st.binary(), inner),
    max_leaves=20,
)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(VALUES)
def test_what_mitmproxy_writes_is_read_as_it_was(value: Any) -> None:
    data = tnetstring.dumps(value)
    assert read_value(b"xx" + data + b"yy", 2) == (value, len(data) + 2)


@settings(derandomize=True, max_examples=100, deadline=None)
@given(VALUES, st.data())
def test_any_bytes_are_a_value_or_an_error(value: Any, draw: st.DataObject) -> None:
    data = bytearray(tnetstring.dumps(value))
    data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    try:
        _, end = read_value(bytes(data))
    except TnetstringError as error:
        # It names a place in the data.
        end = error.offset
    assert 0 <= end <= len(data)


# ----------------------------------------------------------------------------------------- telling forms apart


@pytest.mark.parametrize(
    "data, form",
    [
        (ONE, "flows"),
        (b"x" + ONE[40:] + TWO, "flows"),
        (b"\n" + ONE, "flows"),
        (b'{"log": {"entries": [], "comment": "7:version;21"}}', "har"),
    ],
)
def test_the_form_is_told_by_content(data: bytes, form: str, tmp_path: Path) -> None:
    path = tmp_path / "a.capture"
    path.write_bytes(data)
    assert read_capture(path).form == form
