"""Enriched articles to Redis."""

from typing import Any

from pyflink.datastream import RuntimeContext
from redis.asyncio.client import Pipeline

from schemas.enriched_article import EnrichedArticle
from schemas.redis_keys import REPLACE_UNLESS_OLDER, article_key, record_fields
from schemas.topics import ARTICLES_ENRICHED
from udfs.gauges import expose_value
from udfs.write_records import WriteRecords


class WriteArticles(WriteRecords[EnrichedArticle]):
    """The newest version of each article to `article:{id}`."""

    topic = ARTICLES_ENRICHED

    def open(self, runtime_context: RuntimeContext) -> None:
        super().open(runtime_context)
        self._older = 0
        group = runtime_context.get_metrics_group().add_group("wiredesk")
        expose_value(group, "older_than_stored", lambda: self._older)

    def queue(self, pipeline: Pipeline, record: EnrichedArticle) -> None:
        arguments: list[object] = [record.published_ms, record.ingested_ms, self._ttl_s]
        for field in record_fields(record).items():
            arguments += field
        pipeline.eval(REPLACE_UNLESS_OLDER, 1, article_key(record.article_id), *arguments)

    def count(self, answers: list[Any]) -> None:
        (replaced,) = answers
        self._written += replaced
        self._older += not replaced
