"""The demo's newsstand shows what is published, and feeds that ingest reads."""

import urllib.request
from dataclasses import replace

import pytest

from ingest.page.extract import extract
from ingest.read.feed import read_feed
from ingest.sources_file import load
from local.demo import corpus, feeds
from local.demo.feeds import Newsstand

FIRST = corpus.articles()[0]
ARTICLES = [
    replace(
        FIRST,
        article_id=f"a:{n}",
        source=f"{n % 3}.example",
        title=f"T & {n}",
        offset_ms=n * 60_000,
    )
    for n in range(6)
]


class Clock:
    """Time that is moved by hand."""

    seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def newsstand(clock):
    return Newsstand(ARTICLES, began_ms=1_790_000_000_000, speed=60.0, clock=clock)


@pytest.mark.parametrize(("source", "kind"), [("0", "rss"), ("1", "atom"), ("2", "json")])
def test_feed_shows_what_is_published_newest_first(newsstand, clock, source, kind):
    shown = []
    for seconds in (0.0, 2.5, 5.5):
        clock.seconds = seconds
        _, content = newsstand.answer(f"/{source}.example/feed.{kind}", "http://127.0.0.1:1")
        shown.append([entry.title for entry in read_feed(content).entries if entry.title])
    number = int(source)
    first, second = f"T & {number}", f"T & {number + 3}"
    assert shown == [[first] if number == 0 else [], [first], [second, first]]


def test_page_holds_the_text_once_it_is_published(newsstand, clock):
    clock.seconds = 9.0
    _, content = newsstand.answer("/0.example/a-0", "http://127.0.0.1:1")
    page = extract(content, "http://127.0.0.1:1/0.example/a-0")
    assert page.title == "T & 0"
    assert page.body.split()[:5] == FIRST.body.split()[:5]
    clock.seconds = 0.0
    assert newsstand.answer("/1.example/a-1", "http://127.0.0.1:1") is None


def test_file_of_sources_can_be_used(newsstand, tmp_path):
    path = tmp_path / "feeds.toml"
    path.write_text(newsstand.toml("http://127.0.0.1:1"), "utf-8")
    found = load(path)
    assert [source.source for source in found.sources] == ["0.example", "1.example", "2.example"]
    assert found.web.allow_private


def test_it_is_served_on_loopback(newsstand):
    with feeds.serve(newsstand) as url:
        with urllib.request.urlopen(f"{url}/0.example/feed.rss") as answer:
            assert b"T &amp; 0" in answer.read()
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(f"{url}/none/feed.rss")
