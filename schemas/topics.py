"""Every Kafka topic: name, record, key, partitions, retention, compaction."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from schemas.alert import Alert
from schemas.article import Article
from schemas.audience import AudienceMood
from schemas.comment import Comment, EnrichedComment
from schemas.dead_letter import DeadLetter
from schemas.editorial import AuditEntry, EditorialCommand
from schemas.enriched_article import EnrichedArticle
from schemas.moderation import ModerationItem
from schemas.quality_signal import QualitySignal
from schemas.reader_demand import ReaderDemand
from schemas.reader_profile import SealedProfile
from schemas.record import Record
from schemas.story import Story, StoryArticle
from schemas.user_event import UserEvent

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
    compacted_within_ms  a replaced or deleted record is gone from a compacted topic after this
    broker_time        timestamps are the brokers', whatever the senders' clocks say
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
    compacted_within_ms: int | None = None
    broker_time: bool = False

    @property
    def config(self) -> dict[str, str]:
        """The topic's configuration in Kafka's words."""
        config = {
            "retention.ms": str(self.retention_ms),
            "cleanup.policy": self.cleanup,
            "max.message.bytes": str(self.max_message_bytes),
        }
        if self.compacted_within_ms is not None:
            config["max.compaction.lag.ms"] = str(self.compacted_within_ms)
        if self.broker_time:
            config["message.timestamp.type"] = "LogAppendTime"
        return config


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

STORIES_DEMAND = Topic(
    name="stories.demand",
    record="reader_demand",
    record_type=ReaderDemand,
    key="end_ms",
    partitions=1,
    retention_ms=_DAY_MS,
    cleanup="delete",
    max_message_bytes=_MIB,
    doc="Which stories readers come to, window by window, in order.",
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

USER_EVENTS = Topic(
    name="user.events",
    record="user_event",
    record_type=UserEvent,
    key="user_key",
    partitions=4,
    retention_ms=2 * _DAY_MS,
    cleanup="delete",
    max_message_bytes=_MIB,
    doc="What readers do, under pseudonyms; kept no longer than an outage may last.",
    broker_time=True,
)

USERS_EMBEDDINGS = Topic(
    name="users.embeddings",
    record="sealed_profile",
    record_type=SealedProfile,
    key="user_key",
    partitions=4,
    retention_ms=90 * _DAY_MS,
    cleanup="compact,delete",
    max_message_bytes=_MIB,
    doc="Readers' profiles, encrypted; a tombstone for each erased reader.",
    compacted_within_ms=_DAY_MS,
)

COMMENTS_RAW = Topic(
    name="comments.raw",
    record="comment",
    record_type=Comment,
    key="comment_id; without a value: the comment was deleted",
    partitions=4,
    retention_ms=7 * _DAY_MS,
    cleanup="compact,delete",
    max_message_bytes=_MIB,
    doc="Readers' comments as sites gave them.",
    compacted_within_ms=_DAY_MS,
)

COMMENTS_ENRICHED = Topic(
    name="comments.enriched",
    record="enriched_comment",
    record_type=EnrichedComment,
    key="article_id",
    partitions=4,
    retention_ms=7 * _DAY_MS,
    cleanup="delete",
    max_message_bytes=4 * _MIB,
    doc="Comments with what the models found in them, without personal data.",
)

AUDIENCE_SENTIMENT = Topic(
    name="audience.sentiment",
    record="audience_mood",
    record_type=AudienceMood,
    key="article/ID or story/ID",
    partitions=4,
    retention_ms=30 * _DAY_MS,
    cleanup="compact,delete",
    max_message_bytes=_MIB,
    doc="How readers feel about each article and story.",
)

MODERATION_QUEUE = Topic(
    name="moderation.queue",
    record="moderation_item",
    record_type=ModerationItem,
    key="comment_id",
    partitions=4,
    retention_ms=90 * _DAY_MS,
    cleanup="compact,delete",
    max_message_bytes=4 * _MIB,
    doc="Comments that a person should look at, and what was decided.",
    compacted_within_ms=_DAY_MS,
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
        STORIES_DEMAND,
        ALERTS_BREAKING,
        EDITORIAL_CONTROL,
        EDITORIAL_AUDIT,
        USER_EVENTS,
        USERS_EMBEDDINGS,
        COMMENTS_RAW,
        COMMENTS_ENRICHED,
        AUDIENCE_SENTIMENT,
        MODERATION_QUEUE,
    )
}
