"""The text that models read: cleaned, whole, and hashed."""

import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.text import (
    _MARKUP,
    ArticleText,
    Locator,
    _trace,
    _traced,
    _whole_tags,
    alignment,
    article_text,
    clean,
)
from schemas.article import Article


def article(**fields):
    required = {"article_id": "a1", "source": "courier.example", "published_ms": 1, "fetched_ms": 2}
    return Article(**required | fields)


@pytest.mark.parametrize(
    ("given_text", "cleaned"),
    [
        ("", ""),
        (" \n\t \u00a0", ""),
        ("  two\n\n  words ", "two words"),
        ("<p>Fire</p><p>Flood</p>", "Fire Flood"),
        ("<b>Fire</b> spreads", "Fire spreads"),
        ("Rock &amp; roll &#233;t&#xe9;", "Rock & roll été"),
        ("<script>alert(1)</script>Text<style>p {}</style>", "Text"),
        ("Before <!-- <b>never</b> shown --> after", "Before after"),
        ("<p></p><br/><img src='x.png'>", ""),
        ("<a href='https://courier.example/?a=1&b=2'>link</a>", "link"),
        ("profit < loss and 3 > 2", "profit < loss and 3 > 2"),
        ("AT&T and P&O", "AT&T and P&O"),
        ("<p>Before</p><svg viewBox='0 0 1 1'/><p>after</p>", "Before after"),
        ("Before<iframe src='https://courier.example'/>after", "Before after"),
        ("<p>Before</p><SCRIPT>if (a < b) x()</SCRIPT><p>after</p>", "Before after"),
        ("Before <script>never closed", "Before"),
        ("x\x00y\x07z\x1f", "x y z"),
        ("x &#xfeff; y &#7; z &#0;", "x y z \ufffd"),
        ("\ufefftitle", "title"),
    ],
)
def test_text_is_cleaned(given_text, cleaned):
    assert clean(given_text).split() == cleaned.split()


@pytest.mark.parametrize(
    "text", ["Fire 🔥 in Paris", "\u200fשלום\u200e hello", "क्\u200dष", "👩\u200d🚒", "naïve 日本語"]
)
def test_what_carries_meaning_stays(text):
    assert clean(text) == text


@settings(deadline=None)
@given(st.text())
def test_cleaned_text_has_single_spaces_and_no_control_characters(text):
    cleaned = clean(text)
    assert cleaned == " ".join(cleaned.split())
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in cleaned)


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters="<&", exclude_categories=["Cc", "Cs", "Z"])))
def test_text_without_markup_or_space_is_left_alone(text):
    text = text.translate(dict.fromkeys(map(ord, "\ufeff\ufffe\uffff")))
    assert clean(text) == text


