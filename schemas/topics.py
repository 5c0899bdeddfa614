"""Every Kafka topic: name, record, key, partitions, retention, compaction."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from schemas.article import Article
from schemas.dead_letter import DeadLetter
from schemas.enriched_article import EnrichedArticle
from schemas.quality_signal import QualitySignal
from schemas.record import Record

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

TOPICS: dict[str, Topic[Any]] = {
    topic.name: topic for topic in (ARTICLES_RAW, ARTICLES_ENRICHED, DEAD_LETTERS, QUALITY_SIGNALS)
}
