"""Enriched articles to the slot that knows their stories."""

from collections.abc import Sequence
from dataclasses import dataclass

from pyflink.common import Row
from pyflink.datastream import ProcessFunction, RuntimeContext

from models.breaking.commands import JOB
from models.stories.partition import slot
from models.stories.received import received, to_bytes
from schemas.enriched_article import EnrichedArticle
from schemas.errors import Reason, RecordError, RejectedArticle
from schemas.topics import ARTICLES_ENRICHED
from udfs.addressing import addressed
from udfs.gauges import Numbers, expose
from udfs.lifeline import end_with_task_manager
from udfs.read_topic import Out, ReadTopic


@dataclass
class ReadStats(Numbers):
    """What the operator has done since it was opened."""

    articles: int = 0
    without_embedding: int = 0
    dead_letters: int = 0


class ReadArticles(ReadTopic[EnrichedArticle]):
    """Decodes articles.enriched, refuses articles dated beyond `future_ms`.

    Out: `addressed_type`, kind article.
    """

    topic = ARTICLES_ENRICHED
    job = JOB

    def __init__(
        self,
        *,
        ahead_ms: int,
        future_ms: int,
        registry_url: str | None,
        registry_auth: str | None,
    ) -> None:
        super().__init__(registry_url=registry_url, registry_auth=registry_auth)
        self._ahead_ms = ahead_ms
        self._future_ms = future_ms

    def open(self, runtime_context: RuntimeContext) -> None:
        end_with_task_manager()
        super().open(runtime_context)
        self._stats = ReadStats()
        expose(runtime_context.get_metrics_group().add_group("wiredesk"), self._stats)

    def process_element(self, value: Row, ctx: ProcessFunction.Context) -> Sequence[Out]:
        self._stats.articles += 1
        return super().process_element(value, ctx)

    def read(self, record: EnrichedArticle, value: Row, ctx: ProcessFunction.Context) -> list[Row]:
        ahead_ms = record.published_ms - record.ingested_ms
        if ahead_ms > self._future_ms:
            raise RejectedArticle(
                Reason.PUBLISHED_IN_FUTURE,
                f"published_ms lies {ahead_ms} ms after its arrival; at most {self._future_ms}",
            )
        article = received(record, ahead_ms=self._ahead_ms)
        self._stats.without_embedding += not article.embedding
        return [addressed(slot(article.language), "article", to_bytes(article))]

    def count_dead(self, error: RecordError) -> None:
        self._stats.dead_letters += 1
