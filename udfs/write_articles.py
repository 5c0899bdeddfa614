"""Enriched articles to Redis."""

import asyncio
from dataclasses import dataclass

from pyflink.common import Row
from pyflink.datastream import RuntimeContext
from pyflink.datastream.functions import AsyncFunction
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.exceptions import BusyLoadingError, ConnectionError, NoScriptError, TimeoutError

from schemas.codec import RecordCodec
from schemas.enriched_article import EnrichedArticle
from schemas.redis_keys import REPLACE_UNLESS_OLDER, article_fields, article_key
from schemas.registry import open_registry
from schemas.topics import ARTICLES_ENRICHED
from udfs.gauges import expose
from udfs.lifeline import end_with_task_manager

_BACKOFF_FIRST_S = 0.05
_BACKOFF_LONGEST_S = 1.0
_SOCKET_TIMEOUT_S = 5.0
_LOST_FOR_NOW = (ConnectionError, TimeoutError, BusyLoadingError, NoScriptError)


@dataclass
class WriteStats:
    """What the operator has done since it was opened."""

    written: int = 0
    older_than_stored: int = 0
    pipelines: int = 0


class WriteArticles(AsyncFunction):
    """Writes each article to `article:{id}`, in pipelines; emits nothing.

    In: Row(key, value) of articles.enriched. No key, no state: writes are absolute and an older
    version never replaces a newer one, so a replay is harmless. A lost Redis is waited for
    (`retry_s`), then the job restarts.
    """

    def __init__(
        self,
        *,
        redis_url: str,
        ttl_s: int,
        retry_s: float,
        registry_url: str | None,
        registry_auth: str | None,
    ) -> None:
        self._url = redis_url
        self._ttl_s = ttl_s
        self._retry_s = retry_s
        self._registry = (registry_url, registry_auth)

    def open(self, runtime_context: RuntimeContext) -> None:
        end_with_task_manager()
        self._articles = RecordCodec(ARTICLES_ENRICHED, open_registry(*self._registry))
        self._redis: Redis = Redis.from_url(
            self._url,
            socket_timeout=_SOCKET_TIMEOUT_S,
            socket_connect_timeout=_SOCKET_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),  # redis-py's own retries nest; `_write_patiently` waits
        )
        self._replace = self._redis.register_script(REPLACE_UNLESS_OLDER)
        self._waiting: list[tuple[EnrichedArticle, asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None
        self._stats = WriteStats()
        expose(runtime_context.get_metrics_group().add_group("wiredesk"), self._stats)

    async def async_invoke(self, value: Row) -> list[Row]:
        written = asyncio.get_running_loop().create_future()
        self._waiting.append((self._articles.decode(value[1]), written))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_waiting())
        replaced = await written
        self._stats.written += replaced
        self._stats.older_than_stored += not replaced
        return []

    async def _write_waiting(self) -> None:
        """Write whatever waits, a pipeline at a time, until nothing does."""
        while self._waiting:
            batch, self._waiting = self._waiting, []
            try:
                for (_, written), replaced in zip(
                    batch, await self._write_patiently(batch), strict=True
                ):
                    written.set_result(bool(replaced))
            except Exception as error:  # each caller fails with it, and with them the job
                for _, written in batch:
                    if not written.done():
                        written.set_exception(error)
        self._writing = None

    async def _write_patiently(
        self, batch: list[tuple[EnrichedArticle, asyncio.Future[bool]]]
    ) -> list[int]:
        """Try until Redis is there again, for `retry_s` seconds at most."""
        now = asyncio.get_running_loop().time
        deadline, failures = now() + self._retry_s, 0
        backoff = ExponentialBackoff(_BACKOFF_LONGEST_S, _BACKOFF_FIRST_S)
        while True:
            try:
                return await self._write(batch)
            except _LOST_FOR_NOW:
                failures += 1
                pause = backoff.compute(failures)
                if now() + pause > deadline:
                    raise
                await asyncio.sleep(pause)

    async def _write(self, batch: list[tuple[EnrichedArticle, asyncio.Future[bool]]]) -> list[int]:
        pipeline = self._redis.pipeline(transaction=False)
        for article, _ in batch:
            arguments = [article.published_ms, article.ingested_ms, self._ttl_s]
            for field in article_fields(article).items():
                arguments += field
            await self._replace(
                keys=[article_key(article.article_id)], args=arguments, client=pipeline
            )
        self._stats.pipelines += 1
        return await pipeline.execute()
