"""What a server is filled with before it is measured: made-up articles, stories and readers.

As many fields as the jobs write, so that an answer is as long as a real one; figures are about
speed, never about quality.
"""

import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from random import Random

import numpy as np
from confluent_kafka import Producer
from redis import Redis

from models.keyring import read_keyring
from models.profiles import facts, profile, signals
from models.profiles.update import ProfileRules, update
from models.sealing import seal
from schemas.codec import RecordCodec
from schemas.enriched_article import EnrichedArticle, Entity, Language, Sentiment, TopicScore
from schemas.errors import ServiceError
from schemas.reader_profile import SealedProfile
from schemas.record import Record
from schemas.redis_keys import article_key, covisited_key, popular_key, profile_key, record_fields
from schemas.story import Story, StoryArticle, StoryEntity, StoryMoment, StoryScore, StorySource
from schemas.topics import (
    ARTICLES_ENRICHED,
    STORIES,
    STORIES_ARTICLES,
    USERS_EMBEDDINGS,
    Topic,
)
from schemas.user_event import UserEvent

LANGUAGE = "en"
WIDTH = 384
STORY_ARTICLES = 5
READS = 40
"""Clicks of a reader."""

_LANGUAGES = ("ar", "de", "es", "fr", "ja", "pt", "sv")
_MINUTE_MS = 60_000
_DAY_MS = 1440 * _MINUTE_MS
_RULES = ProfileRules(
    long_half_life_ms=14 * _DAY_MS,
    session_half_life_ms=30 * _MINUTE_MS,
    retention_ms=30 * _DAY_MS,
    events_per_minute=10 * READS,
    reads_max=200,
    marks_max=100,
)
_FLUSH_S = 60


@dataclass(frozen=True)
class News:
    """Articles, five to a story, and the keys of readers who read some of them."""

    articles: Sequence[EnrichedArticle]
    stories: Sequence[Story]
    placements: Sequence[StoryArticle]
    users: Sequence[str]


def news(articles: int, readers: int) -> News:
    """The same for the same numbers, but for its times: it is of the last day."""
    chance = Random(7)
    now_ms = time.time_ns() // 1_000_000
    vectors = np.random.default_rng(7).normal(size=(articles, WIDTH))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    packed = vectors.astype("<f2")
    made = [_article(chance, n, now_ms, packed[n].tobytes()) for n in range(articles)]
    return News(
        articles=made,
        stories=[
            _story(f"bench-s{n // STORY_ARTICLES}", made[n : n + STORY_ARTICLES], now_ms)
            for n in range(0, articles, STORY_ARTICLES)
        ],
        placements=[_placed(n, article) for n, article in enumerate(made)],
        users=[f"1.bench-{n}" for n in range(readers)],
    )


def publish(kafka: str, found: News) -> None:
    """Send articles and stories, and wait until Kafka has them. Raises ServiceError."""
    producer = Producer(
        {
            "bootstrap.servers": kafka,
            "linger.ms": 20,
            "message.max.bytes": ARTICLES_ENRICHED.max_message_bytes,
        }
    )

    def send(topic: Topic, keyed: Iterator[tuple[str, Record]]) -> None:
        codec = RecordCodec(topic)
        for key, record in keyed:
            producer.produce(topic.name, codec.encode(record), key.encode())

    send(STORIES, ((story.story_id, story) for story in found.stories))
    send(STORIES_ARTICLES, ((placed.article_id, placed) for placed in found.placements))
    send(ARTICLES_ENRICHED, ((article.article_id, article) for article in found.articles))
    if producer.flush(_FLUSH_S):
        raise ServiceError("Kafka did not take the articles to measure with")


def store(redis_url: str, found: News, keys: Path) -> None:
    """Articles, sealed profiles, what is popular and read together, as the jobs leave them."""
    chance = Random(11)
    secret = read_keyring(keys).newest
    codec = RecordCodec(USERS_EMBEDDINGS)
    ids = [article.article_id for article in found.articles]
    by_id = dict(zip(ids, found.articles, strict=True))
    usual = list(accumulate(1 / rank for rank in range(1, len(ids) + 1)))

    def often(many: int) -> list[str]:
        """Articles by Zipf's law: a few are in everybody's list."""
        return list(dict.fromkeys(chance.choices(ids, cum_weights=usual, k=many)))

    with Redis.from_url(redis_url) as redis, redis.pipeline(transaction=False) as batch:
        for article in found.articles:
            batch.hset(article_key(article.article_id), mapping=record_fields(article))
            shares = {other: chance.randint(2, 50) for other in often(20)}
            batch.set(
                covisited_key(article.article_id), _clicks(shares | {article.article_id: 100})
            )
        for window, most in (("quarter", 10), ("hour", 60), ("day", 900)):
            clicked = {one: chance.randint(1, most) for one in often(len(ids))}
            batch.set(popular_key(window, LANGUAGE), _clicks(clicked))
        for user in found.users:
            record = _profile(user, [by_id[name] for name in often(READS)])
            sealed: SealedProfile = seal(user, record, secret)
            batch.set(profile_key(user), codec.encode(sealed))
        batch.execute()


