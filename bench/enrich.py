"""How fast articles are enriched: the model alone, the job from Kafka to Kafka, and its peers.

All of one run use the same texts, model and batch policy, on the same machine.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from kafka import KafkaProducer

from bench.passage import Passage
from bench.reading import PATIENT_MS, POLL_MS, from_end
from models.analyzer import Analyzer
from models.batching import BatchPolicy, choose
from models.encoder import Encoder, Tokens
from models.text import ArticleText
from schemas.article import Article
from schemas.codec import RecordCodec
from schemas.enriched_article import EnrichedArticle, Language
from schemas.errors import InferenceError
from schemas.topics import ARTICLES_ENRICHED, ARTICLES_RAW

POOL = 512
"""Texts the raw loop groups by length at a time, as many as a bundle of the job."""


@dataclass(frozen=True)
class Throughput:
    """Articles and tokens (padding not counted) a second."""

    docs_per_s: float
    tokens_per_s: float


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


def through_job(kafka: Mapping[str, Any]) -> Passage:
    """The way of articles through the running job."""
    return Passage(kafka, "enrich", ARTICLES_RAW, ARTICLES_ENRICHED, "article_id")


def one_by_one(kafka: Mapping[str, Any], analyzer: Analyzer, batch: Sequence[Article]) -> float:
    """Articles a second of the loop a user writes first: poll, detect, encode one, send.

    Reads and writes topics of the product, under ids of its own; needs the job to be stopped.
    """
    encoder = next(iter(analyzer.encoders.values()))
    raw, enriched = RecordCodec(ARTICLES_RAW), RecordCodec(ARTICLES_ENRICHED)
    consumer = from_end(kafka, ARTICLES_RAW, wait_ms=PATIENT_MS)
    producer = KafkaProducer(**kafka, linger_ms=5)
    through_job(kafka).send(batch)
    started, left = time.perf_counter(), len(batch)
    try:
        while left:
            for records in consumer.poll(POLL_MS).values():
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


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
