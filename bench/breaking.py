"""How fast the job `breaking` is: articles into stories, and from an article to its alert.

Simulated news (`bench.arrivals`): made-up vectors and headlines. About speed, never about accuracy.
"""

import heapq
import math
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import numpy as np
from kafka.consumer.fetcher import ConsumerRecord

from bench.arrivals import Arrival, Assumptions, arrivals
from bench.passage import by_key
from bench.reading import (
    PATIENT_MS,
    Latency,
    Progress,
    Received,
    reading,
    send,
    send_at_once,
)
from models.breaking.rhythm import HOUR_MS
from models.stories.cluster import WIDTH
from schemas.codec import RecordCodec
from schemas.editorial import EditorialCommand
from schemas.enriched_article import EnrichedArticle, Entity, Language
from schemas.errors import ServiceError
from schemas.topics import (
    ALERTS_BREAKING,
    ARTICLES_ENRICHED,
    EDITORIAL_AUDIT,
    EDITORIAL_CONTROL,
    STORIES_ARTICLES,
)

_SOON_MS = 20
"""How long the broker may hold a fetch back where latency counts, in a burst, too."""

VOCABULARY = 20_000
COMMANDS_A_SECOND = 2.0

NEWS_SOURCES = 16
"""Independent sources of each story that breaks in the latency run."""

SEED = 11
START_MS = 1_790_000_000_000
DAY_MS = 24 * HOUR_MS
PART = 10_000
"""Articles of a long stream that are made at once."""

STORIES_AN_HOUR = 12_000.0
"""So many that an hour of simulated news holds as many articles as a busy day's hour has."""


@dataclass(frozen=True)
class AlertLatency:
    """Milliseconds from before the article that raises an alert is sent to when it is read."""

    alerts: int
    p50_ms: float
    p95_ms: float
    most_ms: float


class Newsroom:
    """Made-up articles: those of a story share words, entities and a direction of their vectors.

    Each call begins where the event time of the last one ended.
    """

    def __init__(self, run: str) -> None:
        self._run = run
        self._chance = np.random.default_rng(SEED)
        self._words = [f"w{number}" for number in range(VOCABULARY)]
        self._stories: dict[str, tuple[Any, list[str]]] = {}
        self._number = 0
        self._begin_ms = START_MS

    def article(self, story: str, source: str, at_ms: int, *, reprint: bool) -> EnrichedArticle:
        """One more article about a story; a reprint repeats its first words and its vector."""
        if story not in self._stories:
            direction = self._chance.normal(size=WIDTH)
            self._stories[story] = direction, self._drawn(8)
        direction, words = self._stories[story]
        vector = direction if reprint else direction + 0.5 * self._chance.normal(size=WIDTH)
        title = words if reprint else [*words[:5], *self._drawn(3)]
        self._number += 1
        article_id = f"{self._run}-{self._number}"
        return EnrichedArticle(
            article_id=article_id,
            url=f"https://{source}/{article_id}",
            source=source,
            title=" ".join(title),
            published_ms=at_ms,
            ingested_ms=at_ms,
            enriched_ms=at_ms,
            content_hash=article_id,
            language=Language(code="en", confidence=1.0),
            entities=[
                Entity(text=word, type="person", start=0, end=1, score=1.0) for word in words[:3]
            ],
            embedding=(vector / np.linalg.norm(vector)).astype("<f2").tobytes(),
            model_versions={},
        )

    def stream(self, count: int) -> list[EnrichedArticle]:
        """Simulated news in order of arrival."""
        assumed = Assumptions(stories_an_hour=STORIES_AN_HOUR)
        hours = 1 + math.ceil(count / STORIES_AN_HOUR)
        found = arrivals(assumed, start_ms=self._begin_ms, hours=hours, seed=SEED)
        first = heapq.nsmallest(count, found, key=lambda arrival: arrival.arrived_ms)
        articles = [self._arrived(arrival) for arrival in first]
        self._begin_ms = first[-1].arrived_ms
        return articles

    def day(self, count: int) -> Iterator[list[EnrichedArticle]]:
        """A day on which each article is a story of its own, in parts."""
        apart_ms = DAY_MS / count
        for first in range(0, count, PART):
            part = []
            for number in range(first, min(first + PART, count)):
                story, at_ms = f"day {number}", self._begin_ms + round(number * apart_ms)
                part.append(self.article(story, f"s{number % 500}.example", at_ms, reprint=False))
                del self._stories[story]
            yield part
        self._begin_ms += DAY_MS

    def news(self, rate: float, seconds: float) -> list[EnrichedArticle]:
        """Articles at a steady rate; every other second begins a story that breaks."""
        count = int(rate * seconds)
        breaking: list[str] = []
        found = []
        for number in range(count):
            at_ms = self._begin_ms + round(number / rate * 1000)
            if number % max(1, round(2 * rate)) == 0:
                breaking += [f"news {self._begin_ms} {number}"] * NEWS_SOURCES
            alone = number % 4 or not breaking
            story = f"alone {self._begin_ms} {number}" if alone else breaking.pop(0)
            found.append(self.article(story, f"s{number}.example", at_ms, reprint=False))
        self._begin_ms += round(seconds * 1000)
        return found

    def _arrived(self, arrival: Arrival) -> EnrichedArticle:
        article = self.article(
            f"{self._begin_ms} {arrival.story}",
            f"s{arrival.source}.example",
            arrival.published_ms,
            reprint=arrival.reprint,
        )
        return article.model_copy(update={"ingested_ms": arrival.arrived_ms})

    def _drawn(self, count: int) -> list[str]:
        return [self._words[n] for n in self._chance.integers(VOCABULARY, size=count)]


