"""`wiredesk replay` sends what a file holds, at the pace asked for, and counts what it cannot."""

import json

import pytest

from cli import replay_pass
from schemas.codec import RecordCodec
from schemas.topics import ARTICLES_RAW

MINUTE_MS = 60_000


class Clock:
    """Time that passes only when someone sleeps."""

    def __init__(self):
        self.now = 1_000.0
        self.start = self.now

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds

    def time_ns(self):
        return int(self.now * 1e9)


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(replay_pass, "time", clock)
    return clock


@pytest.fixture
def raws(kafka):
    kafka.create("articles.raw", 4)
    return kafka


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def sent(kafka):
    codec = RecordCodec(ARTICLES_RAW)
    return [codec.decode(value) for _, _, value, _ in kafka.sent]


@pytest.fixture
def three(tmp_path):
    """Three articles, a minute apart."""
    rows = [{"title": f"t{n}", "published_ms": n * MINUTE_MS} for n in range(3)]
    return write(tmp_path / "a.jsonl", *rows)


def test_all_articles_are_sent_by_their_ids_and_counted(run, raws, three):
    shown = run("replay", three)
    assert shown.stdout.startswith("sent 3 articles to articles.raw, skipped 0 rows")
    assert [a.title for a in sent(raws)] == ["t0", "t1", "t2"]
    assert [key.decode() for _, key, _, _ in raws.sent] == [a.article_id for a in sent(raws)]


@pytest.mark.usefixtures("raws")
def test_bad_row_is_reported_with_its_line_and_skipped(run, tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text('{"title": "a"}\nnonsense\n{"url": "x"}\n{"title": "b"}\n')
    shown = run("replay", file)
    assert shown.exit_code == 0
    assert f"{file}:2: not JSON" in shown.stderr
    assert f"{file}:3: there is no title and no body" in shown.stderr
    assert "sent 2 articles to articles.raw, skipped 2 rows" in shown.stdout


@pytest.mark.usefixtures("raws")
def test_article_larger_than_the_topic_takes_is_skipped(run, three, monkeypatch):
    from ingest import send

    def refuse(*_):
        raise send.TooLarge("a record of 9 bytes")

    monkeypatch.setattr(type(send.ArticleSender), "send", refuse)
    shown = run("replay", three)
    assert shown.exit_code == 1
    assert "skipped 3 rows" in shown.stdout
    assert f"{three}:1: a record of 9 bytes" in shown.stderr


def test_strict_stops_at_the_first_bad_row(run, raws, tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text('{"title": "a"}\nnonsense\n{"title": "b"}\n')
    shown = run("replay", file, "--strict")
    assert shown.exit_code == 1
    assert f"wiredesk: {file}:2: not JSON" in shown.stderr
    assert len(raws.sent) == 1


@pytest.mark.usefixtures("raws")
def test_many_bad_rows_are_counted_and_not_all_printed(run, tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text('{"title": "a"}\n' + "nonsense\n" * 100)
    shown = run("replay", file)
    assert "skipped 100 rows" in shown.stdout
    assert shown.stderr.count("nonsense") + shown.stderr.count("not JSON") == 20


@pytest.mark.usefixtures("raws")
def test_file_without_an_article_fails(run, tmp_path):
    shown = run("replay", write(tmp_path / "a.jsonl", {"x": 1}))
    assert shown.exit_code == 1
    assert "holds no article that could be sent" in shown.stderr


@pytest.mark.usefixtures("raws")
def test_limit_counts_articles(run, three):
    assert "sent 2 articles" in run("replay", three, "--limit", 2).stdout


@pytest.mark.usefixtures("raws")
def test_rate_spreads_articles_over_time(run, three, clock):
    run("replay", three, "--rate", 2)
    assert clock.now - clock.start == pytest.approx(1.0)


@pytest.mark.usefixtures("raws")
def test_speed_follows_the_publishing_times(run, three, clock):
    run("replay", three, "--speed", 60)
    assert clock.now - clock.start == pytest.approx(2.0)


def test_rebase_publishes_the_newest_at_the_moment_it_is_sent(run, raws, three, clock):
    run("replay", three, "--speed", 60, "--rebase", "now")
    published = [a.published_ms for a in sent(raws)]
    assert published[2] == round(clock.now * 1000)
    assert published[2] - published[1] == published[1] - published[0] == MINUTE_MS


def test_rebase_flat_out_makes_the_newest_now(run, raws, three, clock):
    run("replay", three, "--rebase", "now")
    assert sent(raws)[2].published_ms == round(clock.start * 1000)


def test_without_rebase_publishing_times_stay(run, raws, three):
    run("replay", three)
    assert [a.published_ms for a in sent(raws)] == [0, MINUTE_MS, 2 * MINUTE_MS]


def test_map_names_the_columns(run, raws, tmp_path):
    file = write(tmp_path / "a.jsonl", {"headline": "H", "text": "B", "id": 4})
    run("replay", file, "--map", "title=headline", "--map", "body=text", "--map", "article_id=id")
    (found,) = sent(raws)
    assert (found.title, found.body, found.article_id) == ("H", "B", "4")


def test_loop_sends_the_file_again_until_interrupted(run, raws, three, monkeypatch):
    from ingest import send

    real = type(send.ArticleSender).send

    def send_seven(self, article, timestamp_ms=None):
        if len(raws.sent) == 7:
            raise KeyboardInterrupt
        real(self, article, timestamp_ms)

    monkeypatch.setattr(type(send.ArticleSender), "send", send_seven)
    shown = run("replay", three, "--loop")
    assert shown.exit_code == 0
    assert "sent 7 articles" in shown.stdout


@pytest.mark.usefixtures("raws")
def test_standard_input_is_read(run):
    shown = run("replay", "-", input='{"title": "a"}\n')
    assert "sent 1 articles" in shown.stdout


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--rate", "1", "--speed", "1"], "exclude each other"),
        (["--map", "titel=x"], "an article has no field 'titel'"),
        (["--map", "title"], "not of the form FIELD=COLUMN"),
        (["--topic", "articles.enriched"], "use articles.raw"),
        (["--topic", "nope"], "there is no topic 'nope'"),
    ],
)
def test_options_that_make_no_sense_are_refused(run, raws, three, options, reason):
    shown = run("replay", three, *options)
    assert shown.exit_code == 1
    assert reason in shown.stderr
    assert raws.sent == []


@pytest.mark.usefixtures("raws")
def test_standard_input_cannot_be_rebased(run):
    assert "read the file twice" in run("replay", "-", "--rebase", "now").stderr


def test_missing_topic_is_named_before_anything_is_sent(run, kafka, three):
    kafka.create("other")
    assert "has no topic articles.raw" in run("replay", three).stderr
