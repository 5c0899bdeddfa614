"""Knobs of the job `enrich`."""

from datetime import date
from enum import StrEnum
from typing import Self

from pydantic import Field, SecretStr, model_validator

from jobs.runtime.settings import (
    AbsolutePath,
    JobSettings,
    own_consumer_group,
    own_transactional_ids,
)


class ProviderChoice(StrEnum):
    """Where models run; `auto` takes the first that this machine has: CUDA, OpenVINO, CPU."""

    AUTO = "auto"
    CUDA = "cuda"
    OPENVINO = "openvino"
    CPU = "cpu"


class LanguageAccuracy(StrEnum):
    """How hard the language detector looks at texts that are not plain at first sight."""

    FAST = "fast"
    HIGH = "high"


class EnrichSettings(JobSettings):
    """Knobs of the job `enrich`."""

    transactional_id_prefix: str = own_transactional_ids("enrich")
    consumer_group: str = own_consumer_group("enrich")
    models_manifest: AbsolutePath | None = Field(
        default=None,
        description="manifest.toml of models of your own, on every worker; unset: the shipped ones",
    )
    inference_provider: ProviderChoice = Field(
        default=ProviderChoice.AUTO, description="auto, cuda, openvino or cpu"
    )
    inference_threads: int = Field(
        default=2, gt=0, description="CPU threads of one inference process"
    )
    inference_streams: int = Field(
        default=2,
        gt=0,
        description="batches in work at once, sharing the threads; 1 answers a lone article sooner",
    )
    batch_max_tokens: int = Field(
        default=4096, gt=0, description="tokens in a batch, padding included"
    )
    batch_max_count: int = Field(default=32, gt=0, description="texts in a batch")
    batch_deadline_ms: float = Field(
        default=2.0, ge=0, description="milliseconds the oldest text waits for company"
    )
    in_flight_max: int = Field(
        default=1024, gt=0, description="articles in work at once; at least 2 x the bundle size"
    )
    cache_entries: int = Field(
        default=20_000, ge=0, description="texts whose answers are kept; 0 keeps none"
    )
    cache_ttl_s: int = Field(default=6 * 3600, gt=0, description="seconds an answer is kept")
    language_accuracy: LanguageAccuracy = Field(
        default=LanguageAccuracy.FAST,
        description="fast (0.1 GB) or high (1.3 GB and slower, better on short texts)",
    )
    language_min_confidence: float = Field(
        default=0.5, ge=0, le=1, description="below it a text's language is und"
    )
    topics_precision: float = Field(
        default=0.8,
        ge=0.5,
        le=0.9,
        description="share of topics that should be right; a higher one gives fewer of them",
    )
    entities_min_score: float = Field(
        default=0.5, ge=0, le=1, description="entities the model is less sure of are left out"
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
    non_commercial_models: bool = Field(
        default=False,
        description="also answer with models whose training data forbids commercial use",
    )
    future_tolerance_s: int = Field(
        default=3600, ge=0, description="seconds an article may be published after its arrival"
    )
    earliest_published: date = Field(
        default=date(1971, 1, 1), description="articles published before it are rejected"
    )

    @model_validator(mode="after")
    def _summary_url_needs_a_model(self) -> Self:
        if self.summary_url and not self.summary_model:
            raise ValueError("summary_url needs summary_model: what the endpoint calls the model")
        return self
