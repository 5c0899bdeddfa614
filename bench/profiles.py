"""How fast events become profiles, and how much state a reader is.

The events are made up: articles by a Zipf law; pages that show several at a moment, and clicks,
dwell times, shares and hides, one at a time. Readers take turns, so that hardly any two moments of
one reader are close enough to be counted together. Figures are about speed and size, never about
the quality of a profile.
"""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, islice, repeat
from itertools import count as count_from
from random import Random

import numpy as np
from confluent_kafka import Consumer, Producer, TopicPartition

from schemas.codec import RecordCodec
from schemas.enriched_article import EnrichedArticle, Entity, Language, TopicScore
from schemas.errors import ServiceError
from schemas.reader_profile import SealedProfile
from schemas.topics import ARTICLES_ENRICHED, USER_EVENTS, USERS_EMBEDDINGS, Topic
from schemas.user_event import EventKind, UserEvent

PAGE = 7
"""Impressions of one moment: what a page shows."""

ACTS: dict[EventKind, float] = {"click": 18, "dwell": 10, "share": 1, "hide": 1}
"""Shares of what a reader does, one at a time."""

ACTS_OF_A_PAGE = 3
"""So that 70 of 100 events are impressions, and a reader has 2.5 events in a moment on average."""

WIDTH = 384
_STALLED_S = 120
_POLL_S = 0.2
_QUEUE = 1_000_000
_PAST_MS = 20 * 60 * 1000
"""The first event of a run is so old; each is a moment later than the one before it."""


@dataclass(frozen=True)
class Backlog:
    """How many events, and seconds from the first sent to the last one in a profile."""

    events: int
    seconds: float


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
    chosen = iter(random.choices(known, cum_weights=zipf, k=count))
    first_ms = time.time_ns() // 1_000_000 - _PAST_MS
    for number, (moment, kind) in enumerate(islice(_moments(random), count)):
        yield UserEvent(
            event_id=f"{run}-{number}",
            user_key=f"{run}-{moment % readers}",
            kind=kind,
            ts_ms=first_ms + moment,
            consent=True,
            article_id=next(chosen).article_id,
            dwell_ms=random.randint(1_000, 90_000) if kind == "dwell" else None,
        )


def first_clicks(readers: int, known: list[EnrichedArticle], run: str) -> Iterator[UserEvent]:
    """A click of each of many readers: the least that gives a profile vectors and affinities."""
    chosen = Random(run)
    first_ms = time.time_ns() // 1_000_000 - _PAST_MS
    for number in range(readers):
        yield UserEvent(
            event_id=f"{run}-{number}",
            user_key=f"{run}-{number}",
            kind="click",
            ts_ms=first_ms + number % _PAST_MS,
            consent=True,
            article_id=chosen.choice(known).article_id,
        )


def _moments(random: Random) -> Iterator[tuple[int, EventKind]]:
    """Moment and kind of each event, for ever; each moment is another reader's."""
    for moment in count_from():
        if random.randrange(1 + ACTS_OF_A_PAGE) == 0:
            yield from repeat((moment, "impression"), PAGE)
        else:
            yield moment, random.choices(list(ACTS), list(ACTS.values()))[0]


def publish(kafka: str, known: list[EnrichedArticle]) -> None:
    """Send the articles, and wait until Kafka has them."""
    codec = RecordCodec(ARTICLES_ENRICHED)
    _send(kafka, ARTICLES_ENRICHED, [(a.article_id.encode(), codec.encode(a)) for a in known])


def job_backlog(kafka: str, batch: Iterator[UserEvent]) -> Backlog:
    """The running job on everything at once, until each reader's last event is in a profile."""
    codec = RecordCodec(USER_EVENTS)
    records, newest_ms = [], {}
    for event in batch:
        records.append((event.user_key.encode(), codec.encode(event)))
        newest_ms[event.user_key] = event.ts_ms
    with _Awaited(kafka, newest_ms) as awaited:
        started = time.time()
        _send(kafka, USER_EVENTS, records)
        awaited.wait()
    return Backlog(len(records), awaited.last - started)


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


class _Awaited:
    """Reads profiles as they come, in a thread, until each is as new as is awaited.

    newest_ms  by user key, when the reader's last event happened
    """

    def __init__(self, kafka: str, newest_ms: dict[str, int]) -> None:
        self.last = 0.0
        self._missing = dict(newest_ms)
        self._profiles = RecordCodec(USERS_EMBEDDINGS)
        self._consumer = Consumer(
            {
                "bootstrap.servers": kafka,
                "group.id": f"wiredesk-bench-{time.time_ns()}",
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
            }
        )
        topic = self._consumer.list_topics(USERS_EMBEDDINGS.name, 10).topics[USERS_EMBEDDINGS.name]
        self._consumer.assign([self._end(number) for number in topic.partitions])
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> "_Awaited":
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

    def wait(self) -> None:
        """Raises ServiceError when no reader's last event comes for too long."""
        missing, at = len(self._missing), time.monotonic()
        while self._missing:
            if len(self._missing) < missing:
                missing, at = len(self._missing), time.monotonic()
            elif time.monotonic() - at > _STALLED_S:
                raise ServiceError(
                    f"the last events of {missing} readers are in no profile after {_STALLED_S} s"
                )
            time.sleep(_POLL_S)

    def _read(self) -> None:
        while not self._stop.is_set():
            for message in self._consumer.consume(1000, _POLL_S):
                if message.error() is None and message.value() is not None:
                    self._note(self._profiles.decode(message.value()))

    def _note(self, profile: SealedProfile) -> None:
        if self._missing.get(profile.user_key) == profile.updated_ms:
            del self._missing[profile.user_key]
            self.last = time.time()
