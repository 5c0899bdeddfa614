"""Every Kafka topic: name, record, key, partitions, retention, compaction."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from schemas.alert import Alert
from schemas.article import Article
from schemas.dead_letter import DeadLetter
from schemas.editorial import AuditEntry, EditorialCommand
from schemas.enriched_article import EnrichedArticle
from schemas.quality_signal import QualitySignal
from schemas.record import Record
from schemas.story import Story, StoryArticle

R = TypeVar("R", bound=Record)

_DAY_MS = 24 * 60 * 60 * 1000
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Topic(Generic[R]):
    """A Kafka topic and what is in it.

    name               as in Kafka
    record             folder of its Avro schemas in `schemas/avro`
    record_type        the typed record
    key                what the key of each record is, UTF-8
    partitions         how many, when it is created
    retention_ms       how long a record is kept
    cleanup            Kafka's cleanup.policy
    max_message_bytes  largest record batch the broker takes
    doc                one line for people
    """

    name: str
    record: str
    record_type: type[R]
    key: str
    partitions: int
    retention_ms: int
    cleanup: str
    max_message_bytes: int
    doc: str

    @property
    def config(self) -> dict[str, str]:
        """The topic's configuration in Kafka's words."""
        return {
            "retention.ms": str(self.retention_ms),
            "cleanup.policy": self.cleanup,
            "max.message.bytes": str(self.max_message_bytes),
        }


MAX_REQUEST_BYTES = 16 * _MIB
"""Largest request of our producers: every topic's records fit."""

ARTICLES_RAW = Topic(
    name="articles.raw",
    record="article",
    record_type=Article,
    key="article_id",
    partitions=4,
    retention_ms=7 * _DAY_MS,
    cleanup="delete",
    max_message_bytes=8 * _MIB,
    doc="Articles as feeds and publishers gave them.",
)

ARTICLES_ENRICHED = Topic(
    name="articles.enriched",
    record="enriched_article",
    record_type=EnrichedArticle,
    key="article_id",
    partitions=4,
    retention_ms=30 * _DAY_MS,
    cleanup="delete",
    max_message_bytes=8 * _MIB,
    doc="Articles with what the models found in them.",
)

DEAD_LETTERS = Topic(
    name="dead-letters",
    record="dead_letter",
    record_type=DeadLetter,
    key="topic/partition/offset of the original",
    partitions=1,
    retention_ms=30 * _DAY_MS,
    cleanup="delete",
    max_message_bytes=12 * _MIB,
    doc="Records that a job could not process, whole, with the reason.",
)

QUALITY_SIGNALS = Topic(
    name="quality.signals",
    record="quality_signal",
    record_type=QualitySignal,
    key="kind/subject",
    partitions=1,
    retention_ms=30 * _DAY_MS,
    cleanup="delete",
    max_message_bytes=_MIB,
    doc="Sources and models that are not as usual.",
)

STORIES = Topic(
    name="stories",
    record="story",
    record_type=Story,
    key="story_id",
    partitions=4,
    retention_ms=30 * _DAY_MS,
    cleanup="compact,delete",
    max_message_bytes=4 * _MIB,
    doc="Stories as they stand.",
)

STORIES_ARTICLES = Topic(
    name="stories.articles",
    record="story_article",
    record_type=StoryArticle,
    key="article_id",
    partitions=4,
    retention_ms=30 * _DAY_MS,
    cleanup="compact,delete",
    max_message_bytes=_MIB,
    doc="Which story each article belongs to.",
)

ALERTS_BREAKING = Topic(
    name="alerts.breaking",
    record="alert",
    record_type=Alert,
    key="desk",
    partitions=4,
    retention_ms=30 * _DAY_MS,
    cleanup="delete",
    max_message_bytes=4 * _MIB,
    doc="Breaking-news alerts with their evidence, one record for each state.",
)

EDITORIAL_CONTROL = Topic(
    name="editorial.control",
    record="editorial_command",
    record_type=EditorialCommand,
    key="command_id",
    partitions=1,
    retention_ms=90 * _DAY_MS,
    cleanup="delete",
    max_message_bytes=_MIB,
    doc="What editors tell the jobs to do.",
)

EDITORIAL_AUDIT = Topic(
    name="editorial.audit",
    record="audit_entry",
    record_type=AuditEntry,
    key="command_id",
    partitions=1,
    retention_ms=365 * _DAY_MS,
    cleanup="delete",
    max_message_bytes=_MIB,
    doc="What became of each command.",
)

TOPICS: dict[str, Topic[Any]] = {
    topic.name: topic
    for topic in (
        ARTICLES_RAW,
        ARTICLES_ENRICHED,
        DEAD_LETTERS,
        QUALITY_SIGNALS,
        STORIES,
        STORIES_ARTICLES,
        ALERTS_BREAKING,
        EDITORIAL_CONTROL,
        EDITORIAL_AUDIT,
    )
}
