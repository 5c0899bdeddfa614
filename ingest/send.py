"""Articles to Kafka."""

from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from kafka import KafkaProducer
from kafka.errors import KafkaError, KafkaTimeoutError

from schemas.article import Article
from schemas.codec import RecordCodec
from schemas.errors import ServiceError, WiredeskError
from schemas.registry import Registry
from schemas.topics import ARTICLES_RAW, MAX_REQUEST_BYTES, TOPICS, Topic

_UNCONFIRMED_BYTES = 32 * 1024 * 1024
_BATCH_BYTES = 256 * 1024
_FRAME_BYTES = 1024
"""More than Kafka adds around one record and its key."""
_TOPIC_ANSWERS_MS = 10_000
_DELIVERY_TIMEOUT_MS = 120_000


class TooLarge(WiredeskError):
    """A record is larger than its topic takes."""


class ArticleSender:
    """Sends articles as Avro, keyed by article_id; a context manager that confirms at its end.

    connection  kafka-python's arguments: bootstrap_servers, security_protocol, ...
    topic       where articles go; `send_raw` can name another
    linger_ms   how long a record waits for company in its batch

    Nothing is lost unseen: ServiceError is raised by the call that learns of a refusal, at the
    latest by `flush`. Retries make no duplicates (idempotent producer).
    """

    def __init__(
        self,
        connection: Mapping[str, Any],
        *,
        topic: Topic[Article] = ARTICLES_RAW,
        registry: Registry | None = None,
        linger_ms: int = 5,
    ) -> None:
        self._topic = topic.name
        self._codec = RecordCodec(topic, registry)
        self._unconfirmed: deque[tuple[Any, int]] = deque()
        self._unconfirmed_bytes = 0
        self.confirmed = 0
        """Records that Kafka has confirmed."""
        try:
            self._producer = KafkaProducer(
                **connection,
                acks="all",
                linger_ms=linger_ms,
                batch_size=_BATCH_BYTES,
                max_request_size=MAX_REQUEST_BYTES,
                max_block_ms=_TOPIC_ANSWERS_MS,
                delivery_timeout_ms=_DELIVERY_TIMEOUT_MS,
                allow_auto_create_topics=False,
            )
        except (KafkaError, OSError) as error:
            raise ServiceError(f"Kafka takes no producer: {error}") from error

    def send(self, article: Article, timestamp_ms: int | None = None) -> None:
        """Send one article; `timestamp_ms` is Kafka's timestamp, now when None.

        Raises TooLarge for an article that the topic does not take.
        """
        key = article.article_id.encode()
        self.send_raw(key, self._codec.encode(article), timestamp_ms)

    def send_raw(
        self,
        key: bytes | None,
        value: bytes | None,
        timestamp_ms: int | None = None,
        *,
        topic: str | None = None,
    ) -> None:
        """Send bytes as they are, to `topic` if it is given."""
        name = topic or self._topic
        size = len(key or b"") + len(value or b"") + _FRAME_BYTES
        if name in TOPICS and size > (most := TOPICS[name].max_message_bytes):
            raise TooLarge(f"a record of {size:,} bytes; {name} takes at most {most:,}")
        try:
            sent = self._producer.send(name, value, key, timestamp_ms=timestamp_ms)
        except KafkaTimeoutError as error:
            raise ServiceError(
                f"topic {name} does not answer; if it is not there, `wiredesk topics create` "
                "makes it"
            ) from error
        except KafkaError as error:
            raise ServiceError(f"Kafka refused a record for {name}: {error}") from error
        self._unconfirmed.append((sent, size))
        self._unconfirmed_bytes += size
        while self._unconfirmed_bytes > _UNCONFIRMED_BYTES:
            self._confirm_oldest()

    def flush(self) -> None:
        """Wait until Kafka has confirmed everything that was sent. Raises ServiceError."""
        try:
            self._producer.flush(timeout=_DELIVERY_TIMEOUT_MS / 1000)
        except KafkaError as error:
            raise ServiceError(f"Kafka does not confirm what was sent: {error}") from error
        while self._unconfirmed:
            self._confirm_oldest()

    def close(self) -> None:
        """Let go of Kafka without waiting."""
        with suppress(KafkaError):  # what was not flushed
            self._producer.close(timeout=0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self.close()

    def _confirm_oldest(self) -> None:
        sent, size = self._unconfirmed.popleft()
        self._unconfirmed_bytes -= size
        try:
            sent.get(timeout=_DELIVERY_TIMEOUT_MS / 1000)
        except KafkaError as error:
            raise ServiceError(f"Kafka did not take a record: {error}") from error
        self.confirmed += 1
