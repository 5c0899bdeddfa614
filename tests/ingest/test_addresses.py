import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.addresses import BadAddress, article_id, canonical, identity


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("http://News.Example:80", "http://news.example/"),
        ("https://news.example/a?utm_source=x&fbclid=1", "https://news.example/a"),
        ("https://news.example/a?b=1&a=2#c", "https://news.example/a?b=1&a=2"),
        ("https://news.example/a/./b/../c/", "https://news.example/a/c/"),
        ("https://news.example/%7Ea%2fb", "https://news.example/~a%2Fb"),
        ("https://bücher.example/ü", "https://xn--bcher-kva.example/%C3%BC"),
        (" https://news.example/a\n", "https://news.example/a"),
    ],
)
def test_address_is_kept_in_one_form(given, kept):
    assert canonical(given) == kept


@pytest.mark.parametrize(
    "given", ["", "news", "mailto:a@b.example", "http://", "http://[1", "ftp://a.example"]
)
def test_what_is_no_address_is_refused(given):
    with pytest.raises(BadAddress):
        canonical(given)


@pytest.mark.parametrize(
    "other",
    [
        "http://news.example/2026/rain",
        "https://www.news.example/2026/rain/",
        "https://m.news.example/2026/rain?utm_campaign=x",
        "https://news.example/2026/rain/amp/",
        "https://amp.news.example/2026/rain?outputType=amp",
        "https://news.example/2026/rain/index.html",
    ],
)
def test_ways_to_write_one_address_give_one_id(other):
    assert article_id(other) == article_id("https://news.example/2026/rain")


@pytest.mark.parametrize(
    "other", ["https://news.example/2026/rain?id=2", "https://blog.news.example/2026/rain"]
)
def test_other_articles_have_other_ids(other):
    assert article_id(other) != article_id("https://news.example/2026/rain?id=1")


def test_article_without_address_is_named_by_what_is_given_instead():
    assert article_id("", "feed", "7") == article_id("", "feed", "7") != article_id("", "feed", "8")


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_canonical_form_stays_as_it_is(path):
    try:
        once = canonical(f"https://news.example/{path}")
    except BadAddress:
        return
    assert canonical(once) == once
    assert identity(once) == identity(canonical(once))
