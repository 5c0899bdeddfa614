"""Comments in, moods and a moderators' queue out; a decision is audited, an author forgotten."""

import json
import time
from types import SimpleNamespace

import pytest
import redis
from kafka import KafkaProducer
from topic_reader import TopicReader
from typer.testing import CliRunner

from cli.main import app
from local.submission import Submission, cancel, submit
from schemas.codec import RecordCodec
from schemas.comment import Comment
from schemas.redis_keys import author_key, comment_key
from schemas.topics import (
    AUDIENCE_SENTIMENT,
    COMMENTS_ENRICHED,
    COMMENTS_RAW,
    DEAD_LETTERS,
    EDITORIAL_AUDIT,
    EDITORIAL_CONTROL,
    MODERATION_QUEUE,
    STORIES_ARTICLES,
)

pytestmark = pytest.mark.e2e

NOW_MS = time.time_ns() // 1_000_000
ARTICLE = "e2e-audience"
WAIT_S = 120
AUTHOR = "1." + "a" * 22
COMMENTS = {
    "relief": "What a relief, thank you to everyone who helped last night!",
    "doxing": "Everybody go and shout at her, she lives at 12 Garden Street, Springfield, IL 62701",
}


@pytest.fixture(scope="module")
def audience(stack, topics_created):
    """The job, a place to send comments to, and what comes out."""
    submit(Submission("audience"), replace=True, wait=True, report=str)
    topics = (
        COMMENTS_ENRICHED,
        AUDIENCE_SENTIMENT,
        MODERATION_QUEUE,
        EDITORIAL_AUDIT,
        DEAD_LETTERS,
    )
    readers = {topic.name: TopicReader(stack.kafka, topic.name) for topic in topics}
    producer = KafkaProducer(bootstrap_servers=stack.kafka)

    def records(topic):
        codec = RecordCodec(topic)
        return [codec.decode(value) for _, _, value in list(readers[topic.name].records) if value]

    def wait(topic, satisfied):
        readers[topic.name].wait(lambda: any(map(satisfied, records(topic))), WAIT_S)
        return next(record for record in records(topic) if satisfied(record))

    yield SimpleNamespace(producer=producer, wait=wait, redis=stack.redis)
    producer.close()
    for reader in readers.values():
        reader.close()
    cancel("audience", jobmanager=None, savepoint=False)


def wiredesk(*arguments):
    """The output of a command that succeeds."""
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return done.stdout


def test_comments_become_a_mood_and_a_queue_that_commands_empty(audience):
    for comment_id, text in COMMENTS.items():
        comment = Comment(
            comment_id=comment_id,
            article_id=ARTICLE,
            author_key=AUTHOR,
            text=text,
            published_ms=NOW_MS,
        )
        value = RecordCodec(COMMENTS_RAW).encode(comment)
        audience.producer.send(COMMENTS_RAW.name, key=comment_id.encode(), value=value).get(10)

    enriched = audience.wait(COMMENTS_ENRICHED, lambda c: c.comment_id == "doxing")
    assert enriched.text.endswith("she lives at [address]")
    mood = audience.wait(
        AUDIENCE_SENTIMENT, lambda m: m.subject == f"article/{ARTICLE}" and m.comments == 2
    )
    assert mood.authors == 1

    audience.wait(MODERATION_QUEUE, lambda i: i.comment_id == "doxing" and i.state == "queued")
    waiting = wiredesk("moderation", "list", "--json").splitlines()
    (item,) = [each for each in map(json.loads, waiting) if each["comment_id"] == "doxing"]
    assert "personal_data" in item["reasons"]

    assert "applied" in wiredesk("moderation", "remove", "doxing", "--as", "ed")
    audited = audience.wait(EDITORIAL_AUDIT, lambda entry: entry.subject == "comment/doxing")
    assert (audited.outcome, audited.author, audited.job) == ("applied", "ed", "audience")
    decided = audience.wait(MODERATION_QUEUE, lambda i: i.state == "removed")
    assert decided.command_id == audited.command_id
    rows = [json.loads(line) for line in wiredesk("moderation", "labels", "-").splitlines()]
    assert {"text": item["text"], "label": "toxic", "language": "en"} in rows

    assert "deleted 2 comments" in wiredesk("erase", "--author", AUTHOR, "--yes")
    audience.wait(
        AUDIENCE_SENTIMENT, lambda m: m.subject == f"article/{ARTICLE}" and m.comments == 0
    )
    host, port = audience.redis.split(":")
    with redis.Redis(host, int(port)) as client:
        assert client.exists(*map(comment_key, COMMENTS), author_key(AUTHOR)) == 0


@pytest.mark.parametrize("topic", [EDITORIAL_CONTROL, STORIES_ARTICLES], ids=lambda t: t.name)
def test_bytes_that_are_no_record_are_a_dead_letter_with_the_time_kafka_had_them(audience, topic):
    sent = audience.producer.send(topic.name, key=b"bad", value=b"no record").get(10)
    origin = f"{topic.name}/{sent.partition}/{sent.offset}"
    letter = audience.wait(
        DEAD_LETTERS, lambda found: (found.job, found.origin) == ("audience", origin)
    )
    assert letter.timestamp_ms == sent.timestamp
