"""The folder of lists: adding, refreshing safely, removing, and what is found of it by a policy."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from cmp.core.decide import decide
from cmp.lists.content import ListError
from cmp.lists.fetch import fetch
from cmp.lists.store import FOLDER, Store, name_of
from cmp.policy.faults import PolicyError
from cmp.policy.load import load_policy, load_with_files
from tests.lists.test_reading import DISCONNECT, ENTITIES, text
from tests.lists.world import document, request, visitor


def rules(count: int) -> bytes:
    return b"[Adblock Plus 2.0]\n" + b"".join(b"||ads%d.example^\n" % n for n in range(count))


def listed(folder: Path, data: bytes = rules(10), name: str = "ads.txt") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def store_with_ads(folder: Path) -> Store:
    store = Store(folder / FOLDER)
    store.add(str(listed(folder)), category="advertising")
    return store


# -- adding


def test_a_list_is_kept_as_it_came_with_digest_and_date(tmp_path: Path) -> None:
    store = store_with_ads(tmp_path)
    entry = store.entry("ads")
    assert (entry.format, entry.category, entry.rules, entry.malformed) == ("abp", "advertising", 10, 0)
    assert (store.folder / entry.file).read_bytes() == rules(10)
    assert len(entry.sha256) == 64
    assert entry.fetched.endswith("Z")
    assert entry.source == str(tmp_path / "ads.txt")


@pytest.mark.parametrize(
    "source, name",
    [
        ("https://lists.example/EasyList_v2.txt?x=1", "easylist-v2"),
        ("/tmp/a/owner__easyprivacy.txt", "owner-easyprivacy"),
        ("tds.json", "tds"),
    ],
)
def test_a_list_is_named_after_where_it_comes_from(source: str, name: str) -> None:
    assert name_of(source) == name


@pytest.mark.parametrize(
    "data, options, says",
    [
        (rules(1), {}, "--category"),
        (b"<html></html>", {"category": "x"}, "--format"),
        (rules(1), {"category": "x", "format_": "ddg"}, "is not JSON"),
        (rules(1), {"category": "x", "name": "../up"}, "is no name"),
    ],
    ids=["no-category", "no-list", "other-format", "bad-name"],
)
def test_what_cannot_be_added_is_one_error_and_leaves_nothing(
    tmp_path: Path, data: bytes, options: dict[str, str], says: str
) -> None:
    store = Store(tmp_path / FOLDER)
    with pytest.raises(ListError) as error:
        store.add(str(listed(tmp_path, data)), **options)
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert store.entries() == {}


def test_only_files_of_the_store_are_cleaned_away(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text("not ours")
    store = Store(tmp_path)
    store.add(str(listed(tmp_path)), category="advertising")
    first = store.entry("ads").file
    listed(tmp_path, rules(12))
    store.refresh("ads")
    assert not (tmp_path / first).exists()
    assert (tmp_path / "sources.list").read_text() == "not ours"


# -- refreshing


def test_an_update_takes_the_place_of_the_old_list(tmp_path: Path) -> None:
    store = store_with_ads(tmp_path)
    listed(tmp_path, rules(11))
    done = store.refresh("ads")
    assert (done.outcome, done.before.rules, done.after.rules) == ("updated", 10, 11)
    assert store.entry("ads") == done.after
    assert store.refresh("ads").outcome == "unchanged"


@pytest.mark.parametrize(
    "data, says",
    [
        (rules(7), "--force"),
        (b"<html>not found</html>", "read as"),
        (b"", "read as"),
        (None, "cannot be read"),
    ],
    ids=["shrunken", "html", "empty", "gone"],
)
def test_a_bad_update_keeps_the_old_list_and_says_why(tmp_path: Path, data: bytes | None, says: str) -> None:
    store = store_with_ads(tmp_path)
    before = store.entry("ads")
    if data is None:
        (tmp_path / "ads.txt").unlink()
    else:
        listed(tmp_path, data)
    done = store.refresh("ads")
    assert done.outcome == "kept"
    assert says in done.why
    assert store.entry("ads") == before
    assert store.content(before).rules == 10


def test_a_shrunken_update_is_taken_when_asked_for(tmp_path: Path) -> None:
    store = store_with_ads(tmp_path)
    listed(tmp_path, rules(8))
    assert store.refresh("ads").outcome == "updated"
    listed(tmp_path, rules(2))
    assert store.refresh("ads").outcome == "kept"
    assert store.refresh("ads", force=True).outcome == "updated"


def test_removing_forgets_list_and_bytes(tmp_path: Path) -> None:
    store = store_with_ads(tmp_path)
    gone = store.remove("ads")
    assert store.entries() == {}
    assert not (store.folder / gone.file).exists()
    with pytest.raises(ListError):
        store.remove("ads")


def test_bytes_changed_behind_the_store_s_back_are_not_used(tmp_path: Path) -> None:
    store = store_with_ads(tmp_path)
    entry = store.entry("ads")
    (store.folder / entry.file).write_bytes(rules(1))
    with pytest.raises(ListError, match="was changed"):
        store.content(entry)


@pytest.mark.parametrize("index", [b"{", b"[]", b'{"lists": {"ads": {}}}'])
def test_a_broken_index_is_an_error_that_names_it(tmp_path: Path, index: bytes) -> None:
    (tmp_path / "index.json").write_bytes(index)
    with pytest.raises(ListError, match=r"index\.json"):
        Store(tmp_path).entries()


# -- over HTTP


class _Lists(http.server.BaseHTTPRequestHandler):
    answers: ClassVar[dict[str, tuple[int, str, bytes]]] = {
        "/ads.txt": (200, "", rules(10)),
        "/moved": (302, "/ads.txt", b""),
        "/loop": (302, "/loop", b""),
        "/file": (302, "file:///etc/hostname", b""),
        "/gone": (404, "", b""),
        "/large": (200, "", b"x" * 5_000),
    }

    def do_GET(self) -> None:
        status, location, body = self.answers[self.path]
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Lists) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_a_list_is_fetched_over_http_and_through_a_redirect() -> None:
    with serving() as site:
        assert fetch(f"{site}/ads.txt") == fetch(f"{site}/moved") == rules(10)


@pytest.mark.parametrize("path", ["/loop", "/file", "/gone", "/large"])
def test_what_leads_elsewhere_or_never_ends_is_one_error(path: str) -> None:
    with serving() as site, pytest.raises(ListError) as error:
        fetch(f"{site}{path}", size_limit=1_000)
    assert path in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("source", ["file:///etc/hostname", "ftp://lists.example/a", "gopher://lists.example/"])
def test_other_schemes_are_not_fetched(source: str) -> None:
    with pytest.raises(ListError, match="http and https only"):
        fetch(source)


# -- as a policy finds it


def policy_file(folder: Path, *lists: dict[str, object]) -> Path:
    path = folder / "policy.json"
    path.write_text(json.dumps(document(lists=list(lists))), "utf-8")
    return path


def test_a_policy_names_the_lists_it_asks(tmp_path: Path) -> None:
    entry = store_with_ads(tmp_path).entry("ads")
    policy, files = load_with_files(policy_file(tmp_path, {"name": "ads"}))
    ruling = decide(policy, visitor(policy), request("https://ads1.example/")).ruling
    assert ruling.rule == f"list:ads@{entry.sha256[:8]}:||ads1.example^"
    assert {file.name for file in files} == {"policy.json", "index.json", entry.file}


def test_the_digest_of_a_list_is_part_of_the_fingerprint(tmp_path: Path) -> None:
    store = store_with_ads(tmp_path)
    path = policy_file(tmp_path, {"name": "ads"})
    before = load_policy(path).fingerprint
    assert load_policy(path).fingerprint == before
    listed(tmp_path, rules(11))
    store.refresh("ads")
    assert load_policy(path).fingerprint != before


def test_a_policy_files_a_list_under_categories_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "services.json").write_bytes(text(DISCONNECT))
    (tmp_path / "entities.json").write_bytes(text(ENTITIES))
    sources = (str(tmp_path / "services.json"), str(tmp_path / "entities.json"))
    Store(tmp_path / FOLDER).add(sources[0], name="services", companion_source=sources[1])
    path = policy_file(tmp_path, {"name": "services", "categories": {"Advertising": "social", "Content": "functional"}})
    policy = load_policy(path)
    for host, category in (("ads", "social"), ("files", "functional")):
        assert decide(policy, visitor(policy), request(f"https://{host}.example/")).ruling.category == category


@pytest.mark.parametrize(
    "entry, where, says",
    [
        ({"name": "other"}, "/lists/0/name", 'no list called "other"'),
        ({"name": "ads", "category": "marketing"}, "/lists/0/category", "none of the policy's"),
        ({"name": "services", "categories": {"Nothing": "social"}}, "/lists/0/categories", 'no category "Nothing"'),
        ({"name": "services", "categories": {"Content": "else"}}, "/lists/0/categories", '"else"'),
        ({"name": "ads", "categories": {}}, "/lists/0", "no categories of its own"),
    ],
    ids=["unknown-list", "unknown-category", "not-the-list-s", "not-the-policy-s", "none-of-its-own"],
)
def test_an_entry_that_does_not_fit_is_a_fault_with_its_place(
    tmp_path: Path, entry: dict[str, object], where: str, says: str
) -> None:
    store = store_with_ads(tmp_path)
    (tmp_path / "services.json").write_bytes(text(DISCONNECT))
    store.add(str(tmp_path / "services.json"))
    with pytest.raises(PolicyError) as error:
        load_policy(policy_file(tmp_path, entry))
    assert error.value.faults[0].pointer == where
    assert says in error.value.faults[0].what
