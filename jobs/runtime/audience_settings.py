"""Knobs of the job `audience`."""

from dataclasses import replace
from typing import Annotated, Any

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from jobs.runtime.inference_settings import InferenceSettings
from jobs.runtime.settings import own_consumer_group, own_transactional_ids
from models.inference_config import InferenceConfig

_DAY_S = 24 * 3600


def _pairs(value: Any) -> Any:
    """`sport/de=0.7,news=0.6` as a mapping; a TOML table is one already."""
    if not isinstance(value, str):
        return value
    pairs = [pair.partition("=") for pair in value.split(",") if pair.strip()]
    if any(not equals for _, equals, _ in pairs):
        raise PydanticCustomError("pairs", "expected DESK=NUMBER, separated by commas")
    return {name.strip(): number.strip() for name, _, number in pairs}


Probability = Annotated[float, Field(ge=0, le=1)]
Budget = Annotated[int, Field(ge=0)]
PerQueue = BeforeValidator(_pairs)


class AudienceSettings(InferenceSettings):
    """Knobs of the job `audience`."""

    transactional_id_prefix: str = own_transactional_ids("audience")
    consumer_group: str = own_consumer_group("audience")
    batch_max_tokens: int = Field(
        default=8192, gt=0, description="tokens in a batch, padding included"
    )
    batch_max_count: int = Field(
        default=16, gt=0, description="comments in a batch: more of them leave the core's cache"
    )
    comment_max_characters: int = Field(
        default=5_000, gt=0, description="of a comment that are kept; the models read the first"
    )
    comment_memory_s: int = Field(
        default=30 * _DAY_S,
        gt=0,
        description="seconds a comment can be edited or deleted; at least moderation_memory_s",
    )
    mask_names: bool = Field(
        default=True, description="look for the names of private persons, with the entity model"
    )
    mood_half_life_s: int = Field(
        default=3600, gt=0, description="seconds of event time after which a comment counts half"
    )
    mood_author_weight: float = Field(
        default=2.0, ge=1, description="most that one author weighs, in newest comments of theirs"
    )
    mood_comments_max: int = Field(
        default=2_000, gt=0, description="newest comments of a subject that count"
    )
    mood_lateness_s: int = Field(
        default=3600, ge=0, description="seconds behind the watermark after which one is ignored"
    )
    mood_out_of_order_s: int = Field(
        default=5, ge=0, description="seconds by which comments may overtake each other"
    )
    mood_every_s: int = Field(
        default=10, gt=0, description="seconds of event time between two moods of a subject"
    )
    mood_patience_ms: int = Field(
        default=1_000,
        gt=0,
        description="milliseconds after which a mood is told though event time stands still",
    )
    subjects_in_memory: int = Field(
        default=2_000, gt=0, description="articles and stories kept beside their state, for speed"
    )
    moderation_desk: str = Field(
        default="audience",
        min_length=1,
        pattern="^[^/]+$",
        description="desk of comments that name none",
    )
    moderation_threshold: float = Field(
        default=0.5, ge=0, le=1, description="probability of being toxic from which one is queued"
    )
    moderation_thresholds: Annotated[dict[str, Probability], PerQueue] = Field(
        default={}, description="others by desk/language, desk or */language: sport/de=0.7,news=0.6"
    )
    moderation_per_hour: int = Field(
        default=60, ge=0, description="comments queued in an hour, of a desk and language"
    )
    moderation_budgets: Annotated[dict[str, Budget], PerQueue] = Field(
        default={}, description="others by desk/language, desk or */language: sport=20"
    )
    moderation_urgent: float = Field(
        default=0.9, ge=0, le=1, description="score for which a fifth of the budget is kept free"
    )
    moderation_personal_data: bool = Field(
        default=True, description="also queue comments that reveal someone's personal data"
    )
    moderation_memory_s: int = Field(
        default=30 * _DAY_S, gt=0, description="seconds a queued comment can be decided"
    )

    def masking(self) -> InferenceConfig:
        """How the model of names is run: few comments need it."""
        return replace(
            self.inference(), threads=1, streams=1, cache_entries=0, language_high_accuracy=False
        )
