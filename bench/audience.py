"""How fast comments are analysed: the analyzer alone, the job from Kafka to Kafka, its latency.

Texts are made of words, each comment another one, so that no cache answers; 8 to 30 words, as most
comments have.
"""

import asyncio
import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from bench.enrich import Latency
from models.comment_analyzer import CommentAnalyzer
from schemas.codec import RecordCodec
from schemas.comment import Comment
from schemas.errors import ServiceError
from schemas.topics import COMMENTS_ENRICHED, COMMENTS_RAW

ARTICLES = 50
AUTHORS = 1_000
RATE = 20.0
"""Comments a second of the latency run."""
SPREAD_MS = 600_000
"""Event time that the comments of a backlog are spread over."""

_STALLED_S = 120
_POLL_MS = 10
_AT_ONCE = 512
_OPENINGS = (
    "I really think that", "What a shame that", "Thank you for telling us how",
    "So now we know that", "Nobody believes that", "It makes me angry that",
    "I am so happy to read that",
    "My family has always said that", "Please explain to me why", "As a nurse I can tell you that",
)  # fmt: skip
_MIDDLES = (
    "the council", "this newspaper", "the harbour company", "our mayor", "the new bridge",
    "the school board", "the team", "everybody in this town", "the night bus", "the hospital",
)  # fmt: skip
_ENDINGS = (
    "never listens to people like us", "did a wonderful job last night", "will cost us a fortune",
    "should have been stopped years ago", "is the best thing that happened this year",
    "lies whenever it is convenient", "needs more money and more people", "was closed again today",
    "makes me proud of where I live", "frightens my children every single evening",
)  # fmt: skip


def comments(count: int, run: str, *, seed: int = 1) -> list[Comment]:
    """Comments of one run, each with a text of its own; ids start with `run`."""
    chance = random.Random(f"{run}:{seed}")
    now_ms = time.time_ns() // 1_000_000
    made = []
    for number in range(count):
        sentences = [
            f"{chance.choice(_OPENINGS)} {chance.choice(_MIDDLES)} {chance.choice(_ENDINGS)}"
            for _ in range(chance.choice((1, 1, 1, 2, 2)))
        ]
        made.append(
            Comment(
                comment_id=f"{run}-{number}",
                article_id=f"bench-{chance.randrange(ARTICLES)}",
                author_key=f"1.{chance.randrange(AUTHORS):022d}",
                text=f"{'. '.join(sentences)}, {chance.randrange(10_000)} times.",
                published_ms=now_ms - SPREAD_MS + number * SPREAD_MS // count,
            )
        )
    return made


def analyzer_alone(analyzer: CommentAnalyzer, batch: Sequence[Comment]) -> float:
    """Comments a second of the analyzer in memory, `_AT_ONCE` in work. No Kafka, no Flink."""

    async def analyse() -> float:
        free = asyncio.Semaphore(_AT_ONCE)

        async def one(text: str) -> None:
            async with free:
                await analyzer.analyze(text)

        started = time.perf_counter()
        await asyncio.gather(*(one(comment.text) for comment in batch))
        return len(batch) / (time.perf_counter() - started)

    return asyncio.run(analyse())


def job_backlog(kafka: Mapping[str, Any], batch: Sequence[Comment]) -> float:
    """Comments a second of the running job, all sent at once; first sent to last read."""
    with _reader(kafka, len(batch), batch[0].comment_id.rsplit("-", 1)[0]) as received:
        started = time.time()
        _send(kafka, batch, None)
        received.wait()
    return len(batch) / (max(received.moments.values()) - started)


def job_latency(kafka: Mapping[str, Any], batch: Sequence[Comment], rate: float) -> Latency:
    """Latency of the running job at `rate` comments a second."""
    with _reader(kafka, len(batch), batch[0].comment_id.rsplit("-", 1)[0]) as received:
        sent = _send(kafka, batch, rate)
        received.wait()
    milliseconds = [(received.moments[key] - at) * 1000 for key, at in sent.items()]
    p50, p95, p99 = np.percentile(milliseconds, [50, 95, 99])
    return Latency(float(p50), float(p95), float(p99))


class _Received:
    """When each comment of a run was first read from comments.enriched."""

    def __init__(self, expected: int, run: str) -> None:
        self._expected = expected
        self._run = run
        self._codec = RecordCodec(COMMENTS_ENRICHED)
        self._changed = threading.Condition()
        self.moments: dict[str, float] = {}
        self.stopped = False

    def add(self, values: Sequence[bytes], moment: float) -> None:
        found = [self._codec.decode(value).comment_id for value in values]
        with self._changed:
            for comment_id in found:
                if comment_id.startswith(f"{self._run}-"):
                    self.moments.setdefault(comment_id, moment)
            self._changed.notify_all()

    def wait(self) -> None:
        """Until every comment has come. Raises ServiceError when none comes for long."""
        with self._changed:
            while (before := len(self.moments)) < self._expected:
                if not self._changed.wait_for(lambda b=before: len(self.moments) > b, _STALLED_S):
                    raise ServiceError(
                        f"{before} of {self._expected} comments came back, then none for "
                        f"{_STALLED_S} s; is the job audience running?"
                    )


@contextmanager
def _reader(kafka: Mapping[str, Any], expected: int, run: str) -> Iterator[_Received]:
    """Reads comments.enriched in a thread, from its present end on."""
    received = _Received(expected, run)
    consumer = KafkaConsumer(
        **kafka, group_id=None, isolation_level="read_committed", fetch_max_wait_ms=_POLL_MS
    )
    name = COMMENTS_ENRICHED.name
    partitions = [TopicPartition(name, n) for n in consumer.partitions_for_topic(name)]
    consumer.assign(partitions)
    for partition, end in consumer.end_offsets(partitions).items():
        consumer.seek(partition, end)

    def read() -> None:
        while not received.stopped:
            for records in consumer.poll(_POLL_MS).values():
                received.add([record.value for record in records], time.time())

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield received
    finally:
        received.stopped = True
        thread.join()
        consumer.close()


def _send(
    kafka: Mapping[str, Any], batch: Sequence[Comment], rate: float | None
) -> dict[str, float]:
    """Send comments, at a rate or flat out; when each was handed over, by id."""
    codec = RecordCodec(COMMENTS_RAW)
    records = [(comment.comment_id, codec.encode(comment)) for comment in batch]
    producer = KafkaProducer(**kafka, linger_ms=0 if rate else 5)
    moments, started = {}, time.time()
    for number, (key, value) in enumerate(records):
        if rate:
            time.sleep(max(0.0, started + number / rate - time.time()))
        moments[key] = time.time()
        producer.send(COMMENTS_RAW.name, key=key.encode(), value=value)
    producer.flush()
    producer.close()
    return moments
