"""Raw Kafka records to enriched comments, deletions or dead letters."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from pyflink.common import Row
from pyflink.datastream import RuntimeContext
from pyflink.datastream.functions import AsyncFunction

from models.audience.comments import (
    admit,
    comment_text,
    cut,
    enriched,
    says_something,
    unsaid,
)
from models.audience.queue import QueueRules, reasons
from models.audience.voices import packed, voice
from models.comment_analyzer import CommentAnalyzer
from models.inference_config import InferenceConfig
from models.language_codes import declared
from models.manifest import read
from models.masker import Masker
from schemas.codec import RecordCodec
from schemas.comment import Comment, EnrichedComment
from schemas.dead_letter import DeadLetter, Delivery
from schemas.errors import Reason, RecordError
from schemas.registry import open_registry
from schemas.topics import COMMENTS_ENRICHED, COMMENTS_RAW, DEAD_LETTERS
from udfs.collector import spare_what_is_loaded
from udfs.comment_rows import JOB
from udfs.deliveries import delivery_of
from udfs.gauges import expose, expose_models
from udfs.lifeline import end_with_task_manager
from udfs.wall_clock import wall_clock_ms

SPARE_CHARACTERS = 500
"""Read beyond what is kept of a comment, lest half a phone number be kept."""


@dataclass
class CommentStats:
    """What the operator has done since it was opened."""

    comments: int = 0
    enriched: int = 0
    deletions: int = 0
    without_words: int = 0
    event_time_lag_ms: int = 0
    dead_letters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Reason, 0))


class EnrichComments(AsyncFunction):
    """Decodes, masks and analyses comments; the analyses of many share batches.

    In: Row(key, value, topic, partition, offset, timestamp) of comments.raw; a value of nothing
    under a key is a deletion. Out: `outcome_type`, one for each. No key, no state, no timers: what
    is in flight is read again after a failure.
    """

    def __init__(
        self,
        *,
        manifest: Path,
        non_commercial: bool,
        analyzer: InferenceConfig,
        masker: InferenceConfig,
        mask_names: bool,
        queue: QueueRules,
        most_characters: int,
        future_tolerance_s: int,
        registry_url: str | None,
        registry_auth: str | None,
    ) -> None:
        self._manifest = manifest
        self._non_commercial = non_commercial
        self._analyzer_config = analyzer
        self._masker_config = masker
        self._mask_names = mask_names
        self._queue = queue
        self._most = most_characters
        self._future_tolerance_s = future_tolerance_s
        self._registry = (registry_url, registry_auth)

    def open(self, runtime_context: RuntimeContext) -> None:
        end_with_task_manager()
        registry = open_registry(*self._registry)
        self._comments = RecordCodec(COMMENTS_RAW, registry)
        self._enriched = RecordCodec(COMMENTS_ENRICHED, registry)
        self._letters = RecordCodec(DEAD_LETTERS, registry)
        manifest = read(self._manifest, non_commercial=self._non_commercial)
        self._masker = Masker(manifest, self._masker_config, names=self._mask_names)
        self._masker.warm_up()
        self._analyzer = CommentAnalyzer(manifest, self._analyzer_config)
        self._analyzer.warm_up()
        self._stats = CommentStats()
        self._expose(runtime_context)
        spare_what_is_loaded()

    def close(self) -> None:
        self._analyzer.close()
        self._masker.close()

    async def async_invoke(self, value: Row) -> list[Row]:
        delivery = delivery_of(value)
        self._stats.comments += 1
        if not delivery.value and delivery.key:
            self._stats.deletions += 1
            return [_deletion(delivery)]
        comment: Comment | None = None
        try:
            comment = self._comments.decode(delivery.value)
            return [await self._enrich(comment, delivery)]
        except RecordError as error:
            return [self._give_up(comment, delivery, error)]

    async def _enrich(self, comment: Comment, delivery: Delivery) -> Row:
        text = comment_text(comment, most_raw=4 * (self._most + SPARE_CHARACTERS))
        admit(
            comment,
            text,
            arrived_ms=delivery.timestamp_ms,
            future_tolerance_s=self._future_tolerance_s,
        )
        shown, masks = await self._masker.mask(
            text[: self._most + SPARE_CHARACTERS], comment.language
        )
        kept, masks = cut(shown, masks, self._most)
        if says_something(kept):
            analysis = await self._analyzer.analyze(kept, declared(comment.language))
        else:
            analysis = unsaid()
            self._stats.without_words += 1
        record = enriched(
            comment,
            kept,
            masks,
            analysis,
            truncated=len(kept) < len(shown) or len(text) > self._most + SPARE_CHARACTERS,
            desk=self._queue.desk,
            ingested_ms=delivery.timestamp_ms,
            enriched_ms=wall_clock_ms(),
        )
        self._stats.enriched += 1
        self._stats.event_time_lag_ms = record.enriched_ms - record.published_ms
        return Row(
            False,
            record.comment_id.encode(),
            self._enriched.encode(record),
            record.article_id,
            record.published_ms,
            record.ingested_ms,
            self._queue_of(record),
            packed(voice(record)),
        )

    def _queue_of(self, comment: EnrichedComment) -> str:
        """The queue that it is a candidate of; empty for none."""
        desk, language = comment.desk, comment.language.code
        wanted = reasons(comment, self._queue.policy(desk, language))
        return f"{desk}/{language}" if wanted else ""

    def _give_up(self, comment: Comment | None, delivery: Delivery, error: RecordError) -> Row:
        """The dead letter of a comment. Its personal data is masked, too: of bytes that cannot be
        read nothing is told, the original lies on comments.raw.
        """
        self._stats.dead_letters[error.reason] += 1
        if comment is None:
            kept = replace(delivery, key=None, value=None)
        else:
            text = comment_text(comment, most_raw=4 * self._most)[: self._most]
            shown = self._masker.mask_without_models(text, comment.language)
            masked = self._comments.encode(comment.model_copy(update={"text": shown}))
            kept = replace(delivery, key=comment.comment_id.encode(), value=masked)
        letter = DeadLetter.of(kept, error, job=JOB, failed_ms=wall_clock_ms())
        return Row(True, letter.origin.encode(), self._letters.encode(letter), "", 0, 0, "", b"")

    def _expose(self, runtime_context: RuntimeContext) -> None:
        metrics = runtime_context.get_metrics_group().add_group("wiredesk")
        expose(metrics, self._stats)
        expose(metrics, self._analyzer.stats)
        expose(metrics, self._masker.stats)
        expose_models(metrics, self._analyzer)


def _deletion(delivery: Delivery) -> Row:
    arrived_ms = delivery.timestamp_ms
    return Row(False, delivery.key, b"", "", arrived_ms, arrived_ms, "", b"")