@pytest.mark.parametrize(
    "markup",
    [
        "<a" * 500_000,
        "<p>" + "<div>" * 200_000 + "x",
        "<p " + " ".join(f"a{i}=1" for i in range(100_000)) + ">x",
        "<b>" * 150_000 + "</p>" * 150_000,
        "<p>" + "<!--" * 250_000,
        "<p>" + "<script>" * 125_000,
        "&amp" * 250_000 + ";",
    ],
    ids=["unclosed tags", "depth", "attributes", "misnesting", "comments", "scripts", "entities"],
)
def test_hostile_markup_is_cleaned_in_linear_time(markup):
    """A megabyte or so; a quadratic pass takes minutes, so a tenth is tried first."""
    for part in (markup[: len(markup) // 10], markup):
        started = time.process_time()
        clean(part)
        assert time.process_time() - started < 1


def test_five_megabytes_are_cleaned_in_a_moment():
    started = time.process_time()
    assert len(clean("<p>Flood &amp; fire</p> " * 240_000)) == 13 * 240_000 - 1
    assert time.process_time() - started < 3


def test_headline_and_body_are_cleaned_apart():
    text = article_text(article(title="<b>Bridge</b>", body="It\n reopens."))
    assert text == ArticleText("Bridge", "It reopens.")


def test_markup_is_read_only_when_title_and_body_hold_no_text():
    empty = article(title="<p></p>", body="\x00", html="<p>From markup</p>")
    assert article_text(empty) == ArticleText("", "From markup")
    assert article_text(article(title="T", html="<p>From markup</p>")) == ArticleText("T", "")


@pytest.mark.parametrize("html", [None, "", "<p> </p>", "<script>x()</script>"])
def test_article_without_any_text_is_empty(html):
    assert not article_text(article(title=" ", body="<br>", html=html))


def test_equal_cleaned_texts_have_equal_hashes():
    one = article_text(article(article_id="a1", title="Fire", body="<p>in  Paris</p>"))
    two = article_text(article(article_id="a2", title="Fire", body="in Paris"))
    assert one.content_hash == two.content_hash


def test_hash_tells_title_from_body():
    hashes = {
        text.content_hash
        for text in (ArticleText("a", "b"), ArticleText("a b", ""), ArticleText("", "a b"))
    }
    assert len(hashes) == 3


@pytest.mark.parametrize(
    ("characters", "head"),
    [(100, "title\nbody text"), (9, "title\nbody"), (5, "title"), (3, "tit"), (0, "")],
)
def test_head_takes_the_headline_first(characters, head):
    assert ArticleText("title", "body text").head(characters) == head


def test_head_of_half_an_article_has_no_empty_line():
    assert ArticleText("title", "").head(9) == "title"
    assert ArticleText("", "body").head(9) == "body"


HOSTILE = (
    "<p> </p> <b> </b> <br/> <script> </script> <!-- --> < > & &amp; &amp &#38; &#x1F525; &#0; &#7 "
    "&notit; &NotEqualTilde; &nbsp; &semi; &fjlig; &#xfeff; &lt;b&gt; am p; # 65 ; x É 日 🔥 <svg/> - "
    "<a\xa0href='&b'> \x00 \ufeff \u200f \n \t \x1f \x85 \u2003"
)
hostile = st.lists(st.sampled_from([" ", "  ", *HOSTILE.split(" ")]), max_size=25).map("".join)


@settings(deadline=None, max_examples=1000)
@example("-->&amp;", 1)
@example("--><p>", 1)
@given(st.one_of(hostile, st.text()), st.integers(0, 60))
def test_aligner_reads_what_clean_reads(raw, limit):
    for size in range(0, len(raw), 3):  # whatever follows
        start, _ = _trace(raw[: _whole_tags(raw, size)], bool(_MARKUP.search(raw)), is_cut=True)
        assert clean(raw).startswith(start)
    text, spans = _traced(raw, limit)
    assert text == clean(raw)[:limit]
    assert alignment(raw, limit).shape == spans.shape == (len(text), 2)
    assert alignment(raw, limit)[np.array([c != " " for c in text], bool)].tolist() == [
        span for span, c in zip(spans.tolist(), text, strict=True) if c != " "
    ]


@settings(deadline=None, max_examples=500)
@given(st.one_of(hostile, st.text()))
def test_each_character_maps_to_what_it_was_written_as(raw):
    text, spans = clean(raw), alignment(raw, len(raw) + 40).tolist()
    position = 0
    for character, (start, end) in zip(text, spans, strict=True):
        assert position <= start < end <= len(raw)
        position = start  # a reference may stand for two characters
        written = raw[start:end]
        if character != " ":
            assert written == character or written.startswith("&")
            assert written == character or character in clean(f"<b>{written}</b>")


@pytest.mark.parametrize(
    ("fields", "named", "cut"),
    [
        ({"title": "Fire in Paris", "body": "Rain"}, "Paris", ("title", 8, 13, "Paris")),
        ({"title": "Fire", "body": "In\n\n Paris"}, "Paris", ("body", 5, 10, "Paris")),
        ({"title": "", "body": "<p>At AT&amp;T"}, "AT&T", ("body", 6, 14, "AT&amp;T")),
        ({"title": " ", "html": "<h1>Fire</h1>"}, "Fire", ("html", 4, 8, "Fire")),
        ({"title": "T", "body": "<i>B</i>ig", "html": "x"}, "Big", ("body", 3, 10, "B</i>ig")),
    ],
)
def test_names_are_cut_from_the_article_as_given(fields, named, cut):
    given_article = article(**fields)
    text = article_text(given_article)
    start = text.head(100).index(named)
    assert Locator(given_article, text, 100).locate(start, start + len(named)) == cut


def test_span_outside_one_field_is_not_located():
    given_article = article(title="Fire", body="Rain")
    locator = Locator(given_article, article_text(given_article), 6)
    assert locator.locate(0, 4) == ("title", 0, 4, "Fire")
    assert locator.locate(5, 7) == ("body", 0, 2, "Ra")
    for start, end in [(0, 5), (3, 7), (4, 5), (2, 2), (-3, 2), (5, 8)]:
        assert locator.locate(start, end) is None


@settings(deadline=None)
@given(hostile, hostile, st.integers(1, 80))
def test_every_span_of_the_head_is_cut_from_its_field(title, body, characters):
    given_article = article(title=title, body=body)
    text = article_text(given_article)
    locator, head = Locator(given_article, text, characters), text.head(characters)
    for start, character in enumerate(head):
        if character.isspace():
            continue
        cut = locator.locate(start, start + 1)
        assert cut is not None
        assert getattr(given_article, cut.field)[cut.start : cut.end] == cut.text != ""


def test_a_long_page_is_aligned_by_its_beginning():
    page = "<!-- page --><p>Fire &amp; <b>rain</b></p>\n" * 2000
    started = time.process_time()
    spans = alignment(page, 500)
    assert time.process_time() - started < 0.1
    assert spans.tolist() == alignment(page[:3000], 500).tolist()
