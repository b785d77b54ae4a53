"""Adblock-Plus lists (EasyList and its kin): requests by URL pattern, kind and page.

May go in here: which lines are rules for requests, and looking them up through the `adblock` engine. May not: rules
that hide parts of pages; they are counted as none of ours.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import adblock

from cmp.core.classify import Party
from cmp.core.exchange import Kind
from cmp.core.kept import Kept
from cmp.core.listed import Found, Source
from cmp.core.urls import Url
from cmp.lists.content import Content, Filing, FormatError, Trouble, text_of

# Element hiding and its extensions: what stands before the mark are sites, what follows is about the page's content.
_COSMETIC = re.compile(r"#(?:@|\?|\$|%|@\?|@\$|\$\?|@\$\?|@%)?#|\$\$|\$@\$")
_HEADER = re.compile(r"\[(?:Adblock|uBlock)[^\]]*\]", re.IGNORECASE)
# Lines of other formats, told apart from rules that merely look odd.
_HOSTS_LINE = re.compile(r"(?:0\.0\.0\.0|127\.0\.0\.1|::1?)[ \t]+\S")
_NOT_A_LIST = re.compile(r"\s*(?:[{\[]\s*(?:[\"{\[\]}]|$)|<(?:!doctype|html|head|body|\?xml)\b)", re.IGNORECASE)

_WORDS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.DOCUMENT: "document",
        Kind.FRAME: "subdocument",
        Kind.SCRIPT: "script",
        Kind.STYLE: "stylesheet",
        Kind.IMAGE: "image",
        Kind.FONT: "font",
        Kind.MEDIA: "media",
        Kind.FETCH: "xmlhttprequest",
        Kind.BEACON: "ping",
        Kind.PING: "ping",
        Kind.WEBSOCKET: "websocket",
        Kind.OBJECT: "object",
        # A worker's code is asked for as a script.
        Kind.WORKER: "script",
    }
)
_TYPES = frozenset({*_WORDS.values(), "other", "xhr", "frame", "css", "doc"})
# Questions whose answers are kept, and how many characters the URL of one may have.
_CHECKED, _LONGEST = 2_048, 2_048
# The engine joins rules that differ in their pattern only, and then names them all.
_JOINT = " <+> "
# URL, its host, the page's host, the engine's word for the kind, whether the hosts are different parties'.
_Question = tuple[str, str, str, str, bool]


class AbpContent(Content):
    """The rules of one list that are about requests, each once, in order."""

    format = "abp"

    def __init__(self, lines: Sequence[str], trouble: Trouble) -> None:
        super().__init__(rules=len(lines), own={}, trouble=trouble)
        self.lines = tuple(lines)

    def source(self, filing: Filing) -> Source:
        return AbpSource([(self, filing)])


def read_abp(data: bytes, *, again: bool = False) -> AbpContent:
    """Read a list. Raises FormatError for what has more bad lines than good ones.

    `again`: these bytes were read before, so malformed lines need not be found and counted once more: the engine
    passes over them.
    """
    text = text_of(data)
    if _NOT_A_LIST.match(text):
        raise FormatError("line 1: is no Adblock-Plus list but looks like JSON or HTML")
    lines: dict[str, int] = {}
    headed = hosts = False
    trouble = Trouble()
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if _HEADER.fullmatch(line):
            headed = True
        elif line and not line.startswith("!") and not _is_cosmetic(line) and not _is_about_windows(line):
            if _HOSTS_LINE.match(line):
                hosts = True
                trouble.add(number, line, "is a line of a hosts file")
            elif _too_wide(line):
                trouble.add(number, line, "would match every request")
            else:
                lines.setdefault(line, number)
    kept = list(lines) if again else _without_malformed(lines, trouble)
    if trouble.count > len(kept) or not (kept or headed):
        more = ": it looks like a hosts file" if hosts else ""
        raise FormatError(f"holds no rule for requests in the form of Adblock-Plus lists{more}")
    return AbpContent(kept, trouble)


def _is_cosmetic(line: str) -> bool:
    found = _COSMETIC.search(line)
    if found is None:
        return False
    # "$$" may be part of a pattern; before the mark of a cosmetic rule stand sites only.
    return not re.search(r"[/|^=]", line[: found.start()]) or "#" in found[0]


def _is_about_windows(line: str) -> bool:
    """Whether a rule is about windows that pages open, and nothing else: a proxy cannot tell them from other pages."""
    options = line.rpartition("$")[2].split(",")
    return "popup" in options and not _TYPES.intersection(options)


def _without_malformed(lines: Mapping[str, int], trouble: Trouble) -> list[str]:
    filters = adblock.FilterSet(debug=True)
    filters.add_filters(list(lines))
    engine = adblock.Engine(filters, optimize=False)
    kept = []
    for line, number in lines.items():
        if "badfilter" in line or engine.filter_exists(line):
            kept.append(line)
        else:
            trouble.add(number, line, "is no rule for requests that the engine knows")
    return kept


def _too_wide(line: str) -> bool:
    """Whether a rule has no pattern and no option that narrows it."""
    pattern, _, options = line.removeprefix("@@").partition("$")
    return not pattern.strip("*|^") and not options


class AbpSource:
    """Adblock-Plus lists, looked up as one.

    Exceptions hold for the rules of all of them, as their authors mean it. Each rule is filed under the category of the
    list it is from; a request that lists of different categories know falls under each.
    """

    def __init__(self, lists: Sequence[tuple[AbpContent, Filing]]) -> None:
        """Take the lists in the order of the policy: a rule in several lists counts as the first one's."""
        self._filings = tuple(filing for _, filing in lists)
        self._owner: dict[str, Filing] = {}
        blocking: dict[str, list[str]] = defaultdict(list)
        for content, filing in lists:
            for line in content.lines:
                if line not in self._owner:
                    self._owner[line] = filing
                if not line.startswith("@@") and "badfilter" not in line:
                    blocking[filing.category].append(line)
        self._all = _engine((line for content, _ in lists for line in content.lines), optimize=True)
        # Asked only about what matched, which rule it was: so exceptions are left out of them, and nothing is joined.
        self._by_category = {category: _engine(lines, optimize=False) for category, lines in blocking.items()}
        self._answers: dict[tuple[str, bool], Found] = {}
        self._checked: Kept[Any] = Kept(_CHECKED)
        self._last: tuple[Url, Url | None, Kind, bool, Any, Any] | None = None

    @property
    def id(self) -> str:
        return "+".join(filing.name for filing in self._filings)

    @property
    def digest(self) -> str:
        digests = [filing.digest for filing in self._filings]
        return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()

    @property
    def categories(self) -> frozenset[str]:
        return frozenset(filing.category for filing in self._filings)

    def request(self, url: Url, page: Url | None, kind: Kind, *, third_party: bool) -> Iterator[Found]:
        question, result = self._ask(url, page, kind, third_party)
        if result.filter is None:
            return
        if not result.matched:
            yield self._found((result.exception or "").partition(_JOINT)[0], exception=True)
            return
        text = result.filter
        if _JOINT not in text:
            first = self._found(text)
            yield first
            yield from self._of_categories(question, but=first.category)
            return
        of_categories = self._of_categories(question)
        yield next(of_categories, None) or self._found(text.partition(_JOINT)[0])
        yield from of_categories

    def cookie(self, name: str, url: Url, page: Url | None, party: Party) -> tuple[Found, ...]:  # noqa: ARG002
        return ()

    def _ask(self, url: Url, page: Url | None, kind: Kind, third_party: bool) -> tuple[_Question, Any]:
        # The cookies of a request are asked about right after it, with the same values.
        last = self._last
        if last and last[0] is url and last[1] is page and last[2] is kind and last[3] is third_party:
            return last[4:]
        # The party is known and both hosts are: the engine need not read the URLs and look up their domains again.
        question = (url.written, url.host, page.host if page else "", _WORDS.get(kind, "other"), third_party)
        result = self._check("", self._all, question)
        self._last = (url, page, kind, third_party, question, result)
        return question, result

    def _check(self, category: str, engine: adblock.Engine, question: _Question) -> Any:
        """What an engine says. A page asks for the same again, and an audit asks about each cookie twice."""
        if len(question[0]) > _LONGEST:
            return engine.check_network_urls_with_hostnames(*question)
        result = self._checked.get(key := (category, question))
        if result is None:
            result = engine.check_network_urls_with_hostnames(*question)
            self._checked.put(key, result)
        return result

    def _of_categories(self, question: _Question, but: str = "") -> Iterator[Found]:
        for category, engine in self._by_category.items():
            if category != but:
                result = self._check(category, engine, question)
                if result.matched:
                    yield self._found(result.filter or "")

    def _found(self, text: str, *, exception: bool = False) -> Found:
        # As many as there are rules, at most.
        answer = self._answers.get((text, exception))
        if answer is None:
            filing = self._owner.get(text, self._filings[0])
            answer = Found(filing.rule(text), filing.category, exception=exception)
            self._answers[text, exception] = answer
        return answer


def _engine(lines: Iterable[str], *, optimize: bool) -> adblock.Engine:
    filters = adblock.FilterSet(debug=True)  # so that it tells which rule it was
    filters.add_filters(list(lines))
    return adblock.Engine(filters, optimize=optimize)
