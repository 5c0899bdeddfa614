"""How models are run on texts; light to import, for settings are read without a model."""

from dataclasses import dataclass

from models.batching import BatchPolicy

ENTITIES_MIN_SCORE = 0.35
"""Of an entity that is told: F1 of the English validation sentences is best there."""


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
