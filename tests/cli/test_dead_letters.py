"""`wiredesk dead-letters` lists, shows and sends again what a job gave up on."""

import json

import pytest

from cli.dead_letters import hexdump
from schemas.article import Article
from schemas.codec import RecordCodec
from schemas.dead_letter import DeadLetter
from schemas.topics import ARTICLES_RAW

GOOD = RecordCodec(ARTICLES_RAW).encode(
    Article(article_id="a1", source="courier.example", title="T", published_ms=1, fetched_ms=2)
)


def letter(offset, **fields):
    known = {
        "value": b"junk \x1b[2J",
        "key": b"k1",
        "topic": "articles.raw",
        "partition": 0,
        "offset": offset,
        "timestamp_ms": 1_790_000_000_000,
        "job": "enrich",
        "stage": "decode",
        "reason": "not_avro",
        "detail": "starts with 6a75 \x1b[2J",
        "failed_ms": 1_790_000_000_000 + offset,
    }
    return DeadLetter(**known | fields)


@pytest.fixture
def letters(kafka):
    """Offsets 1 and 2 are not Avro, 3 has no text."""
    kafka.create("dead-letters")
    kafka.create("articles.raw", 4)
    for found in (
        letter(1),
        letter(2, value=b"", key=None),
        letter(3, stage="admit", reason="no_text", value=GOOD),
    ):
        kafka.add("dead-letters", found, key=found.origin.encode())
    return kafka


def listed(run, *options):
    shown = run("dead-letters", "list", "--json", *options)
    assert shown.exit_code == 0, shown.output
    return [json.loads(line)["origin"].rpartition("/")[2] for line in shown.stdout.splitlines()]


@pytest.mark.usefixtures("letters")
def test_list_shows_each_letter_and_counts_reasons(run):
    shown = run("dead-letters", "list").stdout
    assert "articles.raw/0/3" in shown
    assert "3 of 3 shown. By reason: not_avro 2 (decode), no_text 1 (admit)" in shown


@pytest.mark.usefixtures("letters")
def test_list_shows_the_newest(run):
    assert listed(run, "--limit", 2) == ["2", "3"]


@pytest.mark.usefixtures("letters")
def test_list_filters_by_reason_stage_and_time(run):
    assert listed(run, "--reason", "not_avro") == ["1", "2"]
    assert listed(run, "--stage", "admit") == ["3"]
    assert listed(run, "--since", "1790000000002") == ["2", "3"]


def test_list_says_so_when_there_is_none(run, kafka):
    kafka.create("dead-letters")
    assert run("dead-letters", "list").stdout == "No dead letters.\n"
    assert run("dead-letters", "list", "--json").stdout == ""


@pytest.mark.usefixtures("letters")
def test_details_cannot_steer_the_terminal(run):
    assert "\x1b[2J" not in run("dead-letters", "list").stdout
    assert "\x1b[2J" not in run("dead-letters", "show", "articles.raw/0/1").stdout


def test_record_that_is_no_letter_is_counted_and_passed_over(run, letters):
    letters.add("dead-letters", b"junk")
    shown = run("dead-letters", "list")
    assert "3 of 3 shown" in shown.stdout
    assert "1 records on dead-letters are no dead letters" in shown.stderr


@pytest.mark.usefixtures("letters")
def test_show_decodes_the_value_where_that_works(run):
    shown = run("dead-letters", "show", "articles.raw/0/3").stdout
    assert '"article_id": "a1"' in shown
    assert "no_text" in shown


@pytest.mark.usefixtures("letters")
def test_show_dumps_the_bytes_where_it_does_not(run):
    shown = run("dead-letters", "show", "articles.raw/0/1").stdout
    assert "00000000  6a 75 6e 6b 20 1b 5b 32 4a" in shown


@pytest.mark.usefixtures("letters")
def test_show_writes_the_original_bytes(run, tmp_path):
    file = tmp_path / "value"
    run("dead-letters", "show", "articles.raw/0/1", "--raw", file)
    assert file.read_bytes() == b"junk \x1b[2J"
    shown = run("dead-letters", "show", "articles.raw/0/1", "--raw", "-")
    assert shown.stdout_bytes == b"junk \x1b[2J"


def test_show_of_a_topic_that_is_not_ours_dumps_the_bytes(run, letters):
    letters.add("dead-letters", letter(9, topic="other"), key=b"other/0/9")
    assert "other is no topic of ours" in run("dead-letters", "show", "other/0/9").stdout


@pytest.mark.usefixtures("letters")
def test_unknown_origin_fails(run):
    shown = run("dead-letters", "show", "articles.raw/0/9")
    assert shown.exit_code == 1
    assert "no dead letter comes from articles.raw/0/9" in shown.stderr


def test_hexdump_is_bounded():
    assert hexdump(b"x" * 1000, limit=32).splitlines()[-1].startswith("… 968 more bytes")


def test_replay_sends_the_original_bytes_key_and_timestamp(run, letters):
    shown = run("dead-letters", "replay", "articles.raw/0/1")
    assert shown.stdout == "Sent 1 to articles.raw.\n"
    assert letters.sent == [("articles.raw", b"k1", b"junk \x1b[2J", 1_790_000_000_000)]


def test_replay_of_several_asks_first(run, letters):
    assert run("dead-letters", "replay", "--all", input="n\n").exit_code == 1
    assert letters.sent == []
    assert run("dead-letters", "replay", "--all", input="y\n").exit_code == 0
    assert len(letters.sent) == 3


def test_replay_by_reason_without_asking(run, letters):
    shown = run("dead-letters", "replay", "--reason", "not_avro", "--yes")
    assert shown.stdout == "Sent 2 to articles.raw.\n"
    assert [value for _, _, value, _ in letters.sent] == [b"junk \x1b[2J", b""]


def test_dry_run_sends_nothing(run, letters):
    shown = run("dead-letters", "replay", "--all", "--dry-run")
    assert "Would send 3 to articles.raw." in shown.stdout
    assert letters.sent == []


def test_letter_that_is_there_twice_is_sent_once(run, letters):
    letters.add("dead-letters", letter(1), key=b"articles.raw/0/1")
    run("dead-letters", "replay", "articles.raw/0/1")
    assert len(letters.sent) == 1


def test_kafka_null_is_sent_as_null_again(run, letters):
    letters.add("dead-letters", letter(5, value=b""), key=b"articles.raw/0/5")
    run("dead-letters", "replay", "articles.raw/0/5")
    assert letters.sent == [("articles.raw", b"k1", None, 1_790_000_000_000)]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "say which letters"),
        (["--all", "--reason", "no_text"], "say which letters"),
        (["articles.raw/0/1", "articles.raw/7/7"], "comes from articles.raw/7/7"),
        (["--reason", "truncated"], "no dead letters like that"),
    ],
)
def test_replay_that_names_nothing_or_too_much_is_refused(run, letters, arguments, reason):
    shown = run("dead-letters", "replay", *arguments)
    assert shown.exit_code == 1
    assert reason in shown.stderr
    assert letters.sent == []
