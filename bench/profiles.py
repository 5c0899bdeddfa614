"""How fast events become profiles, and how much state a reader is.

The events are made up: readers by a Zipf law over articles, in proportions that a news site has
(mostly impressions). Figures are about speed and size, never about the quality of a profile.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, islice
from random import Random

import numpy as np
from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.codec import RecordCodec
from schemas.enriched_article import EnrichedArticle, Entity, Language, TopicScore
from schemas.errors import ServiceError
from schemas.topics import ARTICLES_ENRICHED, USER_EVENTS, USERS_EMBEDDINGS, Topic
from schemas.user_event import EventKind, UserEvent

KINDS: dict[EventKind, float] = {
    "impression": 0.70,
    "click": 0.18,
    "dwell": 0.10,
    "share": 0.01,
    "hide": 0.01,
}
"""Shares of the events."""

WIDTH = 384
_STALLED_S = 120
_POLL_S = 0.2
_QUEUE = 1_000_000


@dataclass(frozen=True)
class Rates:
    """Events a second from the first sent to the last profile read, and how many there were."""

    events: int
    seconds: float

    @property
    def per_s(self) -> float:
        return self.events / self.seconds


def articles(count: int, run: str) -> list[EnrichedArticle]:
    """Articles of one benchmark run; ids start with `run`."""
    vectors = np.random.default_rng(7).normal(size=(count, WIDTH))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return [_article(f"{run}-{n}", n, vectors[n].astype("<f2").tobytes()) for n in range(count)]


def _article(article_id: str, n: int, embedding: bytes) -> EnrichedArticle:
    now_ms = time.time_ns() // 1_000_000
    topics = [(n * 7 + i) % 400 for i in range(4)]
    entities = [(n * 5 + i) % 3000 for i in range(6)]
    return EnrichedArticle(
        article_id=article_id,
        url="",
        source=f"s{n % 40}.bench.example",
        title=f"Report {n}",
        published_ms=now_ms,
        ingested_ms=now_ms,
        enriched_ms=now_ms,
        content_hash="",
        language=Language(code="en", confidence=1.0),
        topics=[
            TopicScore(
                code=f"medtop:{2 * t:08d}", name="", score=0.5, ancestors=[f"medtop:{t:08d}"]
            )
            for t in topics
        ],
        entities=[
            Entity(text="", type="place", start=0, end=0, score=1.0, wikidata_id=f"Q{e}")
            for e in entities
        ],
        embedding=embedding,
        model_versions={"embedding": "bench-1"},
    )


def events(count: int, readers: int, known: list[EnrichedArticle], run: str) -> Iterator[UserEvent]:
    """Events of `readers` readers; every one of them counts, and changes a profile."""
    random = Random(run)
    zipf = list(accumulate(1 / rank for rank in range(1, len(known) + 1)))
    kinds = random.choices(list(KINDS), list(KINDS.values()), k=count)
    chosen = random.choices(known, cum_weights=zipf, k=count)
    now_ms = time.time_ns() // 1_000_000
    for number, (kind, article) in enumerate(zip(kinds, chosen, strict=True)):
        yield UserEvent(
            event_id=f"{run}-{number}",
            user_key=f"{run}-{number % readers}",
            kind=kind,
            ts_ms=now_ms,
            consent=True,
            article_id=article.article_id,
            dwell_ms=random.randint(1_000, 90_000) if kind == "dwell" else None,
        )


def publish(kafka: str, known: list[EnrichedArticle]) -> None:
    """Send the articles, and wait until Kafka has them."""
    codec = RecordCodec(ARTICLES_ENRICHED)
    _send(kafka, ARTICLES_ENRICHED, [(a.article_id.encode(), codec.encode(a)) for a in known])


def job_backlog(kafka: str, batch: Iterator[UserEvent]) -> Rates:
    """The running job on everything at once; each event makes one record of users.embeddings."""
    codec = RecordCodec(USER_EVENTS)
    records = [(event.user_key.encode(), codec.encode(event)) for event in batch]
    run = records[0][0].rpartition(b"-")[0]
    with _Counting(kafka, run) as counted:
        started = time.time()
        _send(kafka, USER_EVENTS, records)
        counted.wait(len(records))
    return Rates(len(records), counted.last - started)


def _send(kafka: str, topic: Topic, records: list[tuple[bytes, bytes]]) -> None:
    producer = Producer(
        {
            "bootstrap.servers": kafka,
            "linger.ms": 20,
            "queue.buffering.max.messages": _QUEUE,
            "message.max.bytes": topic.max_message_bytes,
        }
    )
    remaining = iter(records)
    while part := list(islice(remaining, _QUEUE // 2)):
        for key, value in part:
            producer.produce(topic.name, value, key)
        if producer.flush(_STALLED_S):
            raise ServiceError(f"Kafka did not take the records for {topic.name}")


class _Counting:
    """Counts the profiles of a run as they come, in a thread."""

    def __init__(self, kafka: str, run: bytes) -> None:
        self.count, self.last = 0, 0.0
        self._run = run
        self._consumer = Consumer(
            {
                "bootstrap.servers": kafka,
                "group.id": f"wiredesk-{run.decode()}",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
            }
        )
        topic = self._consumer.list_topics(USERS_EMBEDDINGS.name, 10).topics[USERS_EMBEDDINGS.name]
        self._consumer.assign([self._end(number) for number in topic.partitions])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "_Counting":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._consumer.close()

    def _end(self, number: int) -> TopicPartition:
        partition = TopicPartition(USERS_EMBEDDINGS.name, number)
        _, end = self._consumer.get_watermark_offsets(partition, 10)
        return TopicPartition(USERS_EMBEDDINGS.name, number, end)

    def wait(self, wanted: int) -> None:
        """Raises ServiceError when nothing comes for too long."""
        seen, at = 0, time.monotonic()
        while self.count < wanted:
            if self.count > seen:
                seen, at = self.count, time.monotonic()
            elif time.monotonic() - at > _STALLED_S:
                raise ServiceError(
                    f"{seen} of {wanted} profiles came, then none for {_STALLED_S} s"
                )
            time.sleep(_POLL_S)

    def _read(self) -> None:
        while not self._stop.is_set():
            found = self._consumer.consume(1000, _POLL_S)
            ours = sum(m.error() is None and m.key().startswith(self._run) for m in found)
            if ours:
                self.count, self.last = self.count + ours, time.time()
