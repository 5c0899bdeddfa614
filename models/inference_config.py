"""How models are run on texts; light to import, for settings are read without a model."""

from dataclasses import dataclass

from models.batching import BatchPolicy


@dataclass(frozen=True)
class InferenceConfig:
    """How models are run; units as in a job's settings."""

    provider: str
    threads: int
    streams: int
    batch: BatchPolicy
    cache_entries: int
    cache_ttl_s: int
    language_min_confidence: float
    language_high_accuracy: bool
