"""How fast articles are enriched: the model alone, the job from Kafka to Kafka, and its peers.

All of one run use the same texts, model and batch policy, on the same machine.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from models.analyzer import Analyzer
from models.batching import BatchPolicy, choose
from models.encoder import Encoder, Tokens
from models.text import ArticleText
from schemas.article import Article
from schemas.codec import RecordCodec
from schemas.enriched_article import EnrichedArticle, Language
from schemas.errors import InferenceError, ServiceError
from schemas.topics import ARTICLES_ENRICHED, ARTICLES_RAW, Topic

POOL = 512
"""Texts the raw loop groups by length at a time, as many as a bundle of the job."""

_STALLED_S = 120
_POLL_MS = 50
_AT_ONCE_MS = 5
_PATIENT_MS = 500
"""How long the broker may hold a fetch back; asking every 5 ms costs the job a tenth."""

Progress = Callable[[int], None]
"""Called with the number of articles done so far."""


@dataclass(frozen=True)
class Throughput:
    """Articles and tokens (padding not counted) a second."""

    docs_per_s: float
    tokens_per_s: float


@dataclass(frozen=True)
class Latency:
    """Milliseconds from before an article is sent to when its enriched record is read."""

    p50_ms: float
    p95_ms: float
    p99_ms: float


def articles(texts: Sequence[str], run: str) -> list[Article]:
    """Articles of one benchmark run; ids start with `run`."""
    now_ms = _now_ms()
    return [
        Article(
            article_id=f"{run}-{number}",
            source="bench.example",
            title=f"Report {number}",
            body=text,
            published_ms=now_ms,
            fetched_ms=now_ms,
        )
        for number, text in enumerate(texts)
    ]


def raw_loop(
    analyzer: Analyzer, batch: Sequence[Article], policy: BatchPolicy, streams: int
) -> Throughput:
    """The model in memory: tokenise, group by length, run. No Kafka, no Flink, nothing else."""
    encoder = next(iter(analyzer.encoders.values()))
    texts = [ArticleText(article.title, article.body) for article in batch]

    def tokenize(text: ArticleText) -> Tokens:
        return encoder.tokenize(text.head(encoder.max_characters))

    tokens, running = 0, []
    started = time.perf_counter()
    with ThreadPoolExecutor(streams) as pool:
        for first in range(0, len(texts), POOL):
            waiting = list(pool.map(tokenize, texts[first : first + POOL]))
            tokens += sum(map(len, waiting))
            while waiting:
                chosen = set(choose([len(ids) for ids in waiting], policy))
                running.append(pool.submit(encoder.run, [waiting[index] for index in chosen]))
                waiting = [ids for index, ids in enumerate(waiting) if index not in chosen]
        for answers in running:
            answers.result()
    elapsed = time.perf_counter() - started
    return Throughput(len(texts) / elapsed, tokens / elapsed)


def job_backlog(kafka: Mapping[str, Any], batch: Sequence[Article], progress: Progress) -> float:
    """Articles a second of the running job, all sent at once; first sent to last read."""
    with _reader(kafka, batch, progress, wait_ms=_PATIENT_MS) as received:
        started = time.time()
        _send(kafka, batch)
        received.wait()
    return len(batch) / (max(received.moments.values()) - started)


def job_latency(
    kafka: Mapping[str, Any], batch: Sequence[Article], rate: float, progress: Progress
) -> Latency:
    """Latency of the running job at `rate` articles a second."""
    with _reader(kafka, batch, progress, wait_ms=_AT_ONCE_MS) as received:
        sent = _send(kafka, batch, rate)
        received.wait()
    milliseconds = [(received.moments[key] - at) * 1000 for key, at in sent.items()]
    p50, p95, p99 = np.percentile(milliseconds, [50, 95, 99])
    return Latency(float(p50), float(p95), float(p99))


def one_by_one(kafka: Mapping[str, Any], analyzer: Analyzer, batch: Sequence[Article]) -> float:
    """Articles a second of the loop a user writes first: poll, detect, encode one, send.

    Reads and writes topics of the product, under ids of its own; needs the job to be stopped.
    """
    encoder = next(iter(analyzer.encoders.values()))
    raw, enriched = RecordCodec(ARTICLES_RAW), RecordCodec(ARTICLES_ENRICHED)
    consumer = _consumer(kafka, ARTICLES_RAW, wait_ms=_PATIENT_MS)
    producer = KafkaProducer(**kafka, linger_ms=5)
    _send(kafka, batch)
    started, left = time.perf_counter(), len(batch)
    try:
        while left:
            for records in consumer.poll(_POLL_MS).values():
                for record in records:
                    article = raw.decode(record.value)
                    value = enriched.encode(_enrich_alone(encoder, article))
                    producer.send(ARTICLES_ENRICHED.name, key=record.key, value=value)
                    left -= 1
        producer.flush()
        return len(batch) / (time.perf_counter() - started)
    finally:
        consumer.close()
        producer.close()


def _enrich_alone(encoder: Encoder, article: Article) -> EnrichedArticle:
    text = ArticleText(article.title, article.body)
    (outputs,) = encoder.run([encoder.tokenize(text.head(encoder.max_characters))])
    if isinstance(outputs, InferenceError):
        raise outputs
    return EnrichedArticle(
        article_id=article.article_id,
        url=article.url,
        source=article.source,
        title=article.title,
        published_ms=article.published_ms,
        ingested_ms=article.published_ms,
        enriched_ms=_now_ms(),
        content_hash=text.content_hash,
        language=Language(code="en", confidence=1.0),
        embedding=next(iter(outputs.values())).astype("<f2").tobytes(),
        model_versions={},
    )


class _Received:
    """When each expected article was first read."""

    def __init__(self, expected: set[str], progress: Progress) -> None:
        self._expected = expected
        self._progress = progress
        self._changed = threading.Condition()
        self.moments: dict[str, float] = {}
        self.stopped = False

    def add(self, keys: Sequence[str], moment: float) -> None:
        with self._changed:
            for key in keys:
                if key in self._expected:
                    self.moments.setdefault(key, moment)
            self._changed.notify_all()
        self._progress(len(self.moments))

    def wait(self) -> None:
        """Until every article has come. Raises ServiceError when none comes for long."""
        with self._changed:
            while (before := len(self.moments)) < len(self._expected):
                if not self._changed.wait_for(lambda b=before: len(self.moments) > b, _STALLED_S):
                    raise ServiceError(
                        f"{before} of {len(self._expected)} articles came back, then none for "
                        f"{_STALLED_S} s; is the job enrich running?"
                    )


@contextmanager
def _reader(
    kafka: Mapping[str, Any], batch: Sequence[Article], progress: Progress, *, wait_ms: int
) -> Iterator[_Received]:
    """Reads articles.enriched in a thread, from its present end on."""
    received = _Received({article.article_id for article in batch}, progress)
    consumer = _consumer(kafka, ARTICLES_ENRICHED, wait_ms=wait_ms)

    def read() -> None:
        while not received.stopped:
            for records in consumer.poll(_POLL_MS).values():
                received.add([record.key.decode() for record in records], time.time())

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    try:
        yield received
    finally:
        received.stopped = True
        thread.join()
        consumer.close()


def _consumer(kafka: Mapping[str, Any], topic: Topic[Any], *, wait_ms: int) -> KafkaConsumer:
    consumer = KafkaConsumer(
        **kafka, group_id=None, isolation_level="read_committed", fetch_max_wait_ms=wait_ms
    )
    partitions = [TopicPartition(topic.name, n) for n in consumer.partitions_for_topic(topic.name)]
    consumer.assign(partitions)
    for partition, end in consumer.end_offsets(partitions).items():
        consumer.seek(partition, end)
    return consumer


def _send(
    kafka: Mapping[str, Any], batch: Sequence[Article], rate: float | None = None
) -> dict[str, float]:
    """Send articles, at a rate or flat out; when each was handed over, by id."""
    codec = RecordCodec(ARTICLES_RAW)
    records = [(article.article_id, codec.encode(article)) for article in batch]
    producer = KafkaProducer(**kafka, linger_ms=0 if rate else 5)
    moments, started = {}, time.time()
    for number, (key, value) in enumerate(records):
        if rate:
            time.sleep(max(0.0, started + number / rate - time.time()))
        moments[key] = time.time()
        producer.send(ARTICLES_RAW.name, key=key.encode(), value=value)
    producer.flush()
    producer.close()
    return moments


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
