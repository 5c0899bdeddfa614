"""Every Redis key: its name, type, fields, lifetime.

| Key | Type | Holds | Lifetime | Written by |
|---|---|---|---|---|
| `article:{article_id}` | hash | the newest version of an article | `redis_ttl_s` | enrich |

Fields of `article:{article_id}`: those of EnrichedArticle that are not null; text and numbers as
they are, lists and records as JSON, `embedding` as float16 little-endian bytes. Values are
absolute. A version replaces the stored one unless its (published_ms, ingested_ms) is smaller.
"""

import json

from schemas.enriched_article import EnrichedArticle

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


def article_key(article_id: str) -> str:
    """
    >>> article_key("a1")
    'article:a1'
    """
    return f"article:{article_id}"


def article_fields(article: EnrichedArticle) -> dict[str, str | bytes]:
    """The fields of an article's hash."""
    record = article.model_dump(exclude_none=True)
    return {name: _value(value) for name, value in record.items()}


def _value(value: object) -> str | bytes:
    if isinstance(value, bytes | str):
        return value
    return json.dumps(value, ensure_ascii=False)
