"""What an answer has a browser do on its own, decided for the visitor; with reasons an auditor can read."""

from dataclasses import replace
from typing import Any

import pytest

from cmp.capture.observe import with_answer
from cmp.core.consent import NO_CHOICE, Visitor
from cmp.core.decide import decide
from cmp.core.decision import Decision, EditKind, Reason
from cmp.core.exchange import Exchange, Kind
from cmp.core.forms import decision_form
from cmp.policy.explain import lines
from tests.core.examples import compiled, exchange, shop

SHOP, ADS, PAY, LIB = "https://www.shop.test/", "https://ads.test", "https://pay.test", "https://cdn.shop.test"
REFUSED = Visitor(refused=frozenset({"advertising", "analytics"}))
GRANTED = Visitor(granted=frozenset({"advertising", "analytics"}))
REDUCE = {**shop()["categories"], "analytics": {"basis": "consent", "title": {"en": "A"}, "treatment": "reduce"}}


def answered(url: str, *fields: tuple[str, str], kind: Kind = Kind.DOCUMENT, status: int = 200) -> Exchange:
    return with_answer(exchange(url, kind=kind), fields, status)


def decided(seen: Exchange, visitor: Visitor = REFUSED, **changes: Any) -> Decision:
    return decide(compiled(**changes), visitor, seen)


def edits(decision: Decision) -> list[tuple[str, str, str]]:
    return [(edit.kind.value, edit.name, edit.target) for edit in decision.edits]


def cut(name: str, target: str) -> tuple[str, str, str]:
    return ("strip-from-answer-header", name, target)


def gone(name: str) -> tuple[str, str, str]:
    return ("strip-answer-header", name, "")


NAMING = [
    pytest.param("Link", f"<{ADS}/p>; rel=preconnect", "link", id="preconnect"),
    pytest.param("Link", f"<{ADS}/t.js>; rel=preload; as=script", "link", id="preload"),
    pytest.param("Report-To", '{"endpoints": [{"url": "https://ads.test/r"}]}', "report-to", id="Report-To"),
    pytest.param("Reporting-Endpoints", f'x="{ADS}/r"', "reporting-endpoints", id="Reporting-Endpoints"),
    pytest.param("Content-Security-Policy", f"img-src *; report-uri {ADS}/r", "content-security-policy", id="CSP"),
    pytest.param("Refresh", f"0;url={ADS}/", "refresh", id="Refresh"),
    pytest.param("SourceMap", f"{ADS}/m", "sourcemap", id="SourceMap"),
    pytest.param("Speculation-Rules", f'"{ADS}/rules.json"', "speculation-rules", id="Speculation-Rules"),
    pytest.param("Permissions-Policy", f'ch-ua-model=("{ADS}")', "permissions-policy", id="hints handed on"),
]


class TestNamed:
    @pytest.mark.parametrize("name, value, field", NAMING)
    def test_a_refused_party_is_not_named(self, name: str, value: str, field: str) -> None:
        decision = decided(answered(SHOP, (name, value)))
        assert edits(decision) == [cut(field, ADS)]
        assert decision.edits[0].ruling.reason is Reason.REFUSED
        assert decision.edits[0].ruling.vendor == "ads"

    @pytest.mark.parametrize("name, value, field", NAMING)
    def test_a_permitted_one_is(self, name: str, value: str, field: str) -> None:
        assert edits(decided(answered(SHOP, (name, value)), GRANTED)) == []

    @pytest.mark.parametrize("host", [pytest.param("", id="the site"), pytest.param(PAY, id="a necessary vendor")])
    def test_necessary_ones_are(self, host: str) -> None:
        fields = [("Link", f"<{host}/a>; rel=preload"), ("Reporting-Endpoints", f'x="{host}/r"')]
        assert edits(decided(answered(SHOP, *fields))) == []

    def test_what_nobody_knows_is_dealt_with_as_the_policy_says(self) -> None:
        seen = answered(SHOP, ("Link", "<https://nobody.test/>; rel=preconnect"))
        assert edits(decided(seen)) == [cut("link", "https://nobody.test")]
        assert edits(decided(seen, unknown={"host": "report", "cookie": "report"})) == []

    def test_each_address_is_counted_over_all_fields_of_its_name(self) -> None:
        fields = (("Link", f"</a>;rel=preload, <{ADS}/b>;rel=preload"), ("LINK", f"<{ADS}/c>;rel=preload"))
        assert [edit.index for edit in decided(answered(SHOP, *fields)).edits] == [1, 2]

    def test_reports_of_errors_go_with_the_group_they_are_sent_to(self) -> None:
        fields = (
            ("NEL", '{"report_to": "n", "max_age": 1}'),
            ("Report-To", '{"group": "n", "endpoints": [{"url": "https://ads.test/r"}]}'),
        )
        assert edits(decided(answered(SHOP, *fields))) == [cut("report-to", ADS), cut("nel", "")]

    def test_and_stay_where_their_group_stays(self) -> None:
        group = '{"group": "n", "endpoints": [{"url": "/own"}]}, {"group": "x", "endpoints": [{"url": "https://ads.test/r"}]}'
        fields = (("NEL", '{"report_to": "n", "max_age": 1}'), ("Report-To", group))
        assert edits(decided(answered(SHOP, *fields))) == [cut("report-to", ADS)]

    @pytest.mark.parametrize(
        "kind, expected",
        [
            pytest.param(Kind.IMAGE, [cut("location", ADS)], id="a picture is not led to a tracker"),
            pytest.param(Kind.FRAME, [cut("location", ADS)], id="nor a frame"),
            pytest.param(Kind.DOCUMENT, [], id="the visitor goes where the link leads"),
        ],
    )
    def test_where_an_answer_leads(self, kind: Kind, expected: list[tuple[str, str, str]]) -> None:
        seen = answered("https://www.shop.test/out", ("Location", f"{ADS}/p?u=1"), kind=kind, status=302)
        assert edits(decided(seen)) == expected

    @pytest.mark.parametrize("value", ["", "http://", "https://[", "data:,x", "about:blank", "%%%"], ids=repr)
    def test_what_is_no_address_of_the_network_names_nobody(self, value: str) -> None:
        assert edits(decided(answered(SHOP, ("SourceMap", value), ("Link", f"<{value}>; rel=preload")))) == []


