"""A story, and which story an article belongs to."""

from typing import Literal

from pydantic import Field

from schemas.record import Record

StoryStatus = Literal["active", "merged", "expired", "retracted"]


class StorySource(Record):
    """A masthead that carries a story."""

    source: str
    owner: str | None = None
    first_seen_ms: int
    article_id: str
    articles: int = Field(ge=0)
    copies: int = Field(ge=0)


class StoryEntity(Record):
    """Who or what a story is about."""

    name: str
    type: str
    wikidata_id: str | None = None
    articles: int = Field(ge=0)


class StoryTopic(Record):
    """An IPTC Media Topics concept of a story's articles."""

    code: str
    name: str
    articles: int = Field(ge=0)


class StoryScore(Record):
    """BreakingScore of a story at a desk, with its interval."""

    desk: str
    score: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    threshold: float = Field(ge=0, le=1)
    at_ms: int


class StoryBurst(Record):
    """Independent sources in a window, beside what was to be expected."""

    minutes: int = Field(ge=1)
    window_end_ms: int
    observed: int = Field(ge=0)
    expected: float = Field(ge=0)
    tail_log10: float = Field(le=0)


class StoryMoment(Record):
    """Five minutes of a story's course."""

    at_ms: int
    observed: int = Field(ge=0)
    expected: float = Field(ge=0)
    score: float = Field(ge=0, le=1)


class Story(Record):
    """A story as it stands; `schemas/avro/story` documents the fields."""

    story_id: str = Field(min_length=1)
    status: StoryStatus
    merged_into: str | None = None
    aliases: list[str] = Field(default_factory=list)
    title: str
    lead_article_id: str
    summary: str | None = None
    languages: list[str]
    sources: list[StorySource]
    entities: list[StoryEntity]
    topics: list[StoryTopic]
    first_seen_ms: int
    last_seen_ms: int
    articles: int = Field(ge=0)
    copies: int = Field(ge=0)
    independent_sources: int = Field(ge=0)
    scores: list[StoryScore] = Field(default_factory=list)
    bursts: list[StoryBurst] = Field(default_factory=list)
    history: list[StoryMoment] = Field(default_factory=list)
    pinned_until_ms: int | None = None
    embedding: bytes | None = None
    updated_ms: int


class StoryArticle(Record):
    """Which story an article belongs to; `schemas/avro/story_article` documents the fields."""

    article_id: str = Field(min_length=1)
    story_id: str = Field(min_length=1)
    previous_story_id: str | None = None
    source: str
    owner: str | None = None
    published_ms: int
    probability: float = Field(ge=0, le=1)
    novelty: float = Field(ge=0, le=1)
    copy_of: str | None = None
    placed_ms: int
