"""`wiredesk ingest` reads files of sources, lists of feeds and files of articles."""

import json

import pytest

from ingest import deliver
from schemas.codec import RecordCodec
from schemas.topics import ARTICLES_RAW

OPML = '<opml version="2.0"><body><outline text="Courier" xmlUrl="https://a.example/rss"/></body></opml>'


class FakeDelivery:
    """Stands for Delivery; keeps what is sent, and how far, in `kafka`."""

    def __init__(self, kafka):
        self._kafka = kafka
        kafka.number = 0

    def __call__(self, _connection, _name):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def begin(self):
        return self._kafka.number

    def send(self, batch):
        self._kafka.sent += [(one.topic, one.key, one.value, None) for one in batch]
        self._kafka.number = batch[-1].number
        return self._kafka.number


@pytest.fixture
def raws(kafka, monkeypatch):
    kafka.create("articles.raw", 4)
    kafka.create("quality.signals", 1)
    monkeypatch.setattr(deliver, "Delivery", FakeDelivery(kafka))
    return kafka


@pytest.fixture
def rows(tmp_path):
    folder = tmp_path / "drop"
    folder.mkdir()
    path = folder / "a.jsonl"
    given = [
        {"url": "https://www.wsj.com/7?utm_source=x", "title": "Bridge reopens", "body": "It is."},
        {"body": ""},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in given))
    return path


def sent(kafka):
    codec = RecordCodec(ARTICLES_RAW)
    return [codec.decode(value) for _, _, value, _ in kafka.sent]


def test_file_is_normalised_and_bad_rows_are_named(run, raws, rows):
    result = run("ingest", "file", rows)
    assert result.exit_code == 0
    (article,) = sent(raws)
    assert (article.url, article.source, article.owner) == (
        "https://www.wsj.com/7",
        "wsj.com",
        "News Corp",
    )
    assert "a.jsonl:2: there is no title" in result.output
    assert "sent 1 article, knew 0, skipped 1" in result.output


def test_state_leaves_out_what_was_sent_before(run, raws, rows, tmp_path):
    state = tmp_path / "s.sqlite"
    for _ in range(2):
        result = run("ingest", "file", rows, "--state", state)
    assert result.exit_code == 0
    assert "sent 0 articles, knew 1" in result.output
    assert len(sent(raws)) == 1


def test_dry_run_prints_and_sends_nothing(run, raws, rows):
    result = run("ingest", "file", rows, "--dry-run")
    assert json.loads(result.stdout.splitlines()[0])["title"] == "Bridge reopens"
    assert raws.sent == []


def test_file_without_articles_is_an_error(run, raws, tmp_path):
    (tmp_path / "a.jsonl").write_text("{}\n")
    assert run("ingest", "file", tmp_path / "a.jsonl").exit_code == 1


def test_sources_are_asked_once_and_their_articles_delivered_once(run, raws, rows, tmp_path):
    feeds = tmp_path / "feeds.toml"
    feeds.write_text(
        '[[source]]\nkind = "folder"\npath = "drop"\nsettled_s = 0\ntext = "feed"\nbackfill_h = 9e9\n'
    )
    for _ in range(2):
        result = run("ingest", feeds, "--once")
        assert result.exit_code == 0, result.output
    assert [article.title for article in sent(raws)] == ["Bridge reopens"]
    assert (tmp_path / "feeds.sqlite").exists()


def test_check_names_what_is_wrong_and_needs_no_kafka(run, tmp_path):
    good, bad = tmp_path / "good.toml", tmp_path / "bad.toml"
    good.write_text('feeds = ["https://a.example/rss"]')
    bad.write_text('feeds = ["a.example"]')
    assert "can be used: 1 source" in run("ingest", good, "--check").output
    result = run("ingest", bad, "--check")
    assert (result.exit_code, "expected http" in result.output) == (1, True)


def test_lists_of_feeds_are_imported_and_exported(run, tmp_path):
    opml, feeds = tmp_path / "a.opml", tmp_path / "feeds.toml"
    opml.write_text(OPML)
    assert run("ingest", "opml", "import", opml, feeds).exit_code == 0
    assert 'url = "https://a.example/rss"' in feeds.read_text()
    assert run("ingest", "opml", "import", opml, feeds).exit_code == 1  # it is there already
    assert 'xmlUrl="https://a.example/rss"' in run("ingest", "opml", "export", feeds).output
    assert "can be used" in run("ingest", opml, "--check").output
