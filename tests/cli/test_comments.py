"""`wiredesk comments` and `moderation`: what can be wrong before Kafka is asked."""

from typer.testing import CliRunner

from cli.main import app
from cli.moderation import LABELS, WAITING
from models.audience.cases import STATES


def refused(*arguments):
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 1
    return done.stderr


def test_without_kafka_comments_are_not_sent(tmp_path):
    file = tmp_path / "comments.jsonl"
    file.write_text('{"comment_id": "c1", "article_id": "a1", "text": "x"}\n')
    told = refused("comments", "send", str(file), "--bootstrap", "127.0.0.1:1")
    assert "no Kafka broker answers at 127.0.0.1:1" in told


def test_without_kafka_nothing_is_decided():
    told = refused("moderation", "approve", "c1", "--bootstrap", "127.0.0.1:1")
    assert "no Kafka broker answers" in told


def test_erase_wants_one_person_and_no_raw_author_without_a_key_ring():
    assert "say whom" in refused("erase")
    told = refused("erase", "--author", "ada@example.org", "--bootstrap", "127.0.0.1:1")
    assert "a raw id needs" in told


def test_every_state_of_a_verdict_waits_or_is_a_label():
    assert set(STATES.values()) == {*LABELS, *WAITING} - {"queued"}