class TestBounce:
    """A vendor's host that only leads the visitor on."""

    STATE = (("Set-Cookie", "ad_id=1; Max-Age=99999"), ("ETag", '"1"'), ("Location", "https://news.test/story"))

    def test_may_keep_nothing(self) -> None:
        decision = decided(answered(f"{ADS}/click", *self.STATE, kind=Kind.DOCUMENT, status=302))
        assert not decision.blocked
        assert edits(decision) == [("strip-set-cookie", "ad_id", ""), gone("etag")]
        assert decision.edits[0].ruling.vendor == "ads"

    def test_may_where_it_is_permitted(self) -> None:
        seen = answered(f"{ADS}/click", *self.STATE, status=302)
        assert gone("etag") not in edits(decided(seen, GRANTED))

    def test_on_its_own_pages_it_is_a_site_like_any_other(self) -> None:
        seen = answered(f"{ADS}/", ("ETag", '"1"'), ("Location", "https://login.ads.test/"), status=302)
        assert edits(decided(seen)) == []

    def test_leads_on_by_refresh_too(self) -> None:
        seen = answered(f"{ADS}/click", ("ETag", '"1"'), ("Refresh", "0;url=https://pay.test/"))
        assert gone("etag") in edits(decided(seen))


class TestReduced:
    STATE = (
        *(("ETag", '"for-you"'), ("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT"), ("Accept-CH", "Sec-CH-UA-Model")),
        *(("NEL", '{"report_to": "d"}'), ("Link", f"<{PAY}/>; rel=preconnect"), ("Use-As-Dictionary", 'match="*"')),
        *(("Content-Type", "image/gif"), ("Cache-Control", "max-age=9")),
    )

    def test_who_is_asked_without_identifiers_has_the_browser_keep_nothing(self) -> None:
        decision = decided(answered("https://stats.test/p", *self.STATE, kind=Kind.IMAGE), categories=REDUCE)
        names = ["accept-ch", "etag", "last-modified", "link", "nel", "use-as-dictionary"]
        assert [one for one in edits(decision) if one[0] == "strip-answer-header"] == [gone(name) for name in names]
        assert {edit.ruling.reason for edit in decision.edits} == {Reason.REDUCED}

    def test_a_first_party_endpoint_of_a_vendor_neither(self) -> None:
        seen = answered("https://www.shop.test/collect?tid=1&v=2", ("ETag", '"1"'), kind=Kind.IMAGE)
        seen = replace(seen, header_names=frozenset({"if-none-match"}))
        assert edits(decided(seen, categories=REDUCE)) == [("strip-header", "if-none-match", ""), gone("etag")]

    def test_else_validators_stay(self) -> None:
        assert edits(decided(answered("https://pay.test/p", *self.STATE[:2], kind=Kind.IMAGE))) == []


class TestAdvertisingFunctions:
    STARTS = (("Observe-Browsing-Topics", "?1"), ("Attribution-Reporting-Register-Source", '{"destination": "x"}'))
    NAMES = (gone("attribution-reporting-register-source"), gone("observe-browsing-topics"))

    @pytest.mark.parametrize("url", [pytest.param(PAY, id="another's server"), pytest.param(SHOP, id="the site's own")])
    def test_are_not_started_unless_permitted(self, url: str) -> None:
        seen = answered(url, *self.STARTS, kind=Kind.FETCH)
        outgoing = {"adFeatures": "advertising"}
        assert edits(decided(seen, NO_CHOICE, outgoing=outgoing)) == list(self.NAMES)
        assert edits(decided(seen, GRANTED, outgoing=outgoing)) == []

    def test_are_left_alone_where_the_policy_says_nothing_of_them(self) -> None:
        assert edits(decided(answered(SHOP, *self.STARTS))) == []


def test_an_auditor_reads_what_was_taken_out_and_why() -> None:
    policy = compiled()
    decision = decide(policy, REFUSED, answered(SHOP, ("Link", f"<{ADS}/p?uid=1>; rel=preconnect")))
    (edit,) = decision_form(decision)["edits"]
    assert edit == {
        "edit": "strip-from-answer-header",
        "name": "link",
        "category": "advertising",
        "vendor": "ads",
        "rule": "vendor:ads",
        "reason": "refused",
        "index": 0,
        "target": ADS,
    }
    assert "  the answer's header link does not name https://ads.test: the visitor refused it" in list(
        lines(policy, decision)
    )


def test_an_answer_without_such_fields_is_not_looked_at() -> None:
    seen = answered(SHOP, ("Content-Type", "text/html"), ("Server", "x"))
    assert (seen.told, seen.named) == (frozenset(), ())


@pytest.mark.parametrize("kind", [EditKind.STRIP_ANSWER_HEADER, EditKind.STRIP_FROM_ANSWER_HEADER])
def test_nothing_of_the_kind_is_decided_before_there_is_an_answer(kind: EditKind) -> None:
    decision = decided(exchange(SHOP, kind=Kind.DOCUMENT))
    assert kind not in {edit.kind for edit in decision.edits}
