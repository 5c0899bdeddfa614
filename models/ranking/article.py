"""An article as ranking sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from schemas.enriched_article import EMBEDDING, EnrichedArticle, Entity

Vector = npt.NDArray[np.float32]
Vectors = npt.NDArray[np.float32]

UNKNOWN_SUBJECT = ""
"""Subject of an article without topics."""


@dataclass(frozen=True, eq=False)
class FeedArticle:
    """An article that a feed may show.

    vector          unit float32 (width,); None in a language the encoder does not know
    vector_version  of the encoder; vectors of two versions are never compared
    topics          score of each Media Topic, its ancestors' included
    topic_names     in English
    subject         the top concept of its best topic: what a feed is mixed by
    entities        names by key: the Wikidata id, or the name in small letters
    importance      probability that a national front page takes it
    """

    article_id: str
    title: str
    source: str
    published_ms: int
    language: str
    vector: Vector | None = None
    vector_version: str = ""
    owner: str | None = None
    topics: Mapping[str, float] = field(default_factory=dict)
    topic_names: Mapping[str, str] = field(default_factory=dict)
    subject: str = UNKNOWN_SUBJECT
    entities: Mapping[str, str] = field(default_factory=dict)
    importance: float | None = None
    story_id: str | None = None


def from_enriched(article: EnrichedArticle, story_id: str | None = None) -> FeedArticle:
    """A record of `articles.enriched` for the feed."""
    topics: dict[str, float] = {}
    best = max(article.topics or (), key=lambda t: t.score, default=None)
    for topic in article.topics or ():
        for code in (topic.code, *topic.ancestors):
            topics[code] = max(topics.get(code, 0.0), topic.score)
    return FeedArticle(
        article_id=article.article_id,
        title=article.title,
        source=article.source,
        published_ms=article.published_ms,
        language=article.language.code,
        vector=None if article.embedding is None else vector_of(article.embedding),
        vector_version=article.model_versions.get(EMBEDDING, ""),
        owner=article.owner,
        topics=topics,
        topic_names={topic.code: topic.name for topic in article.topics or ()},
        subject=UNKNOWN_SUBJECT if best is None else (*best.ancestors, best.code)[0],
        entities={entity_key(entity): entity.text for entity in article.entities or ()},
        importance=article.importance,
        story_id=story_id,
    )


def vector_of(packed: bytes) -> Vector:
    """A unit vector from float16 little-endian bytes; zeros stay zeros."""
    vector = np.frombuffer(packed, "<f2").astype(np.float32)
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


def entity_key(entity: Entity) -> str:
    """The Wikidata id where there is one, else the name in small letters."""
    return entity.wikidata_id or entity.text.casefold()
