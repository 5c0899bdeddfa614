"""How readers feel about an article or a story."""

from typing import Literal

from pydantic import Field

from schemas.record import Record


class MoodMean(Record):
    """A weighted mean with its 95 % interval."""

    mean: float
    low: float
    high: float
    effective_size: float = Field(ge=0)


class MoodTrend(Record):
    """How sentiment moves: the newer half-life beside the one before it."""

    direction: Literal["rising", "falling", "steady"]
    change: float
    low: float
    high: float


class MoodMoment(Record):
    """A stretch of a subject's course."""

    at_ms: int
    comments: int = Field(ge=0)
    sentiment: float | None = None
    toxicity: float | None = None


class AudienceMood(Record):
    """The mood of a subject; `schemas/avro/audience_mood` documents the fields."""

    subject: str = Field(min_length=1)
    at_ms: int
    half_life_s: int = Field(ge=1)
    comments: int = Field(ge=0)
    authors: int = Field(ge=0)
    effective_size: float = Field(ge=0)
    capped_authors: int = Field(ge=0)
    near_copies: int = Field(ge=0)
    late_ignored: int = Field(ge=0)
    sentiment: MoodMean | None = None
    tone: MoodMean | None = None
    toxicity: MoodMean | None = None
    emotions: dict[str, float] = Field(default_factory=dict)
    basic_emotions: dict[str, float] = Field(default_factory=dict)
    trend: MoodTrend | None = None
    turned_ms: int | None = None
    turned: Literal["better", "worse"] | None = None
    history: list[MoodMoment] = Field(default_factory=list)
    languages: dict[str, int] = Field(default_factory=dict)
    updated_ms: int