def _clicks(found: dict[str, int]) -> str:
    return json.dumps({"window_end_ms": time.time_ns() // 1_000_000, "clicks": found})


def _profile(user: str, read: Sequence[EnrichedArticle]) -> dict[str, object]:
    """The profile of a reader who clicked on each of these, as the job `profiles` has it."""
    known: profile.Profile | None = None
    for number, article in enumerate(read):
        event = UserEvent(
            event_id=f"{user}-{number}",
            user_key=user,
            kind="click",
            ts_ms=article.published_ms,
            consent=True,
            article_id=article.article_id,
        )
        signal = signals.signal(event, arrived_ms=event.ts_ms, partition=0, offset=number)
        known = update(known, signal, facts.facts(article), _RULES).profile
    assert known is not None
    return profile.recorded(known)


def _article(chance: Random, number: int, now_ms: int, embedding: bytes) -> EnrichedArticle:
    at_ms = now_ms - chance.randrange(_DAY_MS)
    return EnrichedArticle(
        article_id=f"bench-a{number}",
        url=f"https://paper{number % 200}.bench.example/{number}",
        source=f"paper{number % 200}.bench.example",
        title=f"Report {number}: the council of Marenholm meets about the bridge once more",
        published_ms=at_ms,
        ingested_ms=at_ms,
        enriched_ms=at_ms,
        content_hash=f"{number:064x}",
        language=Language(code=LANGUAGE, confidence=0.99),
        topics=[_topic(chance) for _ in range(4)],
        tags=[f"Marenholm {chance.randrange(500)}" for _ in range(6)],
        entities=[_entity(chance, 40 * place) for place in range(10)],
        sentiment=Sentiment(label="neutral", negative=0.2, neutral=0.7, positive=0.1),
        tone_score=0.45,
        summary="The council meets again. It is to decide about the bridge and the buses. " * 3,
        summary_method="extractive",
        importance=round(chance.random(), 3),
        embedding=embedding,
        model_versions={"embedding": "bench-1", "topics": "bench-1", "entities": "bench-1"},
    )


def _topic(chance: Random) -> TopicScore:
    number = chance.randrange(1000)
    return TopicScore(
        code=f"medtop:{2_000_000 + number}",
        name=f"subject {number}",
        score=0.8,
        ancestors=[f"medtop:{1_000_000 + number % 17}"],
        names={language: f"subject {number} ({language})" for language in _LANGUAGES},
    )


def _entity(chance: Random, start: int) -> Entity:
    name = f"Person {chance.randrange(3000)}"
    return Entity(
        text=name,
        type="person",
        start=start,
        end=start + len(name),
        score=0.9,
        wikidata_id=f"Q{name.removeprefix('Person ')}",
        fine_type="politician",
        sentiment=Sentiment(label="neutral", negative=0.1, neutral=0.8, positive=0.1),
    )


def _story(story_id: str, articles: Sequence[EnrichedArticle], now_ms: int) -> Story:
    first = articles[0]
    return Story(
        story_id=story_id,
        status="active",
        title=first.title,
        lead_article_id=first.article_id,
        languages=[LANGUAGE],
        sources=[
            StorySource(
                source=article.source,
                first_seen_ms=article.published_ms,
                article_id=article.article_id,
                articles=1,
                copies=0,
            )
            for article in articles
        ],
        entities=[
            StoryEntity(name=e.text, type=e.type, wikidata_id=e.wikidata_id, articles=1)
            for e in first.entities or ()
        ],
        topics=[],
        first_seen_ms=min(article.published_ms for article in articles),
        last_seen_ms=now_ms,
        articles=len(articles),
        copies=0,
        independent_sources=len(articles),
        scores=[
            StoryScore(desk=desk, score=0.3, low=0.2, high=0.4, threshold=0.7, at_ms=now_ms)
            for desk in ("world", "local")
        ],
        history=[
            StoryMoment(at_ms=now_ms - 300_000 * n, observed=1, expected=0.5, score=0.3)
            for n in range(24)
        ],
        updated_ms=now_ms,
    )


def _placed(number: int, article: EnrichedArticle) -> StoryArticle:
    return StoryArticle(
        article_id=article.article_id,
        story_id=f"bench-s{number // STORY_ARTICLES}",
        source=article.source,
        published_ms=article.published_ms,
        probability=0.9,
        novelty=0.2,
        placed_ms=article.ingested_ms,
    )
