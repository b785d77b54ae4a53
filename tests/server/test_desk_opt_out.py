"""Opting out by link, by a mail service's one click, by form; taking it back; and that looking changes nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cmp.seal.form_token import make_token
from tests.desk.offer import NOW, desk_policy
from tests.server.desk_site import DeskRunning, desk_running

HTML = {"Accept": "text/html"}
ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[DeskRunning]:
    with desk_running(tmp_path) as found:
        found.register("ann@shop.test", "bob@shop.test")
        yield found


def history(server: DeskRunning, address: str = "ann@shop.test", *, client: str = "acme") -> list[tuple[str, str]]:
    answer = server.call("olga", "POST", "/opt-out-history/surveys", {"client": client, "address": address})
    return [(entry["change"], entry["source"]) for entry in answer.json["history"]]


def test_cs_7_the_link_opens_a_page_with_a_button_that_stops_further_invitations(server: DeskRunning) -> None:
    assert server.invited("ann@shop.test")["invite"] is True
    shown = server.get(server.link(), **HTML)
    assert shown.status == 200
    assert "Invitations to surveys, from Acme" in shown.text
    assert f'action="/.consent/{server.link()}"' in shown.text
    answer = server.post_form(server.link(), {"choice": "opt-out"})
    assert answer.status == 200
    assert "no more of these mails" in answer.text
    assert server.invited("ann@shop.test") == {
        "address": "ann@shop.test",
        "invite": False,
        "reason": "opted-out",
        "source": "client",
    }


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="a plain fetch"),
        pytest.param({"Accept": "text/html", "User-Agent": "LinkScanner/1.0"}, id="a mail scanner"),
        pytest.param({"Sec-Purpose": "prefetch", "Purpose": "prefetch"}, id="a browser loading ahead"),
        pytest.param({"Content-Type": FORM}, id="with the type of a form"),
    ],
)
def test_cs_7_looking_at_a_link_changes_nothing(server: DeskRunning, method: str, fields: dict[str, str]) -> None:
    for path in (server.link(), server.link() + "?choice=opt-out&List-Unsubscribe=One-Click"):
        answer = server.ask(method, f"/.consent/{path}", fields)
        assert answer.status == 200
        assert answer.value("Cache-Control") == "no-store"
        assert answer.set_cookies == []
    assert history(server) == []
    assert server.invited("ann@shop.test")["invite"] is True


def test_the_way_back_cannot_be_looked_at_either(server: DeskRunning) -> None:
    server.post(server.link(), ONE_CLICK, FORM, Sec_Fetch_Site="")
    back = server.link().replace("opt-out/", "opt-in/")
    assert server.get(back).status == 405
    assert server.ask("HEAD", f"/.consent/{back}").status == 405
    assert history(server) == [("out", "link")]


@pytest.mark.parametrize(
    "body, media_type",
    [
        pytest.param(ONE_CLICK, FORM, id="urlencoded"),
        pytest.param(
            b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
            "multipart/form-data; boundary=x",
            id="multipart",
        ),
    ],
)
@pytest.mark.parametrize("origin", ["", "https://mail.test"])
def test_one_click_of_a_mail_service_needs_no_page_and_is_not_redirected(
    server: DeskRunning, body: bytes, media_type: str, origin: str
) -> None:
    answer = server.post(server.link(), body, media_type, Sec_Fetch_Site="", Origin=origin)
    assert (answer.status, answer.value("Location"), answer.json) == (200, "", {"ok": True})
    assert history(server) == [("out", "link")]
    assert server.invited("ann@shop.test")["invite"] is False


def test_opting_out_again_changes_nothing_and_looks_the_same(server: DeskRunning) -> None:
    first = server.post(server.link(), ONE_CLICK, FORM, Sec_Fetch_Site="")
    server.now[0] += 5 * 86_400
    again = server.post(server.link(), ONE_CLICK, FORM, Sec_Fetch_Site="")
    assert (first.status, first.body) == (again.status, again.body)
    assert history(server) == [("out", "link")]


@pytest.mark.parametrize(
    "body, media_type",
    [(b"", FORM), (b"x=y", FORM), (b'{"choice":"opt-in"}', "application/json"), (b"List-Unsubscribe=No", FORM)],
)
def test_a_post_that_does_not_ask_for_it_opts_nobody_out(server: DeskRunning, body: bytes, media_type: str) -> None:
    assert server.post(server.link(), body, media_type).status == 400
    assert history(server) == []


def test_hc_15_an_opt_out_is_for_that_clients_list_and_due_there_in_ten_business_days(server: DeskRunning) -> None:
    server.register("ann@shop.test", client="bolt")
    server.post_form(server.link(), {"choice": "opt-out"})
    assert server.invited("ann@shop.test")["invite"] is False
    assert server.invited("ann@shop.test", client="bolt")["invite"] is True
    export = server.call("olga", "GET", "/opt-outs/surveys?client=acme").json
    # From Wednesday 7 October 2026: two weeks.
    assert [(row["address"], row["due"], row["overdue"]) for row in export["optOuts"]] == [
        ("ann@shop.test", "2026-10-21", False)
    ]
    assert server.call("olga", "GET", "/opt-outs/surveys?client=bolt").json["optOuts"] == []


def test_hc_16_an_opt_out_can_be_taken_back_and_the_history_stays(server: DeskRunning) -> None:
    server.post_form(server.link(), {"choice": "opt-out"})
    page = server.get(server.link(), **HTML).text
    back = server.link().replace("opt-out/", "opt-in/")
    assert f'action="/.consent/{back}"' in page
    answer = server.post_form(back, {"choice": "opt-in"})
    assert answer.status == 200
    assert server.invited("ann@shop.test")["invite"] is True
    assert history(server) == [("out", "link"), ("in", "link")]
    server.post_form(server.link(), {"choice": "opt-out"})
    assert history(server) == [("out", "link"), ("in", "link"), ("out", "link")]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"Sec_Fetch_Site": "cross-site"}, id="another site"),
        pytest.param({"Sec_Fetch_Site": "", "Origin": "https://evil.test"}, id="another origin"),
        pytest.param({"Sec_Fetch_Site": ""}, id="nobody says"),
    ],
)
def test_only_a_page_of_ours_takes_an_opt_out_back(server: DeskRunning, fields: dict[str, str]) -> None:
    server.post_form(server.link(), {"choice": "opt-out"})
    back = server.link().replace("opt-out/", "opt-in/")
    assert server.post_form(back, {"choice": "opt-in"}, **fields).status == 403
    assert server.post(back, ONE_CLICK, FORM).status == 400
    assert history(server) == [("out", "link")]


def test_hc_29_its_own_marketing_is_a_second_list_of_its_own(server: DeskRunning) -> None:
    link = server.link("marketing", "")
    assert "Our own news" in server.get(link, **HTML).text
    server.post(link, ONE_CLICK, FORM, Sec_Fetch_Site="")
    assert server.invited("ann@shop.test", list_="marketing")["invite"] is False
    assert server.invited("ann@shop.test", list_="surveys")["invite"] is True
    server.post(server.link(address="bob@shop.test"), ONE_CLICK, FORM, Sec_Fetch_Site="")
    assert server.invited("bob@shop.test", list_="marketing")["invite"] is True
    assert server.invited("bob@shop.test", list_="surveys")["invite"] is False


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda path: path[:-1], id="cut"),
        pytest.param(lambda path: path[:-2] + ("A" if path[-2] != "A" else "B") + path[-1], id="text"),
        pytest.param(lambda path: path[:20] + ("A" if path[20] != "A" else "B") + path[21:], id="signature"),
        pytest.param(lambda path: path.replace("opt-out/1", "opt-out/2"), id="version"),
        pytest.param(lambda path: path[:40], id="no more than a signature"),
        pytest.param(lambda path: path + "A", id="more"),
        pytest.param(lambda _: "opt-out/x", id="nonsense"),
        pytest.param(lambda _: "opt-out/" + "1" * 3_000, id="long"),
        pytest.param(lambda _: "opt-out/%C3%BC.x", id="not ASCII"),
    ],
)
def test_a_link_that_is_not_ours_opens_nothing(server: DeskRunning, spoil: object) -> None:
    assert callable(spoil)
    path = spoil(server.link())
    assert server.get(path).status == 404
    answer = server.post(path, ONE_CLICK, FORM, Sec_Fetch_Site="")
    assert answer.status == 404
    assert history(server) == []


def test_known_and_unknown_addresses_get_the_same_answers(server: DeskRunning) -> None:
    token = make_token(server.keys.form_secret, server.site.audience, NOW)
    pages = []
    for address in ("ann@shop.test", "axx@shop.test"):
        link = server.link(address=address)
        answers = [
            server.get(link, **HTML),
            server.post_form(link, {"choice": "opt-out"}),
            server.post_form("opt-out", {"list": "surveys", "for": "acme", "address": address, "token": token}),
        ]
        pages.append([(one.status, one.text.replace(link.partition("/")[2], "TOKEN")) for one in answers])
    assert pages[0] == pages[1]


def test_an_old_mails_link_works_when_the_policy_has_the_list_no_more(tmp_path: Path) -> None:
    lists = [{"id": "other", "title": {"en": "Other", "de": "Anderes"}}]
    with desk_running(tmp_path, policy=desk_policy(optOuts=lists)) as server:
        server.now[0] += 20 * 366 * 86_400
        assert server.get(server.link(), **HTML).status == 200
        assert server.post(server.link(), ONE_CLICK, FORM, Sec_Fetch_Site="").status == 200


def test_without_lists_there_is_nothing(tmp_path: Path) -> None:
    with desk_running(tmp_path, policy=desk_policy(optOuts=None)) as server:
        assert server.get(server.link()).status == 404
        assert server.post(server.link(), ONE_CLICK, FORM).status == 404
        assert server.post_json("opt-out", {"list": "surveys", "address": "ann@shop.test"}).status == 404


class TestByForm:
    def opt_out(self, server: DeskRunning, **fields: str) -> int:
        values = {"list": "surveys", "for": "acme", "address": "ann@shop.test"}
        return server.post_json("opt-out", {**values, **fields}).status

    def test_it_takes_effect_at_once(self, server: DeskRunning) -> None:
        assert self.opt_out(server) == 200
        assert history(server) == [("out", "form")]
        assert server.invited("ann@shop.test")["invite"] is False

    def test_without_a_client_it_holds_for_all(self, server: DeskRunning) -> None:
        server.register("ann@shop.test", client="bolt")
        assert self.opt_out(server, **{"for": ""}) == 200
        assert {server.invited("ann@shop.test", client=one)["invite"] for one in ("acme", "bolt")} == {False}

    def listed(self, server: DeskRunning, client: str) -> list[str]:
        found = server.call("olga", "GET", f"/opt-outs/surveys?client={client}").json["optOuts"]
        return [row["address"] for row in found]

    def test_one_for_all_clients_stands_in_the_list_of_each(self, server: DeskRunning) -> None:
        self.opt_out(server, **{"for": ""})
        self.opt_out(server, address="bob@shop.test")
        self.opt_out(server, address="bob@shop.test", **{"for": ""})
        assert self.listed(server, "acme") == ["ann@shop.test", "bob@shop.test"]
        assert sorted(self.listed(server, "bolt")) == ["ann@shop.test", "bob@shop.test"]
        waiting = server.call("anna", "GET", "/opt-outs").json["optOuts"]
        assert [(one["client"], one["waiting"]) for one in waiting] == [("acme", 2)]

    def test_each_client_enters_it_for_itself(self, server: DeskRunning) -> None:
        self.opt_out(server, **{"for": ""})
        upto = server.call("anna", "GET", "/opt-outs/surveys").json["upto"]
        assert server.call("anna", "POST", "/entered/surveys", {"upto": upto}).json["entered"] == upto
        found = {who: server.call(who, "GET", "/opt-outs").json["optOuts"][0]["waiting"] for who in ("anna", "bea")}
        assert found == {"anna": 0, "bea": 1}

    def test_one_for_all_clients_is_taken_back_for_the_client_of_the_link_alone(self, server: DeskRunning) -> None:
        server.register("ann@shop.test", client="bolt")
        self.opt_out(server, **{"for": ""})
        back = server.link().replace("opt-out/", "opt-in/")
        assert "can get these mails again" in server.post_form(back, {"choice": "opt-in"}).text
        assert server.invited("ann@shop.test")["invite"] is True
        assert server.invited("ann@shop.test", client="bolt")["invite"] is False
        assert (self.listed(server, "acme"), self.listed(server, "bolt")) == ([], ["ann@shop.test"])
        server.post_form(server.link(), {"choice": "opt-out"})
        assert server.invited("ann@shop.test")["invite"] is False

    def test_of_two_opt_outs_the_clients_own_outlives_the_general_one(self, server: DeskRunning) -> None:
        self.opt_out(server, **{"for": ""})
        self.opt_out(server)
        server.post_form(server.link(client="").replace("opt-out/", "opt-in/"), {"choice": "opt-in"})
        assert server.invited("ann@shop.test")["invite"] is False

    @pytest.mark.parametrize("spelling", [" Ann@SHOP.test ", "ANN@shop.test", "ann@Shop.Test"])
    def test_however_the_address_is_written(self, server: DeskRunning, spelling: str) -> None:
        assert self.opt_out(server, address=spelling) == 200
        assert server.invited("ann@shop.test")["invite"] is False

    @pytest.mark.parametrize(
        "fields, code",
        [
            ({"address": "nobody"}, "no-address"),
            ({"address": ""}, "no-address"),
            ({"list": "x"}, "unknown-choice"),
            ({"for": "x"}, "unknown-choice"),
            ({"more": "x"}, "bad-request"),
        ],
    )
    def test_what_makes_no_sense_is_said(self, server: DeskRunning, fields: dict[str, str], code: str) -> None:
        values = {"list": "surveys", "for": "acme", "address": "ann@shop.test", **fields}
        answer = server.post_json("opt-out", values)
        assert (answer.status, answer.code) == (400, code)

    def test_another_sites_page_cannot(self, server: DeskRunning) -> None:
        values = {"list": "surveys", "for": "acme", "address": "ann@shop.test"}
        assert server.post_json("opt-out", values, Sec_Fetch_Site="cross-site").status == 403
        assert server.post_json("opt-out", values, Sec_Fetch_Site="").status == 403
        assert history(server) == []

    def test_one_machine_cannot_go_through_a_list_of_addresses(self, server: DeskRunning) -> None:
        answers = [
            server.post_json(
                "opt-out",
                {"list": "surveys", "for": "acme", "address": f"a{n}@shop.test"},
                X_Forwarded_For="203.0.113.7",
            ).status
            for n in range(25)
        ]
        assert answers == [200] * 20 + [429] * 5


def test_what_is_not_stored_is_not_acknowledged(server: DeskRunning) -> None:
    server.desk.file.rename(server.desk.file.with_name("moved.db"))
    answer = server.post(server.link(), ONE_CLICK, FORM, Sec_Fetch_Site="")
    assert answer.status == 503
    page = server.post_form(server.link(), {"choice": "opt-out", "lang": "en"}, Accept_Language="de")
    assert page.status == 503
    assert "nichts ge&#228;ndert" in page.text
    server.desk.file.with_name("moved.db").rename(server.desk.file)
    assert history(server) == []
    assert server.post(server.link(), ONE_CLICK, FORM, Sec_Fetch_Site="").status == 200


@pytest.mark.parametrize("language, told", [("en", "Send me no more"), ("de", "Nichts mehr schicken")])
def test_the_page_is_in_the_visitors_language(server: DeskRunning, language: str, told: str) -> None:
    page = server.get(server.link(), Accept_Language=language, **HTML)
    assert f'<html lang="{language}">' in page.text
    assert told in page.text


def test_the_page_does_not_show_the_whole_address(server: DeskRunning) -> None:
    page = server.get(server.link(), **HTML).text
    assert "ann@shop.test" not in page
    assert "a&#8230;@shop.test" in page
