"""An alert with its evidence."""

from typing import Literal

from pydantic import Field

from schemas.record import Record

AlertStatus = Literal["opened", "escalated", "confirmed", "dismissed", "corrected", "closed"]


class AlertWindow(Record):
    """Independent sources in a window that ends with the alert, beside what was expected."""

    minutes: int = Field(ge=1)
    observed: int = Field(ge=0)
    expected: float = Field(ge=0)
    tail_log10: float = Field(le=0)


class AlertSource(Record):
    """A masthead that carries the story."""

    source: str
    owner: str | None = None
    first_seen_ms: int
    article_id: str
    copies: int = Field(ge=0)
    authority: float | None = Field(default=None, ge=0, le=1)


class AlertEntity(Record):
    """An entity of the story with a burst of its own."""

    name: str
    wikidata_id: str | None = None
    observed: int = Field(ge=0)
    expected: float = Field(ge=0)
    centrality: float | None = Field(default=None, ge=0, le=1)
    centrality_before: float | None = Field(default=None, ge=0, le=1)


class AlertArticle(Record):
    """An article to read first."""

    article_id: str
    title: str
    source: str
    url: str


class AlertRelated(Record):
    """A story in other languages that names the same entities."""

    story_id: str
    title: str
    languages: list[str]
    independent_sources: int = Field(ge=0)
    shared: list[str]


class AlertReaders(Record):
    """Readers who came to the story in a window, beside what was expected."""

    minutes: int = Field(ge=1)
    end_ms: int
    observed: int = Field(ge=0)
    expected: float = Field(ge=0)
    tail_log10: float = Field(le=0)
    total: int = Field(ge=0)
    score: float | None = Field(default=None, ge=0, le=1)
    outcome: str | None = None


class Alert(Record):
    """A state of an alert; `schemas/avro/alert` documents the fields."""

    alert_id: str = Field(min_length=1)
    desk: str = Field(min_length=1)
    story_id: str = Field(min_length=1)
    state: AlertStatus
    sequence: int = Field(ge=1)
    at_ms: int
    raised_ms: int
    expires_ms: int
    score: float = Field(ge=0, le=1)
    low: float = Field(ge=0, le=1)
    high: float = Field(ge=0, le=1)
    threshold: float = Field(ge=0, le=1)
    outcome: str
    title: str
    summary: str | None = None
    languages: list[str]
    windows: list[AlertWindow]
    sources: list[AlertSource]
    independent_sources: int = Field(ge=0)
    copies_discounted: int = Field(ge=0)
    entities: list[AlertEntity]
    lead_articles: list[AlertArticle]
    reasons: list[str]
    model_versions: dict[str, str]
    by: str | None = None
    note: str | None = None
    unadjusted_score: float | None = Field(default=None, ge=0, le=1)
    in_other_languages: list[AlertRelated] = Field(default_factory=list)
    caution: str | None = None
    readers: AlertReaders | None = None
