"""The sender confirms what it sends, and says what Kafka refuses."""

from types import SimpleNamespace
from typing import ClassVar

import pytest
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError, TopicAuthorizationFailedError

from ingest import send
from ingest.send import ArticleSender, TooLarge
from schemas.article import Article
from schemas.codec import RecordCodec
from schemas.errors import ServiceError
from schemas.topics import ARTICLES_RAW

ARTICLE = Article(article_id="ä1", source="courier.example", published_ms=1, fetched_ms=2)


class FakeProducer:
    """Keeps what is sent; `refusal` fails every confirmation, `refusal_at_once` every send."""

    made: ClassVar["list[FakeProducer]"]
    refusal: Exception | None = None
    refusal_at_once: Exception | None = None

    def __init__(self, **arguments):
        self.arguments = arguments
        self.sent = []
        self.confirmed = 0
        self.closed = False
        self.made.append(self)

    def send(self, topic, value, key, timestamp_ms):
        if self.refusal_at_once:
            raise self.refusal_at_once
        self.sent.append((topic, key, value, timestamp_ms))
        return SimpleNamespace(get=self.confirm)

    def confirm(self, **_):
        if self.refusal:
            raise self.refusal
        self.confirmed += 1

    def flush(self, **_):
        pass

    def close(self, **_):
        self.closed = True


@pytest.fixture
def kafka(monkeypatch):
    class Producer(FakeProducer):
        made: ClassVar = []

    monkeypatch.setattr(send, "KafkaProducer", Producer)
    return Producer


def test_article_is_sent_as_avro_by_its_id(kafka):
    with ArticleSender({"bootstrap_servers": ["b:1"]}) as sender:
        sender.send(ARTICLE, timestamp_ms=5)
    (producer,) = kafka.made
    ((topic, key, value, timestamp_ms),) = producer.sent
    assert (topic, key, timestamp_ms) == ("articles.raw", "ä1".encode(), 5)
    assert RecordCodec(ARTICLES_RAW).decode(value) == ARTICLE


def test_connection_arguments_reach_the_producer(kafka):
    ArticleSender({"bootstrap_servers": ["b:1"], "security_protocol": "SSL"})
    arguments = kafka.made[0].arguments
    assert arguments["security_protocol"] == "SSL"
    assert arguments["acks"] == "all"


def test_raw_bytes_go_where_they_are_told(kafka):
    with ArticleSender({}) as sender:
        sender.send_raw(None, b"\xff", 7, topic="elsewhere")
        sender.send_raw(b"k", None)
    assert kafka.made[0].sent == [
        ("elsewhere", None, b"\xff", 7),
        ("articles.raw", b"k", None, None),
    ]


def test_leaving_confirms_everything(kafka):
    with ArticleSender({}) as sender:
        for _ in range(3):
            sender.send(ARTICLE)
    assert sender.confirmed == kafka.made[0].confirmed == 3
    assert kafka.made[0].closed


def test_refusal_is_learnt_at_the_flush(kafka):
    kafka.refusal = TopicAuthorizationFailedError("articles.raw")
    sender = ArticleSender({})
    sender.send(ARTICLE)
    with pytest.raises(ServiceError, match="did not take a record"):
        sender.flush()


def test_memory_is_bounded_by_waiting_for_the_oldest(kafka):
    sender = ArticleSender({})
    for _ in range(50):
        sender.send_raw(b"k", b"x" * 1024 * 1024)
    assert kafka.made[0].confirmed >= 50 - 32


def test_record_larger_than_its_topic_is_refused_before_it_is_sent(kafka):
    with ArticleSender({}) as sender, pytest.raises(TooLarge, match="at most 8,388,608"):
        sender.send(ARTICLE.model_copy(update={"body": "x" * 9_000_000}))
    assert kafka.made[0].sent == []


def test_topic_that_does_not_answer_says_how_to_make_it(kafka):
    kafka.refusal_at_once = KafkaTimeoutError()
    with pytest.raises(ServiceError, match="wiredesk topics create"):
        ArticleSender({}).send(ARTICLE)


def test_refusal_of_the_client_is_a_service_error(kafka):
    kafka.refusal_at_once = MessageSizeTooLargeError("too large")
    with pytest.raises(ServiceError, match="refused"):
        ArticleSender({}).send(ARTICLE)


def test_producer_that_cannot_start_is_a_service_error(monkeypatch):
    def fail(**_):
        raise KafkaTimeoutError("no bootstrap")

    monkeypatch.setattr(send, "KafkaProducer", fail)
    with pytest.raises(ServiceError, match="no bootstrap"):
        ArticleSender({})


def test_failure_inside_does_not_wait_for_confirmation(kafka):
    kafka.refusal = KafkaTimeoutError()

    def send_and_fail():
        with ArticleSender({}) as sender:
            sender.send(ARTICLE)
            raise KeyError

    with pytest.raises(KeyError):
        send_and_fail()
    assert kafka.made[0].closed
