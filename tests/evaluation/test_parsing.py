"""Feeds beside what is expected of them: what is lost is named."""

import json

import pytest

from evaluation.parsing import expectations, measure
from schemas.errors import SetupError


def rss(expect, title="Bridge reopens"):
    return (
        f"<!--\nDescription: a title\nExpect:      {expect}\n-->\n"
        f'<rss version="2.0"><channel><item><title>{title}</title></item></channel></rss>'
    )


@pytest.fixture
def feeds(tmp_path):
    """A folder that `write` fills."""

    def write(name, text):
        (tmp_path / name).write_text(text, "utf-8")
        return tmp_path

    return write


def test_feed_that_says_what_is_expected_is_without_loss(feeds):
    folder = feeds("a.xml", rss("not bozo and entries[0]['title'] == 'Bridge reopens'"))
    outcome = measure(folder)
    assert outcome.metrics == {"feeds": 1, "without_loss": 1.0, "values_kept": 1.0}


def test_what_is_lost_is_named_and_counts_against_its_feed(feeds):
    feeds("a.xml", rss("entries[0]['title'] == 'Bridge reopens'"))
    folder = feeds("b.xml", rss("entries[0]['title'] == 'Another' and len(entries) == 1"))
    outcome = measure(folder)
    assert (outcome.metrics["without_loss"], outcome.values_kept, outcome.values) == (0.5, 2, 3)
    assert outcome.lost == ["b.xml: ('entries.0.title', 'Another')"]


def test_refused_feed_is_counted_by_reason(feeds):
    page = "<!--\nExpect: feed['title'] == 'T'\n--><html><body>Sign in</body></html>"
    outcome = measure(feeds("a.xml", page))
    assert (outcome.without_loss, sum(outcome.refused.values())) == (0, 1)


def test_json_beside_a_feed_says_what_is_expected(feeds):
    feeds("a.json", json.dumps({"title": "T", "items": [{"title": "Bridge reopens"}]}))
    folder = feeds("a.xml", "<rss version='2.0'><channel><title>T</title></channel></rss>")
    (expected,) = expectations(folder)
    assert expected.values == [("feed.title", "T"), ("entries.0.title", "Bridge reopens")]


def test_images_are_not_carried_and_a_folder_without_expectations_is_an_error(feeds):
    folder = feeds("a.xml", rss("feed['image']['title'] == 'Logo'"))
    with pytest.raises(SetupError, match="no feed that says what is expected"):
        measure(folder)
