"""Escaping and words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pages.parts.text import counted, enumerated, hint_md, md, people, share
from pages.parts.times import ago, exact, lasted, now
from tests.pages.conftest import Show

JOINER = "\u2060"


@pytest.mark.parametrize(
    "hostile",
    [
        "![x](http://evil.example/x.png)",
        "[y](https://evil.example)",
        "<img src=x onerror=alert(1)>",
        "https://evil.example",
        "www.evil.example",
        "mail me@evil.example",
        ":red[angry]",
        ":material/home:",
        ":smile:",
        "$\\frac{1}{2}$",
        "**bold** _it_ `code` # head",
        "a -> b <- c -- d",
        "| a | b |",
        "~~gone~~",
    ],
)
def test_md_leaves_nothing_that_markdown_acts_on(hostile):
    escaped = md(hostile)

    assert escaped.replace("\\", "").replace(JOINER, "") == " ".join(hostile.split()).replace("\\", "")
    for sign in "*_[]()<>`$:|~!#":
        assert escaped.count(sign) == escaped.count(f"\\{sign}")
    for joined in ("http://", "https://", "www.", ":material", ":smile", "->", "<-", "--"):
        assert joined not in escaped.replace("\\", "")


def test_md_keeps_ordinary_names_readable():
    assert md("Anne-Marie O’Neill").replace("\\", "") == "Anne-Marie O’Neill"
    assert md("two\nlines") == "two lines"


def test_hints_keep_their_commands():
    assert hint_md("Run `captrid lists list` for *all*.") == "Run `captrid lists list` for \\*all\\*\\."
    assert hint_md("an odd ` tick") == "an odd \\` tick"


def test_counts_in_words():
    assert (people(1), people(2), people(1204)) == ("1 person", "2 people", "1,204 people")
    assert counted(1, "group") == "1 group"
    assert enumerated([]) == ""
    assert enumerated(["a"]) == "a"
    assert enumerated(["a", "b", "c"]) == "a, b and c"


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(0, 0, "0 %"), (0, 5, "0 %"), (1, 1000, "1 %"), (999, 1000, "99 %"), (5, 5, "100 %")],
)
def test_all_and_nothing_are_only_said_where_it_is_so(part, whole, said):
    assert share(part, whole) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "just now"),
        (59, "59 seconds ago"),
        (60, "1 minute ago"),
        (7200, "2 hours ago"),
        (86400 * 3, "3 days ago"),
    ],
)
def test_how_long_ago(show: Show, seconds, said):
    assert ago(now() - timedelta(seconds=seconds)) == said


def test_long_ago_is_a_date_and_never_is_never(show: Show):
    assert ago(datetime(2020, 3, 1, 12, tzinfo=UTC)) == "on 1 March 2020"
    assert ago(None) == "never"
    assert exact(datetime(2020, 3, 1, 12, tzinfo=UTC)) == "Sun 1 Mar 2020, 12:00:00 UTC"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, ""), (0.2, "under 1 s"), (3.14, "3.1 s"), (125, "2 min 5 s"), (3700, "1 h 1 min")],
)
def test_how_long_it_took(seconds, said):
    assert lasted(seconds) == said
