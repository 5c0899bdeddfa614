"""Every Redis key: its name, type, fields, lifetime.

| Key | Type | Holds | Lifetime | Written by |
|---|---|---|---|---|
| `article:{article_id}` | hash | the newest version of an article | `redis_ttl_s` | enrich |
| `comment:{comment_id}` | hash | the newest version of a comment | `redis_ttl_s` | audience |
| `comments:{article_id}` | sorted set | comment ids by published_ms | `redis_ttl_s` | audience |
| `author:{author_key}` | set | ids of the author's comments | `redis_ttl_s` | audience |
| `audience:{subject}` | hash | the mood of `article/ID` or `story/ID` | `redis_ttl_s` | audience |
| `moderation:{comment_id}` | hash | a queued comment as it stands | `redis_ttl_s` | audience |
| `moderation-queue:{desk}` | sorted set | waiting ids by score | `redis_ttl_s` | audience |
| `user:{user_key}` | string | a SealedProfile in Avro | `profile_retention_s` | profiles |
| `popular:quarter:{language}` | string | a list: clicks in 15 minutes | 30 minutes | profiles |
| `popular:hour:{language}` | string | a list: clicks in an hour | 2 hours | profiles |
| `popular:day:{language}` | string | a list: clicks in a day | 2 days | profiles |
| `covisited:{article_id}` | string | a list: clicks after it in 6 hours | 12 hours | profiles |
| `story:{story_id}` | hash | a Story; a merged one names `merged_into` | `redis_ttl_s` | breaking |
| `article_story:{article_id}` | string | the story of an article | `redis_ttl_s` | breaking |
| `stories:top:{desk}` | sorted set | scored or pinned ids by rank | `redis_ttl_s` | breaking |
| `alert:{alert_id}` | hash | the newest state of an Alert | `redis_ttl_s` | breaking |
| `alerts:open:{desk}` | sorted set | standing alerts by expires_ms | the last one's | breaking |
| `override:{language}` | sorted set | the same by language, for feeds | the last one's | breaking |

Fields of `article:{article_id}`: those of EnrichedArticle that are not null; text and numbers as
they are, lists and records as JSON, `embedding` as float16 little-endian bytes. Values are
absolute. A version replaces the stored one unless its (published_ms, ingested_ms) is smaller.

A list is JSON: `{"window_end_ms": 1790000000000, "clicks": {"article id": 12}}`, the most clicked
articles of a window, each reader's first click on each. In `covisited:{article_id}` the article
itself stands for its own clicks, so `clicks[other] / clicks[article]` is the share that went on
to the other; pairs of one reader alone are left out.
"""

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import UnionType
from typing import Literal, Union, get_args, get_origin

from pydantic_core import to_json

from schemas.enriched_article import EnrichedArticle
from schemas.record import Record

REPLACE_UNLESS_OLDER = """
local stored = redis.call('HMGET', KEYS[1], 'published_ms', 'ingested_ms')
if stored[1] then
  local published, ingested = tonumber(stored[1]), tonumber(stored[2])
  if published > tonumber(ARGV[1])
    or (published == tonumber(ARGV[1]) and ingested > tonumber(ARGV[2])) then
    return 0
  end
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
"""Lua: KEYS[1] article key; ARGV published_ms, ingested_ms, seconds to live, field, value, …"""


REPLACE_UNLESS_NEWER = """
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if stored and tonumber(stored) > tonumber(ARGV[2]) then
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], unpack(ARGV, 4))
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
"""
"""Lua: KEYS[1] a hash; ARGV the field that orders versions, its value, seconds to live, field,
value, …"""

STAND_UNTIL = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[3])
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[1], last[2])
return 1
"""
"""Lua: KEYS[1] a sorted set by the moment at which members end; ARGV member, its end, now (ms)."""


def article_key(article_id: str) -> str:
    """
    >>> article_key("a1")
    'article:a1'
    """
    return f"article:{article_id}"


def profile_key(user_key: str) -> str:
    """
    >>> profile_key("1.rFpsDjHa2_4uKCuuO09ebA")
    'user:1.rFpsDjHa2_4uKCuuO09ebA'
    """
    return f"user:{user_key}"


def popular_key(window: Literal["quarter", "hour", "day"], language: str) -> str:
    """
    >>> popular_key("hour", "de")
    'popular:hour:de'
    """
    return f"popular:{window}:{language}"


def covisited_key(article_id: str) -> str:
    """
    >>> covisited_key("a1")
    'covisited:a1'
    """
    return f"covisited:{article_id}"


def story_key(story_id: str) -> str:
    """
    >>> story_key("a1")
    'story:a1'
    """
    return f"story:{story_id}"


def article_story_key(article_id: str) -> str:
    """
    >>> article_story_key("a1")
    'article_story:a1'
    """
    return f"article_story:{article_id}"


def top_stories_key(desk: str) -> str:
    """
    >>> top_stories_key("world")
    'stories:top:world'
    """
    return f"stories:top:{desk}"


def alert_key(alert_id: str) -> str:
    """
    >>> alert_key("world.00ff")
    'alert:world.00ff'
    """
    return f"alert:{alert_id}"


def open_alerts_key(desk: str) -> str:
    """
    >>> open_alerts_key("world")
    'alerts:open:world'
    """
    return f"alerts:open:{desk}"


def override_key(language: str) -> str:
    """
    >>> override_key("en")
    'override:en'
    """
    return f"override:{language}"


def comment_key(comment_id: str) -> str:
    """
    >>> comment_key("c1")
    'comment:c1'
    """
    return f"comment:{comment_id}"


def thread_key(article_id: str) -> str:
    """
    >>> thread_key("a1")
    'comments:a1'
    """
    return f"comments:{article_id}"


def author_key(author: str) -> str:
    """
    >>> author_key("9f86d0")
    'author:9f86d0'
    """
    return f"author:{author}"


def audience_key(subject: str) -> str:
    """
    >>> audience_key("story/s1")
    'audience:story/s1'
    """
    return f"audience:{subject}"


def moderation_key(comment_id: str) -> str:
    """
    >>> moderation_key("c1")
    'moderation:c1'
    """
    return f"moderation:{comment_id}"


def moderation_queue_key(desk: str) -> str:
    """
    >>> moderation_queue_key("sport")
    'moderation-queue:sport'
    """
    return f"moderation-queue:{desk}"


def record_fields(record: Record) -> dict[str, str | bytes]:
    """The fields of a record's hash; those that are null are absent."""
    return {name: _value(value) for name, value in record.model_dump(exclude_none=True).items()}


def article_of(fields: Mapping[bytes, bytes]) -> EnrichedArticle:
    """The article in a hash, as Redis gives it. Raises ValueError for what is none.

    >>> article_of({b"article_id": b"a1"})
    Traceback (most recent call last):
    pydantic_core._pydantic_core.ValidationError: ...
    """
    return EnrichedArticle.model_validate(
        {name.decode(): _reading(name.decode())(value) for name, value in fields.items()}
    )


@lru_cache(maxsize=128)
def _reading(name: str) -> Callable[[bytes], object]:
    """How the value of a field is read."""
    field = EnrichedArticle.model_fields.get(name)
    given = field.annotation if field else None
    kinds = get_args(given) if get_origin(given) in (Union, UnionType) else (given,)
    if bytes in kinds:
        return bytes
    if str in kinds or any(get_origin(kind) is Literal for kind in kinds):
        return bytes.decode
    return json.loads


def _value(value: object) -> str | bytes:
    if isinstance(value, bytes | str):
        return value
    return to_json(value)
