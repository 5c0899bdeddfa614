"""Articles from Redis; while Redis is away, what is kept at hand, and said to be so."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cachetools import TTLCache
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from schemas.enriched_article import EnrichedArticle
from schemas.redis_keys import article_key, article_of
from serving.errors import NotFound, Unavailable
from serving.metrics import Metrics
from serving.views import Wall

log = logging.getLogger(__name__)

_KEPT = 5_000
_PAUSE_S = 1.0
"""After a failure Redis is left alone for so long: waiting for each answer would pile up."""


@dataclass(frozen=True)
class Found:
    """An article; `stale` when Redis could not be asked and it is what was known before."""

    article: EnrichedArticle
    stale: bool


class RedisGate:
    """One Redis for all who ask; after a failure it is not asked again for a moment."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._redis: Redis = Redis.from_url(
            url,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 0),
        )
        self._closed_until_s = 0.0
        self.problem: str | None = None
        """Why Redis could not be asked the last time; None when it could."""

    async def hash(self, key: str) -> dict[bytes, bytes]:
        """The fields of a hash, none if there is no such key. Raises Unavailable."""
        found: dict[bytes, bytes] = await self._asked(self._redis.hgetall(key))
        return found

    async def values(self, keys: Sequence[str]) -> list[bytes | None]:
        """Values of keys, None where there is no such key. Raises Unavailable."""
        return await self._asked(self._redis.mget(keys)) if keys else []

    async def _asked(self, asking: Any) -> Any:
        if time.monotonic() < self._closed_until_s:
            asking.close()
            raise Unavailable(self.problem)
        try:
            found = await asking
        except (RedisError, OSError) as error:
            self.problem = "Redis is away"
            self._closed_until_s = time.monotonic() + _PAUSE_S
            log.warning("Redis is away: %s", error or type(error).__name__)
            raise Unavailable(self.problem) from error
        self.problem = None
        return found

    async def check(self) -> str | None:
        """Why Redis cannot be asked, None when it can."""
        try:
            await self.hash(article_key(""))
        except Unavailable as error:
            return str(error)
        return None

    async def close(self) -> None:
        """Let go of Redis."""
        await self._redis.aclose()


class Articles:
    """Enriched articles by id."""

    def __init__(self, redis: RedisGate, wall: Wall, metrics: Metrics, *, stale_s: float) -> None:
        self._redis = redis
        self._wall = wall
        self._metrics = metrics
        self._kept: TTLCache[str, dict[bytes, bytes]] = TTLCache(_KEPT, stale_s)
        """As Redis gave them: the garbage collector would look through typed ones at length."""

    async def get(self, article_id: str) -> Found:
        """An article. Raises NotFound, or Unavailable where nobody can tell."""
        try:
            fields = await self._redis.hash(article_key(article_id))
        except Unavailable:
            kept = self._kept.get(article_id)
            known = article_of(kept) if kept else self._wall.articles.get(article_id)
            if known is None:
                raise
            self._metrics.stale.inc()
            return Found(known, stale=True)
        if fields:
            self._kept[article_id] = fields
            return Found(article_of(fields), stale=False)
        known = self._wall.articles.get(article_id)  # read from its topic before Redis had it
        if known is None:
            raise NotFound(f"there is no article {article_id}; what is old is forgotten")
        return Found(known, stale=False)
