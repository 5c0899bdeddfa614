"""What stories need of an enriched article, small enough to travel between operators."""

import math
from typing import Any, NamedTuple

import numpy as np

from models.packing import pack, unpack
from models.stories.cluster import WIDTH, StoryArticle, Vector
from schemas.enriched_article import EnrichedArticle

NAMES_KEPT = 16
"""Distinct entities of an article that are looked at, in order of appearance."""

FLOAT16_BYTES = 2


class Name(NamedTuple):
    """An entity of an article."""

    text: str
    type: str
    wikidata_id: str | None

    @property
    def key(self) -> str:
        """The same for all spellings that were linked, else for all capitalisations."""
        return self.wikidata_id or self.text.casefold()


class Concept(NamedTuple):
    """A topic of an article; `broader` are the codes above it."""

    code: str
    name: str
    broader: tuple[str, ...]


class Received(NamedTuple):
    """An article on its way into a story.

    at_ms      when it was published, event time; no later than it arrived
    arrived_ms when it came to us
    counts     whether it may be a pick-up; one dated ahead of its arrival is none
    embedding  float16 little-endian; empty where no model answered
    """

    article_id: str
    title: str
    source: str
    owner: str | None
    url: str
    language: str
    at_ms: int
    published_ms: int
    arrived_ms: int
    counts: bool
    content_hash: str
    summary: str | None
    names: tuple[Name, ...]
    concepts: tuple[Concept, ...]
    embedding: bytes

    @property
    def independent(self) -> str:
        """Who counts: an owner's mastheads are one voice."""
        return self.owner or self.source


def received(article: EnrichedArticle, *, ahead_ms: int) -> Received:
    """An enriched article as stories read it.

    ahead_ms  how far a clock may run ahead; an article dated later than that is no pick-up
    """
    names = [Name(e.text, e.type, e.wikidata_id) for e in article.entities or ()]
    by_key = {name.key: name for name in reversed(names)}
    distinct = [by_key[key] for key in dict.fromkeys(name.key for name in names)]
    return Received(
        article_id=article.article_id,
        title=article.title,
        source=article.source,
        owner=article.owner,
        url=article.url,
        language=article.language.code,
        at_ms=min(article.published_ms, article.ingested_ms),
        published_ms=article.published_ms,
        arrived_ms=article.ingested_ms,
        counts=article.published_ms <= article.ingested_ms + ahead_ms,
        content_hash=article.content_hash,
        summary=article.summary,
        names=tuple(distinct[:NAMES_KEPT]),
        concepts=tuple(Concept(t.code, t.name, tuple(t.ancestors)) for t in article.topics or ()),
        embedding=article.embedding or b"",
    )


def to_bytes(article: Received) -> bytes:
    """Packed, for a stream or a state."""
    return pack(article)


def from_bytes(packed: bytes) -> Received:
    """What `to_bytes` gave."""
    fields = dict(zip(Received._fields, unpack(packed), strict=True))
    fields["names"] = tuple(Name(*name) for name in fields["names"])
    fields["concepts"] = tuple(Concept(c, name, tuple(b)) for c, name, b in fields["concepts"])
    return Received(**fields)


def story_article(article: Received, *, told: bytes, width: int = WIDTH) -> StoryArticle:
    """As clustering reads it; an embedding of another width counts as none."""
    return StoryArticle(
        article_id=article.article_id,
        title=article.title,
        source=article.source,
        published_ms=article.at_ms,
        vector=unit_vector(article.embedding, width),
        names=tuple(name.text for name in article.names),
        places=frozenset(name.key for name in article.names if name.type == "place"),
        text=article.summary or "",
        told=told,
    )


def unit_vector(embedding: bytes, width: int) -> Vector:
    """float32 (width,), of length 1; zeros where there is no embedding of that width."""
    if len(embedding) != width * FLOAT16_BYTES:
        return np.zeros(width, np.float32)
    vector: Any = np.frombuffer(embedding, "<f2").astype(np.float32)
    length = math.sqrt(vector.dot(vector))  # as `norm`, in a tenth of its time
    return vector / length if length else np.zeros(width, np.float32)
