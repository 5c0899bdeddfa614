"""Knobs of the job `enrich`."""

from datetime import date
from typing import Self

from pydantic import Field, SecretStr, model_validator

from jobs.runtime.inference_settings import InferenceSettings
from jobs.runtime.settings import own_consumer_group, own_transactional_ids
from models.inference_config import ENTITIES_MIN_SCORE


class EnrichSettings(InferenceSettings):
    """Knobs of the job `enrich`."""

    transactional_id_prefix: str = own_transactional_ids("enrich")
    consumer_group: str = own_consumer_group("enrich")
    topics_precision: float = Field(
        default=0.8,
        ge=0.5,
        le=0.9,
        description="share of topics that should be right; a higher one gives fewer of them",
    )
    entities_min_score: float = Field(
        default=ENTITIES_MIN_SCORE,
        ge=0,
        le=1,
        description="entities the model is less sure of are left out; F1 is best at the default",
    )
    summary_max_sentences: int = Field(default=3, ge=1, le=10, description="of a summary")
    summary_max_characters: int = Field(default=600, ge=50, description="of a summary")
    summary_url: str | None = Field(
        default=None,
        description="OpenAI-compatible API (…/v1) that writes summaries; what it does not write, "
        "or invents, stays extractive",
    )
    summary_model: str = Field(default="", description="model of summary_url")
    summary_api_key: SecretStr | None = Field(default=None, description="key of summary_url")
    summary_timeout_s: float = Field(default=10, gt=0, description="seconds for one summary")
    tags_max: int = Field(default=8, ge=0, description="tags of an article")
    earliest_published: date = Field(
        default=date(1971, 1, 1), description="articles published before it are rejected"
    )

    @model_validator(mode="after")
    def _summary_url_needs_a_model(self) -> Self:
        if self.summary_url and not self.summary_model:
            raise ValueError("summary_url needs summary_model: what the endpoint calls the model")
        return self
