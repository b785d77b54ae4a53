"""Plain pages are read by their tags alone, and what comes of that is what the tree builder makes of them."""

import random

import pytest

from cmp.core.consent import supposed_visitor
from cmp.core.signals import NO_SIGNALS
from cmp.core.urls import parse_url
from cmp.policy.load import load_policy
from cmp.resources import policies
from cmp.wire.asking import PLAIN_MARKUP
from cmp.wire.html import _rewritten, _Task
from cmp.wire.splicing import Source
from tests.wire.fuzzed_pages import pages
from tests.wire.nearly_plain_pages import NearlyPlain

PAGE = parse_url("https://www.shop.example/a/b.html?c=d")
T = "//cdn.taboola.com/x"
COUNTS = [
    pytest.param(250, id="some"),
    pytest.param(30_000, id="all", marks=[pytest.mark.soak, pytest.mark.timeout(1_800)]),
]
SEED = 20_261_123


def is_plain(text: str) -> bool:
    source = Source(text)
    return PLAIN_MARKUP.read(source.lines, source.low) is not None


@pytest.fixture(scope="module")
def tasks() -> list[_Task]:
    """Markup of ours put in, and none."""
    default, strict = (load_policy(policies() / f"{name}.json") for name in ("default", "strict"))
    made = [(default, "<x-head>", "<x-body>", "<x-frame>"), (strict, "", "", "")]
    return [
        _Task(policy, supposed_visitor(policy, "refuse"), NO_SIGNALS, PAGE, head, body, frame, "/.consent/", "en")
        for policy, head, body, frame in made
    ]


def read_differently(text: str, tasks: list[_Task]) -> bool:
    return any(_rewritten(text, task, str) != _rewritten(text, task, str, always_by_tree=True) for task in tasks)


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("oddity", [0.1, 0.4, 1.0])
def test_a_plain_page_becomes_what_the_tree_builder_would_make_of_it(
    count: int, oddity: float, tasks: list[_Task]
) -> None:
    made = [NearlyPlain(random.Random(f"{SEED} {oddity} {n}"), oddity).page() for n in range(count)]
    assert [text for text in made if is_plain(text) and read_differently(text, tasks)] == []
    # Else little was compared.
    assert sum(map(is_plain, made)) > count // 5


@pytest.mark.parametrize("count", COUNTS)
def test_so_does_a_page_of_any_kind(count: int, tasks: list[_Task]) -> None:
    made = [data.decode("latin-1") for data in pages(SEED, count)]
    assert [text for text in made if is_plain(text) and read_differently(text, tasks)] == []


PLAIN = [
    ("nothing", ""),
    ("text", "a < b & c"),
    ("a whole page", "<!doctype html>\n<html lang=en><head><title>x</title></head>\n<body><p>x</body></html>"),
    ("before the doctype", "<?xml version='1.0'?>\n<!-- c -->\n<!DOCTYPE html><html>"),
    (
        "pictures, as icons are written",
        f"<svg class=i><title>x</title><g><use href='{T}'/><path d='M 0'></path></g></svg>",
    ),
    ("a choice", "<select name=a><option value=1 selected>x<option>y</select>"),
    ("noscript", f"<head><noscript><img src={T}></noscript><script src={T}></script></head><body>"),
    ("two forms", "<form action=/a></form><form action=/b></form>"),
    ("elements of other names", "<x-card></x-card><fb:like></fb:like>"),
    ("letters of any size", f"<TABLE BGCOLOR=red><TR><TD><IMG SRC={T}></TD></TR></TABLE>"),
    ("a comment in a script", "<script><!-- x\n--></script>"),
    ("conditions of old browsers", "<!--[if IE]><p><![endif]--><![if !IE]><p><![endif]>"),
]
# Each would be read wrongly by its tags alone.
NOT_PLAIN = [
    ("a quote that opens nothing", f'<p a"b c="d><p title="><img src={T}>">'),
    ("a quote in a bare value", f'<p a=b="><img src={T}>">'),
    ("a quote behind two equals signs", f'<p a=="><img src={T}>">'),
    ("no space between attributes", f'<p a="b"c="><img src={T}>">'),
    ("a slash between attributes", f"<img/src={T}>"),
    ("a tag in a tag", f"<p <img src={T}>"),
    ("a comment that ends at once", f"<!--><img src={T}>-->"),
    ("a comment that ends oddly", f"<!-- --!><img src={T}>-->"),
    ("a comment that does not end", f"<!-- <img src={T}>"),
    ("a script in a script", f"<script><!--<script></script><img src={T}>--></script>"),
    ("a script that does not end", f"<script><img src={T}>"),
    ("an end tag with attributes", f"<title></title a='><img src={T}>'>"),
    ("CDATA in a picture", f"<svg><![CDATA[><img src={T}>]]></svg>"),
    ("style in a picture", f"<svg><style><img src={T}></style></svg>"),
    ("HTML in a picture", f"<svg><p><style><img src={T}></style></svg>"),
    ("a tag in a picture's name", f"<svg><title><style><img src={T}></style></title></svg>"),
    ("HTML that ends a picture", f"<svg><p><image src={T} /></p></svg>"),
    ("a picture closed in another order", f"<svg><g><a></g></a><image href={T} /></svg>"),
    ("a picture that does not end", f"<svg><g></svg><image href={T}>"),
    ("a formula", f"<math><style><img src={T}></style></math>"),
    ("an image of another name", f"<image src={T}>"),
    ("a template", f"<template><base href={T}></template>"),
    ("a form in a form", f"<form action=/a><form action={T}></form>"),
    ("more than options in a choice", f"<select><textarea><option></select><img src={T}>"),
    ("an end tag in a choice", f"<select></p><textarea></select><img src={T}></textarea>"),
    ("two bases", f"<base href=/a/><base href={T}>"),
    ("a base without scripts", f"<noscript><base href={T}></noscript>"),
    ("a second body", f"<body><body background={T}>"),
    ("a body behind text", f"x<body background={T}>"),
    ("a head behind text", "x<html><head>"),
    ("a cell outside of a table", f"<td background={T}>"),
    ("a frameset", f"<frameset><frame src={T}></frameset>"),
    ("all that follows is text", f"<plaintext><img src={T}>"),
    ("text of old browsers", f"<xmp><img src={T}></xmp>"),
    ("noscript that ends in an attribute", f"<noscript><p title='</noscript><img src={T}>'>"),
    ("a comment out of noscript", f"<noscript><!--</noscript><img src={T}>-->"),
    ("an element that HTML may come to know", f"<nosuch><img src={T}>"),
    ("a character that is none", f"<p\0><img src={T}>"),
]


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in PLAIN])
def test_read_by_its_tags(text: str, tasks: list[_Task]) -> None:
    assert is_plain(text)
    assert not read_differently(text, tasks)


@pytest.mark.parametrize("text", [pytest.param(text, id=name) for name, text in NOT_PLAIN])
def test_left_to_the_tree_builder(text: str) -> None:
    assert not is_plain(text)
