"""Visits of a small site, each made for one detector or for what comes close to it, and what must be found in each.

May go in here: what the pages hold, what their hosts answer, what must be found. May not: recording (`record.py`),
reading what was recorded (`test_ground_truth.py`).

Every host is in .test or .example, every identifier is made up here. What is found is named by code, level and what it
is about: a cookie, a member, a vendor, or else a host.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.audit.hars import MOVES, POLICY, RECORDER
from tests.audit.test_strings import tc_string

SITE = "https://shop.example/"
ID = "91c0ffee27aa44d0"
OTHER_ID = "7f3a9c21be44d0aa"
YEAR = 366 * 86_400
V, P, N = "violation", "potential", "note"

Found = tuple[str, str, str | None]

# The cookies in which consent platforms keep the choice are declared.
PLATFORMS = {
    "cookies": [
        *POLICY["cookies"],
        *(
            {"name": name, "category": "necessary", "party": "first"}
            for name in ("CookieConsent", "OptanonConsent", "OptanonAlertBoxClosed")
        ),
    ]
}


@dataclass(frozen=True)
class Answer:
    """What a host answers; the type follows from the address where it is not given."""

    body: str = ""
    status: int = 200
    cookies: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Scenario:
    """A visit: pages by path (of the site) or address, other answers by address, what the browser has before, where it
    goes. `act` is script run on the last page. `choice` and `events` are as for `consentry audit`."""

    name: str
    about: str
    page: str = ""
    found: tuple[Found, ...] = ()
    answers: Mapping[str, Answer] = field(default_factory=dict)
    visits: tuple[str, ...] = (SITE,)
    before: tuple[tuple[str, str], ...] = ()
    act: str = ""
    choice: str | None = None
    events: tuple[str, ...] = ()
    policy: Mapping[str, Any] = field(default_factory=lambda: PLATFORMS)
    signals: tuple[tuple[str, str], ...] = ()


def script(url: str) -> str:
    return f'<script src="{url}"></script>'


def image(url: str) -> str:
    return f'<img src="{url}" alt="">'


def frame(url: str) -> str:
    return f'<iframe src="{url}"></iframe>'


def run(code: str) -> str:
    return f"<script>{code}</script>"


def cookie(name: str, value: str, age: int | None = 600, more: str = "") -> str:
    """As a third party has to set it; None: until the browser closes."""
    lasting = "" if age is None else f"; Max-Age={age}"
    return f"{name}={value}{lasting}; Path=/; Secure; SameSite=None{more}"


def sets(*cookies: str, **more: Any) -> Answer:
    return Answer(cookies=cookies, **more)


def platform(answer: str) -> tuple[str, str]:
    """The choice as Cookiebot keeps it."""
    text = f"{{stamp:%27x%27%2Cnecessary:true%2Cpreferences:{answer}%2Cstatistics:{answer}%2Cmarketing:{answer}}}"
    return ("shop.example", f"CookieConsent={text}")


def to(url: str, *cookies: str) -> Answer:
    return Answer(status=302, cookies=cookies, headers=(("Location", url),))


STATS, ADS = "https://stats.test/s.js", "https://ads.test/p.gif"
TRACKED = script(STATS)
WIDGET = {
    "id": "social",
    "name": "Social",
    "company": "Social Inc.",
    "category": "advertising",
    "hosts": ["social.test"],
    "techniques": ["social-widget"],
}
WITH = {"vendors": [*POLICY["vendors"], WIDGET, RECORDER]}
NEVER = {"categories": {**POLICY["categories"], "advertising": {**POLICY["categories"]["advertising"], "never": True}}}
OPT_OUT = {
    "categories": {**POLICY["categories"], "advertising": {**POLICY["categories"]["advertising"], "default": "allow"}}
}
UNKNOWN = ("decl.undeclared-host", P)
POST = "fetch('{}', {{method: 'POST', body: {}, mode: 'no-cors'}})"
NUMBER = "Cj0KCQjw91c0ffee27"
PIXEL = "https://cnt.test/p.gif"


def unknown(host: str) -> Found:
    return (*UNKNOWN, host)


SCENARIOS: Sequence[Scenario] = (
    # -------------------------------------------------------------------------------------- consent
    Scenario("nothing", "a page of the site alone"),
    Scenario("own-files", "the site's own files, sub-domains included", script("https://cdn.shop.example/a.js")),
    Scenario("necessary-vendor", "a vendor that is necessary", script("https://consent.test/c.js"), choice="refuse"),
    Scenario("request-before", "a vendor before any choice", TRACKED, (("consent.request-before", V, "stats"),)),
    Scenario("request-agreed", "the same after agreeing", TRACKED, choice="accept"),
    Scenario(
        "request-refused",
        "the same after refusing",
        TRACKED,
        (("consent.request-after-reject", V, "stats"),),
        choice="refuse",
    ),
    Scenario(
        "request-partly",
        "two vendors, one of them granted",
        TRACKED + image(ADS),
        (("consent.request-after-reject", V, "ads"),),
        choice="analytics",
    ),
    Scenario(
        "set-before",
        "a cookie of a vendor before any choice",
        TRACKED,
        (("consent.request-before", V, "stats"), ("consent.set-before", V, "_st")),
        {STATS: sets(cookie("_st", "1"))},
    ),
    Scenario(
        "set-refused",
        "the same after refusing",
        TRACKED,
        (("consent.request-after-reject", V, "stats"), ("consent.set-after-reject", V, "_st")),
        {STATS: sets(cookie("_st", "1"))},
        choice="refuse",
    ),
    Scenario("set-agreed", "the same after agreeing", TRACKED, (), {STATS: sets(cookie("_st", "1"))}, choice="accept"),
    Scenario(
        "taken-away",
        "a cookie of a vendor is sent once more, and taken away",
        "",
        (("consent.read-after-reject", V, "_st"),),
        {SITE: sets(cookie("_st", "", 0))},
        before=(("shop.example", "_st=1"),),
        choice="refuse",
    ),
    Scenario(
        "read-before",
        "a cookie of earlier days is sent before any choice",
        "",
        (("consent.read-before", V, "_st"),),
        before=(("shop.example", "_st=1"),),
    ),
    Scenario(
        "read-refused",
        "the site's own cookie for a vendor, after refusing",
        "",
        (("consent.read-after-reject", V, "_st"),),
        before=(("shop.example", "_st=1"),),
        choice="refuse",
    ),
    Scenario(
        "withdrawn",
        "agreed, then withdrawn, and it goes on",
        TRACKED,
        (("consent.after-withdrawal", V, "stats"),),
        visits=(SITE, f"{SITE}b", f"{SITE}c"),
        events=("0.1=accept", "3.5=withdraw"),
        answers={f"{SITE}b": Answer(), f"{SITE}c": Answer(TRACKED.replace("s.js", "t.js"))},
    ),
    Scenario(
        "withdrawn-and-kept",
        "agreed, then withdrawn, and nothing goes on",
        TRACKED,
        visits=(SITE, f"{SITE}b"),
        events=("0.1=accept", "1.5=withdraw"),
        answers={f"{SITE}b": Answer()},
    ),
    Scenario("platform-agreed", "a platform's cookie says yes", TRACKED, before=(platform("true"),)),
    Scenario(
        "platform-refused",
        "a platform's cookie says no",
        TRACKED,
        (("consent.request-after-reject", V, "stats"),),
        before=(platform("false"),),
    ),
    Scenario(
        "platform-untrue",
        "a platform's cookie says yes where the visitor said no",
        "",
        (("consent.state-mismatch", V, "shop.example"),),
        visits=(SITE, f"{SITE}b"),
        events=("0.5=refuse",),
        before=(platform("true"),),
        answers={f"{SITE}b": Answer()},
    ),
    Scenario(
        "stale",
        "a consent of years ago",
        TRACKED,
        (("consent.stale", P, "shop.example"),),
        before=(
            ("shop.example", "OptanonConsent=groups=C0002:1%2CC0004:1"),
            ("shop.example", "OptanonAlertBoxClosed=2021-01-01"),
        ),
    ),
    Scenario(
        "stale-refusal",
        "a refusal of years ago",
        "",
        before=(
            ("shop.example", "OptanonConsent=groups=C0002:0%2CC0004:0"),
            ("shop.example", "OptanonAlertBoxClosed=2021-01-01"),
        ),
    ),
    Scenario(
        "overclaimed",
        "a receiver is told of consent that was refused",
        image("https://stats.test/g/collect.gif?gcs=G111"),
        (("consent.request-after-reject", V, "stats"), ("consent.signal-overclaim", V, "stats")),
        choice="refuse",
    ),
    Scenario(
        "told-truly",
        "a receiver is told that all was refused",
        image("https://stats.test/g/collect.gif?gcs=G100"),
        (("consent.request-after-reject", V, "stats"),),
        choice="refuse",
    ),
    Scenario(
        "untold",
        "one of two vendors is told nothing",
        image(f"{ADS}?gdpr_consent={tc_string(0xFFFFFF)}") + image("https://stats.test/p.gif"),
        (("consent.signal-missing", N, "stats"), ("consent.stale", P, "ads")),
        choice="accept",
    ),
    Scenario(
        "intensified",
        "two more companies after the refusal",
        "",
        (("consent.intensified", P, "one-more.test"), unknown("one-more.test"), unknown("two-more.test")),
        visits=(SITE, f"{SITE}?again"),
        answers={f"{SITE}?again": Answer(script("https://one-more.test/a.js") + script("https://two-more.test/a.js"))},
        events=("0.5=refuse",),
    ),
    Scenario(
        "not-intensified",
        "the same companies before and after",
        script("https://one-more.test/a.js"),
        (unknown("one-more.test"),),
        visits=(SITE, f"{SITE}?again"),
        answers={f"{SITE}?again": Answer(script("https://one-more.test/b.js"))},
        events=("1.5=refuse",),
    ),
    Scenario(
        "wall",
        "whoever refused is sent to a page about consent",
        "",
        (("consent.cookie-wall", P, "shop.example"),),
        visits=(f"{SITE}news",),
        answers={f"{SITE}news": to("/cookie-wall"), f"{SITE}cookie-wall": Answer()},
        choice="refuse",
    ),
    Scenario(
        "no-wall",
        "whoever refused is sent to another article",
        visits=(f"{SITE}news",),
        answers={f"{SITE}news": to("/news/1"), f"{SITE}news/1": Answer()},
        choice="refuse",
    ),
    # -------------------------------------------------------------------------------------- widgets and signals
    Scenario(
        "widget",
        "a like button before anybody asked for it",
        frame("https://social.test/like"),
        (("consent.request-before", V, "social"), ("widget.before-click", V, "social")),
        policy=WITH,
    ),
    Scenario(
        "widget-agreed", "the same after agreeing", frame("https://social.test/like"), choice="accept", policy=WITH
    ),
    Scenario(
        "recorder",
        "a recorder of visits, refused",
        script("https://rec.test/r.js"),
        (("consent.request-after-reject", V, "rec"), ("track.session-replay", V, "rec")),
        choice="refuse",
        policy=WITH,
    ),
    Scenario(
        "recording",
        "what looks like a recording goes to nobody that is known",
        run(POST.format("https://live.test/r", f"JSON.stringify({MOVES})")),
        (("track.session-replay", P, "live.test"), unknown("live.test")),
        choice="accept",
    ),
    Scenario(
        "no-recording",
        "a message of another form",
        run(POST.format("https://live.test/r", "'[1,2,3]'")),
        (unknown("live.test"),),
        choice="accept",
    ),
    Scenario(
        "gpc-ignored",
        "an opt-out category used under Global Privacy Control",
        image(ADS),
        (("signal.gpc-ignored", V, "ads"),),
        policy=OPT_OUT,
        signals=(("Sec-GPC", "1"),),
    ),
    Scenario("gpc-absent", "the same without the signal", image(ADS), policy=OPT_OUT),
    Scenario(
        "not-tracking",
        "the site says that nobody tracks, and a tracker is asked",
        TRACKED,
        (("signal.dnt-claim", V, "stats"),),
        {SITE: Answer(TRACKED, headers=(("Tk", "N"),))},
        choice="accept",
    ),
    # -------------------------------------------------------------------------------------- tracking
    Scenario(
        "sync",
        "one third party's identifier goes to another",
        image("https://ads.test/sync.gif"),
        (("track.cookie-sync", P, "uid"), ("track.pixel", N, "bids.test"), unknown("bids.test")),
        {"https://ads.test/sync.gif": to(f"https://bids.test/m.gif?id={ID}", cookie("uid", ID))},
        choice="accept",
    ),
    Scenario(
        "no-sync",
        "it goes to another host of the same company",
        image("https://ads.test/sync.gif"),
        (),
        {"https://ads.test/sync.gif": to(f"https://x.ads.test/m.gif?id={ID}", cookie("uid", ID))},
        choice="accept",
    ),
    Scenario(
        "first-party-leak",
        "the site's own identifier goes to a third party",
        image(f"https://stats.test/h.gif?c={ID}"),
        (("track.first-party-id-leak", V, "language"),),
        before=(("shop.example", f"language={ID}"),),
        choice="accept",
    ),
    Scenario(
        "first-party-meant",
        "a cookie declared for the company that gets it",
        image(f"https://stats.test/h.gif?c={ID}"),
        before=(("shop.example", f"_st={ID}"),),
        choice="accept",
    ),
    Scenario(
        "etag",
        "the name of a cached picture is the cookie's identifier",
        image(PIXEL + "?s=1"),
        (
            ("track.etag-identifier", P, "cnt.test"),
            ("track.pixel", P, "cnt.test"),
            ("decl.undeclared-cookie", P, "uid"),
            unknown("cnt.test"),
        ),
        {PIXEL + "?s=1": sets(cookie("uid", ID), headers=(("ETag", f'"{ID}"'),))},
        choice="accept",
    ),
    Scenario(
        "etag-of-a-file",
        "the name of a cached file by time and size",
        script("https://cnt.test/a.js"),
        (unknown("cnt.test"),),
        {"https://cnt.test/a.js": Answer(headers=(("ETag", '"5f3a9c21-2b"'),))},
        choice="accept",
    ),
    Scenario(
        "respawned",
        "a cookie that was taken away comes back",
        "",
        (("track.respawned-cookie", P, "visitor"), ("decl.undeclared-cookie", P, "visitor")),
        visits=(SITE, f"{SITE}b", f"{SITE}c"),
        before=(("shop.example", f"visitor={ID}"),),
        answers={
            SITE: sets("visitor=; Max-Age=0; Path=/; Secure"),
            f"{SITE}b": Answer(),
            f"{SITE}c": sets(f"visitor={ID}; Max-Age=600; Path=/; Secure"),
        },
    ),
    Scenario(
        "new-after-deletion",
        "a cookie that was taken away and is given anew",
        "",
        (("decl.undeclared-cookie", P, "visitor"),),
        visits=(SITE, f"{SITE}b", f"{SITE}c"),
        before=(("shop.example", f"visitor={ID}"),),
        answers={
            SITE: sets("visitor=; Max-Age=0; Path=/; Secure"),
            f"{SITE}b": Answer(),
            f"{SITE}c": sets(f"visitor={OTHER_ID}; Max-Age=600; Path=/; Secure"),
        },
    ),
    Scenario(
        "id-cookie",
        "an unknown third party recognises people for a year",
        script("https://cnt.test/a.js"),
        (("track.id-cookie", P, "vtoken"), ("decl.undeclared-cookie", P, "vtoken"), unknown("cnt.test")),
        {"https://cnt.test/a.js": sets(cookie("vtoken", ID, YEAR))},
        choice="accept",
    ),
    Scenario(
        "short-cookie",
        "the same for ten minutes",
        script("https://cnt.test/a.js"),
        (("decl.undeclared-cookie", P, "vtoken"), unknown("cnt.test")),
        {"https://cnt.test/a.js": sets(cookie("vtoken", ID))},
        choice="accept",
    ),
    Scenario(
        "pixel",
        "a counting pixel of nobody that is known",
        image(f"{PIXEL}?page=checkout"),
        (("track.pixel", N, "cnt.test"), unknown("cnt.test")),
        choice="accept",
    ),
    Scenario(
        "spacer", "a picture of the same size that tells nothing", image(PIXEL), (unknown("cnt.test"),), choice="accept"
    ),
    Scenario(
        "beacon",
        "a message that wants no answer",
        run("navigator.sendBeacon('https://rum.test/b', 'x=1')"),
        (("track.beacon", N, "rum.test"), unknown("rum.test")),
        {"https://rum.test/b": Answer(status=204)},
        choice="accept",
    ),
    Scenario(
        "no-beacon",
        "a question that is answered",
        run("fetch('https://rum.test/b.json', {mode: 'no-cors'})"),
        (unknown("rum.test"),),
        {"https://rum.test/b.json": Answer('{"a":1}')},
        choice="accept",
    ),
    Scenario(
        "passed-on",
        "an identifier by its name goes to two unknown parties",
        image(f"https://one.test/a.png?visitorId={ID}") + image(f"https://two.test/a.png?visitorId={ID}"),
        (
            ("track.identifier-passed-on", P, "visitorId"),
            ("track.identifier-passed-on", P, "visitorId"),
            ("track.pixel", P, "one.test"),
            ("track.pixel", P, "two.test"),
            unknown("one.test"),
            unknown("two.test"),
        ),
        choice="accept",
    ),
    Scenario(
        "websocket",
        "an open connection that says who the visitor is",
        run(
            "const s = new WebSocket('wss://live.test/ws'); "
            f"s.onopen = () => s.send(JSON.stringify({{visitorId: '{ID}'}}))"
        ),
        (("track.websocket", P, "live.test"), unknown("live.test")),
        choice="accept",
    ),
    Scenario(
        "own-websocket",
        "the same to the site itself",
        run(
            "const s = new WebSocket('wss://shop.example/ws'); "
            f"s.onopen = () => s.send(JSON.stringify({{visitorId: '{ID}'}}))"
        ),
        choice="accept",
    ),
    Scenario(
        "bounce",
        "the visitor is sent through somebody who may recognise people",
        "",
        (("track.bounce", N, "click.test"),),
        visits=(SITE, "https://click.test/o"),
        answers={
            "https://click.test/o": to("https://partner.example/", cookie("uid", ID)),
            "https://partner.example/": Answer(),
        },
        policy={"sites": ["shop.example"]},
    ),
    Scenario(
        "no-bounce",
        "the visitor is sent on by somebody without cookies",
        "",
        visits=(SITE, "https://click.test/o"),
        answers={"https://click.test/o": to("https://partner.example/"), "https://partner.example/": Answer()},
        policy={"sites": ["shop.example"]},
    ),
    Scenario(
        "click-kept",
        "the number of a click is kept",
        "",
        (("track.link-decoration", P, "_gcl"), ("decl.undeclared-cookie", P, "_gcl")),
        visits=(f"{SITE}?gclid={NUMBER}",),
        answers={f"{SITE}?gclid={NUMBER}": sets(f"_gcl=GCL.17.{NUMBER}; Max-Age=600; Path=/; Secure")},
    ),
    Scenario("click-ignored", "the number of a click is left alone", visits=(f"{SITE}?gclid={NUMBER}",)),
    # -------------------------------------------------------------------------------------- leaks
    Scenario(
        "form",
        "a mail address typed into a form goes to a third party",
        run(
            "fetch('/subscribe', {method: 'POST', body: new URLSearchParams({email: 'jo@example.test'})})"
            ".then(() => new Image().src = 'https://ads.test/p.gif?em=jo%40example.test')"
        ),
        (("leak.form-values", P, "email"),),
        choice="accept",
    ),
    Scenario(
        "form-to-the-site",
        "the same goes to the site alone",
        run("fetch('/subscribe', {method: 'POST', body: new URLSearchParams({email: 'jo@example.test'})})"),
    ),
    Scenario(
        "card",
        "a card number goes to a third party",
        run(POST.format("https://stats.test/e", "new URLSearchParams({card: '4111 1111 1111 1111'})")),
        (("leak.sensitive-data", P, "stats"),),
        choice="accept",
    ),
    Scenario(
        "no-card",
        "a number of the same length that is none",
        run(POST.format("https://stats.test/e", "new URLSearchParams({order: '4111 1111 1111 1112'})")),
        choice="accept",
    ),
    # -------------------------------------------------------------------------------------- transport, upkeep
    Scenario(
        "bare-cookie",
        "a cookie that plain HTTP would carry too",
        "",
        (("transport.insecure", N, "language"),),
        {SITE: sets("language=de; Max-Age=600; Path=/")},
    ),
    Scenario(
        "readable-session",
        "a session that scripts may read",
        "",
        (("hygiene.cookie-attributes", N, "PHPSESSID"), ("decl.undeclared-cookie", P, "PHPSESSID")),
        {SITE: sets(f"PHPSESSID={ID}; Path=/; Secure")},
    ),
    Scenario(
        "hidden-session",
        "a session that they may not",
        "",
        (("decl.undeclared-cookie", P, "PHPSESSID"),),
        {SITE: sets(f"PHPSESSID={ID}; Path=/; Secure; HttpOnly")},
    ),
    # -------------------------------------------------------------------------------------- declared and not
    Scenario(
        "never",
        "what the policy says never happens",
        image(ADS),
        (("decl.despite-never", V, "ads"),),
        choice="accept",
        policy=NEVER,
    ),
    Scenario(
        "undeclared-host",
        "a third party the policy does not name",
        script("https://cdn.test/a.js"),
        (unknown("cdn.test"),),
    ),
    Scenario(
        "undeclared-cookie",
        "a cookie the policy does not name",
        "",
        (("decl.undeclared-cookie", P, "theme"),),
        {SITE: sets("theme=dark; Max-Age=600; Path=/; Secure")},
    ),
    Scenario(
        "declared-cookie",
        "one that it names",
        "",
        (),
        {SITE: sets("language=de; Max-Age=600; Path=/; Secure")},
    ),
    Scenario(
        "too-long",
        "a cookie for a year that is declared for 30 days",
        "",
        (("decl.lifetime-exceeds", V, "language"),),
        {SITE: sets(f"language=de; Max-Age={YEAR}; Path=/; Secure")},
    ),
    Scenario(
        "not-too-long",
        "one for 40 days: less than half longer",
        "",
        (),
        {SITE: sets(f"language=de; Max-Age={40 * 86_400}; Path=/; Secure")},
    ),
    Scenario(
        "persistent-session",
        "a session cookie that is kept for a month",
        "",
        (("decl.session-persistent", V, "session"),),
        {SITE: sets(f"session=2; Max-Age={30 * 86_400}; Path=/; Secure; HttpOnly")},
    ),
    Scenario(
        "prolonged",
        "a cookie of fixed life that every page sets again",
        "",
        (("decl.sliding-lifetime", V, "once"),),
        {SITE: sets("once=1; Max-Age=600; Path=/; Secure")},
        before=(("shop.example", "once=1"),),
        policy={
            "cookies": [
                *POLICY["cookies"],
                {"name": "once", "category": "necessary", "party": "first", "lifetime": "30 days", "renewal": "fixed"},
            ]
        },
    ),
    Scenario(
        "other-side",
        "a cookie declared for the site, kept by a third party",
        script("https://cdn.test/a.js"),
        (("decl.party-mismatch", P, "language"), ("decl.undeclared-cookie", P, "language"), unknown("cdn.test")),
        {"https://cdn.test/a.js": sets(cookie("language", "de"))},
        choice="accept",
    ),
    Scenario(
        "never-seen",
        "a thorough visit that shows little of what is declared",
        "",
        (("decl.never-seen", N, None),),
        visits=(SITE, f"{SITE}b", f"{SITE}c"),
        answers={f"{SITE}b": Answer(), f"{SITE}c": Answer()},
        choice="accept",
    ),
    Scenario(
        "region",
        "a vendor outside the countries data stays in",
        image(ADS),
        (("decl.region", V, "ads"),),
        choice="accept",
        policy={"transfers": {"within": ["EEA"]}},
    ),
    Scenario("in-region", "a vendor within them", TRACKED, choice="accept", policy={"transfers": {"within": ["EEA"]}}),
    Scenario(
        "obsolete",
        "a vendor under clauses that are gone",
        TRACKED,
        (("decl.transfer-obsolete", P, "stats"),),
        choice="accept",
        policy={"vendors": [{**POLICY["vendors"][0], "transferBasis": "scc-2010"}]},
    ),
    Scenario(
        "overdue",
        "a policy that nobody looked at in time",
        "",
        (("decl.review-overdue", V, None),),
        policy={"reviewed": "2020-01-01", "reviewEvery": "12 months"},
    ),
)
