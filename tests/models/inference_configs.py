"""How models are run in tests: on one processor, each text at once; what matters is changed."""

from models.analyzer import AnalyzerConfig
from models.batching import BatchPolicy
from models.heads import HeadOptions
from models.inference_config import InferenceConfig

INFERENCE = InferenceConfig(
    provider="cpu",
    threads=1,
    streams=1,
    batch=BatchPolicy(max_tokens=4096, max_count=32, deadline_s=0.0),
    cache_entries=100,
    cache_ttl_s=60,
    language_min_confidence=0.5,
    language_high_accuracy=False,
)
HEADS = HeadOptions(
    topics_precision=0.8,
    entities_score=0.5,
    summary_sentences=3,
    summary_characters=600,
    tags=8,
)
ANALYZER = AnalyzerConfig(**vars(INFERENCE), heads=HEADS)
