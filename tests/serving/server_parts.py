"""Small records, and a server on parts that a test holds in its hand."""

from collections.abc import Sequence
from typing import Any

from schemas.alert import (
    Alert,
    AlertArticle,
    AlertEntity,
    AlertReaders,
    AlertSource,
    AlertWindow,
)
from schemas.codec import RecordCodec
from schemas.editorial import AuditEntry, EditorialCommand
from schemas.enriched_article import EnrichedArticle, Entity, Language, Sentiment, TopicScore
from schemas.errors import ServiceError
from schemas.record import Record
from schemas.story import Story, StoryArticle, StoryEntity, StoryMoment, StoryScore
from schemas.topics import TOPICS
from serving.assembly import assembled
from serving.history import History
from serving.kafka import Arrived
from serving.services import Services
from serving.settings import ServeSettings

NOW_MS = 1_795_000_000_000
HOSTILE = '<script>alert("x")</script> & *bold* [a](javascript:b)\r\nBcc: all@example.org'


def alert(alert_id: str = "a1", sequence: int = 1, **changes: Any) -> Alert:
    fields = {
        "alert_id": alert_id,
        "desk": "world",
        "story_id": "s1",
        "state": "opened",
        "sequence": sequence,
        "at_ms": NOW_MS,
        "raised_ms": NOW_MS,
        "expires_ms": NOW_MS + 3_600_000,
        "score": 0.9,
        "low": 0.8,
        "high": 0.95,
        "threshold": 0.7,
        "outcome": "sources=8,hours=6",
        "title": "Bridge in Marenholm closed",
        "languages": ["en"],
        "windows": [AlertWindow(minutes=15, observed=8, expected=0.4, tail_log10=-7.2)],
        "readers": AlertReaders(
            minutes=15, end_ms=NOW_MS, observed=412, expected=60.0, tail_log10=-5.9, total=480
        ),
        "sources": [
            AlertSource(source="courier.example", first_seen_ms=NOW_MS, article_id="art1", copies=1)
        ],
        "independent_sources": 8,
        "copies_discounted": 2,
        "entities": [AlertEntity(name="Marenholm", wikidata_id="Q1", observed=5, expected=0.1)],
        "lead_articles": [
            AlertArticle(
                article_id="art1",
                title="Bridge closed",
                source="courier.example",
                url="https://courier.example/1",
            )
        ],
        "reasons": ["eight owners within a quarter of an hour"],
        "model_versions": {"scorer": "1"},
    }
    return Alert.model_validate(fields | changes)


def story(story_id: str = "s1", **changes: Any) -> Story:
    fields = {
        "story_id": story_id,
        "status": "active",
        "title": "Bridge in Marenholm closed",
        "lead_article_id": "art1",
        "languages": ["en"],
        "sources": [],
        "entities": [StoryEntity(name="Marenholm", type="place", wikidata_id="Q1", articles=3)],
        "topics": [],
        "first_seen_ms": NOW_MS,
        "last_seen_ms": NOW_MS,
        "articles": 3,
        "copies": 1,
        "independent_sources": 2,
        "scores": [
            StoryScore(desk="world", score=0.6, low=0.5, high=0.7, threshold=0.7, at_ms=NOW_MS),
            StoryScore(desk="sport", score=0.2, low=0.1, high=0.3, threshold=0.7, at_ms=NOW_MS),
        ],
        "history": [StoryMoment(at_ms=NOW_MS, observed=2, expected=0.5, score=0.6)],
        "embedding": b"\x00\x3c",
        "updated_ms": NOW_MS,
    }
    return Story.model_validate(fields | changes)


def placed(article_id: str = "art1", story_id: str = "s1", **changes: Any) -> StoryArticle:
    fields = {
        "article_id": article_id,
        "story_id": story_id,
        "source": "courier.example",
        "published_ms": NOW_MS,
        "probability": 0.9,
        "novelty": 0.1,
        "placed_ms": NOW_MS,
    }
    return StoryArticle.model_validate(fields | changes)


def article(article_id: str = "art1", **changes: Any) -> EnrichedArticle:
    fields = {
        "article_id": article_id,
        "url": f"https://courier.example/{article_id}",
        "source": "courier.example",
        "title": "Bridge in Marenholm closed",
        "published_ms": NOW_MS,
        "ingested_ms": NOW_MS,
        "enriched_ms": NOW_MS,
        "content_hash": "0" * 64,
        "language": Language(code="en", confidence=0.99),
        "topics": [
            TopicScore(code="medtop:1", name="disaster", score=0.8, names={"de": "Unglück"})
        ],
        "tags": ["bridge"],
        "entities": [
            Entity(
                text="Marenholm",
                type="place",
                start=10,
                end=19,
                score=0.9,
                wikidata_id="Q1",
                field="title",
            )
        ],
        "sentiment": Sentiment(label="negative", negative=0.8, neutral=0.1, positive=0.1),
        "tone_score": 0.15,
        "summary": "The bridge is closed.",
        "summary_method": "extractive",
        "importance": 0.7,
        "embedding": b"\x00\x3c\x00\x00",
        "model_versions": {"embedding": "news-1", "language": "lid"},
    }
    return EnrichedArticle.model_validate(fields | changes)


def command(kind: str = "pin", command_id: str = "c1", **changes: Any) -> EditorialCommand:
    fields = {"command_id": command_id, "kind": kind, "author": "ada", "issued_ms": NOW_MS}
    return EditorialCommand.model_validate(fields | changes)


def answer(command_id: str = "c1", **changes: Any) -> AuditEntry:
    fields = {
        "command_id": command_id,
        "kind": "pin",
        "author": "ada",
        "issued_ms": NOW_MS,
        "applied_ms": NOW_MS + 5,
        "job": "breaking",
        "subject": "story/s1",
        "outcome": "applied",
        "detail": "pinned",
    }
    return AuditEntry.model_validate(fields | changes)


class MemoryKafka:
    """A producer that keeps what it is given; `away` makes it refuse."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes, Record]] = []
        self.away = False

    async def send(self, topic: str, key: bytes, value: bytes) -> None:
        if self.away:
            raise ServiceError("Kafka did not take it: it is away")
        self.sent.append((topic, key, RecordCodec(TOPICS[topic]).decode(value)))


def parts(url: str, kafka: MemoryKafka, **settings: Any) -> Services:
    """The services on a database that has its tables, without Kafka and models."""
    s = ServeSettings(**({"analyze": False, "redis_url": "redis://127.0.0.1:1/0"} | settings))
    return assembled(s, history=History(url), producer=kafka, clock=lambda: NOW_MS)


async def take(services: Services, *records: Record, offset: int = 0, partition: int = 0) -> None:
    """Let records come from their topics."""
    names = {topic.record_type: topic.name for topic in TOPICS.values()}
    await services.take(
        [
            Arrived(names[type(record)], partition, offset + n, NOW_MS, record)
            for n, record in enumerate(records)
        ]
    )


def events(text: str) -> Sequence[dict[str, str]]:
    """The events of a stream, without comments and retry."""
    blocks = (block for block in text.split("\n\n") if "data: " in block)
    return [dict(line.split(": ", 1) for line in block.split("\n")) for block in blocks]
