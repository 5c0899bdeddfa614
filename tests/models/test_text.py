"""The text that models read: cleaned, whole, and hashed."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.text import ArticleText, article_text, clean
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
