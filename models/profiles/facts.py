"""What a profile needs of an article, in few bytes."""

import pickle
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from schemas.enriched_article import EMBEDDING, EnrichedArticle
from schemas.reader_profile import SEPARATOR

REMEMBERED = 1024
"""Articles that are unpacked once, however many clicks they get."""


class ArticleFacts(NamedTuple):
    """An article as profiles see it.

    enriched_ms  of the article: a later encoder is known by it
    encoder      its version, None without a vector
    vector       unit vector, float16 little-endian
    topics       code and score of each Media Topic, ancestors with the best score below them
    entities     Wikidata ids, names in small letters where there is none
    story_id     where it was placed, None before; no part of the article itself
    """

    language: str
    source: str
    enriched_ms: int
    encoder: str | None
    vector: bytes | None
    topics: tuple[tuple[str, float], ...]
    entities: tuple[str, ...]
    story_id: str | None = None


class Placement(NamedTuple):
    """Which story an article belongs to now."""

    story_id: str


def facts(article: EnrichedArticle) -> ArticleFacts:
    """What a profile needs of an article."""
    return ArticleFacts(
        language=article.language.code,
        source=article.source,
        enriched_ms=article.enriched_ms,
        encoder=article.model_versions.get(EMBEDDING) if article.embedding else None,
        vector=article.embedding,
        topics=tuple(_topics(article).items()),
        entities=tuple(dict.fromkeys(_entities(article))),
    )


def pack(known: ArticleFacts | Placement) -> bytes:
    """What is told of an article as bytes, for state and between operators: a pickled tuple of
    plain values.
    """
    return pickle.dumps(tuple(known), protocol=5)


@lru_cache(REMEMBERED)
def unpack(packed: bytes) -> ArticleFacts:
    """
    >>> some = ArticleFacts("en", "courier.example", 7, None, None, (("medtop:1", 0.5),), ("Q64",))
    >>> unpack(pack(some)) == some
    True
    """
    return ArticleFacts(*pickle.loads(packed))


def unpack_told(packed: bytes) -> ArticleFacts | Placement:
    """
    >>> unpack_told(pack(Placement("s1")))
    Placement(story_id='s1')
    """
    told = pickle.loads(packed)
    return Placement(*told) if len(told) == len(Placement._fields) else ArticleFacts(*told)


def _entities(article: EnrichedArticle) -> Iterator[str]:
    for entity in article.entities or ():
        key = entity.wikidata_id or entity.text.casefold()
        if SEPARATOR not in key:
            yield key


def _topics(article: EnrichedArticle) -> dict[str, float]:
    scores: dict[str, float] = {}
    for topic in article.topics or ():
        for code in (topic.code, *topic.ancestors):
            scores[code] = max(scores.get(code, 0.0), topic.score)
    return scores
