"""An article with what the models found in it."""

from typing import Literal

from pydantic import Field

from schemas.record import Record

UNDETERMINED = "und"
"""Language code of a text whose language could not be told (ISO 639-2)."""

EMBEDDING = "embedding"
"""The task that gives the vector, as `model_versions` names it."""


class Language(Record):
    """Language of a text: ISO 639-1 code, ISO 639-3 where there is none, or `und`."""

    code: str = Field(min_length=2, max_length=3)
    confidence: float = Field(ge=0, le=1)


class TopicScore(Record):
    """One concept of the IPTC Media Topics that an article is about.

    ancestors  concepts above it, the top one first
    names      by language, BCP 47
    """

    code: str
    name: str
    score: float = Field(ge=0, le=1)
    ancestors: list[str] = Field(default_factory=list)
    names: dict[str, str] = Field(default_factory=dict)


SentimentLabel = Literal["negative", "neutral", "positive"]


class Sentiment(Record):
    """Sentiment of a text, or towards an entity, with the probability of each label."""

    label: SentimentLabel
    negative: float = Field(ge=0, le=1)
    neutral: float = Field(ge=0, le=1)
    positive: float = Field(ge=0, le=1)


class Entity(Record):
    """A named entity: `text` is `field[start:end]` of the article as it was given."""

    text: str
    type: str
    start: int = Field(ge=0)
    end: int = Field(ge=0)
    score: float = Field(ge=0, le=1)
    wikidata_id: str | None = None
    field: Literal["title", "body", "html"] = "body"
    fine_type: str | None = None
    sentiment: Sentiment | None = None


class EnrichedArticle(Record):
    """An enriched article; a field is None when no model answers for it, never a made-up value."""

    article_id: str = Field(min_length=1)
    url: str
    source: str
    title: str
    published_ms: int
    ingested_ms: int
    enriched_ms: int
    content_hash: str
    language: Language
    topics: list[TopicScore] | None = None
    tags: list[str] | None = None
    entities: list[Entity] | None = None
    sentiment: Sentiment | None = None
    tone_score: float | None = Field(default=None, ge=0, le=1)
    summary: str | None = None
    summary_method: Literal["extractive", "generative"] | None = None
    importance: float | None = Field(default=None, ge=0, le=1)
    embedding: bytes | None = None
    owner: str | None = None
    model_versions: dict[str, str]
