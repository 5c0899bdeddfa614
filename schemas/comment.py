"""A reader's comment: as it arrives, and with what the models found in it."""

from typing import Literal

from pydantic import Field

from schemas.enriched_article import Language, Sentiment
from schemas.record import Record

AUTHOR_KEY = r"^[1-9][0-9]{0,8}\.[A-Za-z0-9_-]{22}$"
"""A pseudonym of models/keyring.py: what has another form may be a raw id, and is not taken."""

PersonalDataKind = Literal["email", "phone", "address", "iban", "card", "account", "person"]


class Comment(Record):
    """A version of a comment as a site gave it; `schemas/avro/comment` documents the fields."""

    comment_id: str = Field(min_length=1)
    article_id: str = Field(min_length=1)
    author_key: str = Field(pattern=AUTHOR_KEY)
    text: str
    published_ms: int
    parent_id: str | None = None
    language: str | None = None
    desk: str | None = None


class TextSpan(Record):
    """A part of a text: `text[start:end]`."""

    start: int = Field(ge=0)
    end: int = Field(ge=0)


class PersonalData(Record):
    """Personal data that was masked: what stands in its place is `text[start:end]`."""

    kind: PersonalDataKind
    start: int = Field(ge=0)
    end: int = Field(ge=0)


class EmotionScore(Record):
    """An emotion that a comment shows."""

    label: str
    score: float = Field(ge=0, le=1)


class Toxicity(Record):
    """Probabilities that a comment is toxic, and in which ways; None where no model tells."""

    overall: float = Field(ge=0, le=1)
    severe: float | None = Field(default=None, ge=0, le=1)
    insult: float | None = Field(default=None, ge=0, le=1)
    identity_attack: float | None = Field(default=None, ge=0, le=1)
    threat: float | None = Field(default=None, ge=0, le=1)
    obscene: float | None = Field(default=None, ge=0, le=1)


class EnrichedComment(Record):
    """An enriched comment or its deletion; a field is None when no model answers for it."""

    comment_id: str = Field(min_length=1)
    article_id: str = Field(min_length=1)
    parent_id: str | None = None
    author_key: str
    desk: str
    published_ms: int
    ingested_ms: int
    enriched_ms: int
    deleted: bool = False
    content_hash: str
    text: str
    masked_text: str
    truncated: bool = False
    personal_data: list[PersonalData] = Field(default_factory=list)
    language: Language
    sentiment: Sentiment | None = None
    tone_score: float | None = Field(default=None, ge=0, le=1)
    emotions: list[EmotionScore] | None = None
    basic_emotions: dict[str, float] | None = None
    toxicity: Toxicity | None = None
    toxic_spans: list[TextSpan] | None = None
    model_versions: dict[str, str]
