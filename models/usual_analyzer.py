"""How the job `enrich` answers when nothing is set, for whoever must answer as it does."""

from models.analyzer import AnalyzerConfig
from models.batching import BatchPolicy
from models.heads import HeadOptions
from models.inference_config import ENTITIES_MIN_SCORE


def usual_analyzer_config(threads: int) -> AnalyzerConfig:
    """The settings of an analyzer; a test holds them equal to the job's."""
    return AnalyzerConfig(
        provider="auto",
        threads=threads,
        streams=threads,
        batch=BatchPolicy(max_tokens=4096, max_count=32, deadline_s=0.002),
        cache_entries=5_000,
        cache_ttl_s=3600,
        language_min_confidence=0.5,
        language_high_accuracy=False,
        heads=HeadOptions(
            topics_precision=0.8,
            entities_score=ENTITIES_MIN_SCORE,
            summary_sentences=3,
            summary_characters=600,
            tags=8,
        ),
    )
