"""A comment that a person should look at."""

from typing import Literal

from pydantic import Field

from schemas.comment import TextSpan
from schemas.record import Record

ModerationState = Literal["queued", "escalated", "approved", "removed", "withdrawn"]
ModerationReason = Literal[
    "toxicity", "severe", "insult", "identity_attack", "threat", "obscene", "personal_data"
]


class ModerationItem(Record):
    """A state of a queued comment; `schemas/avro/moderation_item` documents the fields."""

    comment_id: str = Field(min_length=1)
    article_id: str = Field(min_length=1)
    parent_id: str | None = None
    author_key: str
    desk: str = Field(min_length=1)
    language: str
    state: ModerationState
    at_ms: int
    published_ms: int
    queued_ms: int
    text: str
    masked_text: str
    score: float = Field(ge=0, le=1)
    threshold: float = Field(ge=0, le=1)
    reasons: list[ModerationReason]
    toxicity: dict[str, float] = Field(default_factory=dict)
    spans: list[TextSpan] = Field(default_factory=list)
    command_id: str | None = None
    by: str | None = None
    note: str | None = None
    model_versions: dict[str, str]
