"""Raw Kafka records to enriched articles or dead letters."""

from dataclasses import dataclass, field
from pathlib import Path

from pyflink.common import Row, Types
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import RuntimeContext
from pyflink.datastream.functions import AsyncFunction

from models.admission import PublicationWindow, admit
from models.analyzer import Analyzer, AnalyzerConfig
from models.enrichment import enriched as compose
from models.language_codes import declared
from models.manifest import read
from models.text import article_text
from schemas.codec import RecordCodec
from schemas.dead_letter import DeadLetter, Delivery
from schemas.errors import Reason, RecordError
from schemas.registry import open_registry
from schemas.topics import ARTICLES_ENRICHED, ARTICLES_RAW, DEAD_LETTERS
from udfs.collector import spare_what_is_loaded
from udfs.deliveries import delivery_of
from udfs.gauges import expose, expose_models
from udfs.lifeline import end_with_task_manager
from udfs.wall_clock import wall_clock_ms

JOB = "enrich"


def outcome_type() -> TypeInformation:
    """(dead, key, value): whether it is a dead letter, and the Kafka record to write."""
    octets = Types.PRIMITIVE_ARRAY(Types.BYTE())
    return Types.ROW_NAMED(["dead", "key", "value"], [Types.BOOLEAN(), octets, octets])


@dataclass
class EnrichStats:
    """What the operator has done since it was opened."""

    articles: int = 0
    enriched: int = 0
    event_time_lag_ms: int = 0
    dead_letters: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Reason, 0))


class EnrichArticles(AsyncFunction):
    """Decodes, admits and analyses articles; the analyses of many share batches.

    In: Row(key, value, topic, partition, offset, timestamp) of articles.raw. Out: `outcome_type`,
    one for each. No key, no state, no timers: what is in flight is read again after a failure.
    """

    def __init__(
        self,
        *,
        manifest: Path,
        non_commercial: bool,
        analyzer: AnalyzerConfig,
        window: PublicationWindow,
        registry_url: str | None,
        registry_auth: str | None,
    ) -> None:
        self._manifest = manifest
        self._non_commercial = non_commercial
        self._config = analyzer
        self._window = window
        self._registry = (registry_url, registry_auth)

    def open(self, runtime_context: RuntimeContext) -> None:
        end_with_task_manager()
        registry = open_registry(*self._registry)
        self._articles = RecordCodec(ARTICLES_RAW, registry)
        self._enriched = RecordCodec(ARTICLES_ENRICHED, registry)
        self._letters = RecordCodec(DEAD_LETTERS, registry)
        self._analyzer = Analyzer(
            read(self._manifest, non_commercial=self._non_commercial), self._config
        )
        self._analyzer.warm_up()
        self._stats = EnrichStats()
        self._expose(runtime_context)
        spare_what_is_loaded()

    def close(self) -> None:
        self._analyzer.close()

    async def async_invoke(self, value: Row) -> list[Row]:
        delivery = delivery_of(value)
        self._stats.articles += 1
        try:
            return [await self._enrich(delivery)]
        except RecordError as error:
            return [self._give_up(delivery, error)]

    async def _enrich(self, delivery: Delivery) -> Row:
        article = self._articles.decode(delivery.value)
        text = article_text(article)
        admit(article, text, arrived_ms=delivery.timestamp_ms, window=self._window)
        analysis = await self._analyzer.analyze(text, declared(article.language_hint))
        enriched = compose(
            article, text, analysis, ingested_ms=delivery.timestamp_ms, enriched_ms=wall_clock_ms()
        )
        self._stats.enriched += 1
        self._stats.event_time_lag_ms = enriched.enriched_ms - enriched.published_ms
        return Row(False, enriched.article_id.encode(), self._enriched.encode(enriched))

    def _give_up(self, delivery: Delivery, error: RecordError) -> Row:
        self._stats.dead_letters[error.reason] += 1
        letter = DeadLetter.of(delivery, error, job=JOB, failed_ms=wall_clock_ms())
        return Row(True, letter.origin.encode(), self._letters.encode(letter))

    def _expose(self, runtime_context: RuntimeContext) -> None:
        metrics = runtime_context.get_metrics_group().add_group("wiredesk")
        expose(metrics, self._stats)
        expose(metrics, self._analyzer.stats)
        expose_models(metrics, self._analyzer)