def throughput(
    kafka: Mapping[str, Any], batch: Sequence[EnrichedArticle], progress: Progress
) -> float:
    """Articles a second of the running job from a backlog: from when it can be read until the last
    article is placed.
    """
    with _placed(kafka, batch, progress, wait_ms=PATIENT_MS) as placed:
        started = send_at_once(kafka, ARTICLES_ENRICHED, _encoded(batch))
        placed.wait()
    return len(batch) / (max(placed.moments.values()) - started)


def know(
    kafka: Mapping[str, Any], parts: Iterable[Sequence[EnrichedArticle]], progress: Progress
) -> None:
    """Let the running job take in a long stream, part after part."""
    known = 0
    for part in parts:
        throughput(kafka, part, lambda placed, before=known: progress(before + placed))
        known += len(part)


def alert_latency(
    kafka: Mapping[str, Any], batch: Sequence[EnrichedArticle], rate: float, progress: Progress
) -> AlertLatency:
    """Latency of the alerts that a stream at `rate` articles a second raises."""
    article_at = {article.published_ms: article.article_id for article in batch}
    codec = RecordCodec(ALERTS_BREAKING)

    def opening(record: ConsumerRecord) -> str:
        """The article that opened an alert, empty for its other states."""
        alert = codec.decode(record.value)
        return article_at.get(alert.at_ms, "") if alert.state == "opened" else ""

    ids = article_at.values()
    with (
        reading(kafka, ALERTS_BREAKING, opening, ids, job="breaking", wait_ms=_SOON_MS) as opened,
        _placed(kafka, batch, progress, wait_ms=_SOON_MS) as placed,
    ):
        sent = send(kafka, ARTICLES_ENRICHED, _encoded(batch), rate)
        placed.wait()
        time.sleep(2)  # the last alert follows its article
    if not opened.moments:
        raise ServiceError("no alert was raised; is the job breaking running, with its own scorer?")
    milliseconds = [(at - sent[article_id]) * 1000 for article_id, at in opened.moments.items()]
    p50, p95 = np.percentile(milliseconds, [50, 95])
    return AlertLatency(len(milliseconds), float(p50), float(p95), max(milliseconds))


def command_latency(
    kafka: Mapping[str, Any],
    run: str,
    batch: Sequence[EnrichedArticle],
    rate: float,
    progress: Progress,
) -> Latency:
    """From before an editor's command is sent to its answer, beside articles at `rate` a second."""
    count = max(1, int(len(batch) / rate * COMMANDS_A_SECOND))
    codec = RecordCodec(EDITORIAL_CONTROL)
    orders = [
        EditorialCommand(
            command_id=f"{run}-command-{number}",
            kind="mute",
            author="bench",
            issued_ms=batch[0].published_ms,
            entity=f"nobody {number}",
        )
        for number in range(count)
    ]
    records = [(order.command_id, codec.encode(order)) for order in orders]
    articles = threading.Thread(target=send, args=(kafka, ARTICLES_ENRICHED, _encoded(batch), rate))
    with reading(
        kafka,
        EDITORIAL_AUDIT,
        by_key,
        {order.command_id for order in orders},
        job="breaking",
        wait_ms=_SOON_MS,
        progress=progress,
    ) as answered:
        articles.start()
        sent = send(kafka, EDITORIAL_CONTROL, records, COMMANDS_A_SECOND)
        answered.wait()
        articles.join()
    return answered.latency(sent)


def _encoded(batch: Sequence[EnrichedArticle]) -> list[tuple[str, bytes]]:
    """Article ids and records of articles.enriched."""
    codec = RecordCodec(ARTICLES_ENRICHED)
    return [(article.article_id, codec.encode(article)) for article in batch]


def _placed(
    kafka: Mapping[str, Any], batch: Sequence[EnrichedArticle], progress: Progress, *, wait_ms: int
) -> AbstractContextManager[Received]:
    ids = [article.article_id for article in batch]
    return reading(
        kafka, STORIES_ARTICLES, by_key, ids, job="breaking", wait_ms=wait_ms, progress=progress
    )
